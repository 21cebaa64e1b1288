//! A peer that encoded video is sent to: ours offers, or answers an offer to receive it.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_webrtc::{WebRTCFECType, WebRTCRTPTransceiverDirection, WebRTCSDPType};

use super::congestion::{Pacer, PacingSettings};
use super::description::parse_description;
use super::impairing::Impairing;
use super::peer::{repeat_handshakes, watch_bus};
use super::quota::Quota;
use super::repeater::Repeater;
use super::shortcut::Shortcut;
use super::signals::{WebrtcBin, report_channel};
use super::{
    Channel, ChannelPolicy, IceSettings, Lane, MAX_KEYFRAME_REQUESTS_PER_SECOND, PeerError, PeerEvent, Report, Trust,
};
use crate::clock::RunClock;
use crate::impair::{Impaired, Path};
use crate::pipeline::{Debugging, Pipeline};
use crate::units::RtpTime;

/// How old a packet may be that is sent again: as long as a receiver waits for one at most. Without it (webrtcbin keeps 500 packets)
/// all of a path's silence of 3 s was sent again, and held the pictures after it up (measured).
const SENT_AGAIN_MS: u32 = 800;

/// What a sending peer is made of.
#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// Launch text: an appsrc `units`, a payloader `pay`, a webrtcbin `peer`.
    pub launch: String,
    /// Caps of the RTP stream as they stand in the offer or answer.
    pub rtp_caps: gst::Caps,
    /// The other side's offer, if ours is to answer.
    pub offer: Option<RemoteOffer>,
    /// How messages travel.
    pub channel: ChannelPolicy,
    /// Ways to the other side.
    pub ice: IceSettings,
    /// The bad network that what goes out meets; none for the network as it is.
    pub path: Option<Path>,
    /// Percent of further packets that restore lost ones; 0 for none.
    pub fec_percent: u32,
    /// Congestion control, if there is to be any; `rtp_caps` then have the header extension for it.
    pub pacing: Option<PacingSettings>,
    /// What is to be seen of the pipeline.
    pub debugging: Debugging,
}

/// The other side's offer, which has passed the gate.
#[derive(Clone, Debug)]
pub struct RemoteOffer {
    /// With the payload type and the header extensions of the stream's caps.
    pub sdp: String,
    /// Judges the other side's certificate.
    pub trust: Arc<Trust>,
}

/// A peer that encoded video is sent to.
pub struct SendingPeer {
    pipeline: Pipeline,
    webrtcbin: WebrtcBin,
    channel: Channel,
    impairing: Option<Impairing>,
    lane: Arc<Lane>,
    pacer: Option<Pacer>,
    clock: RunClock,
    report: Report,
    repeater: Repeater,
}

impl SendingPeer {
    /// Makes the pipeline, starts it and makes an offer or an answer, which is reported.
    pub fn start(name: &str, settings: &StreamSettings, clock: &RunClock, report: Report) -> Result<SendingPeer, PeerError> {
        let mut pipeline = Pipeline::parse(name, &settings.launch)?;
        pipeline.set_debugging(&settings.debugging);
        clock.drive(pipeline.inner());
        let repeater = Repeater::new(clock);
        let report = repeat_handshakes(&repeater, report);
        watch_bus(&pipeline, &report);
        let units = pipeline.element::<gst_app::AppSrc>("units")?;
        report_keyframe_requests(&units, clock, &report);
        let payloader = pipeline.element("pay")?;
        name_source(&payloader, &settings.rtp_caps);
        report_sent(&payloader, clock, &report);

        let webrtcbin = WebrtcBin::new(pipeline.element("peer")?);
        settings.ice.apply(&webrtcbin)?;
        webrtcbin.report_connection(&report, settings.ice.relay_only);
        let repeated = repeater.clone();
        webrtcbin.on_inner_element(move |factory, element| {
            repeated.adopt(factory, element);
            if factory == "rtprtxsend" {
                element.set_property("max-size-time", SENT_AGAIN_MS);
            }
        });
        let impairing = settings.path.clone().map(|path| Impairing::start(path, &webrtcbin, clock)).transpose()?;
        let attach = |pacing| Pacer::attach(&webrtcbin, pacing, clock, &report);
        let pacer = settings.pacing.map(attach).transpose()?;
        let transceiver = webrtcbin.transceiver().ok_or(PeerError::Webrtcbin("has no transceiver"))?;
        transceiver.set_direction(WebRTCRTPTransceiverDirection::Sendonly);
        transceiver.set_codec_preferences(Some(&settings.rtp_caps));
        transceiver.set_property("do-nack", true);
        if settings.fec_percent > 0 {
            transceiver.set_property("fec-type", WebRTCFECType::UlpRed);
            transceiver.set_property("fec-percentage", settings.fec_percent);
        }

        pipeline.inner().set_state(gst::State::Ready).map_err(|_| PeerError::Webrtcbin("does not start"))?;
        let channel = Channel::default();
        match &settings.offer {
            None => {
                let made = webrtcbin.create_channel(settings.channel);
                channel.set(Some(made.ok_or(PeerError::Webrtcbin("makes no data channel"))?));
                pipeline.play()?;
                webrtcbin.offer(&report);
            }
            Some(RemoteOffer { sdp, trust }) => {
                let offer = parse_description(WebRTCSDPType::Offer, sdp).ok_or(PeerError::Description)?;
                webrtcbin.take_channel(&channel, trust, clock, &report);
                webrtcbin.report_rtcp(clock, &report);
                pipeline.play()?;
                webrtcbin.answer(offer, trust, &report, Shortcut::Decryption);
            }
        }
        let (lane, clock) = (Arc::new(Lane::new(units)), clock.clone());
        Ok(SendingPeer { pipeline, webrtcbin, channel, impairing, lane, pacer, clock, report, repeater })
    }

    /// Takes the other side's answer (which has passed the gate), and the judge of its certificate. One that rejects the data channel
    /// is heard by its RTCP.
    pub fn set_answer(&self, sdp: &str, has_channel: bool, trust: Trust) -> Result<(), PeerError> {
        let answer = parse_description(WebRTCSDPType::Answer, sdp).ok_or(PeerError::Description)?;
        let trust = Arc::new(trust);
        if !has_channel {
            self.webrtcbin.report_rtcp(&self.clock, &self.report);
        } else if let Some(channel) = self.channel.get() {
            report_channel(&channel, &trust, &self.clock, &self.report);
        }
        self.webrtcbin.set_answer(answer, &trust, &self.report, Shortcut::Decryption);
        Ok(())
    }

    /// Adds a candidate of the other side (which has passed the gate).
    pub fn add_candidate(&self, mline: u32, candidate: &str) {
        self.webrtcbin.add_candidate(mline, candidate);
    }

    /// The way of encoded units to this peer.
    pub fn lane(&self) -> &Arc<Lane> {
        &self.lane
    }

    /// Its congestion control, if it has any.
    pub fn pacer(&self) -> Option<&Pacer> {
        self.pacer.as_ref()
    }

    /// The data channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// What the bad network did so far, if there is one.
    pub fn impaired(&self) -> Option<Impaired> {
        self.impairing.as_ref().map(Impairing::impaired)
    }

    /// Its pipeline, for graphs.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Ends the connection and frees all of it. Blocks, and 1.22 is known to deadlock here now and then: call it off the event
    /// loop and with a deadline.
    pub fn close(self) {
        let SendingPeer { pipeline, webrtcbin, channel, impairing, repeater, .. } = self;
        repeater.close();
        drop(impairing);
        // webrtcbin 1.22 is used after it is freed by a channel that outlives it: our reference goes first.
        channel.set(None);
        drop(webrtcbin);
        pipeline.stop();
    }
}

/// Gives the stream the SSRC that the offer names.
fn name_source(payloader: &gst::Element, rtp_caps: &gst::Caps) {
    let ssrc = rtp_caps.structure(0).and_then(|caps| caps.get::<u32>("ssrc").ok());
    if let Some(ssrc) = ssrc
        && payloader.find_property("ssrc").is_some()
    {
        // As text: its type is another one in the payloaders of gst-plugins-rs.
        payloader.set_property_from_str("ssrc", &ssrc.to_string());
    }
}

/// Requests for keyframes (RTCP PLI and FIR) travel upstream as events and would end at the appsrc.
fn report_keyframe_requests(units: &gst_app::AppSrc, clock: &RunClock, report: &Report) {
    let (clock, report) = (clock.clone(), report.clone());
    let Some(pad) = units.static_pad("src") else { return };
    let quota = Quota::new(MAX_KEYFRAME_REQUESTS_PER_SECOND);
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let is_request = |event: &gst::Event| gst_video::UpstreamForceKeyUnitEvent::parse(event).is_ok();
        if info.event().is_some_and(is_request) && quota.admits(clock.now()) {
            report.tell(PeerEvent::KeyframeWanted);
        }
        gst::PadProbeReturn::Ok
    });
}

/// Reads the RTP timestamp of every frame's first packet where it leaves the payloader: what is really sent, not what should be.
fn report_sent(payloader: &gst::Element, clock: &RunClock, report: &Report) {
    let (clock, report) = (clock.clone(), report.clone());
    let Some(pad) = payloader.static_pad("src") else { return };
    let last = std::sync::Mutex::new(None);
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        let alone = info.buffer().map(|buffer| buffer.as_ref());
        let first = alone.or_else(|| info.buffer_list().and_then(|list| list.get(0)));
        let mut header = [0; 8];
        if first.is_some_and(|packet| packet.copy_to_slice(0, &mut header).is_ok())
            && let Some(rtp) = RtpTime::of_packet(header)
        {
            let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.replace(rtp) != Some(rtp) {
                report.tell(PeerEvent::Sent { rtp, at: clock.now() });
            }
        }
        gst::PadProbeReturn::Ok
    });
}
