//! A TCP proxy whose connections can be cut.

use std::net::Ipv4Addr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::broadcast;

/// Passes connections on; it ends when dropped.
pub struct Proxy {
    pub port: u16,
    cut: broadcast::Sender<()>,
    /// Ends the connections when dropped.
    _runtime: Runtime,
}

impl Proxy {
    /// One in front of this port.
    pub fn start(target: u16) -> Proxy {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let (cut, _) = broadcast::channel(1);
        let cuts = cut.clone();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, target, cuts.subscribe()));
            }
        });
        Proxy { port, cut, _runtime: runtime }
    }

    /// Cuts all connections that there are; new ones may come.
    pub fn cut(&self) {
        self.cut.send(()).expect("there is a connection");
    }
}

async fn pass_on(mut client: TcpStream, target: u16, mut cut: broadcast::Receiver<()>) {
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = cut.recv() => {}
    }
}
