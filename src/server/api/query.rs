//! Strict query strings: what a route does not know refuses.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::Uri;

use crate::server::api::problem::Problem;
use crate::shapes::NUMBER_MAX;
use crate::text::percent;

/// One parameter of a route's query.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Name.
    pub name: &'static str,
    /// What it takes, for the reference.
    pub takes: Takes,
    /// Whether the route answers without it.
    pub required: bool,
    /// What it means.
    pub meaning: &'static str,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Decimal without leading zeros.
    Number,
    /// The same, at least 1.
    Size,
    /// The same, from 1 to this.
    UpTo(usize),
    /// `true` or `false`.
    Flag,
    /// Name of a kind.
    Kind,
    /// Code of a rule of the audit.
    Code,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// 32 bytes in lowercase hex.
    Hash,
    /// Text of at least one byte, and at most so many.
    Text(usize),
}

impl Takes {
    /// In words, for the reference.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Number => "decimal without leading zeros".to_owned(),
            Self::Size => "decimal without leading zeros, at least 1".to_owned(),
            Self::UpTo(max) => format!("decimal without leading zeros, 1 to {max}"),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Kind => "name of a kind".to_owned(),
            Self::Code => "code of a rule of the audit".to_owned(),
            Self::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::Hash => "64 lowercase hex digits".to_owned(),
            Self::Text(max) => format!("text, 1 to {max} bytes"),
        }
    }
}

/// Bytes that any name may have in an address.
pub const NAME_BYTES_MAX: usize = 1_024;

/// Longest name of an unknown parameter that an answer repeats.
const NAME_SHOWN_MAX: usize = 64;

/// The values of one request.
#[derive(Debug)]
pub struct Query {
    values: Vec<(&'static str, String)>,
}

impl Query {
    /// Reads the query of `uri`, which may hold each of `known` once.
    ///
    /// # Errors
    /// `invalid_parameter` names the first that is unknown, doubled, missing or
    /// not percent-encoded UTF-8.
    pub fn read(uri: &Uri, known: &[Param]) -> Result<Self, Problem> {
        let mut values: Vec<(&'static str, String)> = Vec::new();
        for pair in uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(param) = known.iter().find(|p| p.name == name) else {
                return Err(Problem::parameter(&shown(name), "this route knows no such parameter"));
            };
            if values.iter().any(|(n, _)| *n == param.name) {
                return Err(Problem::parameter(param.name, "is given twice"));
            }
            let value = percent::decode_query(value)
                .ok_or_else(|| Problem::parameter(param.name, "is not percent-encoded UTF-8"))?;
            values.push((param.name, value));
        }
        match known.iter().find(|p| p.required && values.iter().all(|(n, _)| *n != p.name)) {
            Some(missing) => Err(Problem::parameter(missing.name, "is required")),
            None => Ok(Self { values }),
        }
    }

    /// The text of a parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    /// The number of a parameter.
    ///
    /// # Errors
    /// `invalid_parameter` for anything but canonical decimal.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        number(text)
            .map(Some)
            .ok_or_else(|| Problem::parameter(name, "must be decimal without leading zeros, at most 9007199254740991"))
    }

    /// The truth of a parameter; absent means false.
    ///
    /// # Errors
    /// `invalid_parameter` for anything but `true` and `false`.
    pub fn flag(&self, name: &'static str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::parameter(name, "must be true or false")),
        }
    }

    /// How many to answer: 1 to `max`, `usual` when absent.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub fn limit(&self, usual: usize, max: usize) -> Result<usize, Problem> {
        let Some(limit) = self.number("limit")? else { return Ok(usual) };
        match usize::try_from(limit) {
            Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
            _ => Err(Problem::parameter("limit", format!("must be within 1 and {max}"))),
        }
    }
}

/// Segments of an address that are text.
///
/// # Errors
/// `invalid_parameter` when they are no UTF-8.
pub fn segments<T>(name: &'static str, path: Result<Path<T>, PathRejection>) -> Result<T, Problem> {
    path.map(|Path(segments)| segments).map_err(|_| Problem::parameter(name, "is not percent-encoded UTF-8"))
}

/// Canonical decimal, up to [`NUMBER_MAX`].
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    if canonical { text.parse().ok().filter(|number| *number <= NUMBER_MAX) } else { None }
}

fn shown(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if name.len() <= NAME_SHOWN_MAX && name.bytes().all(plain) { name.to_owned() } else { "query".to_owned() }
}
