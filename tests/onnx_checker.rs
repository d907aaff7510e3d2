//! Every graph that Assay makes is valid to the checker of the package `onnx`, shapes included.

use libtest_mimic::{Arguments, Failed, Trial};
use models::{Model, Stage, transformers};
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
    let mut written = 0;
    for (model_type, classes) in models::built() {
        let config = tiny(model_type)?;
        for class in classes {
            let mut config = config.clone();
            config["architectures"] = json!([class.name]);
            let model = Model::from_config_text("config.json", &config.to_string())
                .map_err(|error| format!("{model_type} as {}: {error}", class.name))?;
            write(&model, &folder.path().join(format!("{model_type}-{}", class.name)))?;
            written += 1;
            if let Some(stages) = model.generation()? {
                for (stage, model) in [(Stage::Prefill, &stages.prefill), (Stage::Decode, &stages.decode)] {
                    let name = format!("{model_type}-{}-{}", class.name, stage.label());
                    write(model, &folder.path().join(name))?;
                    written += 1;
                }
            }
        }
    }
    let python = if cfg!(windows) { "python" } else { "python3" };
    let output = Command::new(python).args(["-c", CHECK]).current_dir(&folder).env("PYTHONPATH", packages).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.trim() == format!("{written} checked") {
        return Ok(());
    }
    Err(format!("of {written} graphs: {said}{}", String::from_utf8_lossy(&output.stderr)).into())
}

/// The default configuration of a type with few and small layers, the one that templates test with.
fn tiny(model_type: &str) -> Result<Value, Failed> {
    let Some(known) = transformers::find(model_type) else {
        // A class of diffusers.
        let (channels, few) = (json!([32, 64]), json!(32));
        let unet = json!({
            "_class_name": model_type, "block_out_channels": channels, "cross_attention_dim": few,
            "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
            "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"]
        });
        let autoencoder = json!({ "_class_name": model_type, "block_out_channels": [few] });
        return Ok(if model_type == "UNet2DConditionModel" { unet } else { autoencoder });
    };
    let mut config = Value::from(known.config.clone());
    for (key, value) in workbench::facts(model_type)?.tiny {
        config[key] = value;
    }
    Ok(config)
}

fn write(model: &Model, folder: &Path) -> Result<(), Failed> {
    fs::create_dir(folder)?;
    model.export(&folder.join("model.onnx"), contract::Precision::F32, 1, &mut |_, _| ControlFlow::Continue(()))?;
    Ok(())
}
