//! The parts that architectures share.

mod activation;
mod attention;
mod convolution;
mod disentangled;
mod embedding;
mod experts;
mod feed_forward;
mod grid_encoder;
mod image_tokens;
mod layer;
mod linear;
mod mask;
mod norm;
mod relative;
mod resize;
mod resnet;
mod rotary;
mod rotation;
mod tiles;
mod token;
mod window;

pub use activation::Activation;
pub use attention::{Attention, Context, HeadNorm, Heads, Past, Scale, capped};
pub use convolution::{
    Convolution, as_sequence, batch_norm, batch_norm_with, channel_norm, group_norm, max_pool, mean_of_channels,
    mean_of_places, mean_pool, spread_out,
};
pub use disentangled::{Buckets, Disentangled};
pub use embedding::embedding;
pub use experts::{Correction, Experts, Gate, Groups, Matrices, Router, Scores, Shared};
pub use feed_forward::{GATED, feed_forward, gated_feed_forward, gated_halves, gated_together};
pub use grid_encoder::GridEncoder;
pub use image_tokens::ImageTokens;
pub use layer::Layer;
pub use linear::{Stored, linear, tied_head, word_scores};
pub use mask::{Places, alibi, causal_mask, near_mask, order_mask, padding_mask, padding_mask_under_bias, pair_mask};
pub use norm::{Norm, layer_norm, rms_norm};
pub use relative::RelativeBias;
pub use resize::{channels_to_places, doubled, edges_of, image_of, resized, stretched};
pub use resnet::ResNet;
pub use rotary::Rotary;
pub use rotation::{Frequencies, Rotation};
pub use tiles::{Tiles, divide};
pub use token::{for_each_sample, place_of_largest, unit_length, vector_at, vector_at_each, with_tokens};
pub use window::WindowStages;
