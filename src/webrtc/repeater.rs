//! Sends datagrams more than once: those that the connection is set up with, see [`Repeats`], and on a path that loses packets those
//! without which it stands still, see [`copies`].

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::clock::RunClock;
use crate::recovery::{Flight, Repeats, copies, is_control, is_dtls};

/// How long after the channel is open datagrams are still taken up, and after that still repeated: the other side may not have the
/// last of them.
const LINGER: Duration = Duration::from_millis(500);

/// Marks what is remembered already.
const NOTED: gst::BufferFlags = gst::BufferFlags::DROPPABLE;

/// How often it is looked whether the peer is there still, when there is nothing to repeat.
const LOOK_AFTER: Duration = Duration::from_millis(250);

enum Next {
    Send(gst::Buffer),
    Look,
    End,
}

/// Repeats a peer's handshakes (DTLS, and SCTP in it) between encryption and network until the channel is open, and copies what
/// controls the connection as the loss makes it worth.
#[derive(Clone, Debug)]
pub(super) struct Repeater(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: RunClock,
    state: Mutex<State>,
    changed: Condvar,
    /// Nothing is remembered any more.
    is_set_up: AtomicBool,
    /// How often what controls the connection is sent beside the first time.
    copies: AtomicU32,
}

#[derive(Debug, Default)]
struct State {
    flight: Flight,
    repeats: Repeats<gst::Buffer>,
    /// Nothing that is sent later is repeated.
    until: Option<Duration>,
    /// Nothing is repeated any more.
    closed: bool,
}

impl Repeater {
    pub(super) fn new(clock: &RunClock) -> Repeater {
        Repeater(Arc::new(Shared {
            clock: clock.clone(),
            state: Mutex::default(),
            changed: Condvar::new(),
            is_set_up: AtomicBool::new(false),
            copies: AtomicU32::new(0),
        }))
    }

    /// Repeats what goes out through this element, if it is the one to the network.
    pub(super) fn adopt(&self, factory: &str, element: &gst::Element) {
        let Some(pad) = element.static_pad("sink").filter(|_| factory == "nicesink") else { return };
        let noting = self.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            // Our own repetitions pass here too, and what an emulated network held back.
            if let Some(datagram) = info.buffer_mut().filter(|datagram| !datagram.flags().contains(NOTED)) {
                if noting.0.is_set_up.load(Ordering::Relaxed) {
                    noting.copy(datagram, pad);
                } else {
                    noting.note(datagram);
                }
            }
            gst::PadProbeReturn::Ok
        });
        let (repeating, pad) = (self.clone(), pad.downgrade());
        let started = std::thread::Builder::new().name("repeat".to_owned()).spawn(move || repeating.run(&pad));
        if let Err(error) = started {
            tracing::warn!("handshakes are not repeated on a bad network: {error}");
        }
    }

    /// Remembers a datagram of the handshakes, and puts before it what must be read before it.
    fn note(&self, datagram: &mut gst::Buffer) {
        let now = self.0.clock.now();
        let mut state = self.state();
        if state.closed || state.until.is_some_and(|until| now >= until) {
            self.0.is_set_up.store(true, Ordering::Relaxed);
            return;
        }
        let mut first = [0];
        if datagram.size() > 0 && datagram.copy_to_slice(0, &mut first).is_ok() && is_dtls(first[0]) {
            let joined = datagram.map_readable().ok().and_then(|bytes| state.flight.on_sent(&bytes));
            if let Some(joined) = joined {
                *datagram = gst::Buffer::from_mut_slice(joined);
            }
            datagram.make_mut().set_flags(NOTED);
            state.repeats.on_sent(datagram.clone(), now);
            self.0.changed.notify_all();
        }
    }

    /// Sends copies of a datagram ahead of it, if it is worth that.
    fn copy(&self, datagram: &mut gst::Buffer, pad: &gst::Pad) {
        let copies = self.0.copies.load(Ordering::Relaxed);
        let mut first = [0; 2];
        if copies == 0
            || datagram.size() < first.len()
            || datagram.copy_to_slice(0, &mut first).is_err()
            || !is_control(first)
        {
            return;
        }
        datagram.make_mut().set_flags(NOTED);
        for _ in 0..copies {
            // What the network does not take is lost, as anything may be.
            let _ = pad.chain(datagram.clone());
        }
    }

    /// The path loses this share of the packets.
    pub(super) fn set_loss(&self, loss: f64) {
        self.0.copies.store(copies(loss), Ordering::Relaxed);
    }

    fn run(&self, pad: &glib::WeakRef<gst::Pad>) {
        loop {
            let next = self.next();
            let Some(pad) = pad.upgrade() else { return };
            match next {
                // What the network does not take is lost, as anything may be.
                Next::Send(datagram) => drop(pad.chain(datagram)),
                Next::Look => {}
                Next::End => return,
            }
        }
    }

    /// Waits for the next datagram that is due.
    fn next(&self) -> Next {
        let mut state = self.state();
        let now = self.0.clock.now();
        if state.closed || state.until.is_some_and(|until| now >= until + LINGER) {
            return Next::End;
        }
        if let Some(datagram) = state.repeats.take(now) {
            return Next::Send(datagram);
        }
        let due = state.repeats.due().map_or(LOOK_AFTER, |due| due.saturating_sub(now).min(LOOK_AFTER));
        let waited = self.0.changed.wait_timeout(state, due).unwrap_or_else(PoisonError::into_inner);
        drop(waited);
        Next::Look
    }

    /// The connection is set up: soon nothing is repeated any more.
    pub(super) fn finish(&self) {
        let until = self.0.clock.now() + LINGER;
        self.state().until.get_or_insert(until);
        self.0.changed.notify_all();
    }

    /// Nothing is repeated any more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.0.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
