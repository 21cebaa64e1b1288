//! A shorter way for packets that come in.
//!
//! In webrtcbin 1.22 a packet goes from ICE through a capsfilter, which asks all that follows for its caps anew for each packet
//! (ICE names none), and a queue, whose thread has to wake up, before it is decrypted. Both are there for the time before the
//! connection stands; after that they cost time, see `docs/cost.md`.

use gstreamer as gst;
use gstreamer::prelude::*;

/// Where packets are led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortcut {
    /// Past the capsfilter. For a peer that is sent video: the queue takes what comes at once, a keyframe of hundreds of packets,
    /// faster than decryption does, and the socket holds few.
    Queue,
    /// Past the queue too, on the thread that read the packet from the socket. For a peer that is sent answers and RTCP only.
    Decryption,
}

impl Shortcut {
    fn factory(self) -> &'static str {
        match self {
            Shortcut::Queue => "queue",
            Shortcut::Decryption => "dtlssrtpdec",
        }
    }

    /// Leads what comes out of ICE this way. To be called when the connection stands: what comes before knows its way only through
    /// all of it. What is still queued then may be overtaken, as on any network.
    pub(super) fn take(self, webrtcbin: &gst::Element) {
        let Some(bin) = webrtcbin.downcast_ref::<gst::Bin>() else { return };
        for source in bin.iterate_all_by_element_factory_name("nicesrc").into_iter().flatten() {
            let around = source.parent().and_then(|parent| parent.downcast::<gst::Bin>().ok());
            let next = around.and_then(|bin| bin.children().into_iter().find(|child| self.is(child)));
            if let (Some(out), Some(into)) = (source.static_pad("src"), next.and_then(|next| next.static_pad("sink"))) {
                lead(&out, &into);
            }
        }
    }

    fn is(self, element: &gst::Element) -> bool {
        element.factory().is_some_and(|factory| factory.name() == self.factory())
    }
}

fn lead(out: &gst::Pad, into: &gst::Pad) {
    let into = into.downgrade();
    out.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(into) = into.upgrade() else { return gst::PadProbeReturn::Ok };
        let Some(packet) = info.buffer().cloned() else { return gst::PadProbeReturn::Ok };
        // Ours is the only reference, so that it can be decrypted in place.
        info.data = None;
        info.flow_res = into.chain(packet);
        gst::PadProbeReturn::Handled
    });
}
