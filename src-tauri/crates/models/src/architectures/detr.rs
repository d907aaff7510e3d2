//! DETR: a residual network looks at an image, an encoder reads its places, and a decoder turns questions into objects.

use super::{Architecture, Class, resnet::Image};
use crate::{
    Element, ModelError,
    blocks::{Activation, Attention, Convolution, Heads, ResNet, as_sequence, feed_forward, layer_norm, linear},
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
    weights::Fill,
};
use std::f64::consts::{FRAC_PI_2, PI};

/// One of the model types.
pub struct Detr {
    model_type: &'static str,
    classes: &'static [Class],
    /// Whether norms come before what they belong to, and one after the encoder.
    norm_first: bool,
}

const VECTORS: &str = "Looks at an image and gives a vector for each object it may hold";
const OBJECTS: &str = "Finds objects in an image: their classes and boxes";

pub static DETR: Detr = Detr {
    model_type: "detr",
    classes: &[Class { name: "DetrModel", about: VECTORS }, Class { name: "DetrForObjectDetection", about: OBJECTS }],
    norm_first: false,
};
pub static TABLE_TRANSFORMER: Detr = Detr {
    model_type: "table-transformer",
    classes: &[
        Class { name: "TableTransformerModel", about: VECTORS },
        Class { name: "TableTransformerForObjectDetection", about: OBJECTS },
    ],
    norm_first: true,
};

/// The epsilon of torch's LayerNorm, which DETR leaves as it is.
const EPSILON: f64 = 1e-5;

struct Options {
    width: usize,
    questions: usize,
    activation: Activation,
    /// Layers, heads and inner width of each side.
    encoder: [usize; 3],
    decoder: [usize; 3],
    norm_first: bool,
}

impl Options {
    fn read(config: &Config, norm_first: bool) -> Result<Self, ModelError> {
        config.must_be_off("dilation", "a dilated last stage")?;
        let width = config.size("d_model", 256)?;
        if config.text("position_embedding_type", "sine")? != "sine" || !width.is_multiple_of(4) {
            let remedy = "Use sine positions and a d_model that is a multiple of 4";
            return Err(config.refuse("position_embedding_type", "these positions are not built", remedy));
        }
        let side = |name: &str| -> Result<[usize; 3], ModelError> {
            let heads_key = format!("{name}_attention_heads");
            let heads = config.size(&heads_key, 8)?;
            config.divides("d_model", width, &heads_key, heads)?;
            Ok([config.layers(&format!("{name}_layers"), 6)?, heads, config.size(&format!("{name}_ffn_dim"), 2048)?])
        };
        Ok(Self {
            width,
            questions: config.size("num_queries", 100)?,
            activation: Activation::read(config, "activation_function", "relu")?,
            encoder: side("encoder")?,
            decoder: side("decoder")?,
            norm_first,
        })
    }
}

impl Architecture for Detr {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        "model"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let (options, network) = (Options::read(config, self.norm_first)?, ResNet::backbone(config)?);
        b.deviation(config.positive("init_std", 0.02)?);
        let Options { width, questions, .. } = options;
        let image = Image::declare(&mut b, network.channels());
        if class == self.classes[0].name {
            let hidden = find(&mut b, &options, &network, &image.pixels);
            b.output("last_hidden_state", &hidden, &[image.batch, fixed(questions), fixed(width)]);
            return Ok(());
        }
        let hidden = find(&mut b.at("model"), &options, &network, &image.pixels);
        // One more for a question that no object answers.
        let labels = config.labels()? + 1;
        let scores = linear(&mut b.at("class_labels_classifier"), &hidden, width, labels, true);
        let mut boxes = hidden;
        for (index, outputs) in [width, width, 4].into_iter().enumerate() {
            boxes = linear(&mut b.at(format_args!("bbox_predictor.layers.{index}")), &boxes, width, outputs, true);
            boxes = b.unary(if index < 2 { "Relu" } else { "Sigmoid" }, &boxes);
        }
        b.output("logits", &scores, &[image.batch.clone(), fixed(questions), fixed(labels)]);
        b.output("pred_boxes", &boxes, &[image.batch, fixed(questions), fixed(4)]);
        Ok(())
    }
}

/// The vector of each question: `[batch, questions, width]`.
fn find(b: &mut GraphBuilder, options: &Options, network: &ResNet, pixels: &Var) -> Var {
    let Options { width, questions, activation, .. } = *options;
    let seen = network.apply(&mut b.at("backbone.conv_encoder.model"), pixels);
    let seen = Convolution::square(network.width(), width, 1).apply(&mut b.at("input_projection"), &seen);
    let places = positions(b, &seen, width);
    let mut hidden = as_sequence(b, &seen, width);
    let places = b.cast_float(&places);

    let [layers, heads, inner] = options.encoder;
    let heads = Heads::even(width, heads);
    for index in 0..layers {
        let mut layer = b.at(format_args!("encoder.layers.{index}"));
        hidden = step(&mut layer, options, "self_attn_layer_norm", &hidden, |b, x| {
            let placed = b.add(x, &places);
            attend(&mut b.at("self_attn"), heads, [&placed, &placed, x])
        });
        hidden = step(&mut layer, options, "final_layer_norm", &hidden, |b, x| {
            feed_forward(b, x, ["fc1", "fc2"], [width, inner], activation, true)
        });
    }
    if options.norm_first {
        hidden = layer_norm(&mut b.at("encoder.layernorm"), &hidden, width, EPSILON);
    }

    let asked = b.at("query_position_embeddings").weight("weight", &[questions, width], Fill::Matrix);
    let nothing = b.table("decoder.nothing", &[1, 1, 1], &[0.0]);
    let nothing = b.cast_float(&nothing);
    let (batch, each) = (b.size_of(&hidden, 0), b.ints(&[questions as i64, width as i64]));
    let shape = b.concat(&[&batch, &each], 0);
    let mut objects = b.expand(&nothing, &shape);
    let [layers, heads, inner] = options.decoder;
    let heads = Heads::even(width, heads);
    let placed = b.add(&hidden, &places);
    for index in 0..layers {
        let mut layer = b.at(format_args!("decoder.layers.{index}"));
        objects = step(&mut layer, options, "self_attn_layer_norm", &objects, |b, x| {
            let asked = b.add(x, &asked);
            attend(&mut b.at("self_attn"), heads, [&asked, &asked, x])
        });
        objects = step(&mut layer, options, "encoder_attn_layer_norm", &objects, |b, x| {
            let asked = b.add(x, &asked);
            attend(&mut b.at("encoder_attn"), heads, [&asked, &placed, &hidden])
        });
        objects = step(&mut layer, options, "final_layer_norm", &objects, |b, x| {
            feed_forward(b, x, ["fc1", "fc2"], [width, inner], activation, true)
        });
    }
    layer_norm(&mut b.at("decoder.layernorm"), &objects, width, EPSILON)
}

/// One step with its residual and its norm.
fn step(
    b: &mut GraphBuilder,
    options: &Options,
    norm: &str,
    x: &Var,
    step: impl FnOnce(&mut GraphBuilder, &Var) -> Var,
) -> Var {
    if options.norm_first {
        let normal = layer_norm(&mut b.at(norm), x, options.width, EPSILON);
        let made = step(b, &normal);
        return b.add(x, &made);
    }
    let made = step(b, x);
    let sum = b.add(x, &made);
    layer_norm(&mut b.at(norm), &sum, options.width, EPSILON)
}

/// Attention whose queries, keys and values are three sequences.
fn attend(b: &mut GraphBuilder, heads: Heads, sequences: [&Var; 3]) -> Var {
    let (width, shape) = (heads.width, [0, 0, heads.count as i64, heads.head_width as i64]);
    let mut project = |module: &str, x: &Var| {
        let all = linear(&mut b.at(module), x, width, width, true);
        b.reshape(&all, &shape)
    };
    let query = project("q_proj", sequences[0]);
    let key = project("k_proj", sequences[1]);
    let value = project("v_proj", sequences[2]);
    let mixed = Attention::new(heads, [""; 4]).attend(b, &query, &key, &value);
    linear(&mut b.at("out_proj"), &mixed, width, width, true)
}

/// Waves over the height and the width of an image, each place its own: `[1, height · width, channels]`.
fn positions(b: &mut GraphBuilder, seen: &Var, channels: usize) -> Var {
    /// The longest wave is so many times longer than the shortest.
    const TEMPERATURE: f64 = 10_000.0;
    /// Keeps the division sound, as in the original.
    const SMALL: f64 = 1e-6;
    let half = channels / 2;
    let frequency = |index: usize| TEMPERATURE.powf(-((index / 2 * 2) as f64) / half as f64);
    let frequencies: Vec<f64> = (0..half).map(frequency).collect();
    // Every second wave is a cosine: a sine that is a quarter turn ahead.
    let phases: Vec<f64> = (0..half).map(|index| if index % 2 == 0 { 0.0 } else { FRAC_PI_2 }).collect();
    let frequencies = b.table("position_frequencies", &[1, half], &frequencies);
    let phases = b.table("position_phases", &[1, half], &phases);
    let (small, turn) = (b.scalar_as(Element::F32, SMALL), b.scalar_as(Element::F32, 2.0 * PI));
    let one = b.int(1);
    let mut waves = |axis: i64| {
        let size = b.size_of(seen, axis);
        let places = b.count_up(&size);
        let places = b.add(&places, &one);
        let places = b.cast(&places, Element::F32);
        let size = b.cast(&size, Element::F32);
        let size = b.add(&size, &small);
        let share = b.div(&places, &size);
        let share = b.mul(&share, &turn);
        let share = b.unsqueeze(&share, 1);
        let angles = b.mul(&share, &frequencies);
        let angles = b.add(&angles, &phases);
        b.unary("Sin", &angles)
    };
    let (down, right) = (waves(2), waves(3));
    let (down, right) = (b.unsqueeze(&down, 1), b.unsqueeze(&right, 0));
    let (height, wide) = (b.size_of(seen, 2), b.size_of(seen, 3));
    let width = b.ints(&[half as i64]);
    let shape = b.concat(&[&height, &wide, &width], 0);
    let (down, right) = (b.expand(&down, &shape), b.expand(&right, &shape));
    let both = b.concat(&[&down, &right], -1);
    b.reshape(&both, &[1, -1, channels as i64])
}
