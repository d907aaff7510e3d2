//! Finding out what a path holds, and opening it as a model.

use crate::{Model, ModelError, config::Config, error::listed, files, stamp::Stamped, weights::Checkpoint};
use contract::ModelOrigin;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Real ones have some kilobytes; long label lists a few megabytes.
const LONGEST_CONFIG: u64 = 16 << 20;
/// What a configuration is called that belongs to the weights beside it.
pub const CONFIG_FILE: &str = "config.json";
/// Weights beside a configuration, by preference: whole, or the index of several files. diffusers has names of its own.
pub const WEIGHT_FILES: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
];
const PICKLES: [&str; 6] = ["bin", "pt", "pth", "pkl", "pickle", "ckpt"];

/// Whether a file is an index of weights that lie in several files.
pub fn is_weight_index(name: &str) -> bool {
    name.ends_with(".index.json")
}

/// Whether a file may be saved with pickle, by its name.
pub fn is_pickle(path: &Path) -> bool {
    has_extension(path, &PICKLES)
}

pub fn open(path: &Path) -> Result<Model, ModelError> {
    if path.is_dir() {
        return folder(path);
    }
    let name = files::name(path);
    match path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).as_deref() {
        Some("onnx") => Model::onnx(path),
        Some("safetensors") => checkpoint(path),
        Some("json") if is_weight_index(&name) => checkpoint(path),
        Some("json") => match weights_beside(path) {
            Some(weights) => checkpoint(&weights),
            None => config_alone(path),
        },
        Some(extension) if PICKLES.contains(&extension) => Err(pickle(&name)),
        _ => Err(ModelError::unsupported(
            &name,
            "its name",
            "models are read from .onnx files, from config.json, and from .safetensors files with a config.json beside them",
            "Export the model as ONNX, or choose its config.json",
        )),
    }
}

fn pickle(name: &str) -> ModelError {
    ModelError::unsafe_(
        name,
        "its format",
        "weights saved with pickle can run any code when they are read",
        "Use the model's .safetensors file, or its config.json alone: times do not depend on the weights",
    )
}

fn folder(path: &Path) -> Result<Model, ModelError> {
    let config = path.join(CONFIG_FILE);
    if config.is_file() {
        return match weights_beside(&config) {
            Some(weights) => checkpoint(&weights),
            None => match files_with(path, &PICKLES).first() {
                Some(pickled) => Err(pickle(&files::name(pickled))),
                None => config_alone(&config),
            },
        };
    }
    let graphs = files_with(path, &["onnx"]);
    match graphs.as_slice() {
        [only] => Model::onnx(only),
        [] => Err(ModelError::unsupported(
            &files::name(path),
            "the folder",
            "there is neither a config.json nor an .onnx file in it",
            "Choose the folder that holds the model, or the model's file",
        )),
        several => {
            let names: Vec<String> = several.iter().map(|graph| files::name(graph)).collect();
            Err(ModelError::unsupported(
                &files::name(path),
                "the folder",
                format!("there are {} ONNX files in it: {}", several.len(), listed(&names)),
                "Choose one of them",
            ))
        }
    }
}

/// Files of a folder with one of these extensions, by name.
fn files_with(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| has_extension(path, extensions))
        .collect();
    found.sort();
    found
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|own| extensions.iter().any(|one| own.eq_ignore_ascii_case(one)))
}

fn weights_beside(config: &Path) -> Option<PathBuf> {
    // Only the file that is called so belongs to the weights beside it.
    if config.file_name()? != CONFIG_FILE {
        return None;
    }
    WEIGHT_FILES.iter().map(|name| config.with_file_name(name)).find(|path| path.is_file())
}

fn config_alone(path: &Path) -> Result<Model, ModelError> {
    let file = Stamped::now(path);
    let config = read_config(path)?;
    let origin = ModelOrigin::Config { path: path.display().to_string() };
    Ok(Model::described(&title(path), config, None, origin)?.read_from(vec![file]))
}

/// `path` is a .safetensors file or an index.
fn checkpoint(path: &Path) -> Result<Model, ModelError> {
    let config = path.with_file_name(CONFIG_FILE);
    if !config.is_file() {
        return Err(ModelError::unsupported(
            &files::name(path),
            "its folder",
            "there is no config.json beside it, so that the model's architecture is not known",
            "Put the model's config.json into the same folder",
        ));
    }
    with_weights(&config, path)
}

/// `weights` is a .safetensors file or an index.
pub fn with_weights(config: &Path, weights: &Path) -> Result<Model, ModelError> {
    if is_pickle(weights) {
        return Err(pickle(&files::name(weights)));
    }
    let mut files = vec![Stamped::now(config)];
    let config = read_config(config)?;
    let checkpoint = Checkpoint::open(weights)?;
    files.extend(checkpoint.files.iter().cloned());
    let origin = ModelOrigin::Checkpoint { path: weights.display().to_string() };
    Ok(Model::described(&title(weights), config, Some(checkpoint), origin)?.read_from(files))
}

fn read_config(path: &Path) -> Result<Config, ModelError> {
    Config::parse(&files::name(path), &files::text(path, LONGEST_CONFIG)?)
}

/// What the model is called: its folder where the file has the name that all such files have.
fn title(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = files::name(path);
    let usual = name == CONFIG_FILE || stem == "model" || WEIGHT_FILES.contains(&name.as_str());
    let folder = path.parent().and_then(Path::file_name).map(|folder| folder.to_string_lossy().into_owned());
    match folder {
        Some(folder) if usual => folder,
        _ => stem,
    }
}
