//! The snapshot of a round (FORMATS 5.4): the rows that changed, every row once
//! an hour, none as a heartbeat; and over all of them one digest.

use crate::argocd::observation::with_nonce;
use crate::argocd::round::known::State;
use crate::artifact::digest::sha256;
use crate::artifact::json::{DEPTH_MAX, Object, Value, parse};
use crate::text::{civil, hex};

/// Rows of one snapshot, and their bytes: more come in several of one moment.
const ROWS_MAX: usize = 4096;
const ROWS_BYTES_MAX: usize = 1 << 20;
/// Longest time between two snapshots, and between two that say every row.
pub const HEARTBEAT_MS: i64 = 240_000;
const FULL_MS: i64 = 3_600_000;
const VERSION: &str = "1";
/// What a derived nonce begins from, so that it is no other hash of a secret.
const NONCE_DOMAIN: &[u8] = b"pulselog snapshot nonce 1\0";

/// The snapshots that are due at `now_ms`, and the state after them. Rows that
/// do not fit into one stand in several, which have one `taken_at`, `rows_total`
/// and `rows_digest`; none of these is `full`, together they are.
pub(super) fn due(state: &mut State, now_ms: i64, secret: &[u8]) -> Vec<Value<'static>> {
    let is_over = |since: Option<i64>, ms: i64| since.is_none_or(|since| now_ms.saturating_sub(since) >= ms);
    let is_full = is_over(state.full_ms, FULL_MS) || state.rows_went;
    let rows: Vec<&str> =
        state.apps.values().filter(|known| is_full || !known.is_told).map(|known| known.row.as_str()).collect();
    if rows.is_empty() && !is_full && !is_over(state.snapshot_ms, HEARTBEAT_MS) {
        return Vec::new();
    }
    let pages = pages(&rows);
    let is_one = pages.len() == 1;
    let (total, digest) = (state.apps.len(), rows_digest(state));
    let snapshot = |page: &[&str]| {
        let mut payload = Object::new();
        payload.set("argocd_snapshot_version", VERSION.into());
        payload.set("nonce", "".into());
        payload.set("channel", "poll".into());
        payload.set("instance", state.instance.as_str().into());
        payload.set("taken_at", civil::with_millis(now_ms).into());
        payload.set("full", (is_full && is_one).into());
        payload.set("rows", page.iter().filter_map(|row| read(row)).collect::<Vec<_>>().into());
        payload.set("rows_total", u32::try_from(total).unwrap_or(u32::MAX).into());
        payload.set("rows_digest", digest.as_str().into());
        with_nonce(payload, NONCE_DOMAIN, secret)
    };
    let snapshots = pages.iter().map(|page| snapshot(page)).collect();
    state.snapshot_ms = Some(now_ms);
    if is_full {
        state.full_ms = Some(now_ms);
    }
    state.rows_went = false;
    state.apps.values_mut().for_each(|known| known.is_told = true);
    snapshots
}

/// At least one page, however empty.
fn pages<'r>(rows: &[&'r str]) -> Vec<Vec<&'r str>> {
    let (mut pages, mut bytes) = (vec![Vec::new()], 0);
    for row in rows {
        let page = pages.last_mut().filter(|page: &&mut Vec<&str>| {
            page.len() < ROWS_MAX && (page.is_empty() || bytes + row.len() <= ROWS_BYTES_MAX)
        });
        match page {
            Some(page) => page.push(*row),
            None => {
                bytes = 0;
                pages.push(vec![*row]);
            }
        }
        bytes += row.len();
    }
    pages
}

/// Over the JCS of the array of all rows, which is that of each between commas.
fn rows_digest(state: &State) -> String {
    let rows: Vec<&str> = state.apps.values().map(|known| known.row.as_str()).collect();
    hex::encode(&sha256(format!("[{}]", rows.join(",")).as_bytes()))
}

/// A row as it was written down. One that cannot be read would have been
/// damaged on the disk: it is left out, and `rows_digest` shows it.
fn read(row: &str) -> Option<Value<'static>> {
    parse(row.as_bytes(), DEPTH_MAX).ok().map(Value::into_owned)
}
