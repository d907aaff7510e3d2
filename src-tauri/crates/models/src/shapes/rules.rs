//! How each operator's output shapes follow from its inputs. An operator that is not listed has unknown outputs.

use super::{Info, count};
use crate::{Attribute, Node};

type Inputs<'a> = [Option<&'a Info>];

/// The output has the shape of the first input. In alphabetical order.
const SAME_SHAPE: [&str; 67] = [
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BatchNormalization",
    "BitwiseNot",
    "Cast",
    "CastLike",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "Cosh",
    "CumSum",
    "DequantizeLinear",
    "Elu",
    "Erf",
    "Exp",
    "EyeLike",
    "Floor",
    "Gelu",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Hardmax",
    "Identity",
    "InstanceNormalization",
    "IsInf",
    "IsNaN",
    "LRN",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "LpNormalization",
    "MeanVarianceNormalization",
    "Mish",
    "Neg",
    "Not",
    "QuantizeLinear",
    "RMSNormalization",
    "Reciprocal",
    "Relu",
    "ReverseSequence",
    "RotaryEmbedding",
    "Round",
    "Scatter",
    "ScatterElements",
    "ScatterND",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "SimplifiedLayerNormalization",
    "Sin",
    "Sinh",
    "Softmax",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Trilu",
];

/// The inputs are stretched to one shape. In alphabetical order.
const BROADCAST: [&str; 24] = [
    "Add",
    "And",
    "BitShift",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "Div",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Or",
    "PRelu",
    "Pow",
    "Sub",
    "Sum",
    "Where",
    "Xor",
];

/// The shapes of a node's outputs, as many as are known in order; none where the first is unknown.
pub fn shapes(opset: i64, node: &Node, inputs: &Inputs) -> Option<Vec<Vec<u64>>> {
    if node.domain == "com.microsoft" {
        return fused(node, inputs);
    }
    let one = |shape: Vec<u64>| Some(vec![shape]);
    match node.op.as_str() {
        op if SAME_SHAPE.binary_search(&op).is_ok() => one(shape(inputs, 0)?.to_vec()),
        op if BROADCAST.binary_search(&op).is_ok() => one(broadcast_all(inputs)?),
        // The other outputs are a scale and a zero point.
        "DynamicQuantizeLinear" => Some(vec![shape(inputs, 0)?.to_vec(), Vec::new(), Vec::new()]),
        // The second output is the mask.
        "Dropout" => Some(vec![shape(inputs, 0)?.to_vec(); 2]),
        "LayerNormalization" => {
            let x = shape(inputs, 0)?;
            let axis = axis(node.int("axis").unwrap_or(-1), x.len())?;
            let statistics: Vec<u64> = x[..axis].iter().copied().chain(x[axis..].iter().map(|_| 1)).collect();
            Some(vec![x.to_vec(), statistics.clone(), statistics])
        }
        "MatMul" | "MatMulInteger" => one(matmul(shape(inputs, 0)?, shape(inputs, 1)?)?),
        "QLinearMatMul" => one(matmul(shape(inputs, 0)?, shape(inputs, 3)?)?),
        "Gemm" => one(gemm(node, shape(inputs, 0)?, shape(inputs, 1)?)?),
        "Conv" | "ConvInteger" => one(conv(node, shape(inputs, 0)?, shape(inputs, 1)?)?),
        "QLinearConv" => one(conv(node, shape(inputs, 0)?, shape(inputs, 3)?)?),
        "ConvTranspose" => one(conv_transpose(node, shape(inputs, 0)?, shape(inputs, 1)?)?),
        // The second output is where each maximum was.
        "MaxPool" => Some(vec![pool(node, shape(inputs, 0)?)?; 2]),
        "AveragePool" | "LpPool" => one(pool(node, shape(inputs, 0)?)?),
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => {
            let x = shape(inputs, 0)?;
            one(x.iter().enumerate().map(|(axis, size)| if axis < 2 { *size } else { 1 }).collect())
        }
        "Concat" => one(concat(node, inputs)?),
        "Split" => split(node, inputs),
        "Slice" => one(slice(node, inputs)?),
        "Gather" => one(gather(node, shape(inputs, 0)?, shape(inputs, 1)?)?),
        "GatherElements" => one(shape(inputs, 1)?.to_vec()),
        "GatherND" => one(gather_nd(node, shape(inputs, 0)?, shape(inputs, 1)?)?),
        "Transpose" => one(transpose(node, shape(inputs, 0)?)?),
        "Reshape" => one(reshape(node, shape(inputs, 0)?, &whole(inputs, 1)?)?),
        "Flatten" => {
            let x = shape(inputs, 0)?;
            let split = node.int("axis").unwrap_or(1);
            // The place behind the last axis can be named too, but only from the front.
            let axis = if split == x.len() as i64 { x.len() } else { axis(split, x.len())? };
            one(vec![count(&x[..axis])?, count(&x[axis..])?])
        }
        "Squeeze" => one(squeeze(node, inputs)?),
        "Unsqueeze" => one(unsqueeze(node, inputs)?),
        "Expand" => one(broadcast(shape(inputs, 0)?, &sizes(inputs, 1)?)?),
        "Tile" => {
            let (x, repeats) = (shape(inputs, 0)?, sizes(inputs, 1)?);
            one(x.iter().zip(repeats).map(|(size, repeat)| size.checked_mul(repeat)).collect::<Option<_>>()?)
        }
        "Shape" => one(vec![shape_range(node, shape(inputs, 0)?.len()).len() as u64]),
        "Size" => one(Vec::new()),
        "Constant" => one(constant(node)?),
        "ConstantOfShape" => one(sizes(inputs, 0)?),
        "Range" => one(vec![range_length(inputs)?]),
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1" | "ReduceL2"
        | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceSumSquare" => one(reduce(node, inputs)?),
        "ArgMax" | "ArgMin" => one(reduced(shape(inputs, 0)?, &[node.int("axis").unwrap_or(0)], keeps(node))?),
        "TopK" => {
            let x = shape(inputs, 0)?;
            let axis = axis(node.int("axis").unwrap_or(-1), x.len())?;
            let mut out = x.to_vec();
            out[axis] = match inputs.get(1) {
                Some(Some(_)) => *sizes(inputs, 1)?.first()?,
                // An attribute before opset 10.
                _ => u64::try_from(node.int("k")?).ok()?,
            };
            Some(vec![out.clone(), out])
        }
        "Pad" => one(pad(node, inputs)?),
        "Resize" | "Upsample" => one(resize(node, inputs)?),
        "DepthToSpace" | "SpaceToDepth" => one(depth_space(node, shape(inputs, 0)?)?),
        "OneHot" => {
            let depth = *sizes(inputs, 1)?.first()?;
            let mut out = shape(inputs, 0)?.to_vec();
            let axis = axis(node.int("axis").unwrap_or(-1), out.len() + 1)?;
            out.insert(axis, depth);
            one(out)
        }
        "Einsum" => one(einsum(node, inputs)?.0),
        "LSTM" | "GRU" | "RNN" => recurrent(node, inputs),
        "Attention" if opset >= 23 => one(attention(inputs)?),
        _ => None,
    }
}

/// Operators that engines bring along for what their optimisers fuse.
fn fused(node: &Node, inputs: &Inputs) -> Option<Vec<Vec<u64>>> {
    match node.op.as_str() {
        "Gelu"
        | "FastGelu"
        | "QuickGelu"
        | "BiasGelu"
        | "SkipLayerNormalization"
        | "SkipSimplifiedLayerNormalization"
        | "RotaryEmbedding" => Some(vec![shape(inputs, 0)?.to_vec()]),
        "FusedMatMul" => {
            let swap = |shape: &[u64], swapped: bool| {
                let mut shape = shape.to_vec();
                let rank = shape.len();
                if swapped && rank >= 2 {
                    shape.swap(rank - 1, rank - 2);
                }
                shape
            };
            let on = |key: &str| node.int(key).unwrap_or(0) != 0;
            Some(vec![matmul(&swap(shape(inputs, 0)?, on("transA")), &swap(shape(inputs, 1)?, on("transB")))?])
        }
        _ => None,
    }
}

fn shape<'a>(inputs: &Inputs<'a>, index: usize) -> Option<&'a [u64]> {
    inputs.get(index).copied().flatten()?.shape.as_deref()
}

/// An input's numbers as whole ones.
fn whole(inputs: &Inputs, index: usize) -> Option<Vec<i64>> {
    Some(inputs.get(index).copied().flatten()?.values.as_ref()?.iter().map(|value| *value as i64).collect())
}

fn sizes(inputs: &Inputs, index: usize) -> Option<Vec<u64>> {
    whole(inputs, index)?.into_iter().map(|size| u64::try_from(size).ok()).collect()
}

/// An axis counted from the front; negative ones count from the back.
fn axis(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

fn broadcast_all(inputs: &Inputs) -> Option<Vec<u64>> {
    let mut out = Vec::new();
    for input in inputs {
        out = broadcast(&out, input.as_ref()?.shape.as_deref()?)?;
    }
    Some(out)
}

pub fn broadcast(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[u64], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (a, b) if a == b => Some(a),
            (1, b) => Some(b),
            (a, 1) => Some(a),
            _ => None,
        })
        .collect()
}

fn matmul(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    let (mut left, mut right) = (a.to_vec(), b.to_vec());
    if left.len() == 1 {
        left.insert(0, 1);
    }
    if right.len() == 1 {
        right.push(1);
    }
    let (rows, inner) = (*left.iter().rev().nth(1)?, *left.last()?);
    let (inner_too, columns) = (*right.iter().rev().nth(1)?, *right.last()?);
    if inner != inner_too {
        return None;
    }
    let mut out = broadcast(&left[..left.len() - 2], &right[..right.len() - 2])?;
    if a.len() > 1 {
        out.push(rows);
    }
    if b.len() > 1 {
        out.push(columns);
    }
    Some(out)
}

fn gemm(node: &Node, a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    let [a0, a1] = *<&[u64; 2]>::try_from(a).ok()?;
    let [b0, b1] = *<&[u64; 2]>::try_from(b).ok()?;
    let (rows, inner) = if node.int("transA").unwrap_or(0) != 0 { (a1, a0) } else { (a0, a1) };
    let (inner_too, columns) = if node.int("transB").unwrap_or(0) != 0 { (b1, b0) } else { (b0, b1) };
    (inner == inner_too).then(|| vec![rows, columns])
}

/// Kernel, strides, dilations and pads of a convolution or pooling over so many axes.
struct Window {
    kernel: Vec<u64>,
    strides: Vec<u64>,
    dilations: Vec<u64>,
    pads: Vec<i64>,
    auto: Option<String>,
    ceil: bool,
}

impl Window {
    fn of(node: &Node, axes: usize, kernel: &[u64]) -> Option<Self> {
        let numbers = |key: &str| -> Option<Vec<u64>> {
            match node.ints(key) {
                None => Some(vec![1; axes]),
                Some(values) if values.len() == axes => {
                    values.iter().map(|value| u64::try_from(*value).ok().filter(|value| *value > 0)).collect()
                }
                Some(_) => None,
            }
        };
        let pads = node.ints("pads").map_or_else(|| vec![0; 2 * axes], <[i64]>::to_vec);
        if pads.len() != 2 * axes || kernel.len() != axes {
            return None;
        }
        Some(Self {
            kernel: kernel.to_vec(),
            strides: numbers("strides")?,
            dilations: numbers("dilations")?,
            pads,
            auto: node.text("auto_pad").filter(|pad| !pad.is_empty() && *pad != "NOTSET").map(str::to_owned),
            ceil: node.int("ceil_mode").unwrap_or(0) != 0,
        })
    }

    fn out(&self, axis: usize, size: u64) -> Option<u64> {
        let stride = self.strides[axis];
        let reach = self.dilations[axis].checked_mul(self.kernel[axis].checked_sub(1)?)?.checked_add(1)?;
        match self.auto.as_deref() {
            Some("SAME_UPPER" | "SAME_LOWER") => return Some(size.div_ceil(stride)),
            Some("VALID") => return Some(size.checked_sub(reach)? / stride + 1),
            _ => {}
        }
        let pads = self.pads[axis].checked_add(self.pads[axis + self.kernel.len()])?;
        let room = size.checked_add_signed(pads)?.checked_sub(reach)?;
        let steps = if self.ceil { room.div_ceil(stride) } else { room / stride };
        // A window that begins in the padding at the end is left out.
        let starts_outside =
            self.ceil && i128::from(steps) * i128::from(stride) >= i128::from(size) + i128::from(self.pads[axis]);
        steps.checked_add(1).map(|count| if starts_outside { count - 1 } else { count })
    }
}

fn conv(node: &Node, x: &[u64], weight: &[u64]) -> Option<Vec<u64>> {
    let axes = x.len().checked_sub(2)?;
    let window = Window::of(node, axes, weight.get(2..)?)?;
    let spatial = (0..axes).map(|axis| window.out(axis, x[axis + 2])).collect::<Option<Vec<_>>>()?;
    Some([&[x[0], weight[0]], spatial.as_slice()].concat())
}

fn conv_transpose(node: &Node, x: &[u64], weight: &[u64]) -> Option<Vec<u64>> {
    let axes = x.len().checked_sub(2)?;
    let window = Window::of(node, axes, weight.get(2..)?)?;
    let group = u64::try_from(node.int("group").unwrap_or(1)).ok()?;
    let mut out = vec![x[0], weight.get(1)?.checked_mul(group)?];
    if let Some(given) = node.ints("output_shape") {
        out.extend(given.iter().map(|size| u64::try_from(*size).ok()).collect::<Option<Vec<_>>>()?);
        return (out.len() == x.len()).then_some(out);
    }
    let extra = node.ints("output_padding").map_or_else(|| vec![0; axes], <[i64]>::to_vec);
    for axis in 0..axes {
        let (size, stride) = (x[axis + 2], window.strides[axis]);
        if matches!(window.auto.as_deref(), Some("SAME_UPPER" | "SAME_LOWER")) {
            out.push(size.checked_mul(stride)?);
            continue;
        }
        let reach = window.dilations[axis].checked_mul(window.kernel[axis].checked_sub(1)?)?.checked_add(1)?;
        let full = stride.checked_mul(size.checked_sub(1)?)?.checked_add(reach)?;
        let pads = window.pads[axis].checked_add(window.pads[axis + axes])?;
        out.push(full.checked_add_signed(extra.get(axis)?.checked_sub(pads)?)?);
    }
    Some(out)
}

fn pool(node: &Node, x: &[u64]) -> Option<Vec<u64>> {
    let axes = x.len().checked_sub(2)?;
    let kernel: Vec<u64> =
        node.ints("kernel_shape")?.iter().map(|size| u64::try_from(*size).ok()).collect::<Option<_>>()?;
    let window = Window::of(node, axes, &kernel)?;
    let spatial = (0..axes).map(|axis| window.out(axis, x[axis + 2])).collect::<Option<Vec<_>>>()?;
    Some([&x[..2], spatial.as_slice()].concat())
}

fn concat(node: &Node, inputs: &Inputs) -> Option<Vec<u64>> {
    let mut out = shape(inputs, 0)?.to_vec();
    let axis = axis(node.int("axis")?, out.len())?;
    for index in 1..inputs.len() {
        let next = shape(inputs, index)?;
        let alike = next.len() == out.len() && (0..out.len()).all(|other| other == axis || out[other] == next[other]);
        if !alike {
            return None;
        }
        out[axis] = out[axis].checked_add(next[axis])?;
    }
    Some(out)
}

fn split(node: &Node, inputs: &Inputs) -> Option<Vec<Vec<u64>>> {
    let x = shape(inputs, 0)?;
    let axis = axis(node.int("axis").unwrap_or(0), x.len())?;
    let given = match inputs.get(1) {
        Some(Some(_)) => Some(sizes(inputs, 1)?),
        _ => node.ints("split").map(|sizes| sizes.iter().map(|size| *size as u64).collect()),
    };
    let parts = given.unwrap_or_else(|| {
        let count = node.outputs.len().max(1) as u64;
        let each = x[axis].div_ceil(count);
        (0..count).map(|part| each.min(x[axis].saturating_sub(part * each))).collect()
    });
    let fits = parts.iter().try_fold(0u64, |sum, part| sum.checked_add(*part)) == Some(x[axis]);
    (fits && parts.len() == node.outputs.len()).then(|| parts.into_iter().map(|size| part(x, axis, size)).collect())
}

/// The parts of a Split whose sizes only the numbers tell, as if they were equal; where that does not come out even, the
/// first have one more. Their sum is exact, and so is what all of them cost together where each place costs the same in
/// any part; what one of them costs is not.
pub fn equal_shares(node: &Node, inputs: &Inputs) -> Option<Vec<Vec<u64>>> {
    let sizes = inputs.get(1).copied().flatten().filter(|sizes| node.op == "Split" && sizes.values.is_none());
    let x = sizes.and(shape(inputs, 0))?;
    let axis = axis(node.int("axis").unwrap_or(0), x.len())?;
    let (all, count) = (x[axis], node.outputs.len() as u64);
    let size = |index: u64| all / count + u64::from(index < all % count);
    Some((0..count).map(|index| part(x, axis, size(index))).collect())
}

/// A shape with another size along an axis.
fn part(x: &[u64], axis: usize, size: u64) -> Vec<u64> {
    let mut part = x.to_vec();
    part[axis] = size;
    part
}

/// Start, end and step of a slice along an axis of this size, as the operator's rules clamp them.
pub fn clamped(start: i64, end: i64, step: i64, size: u64) -> Option<(i64, i64)> {
    let size = i64::try_from(size).ok()?;
    let wrap = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
    match step {
        0 => None,
        1.. => Some((wrap(start).clamp(0, size), wrap(end).clamp(0, size))),
        _ if size == 0 => Some((0, 0)),
        _ => Some((wrap(start).clamp(0, size - 1), wrap(end).clamp(-1, size - 1))),
    }
}

fn slice(node: &Node, inputs: &Inputs) -> Option<Vec<u64>> {
    let mut out = shape(inputs, 0)?.to_vec();
    let (starts, ends) = (listed(node, inputs, 1, "starts")??, listed(node, inputs, 2, "ends")??);
    let axes = listed(node, inputs, 3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = match inputs.get(4) {
        Some(Some(_)) => whole(inputs, 4)?,
        _ => vec![1; starts.len()],
    };
    for (index, place) in axes.iter().enumerate() {
        let place = axis(*place, out.len())?;
        let step = *steps.get(index)?;
        let (start, end) = clamped(*starts.get(index)?, *ends.get(index)?, step, out[place])?;
        let distance = if step > 0 { end - start } else { start - end };
        out[place] = u64::try_from(distance.max(0)).ok()?.div_ceil(step.unsigned_abs());
    }
    Some(out)
}

fn gather(node: &Node, x: &[u64], indices: &[u64]) -> Option<Vec<u64>> {
    let axis = axis(node.int("axis").unwrap_or(0), x.len())?;
    Some([&x[..axis], indices, &x[axis + 1..]].concat())
}

fn gather_nd(node: &Node, x: &[u64], indices: &[u64]) -> Option<Vec<u64>> {
    let batch = usize::try_from(node.int("batch_dims").unwrap_or(0)).ok()?;
    let (last, front) = indices.split_last()?;
    let from = batch.checked_add(usize::try_from(*last).ok()?)?;
    Some([front, x.get(from..)?].concat())
}

fn transpose(node: &Node, x: &[u64]) -> Option<Vec<u64>> {
    match node.ints("perm") {
        None => Some(x.iter().rev().copied().collect()),
        Some(order) if order.len() == x.len() => order.iter().map(|from| Some(x[axis(*from, x.len())?])).collect(),
        Some(_) => None,
    }
}

fn reshape(node: &Node, x: &[u64], wanted: &[i64]) -> Option<Vec<u64>> {
    let total = count(x)?;
    let keeps_zero = node.int("allowzero").unwrap_or(0) != 0;
    let mut open = None;
    let mut out = Vec::with_capacity(wanted.len());
    for (place, size) in wanted.iter().enumerate() {
        out.push(match *size {
            -1 if open.is_none() => {
                open = Some(place);
                1
            }
            0 if !keeps_zero => *x.get(place)?,
            size => u64::try_from(size).ok()?,
        });
    }
    let known = count(&out)?;
    match open {
        Some(place) if known > 0 && total.is_multiple_of(known) => out[place] = total / known,
        None if known == total => {}
        _ => return None,
    }
    Some(out)
}

/// Whole numbers from an input or, in older opsets, the attribute; none within where both are left out.
pub fn listed(node: &Node, inputs: &Inputs, index: usize, attribute: &str) -> Option<Option<Vec<i64>>> {
    match inputs.get(index) {
        Some(Some(_)) => whole(inputs, index).map(Some),
        _ => Some(node.ints(attribute).map(<[i64]>::to_vec)),
    }
}

fn axes_of(node: &Node, inputs: &Inputs) -> Option<Option<Vec<i64>>> {
    listed(node, inputs, 1, "axes")
}

fn squeeze(node: &Node, inputs: &Inputs) -> Option<Vec<u64>> {
    let x = shape(inputs, 0)?;
    let Some(axes) = axes_of(node, inputs)? else {
        return Some(x.iter().copied().filter(|size| *size != 1).collect());
    };
    let gone = axes.iter().map(|place| axis(*place, x.len())).collect::<Option<Vec<_>>>()?;
    if gone.iter().any(|place| x[*place] != 1) {
        return None;
    }
    Some(x.iter().enumerate().filter(|(place, _)| !gone.contains(place)).map(|(_, size)| *size).collect())
}

fn unsqueeze(node: &Node, inputs: &Inputs) -> Option<Vec<u64>> {
    let x = shape(inputs, 0)?;
    let axes = axes_of(node, inputs)??;
    let rank = x.len() + axes.len();
    let mut new = axes.iter().map(|place| axis(*place, rank)).collect::<Option<Vec<_>>>()?;
    new.sort_unstable();
    new.dedup();
    if new.len() != axes.len() {
        return None;
    }
    let mut out = x.to_vec();
    new.into_iter().for_each(|place| out.insert(place, 1));
    Some(out)
}

/// The axes whose sizes a Shape node gives.
pub fn shape_range(node: &Node, rank: usize) -> std::ops::Range<usize> {
    let place = |value: i64| {
        let value = if value < 0 { value.saturating_add(rank as i64) } else { value };
        value.clamp(0, rank as i64) as usize
    };
    let (start, end) = (place(node.int("start").unwrap_or(0)), place(node.int("end").unwrap_or(i64::MAX)));
    start..end.max(start)
}

fn constant(node: &Node) -> Option<Vec<u64>> {
    match node.attributes.values().next()? {
        Attribute::Tensor(tensor) => Some(tensor.shape.iter().map(|size| *size as u64).collect()),
        Attribute::Int(_) | Attribute::Float(_) => Some(Vec::new()),
        Attribute::Ints(values) => Some(vec![values.len() as u64]),
        Attribute::Floats(values) => Some(vec![values.len() as u64]),
        _ => None,
    }
}

fn range_length(inputs: &Inputs) -> Option<u64> {
    let value = |index: usize| inputs.get(index).copied().flatten()?.values.as_ref()?.first().copied();
    let (start, limit, step) = (value(0)?, value(1)?, value(2)?);
    let length = ((limit - start) / step).ceil();
    (length.is_finite() && length < 1e15).then_some(length.max(0.0) as u64)
}

fn keeps(node: &Node) -> bool {
    node.int("keepdims").unwrap_or(1) != 0
}

fn reduce(node: &Node, inputs: &Inputs) -> Option<Vec<u64>> {
    let x = shape(inputs, 0)?;
    match axes_of(node, inputs)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => reduced(x, &axes, keeps(node)),
        None if node.int("noop_with_empty_axes").unwrap_or(0) != 0 => Some(x.to_vec()),
        None => reduced(x, &(0..x.len() as i64).collect::<Vec<_>>(), keeps(node)),
    }
}

fn reduced(x: &[u64], axes: &[i64], keep: bool) -> Option<Vec<u64>> {
    let gone = axes.iter().map(|place| axis(*place, x.len())).collect::<Option<Vec<_>>>()?;
    let sizes = x.iter().enumerate().filter(|(place, _)| keep || !gone.contains(place));
    Some(sizes.map(|(place, size)| if gone.contains(&place) { 1 } else { *size }).collect())
}

fn pad(node: &Node, inputs: &Inputs) -> Option<Vec<u64>> {
    let x = shape(inputs, 0)?;
    let pads = match node.ints("pads") {
        Some(pads) => pads.to_vec(),
        None => whole(inputs, 1)?,
    };
    let axes = match inputs.get(3) {
        Some(Some(_)) => whole(inputs, 3)?,
        _ => (0..x.len() as i64).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return None;
    }
    let mut out = x.to_vec();
    for (index, place) in axes.iter().enumerate() {
        let place = axis(*place, x.len())?;
        out[place] = x[place].checked_add_signed(pads[index].checked_add(pads[index + axes.len()])?)?;
    }
    Some(out)
}

fn resize(node: &Node, inputs: &Inputs) -> Option<Vec<u64>> {
    let x = shape(inputs, 0)?;
    let of_rank = |values: &Vec<f64>| values.len() == x.len();
    let values =
        |index: usize| inputs.get(index).copied().flatten().and_then(|info| info.values.clone()).filter(of_rank);
    if let Some(sizes) = values(3) {
        return sizes.iter().map(|size| u64::try_from(*size as i64).ok()).collect();
    }
    // Upsample has its scales where Resize has the region of interest, and before opset 9 in an attribute.
    let own = || Some(node.floats("scales")?.iter().map(|scale| f64::from(*scale)).collect()).filter(of_rank);
    let scales = values(2).or_else(|| values(1)).or_else(own)?;
    // In f32, as ONNX Runtime multiplies: 0.7 is a little less, and ten times that is 7.
    Some(x.iter().zip(scales).map(|(size, scale)| (*size as f32 * scale as f32) as u64).collect())
}

fn depth_space(node: &Node, x: &[u64]) -> Option<Vec<u64>> {
    let [batch, channels, height, width] = *<&[u64; 4]>::try_from(x).ok()?;
    let block = u64::try_from(node.int("blocksize")?).ok().filter(|block| *block > 0)?;
    let area = block.checked_mul(block)?;
    if node.op == "DepthToSpace" {
        Some(vec![batch, channels / area, height.checked_mul(block)?, width.checked_mul(block)?])
    } else {
        Some(vec![batch, channels.checked_mul(area)?, height / block, width / block])
    }
}

/// The output shape of an Einsum, and the product of all its indices: its multiply-accumulates.
pub fn einsum(node: &Node, inputs: &Inputs) -> Option<(Vec<u64>, u64)> {
    let equation: String = node.text("equation")?.chars().filter(|letter| !letter.is_whitespace()).collect();
    if equation.contains('.') {
        return None;
    }
    let (terms, out) = match equation.split_once("->") {
        Some((terms, out)) => (terms.to_owned(), Some(out.to_owned())),
        None => (equation, None),
    };
    let mut size: std::collections::BTreeMap<char, (u64, usize)> = std::collections::BTreeMap::new();
    for (index, term) in terms.split(',').enumerate() {
        let operand = shape(inputs, index)?;
        if operand.len() != term.chars().count() {
            return None;
        }
        for (letter, extent) in term.chars().zip(operand) {
            let known = size.entry(letter).or_insert((*extent, 0));
            known.0 = known.0.max(*extent);
            known.1 += 1;
        }
    }
    let out =
        out.unwrap_or_else(|| size.iter().filter(|(_, (_, uses))| *uses == 1).map(|(letter, _)| *letter).collect());
    let shape = out.chars().map(|letter| size.get(&letter).map(|(extent, _)| *extent)).collect::<Option<_>>()?;
    let all: Vec<u64> = size.values().map(|(extent, _)| *extent).collect();
    Some((shape, count(&all)?))
}

fn recurrent(node: &Node, inputs: &Inputs) -> Option<Vec<Vec<u64>>> {
    if node.int("layout").unwrap_or(0) != 0 {
        return None;
    }
    let [steps, batch, _] = *<&[u64; 3]>::try_from(shape(inputs, 0)?).ok()?;
    let [directions, _, hidden] = *<&[u64; 3]>::try_from(shape(inputs, 2)?).ok()?;
    let last = vec![directions, batch, hidden];
    Some(vec![vec![steps, directions, batch, hidden], last.clone(), last])
}

/// Scaled dot-product attention with heads on an axis of their own.
fn attention(inputs: &Inputs) -> Option<Vec<u64>> {
    let [batch, heads, length, _] = *<&[u64; 4]>::try_from(shape(inputs, 0)?).ok()?;
    Some(vec![batch, heads, length, *shape(inputs, 2)?.get(3)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(shape: &[u64], values: Option<&[f64]>) -> Info {
        Info { element: None, shape: Some(shape.to_vec()), values: values.map(<[f64]>::to_vec) }
    }

    fn shape_of(op: &str, inputs: &[Option<&Info>]) -> Option<Vec<u64>> {
        let node = Node { op: op.to_owned(), ..Node::default() };
        shapes(17, &node, inputs)?.into_iter().next()
    }

    #[test]
    fn a_size_grows_by_a_scale_in_f32() {
        let (image, scales) = (info(&[1, 3, 10, 10], None), [1.0f32, 1.0, 0.7, 1.26].map(f64::from));
        let shape = shape_of("Resize", &[Some(&image), None, Some(&info(&[4], Some(&scales)))]);
        assert_eq!(shape, Some(vec![1, 3, 7, 12]));
    }

    #[test]
    fn what_was_an_attribute_before_opset_11_is_read_from_there() {
        let (ints, floats) = (|values: &[i64]| Attribute::Ints(values.to_vec()), Attribute::Floats);
        let shapes_of = |op: &str, attributes: &[(&str, Attribute)], outputs: usize| {
            let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let outputs = (0..outputs).map(|index| format!("y{index}")).collect();
            let node = Node { op: op.to_owned(), outputs, attributes, ..Node::default() };
            shapes(7, &node, &[Some(&info(&[1, 3, 10, 10], None))])
        };
        let bounds = [("starts", ints(&[0, -4])), ("ends", ints(&[2, 1000])), ("axes", ints(&[1, 3]))];
        assert_eq!(shapes_of("Slice", &bounds, 1), Some(vec![vec![1, 2, 10, 4]]));
        assert_eq!(shapes_of("Slice", &bounds[..2], 1), Some(vec![vec![1, 3, 10, 10]]));
        let best = shapes_of("TopK", &[("k", Attribute::Int(4)), ("axis", Attribute::Int(1))], 2);
        assert_eq!(best, Some(vec![vec![1, 4, 10, 10]; 2]));
        let scales = ("scales", floats(vec![1.0, 1.0, 2.0, 1.5]));
        assert_eq!(shapes_of("Upsample", &[scales], 1), Some(vec![vec![1, 3, 20, 15]]));
        assert_eq!(shapes_of("Upsample", &[("scales", floats(vec![2.0]))], 1), None);
        assert_eq!(shapes_of("Dropout", &[("ratio", Attribute::Float(0.5))], 2), Some(vec![vec![1, 3, 10, 10]; 2]));
        let pads = ints(&[0, 0, 1, 1, 0, 0, 2, 2]);
        assert_eq!(shapes_of("Pad", &[("pads", pads)], 1), Some(vec![vec![1, 3, 13, 13]]));
    }

    #[test]
    fn steps_backwards_that_do_not_divide_the_way_are_counted_up() {
        let one = |value: f64| info(&[1], Some(&[value]));
        let slice = |size: u64, start: f64, end: f64| {
            let (start, end, axis, step) = (one(start), one(end), one(0.0), one(-2.0));
            shape_of("Slice", &[Some(&info(&[size], None)), Some(&start), Some(&end), Some(&axis), Some(&step)])
        };
        assert_eq!((slice(10, 9.0, 5.0), slice(4, 3.0, -5.0)), (Some(vec![2]), Some(vec![2])));
        let range = shape_of("Range", &[Some(&one(5.0)), Some(&one(1.0)), Some(&one(-2.0))]);
        assert_eq!(range, Some(vec![2]));
    }

    #[test]
    fn equal_shares_come_to_the_whole_and_only_where_no_sizes_are_known() {
        let outputs = ["a", "b", "c"].map(str::to_owned).to_vec();
        let node = Node { op: "Split".to_owned(), outputs, ..Node::default() };
        let (rows, counted, known) = (info(&[8, 5], None), info(&[3], None), info(&[3], Some(&[1.0, 0.0, 7.0])));
        assert_eq!(equal_shares(&node, &[Some(&rows), Some(&counted)]), Some(vec![vec![3, 5], vec![3, 5], vec![2, 5]]));
        assert_eq!(equal_shares(&node, &[Some(&rows), Some(&known)]), None);
        assert_eq!(shapes(17, &node, &[Some(&rows), Some(&known)]), Some(vec![vec![1, 5], vec![0, 5], vec![7, 5]]));
    }

    #[test]
    fn the_lists_of_operators_are_in_the_order_that_they_are_searched_by() {
        assert!(SAME_SHAPE.is_sorted() && BROADCAST.is_sorted());
    }
}
