//! Integers with scales. candle has no products of integers, so they are widened to f32, which holds them exactly.

use super::{Builder, Inputs, axis, int_or, one};
use candle_core::{DType, Error, Result, Tensor};
use models::{Element, Graph, Node};

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "DequantizeLinear" => |node, _| {
            let (along, block) = (int_or(node, "axis", 1), int_or(node, "block_size", 0));
            one(move |x| widened(x, along, block))
        },
        "QuantizeLinear" => |node, _| {
            if int_or(node, "block_size", 0) != 0 {
                return Err("blocks".to_owned());
            }
            let along = int_or(node, "axis", 1);
            one(move |x| rounded(x, along))
        },
        "DynamicQuantizeLinear" => |_, _| Ok(Box::new(|x| by_own_range(x.get(0)?))),
        "MatMulInteger" => |_, _| one(sums),
        _ => return None,
    })
}

/// Says why a node cannot round as the graph means it: tensors keep no format of integers apart but unsigned bytes.
pub(super) fn check(node: &Node, graph: &Graph) -> std::result::Result<(), String> {
    if node.op != "QuantizeLinear" {
        return Ok(());
    }
    let zero = node.input(2).map(|name| format_of(name, graph)).transpose()?;
    let usual = zero.unwrap_or(Element::U8);
    let made = match int_or(node, "output_dtype", 0) {
        0 => Some(usual),
        code => i32::try_from(code).ok().and_then(Element::from_onnx_code),
    };
    match made {
        Some(Element::I8 | Element::U8) if made == Some(usual) => Ok(()),
        Some(Element::I8) if zero.is_none() => Err("signed numbers without a zero point".to_owned()),
        _ => Err("numbers of other than 8 bits".to_owned()),
    }
}

/// The format of integers that are a weight, or made of one in a way that says it.
fn format_of(name: &str, graph: &Graph) -> std::result::Result<Element, String> {
    if let Some(weight) = graph.initializer(name) {
        return Ok(weight.element);
    }
    let maker = graph.nodes.iter().find(|node| node.outputs.iter().any(|output| output == name));
    let told = match maker.map(|node| (node, node.op.as_str(), node.input(0))) {
        Some((node, "Cast", _)) => i32::try_from(int_or(node, "to", 0)).ok().and_then(Element::from_onnx_code),
        Some((_, "Identity" | "Reshape" | "Squeeze" | "Unsqueeze", Some(from))) => return format_of(from, graph),
        Some((_, "DynamicQuantizeLinear", _)) => Some(Element::U8),
        Some(_) => None,
        None => graph.inputs.iter().find(|input| input.name == name).map(|input| input.element),
    };
    told.ok_or_else(|| "a zero point of a format that the graph does not say".to_owned())
}

/// (x − zero point) · scale.
fn widened(x: &Inputs, along: i64, block: i64) -> Result<Tensor> {
    let (integers, scale) = (x.get(0)?, x.get(1)?);
    let spread = |tensor: &Tensor| spread_along(tensor, integers, along, block);
    let scale = spread(&scale.to_dtype(DType::F32)?)?;
    let mut numbers = integers.to_dtype(DType::F32)?;
    if let Some(zero) = x.optional(2) {
        numbers = numbers.broadcast_sub(&spread(&zero.to_dtype(DType::F32)?)?)?;
    }
    numbers.broadcast_mul(&scale)?.to_dtype(x.get(1)?.dtype())
}

/// x / scale + zero point, to the nearest even integer of the zero point's format.
fn rounded(x: &Inputs, along: i64) -> Result<Tensor> {
    let number = x.get(0)?;
    let spread = |tensor: &Tensor| spread_along(&tensor.to_dtype(DType::F32)?, number, along, 0);
    let steps = number.to_dtype(DType::F32)?.broadcast_div(&spread(x.get(1)?)?)?;
    let steps = super::map_floats(&steps, f32::round_ties_even)?;
    match x.optional(2) {
        // Among the formats of one byte, candle keeps only the unsigned one apart from i64.
        Some(zero) if zero.dtype() != DType::U8 => {
            steps.broadcast_add(&spread(zero)?)?.clamp(-128f32, 127f32)?.to_dtype(DType::I64)
        }
        Some(zero) => steps.broadcast_add(&spread(zero)?)?.clamp(0f32, 255f32)?.to_dtype(DType::U8),
        None => steps.clamp(0f32, 255f32)?.to_dtype(DType::U8),
    }
}

/// Unsigned 8 bits over the range of the tensor itself, which always includes zero: integers, scale and zero point.
fn by_own_range(x: &Tensor) -> Result<Vec<Tensor>> {
    let flat = x.to_dtype(DType::F32)?.flatten_all()?;
    let (smallest, largest) = (flat.min(0)?.to_scalar::<f32>()?.min(0.0), flat.max(0)?.to_scalar::<f32>()?.max(0.0));
    let scale = if largest > smallest { (largest - smallest) / 255.0 } else { 1.0 };
    let zero = (-smallest / scale).round_ties_even().clamp(0.0, 255.0);
    let steps = super::map_floats(&x.affine(1.0 / f64::from(scale), 0.0)?, f32::round_ties_even)?;
    let integers = steps.affine(1.0, f64::from(zero))?.clamp(0f32, 255f32)?.to_dtype(DType::U8)?;
    let scalar = |value: f32| Tensor::new(value, x.device());
    Ok(vec![integers, scalar(scale)?, scalar(zero)?.to_dtype(DType::U8)?])
}

/// (a − its zero point) · (b − its zero point). Sums beyond 2²⁴ lose their last bits.
fn sums(x: &Inputs) -> Result<Tensor> {
    let side = |index: usize, zero: usize| -> Result<Tensor> {
        let numbers = x.get(index)?.to_dtype(DType::F32)?;
        match x.optional(zero) {
            Some(zero) if zero.elem_count() == 1 => {
                let zero = zero.to_dtype(DType::F32)?.flatten_all()?.get(0)?.to_scalar::<f32>()?;
                numbers.affine(1.0, f64::from(-zero))
            }
            // One zero point for each row of the left side or each column of the right one.
            Some(zero) if index == 1 => numbers.broadcast_sub(&zero.to_dtype(DType::F32)?),
            Some(zero) => numbers.broadcast_sub(&zero.to_dtype(DType::F32)?.unsqueeze(1)?),
            None => Ok(numbers),
        }
    };
    super::matrix::product(&side(0, 2)?, &side(1, 3)?)?.to_dtype(DType::I64)
}

/// A scale or zero point in the shape of what it belongs to: one for all, one for each place of an axis, or one for each
/// block of places.
pub(super) fn spread_along(scale: &Tensor, whole: &Tensor, along: i64, block: i64) -> Result<Tensor> {
    if scale.elem_count() == 1 {
        return scale.flatten_all()?.get(0);
    }
    let along = axis(along, whole.rank())?;
    if block > 0 {
        let (blocks, length) = (scale.dim(along)?, block as usize);
        let mut shape = scale.dims().to_vec();
        shape.insert(along + 1, length);
        let repeated = scale.unsqueeze(along + 1)?.broadcast_as(shape)?.contiguous()?;
        let mut shape = scale.dims().to_vec();
        shape[along] = blocks * length;
        return repeated.reshape(shape)?.narrow(along, 0, whole.dim(along)?);
    }
    if scale.rank() != 1 {
        return Err(Error::Msg(format!("scales of shape {:?} for {:?}", scale.dims(), whole.dims())));
    }
    let mut shape = vec![1; whole.rank()];
    shape[along] = scale.elem_count();
    scale.reshape(shape)
}
