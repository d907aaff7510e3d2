//! X-CLIP: frames of a video exchange messages, and the video is compared with texts that it has coloured.

use super::{
    Architecture, Class,
    clip::{Image, Kind, Layers, Text},
};
use crate::{
    Element, ModelError,
    blocks::{
        Activation, Attention, Context, Heads, feed_forward, for_each_sample, layer_norm, linear, unit_length,
        vector_at,
    },
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
    weights::Fill,
};
use contract::DimRole;

pub struct XClip;

const CLASSES: [Class; 1] = [Class { name: "XCLIPModel", about: "Compares videos with texts" }];

/// Wider inside than outside, in the layers that colour the texts.
const PROMPT_RATIO: usize = 4;

impl Architecture for XClip {
    fn model_type(&self) -> &'static str {
        "xclip"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "x_clip"
    }

    fn draw(&self, config: &Config, _: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let (text_config, video_config) = (config.part("text_config")?, config.part("vision_config")?);
        // Whatever the configuration says ends a text, the highest token is taken for its end.
        let text_tower = Text::with_end(&text_config, Kind::Clip, None)?;
        let frames = video_config.size("num_frames", 8)?;
        let video_tower = Video { frames, image: Image::read(&video_config, Kind::Clip)? };
        let summary = summary_layers(&video_config)?;
        let prompts = Prompts::read(config)?;
        let width = prompts.width;
        if summary.width != width {
            let reason = format!("frames' vectors have {width} numbers (projection_dim)");
            return Err(video_config.refuse("mit_hidden_size", reason, "Make them equal"));
        }

        let batch = b.free("batch", DimRole::Batch, "How many videos, and as many texts, at once?", 1, None);
        let text = text_tower.input(&mut b, &batch);
        let [channels, height, wide] = video_tower.image.sizes();
        let shape = [batch.clone(), fixed(frames), fixed(channels), fixed(height), fixed(wide)];
        let pixels = b.input("pixel_values", Element::F32, &shape);

        let pixels = b.reshape(&pixels, &[-1, channels as i64, height as i64, wide as i64]);
        let (hidden, whole) = video_tower.draw(&mut b.at("vision_model"), &pixels);
        let Layers { width: inner, epsilon, .. } = video_tower.image.layers;
        let whole = linear(&mut b.at("visual_projection"), &whole, inner, width, false);
        let whole = b.reshape(&whole, &[-1, frames as i64, width as i64]);
        let video = summarise(&mut b.at("mit"), &summary, &whole, frames);

        let patches = b.slice(&hidden, [1, i64::MAX], 1);
        let patches = layer_norm(&mut b.at("prompts_visual_layernorm"), &patches, inner, epsilon);
        let projection = b.weight("prompts_visual_projection", &[inner, width], Fill::Matrix);
        let patches = b.matmul(&patches, &projection);
        let count = video_tower.image.places() - 1;
        let patches = b.reshape(&patches, &[-1, frames as i64, count as i64, width as i64]);
        let patches = b.mean(&patches, &[1], false);

        let (_, read) = text_tower.draw(&mut b.at("text_model"), &text);
        let read = linear(&mut b.at("text_projection"), &read, text_tower.layers.width, width, false);
        let read = b.unsqueeze(&read, 0);
        let read = for_each_sample(&mut b, &read, 3, &video);
        let colour = prompts.draw(&mut b.at("prompts_generator"), &read, &patches, epsilon);
        let read = b.add(&read, &colour);

        let (video, read) = (unit_length(&mut b, &video), unit_length(&mut b, &read));
        let scale = b.weight("logit_scale", &[], Fill::Bias);
        let scale = b.unary("Exp", &scale);
        let column = b.unsqueeze(&video, 2);
        let scores = b.matmul(&read, &column);
        let scores = b.squeeze(&scores, 2);
        let scores = b.mul(&scores, &scale);
        b.output("logits_per_video", &scores, &[batch.clone(), batch.clone()]);
        b.output("text_embeds", &read, &[batch.clone(), batch.clone(), fixed(width)]);
        b.output("video_embeds", &video, &[batch, fixed(width)]);
        Ok(())
    }
}

/// The tower that looks at each frame, and lets the frames of a video speak to each other.
struct Video {
    frames: usize,
    image: Image,
}

impl Video {
    /// The vector of each place of each frame, and each frame's: `[videos · frames, …]`.
    fn draw(&self, b: &mut GraphBuilder, pixels: &Var) -> (Var, Var) {
        let Layers { width, epsilon, count, .. } = self.image.layers;
        let embedded = self.image.embed(b, pixels);
        let mut hidden = layer_norm(&mut b.at("pre_layernorm"), &embedded, width, epsilon);
        for index in 0..count {
            hidden = self.layer(&mut b.at(format_args!("encoder.layers.{index}")), &hidden);
        }
        let whole = vector_at(b, &hidden, 0);
        let whole = layer_norm(&mut b.at("post_layernorm"), &whole, width, epsilon);
        (hidden, whole)
    }

    fn layer(&self, b: &mut GraphBuilder, hidden: &Var) -> Var {
        let layers = self.image.layers;
        let Layers { width, inner, activation, epsilon, .. } = layers;
        let attention = layers.layer(None).attention;
        let places = self.image.places() as i64;

        let message = vector_at(b, hidden, 0);
        let message = linear(&mut b.at("message_fc"), &message, width, width, true);
        let message = b.reshape(&message, &[-1, self.frames as i64, width as i64]);
        let normal = layer_norm(&mut b.at("message_ln"), &message, width, epsilon);
        let heard = attention.apply(&mut b.at("message_attn"), &normal);
        let message = b.add(&message, &heard);
        let message = b.reshape(&message, &[-1, 1, width as i64]);

        let all = b.concat(&[hidden, &message], 1);
        let normal = layer_norm(&mut b.at("layer_norm1"), &all, width, epsilon);
        let attended = attention.apply(&mut b.at("self_attn"), &normal);
        let all = b.add(&all, &attended);
        let hidden = b.slice(&all, [0, places], 1);
        let normal = layer_norm(&mut b.at("layer_norm2"), &hidden, width, epsilon);
        let thought = feed_forward(b, &normal, ["mlp.fc1", "mlp.fc2"], [width, inner], activation, true);
        b.add(&hidden, &thought)
    }
}

/// The layers that make one vector of a video's frames.
fn summary_layers(config: &Config) -> Result<Layers, ModelError> {
    let width = config.size("mit_hidden_size", 512)?;
    let heads = config.size("mit_num_attention_heads", 8)?;
    config.divides("mit_hidden_size", width, "mit_num_attention_heads", heads)?;
    Ok(Layers {
        width,
        inner: config.size("mit_intermediate_size", 2048)?,
        count: config.layers("mit_num_hidden_layers", 1)?,
        heads,
        activation: Activation::read(config, "hidden_act", "quick_gelu")?,
        epsilon: config.positive("layer_norm_eps", 1e-5)?,
    })
}

/// `[batch, frames, width]` to `[batch, width]`.
fn summarise(b: &mut GraphBuilder, layers: &Layers, frames: &Var, count: usize) -> Var {
    let places = b.weight("position_embedding", &[1, count, layers.width], Fill::Matrix);
    let placed = b.add(frames, &places);
    let hidden = layers.apply(b, &placed, None);
    let hidden = b.add(&hidden, frames);
    b.mean(&hidden, &[1], false)
}

/// The layers that colour texts by what a video shows.
struct Prompts {
    width: usize,
    layers: usize,
    heads: usize,
    activation: Activation,
    epsilon: f64,
}

impl Prompts {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let width = config.size("projection_dim", 512)?;
        let heads = config.size("prompt_num_attention_heads", 8)?;
        config.divides("projection_dim", width, "prompt_num_attention_heads", heads)?;
        Ok(Self {
            width,
            layers: config.layers("prompt_layers", 2)?,
            heads,
            activation: Activation::read(config, "prompt_hidden_act", "quick_gelu")?,
            epsilon: config.part("text_config")?.positive("layer_norm_eps", 1e-5)?,
        })
    }

    /// Texts `[batch, texts, width]` and a video's places `[batch, places, width]`.
    fn draw(&self, b: &mut GraphBuilder, texts: &Var, seen: &Var, epsilon: f64) -> Var {
        let width = self.width;
        let seen = layer_norm(&mut b.at("layernorm"), seen, width, epsilon);
        let attention = Attention {
            bias: [false, false, false, true],
            context: Some(Context { states: &seen, width }),
            ..Attention::new(Heads::even(width, self.heads), ["q_proj", "k_proj", "v_proj", "proj"])
        };
        let mut texts = texts.clone();
        for index in 0..self.layers {
            let mut layer = b.at(format_args!("decoder.{index}"));
            let normal = layer_norm(&mut layer.at("norm1"), &texts, width, self.epsilon);
            let looked = attention.apply(&mut layer.at("cross_attn"), &normal);
            texts = layer.add(&texts, &looked);
            let normal = layer_norm(&mut layer.at("norm3"), &texts, width, self.epsilon);
            let sizes = [width, PROMPT_RATIO * width];
            let thought = feed_forward(&mut layer, &normal, ["mlp.0", "mlp.3"], sizes, self.activation, true);
            texts = layer.add(&texts, &thought);
        }
        let alpha = b.weight("alpha", &[width], Fill::Bias);
        b.mul(&alpha, &texts)
    }
}
