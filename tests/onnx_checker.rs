//! Every graph that Assay makes is valid to the checker of the package `onnx`, shapes included.

#[path = "common/tiny.rs"]
mod tiny;

use contract::Precision;
use libtest_mimic::{Arguments, Failed, Trial};
use models::{DynamicForm, Format, Graph, Model, Ranges, Stage, Tensor};
use serde_json::{Value, json};
use std::{
    env, fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Prints a line for each file that is not valid.
const CHECK: &str = "
import glob, onnx
files = sorted(glob.glob('*/model.onnx'))
for file in files:
    try:
        onnx.checker.check_model(file, full_check=True)
    except Exception as error:
        print(file, str(error).strip().splitlines()[0])
print(len(files), 'checked')
";

/// A type of each kind of network with the class whose files are checked in all formats.
const IN_ALL_FORMATS: [(&str, &str); 7] = [
    ("bert", "BertForMaskedLM"),
    ("clip", "CLIPModel"),
    ("llama", "LlamaForCausalLM"),
    ("mixtral", "MixtralForCausalLM"),
    ("t5", "T5ForConditionalGeneration"),
    ("vit", "ViTForImageClassification"),
    ("whisper", "WhisperForConditionalGeneration"),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let packages = env::var_os("ASSAY_TOOLS").map(|tools| PathBuf::from(tools).join("onnx-checker"));
    let packages = packages.filter(|folder| folder.is_dir());
    if packages.is_none() {
        eprintln!("ONNX's checker is not installed: `cargo xtask setup` does it where there is Python 3 with pip.");
    }
    let ignored = packages.is_none();
    let check = move || check(&packages.expect("the test is ignored without them"));
    let trial = Trial::test("every_graph_is_valid_to_the_checker_of_onnx", check).with_ignored_flag(ignored);
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

fn check(packages: &Path) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut written = Written { folder: folder.path(), count: 0 };
    for (model_type, classes) in models::built() {
        let config = tiny::config(model_type)?;
        for class in classes {
            let model = opened(model_type, &config, class.name)?;
            for part in parts(&format!("{model_type}-{}", class.name), model)? {
                written.add(&part.name, &part.model, Precision::F32.into())?;
            }
        }
    }
    let scratch = tempfile::tempdir()?;
    for (model_type, class) in IN_ALL_FORMATS {
        let mut config = tiny::config(model_type)?;
        if model_type == "clip" {
            // The convolution of large patches, which is not quantised, has most of the small model's weights.
            config["vision_config"]["patch_size"] = json!(8);
        }
        for part in parts(model_type, opened(model_type, &config, class)?)? {
            for (format, of) in formats(ranges(&part, scratch.path())?) {
                written.add(&format!("{}-{of}", part.name), &part.model, format)?;
            }
        }
    }
    let python = if cfg!(windows) { "python" } else { "python3" };
    let output = Command::new(python).args(["-c", CHECK]).current_dir(&folder).env("PYTHONPATH", packages).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.trim() == format!("{} checked", written.count) {
        return Ok(());
    }
    Err(format!("of {} graphs: {said}{}", written.count, String::from_utf8_lossy(&output.stderr)).into())
}

fn opened(model_type: &str, config: &Value, class: &str) -> Result<Model, Failed> {
    let mut config = config.clone();
    config["architectures"] = json!([class]);
    let model = Model::from_config_text("config.json", &config.to_string());
    model.map_err(|error| format!("{model_type} as {class}: {error}").into())
}

/// One graph of a model.
struct Part {
    name: String,
    model: Model,
    /// Whose activations have the ranges of this graph's: its own, or the prompt's where it reads one further token.
    calibrated: Model,
}

/// The whole of a model, and what it generates text with where it does.
fn parts(name: &str, model: Model) -> Result<Vec<Part>, Failed> {
    let stages = model.generation()?;
    let mut parts = vec![Part { name: name.to_owned(), calibrated: model.clone(), model }];
    if let Some(stages) = stages {
        for (stage, model) in [(Stage::Prefill, stages.prefill.clone()), (Stage::Decode, stages.decode)] {
            let name = format!("{name}-{}", stage.label());
            parts.push(Part { name, model, calibrated: stages.prefill.clone() });
        }
    }
    Ok(parts)
}

/// Every format but f32, with a name for it.
fn formats(ranges: Ranges) -> Vec<(Format, &'static str)> {
    let int8 = |form| Format::from(Precision::Int8).with_dynamic(form);
    vec![
        (Precision::F16.into(), "f16"),
        (Precision::Bf16.into(), "bf16"),
        (int8(DynamicForm::Operators), "int8"),
        (int8(DynamicForm::Weights), "int8-weights"),
        (Format::from(Precision::Int8Static).with_ranges(ranges), "int8-static"),
        (Precision::Int4.into(), "int4"),
    ]
}

/// From −1 to 1 for every activation that a calibration would see.
fn ranges(part: &Part, scratch: &Path) -> Result<Ranges, Failed> {
    let calibration = part.calibrated.calibration(scratch, 1, &mut |_, _| ControlFlow::Continue(()))?;
    let end = |name: &str| {
        let number = if name.starts_with("smallest:") { -1.0 } else { 1.0 };
        Tensor::from_f32s(name, &[], &[number])
    };
    let outputs = Graph::read(&calibration.onnx)?.outputs;
    Ok(calibration.learn(&[outputs.iter().map(|output| end(&output.name)).collect()])?)
}

/// The files that were written, each in a folder of its own.
struct Written<'a> {
    folder: &'a Path,
    count: usize,
}

impl Written<'_> {
    fn add(&mut self, name: &str, model: &Model, format: Format) -> Result<(), Failed> {
        let folder = self.folder.join(name);
        fs::create_dir(&folder)?;
        let file = folder.join("model.onnx");
        let written = model.export(&file, format, 1, &mut |_, _| ControlFlow::Continue(()));
        written.map_err(|error| format!("{name}: {error}"))?;
        self.count += 1;
        Ok(())
    }
}
