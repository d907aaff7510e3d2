//! Whisper: half a minute of sound as a spectrogram, read by an encoder and written down by a decoder.

use super::{Answer, Architecture, Class, Marks, Standing, Turn, Writer};
use crate::{
    Dimension, Element, ModelError,
    blocks::{
        Activation, Attention, Convolution, Heads, Layer, embedding, feed_forward, layer_norm, linear, word_scores,
    },
    builder::{GraphBuilder, Var},
    config::Config,
    generation::{Manner, Stage},
    graph::fixed,
    weights::Fill,
};
use contract::DimRole;

pub struct Whisper;

/// Whisper's encoder alone, as language models listen with it.
pub struct WhisperEncoder {
    model_type: &'static str,
    classes: &'static [Class],
    /// Keys of width, layers, heads and inner width.
    keys: [&'static str; 4],
    /// Whether each two frames become their mean.
    halves: bool,
}

const FRAMES: &str = "Listens to sound and gives a vector for each frame";

pub static QWEN2_AUDIO_ENCODER: WhisperEncoder = WhisperEncoder {
    model_type: "qwen2_audio_encoder",
    classes: &[Class { name: "Qwen2AudioEncoder", about: FRAMES }],
    keys: ["d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim"],
    halves: true,
};
pub static VOXTRAL_ENCODER: WhisperEncoder = WhisperEncoder {
    model_type: "voxtral_encoder",
    classes: &[Class { name: "VoxtralEncoder", about: FRAMES }],
    keys: ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"],
    halves: false,
};

const CLASSES: [Class; 3] = [
    Class {
        name: "WhisperModel",
        about: "Listens to sound, reads what was written down so far, and gives a vector for each token",
    },
    Class {
        name: "WhisperForConditionalGeneration",
        about: "Listens to speech and scores every word as the next one to write down",
    },
    Class { name: "WhisperForAudioClassification", about: "Listens to sound and sorts it into classes" },
];

/// The epsilon of torch's LayerNorm, which Whisper leaves as it is.
const EPSILON: f64 = 1e-5;
/// The second convolution takes every second frame.
const STRIDE: usize = 2;

struct Options {
    width: usize,
    activation: Activation,
    bins: usize,
    frames: usize,
    vocabulary: usize,
    positions: usize,
    scale: f64,
    tied: bool,
    /// Layers, heads and inner width of each side.
    encoder: [usize; 3],
    decoder: [usize; 3],
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let width = config.size("d_model", 384)?;
        let side = |name: &str| -> Result<[usize; 3], ModelError> {
            let (layers, heads) = (format!("{name}_layers"), format!("{name}_attention_heads"));
            let count = config.size(&heads, 6)?;
            config.divides("d_model", width, &heads, count)?;
            Ok([config.layers(&layers, 4)?, count, config.size(&format!("{name}_ffn_dim"), 1536)?])
        };
        Ok(Self {
            width,
            activation: Activation::read(config, "activation_function", "gelu")?,
            bins: config.size("num_mel_bins", 80)?,
            frames: config.size("max_source_positions", 1500)?,
            vocabulary: config.size("vocab_size", 51_865)?,
            positions: config.size("max_target_positions", 448)?,
            scale: if config.flag("scale_embedding", false)? { (width as f64).sqrt() } else { 1.0 },
            tied: config.flag("tie_word_embeddings", true)?,
            encoder: side("encoder")?,
            decoder: side("decoder")?,
        })
    }

    /// Declares what is heard: `input_features`, `[batch, bins, 2 · frames]`.
    fn spectrogram(&self, b: &mut GraphBuilder, batch: &Dimension) -> Var {
        let shape = [batch.clone(), fixed(self.bins), fixed(STRIDE * self.frames)];
        b.input("input_features", Element::F32, &shape)
    }

    fn attention(&self, heads: usize) -> Attention<'static> {
        let modules = ["q_proj", "k_proj", "v_proj", "out_proj"];
        Attention { bias: [true, false, true, true], ..Attention::new(Heads::even(self.width, heads), modules) }
    }
}

impl Architecture for Whisper {
    fn model_type(&self) -> &'static str {
        "whisper"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "model"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        let Options { width, frames, vocabulary, .. } = options;
        b.deviation(config.positive("init_std", 0.02)?);
        let batch = recordings(&mut b);
        let heard = options.spectrogram(&mut b, &batch);

        if class == "WhisperForAudioClassification" {
            config.must_be_off("use_weighted_layer_sum", "a weighted sum of all layers")?;
            let hidden = listen(&mut b.at("encoder"), &options, &heard);
            let (narrow, labels) = (config.size("classifier_proj_size", 256)?, config.labels()?);
            let hidden = linear(&mut b.at("projector"), &hidden, width, narrow, true);
            let mean = b.mean(&hidden, &[1], false);
            let scores = linear(&mut b.at("classifier"), &mean, narrow, labels, true);
            b.output("logits", &scores, &[batch, fixed(labels)]);
            return Ok(());
        }
        let most = options.positions as u32;
        let sequence =
            b.free("sequence", DimRole::Sequence, "How many tokens were written down so far?", 16, Some(most));
        let ids = b.input(Manner::Answers.tokens(), Element::I64, &[batch.clone(), sequence.clone()]);
        let vectors = |length: &Dimension, last: usize| [batch.clone(), length.clone(), fixed(last)];
        if class == "WhisperModel" {
            let encoded = listen(&mut b.at("encoder"), &options, &heard);
            let (_, hidden) = write_down(&mut b.at("decoder"), &options, &ids, &mut Answer::whole(&encoded));
            b.output("last_hidden_state", &hidden, &vectors(&sequence, width));
            b.output("encoder_last_hidden_state", &encoded, &vectors(&fixed(frames), width));
        } else {
            let encoded = listen(&mut b.at("model.encoder"), &options, &heard);
            let mut answer = Answer::whole(&encoded);
            let (table, hidden) = write_down(&mut b.at("model.decoder"), &options, &ids, &mut answer);
            let scores = score(&mut b, &options, &hidden, &table);
            b.output("logits", &scores, &vectors(&sequence, vocabulary));
            b.output("encoder_last_hidden_state", &encoded, &vectors(&fixed(frames), width));
        }
        Ok(())
    }

    fn generates(&self, class: &str) -> bool {
        class == "WhisperForConditionalGeneration"
    }

    fn draw_stage(&self, config: &Config, _class: &str, stage: Stage, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        let Options { width, vocabulary, positions, decoder: [layers, heads, _], .. } = options;
        b.deviation(config.positive("init_std", 0.02)?);
        let writer = Writer { layers, heads: Heads::even(width, heads), vocabulary, positions: Some(positions) };
        let (batch, frames) = (recordings(&mut b), fixed(options.frames));
        let mut turn = match stage {
            Stage::Prefill => {
                let heard = options.spectrogram(&mut b, &batch);
                let encoded = listen(&mut b.at("model.encoder"), &options, &heard);
                let marks = Marks::read(config, Marks { start: 50_257, padding: 50_256 }, vocabulary)?;
                Turn::first(&mut b, [&batch, &frames], &encoded, writer, marks)
            }
            Stage::Decode => Turn::next(&mut b, [&batch, &frames], writer),
        };
        let (table, hidden) = write_down(&mut b.at("model.decoder"), &options, &turn.ids, &mut turn.answer);
        turn.finish(&mut b, &hidden, |b, hidden| score(b, &options, hidden, &table));
        Ok(())
    }
}

impl Architecture for WhisperEncoder {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        "audio_tower"
    }

    fn draw(&self, config: &Config, _: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let [width_key, layers, heads_key, inner] = self.keys;
        let (width, heads) = (config.size(width_key, 1280)?, config.size(heads_key, 20)?);
        config.divides(width_key, width, heads_key, heads)?;
        let side = [config.layers(layers, 32)?, heads, config.size(inner, 5120)?];
        let frames = config.size("max_source_positions", 1500)?;
        let options = Options {
            width,
            activation: Activation::read(config, "activation_function", "gelu")?,
            bins: config.size("num_mel_bins", 128)?,
            frames,
            vocabulary: 0,
            positions: 0,
            scale: 1.0,
            tied: false,
            encoder: side,
            decoder: side,
        };
        b.deviation(config.positive("initializer_range", 0.02)?);
        let batch = recordings(&mut b);
        let heard = options.spectrogram(&mut b, &batch);
        let mut hidden = encode(&mut b, &options, &heard);
        let mut left = frames;
        if self.halves {
            left = frames / 2;
            hidden = b.slice(&hidden, [0, 2 * left as i64], 1);
            let pairs = b.reshape(&hidden, &[0, left as i64, 2, width as i64]);
            hidden = b.mean(&pairs, &[2], false);
        }
        let hidden = layer_norm(&mut b.at("layer_norm"), &hidden, width, EPSILON);
        b.output("last_hidden_state", &hidden, &[batch, fixed(left), fixed(width)]);
        Ok(())
    }
}

fn recordings(b: &mut GraphBuilder) -> Dimension {
    b.free("batch", DimRole::Batch, "How many recordings at once?", 1, None)
}

/// The vector of each frame: `[batch, bins, 2 · frames]` to `[batch, frames, width]`.
fn listen(b: &mut GraphBuilder, options: &Options, heard: &Var) -> Var {
    let hidden = encode(b, options, heard);
    layer_norm(&mut b.at("layer_norm"), &hidden, options.width, EPSILON)
}

/// The same before its last norm.
fn encode(b: &mut GraphBuilder, options: &Options, heard: &Var) -> Var {
    let Options { width, bins, frames, activation, encoder: [layers, heads, inner], .. } = *options;
    let heard = b.cast_float(heard);
    // The two convolutions' activation is fixed, whatever the layers have.
    let x = Convolution::line(bins, width, 3).pad(1).apply(&mut b.at("conv1"), &heard);
    let x = Activation::Gelu.apply(&mut b.at("conv1"), &x);
    let x = Convolution::line(width, width, 3).stride(STRIDE).pad(1).apply(&mut b.at("conv2"), &x);
    let x = Activation::Gelu.apply(&mut b.at("conv2"), &x);
    let x = b.transpose(&x, &[0, 2, 1]);
    let places = b.at("embed_positions").weight("weight", &[frames, width], Fill::Matrix);
    let mut hidden = b.add(&x, &places);
    let layer = Layer {
        attention: options.attention(heads),
        modules: ["self_attn", "self_attn_layer_norm", "final_layer_norm"],
        network: ["fc1", "fc2"],
        inner,
        activation,
        epsilon: EPSILON,
        norm_first: true,
        scales: None,
    };
    for index in 0..layers {
        hidden = layer.apply(&mut b.at(format_args!("layers.{index}")), &hidden);
    }
    hidden
}

/// The word table and the vector of each token written so far.
fn write_down(b: &mut GraphBuilder, options: &Options, ids: &Var, answer: &mut Answer) -> (Var, Var) {
    let Options { width, activation, decoder: [layers, heads, inner], .. } = *options;
    let (table, words) = embedding(&mut b.at("embed_tokens"), ids, options.vocabulary, width);
    let words = if options.scale == 1.0 {
        words
    } else {
        let scale = b.scalar(options.scale);
        b.mul(&words, &scale)
    };
    let rows = b.at("embed_positions").weight("weight", &[options.positions, width], Fill::Matrix);
    let standing = Standing::of(b, ids, answer.after());
    let places = standing.rows(b, &rows);
    let mut hidden = b.add(&words, &places);
    let (_, mask) = standing.among(b);
    let sound = options.attention(heads);
    let itself = Attention { mask: mask.as_ref(), ..sound };
    for index in 0..layers {
        let mut layer = b.at(format_args!("layers.{index}"));
        hidden = step(&mut layer, "self_attn_layer_norm", width, &hidden, |b, x| {
            answer.attend_itself(&mut b.at("self_attn"), index, &itself, x)
        });
        hidden = step(&mut layer, "encoder_attn_layer_norm", width, &hidden, |b, x| {
            answer.attend_read(&mut b.at("encoder_attn"), index, &sound, x)
        });
        hidden = step(&mut layer, "final_layer_norm", width, &hidden, |b, x| {
            feed_forward(b, x, ["fc1", "fc2"], [width, inner], activation, true)
        });
    }
    (table, layer_norm(&mut b.at("layer_norm"), &hidden, width, EPSILON))
}

/// Scores of every word: `[batch, sequence, vocabulary]`.
fn score(b: &mut GraphBuilder, options: &Options, hidden: &Var, table: &Var) -> Var {
    let Options { width, vocabulary, .. } = *options;
    word_scores(&mut b.at("proj_out"), hidden, options.tied.then_some(table), [width, vocabulary], false)
}

/// One step with its residual, normalised before.
fn step(
    b: &mut GraphBuilder,
    norm: &str,
    width: usize,
    x: &Var,
    step: impl FnOnce(&mut GraphBuilder, &Var) -> Var,
) -> Var {
    let normal = layer_norm(&mut b.at(norm), x, width, EPSILON);
    let made = step(b, &normal);
    b.add(&made, x)
}
