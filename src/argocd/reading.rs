//! JSON of Argo CD's as values. Go writes integers of 64 bits and any depth that
//! somebody puts into a source; strict JSON of ours has neither (FORMATS 1.1).

use std::borrow::Cow;

use crate::artifact::json::{JsonError, SAFE_INTEGER_MAX, Value, parse_within};

/// Deepest nesting that is read: a source may hold values of its own making.
pub const DEPTH_MAX: usize = 128;

/// Reads one JSON value as Go writes it: an integer beyond ±(2^53 - 1) is read as
/// the nearest that every reader holds, and so is any other number that a
/// double does not carry. An agent may set such numbers (a limit of retries),
/// and none of them keeps its operation out of the log. Everything else is as
/// strict as everywhere. `room` bounds the memory of the values.
///
/// # Errors
/// The first broken rule.
pub fn read(bytes: &[u8], room: usize) -> Result<Value<'static>, JsonError> {
    match parse_within(bytes, DEPTH_MAX, room) {
        Err(JsonError::NumberOverflow { .. } | JsonError::NumberUnsafe { .. } | JsonError::NumberUnderflow { .. }) => {
            Ok(parse_within(&tamed(bytes), DEPTH_MAX, room)?.into_owned())
        }
        read => read.map(Value::into_owned),
    }
}

/// The text with every number one that a double carries exactly, where it is integral.
fn tamed(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let from = at;
        match byte {
            b'"' => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(bytes.len());
                out.extend_from_slice(&bytes[from..at]);
            }
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                at += bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                let text = &bytes[from..at];
                out.extend_from_slice(tame(text).as_deref().map_or(text, str::as_bytes));
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out.into()
}

/// The number that stands for one that no double carries.
fn tame(text: &[u8]) -> Option<String> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let is_zero = !text.iter().take_while(|byte| !matches!(byte, b'e' | b'E')).any(|byte| matches!(byte, b'1'..=b'9'));
    match () {
        () if value == 0.0 && !is_zero => Some("0".to_owned()),
        () if value.abs() > SAFE_INTEGER_MAX => Some(format!("{}", SAFE_INTEGER_MAX.copysign(value))),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::json::to_compact;

    #[test]
    fn numbers_that_no_double_carries_are_the_nearest_that_one_does() {
        let text =
            r#"{"a 9223372036854775807 \" 1e999":[9223372036854775807,-9223372036854775808,1e999,1e-999,0e5,1.5,7]}"#;
        let value = read(text.as_bytes(), usize::MAX).expect("a value");
        let list = to_compact(value.as_object().expect("an object").iter().next().expect("a member").1);
        assert_eq!(list, "[9007199254740991,-9007199254740991,9007199254740991,0,0,1.5,7]");
        assert!(matches!(read(b"[9223372036854775807", usize::MAX), Err(JsonError::Truncated { .. })));
        assert!(matches!(read(br#"{"a":9223372036854775807,"a":1}"#, usize::MAX), Err(JsonError::DuplicateKey { .. })));
    }
}
