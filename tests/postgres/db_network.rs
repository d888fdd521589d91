//! The network between us and PostgreSQL: how often a call crosses it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwarden::db::Database as Gate;
use pgwarden::embedded::{Auth, Listen, Settings};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Cluster, Database, Template, gate_with, query};

/// Delivers every byte a while later.
struct Network {
    port: u16,
}

impl Network {
    async fn to(server_port: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (client_in, client_out) = client.into_split();
                let (server_in, server_out) = server.into_split();
                tokio::spawn(carry(client_in, server_out, delay));
                tokio::spawn(carry(server_in, client_out, delay));
            }
        });
        Self { port }
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin + Send + 'static,
    delay: Duration,
) {
    let (sender, mut queue) = tokio::sync::mpsc::unbounded_channel::<(tokio::time::Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((due, bytes)) = queue.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let _ = sender.send((tokio::time::Instant::now() + delay, buffer[..count].to_vec()));
    }
}

const PASSWORD: &str = "open sesame";

fn loopback() -> Cluster {
    let auth = Auth::Scram { password: PASSWORD.to_owned() };
    Cluster::start(Settings { listen: Listen::Loopback, auth, ..Settings::default() })
}

fn port_of(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap()
}

async fn reader_through(database: &Database<'_>, network: &Network) -> Arc<Gate> {
    let reader = database.create_role("reader", &format!("LOGIN PASSWORD '{PASSWORD}'")).await;
    let url = format!(
        "postgres://{reader}:open%20sesame@127.0.0.1:{}/{}?sslmode=disable",
        network.port,
        database.name()
    );
    gate_with(&url, |settings| settings.pool_size = 2)
}

#[tokio::test]
async fn a_call_crosses_the_network_twice() {
    let cluster = loopback();
    let database = Database::create_in(&cluster, Template::Empty).await;
    let one_way = Duration::from_millis(50);
    let network = Network::to(port_of(&database.admin_url()), one_way).await;
    let gate = reader_through(&database, &network).await;
    let round_trip = one_way * 2;
    let mut best = Duration::MAX;
    for _ in 0..8 {
        let started = Instant::now();
        query(&gate, "SELECT $1::text, 1", &[Some("a")]).await.unwrap();
        best = best.min(started.elapsed());
    }
    assert!(best >= round_trip * 2, "the network is not in the way: {best:?}");
    assert!(best < round_trip * 3, "more than two round trips: {best:?}");
}
