//! AutoencoderKL: between an image and its latents, the small image that a diffusion model works on
//! (Rombach et al. 2021, arXiv 2112.10752).

use super::{
    groups, kinds,
    parts::{Residual, as_image, enlarge, halve},
};
use crate::{
    Dimension, Element, ModelError,
    architectures::{Architecture, Class},
    blocks::{Activation, Attention, Convolution, Heads, as_sequence, edges_of, group_norm},
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
};
use contract::DimRole;

pub struct AutoencoderKl;

const CLASSES: [Class; 1] = [Class {
    name: "AutoencoderKL",
    about: "Looks at an image, makes latents of it (the middle of their spread) and an image of those",
}];

/// What a configuration says.
struct Options {
    inputs: usize,
    outputs: usize,
    latents: usize,
    channels: Vec<usize>,
    layers: usize,
    residual: Residual,
    /// Whether each place sees all others between the way in and the way out of both halves.
    attends: bool,
    /// Whether latents go through a product on their way out and in.
    mixed: [bool; 2],
    edge: usize,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let channels = config.sizes("block_out_channels", &[64])?;
        kinds(config, "down_block_types", &["DownEncoderBlock2D"], &vec![0; channels.len()], channels.len())?;
        kinds(config, "up_block_types", &["UpDecoderBlock2D"], &vec![0; channels.len()], channels.len())?;
        let residual = Residual {
            groups: groups(config, &channels)?,
            epsilon: 1e-6,
            activation: Activation::read(config, "act_fn", "silu")?,
        };
        Ok(Self {
            inputs: config.size("in_channels", 3)?,
            outputs: config.size("out_channels", 3)?,
            latents: config.size("latent_channels", 4)?,
            layers: config.layers("layers_per_block", 1)?,
            residual,
            attends: config.flag("mid_block_add_attention", true)?,
            mixed: [config.flag("use_quant_conv", true)?, config.flag("use_post_quant_conv", true)?],
            edge: config.size("sample_size", 32)?,
            channels,
        })
    }

    /// Pixels of the image along an edge of one latent; none where no image is that large.
    fn factor(&self) -> Option<usize> {
        1usize.checked_shl(self.channels.len() as u32 - 1).filter(|factor| *factor <= 1 << 16)
    }
}

impl Architecture for AutoencoderKl {
    fn model_type(&self) -> &'static str {
        "AutoencoderKL"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        ""
    }

    fn draw(&self, config: &Config, _class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        let factor = options.factor().ok_or_else(|| {
            config.refuse("block_out_channels", "no image is left after so many stages", "Choose fewer stages")
        })?;
        let batch = b.free("batch", DimRole::Batch, "How many images at once?", 1, None);
        let edge = u32::try_from(options.edge / factor).unwrap_or(1).max(1);
        let edges = [("latent_height", "high"), ("latent_width", "wide")].map(|(name, how)| {
            let question = format!("How many latents {how} is an image, each of {factor} × {factor} pixels?");
            b.free(name, DimRole::Other, &question, edge, None);
            Dimension::Free(format!("{name} * {factor}"))
        });
        let image = |channels: usize| {
            let [height, width] = edges.clone();
            [batch.clone(), fixed(channels), height, width]
        };
        let pixels = b.input("sample", Element::F32, &image(options.inputs));
        let pixels = b.cast_float(&pixels);
        let latents = encode(&mut b, &options, &pixels);
        let made = decode(&mut b, &options, &latents);
        b.output("out_sample", &made, &image(options.outputs));
        Ok(())
    }
}

/// The middle of the spread of each latent.
fn encode(b: &mut GraphBuilder, options: &Options, x: &Var) -> Var {
    let Options { inputs, latents, channels, residual, .. } = options;
    let (first, last) = (channels[0], channels[channels.len() - 1]);
    let hidden = {
        let mut b = b.at("encoder");
        let mut hidden = Convolution::square(*inputs, first, 3).pad(1).apply(&mut b.at("conv_in"), x);
        let mut before = first;
        for (stage, width) in channels.iter().enumerate() {
            let mut b = b.at(format_args!("down_blocks.{stage}"));
            for layer in 0..options.layers {
                let sizes = [if layer == 0 { before } else { *width }, *width];
                hidden = residual.apply(&mut b.at(format_args!("resnets.{layer}")), &hidden, sizes, None);
            }
            if stage + 1 < channels.len() {
                hidden = halve(&mut b, &hidden, *width, 0);
            }
            before = *width;
        }
        let hidden = middle(&mut b.at("mid_block"), options, &hidden, last);
        let normal = residual.normal(&mut b.at("conv_norm_out"), &hidden, last);
        Convolution::square(last, 2 * latents, 3).pad(1).apply(&mut b.at("conv_out"), &normal)
    };
    let spread = if options.mixed[0] {
        Convolution::square(2 * latents, 2 * latents, 1).apply(&mut b.at("quant_conv"), &hidden)
    } else {
        hidden
    };
    b.slice(&spread, [0, *latents as i64], 1)
}

/// The image of latents.
fn decode(b: &mut GraphBuilder, options: &Options, latents: &Var) -> Var {
    let Options { outputs, channels, residual, .. } = options;
    let (first, last) = (channels[0], channels[channels.len() - 1]);
    let latents = if options.mixed[1] {
        Convolution::square(options.latents, options.latents, 1).apply(&mut b.at("post_quant_conv"), latents)
    } else {
        latents.clone()
    };
    let mut b = b.at("decoder");
    let mut hidden = Convolution::square(options.latents, last, 3).pad(1).apply(&mut b.at("conv_in"), &latents);
    hidden = middle(&mut b.at("mid_block"), options, &hidden, last);
    let mut before = last;
    for (stage, width) in channels.iter().rev().enumerate() {
        let mut b = b.at(format_args!("up_blocks.{stage}"));
        for layer in 0..=options.layers {
            let sizes = [if layer == 0 { before } else { *width }, *width];
            hidden = residual.apply(&mut b.at(format_args!("resnets.{layer}")), &hidden, sizes, None);
        }
        if stage + 1 < channels.len() {
            let (edges, two) = (edges_of(&mut b, &hidden), b.ints(&[2]));
            let twice = b.mul(&edges, &two);
            hidden = enlarge(&mut b, &hidden, *width, &twice);
        }
        before = *width;
    }
    let normal = residual.normal(&mut b.at("conv_norm_out"), &hidden, first);
    Convolution::square(first, *outputs, 3).pad(1).apply(&mut b.at("conv_out"), &normal)
}

/// Between the way in and the way out.
fn middle(b: &mut GraphBuilder, options: &Options, x: &Var, width: usize) -> Var {
    let Options { residual, attends, .. } = options;
    let mut hidden = residual.apply(&mut b.at("resnets.0"), x, [width, width], None);
    if *attends {
        let mut b = b.at("attentions.0");
        let normal = group_norm(&mut b.at("group_norm"), &hidden, [width, residual.groups, 2], residual.epsilon);
        let places = as_sequence(&mut b, &normal, width);
        let attention = Attention::new(Heads::even(width, 1), ["to_q", "to_k", "to_v", "to_out.0"]);
        let seen = attention.apply(&mut b, &places);
        let seen = as_image(&mut b, &seen, &hidden);
        hidden = b.add(&seen, &hidden);
    }
    residual.apply(&mut b.at("resnets.1"), &hidden, [width, width], None)
}
