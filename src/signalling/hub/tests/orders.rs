//! Everything in any order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::super::message::Offer;
use super::*;

#[derive(Clone, Debug)]
enum Input {
    Connected,
    Closed,
    Garbage,
    Join { resume: bool, keep: bool },
    Register { proven: bool, claims: bool },
    Publish { answers: bool },
    Say(FromClient),
    To(bool),
    Later(u64),
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        6 => Just(Input::Connected), 3 => Just(Input::Closed), 1 => Just(Input::Garbage),
        6 => (any::<bool>(), any::<bool>()).prop_map(|(resume, keep)| Input::Join { resume, keep }),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(proven, claims)| Input::Register { proven, claims }),
        4 => any::<bool>().prop_map(|answers| Input::Publish { answers }),
        2 => prop_oneof![Just(answer()), Just(bye())].prop_map(Input::Say),
        3 => any::<bool>().prop_map(Input::To), 2 => (0..40u64).prop_map(Input::Later),
    ]
}

/// What the outside keeps: open connections, and the last proof that each was given.
#[derive(Default)]
struct World {
    open: BTreeSet<ConnectionId>,
    members: Vec<Resume>,
    tickets: Vec<Ticket>,
    taken_in: Vec<(ConnectionId, Published)>,
}

impl World {
    fn perform(&mut self, action: HubAction) {
        match action {
            HubAction::Send(id, message) => {
                assert!(self.open.contains(&id), "sent after close: {message:?}");
                match message {
                    ToClient::Welcome(welcome) => {
                        self.members.push(Resume { id: welcome.id, ticket: welcome.ticket, keep: false });
                    }
                    ToClient::Registered(registered) => self.tickets.push(registered.ticket),
                    _ => {}
                }
            }
            HubAction::Close(id) => assert!(self.open.remove(&id), "closed twice"),
            HubAction::TakeIn(published) => {
                let id = ConnectionId(1000 + self.taken_in.len() as u64);
                assert!(self.open.insert(id));
                self.tickets.push(published.ticket.clone());
                self.taken_in.push((id, published));
            }
        }
    }

    /// Does all that the hub wants, and connects the receivers that it wants.
    fn settle(&mut self, hub: &mut Hub) {
        while let Some(action) = hub.poll_action() {
            let before = self.taken_in.len();
            self.perform(action);
            if let Some((id, published)) = self.taken_in.get(before) {
                hub.on_intake(*id, published);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_order_of_messages_panics_or_leaves_anything_behind(
        inputs in prop::collection::vec((1..6u64, 0..2usize, input()), 0..150),
    ) {
        let (mut hub, mut world, mut now) = (hub_with(2, 3, 0), World::default(), Duration::ZERO);
        for (id, which, input) in inputs {
            let id = ConnectionId(id);
            let name = Some(["one", "two"][which]);
            match input {
                Input::Connected => {
                    if world.open.insert(id) { hub.on_connected(id, false, Access::everything(), now) }
                }
                Input::Closed => { world.open.remove(&id); hub.on_closed(id, now) }
                Input::Garbage => hub.on_garbage(id, &InvalidMessage::Binary),
                Input::Join { resume, keep } => {
                    let resume = world.members.last().filter(|_| resume).map(|last| Resume { keep, ..last.clone() });
                    let mut message = join(name, resume);
                    if let FromClient::Join(join) = &mut message { join.offer = Offer::try_from("v=0".to_owned()).ok().filter(|_| keep) }
                    hub.on_message(id, message, now);
                }
                Input::Register { proven, claims } => {
                    let ticket = world.tickets.last().filter(|_| proven).cloned();
                    let known = |one: &Resume| KnownMember { id: one.id.clone(), ticket: one.ticket.clone(), role: Role::Viewer };
                    let members = world.members.iter().filter(|_| claims).map(known).collect();
                    hub.on_message(id, register(name, ticket, members), now);
                }
                Input::Publish { answers: false } => hub.on_message(id, publish(name), now),
                Input::Publish { answers: true } => {
                    if let Some((intake, _)) = world.taken_in.last() { hub.on_message(*intake, answer(), now) }
                }
                Input::Say(message) => hub.on_message(id, message, now),
                Input::To(last) => {
                    if let Some(member) = world.members.last().map(|one| one.id.clone()) {
                        let away = ForMember::Bye(Bye { reason: String::new() });
                        let message = if last { FromClient::To(To { member, message: away }) } else { offer(&member) };
                        hub.on_message(id, message, now);
                    }
                }
                Input::Later(seconds) => { now += at(seconds); hub.handle_timeout(now) }
            }
            world.settle(&mut hub);
            prop_assert_eq!(hub.connections(), world.open.len());
            prop_assert!(hub.sessions().len() <= 2 && hub.sessions().iter().all(|one| one.receivers + one.viewers <= 3));
            prop_assert!(hub.poll_timeout().is_none_or(|due| due <= now + MAX_WAIT));
        }
        for id in std::mem::take(&mut world.open) { hub.on_closed(id, now) }
        hub.handle_timeout(now + GRACE);
        hub.handle_timeout(now + GRACE);
        prop_assert_eq!((hub.connections(), hub.sessions().len(), hub.poll_timeout()), (0, 0, None));
    }
}
