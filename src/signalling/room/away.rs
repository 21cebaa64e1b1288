//! Members whose connection to the hub is down: who hears nothing can be offered nothing.

use super::{Departure, PeerId, Room};
use crate::signalling::message::{ErrorCode, MemberId};

impl Room {
    /// The member's connection to the hub is down. Its peer connection lives on if it does; one that is being made in the place of a lost
    /// one cannot come about.
    pub fn on_away(&mut self, member: &MemberId) {
        let Some(id) = self.peer_of(member) else { return };
        let Some(member) = self.members.get_mut(&id) else { return };
        member.is_away = true;
        if member.tried > 0 && !member.is_connected() {
            self.let_go(id, ErrorCode::Timeout, "the peer connection and the connection to the hub are lost");
        }
    }

    /// It is there again.
    pub fn on_back(&mut self, member: &MemberId) {
        if let Some(member) = self.peer_of(member).and_then(|id| self.members.get_mut(&id)) {
            member.is_away = false;
        }
    }

    /// Whether the member's connection to the hub is down.
    pub fn is_away(&self, id: PeerId) -> bool {
        self.members.get(&id).is_some_and(|member| member.is_away)
    }

    /// Neither its media nor its messages reach it; the hub forgets it too.
    pub(super) fn let_go(&mut self, id: PeerId, code: ErrorCode, why: &str) {
        if let Some(member) = self.forget(id, Departure::ConnectionLost) {
            self.refuse(member.joined.member, code, why.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{A, actions, at, member, renewals, room_at};
    use super::super::{Action, Departure, PeerId};
    use crate::signalling::message::{ErrorCode, ForMember};

    #[test]
    fn whose_media_and_line_are_both_lost_is_gone_at_once_whichever_was_first() {
        for line_first in [true, false] {
            let mut room = room_at(5);
            if line_first {
                room.on_away(&member("a"));
                assert_eq!(actions(&mut room), [], "its media live on");
                assert_eq!(room.connected().len(), 1);
            }
            room.on_peer_lost(A, ErrorCode::Timeout, "silence", at(10));
            let mut last = A;
            if !line_first {
                last = PeerId(2);
                assert_eq!(renewals(&mut room).1, [(last, 1)], "it may come back");
                room.on_away(&member("a"));
            }
            let told = actions(&mut room);
            assert_eq!(told[0], Action::DropPeer(last, Departure::ConnectionLost));
            assert!(matches!(&told[1], Action::Send(_, ForMember::Error(report)) if !report.recoverable), "{told:?}");
            assert!(room.is_empty() && room.receivers.is_empty());
        }
    }

    #[test]
    fn who_is_back_in_time_gets_another_peer_connection_as_ever() {
        let mut room = room_at(5);
        room.on_away(&member("a"));
        room.on_back(&member("a"));
        room.on_peer_lost(A, ErrorCode::Timeout, "silence", at(10));
        assert_eq!(renewals(&mut room), (vec![A], vec![(PeerId(2), 1)]));
    }

    #[test]
    fn the_first_peer_connection_of_who_is_away_has_its_time_but_no_second() {
        let mut room = room_at(4);
        room.on_away(&member("a"));
        room.on_away(&member("nobody"));
        assert!(!room.is_empty() && actions(&mut room).iter().all(|action| !matches!(action, Action::DropPeer(..))));
        room.handle_timeout(at(12));
        assert!(room.is_empty());
    }
}
