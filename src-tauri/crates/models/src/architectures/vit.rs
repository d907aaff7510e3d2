//! ViT: an image cut into patches, read by an encoder that is normalised before each block.

use super::{Architecture, Class};
use crate::{
    Dimension, Element, ModelError,
    blocks::{Activation, Attention, Heads, feed_forward, layer_norm, linear},
    builder::{GraphBuilder, Var},
    config::Config,
    weights::Fill,
};
use contract::DimRole;

pub struct Vit;

const CLASSES: [Class; 2] = [
    Class { name: "ViTModel", about: "Looks at an image and gives a vector for each patch and one for the whole" },
    Class { name: "ViTForImageClassification", about: "Looks at an image and sorts it into classes" },
];

struct Options {
    width: usize,
    inner: usize,
    layers: usize,
    heads: Heads,
    activation: Activation,
    epsilon: f64,
    image: usize,
    patch: usize,
    channels: usize,
    bias: bool,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let width = config.size("hidden_size", 768)?;
        let heads = config.size("num_attention_heads", 12)?;
        config.divides("hidden_size", width, "num_attention_heads", heads)?;
        let (image, patch) = (config.size("image_size", 224)?, config.size("patch_size", 16)?);
        config.divides("image_size", image, "patch_size", patch)?;
        Ok(Self {
            width,
            inner: config.size("intermediate_size", 3072)?,
            layers: config.layers("num_hidden_layers", 12)?,
            heads: Heads::even(width, heads),
            activation: Activation::read(config, "hidden_act", "gelu")?,
            epsilon: config.positive("layer_norm_eps", 1e-12)?,
            image,
            patch,
            channels: config.size("num_channels", 3)?,
            bias: config.flag("qkv_bias", true)?,
        })
    }
}

impl Architecture for Vit {
    fn model_type(&self) -> &'static str {
        "vit"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "vit"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        let Options { width, image, channels, .. } = options;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let batch = b.free("batch", DimRole::Batch, "How many images at once?", 1, None);
        let fixed = |size: usize| Dimension::Fixed(size as u64);
        let patches = (image / options.patch).pow(2);
        b.tokens(&batch, &fixed(patches + 1));
        let shape = [batch.clone(), fixed(channels), fixed(image), fixed(image)];
        let pixels = b.input("pixel_values", Element::F32, &shape);

        if class == "ViTModel" {
            let hidden = encode(&mut b, &options, &pixels);
            let pooled = pooled(&mut b, config, &hidden, width)?;
            b.output("last_hidden_state", &hidden, &[batch.clone(), fixed(patches + 1), fixed(width)]);
            let pooled_width = config.size("pooler_output_size", width)?;
            b.output("pooler_output", &pooled, &[batch, fixed(pooled_width)]);
        } else {
            let hidden = encode(&mut b.at("vit"), &options, &pixels);
            let labels = config.labels()?;
            let index = b.int(0);
            let first = b.gather(&hidden, &index, 1);
            let scores = linear(&mut b.at("classifier"), &first, width, labels, true);
            b.output("logits", &scores, &[batch, fixed(labels)]);
        }
        Ok(())
    }
}

/// A vector for the whole image, then one for each patch: `[batch, 1 + patches, width]`.
fn encode(b: &mut GraphBuilder, options: &Options, pixels: &Var) -> Var {
    let Options { width, epsilon, patch, channels, .. } = *options;
    let mut hidden = embed(&mut b.at("embeddings"), options, pixels, [width, patch, channels]);
    for index in 0..options.layers {
        let mut layer = b.at(format_args!("encoder.layer.{index}"));
        let modules = ["attention.query", "attention.key", "attention.value", "output.dense"];
        let bias = [options.bias, options.bias, options.bias, true];
        let attention = Attention { bias, ..Attention::new(options.heads, modules) };
        let normal = layer_norm(&mut layer.at("layernorm_before"), &hidden, width, epsilon);
        let attended = attention.apply(&mut layer.at("attention"), &normal);
        hidden = layer.add(&attended, &hidden);
        let normal = layer_norm(&mut layer.at("layernorm_after"), &hidden, width, epsilon);
        let modules = ["intermediate.dense", "output.dense"];
        let thought = feed_forward(&mut layer, &normal, modules, [width, options.inner], options.activation, true);
        hidden = layer.add(&thought, &hidden);
    }
    layer_norm(&mut b.at("layernorm"), &hidden, width, epsilon)
}

fn embed(b: &mut GraphBuilder, options: &Options, pixels: &Var, [width, patch, channels]: [usize; 3]) -> Var {
    let patches = (options.image / patch).pow(2);
    let whole = b.weight("cls_token", &[1, 1, width], Fill::Matrix);
    let places = b.weight("position_embeddings", &[1, patches + 1, width], Fill::Matrix);
    let mut projection = b.at("patch_embeddings.projection");
    let kernel = projection.weight("weight", &[width, channels, patch, patch], Fill::Matrix);
    let bias = projection.weight("bias", &[width], Fill::Bias);
    let seen = projection.patches(pixels, &kernel, &bias, patch);
    let seen = projection.reshape(&seen, &[0, width as i64, -1]);
    let seen = projection.transpose(&seen, &[0, 2, 1]);
    let (batch, rest) = (b.size_of(pixels, 0), b.ints(&[1, width as i64]));
    let shape = b.concat(&[&batch, &rest], 0);
    let whole = b.expand(&whole, &shape);
    let all = b.concat(&[&whole, &seen], 1);
    b.hint(&all, width);
    b.add(&all, &places)
}

/// The whole image's vector through a dense layer: `[batch, pooler_output_size]`.
fn pooled(b: &mut GraphBuilder, config: &Config, hidden: &Var, width: usize) -> Result<Var, ModelError> {
    let activation = Activation::read(config, "pooler_act", "tanh")?;
    let out = config.size("pooler_output_size", width)?;
    let mut b = b.at("pooler.dense");
    let index = b.int(0);
    let first = b.gather(hidden, &index, 1);
    let dense = linear(&mut b, &first, width, out, true);
    Ok(activation.apply(&mut b, &dense))
}
