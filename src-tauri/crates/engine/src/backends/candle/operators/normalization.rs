//! Softmax and the normalisations.

use super::{Builder, Inputs, Kernel, axis, bail, float_or, int_or, one, only_first_output, shape::pad_along};
use candle_core::{DType, Result, Tensor};
use models::Node;

type Built = std::result::Result<Kernel, String>;

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "Softmax" => |node, opset| softmax(node, opset, candle_nn::ops::softmax_last_dim),
        "LogSoftmax" => |node, opset| softmax(node, opset, |x| candle_nn::ops::log_softmax(x, 1)),
        "LayerNormalization" => layer_norm,
        "RMSNormalization" => rms_norm,
        "BatchNormalization" => batch_norm,
        "InstanceNormalization" => |node, _| {
            let epsilon = float_or(node, "epsilon", 1e-5);
            one(move |x| {
                let channels = x.get(0)?.dim(1)?;
                grouped(x, channels, epsilon)
            })
        },
        "GroupNormalization" => |node, opset| {
            let (groups, epsilon) = (int_or(node, "num_groups", 1), float_or(node, "epsilon", 1e-5));
            // Until version 21 scale and bias were one number a group.
            if opset < 21 {
                Err("scales for each group".to_owned())
            } else {
                one(move |x| grouped(x, groups as usize, epsilon))
            }
        },
        "LRN" => local_response,
        "LpNormalization" => |node, _| {
            let (along, order) = (int_or(node, "axis", -1), int_or(node, "p", 2));
            one(move |x| {
                let value = x.get(0)?;
                let along = axis(along, value.rank())?;
                let norm = if order == 1 {
                    value.abs()?.sum_keepdim(along)?
                } else {
                    value.sqr()?.sum_keepdim(along)?.sqrt()?
                };
                value.broadcast_div(&norm)
            })
        },
        _ => return None,
    })
}

/// Microsoft's additions, which exports for ONNX Runtime use.
pub(super) fn contributed(op: &str) -> Option<Builder> {
    Some(match op {
        "SimplifiedLayerNormalization" => rms_norm,
        "SkipLayerNormalization" => |node, _| {
            only_first_output(node)?;
            let epsilon = float_or(node, "epsilon", 1e-12);
            one(move |x| {
                let sum = x.get(0)?.broadcast_add(x.get(1)?)?;
                let sum = x.optional(4).map_or(Ok(sum.clone()), |bias| sum.broadcast_add(bias))?;
                normalized(&sum, x.get(2)?, x.optional(3), epsilon)
            })
        },
        _ => return None,
    })
}

/// Over one axis since operator version 13; before, over all dimensions from the axis on.
fn softmax(node: &Node, opset: i64, over_rows: fn(&Tensor) -> Result<Tensor>) -> Built {
    let along = int_or(node, "axis", if opset < 13 { 1 } else { -1 });
    one(move |x| {
        let value = x.get(0)?;
        let along = axis(along, value.rank())?;
        let rows = |value: &Tensor, width: usize| {
            let count = value.elem_count().checked_div(width).unwrap_or(0);
            over_rows(&value.contiguous()?.reshape((count, width))?)
        };
        if opset < 13 {
            return rows(value, value.dims()[along..].iter().product())?.reshape(value.dims());
        }
        let last = value.rank() - 1;
        if along == last {
            return rows(value, value.dims()[last])?.reshape(value.dims());
        }
        let swapped = value.transpose(along, last)?;
        rows(&swapped, swapped.dims()[last])?.reshape(swapped.dims())?.transpose(along, last)
    })
}

fn layer_norm(node: &Node, _: i64) -> Built {
    only_first_output(node)?;
    let (along, epsilon) = (int_or(node, "axis", -1), float_or(node, "epsilon", 1e-5));
    one(move |x| {
        let value = x.get(0)?;
        let along = axis(along, value.rank())?;
        let width: usize = value.dims()[along..].iter().product();
        let rows = value.contiguous()?.reshape((value.elem_count() / width.max(1), width))?;
        let scale = x.get(1)?.flatten_all()?;
        let bias = x.optional(2).map(Tensor::flatten_all).transpose()?;
        normalized(&rows, &scale, bias.as_ref(), epsilon)?.reshape(value.dims())
    })
}

/// The last axis brought to mean 0 and variance 1, then scaled and moved.
fn normalized(value: &Tensor, scale: &Tensor, bias: Option<&Tensor>, epsilon: f64) -> Result<Tensor> {
    let bias = bias.map_or_else(|| scale.zeros_like(), |bias| Ok(bias.clone()))?;
    candle_nn::ops::layer_norm(&value.contiguous()?, scale, &bias, epsilon as f32)
}

fn rms_norm(node: &Node, _: i64) -> Built {
    only_first_output(node)?;
    let (along, epsilon) = (int_or(node, "axis", -1), float_or(node, "epsilon", 1e-5));
    one(move |x| {
        let value = x.get(0)?;
        if axis(along, value.rank())? + 1 != value.rank() {
            return bail("the root mean square over more than the last axis");
        }
        candle_nn::ops::rms_norm(&value.contiguous()?, x.get(1)?, epsilon as f32)
    })
}

fn batch_norm(node: &Node, _: i64) -> Built {
    only_first_output(node)?;
    // Until operator version 9.
    if int_or(node, "spatial", 1) == 0 {
        return Err("statistics of each place".to_owned());
    }
    let epsilon = float_or(node, "epsilon", 1e-5);
    one(move |x| {
        let value = x.get(0)?;
        let column = |index: usize| by_channel(x.get(index)?, value.rank());
        let (scale, bias, mean, variance) = (column(1)?, column(2)?, column(3)?, column(4)?);
        let factor = scale.div(&variance.affine(1.0, epsilon)?.sqrt()?)?;
        value.broadcast_mul(&factor)?.broadcast_add(&bias.sub(&mean.mul(&factor)?)?)
    })
}

/// By the squares of the channels beside each (Krizhevsky et al. 2012): x / (bias + α / size · Σ x²)^β.
fn local_response(node: &Node, _: i64) -> Built {
    let size = int_or(node, "size", 1).max(1);
    let (alpha, beta, bias) =
        (float_or(node, "alpha", 1e-4), float_or(node, "beta", 0.75), float_or(node, "bias", 1.0));
    one(move |x| {
        let value = x.get(0)?;
        let before = (size - 1) / 2;
        let squares = pad_along(&value.sqr()?, 1, before, size - 1 - before, "constant", 0.0)?;
        let beside = |place: i64| squares.narrow(1, place as usize, value.dim(1)?);
        let sum = (1..size).try_fold(beside(0)?, |sum, place| sum.add(&beside(place)?))?;
        value.div(&sum.affine(alpha / size as f64, bias)?.powf(beta)?)
    })
}

/// [channels] as [1, channels, 1, …].
fn by_channel(tensor: &Tensor, rank: usize) -> Result<Tensor> {
    let mut shape = vec![1; rank];
    if let Some(place) = shape.get_mut(1) {
        *place = tensor.elem_count();
    }
    tensor.reshape(shape)
}

/// Groups of channels brought to mean 0 and variance 1; scale and bias are one number a channel.
fn grouped(inputs: &Inputs, groups: usize, epsilon: f64) -> Result<Tensor> {
    let value = inputs.get(0)?;
    let batch = value.dim(0)?;
    let rows = value.reshape((batch * groups, value.elem_count() / (batch * groups).max(1)))?.to_dtype(DType::F32)?;
    let centred = rows.broadcast_sub(&rows.mean_keepdim(1)?)?;
    let deviation = centred.sqr()?.mean_keepdim(1)?.affine(1.0, epsilon)?.sqrt()?;
    let normal = centred.broadcast_div(&deviation)?.reshape(value.dims())?.to_dtype(value.dtype())?;
    let (scale, bias) = (by_channel(inputs.get(1)?, value.rank())?, by_channel(inputs.get(2)?, value.rank())?);
    normal.broadcast_mul(&scale)?.broadcast_add(&bias)
}
