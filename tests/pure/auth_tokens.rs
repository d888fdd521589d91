//! Static bearer tokens: what is kept of them, and whom they let in.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use chrono::{Duration, Utc};
use pgwarden::auth::{NewToken, Scopes, TokenError, TokenFile, TokenStore};
use tokio_util::sync::CancellationToken;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tokens.toml")
    }
}

fn token(name: &str) -> NewToken {
    NewToken { name: name.to_owned(), subject: "ci@example.com".to_owned(), ..NewToken::default() }
}

#[test]
fn a_token_stands_for_its_subject_and_claims() {
    let folder = Folder::new();
    let claims = BTreeMap::from([("role".to_owned(), "analyst \"quoted\"\n\u{7f}é".to_owned())]);
    let secret = TokenFile::open(folder.path())
        .unwrap()
        .create(NewToken { claims: claims.clone(), ..token("ci \"1\"\n") })
        .unwrap();
    let caller = TokenStore::load(folder.path()).unwrap().verify(secret.reveal()).unwrap();
    assert_eq!((caller.subject.as_str(), caller.claims), ("ci@example.com", claims.into_iter().collect()));
}

#[test]
fn the_file_is_private_and_has_no_token_in_it() {
    let folder = Folder::new();
    let mut file = TokenFile::open(folder.path()).unwrap();
    let secret = file.create(token("ci")).unwrap();
    let text = fs::read_to_string(folder.path()).unwrap();
    let (id, proof) = secret.reveal().strip_prefix("pgw_").unwrap().split_at(13);
    assert_eq!((id.len(), proof.len()), (13, 43), "48 bits of name, 256 bits of proof");
    assert!(!text.contains(proof) && !text.contains(secret.reveal()));
    assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1, "nothing is left behind");
    for shown in [format!("{secret:?}"), format!("{file:?}"), format!("{:?}", file.list())] {
        assert!(!shown.contains(proof), "{shown}");
    }
}

#[test]
fn only_the_whole_token_lets_in() {
    let folder = Folder::new();
    let mut file = TokenFile::open(folder.path()).unwrap();
    let (one, two) = (file.create(token("one")).unwrap(), file.create(token("two")).unwrap());
    assert_ne!(one.reveal(), two.reveal());
    let store = TokenStore::load(folder.path()).unwrap();
    let good = one.reveal();
    let hash = file.list()[0].sha256.clone();
    for wrong in
        ["", "pgw_", &good[..good.len() - 1], &format!("{good}="), &good.to_uppercase(), &hash, &good[4..]]
    {
        assert_eq!(store.verify(wrong), None, "{wrong}");
    }
    let (one_head, two_tail) = (&good[..17], &two.reveal()[17..]);
    assert_eq!(store.verify(&format!("{one_head}{two_tail}")), None, "one's id, two's proof");
    assert!(store.verify(good).is_some() && store.verify(two.reveal()).is_some());
}

#[test]
fn an_expired_token_lets_nobody_in() {
    let folder = Folder::new();
    let mut file = TokenFile::open(folder.path()).unwrap();
    let past = NewToken { expires: Some(Utc::now() - Duration::seconds(1)), ..token("past") };
    let future = NewToken { expires: Some(Utc::now() + Duration::hours(1)), ..token("future") };
    let (past, future) = (file.create(past).unwrap(), file.create(future).unwrap());
    let store = TokenStore::load(folder.path()).unwrap();
    assert_eq!(store.verify(past.reveal()), None);
    assert!(store.verify(future.reveal()).is_some());
    let brief = NewToken { expires: Some(Utc::now() + Duration::milliseconds(300)), ..token("brief") };
    let brief = file.create(brief).unwrap();
    let store = TokenStore::load(folder.path()).unwrap();
    let (_, ended) = store.admit(brief.reveal()).unwrap();
    store.subjects();
    assert!(!ended.is_cancelled());
    std::thread::sleep(std::time::Duration::from_millis(350));
    store.subjects();
    assert!(ended.is_cancelled());
}

#[test]
fn a_token_is_revoked_by_name_or_id() {
    let folder = Folder::new();
    let mut file = TokenFile::open(folder.path()).unwrap();
    let secrets: Vec<_> = ["one", "two", "three"].map(|name| file.create(token(name)).unwrap()).into();
    let id = file.list()[1].id.clone();
    assert_eq!(file.revoke("one").unwrap().name, "one");
    assert_eq!(file.revoke(&id).unwrap().name, "two");
    assert!(matches!(file.revoke("one"), Err(TokenError::Unknown(name)) if name == "one"));
    let store = TokenStore::load(folder.path()).unwrap();
    let verified: Vec<bool> = secrets.iter().map(|secret| store.verify(secret.reveal()).is_some()).collect();
    assert_eq!(verified, [false, false, true]);
}

#[test]
fn a_name_is_used_once_and_every_token_has_a_subject() {
    let folder = Folder::new();
    let mut file = TokenFile::open(folder.path()).unwrap();
    file.create(token("ci")).unwrap();
    assert!(matches!(file.create(token("ci")), Err(TokenError::Exists(_))));
    assert!(matches!(file.create(token(" ")), Err(TokenError::Incomplete("a name"))));
    let nobody = NewToken { subject: String::new(), ..token("other") };
    assert!(matches!(file.create(nobody), Err(TokenError::Incomplete("a subject"))));
    assert_eq!(TokenFile::open(folder.path()).unwrap().list().len(), 1);
}

#[test]
fn a_faulty_file_is_refused_whole() {
    let folder = Folder::new();
    TokenFile::open(folder.path()).unwrap().create(token("ci")).unwrap();
    let good = fs::read_to_string(folder.path()).unwrap();
    let hash = good.split("sha256 = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for bad in [
        good.replace(&hash, "00"),
        good.replace(&hash, &"g".repeat(64)),
        good.replace("subject = \"ci@example.com\"", "subject = \"\""),
        good.replace("name = ", "nmae = "),
        format!("{good}\n{}", good.replace('#', "##")),
        good.replace("created = ", "created = nonsense # "),
        "tokens = 5".to_owned(),
        "[[token]".to_owned(),
    ] {
        assert_ne!(bad, good);
        fs::write(folder.path(), &bad).unwrap();
        assert!(TokenStore::load(folder.path()).is_err(), "{bad}");
    }
}

#[test]
fn a_running_store_follows_the_file_and_keeps_its_tokens_over_a_faulty_one() {
    let folder = Folder::new();
    let mut file = TokenFile::open(folder.path()).unwrap();
    let (one, two) = (file.create(token("one")).unwrap(), file.create(token("two")).unwrap());
    let store = TokenStore::load(folder.path()).unwrap();
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while !done() {
            assert!(std::time::Instant::now() < deadline, "{what}");
            std::thread::yield_now();
        }
    };
    let ended = [&one, &two].map(|secret| store.admit(secret.reveal()).unwrap().1);
    file.revoke("one").unwrap();
    until("a revoked token is refused", &|| store.verify(one.reveal()).is_none());
    assert!(store.verify(two.reveal()).is_some());
    assert_eq!(ended.each_ref().map(CancellationToken::is_cancelled), [true, false]);
    assert!(!store.admit(two.reveal()).unwrap().1.is_cancelled());

    let as_before = fs::read_to_string(folder.path()).unwrap();
    fs::write(
        folder.path(),
        as_before.replace("subject = \"ci@example.com\"", "subject = \"other@example.com\""),
    )
    .unwrap();
    until("the token stands for somebody else", &|| store.subjects().contains("other@example.com"));
    assert!(ended[1].is_cancelled() && !store.admit(two.reveal()).unwrap().1.is_cancelled());

    let good = fs::read(folder.path()).unwrap();
    fs::write(folder.path(), "[[token").unwrap();
    let looked = std::time::Instant::now();
    until("the faulty file was looked at", &|| {
        assert!(store.verify(two.reveal()).is_some(), "what was read before stays");
        looked.elapsed() > std::time::Duration::from_millis(1200)
    });
    fs::write(folder.path(), good).unwrap();
    fs::remove_file(folder.path()).unwrap();
    until("without a file there is no token", &|| store.verify(two.reveal()).is_none());
}

#[test]
fn subjects_are_those_with_a_valid_token() {
    let folder = Folder::new();
    let mut file = TokenFile::open(folder.path()).unwrap();
    let ben = NewToken { subject: "ben".to_owned(), ..token("ben") };
    let gone = NewToken {
        subject: "gone".to_owned(),
        expires: Some(Utc::now() - Duration::seconds(1)),
        ..token("gone")
    };
    for new in [token("one"), token("two"), ben, gone] {
        file.create(new).unwrap();
    }
    let subjects = || TokenStore::load(folder.path()).unwrap().subjects().into_iter().collect::<Vec<_>>();
    assert_eq!(subjects(), ["ben", "ci@example.com"]);
    file.revoke("one").unwrap();
    assert_eq!(subjects(), ["ben", "ci@example.com"]);
    file.revoke("two").unwrap();
    assert_eq!(subjects(), ["ben"]);
}

#[test]
fn a_token_reads_unless_it_says_more() {
    let folder = Folder::new();
    let mut file = TokenFile::open(folder.path()).unwrap();
    let scoped = |name: &str, words: &str| NewToken { scopes: Scopes::parse(words), ..token(name) };
    let plain = file.create(token("plain")).unwrap();
    let writes = file.create(scoped("writes", "write")).unwrap();
    let approves = file.create(scoped("approves", "approve")).unwrap();
    let scopes = |secret: &pgwarden::auth::Secret| {
        let store = TokenStore::load(folder.path()).unwrap();
        store.verify(secret.reveal()).unwrap().scopes.to_string()
    };
    assert_eq!([scopes(&plain), scopes(&writes), scopes(&approves)], ["read", "read write", "approve"]);

    // As files were before there were scopes.
    let text = fs::read_to_string(folder.path()).unwrap();
    let old: String =
        text.lines().filter(|line| !line.starts_with("scopes")).map(|line| format!("{line}\n")).collect();
    assert_ne!(old, text);
    fs::write(folder.path(), &old).unwrap();
    assert_eq!([scopes(&plain), scopes(&writes), scopes(&approves)], ["read", "read", "read"]);

    fs::write(folder.path(), text.replace("\"approve\"", "\"root\"")).unwrap();
    let refused = TokenFile::open(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("`scopes` has a word that is none of read, write, admin, approve"), "{refused}");
}
