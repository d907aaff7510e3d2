//! A checkpoint in safetensors files: whose tensor is which weight.

use super::{Part, Weight};
use crate::{
    Element, ModelError,
    architectures::Architecture,
    error::{counted, listed},
    files,
    hash::{hex, samples},
    safetensors::{Entry, File},
};
use bytes::Bytes;
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
    /// The files that its tensors lie in.
    pub files: Vec<PathBuf>,
    shards: Vec<File>,
    /// Tensor name to shard and place in it.
    tensors: HashMap<String, (usize, usize)>,
}

/// The tensor of each weight, in the order of the weights, and what no weight wanted.
pub struct Matched {
    pub tensors: Vec<(Element, Bytes)>,
    pub unused: Vec<String>,
}

impl Checkpoint {
    /// `path` is a .safetensors file or the .index.json of several.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let files = match path.extension().is_some_and(|extension| extension == "json") {
            true => shards_of(path)?,
            false => vec![path.to_owned()],
        };
        let shards = files.iter().map(|file| File::open(file)).collect::<Result<Vec<_>, _>>()?;
        let mut tensors = HashMap::new();
        for (shard, file) in shards.iter().enumerate() {
            for (place, entry) in file.entries().iter().enumerate() {
                tensors.insert(entry.name.clone(), (shard, place));
            }
        }
        Ok(Self { path: path.to_owned(), files, shards, tensors })
    }

    /// Hex digits that change with the tensors' names, shapes and (by samples) numbers.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut names: Vec<&String> = self.tensors.keys().collect();
        names.sort();
        for name in names {
            let (file, entry) = self.entry(self.tensors[name]);
            let bytes = file.bytes(entry);
            hash.update(format!("{name} {} {:?} ", entry.element, entry.shape));
            for sample in samples(&bytes) {
                hash.update(sample);
            }
        }
        hex(&hash.finalize())
    }

    /// Whether both tensors are there and their numbers are not the same.
    pub fn differ(&self, names: [&str; 2]) -> bool {
        let [one, other] = names.map(|name| self.tensors.get(name).map(|place| self.entry(*place)));
        one.zip(other).is_some_and(|((file, entry), (other_file, other))| file.bytes(entry) != other_file.bytes(other))
    }

    fn entry(&self, (shard, place): (usize, usize)) -> (&File, &Entry) {
        let file = &self.shards[shard];
        (file, &file.entries()[place])
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
                Some((name, place)) => {
                    used.insert(name);
                    found.push((weight, Some(place)));
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
        for (weight, place) in found {
            let Some(place) = place else {
                tensors.push((Element::F32, Bytes::new()));
                continue;
            };
            let (shard, entry) = self.entry(place);
            let place = format!("tensor {:?}", entry.name);
            let shape = weight.tensor().1;
            if entry.shape != shape {
                return Err(ModelError::unsupported(
                    shard.name(),
                    place,
                    format!("its shape is {:?}, the configuration makes it {shape:?}", entry.shape),
                    "The config.json beside it must be the one of these weights",
                ));
            }
            if !entry.element.is_float() {
                return Err(ModelError::unsupported(
                    shard.name(),
                    place,
                    format!("its numbers are {}; quantised checkpoints are not read", entry.element),
                    "Use the checkpoint in float32, float16 or bfloat16",
                ));
            }
            let bytes = shard.bytes(entry);
            let bytes = match &weight.stack {
                None => bytes,
                Some(stack) => {
                    let length = bytes.len() / stack.count;
                    bytes.slice(stack.place * length..(stack.place + 1) * length)
                }
            };
            tensors.push((entry.element, bytes));
        }
        // Counters and index tables follow from the configuration.
        let of_no_use =
            |name: &&String| !used.contains(name.as_str()) && self.entry(self.tensors[*name]).1.element.is_float();
        let mut unused: Vec<String> = self.tensors.keys().filter(of_no_use).cloned().collect();
        unused.sort();
        Ok(Matched { tensors, unused })
    }

    fn find(&self, name: &str, architecture: &dyn Architecture) -> Option<(&str, (usize, usize))> {
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
            let found = self.tensors.get_key_value(&name);
            let found = found.or_else(|| self.tensors.get_key_value(old?.as_str()));
            found.map(|(name, place)| (name.as_str(), *place))
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
