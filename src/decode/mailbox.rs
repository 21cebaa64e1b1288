//! A place for the newest few things.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What waits at most: when a lost packet comes after all, the pictures that waited for it come at once, eight in a quarter of a
/// second at 30 frames/s.
const MAX_WAITING: usize = 8;

/// Hands things from one thread to another in their order. It holds a few; what is stale goes, and when it is full the oldest.
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
    /// Puts the newest thing in, and lets those before it go that are stale beside it: a taker that falls behind holds no memory
    /// of a decoder. `passed_over` is given these, the oldest of a full mailbox, and what a closed one does not take.
    pub fn offer(&self, newest: T, is_stale: impl Fn(&T) -> bool, mut passed_over: impl FnMut(T)) {
        let mut slots = self.lock();
        if slots.closed {
            drop(slots);
            return passed_over(newest);
        }
        let stale = slots.waiting.iter().take_while(|waiting| is_stale(waiting)).count();
        let too_many = usize::from(slots.waiting.len() == MAX_WAITING);
        for _ in 0..stale.max(too_many) {
            slots.waiting.pop_front().into_iter().for_each(&mut passed_over);
        }
        slots.waiting.push_back(newest);
        // Whoever wakes up wants the lock.
        drop(slots);
        self.changed.notify_one();
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
    fn a_few_come_in_order_and_the_oldest_of_too_many_goes() {
        let mailbox = Mailbox::default();
        let mut gone = Vec::new();
        (0..10).for_each(|thing| mailbox.offer(thing, |_| false, |old| gone.push(old)));
        assert_eq!(gone, [0, 1]);
        assert_eq!([mailbox.take(), mailbox.take()], [Some((2, true)), Some((3, true))]);
        (4..9).for_each(|thing| assert_eq!(mailbox.take(), Some((thing, true))));
        assert_eq!(mailbox.take(), Some((9, false)));
    }

    #[test]
    fn what_is_stale_goes_when_something_newer_comes() {
        let mailbox = Mailbox::default();
        let mut gone = Vec::new();
        (0..4).for_each(|thing| mailbox.offer(thing, |waiting| *waiting + 2 <= thing, |old| gone.push(old)));
        assert_eq!(gone, [0, 1]);
        assert_eq!([mailbox.take(), mailbox.take()], [Some((2, true)), Some((3, false))]);
    }

    #[test]
    fn closing_wakes_whoever_waits_and_refuses_what_comes_later() {
        let mailbox = Arc::new(Mailbox::<u8>::default());
        let waiting = mailbox.clone();
        let waiter = std::thread::Builder::new().spawn(move || waiting.take()).expect("thread");
        mailbox.close();
        assert_eq!(waiter.join().expect("no panic"), None);
        let mut refused = None;
        mailbox.offer(1, |_| false, |thing| refused = Some(thing));
        assert_eq!(refused, Some(1));
    }
}
