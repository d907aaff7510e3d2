//! Browsers installed at their usual places, with their versions.

#[cfg(any(test, target_os = "linux"))]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(any(test, windows))]
mod windows;

use contract::Browser;

/// Chrome, Chromium, Edge, Firefox and Safari as far as they are here; each once.
pub fn installed() -> Vec<Browser> {
    #[cfg(target_os = "linux")]
    return linux::installed(&linux::places());
    #[cfg(target_os = "macos")]
    return macos::installed();
    #[cfg(windows)]
    return windows::installed(&windows::places());
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    return Vec::new();
}
