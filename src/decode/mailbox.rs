//! A place for the newest few things.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What waits at most: when a lost packet comes after all, the pictures that waited for it come at once, eight in a quarter of a
/// second at 30 frames/s.
const MAX_WAITING: usize = 8;

/// Hands things from one thread to another in their order. It holds a few; when it is full the oldest goes.
#[derive(Debug)]
pub struct Mailbox<T> {
    slots: Mutex<Slots<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Slots<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Mailbox<T> {
        let waiting = VecDeque::with_capacity(MAX_WAITING);
        Mailbox { slots: Mutex::new(Slots { waiting, closed: false }), changed: Condvar::new() }
    }
}

impl<T> Mailbox<T> {
    /// Puts the newest thing in; the oldest of a full one, and what a closed one does not take, comes back.
    pub fn offer(&self, newest: T) -> Option<T> {
        let mut slots = self.lock();
        if slots.closed {
            return Some(newest);
        }
        let oldest = if slots.waiting.len() == MAX_WAITING { slots.waiting.pop_front() } else { None };
        slots.waiting.push_back(newest);
        self.changed.notify_one();
        oldest
    }

    /// Waits for a thing, and tells whether newer ones are behind it; `None` once closed.
    pub fn take(&self) -> Option<(T, bool)> {
        let mut slots = self.lock();
        loop {
            if slots.closed {
                return None;
            }
            if let Some(oldest) = slots.waiting.pop_front() {
                return Some((oldest, !slots.waiting.is_empty()));
            }
            slots = self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether nothing waits in it.
    pub fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// Ends it: what is in it is dropped, whoever waits is woken.
    pub fn close(&self) {
        let mut slots = self.lock();
        slots.closed = true;
        slots.waiting.clear();
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Slots<T>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_few_come_in_order_and_the_oldest_of_too_many_comes_back() {
        let mailbox = Mailbox::default();
        let back: Vec<_> = (0..10).filter_map(|thing| mailbox.offer(thing)).collect();
        assert_eq!(back, [0, 1]);
        assert_eq!([mailbox.take(), mailbox.take()], [Some((2, true)), Some((3, true))]);
        (4..9).for_each(|thing| assert_eq!(mailbox.take(), Some((thing, true))));
        assert_eq!(mailbox.take(), Some((9, false)));
    }

    #[test]
    fn closing_wakes_whoever_waits_and_refuses_what_comes_later() {
        let mailbox = Arc::new(Mailbox::<u8>::default());
        let waiting = mailbox.clone();
        let waiter = std::thread::Builder::new().spawn(move || waiting.take()).expect("thread");
        mailbox.close();
        assert_eq!(waiter.join().expect("no panic"), None);
        assert_eq!(mailbox.offer(1), Some(1));
    }
}
