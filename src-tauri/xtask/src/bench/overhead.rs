//! What Assay adds to a call: a graph of one operation, measured by Assay and called directly.

use std::{fs, path::Path};

use super::{
    judge,
    measure::{Assay, json},
    onnx,
    ratio::median,
};
use crate::{
    cargo::cargo,
    error::{Step, StepError},
    places::Places,
};

const PAIRS: usize = 10;
/// The most that Assay may add, in nanoseconds.
const LIMIT_NS: f64 = 2_000.0;

pub fn run(places: &Places, program: &Path) -> Step {
    let folder = places.cache.join("bench");
    fs::create_dir_all(&folder).map_err(StepError::file("create the folder", &folder))?;
    let model = folder.join("relu.onnx");
    fs::write(&model, onnx::one_operation()).map_err(StepError::file("write", &model))?;
    let library = places.libraries().join("onnxruntime").join(library_name());

    println!("• build the direct caller");
    crate::process::run(cargo(places).args([
        "bench",
        "--package",
        "assay-engine",
        "--bench",
        "direct_call",
        "--no-run",
    ]))?;
    let assay = Assay { places, program, data: folder.join("data"), libraries: None };
    let mut added = Vec::with_capacity(PAIRS);
    for number in 1..=PAIRS {
        let ours = || -> Result<(f64, f64), StepError> {
            let model = model.to_string_lossy();
            let measured = assay.measure(&["--model", &*model, "--engine", "onnxruntime", "--budget-secs", "2"])?;
            Ok((measured.median_ms * 1e6, measured.harness_ms * 1e6))
        };
        let directly = || -> Result<f64, StepError> {
            let mut command = cargo(places);
            command.args(["bench", "--quiet", "--package", "assay-engine", "--bench", "direct_call", "--"]);
            let told = json(command.arg(&library).arg(&model))?;
            told["call_ns"]
                .as_f64()
                .ok_or_else(|| StepError::missing("the direct caller told no time", "Run it by hand."))
        };
        let ((ours_ns, harness_ns), direct_ns) = if number % 2 == 0 {
            let ours = ours()?;
            (ours, directly()?)
        } else {
            let direct = directly()?;
            (ours()?, direct)
        };
        println!(
            "{number:2}: Assay {ours_ns:6.0} ns, direct {direct_ns:6.0} ns, difference {:6.0} ns; an empty call {harness_ns:4.0} ns",
            ours_ns - direct_ns
        );
        added.push(ours_ns - direct_ns);
    }
    let added_ns = median(added);
    println!("Assay adds {added_ns:.0} ns to a call of one operation (median of {PAIRS} pairs)");
    judge("Assay adds less than 2 µs to a call", added_ns < LIMIT_NS)
}

fn library_name() -> &'static str {
    if cfg!(windows) {
        "onnxruntime.dll"
    } else if cfg!(target_os = "macos") {
        "libonnxruntime.1.dylib"
    } else {
        "libonnxruntime.so.1"
    }
}
