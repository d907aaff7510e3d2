//! Activation functions, by the names configurations give them.

use crate::{
    ModelError,
    builder::{GraphBuilder, Var},
    config::Config,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// By the error function.
    Gelu,
    /// By the hyperbolic tangent.
    GeluTanh,
    /// x · sigmoid(1.702 x).
    QuickGelu,
    Relu,
    /// Relu, squared.
    ReluSquared,
    Silu,
    Tanh,
    Sigmoid,
}

const NAMES: [(&str, Activation); 14] = [
    ("gelu", Activation::Gelu),
    ("gelu_python", Activation::Gelu),
    ("gelu_new", Activation::GeluTanh),
    ("gelu_fast", Activation::GeluTanh),
    ("gelu_pytorch_tanh", Activation::GeluTanh),
    ("quick_gelu", Activation::QuickGelu),
    ("gelu_python_tanh", Activation::GeluTanh),
    ("gelu_accurate", Activation::GeluTanh),
    ("relu", Activation::Relu),
    ("relu2", Activation::ReluSquared),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("tanh", Activation::Tanh),
    ("sigmoid", Activation::Sigmoid),
];

impl Activation {
    pub fn read(config: &Config, key: &str, default: &str) -> Result<Self, ModelError> {
        Self::named(config, key, config.text(key, default)?)
    }

    /// The one of this name, which comes from the value under `key`.
    pub fn named(config: &Config, key: &str, name: &str) -> Result<Self, ModelError> {
        NAMES.iter().find(|known| known.0 == name).map(|known| known.1).ok_or_else(|| {
            let known: Vec<&str> = NAMES.iter().map(|known| known.0).collect();
            config.refuse(key, "this activation function is not built", format!("Known are {}", known.join(", ")))
        })
    }

    pub fn apply(self, b: &mut GraphBuilder, x: &Var) -> Var {
        match self {
            Self::Gelu => gelu(b, x),
            Self::GeluTanh => gelu_tanh(b, x),
            Self::QuickGelu => {
                let factor = b.scalar(1.702);
                let scaled = b.mul(x, &factor);
                let gate = b.unary("Sigmoid", &scaled);
                b.mul(x, &gate)
            }
            Self::Relu => b.unary("Relu", x),
            Self::ReluSquared => {
                let positive = b.unary("Relu", x);
                b.mul(&positive, &positive)
            }
            Self::Silu => {
                let gate = b.unary("Sigmoid", x);
                b.mul(x, &gate)
            }
            Self::Tanh => b.unary("Tanh", x),
            Self::Sigmoid => b.unary("Sigmoid", x),
        }
    }
}

/// x · (1 + erf(x / √2)) · ½, in the order of operations that engines recognise and fuse.
fn gelu(b: &mut GraphBuilder, x: &Var) -> Var {
    let (root, one, half) = (b.scalar(std::f64::consts::SQRT_2), b.scalar(1.0), b.scalar(0.5));
    let scaled = b.div(x, &root);
    let erf = b.unary("Erf", &scaled);
    let shifted = b.add(&erf, &one);
    let product = b.mul(x, &shifted);
    b.mul(&product, &half)
}

/// ½ · x · (1 + tanh(√(2/π) · (x + 0.044715 x³))).
fn gelu_tanh(b: &mut GraphBuilder, x: &Var) -> Var {
    let root = b.scalar((2.0 / std::f64::consts::PI).sqrt());
    let (three, cubic, one, half) = (b.scalar(3.0), b.scalar(0.044_715), b.scalar(1.0), b.scalar(0.5));
    let cube = b.pow(x, &three);
    let cube = b.mul(&cube, &cubic);
    let inner = b.add(x, &cube);
    let inner = b.mul(&inner, &root);
    let tanh = b.unary("Tanh", &inner);
    let shifted = b.add(&tanh, &one);
    let halved = b.mul(x, &half);
    b.mul(&halved, &shifted)
}
