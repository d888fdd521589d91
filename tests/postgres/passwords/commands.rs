//! A password that a program prints.

use tokio::time::timeout;

use super::*;

const BINARIES: &str = "/usr/lib/postgresql";

/// psql, beside the server or where the shell finds it.
fn psql() -> String {
    let found =
        |folder: PathBuf| folder.join("psql").exists().then(|| folder.join("psql").display().to_string());
    let named = std::env::var("PGWARDEN_PG_BIN").ok().map(PathBuf::from);
    let debian = fs::read_dir(BINARIES).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    named.into_iter().chain(debian).find_map(found).unwrap_or_else(|| "psql".to_owned())
}

/// Each run gives the role another password in PostgreSQL, so that the last one is worth nothing any more.
#[tokio::test]
async fn a_program_mints_passwords_while_callers_connect_and_no_call_fails() {
    let ground = ground("nobody knows").await;
    let lifetime = Duration::from_secs(1);
    let mint = format!(
        "new=minted-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')\n\
         {} -qX '{}' -c \"ALTER ROLE {} PASSWORD '$new'\" || exit 4\n\
         echo run >> {}\necho $new",
        psql(),
        ground.database.admin_url(),
        ground.login,
        ground.path("runs").display(),
    );
    let settings = ground.by(&ground.command(&mint, lifetime));
    let begun = Instant::now();
    let (calls, failed) = callers(&settings, until(begun + Duration::from_secs(8))).await;
    let runs = ground.lines("runs");
    assert_eq!(failed, None, "after {calls} calls and {runs} runs");
    // Anew at four fifths of a lifetime, at the earliest.
    let most = begun.elapsed().as_millis() / 800 + 1;
    assert!(
        runs >= 3 && runs as u128 <= most && calls > runs * 2,
        "{calls} calls, {runs} runs, {most} at the most"
    );
}

/// What PostgreSQL refuses is asked for once more, at once; what it goes on refusing, not by every call.
#[tokio::test]
async fn a_refused_password_is_renewed_once_and_a_wrong_one_runs_no_storm() {
    let ground = ground("first").await;
    ground.write("vault", "first\n");
    let (vault, runs) =
        (ground.path("vault").display().to_string(), ground.path("runs").display().to_string());
    let passwords = ground.command(&format!("echo run >> {runs}\ncat {vault}"), Duration::from_secs(600));
    let settings = ground.by(&passwords);
    for _ in 0..5 {
        connect(&settings).await.unwrap();
    }
    assert_eq!(ground.lines("runs"), 1);
    ground.write("vault", "second\n");
    ground.set("second").await;
    connect(&settings).await.unwrap();
    connect(&settings).await.unwrap();
    assert_eq!(ground.lines("runs"), 2);
    ground.set("never told").await;
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(connect(&settings).await.unwrap_err().sqlstate.as_str(), "28P01");
    }
    // At once, and after 1 s, 2 s, 4 s, ..
    let most = 2 + begun.elapsed().as_secs().checked_ilog2().map_or(1, |pauses| pauses as usize + 2);
    assert!(ground.lines("runs") <= most, "{} runs, {most} at the most", ground.lines("runs"));
}

/// The program's output and what it says of itself are in no answer; what failed is not run by every call.
#[tokio::test]
async fn a_failing_program_is_told_without_what_it_said_and_not_run_by_every_call() {
    let ground = ground("kanari").await;
    let runs = ground.path("runs").display().to_string();
    for (text, fault) in [
        ("echo kanari-token\necho 'kanari-reason' >&2\nexit 3", "failed: exit status: 3"),
        ("exit 0", "printed is empty"),
        ("echo kanari-one; echo kanari-two", "printed has more than one line"),
        ("yes kanari", "printed more than 65536 bytes"),
        ("kill -9 $$", "failed: signal: 9 (SIGKILL)"),
    ] {
        let settings =
            ground.by(&ground.command(&format!("echo run >> {runs}\n{text}"), Duration::from_secs(60)));
        let _ = fs::remove_file(&runs);
        let begun = Instant::now();
        let all = futures_util::future::join_all((0..30).map(|_| connect(&settings))).await;
        for failed in all.into_iter().map(Result::unwrap_err) {
            assert_eq!((failed.sqlstate.as_str(), failed.retryable), ("28000", false), "{failed}");
            assert!(failed.message.ends_with(fault), "{failed}");
            assert!(failed.hint.as_deref().unwrap().contains("first line of its stderr"), "{failed}");
            assert!(!format!("{failed:?}").contains("kanari"), "{failed:?}");
        }
        let most = 1 + begun.elapsed().as_secs() as usize;
        assert!(ground.lines("runs") <= most, "{text}: {} runs, {most} at the most", ground.lines("runs"));
    }
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_with_what_it_has_started() {
    let ground = ground("kanari").await;
    let pids = ground.path("pids").display().to_string();
    let text = format!("sleep 4711 & echo $! > {pids}\necho $$ >> {pids}\nwait");
    let settings = ground.by(&ground.command(&text, Duration::from_secs(60)));
    let failed = timeout(Duration::from_secs(60), connect(&settings)).await.unwrap().unwrap_err();
    assert!(failed.message.ends_with("did not end within 8 s"), "{failed}");
    let pids = fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    crate::support::until("none of them is left", async || {
        let lives = |pid: &str| {
            // Of another's orphan, only the state tells.
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ")
        };
        (!pids.lines().any(lives)).then_some(())
    })
    .await;
    // The first process was waited for: it is no zombie.
    let own = format!("/proc/{}", pids.lines().nth(1).unwrap());
    crate::support::until("it is waited for", async || (!Path::new(&own).exists()).then_some(())).await;
}

/// Who could exchange the program would get whatever it may ask for.
#[tokio::test]
async fn a_program_that_others_can_write_is_not_run() {
    let ground = ground("right").await;
    let passwords = ground.command("echo right", Duration::from_secs(60));
    let settings = ground.by(&passwords);
    for (mode, fault) in
        [(0o720, "can be written by others"), (0o702, "can be written by others"), (0o600, "is no program")]
    {
        fs::set_permissions(ground.path("mint"), Permissions::from_mode(mode)).unwrap();
        let settings = ground.by(&Passwords::of_command(PasswordCommand::new(
            ground.path("mint"),
            Vec::new(),
            Duration::from_secs(1),
        )));
        let failed = connect(&settings).await.unwrap_err();
        assert!(failed.message.ends_with(fault), "{mode:o}: {failed}");
    }
    fs::set_permissions(ground.path("mint"), Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(ground.folder.path(), Permissions::from_mode(0o707)).unwrap();
    let failed = connect(&settings).await.unwrap_err();
    assert!(failed.message.starts_with("the folder of program"), "{failed}");
    fs::set_permissions(ground.folder.path(), Permissions::from_mode(0o700)).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    connect(&settings).await.unwrap();
}
