//! Congestion control in a sending peer: rtpgccbwe paces the packets and estimates; what the other side's feedback says is read.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;

use super::signals::WebrtcBin;
use super::{PeerError, PeerEvent, Report};
use crate::clock::RunClock;
use crate::congestion::{Packet, Path};
use crate::units::Bitrate;

/// The header extension that numbers packets for the feedback.
pub const TRANSPORT_WIDE_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// What rtpgccbwe calls the event that tells of packets.
const FEEDBACK: &str = "RTPTWCCPackets";

/// Between which bitrates, and from where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacingSettings {
    /// At the start.
    pub start: Bitrate,
    /// Never slower.
    pub least: Bitrate,
    /// Never faster.
    pub most: Bitrate,
}

/// Paces a peer's packets. Holds no strong reference to what does it.
#[derive(Clone, Debug)]
pub struct Pacer(glib::WeakRef<gst::Element>);

impl Pacer {
    /// Puts rtpgccbwe in front of the peer's session, and reports what the feedback says of the path.
    pub(super) fn attach(
        webrtcbin: &WebrtcBin,
        settings: PacingSettings,
        clock: &RunClock,
        report: &Report,
    ) -> Result<Pacer, PeerError> {
        let made = gst::ElementFactory::make("rtpgccbwe").build();
        let estimator = made.map_err(|_| PeerError::Webrtcbin("finds no rtpgccbwe for congestion control"))?;
        let PacingSettings { start, least, most } = settings;
        for (property, bitrate) in [("min-bitrate", least), ("max-bitrate", most), ("estimated-bitrate", start)] {
            estimator.set_property(property, bits_per_second(bitrate));
        }
        report_feedback(&estimator, clock, report);
        webrtcbin.set_aux_sender(&estimator);
        Ok(Pacer(estimator.downgrade()))
    }

    /// From now on the estimate, and with it the pace, begins from here.
    pub fn set_estimate(&self, bitrate: Bitrate) {
        if let Some(estimator) = self.0.upgrade() {
            estimator.set_property("estimated-bitrate", bits_per_second(bitrate));
        }
    }
}

fn bits_per_second(bitrate: Bitrate) -> u32 {
    u32::try_from(bitrate.as_bps()).unwrap_or(u32::MAX)
}

fn report_feedback(estimator: &gst::Element, clock: &RunClock, report: &Report) {
    let Some(pad) = estimator.static_pad("src") else { return };
    let (clock, report, estimator) = (clock.clone(), report.clone(), estimator.downgrade());
    let path = Mutex::new(Path::default());
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let feedback = info.event().and_then(|event| event.structure()).filter(|event| event.name() == FEEDBACK);
        if let Some(packets) = feedback.and_then(|feedback| feedback.get::<glib::ValueArray>("packets").ok())
            && let Some(estimator) = estimator.upgrade()
        {
            let mut path = path.lock().unwrap_or_else(PoisonError::into_inner);
            packets.iter().filter_map(packet).for_each(|packet| path.note(packet));
            let estimate = Bitrate::bps(estimator.property::<u32>("estimated-bitrate").into());
            report.tell(PeerEvent::Path { measured: path.measured(), estimate, at: clock.now() });
        }
        gst::PadProbeReturn::Ok
    });
}

/// What webrtcbin says of one packet; none if it does not know when it was sent.
fn packet(value: &glib::Value) -> Option<Packet> {
    let packet = value.get::<&gst::StructureRef>().ok()?;
    let time = |field: &str| packet.get::<gst::ClockTime>(field).ok().map(|time| Duration::from_nanos(time.nseconds()));
    let lost = packet.get::<bool>("lost").ok()?;
    let arrived = if lost { None } else { Some(time("remote-ts")?) };
    Some(Packet { sent: time("local-ts")?, arrived, bytes: packet.get("size").ok()? })
}

/// What to answer an offer with, if it has the header extension: webrtcbin 1.22 leaves it out of its answer otherwise (measured), and
/// no feedback comes.
pub(super) fn preferences(offer: &gst_sdp::SDPMessageRef) -> Option<gst::Caps> {
    let video = offer.medias().find(|media| media.media() == Some("video"))?;
    let extensions = (0..).map_while(|index| video.attribute_val_n("extmap", index));
    let id = extensions.filter_map(|value| value.split_once(' ')).find(|(_, uri)| *uri == TRANSPORT_WIDE_CC)?.0;
    let id = id.split('/').next()?.parse::<u8>().ok()?;
    let caps = gst::Caps::builder("application/x-rtp").field("media", "video").field("rtcp-fb-transport-cc", true);
    Some(caps.field(format!("extmap-{id}"), TRANSPORT_WIDE_CC).build())
}
