//! PgBouncer in transaction mode, before the throwaway cluster. `TEST_PGBOUNCER` names the program; with
//! `TEST_THROUGH_PGBOUNCER` everything that tests give pgwarden goes through one.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::cluster::{Cluster, cluster};

const STARTS_WITHIN: Duration = Duration::from_secs(20);
/// PgBouncer ends with its standard input, and so with whoever started it. Where it crashes it is started again, as a service
/// would be: 1.18 does where a client goes away while its cancel request is under way.
const TIED: &str = r#"folder=$1; shift
(while ! [ -e "$folder/over" ]; do "$@"; done) &
cat >/dev/null; touch "$folder/over"; kill -9 "$(cat "$folder/pid")"; wait; rm -rf "$folder""#;

/// Ends when dropped.
pub struct PgBouncer {
    tied: Child,
    port: u16,
    folder: TempDir,
}

/// The program; `None` where this machine has none. Then the test has nothing to test, unless there has to be one.
pub fn pgbouncer() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("TEST_PGBOUNCER") {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "TEST_PGBOUNCER names `{}`, which is no program", named.display());
        return Some(named);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = places.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: no pgbouncer; `scripts/matrix` installs it, TEST_PGBOUNCER names one");
    }
    found
}

/// It can keep named statements itself (1.21).
pub fn keeps_statements(program: &Path) -> bool {
    let said = Command::new(program).arg("--version").output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let version = said.split_whitespace().nth(1).unwrap();
    let (major, rest) = version.split_once('.').unwrap();
    let minor = rest.split('.').next().unwrap();
    (major.parse::<u32>().unwrap(), minor.parse::<u32>().unwrap()) >= (1, 21)
}

/// The one that everything goes through, where it does.
pub(super) fn between() -> Option<&'static PgBouncer> {
    static SHARED: OnceLock<Option<PgBouncer>> = OnceLock::new();
    let start = || {
        std::env::var_os("TEST_THROUGH_PGBOUNCER")?;
        let program = pgbouncer().expect("TEST_THROUGH_PGBOUNCER needs a pgbouncer");
        Some(PgBouncer::start(&program, cluster(), "default_pool_size = 20\nserver_idle_timeout = 2\n"))
    };
    SHARED.get_or_init(start).as_ref()
}

impl PgBouncer {
    /// `settings` are lines of its section, and sections behind it.
    pub fn start(program: &Path, cluster: &Cluster, settings: &str) -> Self {
        let sockets = cluster.socket_dir();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let (superuser, users) = (cluster.superuser(), folder.path().join("users"));
        fs::write(&users, format!("\"{superuser}\" \"\"\n")).unwrap();
        let text = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\npool_mode = transaction\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\npidfile = {}/pid\nauth_type = trust\nauth_file = {}\nauth_user = {superuser}\n\
             auth_query = SELECT rolname, '' FROM pg_catalog.pg_roles WHERE rolname = $1\nmax_client_conn = 2000\n{settings}",
            sockets.display(),
            cluster.port(),
            folder.path().display(),
            users.display(),
        );
        let config = folder.path().join("pgbouncer.ini");
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", TIED, "sh"]).arg(folder.path()).arg(program);
        // As root it refuses to run; the sockets are the server's, whose user it becomes.
        if let Some(user) = owner(&sockets) {
            command.args(["-u", &user]);
        }
        let tied = command
            .arg(&config)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let this = Self { tied, port, folder };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < STARTS_WITHIN, "pgbouncer does not start: {}", this.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        this
    }

    pub fn url(&self, database: &str, role: &str) -> String {
        format!("postgresql://{role}@127.0.0.1:{}/{database}", self.port)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        drop(self.tied.stdin.take());
        let _ = self.tied.wait();
    }
}

/// The user to become, where we are root.
fn owner(folder: &Path) -> Option<String> {
    let uid = folder.metadata().unwrap().uid();
    (nix::unistd::geteuid().is_root() && uid != 0)
        .then(|| nix::unistd::User::from_uid(uid.into()).unwrap().unwrap().name)
}
