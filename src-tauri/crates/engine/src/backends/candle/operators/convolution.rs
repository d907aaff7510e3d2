//! Convolutions and pooling of [batch, channels, height, width] and of signals without height.

use super::{
    Builder, Kernel, bail, direct::Direct, floats, int_or, ints_of, is_ours, one, only_first_output,
    quantised::spread_along, shape::pad_along,
};
use candle_core::{DType, Result, Tensor};
use models::Node;

type Built = std::result::Result<Kernel, String>;

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "Conv" => convolution,
        "ConvInteger" => of_integers,
        "ConvTranspose" => transposed,
        "MaxPool" => |node, _| {
            only_first_output(node)?;
            pool(node, Pooling::Max)
        },
        "AveragePool" => |node, _| {
            let counts_padding = int_or(node, "count_include_pad", 0) == 1;
            pool(node, if counts_padding { Pooling::MeanOfAll } else { Pooling::Mean })
        },
        "GlobalAveragePool" => |_, _| one(|x| over_places(x.get(0)?, |x, axes| x.mean_keepdim(axes))),
        "GlobalMaxPool" => |_, _| {
            one(|x| over_places(x.get(0)?, |x, axes| axes.iter().try_fold(x.clone(), |x, axis| x.max_keepdim(*axis))))
        },
        _ => return None,
    })
}

/// Window sizes, as the attributes give them.
struct Window {
    strides: Option<Vec<i64>>,
    dilations: Option<Vec<i64>>,
    pads: Option<Vec<i64>>,
    auto_pad: String,
    ceil: bool,
}

impl Window {
    fn of(node: &Node) -> std::result::Result<Self, String> {
        let auto_pad = node.text("auto_pad").unwrap_or("NOTSET").to_owned();
        if !["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(&auto_pad.as_str()) {
            return Err(format!("the padding {auto_pad}"));
        }
        Ok(Self {
            strides: ints_of(node, "strides"),
            dilations: ints_of(node, "dilations"),
            pads: ints_of(node, "pads"),
            auto_pad,
            ceil: int_or(node, "ceil_mode", 0) == 1,
        })
    }

    fn strides(&self, dims: usize) -> Vec<usize> {
        per_dim(&self.strides, dims)
    }

    fn dilations(&self, dims: usize) -> Vec<usize> {
        per_dim(&self.dilations, dims)
    }

    /// Before and after each of `sizes`. The places a kernel covers are (kernel − 1) · dilation + 1.
    fn pads(&self, sizes: &[usize], kernel: &[usize]) -> Vec<(i64, i64)> {
        let dims = sizes.len();
        let (strides, dilations) = (self.strides(dims), self.dilations(dims));
        (0..dims)
            .map(|dim| {
                let (size, stride) = (sizes[dim] as i64, strides[dim] as i64);
                let cover = (kernel[dim] as i64 - 1) * dilations[dim] as i64 + 1;
                let given = self.pads.as_ref().map_or(0, |pads| pads.get(dim).copied().unwrap_or(0));
                let given_after = self.pads.as_ref().map_or(0, |pads| pads.get(dims + dim).copied().unwrap_or(0));
                let missing = ((size + stride - 1) / stride - 1) * stride + cover - size;
                let missing = missing.max(0);
                match self.auto_pad.as_str() {
                    "SAME_UPPER" => (missing / 2, missing - missing / 2),
                    "SAME_LOWER" => (missing - missing / 2, missing / 2),
                    "VALID" => (0, 0),
                    _ => (given, given_after),
                }
            })
            .collect()
    }
}

fn per_dim(listed: &Option<Vec<i64>>, dims: usize) -> Vec<usize> {
    let size =
        |dim: usize| listed.as_ref().and_then(|listed| listed.get(dim)).map_or(1, |size| (*size).max(1) as usize);
    (0..dims).map(size).collect()
}

fn groups(node: &Node) -> std::result::Result<usize, String> {
    let groups = int_or(node, "group", 1);
    usize::try_from(groups).ok().filter(|groups| *groups > 0).ok_or_else(|| format!("{groups} groups"))
}

/// A signal as an image of height 1, and back.
fn as_image(tensor: &Tensor) -> Result<Tensor> {
    match tensor.rank() {
        4 => Ok(tensor.clone()),
        3 => tensor.unsqueeze(2),
        rank => bail(format!("{} spatial dimensions", rank.saturating_sub(2))),
    }
}

fn convolution(node: &Node, _: i64) -> Built {
    let (window, groups) = (Window::of(node)?, groups(node)?);
    one(move |x| convolved(x.get(0)?, x.get(1)?, x.optional(2), &window, groups))
}

/// (x − its zero point) convolved with (w − its zero point), widened to f32 as products of integers are.
fn of_integers(node: &Node, _: i64) -> Built {
    let (window, groups) = (Window::of(node)?, groups(node)?);
    one(move |x| {
        let centred = |index: usize, zero: usize| -> Result<Tensor> {
            let numbers = x.get(index)?.to_dtype(DType::F32)?;
            let Some(zero) = x.optional(zero) else { return Ok(numbers) };
            // One for all, or one for each channel that is made.
            numbers.broadcast_sub(&spread_along(&zero.to_dtype(DType::F32)?, &numbers, 0, 0)?)
        };
        convolved(&centred(0, 2)?, &centred(1, 3)?, None, &window, groups)?.to_dtype(DType::I64)
    })
}

/// [batch, channels, places…] with a kernel [out channels, channels of a group, places…].
fn convolved(value: &Tensor, kernel: &Tensor, bias: Option<&Tensor>, window: &Window, groups: usize) -> Result<Tensor> {
    let dims = value.rank().saturating_sub(2);
    let pads = window.pads(&value.dims()[2..], &kernel.dims()[2..]);
    let (strides, dilations) = (window.strides(dims), window.dilations(dims));
    if is_ours(value)
        && let Some(mut direct) = direct(groups, &strides, &dilations, &pads)
    {
        if let Some(bias) = bias {
            direct.bias = floats(bias)?;
        }
        let made = direct.run(&as_image(value)?, &as_image(kernel)?)?;
        return if dims == 1 { made.squeeze(2) } else { Ok(made) };
    }
    let same = |listed: &[usize]| listed.iter().all(|size| *size == listed[0]);
    let even = pads.iter().all(|(before, after)| before == after && *before == pads[0].0 && *before >= 0);
    let (value, padding) = if even { (value.clone(), pads[0].0 as usize) } else { (padded(value, &pads, 0.0)?, 0) };
    let around = vec![(padding as i64, padding as i64); dims];
    let made = match dims {
        1 => value.contiguous()?.conv1d(kernel, padding, strides[0], dilations[0], groups)?,
        2 if same(&strides) && same(&dilations) => {
            value.contiguous()?.conv2d(kernel, padding, strides[0], dilations[0], groups)?
        }
        2 => uneven(&padded(&value, &around, 0.0)?, kernel, &strides, &dilations, groups)?,
        3 => clip(&padded(&value, &around, 0.0)?, kernel, &strides, &dilations, groups)?,
        _ => return bail(format!("{dims} spatial dimensions")),
    };
    with_bias(made, bias)
}

/// A signal's convolution as that of an image of height 1; none over time, or where it cuts its input.
fn direct(groups: usize, strides: &[usize], dilations: &[usize], pads: &[(i64, i64)]) -> Option<Direct> {
    let pads: Vec<(usize, usize)> = pads
        .iter()
        .map(|(before, after)| Some((usize::try_from(*before).ok()?, usize::try_from(*after).ok()?)))
        .collect::<Option<_>>()?;
    let (strides, dilations, pads) = match (strides, dilations, pads.as_slice()) {
        ([stride], [dilation], [pad]) => ([1, *stride], [1, *dilation], [(0, 0), *pad]),
        ([down, across], [dilation_down, dilation_across], [pad_down, pad_across]) => {
            ([*down, *across], [*dilation_down, *dilation_across], [*pad_down, *pad_across])
        }
        _ => return None,
    };
    Some(Direct { groups, strides, dilations, pads, bias: Vec::new() })
}

fn with_bias(made: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let Some(bias) = bias else { return Ok(made) };
    let mut shape = vec![1; made.rank()];
    shape[1] = bias.elem_count();
    made.broadcast_add(&bias.reshape(shape)?)
}

fn padded(value: &Tensor, pads: &[(i64, i64)], fill: f64) -> Result<Tensor> {
    let mut sides = pads.iter().enumerate();
    sides.try_fold(value.clone(), |so_far, (dim, (before, after))| {
        pad_along(&so_far, dim + 2, *before, *after, "constant", fill)
    })
}

/// candle has one stride for both directions. Others are sums over the kernel's places of 1 × 1 convolutions.
fn uneven(value: &Tensor, kernel: &Tensor, strides: &[usize], dilations: &[usize], groups: usize) -> Result<Tensor> {
    let same = |listed: &[usize]| listed.iter().all(|size| *size == listed[0]);
    if same(strides) && same(dilations) {
        return value.contiguous()?.conv2d(kernel, 0, strides[0], dilations[0], groups);
    }
    let (_, _, kernel_height, kernel_width) = kernel.dims4()?;
    let mut sum: Option<Tensor> = None;
    for row in 0..kernel_height {
        for column in 0..kernel_width {
            let rows = strided(value, 2, row * dilations[0], strides[0], (kernel_height - 1) * dilations[0])?;
            let taken = strided(&rows, 3, column * dilations[1], strides[1], (kernel_width - 1) * dilations[1])?;
            let point = kernel.narrow(2, row, 1)?.narrow(3, column, 1)?.contiguous()?;
            let part = taken.contiguous()?.conv2d(&point, 0, 1, 1, groups)?;
            sum = Some(match sum {
                Some(so_far) => so_far.add(&part)?,
                None => part,
            });
        }
    }
    sum.map_or_else(|| bail("an empty kernel"), Ok)
}

/// Over time too, for which candle has no kernel: a sum over the kernel's moments of convolutions of single images.
fn clip(value: &Tensor, kernel: &Tensor, strides: &[usize], dilations: &[usize], groups: usize) -> Result<Tensor> {
    let moments = kernel.dim(2)?;
    let mut sum: Option<Tensor> = None;
    for moment in 0..moments {
        let taken = strided(value, 2, moment * dilations[0], strides[0], (moments - 1) * dilations[0])?;
        let (batch, channels, times, height, width) = taken.dims5()?;
        let images = taken.transpose(1, 2)?.contiguous()?.reshape((batch * times, channels, height, width))?;
        let flat = kernel.narrow(2, moment, 1)?.squeeze(2)?.contiguous()?;
        let part = uneven(&images, &flat, &strides[1..], &dilations[1..], groups)?;
        let (_, channels, height, width) = part.dims4()?;
        let part = part.reshape((batch, times, channels, height, width))?.transpose(1, 2)?.contiguous()?;
        sum = Some(match sum {
            Some(so_far) => so_far.add(&part)?,
            None => part,
        });
    }
    sum.map_or_else(|| bail("an empty kernel"), Ok)
}

/// Every `stride`-th place from `start` on, as often as a kernel reaching `reach` further fits.
fn strided(value: &Tensor, dim: usize, start: usize, stride: usize, reach: usize) -> Result<Tensor> {
    let size = value.dims()[dim];
    let count = size.checked_sub(reach + 1).map_or(0, |room| room / stride + 1);
    let places: Vec<i64> = (0..count).map(|index| (start + index * stride) as i64).collect();
    value.contiguous()?.index_select(&Tensor::from_vec(places, count, value.device())?, dim)
}

fn transposed(node: &Node, _: i64) -> Built {
    let window = Window::of(node)?;
    let groups = groups(node)?;
    if window.auto_pad != "NOTSET" || node.ints("output_shape").is_some() {
        return Err("a padding that follows from the output's shape".to_owned());
    }
    let extra = ints_of(node, "output_padding");
    one(move |x| {
        let (value, kernel) = (x.get(0)?, x.get(1)?);
        let dims = value.rank().saturating_sub(2);
        let pads = window.pads(&value.dims()[2..], &kernel.dims()[2..]);
        let (strides, dilations) = (window.strides(dims), window.dilations(dims));
        let extra: Vec<usize> =
            (0..dims).map(|dim| extra.as_ref().map_or(0, |extra| extra[dim].max(0) as usize)).collect();
        let same = |listed: &[usize]| listed.iter().all(|size| *size == listed[0]);
        let even = pads.iter().all(|(before, after)| before == after && *before == pads[0].0);
        if !even || !same(&strides) || !same(&dilations) || !same(&extra) {
            return bail("a transposed convolution with different sizes along its dimensions");
        }
        let (padding, stride, dilation) = (pads[0].0 as usize, strides[0], dilations[0]);
        let value = value.contiguous()?;
        let made = match (dims, groups) {
            (1, groups) => value.conv_transpose1d(kernel, padding, extra[0], stride, dilation, groups)?,
            (2, 1) => value.conv_transpose2d(kernel, padding, extra[0], stride, dilation)?,
            (2, groups) => {
                let (values, kernels) = (value.chunk(groups, 1)?, kernel.chunk(groups, 0)?);
                let one = |(value, kernel): (&Tensor, &Tensor)| {
                    value.contiguous()?.conv_transpose2d(&kernel.contiguous()?, padding, extra[0], stride, dilation)
                };
                Tensor::cat(&values.iter().zip(&kernels).map(one).collect::<Result<Vec<_>>>()?, 1)?
            }
            _ => return bail(format!("{dims} spatial dimensions")),
        };
        with_bias(made, x.optional(2))
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Pooling {
    Max,
    /// Padding is left out of the mean.
    Mean,
    /// Padding counts as zeros.
    MeanOfAll,
}

fn pool(node: &Node, how: Pooling) -> Built {
    let window = Window::of(node)?;
    let Some(kernel) = ints_of(node, "kernel_shape") else { return Err("a missing kernel size".to_owned()) };
    let kernel: Vec<usize> = kernel.iter().map(|size| (*size).max(1) as usize).collect();
    if window.dilations.as_ref().is_some_and(|dilations| dilations.iter().any(|size| *size != 1)) {
        return Err("a dilation".to_owned());
    }
    if window.ceil && how == Pooling::MeanOfAll {
        return Err("rounding up with counted padding".to_owned());
    }
    one(move |x| {
        let value = x.get(0)?;
        let dims = value.rank().saturating_sub(2);
        let strides = window.strides(dims);
        let mut pads = window.pads(&value.dims()[2..], &kernel);
        for (dim, (before, after)) in pads.iter_mut().enumerate().filter(|_| window.ceil) {
            let room = value.dims()[dim + 2] as i64 + *before + *after - kernel[dim] as i64;
            *after += (strides[dim] as i64 - room.rem_euclid(strides[dim] as i64)) % strides[dim] as i64;
        }
        let image = |tensor: &Tensor| as_image(&tensor.contiguous()?);
        let (size, stride) = (pair(&kernel), pair(&strides));
        let unpadded = pads.iter().all(|pad| *pad == (0, 0));
        let pooled = match how {
            Pooling::Max => image(&padded(value, &pads, f64::NEG_INFINITY)?)?.max_pool2d_with_stride(size, stride)?,
            Pooling::MeanOfAll => image(&padded(value, &pads, 0.0)?)?.avg_pool2d_with_stride(size, stride)?,
            Pooling::Mean if unpadded => image(value)?.avg_pool2d_with_stride(size, stride)?,
            Pooling::Mean => {
                // The share of each window that is not padding, by pooling ones.
                let present = padded(&value.ones_like()?, &pads, 0.0)?;
                let share = image(&present)?.avg_pool2d_with_stride(size, stride)?;
                image(&padded(value, &pads, 0.0)?)?.avg_pool2d_with_stride(size, stride)?.div(&share)?
            }
        };
        if dims == 1 { pooled.squeeze(2) } else { Ok(pooled) }
    })
}

/// Height and width; a signal has the height 1.
fn pair(sizes: &[usize]) -> (usize, usize) {
    match sizes {
        [height, width] => (*height, *width),
        [width] => (1, *width),
        _ => (1, 1),
    }
}

fn over_places(value: &Tensor, over: impl Fn(&Tensor, &[usize]) -> Result<Tensor>) -> Result<Tensor> {
    let axes: Vec<usize> = (2..value.rank()).collect();
    if axes.is_empty() { Ok(value.clone()) } else { over(value, &axes) }
}
