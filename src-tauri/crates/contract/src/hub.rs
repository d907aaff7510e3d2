//! Models of Hugging Face: what a repository offers, and what is being fetched from one.

use crate::{Failure, ModelId};
use serde::{Deserialize, Serialize};

/// A model's repository as it was looked at. Nothing of it was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HubModel {
    /// `google-bert/bert-base-uncased`
    pub repository: String,
    /// The commit that was looked at, in full: a branch may move on.
    pub revision: String,
    /// Where a person can read about it, and the terms of its licence.
    pub page: String,
    /// None where the repository names none.
    pub licence: Option<HubLicence>,
    /// Why its files cannot be had; none where they can.
    pub closed: Option<HubRefusal>,
    /// The models in it, at least one. The first is meant where nobody chooses: the repository's own, else the first
    /// that is built.
    pub parts: Vec<HubPart>,
    /// Folders with a config.json that were not looked at, because there are so many.
    pub folders_left_out: u32,
    /// On the disk that files would be written to.
    pub free_bytes: u64,
}

/// A model of a repository: the files of one folder. A pipeline has several, such as `unet` and `vae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HubPart {
    /// Within the repository, with `/`; empty for the repository itself.
    pub folder: String,
    pub config: HubConfig,
    /// The config.json and what lies beside it.
    pub config_files: Vec<HubFile>,
    /// To choose from, the preferred first.
    pub weights: Vec<HubWeights>,
    /// Why there are no weights to choose from.
    pub no_weights: Option<HubRefusal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubLicence {
    /// `apache-2.0`, or the name that its owner gave it.
    pub name: String,
    /// Where its text is.
    pub link: Option<String>,
}

/// What cannot be had, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubRefusal {
    pub reason: String,
    pub remedy: String,
    /// A token in Settings is part of the way.
    pub needs_token: bool,
}

/// What Assay makes of a config.json.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "config", rename_all = "snake_case")]
pub enum HubConfig {
    Builds {
        model_type: String,
        parameters: Option<u64>,
    },
    Refused {
        reason: String,
    },
    /// There is none, or it may not be read.
    Absent,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubFile {
    /// Within the repository, with `/`.
    pub path: String,
    pub bytes: u64,
    /// Hex SHA-256 of its content, where the repository lists one.
    pub sha256: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HubFormat {
    Safetensors,
    Onnx,
}

/// Files that make up the weights of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubWeights {
    /// The file that is opened: `model.safetensors`, `unet/diffusion_pytorch_model.safetensors`, the index of several,
    /// or `onnx/model.onnx`.
    pub name: String,
    pub format: HubFormat,
    pub files: Vec<HubFile>,
    /// Of all files.
    pub bytes: u64,
    /// Of these bytes, what an earlier try left here.
    pub here_bytes: u64,
}

/// What is being fetched, or was fetched last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fetch {
    pub repository: String,
    /// Of the repository; empty for the repository itself.
    pub folder: String,
    /// Their name; none for the configuration alone.
    pub weights: Option<String>,
    pub done_bytes: u64,
    pub total_bytes: u64,
    /// None until the speed is known.
    pub secs_left: Option<f64>,
    pub stage: FetchStage,
}

impl Fetch {
    /// One that has just been asked for.
    pub fn new(repository: &str, folder: &str, weights: Option<&str>) -> Self {
        Self {
            repository: repository.to_owned(),
            folder: folder.to_owned(),
            weights: weights.map(str::to_owned),
            done_bytes: 0,
            total_bytes: 0,
            secs_left: None,
            stage: FetchStage::Asking,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", content = "of", rename_all = "snake_case")]
pub enum FetchStage {
    /// The repository is asked once more for what it lists.
    Asking,
    /// The file that arrives.
    Fetching(String),
    /// What an earlier try left of this file is read.
    Checking(String),
    /// It is in the list of models.
    Done(ModelId),
    /// What arrived is kept for the next time.
    Cancelled,
    Failed(Failure),
}

impl FetchStage {
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Asking | Self::Fetching(_) | Self::Checking(_))
    }
}
