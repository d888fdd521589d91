//! A password in a file.

use super::*;

/// PostgreSQL hears of each new password a while after the file has it.
#[tokio::test]
async fn a_file_changes_while_callers_connect_and_no_call_fails() {
    let ground = ground("first").await;
    ground.write("password", "first\n");
    let settings = ground.by(&Passwords::of_file(ground.path("password")));
    connect(&settings).await.unwrap();
    let end = Instant::now() + Duration::from_secs(8);
    let rotating = async {
        let mut changes = 0;
        while Instant::now() < end {
            changes += 1;
            let next = format!("next-{changes}");
            ground.write("password", &format!("{next}\n"));
            tokio::time::sleep(Duration::from_millis(200)).await;
            ground.set(&next).await;
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        changes
    };
    let (changes, (calls, failed)) = tokio::join!(rotating, callers(&settings, until(end)));
    assert_eq!(failed, None, "after {calls} calls and {changes} changes");
    assert!(changes >= 3 && calls > changes * 4, "{changes} changes, {calls} calls");
}

#[tokio::test]
async fn a_file_that_holds_no_password_or_is_not_kept_from_others_lets_nobody_in_and_shows_nothing() {
    let ground = ground("kanari-right").await;
    let settings = ground.by(&Passwords::of_file(ground.path("password")));
    let refused = async || connect(&settings).await.unwrap_err();
    let missing = refused().await;
    assert_eq!((missing.sqlstate.as_str(), missing.retryable), ("28000", false));
    assert!(missing.message.contains("cannot be read: No such file"), "{missing}");
    for (text, fault) in [
        ("", "is empty"),
        ("kanari-one\nkanari-two\n", "has more than one line"),
        (&"kanari-long".repeat(7_000), "is longer than 65536 bytes"),
    ] {
        ground.write("password", text);
        let refused = refused().await;
        assert!(refused.message.ends_with(fault), "{refused}");
        assert!(!format!("{refused:?}").contains("kanari"), "{refused:?}");
    }
    ground.write("password", "kanari-right");
    connect(&settings).await.unwrap();
    for mode in [0o644, 0o606] {
        fs::set_permissions(ground.path("password"), Permissions::from_mode(mode)).unwrap();
        let open = refused().await;
        assert!(open.message.ends_with("can be read by others"), "{open}");
        assert!(open.hint.unwrap().contains("chmod 0600"));
    }
    ground.write("password", "kanari-wrong");
    ground.set("kanari-other").await;
    let wrong = refused().await;
    assert_eq!(wrong.sqlstate.as_str(), "28P01");
    assert!(!format!("{wrong:?} {settings:?}").contains("kanari"), "{wrong:?}");
}
