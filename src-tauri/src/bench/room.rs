//! Whether a setting fits here: what it takes of memory and disk, and what there is.

use super::{
    kept::Kept,
    sizes::{Sizes, written},
};
use crate::{disk::free_bytes, weights::Weights};
use contract::*;
use models::{Generation, Model, Texts};
use std::collections::BTreeMap;

/// Memory and disk in bytes: what is taken, or what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Of one worker.
    pub memory_bytes: u64,
    /// Of weights that Assay writes.
    pub disk_bytes: u64,
}

impl Room {
    /// What there is now for a worker that may use so much memory. Nothing on the disk goes to make room for it.
    pub fn here(weights: &Weights, limit_bytes: u64) -> Self {
        let memory_bytes = engine::available_memory_bytes().min(limit_bytes);
        Self { memory_bytes, disk_bytes: free_bytes(weights.root()) }
    }

    /// What a setting takes by itself, whatever it is checked by. Weights that are kept take no more of the disk.
    pub fn of(model: &Model, setting: &Setting, kept: &Kept) -> Result<Self, Failure> {
        let texts = written(model, setting)?;
        let sizes = Sizes::with(model, setting, texts.as_ref(), kept)?;
        Self::at(model, setting, &sizes, texts.as_ref(), kept)
    }

    /// Calibrating int8 static runs the model in f32 at its usual sizes, whose weights are written for that.
    fn at(
        model: &Model,
        setting: &Setting,
        sizes: &Sizes,
        texts: Option<&(Texts, Generation)>,
        kept: &Kept,
    ) -> Result<Self, Failure> {
        let own = Self { memory_bytes: sizes.memory_bytes, disk_bytes: sizes.to_write };
        if !is_calibrated(model, setting.precision) {
            return Ok(own);
        }
        let calibrated = texts.map_or(model, |(_, stages)| &stages.prefill);
        let in_f32 = calibrated.costs(&calibrated.dims_for(1, None, &BTreeMap::new())?)?;
        let f32_bytes = kept.to_write(calibrated, setting, Precision::F32, model.disk_bytes(Precision::F32));
        Ok(Self {
            memory_bytes: own.memory_bytes.max(in_f32.peak_memory_bytes),
            disk_bytes: own.disk_bytes.saturating_add(f32_bytes),
        })
    }

    pub fn fits(self, there: Self) -> bool {
        self.memory_bytes <= there.memory_bytes && self.disk_bytes <= there.disk_bytes
    }

    /// Refuses what is more than there is; `name` is the model's.
    pub fn check(self, name: &str, there: Self) -> Result<(), Failure> {
        let parts = [
            ("memory", name.to_owned(), self.memory_bytes, there.memory_bytes),
            (DISK, format!("the weights of {name}"), self.disk_bytes, there.disk_bytes),
        ];
        match parts.into_iter().find(|(_, _, needed, available)| needed > available) {
            None => Ok(()),
            Some((resource, subject, needed_bytes, available_bytes)) => {
                Err(Failure::TooBig { subject, resource: resource.to_owned(), needed_bytes, available_bytes })
            }
        }
    }
}

/// Whether a precision of a model is calibrated here. An ONNX file holds its ranges.
pub fn is_calibrated(model: &Model, precision: Precision) -> bool {
    precision == Precision::Int8Static && model.class().is_some()
}

/// What a failure calls the space for weights.
pub const DISK: &str = "disk space";

/// What measuring a setting takes.
pub struct Needs {
    pub sizes: Sizes,
    pub own: Room,
    /// What it takes to run the model in f32 as well, which its output is checked by: disk for both together. None in
    /// f32 itself, and where the model cannot be had in f32.
    pub in_f32: Option<Room>,
    /// Bytes of weights that are still to be written: at its precision, and in f32 where that may be read as well.
    pub to_write: BTreeMap<Precision, u64>,
}

impl Needs {
    pub fn of(model: &Model, setting: &Setting, kept: &Kept) -> Result<Self, Failure> {
        Self::with(model, setting, written(model, setting)?.as_ref(), kept)
    }

    /// The same where it is known which texts the setting asks for.
    pub fn with(
        model: &Model,
        setting: &Setting,
        texts: Option<&(Texts, Generation)>,
        kept: &Kept,
    ) -> Result<Self, Failure> {
        let sizes = Sizes::with(model, setting, texts, kept)?;
        let own = Room::at(model, setting, &sizes, texts, kept)?;
        let mut to_write = BTreeMap::from([(setting.precision, sizes.to_write)]);
        if setting.precision == Precision::F32 || !model.info().precisions.contains(&Precision::F32) {
            return Ok(Self { sizes, own, in_f32: None, to_write });
        }
        let exact = Sizes::with(model, &Setting { precision: Precision::F32, ..setting.clone() }, texts, kept)?;
        to_write.insert(Precision::F32, exact.to_write);
        let disk_bytes = match setting.precision {
            // They were written to calibrate it.
            Precision::Int8Static => own.disk_bytes,
            _ => own.disk_bytes.saturating_add(exact.to_write),
        };
        Ok(Self { sizes, own, in_f32: Some(Room { memory_bytes: exact.memory_bytes, disk_bytes }), to_write })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plain_setting;

    /// Most of it are matrices, so that each precision takes less than the one before.
    const WIDE: &str = r#"{"model_type": "bert", "vocab_size": 50, "hidden_size": 256, "num_attention_heads": 4,
        "num_hidden_layers": 2, "intermediate_size": 1024, "max_position_embeddings": 16}"#;

    fn setting(precision: Precision, batch: u32) -> Setting {
        Setting { precision, batch, ..plain_setting() }
    }

    #[test]
    fn what_an_output_is_checked_by_is_counted_beside_it() {
        let model = Model::from_config_text("wide", WIDE).unwrap();
        let kept = Kept::of(&Weights::at("none".into()));
        let needs = |precision| Needs::of(&model, &setting(precision, 1), &kept).unwrap();
        let exact = needs(Precision::F32);
        assert_eq!(exact.in_f32, None);
        for precision in [Precision::F16, Precision::Int8, Precision::Int4] {
            let needs = needs(precision);
            let in_f32 = needs.in_f32.unwrap();
            assert_eq!(in_f32.memory_bytes, exact.own.memory_bytes);
            assert_eq!(in_f32.disk_bytes, needs.own.disk_bytes + exact.own.disk_bytes);
            assert!(needs.own.memory_bytes < exact.own.memory_bytes, "{precision}: {:?}", needs.own);
        }
    }

    #[test]
    fn int8_static_takes_what_calibrating_it_in_f32_takes() {
        let model = Model::from_config_text("wide", WIDE).unwrap();
        let kept = Kept::of(&Weights::at("none".into()));
        let of = |precision, batch| Room::of(&model, &setting(precision, batch), &kept).unwrap();
        let (exact, int8, fixed) = (of(Precision::F32, 1), of(Precision::Int8, 1), of(Precision::Int8Static, 1));
        assert!(int8.memory_bytes < exact.memory_bytes && fixed.memory_bytes >= exact.memory_bytes, "{fixed:?}");
        assert!(fixed.disk_bytes > exact.disk_bytes && int8.disk_bytes < exact.disk_bytes, "{fixed:?}");
        let needs = Needs::of(&model, &setting(Precision::Int8Static, 1), &kept).unwrap();
        assert_eq!(needs.in_f32.unwrap().disk_bytes, fixed.disk_bytes, "its weights in f32 are there by then");
        // It is calibrated one sample at a time, however many are asked for.
        let many = of(Precision::Int8Static, 4096);
        assert!(many.memory_bytes < of(Precision::F32, 4096).memory_bytes, "{many:?}");
    }

    #[test]
    fn what_is_short_is_named_with_both_figures() {
        let there = Room { memory_bytes: 10, disk_bytes: 20 };
        let check = |memory_bytes, disk_bytes| Room { memory_bytes, disk_bytes }.check("gpt2", there);
        assert!(check(10, 20).is_ok() && Room { memory_bytes: 10, disk_bytes: 20 }.fits(there));
        let Err(Failure::TooBig { subject, resource, needed_bytes, available_bytes }) = check(11, 20) else { panic!() };
        assert_eq!((subject.as_str(), resource.as_str(), needed_bytes, available_bytes), ("gpt2", "memory", 11, 10));
        let Err(Failure::TooBig { resource, available_bytes, .. }) = check(10, 21) else { panic!() };
        assert_eq!((resource.as_str(), available_bytes), (DISK, 20));
    }
}
