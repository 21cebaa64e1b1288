//! What a process takes, seen from outside: read from `/proc` now and then while it runs.

use std::fs;
use std::time::Duration;

use super::results::ProcessCost;
use crate::usage;

/// A process that is watched.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Watched {
    pid: u32,
    /// Processor seconds at times.
    spent: Vec<(Duration, f64)>,
    max_rss_mb: f64,
}

impl Watched {
    pub(super) fn new(pid: u32) -> Watched {
        Watched { pid, spent: Vec::new(), max_rss_mb: 0.0 }
    }

    /// Looks at it; one that has ended leaves what was seen before.
    pub(super) fn look(&mut self, now: Duration) {
        let read = |what: &str| fs::read_to_string(format!("/proc/{}/{what}", self.pid)).ok();
        let peak = read("status").and_then(|status| peak_rss_mb(&status));
        let cpu = read("stat").and_then(|stat| cpu_s(&stat));
        // A process that has ended and was not waited for has no memory left.
        if let (Some(cpu), Some(peak)) = (cpu, peak) {
            self.spent.push((now, cpu));
            self.max_rss_mb = self.max_rss_mb.max(peak);
        }
    }

    /// Its cost in the last `seconds` before it was last seen, at `fps` frames a second.
    pub(super) fn cost(&self, seconds: f64, fps: f64) -> Option<ProcessCost> {
        let (end, spent) = self.spent.last().copied()?;
        let from = end.saturating_sub(Duration::from_secs_f64(seconds));
        let (start, before) = self.spent.iter().copied().find(|(at, _)| *at >= from)?;
        let elapsed = (end - start).as_secs_f64();
        let cores = (spent - before) / elapsed;
        let cpu_s_per_1000_frames = cores * 1000.0 / fps;
        let cost = ProcessCost { cores, cpu_s_per_1000_frames, max_rss_mb: self.max_rss_mb };
        (elapsed > 0.0).then_some(cost)
    }
}

fn cpu_s(stat: &str) -> Option<f64> {
    usage::name_and_cpu(stat).map(|(_, cpu)| cpu.as_secs_f64())
}

fn peak_rss_mb(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figures_are_read() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 100 1000 200";
        assert_eq!(cpu_s(stat), Some(3.0));
        assert_eq!(peak_rss_mb("Name:\ta\nVmHWM:\t   50000 kB\nThreads:\t3\n"), Some(51.2));
        assert_eq!((cpu_s("7 (a"), peak_rss_mb("Name: a")), (None, None));
        let mut this = Watched::new(std::process::id());
        this.look(Duration::ZERO);
        assert!(this.max_rss_mb > 1.0 && this.spent.len() == 1);
    }

    #[test]
    fn only_the_end_of_a_run_counts() {
        let second = Duration::from_secs;
        let spent = vec![(second(0), 0.0), (second(1), 5.0), (second(2), 5.2), (second(3), 5.4)];
        let cost = Watched { pid: 0, spent, max_rss_mb: 70.0 }.cost(2.0, 50.0).expect("seen");
        assert!((cost.cores - 0.2).abs() < 1e-9 && (cost.cpu_s_per_1000_frames - 4.0).abs() < 1e-9, "{cost:?}");
        assert_eq!(Watched::new(0).cost(2.0, 50.0), None);
    }
}
