//! The read API of [tlog-tiles](https://c2sp.org/tlog-tiles), byte for byte.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::codes::service;
use crate::server::api::answer::{self, IMMUTABLE};
use crate::server::api::problem::Problem;
use crate::server::log::Log;
use crate::server::pool;
use crate::tile::TilePath;

/// Address before a tile's own path.
const PREFIX: &str = "/tile/";
const MEDIA_TYPE: &str = "application/octet-stream";

/// `GET /tile/{level}/{index}[.p/{width}]` and `GET /tile/entries/…`.
///
/// Partial ones never change either: they are named by their width, and what
/// they hold is fixed by any checkpoint that implies them.
///
/// # Errors
/// `tile_path_invalid` for any other spelling, `tile_not_found`, store codes.
pub async fn tile(State(log): State<Log>, uri: Uri) -> Result<Response, Problem> {
    // A query changes nothing: caches and readers add theirs.
    // The path as sent: a percent-encoded digit is another spelling.
    let text = uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let path =
        TilePath::parse(text).map_err(|e| Problem::new(&service::TILE_PATH_INVALID, e.to_string()).at("tile"))?;
    let bytes = pool::read(move || Ok(log.view().tile(&path)?)).await?;
    Ok(answer::bytes(MEDIA_TYPE, IMMUTABLE, bytes))
}
