//! ConvNeXt: an image read by wide convolutions of single channels with a network at each place between them.

use super::{Architecture, Class, resnet::Image};
use crate::{
    Dimension, ModelError,
    blocks::{Activation, Convolution, as_sequence, channel_norm, layer_norm, linear, vector_at},
    builder::{GraphBuilder, Var},
    config::Config,
    extent::Extent,
    graph::fixed,
    weights::Fill,
};

/// One of the model types.
pub struct ConvNext {
    model_type: &'static str,
    base: &'static str,
    classes: &'static [Class],
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A weight scales what each layer adds.
    First,
    /// Channels compete inside each layer.
    Second,
    /// As the first under other names, and the mean of all places joins them.
    Dino,
}

const PLACES: &str = "Looks at an image and gives a vector for each place and one for the whole";
const SORT: &str = "Looks at an image and sorts it into classes";

pub static CONVNEXT: ConvNext = ConvNext {
    model_type: "convnext",
    base: "convnext",
    classes: &[
        Class { name: "ConvNextModel", about: PLACES },
        Class { name: "ConvNextForImageClassification", about: SORT },
    ],
    kind: Kind::First,
};
pub static CONVNEXT_V2: ConvNext = ConvNext {
    model_type: "convnextv2",
    base: "convnextv2",
    classes: &[
        Class { name: "ConvNextV2Model", about: PLACES },
        Class { name: "ConvNextV2ForImageClassification", about: SORT },
    ],
    kind: Kind::Second,
};
pub static DINOV3_CONVNEXT: ConvNext = ConvNext {
    model_type: "dinov3_convnext",
    base: "model",
    classes: &[Class { name: "DINOv3ConvNextModel", about: PLACES }],
    kind: Kind::Dino,
};

/// What the norms inside add to the variance, whatever the configuration says of the last one.
const EPSILON: f64 = 1e-6;
/// The network at each place is so many times wider inside.
const RATIO: usize = 4;
const KERNEL: usize = 7;

struct Options {
    channels: usize,
    patch: usize,
    widths: Vec<usize>,
    depths: Vec<usize>,
    activation: Activation,
    inner_epsilon: f64,
    epsilon: f64,
    scaled: bool,
}

impl ConvNext {
    fn read(&self, config: &Config) -> Result<Options, ModelError> {
        let depths = config.sizes("depths", &[3, 3, 9, 3])?;
        config.check_depths("depths", &depths)?;
        let epsilon = config.positive("layer_norm_eps", if self.kind == Kind::Dino { 1e-6 } else { 1e-12 })?;
        Ok(Options {
            channels: config.size("num_channels", 3)?,
            patch: if self.kind == Kind::Dino { 4 } else { config.size("patch_size", 4)? },
            widths: config.stages("hidden_sizes", &[96, 192, 384, 768], depths.len())?,
            depths,
            activation: Activation::read(config, "hidden_act", "gelu")?,
            inner_epsilon: if self.kind == Kind::Dino { epsilon } else { EPSILON },
            epsilon,
            scaled: match self.kind {
                Kind::First => config.amount("layer_scale_init_value", 1e-6)? > 0.0,
                Kind::Second => false,
                Kind::Dino => true,
            },
        })
    }
}

impl Architecture for ConvNext {
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
        let width = options.widths.last().copied().unwrap_or(1);
        if self.kind == Kind::Dino {
            // The number of places is a product, so that the edges are fixed.
            let [height, wide] = config.pair("image_size", 224)?;
            let image = Image::of_size(&mut b, options.channels, [fixed(height), fixed(wide)]);
            let seen = self.look(&mut b, &options, &image.pixels);
            let pooled = b.mean(&seen, &[2, 3], false);
            let (pooled, places) = (b.unsqueeze(&pooled, 1), as_sequence(&mut b, &seen, width));
            let all = b.concat(&[&pooled, &places], 1);
            let all = layer_norm(&mut b.at("layer_norm"), &all, width, options.epsilon);
            let whole = vector_at(&mut b, &all, 0);
            let count = image.edges.iter().map(|edge| match extent(&options, edge) {
                Extent::Fixed(size) => usize::try_from(size).unwrap_or(0),
                Extent::Free { .. } => 0,
            });
            let count = 1 + count.product::<usize>();
            b.output("last_hidden_state", &all, &[image.batch.clone(), fixed(count), fixed(width)]);
            b.output("pooler_output", &whole, &[image.batch, fixed(width)]);
            return Ok(());
        }
        let image = Image::declare(&mut b, options.channels);
        let is_base = class == self.classes[0].name;
        let (seen, pooled) = {
            let mut b = if is_base { b.at("") } else { b.at(self.base) };
            let seen = self.look(&mut b, &options, &image.pixels);
            let mean = b.mean(&seen, &[2, 3], false);
            let pooled = layer_norm(&mut b.at("layernorm"), &mean, width, options.epsilon);
            (seen, pooled)
        };
        if is_base {
            let [height, wide] = image.edges.map(|edge| extent(&options, &edge).dimension());
            b.output("last_hidden_state", &seen, &[image.batch.clone(), fixed(width), height, wide]);
            b.output("pooler_output", &pooled, &[image.batch, fixed(width)]);
        } else {
            let labels = config.labels()?;
            let scores = linear(&mut b.at("classifier"), &pooled, width, labels, true);
            b.output("logits", &scores, &[image.batch, fixed(labels)]);
        }
        Ok(())
    }
}

/// What remains of an edge after the last stage.
fn extent(options: &Options, edge: &Dimension) -> Extent {
    let first = Extent::of(edge).after(options.patch, options.patch, 0);
    (1..options.widths.len()).fold(first, |extent, _| extent.after(2, 2, 0))
}

impl ConvNext {
    /// `[batch, channels, height, width]` to the last stage's image.
    fn look(&self, b: &mut GraphBuilder, options: &Options, pixels: &Var) -> Var {
        let mut x = b.cast_float(pixels);
        let epsilon = options.inner_epsilon;
        let dino = self.kind == Kind::Dino;
        for (stage, (width, depth)) in options.widths.iter().zip(&options.depths).enumerate() {
            if stage == 0 {
                let cut = Convolution::patches(options.channels, *width, options.patch);
                let mut front = if dino { b.at("stages.0.downsample_layers") } else { b.at("embeddings") };
                x = cut.apply(&mut front.at(if dino { "0" } else { "patch_embeddings" }), &x);
                x = channel_norm(&mut front.at(if dino { "1" } else { "layernorm" }), &x, *width, epsilon);
            } else {
                let before = options.widths[stage - 1];
                let mut between = if dino {
                    b.at(format_args!("stages.{stage}.downsample_layers"))
                } else {
                    b.at(format_args!("encoder.stages.{stage}.downsampling_layer"))
                };
                x = channel_norm(&mut between.at(0), &x, before, epsilon);
                x = Convolution::patches(before, *width, 2).apply(&mut between.at(1), &x);
            }
            let start = if dino { "" } else { "encoder." };
            for index in 0..*depth {
                let mut layer = b.at(format_args!("{start}stages.{stage}.layers.{index}"));
                x = self.layer(&mut layer, options, &x, *width);
            }
        }
        x
    }

    fn layer(&self, b: &mut GraphBuilder, options: &Options, x: &Var, width: usize) -> Var {
        let [depthwise, norm, up, down, scale] = match self.kind {
            Kind::Dino => ["depthwise_conv", "layer_norm", "pointwise_conv1", "pointwise_conv2", "gamma"],
            _ => ["dwconv", "layernorm", "pwconv1", "pwconv2", "layer_scale_parameter"],
        };
        let inner = RATIO * width;
        let convolution = Convolution::square(width, width, KERNEL).pad(KERNEL / 2).groups(width);
        let seen = convolution.apply(&mut b.at(depthwise), x);
        let seen = b.transpose(&seen, &[0, 2, 3, 1]);
        let normal = layer_norm(&mut b.at(norm), &seen, width, options.inner_epsilon);
        let wide = linear(&mut b.at(up), &normal, width, inner, true);
        let mut wide = options.activation.apply(b, &wide);
        if self.kind == Kind::Second {
            wide = compete(&mut b.at("grn"), &wide, inner);
        }
        let mut made = linear(&mut b.at(down), &wide, inner, width, true);
        if options.scaled {
            let scale = b.weight(scale, &[width], Fill::Ones);
            made = b.mul(&made, &scale);
        }
        let made = b.transpose(&made, &[0, 3, 1, 2]);
        b.add(x, &made)
    }
}

/// Each channel weighed by its share of the length of all: `[batch, height, width, channels]`.
fn compete(b: &mut GraphBuilder, x: &Var, width: usize) -> Var {
    let weight = b.weight("weight", &[1, 1, 1, width], Fill::Matrix);
    let bias = b.weight("bias", &[1, 1, 1, width], Fill::Bias);
    let length = b.length(x, &[1, 2]);
    let mean = b.mean_last(&length);
    let small = b.scalar(EPSILON);
    let mean = b.add(&mean, &small);
    let share = b.div(&length, &mean);
    let weighed = b.mul(x, &share);
    let weighed = b.mul(&weighed, &weight);
    let weighed = b.add(&weighed, &bias);
    b.add(&weighed, x)
}
