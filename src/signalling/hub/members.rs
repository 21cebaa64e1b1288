//! Receivers and viewers: how they come, come back, speak and leave.

use std::time::Duration;

use super::super::message::{
    Absence, ErrorCode, From, Join, Left, LeftWhy, MAX_MESSAGE_BYTES, MemberId, OfMember, PROTOCOL_VERSION, Resume, Role,
    Sdp, SessionId, Ticket, ToClient, TrickledCandidate, Waiting, Welcome,
};
use super::seats::{Line, Member, Seat, Standing};
use super::{ConnectionId, Hub, MemberNames};

impl Hub {
    pub(super) fn on_join(&mut self, id: ConnectionId, join: Join, now: Duration) {
        if !self.check_version(id, join.version) {
            return;
        }
        let Some(session) = self.session_of(id, &join) else { return };
        let Some(connection) = self.connections.get(&id) else { return };
        if !connection.access.allows(&session) || (join.role == Role::Receiver && !connection.access.may_answer) {
            let text = format!("this token is not for a {} of session '{session}'", join.role);
            return self.expel(id, ErrorCode::Forbidden, text);
        }
        if let Seat::Member(session, member) = connection.seat.clone() {
            return self.renew(id, &session, member, join);
        }
        match join.resume.clone() {
            Some(resume) => self.resume(id, &session, join, &resume, now),
            None => self.enter(id, &session, join, now),
        }
    }

    /// The session that is meant: said, where it is already, that of its token, or the only one.
    fn session_of(&mut self, id: ConnectionId, join: &Join) -> Option<SessionId> {
        let own = self.connections.get(&id).and_then(|connection| match &connection.seat {
            Seat::Member(session, _) => Some(session.clone()),
            _ => connection.access.session.clone(),
        });
        let only = || if self.sessions.len() == 1 { self.sessions.keys().next().cloned() } else { None };
        let session = join.session.clone().or(own).or_else(only);
        if session.is_none() {
            let text = match self.sessions.len() {
                0 => "there is no session here yet: name one, and wait there for its sender".to_owned(),
                many => format!("there are {many} sessions here: name one"),
            };
            self.expel(id, ErrorCode::SessionNeeded, text);
        }
        session
    }

    /// Somebody new.
    fn enter(&mut self, id: ConnectionId, session: &SessionId, join: Join, now: Duration) {
        let ticket = Ticket::new(self.supplies.random());
        let random = self.supplies.random();
        let (names, at_most) = (self.config.names, self.config.max_members);
        let place = match self.open(session, now) {
            Ok(place) => place,
            Err(text) => return self.expel(id, ErrorCode::TooMany, text),
        };
        let here = place.members.len();
        if here >= at_most {
            return self.expel(id, ErrorCode::TooMany, format!("{here} receivers are here already, and that is the most"));
        }
        place.counted += 1;
        let name = match names {
            MemberNames::Counted => format!("receiver-{}", place.counted),
            MemberNames::Random => format!("receiver-{:08x}", random as u32),
        };
        let Ok(member) = MemberId::try_from(name) else { return };
        self.sit(id, session, member, ticket, join, Standing::Owed);
    }

    /// Somebody who was here before, says so, and can prove it.
    fn resume(&mut self, id: ConnectionId, session: &SessionId, join: Join, resume: &Resume, now: Duration) {
        let known = self.sessions.get(session);
        let has_sender = known.is_some_and(|known| known.sender.is_some());
        match known.and_then(|known| known.members.get(&resume.id)) {
            Some(member) if member.ticket.is(&resume.ticket) => {
                let (standing, line) = (member.standing, member.line);
                if let Line::Up(before) = line {
                    self.replace(before);
                }
                let standing = if resume.keep { standing } else { Standing::Owed };
                self.sit(id, session, resume.id.clone(), resume.ticket.clone(), join, standing);
                if standing == Standing::Told && line.connection().is_none() {
                    self.tell_sender(session, ToClient::Back(Absence { member: resume.id.clone() }));
                }
            }
            None if resume.keep && !has_sender => self.claim(id, session, join, resume, now),
            _ => self.complain(id, ErrorCode::ResumeRefused, "nobody is remembered by this id and ticket: join anew".into()),
        }
    }

    /// Somebody who says that its peer connection lives on; this hub is too young to know, its sender will tell.
    fn claim(&mut self, id: ConnectionId, session: &SessionId, join: Join, resume: &Resume, now: Duration) {
        let at_most = self.config.max_members;
        match self.open(session, now) {
            Ok(place) if place.members.len() < at_most => {
                self.sit(id, session, resume.id.clone(), resume.ticket.clone(), join, Standing::Claimed);
            }
            // Perhaps there is room elsewhere: another sender may listen here now.
            Ok(_) | Err(_) => {
                self.complain(id, ErrorCode::ResumeRefused, "there is no room for that session: join anew".into());
            }
        }
    }

    /// A member wants a new peer connection.
    fn renew(&mut self, id: ConnectionId, session: &SessionId, member: MemberId, join: Join) {
        if join.session.as_ref().is_some_and(|other| other != session) {
            let text = format!("this connection is in session '{session}': open another for another session");
            return self.complain(id, ErrorCode::ProtocolError, text);
        }
        let known = self.sessions.get(session).and_then(|session| session.members.get(&member));
        let Some(ticket) = known.map(|member| member.ticket.clone()) else { return };
        self.sit(id, session, member, ticket, join, Standing::Owed);
    }

    /// Gives a member its place, welcomes it, and tells the sender if it has to.
    fn sit(
        &mut self,
        id: ConnectionId,
        session: &SessionId,
        member: MemberId,
        ticket: Ticket,
        join: Join,
        standing: Standing,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.seat = Seat::Member(session.clone(), member.clone());
        connection.deadline = None;
        let Join { role, name, codecs, offer, .. } = join;
        let (line, loopback) = (Line::Up(id), connection.loopback);
        let Some(place) = self.sessions.get_mut(session) else { return };
        let offer = offer.filter(|_| standing == Standing::Owed);
        let since = self.now;
        let seated = Member { line, since, ticket: ticket.clone(), role, name, codecs, loopback, standing, offer };
        place.members.insert(member.clone(), seated);
        let ice_servers = self.supplies.ice_servers(member.as_str());
        let (version, kept) = (PROTOCOL_VERSION, standing != Standing::Owed);
        let welcome = Welcome { version, session: session.clone(), id: member.clone(), ticket, kept, ice_servers };
        self.send(id, ToClient::Welcome(welcome));
        if !kept {
            self.announce(session, &member);
        }
    }

    /// Tells the sender that this member wants a peer connection; without a sender, the member has to wait.
    pub(super) fn announce(&mut self, session: &SessionId, id: &MemberId) {
        let Some(place) = self.sessions.get_mut(session) else { return };
        let sender = place.sender_connection();
        let Some(member) = place.members.get_mut(id) else { return };
        member.standing = Standing::Owed;
        match (sender, member.line) {
            (Some(sender), Line::Up(_)) => {
                member.standing = Standing::Told;
                let joined = member.joined(id);
                self.send(sender, ToClient::Joined(joined));
            }
            (None, Line::Up(connection)) => {
                let reason = "the sender of this session is not here".to_owned();
                self.send(connection, ToClient::Waiting(Waiting { reason }));
            }
            (_, Line::Down(_)) => {}
        }
    }

    pub(super) fn on_answer(&mut self, session: &SessionId, member: MemberId, answer: Sdp) {
        self.pass_on(session, From { member, message: OfMember::Answer(answer) });
    }

    pub(super) fn on_candidate(&mut self, session: &SessionId, member: MemberId, candidate: TrickledCandidate) {
        self.pass_on(session, From { member, message: OfMember::Candidate(candidate) });
    }

    /// To the sender. While its connection is down it is lost; what hangs for that is made anew after the sender's own deadlines.
    fn pass_on(&mut self, session: &SessionId, from: From) {
        let member = from.member.clone();
        let message = ToClient::From(from);
        let bytes = message.to_json().len();
        if bytes <= MAX_MESSAGE_BYTES {
            return self.tell_sender(session, message);
        }
        // What it travels in would end the sender's connection, and everybody's with it.
        let place = self.sessions.get(session).and_then(|session| session.members.get(&member));
        if let Some(id) = place.and_then(|member| member.line.connection()) {
            self.complain(
                id,
                ErrorCode::InvalidMessage,
                format!("passed on this has {bytes} bytes; {MAX_MESSAGE_BYTES} go"),
            );
        }
    }

    pub(super) fn tell_sender(&mut self, session: &SessionId, message: ToClient) {
        if let Some(sender) = self.sessions.get(session).and_then(|session| session.sender_connection()) {
            self.send(sender, message);
        }
    }

    /// A member's connection is down; it is waited for.
    pub(super) fn lose(&mut self, id: ConnectionId, session: &SessionId, member: &MemberId, until: Duration) {
        let place = self.sessions.get_mut(session);
        let Some(seated) = place.and_then(|place| place.members.get_mut(member)) else { return };
        if seated.line != Line::Up(id) {
            return;
        }
        seated.line = Line::Down(until);
        if seated.standing == Standing::Told {
            self.tell_sender(session, ToClient::Away(Absence { member: member.clone() }));
        }
    }

    /// Sends away who waited too long for a sender.
    pub(super) fn dismiss_waiting(&mut self, session: &SessionId, now: Duration) {
        let Some(place) = self.sessions.get(session) else { return };
        let is_due = |member: &Member| place.waits_until(member, self.config.max_wait).is_some_and(|until| until <= now);
        let due: Vec<_> =
            place.members.values().filter(|member| is_due(member)).filter_map(|member| member.line.connection()).collect();
        for id in due {
            let text = format!("no sender came to session '{session}' within {:?}", self.config.max_wait);
            self.expel(id, ErrorCode::NoSender, text);
        }
    }

    /// A member is gone for good.
    pub(super) fn end_member(&mut self, session: &SessionId, member: &MemberId, why: LeftWhy) {
        let Some(place) = self.sessions.get_mut(session) else { return };
        if place.members.remove(member).is_some()
            && let Some(sender) = place.sender_connection()
        {
            self.send(sender, ToClient::Left(Left { member: member.clone(), why }));
        }
        self.tidy(session);
    }
}
