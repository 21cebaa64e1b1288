//! What this process has cost so far.

use std::collections::BTreeMap;
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
}

/// What the threads of one name have cost so far.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadUsage {
    /// As the kernel knows it: up to 15 bytes.
    pub name: String,
    /// How many have it.
    pub threads: u64,
    /// Time on processors, user and system.
    pub cpu: Duration,
}

/// The kernel counts a thread's time in hundredths of a second for every program (`USER_HZ`), on all machines of today.
const TICK: Duration = Duration::from_millis(10);

/// The threads of this process by name, those that cost most first; nothing where the kernel does not tell (`proc(5)`).
pub fn threads_by_name() -> Vec<ThreadUsage> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let mut by_name: BTreeMap<String, (u64, Duration)> = BTreeMap::new();
    // A thread may end meanwhile.
    for (name, cpu) in tasks.filter_map(|task| name_and_cpu(&std::fs::read_to_string(task.path().join("stat")).ok()?)) {
        let (threads, total) = by_name.entry(name).or_default();
        *threads += 1;
        *total += cpu;
    }
    let usage = |(name, (threads, cpu))| ThreadUsage { name, threads, cpu };
    let mut threads: Vec<ThreadUsage> = by_name.into_iter().map(usage).collect();
    threads.sort_by_key(|usage| std::cmp::Reverse(usage.cpu));
    threads
}

/// What the threads of `now` have cost since `earlier`, those that cost most first; those that have ended meanwhile are in neither.
pub fn since(earlier: &[ThreadUsage], mut now: Vec<ThreadUsage>) -> Vec<ThreadUsage> {
    for usage in &mut now {
        let before = earlier.iter().find(|before| before.name == usage.name);
        usage.cpu = usage.cpu.saturating_sub(before.map_or(Duration::ZERO, |before| before.cpu));
    }
    now.sort_by_key(|usage| std::cmp::Reverse(usage.cpu));
    now
}

/// Name and processor time; the name stands in brackets and may contain any, user and system time are fields 14 and 15.
pub(crate) fn name_and_cpu(stat: &str) -> Option<(String, Duration)> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let mut ticks = tail.split_whitespace().skip(11).map_while(|field| field.parse::<u32>().ok());
    Some((name, TICK * ticks.next()?.saturating_add(ticks.next()?)))
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
        assert!(after.cpu >= before.cpu + Duration::from_millis(20));
        let mine = std::thread::Builder::new().name("busy (one) ".to_owned());
        let threads = mine.spawn(threads_by_name).expect("starts").join().expect("ends");
        assert!(threads.iter().any(|usage| usage.name == "busy (one) " && usage.threads == 1), "{threads:?}");
        assert!(threads.is_sorted_by(|one, next| one.cpu >= next.cpu));
    }

    #[test]
    fn what_threads_took_before_is_left_out_and_they_are_put_in_order_again() {
        let took = |name: &str, ms| ThreadUsage { name: name.to_owned(), threads: 1, cpu: Duration::from_millis(ms) };
        let since = since(
            &[took("start", 900), took("encode", 100)],
            vec![took("start", 910), took("encode", 500), took("new", 30)],
        );
        assert_eq!(since, [took("encode", 400), took("new", 30), took("start", 10)]);
    }

    #[test]
    fn a_threads_line_is_read_whatever_its_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 12 3 0 0 20 0 1 0 100 0 0";
        assert_eq!(name_and_cpu(stat), Some(("a) b (c".to_owned(), Duration::from_millis(150))));
        for bad in ["", "7 (a", "7 a)", "7 (a) S 1 2 3"] {
            assert_eq!(name_and_cpu(bad), None, "{bad}");
        }
    }
}
