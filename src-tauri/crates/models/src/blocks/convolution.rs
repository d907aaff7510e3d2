//! Convolutions over signals, images and clips: `[batch, channels, …]`.

use crate::{
    Attribute,
    builder::{GraphBuilder, Var},
    extent::Extent,
    weights::Fill,
};

/// A kernel's sizes along each axis after batch and channels.
#[derive(Clone, Debug)]
pub struct Convolution {
    inputs: usize,
    outputs: usize,
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// Before each axis, then after each.
    pads: Vec<usize>,
    groups: usize,
    bias: bool,
}

impl Convolution {
    /// One step at a time, nothing around, with a bias.
    pub fn new(inputs: usize, outputs: usize, kernel: &[usize]) -> Self {
        let axes = kernel.len();
        Self {
            inputs,
            outputs,
            kernel: kernel.to_vec(),
            strides: vec![1; axes],
            dilations: vec![1; axes],
            pads: vec![0; 2 * axes],
            groups: 1,
            bias: true,
        }
    }

    /// Over a signal.
    pub fn line(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self::new(inputs, outputs, &[kernel])
    }

    /// Over an image.
    pub fn square(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self::new(inputs, outputs, &[kernel; 2])
    }

    /// Patches that do not overlap.
    pub fn patches(inputs: usize, outputs: usize, patch: usize) -> Self {
        Self::square(inputs, outputs, patch).stride(patch)
    }

    pub fn stride(self, stride: usize) -> Self {
        Self { strides: vec![stride; self.kernel.len()], ..self }
    }

    pub fn strides(self, strides: &[usize]) -> Self {
        Self { strides: strides.to_vec(), ..self }
    }

    /// As many zeros on every side.
    pub fn pad(self, pad: usize) -> Self {
        Self { pads: vec![pad; 2 * self.kernel.len()], ..self }
    }

    /// Zeros before each axis, then after each.
    pub fn pads(self, pads: &[usize]) -> Self {
        Self { pads: pads.to_vec(), ..self }
    }

    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Shape of the weight.
    pub fn shape(&self) -> Vec<usize> {
        [&[self.outputs, self.inputs / self.groups], self.kernel.as_slice()].concat()
    }

    /// What it makes of an extent along one of its axes.
    pub fn extent(&self, axis: usize, extent: &Extent) -> Extent {
        let reach = (self.kernel[axis] - 1) * self.dilations[axis] + 1;
        extent.after(reach, self.strides[axis], self.pads[axis] + self.pads[axis + self.kernel.len()])
    }

    /// With the module's `weight` and `bias`.
    pub fn apply(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let weight = b.weight("weight", &self.shape(), Fill::Matrix);
        self.apply_with(b, x, &weight)
    }

    /// With a weight that was computed, and the module's `bias`.
    pub fn apply_with(&self, b: &mut GraphBuilder, x: &Var, weight: &Var) -> Var {
        let bias = self.bias.then(|| b.weight("bias", &[self.outputs], Fill::Bias));
        let inputs: Vec<&Var> = [x, weight].into_iter().chain(bias.as_ref()).collect();
        let attributes = [
            ("kernel_shape", ints(&self.kernel)),
            ("strides", ints(&self.strides)),
            ("dilations", ints(&self.dilations)),
            ("pads", ints(&self.pads)),
            ("group", Attribute::Int(self.groups as i64)),
        ];
        b.without_bf16("Conv", &inputs, &attributes)
    }
}

/// Each place of an image becomes `factor` by `factor` of them, with the module's `weight` and `bias`.
pub fn spread_out(b: &mut GraphBuilder, x: &Var, channels: usize, factor: usize) -> Var {
    let weight = b.weight("weight", &[channels, channels, factor, factor], Fill::Matrix);
    let bias = b.weight("bias", &[channels], Fill::Bias);
    let attributes = [("kernel_shape", ints(&[factor; 2])), ("strides", ints(&[factor; 2]))];
    b.without_bf16("ConvTranspose", &[x, &weight, &bias], &attributes)
}

/// The largest number in each window.
pub fn max_pool(b: &mut GraphBuilder, x: &Var, [kernel, stride, pad]: [usize; 3]) -> Var {
    let attributes = [("kernel_shape", ints(&[kernel; 2])), ("strides", ints(&[stride; 2])), ("pads", ints(&[pad; 4]))];
    b.without_bf16("MaxPool", &[x], &attributes)
}

/// The mean of each window, in which zeros around the image do not count.
pub fn mean_pool(b: &mut GraphBuilder, x: &Var, [kernel, stride, pad]: [usize; 3]) -> Var {
    let attributes = [("kernel_shape", ints(&[kernel; 2])), ("strides", ints(&[stride; 2])), ("pads", ints(&[pad; 4]))];
    b.without_bf16("AveragePool", &[x], &attributes)
}

/// The mean of each so many places of a signal, `[batch, channels, length]`; what is left over at its end is left out.
pub fn mean_of_places(b: &mut GraphBuilder, x: &Var, count: usize) -> Var {
    let attributes = [("kernel_shape", ints(&[count])), ("strides", ints(&[count]))];
    b.without_bf16("AveragePool", &[x], &attributes)
}

/// The mean of each channel, every axis after it kept as 1.
pub fn mean_of_channels(b: &mut GraphBuilder, x: &Var) -> Var {
    b.without_bf16("GlobalAveragePool", &[x], &[])
}

/// With the module's `weight`, `bias` and running statistics of each channel.
pub fn batch_norm(b: &mut GraphBuilder, x: &Var, channels: usize, epsilon: f64) -> Var {
    let weight = b.weight("weight", &[channels], Fill::Ones);
    let bias = b.weight("bias", &[channels], Fill::Bias);
    batch_norm_with(b, x, [&weight, &bias], channels, epsilon)
}

/// With a weight and bias of each channel, and the module's running statistics.
pub fn batch_norm_with(b: &mut GraphBuilder, x: &Var, [weight, bias]: [&Var; 2], channels: usize, epsilon: f64) -> Var {
    let mean = b.buffer("running_mean", &[channels], Fill::Bias);
    let variance = b.buffer("running_var", &[channels], Fill::Ones);
    let inputs = [x, weight, bias, &mean, &variance];
    b.without_bf16("BatchNormalization", &inputs, &[("epsilon", Attribute::Float(epsilon as f32))])
}

/// Each group of channels brought to mean 0 and variance 1, then the module's `weight` and `bias` of each channel.
pub fn group_norm(b: &mut GraphBuilder, x: &Var, [channels, groups, axes]: [usize; 3], epsilon: f64) -> Var {
    let attributes = [("epsilon", Attribute::Float(epsilon as f32))];
    let weight = b.weight("weight", &[channels], Fill::Ones);
    let bias = b.weight("bias", &[channels], Fill::Bias);
    if groups == channels {
        return b.without_bf16("InstanceNormalization", &[x, &weight, &bias], &attributes);
    }
    let (ones, zeros) =
        (b.table("ones", &[groups], &vec![1.0; groups]), b.table("zeros", &[groups], &vec![0.0; groups]));
    let (ones, zeros) = (b.cast_float(&ones), b.cast_float(&zeros));
    let shape = b.shape_of(x);
    let grouped = b.reshape(x, &[0, groups as i64, -1]);
    let normal = b.without_bf16("InstanceNormalization", &[&grouped, &ones, &zeros], &attributes);
    let normal = b.reshape_to(&normal, &shape);
    let column: Vec<i64> = std::iter::once(channels as i64).chain(vec![1; axes]).collect();
    let (weight, bias) = (b.reshape(&weight, &column), b.reshape(&bias, &column));
    let scaled = b.mul(&normal, &weight);
    b.add(&scaled, &bias)
}

/// A layer norm over the channels of an image: `[batch, channels, height, width]`.
pub fn channel_norm(b: &mut GraphBuilder, x: &Var, channels: usize, epsilon: f64) -> Var {
    let last = b.transpose(x, &[0, 2, 3, 1]);
    let normal = super::layer_norm(b, &last, channels, epsilon);
    b.transpose(&normal, &[0, 3, 1, 2])
}

/// An image's places as a sequence: `[batch, channels, height, width]` to `[batch, height · width, channels]`.
pub fn as_sequence(b: &mut GraphBuilder, x: &Var, channels: usize) -> Var {
    let flat = b.reshape(x, &[0, channels as i64, -1]);
    b.transpose(&flat, &[0, 2, 1])
}

fn ints(values: &[usize]) -> Attribute {
    Attribute::Ints(values.iter().map(|value| *value as i64).collect())
}
