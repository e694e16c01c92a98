//! Documents that are the same in every answer of one program: made once,
//! packed once, and answered from memory. Making them for each request would
//! let anybody without a token buy a lot of work for little, outside every slot.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// One document, in both forms.
pub struct Fixed {
    media: &'static str,
    cache: &'static str,
    plain: Bytes,
    /// Gzip, if it is smaller.
    packed: Option<Bytes>,
}

impl Fixed {
    /// Packs `text`.
    #[must_use]
    pub fn new(media: &'static str, cache: &'static str, text: impl Into<Bytes>) -> Self {
        let plain = text.into();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let packed = encoder.write_all(&plain).and_then(|()| encoder.finish()).ok();
        let packed = packed.filter(|packed| packed.len() < plain.len()).map(Bytes::from);
        Self { media, cache, plain, packed }
    }

    /// The form that `Accept-Encoding` takes.
    #[must_use]
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let packed = self.packed.as_ref().filter(|_| takes_gzip(headers));
        let mut response = Response::new(Body::from(packed.unwrap_or(&self.plain).clone()));
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if packed.is_some() {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether gzip is named with a weight above zero, RFC 9110 section 12.5.3.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        is_gzip && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}
