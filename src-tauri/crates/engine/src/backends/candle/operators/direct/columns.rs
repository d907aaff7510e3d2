//! As a product of matrices: the kernel, a row for each channel that is made, times what it reads, a column for each
//! place of the result.

use super::{Direct, Sizes};
use crate::product::{Rows, add_product, parallelism};
use rayon::prelude::*;

/// So many numbers of the columns are laid out at a time (1 MiB): they stay near the processor until they are read.
const NUMBERS: usize = 1 << 18;
const FEWEST_PLACES: usize = 64;

impl Direct {
    pub(super) fn by_columns(&self, value: &[f32], kernel: &[f32], sizes: &Sizes) -> Vec<f32> {
        let (places, depth, made) = (sizes.places(), sizes.weights(), sizes.made / self.groups);
        let mut result = Vec::with_capacity(sizes.result());
        for channel in 0..sizes.batch * sizes.made {
            result.resize(result.len() + places, self.bias_of(channel % sizes.made));
        }
        if result.is_empty() || depth == 0 {
            return result;
        }
        let parallelism = parallelism();
        let laid_out_already = self.reads_each_place_once(sizes);
        let at_once = if laid_out_already { places } else { (NUMBERS / depth).max(FEWEST_PLACES) };
        let mut columns = Vec::new();
        for (index, planes) in result.chunks_mut(made * places).enumerate() {
            let channels = &value[index * sizes.read()..][..sizes.read()];
            let first = index % self.groups * made;
            let kernel = Rows::dense(&kernel[first * depth..][..made * depth], made, depth);
            for start in (0..places).step_by(at_once) {
                let count = at_once.min(places - start);
                let right = if laid_out_already {
                    Rows::dense(channels, depth, count)
                } else {
                    columns.resize(depth * count, 0.0);
                    self.lay_out(channels, sizes, start, count, &mut columns);
                    Rows::dense(&columns[..], depth, count)
                };
                let sum = Rows { numbers: &mut planes[start..], count: made, width: count, apart: places };
                add_product(kernel, right, sum, parallelism);
            }
        }
        result
    }

    /// Where a kernel of one place goes over all of them, the columns are the channels themselves.
    fn reads_each_place_once(&self, sizes: &Sizes) -> bool {
        sizes.kernel == [1, 1] && self.strides == [1, 1] && self.pads == [(0, 0); 2]
    }

    /// `count` columns from the `start`-th place on, a row for each number of the kernel.
    fn lay_out(&self, channels: &[f32], sizes: &Sizes, start: usize, count: usize, columns: &mut [f32]) {
        let ([height, width], [kernel_height, kernel_width]) = (sizes.input, sizes.kernel);
        let across = sizes.output[1];
        columns.par_chunks_mut(count).enumerate().for_each(|(number, mut left)| {
            let (tap_x, rest) = (number % kernel_width, number / kernel_width);
            let (tap_y, channel) = (rest % kernel_height, rest / kernel_height);
            let (mut x, mut y) = (start % across, start / across);
            while !left.is_empty() {
                let (part, after) = left.split_at_mut(left.len().min(across - x));
                let from = (y * self.strides[0] + tap_y * self.dilations[0]).checked_sub(self.pads[0].0);
                match from.filter(|from| *from < height) {
                    Some(from) => {
                        let row = &channels[(channel * height + from) * width..][..width];
                        self.read_row(row, x * self.strides[1] + tap_x * self.dilations[1], part);
                    }
                    None => part.fill(0.0),
                }
                (x, y, left) = (0, y + 1, after);
            }
        });
    }

    /// Every stride-th number of a row with its padding before it, from the `from`-th on; zeros beyond its ends.
    fn read_row(&self, row: &[f32], from: usize, part: &mut [f32]) {
        let (stride, pad) = (self.strides[1], self.pads[1].0);
        let before = pad.saturating_sub(from).div_ceil(stride);
        let Some((padding, part)) = part.split_at_mut_checked(before) else { return part.fill(0.0) };
        padding.fill(0.0);
        let row = row.get(from + before * stride - pad..).unwrap_or_default();
        let (read, padding) = part.split_at_mut(row.len().div_ceil(stride).min(part.len()));
        if stride == 1 {
            read.copy_from_slice(&row[..read.len()]);
        } else {
            for (number, found) in read.iter_mut().zip(row.iter().step_by(stride)) {
                *number = *found;
            }
        }
        padding.fill(0.0);
    }
}
