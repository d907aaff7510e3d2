//! The engines Assay can measure: one line here, one file each.

mod candle;
mod onnxruntime;
mod openvino;
mod pair;

use crate::backend::{Backend, BackendError, Loaded, Session};
use contract::EngineId;
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
}
