//! Where a setting can run: the engine asked for, those that check it, and the memory there is.

use contract::*;
use std::path::PathBuf;

/// The engine on the device, if it can be used at this precision and for what is asked for of this model.
pub fn usable_target(machine: &Machine, model: &ModelInfo, setting: &Setting) -> Result<Target, Failure> {
    let Setting { engine, device, precision, .. } = setting;
    let target = machine.target(engine, device).ok_or_else(|| {
        match machine.engines.iter().find(|status| &status.id == engine).map(|status| &status.availability) {
            Some(Availability::Missing { reason, remedy }) => {
                Failure::Missing { what: engine.0.clone(), reason: reason.clone(), remedy: remedy.clone() }
            }
            _ => Failure::not_found("engine on a device called", format!("{engine} on {device}")),
        }
    })?;
    if let Availability::Missing { reason, remedy } = &target.availability {
        let what = format!("{engine} on {}", target.device_name);
        return Err(Failure::Missing { what, reason: reason.clone(), remedy: remedy.clone() });
    }
    if !target.precisions.contains(precision) {
        let offered: Vec<&str> = target.precisions.iter().map(|p| p.label()).collect();
        return Err(Failure::bad_input(
            precision.label(),
            format!("{engine} does not offer it on {}", target.device_name),
        )
        .remedy(format!("It offers {}", offered.join(", "))));
    }
    generates(setting)?;
    takes(model, setting)?;
    Ok(target.clone())
}

/// Refuses a precision that another engine could lower the model's file to.
fn takes(model: &ModelInfo, setting: &Setting) -> Result<(), Failure> {
    let Setting { engine, precision, .. } = setting;
    if model.runs_in(*precision, engine) || !model.lowered().contains(precision) {
        return Ok(());
    }
    let reason = format!("{} is a file in f32, and {} runs it as it is", model.name, engine.label());
    let remedy = "Choose OpenVINO, which can lower it by itself, or f32";
    Err(Failure::bad_input(precision.label(), reason).remedy(remedy))
}

/// Refuses text on a device where the engine writes none.
fn generates(setting: &Setting) -> Result<(), Failure> {
    if setting.mode != Mode::Generation {
        return Ok(());
    }
    engine::generates_on(&setting.engine, &setting.device).map_err(|error| {
        let remedy = "Choose the CPU, or candle, which generates text on each of its devices, or measure one pass";
        Failure::bad_input(setting.mode.label(), error.to_string()).remedy(remedy)
    })
}

/// What a worker may use: the share the settings grant of the installed memory.
pub fn memory_limit(settings: &Settings, machine: &Machine) -> u64 {
    (machine.memory_bytes as f64 * settings.memory_share) as u64
}

/// Other engines that are ready on the CPU: they say what the output should be.
pub fn references(machine: &Machine, setting: &Setting) -> Vec<(TargetChoice, Option<PathBuf>)> {
    let mut engines = in_f32(machine);
    // Another build of one engine is no independent check.
    engines.retain(|(choice, _)| choice.engine.without_build() != setting.engine.without_build());
    engines
}

/// Every engine that is ready for f32 on the CPU, the fastest first, so that a check takes little of the person's time.
pub fn in_f32(machine: &Machine) -> Vec<(TargetChoice, Option<PathBuf>)> {
    let mut targets: Vec<&Target> = machine
        .targets()
        .filter(|target| target.device.0 == "cpu")
        .filter(|target| target.availability.is_ready() && target.precisions.contains(&Precision::F32))
        .collect();
    targets.sort_by_key(|target| match target.engine.without_build() {
        "onnxruntime" => 0,
        "openvino" => 1,
        _ => 2,
    });
    targets
        .into_iter()
        .map(|target| {
            let choice = TargetChoice { engine: target.engine.clone(), device: target.device.clone() };
            (choice, library(machine, &target.engine))
        })
        .collect()
}

pub fn library(machine: &Machine, engine: &EngineId) -> Option<PathBuf> {
    machine.engines.iter().find(|status| &status.id == engine)?.library.as_ref().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plain_setting;

    #[test]
    fn text_is_refused_where_the_engine_writes_none_and_the_remedy_is_told() {
        let setting = |engine: &str, device: &str, mode| Setting {
            engine: engine.into(),
            device: device.into(),
            mode,
            ..plain_setting()
        };
        let refusal = generates(&setting("onnxruntime-gpu", "cuda:0", Mode::Generation)).unwrap_err().to_string();
        assert!(refusal.contains("generates text on the CPU only") && refusal.contains("Choose the CPU"), "{refusal}");
        assert!(generates(&setting("onnxruntime-gpu", "cuda:0", Mode::Inference)).is_ok());
        assert!(generates(&setting("openvino", "cpu", Mode::Generation)).is_ok());
        assert!(generates(&setting("candle", "cuda:0", Mode::Generation)).is_ok());
    }

    #[test]
    fn a_file_in_f32_is_lowered_by_openvino_and_the_others_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"model_type": "bert", "vocab_size": 9, "hidden_size": 8, "num_attention_heads": 2,
            "num_hidden_layers": 1, "intermediate_size": 8, "max_position_embeddings": 8}"#;
        let described = models::Model::from_config_text("tiny", text).unwrap();
        let path = folder.path().join("tiny.onnx");
        let mut go_on = |_, _| std::ops::ControlFlow::Continue(());
        described.export(&path, Precision::F32, 0, &mut go_on).unwrap();
        let file = models::Model::open(&path).unwrap();
        let asked = |model: &models::Model, engine: &str, precision| {
            takes(model.info(), &Setting { engine: engine.into(), precision, ..plain_setting() })
        };
        let refusal = asked(&file, "onnxruntime", Precision::F16).unwrap_err().to_string();
        assert!(refusal.contains("ONNX Runtime runs it as it is") && refusal.contains("Choose OpenVINO"), "{refusal}");
        assert!(asked(&file, "openvino", Precision::F16).is_ok());
        assert!(asked(&file, "onnxruntime", Precision::F32).is_ok());
        assert!(asked(&described, "onnxruntime", Precision::F16).is_ok());
    }
}
