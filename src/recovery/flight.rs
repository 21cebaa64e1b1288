//! What must be read in order travels together.

use std::collections::VecDeque;

/// The most bytes of one datagram: what passes everywhere (RFC 8200 section 5), less the headers of IPv6 and UDP.
const MOST_BYTES: usize = 1280 - 40 - 8;

/// The datagrams that an end's DTLS handshake was sent in, as far as they fit into one.
///
/// OpenSSL drops the change of the cipher when it comes before what was sent ahead of it, and drops its repetition as a replay (RFC 6347
/// section 4.1.2.6): the handshake stood still until a timer of one second, then two, sent all of it anew. GStreamer makes OpenSSL send
/// in pieces of 256 bytes, five before that one: at 30 % loss one is missing three times of four, and connecting took 1 to 4 s
/// longer (measured). In one datagram they arrive in order or not at all; what had arrived before is known by its number.
#[derive(Debug, Default)]
pub struct Flight {
    sent: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Flight {
    /// A datagram of the handshake is about to be sent. If it changes the cipher, gives what to send instead: it, behind the last ones.
    pub fn on_sent(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        self.keep(datagram);
        if !changes_cipher(datagram) {
            return None;
        }
        self.bytes = 0;
        let joined = self.sent.drain(..).collect::<Vec<_>>().concat();
        (joined.len() > datagram.len()).then_some(joined)
    }

    /// Keeps a datagram, and of those before it as many as fit with it.
    fn keep(&mut self, datagram: &[u8]) {
        self.bytes += datagram.len();
        self.sent.push_back(datagram.to_vec());
        while self.bytes > MOST_BYTES
            && let Some(oldest) = self.sent.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }
}

/// Whether one of the datagram's records changes the cipher (RFC 6347 section 4.1, RFC 5246 section 6.2.1).
fn changes_cipher(datagram: &[u8]) -> bool {
    const HEADER: usize = 13;
    const CHANGE_CIPHER_SPEC: u8 = 20;
    let mut records = datagram;
    while let Some(header) = records.first_chunk::<HEADER>() {
        if header[0] == CHANGE_CIPHER_SPEC {
            return true;
        }
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        records = records.get(HEADER + length..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::Repeats;
    use super::*;
    use crate::random::Random;

    /// A record of this type and number, of so many bytes with its header.
    fn record(kind: u8, number: u8, bytes: usize) -> Vec<u8> {
        let mut record = vec![kind, 254, 253, 0, 0, 0, 0, 0, 0, 0, number];
        record.extend(u16::try_from(bytes - 13).unwrap().to_be_bytes());
        record.resize(bytes, 0);
        record
    }

    /// What a client answers the server's certificate with, as OpenSSL sent it (measured).
    fn client_flight() -> Vec<Vec<u8>> {
        let last = [record(22, 4, 112), record(20, 5, 14), record(22, 6, 61)].concat();
        [(0, 255), (1, 256), (2, 253), (3, 256)]
            .map(|(number, bytes)| record(22, number, bytes))
            .into_iter()
            .chain([last])
            .collect()
    }

    #[test]
    fn the_change_of_the_cipher_travels_behind_what_was_sent_before_it() {
        let (flight, mut kept) = (client_flight(), Flight::default());
        assert!(flight[..4].iter().all(|datagram| kept.on_sent(datagram).is_none()));
        assert_eq!(kept.on_sent(&flight[4]), Some(flight.concat()));
        assert_eq!(kept.on_sent(&flight[4]), None, "what has been sent so is not sent so again");
    }

    #[test]
    fn the_oldest_stay_behind_when_not_all_fit() {
        let mut kept = Flight::default();
        let early: Vec<_> = (0..9).map(|number| record(22, number, 256)).collect();
        early.iter().for_each(|datagram| drop(kept.on_sent(datagram)));
        let last = record(20, 9, 200);
        assert_eq!(kept.on_sent(&last), Some([&early[5..], &[last]].concat().concat()));
    }

    /// All that is sent within two seconds, in order.
    fn sent(joins: bool) -> Vec<Vec<u8>> {
        let (mut sent, mut repeats, mut kept) = (Vec::new(), Repeats::default(), Flight::default());
        for datagram in client_flight() {
            sent.push(kept.on_sent(&datagram).filter(|_| joins).unwrap_or(datagram));
        }
        sent.iter().for_each(|datagram| repeats.on_sent(datagram.clone(), Duration::ZERO));
        sent.extend(std::iter::from_fn(|| repeats.take(Duration::from_secs(2))));
        sent
    }

    /// Whether a reader like OpenSSL gets all of the flight over a path that loses 30 %.
    fn arrives(sent: &[Vec<u8>], seed: u64) -> bool {
        let random = Random::new(seed);
        let (mut seen, mut read) = (BTreeSet::new(), BTreeSet::new());
        let comes = |(at, _): &(u64, &Vec<u8>)| random.unit(*at) >= 0.3;
        for (_, datagram) in (0..).zip(sent).filter(comes) {
            let mut records = &datagram[..];
            while let [kind, _, _, _, _, _, _, _, _, _, number, high, low, ..] = *records {
                let is_early = kind == 20 && !(0..number).all(|before| read.contains(&before));
                if seen.insert(number) && !is_early {
                    read.insert(number);
                }
                records = &records[13 + usize::from(u16::from_be_bytes([high, low]))..];
            }
        }
        read.len() == 7
    }

    #[test]
    fn at_30_percent_loss_a_handshake_does_not_wait_for_timers() {
        let of_1000 = |joins| {
            let sent = sent(joins);
            (0..1000).filter(|seed| arrives(&sent, *seed)).count()
        };
        let (joined, apart) = (of_1000(true), of_1000(false));
        assert!(joined > 980 && apart < 500, "{joined} and, in datagrams of their own, {apart} of 1000");
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_makes_it_panic_or_grow(
            datagrams in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(20), Just(0), any::<u8>()], 0..1500), 0..20)
        ) {
            let mut kept = Flight::default();
            for datagram in datagrams {
                if let Some(joined) = kept.on_sent(&datagram) {
                    prop_assert!(joined.ends_with(&datagram) && joined.len() <= MOST_BYTES);
                }
                prop_assert!(kept.bytes <= MOST_BYTES);
            }
        }
    }
}
