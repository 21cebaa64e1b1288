//! Takes the encrypted packets off between DTLS and ICE, and gives back those that are due.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::PeerError;
use super::signals::WebrtcBin;
use crate::clock::RunClock;
use crate::impair::{Emulator, Impaired, Path};

/// DTLS application data, the first byte of its record (RFC 5246 section 6.2.1): SCTP, so that the handshake is over.
const APPLICATION_DATA: u8 = 23;

/// The first bytes of SRTP and SRTCP (RFC 7983 section 7).
const MEDIA: std::ops::RangeInclusive<u8> = 128..=191;

/// A packet and the pad that it was on its way to.
#[derive(Clone)]
struct Packet {
    buffer: gst::Buffer,
    to: glib::WeakRef<gst::Pad>,
}

/// A peer's bad network: one thread that hands packets to ICE when they are due. It ends when this is dropped.
pub(super) struct Impairing {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    clock: RunClock,
}

struct State {
    emulator: Emulator<Packet>,
    /// Its own packets pass.
    deliverer: Option<ThreadId>,
    is_over: bool,
}

impl Impairing {
    /// Makes the way of all that `webrtcbin` sends bad. To be called before it makes its transports.
    pub(super) fn start(path: Path, webrtcbin: &WebrtcBin, clock: &RunClock) -> Result<Impairing, PeerError> {
        let state = State { emulator: Emulator::new(path), deliverer: None, is_over: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), clock: clock.clone() });
        let delivering = shared.clone();
        let thread = thread::Builder::new().name("impair".to_owned()).spawn(move || delivering.deliver());
        let thread = thread.map_err(PeerError::Thread)?;
        shared.lock().deliverer = Some(thread.thread().id());
        let taking = shared.clone();
        webrtcbin.on_way_out(move |pad| {
            let taking = taking.clone();
            let packets = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
            pad.add_probe(packets, move |pad, info| taking.take(pad, info));
        });
        Ok(Impairing { shared, thread: Some(thread) })
    }

    /// What became of the packets so far.
    pub(super) fn impaired(&self) -> Impaired {
        self.shared.lock().emulator.impaired()
    }
}

impl Drop for Impairing {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported.
            let _ = thread.join();
        }
        self.shared.lock().emulator.clear();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is not on its way from the thread below, and returns at once.
    fn take(&self, pad: &gst::Pad, info: &gst::PadProbeInfo<'_>) -> gst::PadProbeReturn {
        let mut state = self.lock();
        // The goodbye at the end has no time to be late.
        if state.is_over || state.deliverer == Some(thread::current().id()) {
            return gst::PadProbeReturn::Ok;
        }
        let now = self.clock.now();
        let first_due = state.emulator.next_due();
        let buffers = info.buffer().into_iter().cloned();
        let list = info.buffer_list().into_iter().flat_map(|list| list.iter_owned());
        for buffer in buffers.chain(list) {
            let mut first = [0];
            if buffer.copy_to_slice(0, &mut first).is_ok() && (first[0] == APPLICATION_DATA || MEDIA.contains(&first[0])) {
                state.emulator.begin_timeline(now);
            }
            state.emulator.offer(now, buffer.size(), Packet { buffer, to: pad.downgrade() });
        }
        if state.emulator.next_due() != first_due {
            self.changed.notify_one();
        }
        // Not Drop: gstreamer-rs frees the packet, and GStreamer 1.22 complains that it cannot.
        gst::PadProbeReturn::Handled
    }

    /// Hands over packets as they become due, until it is over.
    fn deliver(&self) {
        let mut state = self.lock();
        while !state.is_over {
            let now = self.clock.now();
            if let Some(packet) = state.emulator.poll(now) {
                drop(state);
                if let Some(pad) = packet.to.upgrade() {
                    // ICE refuses what comes while it stops; a network tells nobody either.
                    let _ = pad.chain(packet.buffer);
                }
                state = self.lock();
                continue;
            }
            state = match state.emulator.next_due() {
                Some(due) => self.changed.wait_timeout(state, due - now).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
