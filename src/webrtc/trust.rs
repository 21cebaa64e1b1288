//! Is the other side who its description says it is?

use std::sync::atomic::{AtomicU8, Ordering};

use super::PeerEvent;

const UNKNOWN: u8 = 0;
const TRUSTED: u8 = 1;
const BROKEN: u8 = 2;

/// Compares the certificate of the DTLS handshake with the fingerprint of the description (RFC 8122 section 5), once.
pub struct Trust {
    state: AtomicU8,
    matches: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Trust {
    /// `matches` tells whether a certificate (PEM) is the promised one.
    pub fn new(matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Trust {
        Trust { state: AtomicU8::new(UNKNOWN), matches: Box::new(matches) }
    }

    /// Whether frames and messages may pass.
    pub fn is_trusted(&self) -> bool {
        self.state.load(Ordering::Acquire) == TRUSTED
    }

    /// Judges a certificate; the event is to be reported, and comes once. Once broken, always broken: a second transport with
    /// the right certificate mends nothing.
    pub(super) fn check(&self, certificate_pem: Option<&str>) -> Option<PeerEvent> {
        if certificate_pem.is_some_and(&self.matches) {
            let first = self.state.compare_exchange(UNKNOWN, TRUSTED, Ordering::AcqRel, Ordering::Acquire).is_ok();
            first.then_some(PeerEvent::Connected)
        } else {
            let before = self.state.swap(BROKEN, Ordering::AcqRel);
            (before != BROKEN).then_some(PeerEvent::Untrusted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_promised_certificate_opens_the_gate() {
        let trust = Trust::new(|pem| pem == "promised");
        assert!(!trust.is_trusted());
        assert!(matches!(trust.check(Some("promised")), Some(PeerEvent::Connected)));
        assert!(trust.check(Some("promised")).is_none(), "reported once");
        assert!(trust.is_trusted());
    }

    #[test]
    fn no_certificate_or_another_one_closes_it_for_good() {
        for wrong in [None, Some("other")] {
            let trust = Trust::new(|pem| pem == "promised");
            assert!(matches!(trust.check(wrong), Some(PeerEvent::Untrusted)));
            assert!(trust.check(wrong).is_none(), "reported once");
            assert!(trust.check(Some("promised")).is_none());
            assert!(!trust.is_trusted());
        }
    }
}
