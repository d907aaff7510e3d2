//! PoolFormer: an image read in stages whose places look at the mean of their neighbours instead of attending to all.

use super::{Architecture, Class, resnet::Image};
use crate::{
    ModelError,
    blocks::{Activation, Convolution, group_norm, linear, mean_pool},
    builder::{GraphBuilder, Var},
    config::Config,
    extent::Extent,
    graph::fixed,
    weights::Fill,
};

pub struct PoolFormer;

const CLASSES: [Class; 2] = [
    Class { name: "PoolFormerModel", about: "Looks at an image and gives a vector for each place" },
    Class { name: "PoolFormerForImageClassification", about: "Looks at an image and sorts it into classes" },
];

/// The epsilon of torch's GroupNorm, which PoolFormer leaves as it is.
const EPSILON: f64 = 1e-5;

struct Options {
    channels: usize,
    widths: Vec<usize>,
    depths: Vec<usize>,
    /// Patch, stride and padding of each stage.
    cuts: Vec<[usize; 3]>,
    pool: usize,
    ratio: f64,
    activation: Activation,
    scaled: bool,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let count = config.layers("num_encoder_blocks", 4)?;
        let read = |key: &str, default: &[usize]| config.stages(key, default, count);
        let (patches, strides) = (read("patch_sizes", &[7, 3, 3, 3])?, read("strides", &[4, 2, 2, 2])?);
        let paddings = read("padding", &[2, 1, 1, 1])?;
        let depths = read("depths", &[2, 2, 6, 2])?;
        config.check_depths("depths", &depths)?;
        let pool = config.size("pool_size", 3)?;
        if pool.is_multiple_of(2) {
            return Err(config.refuse("pool_size", "a window without a middle is not built", "Use an odd number"));
        }
        Ok(Self {
            channels: config.size("num_channels", 3)?,
            widths: read("hidden_sizes", &[64, 128, 320, 512])?,
            depths,
            cuts: (0..count).map(|stage| [patches[stage], strides[stage], paddings[stage]]).collect(),
            pool,
            ratio: config.positive("mlp_ratio", 4.0)?,
            activation: Activation::read(config, "hidden_act", "gelu")?,
            scaled: config.flag("use_layer_scale", true)?,
        })
    }
}

impl Architecture for PoolFormer {
    fn model_type(&self) -> &'static str {
        "poolformer"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "poolformer"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let width = options.widths.last().copied().unwrap_or(1);
        let image = Image::declare(&mut b, options.channels);
        if class == "PoolFormerModel" {
            let seen = look(&mut b, &options, &image.pixels);
            let [height, wide] = image.edges.map(|edge| {
                let shrunk = options.cuts.iter().fold(Extent::of(&edge), |extent, [patch, stride, padding]| {
                    extent.after(*patch, *stride, 2 * padding)
                });
                shrunk.dimension()
            });
            b.output("last_hidden_state", &seen, &[image.batch, fixed(width), height, wide]);
        } else {
            let seen = look(&mut b.at("poolformer"), &options, &image.pixels);
            let normal = group_norm(&mut b.at("norm"), &seen, [width, 1, 2], EPSILON);
            let mean = b.mean(&normal, &[2, 3], false);
            let labels = config.labels()?;
            let scores = linear(&mut b.at("classifier"), &mean, width, labels, true);
            b.output("logits", &scores, &[image.batch, fixed(labels)]);
        }
        Ok(())
    }
}

fn look(b: &mut GraphBuilder, options: &Options, pixels: &Var) -> Var {
    let mut x = b.cast_float(pixels);
    let mut inputs = options.channels;
    for (stage, width) in options.widths.iter().enumerate() {
        let [patch, stride, padding] = options.cuts[stage];
        let cut = Convolution::square(inputs, *width, patch).stride(stride).pad(padding);
        x = cut.apply(&mut b.at(format_args!("encoder.patch_embeddings.{stage}.projection")), &x);
        for layer in 0..options.depths[stage] {
            x = block(&mut b.at(format_args!("encoder.block.{stage}.{layer}")), options, &x, *width);
        }
        inputs = *width;
    }
    x
}

fn block(b: &mut GraphBuilder, options: &Options, x: &Var, width: usize) -> Var {
    let normal = group_norm(&mut b.at("before_norm"), x, [width, 1, 2], EPSILON);
    let mean = mean_pool(b, &normal, [options.pool, 1, options.pool / 2]);
    let difference = b.sub(&mean, &normal);
    let x = join(b, options, x, &difference, "layer_scale_1", width);
    let normal = group_norm(&mut b.at("after_norm"), &x, [width, 1, 2], EPSILON);
    let inner = (width as f64 * options.ratio) as usize;
    let wide = Convolution::square(width, inner, 1).apply(&mut b.at("output.conv1"), &normal);
    let wide = options.activation.apply(b, &wide);
    let made = Convolution::square(inner, width, 1).apply(&mut b.at("output.conv2"), &wide);
    join(b, options, &x, &made, "layer_scale_2", width)
}

/// What a step made joins what was there, scaled for each channel.
fn join(b: &mut GraphBuilder, options: &Options, x: &Var, made: &Var, scale: &str, width: usize) -> Var {
    if !options.scaled {
        return b.add(x, made);
    }
    let scale = b.weight(scale, &[width], Fill::Ones);
    let scale = b.reshape(&scale, &[width as i64, 1, 1]);
    let scaled = b.mul(made, &scale);
    b.add(x, &scaled)
}
