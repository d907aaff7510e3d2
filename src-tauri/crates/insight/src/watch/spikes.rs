//! Single points that leave the level before and after them: marked, and kept from looking like a change.

use super::noise;

/// Neighbours on each side that say what the level is.
const NEIGHBOURS: usize = 3;
/// A point further than this many robust standard deviations from both sides is no part of the level.
const FAR: f64 = 3.0;

/// Logarithms of a series with its spikes pulled back.
pub struct Clean {
    pub values: Vec<f64>,
    /// Index of each spike, with its distance from the level around it.
    pub spikes: Vec<(usize, f64)>,
}

/// Pulls spikes back to the nearer of the levels beside them.
///
/// A point right after a step agrees with those that follow, so it stays. Points at either end have one side only.
pub fn clean(logs: &[f64]) -> Clean {
    let far = FAR * noise::of_differences(logs).max(noise::RESOLUTION);
    let mut values = logs.to_vec();
    let mut spikes = Vec::new();
    for (at, value) in logs.iter().enumerate() {
        let before = level(&logs[at.saturating_sub(NEIGHBOURS)..at]).map(|level| value - level);
        let after = level(&logs[at + 1..logs.len().min(at + 1 + NEIGHBOURS)]).map(|level| value - level);
        let away = match (before, after) {
            // Between two levels it belongs to the step.
            (Some(before), Some(after)) if before.signum() != after.signum() => continue,
            (Some(before), Some(after)) if after.abs() < before.abs() => after,
            (Some(away), _) | (None, Some(away)) => away,
            (None, None) => continue,
        };
        if away.abs() > far {
            values[at] = value - away;
            spikes.push((at, away));
        }
    }
    Clean { values, spikes }
}

/// None where there are fewer than two points, which may both be spikes.
fn level(points: &[f64]) -> Option<f64> {
    (points.len() >= 2).then(|| noise::median(points))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_spike_is_pulled_back() {
        let logs = [0.0, 0.01, 0.0, 0.5, 0.01, 0.0, 0.01, 0.0];
        let clean = clean(&logs);
        assert_eq!(clean.spikes.len(), 1);
        assert_eq!(clean.spikes[0].0, 3);
        assert!(clean.values[3].abs() <= 0.011);
    }

    #[test]
    fn a_step_is_no_spike() {
        let logs = [0.0, 0.01, 0.0, 0.01, 0.5, 0.51, 0.5, 0.51];
        assert_eq!(clean(&logs).spikes, []);
    }

    #[test]
    fn a_last_point_far_away_is_not_believed_yet() {
        assert_eq!(clean(&[0.0, 0.01, 0.0, 0.01, 0.0, 0.3]).spikes[0].0, 5);
    }

    #[test]
    fn a_series_of_one_point_is_left_as_it_is() {
        assert_eq!(clean(&[0.3]).values, [0.3]);
    }
}
