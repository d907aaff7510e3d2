//! Qwen2-VL and Qwen3-VL: images of any size as tokens within the text, turned by frame, row and column.

use super::{
    Architecture, Class, Text,
    decoder::{Decoder, Goal, ReadText, Reading},
};
use crate::{
    Dimension, Element, Filling, Length, ModelError,
    blocks::{Frequencies, GridEncoder, ImageTokens, Rotary, Rotation, divide},
    builder::{GraphBuilder, Var},
    config::Config,
    generation::Stage,
    graph::fixed,
};
use contract::DimRole;

/// One model type of the family.
pub struct QwenVl {
    model_type: &'static str,
    classes: &'static [Class],
    vision: fn(&Config) -> Result<GridEncoder, ModelError>,
    language: &'static str,
    /// Modules of the image encoder and of the language model.
    modules: [&'static str; 2],
    renames: &'static [(&'static str, &'static str)],
    /// How many of a head's pairs turn by frame, row and column.
    sections: [i64; 3],
    /// Whether they take turns, or come one after another.
    interleaved: bool,
}

const ABOUT: [&str; 2] = [
    "Reads text with an image in it and gives a vector for each token",
    "Reads text with an image in it and scores every word as the next one",
];

const MIXTURE_ABOUT: [&str; 2] = [
    "Reads text with an image in it and gives a vector for each token; a token goes through a few of many experts",
    "Reads text with an image in it and scores every word as the next one; a token goes through a few of many experts",
];

pub static QWEN2_VL: QwenVl = QwenVl {
    model_type: "qwen2_vl",
    classes: &[
        Class { name: "Qwen2VLModel", about: ABOUT[0] },
        Class { name: "Qwen2VLForConditionalGeneration", about: ABOUT[1] },
    ],
    vision: GridEncoder::qwen2,
    language: "qwen2_vl_text",
    modules: ["visual", "model"],
    renames: &[("visual.", "model.visual."), ("model.", "model.language_model."), ("model.", "language_model.")],
    sections: [16, 24, 24],
    interleaved: false,
};

pub const QWEN3_VL: QwenVl = QwenVl {
    model_type: "qwen3_vl",
    classes: &[
        Class { name: "Qwen3VLModel", about: ABOUT[0] },
        Class { name: "Qwen3VLForConditionalGeneration", about: ABOUT[1] },
    ],
    vision: GridEncoder::qwen3,
    language: "qwen3_vl_text",
    modules: ["model.visual", "model.language_model"],
    renames: &[("model.visual.", "visual."), ("model.language_model.", "language_model.")],
    sections: [24, 20, 20],
    interleaved: true,
};

pub const QWEN3_VL_MOE: QwenVl = QwenVl {
    model_type: "qwen3_vl_moe",
    classes: &[
        Class { name: "Qwen3VLMoeModel", about: MIXTURE_ABOUT[0] },
        Class { name: "Qwen3VLMoeForConditionalGeneration", about: MIXTURE_ABOUT[1] },
    ],
    language: "qwen3_vl_moe_text",
    ..QWEN3_VL
};

/// Whether the word table scores the words too: the whole model's word counts before that of its language model.
fn tied(config: &Config, text_config: &Config) -> Result<bool, ModelError> {
    const KEY: &str = "tie_word_embeddings";
    if config.own(KEY) { config.flag(KEY, false) } else { text_config.flag(KEY, false) }
}

struct Options {
    vision: GridEncoder,
    language: Decoder,
    /// What each pair of a head's numbers turns by: 0 the frame, 1 the row, 2 the column.
    axes: Vec<usize>,
    image_token: usize,
}

impl Options {
    /// The one rotation of all layers.
    fn rotation(&self) -> &Rotation {
        &self.language.rotations[0]
    }

    /// Whether its two parts fit. They do not in transformers' own default configuration: that one reads text, no images.
    fn sees(&self) -> bool {
        self.vision.out == self.language.width
    }
}

/// The input that says how many frames, rows and columns of patches each image has.
const GRID: &str = "image_grid_thw";

/// Rows and columns of tokens of an image, unless a person says otherwise or the model reads too few tokens.
const DEFAULT_SIDE: u32 = 16;

impl Architecture for QwenVl {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        "model"
    }

    fn renames(&self) -> &'static [(&'static str, &'static str)] {
        self.renames
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = self.options(config)?;
        let language = &options.language;
        b.deviation(language.deviation);
        let text = self.read(&mut b, &options, Goal::OnePass);
        language.finish_pass(&mut b, class, "", text);
        Ok(())
    }

    fn generates(&self, class: &str) -> bool {
        class != self.classes[0].name
    }

    fn draw_stage(&self, config: &Config, _class: &str, stage: Stage, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = self.options(config)?;
        let language = &options.language;
        b.deviation(language.deviation);
        let [_, model] = self.modules;
        match stage {
            Stage::Prefill => {
                let text = self.read(&mut b, &options, Goal::Prompt);
                language.finish_stage(&mut b, &text);
            }
            Stage::Decode if options.sees() => language.draw_next(&mut b, model, |b, batch, reading| {
                let grid = b.input(GRID, Element::I64, &[batch.clone(), fixed(3)]);
                let mut b = b.at(format_args!("{model}.rotary_emb"));
                let place = next_place(&mut b, reading, &grid, options.vision.merge);
                Some(turn(&mut b, [&place; 3], &options.axes, options.rotation()))
            }),
            Stage::Decode => language.draw_stage(&mut b, model, stage),
        }
        Ok(())
    }
}

impl QwenVl {
    fn options(&self, config: &Config) -> Result<Options, ModelError> {
        let vision = (self.vision)(&config.part("vision_config")?)?;
        // Older configurations have the language model's options beside the image encoder's.
        let text_config = config.object("text_config")?.unwrap_or_else(|| config.clone());
        let mut language = Decoder::inside(&text_config, self.language)?;
        language.head.tied = tied(config, &text_config)?;
        let [rotation] = language.rotations.as_slice() else {
            let reason = "images need one way of turning for all layers";
            return Err(text_config.refuse("model_type", reason, format!("Known is {}", self.language)));
        };
        let axes = self.axes(&text_config, rotation.pairs())?;
        Ok(Options { axes, image_token: config.size("image_token_id", 151_655)?, vision, language })
    }

    /// Declares text, with an image in it where the model sees one, and draws what the language model makes of it.
    fn read(&self, b: &mut GraphBuilder, options: &Options, goal: Goal) -> ReadText {
        if options.sees() { self.look_and_read(b, options, goal) } else { self.read_words(b, options, goal) }
    }

    fn look_and_read(&self, b: &mut GraphBuilder, options: &Options, goal: Goal) -> ReadText {
        let Options { vision, language, axes, image_token } = options;
        let question = "How many texts, each with one image, all images of the same size?";
        let batch = b.free("batch", DimRole::Batch, question, 1, None);
        let side = DEFAULT_SIDE.min((language.positions as u32 / 2).isqrt()).max(1);
        let pixels_each = vision.patch * vision.merge;
        for (name, edge) in [("rows", "high"), ("columns", "wide")] {
            let question =
                format!("How many tokens is each image {edge}? A token covers {pixels_each} pixels along each edge");
            b.free(&format!("image_{name}"), DimRole::Other, &question, side, None);
        }
        let question = "How many tokens of text, those of the image included?";
        let most = Some(language.positions as u32);
        let sequence = b.free("sequence", DimRole::Sequence, question, side.pow(2) + 128, most);
        let text = [batch.clone(), sequence.clone()];
        let ids = b.input("input_ids", Element::I64, &text);
        let mask = b.input("attention_mask", Element::I64, &text);
        let all = format!("batch * {} * image_rows * image_columns", vision.merge * vision.merge);
        let pixels = b.input("pixel_values", Element::F32, &[Dimension::Free(all), fixed(vision.numbers())]);
        let grid = b.input(GRID, Element::I64, &[batch.clone(), fixed(3)]);
        // The kinds follow from the ids, so that a text which grows does without them.
        let kinds = (goal == Goal::OnePass).then(|| b.input("mm_token_type_ids", Element::I64, &text));
        let run = Length::Size("image_rows * image_columns".to_owned());
        b.filling("input_ids", goal.filling(*image_token, language.vocabulary, run.clone()));
        if kinds.is_some() {
            b.filling("mm_token_type_ids", Filling::Marks { run });
        }
        let edges = ["image_rows", "image_columns"].map(|name| format!("{} * {name}", vision.merge));
        b.filling(GRID, Filling::Rows([vec!["1".to_owned()], edges.to_vec()].concat()));

        let [visual, model] = self.modules;
        let seen = vision.look(&mut b.at(visual), &pixels, &grid);
        b.tokens(&batch, &sequence);
        let tokens = ImageTokens::find(b, &ids, *image_token as i64);
        let known = tokens.known(b, &ids, *image_token, language.vocabulary);
        let marked = kinds.map(|kinds| ImageTokens::find(b, &kinds, 1));
        let places = places(b, marked.as_ref().unwrap_or(&tokens), &mask, &grid, vision.merge);
        let mut text = b.at(model);
        let rotary = turn(&mut text.at("rotary_emb"), places.each_ref(), axes, options.rotation());
        let reading = Reading { rotary: Some(rotary), cache: goal.cache(), ..Reading::whole(&mut text, &mask) };
        let (table, words) = language.embed(&mut text, &known, &reading);
        let words = tokens.replace(&mut text, &words, &seen.tokens, language.width);
        let mut after = |b: &mut GraphBuilder, index: usize, hidden: Var| match seen.deep.get(index) {
            Some(deep) => tokens.add(b, &hidden, deep, language.width),
            None => hidden,
        };
        let (hidden, presents) = language.read_with(&mut text, &words, &reading, &mut after);
        ReadText { sizes: [batch, sequence], table, hidden, presents }
    }

    /// The same where the two parts do not fit.
    fn read_words(&self, b: &mut GraphBuilder, options: &Options, goal: Goal) -> ReadText {
        let Options { vision, language, .. } = options;
        let question = format!(
            "How many texts at once? Images are left out, since their tokens are {} wide and those of the text {}",
            vision.out, language.width
        );
        let batch = b.free("batch", DimRole::Batch, &question, 1, None);
        let text = Text::beside(b, &batch, 128, Some(language.positions));
        b.tokens(&text.batch, &text.sequence);
        let [visual, model] = self.modules;
        b.at(visual).undrawn(|b| vision.declare(b));
        let mut part = b.at(model);
        let reading = Reading { cache: goal.cache(), ..Reading::whole(&mut part, &text.mask) };
        language.read_words(&mut part, &text.ids, &reading, text.numbers())
    }

    /// What each pair of a head's numbers turns by: 0 the frame, 1 the row, 2 the column.
    fn axes(&self, config: &Config, pairs: usize) -> Result<Vec<usize>, ModelError> {
        let key = if config.object("rope_parameters")?.is_some() { "rope_parameters" } else { "rope_scaling" };
        let rope = config.part(key)?;
        let sections = rope.integers("mrope_section", &self.sections)?;
        let refuse = |reason: String| {
            Err(rope.refuse("mrope_section", reason, "Give three sections that cover half of a head's width"))
        };
        if sections.len() != 3 || sections.iter().any(|section| *section < 0) {
            return refuse("there must be one section each for frame, row and column".to_owned());
        }
        if self.interleaved {
            let of = |pair: usize| match pair % 3 {
                axis @ (1 | 2) if (pair as i64) < 3 * sections[axis] => axis,
                _ => 0,
            };
            return Ok((0..pairs).map(of).collect());
        }
        if sections.iter().sum::<i64>() != pairs as i64 {
            return refuse(format!("its sum is {}, and a head has {pairs} pairs", sections.iter().sum::<i64>()));
        }
        Ok(sections.iter().enumerate().flat_map(|(axis, count)| (0..*count).map(move |_| axis)).collect())
    }
}

/// Frame, row and column of each token, `[batch, sequence]` each. A word goes on in all three by one; an image lies in them
/// as in space, and what follows it goes on from its longer edge.
fn places(b: &mut GraphBuilder, tokens: &ImageTokens, mask: &Var, grid: &Var, merge: usize) -> [Var; 3] {
    let sizes = b.split(grid, &[1, 1, 1], 1);
    let merge = b.int(merge as i64);
    let (frames, rows, columns) = (&sizes[0], b.div(&sizes[1], &merge), b.div(&sizes[2], &merge));
    let each = b.mul(&rows, &columns);
    let [frame, rest] = divide(b, &tokens.place, &each);
    let [row, column] = divide(b, &rest, &columns);

    let (all, one) = (b.mul(frames, &each), b.int(1));
    let last = b.sub(&all, &one);
    let ends = b.equal(&tokens.place, &last);
    let ends = b.cast(&ends, Element::I64);
    let ends = b.mul(&ends, &tokens.marks);
    let longer = b.larger(&rows, &columns);
    let leap = b.mul(&ends, &longer);
    let words = b.sub(&one, &tokens.marks);
    let steps = b.add(&words, &leap);
    let steps = b.mul(&steps, mask);
    let reached = b.cumulative_sum(&steps, 1);
    let start = b.sub(&reached, &steps);
    let start = b.mul(&start, mask);
    [frame, row, column].map(|place| b.add(&start, &place))
}

/// Where a token after a text with an image stands, in all three: `[batch, 1]`. The image takes as many places as its longer
/// edge has tokens, not as many as it has: transformers keeps the difference as `rope_deltas`.
fn next_place(b: &mut GraphBuilder, reading: &Reading, grid: &Var, merge: usize) -> Var {
    let sizes = b.split(grid, &[1, 1, 1], 1);
    let (merge, one) = (b.int(merge as i64), b.int(1));
    let (rows, columns) = (b.div(&sizes[1], &merge), b.div(&sizes[2], &merge));
    let each = b.mul(&rows, &columns);
    let tokens = b.mul(&sizes[0], &each);
    let longer = b.larger(&rows, &columns);
    let leap = b.sub(&longer, &tokens);
    // Padding has no place.
    let counts = b.cumulative_sum(reading.attention_mask, 1);
    let own = b.gather(&counts, &reading.places.queries, 1);
    let before = b.sub(&own, &one);
    b.add(&before, &leap)
}

/// The turns of all heads: `[batch, 1, sequence, head width]`.
fn turn(b: &mut GraphBuilder, places: [&Var; 3], axes: &[usize], rotation: &Rotation) -> Rotary {
    let frequencies = match &rotation.frequencies {
        Frequencies::Fixed(frequencies) | Frequencies::ByLength { short: frequencies, .. } => frequencies,
    };
    let mut angles: Option<Var> = None;
    for (axis, (place, name)) in places.into_iter().zip(["frame", "row", "column"]).enumerate() {
        let of_axis = axes.iter().zip(frequencies).map(|(own, frequency)| if *own == axis { *frequency } else { 0.0 });
        let table = b.table(name, &[frequencies.len()], &of_axis.collect::<Vec<_>>());
        let place = b.cast(place, Element::F32);
        let place = b.unsqueeze(&place, -1);
        let turned = b.mul(&place, &table);
        angles = Some(match angles {
            None => turned,
            Some(sum) => b.add(&sum, &turned),
        });
    }
    let angles = b.unsqueeze(&angles.expect("there are three axes"), 1);
    Rotary::of_angles(b, &angles, rotation)
}
