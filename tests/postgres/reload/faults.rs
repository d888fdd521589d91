//! What cannot be used is not: the version before is enforced, and the log, `/readyz`, the metrics and the audit log say so.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::json;

use super::serving::call;
use super::*;
use crate::postgres::policies::Folder;
use crate::postgres::policies::serving::Serving;
use crate::support::until;

/// A server whose folder can be spoilt in one way after the other.
struct Spoilt {
    serving: Serving,
    folder: Folder,
    url: String,
    metrics: String,
    audit: PathBuf,
}

impl Spoilt {
    fn write(&self, mark: &str) {
        write(self.folder.path("").as_path(), mark, &self.url, &self.more());
    }

    fn more(&self) -> String {
        more(&self.metrics, &self.audit)
    }

    async fn refused(&self) -> u64 {
        let page =
            reqwest::get(format!("http://{}/metrics", self.metrics)).await.unwrap().text().await.unwrap();
        let refused =
            |line: &&str| line.starts_with("pgwarden_reloads_total") && line.contains("result=\"refused\"");
        let counts =
            page.lines().filter(refused).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
        let is_pending = page.lines().any(|line| line == "pgwarden_reload_refused 1");
        assert_eq!(is_pending, self.serving.ready().await.1.starts_with("degraded"), "{page}");
        counts.sum::<f64>() as u64
    }

    fn recorded(&self) -> usize {
        let text = std::fs::read_to_string(&self.audit).unwrap();
        let lines = text.lines().filter(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            let is_reload =
                ["reload", "policy", "saved_queries"].iter().any(|event| record["event"] == *event);
            is_reload && record["outcome"] == "refused" && record["fault"].is_string()
        });
        lines.count()
    }
}

fn more(metrics: &str, audit: &Path) -> String {
    format!("[metrics]\nlisten = \"{metrics}\"\n[audit]\nfile = {audit:?}\n")
}

async fn spoilt() -> (Database<'static>, Spoilt) {
    let (database, folder) = (marked().await, Folder::new());
    let (url, audit) = (database.url(READER), folder.path("audit.jsonl"));
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    write(folder.path("").as_path(), "A", &url, &more(&metrics, &audit));
    let serving = Serving::start(&folder.path("pgwarden.toml")).await;
    until("ready", async || (serving.ready().await.1 == "ready\n").then_some(())).await;
    (database, Spoilt { serving, folder, url, metrics, audit })
}

#[tokio::test]
async fn whatever_is_wrong_with_a_file_the_version_before_is_enforced_and_everybody_is_told() {
    let (database, spoilt) = spoilt().await;
    let Spoilt { serving, folder, .. } = &spoilt;
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap();
    let (config, policy) = (read("pgwarden.toml"), read("policy.toml"));
    let cut = |text: &str| text[..text.len() - 12].to_owned();
    let gone = "[databases.gone]\nurl = \"postgres://nobody@127.0.0.1:9/nowhere?connect_timeout=2\"\n";
    let (as_a_folder, absent) = ("a folder", "absent");
    let listen = "[server]\nlisten = \"127.0.0.1:1\"\n";
    let super_url = database.admin_url();
    let powerful = format!("[databases.admin]\nurl = \"{super_url}\"\n");
    // What is done to which file, what the log says, what /readyz says.
    let table: Vec<(&str, String, &str, &str)> = vec![
        ("pgwarden.toml", cut(&config), "configuration not taken", "pgwarden.toml:"),
        ("pgwarden.toml", String::new(), "pgwarden.toml:1:1: is empty", "pgwarden.toml:1:1"),
        ("pgwarden.toml", " \n".to_owned(), "pgwarden.toml:1:1: is empty", "pgwarden.toml:1:1"),
        ("pgwarden.toml", config.replace("rows", "rowz"), "unknown key `rowz`", "pgwarden.toml:6:1"),
        ("pgwarden.toml", format!("{config}\n[["), "configuration not taken", "pgwarden.toml:"),
        ("pgwarden.toml", format!("{config}\n{gone}"), "database `gone` is not ready", "pgwarden.toml:13:1"),
        (
            "pgwarden.toml",
            format!("{config}\n{powerful}"),
            "database `admin` is not ready",
            "pgwarden.toml:13:1",
        ),
        (
            "pgwarden.toml",
            format!("{listen}{config}"),
            "`[server] listen` needs a restart",
            "pgwarden.toml:2:1",
        ),
        ("pgwarden.toml", absent.to_owned(), "pgwarden.toml: cannot be read", "pgwarden.toml:1:1"),
        ("pgwarden.toml", as_a_folder.to_owned(), "pgwarden.toml: cannot be read", "pgwarden.toml:1:1"),
        ("policy.toml", cut(&policy), "policy.toml:", "policy.toml:"),
        ("policy.toml", String::new(), "policy.toml:1:1", "policy.toml:1:1"),
        ("policy.toml", absent.to_owned(), "policy.toml:1:1: the policy cannot be read", "policy.toml:1:1"),
        (
            "policy.toml",
            as_a_folder.to_owned(),
            "policy.toml:1:1: the policy cannot be read",
            "policy.toml:1:1",
        ),
        (
            "policy.toml",
            policy.replace("include = []", "include = [\"absent.toml\"]"),
            "policy.toml:2:12: ",
            "policy.toml:2:12",
        ),
        ("policy.toml", policy.replace("shop.marked.secret", "shop.marked.secrat"), "secrat", "policy.toml:"),
        ("notes.toml", "version = 1\nabuot = 1\n".to_owned(), "notes not taken", "notes.toml:2:1"),
        ("queries.toml", cut(&read("queries.toml")), "saved queries of `shop` not taken", "queries.toml:"),
    ];
    for (at, (file, text, logged, degraded)) in table.iter().enumerate() {
        let what = format!("{at}: {file}: {logged}");
        // All else is of B: none of it may be taken.
        spoilt.write("B");
        let (path, before) = (folder.path(file), (spoilt.refused().await, spoilt.recorded()));
        let spoil = || {
            std::fs::remove_file(&path).unwrap();
            match text.as_str() {
                "absent" => {}
                "a folder" => symlink(folder.path(""), &path).unwrap(),
                text => std::fs::write(&path, text).unwrap(),
            }
        };
        spoil();
        serving.log.lock().unwrap().clear();
        serving.signal(Signal::SIGHUP);
        serving.logs(logged).await;
        let told = until(&what, async || {
            let (status, told) = serving.ready().await;
            (status == 200 && told.contains(degraded)).then_some(told)
        });
        assert!(told.await.starts_with("degraded: "), "{what}");
        assert_eq!(version(&call(&serving.address, "said", json!({})).await), "A", "{what}");
        assert_eq!(
            described(&call(&serving.address, "describe", json!({"relations": ["shop.marked"]})).await),
            "A"
        );
        assert!(spoilt.refused().await > before.0, "{what}");
        until(&what, async || (spoilt.recorded() > before.1).then_some(())).await;
        // It recovers by itself when it is mended.
        let _ = std::fs::remove_file(&path);
        spoilt.write("A");
        until("mended", async || (serving.ready().await.1 == "ready\n").then_some(())).await;
        assert_eq!(version(&call(&serving.address, "said", json!({})).await), "A", "{what}");
    }
    let verified = crate::postgres::cli::run(&["audit", "verify", spoilt.audit.to_str().unwrap()]);
    assert_eq!(verified.status, 0, "{}{}", verified.out, verified.err);
}

#[tokio::test]
async fn a_mount_whose_link_is_turned_to_another_folder_is_taken_whole() {
    let (database, folder) = (marked().await, Folder::new());
    let url = database.url(READER);
    for mark in ["A", "B"] {
        std::fs::create_dir(folder.path(mark)).unwrap();
        write(&folder.path(mark), mark, &url, "");
    }
    // As Kubernetes mounts a ConfigMap.
    symlink("A", folder.path("..data")).unwrap();
    for file in ["pgwarden.toml", "policy.toml", "queries.toml", "notes.toml"] {
        symlink(format!("..data/{file}"), folder.path(file)).unwrap();
    }
    let serving = Serving::start(&folder.path("pgwarden.toml")).await;
    assert_eq!(version(&call(&serving.address, "said", json!({})).await), "A");
    symlink("B", folder.path("..new")).unwrap();
    std::fs::rename(folder.path("..new"), folder.path("..data")).unwrap();
    // Nobody sends a signal.
    let is_b = async || (version(&call(&serving.address, "said", json!({})).await) == "B").then_some(());
    until("the other folder's", is_b).await;
    // Files that are being written, and never the same twice, are left alone.
    let halves = folder.path("B").join("policy.toml");
    let whole = std::fs::read_to_string(&halves).unwrap().replace("seconds = 60", "seconds = 59");
    for length in (40..whole.len()).step_by(20) {
        std::fs::write(&halves, &whole[..length]).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    std::fs::write(&halves, &whole).unwrap();
    serving.logs("policy of `shop` taken").await;
    assert_eq!(version(&call(&serving.address, "said", json!({})).await), "B");
    assert!(!serving.log.lock().unwrap().contains("not taken"));
}
