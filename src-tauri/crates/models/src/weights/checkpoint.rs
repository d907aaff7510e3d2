//! A checkpoint in safetensors files: whose tensor is which weight.

use super::{Part, Weight};
use crate::{
    Element, ModelError,
    architectures::Architecture,
    error::{counted, listed},
    files::{self, Stretch},
    hash::{add_samples, hex},
    safetensors::{self, Entry},
    stamp::Stamped,
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

/// An index names each tensor; a thousand layers of a hundred tensors stay far below.
const LONGEST_INDEX: u64 = 64 << 20;
const MOST_SHARDS: usize = 4096;

/// Ends of tensor names, each with what older checkpoints call it.
const OLD_ENDS: [(&str, &str); 14] = [
    // Converted from TensorFlow.
    ("LayerNorm.weight", "LayerNorm.gamma"),
    ("LayerNorm.bias", "LayerNorm.beta"),
    // A weight normalised as before torch 2.0: its length and its direction.
    ("parametrizations.weight.original0", "weight_g"),
    ("parametrizations.weight.original1", "weight_v"),
    // VideoMAE, whose products had no biases of their own.
    ("attention.query.bias", "attention.q_bias"),
    ("attention.value.bias", "attention.v_bias"),
    // Autoencoders of diffusers before 0.17.
    ("mid_block.attentions.0.to_q.weight", "mid_block.attentions.0.query.weight"),
    ("mid_block.attentions.0.to_q.bias", "mid_block.attentions.0.query.bias"),
    ("mid_block.attentions.0.to_k.weight", "mid_block.attentions.0.key.weight"),
    ("mid_block.attentions.0.to_k.bias", "mid_block.attentions.0.key.bias"),
    ("mid_block.attentions.0.to_v.weight", "mid_block.attentions.0.value.weight"),
    ("mid_block.attentions.0.to_v.bias", "mid_block.attentions.0.value.bias"),
    ("mid_block.attentions.0.to_out.0.weight", "mid_block.attentions.0.proj_attn.weight"),
    ("mid_block.attentions.0.to_out.0.bias", "mid_block.attentions.0.proj_attn.bias"),
];

pub struct Checkpoint {
    pub path: PathBuf,
    /// The index, where there is one, and the files that its tensors lie in.
    pub files: Vec<Stamped>,
    /// By their names.
    tensors: HashMap<String, Entry>,
}

/// The tensor of each weight, in the order of the weights, and what no weight wanted.
pub struct Matched {
    /// None for an unread weight that the checkpoint lacks.
    pub tensors: Vec<Option<(Element, Stretch)>>,
    pub unused: Vec<String>,
}

impl Checkpoint {
    /// `path` is a .safetensors file or the .index.json of several.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let mut files = vec![Stamped::now(path)];
        let paths = match path.extension().is_some_and(|extension| extension == "json") {
            true => shards_of(path)?,
            false => vec![path.to_owned()],
        };
        files.extend(paths.iter().filter(|shard| *shard != path).map(|shard| Stamped::now(shard)));
        let mut tensors = HashMap::new();
        for shard in &paths {
            tensors.extend(safetensors::entries(shard)?.into_iter().map(|entry| (entry.name.clone(), entry)));
        }
        Ok(Self { path: path.to_owned(), files, tensors })
    }

    /// Hex digits that change with the tensors' names, shapes and (by samples) numbers.
    pub fn fingerprint(&self) -> Result<String, ModelError> {
        let mut hash = Sha256::new();
        let mut names: Vec<&String> = self.tensors.keys().collect();
        names.sort();
        for name in names {
            let Entry { element, shape, numbers, .. } = &self.tensors[name];
            hash.update(format!("{name} {element} {shape:?} "));
            add_samples(&mut hash, numbers)?;
        }
        Ok(hex(&hash.finalize()))
    }

    /// Whether both tensors are there and their numbers are not the same.
    pub fn differ(&self, names: [&str; 2]) -> Result<bool, ModelError> {
        match names.map(|name| self.tensors.get(name)) {
            [Some(one), Some(other)] => one.numbers.differs_from(&other.numbers),
            _ => Ok(false),
        }
    }

    /// Finds every weight's tensor, whose name may have the base model's module in front or not, or begin in another way
    /// that the architecture knows.
    pub fn matched(&self, weights: &[Weight], architecture: &dyn Architecture) -> Result<Matched, ModelError> {
        let file = files::name(&self.path);
        let mut used: BTreeSet<&str> = BTreeSet::new();
        let mut found = Vec::with_capacity(weights.len());
        let mut missing = Vec::new();
        for weight in weights {
            match self.find(weight.tensor().0, architecture) {
                Some(entry) => {
                    used.insert(&entry.name);
                    found.push((weight, Some(entry)));
                }
                None if weight.part == Part::Unread => found.push((weight, None)),
                None => missing.push(weight.name.as_str()),
            }
        }
        if !missing.is_empty() {
            return Err(ModelError::unsupported(
                &file,
                "its tensor names",
                format!("{} are missing: {}", counted(missing.len(), "weight"), listed(&missing)),
                "The config.json beside it must be the one of these weights",
            ));
        }
        let mut tensors = Vec::with_capacity(found.len());
        for (weight, entry) in found {
            let Some(entry) = entry else {
                tensors.push(None);
                continue;
            };
            let (shard, place) = (files::name(&entry.numbers.path), format!("tensor {:?}", entry.name));
            let shape = weight.tensor().1;
            if entry.shape != shape {
                return Err(ModelError::unsupported(
                    &shard,
                    place,
                    format!("its shape is {:?}, the configuration makes it {shape:?}", entry.shape),
                    "The config.json beside it must be the one of these weights",
                ));
            }
            if !entry.element.is_float() {
                return Err(ModelError::unsupported(
                    &shard,
                    place,
                    format!("its numbers are {}; quantised checkpoints are not read", entry.element),
                    "Use the checkpoint in float32, float16 or bfloat16",
                ));
            }
            let numbers = match &weight.stack {
                None => entry.numbers.clone(),
                Some(stack) => {
                    let length = entry.numbers.length / stack.count;
                    entry.numbers.part(stack.place * length..(stack.place + 1) * length)
                }
            };
            tensors.push(Some((entry.element, numbers)));
        }
        // Counters and index tables follow from the configuration.
        let of_no_use = |entry: &&Entry| !used.contains(entry.name.as_str()) && entry.element.is_float();
        let mut unused: Vec<String> = self.tensors.values().filter(of_no_use).map(|entry| entry.name.clone()).collect();
        unused.sort();
        Ok(Matched { tensors, unused })
    }

    fn find(&self, name: &str, architecture: &dyn Architecture) -> Option<&Entry> {
        let base = architecture.base();
        let without_base = name.strip_prefix(base).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned);
        let renamed = architecture.renames().iter().filter_map(|(own, other)| {
            let rest = name.strip_prefix(own)?;
            Some(format!("{other}{rest}"))
        });
        let mut names = [name.to_owned(), format!("{base}.{name}")].into_iter().chain(without_base).chain(renamed);
        names.find_map(|name| {
            let old =
                OLD_ENDS.iter().find_map(|(end, old)| name.strip_suffix(end).map(|start| format!("{start}{old}")));
            self.tensors.get(&name).or_else(|| self.tensors.get(old?.as_str()))
        })
    }
}

/// The files an index names, each inside the index's folder.
fn shards_of(index: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let file = files::name(index);
    let text = files::text(index, LONGEST_INDEX)?;
    let damaged = |place: String, reason: &str| ModelError::damaged(&file, place, reason);
    let parsed: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| damaged(format!("line {}", error.line()), "it is not valid JSON"))?;
    let map = parsed
        .get("weight_map")
        .and_then(serde_json::Value::as_object)
        .ok_or_else(|| damaged("key weight_map".to_owned(), "an index maps each tensor to its file here"))?;
    let names: BTreeSet<&str> = map
        .values()
        .map(|name| name.as_str().ok_or_else(|| damaged("key weight_map".to_owned(), "a file name is no text")))
        .collect::<Result<_, _>>()?;
    if names.is_empty() || names.len() > MOST_SHARDS {
        return Err(damaged("key weight_map".to_owned(), &format!("it names {} files", names.len())));
    }
    let folder = index.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    names.into_iter().map(|name| files::inside(folder, name, &file, "key weight_map")).collect()
}
