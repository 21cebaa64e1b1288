//! The sender's receivers: from the room's decisions to running peers, and what the peers report.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::event::Event;
use super::member::Member;
use super::stream::Numbers;
use super::{Sender, congestion};
use crate::codec::Codec;
use crate::feedback::{self, Liveness, Message, Sightings};
use crate::impair::{Impaired, Path};
use crate::report::{Outcome, ReceiverId};
use crate::signalling::gate::CheckedSdp;
use crate::signalling::message::{ErrorCode, FromClient, Role, To};
use crate::signalling::room::{Action, Departure, NewPeer, Offered, PeerId};
use crate::webrtc::{PeerError, PeerEvent, RemoteOffer, Report, SendingPeer, StreamSettings, Trust};

impl Sender {
    /// Does what the room decided.
    pub(super) fn act(&mut self) {
        while let Some(action) = self.room.poll_action() {
            match action {
                Action::Send(member, message) => self.hub.tell(FromClient::To(To { member, message })),
                Action::StartPeer(id, peer) => {
                    self.members.insert(id, Member::new(&peer, self.clock.now()));
                    self.start_peer(id, peer);
                }
                Action::ApplyAnswer(id, answer) => self.apply_answer(id, &answer),
                Action::AddCandidate(id, line, candidate) => {
                    if let Some(member) = self.members.get_mut(&id) {
                        member.add_candidate(line, candidate.text());
                    }
                }
                Action::DropPeer(id, why) => {
                    tracing::info!(receiver = self.name_of(id), %why, "receiver gone");
                    self.drop_peer(id, why);
                }
            }
        }
    }

    fn name_of(&self, id: PeerId) -> String {
        self.members.get(&id).map(|member| member.name.clone()).unwrap_or_default()
    }

    /// Makes a peer, off the loop: it takes tens of milliseconds.
    pub(super) fn start_peer(&mut self, id: PeerId, new: NewPeer) {
        if self.is_choosing {
            return self.waiting.push((id, new));
        }
        let Some(codec) = self.stream.choice().map(|choice| choice.codec) else { return };
        if !new.codecs.contains(&codec) {
            return self.serve_other_codec(id, new, codec);
        }
        let Some(member) = self.members.get(&id) else { return };
        let settings = match self.settings(codec, &member.name, new.offered.as_deref()) {
            Ok(settings) => settings,
            Err(error) => return self.room.on_peer_failed(id, ErrorCode::InternalError, &error.to_string()),
        };
        let Some(member) = self.members.get_mut(&id) else { return };
        member.codec = Some(codec);
        let (clock, events) = (self.clock.clone(), self.events.clone());
        tokio::task::spawn_blocking(move || {
            let told = events.clone();
            let report = Report::new(move |event| told.tell(Event::Peer { id, event }));
            let peer = SendingPeer::start(&format!("peer-{}", id.0), &settings, &clock, report).map(Box::new);
            events.tell(Event::PeerStarted { id, peer });
        });
    }

    /// One encoder serves all: while others are being sent its codec, it stays; else it is changed for the newcomer.
    fn serve_other_codec(&mut self, id: PeerId, new: NewPeer, codec: Codec) {
        if self.members.values().any(|member| member.codec.is_some()) {
            let theirs: Vec<String> = new.codecs.iter().map(Codec::to_string).collect();
            let why = format!(
                "others are being sent {codec}, and all are sent the same; this receiver decodes {} of what the sender has",
                theirs.join(", ")
            );
            // Not for ever, so the receiver may come back.
            return self.room.on_peer_failed(id, ErrorCode::TooMany, &why);
        }
        self.look_for_encoder(Some(new.codecs.clone()), None);
        self.waiting.push((id, new));
    }

    fn settings(&self, codec: Codec, name: &str, offered: Option<&Offered>) -> anyhow::Result<StreamSettings> {
        let numbers = Numbers::of(offered, codec).with_context(|| format!("the offer has no {codec}"))?;
        let (launch, rtp_caps) = self.stream.peer(&self.plan, codec, self.config.bitrate, numbers)?;
        let offer = offered.map(|offered| RemoteOffer {
            sdp: offered.narrowed_to(numbers.payload_type),
            trust: Arc::new(Trust::new(offered.sdp.fingerprints().judge())),
        });
        let channel = self.config.channel;
        let ice = crate::ice::settings(self.hub.ice_servers(&self.config), self.config.ice_tcp, self.config.ice_policy);
        let path = self.config.network.impair.clone().map(|impairment| Path::named(impairment, &format!("to {name}")));
        let pacing = congestion::pacing(self.config.bitrate).filter(|_| numbers.transport_cc_id.is_some());
        let takes_fec = offered.is_none_or(|offered| offered.takes_fec);
        let fec_percent = if takes_fec { self.config.recovery.fec_percent } else { 0 };
        let debugging = self.debugging.clone();
        Ok(StreamSettings { launch, rtp_caps, offer, channel, ice, path, fec_percent, pacing, debugging })
    }

    pub(super) fn on_peer_started(&mut self, id: PeerId, peer: Result<Box<SendingPeer>, PeerError>) {
        let peer = match peer {
            Ok(peer) => peer,
            Err(error) => return self.room.on_peer_failed(id, ErrorCode::InternalError, &error.to_string()),
        };
        let current = self.stream.choice().map(|choice| choice.codec);
        // It may have left meanwhile, or been sent away.
        let is_member = self.room.is_member(id);
        let Some(member) = self.members.get_mut(&id).filter(|member| is_member && member.codec == current) else {
            self.close(*peer);
            return self.room.on_peer_failed(id, ErrorCode::InternalError, "the encoder changed meanwhile: join again");
        };
        peer.pipeline().dump("start");
        self.stream.lanes().add(peer.lane().clone());
        member.take_peer(*peer);
        // One that answers may be connected already.
        self.on_progress(id, |_| ());
    }

    fn apply_answer(&mut self, id: PeerId, answer: &CheckedSdp) {
        let has_channel = answer.application().is_some();
        let member = self.members.get_mut(&id).filter(|member| member.peer.is_some());
        let Some(member) = member else {
            return self.room.on_peer_failed(id, ErrorCode::InternalError, "there is no connection that the answer is for");
        };
        if !has_channel {
            tracing::info!(receiver = member.name, "it takes no data channel: it is sent video, and returns nothing");
            member.only_watches();
        }
        let trust = Trust::new(answer.fingerprints().judge());
        let applied = member.peer.as_ref().map(|peer| peer.set_answer(answer.text(), has_channel, trust));
        if let Some(Err(error)) = applied {
            self.room.on_peer_failed(id, ErrorCode::SdpRefused, &error.to_string());
        }
    }

    pub(super) fn on_peer(&mut self, id: PeerId, event: PeerEvent) {
        let now = self.clock.now();
        match event {
            PeerEvent::Described { sdp } => self.room.on_described(id, &sdp, now),
            PeerEvent::Candidate { mline, candidate } => self.room.on_local_candidate(id, mline, &candidate),
            PeerEvent::Gathered => self.room.on_gathered(id),
            PeerEvent::WayFound | PeerEvent::OtherChannel => {}
            PeerEvent::Connected => self.on_progress(id, |member| member.is_trusted = true),
            PeerEvent::ChannelOpen => self.on_progress(id, |member| member.has_channel = true),
            PeerEvent::Untrusted => {
                let why = "the certificate is not the one that the answer names";
                self.room.on_peer_failed(id, ErrorCode::FingerprintMismatch, why);
            }
            PeerEvent::Message { text, at } => self.on_message(id, &text, at),
            PeerEvent::Sent { rtp, at } => {
                if let Some(receiver) = self.receiver(id) {
                    self.ledger.sent(receiver, rtp, at);
                }
            }
            PeerEvent::Path { measured, estimate, at } => self.on_path(id, measured, estimate, at),
            PeerEvent::Reported { at } => {
                if let Some(member) = self.members.get_mut(&id) {
                    member.reports.heartbeat(at);
                }
            }
            PeerEvent::KeyframeWanted => self.stream.want_keyframe(),
            PeerEvent::Lost { reason } => self.room.on_peer_lost(id, ErrorCode::ConnectionLost, &reason, now),
            PeerEvent::Failed { reason } => {
                self.dump(id, "error");
                tracing::warn!(peer = id.0, "a connection is of no use: {reason}");
                self.room.on_peer_lost(id, ErrorCode::InternalError, &reason, now);
            }
        }
    }

    fn on_progress(&mut self, id: PeerId, note: impl FnOnce(&mut Member)) {
        let now = self.clock.now();
        let Some(member) = self.members.get_mut(&id) else { return };
        note(member);
        if !member.is_ready() {
            return;
        }
        let Some(peer) = &member.peer else { return };
        let lane = peer.lane().clone();
        member.activate(now);
        self.room.on_peer_connected(id);
        let (receiver, name, hello_at) = (member.receiver, Arc::<str>::from(member.name.as_str()), member.hello_at);
        tracing::info!(receiver = member.name, role = ?member.role, "receiver connected");
        match member.role {
            Role::Receiver => {
                self.ledger.receiver_joined(receiver, name.clone(), hello_at, now);
                self.keep_joined(receiver, name, hello_at, now);
            }
            Role::Viewer => self.ledger.viewer_joined(receiver, name, hello_at, now),
        }
        self.stream.lanes().open(&lane);
        self.stream.want_keyframe();
        self.begin_source();
        self.dump(id, "connected");
    }

    fn dump(&self, id: PeerId, moment: &str) {
        if let Some(peer) = self.members.get(&id).and_then(|member| member.peer.as_ref()) {
            peer.pipeline().dump(moment);
        }
    }

    fn receiver(&self, id: PeerId) -> Option<ReceiverId> {
        self.members.get(&id).map(|member| member.receiver)
    }

    fn on_message(&mut self, id: PeerId, text: &str, at: Duration) {
        self.has_heard = true;
        let Some(receiver) = self.receiver(id) else { return };
        match feedback::message::read(text.as_bytes()) {
            Ok(Message::Sightings(sightings)) => self.on_sightings(id, &sightings, at),
            Ok(Message::Pong(pong)) => {
                self.ledger.pong(receiver, &pong, at);
                if let Some(liveness) = self.liveness_mut(id) {
                    liveness.heartbeat(at);
                }
            }
            Ok(Message::Stats(stats)) => self.ledger.stats(receiver, stats),
            Ok(Message::Watch(wish)) => self.on_watch(id, wish),
            Ok(Message::Ping(_) | Message::Truth(_) | Message::Results(_)) => {
                self.on_garbage(id, "pings, truth and results are for the sender to send");
            }
            Err(error) => self.on_garbage(id, &error.to_string()),
        }
    }

    fn on_sightings(&mut self, id: PeerId, sightings: &Sightings, at: Duration) {
        let Some(receiver) = self.receiver(id) else { return };
        let truth_now = self.film.truth_at(at);
        match self.ledger.feedback(receiver, sightings, &truth_now, at) {
            Outcome::Matched(joined) => {
                tracing::trace!(receiver = id.0, ?joined, "matched");
                self.on_answered(id, at);
                self.note_result(id, &joined);
            }
            other => tracing::trace!(receiver = id.0, rtp = ?sightings.rtp, code = sightings.code, ?other, "not matched"),
        }
        if let Some(liveness) = self.liveness_mut(id) {
            liveness.heard(at);
        }
    }

    /// What a person waits for who starts a receiver.
    fn on_answered(&mut self, id: PeerId, at: Duration) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if !std::mem::replace(&mut member.has_answered, true) {
            let after_ms = at.saturating_sub(member.hello_at).as_millis();
            tracing::info!(receiver = member.name, after_ms, "first coordinates");
        }
    }

    fn on_garbage(&mut self, id: PeerId, why: &str) {
        let Some(member) = self.members.get_mut(&id) else { return };
        self.ledger.garbage(member.receiver);
        if !std::mem::replace(&mut member.complained, true) {
            tracing::warn!(receiver = member.name, "a message cannot be read (further ones are only counted): {why}");
        }
    }

    fn liveness_mut(&mut self, id: PeerId) -> Option<&mut Liveness> {
        self.members.get_mut(&id)?.active.as_mut()
    }

    /// Pings whoever is due, and gives up the connection of whoever has fallen silent.
    pub(super) fn keep_alive(&mut self, now: Duration) {
        let mut text = String::new();
        for (id, member) in &mut self.members {
            let is_gone = member.is_gone(self.room.is_away(*id), now);
            let (Some(liveness), Some(peer)) = (&mut member.active, &member.peer) else { continue };
            if is_gone {
                self.room.on_peer_lost(*id, ErrorCode::Timeout, "nothing was heard of the receiver for too long", now);
            } else if let Some(ping) = liveness.ping_due(now)
                && ping.write(&mut text).is_ok()
            {
                // A full or closed channel shows as silence.
                let _ = peer.channel().send(&text);
            }
        }
    }

    pub(super) fn dismiss_peers_of_other_codec(&mut self, codec: Codec) {
        let differs = |member: &Member| member.codec.is_some_and(|theirs| theirs != codec);
        let theirs: Vec<PeerId> = self.members.iter().filter(|(_, member)| differs(member)).map(|(id, _)| *id).collect();
        for id in theirs {
            let why = format!("the encoder failed and the next one makes {codec}: join again");
            self.room.on_peer_failed(id, ErrorCode::InternalError, &why);
        }
    }

    fn drop_peer(&mut self, id: PeerId, why: Departure) {
        self.waiting.retain(|(waiting, _)| *waiting != id);
        let Some(member) = self.members.remove(&id) else { return };
        let now = self.clock.now();
        match why {
            Departure::Renewed => self.ledger.receiver_interrupted(member.receiver, now),
            _ => self.ledger.receiver_left(member.receiver, now),
        }
        if member.active.is_some() {
            if member.role == Role::Receiver {
                self.keep_left(member.receiver, now);
            }
            self.congestion.iter_mut().for_each(|congestion| congestion.on_left(id.0));
        }
        if let Some(peer) = member.peer {
            self.close(peer);
        }
    }

    /// Ends a peer off the loop, with a deadline.
    pub(super) fn close(&mut self, peer: SendingPeer) {
        let lane: Arc<_> = peer.lane().clone();
        self.stream.lanes().remove(&lane);
        peer.pipeline().dump("end");
        self.impaired = Impaired::both(self.impaired, peer.impaired());
        self.closing.retain(|closing| !closing.is_finished());
        self.closing.push(crate::closing::off_the_loop(|| peer.close()));
    }
}
