//! What comes from the operating system: the WebView's headers, and for the tests a display and a driver.

use std::{path::Path, process::Command};

use super::{doing, done};
use crate::{
    error::{Step, StepError},
    process::{output, succeeds},
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Build,
    Test,
}

/// Debian and Ubuntu: needed to compile and link the app.
const TO_BUILD: &[&str] = &[
    "build-essential",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
    "librsvg2-dev",
    "libxdo-dev",
    "libssl-dev",
    "libdbus-1-dev",
];

/// Debian and Ubuntu: needed to drive the window without a screen, and to have a GPU adapter without a GPU.
const TO_TEST: &[&str] =
    &["webkit2gtk-driver", "xvfb", "dbus-x11", "gnome-keyring", "mesa-vulkan-drivers", "fonts-dejavu-core"];

const LINUX_ELSEWHERE: &str = "\
Install these with the package manager of this system, and run this again.
  Fedora:  webkit2gtk4.1-devel librsvg2-devel libxdo-devel openssl-devel dbus-devel pkgconf-pkg-config gcc gcc-c++
           for the tests: webkit2gtk-driver xorg-x11-server-Xvfb dbus-x11 gnome-keyring mesa-vulkan-drivers
  Arch:    webkit2gtk-4.1 librsvg xdotool openssl dbus pkgconf base-devel
           for the tests: xorg-server-xvfb gnome-keyring vulkan-swrast (WebKitWebDriver comes with webkit2gtk-4.1)
  openSUSE: webkit2gtk3-devel librsvg-devel xdotool-devel libopenssl-devel dbus-1-devel pkgconf gcc gcc-c++";

pub fn install(purpose: Purpose) -> Step {
    if cfg!(target_os = "macos") {
        return require(
            Command::new("xcode-select").arg("-p"),
            "Apple's command line tools are not installed",
            "Run `xcode-select --install`, and run this again.",
        );
    }
    if cfg!(windows) {
        // rustc itself finds the Microsoft linker, and the WebView is part of Windows 11.
        return require(
            Command::new("rustc").arg("--version"),
            "rustc is not on the PATH",
            "Install Rust from rustup.rs with the Visual Studio C++ build tools (and on Windows 10 the WebView2 runtime).",
        );
    }
    if Path::new("/usr/bin/dpkg-query").exists() && Path::new("/usr/bin/apt-get").exists() {
        return install_by_apt(purpose);
    }
    require(
        Command::new("pkg-config").args(["--exists", "webkit2gtk-4.1", "librsvg-2.0", "dbus-1", "openssl"]),
        "libraries that the window needs are not installed (webkit2gtk-4.1, librsvg-2.0, dbus-1, openssl)",
        LINUX_ELSEWHERE,
    )
}

fn require(probe: &mut Command, what: &str, remedy: &str) -> Step {
    if succeeds(probe) {
        done("system packages");
        Ok(())
    } else {
        Err(StepError::missing(what, remedy))
    }
}

fn install_by_apt(purpose: Purpose) -> Step {
    let mut missing = absent(TO_BUILD)?;
    if purpose == Purpose::Test {
        missing.extend(absent(TO_TEST)?);
    }
    if missing.is_empty() {
        done("system packages");
        return Ok(());
    }
    doing(&format!("install {}", missing.join(" ")), "the window and its tests are built on them");
    apt_install(&missing)
}

/// Installs Debian packages, as root or through sudo. What they say while they are unpacked is not shown; errors are.
pub fn apt_install(packages: &[&str]) -> Step {
    let is_root = output(Command::new("id").arg("-u"))?.trim() == "0";
    if !is_root && !succeeds(Command::new("sudo").arg("--version")) {
        return Err(StepError::missing(
            "installing system packages needs the administrator",
            format!(
                "Run `apt-get install --no-install-recommends {}` as root, and run this again.",
                packages.join(" ")
            ),
        ));
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
        if !is_root {
            command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    output(&mut apt(&["update", "-qq"]))?;
    output(apt(&["install", "-y", "-qq", "--no-install-recommends"]).args(packages)).map(drop)
}

/// Those of the packages that dpkg does not have.
pub fn absent<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>, StepError> {
    // dpkg-query fails when any of them is unknown, and still lists the others.
    let listed = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${db:Status-Abbrev} ${Package}\n"])
        .args(packages)
        .output()
        .map_err(|source| StepError::NotInstalled {
            program: "dpkg-query".to_owned(),
            remedy: "It is part of every Debian system.".to_owned(),
            source,
        })?;
    Ok(not_installed(&String::from_utf8_lossy(&listed.stdout), packages))
}

fn not_installed<'a>(listed: &str, packages: &[&'a str]) -> Vec<&'a str> {
    let installed: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("ii ")).map(str::trim).collect();
    packages.iter().copied().filter(|package| !installed.contains(package)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_package_counts_as_absent() {
        let listed = "ii  xvfb\nrc  dbus-x11\n";
        assert_eq!(not_installed(listed, &["xvfb", "dbus-x11", "unknown"]), ["dbus-x11", "unknown"]);
    }
}
