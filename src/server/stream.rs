//! The bytes of a connection: in the clear, or after a TLS handshake.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use crate::clock::Stopwatch;
use crate::tls::Identity;

/// The first byte of every TLS handshake: RFC 8446 section 5.1, `ContentType`.
const TLS_HANDSHAKE: u8 = 22;

/// RFC 2817 section 4.2: what a server says that wants TLS first.
const WANTS_TLS: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nupgrade: TLS/1.2, HTTP/1.1\r\nconnection: upgrade, close\r\n\
content-type: text/plain\r\ncontent-length: 53\r\n\r\nthis port speaks TLS: write https:// and wss:// here\n";

/// What HTTP is spoken over.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Shakes hands, if we have an identity; with the stream comes what is left of the time for it. A client that cannot is let go, which costs
/// nothing and is nobody's business.
pub(super) async fn open(
    stream: TcpStream,
    remote: SocketAddr,
    identity: Option<&Identity>,
    within: Duration,
) -> Option<(Stream, Duration)> {
    let Some(identity) = identity else { return Some((Either::Left(stream), within)) };
    let watch = Stopwatch::start();
    match timeout(within, shake_hands(stream, identity)).await {
        Ok(Ok(stream)) => Some((Either::Right(Box::new(stream)), within.saturating_sub(watch.read()))),
        Ok(Err(error)) => {
            tracing::debug!(%remote, %error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%remote, "a TLS handshake took too long");
            None
        }
    }
}

async fn shake_hands(mut stream: TcpStream, identity: &Identity) -> std::io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != TLS_HANDSHAKE {
        stream.write_all(WANTS_TLS).await?;
        drain(&mut stream).await;
        return Err(std::io::Error::other("it does not speak TLS"));
    }
    identity.acceptor().accept(stream).await
}

/// Reads what is there: a socket that is closed with bytes unread takes back what was written to it.
async fn drain(stream: &mut TcpStream) {
    let _ = stream.shutdown().await;
    let mut rest = [0; 1024];
    while stream.readable().await.is_ok() && stream.try_read(&mut rest).is_ok_and(|read| read > 0) {}
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::tls;

    fn identity() -> Identity {
        tls::install();
        let directory = tempfile::tempdir().expect("a directory");
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let [certificate, key] = ["cert", "key"].map(|name| directory.path().join(name));
        fs::write(&certificate, cert.pem()).expect("writes");
        fs::write(&key, signing_key.serialize_pem()).expect("writes");
        Identity::read(Some(&certificate), Some(&key), crate::clock::since_1970()).expect("good").expect("both")
    }

    /// What a client that says this is answered, and whether it is let in.
    async fn said(bytes: &[u8]) -> (String, bool) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = tokio::spawn(async move {
            let (stream, remote) = listener.accept().await.expect("accepted");
            open(stream, remote, Some(&identity()), Duration::from_millis(200)).await.is_some()
        });
        let mut client = TcpStream::connect(address).await.expect("connects");
        client.write_all(bytes).await.expect("writes");
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer).await;
        (String::from_utf8_lossy(&answer).into_owned(), server.await.expect("no panic"))
    }

    #[tokio::test]
    async fn whoever_speaks_http_is_told_to_speak_tls() {
        let (answer, is_in) = said(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 426 ") && answer.ends_with("write https:// and wss:// here\n"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(answer.contains(&format!("content-length: {}\r\n", body.len())), "{answer}");
        assert!(!is_in);
    }

    #[tokio::test]
    async fn half_a_handshake_and_none_are_cut_and_nonsense_is_refused() {
        for bytes in [&b""[..], &[TLS_HANDSHAKE, 3, 1, 2, 0, 1], &[TLS_HANDSHAKE; 600]] {
            assert!(!said(bytes).await.1, "{bytes:?}");
        }
    }
}
