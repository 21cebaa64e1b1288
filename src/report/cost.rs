//! What a run costs the machines that take part.

use serde::Serialize;

use crate::feedback::ReceiverStats;

/// What one process takes of its machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Seconds of processor time for a thousand frames: encoded at the sender, decoded at a receiver.
    pub cpu_s_per_1000_frames: Option<f64>,
    /// Processor time by wall-clock time.
    pub cores_used: Option<f64>,
    /// The most memory held at a time, in megabytes (10^6 bytes).
    pub max_rss_mb: Option<f64>,
    /// Threads, when they were counted last.
    pub threads: Option<u64>,
}

/// What the sender takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SenderCost {
    /// In all.
    #[serde(flatten)]
    pub all: Cost,
    /// Its threads by name, those that took most first; GStreamer's are called as the element that drives them.
    pub by_thread: Vec<ThreadCost>,
}

/// What the threads of one name take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThreadCost {
    /// As the kernel knows it: up to 15 bytes.
    pub name: String,
    /// How many have it.
    pub threads: u64,
    /// Processor time of all of them.
    pub cpu_s: f64,
}

impl Cost {
    /// Of a process that took `cpu_s` seconds of processor time in `elapsed_s` for so many frames.
    pub fn new(cpu_s: f64, elapsed_s: f64, frames: u64) -> Cost {
        let per_frame = (frames > 0).then(|| cpu_s / frames as f64);
        let cores_used = (elapsed_s > 0.0).then(|| cpu_s / elapsed_s);
        Cost { cpu_s_per_1000_frames: per_frame.map(|cpu_s| 1000.0 * cpu_s), cores_used, ..Cost::default() }
    }

    /// Of a receiver that told this of itself first and last: what it took to start is not counted.
    pub(super) fn of_receiver(first: &ReceiverStats, last: &ReceiverStats) -> Cost {
        let since = |of: fn(&ReceiverStats) -> Option<u64>| Some(of(last)?.saturating_sub(of(first)?));
        let elapsed_us = since(|stats| stats.at_us);
        let frames = since(|stats| stats.pictures.decoded);
        let cost = since(|stats| stats.cpu_us)
            .map(|cpu_us| Cost::new(cpu_us as f64 / 1e6, elapsed_us.unwrap_or(0) as f64 / 1e6, frames.unwrap_or(0)));
        let max_rss_mb = last.max_rss_bytes.map(|bytes| bytes as f64 / 1e6);
        Cost { max_rss_mb, threads: last.threads, ..cost.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feedback::PictureStats;

    #[test]
    fn a_receiver_costs_what_it_took_between_its_first_and_its_last_word() {
        let stats = |at_us, cpu_us, decoded| ReceiverStats {
            at_us: Some(at_us),
            cpu_us: Some(cpu_us),
            max_rss_bytes: Some(80_000_000),
            pictures: PictureStats { decoded: Some(decoded), ..PictureStats::default() },
            ..ReceiverStats::default()
        };
        let (first, last) = (stats(1_000_000, 700_000, 5), stats(11_000_000, 1_900_000, 305));
        let cost = Cost::of_receiver(&first, &last);
        assert_eq!((cost.cores_used, cost.cpu_s_per_1000_frames, cost.max_rss_mb), (Some(0.12), Some(4.0), Some(80.0)));
        let backwards = Cost::of_receiver(&last, &first);
        assert_eq!((backwards.cores_used, backwards.cpu_s_per_1000_frames), (None, None));
        assert_eq!(Cost::of_receiver(&ReceiverStats::default(), &last).cores_used, None);
    }
}
