//! Files and folders that others could write to, before the start and under a running process.

use std::os::unix::fs::symlink;

use super::*;

async fn refusal(log: &Log) -> String {
    let refused = log.open().await.unwrap_err();
    assert_eq!((refused.sqlstate.as_str(), refused.rule.as_deref()), ("58030", Some("audit.failed")));
    refused.message
}

#[tokio::test]
async fn nothing_is_recorded_where_others_could_change_it() {
    let log = Log::new();
    mode(log.folder.path(), 0o770);
    assert!(refusal(&log).await.contains("others can write to"));
    mode(log.folder.path(), 0o700);
    let path = log.path();
    fs::write(&path, "").unwrap();
    mode(&path, 0o644);
    assert!(refusal(&log).await.contains("others can read or write"));
    fs::remove_file(&path).unwrap();
    let elsewhere = log.folder.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    mode(&elsewhere, 0o600);
    symlink(&elsewhere, &path).unwrap();
    assert!(refusal(&log).await.contains("cannot be opened"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refusal(&log).await;
    fs::remove_dir(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(refusal(&log).await.contains("is no file"));
    fs::remove_file(&path).unwrap();
    let audit = log.open().await.unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(refusal(&log).await.contains("another process writes to"));
    audit.close().await;
}

#[tokio::test]
async fn a_file_that_was_opened_to_others_takes_no_record_until_it_is_closed() {
    let log = Log::new();
    let audit = log.open().await.unwrap();
    announced(&audit, "first").await.unwrap();
    mode(&log.path(), 0o666);
    let refused = announced(&audit, "second").await.unwrap_err();
    assert_eq!((refused.sqlstate.as_str(), refused.rule.as_deref()), ("58030", Some("audit.failed")));
    assert!(refused.retryable && !refused.message.contains("audit.jsonl"), "{}", refused.message);
    assert!(audit.may_write().is_err() && audit.may_read().is_ok());
    mode(&log.path(), 0o600);
    crate::wait::until("it is written again", async || audit.may_write().ok()).await;
    announced(&audit, "third").await.unwrap();
    audit.close().await;
    assert_eq!(log.verify(&[]).0, 0);
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_left_and_the_chain_goes_on_in_another() {
    let log = Log::new();
    let audit = log.open().await.unwrap();
    let moved = log.folder.path().join("moved");
    fs::rename(log.path(), &moved).unwrap();
    announced(&audit, "w").await.unwrap();
    // A link in its place is not followed.
    let elsewhere = log.folder.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    mode(&elsewhere, 0o600);
    let second = log.folder.path().join("second");
    fs::rename(log.path(), &second).unwrap();
    symlink(&elsewhere, log.path()).unwrap();
    announced(&audit, "w").await.unwrap_err();
    fs::remove_file(log.path()).unwrap();
    crate::wait::until("it is written again", async || audit.may_write().ok()).await;
    audit.reopen();
    audit.close().await;
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "");
    assert!(log.events().contains(&"reopened".to_owned()));
    let (status, said) = verify(&[log.path(), second, moved], &[]);
    assert!(status == 0 && said.starts_with("whole: "), "{said}");
}
