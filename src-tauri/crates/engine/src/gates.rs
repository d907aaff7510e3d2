//! What keeps a result out of rankings although it was measured: each flag says why.

use contract::{Flag, Peak, PeakKind, Precision, Run, Target};

/// How far above the measured ceiling a rate is still believed: the ceiling itself was measured with some noise.
const MARGIN: f64 = 1.1;
/// Cosine between outputs and those in f32 below which they are no longer the model's: an angle of 26°.
const LEAST_COSINE: f64 = 0.9;

/// The flags of a finished run. `peaks` are the measured ceilings of any devices, `installed_bytes` the memory of the
/// machine.
pub(crate) fn flags(run: &Run, target: &Target, peaks: &[Peak], installed_bytes: u64) -> Vec<Flag> {
    let not_a_speed = target.not_ranked.clone().map(|reason| Flag::NotASpeed { reason });
    let gates = [
        too_fast(run, peaks),
        too_much_memory(run, installed_bytes),
        not_a_speed,
        elsewhere(run),
        other_precision(run),
        far_from_f32(run),
    ];
    gates.into_iter().flatten().collect()
}

/// More multiply-accumulates a second than the device's matrix rate allows; each counts as two operations.
fn too_fast(run: &Run, peaks: &[Peak]) -> Option<Flag> {
    let secs = run.timing.as_ref()?.median_ms / 1e3;
    let precision = run.effective.precision.unwrap_or(run.setting.precision);
    let peak = ceiling(peaks, run, precision)?;
    let rate = 2.0 * run.model.macs? as f64 * f64::from(run.setting.batch) / secs;
    (rate > peak.best * MARGIN).then(|| Flag::Implausible {
        reason: format!(
            "it would mean {:.3} Tops/s in {precision}; the highest measured on {} is {:.3} Tops/s",
            rate / 1e12,
            peak.device_name,
            peak.best / 1e12
        ),
    })
}

/// The precision whose products a quantised graph makes, as peaks are measured in it.
fn arithmetic(precision: Precision) -> Precision {
    if precision == Precision::Int8Static { Precision::Int8 } else { precision }
}

/// The measured matrix rate that bounds the run: at as many threads where that was measured, else the highest there is.
fn ceiling<'a>(peaks: &'a [Peak], run: &Run, precision: Precision) -> Option<&'a Peak> {
    let threads = run.effective.threads.or(run.setting.threads);
    let rates = peaks.iter().filter(|peak| {
        peak.kind == PeakKind::MatrixRate
            && peak.device == run.setting.device
            && peak.precision == Some(arithmetic(precision))
    });
    let same_threads = rates.clone().find(|peak| peak.threads.is_some() && peak.threads == threads);
    same_threads.or_else(|| rates.max_by(|a, b| a.best.total_cmp(&b.best)))
}

fn too_much_memory(run: &Run, installed_bytes: u64) -> Option<Flag> {
    let used = run.memory.peak_bytes? + run.memory.baseline_bytes.unwrap_or(0);
    (used > installed_bytes).then(|| Flag::Implausible {
        reason: format!(
            "it would mean {} MB of memory; {} MB are installed",
            used / 1_000_000,
            installed_bytes / 1_000_000
        ),
    })
}

fn elsewhere(run: &Run) -> Option<Flag> {
    let placement = run.placement.as_ref()?;
    (placement.node_share < 1.0).then(|| {
        let work = placement.mac_share.map(|share| format!(" and {} % of the multiply-accumulates", percent(share)));
        let nodes = percent(placement.node_share);
        Flag::PartlyElsewhere {
            reason: format!("{nodes} % of the nodes{} ran on {}", work.unwrap_or_default(), run.effective.device_name),
        }
    })
}

/// Rounded down, so that what is not whole is never called 100 %.
fn percent(share: f64) -> f64 {
    (share * 1000.0).floor() / 10.0
}

fn other_precision(run: &Run) -> Option<Flag> {
    let (asked, used) = (run.setting.precision, run.effective.precision?);
    (asked != used).then(|| Flag::OtherPrecision {
        reason: format!("{asked} was asked for; it ran in {used} ({})", run.effective.precision_source),
    })
}

/// Outputs that point elsewhere than those in f32: a speed at which a model no longer answers is none.
fn far_from_f32(run: &Run) -> Option<Flag> {
    let error = run.error.as_ref().filter(|error| error.cosine < LEAST_COSINE)?;
    Some(Flag::FarFromF32 {
        reason: format!(
            "the cosine between its outputs and those in f32 is {:.3}; below {LEAST_COSINE} a result is kept and not ranked",
            error.cosine
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Job, Limits, measure::record_of};
    use contract::{Availability, Outcome, Placement, Platform, RunModel, Setting, StopReason, Timing};
    use std::time::Duration;

    /// A run of one multiply-accumulate that took a second, and its target.
    fn run() -> (Run, Target) {
        let target = Target {
            engine: "onnxruntime".into(),
            device: "cpu".into(),
            platform: Platform::Cpu,
            device_name: "a processor".to_owned(),
            availability: Availability::Ready,
            precisions: vec![Precision::F32],
            not_ranked: None,
        };
        let setting = Setting {
            model: "preset:x".into(),
            engine: target.engine.clone(),
            device: target.device.clone(),
            precision: Precision::F32,
            mode: contract::Mode::Inference,
            batch: 1,
            size: None,
            dims: Default::default(),
            threads: Some(2),
            seed: 0,
            budget_secs: 1.0,
        };
        let job = Job {
            run: "run".into(),
            setting,
            target: target.clone(),
            driver: None,
            library: None,
            model: RunModel { macs: Some(1), ..RunModel::default() },
            onnx: "x.onnx".into(),
            files: Vec::new(),
            dims: Default::default(),
            references: Vec::new(),
            reference_onnx: Some("x.onnx".into()),
            f32_left_out: None,
            scores: None,
            writing: None,
            peaks: Vec::new(),
            limits: Limits { memory_bytes: 1 << 30, timeout: Duration::from_secs(1) },
            acquire_ms: None,
            scratch: "scratch".into(),
        };
        let mut run = record_of(&job, Outcome::Done);
        run.timing = Some(Timing {
            median_ms: 1000.0,
            low_ms: 1000.0,
            high_ms: 1000.0,
            min_ms: 1000.0,
            samples: 10,
            percentiles: Vec::new(),
            mild_outliers: 0,
            severe_outliers: 0,
            stop: StopReason::Stable,
            throughput_per_s: 1.0,
            harness_ms: None,
        });
        (run, target)
    }

    fn matrix_rate(best: f64, precision: Precision, threads: Option<u32>) -> Peak {
        Peak {
            device: "cpu".into(),
            device_name: "a processor".to_owned(),
            platform: Platform::Cpu,
            kind: PeakKind::MatrixRate,
            precision: Some(precision),
            threads,
            best,
            median: best,
            low: best,
            high: best,
            samples: 10,
            method: String::new(),
            measured_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn faster_than_the_device_can_multiply_is_implausible() {
        let (mut run, target) = run();
        run.model.macs = Some(600_000_000_000);
        let peaks = [matrix_rate(1e12, Precision::F32, Some(2))];
        let found = flags(&run, &target, &peaks, u64::MAX);
        assert!(matches!(&found[..], [Flag::Implausible { .. }]), "{found:?}");
        run.model.macs = Some(540_000_000_000);
        assert_eq!(flags(&run, &target, &peaks, u64::MAX), [], "within the margin of the peak");
        run.setting.batch = 2;
        assert_eq!(flags(&run, &target, &peaks, u64::MAX).len(), 1, "the batch multiplies the work");
    }

    #[test]
    fn the_ceiling_is_that_of_the_precision_and_threads() {
        let (mut run, target) = run();
        run.model.macs = Some(600_000_000_000);
        let slow_elsewhere = [matrix_rate(1e9, Precision::F16, Some(2)), matrix_rate(2e12, Precision::F32, Some(2))];
        assert_eq!(flags(&run, &target, &slow_elsewhere, u64::MAX), []);
        let by_threads = [matrix_rate(1e12, Precision::F32, Some(2)), matrix_rate(9e12, Precision::F32, Some(64))];
        assert_eq!(flags(&run, &target, &by_threads, u64::MAX).len(), 1);
        run.setting.threads = Some(8);
        assert_eq!(flags(&run, &target, &by_threads, u64::MAX), [], "at other threads the highest rate bounds it");
    }

    #[test]
    fn one_thread_is_held_against_one_thread_in_its_precision() {
        let (mut run, target) = run();
        (run.model.macs, run.setting.threads, run.setting.precision) =
            (Some(600_000_000_000), Some(1), Precision::Int8Static);
        let together = [matrix_rate(9e12, Precision::Int8, Some(64)), matrix_rate(1e9, Precision::F32, Some(1))];
        assert_eq!(flags(&run, &target, &together, u64::MAX), [], "one thread in int8 was not measured");
        let alone = [together.to_vec(), vec![matrix_rate(1e12, Precision::Int8, Some(1))]].concat();
        let found = flags(&run, &target, &alone, u64::MAX);
        assert!(
            matches!(&found[..], [Flag::Implausible { reason }] if reason.contains("is 1.000 Tops/s")),
            "{found:?}"
        );
    }

    #[test]
    fn more_memory_than_installed_is_implausible() {
        let (mut run, target) = run();
        run.memory.baseline_bytes = Some(600);
        run.memory.peak_bytes = Some(500);
        assert_eq!(flags(&run, &target, &[], 1100), []);
        assert!(flags(&run, &target, &[], 1099)[0].withholds());
    }

    #[test]
    fn a_software_adapter_gives_no_speed() {
        let (run, mut target) = run();
        target.not_ranked = Some("llvmpipe runs on the CPU".to_owned());
        assert!(matches!(&flags(&run, &target, &[], u64::MAX)[..], [Flag::NotASpeed { .. }]));
    }

    #[test]
    fn nodes_elsewhere_and_another_precision_are_told_and_still_ranked() {
        let (mut run, target) = run();
        run.effective.precision = Some(Precision::Bf16);
        run.placement =
            Some(Placement { node_share: 0.9999, mac_share: Some(0.5), parts: Vec::new(), source: String::new() });
        let found = flags(&run, &target, &[], u64::MAX);
        assert!(matches!(&found[..], [Flag::PartlyElsewhere { .. }, Flag::OtherPrecision { .. }]), "{found:?}");
        assert!(found[0].reason().starts_with("99.9 % of the nodes and 50 %"), "{}", found[0].reason());
        assert!(found.iter().all(|flag| !flag.withholds()));
    }
}
