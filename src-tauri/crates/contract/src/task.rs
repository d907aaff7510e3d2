//! Throughput in the words of a task: tokens, images, seconds of sound or frames of video in place of samples.

use crate::{Metric, figures::significant, names::words};
use serde::{Deserialize, Serialize};

words!(
    /// What throughput is counted in.
    TaskUnit {
        /// Of text that is read.
        Tokens = "tokens", "tokens";
        Images = "images", "images";
        SoundSeconds = "sound-seconds", "seconds of sound";
        Frames = "frames", "frames of video";
    }
);

impl TaskUnit {
    /// The unit of a throughput.
    ///
    /// That of sound is the real-time factor: seconds of sound for each second of processing, all sounds of a batch
    /// taken together. At "33 × real time" an hour of sound takes 109 seconds; below 1 a live recording cannot be
    /// followed. It is told of one pass. Some papers give the inverse under the same name.
    pub fn rate(self) -> &'static str {
        match self {
            Self::Tokens => "tokens/s",
            Self::Images => "images/s",
            Self::SoundSeconds => "× real time",
            Self::Frames => "frames/s",
        }
    }

    fn one(self) -> &'static str {
        match self {
            Self::Tokens => "token",
            Self::Images => "image",
            Self::SoundSeconds => "second of sound",
            Self::Frames => "frame of video",
        }
    }
}

/// What one sample is: 128 tokens, one image, 30 seconds of sound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerSample {
    pub unit: TaskUnit,
    /// Above 0.
    pub count: f64,
}

impl PerSample {
    /// With every digit, since it is counted: `1024 tokens`, `1 image`, `10.24 seconds of sound`.
    pub fn told(self) -> String {
        let unit = if self.count == 1.0 { self.unit.one() } else { self.unit.label() };
        format!("{} {unit}", self.count)
    }
}

/// A throughput in the unit of its task; in samples where it is not known what a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    pub value: f64,
    pub unit: &'static str,
}

impl Rate {
    pub fn of(samples_per_s: f64, per_sample: Option<PerSample>) -> Self {
        let unit = Metric::Throughput.unit_in(per_sample.map(|per_sample| per_sample.unit));
        Self { value: samples_per_s * per_sample.map_or(1.0, |per_sample| per_sample.count), unit }
    }

    /// `15 300 tokens/s`, `33.0 × real time`.
    pub fn text(self) -> String {
        format!("{} {}", significant(self.value), self.unit)
    }
}

/// The unit that all of these have; none where they differ, where one has none, and where there are none.
pub fn common_unit(all: impl IntoIterator<Item = Option<PerSample>>) -> Option<TaskUnit> {
    let units = all.into_iter().map(|per_sample| per_sample.map(|per_sample| per_sample.unit));
    units.reduce(|one, other| one.filter(|_| one == other)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_sample(unit: TaskUnit, count: f64) -> Option<PerSample> {
        Some(PerSample { unit, count })
    }

    #[test]
    fn a_throughput_is_told_in_the_unit_of_its_task() {
        let cases = [
            (per_sample(TaskUnit::Tokens, 128.0), "320 tokens/s"),
            (per_sample(TaskUnit::Images, 1.0), "2.50 images/s"),
            (per_sample(TaskUnit::SoundSeconds, 30.0), "75 × real time"),
            (per_sample(TaskUnit::Frames, 16.0), "40 frames/s"),
            (None, "2.50 samples/s"),
        ];
        for (per_sample, told) in cases {
            assert_eq!(Rate::of(2.5, per_sample).text(), told);
        }
    }

    #[test]
    fn the_real_time_factor_is_seconds_of_sound_a_second() {
        // Four recordings of ten seconds in half a second.
        let rate = Rate::of(4.0 / 0.5, per_sample(TaskUnit::SoundSeconds, 10.0));
        assert_eq!((rate.value, rate.unit), (80.0, "× real time"));
    }

    #[test]
    fn a_sample_is_told_with_every_digit() {
        let told = |unit, count| PerSample { unit, count }.told();
        assert_eq!(told(TaskUnit::Tokens, 1024.0), "1024 tokens");
        assert_eq!(told(TaskUnit::Images, 1.0), "1 image");
        assert_eq!(told(TaskUnit::SoundSeconds, 10.24), "10.24 seconds of sound");
    }

    #[test]
    fn a_unit_holds_for_all_or_for_none() {
        let [text, long, image] = [(TaskUnit::Tokens, 128.0), (TaskUnit::Tokens, 512.0), (TaskUnit::Images, 1.0)]
            .map(|(unit, count)| per_sample(unit, count));
        assert_eq!(common_unit([text, long]), Some(TaskUnit::Tokens));
        for other in [image, None] {
            assert_eq!(common_unit([text, other, text]), None);
            assert_eq!(common_unit([other, text, text]), common_unit([text, other]));
        }
        assert_eq!(common_unit([]), None);
    }
}
