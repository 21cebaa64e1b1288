use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::super::{Client, ClientConfig, ClientEvent};
use super::*;
use crate::cli::Secret;
use crate::signalling::message::{
    ForMember, FromClient, OfMember, PROTOCOL_VERSION, Register, Sdp, To, ToClient, TrickledCandidate,
};

/// A server that answers OPTIONS with a STUN server and everything else with the next of these, `{URL}` being its own. Gives its
/// address and what it was asked.
async fn server(answers: &[&str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("listens"));
    let mut answers: Vec<String> = answers.iter().rev().map(|answer| answer.replace("{URL}", &url)).collect();
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let heard = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut request, mut bytes) = (String::new(), [0; 4096]);
            while !is_whole(&request) {
                let Ok(1..) = stream.read(&mut bytes).await.inspect(|n| request += &String::from_utf8_lossy(&bytes[..*n]))
                else {
                    break;
                };
            }
            let answer = if request.starts_with("OPTIONS ") {
                "HTTP/1.1 204 No Content\r\nLink: <stun:stun.example>; rel=\"ice-server\"\r\n\r\n".to_owned()
            } else {
                heard.lock().expect("whole").push(request);
                answers.pop().unwrap_or_else(|| "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned())
            };
            let _ = stream.write_all(answer.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (url, asked)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

async fn next(client: &mut Client) -> ClientEvent {
    timeout(Duration::from_secs(20), client.next()).await.expect("something happens").expect("not over")
}

/// Plays a sender that registers and offers; gives what follows, and the client.
async fn publish(url: &str) -> (ClientEvent, Client, tokio::sync::mpsc::Sender<FromClient>) {
    let endpoint = Endpoint::whip(format!("{url}/whip?key=1").parse().expect("a URL"));
    let config = ClientConfig { token: Secret::token("a-token"), ..ClientConfig::default() };
    let mut client = Client::connect(endpoint, config);
    let ClientEvent::Connected(outbox) = next(&mut client).await else { panic!("not connected") };
    let register = Register { version: PROTOCOL_VERSION, session: None, ticket: None, members: Vec::new() };
    outbox.try_send(FromClient::Register(register)).expect("room");
    let ClientEvent::Message(ToClient::Registered(registered)) = next(&mut client).await else { panic!("not registered") };
    assert_eq!(registered.ice_servers[0].urls, "stun:stun.example");
    let ClientEvent::Message(ToClient::Joined(joined)) = next(&mut client).await else { panic!("nobody joined") };
    let candidate = |text: &str| TrickledCandidate { candidate: text.to_owned(), line: Some(0), mid: None, offer: Some(7) };
    for message in [
        ForMember::Offer(Sdp { sdp: "v=0\r\nm=video 9 X 96\r\n".to_owned(), offer: Some(7) }),
        ForMember::Candidate(candidate("candidate:1")),
        ForMember::Candidate(candidate("")),
    ] {
        outbox.try_send(FromClient::To(To { member: joined.member.clone(), message })).expect("room");
    }
    (next(&mut client).await, client, outbox)
}

#[tokio::test]
async fn an_offer_is_posted_whole_redirected_answered_and_ended() {
    let (url, asked) = server(&[
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 201 Created\r\nContent-Type: application/sdp\r\nLocation: ../session/1\r\nContent-Length: 3\r\n\r\nv=0",
    ])
    .await;
    let (event, client, outbox) = publish(&url).await;
    let ClientEvent::Message(ToClient::From(from)) = event else { panic!("{event:?}") };
    assert_eq!(from.message, OfMember::Answer(Sdp { sdp: "v=0".to_owned(), offer: Some(7) }));
    outbox.try_send(FromClient::Bye(crate::signalling::message::Bye { reason: String::new() })).expect("room");
    client.close(Some(outbox)).await;
    let asked = asked.lock().expect("whole");
    let starts: Vec<&str> = asked.iter().map(|request| request.lines().next().expect("a line")).collect();
    assert_eq!(starts, ["POST /whip?key=1 HTTP/1.1", "POST /other HTTP/1.1", "DELETE /session/1 HTTP/1.1"]);
    for request in asked.iter() {
        assert!(request.contains("authorization: Bearer a-token\r\n"), "{request}");
    }
    assert!(asked[1].ends_with("\r\n\r\nv=0\r\nm=video 9 X 96\r\na=candidate:1\r\na=end-of-candidates\r\n"), "{}", asked[1]);
}

#[tokio::test]
async fn what_no_server_should_answer_ends_in_words() {
    let long = format!("HTTP/1.1 201 Created\r\nContent-Type: application/sdp\r\n\r\n{}", "x".repeat(65_537));
    let table = [
        ("HTTP/1.1 201 Created\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nv=0", "without an SDP answer"),
        (&long, "more than 65536 bytes"),
        ("HTTP/1.1 302 Found\r\nLocation: {URL}/a\r\nContent-Length: 0\r\n\r\n", "HTTP 302 Found"),
        (
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nn\u{1b}o!",
            "HTTP 400 Bad Request: n?o!",
        ),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "does not take our token"),
    ];
    for (answer, expected) in table {
        let (url, asked) = server(&[answer]).await;
        let (event, mut client, _outbox) = publish(&url).await;
        assert!(matches!(event, ClientEvent::Lost { .. }), "{event:?}");
        let ClientEvent::Failed(error) = next(&mut client).await else { panic!("goes on after {answer}") };
        assert!(error.to_string().contains(expected) && !error.to_string().contains("key"), "{error}");
        assert_eq!(asked.lock().expect("whole").len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_is_full_or_redirects_in_circles_or_breaks_off_is_asked_again() {
    let circle = "HTTP/1.1 308 Permanent Redirect\r\nLocation: {URL}/whip\r\nContent-Length: 0\r\n\r\n";
    let table = [
        (&["HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"][..], "HTTP 503"),
        (&["HTTP/1.1 201 Created\r\nContent-Type: application/sdp\r\nContent-Length: 99\r\n\r\nv=0"], ""),
        (&[circle; 7], "redirects too often"),
    ];
    for (answers, expected) in table {
        let (url, _) = server(answers).await;
        let (event, mut client, _outbox) = publish(&url).await;
        let ClientEvent::Lost { reason } = event else { panic!("{event:?}") };
        assert!(reason.contains(expected), "{reason}");
        assert!(matches!(next(&mut client).await, ClientEvent::Connected(_)), "it comes back");
    }
}
