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
    /// Pieces of sound, of which so many make a second; above 0.
    Sound { per_second: u32 },
}

impl SizeUnit {
    /// The stable word of the store: `tokens`, `sound/16000`.
    pub fn key(self) -> String {
        match self {
            Self::Tokens => "tokens".into(),
            Self::Sound { per_second } => format!("sound/{per_second}"),
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        match key.strip_prefix("sound/") {
            Some(pieces) => {
                let per_second = pieces.parse::<u32>().ok().filter(|pieces| *pieces > 0)?;
                Some(Self::Sound { per_second })
            }
            None => (key == "tokens").then_some(Self::Tokens),
        }
    }

    /// A size as people count it, and what is counted: `128` and `tokens`, `10` and `s of sound`.
    pub fn counted(self, size: u32) -> (String, &'static str) {
        match self {
            Self::Tokens => (size.to_string(), "tokens"),
            Self::Sound { per_second } => (seconds(size, per_second), "s of sound"),
        }
    }
}

/// To the millisecond, which tells any two lengths that people choose.
fn seconds(pieces: u32, per_second: u32) -> String {
    let exact = f64::from(pieces) / f64::from(per_second);
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
        assert_eq!(one_pass(Some(1001), sound(100), None), "batch 1, 10.01 s of sound");
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
    fn words_of_units_and_dimensions_are_read_back() {
        for unit in [SizeUnit::Tokens, SizeUnit::Sound { per_second: 16_000 }] {
            assert_eq!(SizeUnit::from_key(&unit.key()), Some(unit));
        }
        assert_eq!((SizeUnit::from_key("sound/0"), SizeUnit::from_key("pixels")), (None, None));
        let dims = BTreeMap::from([("text".to_owned(), 16), ("frames".to_owned(), 8)]);
        let key = dims_key(&dims).unwrap();
        assert_eq!((key.as_str(), dims_of_key(&key)), ("frames=8,text=16", Some(dims)));
        assert_eq!(dims_of_key("text = 16, frames=8"), dims_of_key(&key));
        assert_eq!(dims_of_key("padding=0,text=16,frames=8"), dims_of_key(&key));
        assert_eq!((dims_key(&BTreeMap::new()), dims_of_key("frames"), dims_of_key("frames=many")), (None, None, None));
    }
}
