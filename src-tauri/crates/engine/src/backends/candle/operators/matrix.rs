//! Matrix products.

use super::{Builder, Kernel, float_or, int_or, one};
use candle_core::{Result, Tensor};
use models::Node;

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "MatMul" => |_, _| one(|x| product(x.get(0)?, x.get(1)?)),
        "Gemm" => gemm,
        _ => return None,
    })
}

/// As numpy multiplies: the last two dimensions are matrices, the ones before spread to each other, and a vector is a
/// row on the left and a column on the right.
pub(super) fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match (a.rank(), b.rank()) {
        (1, 1) => a.mul(b)?.sum_all(),
        (1, _) => product(&a.unsqueeze(0)?, b)?.squeeze(b.rank() - 2),
        (rank, 1) => product(a, &b.unsqueeze(1)?)?.squeeze(rank - 1),
        (2, 2) => a.matmul(b),
        // One matrix for the whole batch is a single product of all rows.
        (_, 2) => a.contiguous()?.broadcast_matmul(b),
        _ => regular(a)?.broadcast_matmul(&regular(b)?),
    }
}

/// candle multiplies a batch whose matrices lie at even distances; others are copied first.
fn regular(tensor: &Tensor) -> Result<Tensor> {
    let (dims, stride) = (tensor.dims(), tensor.stride());
    let matrices = tensor.rank() - 2;
    let even = (1..matrices).all(|dim| dims[dim - 1] == 1 || stride[dim - 1] == stride[dim] * dims[dim]);
    let dense = matches!(stride, [.., row, column] if *column == 1 || *row == 1);
    if even && dense && matrices <= 2 { Ok(tensor.clone()) } else { tensor.contiguous() }
}

/// α · A · B + β · C.
fn gemm(node: &Node, _: i64) -> std::result::Result<Kernel, String> {
    let (turn_a, turn_b) = (int_or(node, "transA", 0) == 1, int_or(node, "transB", 0) == 1);
    let (alpha, beta) = (float_or(node, "alpha", 1.0), float_or(node, "beta", 1.0));
    one(move |x| {
        let side = |index: usize, turn: bool| if turn { x.get(index)?.t() } else { Ok(x.get(index)?.clone()) };
        let scaled = |tensor: Tensor, by: f64| if by == 1.0 { Ok(tensor) } else { tensor.affine(by, 0.0) };
        let product = scaled(side(0, turn_a)?.matmul(&side(1, turn_b)?)?, alpha)?;
        match x.optional(2) {
            Some(added) => product.broadcast_add(&scaled(added.clone(), beta)?),
            None => Ok(product),
        }
    })
}
