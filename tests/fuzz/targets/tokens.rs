//! Any text as a token file and any bytes as an `Authorization` header: no panic, no caller without the token.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use pgwarden::auth::{NewToken, TokenFile, TokenStore};
use pgwarden::mcp::unchecked::bearer;

/// A store with one token, and that token.
static STORE: LazyLock<(TokenStore, String)> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("pgwarden-fuzz-{}.toml", std::process::id()));
    let mut file = TokenFile::open(&path).expect("a file that is not there has no tokens");
    let token = NewToken { name: "fuzz".to_owned(), subject: "fuzz".to_owned(), ..NewToken::default() };
    let secret = file.create(token).expect("the temporary folder can be written to");
    let store = TokenStore::load(&path).expect("it was written a moment ago");
    // Read once; a store looks at its file again only after a second, and keeps what it had.
    let _ = std::fs::remove_file(&path);
    (store, secret.reveal().to_owned())
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(file) = TokenFile::parse(PathBuf::from("fuzz.toml"), text) {
            for record in file.list() {
                assert!(record.sha256.len() == 64 && !record.subject.trim().is_empty());
            }
        }
    }
    if let Some(token) = bearer(data) {
        let (store, secret) = &*STORE;
        assert!(store.verify(&token).is_none() || token == *secret);
    }
});
