//! Times inside artifacts (FORMATS 1.7): ours are `YYYY-MM-DDTHH:MM:SS[.mmm]Z`;
//! peers write any RFC 3339 date-time with a zone (PEERS 1.2).
//!
//! Not implemented: leap seconds; `:60` refuses, as `Date.parse` does.

use crate::text::civil::{days_in, days_to, digits};

/// Longest peer time: date, time, nine digits of fraction, offset.
pub const PEER_TIME_BYTES_MAX: usize = 35;

/// Whether `text` is a time as our own payloads write it.
#[must_use]
pub fn is_ours(text: &str) -> bool {
    let bytes = text.as_bytes();
    let fraction = match bytes.len() {
        20 => true,
        22..=24 => bytes[19] == b'.',
        _ => false,
    };
    fraction && bytes[10] == b'T' && bytes.ends_with(b"Z") && unix_ms(text).is_some()
}

/// Milliseconds since 1970 of an RFC 3339 date-time with a zone; finer digits
/// are cut. `None` when `text` is none, or not a day of the calendar.
#[must_use]
pub fn unix_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes.len() > PEER_TIME_BYTES_MAX {
        return None;
    }
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, byte)| bytes[*at] != *byte) || !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let (year, month, day) = (digits(bytes, 0, 4)?, digits(bytes, 5, 2)?, digits(bytes, 8, 2)?);
    let (hour, minute, second) = (digits(bytes, 11, 2)?, digits(bytes, 14, 2)?, digits(bytes, 17, 2)?);
    if day < 1 || day > days_in(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (millis, zone_at) = fraction(bytes)?;
    let offset_minutes = zone(&bytes[zone_at..])?;
    let minutes = ((days_to(year, month) + day - 1) * 24 + hour) * 60 + minute - offset_minutes;
    Some((minutes * 60 + second) * 1000 + millis)
}

/// Milliseconds of the fraction after the seconds, and where the zone starts.
fn fraction(bytes: &[u8]) -> Option<(i64, usize)> {
    if bytes[19] != b'.' {
        return Some((0, 19));
    }
    let count = bytes[20..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut millis = digits(bytes, 20, count.min(3)).filter(|_| count > 0)?;
    (count.min(3)..3).for_each(|_| millis *= 10);
    Some((millis, 20 + count))
}

/// Minutes east of UTC.
fn zone(zone: &[u8]) -> Option<i64> {
    match zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits(zone, 1, 2)?, digits(zone, 4, 2)?);
            let offset = (hours <= 23 && minutes <= 59).then_some(hours * 60 + minutes)?;
            Some(if *sign == b'-' { -offset } else { offset })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_peer_times_and_refuses_what_is_no_instant() {
        assert_eq!(unix_ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(unix_ms("2000-02-29T12:00:00.5+01:00"), Some(951_822_000_500));
        assert_eq!(unix_ms("2026-11-23 13:16:00.123456Z"), Some(1_795_439_760_123));
        assert_eq!(unix_ms("2100-03-01T00:00:00Z"), Some(4_107_542_400_000));
        for bad in [
            "2026-02-12",
            "2026-02-12T00:00:00",
            "2026-02-29T00:00:00Z",
            "2026-02-12T00:00:60Z",
            "2026-02-12T24:00:00Z",
            "2026-02-12T00:00:00.Z",
            "2026-02-12T00:00:00+1:00",
            "２026-02-12T00:00:00Z",
        ] {
            assert_eq!(unix_ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn our_times_are_narrower_than_peer_times() {
        assert!(is_ours("2026-02-12T00:00:00Z") && is_ours("2026-02-12T00:00:00.1Z"));
        for peer in ["2026-02-12t00:00:00Z", "2026-02-12T00:00:00+00:00", "2026-02-12T00:00:00.1234Z"] {
            assert!(unix_ms(peer).is_some() && !is_ours(peer), "{peer}");
        }
    }
}
