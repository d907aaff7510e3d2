//! Of several measurements of the same ceiling, the one that went furthest.

use contract::{Peak, PeakKind};

/// One peak for each device, kind, precision and number of threads, in the order first measured.
pub fn best_of(measured: Vec<Peak>) -> Vec<Peak> {
    let mut best: Vec<Peak> = Vec::new();
    for peak in measured {
        match best.iter_mut().find(|known| same_ceiling(known, &peak)) {
            Some(known) if further(&peak, known) => *known = peak,
            Some(_) => {}
            None => best.push(peak),
        }
    }
    best
}

fn same_ceiling(a: &Peak, b: &Peak) -> bool {
    (&a.device, a.kind, a.precision, a.threads) == (&b.device, b.kind, b.precision, b.threads)
}

fn further(new: &Peak, known: &Peak) -> bool {
    match new.kind {
        PeakKind::MemoryBandwidth | PeakKind::MatrixRate => new.best > known.best,
        PeakKind::LaunchOverhead => new.best < known.best,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Platform, Precision};
    use jiff::Timestamp;

    fn peak(kind: PeakKind, threads: u32, best: f64, method: &str) -> Peak {
        Peak {
            device: "cpu".into(),
            device_name: "A processor".into(),
            platform: Platform::Cpu,
            kind,
            precision: (kind == PeakKind::MatrixRate).then_some(Precision::F32),
            threads: Some(threads),
            best,
            median: best,
            low: best,
            high: best,
            samples: 3,
            method: method.into(),
            measured_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_fastest_kernel_counts_for_each_number_of_threads() {
        let best = best_of(vec![
            peak(PeakKind::MatrixRate, 2, 100.0, "gemm"),
            peak(PeakKind::MatrixRate, 1, 60.0, "gemm"),
            peak(PeakKind::MatrixRate, 2, 150.0, "OpenVINO"),
            peak(PeakKind::MatrixRate, 2, 120.0, "ONNX Runtime"),
        ]);
        let told: Vec<_> = best.iter().map(|peak| (peak.threads, peak.best, peak.method.as_str())).collect();
        assert_eq!(told, [(Some(2), 150.0, "OpenVINO"), (Some(1), 60.0, "gemm")]);
    }

    #[test]
    fn the_shortest_launch_counts() {
        let best =
            best_of(vec![peak(PeakKind::LaunchOverhead, 2, 5e-6, "a"), peak(PeakKind::LaunchOverhead, 2, 3e-6, "b")]);
        assert_eq!(best.iter().map(|peak| peak.best).collect::<Vec<_>>(), [3e-6]);
    }
}
