//! The receiving end of RTP inside webrtcbin: how it asks for lost packets, how long it waits for them, what it counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::recovery::{Path, RETRY_AFTER};

/// For RTCP, in bit/s. Requests for packets share it, and between two of them RFC 4585 section 3.5 wants as long as the last one
/// takes at this rate. The 5 % of a stream of 1 Mbit/s mean 50 ms, in which half of all requests come too late (measured: 18 of 28
/// lost packets were recovered, with this all). It is a limit, not what is sent.
const RTCP_BITS_PER_SECOND: f64 = 1_000_000.0;

/// Of what share it is, as [`RTCP_BITS_PER_SECOND`] is beyond 1 and so absolute.
const SESSION_BITS_PER_SECOND: f64 = 10_000_000.0;

/// One is for the video, another may be for what is sent again; a peer that makes more sources is not looked at.
const MAX_JITTERBUFFERS: usize = 4;

/// The jitterbuffers of a receiving peer.
#[derive(Clone, Debug, Default)]
pub struct Reception(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    wait_ms: u32,
    jitterbuffers: Vec<glib::WeakRef<gst::Element>>,
}

impl Reception {
    /// A lost packet is waited for so long.
    pub(super) fn new(wait_ms: u32) -> Reception {
        Reception(Arc::new(Mutex::new(State { wait_ms, jitterbuffers: Vec::new() })))
    }

    /// Sets up what webrtcbin makes.
    pub(super) fn adopt(&self, factory: &str, element: &gst::Element) {
        match factory {
            "rtpjitterbuffer" => self.adopt_jitterbuffer(element),
            "rtpsession" => {
                // The session waits for a second packet to believe in the source (RFC 3550 appendix A.1); SRTP has
                // authenticated it already.
                element.set_property("probation", 0u32);
                element.set_property("bandwidth", SESSION_BITS_PER_SECOND);
                element.set_property("rtcp-fraction", RTCP_BITS_PER_SECOND);
            }
            _ => {}
        }
    }

    fn adopt_jitterbuffer(&self, jitterbuffer: &gst::Element) {
        // It would hold the first packet back for its whole latency: the first frame would be up to 64 ms late (measured).
        jitterbuffer.set_property("faststart-min-packets", 1u32);
        // A gap is asked for at once. By itself it waits for half a frame interval, in case the packets were only reordered; then
        // asking costs one packet that was not needed.
        jitterbuffer.set_property("rtx-delay", 0i32);
        jitterbuffer.set_property("rtx-min-retry-timeout", i32::try_from(RETRY_AFTER.as_millis()).unwrap_or(i32::MAX));
        // It would guess when the next packet is due, and ask for one that is not sent yet.
        jitterbuffer.set_property("rtx-next-seqnum", false);
        let mut state = self.state();
        jitterbuffer.set_property("latency", state.wait_ms);
        if state.jitterbuffers.len() < MAX_JITTERBUFFERS {
            state.jitterbuffers.push(jitterbuffer.downgrade());
        }
    }

    /// What was received so far; `None` before the first packet.
    pub fn path(&self) -> Option<Path> {
        let jitterbuffers: Vec<_> = self.state().jitterbuffers.iter().filter_map(glib::WeakRef::upgrade).collect();
        let paths = jitterbuffers.iter().filter_map(|jitterbuffer| path(&jitterbuffer.property::<gst::Structure>("stats")));
        paths.max_by_key(|path| path.received)
    }

    /// How long a lost packet is waited for.
    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.state().wait_ms.into())
    }

    /// From now on a lost packet is waited for so long.
    pub fn set_wait(&self, wait: Duration) {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let changed = {
            let mut state = self.state();
            let changed = std::mem::replace(&mut state.wait_ms, wait_ms) != wait_ms;
            changed.then(|| state.jitterbuffers.iter().filter_map(glib::WeakRef::upgrade).collect::<Vec<_>>())
        };
        // Without the lock: the jitterbuffer tells the pipeline.
        changed.iter().flatten().for_each(|jitterbuffer| jitterbuffer.set_property("latency", wait_ms));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(stats: &gst::StructureRef) -> Option<Path> {
    let count = |name: &str| stats.get::<u64>(name).ok();
    Some(Path {
        received: count("num-pushed")?,
        recovered: count("rtx-success-count")?,
        lost: count("num-lost")?,
        requests: count("rtx-count")?,
        round_trip: count("rtx-rtt").filter(|ns| *ns > 0).map(Duration::from_nanos),
        jitter: Duration::from_nanos(count("avg-jitter")?),
    })
}
