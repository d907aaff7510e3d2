//! A small model drawn at random: the small configuration of its type with other widths, heads, layers and lengths.

use crate::tiny;
use contract::{Dim, DimRole};
use libtest_mimic::Failed;
use models::{Class, Model, ModelError};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Of a call with more multiply-accumulates, one sample is enough.
const MOST_WORK: u64 = 500_000_000;

/// Ends of keys, by what they say. What the small configurations have in common is changed: vectors of 64, inner ones of
/// 128, 4 heads, 2 layers, 4 experts of which a token goes through 2.
const WIDTHS: [&str; 7] =
    ["hidden_size", "dim", "d_model", "n_embd", "embedding_size", "projection_size", "pooler_output_size"];
const INNER_WIDTHS: [&str; 5] = ["intermediate_size", "ffn_dim", "d_ff", "dff", "ffn_hidden_size"];
const HEADS: [&str; 6] = ["attention_heads", "num_heads", "n_head", "n_heads", "num_kv_heads", "key_value_heads"];
const EXPERTS: [&str; 3] = ["num_experts", "num_local_experts", "n_routed_experts"];
const CHOSEN_EXPERTS: [&str; 2] = ["num_experts_per_tok", "moe_k"];
/// Whole keys.
const LAYERS: [&str; 9] = [
    "num_hidden_layers",
    "n_layer",
    "n_layers",
    "num_layers",
    "encoder_layers",
    "decoder_layers",
    "num_decoder_layers",
    "depth",
    "layers_per_block",
];
const WIDTHS_OF_STAGES: [&str; 3] = ["hidden_sizes", "conv_dim", "neck_hidden_sizes"];

pub struct Drawn {
    pub model: Model,
    pub config: Value,
    /// Of the inputs.
    pub sizes: BTreeMap<String, u64>,
}

/// The same for the same seed on every machine.
///
/// # Errors
/// Where the type takes none of what was drawn.
pub fn draw(model_type: &str, classes: &[Class], seed: u64) -> Result<Drawn, Failed> {
    let mut random = Random::new(seed, model_type);
    let mut config = tiny::config(model_type)?;
    config["architectures"] = json!([random.among(classes).name]);
    let changes = changes(&mut random);
    let whole = changes.iter().fold(config.clone(), |config, change| changed(&config, change));
    let (config, model) = match opened(&whole) {
        Ok(model) if whole != config => (whole, model),
        _ => one_by_one(config, &changes)?,
    };
    let sizes = sizes(&model, &mut random)?;
    Ok(Drawn { model, config, sizes })
}

fn opened(config: &Value) -> Result<Model, ModelError> {
    Model::from_config_text("config.json", &config.to_string())
}

/// With those of the changes that the type takes: not all sizes go together.
fn one_by_one(config: Value, changes: &[Change]) -> Result<(Value, Model), Failed> {
    let mut taken: Option<(Value, Model)> = None;
    for change in changes {
        let before = taken.as_ref().map_or(&config, |(config, _)| config);
        let after = changed(before, change);
        if after != *before
            && let Ok(model) = opened(&after)
        {
            taken = Some((after, model));
        }
    }
    taken.ok_or_else(|| "none of the sizes that were drawn changes it".into())
}

/// What becomes of a value, from its key, itself and the configuration around it; none where it stays.
type Change = Box<dyn Fn(&str, &Value, &Map<String, Value>) -> Option<Value>>;

/// The configuration after a change, nested ones likewise.
fn changed(config: &Value, change: &Change) -> Value {
    let Value::Object(entries) = config else { return config.clone() };
    let entry = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::Object(_) => changed(value, change),
            _ => change(key, value, entries).unwrap_or_else(|| value.clone()),
        };
        (key.clone(), value)
    };
    entries.iter().map(entry).collect()
}

fn changes(random: &mut Random) -> Vec<Change> {
    let width = random.among(&[32, 48, 96]);
    let inner = random.among(&[80, 160, 192]);
    let heads = random.among(&[2, 8]);
    let layers = random.among(&[1, 3]);
    let more_words = u64::from(random.within(1, 40));
    let [experts, chosen] = random.among(&[[6, 3], [8, 1]]);
    let share = random.among(&[2, 4]);
    let patches = u64::from(random.within(2, 5));
    vec![
        number(&WIDTHS, 64, width),
        number(&INNER_WIDTHS, 128, inner),
        Box::new(move |key, value, _| heads_of(key, value, heads)),
        Box::new(move |key, value, _| layers_of(key, value, layers)),
        Box::new(move |key, value, _| {
            let words = value.as_u64().filter(|words| key.ends_with("vocab_size") && *words >= 32)?;
            Some((words + more_words).into())
        }),
        number(&EXPERTS, 4, experts),
        number(&CHOSEN_EXPERTS, 2, chosen),
        Box::new(move |key, value, _| stages_of(key, value, share)),
        Box::new(move |key, value, around| image_of(key, value, around, patches)),
    ]
}

/// In place of one number another, where the key ends so.
fn number(ends: &'static [&'static str], old: u64, new: u64) -> Change {
    Box::new(move |key, value, _| (value.as_u64() == Some(old) && ends_with(key, ends)).then(|| new.into()))
}

fn ends_with(key: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| key.ends_with(end))
}

/// Two heads of keys and values for four of queries stay half as many.
fn heads_of(key: &str, value: &Value, heads: u64) -> Option<Value> {
    match value.as_u64()? {
        4 if ends_with(key, &HEADS) => Some(heads.into()),
        2 if key.ends_with("key_value_heads") => Some((heads / 2).into()),
        _ => None,
    }
}

/// Their number, and lists that have an entry for each.
fn layers_of(key: &str, value: &Value, layers: usize) -> Option<Value> {
    match value {
        Value::Number(_) if LAYERS.contains(&key) => (value.as_u64() == Some(2)).then(|| layers.into()),
        Value::Array(items) if items.len() == 2 && key.contains("layer") => {
            let of_layers = key == "no_rope_layers" || items.iter().all(Value::is_string);
            of_layers.then(|| items.iter().cycle().take(layers).cloned().collect())
        }
        _ => None,
    }
}

/// A part of each width of a network whose widths grow from stage to stage.
fn stages_of(key: &str, value: &Value, share: u64) -> Option<Value> {
    if key == "embed_dim" && value.as_u64() == Some(96) {
        return Some(48.into());
    }
    let items = value.as_array().filter(|_| WIDTHS_OF_STAGES.contains(&key))?;
    items.iter().map(|width| Some(Value::from(width.as_u64()? / share))).collect()
}

/// An image of so many patches along its edge, and tiles of that size. Windows of two patches leave each stage at least
/// one.
fn image_of(key: &str, value: &Value, around: &Map<String, Value>, patches: u64) -> Option<Value> {
    match (key, value) {
        ("window_size", _) if around.contains_key("image_size") => Some(2.into()),
        ("image_size", Value::Number(_)) => Some((patch(around)? * patches).into()),
        ("image_size", Value::Array(edges)) => {
            let patch = patch(around)?;
            Some((patches..).take(edges.len()).map(|patches| patch * patches).collect())
        }
        ("image_grid_pinpoints", Value::Array(grids)) => {
            let vision = around.get("vision_config")?.as_object()?;
            let (before, after) = (vision.get("image_size")?.as_u64()?, patch(vision)? * patches);
            let edge = |edge: &Value| Some(Value::from(edge.as_u64()? / before * after));
            grids.iter().map(|grid| grid.as_array()?.iter().map(edge).collect::<Option<Value>>()).collect()
        }
        _ => None,
    }
}

/// Pixels that an edge must be a multiple of.
fn patch(vision: &Map<String, Value>) -> Option<u64> {
    let patch = vision.get("patch_size").or_else(|| vision.get("tubelet_size"))?;
    let patch = patch.as_array().map_or(Some(patch), |edges| edges.last())?.as_u64()?;
    match vision.get("depths").and_then(Value::as_array) {
        Some(stages) if vision.contains_key("window_size") => Some(patch << stages.len()),
        _ => Some(patch),
    }
}

/// Sizes of the inputs, or their defaults where a text of the length that was drawn has no room for an image.
fn sizes(model: &Model, random: &mut Random) -> Result<BTreeMap<String, u64>, ModelError> {
    let batch = random.within(1, 3);
    let others = model.info().dims.iter().filter(|dim| dim.role != DimRole::Batch);
    let drawn: BTreeMap<String, u32> = others.map(|dim| (dim.name.clone(), size(dim, random))).collect();
    let sized = |batch| {
        let sizes = model.dims_for(batch, None, &drawn);
        sizes.or_else(|_| model.dims_for(batch, None, &BTreeMap::new()))
    };
    let sizes = sized(batch)?;
    if model.costs(&sizes)?.macs.is_some_and(|macs| macs > MOST_WORK) { sized(1) } else { Ok(sizes) }
}

fn size(dim: &Dim, random: &mut Random) -> u32 {
    let size = match dim.role {
        DimRole::Sequence => random.within(3, 20),
        DimRole::Sound => dim.default / random.among(&[40, 50]),
        DimRole::ImageSize | DimRole::Other | DimRole::Batch => dim.default / random.among(&[2, 4]),
    };
    size.clamp(1, dim.max.unwrap_or(u32::MAX))
}

/// SplitMix64, from a seed and a name.
struct Random(u64);

impl Random {
    fn new(seed: u64, name: &str) -> Self {
        // FNV-1a.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self(hash ^ mix(seed))
    }

    /// A whole number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        ((u128::from(mix(self.0)) * u128::from(end)) >> 64) as u64
    }

    fn among<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// A whole number from one to another, both included.
    fn within(&mut self, from: u32, to: u32) -> u32 {
        from + self.below(u64::from(to - from + 1)) as u32
    }
}

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
