//! SegFormer: an image read in stages that overlap, with attention to a shrunken image.

use super::{Architecture, Class, dpt::reads_last, resnet::Image};
use crate::{
    Dimension, ModelError,
    blocks::{
        Activation, Attention, Context, Convolution, Heads, as_sequence, batch_norm, doubled, edges_of, image_of,
        layer_norm, linear, stretched,
    },
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
        Class {
            name: "SegformerForSemanticSegmentation",
            about: "Looks at an image and sorts each place of it into classes",
        },
    ],
};
pub static GLPN: Segformer = Segformer {
    model_type: "glpn",
    classes: &[
        Class { name: "GLPNModel", about: PLACES },
        Class { name: "GLPNForDepthEstimation", about: "Looks at an image and tells how far away each pixel is" },
    ],
};

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
        if class.ends_with("ForDepthEstimation") {
            return self.draw_depth(config, &stages, activation, &mut b);
        }
        let width = stages.last().map_or(1, |stage| stage.width);
        let image = Image::declare(&mut b, stages.first().map_or(3, |stage| stage.inputs));
        // Height and width of a stage's image.
        let edges = |stages: &[Stage]| {
            image.edges.each_ref().map(|edge| {
                let shrunk = stages.iter().fold(Extent::of(edge), |extent, stage| {
                    extent.after(stage.patch, stage.stride, 2 * (stage.patch / 2))
                });
                shrunk.dimension()
            })
        };
        if class == self.classes[0].name {
            let seen = last(look(&mut b, &stages, activation, &image.pixels));
            let [height, wide] = edges(&stages);
            b.output("last_hidden_state", &seen, &[image.batch, fixed(width), height, wide]);
            return Ok(());
        }
        let images = look(&mut b.at(self.model_type), &stages, activation, &image.pixels);
        let labels = config.labels()?;
        if class.ends_with("ForSemanticSegmentation") {
            let narrow = config.size("decoder_hidden_size", 256)?;
            let scores = sort_places(&mut b.at("decode_head"), &stages, &images, [narrow, labels]);
            let [height, wide] = edges(&stages[..1]);
            b.output("logits", &scores, &[image.batch, fixed(labels), height, wide]);
        } else {
            let mean = b.mean(&last(images), &[2, 3], false);
            let scores = linear(&mut b.at("classifier"), &mean, width, labels, true);
            b.output("logits", &scores, &[image.batch, fixed(labels)]);
        }
        Ok(())
    }
}

impl Segformer {
    /// GLPN's decoder doubles the last stage's image until it is as large as the one that was looked at.
    fn draw_depth(
        &self,
        config: &Config,
        stages: &[Stage],
        activation: Activation,
        b: &mut GraphBuilder,
    ) -> Result<(), ModelError> {
        let width = config.size("decoder_hidden_size", 64)?;
        if width < 2 {
            return Err(config.refuse("decoder_hidden_size", "half of it must be left", "Use at least 2"));
        }
        let most = config.positive("max_depth", 10.0)?;
        reads_last(config, stages.len())?;
        let step = halvings(config, stages)?;
        let image = Image::in_steps(b, stages.first().map_or(3, |stage| stage.inputs), step);
        let images = look(&mut b.at(self.model_type), stages, activation, &image.pixels);
        let joined = join(&mut b.at("decoder"), stages, &images, width);
        let depth = {
            let mut b = b.at("head.head");
            let x = Convolution::square(width, width, 3).pad(1).apply(&mut b.at(0), &joined);
            let x = b.unary("Relu", &x);
            Convolution::square(width, 1, 3).pad(1).apply(&mut b.at(2), &x)
        };
        let (share, most) = (b.unary("Sigmoid", &depth), b.scalar(most));
        let depth = b.mul(&share, &most);
        let depth = b.squeeze(&depth, 1);
        // What is left of an image after its first stage is doubled twice.
        let [height, wide] = Image::STEPS.map(|name| Dimension::Free(format!("{name} * {}", 4 << (stages.len() - 1))));
        b.output("predicted_depth", &depth, &[image.batch, height, wide]);
        Ok(())
    }
}

/// So many pixels along each edge become one in the last stage.
///
/// # Errors
/// Where the stages do not halve what the decoder doubles.
fn halvings(config: &Config, stages: &[Stage]) -> Result<usize, ModelError> {
    const MOST_STAGES: usize = 12;
    if stages.len() > MOST_STAGES {
        let reason = format!("there are {} stages", stages.len());
        return Err(config.refuse("num_encoder_blocks", reason, "Use at most 12 stages"));
    }
    if stages.iter().skip(1).any(|stage| stage.stride != 2) {
        let reason = "the decoder doubles an image from stage to stage";
        return Err(config.refuse("strides", reason, "Use 2 for every stage after the first"));
    }
    if stages.iter().any(|stage| stage.patch.is_multiple_of(2)) {
        let reason = "an even patch makes images that are no halves of each other";
        return Err(config.refuse("patch_sizes", reason, "Use odd numbers"));
    }
    Ok(stages.first().map_or(1, |stage| stage.stride) << (stages.len() - 1))
}

/// Scores of every class for each place of the first stage's image, by what all stages saw there:
/// `[batch, labels, height, width]`.
fn sort_places(b: &mut GraphBuilder, stages: &[Stage], images: &[Var], [width, labels]: [usize; 2]) -> Var {
    let edges = edges_of(b, &images[0]);
    let mut parts = Vec::with_capacity(images.len());
    for (index, (stage, image)) in stages.iter().zip(images).enumerate() {
        let own = edges_of(b, image);
        let places = as_sequence(b, image, stage.width);
        let module = &mut b.at(format_args!("linear_c.{index}.proj"));
        let narrow = linear(module, &places, stage.width, width, true);
        let narrow = image_of(b, &narrow, width, &own);
        parts.push(if index == 0 { narrow } else { stretched(b, &narrow, &edges, false) });
    }
    let joined = b.concat(&parts.iter().rev().collect::<Vec<_>>(), 1);
    let fuse = Convolution::square(width * stages.len(), width, 1).bias(false);
    let fused = fuse.apply(&mut b.at("linear_fuse"), &joined);
    let fused = batch_norm(&mut b.at("batch_norm"), &fused, width, EPSILON);
    let fused = b.unary("Relu", &fused);
    Convolution::square(width, labels, 1).apply(&mut b.at("classifier"), &fused)
}

/// From the last stage to the first each image is joined by what the ones before it became, and doubled.
fn join(b: &mut GraphBuilder, stages: &[Stage], images: &[Var], width: usize) -> Var {
    let mut joined: Option<Var> = None;
    for (index, (stage, image)) in stages.iter().zip(images).rev().enumerate() {
        let mut b = b.at(format_args!("stages.{index}"));
        let mut x = image.clone();
        if stage.width != width {
            x = Convolution::square(stage.width, width, 1).apply(&mut b.at("convolution"), &x);
        }
        if let Some(before) = &joined {
            x = weigh(&mut b.at("fusion"), &x, before, width);
        }
        joined = Some(doubled(&mut b, &x, false));
    }
    let joined = joined.expect("there is at least one stage");
    doubled(b, &joined, false)
}

/// Two images added, each place of both weighed by what is seen around it.
fn weigh(b: &mut GraphBuilder, x: &Var, other: &Var, width: usize) -> Var {
    let mut seen = b.concat(&[x, other], 1);
    for (module, [from, to]) in
        [("convolutional_layer1", [2 * width, width]), ("convolutional_layer2", [width, width / 2])]
    {
        let mut b = b.at(module);
        seen = Convolution::square(from, to, 3).pad(1).apply(&mut b.at(0), &seen);
        seen = batch_norm(&mut b.at(1), &seen, to, EPSILON);
        seen = b.unary("Relu", &seen);
    }
    let weights = Convolution::square(width / 2, 2, 3).pad(1).apply(&mut b.at("convolutional_layer3"), &seen);
    let weights = b.unary("Sigmoid", &weights);
    let weights = b.split(&weights, &[1, 1], 1);
    let (x, other) = (b.mul(x, &weights[0]), b.mul(other, &weights[1]));
    b.add(&x, &other)
}

fn last(mut images: Vec<Var>) -> Var {
    images.pop().expect("there is at least one stage")
}

/// `[batch, channels, height, width]` to the image of each stage.
fn look(b: &mut GraphBuilder, stages: &[Stage], activation: Activation, pixels: &Var) -> Vec<Var> {
    let mut images = Vec::with_capacity(stages.len());
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
        images.push(image.clone());
    }
    images
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
