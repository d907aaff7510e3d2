//! A model as the window knows it: where it comes from, what it takes in, what it costs.

use crate::{EngineId, ModelId, PADDING, Precision, SizeUnit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ModelOrigin {
    /// Ships with Assay; weights are seeded random numbers.
    Preset,
    /// A config.json alone; weights are seeded random numbers.
    Config {
        path: String,
    },
    /// A config.json beside its safetensors weights.
    Checkpoint {
        path: String,
    },
    Onnx {
        path: String,
    },
    /// Fetched from a repository of Hugging Face; with random weights where only its configuration was.
    Hub {
        path: String,
        repository: String,
        /// The commit.
        revision: String,
        /// None where the repository names none.
        licence: Option<String>,
    },
}

/// What a dimension means, so that it can be asked for in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DimRole {
    Batch,
    /// Tokens of text.
    Sequence,
    /// Pixels along an edge.
    ImageSize,
    /// Pieces of sound, such as samples; [`Dim::unit`] says how long they last.
    Sound,
    Other,
}

impl DimRole {
    /// Whether one number, the size of a setting, tells such dimensions.
    pub fn is_size(self) -> bool {
        matches!(self, Self::Sequence | Self::ImageSize | Self::Sound)
    }

    /// Whether a size that is meant for a dimension of this role goes into one of the other, too: sound is counted in
    /// other numbers than texts and images.
    pub fn shares_size(self, other: Self) -> bool {
        self.is_size() && other.is_size() && (self == Self::Sound) == (other == Self::Sound)
    }
}

/// A dimension of the inputs that is free to choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dim {
    /// The symbol in the graph: `batch`, `sequence`, `past_length`.
    pub name: String,
    pub role: DimRole,
    /// The question for a person: "How many tokens of text?".
    pub question: String,
    pub default: u32,
    pub max: Option<u32>,
    /// How many make a second, where it counts pieces of sound.
    #[serde(default)]
    pub per_second: Option<u32>,
    /// Whether those pieces are [`SizeUnit::Frames`].
    #[serde(default)]
    pub frames: bool,
}

impl Dim {
    /// What it counts, where that is said with a size: edges of images are not only counted in pixels.
    pub fn unit(&self) -> Option<SizeUnit> {
        match self.role {
            DimRole::Sequence => Some(SizeUnit::Tokens),
            DimRole::Sound => self.per_second.map(|per_second| match self.frames {
                true => SizeUnit::Frames { per_second },
                false => SizeUnit::Sound { per_second },
            }),
            DimRole::Batch | DimRole::ImageSize | DimRole::Other => None,
        }
    }
}

/// The dimension that a model's size stands for: the first that counts sound, else the first length of a text or edge of
/// an image.
pub fn size_dim(dims: &[Dim]) -> Option<&Dim> {
    let sound = dims.iter().find(|dim| dim.role == DimRole::Sound);
    sound.or_else(|| dims.iter().find(|dim| dim.role.is_size()))
}

/// Size and further dimensions of a call as a result tells them: each with its value, also where the default is meant.
/// What equals the size that goes into it is not told again, and what the model does not have is left out.
pub fn spelt_sizes(
    dims: &[Dim],
    size: Option<u32>,
    asked: &BTreeMap<String, u32>,
) -> (Option<u32>, BTreeMap<String, u32>) {
    let own = |dim: &Dim| asked.get(&dim.name).copied();
    let first = size_dim(dims);
    let told = first.map(|first| own(first).or(size).unwrap_or(first.default)).or(size);
    let further = dims.iter().filter(|dim| dim.role != DimRole::Batch).filter_map(|dim| {
        let shares = first.is_some_and(|first| first.role.shares_size(dim.role));
        let value = own(dim).or(size.filter(|_| shares)).unwrap_or(dim.default);
        (!shares || Some(value) != told).then(|| (dim.name.clone(), value))
    });
    (told, further.collect())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueSpec {
    pub name: String,
    /// ONNX element type in lower case: `float`, `int64`.
    pub element: String,
    /// Fixed sizes as numbers, free ones as their symbol.
    pub shape: Vec<String>,
}

/// The family of a model of which only its graph is known.
pub const UNKNOWN_FAMILY: &str = "onnx";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub id: ModelId,
    pub name: String,
    /// Model type in the words of transformers (`bert`), or `onnx` where unknown.
    pub family: String,
    pub origin: ModelOrigin,
    /// What it does, in a sentence: "Reads text and gives a vector for each token".
    pub about: String,
    pub parameters: Option<u64>,
    /// Multiply-accumulates of one sample at the default sizes.
    pub macs: Option<u64>,
    /// Bytes of the weights in f32.
    pub weight_bytes: u64,
    pub inputs: Vec<ValueSpec>,
    pub outputs: Vec<ValueSpec>,
    pub dims: Vec<Dim>,
    /// Those that its weights can be had in: of an ONNX file, the one that it is in.
    pub precisions: Vec<Precision>,
    /// Hex SHA-256 of the graph's structure, without weights.
    pub graph_hash: String,
    /// Nodes by operator, most frequent first.
    pub operators: Vec<(String, u32)>,
    /// The weights are random: outputs mean nothing; times and memory are real, unless the weights share one pool.
    pub random_weights: bool,
    /// Only where each token goes through a few of many networks.
    #[serde(default)]
    pub experts: Option<Experts>,
}

impl ModelInfo {
    /// Precisions that an engine which [`EngineId::lowers_f32`] can compute it in beside those of its weights.
    pub fn lowered(&self) -> &'static [Precision] {
        let is_file_in_f32 = self.family == UNKNOWN_FAMILY && self.precisions == [Precision::F32];
        if is_file_in_f32 { &[Precision::F16, Precision::Bf16] } else { &[] }
    }

    /// Whether an engine can be asked to compute it in a precision.
    pub fn runs_in(&self, precision: Precision, engine: &EngineId) -> bool {
        self.precisions.contains(&precision) || (engine.lowers_f32() && self.lowered().contains(&precision))
    }

    /// Whether a share of its texts can be padding: it reads nothing but texts, as whole numbers, and its attention mask has
    /// a place for each of their tokens.
    pub fn takes_padding(&self) -> bool {
        let shape = |name: &str| self.inputs.iter().find(|input| input.name == name).map(|input| &input.shape);
        let is_masked = shape("attention_mask").is_some_and(|mask| mask.len() == 2 && shape("input_ids") == Some(mask));
        let is_whole = |input: &ValueSpec| !["float", "double"].iter().any(|kind| input.element.contains(kind));
        is_masked && self.inputs.iter().all(is_whole) && self.dims.iter().all(|dim| dim.name != PADDING)
    }
}

/// A mixture of experts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experts {
    pub count: u32,
    /// How many of them a token goes through.
    pub chosen: u32,
}

impl Experts {
    /// What is to be known beside its costs.
    pub fn told(self) -> String {
        let Self { count, chosen } = self;
        format!(
            "Each token goes through {chosen} of {count} experts: the work is that of those, the memory that of all"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dim(name: &str, role: DimRole, default: u32) -> Dim {
        let per_second = (role == DimRole::Sound).then_some(100);
        Dim { name: name.into(), role, question: String::new(), default, max: None, per_second, frames: true }
    }

    fn sizes(of: &[(&str, u32)]) -> BTreeMap<String, u32> {
        of.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
    }

    #[test]
    fn the_length_of_a_sound_is_the_size_and_a_text_beside_it_is_told_by_its_name() {
        let dims = [
            dim("batch", DimRole::Batch, 1),
            dim("sequence", DimRole::Sequence, 64),
            dim("frames", DimRole::Sound, 1000),
        ];
        let size = size_dim(&dims).unwrap();
        assert_eq!((size.name.as_str(), size.unit()), ("frames", Some(SizeUnit::Frames { per_second: 100 })));
        assert_eq!(Dim { frames: false, ..size.clone() }.unit(), Some(SizeUnit::Sound { per_second: 100 }));
        assert_eq!(spelt_sizes(&dims, None, &sizes(&[])), (Some(1000), sizes(&[("sequence", 64)])));
        let asked = sizes(&[("frames", 500), ("sequence", 16), ("batch", 8), ("another model's", 3)]);
        assert_eq!(spelt_sizes(&dims, Some(700), &asked), (Some(500), sizes(&[("sequence", 16)])), "its name wins");
    }

    #[test]
    fn texts_with_a_mask_of_their_own_can_be_padded_and_nothing_else_can() {
        let input = |(name, element, shape): (&str, &str, &[&str])| ValueSpec {
            name: name.into(),
            element: element.into(),
            shape: shape.iter().map(|size| (*size).to_owned()).collect(),
        };
        let takes = |inputs: &[(&str, &str, &[&str])], dims: Vec<Dim>| {
            let info = ModelInfo {
                id: "a".into(),
                name: String::new(),
                family: "bert".into(),
                origin: ModelOrigin::Preset,
                about: String::new(),
                parameters: None,
                macs: None,
                weight_bytes: 0,
                inputs: inputs.iter().copied().map(input).collect(),
                outputs: Vec::new(),
                dims,
                precisions: Vec::new(),
                graph_hash: String::new(),
                operators: Vec::new(),
                random_weights: true,
                experts: None,
            };
            info.takes_padding()
        };
        let text: &[&str] = &["batch", "sequence"];
        let [ids, mask] = ["input_ids", "attention_mask"].map(|name| (name, "int64", text));
        assert!(takes(&[ids, mask], Vec::new()));
        assert!(takes(&[ids, mask, ("decoder_input_ids", "int64", &["batch", "decoder_sequence"])], Vec::new()));
        assert!(!takes(&[ids], Vec::new()), "without a mask");
        assert!(!takes(&[("input_values", "float", text), mask], Vec::new()), "sound");
        assert!(!takes(&[ids, mask, ("pixel_values", "float", &["batch", "3", "8", "8"])], Vec::new()), "with images");
        assert!(!takes(&[ids, ("attention_mask", "int64", &["batch", "past + 1"])], Vec::new()), "of other tokens");
        assert!(!takes(&[ids, mask], vec![dim(PADDING, DimRole::Other, 1)]), "has a size of that name");
    }

    #[test]
    fn an_edge_as_long_as_the_size_is_told_once() {
        let dims = [dim("height", DimRole::ImageSize, 224), dim("width", DimRole::ImageSize, 224)];
        for size in [None, Some(224)] {
            assert_eq!(spelt_sizes(&dims, size, &sizes(&[])), (Some(224), sizes(&[])));
        }
        assert_eq!(spelt_sizes(&dims, Some(96), &sizes(&[])), (Some(96), sizes(&[])));
        let wide = sizes(&[("width", 320)]);
        assert_eq!(spelt_sizes(&dims, Some(96), &wide), (Some(96), wide.clone()));
        assert_eq!(spelt_sizes(&[], Some(8), &wide), (Some(8), sizes(&[])), "of a size that is fixed");
    }
}
