//! What is different from the last start, a sentence each.

use contract::{Availability, Device, EngineStatus, Machine, PlatformStatus};
use std::collections::BTreeMap;

/// Compares what lasts: hardware, drivers, engines, browsers. What the WebView tells comes later than a scan and is left
/// out where one side has not been told.
pub fn changes(old: &Machine, new: &Machine) -> Vec<String> {
    let mut sentences = Vec::new();
    if old.id != new.id {
        sentences.push(format!("This is another computer than last time: {} instead of {}.", new.name, old.name));
    }
    changed(&mut sentences, "The processor", &old.cpu, &new.cpu);
    changed(&mut sentences, "The operating system", &old.os, &new.os);
    if old.memory_bytes.abs_diff(new.memory_bytes) > old.memory_bytes / 50 {
        let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
        changed(&mut sentences, "The memory", &gigabytes(old.memory_bytes), &gigabytes(new.memory_bytes));
    }
    let both_told = old.webview.is_some() == new.webview.is_some();
    for platform in &new.platforms {
        if let Some(before) = old.platforms.iter().find(|before| before.platform == platform.platform) {
            platform_changes(&mut sentences, before, platform, both_told);
        }
    }
    engine_changes(&mut sentences, &old.engines, &new.engines);
    let versions = |machine: &Machine| -> BTreeMap<String, Option<String>> {
        machine.browsers.iter().map(|browser| (browser.name.clone(), browser.version.clone())).collect()
    };
    version_changes(&mut sentences, &versions(old), &versions(new));
    sentences
}

fn changed(sentences: &mut Vec<String>, what: &str, old: &str, new: &str) {
    if old != new {
        sentences.push(format!("{what} is now {new}; it was {old}."));
    }
}

fn platform_changes(sentences: &mut Vec<String>, old: &PlatformStatus, new: &PlatformStatus, webview_told: bool) {
    let name = new.platform.label();
    let of_webview = |device: &&Device| webview_told || !device.id.0.starts_with("webview:");
    let depends_on_webview = |status: &PlatformStatus| {
        status.platform == contract::Platform::WebNn
            || status.devices.iter().any(|device| device.id.0.starts_with("webview:"))
    };
    if webview_told || !(depends_on_webview(old) || depends_on_webview(new)) {
        match (&old.availability, &new.availability) {
            (Availability::Missing { .. }, Availability::Ready) => sentences.push(format!("{name} is ready now.")),
            (Availability::Ready, Availability::Missing { reason, .. }) => {
                sentences.push(format!("{name} is no longer ready: {reason}."));
            }
            (Availability::Ready, Availability::Ready)
            | (Availability::Missing { .. }, Availability::Missing { .. }) => {}
        }
    }
    for device in new.devices.iter().filter(of_webview) {
        match old.devices.iter().find(|before| before.is_called(&device.id)) {
            None => sentences.push(format!("{name} has a new device: {}.", device.name)),
            Some(before) if before.name != device.name => {
                changed(sentences, &format!("{name}'s device {}", device.id), &before.name, &device.name);
            }
            Some(before) => {
                if let (Some(was), Some(is)) = (&before.driver, &device.driver) {
                    changed(sentences, &format!("The driver of {}", device.name), was, is);
                }
            }
        }
    }
    for device in old.devices.iter().filter(of_webview) {
        if !new.devices.iter().any(|after| after.is_called(&device.id)) {
            sentences.push(format!("{name} has lost a device: {}.", device.name));
        }
    }
}

fn engine_changes(sentences: &mut Vec<String>, old: &[EngineStatus], new: &[EngineStatus]) {
    for engine in new {
        let before = old.iter().find(|before| before.id == engine.id);
        let was_ready = before.is_some_and(|before| before.availability.is_ready());
        match (&engine.availability, was_ready) {
            (Availability::Ready, false) => sentences.push(format!("The engine {} is ready now.", engine.name)),
            (Availability::Missing { reason, .. }, true) => {
                sentences.push(format!("The engine {} is no longer ready: {reason}.", engine.name));
            }
            (Availability::Ready, true) | (Availability::Missing { .. }, false) => {}
        }
        if let (Some(was), Some(is)) = (before.and_then(|before| before.version.as_ref()), &engine.version) {
            changed(sentences, &format!("The engine {}", engine.name), was, is);
        }
    }
    let gone =
        old.iter().filter(|before| before.availability.is_ready() && !new.iter().any(|after| after.id == before.id));
    sentences.extend(gone.map(|before| format!("The engine {} is no longer here.", before.name)));
}

fn version_changes(
    sentences: &mut Vec<String>,
    old: &BTreeMap<String, Option<String>>,
    new: &BTreeMap<String, Option<String>>,
) {
    for (name, version) in new {
        match (old.get(name), version) {
            (None, Some(version)) => sentences.push(format!("{name} {version} was installed.")),
            (None, None) => sentences.push(format!("{name} was installed.")),
            (Some(Some(was)), Some(is)) => changed(sentences, name, was, is),
            (Some(_), _) => {}
        }
    }
    sentences.extend(old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("{name} was removed.")));
}

#[cfg(test)]
mod tests {
    use super::super::platforms::tests::machine;
    use super::*;
    use contract::{Browser, WebGpuFacts, WebViewFacts};

    #[test]
    fn the_same_machine_has_no_changes() {
        assert!(changes(&machine(), &machine()).is_empty());
    }

    #[test]
    fn hardware_and_software_changes_are_sentences() {
        let (old, mut new) = (machine(), machine());
        new.memory_bytes *= 2;
        let cpu = &mut new.platforms[0];
        cpu.availability = Availability::missing("the engine crashed", "reinstall");
        new.browsers = vec![Browser { name: "Firefox".into(), version: Some("153.0".into()), path: String::new() }];
        assert_eq!(
            changes(&old, &new),
            [
                "The memory is now 32.0 GB; it was 16.0 GB.",
                "CPU is no longer ready: the engine crashed.",
                "Firefox 153.0 was installed."
            ]
        );
    }

    #[test]
    fn a_device_that_has_become_a_name_of_another_is_not_lost() {
        let (mut old, mut new) = (machine(), machine());
        let own = Device { id: "webgpu:0".into(), name: "WebGPU 0".into(), ..old.platforms[0].devices[0].clone() };
        old.platforms[0].devices.push(own);
        new.platforms[0].devices[0].aliases.push("webgpu:0".into());
        assert!(changes(&old, &new).is_empty());
        new.platforms[0].devices[0].aliases.clear();
        assert_eq!(changes(&old, &new), ["CPU has lost a device: WebGPU 0."]);
    }

    #[test]
    fn an_update_names_both_versions() {
        let (mut old, mut new) = (machine(), machine());
        let firefox = |version: &str| {
            vec![Browser { name: "Firefox".into(), version: Some(version.into()), path: String::new() }]
        };
        (old.browsers, new.browsers) = (firefox("152.0"), firefox("153.0"));
        old.engines[0].version = Some("1.30.0".into());
        new.engines[0].version = Some("1.31.1".into());
        assert_eq!(
            changes(&old, &new),
            ["The engine ONNX Runtime is now 1.31.1; it was 1.30.0.", "Firefox is now 153.0; it was 152.0."]
        );
    }

    #[test]
    fn a_window_that_has_not_told_yet_is_no_change() {
        let mut old = machine();
        let facts =
            WebViewFacts { webgpu: Some(WebGpuFacts::default()), webnn: Some(Vec::new()), ..WebViewFacts::default() };
        super::super::merge_webview(&mut old, &facts);
        assert!(changes(&old, &machine()).is_empty());
        assert!(changes(&machine(), &old).is_empty());
    }
}
