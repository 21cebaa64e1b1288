//! A bad network, made on purpose: which of the packets that leave a peer are lost, and when the others arrive.
//!
//! Pure: [`Emulator`] is given the time and the packets' lengths. `crate::webrtc` takes the encrypted packets off between DTLS and
//! ICE and gives back those that are due, so that nothing above knows. What ICE itself sends (STUN) does not pass there.
//!
//! GStreamer's `netsim` is not used: each one draws from a generator that it seeds by itself (`gstnetsim.c`; no property changes it),
//! so that no run could be repeated, and it has neither bursts nor a timeline.
//!
//! On its way a packet meets, in this order, the bottleneck (`rate`, `queue`), the loss, and the delay; as on a radio link, what is
//! lost has taken its time on the air. Order is kept unless `reorder` says otherwise: a packet that would overtake waits.
//!
//! **Invariant**: the fate of the nth packet is a function of the seed, n, and the times and lengths of the packets up to it.

mod conditions;
mod emulator;
mod link;
mod refusal;
mod spec;
mod value;
mod written;

pub use conditions::{Conditions, DEFAULT_QUEUE, PRESETS, Preset};
pub use emulator::{Counters, Emulator, Impaired};
pub use link::{Fate, Link};
pub use refusal::SpecError;

use std::time::Duration;

/// Fixed, so that a run repeats unless told otherwise.
const DEFAULT_SEED: u64 = 1;

/// The network that does nothing, in `--impair` as in a benchmark.
pub(crate) const CLEAN: &str = "clean";

/// What the network does from some time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Since the timeline began.
    pub from: Duration,
    /// What it does.
    pub conditions: Conditions,
    /// Nothing passes at all.
    pub is_blackout: bool,
}

impl Segment {
    const CLEAN: Segment = Segment { from: Duration::ZERO, conditions: Conditions::CLEAN, is_blackout: false };
}

/// A network over time. Read from text with [`std::str::FromStr`], for example `lte,loss=3%; at=10s rate=1mbit`.
///
/// The timeline begins with the first packet of a peer that is no DTLS handshake ([`Link::begin_timeline`]); until then, its first
/// segment holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Impairment {
    /// In order; the first begins at zero.
    segments: Vec<Segment>,
    seed: u64,
}

/// One direction of the connection to one peer.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// What its network does.
    pub impairment: Impairment,
    /// Paths of different numbers have chances of their own.
    pub number: u64,
}

impl Path {
    /// The path that is known by this name. The same name has the same chances in every run.
    pub fn named(impairment: Impairment, name: &str) -> Path {
        // FNV-1a (Fowler, Noll and Vo): the same on every machine, which the standard library does not promise of its hashers.
        let number = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Path { impairment, number }
    }
}

impl Impairment {
    /// What holds so long after the timeline began, and when that ends.
    fn at(&self, elapsed: Duration) -> (&Segment, Option<Duration>) {
        let next = self.segments.partition_point(|segment| segment.from <= elapsed);
        (&self.segments[next.saturating_sub(1)], self.segments.get(next).map(|segment| segment.from))
    }
}
