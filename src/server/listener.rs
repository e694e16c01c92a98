//! Connections, bounded in number and in idleness.
//!
//! Every connection holds a descriptor, and the store needs descriptors to
//! write: a log that runs out of them has to stop. So at most
//! [`CONNECTIONS_MAX`] connections are open at once, further ones wait in the
//! kernel's queue, and one that says nothing for [`IDLE_MAX`] is closed,
//! whether between two requests or in the middle of a header.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Open connections: well below what is left beside the store's files.
pub const CONNECTIONS_MAX: usize = 512;
/// How long a connection may say nothing; longer than any request may take.
pub const IDLE_MAX: Duration = Duration::from_secs(60);
/// Descriptors for everything that is no connection: the store's tables, its
/// log, the guard, tokens.
const OTHER_DESCRIPTORS: usize = 640;
/// The limit of descriptors that is asked for, where the system allows it.
const DESCRIPTORS_WANTED: u64 = 65_536;
/// Wait after the system refused a connection, descriptors being short.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// A listener that gives out at most so many connections.
pub struct Bounded {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Bounded {
    /// Bounds `listener` by what the process may open.
    #[must_use]
    pub fn new(listener: TcpListener) -> Self {
        let room = raise_descriptors().saturating_sub(OTHER_DESCRIPTORS);
        let connections = CONNECTIONS_MAX.min(room.max(16));
        if connections < CONNECTIONS_MAX {
            tracing::warn!(connections, "few descriptors: fewer connections at once; raise the limit of open files");
        }
        Self { listener, permits: Arc::new(Semaphore::new(connections)) }
    }
}

/// Raises the soft limit of open files towards the hard one; returns what holds.
fn raise_descriptors() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(DESCRIPTORS_WANTED).min(DESCRIPTORS_WANTED);
    if limit.current.is_some_and(|current| current < most) {
        let raised = rustix::process::Rlimit { current: Some(most), maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit.current = Some(most);
        }
    }
    limit.current.and_then(|current| usize::try_from(current).ok()).unwrap_or(usize::MAX)
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            // Nobody closes this semaphore; if somebody did, nothing would be accepted.
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
                sleep(ACCEPT_RETRY).await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, addr)) => return (Connection::new(stream, permit), addr),
                Err(error) => {
                    tracing::warn!(%error, "connection not accepted");
                    sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when it says nothing for too long.
pub struct Connection {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, permit: OwnedSemaphorePermit) -> Self {
        // Answers are written whole; waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection without nodelay");
        }
        Self { stream, idle: Box::pin(sleep(IDLE_MAX)), _permit: permit }
    }

    fn stirred(&mut self) {
        self.idle.as_mut().reset(Instant::now() + IDLE_MAX);
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(result) => {
                self.stirred();
                Poll::Ready(result)
            }
            Poll::Pending if self.idle.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the connection said nothing")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if matches!(written, Poll::Ready(Ok(_))) {
            self.stirred();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
