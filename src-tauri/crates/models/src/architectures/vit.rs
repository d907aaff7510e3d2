//! ViT and its relatives: an image, a spectrogram or a video cut into patches, read by an encoder that is normalised
//! before each block.

use super::{Architecture, Class, dpt::Dpt, repaint::Repaint};
use crate::{
    Dimension, Element, ModelError,
    blocks::{
        Activation, Attention, Convolution, Heads, Layer, as_sequence, for_each_sample, gated_together, layer_norm,
        linear, vector_at, with_tokens,
    },
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
    weights::Fill,
};
use contract::DimRole;

/// One of the model types.
pub struct Vit {
    model_type: &'static str,
    /// Module of the base model inside the other classes.
    base: &'static str,
    classes: &'static [Class],
    input: Input,
    /// Learned vectors before the patches.
    front: &'static [&'static str],
    whole: Whole,
    /// Whether the base model gives that vector too, not just a classifier reads it.
    whole_in_base: bool,
    head: Head,
    norms: Norms,
    epsilon: f64,
    activation: &'static str,
}

/// What is cut into patches.
#[derive(Clone, Copy, PartialEq)]
enum Input {
    /// With the default edge of a patch.
    Image(usize),
    Spectrogram,
    /// Some frames at once, with the key that says how many, and whether positions are waves rather than learned.
    Video {
        tubelets: bool,
        waves: bool,
    },
}

/// The vector for the whole that the base model gives besides those of the places.
#[derive(Clone, Copy, PartialEq)]
enum Whole {
    /// Of the first place through a dense layer, whose width and activation may be chosen or not.
    Dense {
        chosen: bool,
    },
    First,
    /// The mean of the first two.
    Two,
    /// The mean of the patches, normalised, where `use_mean_pooling` says so.
    Pooled,
    None,
}

/// What a classifier reads.
#[derive(Clone, Copy, PartialEq)]
enum Head {
    First,
    /// The first and the mean of the patches side by side.
    FirstAndMean,
    Mean,
    /// The base model's vector for the whole, normalised first.
    NormalWhole,
    /// The base model's vector for the whole.
    Whole,
    /// The mean, normalised by `fc_norm`.
    NormalMean,
}

/// What the parts of a layer are called and have.
#[derive(Clone, Copy, PartialEq)]
enum Norms {
    Plain,
    /// `norm1`, `norm2`, weights that scale what each block adds, and `mlp`.
    Dino,
    /// Weights that scale what each block adds, and keys without bias.
    Beit,
    /// Keys without bias.
    NoKeyBias,
    /// Weights that scale what each block adds, and short names.
    Intern,
}

const PLACES: &str = "Looks at an image and gives a vector for each patch";
const PLACES_AND_WHOLE: &str = "Looks at an image and gives a vector for each patch and one for the whole";
const SORT: &str = "Looks at an image and sorts it into classes";
const REPAINT: &str = "Looks at an image and paints it anew, as it learns to do with images that are hidden in part";
const VIDEO: &str = "Looks at a video and gives a vector for each patch";
const SORT_VIDEO: &str = "Looks at a video and sorts it into classes";

const fn class(name: &'static str, about: &'static str) -> Class {
    Class { name, about }
}

const PLAIN: Vit = Vit {
    model_type: "vit",
    base: "vit",
    classes: &[
        class("ViTModel", PLACES_AND_WHOLE),
        class("ViTForImageClassification", SORT),
        class("ViTForMaskedImageModeling", REPAINT),
    ],
    input: Input::Image(16),
    front: &["cls_token"],
    whole: Whole::Dense { chosen: true },
    whole_in_base: true,
    head: Head::First,
    norms: Norms::Plain,
    epsilon: 1e-12,
    activation: "gelu",
};
pub static VIT: Vit = PLAIN;
pub static DEIT: Vit = Vit {
    model_type: "deit",
    base: "deit",
    classes: &[
        class("DeiTModel", PLACES_AND_WHOLE),
        class("DeiTForImageClassification", SORT),
        class("DeiTForImageClassificationWithTeacher", SORT),
    ],
    front: &["cls_token", "distillation_token"],
    ..PLAIN
};
pub static VIT_MSN: Vit = Vit {
    model_type: "vit_msn",
    classes: &[class("ViTMSNModel", PLACES), class("ViTMSNForImageClassification", SORT)],
    whole: Whole::None,
    epsilon: 1e-6,
    ..PLAIN
};
pub static IJEPA: Vit = Vit {
    model_type: "ijepa",
    base: "ijepa",
    classes: &[class("IJepaModel", PLACES), class("IJepaForImageClassification", SORT)],
    front: &[],
    whole: Whole::None,
    head: Head::Mean,
    ..PLAIN
};
pub static DPT: Vit = Vit {
    model_type: "dpt",
    base: "dpt",
    classes: &[
        class("DPTModel", PLACES_AND_WHOLE),
        class("DPTForDepthEstimation", "Looks at an image and tells how far away each pixel is"),
        class("DPTForSemanticSegmentation", "Looks at an image and sorts each pixel into classes"),
    ],
    ..PLAIN
};
pub static YOLOS: Vit = Vit {
    model_type: "yolos",
    classes: &[
        class("YolosModel", PLACES_AND_WHOLE),
        class("YolosForObjectDetection", "Finds objects in an image: their classes and boxes"),
    ],
    whole: Whole::Dense { chosen: false },
    ..PLAIN
};
pub static DINOV2: Vit = Vit {
    model_type: "dinov2",
    base: "dinov2",
    classes: &[class("Dinov2Model", PLACES_AND_WHOLE), class("Dinov2ForImageClassification", SORT)],
    input: Input::Image(14),
    whole: Whole::First,
    head: Head::FirstAndMean,
    norms: Norms::Dino,
    epsilon: 1e-6,
    ..PLAIN
};
pub static DINOV2_WITH_REGISTERS: Vit = Vit {
    model_type: "dinov2_with_registers",
    base: "dinov2_with_registers",
    classes: &[
        class("Dinov2WithRegistersModel", PLACES_AND_WHOLE),
        class("Dinov2WithRegistersForImageClassification", SORT),
    ],
    input: Input::Image(16),
    ..DINOV2_BODY
};
const DINOV2_BODY: Vit =
    Vit { whole: Whole::First, head: Head::FirstAndMean, norms: Norms::Dino, epsilon: 1e-6, ..PLAIN };
const BEIT_BODY: Vit = Vit { whole: Whole::Pooled, head: Head::Whole, norms: Norms::Beit, ..PLAIN };
pub static BEIT: Vit = Vit {
    model_type: "beit",
    base: "beit",
    classes: &[class("BeitModel", PLACES_AND_WHOLE), class("BeitForImageClassification", SORT)],
    ..BEIT_BODY
};
pub static DATA2VEC_VISION: Vit = Vit {
    model_type: "data2vec-vision",
    base: "data2vec_vision",
    classes: &[class("Data2VecVisionModel", PLACES), class("Data2VecVisionForImageClassification", SORT)],
    whole_in_base: false,
    ..BEIT_BODY
};
pub static AST: Vit = Vit {
    model_type: "audio-spectrogram-transformer",
    base: "audio_spectrogram_transformer",
    classes: &[
        class(
            "ASTModel",
            "Listens to sound and gives a vector for each patch of its spectrogram and one for the whole",
        ),
        class("ASTForAudioClassification", "Listens to sound and sorts it into classes"),
    ],
    input: Input::Spectrogram,
    front: &["cls_token", "distillation_token"],
    whole: Whole::Two,
    head: Head::NormalWhole,
    ..PLAIN
};
pub static VIVIT: Vit = Vit {
    model_type: "vivit",
    base: "vivit",
    classes: &[class("VivitModel", VIDEO), class("VivitForVideoClassification", SORT_VIDEO)],
    input: Input::Video { tubelets: true, waves: false },
    epsilon: 1e-6,
    activation: "gelu_fast",
    ..PLAIN
};
pub static VIDEOMAE: Vit = Vit {
    model_type: "videomae",
    base: "videomae",
    classes: &[class("VideoMAEModel", VIDEO), class("VideoMAEForVideoClassification", SORT_VIDEO)],
    input: Input::Video { tubelets: false, waves: true },
    front: &[],
    whole: Whole::None,
    head: Head::NormalMean,
    norms: Norms::NoKeyBias,
    ..PLAIN
};

const INTERN_BODY: Vit = Vit { whole: Whole::None, norms: Norms::Intern, epsilon: 1e-6, ..PLAIN };
pub static INTERNVL_VISION: Vit = Vit {
    model_type: "internvl_vision",
    base: "vision_tower",
    classes: &[class("InternVLVisionModel", PLACES)],
    ..INTERN_BODY
};
pub static QIANFAN_OCR_VISION: Vit = Vit {
    model_type: "qianfan_ocr_vision",
    base: "vision_tower",
    classes: &[class("QianfanOCRVisionModel", PLACES)],
    ..INTERN_BODY
};

/// The epsilon of torch's LayerNorm, which VideoMAE's last norm leaves as it is.
const EPSILON: f64 = 1e-5;

struct Options {
    width: usize,
    inner: usize,
    layers: usize,
    heads: usize,
    activation: Activation,
    epsilon: f64,
    bias: bool,
    channels: usize,
    /// Sizes of what comes in after batch and, for images and videos, channels: frames, height, width.
    sizes: Vec<usize>,
    patches: Patches,
    /// Learned vectors after the patches.
    detectors: usize,
    /// Learned vectors put behind the first one after positions were added.
    registers: usize,
    /// Positions are added again after each layer but the last.
    again: bool,
    placed: bool,
    gated: bool,
    /// Whether a norm follows the last layer.
    final_norm: bool,
    pooled_width: usize,
    pooled_activation: Activation,
}

/// The convolution that cuts, and how many patches there are.
struct Patches {
    convolution: Convolution,
    count: usize,
}

impl Architecture for Vit {
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
        let options = self.read(config)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let (batch, pixels) = self.declare(&mut b, &options);
        let (width, places) = (options.width, self.places(&options));
        b.tokens(&batch, &fixed(places));
        if class == self.classes[0].name {
            let hidden = self.encode(&mut b, config, &options, &pixels)?;
            let whole = if self.whole_in_base { self.whole(&mut b, &options, &hidden) } else { None };
            b.output("last_hidden_state", &hidden, &[batch.clone(), fixed(places), fixed(width)]);
            if let Some(whole) = whole {
                b.output("pooler_output", &whole, &[batch, fixed(options.pooled_width)]);
            }
            return Ok(());
        }
        if self.model_type == DPT.model_type {
            let heads = Dpt::read(config, options.layers, width, options.patches.count)?;
            let states = self.states(&mut b.at(self.base), &options, &pixels, &heads.layers);
            if class.ends_with("ForSemanticSegmentation") {
                return heads.draw_classes(&mut b, config, batch, &states);
            }
            heads.draw_depth(&mut b, batch, &states);
            return Ok(());
        }
        let hidden = self.encode(&mut b.at(self.base), config, &options, &pixels)?;
        if class.ends_with("ForMaskedImageModeling") {
            b.at(self.base).at("embeddings").unread("mask_token", &[1, 1, width]);
            let patches = b.slice(&hidden, [self.front.len() as i64, i64::MAX], 1);
            let repaint = Repaint::read(config, options.patches.count, 16, options.channels)?;
            repaint.draw(&mut b, batch, &patches, width);
            return Ok(());
        }
        let labels = config.labels()?;
        if class.ends_with("ForObjectDetection") {
            // One more for a detector that finds nothing.
            let found = b.slice(&hidden, [-(options.detectors as i64), i64::MAX], 1);
            let scores = perceptron(&mut b.at("class_labels_classifier"), &found, width, labels + 1);
            let boxes = perceptron(&mut b.at("bbox_predictor"), &found, width, 4);
            let boxes = b.unary("Sigmoid", &boxes);
            let detectors = fixed(options.detectors);
            b.output("logits", &scores, &[batch.clone(), detectors.clone(), fixed(labels + 1)]);
            b.output("pred_boxes", &boxes, &[batch, detectors, fixed(4)]);
            return Ok(());
        }
        let scores = if class.ends_with("WithTeacher") {
            let mut score = |module: &str, place: i64| {
                let vector = vector_at(&mut b, &hidden, place);
                linear(&mut b.at(module), &vector, width, labels, true)
            };
            let (own, taught) = (score("cls_classifier", 0), score("distillation_classifier", 1));
            let sum = b.add(&own, &taught);
            let half = b.scalar(0.5);
            b.mul(&sum, &half)
        } else {
            self.classify(&mut b, &options, &hidden, labels)
        };
        b.output("logits", &scores, &[batch, fixed(labels)]);
        Ok(())
    }
}

impl Vit {
    fn read(&self, config: &Config) -> Result<Options, ModelError> {
        let intern = self.norms == Norms::Intern;
        let width = config.size("hidden_size", if intern { 1024 } else { 768 })?;
        let heads = config.size("num_attention_heads", if intern { 16 } else { 12 })?;
        config.divides("hidden_size", width, "num_attention_heads", heads)?;
        for (key, what) in [
            ("is_hybrid", "a residual network before the patches"),
            ("use_relative_position_bias", "a bias by distance in each layer"),
            ("use_shared_relative_position_bias", "a bias by distance"),
            ("use_qk_norm", "a norm of queries and keys"),
        ] {
            config.must_be_off(key, what)?;
        }
        let channels = config.size("num_channels", 3)?;
        let (sizes, patches) = self.cut(config, channels, width)?;
        if self.computes_places() {
            config.check_table("image_size", patches.count, width)?;
        }
        let yolos = self.model_type == YOLOS.model_type;
        let (inner, gated) = if self.norms == Norms::Dino {
            let inner = (width as f64 * config.positive("mlp_ratio", 4.0)?) as usize;
            let gated = config.flag("use_swiglu_ffn", false)?;
            // The gate costs a third matrix, so the others are a third narrower, rounded up to eights.
            (if gated { (inner * 2 / 3).next_multiple_of(8) } else { inner }, gated)
        } else {
            (config.size("intermediate_size", if intern { 4096 } else { 3072 })?, false)
        };
        let (pooled_width, pooled_activation) = match self.whole {
            Whole::Dense { chosen: true } => {
                (config.size("pooler_output_size", width)?, Activation::read(config, "pooler_act", "tanh")?)
            }
            _ => (width, Activation::Tanh),
        };
        let pools = matches!(self.whole, Whole::Pooled) || self.head == Head::NormalMean;
        let mean = pools && config.flag("use_mean_pooling", true)?;
        if pools && !mean {
            let remedy = "Set use_mean_pooling to true";
            return Err(config.refuse("use_mean_pooling", "a whole that is not the mean is not built", remedy));
        }
        let (bias_key, biased) = match self.norms {
            Norms::NoKeyBias => ("qv_bias", true),
            Norms::Intern => ("attention_bias", self.model_type == QIANFAN_OCR_VISION.model_type),
            _ => ("qkv_bias", true),
        };
        if intern && config.text("norm_type", "layer_norm")? != "layer_norm" {
            return Err(config.refuse("norm_type", "this norm is not built", "Use layer_norm"));
        }
        let mean = mean || intern && config.flag("use_mean_pooling", true)?;
        Ok(Options {
            width,
            inner,
            layers: config.layers("num_hidden_layers", if intern { 24 } else { 12 })?,
            heads,
            activation: Activation::read(config, "hidden_act", self.activation)?,
            epsilon: config.positive("layer_norm_eps", self.epsilon)?,
            bias: self.norms == Norms::Beit || config.flag(bias_key, biased)?,
            channels,
            sizes,
            patches,
            detectors: if yolos { config.size("num_detection_tokens", 100)? } else { 0 },
            registers: if self.model_type == DINOV2_WITH_REGISTERS.model_type {
                config.size("num_register_tokens", 4)?
            } else {
                0
            },
            again: yolos && config.flag("use_mid_position_embeddings", true)?,
            placed: !matches!(self.norms, Norms::Beit | Norms::Intern)
                || config.flag("use_absolute_position_embeddings", intern)?,
            gated,
            final_norm: !mean,
            pooled_width,
            pooled_activation,
        })
    }

    /// The sizes of the input and how it is cut.
    fn cut(&self, config: &Config, channels: usize, width: usize) -> Result<(Vec<usize>, Patches), ModelError> {
        let whole = |key: &str, size: usize, patch: usize| {
            if size >= patch && patch > 0 {
                return Ok(size / patch);
            }
            Err(config.refuse(key, format!("a patch of {patch} is larger than {size}"), "Use a smaller patch"))
        };
        match self.input {
            Input::Image(patch) => {
                let [patch, other] = config.pair("patch_size", if self.norms == Norms::Intern { 14 } else { patch })?;
                if patch != other {
                    return Err(config.refuse("patch_size", "oblong patches are not built", "Use one number"));
                }
                let default = match self.norms {
                    Norms::Intern => 448,
                    _ if self.model_type == DPT.model_type => 384,
                    _ => 224,
                };
                let image = if self.model_type == YOLOS.model_type && !config.has("image_size") {
                    [512, 864]
                } else {
                    config.pair("image_size", default)?
                };
                for edge in image {
                    if self.model_type == VIT.model_type {
                        config.divides("image_size", edge, "patch_size", patch)?;
                    }
                }
                let count = whole("patch_size", image[0], patch)? * whole("patch_size", image[1], patch)?;
                let convolution = Convolution::patches(channels, width, patch);
                Ok((image.to_vec(), Patches { convolution, count }))
            }
            Input::Spectrogram => {
                let patch = config.size("patch_size", 16)?;
                let (length, bins) = (config.size("max_length", 1024)?, config.size("num_mel_bins", 128)?);
                let (across, along) = (config.size("frequency_stride", 10)?, config.size("time_stride", 10)?);
                whole("patch_size", length.min(bins), patch)?;
                let count = ((bins - patch) / across + 1) * ((length - patch) / along + 1);
                let convolution = Convolution::square(1, width, patch).strides(&[across, along]);
                Ok((vec![length, bins], Patches { convolution, count }))
            }
            Input::Video { tubelets, .. } => {
                let image = config.pair("image_size", 224)?;
                let frames = config.size("num_frames", if tubelets { 32 } else { 16 })?;
                let kernel = if tubelets {
                    config.stages("tubelet_size", &[2, 16, 16], 3)?
                } else {
                    let patch = config.pair("patch_size", 16)?;
                    vec![config.size("tubelet_size", 2)?, patch[0], patch[1]]
                };
                let cuts = [
                    whole("tubelet_size", frames, kernel[0])?,
                    whole("patch_size", image[0], kernel[1])?,
                    whole("patch_size", image[1], kernel[2])?,
                ];
                let count = cuts.into_iter().try_fold(1usize, usize::checked_mul).ok_or_else(|| {
                    config.refuse("image_size", "there are more patches than can be counted", "Use smaller images")
                })?;
                let convolution = Convolution::new(channels, width, &kernel).strides(&kernel);
                Ok((vec![frames, image[0], image[1]], Patches { convolution, count }))
            }
        }
    }

    /// Whether what is added for each place follows from where it is, rather than from training.
    fn computes_places(&self) -> bool {
        self.input == (Input::Video { tubelets: false, waves: true })
    }

    fn places(&self, options: &Options) -> usize {
        self.front.len() + options.registers + options.patches.count + options.detectors
    }

    fn declare(&self, b: &mut GraphBuilder, options: &Options) -> (Dimension, Var) {
        let question = match self.input {
            Input::Image(_) => "How many images at once?",
            Input::Spectrogram => "How many recordings at once?",
            Input::Video { .. } => "How many videos at once?",
        };
        let batch = b.free("batch", DimRole::Batch, question, 1, None);
        let mut shape: Vec<Dimension> = options.sizes.iter().map(|size| fixed(*size)).collect();
        match self.input {
            Input::Image(_) => shape.insert(0, fixed(options.channels)),
            Input::Spectrogram => {}
            // Frames come first, then channels.
            Input::Video { .. } => shape.insert(1, fixed(options.channels)),
        }
        shape.insert(0, batch.clone());
        let name = if self.input == Input::Spectrogram { "input_values" } else { "pixel_values" };
        (batch, b.input(name, Element::F32, &shape))
    }

    /// The vector of each place: `[batch, places, width]`.
    fn encode(
        &self,
        b: &mut GraphBuilder,
        config: &Config,
        options: &Options,
        pixels: &Var,
    ) -> Result<Var, ModelError> {
        let Options { width, epsilon, layers, .. } = *options;
        self.note_mask_token(b, config, width)?;
        let mut hidden = self.embed(&mut b.at("embeddings"), options, pixels);
        let mut encoder = b.at("encoder");
        let again = options.again.then(|| {
            let shape = [layers.saturating_sub(1).max(1), 1, self.places(options), width];
            encoder.weight("mid_position_embeddings", &shape, Fill::Matrix)
        });
        for index in 0..layers {
            hidden = self.layer(&mut encoder.at(format_args!("layer.{index}")), options, &hidden);
            if let Some(again) = again.as_ref().filter(|_| index + 1 < layers) {
                let place = encoder.int(index as i64);
                let places = encoder.gather(again, &place, 0);
                hidden = encoder.add(&hidden, &places);
            }
        }
        if options.final_norm {
            hidden = layer_norm(&mut b.at("layernorm"), &hidden, width, epsilon);
        }
        Ok(hidden)
    }

    /// What some layers make of each place, `[batch, places, width]` each. What comes after the last of them is part of the
    /// model, and unread.
    fn states(&self, b: &mut GraphBuilder, options: &Options, pixels: &Var, taken: &[usize]) -> Vec<Var> {
        let end = taken.last().map_or(0, |last| last + 1);
        let mut hidden = self.embed(&mut b.at("embeddings"), options, pixels);
        let mut states = Vec::with_capacity(taken.len());
        for index in 0..end {
            hidden = self.layer(&mut b.at(format_args!("encoder.layer.{index}")), options, &hidden);
            if taken.contains(&index) {
                states.push(hidden.clone());
            }
        }
        b.undrawn(|b| {
            for index in end..options.layers {
                hidden = self.layer(&mut b.at(format_args!("encoder.layer.{index}")), options, &hidden);
            }
            layer_norm(&mut b.at("layernorm"), &hidden, options.width, options.epsilon);
        });
        states
    }

    /// The vector that training puts over hidden patches.
    fn note_mask_token(&self, b: &mut GraphBuilder, config: &Config, width: usize) -> Result<(), ModelError> {
        let shape: &[usize] = match self.norms {
            Norms::Dino if config.flag("use_mask_token", true)? => &[1, width],
            Norms::Beit | Norms::Intern if config.flag("use_mask_token", false)? => &[1, 1, width],
            _ => return Ok(()),
        };
        b.at("embeddings").unread("mask_token", shape);
        Ok(())
    }

    fn embed(&self, b: &mut GraphBuilder, options: &Options, pixels: &Var) -> Var {
        let Options { width, registers, .. } = *options;
        let pixels = b.cast_float(pixels);
        let pixels = match self.input {
            Input::Image(_) => pixels,
            Input::Spectrogram => {
                let turned = b.transpose(&pixels, &[0, 2, 1]);
                b.unsqueeze(&turned, 1)
            }
            Input::Video { .. } => b.transpose(&pixels, &[0, 2, 1, 3, 4]),
        };
        let seen = options.patches.convolution.apply(&mut b.at("patch_embeddings.projection"), &pixels);
        let seen = as_sequence(b, &seen, width);
        let front: Vec<Var> = self.front.iter().map(|name| b.weight(name, &[1, 1, width], Fill::Matrix)).collect();
        let mut all = if front.is_empty() { seen } else { with_tokens(b, &front.iter().collect::<Vec<_>>(), &seen) };
        if options.detectors > 0 {
            let detectors = b.weight("detection_tokens", &[1, options.detectors, width], Fill::Matrix);
            let detectors = for_each_sample(b, &detectors, 3, &all);
            all = b.concat(&[&all, &detectors], 1);
        }
        let count = self.places(options) - registers;
        if self.computes_places() {
            let waves = waves(count, width);
            let waves = b.table("position_embeddings", &[1, count, width], &waves);
            let waves = b.cast_float(&waves);
            return b.add(&all, &waves);
        }
        if options.placed {
            let places = b.weight("position_embeddings", &[1, count, width], Fill::Matrix);
            all = b.add(&all, &places);
        }
        if registers > 0 {
            let registered = b.weight("register_tokens", &[1, registers, width], Fill::Matrix);
            let parts = b.split(&all, &[1, count - 1], 1);
            let registered = for_each_sample(b, &registered, 3, &all);
            all = b.concat(&[&parts[0], &registered, &parts[1]], 1);
        }
        all
    }

    fn layer(&self, b: &mut GraphBuilder, options: &Options, hidden: &Var) -> Var {
        let Options { width, inner, activation, epsilon, bias, .. } = *options;
        let key_bias = bias && !matches!(self.norms, Norms::Beit | Norms::NoKeyBias);
        let modules = match self.norms {
            Norms::Intern => ["q_proj", "k_proj", "v_proj", "projection_layer"],
            _ => ["attention.query", "attention.key", "attention.value", "output.dense"],
        };
        let attention = Attention {
            bias: [bias, key_bias, bias, true],
            ..Attention::new(Heads::even(width, options.heads), modules)
        };
        let (modules, network, scales) = match self.norms {
            Norms::Dino => (
                ["attention", "norm1", "norm2"],
                ["mlp.fc1", "mlp.fc2"],
                Some(["layer_scale1.lambda1", "layer_scale2.lambda1"]),
            ),
            norms => (
                ["attention", "layernorm_before", "layernorm_after"],
                if norms == Norms::Intern { ["mlp.fc1", "mlp.fc2"] } else { ["intermediate.dense", "output.dense"] },
                matches!(norms, Norms::Beit | Norms::Intern).then_some(["lambda_1", "lambda_2"]),
            ),
        };
        let layer = Layer { attention, modules, network, inner, activation, epsilon, norm_first: true, scales };
        if !options.gated {
            return layer.apply(b, hidden);
        }
        layer.apply_with(b, hidden, |b, x| {
            gated_together(b, x, ["mlp.weights_in", "mlp.weights_out"], [width, inner], Activation::Silu, true)
        })
    }

    /// The vector for the whole: `[batch, pooled width]`.
    fn whole(&self, b: &mut GraphBuilder, options: &Options, hidden: &Var) -> Option<Var> {
        match self.whole {
            Whole::None => None,
            Whole::First => Some(vector_at(b, hidden, 0)),
            Whole::Two => {
                let (first, second) = (vector_at(b, hidden, 0), vector_at(b, hidden, 1));
                let sum = b.add(&first, &second);
                let half = b.scalar(0.5);
                Some(b.mul(&sum, &half))
            }
            Whole::Pooled => {
                let patches = b.slice(hidden, [1, i64::MAX], 1);
                let mean = b.mean(&patches, &[1], false);
                Some(layer_norm(&mut b.at("pooler.layernorm"), &mean, options.width, options.epsilon))
            }
            Whole::Dense { .. } => {
                let mut b = b.at("pooler.dense");
                let first = vector_at(&mut b, hidden, 0);
                let dense = linear(&mut b, &first, options.width, options.pooled_width, true);
                Some(options.pooled_activation.apply(&mut b, &dense))
            }
        }
    }

    fn classify(&self, b: &mut GraphBuilder, options: &Options, hidden: &Var, labels: usize) -> Var {
        let width = options.width;
        match self.head {
            Head::First => {
                let first = vector_at(b, hidden, 0);
                linear(&mut b.at("classifier"), &first, width, labels, true)
            }
            Head::Mean => {
                let mean = b.mean(hidden, &[1], false);
                linear(&mut b.at("classifier"), &mean, width, labels, true)
            }
            Head::NormalMean => {
                let mean = b.mean(hidden, &[1], false);
                let mean = layer_norm(&mut b.at("fc_norm"), &mean, width, EPSILON);
                linear(&mut b.at("classifier"), &mean, width, labels, true)
            }
            Head::FirstAndMean => {
                let first = vector_at(b, hidden, 0);
                let patches = b.slice(hidden, [1 + options.registers as i64, i64::MAX], 1);
                let mean = b.mean(&patches, &[1], false);
                let both = b.concat(&[&first, &mean], 1);
                linear(&mut b.at("classifier"), &both, 2 * width, labels, true)
            }
            Head::Whole | Head::NormalWhole => {
                let whole = self.whole(&mut b.at(self.base), options, hidden);
                let whole = whole.unwrap_or_else(|| hidden.clone());
                if self.head == Head::Whole {
                    return linear(&mut b.at("classifier"), &whole, width, labels, true);
                }
                let normal = layer_norm(&mut b.at("classifier.layernorm"), &whole, width, options.epsilon);
                linear(&mut b.at("classifier.dense"), &normal, width, labels, true)
            }
        }
    }
}

/// Three products with rectified steps between them.
fn perceptron(b: &mut GraphBuilder, x: &Var, width: usize, outputs: usize) -> Var {
    let mut x = x.clone();
    for (index, outputs) in [width, width, outputs].into_iter().enumerate() {
        x = linear(&mut b.at(format_args!("layers.{index}")), &x, width, outputs, true);
        if index < 2 {
            x = b.unary("Relu", &x);
        }
    }
    x
}

/// A sine and a cosine for each pair of numbers, slower from pair to pair: `[places, width]`.
fn waves(places: usize, width: usize) -> Vec<f64> {
    let wave = |place: usize, index: usize| {
        let angle = place as f64 / 10_000f64.powf((index / 2 * 2) as f64 / width as f64);
        if index.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    };
    (0..places).flat_map(|place| (0..width).map(move |index| wave(place, index))).collect()
}
