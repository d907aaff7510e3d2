//! What only the window can tell: the WebView's own WebGPU and WebNN.

use super::platforms::{add_webview_to_webgpu, tell_webnn};
use contract::{Machine, Platform, WebViewFacts};

/// Puts the WebView's answer into the inventory; a later answer replaces an earlier one.
pub fn merge_webview(machine: &mut Machine, facts: &WebViewFacts) {
    for status in &mut machine.platforms {
        match status.platform {
            Platform::WebGpu => add_webview_to_webgpu(status, facts),
            Platform::WebNn => tell_webnn(status, facts),
            Platform::Cpu
            | Platform::Cuda
            | Platform::Rocm
            | Platform::Mps
            | Platform::OpenVino
            | Platform::Qualcomm
            | Platform::Other => {}
        }
    }
    machine.webview = Some(facts.clone());
}
