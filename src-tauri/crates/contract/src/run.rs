//! A result: what ran, how it was measured, and every figure with its evidence.

use crate::{
    DeviceId, EngineId, Evidence, Fed, MachineId, Mode, ModelId, PerSample, Platform, Precision, RunId, Setting,
    SizeUnit, names::words, percent_text,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

words!(
    PhaseName {
        /// Writing generated weights or reading a checkpoint.
        Acquire = "acquire", "Prepare weights";
        /// Making the inputs, and the outputs of another engine to check against.
        Reference = "reference", "Reference output";
        /// Starting the worker process and loading the engine's library.
        Start = "start", "Start worker";
        /// Reading the graph and its weights.
        Load = "load", "Load";
        /// The engine preparing the graph for the device.
        Compile = "compile", "Compile";
        /// Comparing the output with another engine's.
        Check = "check", "Check output";
        /// The first call.
        First = "first", "First call";
        WarmUp = "warm_up", "Warm up";
        Warm = "warm", "Measure";
        Sustained = "sustained", "Sustained";
    }
);

/// How long one phase took, and what it needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    pub name: PhaseName,
    pub ms: f64,
    /// Highest memory of the worker seen by the end of this phase, in bytes.
    pub peak_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The 95 % interval of the median became narrower than ±2 %.
    Stable,
    /// The time budget ran out first.
    Budget,
    /// The person stopped it; what was sampled is kept.
    Stopped,
    /// It was sampled in turn with another setting, for as long as their comparison took.
    Compared,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentile {
    /// 0.95 for p95.
    pub p: f64,
    pub ms: f64,
}

/// The warm samples in figures. A time is that of one batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    pub median_ms: f64,
    /// 95 % bootstrap interval of the median.
    pub low_ms: f64,
    pub high_ms: f64,
    pub min_ms: f64,
    pub samples: u32,
    /// Only those that n supports: a percentile p needs n ≥ 10 / (1 − p).
    pub percentiles: Vec<Percentile>,
    /// Samples beyond 1.5 interquartile ranges (mild) and 3 (severe); kept in every figure.
    pub mild_outliers: u32,
    pub severe_outliers: u32,
    pub stop: StopReason,
    /// Samples: batch divided by the median time. In the unit of a task it is [`RunModel::per_sample`] times as much.
    pub throughput_per_s: f64,
    /// What the harness itself adds to a call (an empty graph), measured in the same worker; never subtracted.
    pub harness_ms: Option<f64>,
}

/// How text was generated. A time is that of the whole batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// Written after each prompt; the prompt's length is the setting's size.
    pub output_tokens: u32,
    /// From the prompt to the choice of the first token.
    pub first_token: MedianTime,
    /// From the choice of one token to that of the next: of each text the mean over its tokens after the first, and of
    /// these the median.
    pub token: MedianTime,
    /// Batch divided by the time of a token: the rate once the first token is there.
    pub tokens_per_s: f64,
    /// How far the scores of the last token lie from those of one pass over the whole text, which needs no cache,
    /// relative to the largest; none where the check was not reached.
    pub full_pass_difference: Option<f64>,
    /// Every text in the order written: the time to its first token and then of every further one. Its sum is the
    /// text's sample.
    pub texts_ms: Vec<Vec<f64>>,
}

/// A median time with its 95 % interval: of a bootstrap over the samples where it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MedianTime {
    pub ms: f64,
    pub low_ms: f64,
    pub high_ms: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NoiseGrade {
    A,
    B,
    C,
    D,
}

impl NoiseGrade {
    /// The grade for a spread of the sentinel kernel's times: (largest − smallest) / median.
    pub fn of_spread(spread: f64) -> Self {
        match spread {
            s if s < 0.03 => Self::A,
            s if s < 0.08 => Self::B,
            s if s < 0.20 => Self::C,
            _ => Self::D,
        }
    }

    pub fn letter(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        }
    }

    pub fn meaning(self) -> &'static str {
        match self {
            Self::A => "quiet: a fixed piece of work took the same time throughout, within 3 %",
            Self::B => "steady: a fixed piece of work varied by less than 8 %",
            Self::C => "noisy: a fixed piece of work varied by up to 20 %; close differences cannot be told",
            Self::D => {
                "very noisy: a fixed piece of work varied by more than 20 %; measure again when the machine is idle"
            }
        }
    }
}

/// Times of a fixed kernel before, between and after the samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    pub grade: NoiseGrade,
    pub sentinel_ms: Vec<f64>,
    /// (largest − smallest) / median.
    pub spread: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum OutputCheck {
    /// Within the tolerance of the precision.
    Agrees {
        against: EngineId,
        largest_difference: f64,
        tolerance: f64,
    },
    Disagrees {
        against: EngineId,
        largest_difference: f64,
        tolerance: f64,
        output: String,
    },
    /// No other engine could run it; shown, and not ranked.
    Unchecked {
        reason: String,
    },
}

/// How far the outputs lie from those of the same model in f32 on the same inputs: the price of a precision.
///
/// Where several outputs or inputs were compared, the worst of each figure stands here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputError {
    /// The engine that ran the model in f32.
    pub against: EngineId,
    /// Cosine of the angle between an output and the one in f32, both as one long vector; 1 is the same direction.
    pub cosine: f64,
    /// Largest absolute difference of any number.
    pub largest_difference: f64,
    /// Largest absolute difference over the largest absolute value in f32.
    pub relative_difference: f64,
    /// Kullback–Leibler divergence of the distribution of the next token from the one in f32, in nats, mean over all
    /// tokens; none for a model that does not score the next word.
    pub divergence_nats: Option<f64>,
}

/// Where the graph's nodes really ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// Share of nodes on the asked device, 0 to 1; of the work, where a table told it and nothing is known of nodes.
    pub node_share: f64,
    /// Share of multiply-accumulates on the asked device, 0 to 1; none where they cannot be counted.
    pub mac_share: Option<f64>,
    /// Nodes and multiply-accumulates by what ran them; empty where a table told the share.
    pub parts: Vec<PlacementPart>,
    /// How this is known: "profile of one call", "the engine runs on one device only".
    pub source: String,
}

impl Placement {
    /// Share of the work on the asked device, 0 to 1: of multiply-accumulates, else of nodes.
    pub fn share(&self) -> f64 {
        self.mac_share.unwrap_or(self.node_share)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlacementPart {
    pub on: String,
    pub nodes: u32,
    pub macs: Option<u64>,
}

/// What the engine says it used, beside what was asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effective {
    pub engine_version: String,
    pub library: Option<String>,
    pub device_name: String,
    pub driver: Option<String>,
    pub precision: Option<Precision>,
    /// How the effective precision is known.
    pub precision_source: String,
    pub threads: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The worker's resident memory before the model was loaded.
    pub baseline_bytes: Option<u64>,
    /// The highest resident memory above that.
    pub peak_bytes: Option<u64>,
    pub device_peak_bytes: Option<u64>,
}

/// Why a result is kept but not ranked, or what else is to be known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "flag", rename_all = "snake_case")]
pub enum Flag {
    /// Faster than the device's measured peak, or more memory than is installed.
    Implausible { reason: String },
    /// A software adapter or an emulator: its times say nothing.
    NotASpeed { reason: String },
    /// Part of the graph ran elsewhere.
    PartlyElsewhere { reason: String },
    /// Ran in another precision than asked for.
    OtherPrecision { reason: String },
    /// The precision cost so much that the outputs no longer are the model's.
    FarFromF32 { reason: String },
    /// Every expert of a mixture was computed for each token, where each goes through a few: of versions whose graphs did
    /// so, and of tables that say it.
    AllExperts { reason: String },
}

impl Flag {
    pub fn reason(&self) -> &str {
        match self {
            Self::Implausible { reason }
            | Self::NotASpeed { reason }
            | Self::PartlyElsewhere { reason }
            | Self::OtherPrecision { reason }
            | Self::FarFromF32 { reason }
            | Self::AllExperts { reason } => reason,
        }
    }

    /// A graph partly elsewhere or in another precision is a true time of what really ran, and says so; the others are not.
    pub fn withholds(&self) -> bool {
        matches!(self, Self::Implausible { .. } | Self::NotASpeed { .. } | Self::FarFromF32 { .. })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    pub machine: MachineId,
    pub os: String,
    pub cpu: String,
    pub cpu_features: Vec<String>,
    pub logical_cores: u32,
    pub memory_bytes: u64,
    pub available_memory_bytes: u64,
    pub governor: Option<String>,
    pub frequency_mhz: Option<f64>,
    /// One-minute load average before the run.
    pub load: Option<f64>,
    /// `mains`, `battery`, or none where unknown.
    pub power: Option<String>,
    pub assay_version: String,
}

words!(
    FailureKind {
        /// The worker died of a signal or an abort.
        Crash = "crash", "Crashed";
        OutOfMemory = "out_of_memory", "Out of memory";
        TimedOut = "timed_out", "Timed out";
        /// The engine answered with an error.
        EngineError = "engine_error", "Engine error";
        /// Would not fit or is not supported; nothing was started.
        Refused = "refused", "Refused";
        Cancelled = "cancelled", "Cancelled";
        /// The output contains NaN or infinity, or differs from the other engine's.
        WrongOutput = "wrong_output", "Wrong output";
        /// A file of the model was rewritten meanwhile, so that it is not known which of the two ran.
        ModelChanged = "model_changed", "Model changed";
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Done,
    Failed { phase: PhaseName, kind: FailureKind, message: String, remedy: Option<String> },
}

/// The model as it was at the time of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunModel {
    pub id: ModelId,
    pub name: String,
    pub family: String,
    pub graph_hash: String,
    pub parameters: Option<u64>,
    /// Multiply-accumulates of one sample at the sizes run.
    pub macs: Option<u64>,
    /// Elements of all intermediate results of one sample at the sizes run.
    pub activations: Option<u64>,
    pub weight_bytes: Option<u64>,
    /// What one sample is at the sizes run; none where nothing tells, and for generated text, which has its own rate.
    pub per_sample: Option<PerSample>,
    /// What the setting's size counts; none where that is not known.
    pub size_unit: Option<SizeUnit>,
}

/// One result, whole. Nothing here is computed again later from other settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub evidence: Evidence,
    /// For imported results: the file or publication. For measured ones: the generated benchmark, where one measured it.
    /// For predicted ones: what was timed in place of the model.
    pub source: Option<String>,
    pub setting: Setting,
    pub platform: Platform,
    pub model: RunModel,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    pub outcome: Outcome,
    pub phases: Vec<Phase>,
    pub timing: Option<Timing>,
    /// Warm samples in the order taken, in milliseconds: of calls, or of whole texts where text was generated.
    pub samples_ms: Vec<f64>,
    /// Only where text was generated.
    pub generated: Option<Generated>,
    pub check: OutputCheck,
    /// None for f32, and where no other engine could run the model in f32.
    pub error: Option<OutputError>,
    pub placement: Option<Placement>,
    pub effective: Effective,
    pub memory: Memory,
    pub noise: Option<Noise>,
    pub flags: Vec<Flag>,
    pub environment: Environment,
    pub log: Vec<String>,
}

impl Run {
    pub fn phase_ms(&self, name: PhaseName) -> Option<f64> {
        self.phases.iter().find(|phase| phase.name == name).map(|phase| phase.ms)
    }

    /// From the press of the button to the first output: start, load, compile and first call. None where the start was
    /// not timed, as in a generated benchmark.
    pub fn first_result_ms(&self) -> Option<f64> {
        let (start, first) = (self.phase_ms(PhaseName::Start)?, self.phase_ms(PhaseName::First)?);
        let between = [PhaseName::Load, PhaseName::Compile];
        Some(start + first + between.iter().filter_map(|name| self.phase_ms(*name)).sum::<f64>())
    }

    /// The device's name, or its id where no name is known.
    pub fn device_name(&self) -> &str {
        let name = &self.effective.device_name;
        if name.is_empty() { &self.setting.device.0 } else { name }
    }

    pub fn fed(&self) -> Fed {
        Fed::of(&self.setting, self.model.size_unit)
    }

    /// The precision asked for, and what ran otherwise.
    pub fn ran(&self) -> String {
        let share = self.placement.as_ref().map(Placement::share);
        ran_text(self.setting.precision.key(), self.effective.precision, share, self.all_experts())
    }

    /// Whether every expert of a mixture was computed for each token.
    pub fn all_experts(&self) -> bool {
        self.flags.iter().any(|flag| matches!(flag, Flag::AllExperts { .. }))
    }

    /// Why this result takes no part in rankings, if it does not.
    pub fn withheld(&self) -> Option<String> {
        match (&self.outcome, &self.check) {
            (Outcome::Failed { message, .. }, _) => return Some(message.clone()),
            (_, OutputCheck::Disagrees { against, .. }) => return Some(format!("its output differs from {against}'s")),
            (_, OutputCheck::Unchecked { reason }) if self.evidence == Evidence::Measured => {
                return Some(format!("its output is unchecked: {reason}"));
            }
            _ => {}
        }
        if self.placement.as_ref().is_some_and(|placement| placement.share() <= 0.0) {
            return Some(elsewhere_text(self.device_name()));
        }
        self.flags.iter().find(|flag| flag.withholds()).map(|flag| flag.reason().to_owned())
    }
}

/// Why a result is not ranked of which nothing ran where it was asked for.
fn elsewhere_text(device: &str) -> String {
    format!("it ran elsewhere: nothing of its work was done on {device}")
}

/// The precision that was asked for, in the word of its results, and what ran otherwise: another precision, a part of the
/// work on another device, all experts of a mixture where the chosen ones would do. `f32`, `f16, ran in f32`,
/// `f16, 12 % on this device`.
pub fn ran_text(asked: &str, ran: Option<Precision>, device_share: Option<f64>, all_experts: bool) -> String {
    let mut text = precision_text(asked, ran.map_or(asked, |ran| ran.key()));
    if let Some(share) = device_share.filter(|share| *share < 1.0) {
        text += &format!(", {} on this device", percent_text(share));
    }
    if all_experts {
        text += &format!(", {ALL_EXPERTS}");
    }
    text
}

/// Of a mixture where the chosen ones would do.
pub const ALL_EXPERTS: &str = "all experts computed";

/// `f16, ran in f32`; one word where what was asked for ran.
pub fn precision_text(asked: &str, ran: &str) -> String {
    if asked == ran { asked.to_owned() } else { format!("{asked}, ran in {ran}") }
}

/// A result in one row, for lists, charts and the matrix drawer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    pub id: RunId,
    pub evidence: Evidence,
    pub source: Option<String>,
    pub started_at: Option<Timestamp>,
    pub model: String,
    pub model_id: ModelId,
    pub family: String,
    pub engine: EngineId,
    pub engine_version: String,
    pub device: DeviceId,
    pub device_name: String,
    pub platform: Platform,
    pub precision: Precision,
    pub effective_precision: Option<Precision>,
    /// Share of the work on the device, 0 to 1; none where it is not known.
    pub device_share: Option<f64>,
    /// Every expert of a mixture was computed for each token.
    pub all_experts: bool,
    /// Cosine between the outputs and those in f32; none where they were not compared.
    pub cosine: Option<f64>,
    pub mode: Mode,
    pub batch: u32,
    pub size: Option<u32>,
    pub size_unit: Option<SizeUnit>,
    /// Dimensions beyond batch and size, as [`crate::dims_key`] writes them.
    pub dims: Option<String>,
    pub threads: Option<u32>,
    pub median_ms: Option<f64>,
    pub low_ms: Option<f64>,
    pub high_ms: Option<f64>,
    pub min_ms: Option<f64>,
    pub samples: Option<u32>,
    pub throughput_per_s: Option<f64>,
    /// What one sample is: throughput in the unit of its task is so many times as much.
    pub per_sample: Option<PerSample>,
    /// The next four only where text was generated.
    pub output_tokens: Option<u32>,
    pub first_token_ms: Option<f64>,
    pub token_ms: Option<f64>,
    pub tokens_per_s: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
    pub load_ms: Option<f64>,
    pub compile_ms: Option<f64>,
    pub first_ms: Option<f64>,
    pub first_result_ms: Option<f64>,
    pub macs: Option<u64>,
    /// Bytes of weights at the precision asked for, for the roofline.
    pub weight_bytes: Option<u64>,
    pub activations: Option<u64>,
    pub noise: Option<NoiseGrade>,
    pub failure: Option<FailureKind>,
    pub failed_phase: Option<PhaseName>,
    pub message: Option<String>,
    /// Why it is not ranked; none where it is.
    pub withheld: Option<String>,
    pub note: String,
}

impl RunRow {
    pub fn fed(&self) -> Fed {
        Fed { mode: self.mode, batch: self.batch, size: self.size, unit: self.size_unit, dims: self.dims.clone() }
    }

    /// The precision asked for, and what ran otherwise.
    pub fn ran(&self) -> String {
        ran_text(self.precision.key(), self.effective_precision, self.device_share, self.all_experts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precision_says_what_ran_otherwise() {
        let told = |ran, share| ran_text("f16", ran, share, false);
        assert_eq!(told(None, None), "f16");
        assert_eq!(told(Some(Precision::F16), Some(1.0)), "f16");
        assert_eq!(told(Some(Precision::F32), None), "f16, ran in f32");
        assert_eq!(told(None, Some(0.12)), "f16, 12 % on this device");
        assert_eq!(told(Some(Precision::F32), Some(0.9999)), "f16, ran in f32, over 99.9 % on this device");
    }
}
