//! Shape arithmetic: the numbers of small values that follow from shapes and constants.

use super::{
    Info, MOST_VALUES,
    rules::{broadcast, clamped, listed, shape_range},
};
use crate::{Attribute, Element, Node};

/// The numbers of a node's first output, whose shape and element are known already.
pub fn of(node: &Node, inputs: &[Option<&Info>], shape: Option<&[u64]>, element: Option<Element>) -> Option<Vec<f64>> {
    let shape = shape?;
    if super::count(shape)? > MOST_VALUES as u64 {
        return None;
    }
    let values = |index: usize| inputs.get(index).copied().flatten()?.values.as_deref();
    let size = |index: usize| inputs.get(index).copied().flatten()?.shape.as_deref();
    match node.op.as_str() {
        "Constant" => constant(node),
        "Shape" => {
            let input = size(0)?;
            Some(input[shape_range(node, input.len())].iter().map(|size| *size as f64).collect())
        }
        "Size" => Some(vec![super::count(size(0)?)? as f64]),
        "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => Some(values(0)?.to_vec()),
        "Cast" => Some(values(0)?.iter().map(|value| cast(*value, element)).collect()),
        "Floor" => Some(values(0)?.iter().map(|value| value.floor()).collect()),
        "Ceil" => Some(values(0)?.iter().map(|value| value.ceil()).collect()),
        "Neg" => Some(values(0)?.iter().map(|value| -value).collect()),
        "Sqrt" => Some(values(0)?.iter().map(|value| value.sqrt()).collect()),
        "Not" => Some(values(0)?.iter().map(|value| truth(*value == 0.0)).collect()),
        "ConstantOfShape" => {
            let value = match node.attributes.get("value") {
                Some(Attribute::Tensor(tensor)) => *tensor.f64s().first()?,
                _ => 0.0,
            };
            Some(vec![value; super::count(shape)? as usize])
        }
        "Range" => {
            let (start, step) = (*values(0)?.first()?, *values(2)?.first()?);
            Some((0..*shape.first()?).map(|index| start + index as f64 * step).collect())
        }
        "Concat" if shape.len() == 1 => {
            (0..inputs.len()).map(values).collect::<Option<Vec<_>>>().map(|parts| parts.concat())
        }
        "Gather" if size(0)?.len() == 1 => {
            let table = values(0)?;
            let pick = |index: &f64| {
                let index = if *index < 0.0 { index + table.len() as f64 } else { *index };
                table.get(index as usize).copied()
            };
            values(1)?.iter().map(pick).collect()
        }
        "Slice" if size(0)?.len() == 1 => slice(node, inputs, values(0)?),
        "Expand" => stretch(values(0)?, size(0)?, shape),
        "ReduceProd" if shape.iter().all(|size| *size == 1) => Some(vec![values(0)?.iter().product()]),
        "ReduceSum" if shape.iter().all(|size| *size == 1) => Some(vec![values(0)?.iter().sum()]),
        "Where" => {
            let (yes, no) = (stretch(values(1)?, size(1)?, shape)?, stretch(values(2)?, size(2)?, shape)?);
            let chosen = stretch(values(0)?, size(0)?, shape)?.into_iter().zip(yes).zip(no);
            Some(chosen.map(|((condition, yes), no)| if condition != 0.0 { yes } else { no }).collect())
        }
        op => {
            let apply = binary(op, element)?;
            if inputs.len() != 2 {
                return None;
            }
            let (a, b) = (stretch(values(0)?, size(0)?, shape)?, stretch(values(1)?, size(1)?, shape)?);
            Some(a.into_iter().zip(b).map(|(a, b)| apply(a, b)).collect())
        }
    }
}

/// A two-input operator on numbers; whole numbers divide towards zero.
fn binary(op: &str, element: Option<Element>) -> Option<fn(f64, f64) -> f64> {
    let whole = element.is_some_and(|element| !element.is_float());
    Some(match op {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" if whole => |a, b| if b == 0.0 { f64::NAN } else { (a / b).trunc() },
        "Div" => |a, b| a / b,
        "Mod" => |a, b| a - b * (a / b).floor(),
        "Min" => f64::min,
        "Max" => f64::max,
        "Equal" => |a, b| truth(a == b),
        "Greater" => |a, b| truth(a > b),
        "GreaterOrEqual" => |a, b| truth(a >= b),
        "Less" => |a, b| truth(a < b),
        "LessOrEqual" => |a, b| truth(a <= b),
        "And" => |a, b| truth(a != 0.0 && b != 0.0),
        "Or" => |a, b| truth(a != 0.0 || b != 0.0),
        _ => return None,
    })
}

fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn cast(value: f64, element: Option<Element>) -> f64 {
    match element {
        Some(Element::Bool) => truth(value != 0.0),
        Some(element) if !element.is_float() => value.trunc(),
        _ => value,
    }
}

fn constant(node: &Node) -> Option<Vec<f64>> {
    match node.attributes.values().next()? {
        Attribute::Tensor(tensor) if tensor.len() <= MOST_VALUES => Some(tensor.f64s()),
        Attribute::Int(value) => Some(vec![*value as f64]),
        Attribute::Float(value) => Some(vec![f64::from(*value)]),
        Attribute::Ints(values) => Some(values.iter().map(|value| *value as f64).collect()),
        Attribute::Floats(values) => Some(values.iter().map(|value| f64::from(*value)).collect()),
        _ => None,
    }
}

fn slice(node: &Node, inputs: &[Option<&Info>], values: &[f64]) -> Option<Vec<f64>> {
    debug_assert_eq!(node.op, "Slice");
    let first = |index: usize, attribute: &str| listed(node, inputs, index, attribute)??.first().copied();
    let step = first(4, "steps").unwrap_or(1);
    let (start, end) = clamped(first(1, "starts")?, first(2, "ends")?, step, values.len() as u64)?;
    let mut out = Vec::new();
    let mut place = start;
    while (step > 0 && place < end) || (step < 0 && place > end) {
        out.push(*values.get(usize::try_from(place).ok()?)?);
        place = place.checked_add(step)?;
    }
    Some(out)
}

/// Values repeated to a shape they broadcast to.
fn stretch(values: &[f64], from: &[u64], to: &[u64]) -> Option<Vec<f64>> {
    if broadcast(from, to)? != to {
        return None;
    }
    let total = super::count(to)? as usize;
    let source = |mut place: usize| {
        let (mut index, mut stride) = (0, 1);
        for (back, extent) in to.iter().rev().enumerate() {
            let coordinate = place % *extent as usize;
            place /= *extent as usize;
            if let Some(own) = from.len().checked_sub(back + 1).map(|axis| from[axis] as usize) {
                index += if own == 1 { 0 } else { coordinate * stride };
                stride *= own;
            }
        }
        index
    };
    (0..total).map(|place| values.get(source(place)).copied()).collect()
}
