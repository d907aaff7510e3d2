//! AMD's compute library (HIP): whether it loads, its version, and how many GPUs it drives. Runs in a worker.

use libloading::Library;
use serde::{Deserialize, Serialize};
use std::ffi::c_int;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HipFacts {
    pub library: String,
    /// `6.2`
    pub version: Option<String>,
    pub gpus: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum HipAbsence {
    #[error("the ROCm library {} is not installed", NAMES[0])]
    NotInstalled,
    #[error("the ROCm library {library} does not answer ({reason})")]
    Broken { library: String, reason: String },
}

const NAMES: &[&str] = if cfg!(windows) {
    &["amdhip64.dll", "amdhip64_7.dll", "amdhip64_6.dll"]
} else {
    &["libamdhip64.so", "libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5", "/opt/rocm/lib/libamdhip64.so"]
};

type Ask = unsafe extern "C" fn(*mut c_int) -> c_int;

pub fn read() -> Result<HipFacts, HipAbsence> {
    for name in NAMES {
        // SAFETY: loading runs the library's initialisers; a worker process is there to bear what they do.
        if let Ok(library) = unsafe { Library::new(name) } {
            return ask(&library, name);
        }
    }
    Err(HipAbsence::NotInstalled)
}

fn ask(library: &Library, name: &str) -> Result<HipFacts, HipAbsence> {
    let broken = |reason: String| HipAbsence::Broken { library: name.to_owned(), reason };
    let number = |symbol: &str| -> Result<(c_int, c_int), HipAbsence> {
        let mut value = 0;
        // SAFETY: both functions asked for write one integer and return a status.
        let status = unsafe {
            let function = library.get::<Ask>(symbol.as_bytes()).map_err(|error| broken(error.to_string()))?;
            function(&raw mut value)
        };
        Ok((status, value))
    };
    let version = match number("hipRuntimeGetVersion")? {
        (0, version) => Some(format!("{}.{}", version / 10_000_000, version / 100_000 % 100)),
        _ => None,
    };
    const NO_DEVICE: c_int = 100;
    let gpus = match number("hipGetDeviceCount")? {
        (0, count) => count.unsigned_abs(),
        (NO_DEVICE, _) => 0,
        (status, _) => return Err(broken(format!("hipGetDeviceCount returned {status}"))),
    };
    Ok(HipFacts { library: name.to_owned(), version, gpus })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_answers_with_a_version_or_with_a_reason() {
        match read() {
            Ok(facts) => assert!(facts.library.contains("amdhip64")),
            Err(absence) => assert!(absence.to_string().contains("amdhip64")),
        }
    }

    #[test]
    fn a_library_that_is_not_rocm_is_told_apart() {
        let path = if cfg!(target_os = "linux") { "libc.so.6" } else { return };
        // SAFETY: the C library is loaded already.
        let library = unsafe { Library::new(path) }.unwrap();
        assert!(matches!(ask(&library, path), Err(HipAbsence::Broken { .. })));
    }
}
