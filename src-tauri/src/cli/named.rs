//! The model that a command is about.

use clap::Args;
use contract::{Failure, ModelId, Precision};
use models::Model;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Named {
    /// A preset such as bert-tiny, or a file: config.json, .safetensors, .onnx, or a folder with one of these.
    #[arg(value_name = "FILE or PRESET")]
    model: String,
    /// Weights of a config.json that do not lie beside it: a .safetensors file, or the index of several.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

impl Named {
    pub fn open(&self) -> Result<Model, Failure> {
        match (preset(&self.model), &self.weights) {
            (Some(preset), None) => Ok(preset),
            (Some(_), Some(weights)) => {
                Err(Failure::bad_input(weights.display().to_string(), "a preset has no weights of its own")
                    .remedy("Give the config.json that belongs to these weights"))
            }
            (None, None) => Ok(Model::open(Path::new(&self.model))?),
            (None, Some(weights)) => Ok(Model::open_with_weights(Path::new(&self.model), weights)?),
        }
    }
}

/// The sizes at which a command looks at a model.
#[derive(Args)]
pub struct AtSizes {
    #[arg(long, default_value_t = 1)]
    pub batch: u32,
    /// Tokens of text, pixels of an image's edge, or pieces of sound such as samples; the model's default where this is not
    /// given.
    #[arg(long, alias = "size")]
    pub length: Option<u32>,
    /// A value for another free dimension, as NAME=VALUE. `padding=25` makes a quarter of the texts padding, where a model
    /// reads texts with an attention mask.
    #[arg(long = "dim", value_name = "NAME=VALUE", value_parser = dimension)]
    pub dims: Vec<(String, u32)>,
}

/// The preset of this name, unless a file is called so.
pub fn preset(name: &str) -> Option<Model> {
    if Path::new(name).exists() {
        return None;
    }
    let id = if name.starts_with("preset:") { name.to_owned() } else { format!("preset:{name}") };
    Model::preset(&ModelId(id))
}

pub fn precision(text: &str) -> Result<Precision, String> {
    Precision::from_key(text).ok_or_else(|| {
        let known: Vec<&str> = Precision::ALL.iter().map(|p| p.key()).collect();
        format!("one of {}", known.join(", "))
    })
}

/// A free size, as NAME=VALUE.
fn dimension(text: &str) -> Result<(String, u32), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE")?;
    Ok((name.to_owned(), value.parse().map_err(|_| format!("{value} is not a whole number"))?))
}
