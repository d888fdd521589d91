//! PostgreSQL has no room: on the disk for what spills, and in memory.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use nix::unistd::Uid;
use pgwarden::gateway::{Gateway, QueryRequest};
use pgwarden::pg::Diagnostic;
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, caller};
use super::row::row;

/// Sorts more than its memory holds.
const SPILLS: &str = "SELECT md5(n::text) AS a, repeat('x', 100) AS b FROM generate_series(1, 400000) AS n ORDER BY a LIMIT 200000";

async fn ask(gateway: &Gateway, sql: &str) -> Result<String, Diagnostic> {
    let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let output = gateway.query(&caller(), request, &CancellationToken::new()).await?;
    Ok(output.rows.get().to_owned())
}

/// A small disk, gone with the test.
struct Disk(tempfile::TempDir);

impl Disk {
    /// Only root may.
    fn mount(owner: &fs::Metadata) -> Option<Self> {
        let folder = tempfile::tempdir_in("/dev/shm").ok()?;
        let words = ["-t", "tmpfs", "-o", "size=4m,mode=755", "small"];
        let mounted = Command::new("mount").args(words).arg(folder.path()).status().ok()?;
        mounted.success().then_some(())?;
        let disk = Self(folder);
        chown(disk.0.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        Some(disk)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_for_what_spills() {
    let ground = Ground::own(&[("work_mem", "256kB")]).await;
    let data = ground.one("current_setting('data_directory')").await;
    let disk = Disk::mount(&fs::metadata(&data).unwrap());
    let mut proof = "not root: temp_file_limit of 2 MB instead of a disk".to_owned();
    let mut expected = "53400";
    if let Some(disk) = &disk {
        let place = disk.0.path().display();
        fs::set_permissions(disk.0.path(), fs::Permissions::from_mode(0o700)).unwrap();
        ground.admin.batch_execute(&format!("CREATE TABLESPACE small LOCATION '{place}'")).await.unwrap();
        let grant = format!(
            "GRANT CREATE ON TABLESPACE small TO {0}; ALTER ROLE {0} SET temp_tablespaces = 'small'; ALTER ROLE {0} SET temp_file_limit = -1",
            ground.login
        );
        ground.admin.batch_execute(&grant).await.unwrap();
        (proof, expected) = ("the kernel's tmpfs of 4 MB holds temp_tablespaces".to_owned(), "53100");
    } else {
        let limit = format!("ALTER ROLE {} SET temp_file_limit = '2MB'", ground.login);
        ground.admin.batch_execute(&limit).await.unwrap();
    }
    let gateway = ground.gateway(ground.port(), Duration::from_secs(30));
    gateway.ready().await.unwrap();
    let full = ask(&gateway, SPILLS).await.unwrap_err();
    assert_eq!(full.sqlstate.as_str(), expected, "{full:?}");
    assert_eq!(ask(&gateway, "SELECT count(*) FROM s.notes").await.unwrap(), "[[100]]");
    ground.nothing_is_left(6).await;
    drop(gateway);
    row(
        "temp disk full",
        &proof,
        "PostgreSQL's SQLSTATE; the next call works",
        &format!("{}: {}", full.sqlstate, full.message),
    );
    let end = format!(
        "SELECT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{}'",
        ground.login
    );
    ground.admin.batch_execute(&end).await.unwrap();

    let limit = format!("ALTER ROLE {} SET temp_file_limit = '2MB'", ground.login);
    ground.admin.batch_execute(&limit).await.unwrap();
    let gateway = ground.gateway(ground.port(), Duration::from_secs(30));
    let limited = ask(&gateway, SPILLS).await.unwrap_err();
    assert_eq!(limited.sqlstate.as_str(), "53400", "{limited:?}");
    assert_eq!(ask(&gateway, "SELECT count(*) FROM s.notes").await.unwrap(), "[[100]]");
    ground.nothing_is_left(6).await;
    row(
        "temp_file_limit",
        "the role's temp_file_limit is 2 MB, and the statement spills more",
        "PostgreSQL's SQLSTATE; the next call works",
        &format!("{}: {}", limited.sqlstate, limited.message),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_without_memory() {
    let ground = Ground::own(&[("work_mem", "512MB")]).await;
    let gateway = ground.gateway(ground.port(), Duration::from_secs(30));
    gateway.ready().await.unwrap();
    assert_eq!(ask(&gateway, "SELECT 1").await.unwrap(), "[[1]]");
    let backends = ground.backends("%").await;
    assert!(!backends.is_empty());
    for backend in &backends {
        let stat = fs::read_to_string(format!("/proc/{backend}/statm")).unwrap();
        let pages: u64 = stat.split(' ').next().unwrap().parse().unwrap();
        let bytes = pages * 4096 + 8 * 1024 * 1024;
        // As the server's user: root needs a capability for the processes of others.
        let owner = fs::metadata(format!("/proc/{backend}")).unwrap();
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &backend.to_string(), &format!("--as={bytes}")]);
        if Uid::effective().is_root() {
            prlimit.gid(owner.gid()).uid(owner.uid());
        }
        assert!(prlimit.status().unwrap().success());
    }
    let limits = fs::read_to_string(format!("/proc/{}/limits", backends[0])).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max address space")).unwrap();
    assert!(!limit.contains("unlimited     "), "{limit}");
    let error = ask(&gateway, SPILLS).await.unwrap_err();
    assert_eq!(error.sqlstate.as_str(), "53200", "{error:?}");
    assert_eq!(ask(&gateway, "SELECT count(*) FROM s.notes").await.unwrap(), "[[100]]");
    ground.nothing_is_left(6).await;
    row(
        "memory limit of PostgreSQL",
        "/proc/PID/limits of the backends shows the limit of prlimit",
        "PostgreSQL's SQLSTATE; the next call works",
        &format!("{}: {}", error.sqlstate, error.message),
    );
}
