//! Arithmetic and activations, number by number.

use super::{
    Builder, Inputs, Kernel, bail, broadcast_shape, float_or, floats, int_or, ints, is_int, is_ours, map_floats,
    map_ints, one, spread,
};
use crate::backends::candle::value;
use candle_core::{DType, Error, Result, Tensor};
use models::{Element, Node};

type Built = std::result::Result<Kernel, String>;

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "Add" => |_, _| one(|x| binary(x, Arithmetic::Add)),
        "Sub" => |_, _| one(|x| binary(x, Arithmetic::Sub)),
        "Mul" => |_, _| one(|x| binary(x, Arithmetic::Mul)),
        "Div" => |_, _| one(|x| binary(x, Arithmetic::Div)),
        "Pow" => |_, _| one(power),
        "Mod" => modulo,
        "Min" => |_, _| one(|x| fold(x, |a, b| pick(a, b, Extreme::Smaller))),
        "Max" => |_, _| one(|x| fold(x, |a, b| pick(a, b, Extreme::Larger))),
        "Sum" => |_, _| one(|x| fold(x, |a, b| apply(a, b, Arithmetic::Add))),
        "Mean" => {
            |_, _| one(|x| fold(x, |a, b| apply(a, b, Arithmetic::Add))?.affine(1.0 / x.tensors.len() as f64, 0.0))
        }
        "Sqrt" => |_, _| one(|x| x.get(0)?.sqrt()),
        "Exp" => |_, _| one(|x| x.get(0)?.exp()),
        "Log" => |_, _| one(|x| x.get(0)?.log()),
        "Sin" => |_, _| one(|x| x.get(0)?.sin()),
        "Cos" => |_, _| one(|x| x.get(0)?.cos()),
        "Tanh" => |_, _| one(|x| x.get(0)?.tanh()),
        "Erf" => |_, _| one(|x| x.get(0)?.erf()),
        "Reciprocal" => |_, _| one(|x| x.get(0)?.recip()),
        "Neg" => |_, _| one(|x| by_kind(x.get(0)?, |v| v.neg(), i64::wrapping_neg)),
        "Abs" => |_, _| one(|x| by_kind(x.get(0)?, |v| v.abs(), i64::wrapping_abs)),
        "Sign" => |_, _| one(|x| by_kind(x.get(0)?, |v| v.sign(), i64::signum)),
        "Floor" => |_, _| one(|x| x.get(0)?.floor()),
        "Ceil" => |_, _| one(|x| x.get(0)?.ceil()),
        "Round" => |_, _| one(|x| map_floats(x.get(0)?, f32::round_ties_even)),
        "Tan" => |_, _| one(|x| map_floats(x.get(0)?, f32::tan)),
        "Asin" => |_, _| one(|x| map_floats(x.get(0)?, f32::asin)),
        "Acos" => |_, _| one(|x| map_floats(x.get(0)?, f32::acos)),
        "Atan" => |_, _| one(|x| map_floats(x.get(0)?, f32::atan)),
        "Sinh" => |_, _| one(|x| map_floats(x.get(0)?, f32::sinh)),
        "Cosh" => |_, _| one(|x| map_floats(x.get(0)?, f32::cosh)),
        "Relu" => |_, _| one(|x| by_kind(x.get(0)?, |v| v.relu(), |v| v.max(0))),
        "Sigmoid" => |_, _| one(|x| candle_nn::ops::sigmoid(&x.get(0)?.contiguous()?)),
        "Softplus" => |_, _| one(|x| softplus(x.get(0)?)),
        "Softsign" => |_, _| one(|x| x.get(0)?.div(&x.get(0)?.abs()?.affine(1.0, 1.0)?)),
        "Mish" => |_, _| one(|x| x.get(0)?.mul(&softplus(x.get(0)?)?.tanh()?)),
        "HardSwish" => |_, _| {
            one(|x| match x.get(0)? {
                x if is_ours(x) => map_floats(x, |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
                x => x.mul(&hard_sigmoid(x, 1.0 / 6.0, 0.5)?),
            })
        },
        "LeakyRelu" => |node, _| {
            let slope = float_or(node, "alpha", 0.01);
            one(move |x| candle_nn::ops::leaky_relu(x.get(0)?, slope))
        },
        "Elu" => |node, _| {
            let alpha = float_or(node, "alpha", 1.0);
            one(move |x| x.get(0)?.elu(alpha))
        },
        "Selu" => |node, _| {
            let (alpha, gamma) = (float_or(node, "alpha", 1.673_263_2), float_or(node, "gamma", 1.050_701));
            one(move |x| x.get(0)?.elu(alpha)?.affine(gamma, 0.0))
        },
        "HardSigmoid" => |node, _| {
            let (alpha, beta) = (float_or(node, "alpha", 0.2), float_or(node, "beta", 0.5));
            one(move |x| hard_sigmoid(x.get(0)?, alpha, beta))
        },
        "PRelu" => |_, _| one(prelu),
        "Gelu" => |node, _| match node.text("approximate") {
            Some("tanh") => one(|x| x.get(0)?.gelu()),
            _ => one(|x| x.get(0)?.gelu_erf()),
        },
        "Clip" => clip,
        "Cast" => cast,
        "CastLike" => |_, _| one(|x| x.get(0)?.to_dtype(x.get(1)?.dtype())),
        "Identity" => |_, _| one(|x| Ok(x.get(0)?.clone())),
        "Dropout" => |node, _| {
            super::only_first_output(node)?;
            one(|x| Ok(x.get(0)?.clone()))
        },
        _ => return None,
    })
}

/// Microsoft's additions, which exports for ONNX Runtime use.
pub(super) fn contributed(op: &str) -> Option<Builder> {
    Some(match op {
        "Gelu" => |_, _| one(|x| x.get(0)?.gelu_erf()),
        "FastGelu" => |_, _| {
            one(|x| match x.optional(1) {
                Some(bias) => x.get(0)?.broadcast_add(bias)?.gelu(),
                None => x.get(0)?.gelu(),
            })
        },
        "QuickGelu" => |node, _| {
            let alpha = float_or(node, "alpha", 1.702);
            one(move |x| x.get(0)?.mul(&candle_nn::ops::sigmoid(&x.get(0)?.affine(alpha, 0.0)?)?))
        },
        _ => return None,
    })
}

#[derive(Clone, Copy)]
enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

fn binary(inputs: &Inputs, how: Arithmetic) -> Result<Tensor> {
    apply(inputs.get(0)?, inputs.get(1)?, how)
}

fn apply(a: &Tensor, b: &Tensor, how: Arithmetic) -> Result<Tensor> {
    // A GPU is not asked to compute nothing, which it refuses.
    if a.elem_count() == 0 || b.elem_count() == 0 {
        return Tensor::zeros(broadcast_shape(a.dims(), b.dims())?, a.dtype(), a.device());
    }
    if is_int(a) {
        return whole(a, b, how);
    }
    // A lone number needs no spreading: candle has one pass for it.
    if let Some(number) = lone_number(b, a)? {
        return match how {
            Arithmetic::Add => a.affine(1.0, number),
            Arithmetic::Sub => a.affine(1.0, -number),
            Arithmetic::Mul => a.affine(number, 0.0),
            Arithmetic::Div => a.affine(1.0 / number, 0.0),
        };
    }
    if let Some(number) = lone_number(a, b)? {
        match how {
            Arithmetic::Add => return b.affine(1.0, number),
            Arithmetic::Sub => return b.affine(-1.0, number),
            Arithmetic::Mul => return b.affine(number, 0.0),
            Arithmetic::Div => {}
        }
    }
    match how {
        Arithmetic::Add => a.broadcast_add(b),
        Arithmetic::Sub => a.broadcast_sub(b),
        Arithmetic::Mul => a.broadcast_mul(b),
        Arithmetic::Div => a.broadcast_div(b),
    }
}

/// The value of a one-element tensor beside a larger one. Reading it from an accelerator would stall it.
fn lone_number(tensor: &Tensor, other: &Tensor) -> Result<Option<f64>> {
    let alone = tensor.elem_count() == 1 && tensor.rank() <= other.rank() && tensor.device().is_cpu();
    let simple =
        alone && other.elem_count() > 1 && matches!(tensor.dtype(), DType::F32 | DType::F16 | DType::BF16 | DType::F64);
    if simple { Ok(Some(tensor.flatten_all()?.get(0)?.to_dtype(DType::F64)?.to_scalar()?)) } else { Ok(None) }
}

/// Integer arithmetic as ONNX means it: division cuts towards zero. Overflow wraps; a division by zero is an error.
fn whole(a: &Tensor, b: &Tensor, how: Arithmetic) -> Result<Tensor> {
    match how {
        Arithmetic::Add => a.broadcast_add(b),
        Arithmetic::Sub => a.broadcast_sub(b),
        Arithmetic::Mul => a.broadcast_mul(b),
        Arithmetic::Div => on_ints(a, b, i64::checked_div),
    }
}

fn on_ints(a: &Tensor, b: &Tensor, apply: impl Fn(i64, i64) -> Option<i64>) -> Result<Tensor> {
    let shape = broadcast_shape(a.dims(), b.dims())?;
    let pairs = ints(&spread(a, &shape)?)?.into_iter().zip(ints(&spread(b, &shape)?)?);
    let values: Option<Vec<i64>> = pairs.map(|(a, b)| apply(a, b)).collect();
    match values {
        Some(values) => Tensor::from_vec(values, shape, a.device()),
        None => bail("an integer division by zero"),
    }
}

fn on_floats(a: &Tensor, b: &Tensor, apply: impl Fn(f32, f32) -> f32) -> Result<Tensor> {
    let shape = broadcast_shape(a.dims(), b.dims())?;
    let pairs = floats(&spread(a, &shape)?)?.into_iter().zip(floats(&spread(b, &shape)?)?);
    let values: Vec<f32> = pairs.map(|(a, b)| apply(a, b)).collect();
    Tensor::from_vec(values, shape, a.device())?.to_dtype(a.dtype())
}

/// candle's own power of two tensors goes through logarithms, which loses negative bases.
fn power(inputs: &Inputs) -> Result<Tensor> {
    let (base, exponent) = (inputs.get(0)?, inputs.get(1)?);
    if is_int(base) {
        return on_ints(base, exponent, |a, b| u32::try_from(b).ok().map_or(Some(0), |b| Some(a.wrapping_pow(b))));
    }
    if exponent.elem_count() == 1 && exponent.rank() <= base.rank() {
        return match exponent.flatten_all()?.get(0)?.to_dtype(DType::F64)?.to_scalar::<f64>()? {
            2.0 => base.sqr(),
            0.5 => base.sqrt(),
            other => base.powf(other),
        };
    }
    on_floats(base, exponent, f32::powf)
}

/// With `fmod` the sign of the dividend, otherwise that of the divisor.
fn modulo(node: &Node, _: i64) -> Built {
    let like_c = int_or(node, "fmod", 0) == 1;
    one(move |x| {
        let (a, b) = (x.get(0)?, x.get(1)?);
        match (is_int(a), like_c) {
            (true, true) => on_ints(a, b, i64::checked_rem),
            (true, false) => on_ints(a, b, |a, b| {
                a.checked_rem(b).map(|rest| if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
            }),
            (false, _) => on_floats(a, b, |a, b| a % b),
        }
    })
}

fn fold(inputs: &Inputs, join: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let mut all = inputs.all();
    let first = all.next().map_or_else(|| bail("there are no inputs"), |first| Ok(first.clone()))?;
    all.try_fold(first, |so_far, next| join(&so_far, next))
}

#[derive(Clone, Copy)]
enum Extreme {
    Smaller,
    Larger,
}

fn pick(a: &Tensor, b: &Tensor, which: Extreme) -> Result<Tensor> {
    match which {
        Extreme::Smaller => a.broadcast_minimum(b),
        Extreme::Larger => a.broadcast_maximum(b),
    }
}

fn by_kind(tensor: &Tensor, float: impl Fn(&Tensor) -> Result<Tensor>, int: impl Fn(i64) -> i64) -> Result<Tensor> {
    if is_int(tensor) { map_ints(tensor, int) } else { float(tensor) }
}

/// log(1 + eˣ) without overflow: max(x, 0) + log(1 + e^−|x|).
fn softplus(x: &Tensor) -> Result<Tensor> {
    x.relu()?.add(&x.abs()?.neg()?.exp()?.affine(1.0, 1.0)?.log()?)
}

fn hard_sigmoid(x: &Tensor, alpha: f64, beta: f64) -> Result<Tensor> {
    if is_ours(x) {
        let (alpha, beta) = (alpha as f32, beta as f32);
        return map_floats(x, |x| (alpha * x + beta).clamp(0.0, 1.0));
    }
    x.affine(alpha, beta)?.clamp(0.0, 1.0)
}

fn prelu(inputs: &Inputs) -> Result<Tensor> {
    let (x, slope) = (inputs.get(0)?, inputs.get(1)?);
    x.relu()?.add(&x.neg()?.relu()?.neg()?.broadcast_mul(slope)?)
}

/// Bounds are inputs since operator version 11, attributes before.
fn clip(node: &Node, _: i64) -> Built {
    let (low, high) = (node.float("min"), node.float("max"));
    one(move |x| {
        let bound = |index: usize, attribute: Option<f32>| match (x.optional(index), attribute) {
            (Some(bound), _) => Ok(Some(bound.clone())),
            (None, Some(bound)) => Tensor::new(bound, x.device)?.to_dtype(x.get(0)?.dtype()).map(Some),
            (None, None) => Ok(None),
        };
        let (low, high) = (bound(1, low)?, bound(2, high)?);
        let mut clipped = x.get(0)?.clone();
        if is_ours(&clipped) {
            let number = |bound: Option<Tensor>, endless: f32| match bound {
                Some(bound) => Ok(floats(&bound)?.first().copied().unwrap_or(endless)),
                None => Ok::<_, Error>(endless),
            };
            let (low, high) = (number(low, f32::NEG_INFINITY)?, number(high, f32::INFINITY)?);
            // As ONNX has it: the upper bound where they cross. What is no number stays none.
            return map_floats(&clipped, |x| {
                if x < low {
                    low.min(high)
                } else if x > high {
                    high
                } else {
                    x
                }
            });
        }
        if let Some(low) = low {
            clipped = clipped.broadcast_maximum(&low)?;
        }
        if let Some(high) = high {
            clipped = clipped.broadcast_minimum(&high)?;
        }
        Ok(clipped)
    })
}

fn cast(node: &Node, _: i64) -> Built {
    let code = int_or(node, "to", 0);
    let element = i32::try_from(code).ok().and_then(Element::from_onnx_code);
    let element = element.ok_or_else(|| format!("the number format {code}"))?;
    one(move |x| match element {
        Element::Bool => x.get(0)?.ne(&x.get(0)?.zeros_like()?),
        other => x.get(0)?.to_dtype(value::dtype(other)),
    })
}
