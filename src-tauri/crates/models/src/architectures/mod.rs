//! Model types that Assay builds from a config.json. One file each, one line in [`ALL`]; text decoders are a table of
//! their own.

mod answer;
mod bart;
mod bert;
mod clap;
mod clip;
mod convnext;
mod deberta;
mod decoder;
mod detr;
mod diffusion;
mod dpt;
mod llava;
mod modernbert;
mod poolformer;
mod qwen_vl;
mod regnet;
mod repaint;
mod resnet;
mod segformer;
mod swin;
mod t5;
mod text;
mod timesformer;
mod turn;
mod vit;
mod wav2vec2;
mod whisper;
mod xclip;

use crate::{
    Element, ModelError,
    builder::{Description, Draft, GraphBuilder},
    config::Config,
    generation::Stage,
    transformers,
    weights::Checkpoint,
};
use answer::{Answer, Standing};
use text::{Text, Written};
use turn::{Marks, Turn, Writer};

/// How a model type's graph is drawn from its configuration.
pub trait Architecture: Sync {
    /// The word in `model_type`.
    fn model_type(&self) -> &'static str;

    /// Classes of transformers it draws, the base model first: that one is meant where a configuration names none.
    fn classes(&self) -> &'static [Class];

    /// Module of the base model inside the other classes; a checkpoint's names may come with or without it.
    fn base(&self) -> &'static str;

    /// Other beginnings that checkpoints have in place of ours: `("visual.", "model.visual.")`.
    fn renames(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The configuration as it is true of a checkpoint.
    fn corrected(&self, config: Config, _checkpoint: &Checkpoint) -> Result<Config, ModelError> {
        Ok(config)
    }

    fn draw(&self, config: &Config, class: &str, b: GraphBuilder) -> Result<(), ModelError>;

    /// Whether a class generates text token by token.
    fn generates(&self, _class: &str) -> bool {
        false
    }

    /// One stage of generating text, for a class that does.
    fn draw_stage(&self, config: &Config, class: &str, _stage: Stage, _b: GraphBuilder) -> Result<(), ModelError> {
        let reason = format!("{class} does not generate text token by token");
        Err(config.refuse("architectures", reason, "Choose a class that scores the next word"))
    }
}

/// One class of transformers that a type is built as.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
}

static ALL: &[&dyn Architecture] = &[
    &bart::BART,
    &bart::BLENDERBOT,
    &bart::BLENDERBOT_SMALL,
    &bart::M2M_100,
    &bart::MARIAN,
    &bart::MBART,
    &bart::MVP,
    &bart::PEGASUS,
    &bart::PLBART,
    &bert::ALBERT,
    &bert::BERT,
    &bert::BERT_GENERATION,
    &bert::CAMEMBERT,
    &bert::DATA2VEC_TEXT,
    &bert::DISTILBERT,
    &bert::DPR,
    &bert::ELECTRA,
    &bert::ERNIE,
    &bert::IBERT,
    &bert::MEGATRON_BERT,
    &bert::MPNET,
    &bert::REMBERT,
    &bert::ROBERTA,
    &bert::ROBERTA_PRE_LAYER_NORM,
    &bert::SPLINTER,
    &bert::XLM_ROBERTA,
    &bert::XLM_ROBERTA_XL,
    &clap::Clap,
    &diffusion::AutoencoderKl,
    &diffusion::Unet,
    &llava::LLAVA,
    &llava::LLAVA_NEXT,
    &llava::LLAVA_ONEVISION,
    &llava::VIP_LLAVA,
    &qwen_vl::QWEN2_VL,
    &qwen_vl::QWEN3_VL,
    &qwen_vl::QWEN3_VL_MOE,
    &clip::CHINESE_CLIP_VISION,
    &clip::CLIP,
    &clip::CLIPSEG,
    &clip::CLIP_TEXT,
    &clip::CLIP_VISION,
    &clip::IDEFICS3_VISION,
    &clip::METACLIP,
    &clip::SIGLIP,
    &clip::SIGLIP_VISION,
    &clip::SMOLVLM_VISION,
    &convnext::CONVNEXT,
    &convnext::CONVNEXT_V2,
    &convnext::DINOV3_CONVNEXT,
    &deberta::DEBERTA,
    &deberta::DEBERTA_V2,
    &detr::DETR,
    &detr::TABLE_TRANSFORMER,
    &modernbert::ModernBert,
    &poolformer::PoolFormer,
    &regnet::RegNet,
    &resnet::ResNet,
    &segformer::GLPN,
    &segformer::SEGFORMER,
    &swin::DONUT_SWIN,
    &swin::MASKFORMER_SWIN,
    &swin::SWIN,
    &t5::MT5,
    &t5::T5,
    &t5::UMT5,
    &timesformer::Timesformer,
    &vit::AST,
    &vit::BEIT,
    &vit::DATA2VEC_VISION,
    &vit::DEIT,
    &vit::DINOV2,
    &vit::DINOV2_WITH_REGISTERS,
    &vit::DPT,
    &vit::IJEPA,
    &vit::INTERNVL_VISION,
    &vit::QIANFAN_OCR_VISION,
    &vit::VIDEOMAE,
    &vit::VIT,
    &vit::VIT_MSN,
    &vit::VIVIT,
    &vit::YOLOS,
    &wav2vec2::DATA2VEC_AUDIO,
    &wav2vec2::HUBERT,
    &wav2vec2::SEW,
    &wav2vec2::SEW_D,
    &wav2vec2::UNISPEECH,
    &wav2vec2::UNISPEECH_SAT,
    &wav2vec2::WAV2VEC2,
    &whisper::QWEN2_AUDIO_ENCODER,
    &whisper::VOXTRAL_ENCODER,
    &whisper::Whisper,
    &xclip::XClip,
];

fn all() -> impl Iterator<Item = &'static dyn Architecture> {
    ALL.iter().copied().chain(decoder::VARIANTS.iter().map(|variant| variant as &dyn Architecture))
}

/// The model types that are built, each with its classes, the base model first.
pub fn built() -> impl Iterator<Item = (&'static str, &'static [Class])> {
    all().map(|known| (known.model_type(), known.classes()))
}

/// The classes that a configuration's model type can be built as; none where it is not built.
pub fn classes_of(config: &Config) -> &'static [Class] {
    let model_type = config.model_type().unwrap_or_default();
    all().find(|known| known.model_type() == model_type).map_or(&[], |known| known.classes())
}

/// The architecture and class a configuration asks for.
pub fn find(config: &Config) -> Result<(&'static dyn Architecture, &'static Class), ModelError> {
    let named = config.class()?;
    let model_type = config.model_type()?;
    let Some(architecture) = all().find(|known| known.model_type() == model_type) else {
        let (reason, near) = match (!model_type.is_empty(), transformers::find(model_type)) {
            (false, _) => ("the key is missing, so that the model type is not known", None),
            (true, Some(_)) => ("this model type is not built yet", None),
            (true, None) => ("transformers knows no model type of this name", nearest(model_type)),
        };
        let remedy =
            format!("Choose one of the {} types that are built, or open an ONNX file of the model", all().count());
        let key = if config.has("model_type") || model_type.is_empty() { "model_type" } else { "_class_name" };
        return Err(config.refuse(key, reason, near.unwrap_or(remedy)));
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

/// A remedy for a slip of the pen: the built type whose name differs in at most two letters.
fn nearest(model_type: &str) -> Option<String> {
    let distances = all().map(|known| (distance(model_type, known.model_type()), known.model_type()));
    let (distance, near) = distances.min()?;
    (distance <= 2 && 2 * distance < near.len()).then(|| format!("Did you mean {near}?"))
}

/// How many letters must be put in, left out or changed to make one name the other; long names count as far apart.
fn distance(a: &str, b: &str) -> usize {
    const LONGEST: usize = 64;
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(LONGEST + 1).collect(), b.chars().collect());
    if a.len() > LONGEST {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Draws the graph, whole or one stage of it, with weights and activations of the given element.
pub fn describe(
    architecture: &dyn Architecture,
    class: &Class,
    config: &Config,
    stage: Option<Stage>,
    float: Element,
) -> Result<Description, ModelError> {
    let name = stage.map_or_else(|| class.name.to_owned(), |stage| format!("{}-{}", class.name, stage.label()));
    let mut draft = Draft::new(&name, float);
    let config = &config.of_type(architecture.model_type());
    match stage {
        None => architecture.draw(config, class.name, draft.builder())?,
        Some(stage) => architecture.draw_stage(config, class.name, stage, draft.builder())?,
    }
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
