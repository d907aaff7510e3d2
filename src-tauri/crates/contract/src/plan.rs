//! What a person asks to have measured, and how a sweep unfolds into single settings.

use crate::{DeviceId, EngineId, Mode, ModelId, PADDING, Platform, Precision};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One measurement as asked for. What really ran is in the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    pub model: ModelId,
    pub engine: EngineId,
    pub device: DeviceId,
    pub precision: Precision,
    pub mode: Mode,
    pub batch: u32,
    /// Tokens of text (of the prompt, where text is generated), pixels of an image edge or pieces of sound; none where the
    /// model has no such dimension.
    pub size: Option<u32>,
    /// Values for further free dimensions, by symbol; where text is generated, [`OUTPUT`] is one of them, and where a share
    /// of the texts is padding, [`PADDING`].
    pub dims: BTreeMap<String, u32>,
    /// CPU threads; none leaves the choice to Assay (all physical cores).
    pub threads: Option<u32>,
    pub seed: u64,
    /// Longest time for the warm samples.
    pub budget_secs: f64,
}

/// The dimension that says how many tokens are written after each prompt.
pub const OUTPUT: &str = "output";
/// Its value where nothing else was asked for.
pub const DEFAULT_OUTPUT: u32 = 32;

impl Setting {
    /// Tokens to write after each prompt; none where no text is generated, or where an imported table did not say.
    pub fn output_tokens(&self) -> Option<u32> {
        self.dims.get(OUTPUT).copied().filter(|_| self.mode == Mode::Generation)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetChoice {
    pub engine: EngineId,
    pub device: DeviceId,
}

/// A sweep: every combination of what is listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub models: Vec<ModelId>,
    pub targets: Vec<TargetChoice>,
    pub precisions: Vec<Precision>,
    pub mode: Mode,
    pub batches: Vec<u32>,
    /// Lengths of text or sound, or image sizes, for each model; a model that is not listed runs at its default.
    pub sizes: BTreeMap<ModelId, Vec<u32>>,
    pub dims: BTreeMap<String, u32>,
    /// How much of the texts is padding, in percent, for each model; of one that is not listed none is.
    #[serde(default)]
    pub padding: BTreeMap<ModelId, Vec<u32>>,
    /// Empty means Assay's choice.
    pub threads: Vec<u32>,
    pub seed: u64,
    pub budget_secs: f64,
}

impl Plan {
    /// Every combination, models outermost and precisions innermost, so that a model's weights are written once.
    pub fn settings(&self) -> Vec<Setting> {
        let threads: Vec<Option<u32>> = optional(&self.threads);
        let mut settings = Vec::new();
        for model in &self.models {
            let sizes = optional(self.sizes.get(model).map_or(&[], Vec::as_slice));
            for (size, dims) in sizes.iter().flat_map(|size| self.dims_of(model).map(move |dims| (size, dims))) {
                for batch in &self.batches {
                    for target in &self.targets {
                        for threads in &threads {
                            for precision in &self.precisions {
                                settings.push(Setting {
                                    model: model.clone(),
                                    engine: target.engine.clone(),
                                    device: target.device.clone(),
                                    precision: *precision,
                                    mode: self.mode,
                                    batch: *batch,
                                    size: *size,
                                    dims: dims.clone(),
                                    threads: *threads,
                                    seed: self.seed,
                                    budget_secs: self.budget_secs,
                                });
                            }
                        }
                    }
                }
            }
        }
        settings
    }

    /// The further dimensions of a model, once for each share of padding.
    fn dims_of(&self, model: &ModelId) -> impl Iterator<Item = BTreeMap<String, u32>> {
        let shares = optional(self.padding.get(model).map_or(&[], Vec::as_slice));
        shares.into_iter().map(move |share| {
            let mut dims = self.dims.clone();
            dims.extend(share.filter(|percent| *percent > 0).map(|percent| (PADDING.to_owned(), percent)));
            dims
        })
    }
}

/// A plan in a file: one model by its configuration, on every engine of a platform that is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    pub kind: SuiteKind,
    /// In the words of transformers.
    pub model_type: String,
    /// A config.json of that type.
    pub config: serde_json::Map<String, serde_json::Value>,
    pub platform: Platform,
    pub precisions: Vec<Precision>,
    pub mode: Mode,
    pub batches: Vec<u32>,
    pub seed: u64,
    pub budget_secs: f64,
}

/// The word by which a suite is known among other JSON files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SuiteKind {
    #[serde(rename = "assay-suite")]
    AssaySuite,
}

fn optional(values: &[u32]) -> Vec<Option<u32>> {
    if values.is_empty() { vec![None] } else { values.iter().copied().map(Some).collect() }
}

/// One line of a plan before it starts: what it will take, or why it cannot run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingEstimate {
    pub setting: Setting,
    /// Seconds expected, none where it will be refused.
    pub secs: Option<f64>,
    /// What the seconds rest on: "an earlier run of the same setting", "the measured peak of this CPU", "a guess from the size".
    pub basis: String,
    pub memory_bytes: Option<u64>,
    /// Why it cannot run, with the remedy.
    pub refusal: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanEstimate {
    pub lines: Vec<SettingEstimate>,
    pub total_secs: f64,
    pub peak_memory_bytes: u64,
    pub available_memory_bytes: u64,
    /// Generated weights still to be written.
    pub disk_bytes: u64,
    /// Free now, and what is removed of earlier weights before the next measurement begins.
    pub available_disk_bytes: u64,
}
