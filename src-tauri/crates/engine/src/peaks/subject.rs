//! The device that is measured, and how its samples become a peak.

use crate::statistics;
use contract::{Device, DeviceId, Peak, PeakKind, Platform, Precision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    pub device: DeviceId,
    pub name: String,
    pub platform: Platform,
}

/// The bootstrap's seed: the same samples give the same interval.
const SEED: u64 = 0x000A_55A4;

impl Subject {
    pub fn of(device: &Device) -> Self {
        Self { device: device.id.clone(), name: device.name.clone(), platform: device.platform }
    }

    /// `amount` is what each sample moved (bytes) or computed (operations).
    pub fn rate(&self, kind: PeakKind, amount: f64, seconds: &[f64], how: How) -> Peak {
        let rates: Vec<f64> = seconds.iter().map(|seconds| amount / seconds).collect();
        let best = rates.iter().copied().fold(0.0, f64::max);
        self.peak(kind, best, &rates, how)
    }

    /// Seconds of an empty launch; the shortest is the best.
    pub fn overhead(&self, seconds: &[f64], how: How) -> Peak {
        let best = seconds.iter().copied().fold(f64::INFINITY, f64::min);
        self.peak(PeakKind::LaunchOverhead, best, seconds, how)
    }

    fn peak(&self, kind: PeakKind, best: f64, figures: &[f64], how: How) -> Peak {
        const SAMPLED: &str = "the sampler takes at least three samples";
        let interval = statistics::median_interval(figures, SEED).expect(SAMPLED);
        Peak {
            device: self.device.clone(),
            device_name: self.name.clone(),
            platform: self.platform,
            kind,
            precision: how.precision,
            threads: how.threads,
            best,
            median: statistics::median(figures).expect(SAMPLED),
            low: interval.low,
            high: interval.high,
            samples: u32::try_from(figures.len()).unwrap_or(u32::MAX),
            method: how.method,
            measured_at: Timestamp::now(),
        }
    }
}

/// What belongs to a figure beside its samples.
#[derive(Clone, Debug, Default)]
pub struct How {
    pub precision: Option<Precision>,
    pub threads: Option<u32>,
    pub method: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject { device: "cpu".into(), name: "A processor".into(), platform: Platform::Cpu }
    }

    #[test]
    fn the_shortest_time_is_the_best_rate() {
        let peak = subject().rate(PeakKind::MatrixRate, 100.0, &[0.5, 0.25, 1.0], How::default());
        assert_eq!((peak.best, peak.median, peak.samples), (400.0, 200.0, 3));
        assert!(peak.low <= peak.median && peak.median <= peak.high);
    }

    #[test]
    fn the_shortest_launch_is_the_best() {
        let peak = subject().overhead(&[3e-6, 2e-6, 4e-6], How::default());
        assert_eq!((peak.best, peak.median), (2e-6, 3e-6));
    }
}
