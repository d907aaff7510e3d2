//! Attention inside windows of an image, every second time shifted by half a window (Swin).

use super::{Activation, Attention, Heads, feed_forward, for_each_sample, layer_norm, linear};
use crate::{
    builder::{GraphBuilder, Var},
    weights::Fill,
};

/// A grid of places that is cut into square windows; where it does not fit, zeros are put below and to the right.
#[derive(Clone, Copy, Debug)]
struct Windows {
    grid: [usize; 2],
    window: usize,
    shift: usize,
}

impl Windows {
    fn padded(&self) -> [usize; 2] {
        self.grid.map(|size| size.next_multiple_of(self.window))
    }

    /// `[batch, height · width, channels]` to `[batch · windows, window², channels]`.
    fn cut(&self, b: &mut GraphBuilder, x: &Var, channels: usize) -> Var {
        let ([height, width], [high, wide]) = (self.grid, self.padded());
        let mut x = b.reshape(x, &[0, height as i64, width as i64, channels as i64]);
        if [high, wide] != self.grid {
            x = b.pad(&x, &[0, 0, 0, 0, 0, (high - height) as i64, (wide - width) as i64, 0]);
        }
        x = roll(b, &x, self.padded(), [self.shift; 2]);
        let window = self.window as i64;
        let (rows, columns) = ((high / self.window) as i64, (wide / self.window) as i64);
        let x = b.reshape(&x, &[0, rows, window, columns, window, channels as i64]);
        let x = b.transpose(&x, &[0, 1, 3, 2, 4, 5]);
        b.reshape(&x, &[-1, window * window, channels as i64])
    }

    /// The other way round.
    fn join(&self, b: &mut GraphBuilder, x: &Var, channels: usize) -> Var {
        let ([height, width], [high, wide], window) = (self.grid, self.padded(), self.window as i64);
        let (rows, columns) = ((high / self.window) as i64, (wide / self.window) as i64);
        let x = b.reshape(x, &[-1, rows, columns, window, window, channels as i64]);
        let x = b.transpose(&x, &[0, 1, 3, 2, 4, 5]);
        let x = b.reshape(&x, &[0, high as i64, wide as i64, channels as i64]);
        // Rolling on by what is left of a turn rolls back.
        let back = if self.shift == 0 { [0, 0] } else { [high - self.shift, wide - self.shift] };
        let mut x = roll(b, &x, [high, wide], back);
        if [high, wide] != self.grid {
            x = b.slice(&x, [0, height as i64], 1);
            x = b.slice(&x, [0, width as i64], 2);
        }
        b.reshape(&x, &[0, -1, channels as i64])
    }

    /// What keeps places apart that a shift brought into one window: `[windows, 1, window², window²]`.
    fn mask(&self, b: &mut GraphBuilder) -> Option<Var> {
        if self.shift == 0 {
            return None;
        }
        let ([high, wide], window) = (self.padded(), self.window);
        let region =
            |place: usize, size: usize| usize::from(place >= size - window) + usize::from(place >= size - self.shift);
        let mut values = Vec::with_capacity(high * wide * window * window);
        for (row, column) in grid([high / window, wide / window]) {
            let regions: Vec<usize> = grid([window, window])
                .map(|(y, x)| 3 * region(row * window + y, high) + region(column * window + x, wide))
                .collect();
            for one in &regions {
                values.extend(regions.iter().map(|other| if one == other { 0.0 } else { -100.0 }));
            }
        }
        let area = window * window;
        let mask = b.table("attention_mask", &[high * wide / area, 1, area, area], &values);
        Some(b.cast_float(&mask))
    }
}

fn grid([rows, columns]: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}

/// Moves rows up and columns to the left; what leaves comes in at the other side.
fn roll(b: &mut GraphBuilder, x: &Var, sizes: [usize; 2], by: [usize; 2]) -> Var {
    let mut x = x.clone();
    for axis in 0..2 {
        if by[axis] > 0 {
            let parts = b.split(&x, &[by[axis], sizes[axis] - by[axis]], axis as i64 + 1);
            x = b.concat(&[&parts[1], &parts[0]], axis as i64 + 1);
        }
    }
    x
}

/// Which bias belongs to each pair of places in a window, by how far they lie apart: `[window², window²]`.
fn relative_index(b: &mut GraphBuilder, window: usize) -> Var {
    let span = 2 * window - 1;
    let places: Vec<(usize, usize)> = grid([window, window]).collect();
    let row = |from: &(usize, usize), to: &(usize, usize)| {
        let (down, right) = (from.0 + window - 1 - to.0, from.1 + window - 1 - to.1);
        (down * span + right) as i64
    };
    let rows: Vec<i64> = places.iter().flat_map(|from| places.iter().map(move |to| row(from, to))).collect();
    let area = window * window;
    b.index_table("relative_position_index", &[area, area], &rows)
}

/// The biases of the module's `relative_position_bias_table`: `[1, heads, window², window²]`.
fn relative_bias(b: &mut GraphBuilder, index: &Var, [window, heads]: [usize; 2]) -> Var {
    let span = 2 * window - 1;
    let table = b.weight("relative_position_bias_table", &[span * span, heads], Fill::Matrix);
    let bias = b.gather(&table, index, 0);
    let bias = b.transpose(&bias, &[2, 0, 1]);
    b.unsqueeze(&bias, 0)
}

/// A pyramid of stages: `layers.N.blocks.M`, and between stages four neighbours become one of twice the width.
pub struct WindowStages<'a> {
    /// Width of the first stage.
    pub width: usize,
    pub depths: &'a [usize],
    pub heads: &'a [usize],
    pub window: usize,
    pub ratio: f64,
    pub bias: bool,
    pub activation: Activation,
    pub epsilon: f64,
}

/// The epsilon of torch's LayerNorm, which the merging of neighbours leaves as it is.
const MERGING_EPSILON: f64 = 1e-5;

impl WindowStages<'_> {
    /// `[batch, height · width, width]` to the last stage's places, with their grid and width.
    pub fn apply(&self, b: &mut GraphBuilder, x: &Var, grid: [usize; 2]) -> (Var, [usize; 2], usize) {
        let (mut x, mut grid, mut width) = (x.clone(), grid, self.width);
        let index = relative_index(b, self.window);
        for (stage, depth) in self.depths.iter().enumerate() {
            let mut b = b.at(format_args!("layers.{stage}"));
            // A window that covers the whole grid has nothing to shift.
            let shift = if grid[0].min(grid[1]) > self.window { self.window / 2 } else { 0 };
            let straight = Windows { grid, window: self.window, shift: 0 };
            let shifted = Windows { shift, ..straight };
            let mask = if *depth > 1 { shifted.mask(&mut b) } else { None };
            let heads = Heads::even(width, self.heads[stage]);
            for block in 0..*depth {
                let (windows, mask) = if block % 2 == 0 { (straight, None) } else { (shifted, mask.as_ref()) };
                x = self.layer(&mut b.at(format_args!("blocks.{block}")), &x, heads, windows, &index, mask);
            }
            if stage + 1 < self.depths.len() {
                x = merge(&mut b.at("downsample"), &x, grid, width);
                grid = grid.map(|size| size.div_ceil(2));
                width *= 2;
            }
        }
        (x, grid, width)
    }

    fn layer(
        &self,
        b: &mut GraphBuilder,
        x: &Var,
        heads: Heads,
        windows: Windows,
        index: &Var,
        mask: Option<&Var>,
    ) -> Var {
        let width = heads.width;
        let normal = layer_norm(&mut b.at("layernorm_before"), x, width, self.epsilon);
        let cut = windows.cut(b, &normal, width);
        let mut attention = b.at("attention");
        let bias = relative_bias(&mut attention.at("self"), index, [self.window, heads.count]);
        let mask = match mask {
            None => bias,
            Some(mask) => {
                let both = attention.add(&bias, mask);
                let both = attention.unsqueeze(&both, 0);
                let spread = for_each_sample(&mut attention, &both, 5, x);
                let area = (self.window * self.window) as i64;
                attention.reshape(&spread, &[-1, heads.count as i64, area, area])
            }
        };
        let itself = Attention {
            mask: Some(&mask),
            bias: [self.bias, self.bias, self.bias, true],
            ..Attention::new(heads, ["self.query", "self.key", "self.value", "output.dense"])
        };
        let attended = itself.apply(&mut attention, &cut);
        let joined = windows.join(b, &attended, width);
        let x = b.add(&joined, x);
        let normal = layer_norm(&mut b.at("layernorm_after"), &x, width, self.epsilon);
        let inner = (width as f64 * self.ratio) as usize;
        let network = ["intermediate.dense", "output.dense"];
        let thought = feed_forward(b, &normal, network, [width, inner], self.activation, true);
        b.add(&x, &thought)
    }
}

/// Each two by two neighbours side by side, normalised and halved in width.
fn merge(b: &mut GraphBuilder, x: &Var, [height, wide]: [usize; 2], width: usize) -> Var {
    let mut x = b.reshape(x, &[0, height as i64, wide as i64, width as i64]);
    if height % 2 == 1 || wide % 2 == 1 {
        x = b.pad(&x, &[0, 0, 0, 0, 0, (height % 2) as i64, (wide % 2) as i64, 0]);
    }
    let mut parts = Vec::with_capacity(4);
    for (column, row) in grid([2, 2]) {
        let rows = b.every(&x, row as i64, 2, 1);
        parts.push(b.every(&rows, column as i64, 2, 2));
    }
    let joined = b.concat(&parts.iter().collect::<Vec<_>>(), -1);
    let joined = b.reshape(&joined, &[0, -1, 4 * width as i64]);
    let normal = layer_norm(&mut b.at("norm"), &joined, 4 * width, MERGING_EPSILON);
    linear(&mut b.at("reduction"), &normal, 4 * width, 2 * width, false)
}
