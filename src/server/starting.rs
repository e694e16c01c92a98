//! What the parts of a service start with, from its configuration.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::server::api::Api;
use crate::server::api::gate::Gate;
use crate::server::api::gate::accesses::Accesses;
use crate::server::config::{Config, crowd};
use crate::server::log::clock::Clock;
use crate::server::state::{AppState, LogFacts};
use crate::server::submitters::Book;
use crate::server::submitters::live::Tokens;
use crate::server::telemetry::Metrics;
use crate::server::{ServeError, listener, scrub};

/// What the log is. Its address is what its operator says, never what a client
/// says: `Host`, `Forwarded` and `X-Forwarded-*` can be made up by anybody, so
/// nothing below reads them for it (`Host` is looked at for its form alone).
pub(super) fn facts(config: &Config, addr: SocketAddr) -> LogFacts {
    let vkey = config.signer.vkey();
    LogFacts {
        origin: config.origin.as_str().to_owned(),
        key_id: vkey.key_id().to_string(),
        vkey: vkey.to_string(),
        operator: config.operator.clone(),
        public_url: config.public_url.clone(),
        listens: format!("http://{addr}"),
    }
}

/// Connections for the counters.
const METRICS_CONNECTIONS_MAX: u64 = 32;

/// Binds the counters' own listener. One that was asked for must be had; the
/// usual one may be another program's, and a log without counters still serves.
pub(super) async fn bind_metrics(
    asked: Option<SocketAddr>,
    addr: SocketAddr,
) -> Result<Option<TcpListener>, ServeError> {
    if let Some(addr) = asked {
        let bound = TcpListener::bind(addr).await;
        return bound.map(Some).map_err(|source| ServeError::Bind { addr, source });
    }
    let usual = SocketAddr::from(([127, 0, 0, 1], addr.port().wrapping_add(1)));
    match TcpListener::bind(usual).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) => {
            tracing::warn!(%usual, %error, "no counters: their address is taken; set metrics_listen");
            Ok(None)
        }
    }
}

/// Serves the counters, on few connections, which are not counted among the
/// log's and never close one of them.
pub(super) async fn serve_counters(listener: TcpListener, state: AppState, stop: watch::Receiver<bool>) {
    let few = crowd::Crowd {
        connections_max: METRICS_CONNECTIONS_MAX,
        connections_per_address_max: METRICS_CONNECTIONS_MAX,
        ..state.crowd
    };
    let api = Api::of_metrics(state);
    listener::serve(listener, api, few, Metrics::default(), Arc::default(), stop).await;
}

/// Who may read. A log that is shown for reading alone writes nothing, also not
/// who read.
pub(super) fn gate(config: &Config, clock: Arc<dyn Clock>, metrics: Metrics) -> io::Result<Gate> {
    let are_wanted = !config.viewer.access.is_public() || Accesses::are_kept(&config.data);
    let accesses = match are_wanted && !config.read_only {
        true => Accesses::start(&config.data, Arc::clone(&clock), metrics.clone())?,
        false => Accesses::none(),
    };
    let readers = Tokens::new(Book::Readers, &config.data, Arc::clone(&clock));
    Ok(Gate::new(config.viewer.clone(), readers, accesses, metrics, clock))
}

/// What the scrub may take, of what all may take.
pub(super) fn scrub_settings(crowd: &crowd::Crowd) -> scrub::Settings {
    scrub::Settings {
        bytes_per_second: crowd.scrub_bytes_per_second,
        held_bytes_max: crowd::count(crowd.scrub_held_bytes_max),
        rest: Duration::from_millis(crowd.scrub_rest_ms),
    }
}
