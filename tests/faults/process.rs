//! pgwarden's own process: told to stop under load, short of memory, given a file that is none.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::json;

use super::ground::{Ground, POLICY};
use super::row::row;
use super::served::{Served, has_rows, words};
use crate::support::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load() {
    let ground = Ground::shared().await;
    let served = Served::start(&ground, "").await;
    let served = std::sync::Arc::new(tokio::sync::Mutex::new(served));
    let (quick, pid) = {
        let served = served.lock().await;
        let calls: Vec<_> = (0..2).map(|_| served.raw_query("SELECT s.wait(1.5)")).collect();
        let address = served.address.clone();
        let calls: Vec<_> = calls.into_iter().map(|call| tokio::spawn(raw(address.clone(), call))).collect();
        let endless = tokio::spawn(raw(address, served.raw_query("SELECT s.wait(300)")));
        ((calls, endless), served.pid())
    };
    until("three statements run", async || (ground.backends("active").await.len() == 3).then_some(())).await;
    super::ground::signal(pid, Signal::SIGTERM);
    let began = Instant::now();
    let ((calls, endless), mut served) = (quick, served.lock().await);
    let refused = until("nobody else is let in", async || {
        tokio::net::TcpStream::connect(&served.address).await.is_err().then(|| began.elapsed())
    })
    .await;
    let answers: Vec<String> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| answer.contains("\"rows\":[[")), "{answers:?}");
    let status = served.ended().await;
    let took = began.elapsed();
    let cut = endless.await.unwrap();
    assert!(!cut.contains("\"rows\""), "{cut}");
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(18), "{took:?}");
    until("no connection is left", async || ground.backends("%").await.is_empty().then_some(())).await;
    row(
        "SIGTERM under load",
        "three statements ran in pg_stat_activity when the signal was sent",
        "what ends in time is answered, the rest is cancelled, the status is 0",
        &format!(
            "two answered, one cancelled; closed to others by {:.1} s; ended after {:.1} s; no backend is left",
            refused.as_secs_f64(),
            took.as_secs_f64()
        ),
    );
}

/// Everything that comes back on a connection of its own.
async fn raw(address: String, call: String) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(call.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        heard.extend_from_slice(&buffer[..count]);
        if String::from_utf8_lossy(&heard).contains("\"result\"") {
            break;
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_policy_does_not_replace_a_good_one() {
    let ground = Ground::shared().await;
    let served = Served::start(&ground, "").await;
    let notes = "SELECT count(*) FROM s.notes";
    assert!(has_rows(&served.query(notes).await, &json!([[100]])));
    let file = served.folder.path().join("policy.toml");
    let mut places = Vec::new();
    for bad in [&POLICY[..POLICY.len() / 3], "version = 1\n[[alow]]\nselect = [\"*.*\"]\n"] {
        std::fs::write(&file, bad).unwrap();
        served.signal(Signal::SIGHUP);
        let told = until("it is told", async || {
            let (status, text) = served.path("/readyz").await;
            (status == 200 && text.starts_with("degraded: policy not taken")).then_some(text)
        });
        places.push(told.await.trim().to_owned());
        assert!(has_rows(&served.query(notes).await, &json!([[100]])));
        let refused = served.query("SELECT count(*) FROM pg_authid").await.unwrap();
        assert_eq!(refused["isError"], true, "{refused}");
        std::fs::write(&file, POLICY).unwrap();
        served.signal(Signal::SIGHUP);
        until("it is well", async || (served.path("/readyz").await.1 == "ready\n").then_some(())).await;
    }
    let place = places[1].rsplit(": ").next().unwrap().to_owned();
    assert!(place.starts_with("policy.toml:2"), "{places:?}");
    row(
        "bad reload",
        &format!("/readyz names {place}"),
        "the old policy stays in force, and everybody is told",
        "a torn file and a misspelt key: calls decided as before, degraded meanwhile, ready after the mend",
    );
}

/// A control group of memory, for whoever may make one; gone with the test.
struct Group(PathBuf);

impl Group {
    fn create(bytes: u64) -> Option<Self> {
        let kinds = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        kinds.into_iter().find_map(|(root, limit)| {
            let folder = Path::new(root).join(format!("pgwarden-faults-{}", std::process::id()));
            std::fs::create_dir(&folder).ok()?;
            let group = Self(folder);
            std::fs::write(group.0.join(limit), bytes.to_string()).ok()?;
            Some(group)
        })
    }

    /// The program, in the group from its first instruction on.
    fn program(&self) -> Command {
        let mut command = Command::new("sh");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("NO_COLOR", "1");
        let enter = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", self.0.display());
        command.args(["-c", &enter, "sh", env!("CARGO_BIN_EXE_pgwarden")]);
        command
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Empty only when its process is gone.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_memory_limit() {
    let ground = Ground::shared().await;
    let megabytes = 256_u64;
    let group = Group::create(megabytes * 1024 * 1024);
    // Without one, what the process may map is bounded: stacks are most of that.
    let mapped = 800;
    let command = group.as_ref().map_or_else(
        || {
            let mut command = Command::new("prlimit");
            command.arg(format!("--data={}", mapped * 1024 * 1024)).arg(env!("CARGO_BIN_EXE_pgwarden"));
            command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("NO_COLOR", "1");
            command
        },
        Group::program,
    );
    let mut served = Served::by(command, &ground, "[limits]\nrows = 2000000\n").await;
    let proof = match &group {
        Some(group) => {
            let members = std::fs::read_to_string(group.0.join("cgroup.procs")).unwrap();
            assert!(members.lines().any(|member| member == served.pid().to_string()), "{members}");
            format!("the process is in a control group of {megabytes} MB")
        }
        None => {
            let limits = std::fs::read_to_string(format!("/proc/{}/limits", served.pid())).unwrap();
            let limit = limits.lines().find(|line| line.starts_with("Max data size")).unwrap();
            assert!(limit.contains(&(mapped * 1024 * 1024).to_string()), "{limit}");
            format!("/proc/PID/limits shows {mapped} MB of data, by prlimit")
        }
    };
    let sums: Vec<String> = (0..10).map(|more| format!("md5((n + {more})::text)")).collect();
    let heavy = format!("SELECT n, {} AS x FROM generate_series(1, 200000) AS n", sums.join(" || "));
    let answers = join_all((0..4).map(|_| served.query(&heavy))).await;
    let mut answered = 0;
    for answer in answers {
        let answer = answer.unwrap();
        let right = answer["structuredContent"]["rows"][0][0] == 1;
        assert!(right || answer["isError"] == true, "{}", words(&answer));
        answered += u32::from(right);
    }
    until("PostgreSQL is done", async || ground.backends("active").await.is_empty().then_some(())).await;
    let resident = served.resident() / 1024;
    assert!(has_rows(&served.query("SELECT 1").await, &json!([[1]])));
    assert!(answered > 0, "nobody was answered");
    assert!(served.child.try_wait().unwrap().is_none() && resident < megabytes, "{resident} MB");
    ground.nothing_is_left(6).await;
    drop(served);
    row(
        "memory limit of pgwarden",
        &proof,
        "four answers of 60 MB each do not end the process",
        &format!("{answered} first pages, {resident} MB resident, calls work"),
    );
}
