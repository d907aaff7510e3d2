//! Arranging: shapes, joining, cutting, padding, and tensors made from nothing.

use super::{Builder, Inputs, Kernel, axes, axis, bail, has, int_or, ints, ints_of, is_int, one, spread, tensor_of};
use crate::backends::candle::value;
use candle_core::{DType, Device, Result, Tensor};
use models::{Attribute, Node};

type Built = std::result::Result<Kernel, String>;

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "Shape" => shape,
        "Size" => |_, _| one(|x| Tensor::new(x.get(0)?.elem_count() as i64, &Device::Cpu)),
        "Reshape" => reshape,
        "Flatten" => flatten,
        "Squeeze" => squeeze,
        "Unsqueeze" => unsqueeze,
        "Transpose" => transpose,
        "Expand" => |_, _| one(expand),
        "Tile" => |_, _| one(|x| x.get(0)?.repeat(sizes(&x.ints(1)?)?)),
        "Concat" => |node, _| {
            let along = int_or(node, "axis", 0);
            one(move |x| {
                let all: Vec<&Tensor> = x.all().collect();
                let first = x.get(0)?;
                Tensor::cat(&all, axis(along, first.rank())?)
            })
        },
        "Split" => split,
        "Slice" => slice,
        "Pad" => pad,
        "Trilu" => |node, _| {
            let upper = int_or(node, "upper", 1) == 1;
            one(move |x| trilu(x, upper))
        },
        "DepthToSpace" => |node, _| {
            let (block, columns_first) = (int_or(node, "blocksize", 1) as usize, node.text("mode") == Some("CRD"));
            one(move |x| depth_to_space(x.get(0)?, block, columns_first))
        },
        "SpaceToDepth" => |node, _| {
            let block = int_or(node, "blocksize", 1) as usize;
            one(move |x| space_to_depth(x.get(0)?, block))
        },
        "Constant" => constant,
        "ConstantOfShape" => constant_of_shape,
        "Range" => |_, _| one(range),
        _ => return None,
    })
}

fn sizes(listed: &[i64]) -> Result<Vec<usize>> {
    let size = |size: &i64| usize::try_from(*size).or_else(|_| bail(format!("a size of {size}")));
    listed.iter().map(size).collect()
}

/// Shapes stay on the host, where the kernels that need them read them.
fn shape(node: &Node, _: i64) -> Built {
    let (start, end) = (int_or(node, "start", 0), node.int("end"));
    one(move |x| {
        let dims: Vec<i64> = x.get(0)?.dims().iter().map(|size| *size as i64).collect();
        let place = |at: i64| (if at < 0 { at + dims.len() as i64 } else { at }).clamp(0, dims.len() as i64) as usize;
        let (start, end) = (place(start), end.map_or(dims.len(), place));
        let part = dims.get(start..end).unwrap_or_default();
        Tensor::from_slice(part, part.len(), &Device::Cpu)
    })
}

fn reshape(node: &Node, _: i64) -> Built {
    let (attribute, zero_is_zero) = (ints_of(node, "shape"), int_or(node, "allowzero", 0) == 1);
    one(move |x| {
        let value = x.get(0)?;
        let Some(wanted) = x.ints_or(1, attribute.as_deref())? else { return bail("there is no shape") };
        let mut shape: Vec<usize> = Vec::with_capacity(wanted.len());
        let mut open = None;
        for (place, size) in wanted.iter().enumerate() {
            shape.push(match size {
                -1 => {
                    open = Some(place);
                    1
                }
                0 if !zero_is_zero => value.dim(place)?,
                size => usize::try_from(*size).or_else(|_| bail(format!("a size of {size}")))?,
            });
        }
        if let Some(place) = open {
            let known: usize = shape.iter().product();
            shape[place] = value.elem_count().checked_div(known).unwrap_or(0);
        }
        value.reshape(shape)
    })
}

fn flatten(node: &Node, _: i64) -> Built {
    let along = int_or(node, "axis", 1);
    one(move |x| {
        let value = x.get(0)?;
        let cut = if along < 0 { along + value.rank() as i64 } else { along };
        let rows: usize = value.dims().iter().take(cut.max(0) as usize).product();
        let columns: usize = value.dims().iter().skip(cut.max(0) as usize).product();
        value.reshape((rows, columns))
    })
}

fn squeeze(node: &Node, _: i64) -> Built {
    let attribute = ints_of(node, "axes");
    one(move |x| {
        let value = x.get(0)?;
        let dropped = match x.ints_or(1, attribute.as_deref())? {
            Some(listed) => axes(&listed, value.rank())?,
            None => (0..value.rank()).filter(|place| value.dims()[*place] == 1).collect(),
        };
        let kept = value.dims().iter().enumerate().filter(|(place, _)| !dropped.contains(place));
        value.reshape(kept.map(|(_, size)| *size).collect::<Vec<_>>())
    })
}

fn unsqueeze(node: &Node, _: i64) -> Built {
    let attribute = ints_of(node, "axes");
    one(move |x| {
        let value = x.get(0)?;
        let listed = x.ints_or(1, attribute.as_deref())?.unwrap_or_default();
        let rank = value.rank() + listed.len();
        let added = axes(&listed, rank)?;
        let mut old = value.dims().iter();
        let place = |place: usize| if added.contains(&place) { 1 } else { old.next().copied().unwrap_or(1) };
        value.reshape((0..rank).map(place).collect::<Vec<_>>())
    })
}

fn transpose(node: &Node, _: i64) -> Built {
    let order = ints_of(node, "perm");
    one(move |x| {
        let value = x.get(0)?;
        match &order {
            Some(order) => value.permute(axes(order, value.rank())?),
            None => value.permute((0..value.rank()).rev().collect::<Vec<_>>()),
        }
    })
}

/// The shape asked for and the tensor's own spread to each other.
fn expand(inputs: &Inputs) -> Result<Tensor> {
    let value = inputs.get(0)?;
    let wanted = sizes(&inputs.ints(1)?)?;
    spread(value, &super::broadcast_shape(value.dims(), &wanted)?)
}

fn split(node: &Node, _: i64) -> Built {
    let (along, attribute, parts) = (int_or(node, "axis", 0), ints_of(node, "split"), node.outputs.len());
    Ok(Box::new(move |x| {
        let value = x.get(0)?;
        let along = axis(along, value.rank())?;
        let lengths = match x.ints_or(1, attribute.as_deref())? {
            Some(lengths) => sizes(&lengths)?,
            None => {
                let (all, each) = (value.dims()[along], value.dims()[along].div_ceil(parts));
                (0..parts).map(|part| each.min(all.saturating_sub(part * each))).collect()
            }
        };
        let mut start = 0;
        lengths
            .into_iter()
            .map(|length| {
                let part = value.narrow(along, start, length);
                start += length;
                part
            })
            .collect()
    }))
}

/// Bounds are inputs since operator version 10, attributes before.
fn slice(node: &Node, _: i64) -> Built {
    let (starts, ends, listed) = (ints_of(node, "starts"), ints_of(node, "ends"), ints_of(node, "axes"));
    one(move |x| {
        let value = x.get(0)?;
        let starts = x.ints_or(1, starts.as_deref())?.unwrap_or_default();
        let ends = x.ints_or(2, ends.as_deref())?.unwrap_or_default();
        let listed = x.ints_or(3, listed.as_deref())?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = x.ints_or(4, None)?.unwrap_or_else(|| vec![1; starts.len()]);
        let along = axes(&listed, value.rank())?;
        let mut cut = value.clone();
        for (((start, end), step), along) in starts.iter().zip(&ends).zip(&steps).zip(along) {
            cut = slice_along(&cut, along, *start, *end, *step)?;
        }
        Ok(cut)
    })
}

fn slice_along(value: &Tensor, along: usize, start: i64, end: i64, step: i64) -> Result<Tensor> {
    let size = value.dims()[along] as i64;
    let place = |at: i64, low: i64, high: i64| (if at < 0 { at.saturating_add(size) } else { at }).clamp(low, high);
    if step == 1 {
        let (start, end) = (place(start, 0, size), place(end, 0, size));
        return value.narrow(along, start as usize, (end - start).max(0) as usize);
    }
    if step == 0 {
        return bail("a step of 0");
    }
    let (start, end) = if step > 0 {
        (place(start, 0, size), place(end, 0, size))
    } else {
        (place(start, 0, size - 1), place(end, -1, size - 1))
    };
    let rows = stepped(start, end, step);
    let count = rows.len();
    value.contiguous()?.index_select(&Tensor::from_vec(rows, count, value.device())?, along)
}

/// From `start` to before `end`, in steps of other than 0.
fn stepped(start: i64, end: i64, step: i64) -> Vec<i64> {
    let way = if step > 0 { end.saturating_sub(start) } else { start.saturating_sub(end) };
    let count = (way.max(0) as u64).div_ceil(step.unsigned_abs());
    (0..count as i64).map(|index| start + index * step).collect()
}

fn pad(node: &Node, _: i64) -> Built {
    let mode = node.text("mode").unwrap_or("constant").to_owned();
    if !["constant", "reflect", "edge"].contains(&mode.as_str()) {
        return Err(format!("the mode {mode}"));
    }
    let (attribute, fill) = (ints_of(node, "pads"), node.float("value"));
    one(move |x| {
        let value = x.get(0)?;
        let amounts = x.ints_or(1, attribute.as_deref())?.unwrap_or_default();
        let along = match x.ints_or(3, None)? {
            Some(listed) => axes(&listed, value.rank())?,
            None => (0..value.rank()).collect(),
        };
        let fill = match (x.optional(2), fill) {
            (Some(fill), _) => super::floats(fill)?.first().copied().unwrap_or(0.0),
            (None, fill) => fill.unwrap_or(0.0),
        };
        if amounts.len() != 2 * along.len() {
            return bail(format!("{} pad sizes for {} dimensions", amounts.len(), along.len()));
        }
        let (before, after) = amounts.split_at(along.len());
        let mut padded = value.clone();
        for ((along, before), after) in along.into_iter().zip(before).zip(after) {
            padded = pad_along(&padded, along, *before, *after, &mode, fill.into())?;
        }
        Ok(padded)
    })
}

/// Negative amounts cut.
pub(super) fn pad_along(
    value: &Tensor,
    along: usize,
    before: i64,
    after: i64,
    mode: &str,
    fill: f64,
) -> Result<Tensor> {
    let size = value.dims()[along] as i64;
    let (cut_before, cut_after) = ((-before).max(0), (-after).max(0));
    let kept = value.narrow(along, cut_before as usize, (size - cut_before - cut_after).max(0) as usize)?;
    let (before, after) = (before.max(0), after.max(0));
    if before == 0 && after == 0 {
        return Ok(kept);
    }
    let length = kept.dims()[along] as i64;
    if mode == "constant" {
        let side = |amount: i64| {
            let mut shape = kept.dims().to_vec();
            shape[along] = amount as usize;
            Tensor::full(fill, shape, kept.device())?.to_dtype(kept.dtype())
        };
        return Tensor::cat(&[&side(before)?, &kept, &side(after)?], along);
    }
    let row = |place: i64| match mode {
        "edge" => place.clamp(0, length - 1),
        // Mirrored without repeating the edge, back and forth as often as needed.
        _ if length == 1 => 0,
        _ => {
            let turn = place.rem_euclid(2 * (length - 1));
            turn.min(2 * (length - 1) - turn)
        }
    };
    let rows: Vec<i64> = (-before..length + after).map(row).collect();
    let count = rows.len();
    kept.contiguous()?.index_select(&Tensor::from_vec(rows, count, kept.device())?, along)
}

fn trilu(inputs: &Inputs, upper: bool) -> Result<Tensor> {
    let value = inputs.get(0)?;
    let diagonal = inputs.ints_or(1, None)?.and_then(|listed| listed.first().copied()).unwrap_or(0);
    let [.., rows, columns] = *value.dims() else { return bail("a triangle of something without rows and columns") };
    let kept = |row: i64, column: i64| if upper { column - row >= diagonal } else { column - row <= diagonal };
    let mask: Vec<u8> =
        (0..rows as i64).flat_map(|row| (0..columns as i64).map(move |column| u8::from(kept(row, column)))).collect();
    let mask = Tensor::from_vec(mask, (rows, columns), value.device())?;
    spread(&mask, value.dims())?.where_cond(value, &value.zeros_like()?)
}

fn depth_to_space(value: &Tensor, block: usize, columns_first: bool) -> Result<Tensor> {
    let (batch, channels, height, width) = value.dims4()?;
    let depth = channels / (block * block);
    let blocks = if columns_first {
        value.reshape(&[batch, depth, block, block, height, width][..])?.permute(vec![0, 1, 4, 2, 5, 3])?
    } else {
        value.reshape(&[batch, block, block, depth, height, width][..])?.permute(vec![0, 3, 4, 1, 5, 2])?
    };
    blocks.reshape((batch, depth, height * block, width * block))
}

fn space_to_depth(value: &Tensor, block: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = value.dims4()?;
    value
        .reshape(&[batch, channels, height / block, block, width / block, block][..])?
        .permute(vec![0, 3, 5, 1, 2, 4])?
        .reshape((batch, channels * block * block, height / block, width / block))
}

fn constant(node: &Node, _: i64) -> Built {
    let made = match (tensor_of(node, "value"), node.attributes.iter().next()) {
        (Some(given), _) => value::tensor(given.element, &given.shape, &given.bytes, &Device::Cpu),
        (None, Some((_, Attribute::Int(number)))) => Tensor::new(*number, &Device::Cpu),
        (None, Some((_, Attribute::Float(number)))) => Tensor::new(*number, &Device::Cpu),
        (None, Some((_, Attribute::Ints(numbers)))) => Tensor::from_slice(numbers, numbers.len(), &Device::Cpu),
        (None, Some((_, Attribute::Floats(numbers)))) => Tensor::from_slice(numbers, numbers.len(), &Device::Cpu),
        (None, other) => return Err(format!("the value {:?}", other.map(|(name, _)| name))),
    };
    let made = made.map_err(|error| error.to_string())?;
    one(move |x| if is_int(&made) { Ok(made.clone()) } else { made.to_device(x.device) })
}

fn constant_of_shape(node: &Node, _: i64) -> Built {
    let fill = match tensor_of(node, "value") {
        Some(given) => {
            value::tensor(given.element, &[], &given.bytes, &Device::Cpu).map_err(|error| error.to_string())?
        }
        None if has(node, "value") => return Err("a value that is not a tensor".to_owned()),
        None => Tensor::new(0f32, &Device::Cpu).map_err(|error| error.to_string())?,
    };
    one(move |x| {
        let shape = sizes(&x.ints(0)?)?;
        let fill = if is_int(&fill) { fill.clone() } else { fill.to_device(x.device)? };
        fill.broadcast_as(shape)?.contiguous()
    })
}

fn range(inputs: &Inputs) -> Result<Tensor> {
    if is_int(inputs.get(0)?) {
        let number = |index: usize| ints(inputs.get(index)?).map(|listed| listed.first().copied().unwrap_or(0));
        let (start, limit, step) = (number(0)?, number(1)?, number(2)?);
        if step == 0 {
            return bail("a step of 0");
        }
        let values = stepped(start, limit, step);
        let count = values.len();
        return Tensor::from_vec(values, count, &Device::Cpu);
    }
    let dtype = inputs.get(0)?.dtype();
    let number = |index: usize| inputs.get(index)?.flatten_all()?.get(0)?.to_dtype(DType::F64)?.to_scalar::<f64>();
    let (start, limit, step) = (number(0)?, number(1)?, number(2)?);
    let count = ((limit - start) / step).ceil().max(0.0) as usize;
    let values: Vec<f64> = (0..count).map(|i| start + i as f64 * step).collect();
    Tensor::from_vec(values, count, inputs.device)?.to_dtype(dtype)
}
