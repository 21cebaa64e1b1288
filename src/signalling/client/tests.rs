use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;
use crate::codec::Codec;
use crate::server::{HubEvent, ServerConfig, serve};
use crate::signalling::message::{Bye, Join, Role};

/// Everything a test waits for comes in a few seconds at most; this is how long a broken build waits.
const PATIENCE: Duration = Duration::from_secs(20);

fn quick() -> ClientConfig {
    ClientConfig {
        give_up_after: None,
        attempt_within: Duration::from_millis(300),
        silence: Duration::from_secs(5),
        token: None,
        trust: None,
    }
}

fn url_of(address: SocketAddr) -> HubUrl {
    format!("ws://{address}/ws").parse().expect("an address")
}

async fn next(client: &mut Client) -> ClientEvent {
    timeout(PATIENCE, client.next()).await.expect("in time").expect("open")
}

async fn error_of(mut client: Client) -> ClientError {
    loop {
        match next(&mut client).await {
            ClientEvent::Failed(error) => {
                assert!(client.next().await.is_none(), "nothing follows");
                return error;
            }
            ClientEvent::Connected(_) | ClientEvent::Lost { .. } => {}
            ClientEvent::Message(message) => panic!("{message:?}"),
        }
    }
}

/// A server on a port that was free, which answers every connection with these bytes.
async fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    address
}

fn start(listener: TcpListener) -> (mpsc::Receiver<HubEvent>, oneshot::Sender<()>, JoinHandle<()>) {
    let (events, hub) = mpsc::channel(16);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, events, ServerConfig::default(), async move {
        let _ = stopped.await;
    }));
    (hub, stop, server)
}

#[tokio::test]
async fn the_client_waits_for_a_sender_talks_loses_it_and_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let mut client = Client::connect(url_of(address), quick());
    tokio::task::yield_now().await;
    for _ in 0..2 {
        let (mut hub, stop, server) = start(TcpListener::bind(address).await.expect("still free"));
        let ClientEvent::Connected(outbox) = next(&mut client).await else { panic!("not connected") };
        let join = FromClient::Join(Join {
            version: 1,
            role: Role::Receiver,
            session: None,
            name: None,
            codecs: vec![Codec::Vp8],
            resume: None,
            offer: None,
        });
        outbox.send(join.clone()).await.expect("open");
        let Some(HubEvent::Connected { outbox: to_client, .. }) = hub.recv().await else { panic!("nobody came") };
        let Some(HubEvent::Message { message, .. }) = hub.recv().await else { panic!("nothing said") };
        assert_eq!(message, join);
        to_client.send(ToClient::Bye(Bye { reason: "r".into() })).expect("open");
        assert!(matches!(next(&mut client).await, ClientEvent::Message(ToClient::Bye(_))));
        stop.send(()).expect("running");
        assert!(matches!(next(&mut client).await, ClientEvent::Lost { .. }));
        server.await.expect("no panic");
        assert!(outbox.is_closed(), "an outbox ends with its connection");
    }
}

#[tokio::test]
async fn something_that_is_no_sender_is_named_together_with_its_answer() {
    let table: [(&[u8], &str); 4] = [
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "HTTP 404 Not Found"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "HTTP 200 OK"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "not a WebSocket"),
        (b"\0\x01\x02garbage\r\n\r\n", "not a WebSocket"),
    ];
    for (bytes, expected) in table {
        let url = url_of(answering(bytes).await);
        let error = error_of(Client::connect(url.clone(), quick())).await;
        let ClientError::NotRebound { answer, .. } = &error else { panic!("{error}") };
        assert!(answer.contains(expected), "{answer}");
        assert!(error.to_string().contains(&url.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_web_socket_that_speaks_something_else_is_no_sender() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                use futures_util::{SinkExt, StreamExt};
                let mut socket = tokio_tungstenite::accept_async(stream).await.expect("a handshake");
                let _ = socket.send("hello, this is a chat".into()).await;
                while let Some(Ok(_)) = socket.next().await {}
            });
        }
    });
    let error = error_of(Client::connect(url_of(address), quick())).await;
    assert!(matches!(error, ClientError::NotRebound { .. }), "{error}");
}

#[tokio::test]
async fn silent_full_and_absent_servers_are_waited_for_until_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let absent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let absent_address = absent.local_addr().expect("bound");
    drop(absent);
    let table = [
        (silent.local_addr().expect("bound"), "says nothing"),
        (answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await, "HTTP 503"),
        (answering(b"").await, ""),
        (absent_address, "nobody listens"),
    ];
    for (address, expected) in table {
        let after = Duration::from_millis(400);
        let config = ClientConfig { give_up_after: Some(after), ..quick() };
        let error = error_of(Client::connect(url_of(address), config)).await;
        let ClientError::GaveUp { reason, .. } = &error else { panic!("{error}") };
        assert!(reason.contains(expected), "{reason}");
    }
}

#[tokio::test]
async fn a_dropped_client_lets_go_of_the_sender() {
    let (mut hub, _stop, _server) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let running = start(listener);
        let mut client = Client::connect(url_of(address), quick());
        assert!(matches!(next(&mut client).await, ClientEvent::Connected(_)));
        running
    };
    let Some(HubEvent::Connected { outbox: _outbox, .. }) = hub.recv().await else { panic!("nobody came") };
    let closed = timeout(PATIENCE, hub.recv()).await.expect("in time");
    assert!(matches!(closed, Some(HubEvent::Closed { .. })));
}

#[tokio::test]
async fn the_last_word_is_sent_before_the_client_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut client = Client::connect(url_of(listener.local_addr().expect("bound")), quick());
    let (mut hub, _stop, _server) = start(listener);
    let ClientEvent::Connected(outbox) = next(&mut client).await else { panic!("not connected") };
    let Some(HubEvent::Connected { outbox: _outbox, .. }) = hub.recv().await else { panic!("nobody came") };
    outbox.send(FromClient::Bye(Bye { reason: "done".into() })).await.expect("open");
    client.close(Some(outbox)).await;
    let said = timeout(PATIENCE, hub.recv()).await.expect("in time");
    assert!(matches!(said, Some(HubEvent::Message { message: FromClient::Bye(_), .. })), "{said:?}");
}

#[tokio::test]
async fn a_sender_that_freezes_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (keep, kept) = oneshot::channel::<tokio_tungstenite::WebSocketStream<TcpStream>>();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("accepted");
        let _ = keep.send(tokio_tungstenite::accept_async(stream).await.expect("a handshake"));
    });
    let config = ClientConfig { silence: Duration::from_millis(200), ..quick() };
    let mut client = Client::connect(url_of(address), config);
    let ClientEvent::Connected(_outbox) = next(&mut client).await else { panic!("not connected") };
    let _frozen = kept.await.expect("accepted");
    let ClientEvent::Lost { reason } = next(&mut client).await else { panic!("not lost") };
    assert!(reason.contains("silent"), "{reason}");
}
