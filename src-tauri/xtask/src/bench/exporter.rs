//! Is Assay's graph as fast as the one that PyTorch's own exporter writes? The same weights, ONNX Runtime, one thread,
//! in turn.

use std::process::Command;

use serde::Deserialize;

use super::{built, fresh, judge, measure::Assay, python::Python, ratio::paired};
use crate::{
    error::{Step, StepError},
    places::Places,
    process::{display, output},
};

/// At base size, as `exporter.py` makes them.
const MODELS: [&str; 6] = ["bert", "vit", "opt", "whisper", "clip", "t5"];
const PAIRS: usize = 15;
/// Assay's time over the export's.
const LONGEST: f64 = 1.10;
/// Of the outputs, relative to the largest.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Made {
    torch: String,
    transformers: String,
}

#[derive(Deserialize)]
struct Timed {
    onnxruntime: String,
    outputs: Vec<String>,
    difference: f64,
    pairs: Vec<(f64, f64)>,
}

/// `python` needs torch, transformers, onnx and onnxscript; names after it choose among the models.
pub fn run(places: &Places, arguments: &[String]) -> Step {
    let (python, names) =
        arguments.split_first().map_or(("python3", arguments), |(first, rest)| (first.as_str(), rest));
    let program = built(places)?;
    let folder = places.cache.join("bench").join("exporter");
    let assay = Assay { places, program: &program, data: folder.join("data"), libraries: None };
    let onnxruntime = Python::prepare(places)?.program("python");
    let script = places.xtask().join("bench").join("exporter.py");
    let asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    let mut is_fast = true;
    for name in MODELS.into_iter().filter(|name| asked(name)) {
        let folder = folder.join(name);
        fresh(&folder)?;
        let made: Made = told(Command::new(python).arg(&script).args(["make", name]).arg(&folder))?;
        output(
            assay.command().arg("build").arg(folder.join("config.json")).arg("--out").arg(folder.join("assay.onnx")),
        )?;
        let timed: Timed =
            told(Command::new(&onnxruntime).arg(&script).arg("time").arg(&folder).arg(PAIRS.to_string()))?;
        if timed.difference > TOLERANCE {
            return Err(StepError::missing(
                format!("{name}: the two graphs differ by {:.1e} in {}", timed.difference, timed.outputs.join(", ")),
                "They must compute the same: look at the graph before its time.",
            ));
        }
        let ratio = paired(&timed.pairs);
        println!(
            "{name}: Assay / export = {:.3} [{:.3}, {:.3}] over {PAIRS} pairs, {} (differ by {:.1e}); torch {}, \
             transformers {}, ONNX Runtime {}",
            ratio.median,
            ratio.low,
            ratio.high,
            timed.outputs.join(", "),
            timed.difference,
            made.torch,
            made.transformers,
            timed.onnxruntime,
        );
        is_fast &= ratio.median <= LONGEST;
    }
    judge("no graph takes more than 1.10 of the time of PyTorch's export", is_fast)
}

/// What a program tells in its last line.
pub fn told<T: serde::de::DeserializeOwned>(command: &mut Command) -> Result<T, StepError> {
    let text = output(command)?;
    serde_json::from_str(text.trim().lines().last().unwrap_or_default())
        .map_err(|source| StepError::Output { command: display(command), source })
}
