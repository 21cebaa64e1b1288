//! ICE candidates: RFC 8839 section 5.1, and what a stranger may ask for in one.

use std::fmt;
use std::net::IpAddr;

use super::address::{AddressClass, class_of, is_private};
use super::text::{is_ice_chars, number};

/// How many candidates one session may name. A laptop with five interfaces and two TURN servers makes about 40.
pub const MAX_CANDIDATES: usize = 64;

/// The longest candidate: the longest that a browser writes is under 250 bytes.
const MAX_CANDIDATE_BYTES: usize = 512;

/// What this session allows. Everything is off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CandidatePolicy {
    /// Loopback addresses: for when the signalling itself came over loopback, so both ends are on this machine.
    pub loopback: bool,
    /// ICE over TCP, RFC 6544.
    pub tcp: bool,
}

/// A candidate that may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    text: String,
    address: IpAddr,
}

impl Candidate {
    /// `candidate:…`, written anew from what was understood: no extension but `tcptype` is left.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where packets would go.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

/// What to do with a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateVerdict {
    /// Hand it to the WebRTC stack.
    Use(Candidate),
    /// Leave it out, and say nothing: every browser sends such.
    Ignore(Ignored),
}

/// Why a candidate is left out without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// The end of candidates, RFC 8838 section 13; ICE goes on without being told.
    End,
    /// A `.local` name: only multicast DNS could resolve it, and a resolver that hangs would hang the session. The peer's address
    /// is learnt from its first connectivity check (peer-reflexive).
    MdnsName,
    /// ICE over TCP was not asked for.
    Tcp,
}

/// Why a candidate is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CandidateRefused {
    /// The cap of [`CandidateGate`].
    #[error("more than {MAX_CANDIDATES} candidates in one session")]
    TooMany,
    /// Longer than any real one.
    #[error("a candidate of {0} bytes; at most {MAX_CANDIDATE_BYTES}")]
    TooLong(usize),
    /// Not RFC 8839 section 5.1.
    #[error("a candidate with {0}; RFC 8839 section 5.1 has the syntax")]
    Syntax(&'static str),
    /// Neither UDP nor TCP.
    #[error("a candidate with an unknown transport; only udp and tcp exist")]
    Transport,
    /// A name instead of an address: nothing is looked up on a stranger's behalf.
    #[error("a candidate with a host name; only numeric addresses are used")]
    HostName,
    /// An address that no peer has.
    #[error("a candidate with the address {0}, which is {1}")]
    Address(IpAddr, AddressClass),
    /// A system service rather than a peer.
    #[error("a candidate with port {0}; ports below 1024 are not used, but for 80 and 443 on public addresses")]
    Port(u16),
}

/// Checks the candidates of one session and counts them.
#[derive(Clone, Debug)]
pub struct CandidateGate {
    policy: CandidatePolicy,
    seen: usize,
}

impl CandidateGate {
    /// For one session.
    pub fn new(policy: CandidatePolicy) -> CandidateGate {
        CandidateGate { policy, seen: 0 }
    }

    /// What it allows.
    pub fn policy(&self) -> CandidatePolicy {
        self.policy
    }

    /// [`check_candidate`] with the session's policy, for at most [`MAX_CANDIDATES`].
    pub fn check(&mut self, text: &str) -> Result<CandidateVerdict, CandidateRefused> {
        if self.seen >= MAX_CANDIDATES {
            return Err(CandidateRefused::TooMany);
        }
        self.seen += 1;
        check_candidate(text, self.policy)
    }
}

/// Checks one candidate, as `candidate:…` or as the end of candidates.
pub fn check_candidate(text: &str, policy: CandidatePolicy) -> Result<CandidateVerdict, CandidateRefused> {
    if matches!(text, "" | "end-of-candidates" | "a=end-of-candidates") {
        return Ok(CandidateVerdict::Ignore(Ignored::End));
    }
    if text.len() > MAX_CANDIDATE_BYTES {
        return Err(CandidateRefused::TooLong(text.len()));
    }
    let fields = Fields::read(text)?;
    let Some(transport) = Transport::of(&fields)? else { return Err(CandidateRefused::Transport) };
    if transport != Transport::Udp && !policy.tcp {
        return Ok(CandidateVerdict::Ignore(Ignored::Tcp));
    }
    if is_mdns_name(fields.address) {
        return Ok(CandidateVerdict::Ignore(Ignored::MdnsName));
    }
    let address: IpAddr = fields.address.parse().map_err(|_| not_an_address(fields.address))?;
    check_target(address, fields.port, transport, policy)?;
    Ok(CandidateVerdict::Use(Candidate { text: fields.write(address, transport), address }))
}

fn check_target(ip: IpAddr, port: u16, transport: Transport, policy: CandidatePolicy) -> Result<(), CandidateRefused> {
    match class_of(ip) {
        None => {}
        Some(AddressClass::Loopback) if policy.loopback => {}
        Some(class) => return Err(CandidateRefused::Address(ip, class)),
    }
    // RFC 6544 section 4.5: an active candidate has no port of its own; nobody connects to it.
    let nobody_connects = transport == Transport::TcpActive;
    let web = matches!(port, 80 | 443) && !is_private(ip);
    if port >= 1024 || web || nobody_connects { Ok(()) } else { Err(CandidateRefused::Port(port)) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Udp,
    TcpActive,
    TcpPassive,
    TcpSimultaneous,
}

impl Transport {
    fn of(fields: &Fields<'_>) -> Result<Option<Transport>, CandidateRefused> {
        if fields.transport.eq_ignore_ascii_case("udp") {
            return Ok(Some(Transport::Udp));
        }
        if !fields.transport.eq_ignore_ascii_case("tcp") {
            return Ok(None);
        }
        match fields.tcp_type {
            Some("active") => Ok(Some(Transport::TcpActive)),
            Some("passive") => Ok(Some(Transport::TcpPassive)),
            Some("so") => Ok(Some(Transport::TcpSimultaneous)),
            _ => Err(CandidateRefused::Syntax("tcp and no tcptype of active, passive or so")),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Udp => "",
            Transport::TcpActive => " tcptype active",
            Transport::TcpPassive => " tcptype passive",
            Transport::TcpSimultaneous => " tcptype so",
        })
    }
}

/// The fields of a candidate, each of the right form.
struct Fields<'a> {
    foundation: &'a str,
    component: u32,
    transport: &'a str,
    priority: u32,
    address: &'a str,
    port: u16,
    kind: &'a str,
    related: Option<(IpAddr, u16)>,
    tcp_type: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn read(text: &'a str) -> Result<Fields<'a>, CandidateRefused> {
        let syntax = CandidateRefused::Syntax;
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(syntax("characters other than printable ASCII"));
        }
        let rest = text.strip_prefix("candidate:").ok_or(syntax("no 'candidate:' in front"))?;
        let mut words = rest.split(' ');
        let mut next = |what| words.next().filter(|word| !word.is_empty()).ok_or(syntax(what));
        let mut fields = Fields {
            foundation: next("no foundation").and_then(foundation)?,
            component: number(next("no component")?, 1, 256).ok_or(syntax("a component outside 1..256"))?,
            transport: next("no transport")?,
            priority: number(next("no priority")?, 1, (1 << 31) - 1).ok_or(syntax("a priority outside 1..2^31-1"))?,
            address: next("no address")?,
            port: number(next("no port")?, 0, 65535).ok_or(syntax("a port outside 0..65535"))?,
            kind: kind_of(next("no type")?, next("no type")?)?,
            related: None,
            tcp_type: None,
        };
        fields.read_extensions(words)?;
        Ok(fields)
    }

    fn read_extensions(&mut self, mut words: impl Iterator<Item = &'a str>) -> Result<(), CandidateRefused> {
        let syntax = CandidateRefused::Syntax;
        let (mut address, mut port) = (None, None);
        while let Some(name) = words.next() {
            let value = words.next().filter(|value| !value.is_empty()).ok_or(syntax("an extension without a value"))?;
            match name {
                "" => return Err(syntax("two spaces in a row")),
                "raddr" => address = Some(value.parse().map_err(|_| syntax("a raddr that is no address"))?),
                "rport" => port = Some(number(value, 0, 65535).ok_or(syntax("an rport outside 0..65535"))?),
                "tcptype" => self.tcp_type = Some(value),
                _ => {}
            }
        }
        self.related = address.zip(port);
        Ok(())
    }

    fn write(&self, address: IpAddr, transport: Transport) -> String {
        let Fields { foundation, component, priority, port, kind, .. } = self;
        let protocol = if transport == Transport::Udp { "UDP" } else { "TCP" };
        let related = self.related.map(|(ip, port)| format!(" raddr {ip} rport {port}")).unwrap_or_default();
        format!("candidate:{foundation} {component} {protocol} {priority} {address} {port} typ {kind}{related}{transport}")
    }
}

fn foundation(word: &str) -> Result<&str, CandidateRefused> {
    let good = (1..=32).contains(&word.len()) && is_ice_chars(word);
    if good { Ok(word) } else { Err(CandidateRefused::Syntax("a foundation that is not 1 to 32 of A-Z a-z 0-9 + /")) }
}

fn kind_of<'a>(typ: &str, kind: &'a str) -> Result<&'a str, CandidateRefused> {
    let good = typ == "typ" && matches!(kind, "host" | "srflx" | "prflx" | "relay");
    if good { Ok(kind) } else { Err(CandidateRefused::Syntax("no 'typ' of host, srflx, prflx or relay")) }
}

fn is_mdns_name(address: &str) -> bool {
    let tail = address.len().checked_sub(".local".len()).and_then(|at| address.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(".local"))
}

fn not_an_address(text: &str) -> CandidateRefused {
    let name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if name { CandidateRefused::HostName } else { CandidateRefused::Syntax("an address that is none") }
}

#[cfg(test)]
#[path = "candidate_tests.rs"]
mod tests;
