//! Images painted anew from the vectors of their places, as models do that learn by filling in what is hidden from them.

use crate::{
    Dimension, ModelError,
    blocks::{Convolution, channels_to_places, image_of},
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
};

/// A square image of places, each of which becomes a square of pixels.
pub struct Repaint {
    side: usize,
    /// Pixels along an edge of a place.
    stride: usize,
    channels: usize,
}

impl Repaint {
    /// `count` places.
    pub fn read(config: &Config, count: usize, stride: usize, channels: usize) -> Result<Self, ModelError> {
        const LARGEST_STRIDE: usize = 1 << 10;
        const MOST_CHANNELS: usize = 1 << 10;
        let stride = config.size("encoder_stride", stride)?;
        if stride > LARGEST_STRIDE {
            let reason = format!("this should be at most {LARGEST_STRIDE}");
            return Err(config.refuse("encoder_stride", reason, "Make it the size of a patch"));
        }
        if channels > MOST_CHANNELS {
            let reason = format!("this should be at most {MOST_CHANNELS}");
            return Err(config.refuse("num_channels", reason, "Usual are 3"));
        }
        Ok(Self { side: square(config, count)?, stride, channels })
    }

    /// `[batch, places, width]` to an output with the pixels, by the module `decoder`.
    pub fn draw(&self, b: &mut GraphBuilder, batch: Dimension, hidden: &Var, width: usize) {
        let Self { side, stride, channels } = *self;
        let edges = b.ints(&[side as i64; 2]);
        let image = image_of(b, hidden, width, &edges);
        let wide = Convolution::square(width, stride * stride * channels, 1).apply(&mut b.at("decoder.0"), &image);
        let pixels = channels_to_places(b, &wide, stride);
        let edge = fixed(side * stride);
        b.output("reconstruction", &pixels, &[batch, fixed(channels), edge.clone(), edge]);
    }
}

/// Places along an edge of a square of so many.
pub fn square(config: &Config, count: usize) -> Result<usize, ModelError> {
    let side = count.isqrt();
    if side * side != count {
        let reason = format!("its {count} places are no square");
        return Err(config.refuse("image_size", reason, "Make images as wide as they are high"));
    }
    Ok(side)
}
