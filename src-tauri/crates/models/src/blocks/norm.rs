//! Normalisation over the last axis.

use crate::{
    Element,
    builder::{GraphBuilder, Var},
    weights::Fill,
};

/// A way to normalise, with its epsilon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Norm {
    /// With the module's `weight` and `bias`.
    Layer(f64),
    /// With the module's `weight` alone.
    LayerUnbiased(f64),
    /// Without weights.
    LayerPlain(f64),
    /// With 1 + `weight` and `bias`.
    LayerPlusOne(f64),
    /// By the root of the mean square, with the module's `weight`.
    Rms(f64),
    /// The same with 1 + `weight`, as Gemma has it.
    RmsPlusOne(f64),
}

impl Norm {
    pub fn apply(self, b: &mut GraphBuilder, x: &Var, width: usize) -> Var {
        match self {
            Self::Layer(epsilon) => layer_norm(b, x, width, epsilon),
            Self::LayerUnbiased(epsilon) => {
                let weight = b.weight("weight", &[width], Fill::Ones);
                b.layer_norm(x, &weight, None, epsilon)
            }
            Self::LayerPlain(epsilon) => {
                let ones = b.table("ones", &[width], &vec![1.0; width]);
                let ones = b.cast_float(&ones);
                b.layer_norm(x, &ones, None, epsilon)
            }
            Self::LayerPlusOne(epsilon) => {
                let (weight, bias) = (b.weight("weight", &[width], Fill::Bias), b.weight("bias", &[width], Fill::Bias));
                let one = b.scalar(1.0);
                let weight = b.add(&weight, &one);
                b.layer_norm(x, &weight, Some(&bias), epsilon)
            }
            Self::Rms(epsilon) => rms_norm(b, x, width, epsilon),
            Self::RmsPlusOne(epsilon) => {
                let weight = b.weight("weight", &[width], Fill::Bias);
                let (weight, one) = (b.cast(&weight, Element::F32), b.scalar_as(Element::F32, 1.0));
                let weight = b.add(&weight, &one);
                let normal = rms_normal(b, x, epsilon);
                let product = b.mul(&normal, &weight);
                b.cast(&product, x.element())
            }
        }
    }
}

/// With the module's `weight` and `bias`.
pub fn layer_norm(b: &mut GraphBuilder, x: &Var, width: usize, epsilon: f64) -> Var {
    let weight = b.weight("weight", &[width], Fill::Ones);
    let bias = b.weight("bias", &[width], Fill::Bias);
    b.layer_norm(x, &weight, Some(&bias), epsilon)
}

/// x / √(mean(x²) + ε) · `weight`.
pub fn rms_norm(b: &mut GraphBuilder, x: &Var, width: usize, epsilon: f64) -> Var {
    let weight = b.weight("weight", &[width], Fill::Ones);
    let normal = rms_normal(b, x, epsilon);
    let normal = b.cast(&normal, x.element());
    b.mul(&normal, &weight)
}

/// x / √(mean(x²) + ε) in f32, since squares overflow f16.
pub fn rms_normal(b: &mut GraphBuilder, x: &Var, epsilon: f64) -> Var {
    let wide = b.cast(x, Element::F32);
    let (two, epsilon) = (b.scalar_as(Element::F32, 2.0), b.scalar_as(Element::F32, epsilon));
    let squares = b.pow(&wide, &two);
    let mean = b.mean_last(&squares);
    let mean = b.add(&mean, &epsilon);
    let root = b.unary("Sqrt", &mean);
    b.div(&wide, &root)
}
