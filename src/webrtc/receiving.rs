//! A peer that sends encoded video to us: ours answers, or offers to receive it.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_webrtc::{WebRTCFECType, WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection, WebRTCSDPType};

use super::congestion;
use super::description::parse_description;
use super::impairing::Impairing;
use super::peer::{repeat_handshakes, watch_bus};
use super::reception::Reception;
use super::repeater::Repeater;
use super::shortcut::Shortcut;
use super::signals::{WebrtcBin, report_channel};
use super::{Channel, ChannelPolicy, IceSettings, PeerError, Report, Trust};
use crate::clock::RunClock;
use crate::codec::Codec;
use crate::impair::{Impaired, Path};
use crate::pipeline::{Debugging, Pipeline};

/// Before anything is known of the path it is taken for a bad one: a message lost in the first second stopped SCTP for another one
/// (measured at 20 %), while a second of copies costs 20 kB.
const UNKNOWN_LOSS: f64 = 0.2;

/// The first that is free to use, RFC 3551 section 6.
const FIRST_PAYLOAD_TYPE: i32 = 96;

/// What a receiving peer is made of.
#[derive(Clone, Debug)]
pub struct ReceiveSettings {
    /// Launch text: a webrtcbin `peer`.
    pub launch: String,
    /// How long a lost packet is waited for, in ms, until [`Reception::set_wait`] says otherwise.
    pub jitter_ms: u32,
    /// Who begins.
    pub begin: Begin,
    /// Ways to the other side.
    pub ice: IceSettings,
    /// The bad network that what goes out meets; none for the network as it is.
    pub path: Option<Path>,
    /// What is to be seen of the pipeline.
    pub debugging: Debugging,
}

/// Who begins.
#[derive(Clone, Debug)]
pub enum Begin {
    /// The other side has offered.
    Theirs(Source),
    /// We offer to receive.
    Ours {
        /// Any of these, best first.
        codecs: Vec<Codec>,
        /// Whether there is anything to say.
        channel: bool,
    },
}

/// The other side, once it is known.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its offer or answer, which has passed the gate.
    pub sdp: String,
    /// Judges its certificate.
    pub trust: Arc<Trust>,
    /// What comes from it goes to this bin's `sink` pad.
    pub tail: gst::Bin,
}

/// A peer that sends encoded video to us.
pub struct ReceivingPeer {
    pipeline: Pipeline,
    webrtcbin: WebrtcBin,
    channel: Channel,
    impairing: Option<Impairing>,
    reception: Reception,
    repeater: Repeater,
    clock: RunClock,
    report: Report,
}

impl ReceivingPeer {
    /// Makes the pipeline, starts it, and makes an answer or an offer, which is reported.
    pub fn start(
        name: &str,
        settings: &ReceiveSettings,
        clock: &RunClock,
        report: Report,
    ) -> Result<ReceivingPeer, PeerError> {
        let ReceiveSettings { launch, jitter_ms, begin, ice, path, debugging } = settings;
        let mut pipeline = Pipeline::parse(name, launch)?;
        pipeline.set_debugging(debugging);
        clock.drive(pipeline.inner());
        let (reception, repeater) = (Reception::new(*jitter_ms), Repeater::new(clock));
        repeater.set_loss(UNKNOWN_LOSS);
        let report = repeat_handshakes(&repeater, report);
        watch_bus(&pipeline, &report);

        let webrtcbin = WebrtcBin::new(pipeline.element("peer")?);
        ice.apply(&webrtcbin)?;
        webrtcbin.report_connection(&report, ice.relay_only);
        let (tuned, repeated) = (reception.clone(), repeater.clone());
        webrtcbin.on_inner_element(move |factory, element| {
            tuned.adopt(factory, element);
            repeated.adopt(factory, element);
        });
        let impairing = path.clone().map(|path| Impairing::start(path, &webrtcbin, clock)).transpose()?;
        let (channel, clock) = (Channel::default(), clock.clone());
        let peer = ReceivingPeer { pipeline, webrtcbin, channel, impairing, reception, repeater, clock, report };
        match begin {
            Begin::Theirs(source) => peer.answer(source)?,
            Begin::Ours { codecs, channel } => peer.offer(codecs, *channel)?,
        }
        Ok(peer)
    }

    fn answer(&self, source: &Source) -> Result<(), PeerError> {
        let offer = parse_description(WebRTCSDPType::Offer, &source.sdp).ok_or(PeerError::Description)?;
        self.lead_to(&source.tail)?;
        let preferences = congestion::preferences(offer.sdp());
        self.webrtcbin.on_new_transceiver(move |transceiver| {
            receive_only(transceiver);
            if preferences.is_some() {
                transceiver.set_codec_preferences(preferences.as_ref());
            }
        });
        self.webrtcbin.take_channel(&self.channel, &source.trust, &self.clock, &self.report);
        self.pipeline.play()?;
        self.webrtcbin.answer(offer, &source.trust, &self.report, Shortcut::Queue);
        Ok(())
    }

    fn offer(&self, codecs: &[Codec], channel: bool) -> Result<(), PeerError> {
        self.pipeline.inner().set_state(gst::State::Ready).map_err(|_| PeerError::Webrtcbin("does not start"))?;
        let transceiver =
            self.webrtcbin.add_receiver(&offered(codecs)).ok_or(PeerError::Webrtcbin("adds no transceiver"))?;
        receive_only(&transceiver);
        if channel {
            let made = self.webrtcbin.create_channel(ChannelPolicy::Fresh);
            self.channel.set(Some(made.ok_or(PeerError::Webrtcbin("makes no data channel"))?));
        }
        self.pipeline.play()?;
        self.webrtcbin.offer(&self.report);
        Ok(())
    }

    /// Takes the other side's answer to our offer.
    pub fn set_answer(&self, source: &Source) -> Result<(), PeerError> {
        let answer = parse_description(WebRTCSDPType::Answer, &source.sdp).ok_or(PeerError::Description)?;
        self.lead_to(&source.tail)?;
        source.tail.sync_state_with_parent().map_err(|_| PeerError::Webrtcbin("takes no receiving tail"))?;
        if let Some(channel) = self.channel.get() {
            report_channel(&channel, &source.trust, &self.clock, &self.report);
        }
        self.webrtcbin.set_answer(answer, &source.trust, &self.report, Shortcut::Queue);
        Ok(())
    }

    fn lead_to(&self, tail: &gst::Bin) -> Result<(), PeerError> {
        self.pipeline.inner().add(tail).map_err(|_| PeerError::Webrtcbin("takes no receiving tail"))?;
        self.webrtcbin.link_to(tail, &self.report);
        Ok(())
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

/// What is asked for again when it is lost.
fn receive_only(transceiver: &WebRTCRTPTransceiver) {
    transceiver.set_direction(WebRTCRTPTransceiverDirection::Recvonly);
    transceiver.set_property("do-nack", true);
    transceiver.set_property("fec-type", WebRTCFECType::UlpRed);
}

/// All codecs in one m-line, each with a payload type of its own (RFC 3551 section 6), H.264 as every sender can make it (RFC 7742
/// section 6.2), and the header extension for congestion control.
fn offered(codecs: &[Codec]) -> gst::Caps {
    let mut caps = gst::Caps::new_empty();
    for (payload_type, codec) in (FIRST_PAYLOAD_TYPE..).zip(codecs) {
        let format = gst::Structure::builder("application/x-rtp")
            .field("media", "video")
            .field("encoding-name", codec.encoding_name())
            .field("payload", payload_type)
            .field("clock-rate", 90_000i32)
            .field("rtcp-fb-transport-cc", true)
            .field("extmap-1", congestion::TRANSPORT_WIDE_CC);
        let format = match codec {
            Codec::H264 => format.field("packetization-mode", "1").field("profile-level-id", "42e01f"),
            _ => format,
        };
        caps.make_mut().append_structure(format.build());
    }
    caps
}
