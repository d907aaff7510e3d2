//! Moments as the person's own clock and language write them.

use jiff::Timestamp;
use js_sys::Date;
use wasm_bindgen::JsValue;

/// `21 Nov 2026`.
pub fn day(at: Timestamp) -> String {
    local(at, &[("day", "numeric"), ("month", "short"), ("year", "numeric")])
}

/// `21 Nov 2026, 14:05`.
pub fn minute(at: Timestamp) -> String {
    let parts =
        [("day", "numeric"), ("month", "short"), ("year", "numeric"), ("hour", "2-digit"), ("minute", "2-digit")];
    local(at, &parts)
}

fn local(at: Timestamp, parts: &[(&str, &str)]) -> String {
    let date = Date::new(&JsValue::from_f64(at.as_millisecond() as f64));
    let options = js_sys::Object::new();
    for (part, style) in parts {
        // Setting a field of a fresh object cannot fail.
        let _ = js_sys::Reflect::set(&options, &(*part).into(), &(*style).into());
    }
    date.to_locale_string("en-GB", &options).into()
}
