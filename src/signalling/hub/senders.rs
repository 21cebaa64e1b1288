//! Senders: how they open a session, come back to it, speak to their members and leave.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::message::{
    Absence, ErrorCode, ForMember, KnownMember, LeftWhy, MemberId, PROTOCOL_VERSION, Register, Registered, SessionId,
    Ticket, To, ToClient,
};
use super::seats::{Line, Member, Seat, SenderSeat, Standing};
use super::{ConnectionId, Hub, HubAction};

impl Hub {
    pub(super) fn on_register(&mut self, id: ConnectionId, register: Register, now: Duration) {
        if !self.check_version(id, register.version) {
            return;
        }
        let Some(access) = self.connections.get(&id).map(|connection| connection.access.clone()) else { return };
        let session = register.session.or(access.session.clone()).unwrap_or_else(|| self.supplies.session_id());
        if !access.may_send || !access.allows(&session) {
            return self.expel(id, ErrorCode::Forbidden, format!("this token is not for the sender of session '{session}'"));
        }
        let fresh = Ticket::new(self.supplies.random());
        let place = match self.open(&session, now) {
            Ok(place) => place,
            Err(text) => return self.expel(id, ErrorCode::TooMany, text),
        };
        if !place.admits_sender(register.ticket.as_ref()) {
            let text = format!("somebody publishes into session '{session}'; choose another name");
            return self.expel(id, ErrorCode::SessionTaken, text);
        }
        let seat = place.sender.as_ref().map(|seat| (seat.line, seat.ticket.clone()));
        let is_proven =
            seat.as_ref().is_some_and(|(_, ticket)| register.ticket.as_ref().is_some_and(|shown| shown.is(ticket)));
        let ticket = match &seat {
            Some((Line::Up(_), _)) if !is_proven => {
                let text = format!("session '{session}' has a sender; choose another name, or end that one");
                return self.expel(id, ErrorCode::SessionTaken, text);
            }
            Some((_, ticket)) if is_proven => ticket.clone(),
            _ => fresh,
        };
        place.sender = Some(SenderSeat { ticket: ticket.clone(), line: Line::Up(id) });
        if let Some((Line::Up(before), _)) = seat {
            self.replace(before);
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.seat = Seat::Sender(session.clone());
            connection.deadline = None;
        }
        let ice_servers = self.supplies.ice_servers(session.as_str());
        let registered = Registered { version: PROTOCOL_VERSION, session: session.clone(), ticket, ice_servers };
        self.send(id, ToClient::Registered(registered));
        // Another program may not say whom it has; one that is new here may, since this hub may be newer still.
        let has = if is_proven || seat.is_none() { register.members } else { Vec::new() };
        self.reconcile(&session, has, now);
    }

    /// Brings together whom the hub knows and whom the sender has.
    fn reconcile(&mut self, session: &SessionId, has: Vec<KnownMember>, now: Duration) {
        let Some(place) = self.sessions.get_mut(session) else { return };
        let has: BTreeMap<MemberId, KnownMember> = has.into_iter().map(|known| (known.id.clone(), known)).collect();
        let mut unserved = Vec::new();
        for (id, member) in &mut place.members {
            let is_had = has.get(id).is_some_and(|known| known.ticket.is(&member.ticket));
            match member.standing {
                Standing::Told | Standing::Claimed if is_had => member.standing = Standing::Told,
                _ => unserved.push(id.clone()),
            }
        }
        let (line, room) = (Line::Down(now + self.config.grace), self.config.max_members);
        for (id, KnownMember { ticket, role, .. }) in has {
            if place.members.len() < room {
                let member = || Member {
                    line,
                    since: now,
                    ticket,
                    role,
                    name: None,
                    codecs: Vec::new(),
                    loopback: false,
                    standing: Standing::Told,
                    offer: None,
                };
                place.members.entry(id).or_insert_with(member);
            }
        }
        let is_away = |member: &Member| member.standing == Standing::Told && member.line.connection().is_none();
        let away: Vec<_> = place.members.iter().filter(|(_, one)| is_away(one)).map(|(id, _)| id.clone()).collect();
        for member in away {
            self.tell_sender(session, ToClient::Away(Absence { member }));
        }
        for member in unserved {
            self.announce(session, &member);
        }
    }

    pub(super) fn on_to(&mut self, session: &SessionId, to: To) {
        let To { member, message } = to;
        let Some(place) = self.sessions.get_mut(session) else { return };
        // It may just have left.
        let Some(connection) = place.members.get(&member).map(|member| member.line.connection()) else { return };
        let is_last = match &message {
            ForMember::Offer(_) | ForMember::Answer(_) | ForMember::Candidate(_) => false,
            ForMember::Error(error) => !error.recoverable,
            ForMember::Bye(_) => true,
        };
        if is_last {
            place.members.remove(&member);
        }
        let Some(connection) = connection else { return };
        self.send(connection, message.into());
        if is_last {
            self.connections.remove(&connection);
            self.actions.push_back(HubAction::Close(connection));
        }
    }

    /// The sender is gone for good, its peer connections with it.
    pub(super) fn end_sender(&mut self, session: &SessionId, reason: &str) {
        let Some(place) = self.sessions.get_mut(session) else { return };
        place.sender = None;
        place.unserved_since = self.now;
        for member in place.members.values_mut() {
            member.standing = Standing::Owed;
        }
        self.keep_waiting(session, reason);
        self.tidy(session);
    }

    /// Forgets who did not come back within the grace time.
    pub(super) fn forget_lost(&mut self, session: &SessionId, now: Duration) {
        let Some(place) = self.sessions.get(session) else { return };
        let is_sender_lost = place.sender.as_ref().is_some_and(|sender| sender.line.is_over(now));
        let lost: Vec<_> =
            place.members.iter().filter(|(_, member)| member.line.is_over(now)).map(|(id, _)| id.clone()).collect();
        if is_sender_lost {
            self.end_sender(session, "the connection to the sender was lost");
        }
        for member in lost {
            self.end_member(session, &member, LeftWhy::Lost);
        }
    }
}
