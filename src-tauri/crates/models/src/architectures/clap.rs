//! CLAP: a text and a sound are read by a tower each, the sound as a spectrogram folded into a square image.

use super::{
    Architecture, Class, Text, bert,
    clip::compare,
    swin::{pyramid, windows_fit},
};
use crate::{
    Attribute, Element, ModelError,
    blocks::{Activation, Convolution, WindowStages, as_sequence, batch_norm, layer_norm, linear, unit_length},
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
};
use contract::DimRole;

pub struct Clap;

const CLASSES: [Class; 1] = [Class { name: "ClapModel", about: "Compares sounds with texts" }];

/// The epsilon of torch's norms, which the front of the sound's tower leaves as it is.
const EPSILON: f64 = 1e-5;

impl Architecture for Clap {
    fn model_type(&self) -> &'static str {
        "clap"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "clap"
    }

    fn draw(&self, config: &Config, _: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let (text_config, sound_config) = (config.part("text_config")?, config.part("audio_config")?);
        let (reader, sound) = (bert::Tower::read(&bert::CLAP_TEXT, &text_config)?, Sound::read(&sound_config)?);
        let width = config.size("projection_dim", 512)?;
        let activation = Activation::read(config, "projection_hidden_act", "relu")?;

        let batch = b.free("batch", DimRole::Batch, "How many sounds, and as many texts, at once?", 1, None);
        let text = Text::beside(&mut b, &batch, 64, Some(reader.longest()));
        let longest = (sound.edge * sound.folds()) as u32;
        let question = "How many frames of the spectrogram (1001 are ten seconds)?";
        let frames = b.free_frames("frames", question, FRAMES, Some(longest), STEPS_PER_SECOND);
        let heard = b.input("input_features", Element::F32, &[batch.clone(), fixed(1), frames, fixed(sound.bins)]);

        let (sound_width, text_width) = (sound_config.size("hidden_size", 768)?, reader.width());
        let heard = sound.listen(&mut b.at("audio_model.audio_encoder"), &heard);
        if sound.out() != sound_width {
            let reason = format!("the last stage is {} wide", sound.out());
            return Err(sound_config.refuse("hidden_size", reason, "Make them equal"));
        }
        let read = reader.draw(&mut b.at("text_model"), &text);
        let project = |b: &mut GraphBuilder, x: &Var, from: usize| {
            let x = linear(&mut b.at("linear1"), x, from, width, true);
            let x = activation.apply(b, &x);
            let x = linear(&mut b.at("linear2"), &x, width, width, true);
            unit_length(b, &x)
        };
        let heard = project(&mut b.at("audio_projection"), &heard, sound_width);
        let read = project(&mut b.at("text_projection"), &read, text_width);
        b.unread("logit_scale_t", &[]);
        let scores = compare(&mut b, &heard, &read, "logit_scale_a", None);
        b.output("logits_per_audio", &scores, &[batch.clone(), batch.clone()]);
        b.output("text_embeds", &read, &[batch.clone(), fixed(width)]);
        b.output("audio_embeds", &heard, &[batch, fixed(width)]);
        Ok(())
    }
}

/// Ten seconds as `ClapFeatureExtractor` gives them: a frame at the beginning and after each step, which is 480 of 48,000
/// samples a second.
const FRAMES: u32 = 10 * STEPS_PER_SECOND + 1;
const STEPS_PER_SECOND: u32 = 100;

/// The tower that listens: a Swin over the folded spectrogram.
struct Sound {
    bins: usize,
    edge: usize,
    patch: usize,
    stride: [usize; 2],
    width: usize,
    patch_norm: bool,
    depths: Vec<usize>,
    heads: Vec<usize>,
    window: usize,
    ratio: f64,
    bias: bool,
    activation: Activation,
    epsilon: f64,
}

impl Sound {
    fn read(config: &Config) -> Result<Self, ModelError> {
        config.must_be_off("enable_fusion", "the fusion of several stretches of a long sound")?;
        if !config.flag("flatten_patch_embeds", true)? || config.size("patch_embed_input_channels", 1)? != 1 {
            let remedy = "Set flatten_patch_embeds to true and patch_embed_input_channels to 1";
            return Err(config.refuse("flatten_patch_embeds", "patches that stay an image are not built", remedy));
        }
        let depths = config.sizes("depths", &[2, 2, 6, 2])?;
        config.check_depths("depths", &depths)?;
        let heads = config.stages("num_attention_heads", &[4, 8, 16, 32], depths.len())?;
        let (bins, edge) = (config.size("num_mel_bins", 64)?, config.size("spec_size", 256)?);
        let patch = config.size("patch_size", 4)?;
        let stride = config.pair("patch_stride", 4)?;
        config.divides("spec_size", edge, "num_mel_bins", bins)?;
        config.divides("num_mel_bins", bins, "patch_stride", stride[0])?;
        config.divides("spec_size", edge, "patch_stride", stride[1])?;
        if edge % (edge / bins) != 0 || edge / (edge / bins) != bins || patch < stride[0].max(stride[1]) {
            let remedy = "Make spec_size a multiple of num_mel_bins, and patch_size at least patch_stride";
            return Err(config.refuse("spec_size", "the spectrogram does not fold into a square", remedy));
        }
        let sound = Self {
            bins,
            edge,
            patch,
            stride,
            width: config.size("patch_embeds_hidden_size", 96)?,
            patch_norm: config.flag("enable_patch_layer_norm", true)?,
            window: config.size("window_size", 8)?,
            ratio: config.positive("mlp_ratio", 4.0)?,
            bias: config.flag("qkv_bias", true)?,
            activation: Activation::read(config, "hidden_act", "gelu")?,
            epsilon: config.positive("layer_norm_eps", 1e-5)?,
            depths,
            heads,
        };
        pyramid(config, "patch_embeds_hidden_size", sound.width, "num_attention_heads", &sound.heads)?;
        windows_fit(config, sound.grid(), sound.window, sound.depths.len())?;
        Ok(sound)
    }

    /// How often the spectrogram's length is folded to make it a square.
    fn folds(&self) -> usize {
        self.edge / self.bins
    }

    fn grid(&self) -> [usize; 2] {
        self.stride.map(|stride| self.edge / stride)
    }

    /// Width of the whole sound's vector.
    fn out(&self) -> usize {
        self.width << (self.depths.len() - 1)
    }

    /// `[batch, 1, frames, bins]` to the whole sound's vector.
    fn listen(&self, b: &mut GraphBuilder, heard: &Var) -> Var {
        let (bins, edge, folds) = (self.bins as i64, self.edge as i64, self.folds() as i64);
        let heard = b.cast_float(heard);
        let x = b.transpose(&heard, &[0, 3, 2, 1]);
        let x = batch_norm(&mut b.at("batch_norm"), &x, self.bins, EPSILON);
        let x = b.transpose(&x, &[0, 3, 2, 1]);
        let x = stretch(b, &x, [edge * folds, bins]);
        // Stretches of the length come to lie above each other.
        let x = b.reshape(&x, &[0, folds, edge, bins]);
        let x = b.transpose(&x, &[0, 1, 3, 2]);
        let x = b.reshape(&x, &[0, 1, edge, edge]);

        let mut front = b.at("patch_embed");
        let pads = self.stride.map(|stride| (self.patch - stride) / 2);
        let patches = Convolution::square(1, self.width, self.patch)
            .strides(&self.stride)
            .pads(&[pads[0], pads[1], pads[0], pads[1]]);
        let seen = patches.apply(&mut front.at("proj"), &x);
        let mut seen = as_sequence(&mut front, &seen, self.width);
        if self.patch_norm {
            seen = layer_norm(&mut front.at("norm"), &seen, self.width, EPSILON);
        }
        let stages = WindowStages {
            width: self.width,
            depths: &self.depths,
            heads: &self.heads,
            window: self.window,
            ratio: self.ratio,
            bias: self.bias,
            activation: self.activation,
            epsilon: self.epsilon,
        };
        let (hidden, _, width) = stages.apply(b, &seen, self.grid());
        let hidden = layer_norm(&mut b.at("norm"), &hidden, width, EPSILON);
        b.mean(&hidden, &[1], false)
    }
}

/// An image of other edges, by cubic interpolation with its corners kept in place.
fn stretch(b: &mut GraphBuilder, x: &Var, edges: [i64; 2]) -> Var {
    let (kept, edges) = (b.ints(&[0, 1]), b.ints(&edges));
    let shape = b.shape_of(x);
    let front = b.gather(&shape, &kept, 0);
    let sizes = b.concat(&[&front, &edges], 0);
    let none = x.omitted();
    let attributes = [
        ("mode", Attribute::Text("cubic".to_owned())),
        ("coordinate_transformation_mode", Attribute::Text("align_corners".to_owned())),
        // torch's curve.
        ("cubic_coeff_a", Attribute::Float(-0.75)),
    ];
    b.without_bf16("Resize", &[x, &none, &none, &sizes], &attributes)
}
