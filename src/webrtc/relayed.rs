//! What a candidate of a relay tells of whoever uses it.

/// A candidate that does not tell from which address of ours the relay was asked, as browsers write it then (RFC 8828 section 5.2, mode 4).
pub(super) fn without_base(candidate: &str) -> String {
    let mut words: Vec<&str> = candidate.split(' ').collect();
    for (name, nothing) in [("raddr", "0.0.0.0"), ("rport", "0")] {
        if let Some(at) = words.iter().position(|word| *word == name)
            && let Some(value) = words.get_mut(at + 1)
        {
            *value = nothing;
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relays_candidate_does_not_tell_who_asked_for_it() {
        let told = "candidate:3 1 UDP 92217343 203.0.113.9 49152 typ relay raddr 192.0.2.7 rport 51000";
        let expected = "candidate:3 1 UDP 92217343 203.0.113.9 49152 typ relay raddr 0.0.0.0 rport 0";
        assert_eq!((without_base(told), without_base(expected)), (expected.to_owned(), expected.to_owned()));
        assert_eq!(
            without_base("candidate:1 1 UDP 1 192.0.2.1 9 typ host raddr"),
            "candidate:1 1 UDP 1 192.0.2.1 9 typ host raddr"
        );
    }
}
