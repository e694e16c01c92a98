//! Members of what Argo CD writes, each of its type or an error that names it.
//! Go leaves out what is empty, so absent, null and empty are one.

use std::borrow::Cow;

use crate::artifact::digest::sha256;
use crate::artifact::json::Value;
use crate::artifact::shape::{Broken, ShapeError};
use crate::artifact::time::{is_ours, unix_ms};
use crate::text::{civil, hex};

/// The value at a dotted path; `None` where it, or what it stands in, is absent
/// or null.
///
/// # Errors
/// Something on the way is no object.
pub(super) fn at<'v, 'a>(root: &'v Value<'a>, path: &str) -> Result<Option<&'v Value<'a>>, ShapeError> {
    let mut value = root;
    let mut walked = 0;
    for name in path.split('.') {
        if value.as_object().is_none() {
            // Of something that is no object as a whole the first member is missing.
            let above = path[..walked].trim_end_matches('.');
            return Err(if above.is_empty() { missing(name) } else { wrong(above, "an object", value) });
        }
        match value.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(member) => value = member,
        }
        walked += name.len() + 1;
    }
    Ok(Some(value))
}

fn wrong(path: &str, wanted: &str, got: &Value) -> ShapeError {
    ShapeError::at(path, Broken::WrongType, format!("must be {wanted}, not {}", got.type_name()))
}

pub(super) fn missing(path: &str) -> ShapeError {
    ShapeError::at(path, Broken::MissingField, "is required")
}

/// A text; the empty one is `None`.
pub(super) fn text<'v>(root: &'v Value<'_>, path: &str) -> Result<Option<&'v str>, ShapeError> {
    let Some(value) = at(root, path)? else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| wrong(path, "a string", value))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A text that must be there.
pub(super) fn needed<'v>(root: &'v Value<'_>, path: &str) -> Result<&'v str, ShapeError> {
    text(root, path)?.ok_or_else(|| missing(path))
}

/// A truth value; absent is false.
pub(super) fn flag(root: &Value, path: &str) -> Result<bool, ShapeError> {
    let Some(value) = at(root, path)? else { return Ok(false) };
    value.as_bool().ok_or_else(|| wrong(path, "true or false", value))
}

/// An integral number.
pub(super) fn integer(root: &Value, path: &str) -> Result<Option<i64>, ShapeError> {
    let Some(value) = at(root, path)? else { return Ok(None) };
    value.as_i64().map(Some).ok_or_else(|| wrong(path, "an integer", value))
}

/// A list; absent is empty.
pub(super) fn list<'v, 'a>(root: &'v Value<'a>, path: &str) -> Result<&'v [Value<'a>], ShapeError> {
    let Some(value) = at(root, path)? else { return Ok(&[]) };
    value.as_array().ok_or_else(|| wrong(path, "an array", value))
}

/// A list of texts.
pub(super) fn texts<'v>(root: &'v Value<'_>, path: &str) -> Result<Vec<&'v str>, ShapeError> {
    let items = list(root, path)?;
    items.iter().map(|item| item.as_str().ok_or_else(|| wrong(path, "an array of strings", item))).collect()
}

/// A list of objects.
pub(super) fn objects<'v, 'a>(root: &'v Value<'a>, path: &str) -> Result<&'v [Value<'a>], ShapeError> {
    let items = list(root, path)?;
    match items.iter().find(|item| item.as_object().is_none()) {
        Some(item) => Err(wrong(path, "an array of objects", item)),
        None => Ok(items),
    }
}

/// A moment in whole seconds of UTC, as Argo CD writes them. Whoever writes the
/// resource by hand may spell it otherwise; both channels must read one moment.
pub(super) fn instant(root: &Value, path: &str) -> Result<Option<String>, ShapeError> {
    let Some(said) = text(root, path)? else { return Ok(None) };
    let refused = || ShapeError::at(path, Broken::InvalidValue, "must be an RFC 3339 date-time with a time zone");
    let spelled = civil::with_millis(unix_ms(said).ok_or_else(refused)?);
    let seconds = format!("{}Z", spelled.get(..19).ok_or_else(refused)?);
    if is_ours(&seconds) { Ok(Some(seconds)) } else { Err(refused()) }
}

/// A text as an observation can hold it: one that is empty or has more than
/// `bytes_max` bytes stands there by its digest, and so is like nothing that a
/// decision binds.
pub(super) fn fitted(text: &str, bytes_max: usize) -> Cow<'_, str> {
    match text.len() {
        1.. if text.len() <= bytes_max => text.into(),
        _ => digested(text.as_bytes()).into(),
    }
}

/// What stands in the place of something that has none.
pub(super) fn digested(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(&sha256(bytes)))
}

/// The beginning of a text, at most `bytes_max` bytes of whole characters.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
