//! What a network does to packets for a while, and the named ones.

use std::time::Duration;

use crate::units::Bitrate;

/// What a bottleneck holds before it drops, unless told otherwise: the drop-tail queue of the IETF's test cases for congestion
/// control of media (RFC 8867 section 5.1). It is long enough that a sender that overshoots feels it as latency first.
pub const DEFAULT_QUEUE: Duration = Duration::from_millis(300);

/// What the network does to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// Of the packets, in percent: 0 to 100.
    pub loss_percent: f64,
    /// Mean number of packets lost in a row, at least 1 (Gilbert's model); none: each is lost by itself.
    pub burst: Option<f64>,
    /// One way.
    pub delay: Duration,
    /// The delay varies evenly by so much up and down; at most the delay.
    pub jitter: Duration,
    /// Of the bottleneck, counted in whole IP packets; none: there is none.
    pub rate: Option<Bitrate>,
    /// A packet that would wait longer than this for the bottleneck is dropped.
    pub queue: Duration,
    /// Packets that are held back and let those behind them pass, in percent: 0 to 100.
    pub reorder_percent: f64,
    /// Packets that come twice, in percent: 0 to 100.
    pub duplicate_percent: f64,
}

impl Conditions {
    /// A network that does nothing.
    pub const CLEAN: Conditions = Conditions {
        loss_percent: 0.0,
        burst: None,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        rate: None,
        queue: DEFAULT_QUEUE,
        reorder_percent: 0.0,
        duplicate_percent: 0.0,
    };

    /// The network of this name.
    pub(super) fn preset(name: &str) -> Option<Conditions> {
        PRESETS.iter().find(|preset| preset.name == name).map(|preset| preset.conditions)
    }

    /// The chance that a loss begins and that it ends, from one packet to the next; none if no such chances make this loss.
    ///
    /// Gilbert, "Capacity of a burst-noise channel", Bell System Technical Journal 39, 1960: in the bad state all is lost, in the
    /// good one nothing. Bursts last 1/end on average, and begin/(begin + end) is the part that is lost.
    pub(super) fn burst_chances(&self) -> Option<(f64, f64)> {
        let (lost, burst) = (self.loss_percent / 100.0, self.burst?);
        let end = 1.0 / burst;
        let begin = end * lost / (1.0 - lost);
        (lost < 1.0 && begin <= 1.0).then_some((begin, end))
    }
}

/// A network with a name.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// As in `--impair`.
    pub name: &'static str,
    /// What it does.
    pub conditions: Conditions,
    /// Where its figures come from.
    pub source: &'static str,
}

/// The named networks. Each is one direction; `demo` and `bench` give it to both.
pub const PRESETS: [Preset; 4] = [
    Preset {
        name: "wifi",
        conditions: Conditions {
            loss_percent: 0.5,
            burst: Some(4.0),
            delay: Duration::from_millis(3),
            jitter: Duration::from_millis(2),
            rate: Some(Bitrate::kbps(33_000)),
            ..Conditions::CLEAN
        },
        source: "our choice: a fast link on a busy channel, whose retries delay packets and now and then give up on a few in a row",
    },
    Preset {
        name: "lte",
        conditions: Conditions {
            delay: Duration::from_millis(50),
            jitter: Duration::from_millis(8),
            rate: Some(Bitrate::kbps(10_000)),
            ..Conditions::CLEAN
        },
        source: "rate and delay are our choice for a good cell with some way behind it, without loss since the link layer repeats; \
                 the jitter is what one repetition takes (HARQ RTT timer of 8 subframes with FDD, 3GPP TS 36.321)",
    },
    Preset {
        name: "satellite",
        conditions: Conditions {
            loss_percent: 0.1,
            delay: Duration::from_millis(280),
            jitter: Duration::from_millis(5),
            rate: Some(Bitrate::kbps(3000)),
            ..Conditions::CLEAN
        },
        source: "a geostationary satellite: 279 ms from ground to ground at the edge of its view (RFC 2488 section 2); loss of a bit \
                 error rate of 10^-7 in packets of 1200 bytes; jitter and rate are our choice for a consumer's uplink",
    },
    Preset {
        name: "congested",
        conditions: Conditions {
            delay: Duration::from_millis(50),
            jitter: Duration::from_millis(15),
            rate: Some(Bitrate::kbps(1000)),
            ..Conditions::CLEAN
        },
        source: "the bottleneck of RFC 8867 section 5.1: 1 Mbit/s, 50 ms, at most 30 ms of jitter, a drop-tail queue of 300 ms",
    },
];
