//! "Where should this model run?": the work, the limits, and the answer with its evidence.

use crate::{EngineId, Evidence, Fed, Mode, ModelId, Plan, Platform, RunId, SizeUnit, TargetChoice, counted, grouped};
use serde::{Deserialize, Serialize};

/// A model and what it is to do. What is left open is taken from the model's own results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Work {
    /// By its name: of a result, a preset or an added model.
    pub model: String,
    pub mode: Option<Mode>,
    pub batch: Option<u32>,
    /// Tokens of text, pixels of an image edge or pieces of sound.
    pub size: Option<u32>,
    /// What the size counts; told with an answer.
    #[serde(default)]
    pub size_unit: Option<SizeUnit>,
    /// Dimensions beyond batch and size that the answer is about, as [`crate::dims_key`] writes them.
    #[serde(default)]
    pub dims: Option<String>,
}

impl Work {
    /// What goes into one call.
    pub fn fed(&self) -> Fed {
        let (mode, batch) = (self.mode.unwrap_or(Mode::Inference), self.batch.unwrap_or(1));
        Fed { mode, batch, size: self.size, unit: self.size_unit, dims: self.dims.clone() }
    }
}

/// What of a time a limit is set on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatencyAt {
    #[default]
    Typical,
    /// 95 of 100 batches are faster. Told only by what was measured here with samples enough.
    P95,
}

/// What a setting must keep to. Nothing set, nothing limited; empty lists mean "any".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// At most, of one batch.
    pub latency_ms: Option<f64>,
    pub latency_at: LatencyAt,
    /// At least.
    pub samples_per_s: Option<f64>,
    /// At most.
    pub memory_mb: Option<f64>,
    /// At most, by the price list of the settings.
    pub cost_per_hour: Option<f64>,
    /// In the words of results, such as `f32`, `w8a16` and `f16, ran in f32`.
    pub precisions: Vec<String>,
    pub platforms: Vec<Platform>,
}

/// A value with its 90 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "advice", rename_all = "snake_case")]
pub enum Advice {
    Given(Box<GivenAdvice>),
    /// Nothing can be said yet.
    TooLittle {
        reason: String,
        remedy: String,
        /// The model, where it can be measured on this machine.
        model: Option<ModelId>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GivenAdvice {
    /// As it was judged: what the question left open is filled in.
    pub work: Work,
    pub learned_from: LearnedFrom,
    /// None where nothing keeps the limits.
    pub choice: Option<Candidate>,
    /// What else keeps the limits, best first.
    pub alternatives: Vec<Candidate>,
    pub rejected: Vec<RejectedSetting>,
    /// The measurement that would most change the answer.
    pub next_run: Option<NextRun>,
    /// The same among those this machine can make, where it cannot make the other.
    pub next_run_here: Option<NextRun>,
    pub scope: Scope,
}

/// How many results answers are learned from, and how many are left out, each for the first reason that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedFrom {
    pub results: u64,
    /// Of these, those of tables that leave further sizes open, where the others of their model tell some.
    pub untold_sizes: u64,
    /// Left out: generated texts, whose time follows from their length.
    pub texts: u64,
    /// Left out: generated benchmarks, whose graphs nobody has counted.
    pub benchmarks: u64,
    /// Left out: those of another model of the same name than the one that was measured last.
    pub namesakes: u64,
    /// Left out: those of a mixture with other experts computed, all or the chosen ones, than in its newest result.
    pub other_experts: u64,
    /// Left out: those fed with other further sizes than most of their model.
    pub other_sizes: u64,
}

impl LearnedFrom {
    /// "Learned from 120 results. 5 results were left out: 2 of generated text; 3 of generated benchmarks."
    pub fn told(&self) -> String {
        let mut told = format!("Learned from {}.", counted(self.results, "result"));
        if self.untold_sizes > 0 {
            told += &format!(
                " For {} of them the table tells no further sizes, such as padding: those of most results of the model \
                are assumed.",
                grouped(&self.untold_sizes.to_string())
            );
        }
        told + &self.left_out().map_or_else(String::new, |left_out| format!(" {left_out}."))
    }

    /// None where nothing was left out.
    pub fn left_out(&self) -> Option<String> {
        let reasons = [
            (self.texts, "of generated text"),
            (self.benchmarks, "of generated benchmarks"),
            (self.namesakes, "of another model of the same name"),
            (self.other_experts, "of a mixture of experts whose newest result computes other experts"),
            (self.other_sizes, "fed with other further sizes, such as padding, than most of their model"),
        ];
        let all: u64 = reasons.iter().map(|(many, _)| many).sum();
        let told = reasons.iter().filter(|(many, _)| *many > 0);
        let told: Vec<String> = told.map(|(many, why)| format!("{} {why}", grouped(&many.to_string()))).collect();
        let were = if all == 1 { "was" } else { "were" };
        (all > 0).then(|| format!("{} {were} left out: {}", counted(all, "result"), told.join("; ")))
    }
}

/// What the limits of a piece of work can be chosen from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    pub precisions: Vec<String>,
    pub platforms: Vec<Platform>,
    pub hardware: Vec<String>,
    /// Lowest and highest of all settings.
    pub latency_ms: Option<(f64, f64)>,
    pub samples_per_s: Option<(f64, f64)>,
    pub memory_mb: Option<(f64, f64)>,
    pub cost_per_hour: Option<(f64, f64)>,
}

/// An engine on a hardware in a precision, as results name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdvisedSetting {
    pub engine: EngineId,
    pub hardware: String,
    pub platform: Platform,
    /// The one to ask for, in the word of its results, such as `f32` and `w8a16`.
    pub precision: String,
    /// The same with what its results ran otherwise, as [`crate::ran_text`] tells it: `f16, ran in f32`.
    pub ran: String,
    /// Used together.
    pub devices: Option<u32>,
    pub threads: Option<u32>,
    /// Version of the engine.
    pub software: String,
    /// Where this machine has it.
    pub here: Option<TargetChoice>,
}

/// A setting that keeps the limits, with what the work takes there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub setting: AdvisedSetting,
    pub evidence: Evidence,
    /// Of one batch.
    pub latency_ms: Interval,
    pub p95_ms: Option<f64>,
    pub samples_per_s: f64,
    pub memory_mb: Option<Interval>,
    /// By the price list of the settings.
    pub cost_per_hour: Option<f64>,
    /// What a prediction rests on, in plain words; blank for a measurement.
    pub support: String,
    pub note: String,
    /// The chance that it keeps the limits and that nothing else that does is faster.
    pub probability_best: f64,
    /// How much slower than the best one it is on average, as a share.
    pub expected_regret: f64,
    /// Why it is the choice, or why not.
    pub why: String,
    /// The results behind a measured figure, newest first.
    pub runs: Vec<RunId>,
}

impl Candidate {
    /// Price of a million samples.
    pub fn cost_per_million(&self) -> Option<f64> {
        Some(self.cost_per_hour? / 3600.0 / self.samples_per_s * 1e6)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedSetting {
    pub setting: AdvisedSetting,
    pub why: String,
}

/// A prediction less sure than this to keep the limits says so, and is measured before all else where it is the choice.
pub const SURE_OF_LIMITS: f64 = 0.9;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextRun {
    pub setting: AdvisedSetting,
    pub secs: f64,
    /// How much the expected regret of the choice falls by, as a share.
    pub regret_saved: f64,
    /// The chance that the setting keeps the limits, which it tells too; 1 for what is measured.
    pub keeps_limits: f64,
    /// Starts it; none where this machine cannot, and `why_not` says why.
    pub plan: Option<Plan>,
    pub why_not: String,
}

/// "What runs well on this machine?"
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineAdvice {
    pub learned_from: LearnedFrom,
    /// Engines on devices of this machine that results speak of.
    pub places: u32,
    /// Fastest first; each model in its best setting here.
    pub models: Vec<ModelHere>,
    /// Models that nothing can be said of, or that keep no limit here.
    pub left_out: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelHere {
    pub work: Work,
    pub family: String,
    pub best: Candidate,
    /// How many times faster the fastest known setting anywhere is; none where that is this one.
    pub elsewhere: Option<Elsewhere>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Elsewhere {
    pub hardware: String,
    /// What ran there, as [`crate::ran_text`] tells it.
    pub ran: String,
    pub times_faster: f64,
}

/// Settings as a file for an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineFile {
    pub name: String,
    pub text: String,
    /// How the file is used, in a sentence.
    pub usage: String,
}

/// Families of models × platforms, from results alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compatibility {
    pub platforms: Vec<Platform>,
    pub families: Vec<FamilySupport>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilySupport {
    pub family: String,
    /// One for each platform; none where nothing was tried.
    pub cells: Vec<Option<SupportCell>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupportCell {
    /// Models with at least one result that may be ranked, and those tried in vain.
    pub models_run: u32,
    pub models_failed: u32,
    /// Results that may be ranked, measured here and imported.
    pub measured: u32,
    pub imported: u32,
    /// Results that failed or are withheld, with the latest reason.
    pub failed: u32,
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_told_with_its_reasons() {
        let learned_from = LearnedFrom { results: 3, ..LearnedFrom::default() };
        assert_eq!((learned_from.told().as_str(), learned_from.left_out()), ("Learned from 3 results.", None));
        let learned_from = LearnedFrom { results: 1, untold_sizes: 1, texts: 2, other_sizes: 3, ..learned_from };
        assert_eq!(
            learned_from.told(),
            "Learned from 1 result. For 1 of them the table tells no further sizes, such as padding: those of most \
            results of the model are assumed. 5 results were left out: 2 of generated text; 3 fed with other further \
            sizes, such as padding, than most of their model."
        );
    }
}
