//! How fast each pair of a head's numbers turns, and the ways of stretching that to longer texts.

use crate::{ModelError, config::Config};
use std::f64::consts::PI;

/// The turning of one kind of layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    pub frequencies: Frequencies,
    /// Cosines and sines are multiplied by it.
    pub factor: f64,
    /// Whether neighbouring numbers are a pair, rather than one from each half.
    pub interleaved: bool,
}

/// Angle per position, one for each pair.
#[derive(Clone, Debug, PartialEq)]
pub enum Frequencies {
    Fixed(Vec<f64>),
    /// `short` for texts of up to `limit` tokens, `long` beyond.
    ByLength {
        short: Vec<f64>,
        long: Vec<f64>,
        limit: usize,
    },
}

impl Rotation {
    /// So many numbers of each head, never stretched.
    pub fn plain(width: usize, theta: f64) -> Self {
        let frequencies = (0..width / 2).map(|pair| theta.powf(-((2 * pair) as f64) / width as f64)).collect();
        Self { frequencies: Frequencies::Fixed(frequencies), factor: 1.0, interleaved: false }
    }

    /// As `rope_parameters` say, or the older `rope_theta`, `partial_rotary_factor` and `rope_scaling`.
    pub fn read(config: &Config, head_width: usize) -> Result<Self, ModelError> {
        Self::read_turning(config, head_width, head_width)
    }

    /// The same where so many of a head's numbers are turned unless a share of them is written.
    pub fn read_turning(config: &Config, head_width: usize, turned: usize) -> Result<Self, ModelError> {
        Self::of(config, &Parameters::read(config, turned as f64 / head_width as f64)?, head_width)
    }

    /// Of layers of one kind, where each kind has rotary positions of its own: the object `kind` inside `rope_parameters`.
    /// `older` is the key that held its base before.
    pub fn of_kind(config: &Config, kind: &str, older: &str, head_width: usize) -> Result<Self, ModelError> {
        Self::of(config, &Parameters::of_kind(config, kind, older)?, head_width)
    }

    /// The same of layers that see only near tokens: those are not stretched unless the object of their kind says so.
    pub fn of_near_kind(config: &Config, kind: &str, older: &str, head_width: usize) -> Result<Self, ModelError> {
        let own = config.own_object("rope_parameters")?.is_some_and(|all| all.has(kind));
        let parameters = Parameters::of_kind(config, kind, older)?;
        let scaling = parameters.scaling.filter(|_| own);
        Self::of(config, &Parameters { scaling, ..parameters }, head_width)
    }

    /// What the file itself says of it: `rope_parameters`, or the older `rope_scaling`.
    pub fn written(config: &Config) -> Result<Option<Config>, ModelError> {
        match config.own_object("rope_parameters")? {
            Some(written) => Ok(Some(written)),
            None => config.own_object("rope_scaling"),
        }
    }

    /// The key of the way of stretching in such an object.
    pub fn kind_key(written: &Config) -> &'static str {
        if written.has("rope_type") { "rope_type" } else { "type" }
    }

    fn of(whole: &Config, parameters: &Parameters, head_width: usize) -> Result<Self, ModelError> {
        let width = (head_width as f64 * parameters.share) as usize;
        // An odd share leaves its last pair half used, and turns it all the same.
        let turned = width.next_multiple_of(2);
        if width < 2 || turned > head_width {
            let reason =
                format!("rotary positions need an even number of each head's {head_width} numbers, not {width}");
            let key = if whole.has("head_dim") { "head_dim" } else { "hidden_size" };
            return Err(whole.refuse(key, reason, "Choose an even head width"));
        }
        let theta = parameters.theta;
        let plain = (0..turned / 2).map(|pair| theta.powf(-((2 * pair) as f64) / width as f64));
        let fixed = |frequencies: Vec<f64>, factor: f64| Self {
            frequencies: Frequencies::Fixed(frequencies),
            factor,
            interleaved: false,
        };
        let Some(scaling) = &parameters.scaling else { return Ok(fixed(plain.collect(), 1.0)) };
        let longest = whole.size("max_position_embeddings", 2048)? as f64;
        let key = Self::kind_key(scaling);
        match scaling.text(key, "default")? {
            // Multimodal positions differ in the positions, not in the frequencies.
            "default" | "mrope" => Ok(fixed(plain.collect(), 1.0)),
            // Stretches only what is longer than the longest text that is measured.
            "dynamic" => Ok(fixed(plain.collect(), 1.0)),
            "linear" => {
                let factor = scaling.positive("factor", 1.0)?;
                Ok(fixed(plain.map(|frequency| frequency / factor).collect(), 1.0))
            }
            "llama3" => {
                let stretch = Llama3 {
                    factor: scaling.positive("factor", 8.0)?,
                    low: scaling.positive("low_freq_factor", 1.0)?,
                    high: scaling.positive("high_freq_factor", 4.0)?,
                    trained_length: trained_length(whole, scaling, longest)?,
                };
                Ok(fixed(plain.map(|frequency| stretch.apply(frequency)).collect(), 1.0))
            }
            "yarn" => {
                let trained = trained_length(whole, scaling, longest)?;
                let factor = scaling.positive("factor", longest / trained)?;
                let yarn = Yarn::read(scaling, factor, trained, theta, width)?;
                let frequencies = plain.enumerate().map(|(pair, frequency)| yarn.apply(pair, frequency)).collect();
                Ok(fixed(frequencies, yarn.attention))
            }
            "longrope" | "su" => {
                let trained = trained_length(whole, scaling, longest)?;
                let ratio = scaling.positive("factor", longest / trained)?;
                let usual = if ratio <= 1.0 { 1.0 } else { (1.0 + ratio.ln() / trained.ln()).sqrt() };
                let by = |key: &str| -> Result<Vec<f64>, ModelError> {
                    let factors = scaling.numbers(key, width / 2)?;
                    Ok(plain.clone().zip(factors).map(|(frequency, factor)| frequency / factor).collect())
                };
                Ok(Self {
                    frequencies: Frequencies::ByLength {
                        short: by("short_factor")?,
                        long: by("long_factor")?,
                        limit: trained as usize,
                    },
                    factor: scaling.positive("attention_factor", usual)?,
                    interleaved: false,
                })
            }
            _ => Err(scaling.refuse(
                key,
                "this way of stretching rotary positions is not built",
                "Known are default, linear, dynamic, llama3, yarn and longrope",
            )),
        }
    }

    /// The same with neighbouring numbers as pairs.
    pub fn interleaved(self) -> Self {
        Self { interleaved: true, ..self }
    }

    pub fn pairs(&self) -> usize {
        match &self.frequencies {
            Frequencies::Fixed(frequencies) => frequencies.len(),
            Frequencies::ByLength { short, .. } => short.len(),
        }
    }
}

/// What a configuration says, wherever it says it.
struct Parameters {
    theta: f64,
    /// Share of a head's numbers that are turned.
    share: f64,
    scaling: Option<Config>,
}

impl Parameters {
    fn read(config: &Config, share: f64) -> Result<Self, ModelError> {
        let usual = config.default_object("rope_parameters")?;
        Self::merge(config, Rotation::written(config)?, usual, "rope_theta", share)
    }

    fn of_kind(config: &Config, kind: &str, older: &str) -> Result<Self, ModelError> {
        let own = match config.own_object("rope_parameters")? {
            Some(all) if all.has(kind) => all.object(kind)?,
            // One object for all kinds.
            Some(all) => Some(all),
            // The older way stretched the layers that see everything.
            None if older == "rope_theta" => config.own_object("rope_scaling")?,
            None => None,
        };
        let usual = match config.default_object("rope_parameters")? {
            Some(all) => all.object(kind)?,
            None => None,
        };
        Self::merge(config, own, usual, older, 1.0)
    }

    fn merge(
        config: &Config,
        own: Option<Config>,
        usual: Option<Config>,
        older: &str,
        share: f64,
    ) -> Result<Self, ModelError> {
        let number = |key: &str, older: &str, otherwise: f64| -> Result<f64, ModelError> {
            let usual = usual.as_ref().map_or(Ok(otherwise), |usual| usual.positive(key, otherwise))?;
            let older = config.positive(older, usual)?;
            own.as_ref().map_or(Ok(older), |own| own.positive(key, older))
        };
        // GPT-NeoX called both otherwise.
        let older = if config.own("rotary_emb_base") { "rotary_emb_base" } else { older };
        let older_share = if config.own("rotary_pct") { "rotary_pct" } else { "partial_rotary_factor" };
        let theta = number("rope_theta", older, 10_000.0)?;
        let share = number("partial_rotary_factor", older_share, share)?;
        Ok(Self { theta, share, scaling: own.or(usual) })
    }
}

/// Tokens of the texts the model was trained with before it was stretched.
fn trained_length(whole: &Config, scaling: &Config, longest: f64) -> Result<f64, ModelError> {
    const KEY: &str = "original_max_position_embeddings";
    let inner = scaling.size(KEY, longest as usize)?;
    Ok(whole.size(KEY, inner)? as f64)
}

/// Llama 3.1's stretching: slow turns are slowed by `factor`, fast ones kept, those between blended.
struct Llama3 {
    factor: f64,
    low: f64,
    high: f64,
    trained_length: f64,
}

impl Llama3 {
    fn apply(&self, frequency: f64) -> f64 {
        let wavelength = 2.0 * PI / frequency;
        if wavelength < self.trained_length / self.high {
            frequency
        } else if wavelength > self.trained_length / self.low {
            frequency / self.factor
        } else {
            let share = (self.trained_length / wavelength - self.low) / (self.high - self.low);
            (1.0 - share) * frequency / self.factor + share * frequency
        }
    }
}

/// YaRN (Peng et al. 2023, arXiv 2309.00071): pairs that turn often over a trained text are kept, those that turn seldom
/// are slowed by `factor`, with a ramp between.
struct Yarn {
    factor: f64,
    /// Pairs between which the ramp goes.
    low: f64,
    high: f64,
    attention: f64,
}

impl Yarn {
    fn read(scaling: &Config, factor: f64, trained: f64, theta: f64, width: usize) -> Result<Self, ModelError> {
        let pair_of = |turns: f64| width as f64 * (trained / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln());
        let (mut low, mut high) =
            (pair_of(scaling.positive("beta_fast", 32.0)?), pair_of(scaling.positive("beta_slow", 1.0)?));
        if scaling.flag("truncate", true)? {
            (low, high) = (low.floor(), high.ceil());
        }
        let (low, high) = (low.max(0.0), high.min(width as f64 - 1.0));
        let high = if low == high { high + 0.001 } else { high };
        let strength = |scale: f64| if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 };
        let usual = if scaling.has("mscale") && scaling.has("mscale_all_dim") {
            strength(scaling.positive("mscale", 1.0)?) / strength(scaling.positive("mscale_all_dim", 1.0)?)
        } else {
            strength(1.0)
        };
        Ok(Self { factor, low, high, attention: scaling.positive("attention_factor", usual)? })
    }

    fn apply(&self, pair: usize, frequency: f64) -> f64 {
        let slowed = ((pair as f64 - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        frequency / self.factor * slowed + frequency * (1.0 - slowed)
    }
}
