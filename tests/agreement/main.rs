//! A property: whatever small model is drawn at random, all engines of this machine give the same outputs for it.
//!
//! Of each model type that is built, a class, sizes of its configuration and sizes of its inputs are drawn. Another
//! `ASSAY_AGREEMENT_SEED` draws others.

mod drawing;
mod running;
#[path = "../common/tiny.rs"]
mod tiny;

use contract::{EngineId, Precision};
use drawing::Drawn;
use libtest_mimic::{Arguments, Failed, Trial};
use models::{Class, Tensor, safetensors};
use running::Engine;
use std::{env, ops::ControlFlow, process::ExitCode, sync::Arc};

const SEED: &str = "ASSAY_AGREEMENT_SEED";
/// Of a difference, relative to the largest number of its output.
const TOLERANCE: f64 = 1e-4;

fn main() -> ExitCode {
    if running::as_engine() {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let seed: u64 = env::var(SEED).map_or(1, |seed| seed.parse().expect("the seed is a whole number"));
    let engines = Arc::new(Engine::all());
    let alone = engines.len() < 2;
    let trial = |(model_type, classes): (&'static str, &'static [Class])| {
        let engines = Arc::clone(&engines);
        let name = format!("the_engines_agree_on_{model_type}");
        Trial::test(name, move || agree(model_type, classes, seed, &engines)).with_ignored_flag(alone)
    };
    libtest_mimic::run(&arguments, models::built().map(trial).collect()).exit_code()
}

fn agree(model_type: &str, classes: &[Class], seed: u64, engines: &[Engine]) -> Result<(), Failed> {
    let drawn = drawing::draw(model_type, classes, seed)?;
    let compared = compare(&drawn, seed, engines);
    compared.map_err(|failed| {
        let (said, sizes, config) = (failed.message().unwrap_or_default(), &drawn.sizes, &drawn.config);
        format!("{said}\nat {sizes:?} with {SEED}={seed} of {config}").into()
    })
}

fn compare(drawn: &Drawn, seed: u64, engines: &[Engine]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (onnx, inputs) = (folder.path().join("model.onnx"), folder.path().join("inputs.safetensors"));
    drawn.model.export(&onnx, Precision::F32, seed, &mut |_, _| ControlFlow::Continue(()))?;
    safetensors::write(&inputs, &models::make_inputs(drawn.model.graph(), &drawn.sizes, seed, 0)?)?;
    let mut all: Vec<(&EngineId, Vec<Tensor>)> = Vec::new();
    for engine in engines {
        let outputs = engine.outputs(&onnx, &drawn.sizes, &inputs)?;
        for (other, others) in &all {
            same(&outputs, others).map_err(|how| format!("{} and {other}: {how}", engine.id))?;
        }
        all.push((&engine.id, outputs));
    }
    Ok(())
}

/// Whether these outputs are the same within the tolerance.
///
/// # Errors
/// Where they are not, with the first that differs and by how much.
fn same(a: &[Tensor], b: &[Tensor]) -> Result<(), String> {
    let shapes = |outputs: &[Tensor]| -> Vec<(String, Vec<usize>)> {
        outputs.iter().map(|output| (output.name.clone(), output.shape.clone())).collect()
    };
    if shapes(a) != shapes(b) {
        return Err(format!("{:?} are not {:?}", shapes(a), shapes(b)));
    }
    for (a, b) in a.iter().zip(b) {
        let (name, a, b) = (&a.name, a.f64s(), b.f64s());
        if let Some(number) = a.iter().chain(&b).find(|number| !number.is_finite()) {
            return Err(format!("{name} holds {number}"));
        }
        let largest = a.iter().chain(&b).fold(0.0, |largest: f64, number| largest.max(number.abs()));
        let difference = a.iter().zip(&b).fold(0.0, |largest: f64, (a, b)| largest.max((a - b).abs()));
        if difference > TOLERANCE * largest {
            return Err(format!("{name} differs by {difference:e}, its largest number is {largest:e}"));
        }
    }
    Ok(())
}
