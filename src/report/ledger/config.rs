//! How a ledger is kept.

use std::time::Duration;

use crate::units::{Fps, Size};

/// A coordinate older than a second is of no use to any controller. Frames that had piled up before their peer was connected came
/// out up to 0.5 s old; that is still to be seen as latency.
pub const LATE_AFTER: Duration = Duration::from_secs(1);

/// Long enough to name an answer late instead of unknown, and to hear of a skipped frame from a detector that takes seconds.
pub(super) const REMEMBER: Duration = Duration::from_secs(10);

/// Ten seconds at the highest frame rate of 240 are 2400; this is a bound on memory (1.5 MB) should time stand still.
const MOST_FRAMES: usize = 4096;

/// As in the first description of this program.
const HISTORY_SIZE: usize = 30;

/// How a ledger is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LedgerConfig {
    /// Of the frames sent.
    pub size: Size,
    /// Half of a frame's interval is how far a key may be off.
    pub fps: Fps,
    /// An answer that takes longer is counted as late and not measured.
    pub late_after: Duration,
    /// For so long a frame can still be recognised.
    pub remember: Duration,
    /// And at most so many.
    pub most_frames: usize,
    /// Frames made within this time after the first receiver joined count no more than those from before it did.
    pub warmup: Duration,
    /// How many joined frames [`Ledger::history`](super::Ledger::history) has.
    pub history_size: usize,
    /// Whether the frames carry their numbers, [`crate::witness`]; otherwise what receivers say of codes is not believed.
    pub frame_code: bool,
    /// Whether each frame's [`FrameRecord`](crate::report::FrameRecord) is kept for [`Ledger::take_records`](super::Ledger::take_records).
    pub records: bool,
    /// How old a coordinate may be when it comes; older ones are counted.
    pub budget: Option<Duration>,
    /// Older ones end as late ones do.
    pub budget_drop: bool,
    /// What `CLOCK_MONOTONIC` showed when the run began, to check the estimates of the clocks of receivers on this machine.
    pub monotonic_zero: Option<Duration>,
}

impl LedgerConfig {
    /// An answer that took longer is not measured.
    pub(super) fn measured_within(&self) -> Duration {
        self.budget.filter(|_| self.budget_drop).map_or(self.late_after, |budget| budget.min(self.late_after))
    }

    /// For frames of this size and rate: late after 1 s, remembered for 10 s, 30 frames of history, no warm-up, no codes, no records.
    pub fn new(size: Size, fps: Fps) -> LedgerConfig {
        let (late_after, remember) = (LATE_AFTER, REMEMBER);
        let (most_frames, history_size) = (MOST_FRAMES, HISTORY_SIZE);
        LedgerConfig {
            size,
            fps,
            late_after,
            remember,
            most_frames,
            history_size,
            warmup: Duration::ZERO,
            frame_code: false,
            records: false,
            budget: None,
            budget_drop: false,
            monotonic_zero: None,
        }
    }
}
