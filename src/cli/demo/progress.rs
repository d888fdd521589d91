//! What is being done and how long it took, on stderr: a line a step.

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

pub(super) struct Progress {
    steps: usize,
    step: usize,
    started: Instant,
    label: &'static str,
    note: String,
    /// The line can be written again over itself.
    terminal: bool,
}

impl Progress {
    pub(super) fn new(steps: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { steps, step: 0, started: Instant::now(), label: "", note: String::new(), terminal }
    }

    /// Ends the step before and begins the next.
    pub(super) fn step(&mut self, label: &'static str) {
        self.done();
        self.step += 1;
        self.label = label;
        self.started = Instant::now();
        self.draw("");
    }

    /// How far the step is.
    pub(super) fn part(&mut self, part: usize, of: usize) {
        self.draw(&format!(" {part}/{of}"));
    }

    /// What the step found, shown when it ends.
    pub(super) fn note(&mut self, note: &str) {
        self.note = format!(": {note}");
    }

    pub(super) fn done(&mut self) {
        if self.label.is_empty() {
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let line = format!("[{}/{}] {}{} ({seconds:.1} s)", self.step, self.steps, self.label, self.note);
        if self.terminal {
            eprintln!("\r\x1b[K{line}");
        } else {
            eprintln!("{line}");
        }
        self.label = "";
        self.note.clear();
    }

    fn draw(&self, part: &str) {
        if self.terminal {
            eprint!("\r\x1b[K[{}/{}] {}{part} ..", self.step, self.steps, self.label);
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Progress {
    /// A step that failed keeps its line.
    fn drop(&mut self) {
        if self.terminal && !self.label.is_empty() {
            eprintln!();
        }
    }
}
