//! What Linux says of a process: memory and processor time.

use std::fs;

/// Kernel ticks of a second, as every Linux of today counts them.
const TICKS: f64 = 100.0;

#[derive(Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Proportional set size, in megabytes.
    pub fn pss(self) -> f64 {
        self.kilobytes("smaps_rollup", "Pss:") / 1024.0
    }

    /// Resident, in megabytes.
    pub fn resident(self) -> f64 {
        self.kilobytes("status", "VmRSS:") / 1024.0
    }

    /// The most that was resident since [`Self::forget_peak`], in megabytes.
    pub fn peak(self) -> f64 {
        self.kilobytes("status", "VmHWM:") / 1024.0
    }

    pub fn forget_peak(self) {
        fs::write(format!("/proc/{}/clear_refs", self.0), "5")
            .expect("the peak of a process is ours to reset");
    }

    /// Seconds of processor time so far, of all its threads.
    pub fn processor_seconds(self) -> f64 {
        let stat = self.read("stat");
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / TICKS
    }

    fn kilobytes(self, file: &str, key: &str) -> f64 {
        let text = self.read(file);
        let line = text.lines().find_map(|line| line.strip_prefix(key)).expect(key);
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    fn read(self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}
