//! The only file that knows Tauri: typed requests out, events in.

use crate::js::{described, to_js};
use contract::{Event, Failure, Request};
use leptos::prelude::{Owner, on_cleanup};
use serde::de::DeserializeOwned;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["window", "__TAURI_INTERNALS__"], catch)]
    async fn invoke(command: &str, payload: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = ["window", "__TAURI_INTERNALS__"], js_name = transformCallback, catch)]
    fn transform_callback(callback: &js_sys::Function, once: bool) -> Result<f64, JsValue>;
}

/// Asks the shell and waits for its answer.
pub async fn ask<R: Request>(request: R) -> Result<R::Answer, Failure> {
    let payload = serde_json::json!({ "ask": request.into_ask() });
    match invoke("ask", to_js(&payload)).await {
        Ok(answer) => {
            from_js(&answer).map_err(|reason| Failure::broken(format!("reading the answer to {}", R::NAME), reason))
        }
        Err(failure) => Err(from_js(&failure).unwrap_or_else(|_| Failure::broken(R::NAME, described(&failure)))),
    }
}

type Listener = Rc<dyn Fn(&Event)>;

thread_local! {
    static LISTENING: Cell<bool> = const { Cell::new(false) };
    static LISTENERS: RefCell<BTreeMap<u64, Listener>> = const { RefCell::new(BTreeMap::new()) };
}

/// Hears every event for as long as the component that calls this lives.
pub fn on_event(listener: impl Fn(&Event) + 'static) {
    let id = LISTENERS.with_borrow_mut(|listeners| {
        let id = listeners.last_key_value().map_or(0, |(last, _)| last + 1);
        listeners.insert(id, Rc::new(listener));
        id
    });
    if Owner::current().is_some() {
        on_cleanup(move || LISTENERS.with_borrow_mut(|listeners| drop(listeners.remove(&id))));
    }
}

/// Opens the channel on which the shell tells what happens. A second call, after a failed start, finds it open.
pub async fn listen() -> Result<(), Failure> {
    if LISTENING.get() {
        return Ok(());
    }
    let mut order = Order::default();
    let callback = Closure::<dyn FnMut(JsValue)>::new(move |envelope: JsValue| {
        for message in order.in_turn(&envelope) {
            match from_js::<Event>(&message) {
                Ok(event) => announce(&event),
                Err(reason) => web_sys::console::error_1(&format!("an event could not be read: {reason}").into()),
            }
        }
    });
    let callback = callback.into_js_value();
    let id = transform_callback(callback.unchecked_ref(), false)
        .map_err(|_| Failure::broken("starting the window", "this page was opened outside Assay"))?;
    let payload = serde_json::json!({ "channel": format!("__CHANNEL__:{id}") });
    match invoke("listen", to_js(&payload)).await {
        Ok(_) => {
            LISTENING.set(true);
            Ok(())
        }
        Err(failure) => Err(Failure::broken("listening to the shell", described(&failure))),
    }
}

fn announce(event: &Event) {
    // A listener may add or remove listeners, so none is called while the list is borrowed.
    let listeners: Vec<Listener> = LISTENERS.with_borrow(|listeners| listeners.values().cloned().collect());
    for listener in listeners {
        listener(event);
    }
}

/// Large messages take a slower way and can arrive late: each carries its index, and none is passed on before its turn.
#[derive(Default)]
struct Order {
    next: u64,
    early: BTreeMap<u64, JsValue>,
}

impl Order {
    fn in_turn(&mut self, envelope: &JsValue) -> Vec<JsValue> {
        let field =
            |name: &str| js_sys::Reflect::get(envelope, &name.into()).ok().filter(|value| !value.is_undefined());
        if let (Some(index), Some(message)) = (field("index").and_then(|index| index.as_f64()), field("message")) {
            self.early.insert(index as u64, message);
        }
        let mut ready = Vec::new();
        while let Some(message) = self.early.remove(&self.next) {
            ready.push(message);
            self.next += 1;
        }
        ready
    }
}

fn from_js<T: DeserializeOwned>(value: &JsValue) -> Result<T, String> {
    let text = js_sys::JSON::stringify(value).map_err(|_| "the value is not JSON".to_owned())?;
    // JSON.stringify gives undefined for undefined, which is how an empty answer arrives.
    let text = text.as_string().unwrap_or_else(|| "null".into());
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
