//! What somebody did to the file afterwards, and what `verify` says of it.

use super::*;

/// What it prints behind `head: `.
fn head(said: &str) -> String {
    said.lines().find_map(|line| line.strip_prefix("head: ")).unwrap().to_owned()
}

#[tokio::test]
async fn every_change_of_the_lines_is_found_where_it_is() {
    for log in [Log::new(), Log::keyed()] {
        log.session(6).await;
        let keyed = log.settings.key.is_some();
        let key_file = log.key_file();
        let more: &[&str] = if keyed { &["--key-file", &key_file] } else { &[] };
        let lines = log.lines();
        assert_eq!(log.events(), ["start", "run", "run", "run", "run", "run", "run", "stop"]);
        let (status, said) = log.verify(more);
        assert!(status == 0 && said.starts_with("whole: 8 records, 1 to 8\nhead: 8:"), "{said}");
        let broken = |change: &dyn Fn(&mut Vec<String>), place: &str, reason: &str| {
            let mut changed = lines.clone();
            change(&mut changed);
            log.put(&changed);
            let (status, said) = log.verify(more);
            let at = format!("broken: {}:{place}: {reason}", log.path().display());
            assert!(status == 1 && said.starts_with(&at), "{at}\n{said}");
        };
        broken(
            &|lines| lines[2] = lines[2].replace("\"rows\":3", "\"rows\":4"),
            "3",
            "the record is not what was hashed",
        );
        broken(&|lines| drop(lines.remove(2)), "3", "record 4 stands where 3 was");
        broken(&|lines| lines.swap(2, 3), "3", "record 4 stands where 3 was");
        broken(&|lines| lines.insert(3, lines[2].clone()), "4", "record 3 stands where 4 was");
        broken(&|lines| lines.insert(3, "{}".to_owned()), "4", "this is no record");
        broken(&|lines| lines[7].truncate(100), "8", "this is no record");
        // The half of a line, without its end.
        std::fs::write(log.path(), log.text().trim_end()).unwrap();
        let (status, said) = log.verify(more);
        assert!(status == 1 && said.contains(":8: the line has no end"), "{said}");
    }
}

#[tokio::test]
async fn a_tail_that_was_cut_is_found_by_whoever_kept_the_head() {
    let log = Log::new();
    log.session(6).await;
    let kept = head(&log.verify(&[]).1);
    let lines = log.lines();
    log.put(&lines[..5]);
    // What is left is a log as it was once: without more, nobody can say.
    assert_eq!(log.verify(&[]).0, 0);
    let (status, said) = log.verify(&["--head", &kept]);
    assert_eq!(status, 1);
    assert!(said.contains("the last record is 5, and 8 was there: the end was cut off"), "{said}");
    // A log that grew holds it still.
    log.put(&lines);
    log.session(2).await;
    assert_eq!(log.verify(&["--head", &kept]).0, 0);
}

/// Who may write the file can write all of it anew: only a key, or a head that was kept, shows that.
#[tokio::test]
async fn a_log_that_was_written_anew_is_found_by_its_key_or_its_head() {
    let (ours, theirs) = (Log::keyed(), Log::new());
    ours.session(6).await;
    theirs.session(6).await;
    let key_file = ours.key_file();
    let kept = head(&ours.verify(&["--key-file", &key_file]).1);
    std::fs::copy(theirs.path(), ours.path()).unwrap();
    assert_eq!(ours.verify(&[]).0, 0);
    let (status, said) = ours.verify(&["--key-file", &key_file]);
    assert!(
        status == 1
            && said.contains(
                ":1: the record is not what was hashed: it was changed, or hashed with another key"
            ),
        "{said}"
    );
    let (status, said) = ours.verify(&["--head", &kept]);
    assert!(
        status == 1 && said.contains("record 8 is another one than it was: the log was written anew"),
        "{said}"
    );
    // Nor does a process go on with it.
    let refused = ours.open().await.unwrap_err();
    assert!(refused.message.contains("is not a record as it was written"), "{}", refused.message);
}
