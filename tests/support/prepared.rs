//! A cluster with the template databases in it, made once and kept under `target/tmp`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use pgwarden::embedded::{Binaries, Server, Settings};
use sha2::{Digest as _, Sha256};
use tokio_postgres::{Client, NoTls};

use super::Template;

/// Bump when the way of loading changes.
const FORMAT: &str = "1";

/// The folder of the prepared cluster: `data`, and `<template>.error` for a template that would not load.
pub fn folder() -> PathBuf {
    let clusters = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clusters");
    fs::create_dir_all(&clusters).unwrap();
    let binaries = Binaries::find().unwrap_or_else(|error| panic!("{error}\n{}", error.hint().unwrap()));
    let major = binaries.version().major;
    let ready = clusters.join(format!("{major}-{}", fingerprint(&binaries)));
    // Test processes take turns, so that the cluster is made once.
    let lock = File::create(clusters.join(format!("{major}.lock"))).unwrap();
    lock.lock().unwrap();
    if !ready.is_dir() {
        remove_others(&clusters, &format!("{major}-"));
        let making = clusters.join(format!("{major}-making"));
        fs::create_dir(&making).unwrap();
        prepare(&making);
        fs::rename(&making, &ready).unwrap();
    }
    ready
}

/// `Err` with PostgreSQL's words where the files of `template` do not load.
pub fn outcome(prepared: &Path, template: Template) -> Result<(), String> {
    match fs::read_to_string(prepared.join(format!("{}.error", template.database()))) {
        Ok(error) => Err(error),
        Err(_) => Ok(()),
    }
}

fn fingerprint(binaries: &Binaries) -> String {
    let mut hash = Sha256::new();
    hash.update(FORMAT);
    hash.update(binaries.banner());
    hash.update(binaries.folder().as_os_str().as_encoded_bytes());
    for script in Template::LOADED.into_iter().flat_map(Template::scripts) {
        hash.update(script.name);
        hash.update(script.text);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn remove_others(clusters: &Path, prefix: &str) {
    for entry in clusters.read_dir().unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}

fn prepare(making: &Path) {
    let settings = Settings { parameters: vec![("autovacuum".into(), "off".into())], ..Settings::default() };
    let server = Server::start(settings).unwrap();
    let urls = |database: &str| server.url(database, server.superuser());
    std::thread::scope(|scope| {
        // Our caller may be inside a runtime of its own.
        let loading = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            for template in Template::LOADED {
                if let Err(error) = runtime.block_on(load(template, &urls)) {
                    fs::write(making.join(format!("{}.error", template.database())), error).unwrap();
                }
            }
        });
        loading.join().unwrap();
    });
    server.freeze(&making.join("data")).unwrap();
}

async fn load(template: Template, urls: &impl Fn(&str) -> String) -> Result<(), String> {
    let name = template.database();
    let postgres = connect(&urls("postgres")).await;
    postgres.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
    let client = connect(&urls(name)).await;
    for script in template.scripts() {
        client.batch_execute(&script.text).await.map_err(|error| format!("{}: {error:?}", script.name))?;
    }
    // The same statistics and visibility for every test, since autovacuum is off.
    client.batch_execute("VACUUM ANALYZE").await.unwrap();
    drop(client);
    let closed = format!("ALTER DATABASE {name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false");
    postgres.batch_execute(&closed).await.unwrap();
    Ok(())
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.unwrap_or_else(|e| panic!("{url}: {e:?}"));
    tokio::spawn(connection);
    client
}
