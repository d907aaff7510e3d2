//! Qualcomm's HTP, the matrix processor of its chips, through QNN: a plug-in's device or a provider built in.

use super::provider::Provider;
use ort::{
    environment::Environment,
    ep::{self, ExecutionProviderDispatch},
    memory::DeviceType,
    session::builder::SessionBuilder,
};
use std::path::{Path, PathBuf};

/// The chip whose HTP the libraries for x86-64 emulate, as QNN numbers chips, and the version of its HTP: Snapdragon 8
/// Elite (SM8750). None where the HTP is one of this machine, which QNN asks itself.
pub(super) const EMULATED: Option<(u32, u32)> = if cfg!(target_arch = "x86_64") { Some((69, 79)) } else { None };

/// What a person can do where QNN is offered and nothing ran on the HTP.
pub(super) const REMEDY: &str = if EMULATED.is_some() {
    "It needs all files of the package onnxruntime-qnn where the package has them: QnnHtp beside the plug-in, and the \
     folder onnxruntime_qnn.libs, where there is one, beside the plug-in's folder. Unpack the whole package into the \
     libraries folder as onnxruntime-qnn, then press Rescan"
} else {
    "It needs a Qualcomm chip with a Hexagon NPU and its driver, which the computer's maker offers, and all files of the \
     package onnxruntime-qnn where the package has them. Install the driver, or unpack the whole package into the \
     libraries folder as onnxruntime-qnn, then press Rescan"
};

/// Adds the HTP as a device of the plug-in that `environment` has taken in.
pub(super) fn plugged_in(
    builder: SessionBuilder,
    environment: &Environment,
    plugin: &Path,
) -> Result<SessionBuilder, ort::Error> {
    let name = Provider::Qnn.name();
    let own = environment.devices().filter(|device| device.ep().is_ok_and(|ep| ep == name));
    // Where the system lists no NPU, the plug-in offers the HTP, and its emulator, under the processor.
    let device = own.min_by_key(|device| match device.hardware_device().ty() {
        DeviceType::NPU => 0,
        DeviceType::CPU => 1,
        _ => 2,
    });
    let device = device.ok_or_else(|| ort::Error::new("the plug-in finds no device that it can drive here"))?;
    Ok(builder.with_devices([device], Some(&options(plugin)))?)
}

/// The options of the plug-in that lies at a path, under the names that session options take.
fn options(plugin: &Path) -> Vec<(String, String)> {
    let mut options = vec![("backend_path", backend(plugin).display().to_string())];
    if let Some((chip, version)) = EMULATED {
        options.extend([("soc_model", chip.to_string()), ("htp_arch", version.to_string())]);
    }
    options.into_iter().map(|(key, value)| (format!("{}.{key}", Provider::Qnn.name()), value)).collect()
}

/// The same of a build that was compiled with QNN.
pub(super) fn built_in(library: &Path) -> ExecutionProviderDispatch {
    let provider = ep::QNN::default().with_backend_path(backend(library).display());
    match EMULATED {
        Some((chip, version)) => provider.with_soc_model(chip).with_htp_arch(version).build(),
        None => provider.build(),
    }
}

/// The HTP's library, which lies beside the one that calls it.
fn backend(library: &Path) -> PathBuf {
    library.with_file_name(if cfg!(windows) { "QnnHtp.dll" } else { "libQnnHtp.so" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_htp_is_the_one_beside_the_plug_in_and_an_emulated_one_is_named() {
        let options = options(Path::new("/own/onnxruntime_qnn/plugin"));
        let of = |key: &str| {
            let key = format!("QNNExecutionProvider.{key}");
            options.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
        };
        let backend = Path::new(of("backend_path").unwrap());
        assert_eq!(backend.parent(), Some(Path::new("/own/onnxruntime_qnn")));
        assert!(backend.to_string_lossy().contains("QnnHtp"));
        let emulated = cfg!(target_arch = "x86_64");
        assert_eq!((of("soc_model").is_some(), of("htp_arch").is_some()), (emulated, emulated));
    }
}
