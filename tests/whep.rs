//! WHEP: each clause of `docs/whip-whep.md` over a real socket, and a browser with nothing but what every browser has.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use nix::sys::signal::Signal;

use crate::support::browser::Browser;
use crate::support::process::{Process, rebound};
use crate::support::roles::{Hub, Sender};
use crate::support::{PATIENCE, beside_others, poll};

/// What Chromium offers that wants to watch and to answer.
const OFFER: &str = include_str!("../src/signalling/gate/testdata/whep-offer.sdp");

const SDP: &str = "content-type: application/sdp";
const TRICKLE: &str = "content-type: application/trickle-ice-sdpfrag";
const CANDIDATE: &str = "m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
    a=candidate:1 1 udp 2122260223 127.0.0.1 9 typ host\r\na=candidate:2 1 tcp 1 127.0.0.1 9 typ host tcptype active\r\n\
    a=candidate:3 1 udp 1 5b5d1f3c-0000-4000-8000-000000000000.local 9 typ host\r\na=end-of-candidates\r\n";

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The value of the first header of this name, in lower case as `hyper` writes them.
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Asks the server on this port.
fn ask(port: u16, request: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("written");
    // A server that refuses the head need not read the rest.
    let _ = stream.write_all(body.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request}: {answer}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{head}"));
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// A sender with small video.
fn sender(options: &[&str]) -> Sender {
    Sender::start(&[&["--size", "320x240", "--fps", "30", "--session", "court"], options].concat())
}

#[test]
fn an_offer_is_answered_with_all_candidates_and_becomes_a_resource_until_it_is_deleted() {
    let _machine = beside_others();
    let sender = sender(&["--ice-server", "turn:user:pass@127.0.0.1:9", "--max-receivers", "1"]);
    let created = ask(sender.port, "POST /whep/court", &["content-type: application/sdp; charset=utf-8"], OFFER);
    assert_eq!((created.status, created.header("content-type")), (201, Some("application/sdp")), "{}", created.body);
    let lines: Vec<&str> = created.body.lines().collect();
    for line in ["a=sendonly", "a=rtcp-mux", "a=group:BUNDLE 0 1", "a=end-of-candidates", "a=mid:0", "a=mid:1"] {
        assert!(lines.contains(&line), "{line}: {}", created.body);
    }
    assert!(lines.iter().any(|line| line.starts_with("a=candidate:")), "{}", created.body);
    assert_eq!(lines.iter().filter(|line| line.starts_with("m=") && !line.contains(" 0 ")).count(), 2);
    let link = created.header("link").expect("a server");
    assert!(link.starts_with("<turn:127.0.0.1:9") && link.contains("; rel=\"ice-server\"; username=\"user\""), "{link}");
    let etag = created.header("etag").expect("a tag").to_owned();
    assert!(etag.starts_with('"') && etag.len() > 16, "{etag}");
    let location = created.header("location").expect("a resource").to_owned();
    assert_eq!(location.strip_prefix("/whep/court/").map(str::len), Some(32), "{location}");

    let full = ask(sender.port, "POST /whep/court", &[SDP], OFFER);
    assert_eq!((full.status, full.header("retry-after").is_some()), (503, true), "{}", full.body);

    let patch = |headers: &[&str], body: &str| ask(sender.port, &format!("PATCH {location}"), headers, body);
    let good = format!("if-match: {etag}");
    let trickled = patch(&[TRICKLE, &good], CANDIDATE);
    assert_eq!((trickled.status, trickled.header("etag"), trickled.body.as_str()), (204, None, ""));
    assert_eq!(patch(&[TRICKLE], CANDIDATE).status, 428);
    assert_eq!(patch(&[TRICKLE, "if-match: \"other\""], CANDIDATE).status, 412);
    assert_eq!(patch(&[SDP, &good], OFFER).status, 415);
    assert_eq!(patch(&[TRICKLE, &good], "a=candidate:1").status, 400);
    assert_eq!(patch(&[TRICKLE, &good], &"a".repeat(17 * 1024)).status, 413);
    let restart = format!("a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901\r\n{CANDIDATE}");
    assert_eq!(patch(&[TRICKLE, "if-match: *"], &restart).status, 422);

    for method in ["GET", "HEAD"] {
        let there = ask(sender.port, &format!("{method} {location}"), &[], "");
        assert_eq!((there.status, there.body.as_str()), (204, ""), "after a restart that was refused it lives");
    }
    let elsewhere = location.replace("/court/", "/other/");
    assert_eq!(ask(sender.port, &format!("DELETE {elsewhere}"), &[], "").status, 404);
    let delete = || ask(sender.port, &format!("DELETE {location}"), &["if-match: \"other\""], "").status;
    assert_eq!([delete(), delete()], [200, 404]);
    assert_eq!(patch(&[TRICKLE, &good], CANDIDATE).status, 404);
    poll("there is room again", PATIENCE, || (ask(sender.port, "POST /whep", &[SDP], OFFER).status == 201).then_some(()));
}

#[test]
fn what_cannot_be_answered_is_refused_in_words() {
    let sender = sender(&["--codec", "vp8"]);
    let post = |kind: &str, body: &str| ask(sender.port, "POST /whep/court", &[&format!("content-type: {kind}")], body);
    for (kind, body, expected) in [
        ("text/plain", OFFER, 415),
        ("application/sdp", "", 400),
        ("application/sdp", "v=0\r\nhello", 400),
        ("application/sdp", &OFFER.replace("a=recvonly", "a=sendonly"), 400),
        ("application/sdp", &OFFER.replace("a=recvonly", "a=inactive"), 400),
        ("application/sdp", &OFFER.replace("VP8/90000", "theora/90000"), 422),
        (
            "application/sdp",
            &format!("{OFFER}m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:2\n").replace("BUNDLE 0 1", "BUNDLE 0 1 2"),
            400,
        ),
        ("application/sdp", &"v=0\n".repeat(10_000), 413),
    ] {
        let refused = post(kind, body);
        assert_eq!(refused.status, expected, "{kind} {:.30}: {}", body, refused.body);
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        let problem: serde_json::Value = serde_json::from_str(&refused.body).expect("JSON");
        assert_eq!(problem["status"], expected);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
    }
    for (request, expected) in [
        ("POST /whep/other", 404),
        ("POST /whep/a%20b", 404),
        ("GET /whep/court", 204),
        ("GET /whep/court/00000000000000000000000000000000", 404),
        ("DELETE /whep/court/00000000000000000000000000000000", 404),
    ] {
        assert_eq!(ask(sender.port, request, &[SDP], OFFER).status, expected, "{request}");
    }
    let head = ask(sender.port, "HEAD /whep/court", &[], "");
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/sdp")));
    let wrong = ask(sender.port, "PUT /whep/court", &[SDP], OFFER);
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST, GET, HEAD, OPTIONS")));
}

#[test]
fn web_pages_come_with_a_token_and_from_where_they_may() {
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), "a secret that is long enough for HMAC\n").expect("written");
    let secret = secret.path().to_str().expect("text");
    let hub = Hub::with(&["--auth", "token", "--secret-file", secret, "--allow-origin", "https://page.example"]);
    let port = hub.port;
    let arguments = ["token", "--session", "court", "--role", "viewer", "--secret-file", secret];
    let token = Process::start(&mut rebound(arguments)).ended().stdout;
    let bearer = format!("authorization: Bearer {}", token.trim());
    let viewer = OFFER.split("m=application").next().expect("a part").replace("BUNDLE 0 1", "BUNDLE 0");

    let stranger = ask(port, "POST /whep/court", &[SDP], &viewer);
    assert_eq!((stranger.status, stranger.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(ask(port, "GET /whep/court", &[], "").status, 401);
    assert_eq!(ask(port, "POST /whep/other", &[SDP, &bearer], &viewer).status, 403);
    let page = "origin: https://page.example";
    let early = ask(port, "POST /whep/court", &[SDP, &bearer, page], &viewer);
    assert_eq!((early.status, early.header("access-control-allow-origin")), (404, Some("https://page.example")));
    assert!(early.header("access-control-expose-headers").is_some_and(|all| all.starts_with("Location, ETag, Link")));

    let asks = ["access-control-request-method: POST", "access-control-request-headers: authorization,content-type"];
    let allowed = ask(port, "OPTIONS /whep/court", &[page, asks[0], asks[1]], "");
    assert_eq!((allowed.status, allowed.header("accept-post")), (200, Some("application/sdp")));
    assert_eq!(allowed.header("access-control-allow-headers"), Some("Authorization, Content-Type, If-Match"));
    assert_eq!(
        (allowed.header("access-control-allow-methods"), allowed.header("link")),
        (Some("POST, GET, HEAD, OPTIONS"), None)
    );
    let refused = ask(port, "OPTIONS /whep/court", &["origin: https://evil.example", asks[0]], "");
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None));
}

#[test]
fn a_resource_ends_with_its_sender() {
    let _machine = beside_others();
    let hub = Hub::start();
    let (port, mut sender) = (hub.port, hub.sender("court"));
    let created = poll("the sender is there", PATIENCE, || {
        let answer = ask(port, "POST /whep/court", &[SDP], OFFER);
        (answer.status == 201).then_some(answer)
    });
    let location = created.header("location").expect("a resource");
    assert_eq!(ask(port, &format!("GET {location}"), &[], "").status, 204);
    sender.signal(Signal::SIGINT);
    let gone = || (ask(port, &format!("GET {location}"), &[], "").status == 404).then_some(());
    poll("the resource is gone", PATIENCE, gone);
    sender.ended();
}

/// Serves the example page until the test ends.
fn page_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it listens").port();
    let serve = move || {
        let page = include_str!("../examples/whep.html");
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            page.len()
        );
        for mut stream in listener.incoming().flatten() {
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(format!("{head}{page}").as_bytes());
        }
    };
    std::thread::Builder::new().name("pages".to_owned()).spawn(serve).expect("a thread starts");
    port
}

#[test]
fn a_browser_plays_over_whep_as_a_viewer_or_with_a_data_channel_as_a_receiver() {
    let _machine = beside_others();
    let pages = page_server();
    let mut sender = sender(&[]);
    let browser = Browser::start(&[]);
    let frames = "document.getElementById('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0";
    for option in ["&sound", "&channel"] {
        browser.open(&format!("http://127.0.0.1:{pages}/?http://127.0.0.1:{}/whep/court{option}", sender.port));
        poll("30 frames are shown", PATIENCE, || (browser.ask(frames).as_u64()? >= 30).then_some(()));
        assert_eq!(browser.text("state"), "connected");
    }
    browser.open("about:blank");
    sender.wait_for("receiver gone");
    let report = sender.interrupt();
    let viewers: Vec<_> = report.receivers().iter().map(|receiver| receiver.0["viewer"] == true).collect();
    assert_eq!(viewers, [true, false], "{:#}", report.0);
}

/// What offers a video and a sound, instead of asking for a video.
fn publishers_offer() -> String {
    let sound = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n";
    let offer = OFFER.replace("a=recvonly", "a=sendonly").replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1 2");
    format!("{}\r\n{sound}", offer.trim_end())
}

#[test]
fn a_publishers_video_is_received_and_its_sound_answered_with_silence() {
    let _machine = beside_others();
    let hub = Hub::with(&["--ice-server", "stun:127.0.0.1:9"]);
    let asked = ask(hub.port, "OPTIONS /whip/court", &[], "");
    assert_eq!((asked.status, asked.header("link")), (200, Some("<stun:127.0.0.1:9>; rel=\"ice-server\"")));
    let preflight = ["origin: http://127.0.0.1", "access-control-request-method: POST"];
    assert_eq!(ask(hub.port, "OPTIONS /whip/court", &preflight, "").header("link"), None);

    for (offer, words) in
        [(OFFER.to_owned(), "must say sendonly"), (OFFER.replace("a=recvonly", "a=inactive"), "must say sendonly")]
    {
        let refused = ask(hub.port, "POST /whip/court", &[SDP], &offer);
        assert_eq!((refused.status, refused.body.contains(words)), (400, true), "{}", refused.body);
    }
    let created = ask(hub.port, "POST /whip/court", &[SDP], &publishers_offer());
    assert_eq!(created.status, 201, "{}", created.body);
    let count = |wanted: &str| created.body.lines().filter(|line| *line == wanted).count();
    assert_eq!((count("a=recvonly"), count("a=inactive"), count("a=group:BUNDLE 0 1 2")), (1, 1, 1), "{}", created.body);
    assert!(created.body.contains("a=candidate:") && count("a=end-of-candidates") > 0, "{}", created.body);
    let taken = ask(hub.port, "POST /whip/court", &[SDP], &publishers_offer());
    assert_eq!(taken.status, 409, "{}", taken.body);
    let location = created.header("location").expect("a resource");
    assert_eq!(ask(hub.port, &format!("DELETE {location}"), &[], "").status, 200);
    assert_eq!(ask(hub.port, &format!("GET {location}"), &[], "").status, 404);
}
