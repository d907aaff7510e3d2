//! Moments as the person's own clock and language write them.

use jiff::{Timestamp, civil, tz::Offset};
use js_sys::Date;
use wasm_bindgen::JsValue;

const DAY: [(&str, &str); 3] = [("day", "numeric"), ("month", "short"), ("year", "numeric")];

/// `21 Nov 2026`.
pub fn day(at: Timestamp) -> String {
    local(at, &DAY)
}

/// `21 Nov 2026, 14:05`.
pub fn minute(at: Timestamp) -> String {
    local(at, &[&DAY[..], &[("hour", "2-digit"), ("minute", "2-digit")]].concat())
}

/// Of what names a point of a watched series: a minute in UTC (`2026-11-21 13:05`), or a day, which is one everywhere.
pub fn of_point(at: &str) -> String {
    let utc = |at: civil::DateTime| Offset::UTC.to_timestamp(at).ok();
    if let Some(at) = civil::DateTime::strptime("%Y-%m-%d %H:%M", at).ok().and_then(utc) {
        return minute(at);
    }
    match civil::Date::strptime("%Y-%m-%d", at).ok().and_then(|day| utc(day.at(0, 0, 0, 0))) {
        Some(at) => local(at, &[&DAY[..], &[("timeZone", "UTC")]].concat()),
        None => at.to_owned(),
    }
}

/// For the axis of a chart.
pub fn wall_clock(at: Timestamp) -> civil::DateTime {
    let minutes_behind_utc = date(at).get_timezone_offset();
    Offset::from_seconds(-60 * minutes_behind_utc as i32).unwrap_or(Offset::UTC).to_datetime(at)
}

fn local(at: Timestamp, parts: &[(&str, &str)]) -> String {
    let options = js_sys::Object::new();
    for (part, style) in parts {
        // Setting a field of a fresh object cannot fail.
        let _ = js_sys::Reflect::set(&options, &(*part).into(), &(*style).into());
    }
    date(at).to_locale_string("en-GB", &options).into()
}

fn date(at: Timestamp) -> Date {
    Date::new(&JsValue::from_f64(at.as_millisecond() as f64))
}
