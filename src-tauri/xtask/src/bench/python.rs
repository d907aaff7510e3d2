//! The Python packages that Assay's engines are compared with, in an environment of their own in the cache.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    error::StepError,
    places::Places,
    process::{run, succeeds},
    stamp::Stamp,
};

const PACKAGES: &[&str] = &["onnxruntime==1.30.0", "openvino==2026.4.1", "onnx==1.23.2", "numpy==2.4.6"];

pub struct Python {
    folder: PathBuf,
}

impl Python {
    /// Makes the environment once.
    pub fn prepare(places: &Places) -> Result<Self, StepError> {
        let python = Self { folder: places.cache.join("bench").join("python") };
        let stamp = Stamp::new(places, "bench-python", &[PACKAGES.join(" ").as_bytes()]);
        if stamp.is_current() && python.program("python").exists() {
            return Ok(python);
        }
        println!("• install {} for comparison", PACKAGES.join(", "));
        if python.folder.exists() {
            fs::remove_dir_all(&python.folder).map_err(StepError::file("remove", &python.folder))?;
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&python.folder))?;
        run(Command::new(python.program("python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"])
            .args(PACKAGES))?;
        stamp.set()?;
        Ok(python)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        if cfg!(windows) {
            self.folder.join("Scripts").join(format!("{name}.exe"))
        } else {
            self.folder.join("bin").join(name)
        }
    }

    /// The ONNX Runtime library inside the Python package, in a folder laid out as Assay looks for it: both then
    /// load the very same file.
    pub fn onnxruntime_libraries(&self, places: &Places) -> Result<PathBuf, StepError> {
        let find = "import onnxruntime, pathlib; \
                    print(*pathlib.Path(onnxruntime.__file__).parent.glob('capi/libonnxruntime.*'))";
        let mut command = Command::new(self.program("python"));
        let found = crate::process::output(command.args(["-c", find]))?;
        let library = PathBuf::from(found.trim());
        let libraries = places.cache.join("bench").join("libraries");
        let folder = libraries.join("onnxruntime");
        fs::create_dir_all(&folder).map_err(StepError::file("create the folder", &folder))?;
        let name = if cfg!(target_os = "macos") { "libonnxruntime.dylib" } else { "libonnxruntime.so" };
        let to = folder.join(name);
        fs::copy(&library, &to).map_err(StepError::file("copy", &library))?;
        Ok(libraries)
    }

    /// Whether OpenVINO's own benchmark is there.
    pub fn has_benchmark_app(&self) -> bool {
        succeeds(Command::new(self.program("benchmark_app")).arg("--help"))
    }
}
