//! As sums of scaled rows of the input: candle multiplies a pair of matrices for each group, which for the depthwise
//! convolutions of mobile networks are hundreds of products of a single row.

use super::{Direct, Sizes};
use candle_core::WithDType;
use rayon::prelude::*;

impl Direct {
    pub(super) fn by_rows<T: WithDType + Into<f32>>(&self, value: &[T], kernel: &[T], sizes: &Sizes) -> Vec<T> {
        let mut result = vec![T::zero(); sizes.result()];
        if result.is_empty() {
            return result;
        }
        let (weights, read) = (sizes.weights(), sizes.read());
        let made_of_group = sizes.made / self.groups;
        result.par_chunks_mut(sizes.places()).enumerate().for_each(|(index, plane)| {
            let (sample, channel) = (index / sizes.made, index % sizes.made);
            let group = sample * self.groups + channel / made_of_group;
            self.plane(
                &value[group * read..(group + 1) * read],
                &kernel[channel * weights..(channel + 1) * weights],
                sizes,
                self.bias_of(channel),
                plane,
            );
        });
        result
    }

    /// One channel of the result, from the channels of its group.
    fn plane<T: WithDType + Into<f32>>(&self, channels: &[T], kernel: &[T], sizes: &Sizes, bias: f32, plane: &mut [T]) {
        let ([height, width], [kernel_height, kernel_width]) = (sizes.input, sizes.kernel);
        let mut sums = vec![0f32; sizes.output[1]];
        for (y, row) in plane.chunks_mut(sizes.output[1]).enumerate() {
            sums.fill(bias);
            for (place, weights) in kernel.chunks(kernel_width).enumerate() {
                let (channel, tap) = (place / kernel_height, place % kernel_height);
                let Some(from) = (y * self.strides[0] + tap * self.dilations[0])
                    .checked_sub(self.pads[0].0)
                    .filter(|from| *from < height)
                else {
                    continue;
                };
                let start = (channel * height + from) * width;
                for (tap, weight) in weights.iter().enumerate() {
                    self.add_row(&channels[start..start + width], tap * self.dilations[1], (*weight).into(), &mut sums);
                }
            }
            for (number, sum) in row.iter_mut().zip(&sums) {
                *number = T::from_f64(f64::from(*sum));
            }
        }
    }

    /// Adds a row, moved left by `shift` less the padding, times a weight.
    fn add_row<T: WithDType + Into<f32>>(&self, row: &[T], shift: usize, weight: f32, sums: &mut [f32]) {
        let (stride, pad) = (self.strides[1], self.pads[1].0);
        // The first place that is not padding, and where the row is read for it.
        let first = pad.saturating_sub(shift).div_ceil(stride);
        let Some(row) = row.get(first * stride + shift - pad..) else { return };
        let Some(sums) = sums.get_mut(first..) else { return };
        if stride == 1 {
            for (sum, number) in sums.iter_mut().zip(row) {
                *sum += weight * (*number).into();
            }
        } else {
            for (sum, number) in sums.iter_mut().zip(row.iter().step_by(stride)) {
                *sum += weight * (*number).into();
            }
        }
    }
}
