//! A peer that sends encoded video to us: ours answers.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_webrtc::{WebRTCFECType, WebRTCRTPTransceiverDirection, WebRTCSDPType};

use super::congestion;
use super::impairing::Impairing;
use super::peer::{repeat_handshakes, watch_bus};
use super::reception::Reception;
use super::repeater::Repeater;
use super::shortcut::Shortcut;
use super::signals::{WebrtcBin, parse_description};
use super::{Channel, IceSettings, PeerError, Report, Trust};
use crate::clock::RunClock;
use crate::impair::{Impaired, Path};
use crate::pipeline::{Debugging, Pipeline};

/// Before anything is known of the path it is taken for a bad one: a message lost in the first second stopped SCTP for another one
/// (measured at 20 %), while a second of copies costs 20 kB.
const UNKNOWN_LOSS: f64 = 0.2;

/// What a receiving peer is made of.
#[derive(Clone, Debug)]
pub struct ReceiveSettings {
    /// Launch text: a webrtcbin `peer`.
    pub launch: String,
    /// How long a lost packet is waited for, in ms, until [`Reception::set_wait`] says otherwise.
    pub jitter_ms: u32,
    /// What comes out of the peer goes to this bin's `sink` pad.
    pub tail: gst::Bin,
    /// The other side's offer, which has passed the gate.
    pub offer: String,
    /// Judges the other side's certificate.
    pub trust: Arc<Trust>,
    /// Ways to the other side.
    pub ice: IceSettings,
    /// The bad network that what goes out meets; none for the network as it is.
    pub path: Option<Path>,
    /// What is to be seen of the pipeline.
    pub debugging: Debugging,
}

/// A peer that sends encoded video to us.
pub struct ReceivingPeer {
    pipeline: Pipeline,
    webrtcbin: WebrtcBin,
    channel: Channel,
    impairing: Option<Impairing>,
    reception: Reception,
    repeater: Repeater,
}

impl ReceivingPeer {
    /// Makes the pipeline, starts it and answers the offer. The answer is reported.
    pub fn start(
        name: &str,
        settings: &ReceiveSettings,
        clock: &RunClock,
        report: Report,
    ) -> Result<ReceivingPeer, PeerError> {
        let ReceiveSettings { launch, jitter_ms, tail, offer, trust, ice, path, debugging } = settings;
        let offer = parse_description(WebRTCSDPType::Offer, offer).ok_or(PeerError::Description)?;
        let mut pipeline = Pipeline::parse(name, launch)?;
        pipeline.set_debugging(debugging);
        clock.drive(pipeline.inner());
        let (reception, repeater) = (Reception::new(*jitter_ms), Repeater::new(clock));
        repeater.set_loss(UNKNOWN_LOSS);
        let report = repeat_handshakes(&repeater, report);
        watch_bus(&pipeline, &report);
        pipeline.inner().add(tail).map_err(|_| PeerError::Webrtcbin("takes no receiving tail"))?;

        let webrtcbin = WebrtcBin::new(pipeline.element("peer")?);
        ice.apply(&webrtcbin)?;
        webrtcbin.report_connection(&report, ice.relay_only);
        webrtcbin.link_to(tail, &report);
        let (tuned, repeated) = (reception.clone(), repeater.clone());
        webrtcbin.on_inner_element(move |factory, element| {
            tuned.adopt(factory, element);
            repeated.adopt(factory, element);
        });
        let impairing = path.clone().map(|path| Impairing::start(path, &webrtcbin, clock)).transpose()?;
        let preferences = congestion::preferences(offer.sdp());
        webrtcbin.on_new_transceiver(move |transceiver| {
            transceiver.set_direction(WebRTCRTPTransceiverDirection::Recvonly);
            transceiver.set_property("do-nack", true);
            transceiver.set_property("fec-type", WebRTCFECType::UlpRed);
            if preferences.is_some() {
                transceiver.set_codec_preferences(preferences.as_ref());
            }
        });
        let channel = Channel::default();
        webrtcbin.take_channel(&channel, trust, clock, &report);

        pipeline.play()?;
        webrtcbin.answer(offer, trust, &report, Shortcut::Queue);
        Ok(ReceivingPeer { pipeline, webrtcbin, channel, impairing, reception, repeater })
    }

    /// Adds a candidate of the other side (which has passed the gate).
    pub fn add_candidate(&self, mline: u32, candidate: &str) {
        self.webrtcbin.add_candidate(mline, candidate);
    }

    /// The data channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// What the bad network did so far, if there is one.
    pub fn impaired(&self) -> Option<Impaired> {
        self.impairing.as_ref().map(Impairing::impaired)
    }

    /// What it receives, and how long it waits for what is lost.
    pub fn reception(&self) -> &Reception {
        &self.reception
    }

    /// The path loses this share of the packets: what must not be lost is sent more than once.
    pub fn set_loss(&self, loss: f64) {
        self.repeater.set_loss(loss);
    }

    /// Its pipeline, for graphs.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Ends the connection and frees all of it. Blocks, see [`super::SendingPeer::close`].
    pub fn close(self) {
        let ReceivingPeer { pipeline, webrtcbin, channel, impairing, repeater, .. } = self;
        repeater.close();
        drop(impairing);
        channel.set(None);
        drop(webrtcbin);
        pipeline.stop();
    }
}
