//! Qualcomm's QNN for ONNX Runtime: a plug-in without a runtime of its own, which the plain build takes in.

use super::Libraries;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

pub(super) const RUNTIME: &str = "onnxruntime";

pub(super) const FILE: &str =
    if cfg!(windows) { "onnxruntime_providers_qnn.dll" } else { "libonnxruntime_providers_qnn.so" };

/// Where the wheels of the package have it. The one for Windows on x86-64 holds two; the other is for emulated programs.
const INSIDE: [&str; 3] = ["", "onnxruntime_qnn", "onnxruntime_qnn/libs/amd64"];

/// The plug-in in a folder that the package was unpacked into, or in one that holds its libraries alone.
pub(super) fn plugin_in(folder: &Path) -> Option<PathBuf> {
    INSIDE.iter().map(|inside| folder.join(inside).join(FILE)).find(|file| file.is_file())
}

/// Whether the file of a build is the plug-in and no runtime.
pub(crate) fn is_plugin(library: &Path) -> bool {
    library.file_name().is_some_and(|name| name == FILE)
}

/// The plain ONNX Runtime for a plug-in: the one that lies beside its build, else the one of the usual folders.
pub(crate) fn runtime_for(plugin: &Path) -> Option<PathBuf> {
    let beside = folder_of(plugin).map(|folder| Libraries { folders: vec![folder], own: None });
    beside.and_then(|libraries| plain(&libraries)).or_else(|| plain(&Libraries::find(&[])))
}

fn plain(libraries: &Libraries) -> Option<PathBuf> {
    libraries.builds(RUNTIME).into_iter().find(|build| build.engine.0 == RUNTIME).map(|build| build.library)
}

/// The folder that holds the build which the plug-in is part of.
fn folder_of(plugin: &Path) -> Option<PathBuf> {
    let is_build = |name: &OsStr| name.to_string_lossy().starts_with("onnxruntime-");
    let build = plugin.ancestors().skip(1).find(|folder| folder.file_name().is_some_and(is_build))?;
    build.parent().map(Path::to_owned)
}

/// The version of the package that a plug-in came in, where all of it was unpacked and the file still is the package's: a
/// wheel lists its files with their lengths in `<name>-<version>.dist-info/RECORD`, as PyPA's specifications say.
pub(crate) fn package_version(plugin: &Path) -> Option<String> {
    let length = fs::metadata(plugin).ok()?.len().to_string();
    // As deep as it lies in any of the packages.
    plugin.ancestors().skip(1).take(4).find_map(|folder| {
        let file = plugin.strip_prefix(folder).ok()?.to_string_lossy().replace('\\', "/");
        let is_it = |line: &str| {
            let mut parts = line.split(',');
            parts.next() == Some(file.as_str()) && parts.next_back() == Some(length.as_str())
        };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).find_map(|name| {
            let version = name.strip_prefix("onnxruntime_qnn-")?.strip_suffix(".dist-info")?;
            let record = fs::read_to_string(folder.join(&name).join("RECORD")).ok()?;
            record.lines().any(is_it).then(|| version.to_owned())
        })
    })
}

/// How a person gets the plug-in: which file of the package for this system, and what goes where.
///
/// ONNX Runtime 1.30 took in version 2.7.0, whose package asks for `onnxruntime>=1.24.2`.
pub(crate) fn remedy() -> &'static str {
    static REMEDY: LazyLock<String> = LazyLock::new(|| {
        let Some(wheel) = wheel() else {
            return "Qualcomm offers QNN for Linux and Windows on x86-64 and ARM alone; run Assay there".to_owned();
        };
        let file = if cfg!(all(windows, target_arch = "x86_64")) {
            format!("onnxruntime_qnn/libs/amd64/{FILE}")
        } else {
            format!("onnxruntime_qnn/{FILE}")
        };
        format!(
            "Fetch a file that ends in {wheel} from https://pypi.org/project/onnxruntime-qnn/2.7.0/#files (whichever \
             Python it is for) and unpack all of it, as a ZIP archive, into the libraries folder as onnxruntime-qnn, so \
             that onnxruntime-qnn/{file} is there. The plain ONNX Runtime stays where it is. Then press Rescan"
        )
    });
    &REMEDY
}

/// How the name of the package's file for this system ends.
fn wheel() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("manylinux_2_35_x86_64.whl"),
        ("linux", "aarch64") => Some("manylinux_2_34_aarch64.whl"),
        ("windows", "x86_64") => Some("win_amd64.whl"),
        ("windows", "aarch64") => Some("win_arm64.whl"),
        _ => None,
    }
}
