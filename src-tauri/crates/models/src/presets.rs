//! The models that come with Assay; their weights are seeded random numbers.

use contract::ModelId;

/// A configuration that ships.
pub struct Preset {
    pub name: &'static str,
    pub about: &'static str,
    pub(crate) config: &'static str,
}

impl Preset {
    pub fn id(&self) -> ModelId {
        ModelId(format!("preset:{}", self.name))
    }
}

pub static PRESETS: [Preset; 5] = [
    Preset {
        name: "bert-base-uncased",
        about: "Reads text and gives a vector for each token; the usual yardstick for text encoders",
        config: include_str!("presets/bert-base-uncased.json"),
    },
    Preset {
        name: "bert-tiny",
        about: "A text encoder of two narrow layers; measured in seconds on any device",
        config: include_str!("presets/bert-tiny.json"),
    },
    Preset {
        name: "vit-base-patch16-224",
        about: "Looks at an image of 224 pixels and sorts it into 1000 classes",
        config: include_str!("presets/vit-base-patch16-224.json"),
    },
    Preset {
        name: "opt-125m",
        about: "Reads text and scores every word as the next one; a small decoder of 2022",
        config: include_str!("presets/opt-125m.json"),
    },
    Preset {
        name: "llama-1.1b",
        about: "Reads text and scores every word as the next one; 1.1 billion parameters with shared keys and values",
        config: include_str!("presets/llama-1.1b.json"),
    },
];
