//! The only file that knows plotly.

use crate::{
    js::{described, field, to_js},
    script::{self, Script},
};
use chart::Figure;
use contract::Failure;
use serde_json::json;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Plotly, catch)]
    fn react(element: &HtmlElement, data: JsValue, layout: JsValue, config: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Plotly, js_name = purge, catch)]
    fn purge_js(element: &HtmlElement) -> Result<(), JsValue>;

    #[wasm_bindgen(js_namespace = Plotly, js_name = toImage, catch)]
    async fn to_image(element: &HtmlElement, options: JsValue) -> Result<JsValue, JsValue>;

    /// A drawn element listens to plotly's own events through `on`.
    type Drawn;
    #[wasm_bindgen(method, catch)]
    fn on(this: &Drawn, event: &str, callback: &js_sys::Function) -> Result<JsValue, JsValue>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    Png,
    Svg,
}

/// Draws the figure into the element, in place of what was there.
pub async fn draw(element: &HtmlElement, figure: &Figure) -> Result<(), Failure> {
    script::ready(Script::Charts).await?;
    let config = json!({
        "displaylogo": false,
        "responsive": true,
        "modeBarButtonsToRemove": ["toImage", "select2d", "lasso2d", "autoScale2d"],
    });
    let data = to_js(&serde_json::Value::Array(figure.data.clone()));
    react(element, data, to_js(&figure.layout), to_js(&config)).map(drop).map_err(|error| broken("drawing", &error))
}

/// Calls back with the id of the result whose mark is pressed.
pub fn on_press(element: &HtmlElement, pressed: impl Fn(String) + 'static) {
    let callback = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
        let first = field(&event, "points").and_then(|points| field(&points, "0"));
        if let Some(id) = first.and_then(|point| field(&point, "customdata")).and_then(|id| id.as_string()) {
            pressed(id);
        }
    });
    let drawn: &Drawn = element.unchecked_ref();
    // Without plotly there is nothing to press, and `draw` has said so.
    let _ = drawn.on("plotly_click", callback.into_js_value().unchecked_ref());
}

/// Frees what plotly keeps for the element.
pub fn purge(element: &HtmlElement) {
    // Throws only when plotly never came, and then there is nothing to free.
    let _ = purge_js(element);
}

/// The drawn chart as the bytes of a file.
pub async fn picture(element: &HtmlElement, format: Picture) -> Result<Vec<u8>, Failure> {
    let word = match format {
        Picture::Png => "png",
        Picture::Svg => "svg",
    };
    let options = json!({ "format": word, "width": element.client_width().max(640), "height": element.client_height().max(320), "scale": 2 });
    let url = to_image(element, to_js(&options)).await.map_err(|error| broken("drawing the picture", &error))?;
    let url = url.as_string().unwrap_or_default();
    let bytes = match (format, url.split_once(',')) {
        (Picture::Png, Some((_, base64))) => latin1(&leptos::prelude::window().atob(base64).unwrap_or_default()),
        (Picture::Svg, Some((_, escaped))) => {
            js_sys::decode_uri_component(escaped).map(String::from).unwrap_or_default().into_bytes()
        }
        (_, None) => Vec::new(),
    };
    if bytes.is_empty() { Err(Failure::broken("drawing the picture", "the chart gave no picture")) } else { Ok(bytes) }
}

/// Bytes as the base64 that travels to the shell.
pub fn base64(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    leptos::prelude::window().btoa(&text).expect("every character is a byte")
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| letter as u8).collect()
}

fn broken(doing: &str, error: &JsValue) -> Failure {
    Failure::broken(doing, described(error))
}
