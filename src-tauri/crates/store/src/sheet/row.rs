//! From the text of a record to a measurement, or to the reason why it is not one.

use super::measurement::{Measurement, header};
use super::words;
use contract::{Evidence, Mode, PerSample, Platform, Precision, SizeUnit, TaskUnit, dims_key, dims_of_key};
use jiff::{Timestamp, civil, tz::TimeZone};
use std::collections::BTreeSet;

/// Longer fields are a sign of a broken table; no name or number needs so many bytes.
pub const LONGEST_FIELD: usize = 4096;

/// Why a record is not a measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub column: Option<&'static str>,
    pub cause: &'static str,
    /// What was found there, shortened; empty where the cause says it all.
    pub found: String,
}

impl Fault {
    pub fn row(cause: &'static str, found: impl Into<String>) -> Self {
        Self { column: None, cause, found: found.into() }
    }

    fn at(column: &'static str, cause: &'static str, found: &str) -> Self {
        let mut shown: String = found.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        if shown.len() < found.len() {
            shown.push('…');
        }
        Self { column: Some(column), cause, found: shown }
    }

    pub fn sentence(&self) -> String {
        if self.found.is_empty() { self.cause.to_owned() } else { format!("{}: {}", self.cause, self.found) }
    }
}

/// Which field holds which column.
#[derive(Debug)]
pub struct Header {
    places: Vec<Option<usize>>,
    pub fields: usize,
    /// Columns the table has and Assay does not know.
    pub unknown: Vec<String>,
}

const NO_PRECISION: &str = "is none of f32, f16, bf16, int8 and int4";

/// Columns without which no row can be understood.
const NEEDED: [&str; 5] = ["model", "hardware", "precision", "mode", "latency_ms"];

impl Header {
    /// Fails with a sentence about the header as a whole.
    pub fn read(names: &[String]) -> Result<Self, String> {
        let names: Vec<&str> = names.iter().map(|name| name.trim()).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !name.is_empty() && !seen.insert(**name)) {
            return Err(format!("its header names {twice:?} twice"));
        }
        let places: Vec<Option<usize>> = header().map(|column| names.iter().position(|name| *name == column)).collect();
        let missing: Vec<&str> = NEEDED.into_iter().filter(|column| !names.contains(column)).collect();
        if !missing.is_empty() {
            return Err(format!("its header lacks {}", missing.join(", ")));
        }
        let known: BTreeSet<&str> = header().collect();
        let unknown = names.iter().filter(|name| !known.contains(**name)).map(|name| (*name).to_owned()).collect();
        Ok(Self { places, fields: names.len(), unknown })
    }

    /// What is understood in a way the person should know is added to `notes`.
    pub fn measurement(&self, fields: &[&str], notes: &mut Vec<String>) -> Result<Measurement, Fault> {
        let row = Row { header: self, fields };
        for (at, column) in header().enumerate() {
            let Some(place) = self.places[at] else { continue };
            check_text(column, fields[place])?;
        }
        let (model, hardware) = (row.needed("model")?, row.needed("hardware")?);
        let latency_ms = row.positive("latency_ms")?.ok_or(Fault::at("latency_ms", "is blank", ""))?;
        let runtime = row.text("runtime");
        let (low_ms, high_ms) = (row.positive("low_ms")?, row.positive("high_ms")?);
        if low_ms.zip(high_ms).is_some_and(|(low, high)| low > high) {
            return Err(Fault::at("low_ms", "is above high_ms", row.text("low_ms")));
        }
        let measured_at = row.text("measured_at").trim();
        let precision = row.precision(notes)?;
        let batch = row.count("batch")?;
        if batch.is_none() {
            notes.push("a blank batch is listed as 1, without a throughput".into());
        }
        Ok(Measurement {
            family: row.text("family").to_owned(),
            runtime: runtime.to_owned(),
            platform: row.platform(runtime, hardware)?,
            precision,
            precision_word: row.text("precision").trim().to_owned(),
            mode: row.mode()?,
            batch,
            size: row.count("size")?,
            devices: row.count("devices")?,
            threads: row.count("threads")?,
            software: row.text("software").to_owned(),
            measured_at: measured_at.to_owned(),
            started_at: moment(measured_at)?,
            parameters: row.amount("parameters", notes)?,
            macs: row.amount("macs", notes)?,
            activations: row.amount("activations", notes)?,
            latency_ms,
            peak_memory_bytes: row.memory(notes)?,
            evidence: row.evidence()?,
            source: Some(row.text("source")).filter(|source| !source.trim().is_empty()).map(str::to_owned),
            low_ms,
            high_ms,
            samples: row.count("samples")?,
            dims: row.dims()?,
            size_unit: row.size_unit()?,
            per_sample: row.per_sample()?,
            asked_precision: row
                .read("asked_precision", Precision::from_word, NO_PRECISION)?
                .filter(|asked| *asked != precision),
            device_share: row.device_share()?,
            all_experts: row.all_experts()?,
            model: model.to_owned(),
            hardware: hardware.to_owned(),
        })
    }
}

fn check_text(column: &'static str, text: &str) -> Result<(), Fault> {
    if text.len() > LONGEST_FIELD {
        return Err(Fault::at(column, "is longer than 4,096 bytes", text));
    }
    if text.contains('\0') {
        return Err(Fault::at(column, "holds a NUL byte", text));
    }
    Ok(())
}

struct Row<'a> {
    header: &'a Header,
    fields: &'a [&'a str],
}

impl<'a> Row<'a> {
    /// Empty where the table has no such column.
    fn text(&self, column: &str) -> &'a str {
        let at = header().position(|name| name == column).expect("only columns of the header are asked for");
        self.header.places[at].map_or("", |place| self.fields[place])
    }

    fn needed(&self, column: &'static str) -> Result<&'a str, Fault> {
        let text = self.text(column);
        if text.trim().is_empty() { Err(Fault::at(column, "is blank", "")) } else { Ok(text) }
    }

    /// None where the cell is blank; `cause` says what it is not.
    fn read<T>(
        &self,
        column: &'static str,
        read: impl Fn(&str) -> Option<T>,
        cause: &'static str,
    ) -> Result<Option<T>, Fault> {
        match self.text(column).trim() {
            "" => Ok(None),
            word => read(word).map(Some).ok_or_else(|| Fault::at(column, cause, word)),
        }
    }

    fn number(&self, column: &'static str) -> Result<Option<f64>, Fault> {
        let text = self.text(column).trim();
        if text.is_empty() {
            return Ok(None);
        }
        let number: f64 = text.parse().map_err(|_| Fault::at(column, "is not a number", text))?;
        if number.is_finite() { Ok(Some(number)) } else { Err(Fault::at(column, "is not finite", text)) }
    }

    fn positive(&self, column: &'static str) -> Result<Option<f64>, Fault> {
        match self.number(column)? {
            Some(number) if number < 0.0 => Err(Fault::at(column, "is negative", self.text(column))),
            Some(0.0) => Err(Fault::at(column, "is zero", self.text(column))),
            number => Ok(number),
        }
    }

    fn count(&self, column: &'static str) -> Result<Option<u32>, Fault> {
        match self.number(column)? {
            None => Ok(None),
            Some(number) if number >= 1.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0 => {
                Ok(Some(number as u32))
            }
            Some(_) => Err(Fault::at(column, "is not a whole number of at least 1", self.text(column))),
        }
    }

    /// A number of parameters, operations or elements.
    fn amount(&self, column: &'static str, notes: &mut Vec<String>) -> Result<Option<u64>, Fault> {
        let text = self.text(column).trim();
        if let Ok(whole) = text.parse::<u64>() {
            return Ok(Some(whole));
        }
        match self.number(column)? {
            None => Ok(None),
            Some(number) if (0.0..1.8e19).contains(&number) => {
                let whole = number.round();
                // Tables computed from millions carry rounding dust: 289999999.99999994.
                if (number - whole).abs() > 1e-9 * number {
                    notes.push(format!("{column} was rounded to a whole number"));
                }
                Ok(Some(whole as u64))
            }
            Some(_) => Err(Fault::at(column, "is negative or too large", text)),
        }
    }

    fn memory(&self, notes: &mut Vec<String>) -> Result<Option<u64>, Fault> {
        let column = "peak_memory_mb";
        match self.number(column)? {
            None => Ok(None),
            Some(0.0) => {
                notes.push("a peak memory of 0 is taken as not known".into());
                Ok(None)
            }
            Some(mb) if (0.0..1e12).contains(&mb) => Ok(Some((mb * 1e6).round() as u64)),
            Some(_) => Err(Fault::at(column, "is negative or too large", self.text(column))),
        }
    }

    fn precision(&self, notes: &mut Vec<String>) -> Result<Precision, Fault> {
        let word = self.needed("precision")?.trim();
        let precision = Precision::from_word(word).ok_or_else(|| Fault::at("precision", NO_PRECISION, word))?;
        if precision.key() != word {
            notes.push(format!("precision {word} is listed under {}", precision.key()));
        }
        Ok(precision)
    }

    fn mode(&self) -> Result<Mode, Fault> {
        let word = self.needed("mode")?.trim();
        Mode::from_key(word).ok_or_else(|| Fault::at("mode", "is none of inference, training and generation", word))
    }

    /// Dimensions beyond batch and size, in the order of their names.
    fn dims(&self) -> Result<Option<String>, Fault> {
        let dims = self.read("dims", dims_of_key, "is not NAME=NUMBER, several apart by commas")?;
        Ok(dims.and_then(|dims| dims_key(&dims)))
    }

    fn size_unit(&self) -> Result<Option<SizeUnit>, Fault> {
        let cause = "is neither tokens nor sound/NUMBER nor frames/NUMBER (in a second); else leave it blank";
        self.read("size_unit", SizeUnit::from_key, cause)
    }

    fn per_sample(&self) -> Result<Option<PerSample>, Fault> {
        let cause = "is none of tokens, images, sound-seconds and frames";
        let unit = self.read("throughput_unit", TaskUnit::from_key, cause)?;
        match (unit, self.positive("units_per_sample")?) {
            (None, None) => Ok(None),
            (Some(unit), Some(count)) => Ok(Some(PerSample { unit, count })),
            (Some(_), None) => Err(Fault::at("units_per_sample", "is blank, and throughput_unit is not", "")),
            (None, Some(_)) => Err(Fault::at("throughput_unit", "is blank, and units_per_sample is not", "")),
        }
    }

    /// Where nothing ran on the hardware, the time is none of it.
    fn device_share(&self) -> Result<Option<f64>, Fault> {
        match self.positive("device_share")? {
            Some(share) if share > 1.0 => {
                Err(Fault::at("device_share", "is above 1, which is all of the work", self.text("device_share")))
            }
            share => Ok(share),
        }
    }

    fn all_experts(&self) -> Result<bool, Fault> {
        // Spreadsheets write these words in capitals.
        match self.text("all_experts").trim().to_ascii_lowercase().as_str() {
            "" | "false" => Ok(false),
            "true" => Ok(true),
            word => Err(Fault::at("all_experts", "is neither true nor false", word)),
        }
    }

    fn evidence(&self) -> Result<Option<Evidence>, Fault> {
        self.read("evidence", Evidence::from_key, "is none of measured, imported and predicted")
    }

    fn platform(&self, runtime: &str, hardware: &str) -> Result<Platform, Fault> {
        let cause = "is none of cpu, cuda, rocm, mps, openvino, qualcomm, webnn, webgpu and other";
        let told = self.read("platform", Platform::from_key, cause)?;
        Ok(told.unwrap_or_else(|| words::platform(runtime, hardware)))
    }
}

/// A moment, a date with time (taken as UTC), or a date (its midnight in UTC).
fn moment(text: &str) -> Result<Option<Timestamp>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let civil = || text.parse::<civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let at = text.parse::<Timestamp>().ok().or_else(civil);
    // The years that fit nanoseconds in 64 bits.
    let at = at.filter(|at| i64::try_from(at.as_nanosecond()).is_ok());
    at.map(Some).ok_or_else(|| Fault::at("measured_at", "is not a date like 2026-11-21 or 2026-11-21T05:30:00Z", text))
}
