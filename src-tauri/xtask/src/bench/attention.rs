//! Would ONNX Runtime's fused attention be faster than the standard operators that Assay draws? The same weights, one
//! thread, in turn.

use std::process::Command;

use serde::Deserialize;

use super::{exporter::told, python::Python, ratio::paired};
use crate::{
    error::{Step, StepError},
    places::Places,
};

const PAIRS: usize = 30;

#[derive(Deserialize)]
struct Timed {
    onnxruntime: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The fused operator.
    way: String,
    /// Largest absolute difference of the outputs.
    difference: f64,
    pairs: Vec<(f64, f64)>,
}

/// Of the outputs, which layer norms keep near 1.
const TOLERANCE: f64 = 1e-4;

pub fn run(places: &Places, _: &[String]) -> Step {
    let python = Python::prepare(places)?.program("python");
    let script = places.xtask().join("bench").join("attention.py");
    let timed: Timed = told(Command::new(python).arg(script).arg(PAIRS.to_string()))?;
    println!("ONNX Runtime {}, one thread, {PAIRS} pairs each", timed.onnxruntime);
    for Case { name, way, difference, pairs } in &timed.cases {
        let ratio = paired(pairs);
        println!("{name}: {way} / drawn = {:.3} [{:.3}, {:.3}]", ratio.median, ratio.low, ratio.high);
        if *difference > TOLERANCE {
            return Err(StepError::missing(
                format!("{name}: {way} differs by {difference:.1e} from what is drawn"),
                "They must compute the same: look at the graphs before their time.",
            ));
        }
    }
    Ok(())
}
