//! What goes into one call: batch, size and further dimensions, with the few words they are told in.

use crate::{Mode, OUTPUT, Setting};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Display};

/// The further dimension that says how much of the texts is padding, in percent. Where there is none, it is left out.
pub const PADDING: &str = "padding";
/// The largest such share: more would leave little of any text.
pub const MOST_PADDING: u32 = 90;

/// What a size counts, where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeUnit {
    /// Of text.
    Tokens,
    /// Samples of sound, of which so many make a second; above 0.
    Sound { per_second: u32 },
    /// Frames of a spectrogram at the ends of steps through the sound, so many steps a second; above 0.
    Frames { per_second: u32 },
}

impl SizeUnit {
    /// The stable word of the store: `tokens`, `sound/16000`, `frames/100`.
    pub fn key(self) -> String {
        match self {
            Self::Tokens => "tokens".into(),
            Self::Sound { per_second } => format!("sound/{per_second}"),
            Self::Frames { per_second } => format!("frames/{per_second}"),
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        if key == "tokens" {
            return Some(Self::Tokens);
        }
        let (pieces, per_second) = key.split_once('/')?;
        let per_second = per_second.parse::<u32>().ok().filter(|per_second| *per_second > 0)?;
        match pieces {
            "sound" => Some(Self::Sound { per_second }),
            "frames" => Some(Self::Frames { per_second }),
            _ => None,
        }
    }

    /// Seconds of the sound that has so many of it; none where no sound is counted.
    ///
    /// n samples last n / rate. Frames that are centred on the ends of steps, as those of librosa and torch (`center`),
    /// stand at the sound's beginning and after each step, so that there is one more of them than steps, and n frames
    /// last (n − 1) · hop / rate: CLAP's 1001 are 10 s.
    pub fn secs(self, size: u32) -> Option<f64> {
        match self {
            Self::Tokens => None,
            Self::Sound { per_second } => Some(f64::from(size) / f64::from(per_second)),
            Self::Frames { per_second } => Some(f64::from(size.saturating_sub(1)) / f64::from(per_second)),
        }
    }

    /// So many of it as a sound of these seconds has, to the nearest step; none where no sound is counted, and where no
    /// size is as large.
    pub fn of_secs(self, secs: f64) -> Option<u32> {
        let (per_second, more) = match self {
            Self::Tokens => return None,
            Self::Sound { per_second } => (per_second, 0.0),
            Self::Frames { per_second } => (per_second, 1.0),
        };
        let steps = (secs * f64::from(per_second)).round();
        // Nothing to hear has no frame.
        let size = if steps > 0.0 { steps + more } else { steps };
        (0.0..=f64::from(u32::MAX)).contains(&size).then_some(size as u32)
    }

    /// A size as people count it, and what is counted: `128` and `tokens`, `10` and `s of sound`.
    pub fn counted(self, size: u32) -> (String, &'static str) {
        match self.secs(size) {
            None => (size.to_string(), "tokens"),
            Some(secs) => (seconds(secs), "s of sound"),
        }
    }
}

/// To the millisecond, which tells any two lengths that people choose.
fn seconds(exact: f64) -> String {
    let round = (exact * 1e3).round() / 1e3;
    if round > 0.0 { round.to_string() } else { exact.to_string() }
}

/// `128 tokens`, `10 s of sound`; `size 224` where it is not known what is counted.
pub fn size_text(size: u32, unit: Option<SizeUnit>) -> String {
    match unit.map(|unit| unit.counted(size)) {
        Some((count, what)) => format!("{count} {what}"),
        None => format!("size {size}"),
    }
}

/// A further dimension in words: `frames 8`, `25 % padding`.
pub fn dim_text(name: &str, value: impl Display) -> String {
    if name == PADDING { format!("{value} % padding") } else { format!("{name} {value}") }
}

/// Further dimensions as one word, the same for the same ones: `frames=8,text=16`; none where there are none.
pub fn dims_key(dims: &BTreeMap<String, u32>) -> Option<String> {
    let each = dims.iter().map(|(name, value)| format!("{}={value}", name.replace(',', " ")));
    (!dims.is_empty()).then(|| each.collect::<Vec<_>>().join(","))
}

/// The dimensions that such a word tells; none where it is of another form. A padding of 0 is none.
pub fn dims_of_key(key: &str) -> Option<BTreeMap<String, u32>> {
    let read = |part: &str| {
        let (name, value) = part.rsplit_once('=')?;
        Some((name.trim().to_owned(), value.trim().parse::<u32>().ok()?))
    };
    let mut dims: BTreeMap<String, u32> = key.split(',').map(read).collect::<Option<_>>()?;
    dims.retain(|name, value| name != PADDING || *value > 0);
    Some(dims)
}

/// The work of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Fed {
    pub mode: Mode,
    pub batch: u32,
    pub size: Option<u32>,
    pub unit: Option<SizeUnit>,
    /// As [`dims_key`] writes them.
    pub dims: Option<String>,
}

impl Fed {
    /// What a setting asks for; `unit` is that of its model's size.
    pub fn of(setting: &Setting, unit: Option<SizeUnit>) -> Self {
        let Setting { mode, batch, size, .. } = *setting;
        Self { mode, batch, size, unit, dims: dims_key(&setting.dims) }
    }

    /// Whether times of the two can be compared. Of which unit it is known to be changes nothing.
    pub fn is_same_work(&self, other: &Self) -> bool {
        (self.mode, self.batch, self.size, &self.dims) == (other.mode, other.batch, other.size, &other.dims)
    }

    /// `batch 8`, `128 tokens`, `frames 8`; of generated text `batch 1`, `prompt 128`, `32 tokens generated`.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![format!("batch {}", self.batch)];
        words.extend(self.size.map(|size| match self.mode {
            Mode::Generation => format!("prompt {size}"),
            Mode::Inference | Mode::Training => size_text(size, self.unit),
        }));
        if self.mode == Mode::Generation {
            let told = |tokens: u32| format!("{tokens} tokens generated");
            words.push(self.output_tokens().map_or_else(|| "generation".to_owned(), told));
        }
        words.extend(self.further());
        words
    }

    /// Tokens to generate, where that is told.
    pub fn output_tokens(&self) -> Option<u32> {
        let mut parts = self.parts().filter(|_| self.mode == Mode::Generation);
        parts.find(|(name, _)| *name == OUTPUT)?.1.parse().ok()
    }

    /// Dimensions beyond batch and size, without the tokens that were generated: `frames 8`, `25 % padding`.
    pub fn further(&self) -> Vec<String> {
        let is_written = |name: &str| name == OUTPUT && self.mode == Mode::Generation;
        let further = self.parts().filter(|(name, _)| !is_written(name));
        further.map(|(name, value)| dim_text(name, value)).collect()
    }

    /// Each further dimension with its value.
    fn parts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.dims.iter().flat_map(|dims| dims.split(',')).filter_map(|part| part.rsplit_once('='))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(mode: Mode, size: Option<u32>, unit: Option<SizeUnit>, dims: Option<&str>) -> Fed {
        Fed { mode, batch: 1, size, unit, dims: dims.map(str::to_owned) }
    }

    fn told(mode: Mode, size: Option<u32>, unit: Option<SizeUnit>, dims: Option<&str>) -> String {
        fed(mode, size, unit, dims).words().join(", ")
    }

    #[test]
    fn work_is_told_in_what_people_count() {
        let sound = |per_second| Some(SizeUnit::Sound { per_second });
        let one_pass = |size, unit, dims| told(Mode::Inference, size, unit, dims);
        assert_eq!(one_pass(None, None, None), "batch 1");
        assert_eq!(one_pass(Some(224), None, None), "batch 1, size 224");
        assert_eq!(one_pass(Some(128), Some(SizeUnit::Tokens), Some("text=16")), "batch 1, 128 tokens, text 16");
        assert_eq!(one_pass(Some(128), None, Some("padding=25,text=16")), "batch 1, size 128, 25 % padding, text 16");
        assert_eq!(one_pass(Some(160_000), sound(16_000), None), "batch 1, 10 s of sound");
        let frames = Some(SizeUnit::Frames { per_second: 100 });
        assert_eq!(one_pass(Some(1001), frames, None), "batch 1, 10 s of sound");
        assert_eq!(one_pass(Some(1), sound(16_000), None), "batch 1, 0.0000625 s of sound");
        let written = |dims| told(Mode::Generation, Some(16), Some(SizeUnit::Tokens), dims);
        assert_eq!(written(Some("output=32")), "batch 1, prompt 16, 32 tokens generated");
        assert_eq!(written(None), "batch 1, prompt 16, generation");
    }

    #[test]
    fn a_unit_that_was_not_known_makes_no_other_work_and_dimensions_do() {
        let of = |size, unit, dims| fed(Mode::Inference, Some(size), unit, dims);
        let known = of(128, Some(SizeUnit::Tokens), None);
        assert!(known.is_same_work(&of(128, None, None)));
        assert!(!known.is_same_work(&of(64, Some(SizeUnit::Tokens), None)));
        assert!(!known.is_same_work(&of(128, Some(SizeUnit::Tokens), Some("text=16"))));
    }

    #[test]
    fn seconds_and_the_pieces_of_a_sound_lead_to_each_other() {
        let (samples, frames) = (SizeUnit::Sound { per_second: 16_000 }, SizeUnit::Frames { per_second: 100 });
        let cases = [(samples, 160_000, 10.0), (samples, 0, 0.0), (frames, 1001, 10.0), (frames, 2, 0.01)];
        for (unit, size, secs) in cases {
            assert_eq!((unit.secs(size), unit.of_secs(secs)), (Some(secs), Some(size)), "{}", unit.key());
        }
        assert_eq!((frames.secs(1), frames.of_secs(0.0)), (Some(0.0), Some(0)), "a lone frame is no length of sound");
        assert_eq!((frames.of_secs(-1.0), samples.of_secs(1e9), samples.of_secs(f64::NAN)), (None, None, None));
        assert_eq!((SizeUnit::Tokens.secs(128), SizeUnit::Tokens.of_secs(1.0)), (None, None));
    }

    #[test]
    fn words_of_units_and_dimensions_are_read_back() {
        for unit in [SizeUnit::Tokens, SizeUnit::Sound { per_second: 16_000 }, SizeUnit::Frames { per_second: 100 }] {
            assert_eq!(SizeUnit::from_key(&unit.key()), Some(unit));
        }
        for word in ["sound/0", "frames/0", "frames", "pixels/2"] {
            assert_eq!(SizeUnit::from_key(word), None, "{word}");
        }
        let dims = BTreeMap::from([("text".to_owned(), 16), ("frames".to_owned(), 8)]);
        let key = dims_key(&dims).unwrap();
        assert_eq!((key.as_str(), dims_of_key(&key)), ("frames=8,text=16", Some(dims)));
        assert_eq!(dims_of_key("text = 16, frames=8"), dims_of_key(&key));
        assert_eq!(dims_of_key("padding=0,text=16,frames=8"), dims_of_key(&key));
        assert_eq!((dims_key(&BTreeMap::new()), dims_of_key("frames"), dims_of_key("frames=many")), (None, None, None));
    }
}
