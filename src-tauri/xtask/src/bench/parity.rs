//! Are Assay's times those that the engines' own users see? The same library, the same file, one thread, in turn.
//!
//! ONNX Runtime against the Python package, OpenVINO against its benchmark_app, on bert-base at length 128.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    judge,
    measure::{Assay, json},
    python::Python,
    ratio::paired,
};
use crate::{
    error::{Step, StepError},
    places::Places,
    process::output,
};

const PAIRS: usize = 30;
/// Long enough for the median of some twenty calls.
const SECONDS: &str = "3";
const MODEL: &str = "preset:bert-base-uncased";
const LENGTH: &str = "128";

pub fn run(places: &Places, program: &Path) -> Step {
    let python = Python::prepare(places)?;
    let data = places.cache.join("bench").join("parity");
    let onnxruntime =
        Assay { places, program, data: data.clone(), libraries: Some(python.onnxruntime_libraries(places)?) };
    let openvino = Assay { places, program, data: data.clone(), libraries: None };

    println!("• generate the model's weights");
    let first = onnxruntime.measure(&arguments("onnxruntime"))?;
    let model = the_model(&data.join("weights"))?;
    println!("{} with ONNX Runtime {}", model.display(), first.engine_version);

    let script = places.xtask().join("bench").join("onnxruntime_loop.py");
    let by_python = || {
        let mut command = Command::new(python.program("python"));
        command.arg(&script).arg(&model).args([LENGTH, SECONDS]);
        let told = json(&mut command)?;
        let version = told["version"].as_str().unwrap_or_default();
        if version != first.engine_version {
            return Err(StepError::missing(
                format!("Assay has ONNX Runtime {}, Python has {version}", first.engine_version),
                "Both must be the same: see bench/python.rs.",
            ));
        }
        told["median_ms"].as_f64().ok_or_else(|| StepError::missing("Python told no median", "See its output above."))
    };
    let same_onnxruntime = compare("ONNX Runtime", &onnxruntime, "onnxruntime", "Python", by_python)?;

    if !python.has_benchmark_app() {
        return Err(StepError::missing("benchmark_app does not start", "See the environment in the cache."));
    }
    let shapes = shapes(&model, &python)?;
    let by_benchmark_app = || {
        let mut command = Command::new(python.program("benchmark_app"));
        command.arg("-m").arg(&model).args(["-d", "CPU", "-hint", "none", "-api", "sync", "-t", SECONDS]);
        command.args(["-nireq", "1", "-nstreams", "1", "-nthreads", "1", "-infer_precision", "f32"]);
        command.args(["-shape", &shapes]);
        let printed = output(&mut command)?;
        median_line(&printed)
            .ok_or_else(|| StepError::missing("benchmark_app printed no median", "Run it by hand to see why."))
    };
    let same_openvino = compare("OpenVINO", &openvino, "openvino", "benchmark_app", by_benchmark_app)?;

    judge(
        "the 95 % interval of the paired ratio lies within 0.95–1.05 for ONNX Runtime and OpenVINO",
        same_onnxruntime && same_openvino,
    )
}

fn arguments(engine: &str) -> Vec<&str> {
    vec!["--model", MODEL, "--engine", engine, "--length", LENGTH, "--budget-secs", SECONDS]
}

/// Interleaves A B B A … and prints the ratio; true where its whole interval lies within 5 % of one.
fn compare(
    title: &str,
    assay: &Assay,
    engine: &str,
    other: &str,
    theirs: impl Fn() -> Result<f64, StepError>,
) -> Result<bool, StepError> {
    let mut pairs = Vec::with_capacity(PAIRS);
    for number in 0..PAIRS {
        let ours = || assay.measure(&arguments(engine)).map(|measured| measured.median_ms);
        let pair = if number % 2 == 0 {
            let a = ours()?;
            (a, theirs()?)
        } else {
            let b = theirs()?;
            (ours()?, b)
        };
        println!(
            "{title} {:2}: Assay {:8.3} ms, {other} {:8.3} ms, ratio {:.3}",
            number + 1,
            pair.0,
            pair.1,
            pair.0 / pair.1
        );
        pairs.push(pair);
    }
    let ratio = paired(&pairs);
    println!("{title}: Assay / {other} = {:.3} [{:.3}, {:.3}] over {PAIRS} pairs", ratio.median, ratio.low, ratio.high);
    Ok(ratio.low >= 0.95 && ratio.high <= 1.05)
}

/// The one ONNX file below the weights' folder.
fn the_model(weights: &Path) -> Result<PathBuf, StepError> {
    let mut folders = vec![weights.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(StepError::file("read the folder", &folder))? {
            let path = entry.map_err(StepError::file("read the folder", &folder))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "onnx") {
                return Ok(path);
            }
        }
    }
    Err(StepError::missing("Assay wrote no ONNX file", format!("Look into {}.", weights.display())))
}

/// The inputs' shapes as benchmark_app wants them: `input_ids[1,128],attention_mask[1,128]`.
fn shapes(model: &Path, python: &Python) -> Result<String, StepError> {
    let list = "import onnxruntime, sys; s = onnxruntime.InferenceSession(sys.argv[1]); \
                print(','.join(f'{i.name}[1,{sys.argv[2]}]' for i in s.get_inputs()))";
    let mut command = Command::new(python.program("python"));
    Ok(output(command.args(["-c", list]).arg(model).arg(LENGTH))?.trim().to_owned())
}

/// The figure of `[ INFO ]    Median:  123.45 ms` in milliseconds; short ones are told in microseconds.
fn median_line(printed: &str) -> Option<f64> {
    let mut words = printed.split("Median:").nth(1)?.split_whitespace();
    let (figure, unit) = (words.next()?.parse::<f64>().ok()?, words.next()?);
    match unit {
        "ms" => Some(figure),
        "us" => Some(figure / 1e3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_benchmark_app_is_found() {
        assert_eq!(median_line("[ INFO ] Latency:\n[ INFO ]    Median:           60.41 ms\n"), Some(60.41));
        assert_eq!(median_line("[ INFO ]    Median:        661.14 us\n"), Some(0.66114));
        assert_eq!(median_line("[ ERROR ] no model"), None);
    }
}
