//! What the sizes asked for mean for a model: its graphs, its work and its memory.

use super::kept::Kept;
use contract::*;
use models::{Generation, Model, Texts};
use std::collections::BTreeMap;

/// What the sizes asked for mean for this model.
pub struct Sizes {
    /// Of the graph that runs; of the one that reads the prompt, where text is generated.
    pub dims: BTreeMap<String, u64>,
    /// Of one sample: of a whole text, where text is generated.
    pub macs: Option<u64>,
    /// Of one sample.
    pub activations: Option<u64>,
    /// None where nothing tells, and where text is generated.
    pub per_sample: Option<PerSample>,
    /// At the precision asked for.
    pub weight_bytes: u64,
    /// Of the whole batch at the precision asked for, an estimate.
    pub memory_bytes: u64,
    /// Of the weights that Assay writes at the precision asked for.
    pub disk_bytes: u64,
    /// The same where they are still to be written; 0 where they are kept.
    pub to_write: u64,
}

impl Sizes {
    /// `texts` are those that the setting asks for, as [`written`] tells.
    pub fn with(
        model: &Model,
        setting: &Setting,
        texts: Option<&(Texts, Generation)>,
        kept: &Kept,
    ) -> Result<Self, Failure> {
        if let Some((texts, stages)) = texts {
            return Self::of_texts(model, setting, *texts, stages, kept);
        }
        if setting.mode != Mode::Inference {
            let reason = "only one pass and generation can be measured by this version of Assay";
            return Err(Failure::bad_input(setting.mode.label(), reason));
        }
        let dims = model.dims_for(setting.batch, setting.size, &setting.dims)?;
        let (asked, disk_bytes) = model.costs_and_disk_bytes(setting.precision, &dims)?;
        let (macs, activations) = match model.dims_for(1, setting.size, &setting.dims) {
            Ok(single) => {
                let one = model.costs(&single)?;
                (one.macs, one.activations)
            }
            // The file fixes the batch at another number.
            Err(_) => {
                let all = model.costs(&dims)?;
                let share = |whole: Option<u64>| whole.map(|whole| whole / u64::from(setting.batch.max(1)));
                (share(all.macs), share(all.activations))
            }
        };
        let (weight_bytes, memory_bytes) = (asked.weight_bytes, asked.peak_memory_bytes);
        let per_sample = models::per_sample(model.info(), &dims);
        let to_write = kept.to_write(model, setting, setting.precision, disk_bytes);
        Ok(Self { dims, macs, activations, per_sample, weight_bytes, memory_bytes, disk_bytes, to_write })
    }

    fn of_texts(
        model: &Model,
        setting: &Setting,
        texts: Texts,
        stages: &Generation,
        kept: &Kept,
    ) -> Result<Self, Failure> {
        let dims = stages.sizes(texts)?.prompt;
        let costs = stages.costs_in(setting.precision, texts)?;
        let disk_bytes = model.disk_bytes(setting.precision);
        Ok(Self {
            dims,
            macs: costs.macs,
            activations: costs.activations,
            per_sample: None,
            weight_bytes: costs.weight_bytes,
            memory_bytes: costs.peak_memory_bytes,
            disk_bytes,
            to_write: kept.to_write(&stages.prefill, setting, setting.precision, disk_bytes),
        })
    }
}

/// The texts that a setting asks for, with the graphs that write them; none where it is one pass.
///
/// # Errors
/// Where the model writes none, and where padding is asked for. The text goes on right behind its prompt, so padding could
/// only stand before it, and the graphs, which count places from there, would take every token for a later one.
pub fn written(model: &Model, setting: &Setting) -> Result<Option<(Texts, Generation)>, Failure> {
    if setting.mode != Mode::Generation {
        return Ok(None);
    }
    if let Some(percent) = setting.dims.get(PADDING).filter(|percent| **percent > 0) {
        let (subject, reason) = (format!("{PADDING} = {percent}"), "text is written to prompts without padding only");
        return Err(Failure::bad_input(subject, reason).remedy("Leave it out, or measure one pass"));
    }
    let prompt = setting.size.or_else(|| model.usual_prompt()).unwrap_or_default();
    let output = setting.output_tokens().unwrap_or(DEFAULT_OUTPUT);
    let stages = generation(model)?.with_image(|size| setting.dims.get(size).copied());
    Ok(Some((Texts { batch: setting.batch, prompt, output }, stages)))
}

/// The graphs that text is generated with.
///
/// # Errors
/// Where the model generates no text token by token; what to choose instead is said.
fn generation(model: &Model) -> Result<Generation, Failure> {
    if let Some(generation) = model.generation()? {
        return Ok(generation);
    }
    let info = model.info();
    let one_pass = "or measure one pass";
    let (reason, remedy) = match (does(model), model.generating_class()) {
        (None, _) => (
            "where an ONNX file keeps what it has read is not known".to_owned(),
            format!("Give its config.json, {one_pass}"),
        ),
        (Some(does), Some(other)) => (
            format!("it does not score the next word. This class {does}"),
            format!("Name {other} in `architectures`, {one_pass}"),
        ),
        (Some(does), None) => (
            format!("it does not write text token by token. This class {does}"),
            format!("Choose a model that does, such as gpt2, llama-1.1b, t5-small or whisper-tiny, {one_pass}"),
        ),
    };
    let subject = match model.class() {
        Some(class) => format!("generation with {} ({class})", info.family),
        None => format!("generation with {}", info.name),
    };
    Err(Failure::bad_input(subject, reason).remedy(remedy))
}

/// What the model's class does, as a sentence goes on with it; none for an ONNX file.
fn does(model: &Model) -> Option<String> {
    let (_, classes) = model.config_sizes();
    let about = classes.iter().find(|class| Some(class.name) == model.class())?.about;
    let (first, rest) = about.split_at_checked(1)?;
    Some(format!("{}{rest}", first.to_lowercase()))
}
