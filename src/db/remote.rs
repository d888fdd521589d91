//! The network address of one server and the stream to it, plain: TLS and the protocol come on top.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::either::Either;

use super::conninfo::{ConnectionSettings, Host, HostName, Keepalive};

pub(super) type Stream = Either<TcpStream, UnixStream>;

/// One address, resolved: a cancel request must go to the very server that the statement went to.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    address: Address,
    /// What the certificate must name; `None` on a socket, where there is no TLS.
    pub host_name: Option<String>,
    keepalive: Option<Keepalive>,
    tcp_user_timeout: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Our end's port, of a TCP stream.
pub(super) fn local_port(stream: &Stream) -> Option<u16> {
    match stream {
        Either::Left(tcp) => tcp.local_addr().ok().map(|address| address.port()),
        Either::Right(_) => None,
    }
}

impl Remote {
    /// Every address of a host, in the order of the look-up.
    pub async fn resolve(host: &Host, settings: &ConnectionSettings) -> io::Result<Vec<Self>> {
        let remote = |address, host_name| Self {
            address,
            host_name,
            keepalive: settings.keepalive.clone(),
            tcp_user_timeout: settings.tcp_user_timeout,
        };
        Ok(match (&host.name, host.address) {
            (HostName::Unix(directory), _) => {
                vec![remote(Address::Unix(directory.join(format!(".s.PGSQL.{}", host.port))), None)]
            }
            (HostName::Tcp(name), Some(ip)) => {
                vec![remote(Address::Tcp(SocketAddr::new(ip, host.port)), Some(name.clone()))]
            }
            (HostName::Tcp(name), None) => tokio::net::lookup_host((name.as_str(), host.port))
                .await?
                .map(|address| remote(Address::Tcp(address), Some(name.clone())))
                .collect(),
        })
    }

    pub async fn connect(&self) -> io::Result<Stream> {
        match &self.address {
            Address::Unix(path) => Ok(Either::Right(UnixStream::connect(path).await?)),
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                self.keep_alive(&stream)?;
                Ok(Either::Left(stream))
            }
        }
    }

    fn keep_alive(&self, stream: &TcpStream) -> io::Result<()> {
        let socket = SockRef::from(stream);
        #[cfg(target_os = "linux")]
        if let Some(timeout) = self.tcp_user_timeout {
            socket.set_tcp_user_timeout(Some(timeout))?;
        }
        let Some(settings) = &self.keepalive else { return Ok(()) };
        let mut keepalive = TcpKeepalive::new().with_time(settings.idle);
        if let Some(interval) = settings.interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(count) = settings.count {
            keepalive = keepalive.with_retries(count);
        }
        socket.set_tcp_keepalive(&keepalive)
    }
}
