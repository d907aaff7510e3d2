//! The ONNX Runtime library of this worker, with its plug-in where it has one: loaded once, never changed for another.

use super::{provider::Provider, reason};
use crate::{backend::BackendError, libraries::plugin};
use ort::environment::Environment;
use std::{
    ffi::CStr,
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

/// The interface Assay is written against; an older library lacks functions that it calls.
const OLDEST_MINOR: u32 = ort::MINOR_VERSION;

pub(super) struct Runtime {
    pub environment: Environment,
    /// The file that makes the build: the runtime itself, or the plug-in.
    pub library: PathBuf,
    /// Where the plug-in lies that was taken in, as an absolute path.
    pub plugin: Option<PathBuf>,
    /// `1.30.0`, and of the plug-in where there is one: `1.30.0 with QNN 2.7.0`.
    pub version: String,
}

impl Runtime {
    /// The library of this process, loaded on the first call. A second library in the same process is refused: its
    /// functions would be mixed with those of the first.
    pub fn open(library: Option<&Path>) -> Result<&'static Self, BackendError> {
        static RUNTIME: OnceLock<Runtime> = OnceLock::new();
        static OPENING: Mutex<()> = Mutex::new(());

        let library = library.ok_or_else(not_installed)?;
        let _alone = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = match RUNTIME.get() {
            Some(runtime) => runtime,
            None => {
                let opened = load(library)?;
                RUNTIME.get_or_init(|| opened)
            }
        };
        if runtime.library == library {
            Ok(runtime)
        } else {
            Err(missing(
                format!("this process already uses {}", runtime.library.display()),
                "Each build is loaded by a worker of its own.",
            ))
        }
    }

    /// The execution providers this build was compiled with, in its own order of preference; that of the plug-in alone
    /// where it is there for one, as the plain build lists the others.
    pub fn providers(&self) -> Result<Vec<String>, ort::Error> {
        if self.plugin.is_some() {
            return Ok(vec![Provider::Qnn.name().to_owned()]);
        }
        let api = ort::api();
        let (mut names, mut count) = (std::ptr::null_mut(), 0);
        // SAFETY: both out-pointers are valid; the list is read before it is released and nothing keeps a reference.
        unsafe {
            ort::Error::result_from_status((api.GetAvailableProviders)(&mut names, &mut count))?;
            let listed = (0..count as usize).map(|i| CStr::from_ptr(*names.add(i)).to_string_lossy().into_owned());
            let listed = listed.collect();
            ort::Error::result_from_status((api.ReleaseAvailableProviders)(names, count))?;
            Ok(listed)
        }
    }
}

fn load(library: &Path) -> Result<Runtime, BackendError> {
    let plugin = plugin::is_plugin(library).then(|| absolute(library)).transpose()?;
    let runtime = match &plugin {
        Some(plugin) => plugin::runtime_for(plugin).ok_or_else(without_runtime)?,
        None => library.to_owned(),
    };
    let version = version(&runtime)?;
    // The bindings assert where the library breaks its own interface; a broken library must stay an answer.
    let environment = catch_unwind(|| {
        let builder = ort::init_from(&runtime).map_err(|error| error.to_string())?;
        builder.with_name("assay").with_telemetry(false).build().map_err(|error| error.to_string())
    })
    .unwrap_or_else(|_| Err("the library broke off while it was set up".to_owned()))
    .map_err(|reason| missing(reason, "Put another build of ONNX Runtime in its place."))?;
    let version = match &plugin {
        None => version,
        Some(plugin) => {
            let taken_in = environment.register_ep_library(Provider::Qnn.name(), plugin);
            taken_in.map_err(|error| missing(reason(&error), plugin::remedy()))?;
            let own = plugin::package_version(plugin).unwrap_or_else(|| unpackaged(plugin));
            format!("{version} with {} {own}", Provider::Qnn.label())
        }
    };
    Ok(Runtime { environment, library: library.to_owned(), plugin, version })
}

/// A plug-in whose package is not known. What it says of itself is 0.1.0 whatever its release, by Qualcomm's sources, so the
/// file is told: name and length tell one build from most others.
fn unpackaged(plugin: &Path) -> String {
    let name = plugin.file_name().unwrap_or_default().to_string_lossy();
    let length = fs::metadata(plugin).map_or(0, |facts| facts.len());
    format!("of unknown version ({name}, {length} bytes)")
}

/// The library takes a relative path as one from its own folder.
fn absolute(plugin: &Path) -> Result<PathBuf, BackendError> {
    let place = std::path::absolute(plugin);
    place.map_err(|error| missing(format!("{} cannot be found: {error}", plugin.display()), plugin::remedy()))
}

/// Asks the library for its version before anything else of it is used.
fn version(library: &Path) -> Result<String, BackendError> {
    let unloadable = |reason: String| missing(reason, "Put a build of ONNX Runtime for this system in its place.");
    // SAFETY: loading runs the library's initialisers, which is what a worker process is for; the entry point has the
    // type that ONNX Runtime documents, and the library is never unloaded afterwards.
    unsafe {
        let loaded = libloading::Library::new(library).map_err(|error| unloadable(error.to_string()))?;
        let entry = loaded
            .get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase\0")
            .map_err(|_| unloadable(format!("{} is not ONNX Runtime", library.display())))?;
        let base = entry().as_ref().ok_or_else(|| unloadable(format!("{} has no interface", library.display())))?;
        let version = CStr::from_ptr((base.GetVersionString)()).to_string_lossy().into_owned();
        std::mem::forget(loaded);
        let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
        if minor.is_some_and(|minor| minor >= OLDEST_MINOR) {
            Ok(version)
        } else {
            Err(missing(
                format!("{} is ONNX Runtime {version}, and Assay needs 1.{OLDEST_MINOR} or newer", library.display()),
                "Put a newer build in its place.",
            ))
        }
    }
}

const GET_RUNTIME: &str = "Put the library from the npm package onnxruntime-node or the PyPI package onnxruntime into \
                           the libraries folder as onnxruntime, then press Rescan; other builds go beside it as \
                           onnxruntime-<build>";

fn not_installed() -> BackendError {
    missing("its library was not found".to_owned(), GET_RUNTIME)
}

fn without_runtime() -> BackendError {
    missing("the plug-in is there, but the plain ONNX Runtime that takes it in was not found".to_owned(), GET_RUNTIME)
}

fn missing(reason: String, remedy: &str) -> BackendError {
    BackendError::Missing { engine: "ONNX Runtime".to_owned(), reason, remedy: remedy.to_owned() }
}
