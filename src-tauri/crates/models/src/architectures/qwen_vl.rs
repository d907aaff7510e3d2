//! Qwen2-VL and Qwen3-VL: images of any size as tokens within the text, turned by frame, row and column.
//!
//! A video is an image of several frames: what it is made of goes by the names and the token of an image, and the
//! numbers are those that transformers computes of a video, which it gives names and a token of their own.

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
    /// Words between one frame of a video and the next. Where there are none, all its frames are one run of tokens;
    /// else each is one, and has its place as an image of its own.
    gap: u64,
}

/// What `Qwen3VLProcessor` writes between two frames: the mark of the end, a time stamp below ten seconds, such as
/// `<0.5 seconds>`, which is six tokens, and the mark of the beginning.
const TIME_STAMP_AND_MARKS: u64 = 8;

const ABOUT: [&str; 2] = [
    "Reads text with an image or a video in it and gives a vector for each token",
    "Reads text with an image or a video in it and scores every word as the next one",
];

const MIXTURE_ABOUT: [&str; 2] = [
    "Reads text with an image or a video in it and gives a vector for each token; a token goes through a few \
     of many experts",
    "Reads text with an image or a video in it and scores every word as the next one; a token goes through a few \
     of many experts",
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
    gap: 0,
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
    gap: TIME_STAMP_AND_MARKS,
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

    /// Declares how many frames each image has.
    fn ask_for_frames(&self, b: &mut GraphBuilder) {
        let question = format!(
            "A frame covers {} pictures of a video, and one alone is a still image: how many frames has each image?",
            self.vision.pictures
        );
        b.free(FRAMES, DimRole::Other, &question, 1, None);
    }
}

/// The input that says how many rows and columns of patches each frame has, after a 1: `[batch · frames, 3]`.
///
/// transformers has one row for a video, with the number of its frames. A row for each lets every shape in the graph
/// follow from the shapes of its inputs, which engines know before they run.
const GRID: &str = "image_grid_thw";
const FRAMES: &str = "image_frames";

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
                options.ask_for_frames(b);
                let grid = grid(b, batch);
                let mut b = b.at(format_args!("{model}.rotary_emb"));
                let place = self.next_place(&mut b, reading, &grid, options.vision.merge);
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
        options.ask_for_frames(b);
        let question = "How many tokens of text, those of all frames of the image included?";
        let most = Some(language.positions as u32);
        let sequence = b.free("sequence", DimRole::Sequence, question, side.pow(2) + 128, most);
        let text = [batch.clone(), sequence.clone()];
        let ids = b.input("input_ids", Element::I64, &text);
        let mask = b.input("attention_mask", Element::I64, &text);
        let all = format!("{batch} * {FRAMES} * {} * image_rows * image_columns", vision.merge * vision.merge);
        let pixels = b.input("pixel_values", Element::F32, &[Dimension::Free(all), fixed(vision.numbers())]);
        let grid = grid(b, &batch);
        // The kinds follow from the ids, so that a text which grows does without them.
        let kinds = (goal == Goal::OnePass).then(|| b.input("mm_token_type_ids", Element::I64, &text));
        let [frames, each] = [FRAMES, "image_rows * image_columns"].map(str::to_owned);
        let run = Length::Frames { frames, each, gap: self.gap };
        b.filling("input_ids", goal.filling(*image_token, language.vocabulary, run.clone()));
        if kinds.is_some() {
            b.filling("mm_token_type_ids", Filling::Marks { run });
        }
        let edges = ["image_rows", "image_columns"].map(|name| format!("{} * {name}", vision.merge));
        b.filling(GRID, Filling::Rows([vec!["1".to_owned()], edges.to_vec()].concat()));

        let [visual, model] = self.modules;
        let texts = b.size_of(&ids, 0);
        let seen = vision.look(&mut b.at(visual), &pixels, &grid, &texts);
        b.tokens(&batch, &sequence);
        let tokens = ImageTokens::find(b, &ids, *image_token as i64);
        let known = tokens.known(b, &ids, *image_token, language.vocabulary);
        let marked = kinds.map(|kinds| ImageTokens::find(b, &kinds, 1));
        let places = self.places(b, marked.as_ref().unwrap_or(&tokens), &mask, &grid, vision.merge);
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

    /// Frame, row and column of each token, `[batch, sequence]` each. A word goes on in all three by one; a run of an
    /// image's tokens lies in them as in time and space, and what follows it goes on from its longer edge, however many
    /// frames the run has.
    fn places(&self, b: &mut GraphBuilder, tokens: &ImageTokens, mask: &Var, grid: &Var, merge: usize) -> [Var; 3] {
        let texts = b.size_of(mask, 0);
        let [rows, columns] = edges(b, grid, &texts, merge);
        let each = b.mul(&rows, &columns);
        let run = if self.gap > 0 {
            each.clone()
        } else {
            let frames = frames(b, grid, &texts);
            b.mul(&frames, &each)
        };
        let [_, place] = divide(b, &tokens.place, &run);
        let [frame, rest] = divide(b, &place, &each);
        let [row, column] = divide(b, &rest, &columns);

        let one = b.int(1);
        let last = b.sub(&run, &one);
        let ends = b.equal(&place, &last);
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

    /// Where a token after a text with an image stands, in all three: `[batch, 1]`. Each run of the image's tokens
    /// takes as many places as its longer edge has tokens, not as many as it has: transformers keeps the difference as
    /// `rope_deltas`.
    ///
    /// It goes on from the largest place in the text there, and here from that of its last token. They differ only
    /// where a run has more frames than its longer edge has tokens and the text words behind it, added up; there the
    /// place here is that of one pass over the whole text, in transformers too.
    fn next_place(&self, b: &mut GraphBuilder, reading: &Reading, grid: &Var, merge: usize) -> Var {
        let texts = b.size_of(reading.attention_mask, 0);
        let [rows, columns] = edges(b, grid, &texts, merge);
        let (each, longer) = (b.mul(&rows, &columns), b.larger(&rows, &columns));
        let frames = frames(b, grid, &texts);
        let leap = if self.gap > 0 {
            let of_run = b.sub(&longer, &each);
            b.mul(&of_run, &frames)
        } else {
            let run = b.mul(&frames, &each);
            b.sub(&longer, &run)
        };
        let one = b.int(1);
        // Padding has no place.
        let counts = b.cumulative_sum(reading.attention_mask, 1);
        let own = b.gather(&counts, &reading.places.queries, 1);
        let before = b.sub(&own, &one);
        b.add(&before, &leap)
    }
}

/// Declares [`GRID`].
fn grid(b: &mut GraphBuilder, batch: &Dimension) -> Var {
    let frames = Dimension::Free(format!("{batch} * {FRAMES}"));
    b.input(GRID, Element::I64, &[frames, fixed(3)])
}

/// How many frames each text's image has; `texts` says how many texts there are. Both are vectors of one number.
fn frames(b: &mut GraphBuilder, grid: &Var, texts: &Var) -> Var {
    let all = b.size_of(grid, 0);
    b.div(&all, texts)
}

/// Rows and columns of tokens of each text's image, whose frames all have the size of the first: `[batch, 1]` each.
fn edges(b: &mut GraphBuilder, grid: &Var, texts: &Var, merge: usize) -> [Var; 2] {
    let (rest, merge) = (b.ints(&[-1]), b.int(merge as i64));
    let shape = b.concat(&[texts, &rest], 0);
    let of_text = b.reshape_to(grid, &shape);
    let of_first = b.slice(&of_text, [1, 3], 1);
    let patches = b.split(&of_first, &[1, 1], 1);
    [0, 1].map(|edge| b.div(&patches[edge], &merge))
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
