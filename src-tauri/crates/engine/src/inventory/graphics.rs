//! Apple's GPUs, as `system_profiler` lists them.

#[cfg(target_os = "macos")]
use super::command;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppleGpu {
    pub name: String,
    pub cores: Option<u32>,
    /// `Metal 3`
    pub metal: Option<String>,
}

#[cfg(target_os = "macos")]
pub fn apple_gpus() -> Vec<AppleGpu> {
    let listing = command::output("/usr/sbin/system_profiler", &["-json", "SPDisplaysDataType"], command::QUICK);
    read(&listing.unwrap_or_default())
}

/// Metal exists on Apple's computers only.
#[cfg(not(target_os = "macos"))]
pub fn apple_gpus() -> Vec<AppleGpu> {
    Vec::new()
}

#[cfg(any(test, target_os = "macos"))]
fn read(listing: &str) -> Vec<AppleGpu> {
    let json: serde_json::Value = serde_json::from_str(listing).unwrap_or_default();
    let entries = json["SPDisplaysDataType"].as_array().cloned().unwrap_or_default();
    let gpu = |entry: serde_json::Value| {
        let text = |key: &str| entry[key].as_str().map(str::to_owned);
        let metal = text("spdisplays_mtlgpufamilysupport").or_else(|| text("spdisplays_metal"));
        Some(AppleGpu {
            name: text("sppci_model")?,
            cores: text("sppci_cores").and_then(|cores| cores.parse().ok()),
            metal: metal.map(|key| key.replace("spdisplays_", "").replace("metal", "Metal ")),
        })
    };
    entries.into_iter().filter_map(gpu).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_and_metal_version_are_read() {
        let listing = r#"{"SPDisplaysDataType":[{"_name":"Apple M2 Pro","spdisplays_mtlgpufamilysupport":"spdisplays_metal3",
            "sppci_cores":"19","sppci_model":"Apple M2 Pro"},{"_name":"a display"}]}"#;
        let gpu = AppleGpu { name: "Apple M2 Pro".into(), cores: Some(19), metal: Some("Metal 3".into()) };
        assert_eq!(read(listing), [gpu]);
    }

    #[test]
    fn a_listing_that_is_no_json_lists_nothing() {
        assert!(read("system_profiler: command not found").is_empty());
    }
}
