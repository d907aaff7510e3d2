//! Rotary position embedding: queries and keys are turned by an angle that grows with their position.

use crate::{
    Element, ModelError,
    builder::{GraphBuilder, Var},
    config::Config,
};
use std::f64::consts::PI;

/// Cosines and sines, `[sequence, head width]`, made once for all layers.
pub struct Rotary {
    cos: Var,
    sin: Var,
    width: usize,
}

impl Rotary {
    /// `frequencies` from [`frequencies`]; the angles are computed in f32, since f16 has too few digits for late positions.
    ///
    /// `positions` is a vector, the place of each token.
    pub fn new(b: &mut GraphBuilder, frequencies: &[f64], positions: &Var) -> Self {
        let table = b.table("inv_freq", &[1, frequencies.len()], frequencies);
        let positions = b.cast(positions, Element::F32);
        let positions = b.unsqueeze(&positions, 1);
        let angles = b.mul(&positions, &table);
        let angles = b.concat(&[&angles, &angles], -1);
        let (cos, sin) = (b.unary("Cos", &angles), b.unary("Sin", &angles));
        Self { cos: b.cast_float(&cos), sin: b.cast_float(&sin), width: 2 * frequencies.len() }
    }

    /// Turns `[batch, heads, sequence, head width]`.
    pub fn turn(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let halves = b.split(x, &[self.width / 2, self.width / 2], -1);
        let negative = b.unary("Neg", &halves[1]);
        let quarter_turn = b.concat(&[&negative, &halves[0]], -1);
        let along = b.mul(x, &self.cos);
        let across = b.mul(&quarter_turn, &self.sin);
        b.add(&along, &across)
    }

    /// The angle per position of each pair of a head's numbers, as `rope_parameters` (or the older `rope_theta` with
    /// `rope_scaling`) say.
    pub fn frequencies(config: &Config, head_width: usize, default_theta: f64) -> Result<Vec<f64>, ModelError> {
        let parameters = match config.object("rope_parameters")? {
            Some(parameters) => Some(parameters),
            None => config.object("rope_scaling")?,
        };
        let theta = config.positive("rope_theta", default_theta)?;
        let theta = parameters.as_ref().map_or(Ok(theta), |parameters| parameters.positive("rope_theta", theta))?;
        let plain = (0..head_width / 2).map(|pair| theta.powf(-((2 * pair) as f64) / head_width as f64));
        let Some(parameters) = parameters else { return Ok(plain.collect()) };

        let key = if parameters.has("rope_type") { "rope_type" } else { "type" };
        match parameters.text(key, "default")? {
            "default" => Ok(plain.collect()),
            "linear" => {
                let factor = parameters.positive("factor", 1.0)?;
                Ok(plain.map(|frequency| frequency / factor).collect())
            }
            "llama3" => {
                let stretch = Stretch {
                    factor: parameters.positive("factor", 8.0)?,
                    low: parameters.positive("low_freq_factor", 1.0)?,
                    high: parameters.positive("high_freq_factor", 4.0)?,
                    trained_length: parameters.size("original_max_position_embeddings", 8192)? as f64,
                };
                Ok(plain.map(|frequency| stretch.apply(frequency)).collect())
            }
            _ => Err(parameters.refuse(
                key,
                "this way of stretching rotary positions is not built",
                "Known are default, linear and llama3",
            )),
        }
    }
}

/// Llama 3.1's stretching: slow turns are slowed by `factor`, fast ones kept, those between blended.
struct Stretch {
    factor: f64,
    low: f64,
    high: f64,
    trained_length: f64,
}

impl Stretch {
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
