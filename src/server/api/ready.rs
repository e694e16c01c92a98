//! Full tiles and entry bundles, ready to be sent again: neither store nor
//! slot nor thread is asked for them.
//!
//! A full tile never changes, and every size that implies it goes on implying
//! it. What is kept is an answer as it once went the whole way (a slot, the
//! view, packing), headers included, so that damage is met where it always is,
//! at the first read, and an answer from here is that first one again. Partial
//! tiles are not kept: readers ask for each of them once.
//!
//! Bundles are kept short (LZ4): their entries repeat most of what they say, so
//! that three times as many have room, and making one whole again costs a fifth
//! of reading its rows. Tiles are hashes, and packed bundles are short already.
//!
//! Generations bound the memory: what is asked for stands in the youngest one,
//! and when that has its share, the oldest is dropped for a new one. If all is
//! lost: one read of the store each.

mod stored;

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;

use crate::server::api::problem::Problem;
use crate::server::api::ready::stored::Stored;

/// Addresses of tiles, and of those among them that are packed.
const TILES: &str = "/tile/";
const ENTRY_TILES: &str = "/tile/entries/";
/// What only the address of a partial tile holds.
const PARTIAL: &str = ".p/";
/// As many share the memory. With few of them much of it is empty after one was
/// dropped; each costs a look-up where an answer is not kept.
const GENERATIONS: usize = 8;
/// Headers, name and places in maps, beside the body of an answer.
const ANSWER_BYTES_BESIDE: usize = 1_024;

/// Their routes, as the router has them.
const TILE_ROUTE: &str = "/tile/{*path}";
const ENTRY_TILE_ROUTE: &str = "/tile/entries/{*path}";

/// In which form somebody takes an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Plain,
    /// Gzip, if it is any smaller.
    Packed,
}

/// What is kept. Shared by reference.
#[derive(Debug)]
pub struct Ready {
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    young: Generation,
    /// The younger of them first.
    older: VecDeque<Generation>,
    /// Of each.
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Generation {
    plain: HashMap<Box<str>, Ended>,
    packed: HashMap<Box<str>, Ended>,
    bytes: usize,
}

/// An answer of status 200.
#[derive(Clone, Debug)]
struct Ended {
    headers: HeaderMap,
    body: Stored,
}

/// The form of a request for a full tile that nothing else decides about. One
/// that weighs its encodings, or names others, is answered the whole way.
#[must_use]
pub fn form(request: &Request) -> Option<Form> {
    let path = request.uri().path();
    if *request.method() != Method::GET || !path.starts_with(TILES) || path.contains(PARTIAL) {
        return None;
    }
    let mut packed = false;
    for line in request.headers().get_all(header::ACCEPT_ENCODING) {
        for name in line.to_str().ok()?.split(',').map(str::trim) {
            match name {
                "gzip" => packed = true,
                "identity" | "deflate" | "br" | "zstd" => {}
                _ => return None,
            }
        }
    }
    // Hashes do not shrink: they have one form.
    Some(if packed && path.starts_with(ENTRY_TILES) { Form::Packed } else { Form::Plain })
}

/// The route of a tile, for the counters.
#[must_use]
pub fn route(path: &str) -> &'static str {
    if path.starts_with(ENTRY_TILES) { ENTRY_TILE_ROUTE } else { TILE_ROUTE }
}

impl Ready {
    /// Keeps so many bytes, with what they take beside them; 0 for none.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max / GENERATIONS;
        Self { kept: Mutex::new(Kept { young: Generation::default(), older: VecDeque::new(), bytes_max }) }
    }

    /// The answer for this path.
    #[must_use]
    pub fn answer(&self, form: Form, path: &str) -> Option<Response> {
        let Ended { headers, body } = self.locked().get(form, path)?;
        let mut response = Response::new(Body::from(body.whole()?));
        *response.headers_mut() = headers;
        Some(response)
    }

    /// Keeps an answer that went the whole way, and hands it on.
    pub async fn keep(&self, form: Form, path: &str, response: Response) -> Response {
        if response.status() != StatusCode::OK || self.locked().bytes_max == 0 {
            return response;
        }
        let (parts, body) = response.into_parts();
        let Ok(body) = body.collect().await else { return Problem::internal().into_response() };
        let body = body.to_bytes();
        let shrinks = form == Form::Plain && path.starts_with(ENTRY_TILES);
        let stored = if shrinks { Stored::short(&body) } else { Stored::Whole(body.clone()) };
        let ended = Ended { headers: parts.headers.clone(), body: stored };
        self.locked().put(form, path.into(), ended);
        Response::from_parts(parts, Body::from(body))
    }

    /// Answers that are kept, and the bytes that are counted for them.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        let kept = self.locked();
        let count = |of: &Generation| (of.plain.len() + of.packed.len(), of.bytes);
        kept.older.iter().chain([&kept.young]).map(count).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// A panic while holding the lock leaves answers that are whole.
    fn locked(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&mut self, form: Form, path: &str) -> Option<Ended> {
        if let Some(ended) = self.young.of(form).get(path) {
            return Some(ended.clone());
        }
        let (path, ended) = self.older.iter_mut().find_map(|of| of.take(form, path))?;
        self.put(form, path, ended.clone());
        Some(ended)
    }

    fn put(&mut self, form: Form, path: Box<str>, ended: Ended) {
        let bytes = ended.bytes();
        if bytes > self.bytes_max {
            return;
        }
        if self.young.bytes + bytes > self.bytes_max {
            self.older.truncate(GENERATIONS - 2);
            self.older.push_front(std::mem::take(&mut self.young));
        }
        self.young.bytes += bytes;
        // Two readers may have asked for it at once.
        let before = self.young.of(form).insert(path, ended);
        self.young.bytes -= before.map_or(0, |before| before.bytes());
    }
}

impl Generation {
    fn take(&mut self, form: Form, path: &str) -> Option<(Box<str>, Ended)> {
        let (path, ended) = self.of(form).remove_entry(path)?;
        self.bytes -= ended.bytes();
        Some((path, ended))
    }

    fn of(&mut self, form: Form) -> &mut HashMap<Box<str>, Ended> {
        match form {
            Form::Plain => &mut self.plain,
            Form::Packed => &mut self.packed,
        }
    }
}

impl Ended {
    fn bytes(&self) -> usize {
        self.body.len() + ANSWER_BYTES_BESIDE
    }
}
