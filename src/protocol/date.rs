//! Dates as the peer reads them (PEERS 1.2): a schema format first, then
//! `Date.parse` of its JavaScript engine, which is laxer in most places and
//! stricter in two (leap seconds, offsets without minutes).
//!
//! Not implemented: prose dates (`Feb 12 2026`) and zones in words. The engine
//! parses them; here they are no dates. Texts without a zone are read as UTC.

use crate::text::civil::{days_in, days_to, digits};

/// Whether `text` has the schema format `date-time`: RFC 3339 with a zone,
/// leap seconds at the end of a UTC day allowed.
pub(super) fn is_date_time(text: &str) -> bool {
    if is_usual(text) {
        return true;
    }
    let Some((day, rest)) = text.split_at_checked(10) else { return false };
    let Some(time) = rest.strip_prefix(|c: char| c == 'T' || c == 't' || is_js_space(c)) else { return false };
    is_full_date(day.as_bytes()) && is_full_time(time.as_bytes())
}

/// Whether `text` is a date as producers write it, `2026-11-22T12:00:00Z` with
/// or without milliseconds: both the format and `Date.parse` take it. All its
/// bytes are looked at in one step.
pub(super) fn is_usual(text: &str) -> bool {
    fn has_form<const N: usize>(text: &[u8; N], form: &[u8; N]) -> bool {
        let span = |form: u8| if form == b'0' { 9 } else { 0 };
        text.iter().zip(form).fold(true, |good, (byte, form)| good & (byte.wrapping_sub(*form) <= span(*form)))
    }
    let bytes = text.as_bytes();
    let formed = match bytes.len() {
        20 => bytes.first_chunk().is_some_and(|bytes| has_form(bytes, b"0000-00-00T00:00:00Z")),
        24 => bytes.first_chunk().is_some_and(|bytes| has_form(bytes, b"0000-00-00T00:00:00.000Z")),
        _ => false,
    };
    let two = |at: usize| 10 * (bytes[at] - b'0') + (bytes[at + 1] - b'0');
    // Every month has 28 days; the others go the long way.
    formed
        && (1..=12).contains(&two(5))
        && (1..=28).contains(&two(8))
        && two(11) <= 23
        && bytes[14] <= b'5'
        && bytes[17] <= b'5'
}

/// White space of ECMAScript.
pub(super) fn is_js_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

/// `text` without white space at its ends, as ECMAScript trims.
pub(super) fn js_trim(text: &str) -> &str {
    text.trim_matches(is_js_space)
}

fn is_full_date(day: &[u8]) -> bool {
    let part = |from, count| digits(day, from, count);
    let (Some(year), Some(month), Some(date)) = (part(0, 4), part(5, 2), part(8, 2)) else { return false };
    day[4] == b'-' && day[7] == b'-' && (1..=days_in(year, month)).contains(&date)
}

fn is_full_time(time: &[u8]) -> bool {
    let Some(clock) = clock(time) else { return false };
    let Some(zone) = time.get(clock.end..).filter(|zone| !zone.is_empty()) else { return false };
    let Some((sign, hours, minutes)) = offset(zone, true) else { return false };
    if hours > 23 || minutes > 59 {
        return false;
    }
    if clock.hour <= 23 && clock.minute <= 59 && clock.second < 60 {
        return true;
    }
    let utc_minute = clock.minute - minutes * sign;
    let utc_hour = clock.hour - hours * sign - i64::from(utc_minute < 0);
    matches!(utc_hour, 23 | -1) && matches!(utc_minute, 59 | -1) && clock.second < 61
}

/// Milliseconds since 1970, as `Date.parse` gives them; `None` where it gives
/// NaN. Days past the end of a month run over into the next.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (year, mut rest) = year(text)?;
    let mut month_day = [1, 1];
    for slot in &mut month_day {
        let Some(digits_from) = rest.strip_prefix('-') else { break };
        *slot = digits(digits_from.as_bytes(), 0, 2)?;
        rest = &digits_from[2..];
    }
    let [month, day] = month_day;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, of_day) = match rest.chars().next() {
        None => (year, 0),
        Some('T' | 't') => (year, time_of_day(&rest.as_bytes()[1..])?),
        // The engine's older parser takes over, and reads short years its way.
        Some(space) if is_js_space(space) => {
            let century = if year < 50 { 2000 } else { 1900 };
            let full = if (0..100).contains(&year) { year + century } else { year };
            (full, time_of_day(&rest.as_bytes()[space.len_utf8()..])?)
        }
        Some(_) => return None,
    };
    let millis = (days_to(year, month) + day - 1) * 86_400_000 + of_day;
    (millis.abs() <= MILLIS_MAX).then_some(millis)
}

/// The range of an ECMAScript date.
const MILLIS_MAX: i64 = 8_640_000_000_000_000;

fn year(text: &str) -> Option<(i64, &str)> {
    let (sign, count, from) = match text.as_bytes().first()? {
        b'+' => (1, 6, 1),
        b'-' => (-1, 6, 1),
        _ => (1, 4, 0),
    };
    let year = digits(text.as_bytes(), from, count)?;
    Some((sign * year, &text[from + count..])).filter(|_| sign > 0 || year > 0)
}

/// Milliseconds since midnight UTC; may be negative or beyond a day.
fn time_of_day(time: &[u8]) -> Option<i64> {
    let clock = clock(time)?;
    let midnight = clock.hour == 24 && clock.minute == 0 && clock.second == 0 && clock.millis == 0;
    if (clock.hour > 23 && !midnight) || clock.minute > 59 || clock.second > 59 {
        return None;
    }
    let zone = &time[clock.end..];
    let offset_minutes = match zone {
        [] => 0,
        zone => {
            let (sign, hours, minutes) = offset(zone, false).filter(|(_, h, m)| *h <= 23 && *m <= 59)?;
            sign * (hours * 60 + minutes)
        }
    };
    let minutes = clock.hour * 60 + clock.minute - offset_minutes;
    Some((minutes * 60 + clock.second) * 1000 + clock.millis)
}

struct Clock {
    hour: i64,
    minute: i64,
    second: i64,
    millis: i64,
    end: usize,
}

/// `HH:MM:SS[.digits]` at the start of `time`.
fn clock(time: &[u8]) -> Option<Clock> {
    let (hour, minute, second) = (digits(time, 0, 2)?, digits(time, 3, 2)?, digits(time, 6, 2)?);
    if time[2] != b':' || time[5] != b':' {
        return None;
    }
    let (mut millis, mut end) = (0, 8);
    if time.get(8) == Some(&b'.') {
        let count = time[9..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        millis = digits(time, 9, count.min(3)).filter(|_| count > 0)?;
        (count.min(3)..3).for_each(|_| millis *= 10);
        end = 9 + count;
    }
    Some(Clock { hour, minute, second, millis, end })
}

/// Sign, hours and minutes of a zone. The schema allows hours alone.
fn offset(zone: &[u8], hours_alone: bool) -> Option<(i64, i64, i64)> {
    let (sign, rest) = match zone {
        [b'Z' | b'z'] => return Some((1, 0, 0)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let hours = digits(rest, 0, 2)?;
    let minutes = match &rest[2..] {
        [] if hours_alone => 0,
        [b':', minutes @ ..] | minutes if minutes.len() == 2 => digits(minutes, 0, 2)?,
        _ => return None,
    };
    Some((sign, hours, minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_the_engine_parses() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-02-12T00:00:00+0100", Some(1_770_850_800_000)),
            ("2026-02-12T00:00:00+01", None),
            ("2026-02-12 00:00:00Z", Some(1_770_854_400_000)),
            ("2026-02-12T23:59:60Z", None),
            ("+010000-01-01T00:00:00Z", Some(253_402_300_800_000)),
            ("10000-01-01T00:00:00Z", None),
            ("2026-02-30T00:00:00Z", Some(1_772_409_600_000)),
            ("2026-02-12T24:00:00Z", Some(1_770_940_800_000)),
            ("2026-02-12T00:00:00.123456789012z", Some(1_770_854_400_123)),
            ("2026-02-12T00:00:00+23:59", Some(1_770_768_060_000)),
            ("2026-02-12T00:00:00+24:00", None),
            ("0000-01-01T00:00:00Z", Some(-62_167_219_200_000)),
            ("0050-02-12 00:00:00Z", Some(-627_523_200_000)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2026-02-12", Some(1_770_854_400_000)),
            ("2026-02-12T00:00:00 Z", None),
            ("not a date", None),
            ("", None),
        ] {
            assert_eq!(parse(text), millis, "{text}");
        }
    }

    #[test]
    fn knows_the_schema_format() {
        for good in
            ["2026-02-12T00:00:00Z", "2026-02-12 00:00:00.5+01", "2026-02-12T23:59:60Z", "2026-02-12t00:00:00-0130"]
        {
            assert!(is_date_time(good), "{good}");
        }
        for bad in [
            "2026-02-12",
            "2026-02-12T00:00:00",
            "10000-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-02-12T24:00:00Z",
            "2026-02-12T12:59:60Z",
        ] {
            assert!(!is_date_time(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_usual_is_a_date_for_both() {
        let fields = ["0000", "2026", "9999"].map(|year| (0..=13).map(move |month| (year, month)));
        let mut usual = 0;
        for (year, month) in fields.into_iter().flatten() {
            for (day, hour, rest) in [(0, 0, "00:00Z"), (1, 23, "59:59.999Z"), (28, 24, "00:00Z"), (28, 9, "60:00Z")] {
                let text = format!("{year}-{month:02}-{day:02}T{hour:02}:{rest}");
                if is_usual(&text) {
                    usual += 1;
                    assert!(parse(&text).is_some(), "{text}");
                    assert!(is_full_date(&text.as_bytes()[..10]) && is_full_time(&text.as_bytes()[11..]), "{text}");
                }
            }
        }
        assert_eq!(usual, 3 * 12);
        for other in
            ["2026-11-29T00:00:00Z", "2026-11-22t00:00:00Z", "2026-11-22T00:00:00+", "2026-11-22T00:0\u{7ff}:00Z"]
        {
            assert!(!is_usual(other), "{other}");
        }
    }
}
