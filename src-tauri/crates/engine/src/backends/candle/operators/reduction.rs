//! Sums, means and extremes over axes.

use super::{Builder, Inputs, Kernel, axes, floats, int_or, ints, ints_of, is_int, one};
use candle_core::{Result, Tensor};
use models::Node;

type Built = std::result::Result<Kernel, String>;

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "ReduceSum" => |node, _| reduce(node, |x, axes| x.sum_keepdim(axes)),
        "ReduceMean" => |node, _| reduce(node, |x, axes| x.mean_keepdim(axes)),
        "ReduceMax" => |node, _| reduce(node, |x, axes| each(x, axes, |x, axis| x.max_keepdim(axis))),
        "ReduceMin" => |node, _| reduce(node, |x, axes| each(x, axes, |x, axis| x.min_keepdim(axis))),
        "ReduceProd" => |node, _| reduce(node, product),
        "ReduceSumSquare" => |node, _| reduce(node, |x, axes| x.sqr()?.sum_keepdim(axes)),
        "ReduceL1" => |node, _| reduce(node, |x, axes| x.abs()?.sum_keepdim(axes)),
        "ReduceL2" => |node, _| reduce(node, |x, axes| x.sqr()?.sum_keepdim(axes)?.sqrt()),
        "ReduceLogSum" => |node, _| reduce(node, |x, axes| x.sum_keepdim(axes)?.log()),
        "ReduceLogSumExp" => |node, _| reduce(node, log_sum_exp),
        "ArgMax" => |node, _| arg(node, |a, b| a > b),
        "ArgMin" => |node, _| arg(node, |a, b| a < b),
        _ => return None,
    })
}

/// Axes are an input in newer operator versions and an attribute in older ones; none means all.
fn reduce(node: &Node, over: impl Fn(&Tensor, &[usize]) -> Result<Tensor> + 'static) -> Built {
    let (attribute, keep) = (ints_of(node, "axes"), int_or(node, "keepdims", 1) == 1);
    let none_is_nothing = int_or(node, "noop_with_empty_axes", 0) == 1;
    one(move |x| {
        let value = x.get(0)?;
        let listed = x.ints_or(1, attribute.as_deref())?.unwrap_or_default();
        if listed.is_empty() && none_is_nothing {
            return Ok(value.clone());
        }
        let along = if listed.is_empty() { (0..value.rank()).collect() } else { axes(&listed, value.rank())? };
        if along.is_empty() {
            return Ok(value.clone());
        }
        let reduced = over(value, &along)?;
        if keep {
            return Ok(reduced);
        }
        let kept = value.dims().iter().enumerate().filter(|(place, _)| !along.contains(place));
        reduced.reshape(kept.map(|(_, size)| *size).collect::<Vec<_>>())
    })
}

fn each(value: &Tensor, axes: &[usize], over: impl Fn(&Tensor, usize) -> Result<Tensor>) -> Result<Tensor> {
    axes.iter().try_fold(value.clone(), |so_far, axis| over(&so_far, *axis))
}

fn log_sum_exp(value: &Tensor, axes: &[usize]) -> Result<Tensor> {
    let largest = each(value, axes, |x, axis| x.max_keepdim(axis))?;
    value.broadcast_sub(&largest)?.exp()?.sum_keepdim(axes)?.log()?.add(&largest)
}

fn product(value: &Tensor, axes: &[usize]) -> Result<Tensor> {
    each(value, axes, |x, axis| {
        let last = x.rank() - 1;
        let swapped = x.transpose(axis, last)?;
        let (size, mut shape) = (swapped.dims()[last], swapped.dims().to_vec());
        shape[last] = 1;
        let reduced = if is_int(x) {
            let rows = ints(&swapped)?;
            Tensor::from_vec(
                rows.chunks(size.max(1)).map(|row| row.iter().product::<i64>()).collect(),
                shape,
                x.device(),
            )?
        } else {
            let rows = floats(&swapped)?;
            let products: Vec<f32> = rows.chunks(size.max(1)).map(|row| row.iter().product()).collect();
            Tensor::from_vec(products, shape, x.device())?.to_dtype(x.dtype())?
        };
        reduced.transpose(axis, last)?.contiguous()
    })
}

/// The first of equal extremes, or the last where the node says so.
fn arg(node: &Node, better: fn(f32, f32) -> bool) -> Built {
    let (along, keep) = (int_or(node, "axis", 0), int_or(node, "keepdims", 1) == 1);
    let last_of_equals = int_or(node, "select_last_index", 0) == 1;
    one(move |x: &Inputs| {
        let value = x.get(0)?;
        let along = super::axis(along, value.rank())?;
        let last = value.rank() - 1;
        let swapped = value.transpose(along, last)?;
        let size = swapped.dims()[last];
        let best = |row: &[f32]| {
            (0..row.len()).fold(0, |best, place| {
                let wins = better(row[place], row[best]) || (last_of_equals && row[place] == row[best]);
                if wins { place } else { best }
            }) as i64
        };
        let found: Vec<i64> = floats(&swapped)?.chunks(size.max(1)).map(best).collect();
        let mut shape = swapped.dims().to_vec();
        shape[last] = 1;
        let found = Tensor::from_vec(found, shape, value.device())?.transpose(along, last)?.contiguous()?;
        if keep { Ok(found) } else { found.squeeze(along) }
    })
}
