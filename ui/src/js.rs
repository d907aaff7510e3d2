//! Values on their way to and from JavaScript.

use wasm_bindgen::JsValue;

pub fn to_js(value: &serde_json::Value) -> JsValue {
    js_sys::JSON::parse(&value.to_string()).expect("serde_json writes JSON that JavaScript reads")
}

/// A field of an object; none where it is undefined or null.
pub fn field(object: &JsValue, name: &str) -> Option<JsValue> {
    js_sys::Reflect::get(object, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// What was thrown, in its own words where it has any.
pub fn message(thrown: &JsValue) -> Option<String> {
    field(thrown, "message").and_then(|message| message.as_string()).or_else(|| thrown.as_string())
}

/// What was thrown, in whatever words there are.
pub fn described(thrown: &JsValue) -> String {
    message(thrown).unwrap_or_else(|| format!("{thrown:?}"))
}
