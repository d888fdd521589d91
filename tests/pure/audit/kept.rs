//! What a start takes up again, and rotation.

use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn a_line_that_a_crash_left_is_closed_and_told_of() {
    let log = Log::new();
    log.session(3).await;
    let text = log.text();
    std::fs::write(log.path(), &text[..text.len() - 40]).unwrap();
    assert_eq!(log.verify(&[]).0, 1);
    log.session(1).await;
    let (status, said) = log.verify(&[]);
    assert!(status == 0 && said.contains("note: 1 lines were left unfinished"), "{said}");
    // Nothing of it was written over.
    assert!(log.text().starts_with(&text[..text.len() - 40]));
    let lines = log.lines();
    let torn = text.lines().last().unwrap().len() - 39;
    assert!(
        lines[5].contains(&format!("\"event\":\"recovered\",\"bytes\":{torn},\"sha256\":")),
        "{}",
        lines[5]
    );
    // Nobody can hide a line by calling it torn.
    let mut changed = lines.clone();
    changed[4].pop();
    log.put(&changed);
    assert_eq!(log.verify(&[]).0, 1);
}

#[tokio::test]
async fn a_record_that_lacks_its_end_is_one() {
    let log = Log::new();
    log.session(3).await;
    std::fs::write(log.path(), log.text().trim_end()).unwrap();
    log.session(0).await;
    assert_eq!(log.events(), ["start", "run", "run", "run", "stop", "recovered", "start", "stop"]);
    assert!(log.verify(&[]).1.starts_with("whole: 8 records"));
}

#[tokio::test]
async fn no_line_is_lost_where_files_are_put_aside_under_load_and_processes_come_and_go() {
    let mut log = Log::new();
    let path = log.path();
    log.settings.at = At::File { path: path.clone(), rotate_bytes: 50_000, keep_files: 1_000 };
    for process in 0..3 {
        let audit = log.open().await.unwrap();
        let threads = (0..4).map(|thread| {
            let audit = Arc::clone(&audit);
            std::thread::spawn(move || {
                for number in 0..500 {
                    took(&audit, &format!("{process}-{thread}-{number}"));
                }
            })
        });
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
        announced(&audit, "w").await.unwrap();
        audit.close().await;
    }
    let mut files: Vec<PathBuf> =
        log.folder.path().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 10, "{files:?}");
    let mut ids = BTreeSet::new();
    for file in &files {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            if record["event"] == "run" {
                ids.insert(record["query_id"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(ids.len(), 6_000);
    files.reverse();
    let (status, said) = verify(&files, &[]);
    // A start, a stop and a write each.
    assert!(status == 0 && said.starts_with("whole: 6009 records, 1 to 6009\n"), "{said}");
    // One of them is gone.
    let middle = files.iter().position(|file| file.ends_with("audit.jsonl.5")).unwrap();
    files.remove(middle);
    let (status, said) = verify(&files, &[]);
    assert!(status == 1 && said.contains("records were taken out"), "{said}");
    // Only the last are left, as where more than `keep_files` were put aside.
    files.retain(|file| file.ends_with("audit.jsonl") || file.ends_with("audit.jsonl.1"));
    let (status, said) = verify(&files, &[]);
    assert!(status == 0 && said.contains("are not here"), "{said}");
}

#[tokio::test]
async fn only_so_many_files_are_kept() {
    let mut log = Log::new();
    let path = log.path();
    log.settings.at = At::File { path: path.clone(), rotate_bytes: 1, keep_files: 2 };
    log.session(0).await;
    log.session(0).await;
    let mut names: Vec<String> = log
        .folder
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]);
    assert!(log.text().starts_with("{\"seq\":4,"), "{}", log.text());
}
