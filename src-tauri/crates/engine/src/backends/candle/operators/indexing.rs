//! Taking and placing by index, and what orders by value.

use super::{Builder, Inputs, Kernel, axis, bail, floats, int_or, ints, is_int, one};
use candle_core::{DType, Device, Result, Tensor};
use models::Node;

type Built = std::result::Result<Kernel, String>;

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "Gather" => |node, _| {
            let along = int_or(node, "axis", 0);
            one(move |x| gather(x.get(0)?, x.get(1)?, along))
        },
        "GatherElements" => |node, _| {
            let along = int_or(node, "axis", 0);
            one(move |x| gather_elements(x.get(0)?, x.get(1)?, along))
        },
        "GatherND" => |node, _| match int_or(node, "batch_dims", 0) {
            0 => one(|x| gather_nd(x.get(0)?, x.get(1)?)),
            dims => Err(format!("{dims} batch dimensions")),
        },
        "ScatterND" => |node, _| plain_scatter(node).and_then(|()| one(scatter_nd)),
        "ScatterElements" | "Scatter" => |node, _| {
            plain_scatter(node)?;
            let along = int_or(node, "axis", 0);
            one(move |x| scatter_elements(x, along))
        },
        "OneHot" => |node, _| {
            let along = int_or(node, "axis", -1);
            one(move |x| one_hot(x, along))
        },
        "NonZero" => |_, _| one(|x| non_zero(x.get(0)?)),
        "CumSum" => |node, _| {
            let (exclusive, reverse) = (int_or(node, "exclusive", 0) == 1, int_or(node, "reverse", 0) == 1);
            one(move |x| cumulative_sum(x, exclusive, reverse))
        },
        "TopK" => top_k,
        _ => return None,
    })
}

/// Indices counted from the front, on the device of the data. Negative ones count from the end.
fn counted(indices: &Tensor, size: usize, device: &Device) -> Result<Tensor> {
    let listed = ints(indices)?;
    let size = size as i64;
    if let Some(outside) = listed.iter().find(|index| !(-size..size).contains(index)) {
        return bail(format!("index {outside} of {size}"));
    }
    let fixed: Vec<i64> = listed.into_iter().map(|index| if index < 0 { index + size } else { index }).collect();
    Tensor::from_vec(fixed, indices.dims(), device)
}

fn gather(data: &Tensor, indices: &Tensor, along: i64) -> Result<Tensor> {
    let along = axis(along, data.rank())?;
    let rows = counted(indices, data.dims()[along], data.device())?;
    let taken = data.contiguous()?.index_select(&rows.flatten_all()?, along)?;
    let shape = [&data.dims()[..along], indices.dims(), &data.dims()[along + 1..]].concat();
    taken.reshape(shape)
}

fn gather_elements(data: &Tensor, indices: &Tensor, along: i64) -> Result<Tensor> {
    let along = axis(along, data.rank())?;
    let places = counted(indices, data.dims()[along], data.device())?;
    data.contiguous()?.gather(&places, along)
}

/// The places in row-major order that index tuples name, and how many numbers lie at each.
fn places(indices: &Tensor, dims: &[usize]) -> Result<(Vec<usize>, usize)> {
    let depth = indices.dims().last().copied().unwrap_or(0);
    if depth == 0 || depth > dims.len() {
        return bail(format!("index tuples of {depth} for a tensor with {} dimensions", dims.len()));
    }
    let place = |tuple: &[i64]| {
        tuple.iter().zip(dims).try_fold(0usize, |place, (index, size)| {
            let counted = if *index < 0 { index + *size as i64 } else { *index };
            let inside = (0..*size as i64).contains(&counted);
            if inside { Ok(place * size + counted as usize) } else { bail(format!("index {index} of {size}")) }
        })
    };
    let listed = ints(indices)?;
    let found = listed.chunks(depth).map(place).collect::<Result<Vec<_>>>()?;
    Ok((found, dims[depth..].iter().product()))
}

fn gather_nd(data: &Tensor, indices: &Tensor) -> Result<Tensor> {
    let (found, each) = places(indices, data.dims())?;
    let depth = indices.dims().last().copied().unwrap_or(0);
    let rows: Vec<i64> = found.iter().map(|place| *place as i64).collect();
    let rows = Tensor::from_slice(&rows, rows.len(), data.device())?;
    let leading: usize = data.dims()[..depth].iter().product();
    let taken = data.contiguous()?.reshape((leading, each))?.index_select(&rows, 0)?;
    taken.reshape([&indices.dims()[..indices.rank() - 1], &data.dims()[depth..]].concat())
}

fn plain_scatter(node: &Node) -> std::result::Result<(), String> {
    match node.text("reduction") {
        None | Some("none") => Ok(()),
        Some(other) => Err(format!("the reduction {other}")),
    }
}

fn scatter_nd(inputs: &Inputs) -> Result<Tensor> {
    let (data, updates) = (inputs.get(0)?, inputs.get(2)?);
    let (found, each) = places(inputs.get(1)?, data.dims())?;
    let pairs =
        found.iter().enumerate().flat_map(|(from, to)| (0..each).map(move |i| (from * each + i, to * each + i)));
    place_all(data, updates, pairs.collect())
}

fn scatter_elements(inputs: &Inputs, along: i64) -> Result<Tensor> {
    let (data, updates) = (inputs.get(0)?, inputs.get(2)?);
    let along = axis(along, data.rank())?;
    let indices = counted(inputs.get(1)?, data.dims()[along], &Device::Cpu)?;
    let rows = ints(&indices)?;
    let target_strides = strides(data.dims());
    let place = |from: usize| {
        let mut rest = from;
        let mut to = 0;
        for (dim, stride) in strides(indices.dims()).into_iter().enumerate() {
            let at = rest / stride;
            rest %= stride;
            to += target_strides[dim] * if dim == along { rows[from] as usize } else { at };
        }
        (from, to)
    };
    place_all(data, updates, (0..rows.len()).map(place).collect())
}

fn strides(dims: &[usize]) -> Vec<usize> {
    (0..dims.len()).map(|dim| dims[dim + 1..].iter().product::<usize>().max(1)).collect()
}

/// A copy of `data` in which each place `to` holds the number `from` of `updates`; later pairs win.
fn place_all(data: &Tensor, updates: &Tensor, pairs: Vec<(usize, usize)>) -> Result<Tensor> {
    fn placed<T: candle_core::WithDType>(data: &Tensor, updates: &Tensor, pairs: &[(usize, usize)]) -> Result<Tensor> {
        let mut values = data.flatten_all()?.to_vec1::<T>()?;
        let updates = updates.flatten_all()?.to_vec1::<T>()?;
        for (from, to) in pairs {
            values[*to] = updates[*from];
        }
        Tensor::from_vec(values, data.dims(), data.device())
    }
    if updates.elem_count() < pairs.len() {
        return bail(format!("{} updates for {} places", updates.elem_count(), pairs.len()));
    }
    match data.dtype() {
        DType::I64 => placed::<i64>(data, updates, &pairs),
        DType::U8 => placed::<u8>(data, updates, &pairs),
        DType::F64 => placed::<f64>(data, updates, &pairs),
        other => {
            let wide = (data.to_dtype(DType::F32)?, updates.to_dtype(DType::F32)?);
            placed::<f32>(&wide.0, &wide.1, &pairs)?.to_dtype(other)
        }
    }
}

/// Indices outside the depth leave their row at the off value.
fn one_hot(inputs: &Inputs, along: i64) -> Result<Tensor> {
    let (indices, values) = (inputs.get(0)?, inputs.get(2)?);
    let depth = inputs.ints(1)?.first().copied().unwrap_or(0);
    let rows = ints(indices)?;
    let hot = |row: i64| {
        let row = if row < 0 { row + depth } else { row };
        (0..depth).map(move |place| u8::from(place == row))
    };
    let flags: Vec<u8> = rows.iter().flat_map(|row| hot(*row)).collect();
    let along = axis(along, indices.rank() + 1)?;
    let shape = [indices.dims(), &[depth as usize]].concat();
    let mut order: Vec<usize> = (0..indices.rank()).collect();
    order.insert(along, indices.rank());
    let flags = Tensor::from_vec(flags, shape, values.device())?.permute(order)?.contiguous()?;
    let value = |index: usize| values.get(index)?.broadcast_as(flags.dims());
    flags.where_cond(&value(1)?, &value(0)?)
}

/// Columns of coordinates, in row-major order.
fn non_zero(value: &Tensor) -> Result<Tensor> {
    let found: Vec<usize> = if is_int(value) || value.dtype() == DType::U8 {
        let numbers = ints(value)?;
        (0..numbers.len()).filter(|place| numbers[*place] != 0).collect()
    } else {
        let numbers = floats(value)?;
        (0..numbers.len()).filter(|place| numbers[*place] != 0.0).collect()
    };
    let coordinate = |stride: usize, size: usize| found.iter().map(move |place| (place / stride % size) as i64);
    let all: Vec<i64> = strides(value.dims())
        .into_iter()
        .zip(value.dims())
        .flat_map(|(stride, size)| coordinate(stride, *size))
        .collect();
    Tensor::from_vec(all, (value.rank(), found.len()), value.device())
}

fn cumulative_sum(inputs: &Inputs, exclusive: bool, reverse: bool) -> Result<Tensor> {
    let value = inputs.get(0)?;
    let along = axis(inputs.ints(1)?.first().copied().unwrap_or(0), value.rank())?;
    let size = value.dims()[along];
    let swapped = value.transpose(along, value.rank() - 1)?;
    let summed = if is_int(value) {
        let sums = running(ints(&swapped)?, size, exclusive, reverse, i64::wrapping_add);
        Tensor::from_vec(sums, swapped.dims(), value.device())?
    } else {
        let sums = running(floats(&swapped)?, size, exclusive, reverse, |a, b| a + b);
        Tensor::from_vec(sums, swapped.dims(), value.device())?.to_dtype(value.dtype())?
    };
    summed.transpose(along, value.rank() - 1)?.contiguous()
}

/// Running sums of rows of `size`. Exclusive ones leave out the number at the place itself.
fn running<T: Copy + Default>(
    mut values: Vec<T>,
    size: usize,
    exclusive: bool,
    reverse: bool,
    add: impl Fn(T, T) -> T,
) -> Vec<T> {
    for row in values.chunks_mut(size.max(1)) {
        if reverse {
            row.reverse();
        }
        let mut sum = T::default();
        for number in row.iter_mut() {
            let with = add(sum, *number);
            *number = if exclusive { sum } else { with };
            sum = with;
        }
        if reverse {
            row.reverse();
        }
    }
    values
}

/// Of equal numbers the one with the lower index comes first. How many is an input since operator version 10, an attribute
/// before.
fn top_k(node: &Node, _: i64) -> Built {
    let (along, largest) = (int_or(node, "axis", -1), int_or(node, "largest", 1) == 1);
    let attribute = node.int("k").map(|count| vec![count]);
    Ok(Box::new(move |x| {
        let value = x.get(0)?;
        let along = axis(along, value.rank())?;
        let count = x.ints_or(1, attribute.as_deref())?.and_then(|listed| listed.first().copied()).unwrap_or(0);
        let last = value.rank() - 1;
        let swapped = value.transpose(along, last)?.contiguous()?;
        let size = swapped.dims()[last];
        let count = (count.max(0) as usize).min(size);
        let numbers = floats(&swapped)?;
        let ranked: Vec<i64> = numbers
            .chunks(size.max(1))
            .flat_map(|row| {
                let mut order: Vec<usize> = (0..row.len()).collect();
                order.sort_by(|a, b| if largest { row[*b].total_cmp(&row[*a]) } else { row[*a].total_cmp(&row[*b]) });
                order.into_iter().take(count).map(|place| place as i64)
            })
            .collect();
        let mut shape = swapped.dims().to_vec();
        shape[last] = count;
        let places = Tensor::from_vec(ranked, shape, value.device())?;
        let values = swapped.gather(&places, last)?;
        Ok(vec![values.transpose(along, last)?.contiguous()?, places.transpose(along, last)?.contiguous()?])
    }))
}
