//! SegFormer: an image read in stages that overlap, with attention to a shrunken image.

use super::{Architecture, Class, resnet::Image};
use crate::{
    ModelError,
    blocks::{Activation, Attention, Context, Convolution, Heads, as_sequence, layer_norm, linear},
    builder::{GraphBuilder, Var},
    config::Config,
    extent::Extent,
    graph::fixed,
};

/// One of the model types.
pub struct Segformer {
    model_type: &'static str,
    classes: &'static [Class],
}

const PLACES: &str = "Looks at an image and gives a vector for each place";

pub static SEGFORMER: Segformer = Segformer {
    model_type: "segformer",
    classes: &[
        Class { name: "SegformerModel", about: PLACES },
        Class { name: "SegformerForImageClassification", about: "Looks at an image and sorts it into classes" },
    ],
};
pub static GLPN: Segformer = Segformer { model_type: "glpn", classes: &[Class { name: "GLPNModel", about: PLACES }] };

/// The epsilon of torch's LayerNorm, which these models leave as it is.
const EPSILON: f64 = 1e-5;

/// One stage of the pyramid.
struct Stage {
    inputs: usize,
    width: usize,
    depth: usize,
    heads: usize,
    patch: usize,
    stride: usize,
    /// Keys and values come from an image so many times smaller.
    reduction: usize,
    inner: usize,
}

fn stages(config: &Config) -> Result<Vec<Stage>, ModelError> {
    let count = config.layers("num_encoder_blocks", 4)?;
    let read = |key: &str, default: &[usize]| config.stages(key, default, count);
    let widths = read("hidden_sizes", &[32, 64, 160, 256])?;
    let (depths, reductions) = (read("depths", &[2; 4])?, read("sr_ratios", &[8, 4, 2, 1])?);
    config.check_depths("depths", &depths)?;
    let (patches, strides) = (read("patch_sizes", &[7, 3, 3, 3])?, read("strides", &[4, 2, 2, 2])?);
    let (heads, ratios) = (read("num_attention_heads", &[1, 2, 5, 8])?, read("mlp_ratios", &[4; 4])?);
    let channels = config.size("num_channels", 3)?;
    (0..count)
        .map(|stage| {
            config.divides("hidden_sizes", widths[stage], "num_attention_heads", heads[stage])?;
            Ok(Stage {
                inputs: if stage == 0 { channels } else { widths[stage - 1] },
                width: widths[stage],
                depth: depths[stage],
                heads: heads[stage],
                patch: patches[stage],
                stride: strides[stage],
                reduction: reductions[stage],
                inner: widths[stage].saturating_mul(ratios[stage]),
            })
        })
        .collect()
}

impl Architecture for Segformer {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        self.model_type
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        if !config.flag("reshape_last_stage", true)? {
            let remedy = "Set reshape_last_stage to true";
            return Err(config.refuse("reshape_last_stage", "a last stage without an image is not built", remedy));
        }
        let stages = stages(config)?;
        let activation = Activation::read(config, "hidden_act", "gelu")?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let width = stages.last().map_or(1, |stage| stage.width);
        let image = Image::declare(&mut b, stages.first().map_or(3, |stage| stage.inputs));
        if class == self.classes[0].name {
            let seen = look(&mut b, &stages, activation, &image.pixels);
            let [height, wide] = image.edges.map(|edge| {
                let shrunk = stages.iter().fold(Extent::of(&edge), |extent, stage| {
                    extent.after(stage.patch, stage.stride, 2 * (stage.patch / 2))
                });
                shrunk.dimension()
            });
            b.output("last_hidden_state", &seen, &[image.batch, fixed(width), height, wide]);
        } else {
            let seen = look(&mut b.at(self.model_type), &stages, activation, &image.pixels);
            let mean = b.mean(&seen, &[2, 3], false);
            let labels = config.labels()?;
            let scores = linear(&mut b.at("classifier"), &mean, width, labels, true);
            b.output("logits", &scores, &[image.batch, fixed(labels)]);
        }
        Ok(())
    }
}

/// `[batch, channels, height, width]` to the last stage's image.
fn look(b: &mut GraphBuilder, stages: &[Stage], activation: Activation, pixels: &Var) -> Var {
    let mut image = b.cast_float(pixels);
    for (index, stage) in stages.iter().enumerate() {
        let width = stage.width;
        let cut = Convolution::square(stage.inputs, width, stage.patch).stride(stage.stride).pad(stage.patch / 2);
        let mut front = b.at(format_args!("encoder.patch_embeddings.{index}"));
        let seen = cut.apply(&mut front.at("proj"), &image);
        // The image's own shape brings sequences of its places back into it.
        let shape = front.shape_of(&seen);
        let places = as_sequence(&mut front, &seen, width);
        let mut x = layer_norm(&mut front.at("layer_norm"), &places, width, EPSILON);
        for layer in 0..stage.depth {
            x = block(&mut b.at(format_args!("encoder.block.{index}.{layer}")), stage, activation, &x, &shape);
        }
        let normal = layer_norm(&mut b.at(format_args!("encoder.layer_norm.{index}")), &x, width, EPSILON);
        image = as_image(b, &normal, &shape);
    }
    image
}

fn as_image(b: &mut GraphBuilder, x: &Var, shape: &Var) -> Var {
    let turned = b.transpose(x, &[0, 2, 1]);
    b.reshape_to(&turned, shape)
}

fn block(b: &mut GraphBuilder, stage: &Stage, activation: Activation, x: &Var, shape: &Var) -> Var {
    let Stage { width, inner, reduction, .. } = *stage;
    let normal = layer_norm(&mut b.at("layer_norm_1"), x, width, EPSILON);
    let modules = ["self.query", "self.key", "self.value", "output.dense"];
    let attention = Attention::new(Heads::even(width, stage.heads), modules);
    let attended = if reduction == 1 {
        attention.apply(&mut b.at("attention"), &normal)
    } else {
        let mut own = b.at("attention.self");
        let image = as_image(&mut own, &normal, shape);
        let small = Convolution::patches(width, width, reduction).apply(&mut own.at("sr"), &image);
        let small = as_sequence(&mut own, &small, width);
        let small = layer_norm(&mut own.at("layer_norm"), &small, width, EPSILON);
        let context = Some(Context { states: &small, width });
        Attention { context, ..attention }.apply(&mut b.at("attention"), &normal)
    };
    let x = b.add(&attended, x);
    let normal = layer_norm(&mut b.at("layer_norm_2"), &x, width, EPSILON);
    let mut network = b.at("mlp");
    let wide = linear(&mut network.at("dense1"), &normal, width, inner, true);
    let (first, edges) = (network.ints(&[0]), network.ints(&[2, 3]));
    let (batch, edges) = (network.gather(shape, &first, 0), network.gather(shape, &edges, 0));
    let channels = network.ints(&[inner as i64]);
    let wide_shape = network.concat(&[&batch, &channels, &edges], 0);
    let image = as_image(&mut network, &wide, &wide_shape);
    let depthwise = Convolution::square(inner, inner, 3).pad(1).groups(inner);
    let image = depthwise.apply(&mut network.at("dwconv.dwconv"), &image);
    let wide = as_sequence(&mut network, &image, inner);
    let wide = activation.apply(&mut network, &wide);
    let made = linear(&mut network.at("dense2"), &wide, inner, width, true);
    b.add(&made, &x)
}
