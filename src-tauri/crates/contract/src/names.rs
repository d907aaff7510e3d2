//! Identities and the small closed vocabularies: platform, precision, mode, metric.

use crate::TaskUnit;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

id!(
    /// One stored result. A UUID of version 7, so ids sort by time; a string, because JavaScript loses digits above 2^53.
    RunId
);
id!(
    /// One stored comparison; a UUID of version 7.
    ComparisonId
);
id!(
    /// One model as the app lists it: `preset:bert-base-uncased`, or the hash of what was added.
    ModelId
);
impl ModelId {
    /// What the id of a model begins with that a generated benchmark makes in Python. Launch does not offer it.
    pub const GENERATED: &str = "generated:";

    pub fn is_generated(&self) -> bool {
        self.0.starts_with(Self::GENERATED)
    }
}

id!(
    /// An engine with its build: `candle`, `onnxruntime`, `onnxruntime-webgpu`, `openvino`; of generated benchmarks
    /// `pytorch`, too.
    EngineId
);
impl EngineId {
    /// The engine alone: `onnxruntime` of `onnxruntime-webgpu`.
    pub fn without_build(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// Whether it computes a graph in f32 in a narrower precision where it is asked to: OpenVINO takes the precision as a
    /// hint. All others run a graph in the formats that it has.
    pub fn lowers_f32(&self) -> bool {
        self.without_build() == "openvino"
    }

    /// The name that its maker gave it: a further build (`onnxruntime-webgpu`) carries its own in brackets, and what
    /// is not known keeps its id.
    pub fn label(&self) -> String {
        let known =
            [("candle", "candle"), ("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO"), ("pytorch", "PyTorch")];
        for (key, name) in known {
            match self.0.strip_prefix(key) {
                Some("") => return name.into(),
                Some(build) if build.starts_with('-') => return format!("{name} ({})", &build[1..]),
                _ => {}
            }
        }
        self.0.clone()
    }
}

id!(
    /// A device as an engine addresses it: `cpu`, `cuda:0`, `openvino:GPU.0`, `vulkan:0`.
    DeviceId
);
id!(
    /// A job waiting or running in the queue.
    JobId
);
id!(
    /// A machine: a hash of what the system calls itself, so that an export does not tell its name.
    MachineId
);

/// Declares a closed vocabulary with its stable key (stored, exported) and its label (shown).
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $key:literal, $label:literal;)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize
        )]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $key)] $variant,)+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable word used in files, the store and the command line.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)+ }
            }

            /// What a person reads.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$variant),)+ _ => None }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.label())
            }
        }
    };
}
pub(crate) use words;

words!(
    /// Where a model runs: the eight of [`Platform::LISTED`], and whatever an imported table names beside them.
    Platform {
        Cpu = "cpu", "CPU";
        Cuda = "cuda", "CUDA";
        Rocm = "rocm", "ROCm";
        Mps = "mps", "MPS";
        OpenVino = "openvino", "OpenVINO";
        Qualcomm = "qualcomm", "Qualcomm";
        WebNn = "webnn", "WebNN";
        WebGpu = "webgpu", "WebGPU";
        /// Hardware of an imported table that none of the others covers.
        Other = "other", "Other";
    }
);

impl Platform {
    /// The eight that are always listed, usable or not.
    pub const LISTED: [Self; 8] =
        [Self::Cpu, Self::Cuda, Self::Rocm, Self::Mps, Self::OpenVino, Self::Qualcomm, Self::WebNn, Self::WebGpu];
}

words!(
    Precision {
        F32 = "f32", "f32";
        F16 = "f16", "f16";
        Bf16 = "bf16", "bf16";
        /// Weights in 8 bits; activations in 8 bits too, their ranges taken anew in each call.
        Int8 = "int8", "int8";
        /// Weights and activations in 8 bits; the activations' ranges were calibrated beforehand.
        Int8Static = "int8-static", "int8 static";
        /// Weights in 4 bits, in blocks that each have a scale of their own.
        Int4 = "int4", "int4";
    }
);

words!(
    /// Families of model types: those that one template serves, and that compare with each other.
    Family {
        /// Reads text and writes on.
        Decoder = "decoder", "Text decoder";
        /// Reads text and gives vectors or labels.
        Encoder = "encoder", "Text encoder";
        /// Reads one text and writes another.
        EncoderDecoder = "encoder-decoder", "Encoder and decoder";
        Vision = "vision", "Vision";
        Audio = "audio", "Audio";
        /// Reads pictures, sound or video together with text.
        Multimodal = "multimodal", "Multimodal";
        Other = "other", "Other";
    }
);

words!(
    /// What a model takes in.
    Medium {
        Text = "text", "Text";
        Images = "images", "Images";
        Sound = "sound", "Sound";
        Video = "video", "Video";
    }
);

impl Precision {
    /// The one that a table's word is listed under.
    ///
    /// Mixed precision (`amp`) computes in half precision; `w8a16` and its like are named for their weights.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "f32" | "fp32" | "float32" | "float" | "single" => Some(Self::F32),
            "f16" | "fp16" | "float16" | "half" | "amp" => Some(Self::F16),
            "bf16" | "bfloat16" => Some(Self::Bf16),
            "int8-static" | "int8 static" | "int8_static" => Some(Self::Int8Static),
            "int8" | "i8" | "uint8" | "w8a8" | "w8a16" => Some(Self::Int8),
            "int4" | "i4" | "uint4" | "w4a16" | "w4a8" => Some(Self::Int4),
            _ => None,
        }
    }

    /// Largest absolute difference, relative to the largest reference value, that still counts as the same output.
    ///
    /// f32 follows accumulated rounding in deep networks; the half formats follow their mantissas of 10 and 7 bits
    /// over some tens of layers. Quantised graphs are compared with another engine that runs the same file: engines
    /// differ in where they round activations, by a step of 1/255 of a range in each layer.
    pub fn tolerance(self) -> f64 {
        match self {
            Self::F32 => 1e-3,
            Self::F16 => 2e-2,
            Self::Bf16 => 6e-2,
            Self::Int8 | Self::Int8Static | Self::Int4 => 1.5e-1,
        }
    }

    /// Whether weights are integers with scales.
    pub fn is_quantised(self) -> bool {
        matches!(self, Self::Int8 | Self::Int8Static | Self::Int4)
    }

    pub fn bits(self) -> u32 {
        match self {
            Self::F32 => 32,
            Self::F16 | Self::Bf16 => 16,
            Self::Int8 | Self::Int8Static => 8,
            Self::Int4 => 4,
        }
    }
}

words!(
    Mode {
        Inference = "inference", "Inference";
        Training = "training", "Training";
        Generation = "generation", "Generation";
    }
);

words!(
    /// What a matrix cell or a chart shows.
    Metric {
        Latency = "latency", "Latency";
        Throughput = "throughput", "Throughput";
        Memory = "memory", "Peak memory";
        FirstResult = "first", "Time to first result";
        /// Ratio of the CPU's best latency to this one's; above 1 is faster than the CPU.
        Speedup = "speedup", "Speed-up against CPU";
        /// Of generated text, once the first token is there.
        TokenRate = "token-rate", "Tokens per second";
        FirstToken = "first-token", "Time to first token";
        TokenTime = "token-time", "Time per token";
    }
);

impl Metric {
    pub fn unit(self) -> &'static str {
        match self {
            Self::Latency | Self::FirstResult | Self::FirstToken | Self::TokenTime => "ms",
            Self::Throughput => "samples/s",
            Self::Memory => "MB",
            Self::Speedup => "×",
            Self::TokenRate => "tokens/s",
        }
    }

    /// The same for results that have this unit of a task in common, which only throughput is told in.
    pub fn unit_in(self, task: Option<TaskUnit>) -> &'static str {
        match (self, task) {
            (Self::Throughput, Some(task)) => task.rate(),
            _ => self.unit(),
        }
    }

    pub fn smaller_is_better(self) -> bool {
        !matches!(self, Self::Throughput | Self::Speedup | Self::TokenRate)
    }

    /// Whether only generated text has it.
    pub fn is_of_generation(self) -> bool {
        matches!(self, Self::TokenRate | Self::FirstToken | Self::TokenTime)
    }
}

words!(
    /// What was measured of the model and the hardware that a prediction is about.
    ForecastSupport {
        Setting = "setting", "the model was measured on this hardware in another setting";
        Combination = "combination", "model and hardware were both measured, but never together";
        /// The same, on a hardware where few of the models were measured.
        FewOnHardware = "few_on_hardware", "model and hardware were both measured, but few models on this hardware";
        NewModel = "new_model", "the model was never measured; others were on this hardware";
        NewHardware = "new_hardware", "the hardware was never measured";
        Nothing = "nothing", "neither the model nor the hardware was ever measured";
    }
);

impl ForecastSupport {
    /// Whether much was measured on the hardware.
    pub fn knows_hardware(self) -> bool {
        matches!(self, Self::Setting | Self::Combination | Self::NewModel)
    }
}

words!(
    /// The three kinds of figure. There is no fourth.
    Evidence {
        Measured = "measured", "Measured here";
        Imported = "imported", "Imported";
        Predicted = "predicted", "Predicted";
    }
);

#[cfg(test)]
mod tests {
    use super::{EngineId, Precision};

    #[test]
    fn engines_have_their_makers_names() {
        let label = |id: &str| EngineId::from(id).label();
        assert_eq!(label("onnxruntime"), "ONNX Runtime");
        assert_eq!(label("onnxruntime-webgpu"), "ONNX Runtime (webgpu)");
        assert_eq!(label("pytorch"), "PyTorch");
        assert_eq!(label("qnn-v73"), "qnn-v73");
        assert_eq!(label("pytorch 2.9"), "pytorch 2.9");
    }

    #[test]
    fn a_precision_that_is_none_of_ours_is_not_bent_into_one() {
        assert_eq!(Precision::from_word("fp64"), None);
        assert_eq!(Precision::from_word("uint16"), None);
        assert_eq!(Precision::from_word("AMP"), Some(Precision::F16));
    }
}
