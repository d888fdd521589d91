//! The throwaway server: ready fast, reached as asked, gone however its process ends.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pgwarden::embedded::{Auth, Error, Listen, Place, Server, Settings};
use tokio_postgres::NoTls;

use crate::support::until;

/// Set in the process that a test starts to be killed.
const VICTIM: &str = "PGWARDEN_TEST_VICTIM";

async fn ask(url: &str, sql: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client.query_one(sql, &[]).await?.get(0))
}

#[tokio::test]
async fn a_server_on_its_socket_answers_and_is_gone_after_stop() {
    let server = Server::start(Settings { place: Place::Disk, ..Settings::default() }).unwrap();
    let folder = server.socket_dir().to_owned();
    let url = server.url("postgres", server.superuser());
    let listens = "SELECT current_setting('listen_addresses') || current_setting('server_encoding')";
    assert_eq!(ask(&url, listens).await.unwrap(), "UTF8");
    server.stop();
    assert!(!folder.exists());
    assert!(ask(&url, "SELECT 'still there'").await.is_err());
}

#[tokio::test]
async fn on_loopback_a_scram_password_is_asked_for() {
    let auth = Auth::Scram { password: r"it's 100%: \o/".to_owned() };
    let server = Server::start(Settings { listen: Listen::Loopback, auth, ..Settings::default() }).unwrap();
    let url = server.url("postgres", server.superuser());
    assert!(url.contains("@127.0.0.1:"), "{url}");
    let method = "SELECT left(rolpassword, 13) FROM pg_authid WHERE rolname = current_user";
    assert_eq!(ask(&url, method).await.unwrap(), "SCRAM-SHA-256");
    let without = format!("postgresql://postgres:wrong@127.0.0.1:{}/postgres", server.port());
    let refused = ask(&without, "SELECT 'in'").await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "28P01");
}

#[tokio::test]
async fn parameters_are_set_and_a_restart_keeps_data_and_address() {
    let parameters = vec![("work_mem".to_owned(), "7MB".to_owned())];
    let listen = Listen::Loopback;
    let mut server = Server::start(Settings { parameters, listen, ..Settings::default() }).unwrap();
    let url = server.url("postgres", server.superuser());
    assert_eq!(ask(&url, "SELECT current_setting('work_mem')").await.unwrap(), "7MB");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let broken = tokio::spawn(connection);
    client.batch_execute("CREATE TABLE kept AS SELECT 'kept'::text AS word").await.unwrap();
    server.restart().unwrap();
    broken.await.unwrap().unwrap_err();
    assert_eq!(ask(&url, "SELECT word FROM kept").await.unwrap(), "kept");
}

#[tokio::test]
async fn a_frozen_server_is_a_template_for_the_next() {
    let keep = tempfile::tempdir().unwrap();
    let template = keep.path().join("template");
    let server = Server::start(Settings::default()).unwrap();
    let url = server.url("postgres", server.superuser());
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE kept AS SELECT 'kept'::text AS word").await.unwrap();
    server.freeze(&template).unwrap();
    let server = Server::start(Settings { template: Some(template), ..Settings::default() }).unwrap();
    let url = server.url("postgres", server.superuser());
    assert_eq!(ask(&url, "SELECT word FROM kept").await.unwrap(), "kept");
}

#[test]
fn a_server_that_cannot_start_says_why_and_leaves_nothing() {
    if std::env::var_os(VICTIM).is_some() {
        let parameters = vec![("no_such_parameter".to_owned(), "on".to_owned())];
        let error =
            Server::start(Settings { parameters, place: Place::Disk, ..Settings::default() }).unwrap_err();
        assert!(matches!(error, Error::Stopped { .. }), "{error:?}");
        assert!(error.to_string().contains("no_such_parameter"), "{error}");
        return;
    }
    // A folder for temporary files of its own shows what is left there.
    let temporary =
        tempfile::Builder::new().permissions(Permissions::from_mode(0o1777)).tempdir_in("/tmp").unwrap();
    let mut again = this_test_again("a_server_that_cannot_start_says_why_and_leaves_nothing");
    let output = again.env("TMPDIR", temporary.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(temporary.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_killed_process_leaves_neither_server_nor_folder() {
    dies_clean("a_killed_process_leaves_neither_server_nor_folder", Signal::SIGKILL).await;
}

#[tokio::test]
async fn a_terminated_process_leaves_neither_server_nor_folder() {
    dies_clean("a_terminated_process_leaves_neither_server_nor_folder", Signal::SIGTERM).await;
}

#[tokio::test]
async fn an_interrupted_process_leaves_neither_server_nor_folder() {
    dies_clean("an_interrupted_process_leaves_neither_server_nor_folder", Signal::SIGINT).await;
}

/// Runs `test` again as a process of its own that only starts a server, and ends it by `signal`.
async fn dies_clean(test: &str, signal: Signal) {
    if std::env::var_os(VICTIM).is_some() {
        return wait_for_death();
    }
    let mut victim = this_test_again(test).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (server, folder) = announced(&mut victim);
    assert!(folder.join("data/postmaster.pid").exists());
    kill(Pid::from_raw(victim.id().try_into().unwrap()), signal).unwrap();
    victim.wait().unwrap();
    until("the server ends", || async { kill(server, None).is_err().then_some(()) }).await;
    until("the folder is removed", || async { (!folder.exists()).then_some(()) }).await;
}

fn this_test_again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("postgres::embedded::{test}"), "--nocapture"]).env(VICTIM, "1");
    command
}

fn wait_for_death() {
    let server = Server::start(Settings::default()).unwrap();
    println!("\nvictim {} {}", server.pid(), server.socket_dir().display());
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

fn announced(victim: &mut Child) -> (Pid, PathBuf) {
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut announcement = lines.map_while(Result::ok).filter(|line| line.starts_with("victim "));
    let line = announcement.next().expect("the process starts a server");
    let mut words = line.split(' ').skip(1);
    (Pid::from_raw(words.next().unwrap().parse().unwrap()), Path::new(words.next().unwrap()).to_owned())
}
