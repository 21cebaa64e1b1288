//! webrtcbin's dictionary: the only place that emits its actions and connects its signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use gstreamer_webrtc::{
    WebRTCDTLSTransportState, WebRTCDataChannel, WebRTCDataChannelState, WebRTCICEConnectionState, WebRTCICEGatheringState,
    WebRTCPeerConnectionState, WebRTCRTPTransceiver, WebRTCSessionDescription,
};

use super::quota::Quota;
use super::relayed::without_base;
use super::shortcut::Shortcut;
use super::{CHANNEL_LABEL, Channel, ChannelPolicy, MAX_MESSAGE_BYTES, MAX_MESSAGES_PER_SECOND, PeerEvent, Report, Trust};
use crate::clock::RunClock;

/// What is said where only TURN servers may be used, and none lets us.
const NO_RELAY: &str = "no TURN server gives us an address, and --ice-policy relay allows nothing else; there has to be one (--turn-url of \
the hub, or --ice-server), it has to be reachable, and its password right";

/// A webrtcbin element.
#[derive(Clone, Debug)]
pub(super) struct WebrtcBin(gst::Element);

impl WebrtcBin {
    pub(super) fn new(element: gst::Element) -> WebrtcBin {
        WebrtcBin(element)
    }

    /// Reports our candidates and that these were all, that ICE has found a way, and the end of the connection.
    pub(super) fn report_connection(&self, report: &Report, relay_only: bool) {
        self.report_candidates(report, relay_only);
        let on_way = report.clone();
        self.0.connect_notify(Some("ice-connection-state"), move |element, _| {
            let state = element.property::<WebRTCICEConnectionState>("ice-connection-state");
            if matches!(state, WebRTCICEConnectionState::Connected | WebRTCICEConnectionState::Completed) {
                on_way.tell(PeerEvent::WayFound);
            }
        });
        let on_state = report.clone();
        self.0.connect_notify(Some("connection-state"), move |element, _| {
            let state = element.property::<WebRTCPeerConnectionState>("connection-state");
            tracing::debug!(?state, "connection");
            if matches!(state, WebRTCPeerConnectionState::Failed | WebRTCPeerConnectionState::Closed) {
                on_state.tell(PeerEvent::Lost { reason: format!("the connection is {state:?}").to_lowercase() });
            }
        });
    }

    /// With `relay_only` none but those of TURN servers count, and without any there is no way.
    fn report_candidates(&self, report: &Report, relay_only: bool) {
        let (on_candidate, found) = (report.clone(), Arc::new(AtomicBool::new(false)));
        let has_found = found.clone();
        self.0.connect("on-ice-candidate", false, move |values| {
            let mline = values.get(1)?.get::<u32>().ok()?;
            let candidate = values.get(2)?.get::<String>().ok()?;
            if !relay_only || candidate.contains(" typ relay") {
                has_found.store(true, Ordering::Relaxed);
                let candidate = if relay_only { without_base(&candidate) } else { candidate };
                on_candidate.tell(PeerEvent::Candidate { mline, candidate });
            }
            None
        });
        let on_gathered = report.clone();
        self.0.connect_notify(Some("ice-gathering-state"), move |element, _| {
            let state = element.property::<WebRTCICEGatheringState>("ice-gathering-state");
            if state != WebRTCICEGatheringState::Complete {
                return;
            }
            on_gathered.tell(PeerEvent::Gathered);
            if relay_only && !found.load(Ordering::Relaxed) {
                on_gathered.tell(PeerEvent::Failed { reason: NO_RELAY.to_owned() });
            }
        });
    }

    /// Watches the certificates: [`PeerEvent::Connected`] once all are what was promised, else [`PeerEvent::Untrusted`].
    ///
    /// To be called when both descriptions are set: the transports exist from then on.
    fn watch_certificates(&self, trust: &Arc<Trust>, report: &Report, shortcut: Shortcut) {
        for transport in self.dtls_transports() {
            let (trust, report, webrtcbin) = (trust.clone(), report.clone(), self.0.downgrade());
            let check = move |transport: &gst_webrtc::WebRTCDTLSTransport| {
                if transport.state() == WebRTCDTLSTransportState::Connected
                    && let Some(event) = trust.check(transport.remote_certificate().as_deref())
                {
                    if let (PeerEvent::Connected, Some(webrtcbin)) = (&event, webrtcbin.upgrade()) {
                        shortcut.take(&webrtcbin);
                    }
                    report.tell(event);
                }
            };
            transport.connect_state_notify(check.clone());
            // It may have come so far before anybody listened; the judgement is reported once in any case.
            check(&transport);
        }
    }

    fn dtls_transports(&self) -> Vec<gst_webrtc::WebRTCDTLSTransport> {
        let sctp = self.0.property::<Option<gst_webrtc::WebRTCSCTPTransport>>("sctp-transport");
        let data = sctp.and_then(|sctp| sctp.transport());
        let video = self.transceiver().and_then(|transceiver| {
            let sending = transceiver.sender().and_then(|sender| sender.transport());
            sending.or_else(|| transceiver.receiver().and_then(|receiver| receiver.transport()))
        });
        let mut transports: Vec<_> = data.into_iter().chain(video).collect();
        // Bundled media share one transport.
        transports.dedup();
        transports
    }

    /// The first transceiver, if there is one yet.
    pub(super) fn transceiver(&self) -> Option<WebRTCRTPTransceiver> {
        self.0.emit_by_name::<Option<WebRTCRTPTransceiver>>("get-transceiver", &[&0i32])
    }

    /// Adds a transceiver that receives one of these streams.
    pub(super) fn add_receiver(&self, formats: &gst::Caps) -> Option<WebRTCRTPTransceiver> {
        let direction = gst_webrtc::WebRTCRTPTransceiverDirection::Recvonly;
        self.0.emit_by_name::<Option<WebRTCRTPTransceiver>>("add-transceiver", &[&direction, formats])
    }

    /// What stands between the payloaders and the session. There is one session with bundled media, so it is asked for once.
    pub(super) fn set_aux_sender(&self, element: &gst::Element) {
        let element = element.clone();
        let is_free = AtomicBool::new(true);
        self.0.connect("request-aux-sender", false, move |_| {
            is_free.swap(false, Ordering::AcqRel).then(|| element.to_value())
        });
    }

    /// Calls `prepare` with every transceiver that a remote offer brings, before it is answered.
    pub(super) fn on_new_transceiver(&self, prepare: impl Fn(&WebRTCRTPTransceiver) + Send + Sync + 'static) {
        self.0.connect("on-new-transceiver", false, move |values| {
            let transceiver = values.get(1)?.get::<WebRTCRTPTransceiver>().ok()?;
            prepare(&transceiver);
            None
        });
    }

    /// Asks for the one data channel. webrtcbin must be in READY or above, and must not have made its offer.
    pub(super) fn create_channel(&self, policy: ChannelPolicy) -> Option<WebRTCDataChannel> {
        let options = gst::Structure::builder("options").field("ordered", policy == ChannelPolicy::Reliable);
        let options = match policy {
            ChannelPolicy::Fresh => options.field("max-retransmits", 0i32),
            ChannelPolicy::Unordered | ChannelPolicy::Reliable => options,
            ChannelPolicy::Lifetime { ms } => options.field("max-packet-lifetime", i32::from(ms)),
        };
        let options = options.build();
        self.0.emit_by_name::<Option<WebRTCDataChannel>>("create-data-channel", &[&CHANNEL_LABEL, &options])
    }

    /// Takes the first data channel of our label that the other side makes, and reports what comes over it; of others only that there are
    /// any. Further ones are left alone: what one peer may say is limited by what its channel may.
    pub(super) fn take_channel(&self, slot: &Channel, trust: &Arc<Trust>, clock: &RunClock, report: &Report) {
        let (slot, trust, clock, report) = (slot.clone(), trust.clone(), clock.clone(), report.clone());
        let (has_ours, has_other) = (AtomicBool::new(false), AtomicBool::new(false));
        self.0.connect("on-data-channel", false, move |values| {
            let channel = values.get(1)?.get::<WebRTCDataChannel>().ok()?;
            let is_ours = channel.label().as_deref() == Some(CHANNEL_LABEL);
            let is_first = !if is_ours { &has_ours } else { &has_other }.swap(true, Ordering::AcqRel);
            match (is_first, is_ours) {
                (true, true) => {
                    slot.set(Some(channel.clone()));
                    report_channel(&channel, &trust, &clock, &report);
                }
                (true, false) => report.tell(PeerEvent::OtherChannel),
                (false, _) => {}
            }
            None
        });
    }

    /// Makes an offer, sets it and reports it.
    pub(super) fn offer(&self, report: &Report) {
        self.describe("create-offer", "offer", report, |_| ());
    }

    /// Sets the remote offer, makes an answer, sets it and reports it; watches the certificates from then on.
    pub(super) fn answer(&self, offer: WebRTCSessionDescription, trust: &Arc<Trust>, report: &Report, shortcut: Shortcut) {
        let (webrtcbin, trust, report) = (self.0.downgrade(), trust.clone(), report.clone());
        let promise = gst::Promise::with_change_func(move |reply| {
            let Some(webrtcbin) = webrtcbin.upgrade().map(WebrtcBin) else { return };
            let watched = report.clone();
            let watch = move |webrtcbin: &WebrtcBin| webrtcbin.watch_certificates(&trust, &watched, shortcut);
            match refusal(reply) {
                None => webrtcbin.describe("create-answer", "answer", &report, watch),
                Some(reason) => report.tell(PeerEvent::Failed { reason: format!("webrtcbin refuses the offer: {reason}") }),
            }
        });
        self.0.emit_by_name::<()>("set-remote-description", &[&offer, &promise]);
    }

    /// Sets the remote answer; watches the certificates from then on.
    pub(super) fn set_answer(
        &self,
        answer: WebRTCSessionDescription,
        trust: &Arc<Trust>,
        report: &Report,
        shortcut: Shortcut,
    ) {
        let (webrtcbin, trust, report) = (self.0.downgrade(), trust.clone(), report.clone());
        let promise = gst::Promise::with_change_func(move |reply| {
            let Some(webrtcbin) = webrtcbin.upgrade().map(WebrtcBin) else { return };
            match refusal(reply) {
                None => webrtcbin.watch_certificates(&trust, &report, shortcut),
                Some(reason) => report.tell(PeerEvent::Failed { reason: format!("webrtcbin refuses the answer: {reason}") }),
            }
        });
        self.0.emit_by_name::<()>("set-remote-description", &[&answer, &promise]);
    }

    /// Adds a candidate of the other side.
    pub(super) fn add_candidate(&self, mline: u32, candidate: &str) {
        self.0.emit_by_name::<()>("add-ice-candidate", &[&mline, &candidate]);
    }

    /// Sets the STUN server, `stun://host:port`.
    pub(super) fn set_stun_server(&self, url: &str) {
        self.0.set_property("stun-server", url);
    }

    /// Adds a TURN server, `turn://user:pass@host:port?transport=udp`; false when webrtcbin cannot read it.
    pub(super) fn add_turn_server(&self, url: &str) -> bool {
        self.0.emit_by_name::<bool>("add-turn-server", &[&url])
    }

    /// Uses no way but TURN servers.
    pub(super) fn set_relay_only(&self) {
        self.0.set_property_from_str("ice-transport-policy", "relay");
    }

    /// Whether candidates over TCP are gathered (webrtcbin's default: yes).
    pub(super) fn set_ice_tcp(&self, wanted: bool) {
        self.0.property::<gst::Object>("ice-agent").set_property("ice-tcp", wanted);
    }

    /// Calls `take` with the factory's name of every element that webrtcbin makes inside, and with the element.
    pub(super) fn on_inner_element(&self, take: impl Fn(&str, &gst::Element) + Send + Sync + 'static) {
        let Some(bin) = self.0.downcast_ref::<gst::Bin>() else { return };
        bin.connect_deep_element_added(move |_, _, element| {
            if let Some(factory) = element.factory() {
                take(&factory.name(), element);
            }
        });
    }

    /// Reports when RTCP comes from the other side.
    pub(super) fn report_rtcp(&self, clock: &RunClock, report: &Report) {
        let Some(bin) = self.0.downcast_ref::<gst::Bin>() else { return };
        let (clock, report) = (clock.clone(), report.clone());
        let watch = move |element: &gst::Element| {
            if element.factory().is_none_or(|factory| factory.name() != "dtlssrtpdec") {
                return;
            }
            let Some(pad) = element.static_pad("rtcp_src") else { return };
            let (clock, report, quota) = (clock.clone(), report.clone(), Quota::new(1));
            pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
                let at = clock.now();
                if quota.admits(at) {
                    report.tell(PeerEvent::Reported { at });
                }
                gst::PadProbeReturn::Ok
            });
        };
        // Where ours has offered, the transport is there already.
        bin.iterate_recurse().into_iter().filter_map(Result::ok).for_each(|element| watch(&element));
        bin.connect_deep_element_added(move |_, _, element| watch(element));
    }

    /// Calls `see` with every pad through which encrypted packets go to ICE, as it is made.
    pub(super) fn on_way_out(&self, see: impl Fn(&gst::Pad) + Send + Sync + 'static) {
        let Some(bin) = self.0.downcast_ref::<gst::Bin>() else { return };
        bin.connect_deep_element_added(move |_, _, element| {
            if element.factory().is_some_and(|factory| factory.name() == "nicesink")
                && let Some(pad) = element.static_pad("sink")
            {
                see(&pad);
            }
        });
    }

    /// Sets a property of libnice's agent, if this version has it.
    pub(super) fn set_ice_limit(&self, property: &str, value: u32) {
        let nice = self.0.property::<gst::Object>("ice-agent");
        if nice.find_property("agent").is_none() {
            return;
        }
        let agent = nice.property::<Option<glib::Object>>("agent");
        if let Some(agent) = agent.filter(|agent| agent.find_property(property).is_some()) {
            agent.set_property(property, value);
        }
    }

    /// Links the first stream that comes out to the `sink` pad of `tail`.
    pub(super) fn link_to(&self, tail: &gst::Bin, report: &Report) {
        let (tail, report) = (tail.downgrade(), report.clone());
        self.0.connect_pad_added(move |_, pad| {
            let Some(sink) = tail.upgrade().and_then(|tail| tail.static_pad("sink")) else { return };
            if pad.direction() == gst::PadDirection::Src
                && let Err(error) = pad.link(&sink)
            {
                report.tell(PeerEvent::Failed { reason: format!("the received stream cannot be decoded: {error}") });
            }
        });
    }

    fn describe(
        &self,
        action: &'static str,
        field: &'static str,
        report: &Report,
        described: impl FnOnce(&WebrtcBin) + Send + 'static,
    ) {
        let (webrtcbin, report) = (self.0.downgrade(), report.clone());
        let promise = gst::Promise::with_change_func(move |reply| {
            let Some(webrtcbin) = webrtcbin.upgrade().map(WebrtcBin) else { return };
            let description = match &reply {
                Ok(Some(reply)) => reply.get::<WebRTCSessionDescription>(field).ok(),
                _ => None,
            };
            let Some(description) = description else {
                let reason = refusal(reply).unwrap_or_else(|| "no reason given".to_owned());
                return report.tell(PeerEvent::Failed { reason: format!("webrtcbin cannot make an {field}: {reason}") });
            };
            webrtcbin.0.emit_by_name::<()>("set-local-description", &[&description, &None::<gst::Promise>]);
            described(&webrtcbin);
            match description.sdp().as_text() {
                Ok(sdp) => report.tell(PeerEvent::Described { sdp }),
                Err(_) => report.tell(PeerEvent::Failed { reason: format!("webrtcbin's {field} cannot be written") }),
            }
        });
        self.0.emit_by_name::<()>(action, &[&None::<gst::Structure>, &promise]);
    }
}

/// Reports a channel's opening and its messages, once the peer is trusted.
///
/// webrtcbin wakes a thread for each message that has left, to say that little waits; nobody asks, so that is put out of reach.
pub(super) fn report_channel(channel: &WebRTCDataChannel, trust: &Arc<Trust>, clock: &RunClock, report: &Report) {
    let on_open = report.clone();
    let open = move |channel: &WebRTCDataChannel| {
        if channel.ready_state() == WebRTCDataChannelState::Open {
            on_open.tell(PeerEvent::ChannelOpen);
        }
    };
    let (trust, clock, report) = (trust.clone(), clock.clone(), report.clone());
    let quota = Quota::new(MAX_MESSAGES_PER_SECOND);
    let flooded = AtomicBool::new(false);
    channel.connect_on_message_string(move |_, text| {
        let at = clock.now();
        let Some(text) = text.filter(|_| trust.is_trusted()) else { return };
        if !quota.admits(at) || text.len() > MAX_MESSAGE_BYTES {
            if !flooded.swap(true, Ordering::AcqRel) {
                let reason = format!(
                    "more than {MAX_MESSAGES_PER_SECOND} messages a second, or one of more than {MAX_MESSAGE_BYTES} bytes"
                );
                report.tell(PeerEvent::Failed { reason });
            }
            return;
        }
        report.tell(PeerEvent::Message { text: text.to_owned(), at });
    });
    channel.set_buffered_amount_low_threshold(u64::MAX);
    channel.connect_ready_state_notify(open.clone());
    open(channel);
}

fn refusal(reply: Result<Option<&gst::StructureRef>, gst::PromiseError>) -> Option<String> {
    match reply {
        Ok(Some(reply)) => reply.get::<glib::Error>("error").ok().map(|error| error.to_string()),
        Ok(None) => None,
        Err(error) => Some(format!("{error:?}")),
    }
}
