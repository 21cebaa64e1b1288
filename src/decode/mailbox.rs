//! A place for one thing: the newest wins.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Hands things from one thread to another. It holds one; a newer one replaces it, so that a slow taker never falls behind.
#[derive(Debug)]
pub struct Mailbox<T> {
    slot: Mutex<Slot<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Slot<T> {
    newest: Option<T>,
    closed: bool,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Mailbox<T> {
        Mailbox { slot: Mutex::new(Slot { newest: None, closed: false }), changed: Condvar::new() }
    }
}

impl<T> Mailbox<T> {
    /// Puts the newest thing in; what it replaces, and what a closed mailbox does not take, comes back.
    pub fn offer(&self, newest: T) -> Option<T> {
        let mut slot = self.lock();
        if slot.closed {
            return Some(newest);
        }
        let replaced = slot.newest.replace(newest);
        self.changed.notify_one();
        replaced
    }

    /// Waits for a thing; `None` once closed.
    pub fn take(&self) -> Option<T> {
        let mut slot = self.lock();
        loop {
            if slot.closed {
                return None;
            }
            if let Some(newest) = slot.newest.take() {
                return Some(newest);
            }
            slot = self.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether nothing waits in it.
    pub fn is_empty(&self) -> bool {
        self.lock().newest.is_none()
    }

    /// Ends it: what is in it is dropped, whoever waits is woken.
    pub fn close(&self) {
        let mut slot = self.lock();
        slot.closed = true;
        slot.newest = None;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Slot<T>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_newest_wins_and_what_it_replaces_comes_back() {
        let mailbox = Mailbox::default();
        assert_eq!(mailbox.offer(1), None);
        assert_eq!(mailbox.offer(2), Some(1));
        assert_eq!(mailbox.take(), Some(2));
        assert_eq!(mailbox.offer(3), None);
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
