//! The engines Assay can measure: one line here, one file each.

mod candle;
mod onnxruntime;
mod openvino;
mod pair;

use crate::backend::{Backend, BackendError, Loaded, Session};
use contract::{DeviceId, EngineId};
use models::DynamicForm;

pub static ALL: &[&dyn Backend] = &[&onnxruntime::OnnxRuntime, &openvino::OpenVino, &candle::Candle];

/// The backend of an engine or of one of its builds: `onnxruntime-webgpu` is a build of `onnxruntime`.
pub fn find(engine: &EngineId) -> Option<&'static dyn Backend> {
    ALL.iter().copied().find(|backend| match engine.0.strip_prefix(backend.key()) {
        Some(build) => build.is_empty() || build.starts_with('-'),
        None => false,
    })
}

/// The form of a graph in dynamic int8 that suits an engine.
pub fn dynamic_form(engine: &EngineId) -> DynamicForm {
    find(engine).map_or_else(DynamicForm::default, |backend| backend.dynamic_form())
}

/// Whether an engine generates text on a device.
///
/// # Errors
/// Where it does not, with the reason.
pub fn generates_on(engine: &EngineId, device: &DeviceId) -> Result<(), BackendError> {
    find(engine).map_or(Ok(()), |backend| backend.generates_on(device))
}

/// A graph that was read and can be prepared for its device.
trait Prepare {
    type Session: Session + 'static;

    fn prepare(self) -> Result<Self::Session, BackendError>;
}

impl<R: Prepare> Loaded for R {
    fn compile(self: Box<Self>) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(self.prepare()?))
    }
}

fn no_variant(engine: &str, variant: usize) -> BackendError {
    BackendError::Failed {
        engine: engine.to_owned(),
        doing: "running the model",
        reason: format!("there is no variant {variant} of the inputs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_belongs_to_its_engine() {
        let key = |id: &str| find(&id.into()).map(|backend| backend.key());
        assert_eq!(key("onnxruntime"), Some("onnxruntime"));
        assert_eq!(key("onnxruntime-webgpu"), Some("onnxruntime"));
        assert_eq!(key("candle"), Some("candle"));
        assert_eq!(key("candlelight"), None);
        assert_eq!(key("tensorrt"), None);
    }

    #[test]
    fn text_is_generated_where_the_cache_stays_on_the_device() {
        let refusal = |engine: &str, device: &str| generates_on(&engine.into(), &device.into()).err();
        for (engine, device) in [("onnxruntime-gpu", "cuda:0"), ("openvino", "openvino:GPU.0")] {
            let said = refusal(engine, device).unwrap().to_string();
            assert!(said.contains("on the CPU only") && said.contains(device), "{said}");
            assert!(refusal(engine, "cpu").is_none());
        }
        assert!(refusal("candle", "cuda:0").is_none());
    }
}
