//! DPT's heads: the vectors of several layers of a ViT become images of several sizes, joined from the smallest to the
//! largest (Ranftl et al. 2021, arXiv 2103.13413).

use super::repaint::square;
use crate::{
    Dimension, ModelError,
    blocks::{Activation, Convolution, batch_norm, doubled, image_of, linear, spread_out, stretched},
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
};

/// The epsilon of torch's BatchNorm.
const EPSILON: f64 = 1e-5;
/// Channels before the last convolution of depths.
const NARROW: usize = 32;
/// Real ones join four.
const MOST_IMAGES: usize = 12;

/// What makes one image of the vectors of some layers, and what is read off it.
pub struct Dpt {
    /// Layers whose vectors are read, in order.
    pub layers: Vec<usize>,
    /// Width of the vectors.
    width: usize,
    /// Places along an edge of the ViT's image.
    side: usize,
    /// Channels of the image that each layer's vectors become, and how its size changes.
    images: Vec<(usize, Change)>,
    whole: Whole,
    activation: Activation,
    /// Channels of the images that are joined.
    joined: usize,
    bias: bool,
}

#[derive(Clone, Copy)]
enum Change {
    Larger(usize),
    Same,
    Smaller(usize),
}

/// What becomes of the vector for the whole.
#[derive(Clone, Copy)]
enum Whole {
    LeftOut,
    Added,
    /// Beside the vector of each place, and through a product.
    Joined,
}

impl Dpt {
    /// Over a ViT of so many layers, whose vectors are `width` wide, and which reads `count` places.
    pub fn read(config: &Config, layers: usize, width: usize, count: usize) -> Result<Self, ModelError> {
        config.must_be_absent("backbone_config", "a backbone of another type")?;
        config.must_be_off("use_batch_norm_in_fusion_residual", "a batch norm where images are joined")?;
        config.must_be_off("add_projection", "a convolution before the head")?;
        let widths = config.sizes("neck_hidden_sizes", &[96, 192, 384, 768])?;
        if widths.len() > MOST_IMAGES {
            let reason = format!("there are {} images, each of which doubles those before it", widths.len());
            return Err(config.refuse("neck_hidden_sizes", reason, format!("Use at most {MOST_IMAGES}")));
        }
        let joined = config.size("fusion_hidden_size", 256)?;
        if joined < 2 {
            return Err(config.refuse("fusion_hidden_size", "half of it must be left", "Use at least 2"));
        }
        reads_last(config, widths.len())?;
        let images = widths.iter().copied().zip(changes(config, widths.len())?).collect();
        Ok(Self {
            layers: taken(config, layers, widths.len())?,
            width,
            side: square(config, count)?,
            images,
            whole: match config.text("readout_type", "project")? {
                "ignore" => Whole::LeftOut,
                "add" => Whole::Added,
                "project" => Whole::Joined,
                _ => {
                    let remedy = "Known are ignore, add and project";
                    return Err(config.refuse("readout_type", "this is not known", remedy));
                }
            },
            activation: Activation::read(config, "hidden_act", "gelu")?,
            joined,
            bias: config.flag("use_bias_in_fusion_residual", true)?,
        })
    }

    /// How far away each pixel is: `[batch, height, width]`.
    pub fn draw_depth(&self, b: &mut GraphBuilder, batch: Dimension, states: &[Var]) {
        let (seen, edge) = self.join(&mut b.at("neck"), states);
        let depth = {
            let mut b = b.at("head.head");
            let half = self.joined / 2;
            let x = Convolution::square(self.joined, half, 3).pad(1).apply(&mut b.at(0), &seen);
            let x = doubled(&mut b, &x, true);
            let x = Convolution::square(half, NARROW, 3).pad(1).apply(&mut b.at(2), &x);
            let x = b.unary("Relu", &x);
            let x = Convolution::square(NARROW, 1, 1).apply(&mut b.at(4), &x);
            b.unary("Relu", &x)
        };
        let depth = b.squeeze(&depth, 1);
        let edge = fixed(2 * edge);
        b.output("predicted_depth", &depth, &[batch, edge.clone(), edge]);
    }

    /// Scores of every class for each pixel: `[batch, labels, height, width]`.
    pub fn draw_classes(
        &self,
        b: &mut GraphBuilder,
        config: &Config,
        batch: Dimension,
        states: &[Var],
    ) -> Result<(), ModelError> {
        let labels = config.labels()?;
        let (seen, edge) = self.join(&mut b.at("neck"), states);
        let scores = {
            let mut b = b.at("head.head");
            let plain = Convolution::square(self.joined, self.joined, 3).pad(1).bias(false);
            let x = plain.apply(&mut b.at(0), &seen);
            let x = batch_norm(&mut b.at(1), &x, self.joined, EPSILON);
            let x = b.unary("Relu", &x);
            let x = Convolution::square(self.joined, labels, 1).apply(&mut b.at(4), &x);
            doubled(&mut b, &x, true)
        };
        if config.flag("use_auxiliary_head", true)? {
            // A second head that only training reads.
            let mut b = b.at("auxiliary_head.head");
            b.at(0).unread("weight", &[self.joined, self.joined, 3, 3]);
            b.at(1).unread("weight", &[self.joined]);
            b.at(1).unread("bias", &[self.joined]);
            b.at(4).unread("weight", &[labels, self.joined, 1, 1]);
            b.at(4).unread("bias", &[labels]);
        }
        let edge = fixed(2 * edge);
        b.output("logits", &scores, &[batch, fixed(labels), edge.clone(), edge]);
        Ok(())
    }

    /// One image of all layers' vectors, `[batch, places, width]` each, and its edge.
    fn join(&self, b: &mut GraphBuilder, states: &[Var]) -> (Var, usize) {
        let mut images = Vec::with_capacity(states.len());
        for (index, (state, image)) in states.iter().zip(&self.images).enumerate() {
            let (image, edge) = self.reassemble(&mut b.at("reassemble_stage"), index, state, *image);
            let channels = self.images[index].0;
            let convolution = Convolution::square(channels, self.joined, 3).pad(1).bias(false);
            images.push((convolution.apply(&mut b.at(format_args!("convs.{index}")), &image), edge));
        }
        let mut joined: Option<(Var, usize)> = None;
        for (index, (image, edge)) in images.into_iter().rev().enumerate() {
            let mut b = b.at(format_args!("fusion_stage.layers.{index}"));
            let (x, edge) = match joined {
                None => {
                    // There is nothing yet that this would be added to.
                    b.undrawn(|b| {
                        self.residual(&mut b.at("residual_layer1"), &image);
                    });
                    (image, edge)
                }
                Some((before, wanted)) => {
                    let fitting = if edge == wanted {
                        image
                    } else {
                        let edges = b.ints(&[wanted as i64; 2]);
                        stretched(&mut b, &image, &edges, false)
                    };
                    let added = self.residual(&mut b.at("residual_layer1"), &fitting);
                    (b.add(&before, &added), wanted)
                }
            };
            let x = self.residual(&mut b.at("residual_layer2"), &x);
            let x = doubled(&mut b, &x, true);
            let x = Convolution::square(self.joined, self.joined, 1).apply(&mut b.at("projection"), &x);
            joined = Some((x, 2 * edge));
        }
        joined.expect("at least one layer is read")
    }

    /// The vectors of a layer as an image, and its edge.
    fn reassemble(
        &self,
        b: &mut GraphBuilder,
        index: usize,
        state: &Var,
        (channels, change): (usize, Change),
    ) -> (Var, usize) {
        let (width, side) = (self.width, self.side);
        let places = b.slice(state, [1, i64::MAX], 1);
        let places = match self.whole {
            Whole::LeftOut => places,
            Whole::Added => {
                let whole = b.slice(state, [0, 1], 1);
                b.add(&places, &whole)
            }
            Whole::Joined => {
                let whole = b.slice(state, [0, 1], 1);
                let each = b.ints(&[1, (side * side) as i64, 1]);
                let each = b.expand(&whole, &each);
                let both = b.concat(&[&places, &each], -1);
                let mut b = b.at(format_args!("readout_projects.{index}"));
                let made = linear(&mut b.at(0), &both, 2 * width, width, true);
                self.activation.apply(&mut b, &made)
            }
        };
        let edges = b.ints(&[side as i64; 2]);
        let image = image_of(b, &places, width, &edges);
        let mut b = b.at(format_args!("layers.{index}"));
        let image = Convolution::square(width, channels, 1).apply(&mut b.at("projection"), &image);
        let mut b = b.at("resize");
        match change {
            Change::Same => (image, side),
            Change::Larger(factor) => (spread_out(&mut b, &image, channels, factor), side * factor),
            Change::Smaller(stride) => {
                let convolution = Convolution::square(channels, channels, 3).stride(stride).pad(1);
                (convolution.apply(&mut b, &image), side.div_ceil(stride))
            }
        }
    }

    /// Two convolutions with a short cut around them.
    fn residual(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let mut seen = x.clone();
        for module in ["convolution1", "convolution2"] {
            seen = b.unary("Relu", &seen);
            let convolution = Convolution::square(self.joined, self.joined, 3).pad(1).bias(self.bias);
            seen = convolution.apply(&mut b.at(module), &seen);
        }
        b.add(&seen, x)
    }
}

/// Refuses a head that reads any but the last of so many images.
pub fn reads_last(config: &Config, images: usize) -> Result<(), ModelError> {
    let last = images as i64 - 1;
    if !matches!(config.integers("head_in_index", &[-1])?.as_slice(), [own] if [-1, last].contains(own)) {
        return Err(config.refuse("head_in_index", "only the last image is read", "Set head_in_index to -1"));
    }
    Ok(())
}

/// Which layers are read: one for each image, each after the one before.
fn taken(config: &Config, layers: usize, images: usize) -> Result<Vec<usize>, ModelError> {
    const KEY: &str = "backbone_out_indices";
    let taken = if config.has(KEY) { config.places(KEY)? } else { vec![2, 5, 8, 11] };
    let ordered = taken.windows(2).all(|pair| pair[0] < pair[1]);
    if taken.len() != images || !ordered || taken.last().is_none_or(|last| *last >= layers) {
        let reason = format!("these should be {images} of the {layers} layers, in order (neck_hidden_sizes)");
        let remedy = "Count layers from 0, and name as many as neck_hidden_sizes has entries";
        return Err(config.refuse(KEY, reason, remedy));
    }
    Ok(taken)
}

/// How the size of each image changes.
fn changes(config: &Config, images: usize) -> Result<Vec<Change>, ModelError> {
    const KEY: &str = "reassemble_factors";
    const LARGEST: f64 = 64.0;
    let factors = if config.has(KEY) { config.numbers(KEY, images)? } else { vec![4.0, 2.0, 1.0, 0.5] };
    if factors.len() != images {
        let reason = format!("there are {} factors for {images} images (neck_hidden_sizes)", factors.len());
        return Err(config.refuse(KEY, reason, "Write as many as neck_hidden_sizes has entries"));
    }
    let change = |factor: f64| {
        if factor == 1.0 {
            Ok(Change::Same)
        } else if factor > 1.0 && factor <= LARGEST && factor.fract() == 0.0 {
            Ok(Change::Larger(factor as usize))
        } else if (1.0 / LARGEST..1.0).contains(&factor) {
            Ok(Change::Smaller((1.0 / factor) as usize))
        } else {
            let reason = format!("the factor {factor} is not whole, or beyond {LARGEST}");
            Err(config.refuse(KEY, reason, "Use factors such as 4, 2, 1 and 0.5"))
        }
    };
    factors.into_iter().map(change).collect()
}
