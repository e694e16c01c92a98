//! Civil time, UTC, in the proleptic Gregorian calendar of RFC 3339.

use jiff::Timestamp;

/// The last moment that is shown as a date: the year 9999, less a day for zones.
pub const UNIX_MS_MAX: i64 = 253_402_207_200_000;

/// A number of exactly `count` ASCII digits at `from`.
#[must_use]
pub fn digits(bytes: &[u8], from: usize, count: usize) -> Option<i64> {
    let digit = |value: i64, byte: &u8| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'));
    bytes.get(from..from + count)?.iter().try_fold(0, digit)
}

/// Days of a month, 1 to 12; 0 for any other number.
#[must_use]
pub const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Days from 1970-01-01 to the first of a month, of any year: the calendar of
/// ECMAScript goes on where libraries end.
#[must_use]
pub const fn days_to(year: i64, month: i64) -> i64 {
    // Years that start in March put the leap day last.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let day_of_year = (153 * month + 2) / 5;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// `2026-11-22T12:41:07.123Z`; a time beyond the calendar as its milliseconds.
#[must_use]
pub fn with_millis(unix_ms: i64) -> String {
    shown(unix_ms, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// `2026-11-22 12:41:07 UTC`, for people.
#[must_use]
pub fn to_the_second(unix_ms: i64) -> String {
    shown(unix_ms, "%Y-%m-%d %H:%M:%S UTC")
}

/// `2026-11-22 12:41:07.123 UTC`, for people.
#[must_use]
pub fn to_the_millisecond(unix_ms: i64) -> String {
    shown(unix_ms, "%Y-%m-%d %H:%M:%S.%3f UTC")
}

fn shown(unix_ms: i64, format: &str) -> String {
    match Timestamp::from_millisecond(unix_ms) {
        Ok(at) => at.strftime(format).to_string(),
        Err(_) => format!("{unix_ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_up_to_its_last_moment() {
        assert_eq!(with_millis(UNIX_MS_MAX), "9999-12-30T22:00:00.000Z");
        assert!(Timestamp::from_millisecond(UNIX_MS_MAX + 1).is_err());
        assert_eq!(with_millis(UNIX_MS_MAX + 1), format!("{} ms", UNIX_MS_MAX + 1));
    }

    #[test]
    fn counts_days_as_the_library_does_where_it_does() {
        for year in -9_998..=9_998 {
            for month in 1..=12 {
                let first = jiff::civil::Date::new(year, month, 1).unwrap();
                let (year, month) = (i64::from(year), i64::from(month));
                assert_eq!(days_in(year, month), i64::from(first.days_in_month()), "{first}");
                let epoch = jiff::civil::Date::new(1970, 1, 1).unwrap();
                assert_eq!(days_to(year, month), i64::from((first - epoch).get_days()), "{first}");
            }
        }
    }
}
