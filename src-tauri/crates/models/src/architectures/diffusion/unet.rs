//! UNet2DConditionModel: what takes the noise out of latents, step by step, led by a text
//! (Rombach et al. 2021, arXiv 2112.10752; Podell et al. 2023, arXiv 2307.01952).

use super::{
    each_stage, groups, kinds,
    parts::{Residual, as_image, enlarge, halve},
};
use crate::{
    Element, ModelError,
    architectures::{Architecture, Class},
    blocks::{
        Activation, Attention, Context, Convolution, Heads, as_sequence, edges_of, group_norm, layer_norm, linear,
    },
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
};
use contract::DimRole;

pub struct Unet;

const CLASSES: [Class; 1] = [Class {
    name: "UNet2DConditionModel",
    about: "Looks at noisy latents and the vectors of a text, and gives the noise: one step of making an image",
}];

/// Numbers that say how large the image is and where it was cut, in models that are told so.
const PLACES_TOLD: usize = 6;

/// What a configuration says.
struct Options {
    inputs: usize,
    outputs: usize,
    edge: usize,
    stages: Vec<Stage>,
    /// Of the stages on the way up, in their own order.
    up: Vec<(bool, usize)>,
    layers: Vec<usize>,
    residual: Residual,
    pad: usize,
    kernels: [usize; 2],
    time: Time,
    told: Option<Told>,
    linear: bool,
}

/// One on the way down.
#[derive(Clone, Copy)]
struct Stage {
    channels: usize,
    attends: bool,
    heads: usize,
    text: usize,
    /// Transformer layers after each pair of convolutions.
    depth: usize,
}

struct Time {
    /// Width of the waves, and of the vector made of them.
    widths: [usize; 2],
    cosines_first: bool,
    shift: f64,
}

/// What else the model is told: the vector of the whole text, and numbers about the image.
struct Told {
    text: usize,
    place: usize,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        refuse_others(config)?;
        let channels = config.sizes("block_out_channels", &[320, 640, 1280, 1280])?;
        let count = channels.len();
        let attending = |key: &str, names: [&str; 2], default: Vec<usize>| -> Result<Vec<bool>, ModelError> {
            Ok(kinds(config, key, &names, &default, count)?.iter().map(|kind| *kind == 1).collect())
        };
        let usual: Vec<usize> = (0..count).map(|stage| usize::from(stage + 1 < count)).collect();
        let reversed: Vec<usize> = usual.iter().rev().copied().collect();
        let down = attending("down_block_types", ["DownBlock2D", "CrossAttnDownBlock2D"], usual)?;
        let up = attending("up_block_types", ["UpBlock2D", "CrossAttnUpBlock2D"], reversed)?;
        let heads_key = if config.has("num_attention_heads") { "num_attention_heads" } else { "attention_head_dim" };
        let heads = each_stage(config, heads_key, 8, count)?;
        let texts = each_stage(config, "cross_attention_dim", 1280, count)?;
        let depths = each_stage(config, "transformer_layers_per_block", 1, count)?;
        let depths_up: Vec<usize> = match config.has("reverse_transformer_layers_per_block") {
            true => each_stage(config, "reverse_transformer_layers_per_block", 1, count)?,
            false => depths.iter().rev().copied().collect(),
        };
        let layers = each_stage(config, "layers_per_block", 2, count)?;
        let mut stages = Vec::new();
        for stage in 0..count {
            config.divides("block_out_channels", channels[stage], heads_key, heads[stage])?;
            stages.push(Stage {
                channels: channels[stage],
                attends: down[stage],
                heads: heads[stage],
                text: texts[stage],
                depth: depths[stage],
            });
        }
        if texts.iter().any(|text| *text != texts[0]) {
            let reason = "the text's vectors have one width for all stages";
            return Err(config.refuse("cross_attention_dim", reason, "Write one number"));
        }
        refuse_many(config, &layers, &depths, &depths_up)?;
        let first = channels[0];
        if !first.is_multiple_of(2) {
            return Err(config.refuse("block_out_channels", format!("{first} is odd"), "Make the first even"));
        }
        let time = config.size("time_embedding_dim", 4 * first)?;
        Ok(Self {
            inputs: config.size("in_channels", 4)?,
            outputs: config.size("out_channels", 4)?,
            edge: config.size("sample_size", 64)?,
            up: up.into_iter().zip(depths_up).collect(),
            layers,
            residual: Residual {
                groups: groups(config, &channels)?,
                epsilon: config.positive("norm_eps", 1e-5)?,
                activation: Activation::read(config, "act_fn", "silu")?,
            },
            pad: pad(config)?,
            kernels: [kernel(config, "conv_in_kernel")?, kernel(config, "conv_out_kernel")?],
            time: Time {
                widths: [first, time],
                cosines_first: config.flag("flip_sin_to_cos", true)?,
                shift: config.index("freq_shift", 0)? as f64,
            },
            told: Told::read(config)?,
            linear: config.flag("use_linear_projection", false)?,
            stages,
        })
    }

    fn last(&self) -> Stage {
        self.stages[self.stages.len() - 1]
    }
}

fn kernel(config: &Config, key: &str) -> Result<usize, ModelError> {
    let kernel = config.size(key, 3)?;
    if kernel.is_multiple_of(2) || kernel > 31 {
        return Err(config.refuse(key, "this should be odd and at most 31", "Usual is 3"));
    }
    Ok(kernel)
}

/// Zeros around an image before it is halved.
fn pad(config: &Config) -> Result<usize, ModelError> {
    const KEY: &str = "downsample_padding";
    match config.index(KEY, 1)? {
        pad @ 0..=1 => Ok(pad),
        _ => Err(config.refuse(KEY, "this should be 0 or 1", "Usual is 1")),
    }
}

/// What would change the network in a way that is not built.
fn refuse_others(config: &Config) -> Result<(), ModelError> {
    for (key, what) in [
        ("center_input_sample", "another range of the latents"),
        ("dual_cross_attention", "a second text"),
        ("only_cross_attention", "attention to the text alone"),
        ("mid_block_only_cross_attention", "attention to the text alone"),
        ("resnet_skip_time_act", "another way of the time"),
        ("class_embeddings_concat", "classes beside the time"),
    ] {
        config.must_be_off(key, what)?;
    }
    for (key, what) in [
        ("class_embed_type", "being told a class"),
        ("num_class_embeds", "being told a class"),
        ("encoder_hid_dim_type", "a product for the text"),
        ("encoder_hid_dim", "a product for the text"),
        ("time_cond_proj_dim", "being told how closely to follow the text"),
        ("timestep_post_act", "another activation of the time"),
        ("time_embedding_act_fn", "another activation of the time"),
        ("cross_attention_norm", "a norm of the text"),
    ] {
        config.must_be_absent(key, what)?;
    }
    for (key, known) in [
        ("mid_block_type", "UNetMidBlock2DCrossAttn"),
        ("resnet_time_scale_shift", "default"),
        ("time_embedding_type", "positional"),
        ("attention_type", "default"),
    ] {
        let written = config.text(key, known)?;
        if written != known {
            return Err(config.refuse(key, "this choice is not built", format!("Known is {known}")));
        }
    }
    for key in ["resnet_out_scale_factor", "mid_block_scale_factor"] {
        if config.positive(key, 1.0)? != 1.0 {
            return Err(config.refuse(key, "another scale is not built", "Set it to 1"));
        }
    }
    Ok(())
}

/// More than any known network would only fill the memory.
fn refuse_many(config: &Config, layers: &[usize], depths: &[usize], depths_up: &[usize]) -> Result<(), ModelError> {
    const MOST: usize = 4096;
    let both = depths.iter().chain(depths_up).copied().max().unwrap_or(1);
    let all = layers.iter().map(|layers| layers.saturating_add(1)).fold(0usize, usize::saturating_add);
    if all.saturating_mul(both) > MOST {
        let reason = format!("that makes more than {MOST} layers of transformers");
        let key = if both > all { "transformer_layers_per_block" } else { "layers_per_block" };
        return Err(config.refuse(key, reason, "Choose fewer layers"));
    }
    Ok(())
}

impl Told {
    fn read(config: &Config) -> Result<Option<Self>, ModelError> {
        const KEY: &str = "addition_embed_type";
        if !config.has(KEY) {
            return Ok(None);
        }
        if config.text(KEY, "")? != "text_time" {
            return Err(config.refuse(KEY, "this choice is not built", "Known is text_time"));
        }
        let place = config.size("addition_time_embed_dim", 256)?;
        let whole = config.size("projection_class_embeddings_input_dim", 2816)?;
        match whole.checked_sub(PLACES_TOLD * place).filter(|text| *text > 0 && place.is_multiple_of(2)) {
            Some(text) => Ok(Some(Self { text, place })),
            None => {
                let reason = format!("it holds {PLACES_TOLD} vectors of {place} (addition_time_embed_dim), and a text");
                Err(config.refuse("projection_class_embeddings_input_dim", reason, "Make it larger"))
            }
        }
    }
}

impl Architecture for Unet {
    fn model_type(&self) -> &'static str {
        "UNet2DConditionModel"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        ""
    }

    fn draw(&self, config: &Config, _class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        let batch = b.free("batch", DimRole::Batch, "How many images at once?", 1, None);
        let edge = options.edge as u32;
        let height = b.free("height", DimRole::ImageSize, "How many latents high is an image?", edge, None);
        let width = b.free("width", DimRole::ImageSize, "How many latents wide is an image?", edge, None);
        let length = b.free("sequence", DimRole::Sequence, "How many tokens of text?", 77, None);
        let image = |channels: usize| [batch.clone(), fixed(channels), height.clone(), width.clone()];
        let latents = b.input("sample", Element::F32, &image(options.inputs));
        let step = b.input("timestep", Element::I64, std::slice::from_ref(&batch));
        let text = options.stages[0].text;
        let text = b.input("encoder_hidden_states", Element::F32, &[batch.clone(), length, fixed(text)]);
        let [latents, text] = [latents, text].map(|input| b.cast_float(&input));
        let mut time = options.time.vector(&mut b, &step, options.residual.activation);
        if let Some(told) = &options.told {
            let whole = b.input("text_embeds", Element::F32, &[batch.clone(), fixed(told.text)]);
            let places = b.input("time_ids", Element::F32, &[batch.clone(), fixed(PLACES_TOLD)]);
            let more = told.vector(&mut b, &options, &whole, &places);
            time = b.add(&time, &more);
        }
        // Every pair of convolutions reads it through the activation.
        let time = options.residual.activation.apply(&mut b, &time);
        let network = Network { options: &options, time: &time, text: &text };
        let noise = network.apply(&mut b, &latents);
        b.output("out_sample", &noise, &image(options.outputs));
        Ok(())
    }
}

impl Time {
    /// `[batch]` to `[batch, width]`.
    fn vector(&self, b: &mut GraphBuilder, step: &Var, activation: Activation) -> Var {
        let [width, time] = self.widths;
        let waves = self.waves(&mut b.at("time_proj"), step, width);
        two_layers(&mut b.at("time_embedding"), &waves, [width, time], activation)
    }

    /// Sines and cosines of so many numbers, computed in f32: `[numbers]` to `[numbers, width]`.
    fn waves(&self, b: &mut GraphBuilder, numbers: &Var, width: usize) -> Var {
        let half = width / 2;
        let frequency = |place: usize| (-(10_000f64.ln()) * place as f64 / (half as f64 - self.shift)).exp();
        let frequencies: Vec<f64> = (0..half).map(frequency).collect();
        let table = b.table("frequencies", &[1, half], &frequencies);
        let numbers = b.cast(numbers, Element::F32);
        let numbers = b.unsqueeze(&numbers, 1);
        let angles = b.mul(&numbers, &table);
        let [sines, cosines] = ["Sin", "Cos"].map(|op| b.unary(op, &angles));
        let order = if self.cosines_first { [&cosines, &sines] } else { [&sines, &cosines] };
        let waves = b.concat(&order, -1);
        b.cast_float(&waves)
    }
}

fn two_layers(b: &mut GraphBuilder, x: &Var, [inputs, width]: [usize; 2], activation: Activation) -> Var {
    let hidden = linear(&mut b.at("linear_1"), x, inputs, width, true);
    let hidden = activation.apply(b, &hidden);
    linear(&mut b.at("linear_2"), &hidden, width, width, true)
}

impl Told {
    fn vector(&self, b: &mut GraphBuilder, options: &Options, whole: &Var, places: &Var) -> Var {
        let told = PLACES_TOLD * self.place;
        let numbers = b.reshape(places, &[-1]);
        let waves = options.time.waves(&mut b.at("add_time_proj"), &numbers, self.place);
        let waves = b.reshape(&waves, &[-1, told as i64]);
        let whole = b.cast_float(whole);
        let both = b.concat(&[&whole, &waves], -1);
        two_layers(&mut b.at("add_embedding"), &both, [self.text + told, options.time.widths[1]], Activation::Silu)
    }
}

/// The network at one step, with what all of its parts read.
struct Network<'a> {
    options: &'a Options,
    /// `[batch, width]`, activated.
    time: &'a Var,
    /// `[batch, tokens, width]`.
    text: &'a Var,
}

impl Network<'_> {
    fn apply(&self, b: &mut GraphBuilder, latents: &Var) -> Var {
        let Options { stages, residual, kernels, .. } = self.options;
        let (first, last) = (stages[0].channels, self.options.last());
        let convolution = Convolution::square(self.options.inputs, first, kernels[0]).pad(kernels[0] / 2);
        let mut hidden = convolution.apply(&mut b.at("conv_in"), latents);
        // What the way up reads again, with its channels.
        let mut kept = vec![(hidden.clone(), first)];
        let mut before = first;
        for (index, stage) in stages.iter().enumerate() {
            let mut b = b.at(format_args!("down_blocks.{index}"));
            for layer in 0..self.options.layers[index] {
                hidden = self.layer(&mut b, layer, &hidden, [before, stage.channels], stage);
                before = stage.channels;
                kept.push((hidden.clone(), before));
            }
            if index + 1 < stages.len() {
                hidden = halve(&mut b, &hidden, before, self.options.pad);
                kept.push((hidden.clone(), before));
            }
        }
        hidden = {
            let mut b = b.at("mid_block");
            let attending = Stage { attends: true, ..last };
            let hidden = self.layer(&mut b, 0, &hidden, [before, before], &attending);
            self.layer(&mut b, 1, &hidden, [before, before], &Stage { attends: false, ..last })
        };
        for (index, (down, (attends, depth))) in stages.iter().rev().zip(&self.options.up).enumerate() {
            let mut b = b.at(format_args!("up_blocks.{index}"));
            let stage = Stage { attends: *attends, depth: *depth, ..*down };
            for layer in 0..=self.options.layers[stages.len() - 1 - index] {
                let (again, channels) = kept.pop().expect("each layer on the way up has one on the way down");
                hidden = b.concat(&[&hidden, &again], 1);
                hidden = self.layer(&mut b, layer, &hidden, [before + channels, stage.channels], &stage);
                before = stage.channels;
            }
            if let (true, Some((next, _))) = (index + 1 < stages.len(), kept.last()) {
                let edges = edges_of(&mut b, next);
                hidden = enlarge(&mut b, &hidden, before, &edges);
            }
        }
        let normal = residual.normal(&mut b.at("conv_norm_out"), &hidden, first);
        let convolution = Convolution::square(first, self.options.outputs, kernels[1]).pad(kernels[1] / 2);
        convolution.apply(&mut b.at("conv_out"), &normal)
    }

    /// A pair of convolutions, and attention after it where the stage attends.
    fn layer(&self, b: &mut GraphBuilder, index: usize, x: &Var, sizes: [usize; 2], stage: &Stage) -> Var {
        let time = Some((self.time, self.options.time.widths[1]));
        let hidden = self.options.residual.apply(&mut b.at(format_args!("resnets.{index}")), x, sizes, time);
        if !stage.attends {
            return hidden;
        }
        self.attend(&mut b.at(format_args!("attentions.{index}")), &hidden, stage)
    }

    /// Each place of the image sees all others and the text.
    fn attend(&self, b: &mut GraphBuilder, x: &Var, stage: &Stage) -> Var {
        const EPSILON: f64 = 1e-6;
        let width = stage.channels;
        let normal = group_norm(&mut b.at("norm"), x, [width, self.options.residual.groups, 2], EPSILON);
        let mut places = if self.options.linear {
            let places = as_sequence(b, &normal, width);
            linear(&mut b.at("proj_in"), &places, width, width, true)
        } else {
            let mixed = Convolution::square(width, width, 1).apply(&mut b.at("proj_in"), &normal);
            as_sequence(b, &mixed, width)
        };
        for layer in 0..stage.depth {
            places = self.transformer(&mut b.at(format_args!("transformer_blocks.{layer}")), &places, stage);
        }
        let made = if self.options.linear {
            let made = linear(&mut b.at("proj_out"), &places, width, width, true);
            as_image(b, &made, x)
        } else {
            let made = as_image(b, &places, x);
            Convolution::square(width, width, 1).apply(&mut b.at("proj_out"), &made)
        };
        b.add(&made, x)
    }

    fn transformer(&self, b: &mut GraphBuilder, x: &Var, stage: &Stage) -> Var {
        const EPSILON: f64 = 1e-5;
        /// Of the inner width to the outer.
        const WIDER: usize = 4;
        let width = stage.channels;
        let attention = Attention {
            bias: [false, false, false, true],
            ..Attention::new(Heads::even(width, stage.heads), ["to_q", "to_k", "to_v", "to_out.0"])
        };
        let normal = layer_norm(&mut b.at("norm1"), x, width, EPSILON);
        let seen = attention.apply(&mut b.at("attn1"), &normal);
        let x = b.add(&seen, x);
        let normal = layer_norm(&mut b.at("norm2"), &x, width, EPSILON);
        let context = Some(Context { states: self.text, width: stage.text });
        let read = Attention { context, ..attention }.apply(&mut b.at("attn2"), &normal);
        let x = b.add(&read, &x);
        let normal = layer_norm(&mut b.at("norm3"), &x, width, EPSILON);
        let both = linear(&mut b.at("ff.net.0.proj"), &normal, width, 2 * WIDER * width, true);
        let parts = b.split(&both, &[WIDER * width; 2], -1);
        let gate = Activation::Gelu.apply(b, &parts[1]);
        let product = b.mul(&parts[0], &gate);
        let thought = linear(&mut b.at("ff.net.2"), &product, WIDER * width, width, true);
        b.add(&thought, &x)
    }
}
