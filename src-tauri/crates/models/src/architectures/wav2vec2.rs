//! wav2vec 2.0 and its relatives: sound as it is, cut into frames by convolutions and read by an encoder.

use super::{Architecture, Class, deberta};
use crate::{
    Element, ModelError,
    blocks::{Activation, Attention, Convolution, Heads, Layer, Norm, group_norm, layer_norm, linear, mean_of_places},
    builder::{GraphBuilder, Var},
    config::Config,
    extent::Extent,
    graph::fixed,
    weights::Fill,
};
use contract::DimRole;

/// One of the model types.
pub struct Wav2Vec2 {
    model_type: &'static str,
    base: &'static str,
    classes: &'static [Class],
}

const VECTORS: &str = "Listens to sound and gives a vector for each frame";
const LETTERS: &str = "Listens to speech and scores a letter for each frame";
const SORT: &str = "Listens to sound and sorts it into classes";
const SORT_FRAMES: &str = "Listens to sound and sorts each frame into classes";

const fn class(name: &'static str, about: &'static str) -> Class {
    Class { name, about }
}

pub static WAV2VEC2: Wav2Vec2 = Wav2Vec2 {
    model_type: "wav2vec2",
    base: "wav2vec2",
    classes: &[
        class("Wav2Vec2Model", VECTORS),
        class("Wav2Vec2ForCTC", LETTERS),
        class("Wav2Vec2ForSequenceClassification", SORT),
        class("Wav2Vec2ForAudioFrameClassification", SORT_FRAMES),
    ],
};
pub static HUBERT: Wav2Vec2 = Wav2Vec2 {
    model_type: "hubert",
    base: "hubert",
    classes: &[
        class("HubertModel", VECTORS),
        class("HubertForCTC", LETTERS),
        class("HubertForSequenceClassification", SORT),
    ],
};
pub static UNISPEECH: Wav2Vec2 = Wav2Vec2 {
    model_type: "unispeech",
    base: "unispeech",
    classes: &[
        class("UniSpeechModel", VECTORS),
        class("UniSpeechForCTC", LETTERS),
        class("UniSpeechForSequenceClassification", SORT),
    ],
};
pub static UNISPEECH_SAT: Wav2Vec2 = Wav2Vec2 {
    model_type: "unispeech-sat",
    base: "unispeech_sat",
    classes: &[
        class("UniSpeechSatModel", VECTORS),
        class("UniSpeechSatForCTC", LETTERS),
        class("UniSpeechSatForSequenceClassification", SORT),
        class("UniSpeechSatForAudioFrameClassification", SORT_FRAMES),
    ],
};
pub static DATA2VEC_AUDIO: Wav2Vec2 = Wav2Vec2 {
    model_type: "data2vec-audio",
    base: "data2vec_audio",
    classes: &[
        class("Data2VecAudioModel", VECTORS),
        class("Data2VecAudioForCTC", LETTERS),
        class("Data2VecAudioForSequenceClassification", SORT),
        class("Data2VecAudioForAudioFrameClassification", SORT_FRAMES),
    ],
};

/// Its encoder reads fewer frames (Wu et al. 2021, arXiv 2109.06870).
pub static SEW: Wav2Vec2 = Wav2Vec2 {
    model_type: "sew",
    base: "sew",
    classes: &[class("SEWModel", VECTORS), class("SEWForCTC", LETTERS), class("SEWForSequenceClassification", SORT)],
};
/// The same with the layers of DeBERTa.
pub static SEW_D: Wav2Vec2 = Wav2Vec2 {
    model_type: "sew-d",
    base: "sew_d",
    classes: &[class("SEWDModel", VECTORS), class("SEWDForCTC", LETTERS), class("SEWDForSequenceClassification", SORT)],
};

/// These models hear so many samples.
const SAMPLES_PER_SECOND: u32 = 16_000;
/// Ten seconds.
const SAMPLES: u32 = 10 * SAMPLES_PER_SECOND;
/// The epsilon of torch's norms, which the convolutions' norms leave as it is.
const EPSILON: f64 = 1e-5;

struct Options {
    width: usize,
    inner: usize,
    layers: usize,
    heads: usize,
    activation: Activation,
    epsilon: f64,
    convolutions: Vec<Convolution>,
    channels: Vec<usize>,
    norms: Norms,
    feature_activation: Activation,
    feature_epsilon: f64,
    /// Whether frames are normalised before they are projected.
    feature_norm: bool,
    /// Whether norms come before what they belong to.
    stable: bool,
    position: Position,
    squeezed: Option<Squeezed>,
    /// Whether the checkpoint has the vector that training puts over hidden frames.
    masked: bool,
}

/// The encoder reads one frame for so many, and as many frames are made of each afterwards.
struct Squeezed {
    factor: usize,
    /// Layers of their own kind.
    layers: Option<deberta::Layers>,
}

/// Which convolutions of the front are normalised.
#[derive(PartialEq)]
enum Norms {
    /// The first one, each channel by itself.
    First,
    /// All, over the channels.
    All,
}

/// How frames learn of their places: by a convolution with many neighbours.
struct Position {
    kernel: usize,
    /// One place for so many frames.
    stride: usize,
    groups: usize,
    /// So many small ones after each other, as in data2vec; else one with a normalised weight.
    layers: Option<usize>,
}

impl Options {
    fn read(config: &Config, model_type: &str) -> Result<Self, ModelError> {
        let disentangled = model_type == SEW_D.model_type;
        if disentangled || model_type == SEW.model_type {
            let config = &config.over_defaults(model_type, &[]);
            let layers = disentangled.then(|| deberta::Layers::read(config)).transpose()?;
            let squeezed = Squeezed { factor: config.size("squeeze_factor", 2)?, layers };
            return Self::read_with(config, model_type, Some(squeezed));
        }
        Self::read_with(config, model_type, None)
    }

    fn read_with(config: &Config, model_type: &str, squeezed: Option<Squeezed>) -> Result<Self, ModelError> {
        let width = config.size("hidden_size", 768)?;
        let heads = config.size("num_attention_heads", 12)?;
        config.divides("hidden_size", width, "num_attention_heads", heads)?;
        config.must_be_off("add_adapter", "the adapter after the encoder")?;
        config.must_be_off("conv_pos_batch_norm", "a batch norm before the convolution of positions")?;
        config.must_be_off("use_weighted_layer_sum", "a weighted sum of all layers")?;
        if config.has("adapter_attn_dim") {
            let remedy = "Remove the key, and the adapters' weights with it";
            return Err(config.refuse("adapter_attn_dim", "adapters between layers are not built", remedy));
        }
        let channels = config.sizes("conv_dim", &[512; 7])?;
        let kernels = config.stages("conv_kernel", &[10, 3, 3, 3, 3, 2, 2], channels.len())?;
        let strides = config.stages("conv_stride", &[5, 2, 2, 2, 2, 2, 2], channels.len())?;
        let data2vec = model_type == DATA2VEC_AUDIO.model_type;
        let bias = config.flag("conv_bias", false)?;
        let convolutions = (0..channels.len()).map(|index| {
            let inputs = if index == 0 { 1 } else { channels[index - 1] };
            Convolution::line(inputs, channels[index], kernels[index]).stride(strides[index]).bias(bias)
        });
        let norms = match config.text("feat_extract_norm", "group")? {
            _ if data2vec => Norms::All,
            "group" => Norms::First,
            "layer" => Norms::All,
            _ => return Err(config.refuse("feat_extract_norm", "this norm is not known", "Known are group and layer")),
        };
        let groups = config.size("num_conv_pos_embedding_groups", 16)?;
        config.divides("hidden_size", width, "num_conv_pos_embedding_groups", groups)?;
        let position = if data2vec {
            let (kernel, layers) =
                (config.size("conv_pos_kernel_size", 19)?, config.layers("num_conv_pos_embeddings", 5)?);
            Position { kernel, stride: 1, groups, layers: Some(layers) }
        } else {
            let stride = squeezed.as_ref().map_or(1, |squeezed| squeezed.factor);
            Position { kernel: config.size("num_conv_pos_embeddings", 128)?, stride, groups, layers: None }
        };
        if position.stride > position.kernel.div_ceil(2) {
            let reason = format!("the convolution of positions looks at {} frames only", position.kernel);
            let remedy = "Choose at most half of num_conv_pos_embeddings";
            return Err(config.refuse("squeeze_factor", reason, remedy));
        }
        let epsilon = config.positive("layer_norm_eps", 1e-5)?;
        Ok(Self {
            width,
            inner: config.size("intermediate_size", 3072)?,
            layers: config.layers("num_hidden_layers", 12)?,
            heads,
            activation: Activation::read(config, "hidden_act", "gelu")?,
            epsilon,
            convolutions: convolutions.collect(),
            channels,
            norms,
            feature_activation: Activation::read(config, "feat_extract_activation", "gelu")?,
            feature_epsilon: match &squeezed {
                Some(Squeezed { layers: Some(_), .. }) => config.positive("feature_layer_norm_eps", 1e-5)?,
                _ => epsilon,
            },
            feature_norm: config.flag("feat_proj_layer_norm", true)?,
            stable: squeezed.is_none() && config.flag("do_stable_layer_norm", false)?,
            position,
            squeezed,
            masked: config.amount("mask_time_prob", 0.05)? > 0.0 || config.amount("mask_feature_prob", 0.0)? > 0.0,
        })
    }
}

impl Architecture for Wav2Vec2 {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        self.base
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config, self.model_type)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let batch = b.free("batch", DimRole::Batch, "How many recordings at once?", 1, None);
        let question = "How many samples of sound (16 000 are a second)?";
        let samples = b.free_samples("samples", question, SAMPLES, SAMPLES_PER_SECOND);
        let sound = b.input("input_values", Element::F32, &[batch.clone(), samples.clone()]);
        let frames = options.convolutions.iter().fold(Extent::of(&samples), |frames, next| next.extent(0, &frames));
        let factor = options.position.stride;
        b.tokens(&batch, &frames.after(factor, factor, 0).dimension());
        let frames = frames.dimension();

        let width = options.width;
        if class == self.classes[0].name {
            let hidden = listen(&mut b, &options, &sound);
            b.output("last_hidden_state", &hidden, &[batch, frames, fixed(width)]);
            return Ok(());
        }
        let hidden = listen(&mut b.at(self.base), &options, &sound);
        if class.ends_with("ForCTC") {
            let letters = config.size("vocab_size", 32)?;
            let scores = linear(&mut b.at("lm_head"), &hidden, width, letters, true);
            b.output("logits", &scores, &[batch, frames, fixed(letters)]);
            return Ok(());
        }
        let labels = config.labels()?;
        if class.ends_with("ForAudioFrameClassification") {
            let scores = linear(&mut b.at("classifier"), &hidden, width, labels, true);
            b.output("logits", &scores, &[batch, frames, fixed(labels)]);
        } else {
            let narrow = config.size("classifier_proj_size", 256)?;
            let hidden = linear(&mut b.at("projector"), &hidden, width, narrow, true);
            let mean = b.mean(&hidden, &[1], false);
            let scores = linear(&mut b.at("classifier"), &mean, narrow, labels, true);
            b.output("logits", &scores, &[batch, fixed(labels)]);
        }
        Ok(())
    }
}

/// The vector of each frame: `[batch, frames, width]`.
fn listen(b: &mut GraphBuilder, options: &Options, sound: &Var) -> Var {
    let Options { width, epsilon, .. } = *options;
    if options.masked {
        b.unread("masked_spec_embed", &[width]);
    }
    let seen = features(&mut b.at("feature_extractor"), options, sound);
    if let Some(squeezed) = &options.squeezed {
        let hidden = project_plain(b, options, &seen);
        return listen_squeezed(&mut b.at("encoder"), options, squeezed, &hidden);
    }
    let hidden = project(&mut b.at("feature_projection"), options, &seen);
    b.hint(&hidden, width);
    let mut b = b.at("encoder");
    let places = positions(&mut b.at("pos_conv_embed"), options, &hidden);
    let mut hidden = b.add(&hidden, &places);
    if !options.stable {
        hidden = layer_norm(&mut b.at("layer_norm"), &hidden, width, epsilon);
    }
    hidden = read_frames(&mut b, options, hidden);
    if options.stable {
        hidden = layer_norm(&mut b.at("layer_norm"), &hidden, width, epsilon);
    }
    hidden
}

/// All layers.
fn read_frames(b: &mut GraphBuilder, options: &Options, mut hidden: Var) -> Var {
    let Options { width, epsilon, .. } = *options;
    let layer = Layer {
        attention: Attention::new(Heads::even(width, options.heads), ["q_proj", "k_proj", "v_proj", "out_proj"]),
        modules: ["attention", "layer_norm", "final_layer_norm"],
        network: ["feed_forward.intermediate_dense", "feed_forward.output_dense"],
        inner: options.inner,
        activation: options.activation,
        epsilon,
        norm_first: options.stable,
        scales: None,
    };
    for index in 0..options.layers {
        hidden = layer.apply(&mut b.at(format_args!("layers.{index}")), &hidden);
    }
    hidden
}

/// Fewer frames are read, each the mean of some, and as many made again; those left over at the end are zeros.
fn listen_squeezed(b: &mut GraphBuilder, options: &Options, squeezed: &Squeezed, frames: &Var) -> Var {
    let (width, factor) = (options.width, squeezed.factor);
    let places = positions(&mut b.at("pos_conv_embed"), options, frames);
    let turned = b.transpose(frames, &[0, 2, 1]);
    let means = mean_of_places(b, &turned, factor);
    let means = b.transpose(&means, &[0, 2, 1]);
    let hidden = b.add(&means, &places);
    b.hint(&hidden, width);
    let hidden = match &squeezed.layers {
        Some(layers) => layers.apply(&mut b.at("encoder"), &hidden),
        None => {
            let normal = layer_norm(&mut b.at("layer_norm"), &hidden, width, options.epsilon);
            read_frames(b, options, normal)
        }
    };
    let mut b = b.at("upsample");
    let wide = linear(&mut b.at("projection"), &hidden, width, factor * width, true);
    let wide = options.feature_activation.apply(&mut b, &wide);
    let apart = b.reshape(&wide, &[0, -1, width as i64]);
    let longest = b.pad(&apart, &[0, 0, 0, 0, factor as i64 - 1, 0]);
    let (start, length) = (b.ints(&[0]), b.size_of(frames, 1));
    b.slice_between(&longest, &start, &length, 1)
}

/// Frames from samples: `[batch, samples]` to `[batch, frames, channels]`.
fn features(b: &mut GraphBuilder, options: &Options, sound: &Var) -> Var {
    let sound = b.cast_float(sound);
    let mut x = b.unsqueeze(&sound, 1);
    for (index, convolution) in options.convolutions.iter().enumerate() {
        let (mut b, channels) = (b.at(format_args!("conv_layers.{index}")), options.channels[index]);
        x = convolution.apply(&mut b.at("conv"), &x);
        if options.norms == Norms::All {
            let last = b.transpose(&x, &[0, 2, 1]);
            let normal = layer_norm(&mut b.at("layer_norm"), &last, channels, EPSILON);
            x = b.transpose(&normal, &[0, 2, 1]);
        } else if index == 0 {
            x = group_norm(&mut b.at("layer_norm"), &x, [channels, channels, 1], EPSILON);
        }
        x = options.feature_activation.apply(&mut b, &x);
    }
    b.transpose(&x, &[0, 2, 1])
}

/// Frames as wide as the encoder's are only normalised.
fn project_plain(b: &mut GraphBuilder, options: &Options, x: &Var) -> Var {
    let channels = options.channels.last().copied().unwrap_or(1);
    let normal = layer_norm(&mut b.at("layer_norm"), x, channels, options.feature_epsilon);
    if channels == options.width {
        return normal;
    }
    linear(&mut b.at("feature_projection"), &normal, channels, options.width, true)
}

fn project(b: &mut GraphBuilder, options: &Options, x: &Var) -> Var {
    let channels = options.channels.last().copied().unwrap_or(1);
    let x = if options.feature_norm {
        layer_norm(&mut b.at("layer_norm"), x, channels, options.feature_epsilon)
    } else {
        x.clone()
    };
    linear(&mut b.at("projection"), &x, channels, options.width, true)
}

/// What each frame, or each of those that the encoder reads, hears of its neighbours: `[batch, frames, width]`.
fn positions(b: &mut GraphBuilder, options: &Options, hidden: &Var) -> Var {
    let (Position { kernel, stride, groups, layers }, width) = (&options.position, options.width);
    // Torch pads both sides alike and takes the last frame away where that makes one too many.
    let pads = [kernel / 2, kernel.div_ceil(2) - stride];
    let convolution = Convolution::line(width, width, *kernel).stride(*stride).pads(&pads).groups(*groups);
    let mut x = b.transpose(hidden, &[0, 2, 1]);
    match layers {
        None => {
            let mut conv = b.at("conv");
            let weight = normalised_weight(&mut conv, &convolution.shape());
            x = convolution.apply_with(&mut conv, &x, &weight);
            x = options.feature_activation.apply(&mut conv, &x);
        }
        Some(layers) => {
            for index in 0..*layers {
                let mut b = b.at(format_args!("layers.{index}"));
                x = convolution.apply(&mut b.at("conv"), &x);
                let last = b.transpose(&x, &[0, 2, 1]);
                let normal = Norm::LayerPlain(EPSILON).apply(&mut b, &last, width);
                x = b.transpose(&normal, &[0, 2, 1]);
                x = options.feature_activation.apply(&mut b, &x);
            }
        }
    }
    b.transpose(&x, &[0, 2, 1])
}

/// A weight kept as its length and its direction for each place of the kernel.
fn normalised_weight(b: &mut GraphBuilder, shape: &[usize]) -> Var {
    let mut b = b.at("parametrizations.weight");
    let length = b.weight("original0", &[1, 1, shape[2]], Fill::Ones);
    let direction = b.weight("original1", shape, Fill::Matrix);
    let own = b.length(&direction, &[0, 1]);
    let unit = b.div(&direction, &own);
    b.mul(&unit, &length)
}
