//! What this process has cost so far.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Processor time and memory of this process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Time on processors, all threads, user and system.
    pub cpu: Duration,
    /// The most memory that was resident at once.
    pub max_rss_bytes: u64,
    /// Threads now, where the kernel tells.
    pub threads: Option<u64>,
}

impl Usage {
    /// As the kernel counts it (`getrusage(2)`); nothing where it does not.
    pub fn now() -> Option<Usage> {
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        // Linux counts `ru_maxrss` in KiB.
        Some(Usage {
            cpu: Duration::from_micros(micros.try_into().ok()?),
            max_rss_bytes: u64::try_from(usage.max_rss()).ok()? * 1024,
            threads: std::fs::read_dir("/proc/self/task").ok().map(|tasks| tasks.count() as u64),
        })
    }

    /// Processors that were kept busy on average since `earlier`, `elapsed` ago.
    pub fn cores_since(&self, earlier: &Usage, elapsed: Duration) -> Option<f64> {
        let cpu = self.cpu.saturating_sub(earlier.cpu).as_secs_f64();
        (elapsed > Duration::ZERO).then(|| cpu / elapsed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted() {
        let before = Usage::now().expect("counted");
        let mut sum = 0u64;
        while Usage::now().expect("counted").cpu < before.cpu + Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let after = Usage::now().expect("counted");
        assert!(after.max_rss_bytes > 1_000_000 && after.threads.is_some_and(|threads| threads >= 1));
        let cores = after.cores_since(&before, Duration::from_millis(40)).expect("time went by");
        assert!((0.49..1.5).contains(&cores), "{cores}");
        assert_eq!(after.cores_since(&before, Duration::ZERO), None);
    }
}
