use proptest::prelude::*;

use super::*;

const OPEN: CandidatePolicy = CandidatePolicy { loopback: true, tcp: true };
const STRICT: CandidatePolicy = CandidatePolicy { loopback: false, tcp: false };

fn host(address: &str, port: u32) -> String {
    format!("candidate:1 1 UDP 2122260223 {address} {port} typ host")
}

fn used(text: &str, policy: CandidatePolicy) -> String {
    match check_candidate(text, policy) {
        Ok(CandidateVerdict::Use(candidate)) => candidate.text().to_owned(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn what_browsers_and_webrtcbin_write_passes_without_its_extensions() {
    let chrome = "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 \
                  ufrag EEtu network-cost 999";
    let expected = "candidate:842163049 1 UDP 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0";
    assert_eq!(used(chrome, STRICT), expected);
    let webrtcbin = "candidate:1 1 UDP 2015363327 192.168.7.2 35183 typ host";
    assert_eq!(used(webrtcbin, STRICT), webrtcbin);
    assert_eq!(used(&host("fe80:0::1", 5000), STRICT), host("fe80::1", 5000));
    let tcp = "candidate:1 1 TCP 1015021823 192.168.7.2 9 typ host tcptype active";
    assert_eq!(used(tcp, OPEN), tcp);
}

#[test]
fn credentials_hidden_in_extensions_do_not_reach_the_stack() {
    let sneaky = format!("{} username evil password evil", host("192.0.2.1", 4000));
    assert_eq!(used(&sneaky, STRICT), host("192.0.2.1", 4000));
}

#[test]
fn what_every_browser_sends_and_nobody_can_use_is_ignored_silently() {
    let mdns = host("6a1f4c1e-0c0c-4f3b-9d43-77c9a3a3a3a3.Local", 5000);
    let tcp = "candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active";
    let table = [("", Ignored::End), ("end-of-candidates", Ignored::End), (&mdns, Ignored::MdnsName), (tcp, Ignored::Tcp)];
    for (text, why) in table {
        assert_eq!(check_candidate(text, STRICT), Ok(CandidateVerdict::Ignore(why)), "{text}");
    }
}

#[test]
fn loopback_is_used_only_where_signalling_is_loopback() {
    for address in ["127.0.0.1", "::1"] {
        let text = host(address, 5000);
        let refused = check_candidate(&text, STRICT);
        assert!(matches!(refused, Err(CandidateRefused::Address(_, AddressClass::Loopback))), "{refused:?}");
        assert_eq!(used(&text, OPEN), text);
    }
}

#[test]
fn no_policy_opens_metadata_services_names_or_system_ports() {
    for address in
        ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "0.0.0.0", "224.0.0.1", "64:ff9b::a9fe:a9fe"]
    {
        let refused = check_candidate(&host(address, 5000), OPEN);
        assert!(matches!(refused, Err(CandidateRefused::Address(..))), "{address}: {refused:?}");
    }
    for name in ["example.com", "localhost", "2130706433", "127.1", "0x7f.0.0.1", "local"] {
        assert_eq!(check_candidate(&host(name, 5000), OPEN), Err(CandidateRefused::HostName), "{name}");
    }
    for (address, port) in [("192.0.2.1", 0), ("192.0.2.1", 53), ("10.0.0.1", 80), ("::ffff:10.0.0.1", 443)] {
        assert_eq!(check_candidate(&host(address, port), OPEN), Err(CandidateRefused::Port(port as u16)), "{address}");
    }
    let ssh = "candidate:1 1 TCP 1518280447 192.0.2.1 22 typ host tcptype passive";
    assert_eq!(check_candidate(ssh, OPEN), Err(CandidateRefused::Port(22)));
    assert_eq!(used(&host("203.0.113.9", 443), STRICT), host("203.0.113.9", 443));
}

#[test]
fn broken_candidates_are_refused_with_what_is_wrong() {
    let broken = [
        "candidate",
        "candidate:",
        "candidate:1",
        "x",
        "a=candidate:1 1 UDP 1 192.0.2.1 5000 typ host",
        "candidate:1 0 UDP 1 192.0.2.1 5000 typ host",
        "candidate:1 1 UDP 0 192.0.2.1 5000 typ host",
        "candidate:1 1 UDP 4294967296 192.0.2.1 5000 typ host",
        "candidate:1 1 UDP -1 192.0.2.1 5000 typ host",
        "candidate:1 1 UDP +1 192.0.2.1 5000 typ host",
        "candidate:1 1 UDP 1 192.0.2.1 65536 typ host",
        "candidate:1 1 UDP 1 192.0.2.1 5000",
        "candidate:1 1 UDP 1 192.0.2.1 5000 typ ghost",
        "candidate:1 1 UDP 1 192.0.2.1 5000 typ host raddr",
        "candidate:1 1 UDP 1 192.0.2.1 5000 typ host  x",
        "candidate:1 1 UDP 1 192.0.2.1 5000 typ srflx raddr evil.example rport 1",
        "candidate:a-b 1 UDP 1 192.0.2.1 5000 typ host",
        "candidate:1 1 UDP 1 fe80::1%eth0 5000 typ host",
        "candidate:1 1 SCTP 1 192.0.2.1 5000 typ host",
        "candidate:1 1 TCP 1 192.0.2.1 5000 typ host",
        "candidate:1 1 UDP 1 192.0.2.1 5000 typ host\r\na=evil",
        "candidate:1 1 UDP 1 192.0.2.1\t5000 typ host",
        "candidate:1 1 UDP 1 192.0.2.1\u{a0}5000 typ host",
    ];
    for text in broken {
        let refused = check_candidate(text, OPEN).expect_err(text);
        assert!(!matches!(refused, CandidateRefused::Address(..)), "{text}: {refused:?}");
    }
    assert_eq!(check_candidate(&"x".repeat(513), OPEN), Err(CandidateRefused::TooLong(513)));
}

#[test]
fn a_session_may_name_so_many_candidates_and_no_more() {
    let mut gate = CandidateGate::new(STRICT);
    for port in 0..10_000 {
        let expected = if port < MAX_CANDIDATES { Ok(true) } else { Err(CandidateRefused::TooMany) };
        let verdict = gate.check(&host("192.0.2.1", 5000 + port as u32));
        assert_eq!(verdict.map(|verdict| matches!(verdict, CandidateVerdict::Use(_))), expected);
    }
}

proptest! {
    #[test]
    fn what_passes_passes_again_unchanged_and_never_points_inside(
        address in any::<u128>(), v4 in any::<u32>(), form in 0..3u8, port in any::<u16>(), tail in "[ -~]{0,40}",
    ) {
        let address = match form {
            0 => std::net::Ipv4Addr::from(v4).to_string(),
            1 => std::net::Ipv6Addr::from(address).to_string(),
            _ => std::net::Ipv4Addr::from(v4).to_ipv6_mapped().to_string(),
        };
        let text = format!("{} {tail}", host(&address, port.into()));
        if let Ok(CandidateVerdict::Use(candidate)) = check_candidate(&text, STRICT) {
            prop_assert_eq!(class_of(candidate.address()), None);
            let again = check_candidate(candidate.text(), STRICT);
            prop_assert_eq!(again, Ok(CandidateVerdict::Use(candidate)));
        }
    }

    #[test]
    fn no_text_panics(text in "(candidate:)?\\PC{0,80}") {
        let _ = check_candidate(&text, OPEN);
    }
}
