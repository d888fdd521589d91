//! One attack at a time: before it, during it, and after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use pgwarden::embedded::Settings;
use tokio::sync::{Mutex as Turn, MutexGuard};

use super::level::{Level, memory, private_memory};
use super::neighbour::{Figures, Neighbour};
use super::program::Program;
use crate::support::Cluster;

/// What is freed goes back to the system piece by piece, and a few megabytes stay as caches.
pub const MEGABYTES: f64 = 48.0;
const RETURN: Duration = Duration::from_secs(60);
const BASELINE: Duration = Duration::from_millis(1_200);

pub struct Stage {
    pub program: Program,
    neighbour: String,
    _turn: MutexGuard<'static, ()>,
}

/// What an attack did, as counts: an attack that did nothing proves nothing.
pub type Proof = Vec<(&'static str, u64)>;

/// What a neighbour is promised.
pub struct Promise {
    pub p99: Duration,
    /// Some of its requests come by new connections.
    pub anew: bool,
}

/// Of every attack on the way in.
pub const DOOR: Promise = Promise { p99: Duration::from_millis(250), anew: true };

/// How long one attack lasts.
pub fn lasts() -> Duration {
    let seconds = std::env::var("PGWARDEN_LOAD_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    seconds.map_or(Duration::from_millis(1_500), Duration::from_secs)
}

/// Attacks that need many of something need fewer where time is short.
pub fn many(most: usize) -> usize {
    if std::env::var_os("PGWARDEN_LOAD_SECONDS").is_some() { most } else { most.div_ceil(4) }
}

fn cluster() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(Settings::default()))
}

impl Stage {
    pub async fn start(limits: &str, tasks: &str) -> Self {
        static TURN: OnceLock<Turn<()>> = OnceLock::new();
        let turn = TURN.get_or_init(Turn::default).lock().await;
        let program = Program::start(cluster(), limits, tasks).await;
        let neighbour = program.token("neighbour");
        Self { program, neighbour, _turn: turn }
    }

    /// The neighbour asks before and during `attack`; what the program holds is the same afterwards.
    pub async fn under(&self, name: &str, promise: Promise, attack: impl Future<Output = Proof>) -> Figures {
        let neighbour = Neighbour::start(self.program.address, &self.neighbour, promise.anew);
        tokio::time::sleep(BASELINE).await;
        let (quiet, before) = (neighbour.figures(), Level::of(&self.program).await);
        let peak = Peak::start(self.program.pid(), self.backends().await);
        neighbour.figures();
        let began = Instant::now();
        let proof = attack.await;
        let (figures, took) = (neighbour.end(), began.elapsed());
        let (memory, private) = peak.end();
        let after = self.settles(&before, MEGABYTES, name).await;
        let proof: Vec<String> = proof.iter().map(|(what, count)| format!("{count} {what}")).collect();
        println!(
            "| {name} | {}; {:.1} s | {} of {} | {} / {} | {} / {} | {} | {:.0} / {memory:.0} / {:.0} | {private:.0} | {} / {} |",
            proof.join(", "),
            took.as_secs_f64(),
            figures.asked,
            figures.asked + figures.failed.len(),
            ms(quiet.p50),
            ms(quiet.p99),
            ms(figures.p50),
            ms(figures.p99),
            ms(figures.machine_p99),
            before.memory,
            after.memory,
            before.descriptors,
            after.descriptors,
        );
        assert!(figures.failed.is_empty(), "{name}: the neighbour was not served: {:?}", figures.failed);
        assert!(figures.asked > 2, "{name}: the neighbour asked {} times only", figures.asked);
        let most = promise.p99 + 10 * figures.machine_p99 + 5 * quiet.p99;
        assert!(figures.p99 < most, "{name}: {figures:?}, before {quiet:?}: not below {most:?}");
        let alarms = self.program.alarms();
        assert!(alarms.is_empty(), "{name}: {alarms:?}");
        figures
    }

    /// Waits until the program holds no more than before.
    pub async fn settles(&self, before: &Level, megabytes: f64, name: &str) -> Level {
        let began = Instant::now();
        loop {
            let now = Level::of(&self.program).await;
            let above = now.above(before, megabytes);
            if above.is_empty() {
                return now;
            }
            assert!(began.elapsed() < RETURN, "{name}: left behind: {above:?}\n{}", self.program.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn backends(&self) -> Vec<u32> {
        let sql = "SELECT pid FROM pg_stat_activity WHERE usename = $1";
        let rows = self.program.database.admin().await.query(sql, &[&self.program.login]).await.unwrap();
        rows.iter().map(|row| row.get::<_, i32>(0).cast_unsigned()).collect()
    }
}

pub fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1_000.0)
}

/// The most memory that was seen: the program's, and that of the sessions in PostgreSQL.
struct Peak {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<(f64, f64)>>,
    looking: std::thread::JoinHandle<()>,
}

impl Peak {
    fn start(pid: u32, backends: Vec<u32>) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new((0.0_f64, 0.0_f64))));
        let (stopped, most) = (Arc::clone(&stop), Arc::clone(&seen));
        let looking = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let now = (memory(pid), private_memory(&backends));
                let mut most = most.lock().unwrap();
                *most = (most.0.max(now.0), most.1.max(now.1));
                drop(most);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { stop, seen, looking }
    }

    fn end(self) -> (f64, f64) {
        self.stop.store(true, Ordering::Relaxed);
        self.looking.join().unwrap();
        *self.seen.lock().unwrap()
    }
}
