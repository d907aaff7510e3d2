//! Convolutions in many small groups on the processor.
//!
//! candle multiplies a pair of matrices for each group, which for the depthwise convolutions of mobile networks are
//! hundreds of products of a single row. Here each row of the result is a sum of scaled rows of the input.

use candle_core::{CpuStorage, CustomOp2, DType, Error, Layout, Result, Shape, Tensor, WithDType};
use half::{bf16, f16};
use rayon::prelude::*;

/// With more channels in a group than this, products of matrices are faster.
const MOST_CHANNELS: usize = 4;

/// A two-dimensional convolution; each pair is of the height and the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grouped {
    pub groups: usize,
    pub strides: [usize; 2],
    pub dilations: [usize; 2],
    /// Zeros before and after.
    pub pads: [(usize, usize); 2],
}

impl Grouped {
    /// Whether this way is the better one for a kernel [out channels, channels of a group, height, width].
    pub fn suits(&self, value: &Tensor, kernel: &Tensor) -> bool {
        let known = matches!(value.dtype(), DType::F32 | DType::F16 | DType::BF16);
        self.groups > 1 && value.device().is_cpu() && known && kernel.dims()[1] <= MOST_CHANNELS
    }

    /// [batch, channels, height, width] with a kernel of the same format; [batch, out channels, height, width].
    pub fn run(&self, value: &Tensor, kernel: &Tensor) -> Result<Tensor> {
        value.contiguous()?.apply_op2_no_bwd(&kernel.contiguous()?, self)
    }

    fn sizes(&self, value: &Layout, kernel: &Layout) -> Result<Sizes> {
        let (batch, channels, height, width) = value.shape().dims4()?;
        let (made, in_group, kernel_height, kernel_width) = kernel.shape().dims4()?;
        let room = |dim: usize, size: usize, kernel: usize| {
            let (before, after) = self.pads[dim];
            let cover = (kernel.max(1) - 1) * self.dilations[dim] + 1;
            (size + before + after).checked_sub(cover).map_or(0, |room| room / self.strides[dim] + 1)
        };
        if in_group * self.groups != channels || made % self.groups != 0 {
            return Err(Error::Msg(format!(
                "a kernel of shape {:?} does not fit {channels} channels in {} groups",
                kernel.shape().dims(),
                self.groups
            )));
        }
        Ok(Sizes {
            batch,
            made,
            in_group,
            input: [height, width],
            kernel: [kernel_height, kernel_width],
            output: [room(0, height, kernel_height), room(1, width, kernel_width)],
        })
    }

    fn convolve<T: WithDType + Into<f32>>(&self, value: &[T], kernel: &[T], sizes: &Sizes) -> Vec<T> {
        let [height, width] = sizes.output;
        let mut result = vec![T::zero(); sizes.batch * sizes.made * height * width];
        if result.is_empty() {
            return result;
        }
        let weights = sizes.in_group * sizes.kernel[0] * sizes.kernel[1];
        let read = sizes.in_group * sizes.input[0] * sizes.input[1];
        let made_of_group = sizes.made / self.groups;
        result.par_chunks_mut(height * width).enumerate().for_each(|(index, plane)| {
            let (sample, channel) = (index / sizes.made, index % sizes.made);
            let group = sample * self.groups + channel / made_of_group;
            self.plane(
                &value[group * read..(group + 1) * read],
                &kernel[channel * weights..(channel + 1) * weights],
                sizes,
                plane,
            );
        });
        result
    }

    /// One channel of the result, from the channels of its group.
    fn plane<T: WithDType + Into<f32>>(&self, channels: &[T], kernel: &[T], sizes: &Sizes, plane: &mut [T]) {
        let ([height, width], [kernel_height, kernel_width]) = (sizes.input, sizes.kernel);
        let mut sums = vec![0f32; sizes.output[1]];
        for (y, row) in plane.chunks_mut(sizes.output[1]).enumerate() {
            sums.fill(0.0);
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

struct Sizes {
    batch: usize,
    /// Channels of the result.
    made: usize,
    in_group: usize,
    input: [usize; 2],
    kernel: [usize; 2],
    output: [usize; 2],
}

impl CustomOp2 for Grouped {
    fn name(&self) -> &'static str {
        "grouped convolution"
    }

    fn cpu_fwd(
        &self,
        value: &CpuStorage,
        of_value: &Layout,
        kernel: &CpuStorage,
        of_kernel: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = self.sizes(of_value, of_kernel)?;
        let shape = Shape::from((sizes.batch, sizes.made, sizes.output[0], sizes.output[1]));
        macro_rules! in_format {
            ($format:ty) => {{
                let (value, kernel) = (value.as_slice::<$format>()?, kernel.as_slice::<$format>()?);
                <$format>::to_cpu_storage_owned(self.convolve(
                    &value[of_value.start_offset()..],
                    &kernel[of_kernel.start_offset()..],
                    &sizes,
                ))
            }};
        }
        let storage = match value {
            CpuStorage::F32(_) => in_format!(f32),
            CpuStorage::F16(_) => in_format!(f16),
            CpuStorage::BF16(_) => in_format!(bf16),
            _ => return Err(Error::Msg("a convolution in groups of numbers that are not f32, f16 or bf16".to_owned())),
        };
        Ok((storage, shape))
    }
}
