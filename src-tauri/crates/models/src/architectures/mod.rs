//! Model types that Assay builds from a config.json. One file each, one line in [`ALL`].

mod bert;
mod llama;
mod opt;
mod vit;

use crate::{
    Element, ModelError,
    builder::{Description, Draft, GraphBuilder},
    config::Config,
};

/// How a model type's graph is drawn from its configuration.
pub trait Architecture: Sync {
    /// The word in `model_type`.
    fn model_type(&self) -> &'static str;

    /// Classes of transformers it draws, the base model first: that one is meant where a configuration names none.
    fn classes(&self) -> &'static [Class];

    /// Module of the base model inside the other classes; a checkpoint's names may come with or without it.
    fn base(&self) -> &'static str;

    fn draw(&self, config: &Config, class: &str, b: GraphBuilder) -> Result<(), ModelError>;
}

pub struct Class {
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
}

static ALL: &[&dyn Architecture] = &[&bert::Bert, &llama::Llama, &opt::Opt, &vit::Vit];

/// The architecture and class a configuration asks for.
pub fn find(config: &Config) -> Result<(&'static dyn Architecture, &'static Class), ModelError> {
    let named = config.class()?;
    let model_type = config.text("model_type", "")?;
    let types = || ALL.iter().map(|known| known.model_type()).collect::<Vec<_>>().join(", ");
    let Some(architecture) = ALL.iter().copied().find(|known| known.model_type() == model_type) else {
        let (key, reason) = match (config.has("model_type"), named) {
            (true, _) => ("model_type", "this model type is not built yet"),
            (false, _) => ("model_type", "the key is missing, so that the model type is not known"),
        };
        let remedy = format!("Model types built so far: {}. Any other model can be opened as an ONNX file", types());
        return Err(config.refuse(key, reason, remedy));
    };
    let classes = architecture.classes();
    let class = match named {
        None => Some(&classes[0]),
        Some(name) => classes.iter().find(|class| class.name == name),
    };
    class.map(|class| (architecture, class)).ok_or_else(|| {
        let known: Vec<&str> = classes.iter().map(|class| class.name).collect();
        let reason = format!("this class of {model_type} is not built yet");
        config.refuse("architectures", reason, format!("Classes built so far: {}", known.join(", ")))
    })
}

/// Draws the graph with weights and activations of the given element.
pub fn describe(
    architecture: &dyn Architecture,
    class: &Class,
    config: &Config,
    float: Element,
) -> Result<Description, ModelError> {
    let mut draft = Draft::new(class.name, float);
    architecture.draw(config, class.name, draft.builder())?;
    let description = draft.finish();
    check_size(config, &description)?;
    Ok(description)
}

/// More parameters than any machine could hold are refused before anything multiplies further.
fn check_size(config: &Config, description: &Description) -> Result<(), ModelError> {
    const MOST_PARAMETERS: u64 = 20_000_000_000_000;
    let total = description.weights.iter().try_fold(0u64, |total, weight| {
        let parameters = weight.shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size as u64))?;
        total.checked_add(parameters).filter(|total| *total <= MOST_PARAMETERS)
    });
    match total {
        Some(_) => Ok(()),
        None => Err(ModelError::unsupported(
            config.file(),
            "its sizes",
            format!("the model would have more than {MOST_PARAMETERS} parameters"),
            "Correct the widths and the number of layers",
        )),
    }
}
