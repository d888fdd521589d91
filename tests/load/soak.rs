//! Everything that clients, owners and databases do, mixed, for minutes or hours: nothing grows.

mod traffic;

use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::traffic::Traffic;
use super::level::Level;
use super::stage::{Stage, ms};

/// Megabytes that memory may vary by at any time: caches, answers on their way, pages that are not given back yet.
const NOISE: f64 = 40.0;
/// Megabytes that a process has which has done everything once, over one that has done nothing.
const WARM: f64 = 100.0;
/// Megabytes an hour that the line through all samples may rise, above what noise alone can make of it.
const SLOPE: f64 = 24.0;

fn lasts() -> Duration {
    let seconds = std::env::var("PGWARDEN_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(12))
}

struct Sample {
    seconds: f64,
    level: Level,
}

#[tokio::test]
async fn nothing_grows_under_mixed_traffic() {
    let tasks = "ttl_seconds = 5\nlongest_ttl_seconds = 5\ntask_after_ms = 200\nopen_per_caller = 100";
    let stage = Stage::start("seconds = 20", tasks).await;
    let before = Level::of(&stage.program).await;
    let traffic = Traffic::start(&stage.program).await;
    let began = Instant::now();
    let (lasts, mut samples) = (lasts(), Vec::new());
    while began.elapsed() < lasts {
        sleep((lasts / 400).max(Duration::from_millis(250))).await;
        if traffic.restarts() {
            continue;
        }
        samples
            .push(Sample { seconds: began.elapsed().as_secs_f64(), level: Level::of(&stage.program).await });
    }
    let done = traffic.end().await;
    let after = stage.settles(&before, WARM, "the soak").await;

    // The first quarter warms up.
    let quarter = samples.len() / 4;
    let rest = &samples[quarter..];
    let slope = slope(rest) * 3_600.0;
    let most =
        |part: &[Sample], of: fn(&Level) -> f64| part.iter().map(|one| of(&one.level)).fold(0.0, f64::max);
    #[allow(clippy::cast_precision_loss, reason = "small counts")]
    let kinds: [(&str, fn(&Level) -> f64, f64); 5] = [
        ("MB", |level| level.memory, NOISE),
        ("descriptors", |level| level.descriptors as f64, 40.0),
        ("sessions", |level| level.sessions as f64, 10.0),
        ("tasks", |level| level.tasks as f64, 20.0),
        ("backends", |level| level.backends as f64, 6.0),
    ];
    println!("soak of {:.0} s: {done}", lasts.as_secs_f64());
    println!("| | before | 2nd quarter, most | 4th quarter, most | after |");
    let mut grown = Vec::new();
    for (what, of, noise) in kinds {
        let (second, last) = (most(&samples[quarter..2 * quarter], of), most(&samples[3 * quarter..], of));
        println!("| {what} | {:.0} | {second:.0} | {last:.0} | {:.0} |", of(&before), of(&after));
        if last > second * 1.1 + noise {
            grown.push(format!("{last:.0} {what}, after {second:.0}"));
        }
    }
    println!("memory rises by {slope:.1} MB an hour; slowest answer {} ms", ms(done.slowest));
    assert!(grown.is_empty(), "{grown:?}");
    let bound = SLOPE + NOISE * 3_600.0 / lasts.as_secs_f64();
    assert!(slope < bound, "{slope:.1} MB an hour, not below {bound:.1}");
    assert!(done.unexpected.is_empty(), "{:?}", done.unexpected);
    assert!(stage.program.alarms().is_empty(), "{:?}", stage.program.alarms());
}

/// Megabytes a second of the line that fits best.
fn slope(samples: &[Sample]) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "small counts")]
    let count = samples.len() as f64;
    let mean = |of: &dyn Fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(&|one| one.seconds), mean(&|one| one.level.memory));
    let covariance = mean(&|one| (one.seconds - x) * (one.level.memory - y));
    covariance / mean(&|one| (one.seconds - x).powi(2))
}
