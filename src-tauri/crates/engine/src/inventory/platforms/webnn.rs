//! WebNN: what `navigator.ml` of the WebView says. Only the window can ask it.

use contract::{Availability, Device, DeviceKind, Fact, Platform, PlatformStatus, WebViewFacts};

pub fn status() -> PlatformStatus {
    let availability = Availability::missing(
        "the window has not told yet: WebNN lives in the WebView, and only the window can ask it",
        "Open Assay's window; it asks when it starts",
    );
    PlatformStatus { platform: Platform::WebNn, availability, devices: Vec::new(), facts: Vec::new() }
}

/// Puts the WebView's answer in place of what was known.
pub fn tell(status: &mut PlatformStatus, facts: &WebViewFacts) {
    status.facts = vec![
        Fact::new("WebView", &facts.user_agent),
        Fact::new("Cross-origin isolated", if facts.cross_origin_isolated { "yes" } else { "no" }),
    ];
    status.devices.clear();
    match &facts.webnn {
        Some(operators) => {
            status.availability = Availability::Ready;
            status.devices.push(Device {
                id: "webview:webnn".into(),
                aliases: Vec::new(),
                platform: Platform::WebNn,
                name: "WebNN in this window's WebView".to_owned(),
                kind: DeviceKind::Cpu,
                memory_bytes: None,
                driver: None,
                facts: operators.clone(),
                features: Vec::new(),
            });
        }
        None => {
            let why = facts.webnn_missing.as_deref().unwrap_or("navigator.ml is undefined");
            status.availability = Availability::missing(
                format!("the WebView of this window has no WebNN: {why}"),
                if cfg!(windows) {
                    "Update Microsoft Edge WebView2: its newer versions offer WebNN"
                } else {
                    "The system's WebView must bring WebNN; Chrome and Edge are the browsers that work on it"
                },
            );
        }
    }
}
