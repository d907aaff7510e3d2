//! One row of the neutral table.

use crate::columns::Word;
use contract::{
    COLUMNS, Evidence, Mode, OPTIONAL_COLUMNS, Outcome, PLATFORM_COLUMN, PerSample, Placement, Platform, Precision,
    Run, SizeUnit, dims_key,
};
use duckdb::types::Value;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    pub model: String,
    pub family: String,
    pub hardware: String,
    pub runtime: String,
    pub platform: Platform,
    /// The one that ran, where that is known.
    pub precision: Precision,
    /// As the table says it: `amp`, `w8a16`.
    pub precision_word: String,
    pub mode: Mode,
    pub batch: Option<u32>,
    pub size: Option<u32>,
    /// How many were used together.
    pub devices: Option<u32>,
    pub threads: Option<u32>,
    pub software: String,
    /// As the table says it, a date or a moment; empty where it does not.
    pub measured_at: String,
    pub started_at: Option<Timestamp>,
    pub parameters: Option<u64>,
    pub macs: Option<u64>,
    pub activations: Option<u64>,
    /// Of one batch.
    pub latency_ms: f64,
    pub peak_memory_bytes: Option<u64>,
    pub evidence: Option<Evidence>,
    pub source: Option<String>,
    pub low_ms: Option<f64>,
    pub high_ms: Option<f64>,
    pub samples: Option<u32>,
    /// Dimensions beyond batch and size, as [`dims_key`] writes them.
    pub dims: Option<String>,
    /// What the size counts.
    pub size_unit: Option<SizeUnit>,
    /// What one sample of the batch is.
    pub per_sample: Option<PerSample>,
    /// The one that was asked for, where another ran.
    pub asked_precision: Option<Precision>,
    /// Share of the work that the hardware did, above 0 and at most 1.
    pub device_share: Option<f64>,
    /// Every expert of a mixture was computed for each token.
    pub all_experts: bool,
}

/// Every column Assay writes, in order.
pub fn header() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().chain(OPTIONAL_COLUMNS).chain([PLATFORM_COLUMN])
}

impl Measurement {
    /// The row a finished result would be in an export; none for one without a time.
    pub fn of_run(run: &Run) -> Option<Self> {
        if run.outcome != Outcome::Done {
            return None;
        }
        let timing = run.timing.as_ref()?;
        let precision = run.effective.precision.unwrap_or(run.setting.precision);
        Some(Self {
            model: run.model.name.clone(),
            family: run.model.family.clone(),
            hardware: run.device_name().to_owned(),
            runtime: run.setting.engine.0.clone(),
            platform: run.platform,
            precision,
            precision_word: precision.key().to_owned(),
            mode: run.setting.mode,
            batch: Some(run.setting.batch),
            size: run.setting.size,
            devices: Some(1),
            threads: run.effective.threads.or(run.setting.threads),
            software: run.effective.engine_version.clone(),
            measured_at: run.started_at.to_string(),
            started_at: Some(run.started_at),
            parameters: run.model.parameters,
            macs: run.model.macs,
            activations: run.model.activations,
            latency_ms: timing.median_ms,
            peak_memory_bytes: run.memory.peak_bytes,
            evidence: Some(run.evidence),
            source: run.source.clone(),
            low_ms: Some(timing.low_ms),
            high_ms: Some(timing.high_ms),
            samples: Some(timing.samples),
            dims: dims_key(&run.setting.dims),
            size_unit: run.model.size_unit,
            per_sample: run.model.per_sample,
            asked_precision: Some(run.setting.precision).filter(|asked| *asked != precision),
            device_share: run.placement.as_ref().map(Placement::share),
            all_experts: run.all_experts(),
        })
    }

    /// The same for two rows that tell the same measurement, whoever describes the model more fully.
    pub fn fingerprint(&self) -> i128 {
        self.hash(&self.software)
    }

    /// The same for a row and its copy under another software label, as when a folder of results was copied.
    /// Only for times of five or more digits: fewer may agree by chance.
    pub fn figure(&self) -> Option<i128> {
        (digits(self.latency_ms) >= 5).then(|| self.hash(""))
    }

    fn hash(&self, software: &str) -> i128 {
        let mut hasher = Sha256::new();
        let mut part = |text: &str| {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        };
        part(&self.model);
        part(&self.hardware);
        part(&self.runtime);
        part(&self.precision_word);
        part(self.mode.word());
        part(software);
        part(&self.measured_at);
        // A row without any has the fingerprint that it had before tables could tell them.
        if let Some(dims) = &self.dims {
            part(dims);
        }
        let number = |number: Option<u32>| number.map_or(u64::MAX, u64::from);
        for figure in [
            number(self.batch),
            number(self.size),
            number(self.devices),
            number(self.threads),
            self.latency_ms.to_bits(),
            self.peak_memory_bytes.unwrap_or(u64::MAX),
        ] {
            hasher.update(figure.to_le_bytes());
        }
        let digest = hasher.finalize();
        i128::from_le_bytes(digest[..16].try_into().expect("a SHA-256 digest has 32 bytes"))
    }

    /// The row's values in the order of [`header`].
    pub fn values(&self) -> Vec<Value> {
        let text = |text: &str| if text.is_empty() { Value::Null } else { Value::Text(text.to_owned()) };
        let small = |number: Option<u32>| number.map_or(Value::Null, Value::UInt);
        let large = |number: Option<u64>| number.map_or(Value::Null, Value::UBigInt);
        let real = |number: Option<f64>| number.map_or(Value::Null, Value::Double);
        vec![
            text(&self.model),
            text(&self.family),
            text(&self.hardware),
            text(&self.runtime),
            text(&self.precision_word),
            text(self.mode.word()),
            small(self.batch),
            small(self.size),
            small(self.devices),
            small(self.threads),
            text(&self.software),
            text(&self.measured_at),
            large(self.parameters),
            large(self.macs),
            large(self.activations),
            Value::Double(self.latency_ms),
            real(self.peak_memory_bytes.map(|bytes| bytes as f64 / 1e6)),
            text(self.evidence.map_or("", Evidence::key)),
            text(self.source.as_deref().unwrap_or_default()),
            real(self.low_ms),
            real(self.high_ms),
            small(self.samples),
            text(self.dims.as_deref().unwrap_or_default()),
            text(&self.size_unit.map(SizeUnit::key).unwrap_or_default()),
            text(self.per_sample.map_or("", |sample| sample.unit.key())),
            real(self.per_sample.map(|sample| sample.count)),
            text(self.asked_precision.map_or("", Precision::key)),
            real(self.device_share),
            if self.all_experts { Value::Boolean(true) } else { Value::Null },
            text(self.platform.word()),
        ]
    }
}

/// Significant decimal digits of the shortest text for this number.
fn digits(number: f64) -> usize {
    let text = format!("{number:e}");
    let mantissa = text.split('e').next().unwrap_or_default();
    mantissa.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn digits_are_counted_without_leading_or_trailing_zeros() {
        assert_eq!(digits(20.77), 4);
        assert_eq!(digits(0.001234), 4);
        assert_eq!(digits(237.521529), 9);
        assert_eq!(digits(1_000_000.0), 1);
    }
}
