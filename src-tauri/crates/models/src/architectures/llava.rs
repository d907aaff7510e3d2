//! LLaVA and its relatives: an image encoder, a projector, and a language model that reads the image among its words.

use super::{
    Architecture, Class,
    clip::{Image, Kind},
    decoder::{Decoder, Goal, ReadText, Reading},
};
use crate::{
    Dimension, Element, Filling, Length, ModelError,
    blocks::{Activation, ImageTokens, Tiles, layer_norm, linear},
    builder::{GraphBuilder, Var},
    config::Config,
    generation::Stage,
    graph::fixed,
};
use contract::DimRole;
use serde_json::{Value, json};

/// One model type of the family.
pub struct Llava {
    model_type: &'static str,
    classes: &'static [Class],
    /// What a configuration that leaves out one of the two models means by it.
    vision: fn() -> Value,
    language: &'static str,
    image_token: usize,
    /// Layers of the image encoder whose outputs are read; negative ones count from the end.
    layers: &'static [i64],
    /// `default` leaves out the vector for the whole image.
    strategy: &'static str,
    tiles: Option<DefaultTiles>,
    /// ViP-LLaVA normalises what it reads, since it comes from several layers.
    norm: bool,
}

/// Sizes that images are fitted into where the configuration names none, and the most tiles a grid may have.
struct DefaultTiles {
    sizes: fn() -> Vec<[usize; 2]>,
    aspect: Option<&'static str>,
}

const ABOUT: [&str; 2] = [
    "Reads text with an image in it and gives a vector for each token",
    "Reads text with an image in it and scores every word as the next one",
];

pub static LLAVA: Llava = Llava {
    model_type: "llava",
    classes: &[
        Class { name: "LlavaModel", about: ABOUT[0] },
        Class { name: "LlavaForConditionalGeneration", about: ABOUT[1] },
    ],
    vision: clip_large,
    language: "llama",
    image_token: 32_000,
    layers: &[-2],
    strategy: "default",
    tiles: None,
    norm: false,
};

pub static VIP_LLAVA: Llava = Llava {
    model_type: "vipllava",
    classes: &[
        Class { name: "VipLlavaModel", about: ABOUT[0] },
        Class { name: "VipLlavaForConditionalGeneration", about: ABOUT[1] },
    ],
    vision: clip_large,
    language: "llama",
    image_token: 32_000,
    layers: &[-2, -5, -8, -11, 6],
    strategy: "default",
    tiles: None,
    norm: true,
};

pub static LLAVA_NEXT: Llava = Llava {
    model_type: "llava_next",
    classes: &[
        Class { name: "LlavaNextModel", about: ABOUT[0] },
        Class { name: "LlavaNextForConditionalGeneration", about: ABOUT[1] },
    ],
    vision: clip_large,
    language: "llama",
    image_token: 32_000,
    layers: &[-2],
    strategy: "default",
    tiles: Some(DefaultTiles {
        sizes: || vec![[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]],
        aspect: None,
    }),
    norm: false,
};

pub static LLAVA_ONEVISION: Llava = Llava {
    model_type: "llava_onevision",
    classes: &[
        Class { name: "LlavaOnevisionModel", about: ABOUT[0] },
        Class { name: "LlavaOnevisionForConditionalGeneration", about: ABOUT[1] },
    ],
    vision: || {
        json!({
            "model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304, "patch_size": 14,
            "image_size": 384, "num_hidden_layers": 26, "num_attention_heads": 16, "vision_use_head": false
        })
    },
    language: "qwen2",
    image_token: 151_646,
    layers: &[-1],
    strategy: "full",
    tiles: Some(DefaultTiles {
        sizes: || (1..=6).flat_map(|rows| (1..=6).map(move |columns| [384 * rows, 384 * columns])).collect(),
        aspect: Some("anyres_max_9"),
    }),
    norm: false,
};

fn clip_large() -> Value {
    json!({
        "model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096, "patch_size": 14,
        "image_size": 336, "num_hidden_layers": 24, "num_attention_heads": 16
    })
}

struct Options {
    vision: Image,
    language: Decoder,
    image_token: usize,
    /// States of the image encoder, the first being before its first layer.
    states: Vec<usize>,
    skip_whole: bool,
    activation: Activation,
    bias: bool,
    norm: Option<f64>,
    tiles: Option<Tiles>,
}

impl Options {
    fn read(config: &Config, family: &Llava) -> Result<Self, ModelError> {
        let vision_config = config.object_or("vision_config", family.vision)?;
        let vision = match vision_config.text("model_type", "")? {
            "clip_vision_model" => Image::read(&vision_config, Kind::Clip)?,
            "siglip_vision_model" => Image::read(&vision_config, Kind::Siglip)?,
            "" if family.language == "qwen2" => Image::read(&vision_config, Kind::Siglip)?,
            "" => Image::read(&vision_config, Kind::Clip)?,
            _ => {
                let remedy = "Known are clip_vision_model and siglip_vision_model";
                return Err(vision_config.refuse("model_type", "this image encoder is not built here yet", remedy));
            }
        };
        let text_config = config.part("text_config")?;
        let mut language = Decoder::inside(&text_config, text_config.text("model_type", family.language)?)?;
        language.head.tied |= config.flag("tie_word_embeddings", false)?;
        let key = if config.has("image_token_id") { "image_token_id" } else { "image_token_index" };
        let skip_whole = match config.text("vision_feature_select_strategy", family.strategy)? {
            "default" => true,
            "full" => false,
            _ => {
                let reason = "there is no such way to select the image's vectors";
                return Err(config.refuse("vision_feature_select_strategy", reason, "Known are default and full"));
            }
        };
        let tiles = family.tiles.as_ref().map(|tiles| read_tiles(config, tiles, &vision, skip_whole)).transpose()?;
        Ok(Self {
            states: states(config, family, &vision)?,
            image_token: config.size(key, family.image_token)?,
            skip_whole,
            activation: Activation::read(config, "projector_hidden_act", "gelu")?,
            bias: family.norm || config.flag("multimodal_projector_bias", true)?,
            norm: family.norm.then(|| config.positive("projector_layernorm_eps", 1e-5)).transpose()?,
            vision,
            language,
            tiles,
        })
    }

    /// Vectors of one picture that the projector gets.
    fn positions(&self) -> usize {
        self.vision.places() - usize::from(self.skip_whole)
    }

    /// How many tokens stand for an image.
    fn length(&self) -> Length {
        let Some(tiles) = &self.tiles else { return Length::Size(self.positions().to_string()) };
        let choice = |grid: [usize; 2]| (grid.map(|edge| edge as u64).to_vec(), tiles.tokens(grid) as u64);
        Length::Choice {
            sizes: vec!["tile_rows".to_owned(), "tile_columns".to_owned()],
            lengths: tiles.grids().map(choice).collect(),
        }
    }
}

/// Which states of the image encoder are read.
fn states(config: &Config, family: &Llava, vision: &Image) -> Result<Vec<usize>, ModelError> {
    let key = if config.has("vision_feature_layers") { "vision_feature_layers" } else { "vision_feature_layer" };
    let count = vision.layers.count as i64 + 1;
    let wanted = config.integers(key, family.layers)?;
    let state = |index: &i64| {
        let place = if *index < 0 { index + count } else { *index };
        usize::try_from(place).ok().filter(|place| (*place as i64) < count).ok_or_else(|| {
            let reason = format!("{index} is no state of an image encoder of {} layers", vision.layers.count);
            config.refuse(key, reason, "Choose a layer that is there")
        })
    };
    wanted.iter().map(state).collect()
}

fn read_tiles(config: &Config, default: &DefaultTiles, vision: &Image, skip_whole: bool) -> Result<Tiles, ModelError> {
    let key = "image_grid_pinpoints";
    let sizes = config.pairs(key)?.unwrap_or_else(default.sizes);
    if (vision.kind == Kind::Clip) != skip_whole {
        let reason = "tiles need exactly the vectors of the patches";
        let remedy = "Choose default with a vector for the whole image (CLIP), full without one (SigLIP)";
        return Err(config.refuse("vision_feature_select_strategy", reason, remedy));
    }
    if sizes.is_empty() || sizes.iter().flatten().any(|edge| !edge.is_multiple_of(vision.image[0])) {
        let reason = format!("every size must be whole tiles of {} pixels", vision.image[0]);
        return Err(config.refuse(key, reason, "List heights and widths that are multiples of the image size"));
    }
    let most = match default.aspect {
        None => None,
        Some(aspect) => {
            let aspect = config.text("vision_aspect_ratio", aspect)?;
            let most = aspect.strip_prefix("anyres_max_").and_then(|most| most.parse().ok());
            Some(most.filter(|most| (1..=1000).contains(most)).ok_or_else(|| {
                config.refuse("vision_aspect_ratio", "this way of packing is not built", "Known is anyres_max_9")
            })?)
        }
    };
    Ok(Tiles { pixels: vision.image[0], side: vision.grid()[0], sizes, most })
}

impl Architecture for Llava {
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
        &[
            ("vision_tower.", "vision_tower.vision_model."),
            ("vision_tower.", "model.vision_tower."),
            ("vision_tower.", "model.vision_tower.vision_model."),
            ("multi_modal_projector.", "model.multi_modal_projector."),
            ("image_newline", "model.image_newline"),
            ("language_model.model.", "model.language_model."),
            ("language_model.lm_head.", "lm_head."),
        ]
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config, self)?;
        let language = &options.language;
        b.deviation(language.deviation);
        let text = options.look_and_read(&mut b, Goal::OnePass);
        language.finish_pass(&mut b, class, "language_model", text);
        Ok(())
    }

    fn generates(&self, class: &str) -> bool {
        class != self.classes[0].name
    }

    fn draw_stage(&self, config: &Config, _class: &str, stage: Stage, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config, self)?;
        let language = &options.language;
        b.deviation(language.deviation);
        match stage {
            Stage::Prefill => {
                let text = options.look_and_read(&mut b, Goal::Prompt);
                language.finish_stage(&mut b.at("language_model"), &text);
            }
            // What was seen is among the keys and values.
            Stage::Decode => language.draw_stage(&mut b.at("language_model"), "model", stage),
        }
        Ok(())
    }
}

impl Options {
    /// Declares text with an image in it and draws what the language model makes of both.
    fn look_and_read(&self, b: &mut GraphBuilder, goal: Goal) -> ReadText {
        let Self { vision, language, .. } = self;
        let batch = b.free("batch", DimRole::Batch, "How many texts, each with one image?", 1, None);
        let (tiles, longest) = match &self.tiles {
            None => (None, self.positions()),
            Some(tiles) => {
                let grid = tile_sizes(b, tiles, language.positions);
                (Some(Dimension::Free("1 + tile_rows * tile_columns".to_owned())), tiles.tokens(grid))
            }
        };
        let question = "How many tokens of text, those of the image included?";
        let most = Some(language.positions as u32);
        let sequence = b.free("sequence", DimRole::Sequence, question, longest as u32 + 128, most);
        let text = [batch.clone(), sequence.clone()];
        let ids = b.input("input_ids", Element::I64, &text);
        let mask = b.input("attention_mask", Element::I64, &text);
        let [height, width] = vision.image.map(fixed);
        let picture = [fixed(vision.channels), height, width];
        let shape = [vec![batch.clone()], tiles.iter().cloned().collect(), picture.to_vec()].concat();
        let pixels = b.input("pixel_values", Element::F32, &shape);
        b.filling("input_ids", goal.filling(self.image_token, language.vocabulary, self.length()));

        let tokens = ImageTokens::find(b, &ids, self.image_token as i64);
        let image = match &self.tiles {
            None => {
                b.tokens(&batch, &fixed(vision.places()));
                let seen = look(b, self, &pixels);
                b.tokens(&batch, &sequence);
                seen
            }
            Some(tiles) => {
                let sizes = b.input("image_sizes", Element::I64, &[batch.clone(), fixed(2)]);
                let edges = ["tile_rows", "tile_columns"].map(|name| format!("{} * {name}", tiles.pixels));
                b.filling("image_sizes", Filling::Rows(edges.to_vec()));
                packed(b, self, tiles, &tokens, [&pixels, &sizes])
            }
        };
        b.tokens(&batch, &sequence);
        let known = tokens.known(b, &ids, self.image_token, language.vocabulary);
        let reading = Reading { cache: goal.cache(), ..Reading::whole(b, &mask) };
        let mut model = b.at("language_model.model");
        let (table, words) = language.embed(&mut model, &known, &reading);
        let words = match &self.tiles {
            None => tokens.replace(&mut model, &words, &image, language.width),
            Some(_) => tokens.choose(&mut model, &image, &words),
        };
        let (hidden, presents) = language.read(&mut model, &words, &reading);
        ReadText { sizes: [batch, sequence], table, hidden, presents }
    }
}

/// Asks into how many tiles each image is cut; gives the default, which leaves room for words.
fn tile_sizes(b: &mut GraphBuilder, tiles: &Tiles, positions: usize) -> [usize; 2] {
    let grids: Vec<[usize; 2]> = tiles.grids().collect();
    let fits = |grid: &&[usize; 2]| tiles.tokens(**grid) < positions;
    let square = grids.iter().find(|grid| **grid == [2, 2]).filter(fits);
    let default = *square.or_else(|| grids.iter().find(fits)).unwrap_or(&grids[0]);
    let known: Vec<String> = grids.iter().map(|[rows, columns]| format!("{rows} × {columns}")).collect();
    let known = known.join(", ");
    for (index, name) in ["rows", "columns"].into_iter().enumerate() {
        let most = grids.iter().map(|grid| grid[index]).max().map(|most| most as u32);
        let question =
            format!("How many {name} of tiles is each image cut into? Possible are (rows × columns): {known}");
        b.free(&format!("tile_{name}"), DimRole::Other, &question, default[index] as u32, most);
    }
    default
}

/// What the language model gets to see of pictures `[pictures, channels, image, image]`: `[pictures, positions, width]`.
fn look(b: &mut GraphBuilder, options: &Options, pixels: &Var) -> Var {
    let vision = &options.vision;
    let last = options.states.iter().copied().max().unwrap_or_default();
    let states = vision.states(&mut b.at("vision_tower"), pixels, last);
    let read: Vec<Var> = options
        .states
        .iter()
        .map(|index| match options.skip_whole {
            true => b.slice(&states[*index], [1, i64::MAX], 1),
            false => states[*index].clone(),
        })
        .collect();
    let width = vision.layers.width * read.len();
    let read = match read.as_slice() {
        [one] => one.clone(),
        several => b.concat(&several.iter().collect::<Vec<_>>(), -1),
    };
    project(&mut b.at("multi_modal_projector"), options, &read, width)
}

fn project(b: &mut GraphBuilder, options: &Options, seen: &Var, width: usize) -> Var {
    let out = options.language.width;
    let seen = match options.norm {
        Some(epsilon) => layer_norm(&mut b.at("projector_layernorm"), seen, width, epsilon),
        None => seen.clone(),
    };
    let wide = linear(&mut b.at("linear_1"), &seen, width, out, options.bias);
    let active = options.activation.apply(b, &wide);
    linear(&mut b.at("linear_2"), &active, out, out, options.bias)
}

/// The vector of each image token, of images cut into tiles: `[batch, sequence, width]`.
fn packed(
    b: &mut GraphBuilder,
    options: &Options,
    tiles: &Tiles,
    tokens: &ImageTokens,
    [pixels, sizes]: [&Var; 2],
) -> Var {
    let (vision, width) = (&options.vision, options.language.width);
    let [height, wide] = vision.image.map(|edge| edge as i64);
    b.tokens(&Dimension::Free("pictures".to_owned()), &fixed(vision.places()));
    let pictures = b.reshape(pixels, &[-1, vision.channels as i64, height, wide]);
    let seen = look(b, options, &pictures);
    let (batch, rest) = (b.size_of(pixels, 0), b.ints(&[-1, options.positions() as i64, width as i64]));
    let shape = b.concat(&[&batch, &rest], 0);
    let features = b.reshape_to(&seen, &shape);
    tiles.vectors(b, tokens, sizes, &features, width)
}
