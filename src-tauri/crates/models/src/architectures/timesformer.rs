//! TimeSformer: the frames of a video cut into patches, which look along time and over their frames
//! (Bertasius et al. 2021, arXiv 2102.05095).

use super::{Architecture, Class};
use crate::{
    Dimension, Element, ModelError,
    blocks::{
        Activation, Attention, Convolution, Heads, as_sequence, feed_forward, layer_norm, linear, vector_at,
        with_tokens,
    },
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
    weights::Fill,
};
use contract::DimRole;

pub struct Timesformer;

const CLASSES: [Class; 2] = [
    Class {
        name: "TimesformerModel",
        about: "Looks at a video and gives a vector for each patch and one for the whole",
    },
    Class { name: "TimesformerForVideoClassification", about: "Looks at a video and sorts it into classes" },
];

/// What a patch looks at in a layer.
#[derive(Clone, Copy, PartialEq)]
enum Looks {
    /// At its own place in all frames, then at all places of its frame.
    Divided,
    /// At all places of all frames at once.
    Joint,
    /// At its own frame only, which makes each frame a sample of its own.
    Space,
}

struct Options {
    inner: usize,
    layers: usize,
    heads: Heads,
    activation: Activation,
    epsilon: f64,
    bias: bool,
    channels: usize,
    frames: usize,
    /// Pixels along an edge of a frame, and of a patch.
    image: usize,
    patch: usize,
    /// Of a frame, and of all frames.
    patches: usize,
    all_patches: usize,
    looks: Looks,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let width = config.size("hidden_size", 768)?;
        let count = config.size("num_attention_heads", 12)?;
        config.divides("hidden_size", width, "num_attention_heads", count)?;
        let (image, patch) = (config.size("image_size", 224)?, config.size("patch_size", 16)?);
        if patch > image {
            let reason = format!("a patch of {patch} is larger than {image}");
            return Err(config.refuse("patch_size", reason, "Use a smaller patch"));
        }
        let frames = config.size("num_frames", 8)?;
        let patches = (image / patch).pow(2);
        let all_patches = patches.checked_mul(frames).ok_or_else(|| {
            config.refuse("image_size", "there are more patches than can be counted", "Use smaller images")
        })?;
        let looks = match config.text("attention_type", "divided_space_time")? {
            "divided_space_time" => Looks::Divided,
            "joint_space_time" => Looks::Joint,
            "space_only" => Looks::Space,
            _ => {
                let remedy = "Known are divided_space_time, joint_space_time and space_only";
                return Err(config.refuse("attention_type", "this attention is not known", remedy));
            }
        };
        Ok(Self {
            inner: config.size("intermediate_size", 3072)?,
            layers: config.layers("num_hidden_layers", 12)?,
            heads: Heads::even(width, count),
            activation: Activation::read(config, "hidden_act", "gelu")?,
            epsilon: config.positive("layer_norm_eps", 1e-6)?,
            bias: config.flag("qkv_bias", true)?,
            channels: config.size("num_channels", 3)?,
            frames,
            image,
            patch,
            patches,
            all_patches,
            looks,
        })
    }

    /// Vectors of a sample: one for the whole and one for each patch.
    fn places(&self) -> usize {
        1 + if self.looks == Looks::Space { self.patches } else { self.all_patches }
    }

    /// Samples of so many videos.
    fn samples(&self, batch: Dimension) -> Dimension {
        match self.looks {
            Looks::Space => Dimension::Free(format!("batch * {}", self.frames)),
            Looks::Divided | Looks::Joint => batch,
        }
    }
}

impl Architecture for Timesformer {
    fn model_type(&self) -> &'static str {
        "timesformer"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "timesformer"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let batch = b.free("batch", DimRole::Batch, "How many videos at once?", 1, None);
        let [frames, channels, edge] = [options.frames, options.channels, options.image].map(fixed);
        let pixels = b.input("pixel_values", Element::F32, &[batch.clone(), frames, channels, edge.clone(), edge]);
        let (samples, width) = (options.samples(batch), options.heads.width);
        if class == CLASSES[0].name {
            let hidden = look(&mut b, &options, &pixels);
            b.output("last_hidden_state", &hidden, &[samples, fixed(options.places()), fixed(width)]);
            return Ok(());
        }
        let hidden = look(&mut b.at(self.base()), &options, &pixels);
        let labels = config.labels()?;
        let whole = vector_at(&mut b, &hidden, 0);
        let scores = linear(&mut b.at("classifier"), &whole, width, labels, true);
        b.output("logits", &scores, &[samples, fixed(labels)]);
        Ok(())
    }
}

/// The vector of each place: `[samples, places, width]`.
fn look(b: &mut GraphBuilder, options: &Options, pixels: &Var) -> Var {
    let mut hidden = embed(&mut b.at("embeddings"), options, pixels);
    for index in 0..options.layers {
        hidden = layer(&mut b.at(format_args!("encoder.layer.{index}")), options, &hidden);
    }
    normal(b, "layernorm", options, &hidden)
}

/// Patches of a place come one after the other, frame by frame, but where each frame is a sample of its own.
fn embed(b: &mut GraphBuilder, options: &Options, pixels: &Var) -> Var {
    let Options { channels, frames, image, patch, patches, looks, .. } = *options;
    let width = options.heads.width;
    let pixels = b.cast_float(pixels);
    let pixels = b.reshape(&pixels, &[-1, channels as i64, image as i64, image as i64]);
    let cut = Convolution::patches(channels, width, patch);
    let seen = cut.apply(&mut b.at("patch_embeddings.projection"), &pixels);
    let seen = as_sequence(b, &seen, width);
    let whole = b.weight("cls_token", &[1, 1, width], Fill::Matrix);
    let all = with_tokens(b, &[&whole], &seen);
    let places = b.weight("position_embeddings", &[1, 1 + patches, width], Fill::Matrix);
    let all = b.add(&all, &places);
    if looks == Looks::Space {
        return all;
    }
    // The vector for the whole is the same in every frame.
    let whole = vector_at(b, &all, 0);
    let whole = b.reshape(&whole, &[-1, frames as i64, width as i64]);
    let whole = b.slice(&whole, [0, 1], 1);
    let seen = b.slice(&all, [1, i64::MAX], 1);
    let seen = b.reshape(&seen, &[-1, frames as i64, patches as i64, width as i64]);
    let seen = b.transpose(&seen, &[0, 2, 1, 3]);
    let times = b.weight("time_embeddings", &[1, frames, width], Fill::Matrix);
    let seen = b.add(&seen, &times);
    let seen = b.reshape(&seen, &[0, -1, width as i64]);
    b.concat(&[&whole, &seen], 1)
}

fn layer(b: &mut GraphBuilder, options: &Options, x: &Var) -> Var {
    let x = if options.looks == Looks::Divided {
        let (whole, seen) = (b.slice(x, [0, 1], 1), b.slice(x, [1, i64::MAX], 1));
        let seen = look_along_time(b, options, &seen);
        look_over_frames(b, options, [&whole, &seen])
    } else {
        let attended = attend(b, ["layernorm_before", "attention"], options, x);
        b.add(x, &attended)
    };
    let ready = normal(b, "layernorm_after", options, &x);
    let sizes = [options.heads.width, options.inner];
    let thought = feed_forward(b, &ready, ["intermediate.dense", "output.dense"], sizes, options.activation, true);
    b.add(&x, &thought)
}

/// Each place at itself in the other frames: `[batch, patches · frames, width]`.
fn look_along_time(b: &mut GraphBuilder, options: &Options, seen: &Var) -> Var {
    let width = options.heads.width;
    let places = b.reshape(seen, &[-1, options.frames as i64, width as i64]);
    let attended = attend(b, ["temporal_layernorm", "temporal_attention"], options, &places);
    let attended = b.reshape(&attended, &[-1, options.all_patches as i64, width as i64]);
    let heard = linear(&mut b.at("temporal_dense"), &attended, width, width, true);
    b.add(seen, &heard)
}

/// The places of each frame at each other and at the whole, which takes the mean of what it sees in the frames.
fn look_over_frames(b: &mut GraphBuilder, options: &Options, [whole, seen]: [&Var; 2]) -> Var {
    let [width, frames, patches] = [options.heads.width, options.frames, options.patches].map(|size| size as i64);
    let each = b.ints(&[1, frames, 1]);
    let each = b.expand(whole, &each);
    let each = b.reshape(&each, &[-1, 1, width]);
    let images = b.reshape(seen, &[-1, patches, frames, width]);
    let images = b.transpose(&images, &[0, 2, 1, 3]);
    let images = b.reshape(&images, &[-1, patches, width]);
    let images = b.concat(&[&each, &images], 1);
    let attended = attend(b, ["layernorm_before", "attention"], options, &images);
    let own = vector_at(b, &attended, 0);
    let own = b.reshape(&own, &[-1, frames, width]);
    let own = b.mean(&own, &[1], true);
    let rest = b.slice(&attended, [1, i64::MAX], 1);
    let rest = b.reshape(&rest, &[-1, frames, patches, width]);
    let rest = b.transpose(&rest, &[0, 2, 1, 3]);
    let rest = b.reshape(&rest, &[0, -1, width]);
    let (before, added) = (b.concat(&[whole, seen], 1), b.concat(&[&own, &rest], 1));
    b.add(&before, &added)
}

/// Attention of normalised vectors to each other, its three products in one.
fn attend(b: &mut GraphBuilder, [norm, module]: [&str; 2], options: &Options, x: &Var) -> Var {
    let (heads, width) = (options.heads, options.heads.width);
    let x = normal(b, norm, options, x);
    let mut b = b.at(module);
    let mixed = Attention::new(heads, [""; 4]).attend_together(&mut b, &x, "attention.qkv", options.bias);
    linear(&mut b.at("output.dense"), &mixed, width, width, true)
}

fn normal(b: &mut GraphBuilder, module: &str, options: &Options, x: &Var) -> Var {
    layer_norm(&mut b.at(module), x, options.heads.width, options.epsilon)
}
