//! Normalisation over the last axis.

use crate::{
    Element,
    builder::{GraphBuilder, Var},
    weights::Fill,
};

/// With the module's `weight` and `bias`.
pub fn layer_norm(b: &mut GraphBuilder, x: &Var, width: usize, epsilon: f64) -> Var {
    let weight = b.weight("weight", &[width], Fill::Ones);
    let bias = b.weight("bias", &[width], Fill::Bias);
    b.layer_norm(x, &weight, Some(&bias), epsilon)
}

/// x / √(mean(x²) + ε) · `weight`. The mean is taken in f32, since squares overflow f16.
pub fn rms_norm(b: &mut GraphBuilder, x: &Var, width: usize, epsilon: f64) -> Var {
    let weight = b.weight("weight", &[width], Fill::Ones);
    let wide = b.cast(x, Element::F32);
    let (two, epsilon) = (b.scalar_as(Element::F32, 2.0), b.scalar_as(Element::F32, epsilon));
    let squares = b.pow(&wide, &two);
    let mean = b.mean_last(&squares);
    let mean = b.add(&mean, &epsilon);
    let root = b.unary("Sqrt", &mean);
    let normal = b.div(&wide, &root);
    let normal = b.cast(&normal, x.element());
    b.mul(&normal, &weight)
}
