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

macro_rules! presets {
    ($($name:literal: $about:literal,)+) => {
        &[$(Preset { name: $name, about: $about, config: include_str!(concat!("presets/", $name, ".json")) },)+]
    };
}

/// Those that a first start offers come first.
pub static PRESETS: &[Preset] = presets! {
    "bert-base-uncased": "Reads text and gives a vector for each token; the usual yardstick for text encoders",
    "bert-tiny": "A text encoder of two narrow layers; measured in seconds on any device",
    "vit-base-patch16-224": "Looks at an image of 224 pixels and sorts it into 1000 classes",
    "opt-125m": "Reads text and scores every word as the next one; a small decoder of 2022",
    "llama-1.1b": "Reads text and scores every word as the next one; 1.1 billion parameters with shared keys and values",
    "bert-large-uncased": "Reads text and gives a vector for each token; three times the size of the base model",
    "distilbert-base-uncased": "Reads text and gives a vector for each token; half the layers of BERT",
    "roberta-base": "Reads text and gives a vector for each token; BERT trained longer, with another vocabulary",
    "deberta-v3-base": "Reads text and gives a vector for each token; its attention also weighs how far apart two tokens are",
    "gpt2": "Reads text and scores every word as the next one; the small decoder of 2019",
    "qwen2.5-0.5b": "Reads text and scores every word as the next one; half a billion parameters in 2024",
    "qwen3-0.6b": "Reads text and scores every word as the next one; 0.6 billion parameters in 2025",
    "llama-2-7b": "Reads text and scores every word as the next one; 7 billion parameters in 2023",
    "llama-3-8b": "Reads text and scores every word as the next one; 8 billion parameters in 2024",
    "mistral-7b": "Reads text and scores every word as the next one; each sees a window of 4096 before it",
    "t5-small": "Reads one text and scores the words of another; 60 million parameters",
    "vit-large-patch16-224": "Looks at an image of 224 pixels and sorts it into 1000 classes; three times the base model",
    "resnet-50": "Looks at an image and sorts it into 1000 classes; 50 layers of convolutions",
    "detr-resnet-50": "Finds objects in an image: up to 100 of 91 kinds, each with its box",
    "clip-vit-base-patch32": "Compares images with texts; patches of 32 pixels",
    "xclip-base-patch32": "Compares videos with texts; eight frames, patches of 32 pixels",
    "llava-onevision-qwen2-0.5b": "Reads text with an image in it and scores every word as the next one; 0.9 billion parameters in 2024",
    "qwen2-vl-2b": "Reads text with an image or a video of any size in it and scores every word as the next one; 2.2 billion parameters in 2024",
    "qwen3-vl-2b": "Reads text with an image or a video of any size in it and scores every word as the next one; 2.1 billion parameters in 2025",
    "llava-1.5-7b": "Reads text with an image in it and scores every word as the next one; 7 billion parameters in 2023",
    "whisper-tiny": "Hears half a minute of speech and scores the words of its transcript; the smallest size",
    "whisper-large-v3": "Hears half a minute of speech and scores the words of its transcript; the largest size",
    "wav2vec2-base": "Hears sound and gives a vector for each fiftieth of a second",
    "clap-htsat-unfused": "Compares sounds with texts; ten seconds of sound at a time",
    "stable-diffusion-1.5-unet": "Takes noise out of a picture that is being made, led by a text; one step of many",
    "stable-diffusion-1.5-vae": "Turns an image of 512 pixels into the small picture that Stable Diffusion works on, and back",
};
