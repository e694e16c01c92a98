//! Connections, bounded in number, in idleness and in slowness.
//!
//! Every connection holds a descriptor, and the store needs descriptors to
//! write: a log that runs out of them has to stop. So there are only so many at
//! once, and of one address fewer than that. Where a new one finds no room, the
//! one that was silent longest makes it: whoever is being answered is never
//! closed for somebody else.
//!
//! ```text
//! accept ─> head of a request ─> request, answer ─> between two requests ─> head …
//!           head_time_max_ms     body: intake      idle_time_max_ms
//!                                answer: a least rate
//! ```

mod stream;
mod table;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::server::api::Api;
use crate::server::config::crowd::{Crowd, count};
use crate::server::listener::stream::{Answering, Watched};
use crate::server::listener::table::{Entered, Table};
use crate::server::telemetry::Metrics;

/// Descriptors for everything that is no connection: the store's tables, its
/// log, the guard, tokens.
const OTHER_DESCRIPTORS: usize = 640;
/// The limit of descriptors that is asked for, where the system allows it.
const DESCRIPTORS_WANTED: u64 = 65_536;
/// Fewest connections, however few descriptors there are.
const CONNECTIONS_MIN: usize = 16;
/// Wait after the system refused a connection, descriptors being short, or
/// while every connection is being answered.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);
/// Bytes that a connection buffers each way; a head of a request fits in it.
/// Twelve thousand clients that never end theirs hold it each.
const BUFFER_BYTES_MAX: usize = 16 << 10;
/// Bytes that the system buffers for a connection each way (it takes twice as
/// much). Left alone it grows to several megabytes, and a client that asks and
/// takes nothing has so many answers made for it.
const SYSTEM_BUFFER_BYTES: usize = 256 << 10;
/// What a connection beyond those of its address is told.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n\
    Content-Type: text/plain\r\nContent-Length: 40\r\n\r\ntoo many connections from this address.\n";

/// Serves `api` on `listener` until `stop` is true, then until every request
/// under way was answered. `waiting` says how many readers wait for room.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    crowd: Crowd,
    metrics: Metrics,
    waiting: Arc<AtomicUsize>,
    mut stop: watch::Receiver<bool>,
) {
    // Connections have what the listener has.
    let bounded = set_socket_send_buffer_size(&listener, SYSTEM_BUFFER_BYTES)
        .and_then(|()| set_socket_recv_buffer_size(&listener, SYSTEM_BUFFER_BYTES));
    if let Err(error) = bounded {
        tracing::warn!(%error, "the system chooses how much it buffers for a connection");
    }
    let table = Arc::new(Table::new(&crowd, connections_max(&crowd), metrics));
    let watching = tokio::spawn(Arc::clone(&table).watch(waiting));
    let accepting = async {
        loop {
            while !table.make_room() {
                let _ = timeout(ACCEPT_RETRY, table.changed()).await;
            }
            match listener.accept().await {
                Ok((stream, addr)) => accept(stream, addr, &table, &api, &stop),
                Err(error) => {
                    tracing::warn!(%error, "connection not accepted");
                    sleep(ACCEPT_RETRY).await;
                }
            }
        }
    };
    let mut stopped = stop.clone();
    tokio::select! {
        () = accepting => {}
        // An error means that the server handle is gone: stop too.
        _ = stopped.wait_for(|stop| *stop) => {}
    }
    drop(listener);
    let _ = stop.wait_for(|stop| *stop).await;
    while !table.is_empty() {
        let _ = timeout(ACCEPT_RETRY, table.changed()).await;
    }
    watching.abort();
}

/// As many as were asked for, or as descriptors allow.
fn connections_max(crowd: &Crowd) -> usize {
    let (wanted, room) = (count(crowd.connections_max), raise_descriptors().saturating_sub(OTHER_DESCRIPTORS));
    let connections = wanted.min(room.max(CONNECTIONS_MIN));
    if connections < wanted {
        tracing::warn!(connections, wanted, "few descriptors: fewer connections; raise the limit of open files");
    }
    connections
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

fn accept(stream: TcpStream, addr: SocketAddr, table: &Arc<Table>, api: &Api, stop: &watch::Receiver<bool>) {
    // Answers are written whole; waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection without nodelay");
    }
    match table.enter(addr.ip()) {
        Some(entered) => {
            tokio::spawn(converse(stream, addr.ip(), entered, api.clone(), stop.clone()));
        }
        None => {
            tracing::debug!("connection refused: its address holds as many as one may");
            let _ = stream.try_write(TOO_MANY);
        }
    }
}

/// One connection, until its end or until the table wants it closed.
async fn converse(stream: TcpStream, peer: IpAddr, entered: Entered, api: Api, mut stop: watch::Receiver<bool>) {
    let line = entered.line();
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&line)));
    let service = service_fn(|request: Request<Incoming>| {
        line.begun();
        let (line, api) = (Arc::clone(&line), api.clone());
        async move {
            let response = api.answer(request.map(Body::new), peer).await;
            Ok::<_, Infallible>(response.map(|body| Answering::new(body, line)))
        }
    });
    let connection = http1::Builder::new().max_buf_size(BUFFER_BYTES_MAX).serve_connection(io, service);
    let mut connection = pin!(connection);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = line.closed() => return,
            _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
