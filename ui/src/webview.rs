//! What this WebView itself can do: WebGPU, WebNN and the precision of its clock. Asked once per start.

use crate::{bridge, js::message, state::App};
use contract::{Fact, ReportWebView, WebGpuFacts, WebViewFacts};
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Tells the shell once per start; the inventory then lists this WebView as a place to run.
pub async fn report(app: App) {
    let facts = facts().await;
    if let Err(failure) = bridge::ask(ReportWebView { facts }).await {
        app.tell_failure(&failure);
    }
}

/// Asks `navigator.gpu` and `navigator.ml`; what is missing is told in a sentence.
async fn facts() -> WebViewFacts {
    let global: JsValue = js_sys::global().into();
    let navigator = get(&global, "navigator");
    let mut facts = WebViewFacts {
        user_agent: text(&navigator, "userAgent"),
        cross_origin_isolated: get(&global, "crossOriginIsolated").as_bool().unwrap_or(false),
        ..WebViewFacts::default()
    };
    match webgpu(&navigator).await {
        Ok(gpu) => facts.webgpu = Some(gpu),
        Err(reason) => facts.webgpu_missing = Some(reason),
    }
    match webnn(&navigator).await {
        Ok(operators) => facts.webnn = Some(operators),
        Err(reason) => facts.webnn_missing = Some(reason),
    }
    facts
}

async fn webgpu(navigator: &JsValue) -> Result<WebGpuFacts, String> {
    let gpu = get(navigator, "gpu");
    if gpu.is_undefined() || gpu.is_null() {
        return Err("this WebView has no WebGPU (navigator.gpu is undefined)".into());
    }
    let adapter = call(&gpu, "requestAdapter", &[]).await?;
    if adapter.is_null() || adapter.is_undefined() {
        return Err("this WebView has WebGPU but found no adapter for it".into());
    }
    let info = get(&adapter, "info");
    Ok(WebGpuFacts {
        vendor: text(&info, "vendor"),
        architecture: text(&info, "architecture"),
        description: text(&info, "description"),
        is_fallback: get(&info, "isFallbackAdapter").as_bool().unwrap_or(false),
        features: iterate(&get(&adapter, "features")),
        limits: numbers(&get(&adapter, "limits")),
    })
}

async fn webnn(navigator: &JsValue) -> Result<Vec<Fact>, String> {
    let ml = get(navigator, "ml");
    if ml.is_undefined() || ml.is_null() {
        return Err("this WebView has no WebNN (navigator.ml is undefined)".into());
    }
    let context = call(&ml, "createContext", &[]).await?;
    let limits = get(&context, "opSupportLimits");
    let limits = match limits.dyn_ref::<Function>() {
        Some(function) => function.call0(&context).map_err(|error| describe(&error))?,
        None => limits,
    };
    let Some(limits) = limits.dyn_ref::<Object>() else {
        return Err("this WebView's WebNN does not tell which operators it has".into());
    };
    Ok(Object::keys(limits)
        .iter()
        .filter_map(|key| key.as_string())
        .map(|operator| {
            let types = data_types(&get(limits, &operator));
            Fact::new(operator, types)
        })
        .collect())
}

/// The data types of an operator's first operand, as the limits list them.
fn data_types(limit: &JsValue) -> String {
    let own = get(limit, "dataTypes");
    let types = if Array::is_array(&own) { own } else { get(&get(limit, "input"), "dataTypes") };
    iterate(&types).join(", ")
}

async fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, String> {
    let function: Function =
        get(object, method).dyn_into().map_err(|_| format!("this WebView's {method} is not a function"))?;
    let arguments = Array::from_iter(arguments);
    let promise = Reflect::apply(&function, object, &arguments).map_err(|error| describe(&error))?;
    JsFuture::from(Promise::resolve(&promise)).await.map_err(|error| describe(&error))
}

fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap_or(JsValue::UNDEFINED)
}

fn text(object: &JsValue, key: &str) -> String {
    get(object, key).as_string().unwrap_or_default()
}

/// The strings of an array or a set-like object.
fn iterate(object: &JsValue) -> Vec<String> {
    js_sys::try_iter(object)
        .ok()
        .flatten()
        .map(|values| values.filter_map(Result::ok).filter_map(|value| value.as_string()).collect())
        .unwrap_or_default()
}

/// The numeric properties of an object, inherited getters included.
fn numbers(object: &JsValue) -> Vec<Fact> {
    let Ok(prototype) = Reflect::get_prototype_of(object) else { return Vec::new() };
    Object::get_own_property_names(prototype.unchecked_ref::<Object>())
        .iter()
        .filter_map(|key| key.as_string())
        .filter_map(|key| get(object, &key).as_f64().map(|number| Fact::new(key, number)))
        .collect()
}

fn describe(error: &JsValue) -> String {
    message(error).unwrap_or_else(|| "the WebView gave no reason".into())
}
