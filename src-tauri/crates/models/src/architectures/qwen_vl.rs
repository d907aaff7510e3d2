//! Qwen2-VL and Qwen3-VL: images of any size as tokens within the text, turned by frame, row and column.

use super::{
    Architecture, Class, Text,
    decoder::{Decoder, Reading},
};
use crate::{
    Dimension, Element, Filling, Length, ModelError,
    blocks::{Frequencies, GridEncoder, ImageTokens, Rotary, Rotation, divide},
    builder::{GraphBuilder, Var},
    config::Config,
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
    "Reads text with an image in it and gives a vector for each token; every expert is computed for every token, not only \
     the chosen ones",
    "Reads text with an image in it and scores every word as the next one; every expert is computed for every token, not \
     only the chosen ones",
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
        let token = config.size("image_token_id", 151_655)?;

        if vision.out != language.width {
            self.draw_text(&vision, &language, class, b);
            return Ok(());
        }

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
        let grid = b.input("image_grid_thw", Element::I64, &[batch.clone(), fixed(3)]);
        let kinds = b.input("mm_token_type_ids", Element::I64, &text);
        let run = Length::Size("image_rows * image_columns".to_owned());
        let below = language.vocabulary as u64;
        b.filling("input_ids", Filling::Text { token: token as u64, below, run: run.clone() });
        b.filling("mm_token_type_ids", Filling::Marks { run });
        let edges = ["image_rows", "image_columns"].map(|name| format!("{} * {name}", vision.merge));
        b.filling("image_grid_thw", Filling::Rows([vec!["1".to_owned()], edges.to_vec()].concat()));

        let [visual, model] = self.modules;
        let seen = vision.look(&mut b.at(visual), &pixels, &grid);
        b.tokens(&batch, &sequence);
        let tokens = ImageTokens::find(&mut b, &ids, token as i64);
        let known = tokens.known(&mut b, &ids, token, language.vocabulary);
        let marked = ImageTokens::find(&mut b, &kinds, 1);
        let places = places(&mut b, &marked, &mask, &grid, vision.merge);
        let mut text = b.at(model);
        let rotary = turn(&mut text.at("rotary_emb"), &places, &axes, rotation);
        let reading = Reading { rotary: Some(rotary), ..Reading::whole(&mut text, &mask) };
        let (table, words) = language.embed(&mut text, &known, &reading);
        let words = tokens.replace(&mut text, &words, &seen.tokens, language.width);
        let mut after = |b: &mut GraphBuilder, index: usize, hidden: Var| match seen.deep.get(index) {
            Some(deep) => tokens.add(b, &hidden, deep, language.width),
            None => hidden,
        };
        let (hidden, _) = language.read_with(&mut text, &words, &reading, &mut after);
        end(&mut b, &language, class, [batch, sequence], [&table, &hidden]);
        Ok(())
    }
}

/// The outputs of a class, from the word table and the vector of each token.
fn end(
    b: &mut GraphBuilder,
    language: &Decoder,
    class: &str,
    [batch, sequence]: [Dimension; 2],
    [table, hidden]: [&Var; 2],
) {
    if class.ends_with("Model") {
        b.output("last_hidden_state", hidden, &[batch, sequence, fixed(language.width)]);
    } else {
        let scores = language.score(b, hidden, table);
        b.output("logits", &scores, &[batch, sequence, fixed(language.vocabulary)]);
    }
}

impl QwenVl {
    /// A model whose two parts do not fit, as in transformers' own default configuration: it reads text, no images.
    fn draw_text(&self, vision: &GridEncoder, language: &Decoder, class: &str, mut b: GraphBuilder) {
        let question = format!(
            "How many texts at once? Images are left out, since their tokens are {} wide and those of the text {}",
            vision.out, language.width
        );
        let batch = b.free("batch", DimRole::Batch, &question, 1, None);
        let text = Text::beside(&mut b, &batch, 128, Some(language.positions));
        b.tokens(&text.batch, &text.sequence);
        let [visual, model] = self.modules;
        b.at(visual).undrawn(|b| vision.declare(b));
        let mut part = b.at(model);
        let reading = Reading::whole(&mut part, &text.mask);
        let (table, words) = language.embed(&mut part, &text.ids, &reading);
        let (hidden, _) = language.read(&mut part, &words, &reading);
        end(&mut b, language, class, text.numbers(), [&table, &hidden]);
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

/// The turns of all heads: `[batch, 1, sequence, head width]`.
fn turn(b: &mut GraphBuilder, places: &[Var; 3], axes: &[usize], rotation: &Rotation) -> Rotary {
    let frequencies = match &rotation.frequencies {
        Frequencies::Fixed(frequencies) | Frequencies::ByLength { short: frequencies, .. } => frequencies,
    };
    let mut angles: Option<Var> = None;
    for (axis, (place, name)) in places.iter().zip(["frame", "row", "column"]).enumerate() {
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
