//! The parts that architectures share.

mod activation;
mod attention;
mod embedding;
mod feed_forward;
mod linear;
mod mask;
mod norm;
mod rotary;

pub use activation::Activation;
pub use attention::{Attention, Context, HeadNorm, Heads, Past, Scale, capped};
pub use embedding::embedding;
pub use feed_forward::{feed_forward, gated_feed_forward};
pub use linear::{linear, tied_head};
pub use mask::{Places, causal_mask, padding_mask};
pub use norm::{Norm, layer_norm, rms_norm};
pub use rotary::Rotary;
