//! Moments as tables write them.

use jiff::{Timestamp, civil, tz::TimeZone};

/// Seconds since 1970 of a time with or without an offset, or of a date; without an offset it is taken as UTC.
pub fn seconds(text: &str) -> Option<f64> {
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
        let naive: civil::DateTime = text.parse().ok()?;
        Some(naive.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(timestamp.as_nanosecond() as f64 / 1e9)
}
