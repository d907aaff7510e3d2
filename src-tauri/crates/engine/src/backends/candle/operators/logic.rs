//! Comparing and choosing. Booleans are bytes that are 0 or 1.

use super::{Builder, Inputs, broadcast_shape, map_floats, one, spread};
use candle_core::{DType, Result, Tensor};

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "Equal" => |_, _| one(|x| x.get(0)?.broadcast_eq(x.get(1)?)),
        "Greater" => |_, _| one(|x| x.get(0)?.broadcast_gt(x.get(1)?)),
        "GreaterOrEqual" => |_, _| one(|x| x.get(0)?.broadcast_ge(x.get(1)?)),
        "Less" => |_, _| one(|x| x.get(0)?.broadcast_lt(x.get(1)?)),
        "LessOrEqual" => |_, _| one(|x| x.get(0)?.broadcast_le(x.get(1)?)),
        "And" => |_, _| one(|x| x.get(0)?.broadcast_mul(x.get(1)?)),
        "Or" => |_, _| one(|x| x.get(0)?.broadcast_maximum(x.get(1)?)),
        "Xor" => |_, _| one(|x| x.get(0)?.broadcast_ne(x.get(1)?)),
        "Not" => |_, _| one(|x| x.get(0)?.eq(&x.get(0)?.zeros_like()?)),
        "Where" => |_, _| one(choose),
        "IsNaN" => |_, _| one(|x| map_floats(x.get(0)?, |v| f32::from(v.is_nan()))?.to_dtype(DType::U8)),
        "IsInf" => |node, _| {
            let (up, down) =
                (super::int_or(node, "detect_positive", 1) == 1, super::int_or(node, "detect_negative", 1) == 1);
            let is_inf = move |v: f32| f32::from((up && v == f32::INFINITY) || (down && v == f32::NEG_INFINITY));
            one(move |x| map_floats(x.get(0)?, is_inf)?.to_dtype(DType::U8))
        },
        _ => return None,
    })
}

fn choose(inputs: &Inputs) -> Result<Tensor> {
    let (condition, yes, no) = (inputs.get(0)?, inputs.get(1)?, inputs.get(2)?);
    let shape = broadcast_shape(&broadcast_shape(condition.dims(), yes.dims())?, no.dims())?;
    spread(condition, &shape)?.where_cond(&spread(yes, &shape)?, &spread(no, &shape)?)
}
