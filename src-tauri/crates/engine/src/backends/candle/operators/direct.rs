//! Two-dimensional convolutions on the processor, where candle has a kernel for one stride, dilation and padding of
//! both directions only, and lays its input out anew for each.

mod columns;
mod rows;

use candle_core::{CpuStorage, CustomOp2, Error, Layout, Result, Shape, Tensor, WithDType};
use half::{bf16, f16};

/// With more channels in a group than this, products of matrices are faster than sums of rows.
const MOST_CHANNELS_OF_ROWS: usize = 4;

/// Each pair is of the height and the width.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Direct {
    pub groups: usize,
    pub strides: [usize; 2],
    pub dilations: [usize; 2],
    /// Zeros before and after.
    pub pads: [(usize, usize); 2],
    /// One number for each channel that is made, or none.
    pub bias: Vec<f32>,
}

impl Direct {
    /// [batch, channels, height, width] with a kernel [out channels, channels of a group, height, width] of the same
    /// format; [batch, out channels, height, width].
    pub fn run(&self, value: &Tensor, kernel: &Tensor) -> Result<Tensor> {
        value.contiguous()?.apply_op2_no_bwd(&kernel.contiguous()?, self)
    }

    fn sizes(&self, value: &Layout, kernel: &Layout) -> Result<Sizes> {
        let (batch, channels, height, width) = value.shape().dims4()?;
        let (made, in_group, kernel_height, kernel_width) = kernel.shape().dims4()?;
        if kernel_height == 0 || kernel_width == 0 {
            return Err(Error::Msg("an empty kernel".to_owned()));
        }
        let room = |dim: usize, size: usize, kernel: usize| {
            let (before, after) = self.pads[dim];
            let cover = (kernel - 1).saturating_mul(self.dilations[dim]).saturating_add(1);
            (size + before + after).checked_sub(cover).map_or(0, |room| room / self.strides[dim] + 1)
        };
        if in_group.checked_mul(self.groups) != Some(channels) || made % self.groups != 0 {
            return Err(Error::Msg(format!(
                "a kernel of shape {:?} does not fit {channels} channels in {} groups",
                kernel.shape().dims(),
                self.groups
            )));
        }
        if !self.bias.is_empty() && self.bias.len() != made {
            return Err(Error::Msg(format!("a bias of {} numbers for {made} channels", self.bias.len())));
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

    /// What is added to all of a channel's places.
    fn bias_of(&self, channel: usize) -> f32 {
        self.bias.get(channel).copied().unwrap_or(0.0)
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

impl Sizes {
    /// Of one channel of the result.
    fn places(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Numbers of a group's channels.
    fn read(&self) -> usize {
        self.in_group * self.input[0] * self.input[1]
    }

    /// Numbers of the kernel for one channel of the result.
    fn weights(&self) -> usize {
        self.in_group * self.kernel[0] * self.kernel[1]
    }

    fn result(&self) -> usize {
        self.batch * self.made * self.places()
    }
}

impl CustomOp2 for Direct {
    fn name(&self) -> &'static str {
        "convolution"
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
        let in_rows = self.groups > 1 && sizes.in_group <= MOST_CHANNELS_OF_ROWS;
        macro_rules! in_format {
            ($format:ty) => {{
                let value = &value.as_slice::<$format>()?[of_value.start_offset()..];
                let kernel = &kernel.as_slice::<$format>()?[of_kernel.start_offset()..];
                <$format>::to_cpu_storage_owned(if in_rows {
                    self.by_rows(value, kernel, &sizes)
                } else {
                    let wide = |numbers: &[$format]| -> Vec<f32> { numbers.iter().map(|n| n.to_f32()).collect() };
                    let made = self.by_columns(&wide(value), &wide(kernel), &sizes);
                    made.into_iter().map(<$format>::from_f32).collect()
                })
            }};
        }
        let storage = match (value, kernel) {
            (CpuStorage::F32(value), CpuStorage::F32(kernel)) => {
                let (value, kernel) = (&value[of_value.start_offset()..], &kernel[of_kernel.start_offset()..]);
                CpuStorage::F32(if in_rows {
                    self.by_rows(value, kernel, &sizes)
                } else {
                    self.by_columns(value, kernel, &sizes)
                })
            }
            (CpuStorage::F16(_), _) => in_format!(f16),
            (CpuStorage::BF16(_), _) => in_format!(bf16),
            _ => return Err(Error::Msg("a convolution of numbers that are not f32, f16 or bf16 alike".to_owned())),
        };
        Ok((storage, shape))
    }
}
