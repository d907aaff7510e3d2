//! Images of other sizes, and images from sequences: `[batch, channels, height, width]`.

use crate::{
    Attribute,
    builder::{GraphBuilder, Var},
};

/// Height and width of an image as a vector.
pub fn edges_of(b: &mut GraphBuilder, x: &Var) -> Var {
    let last = b.ints(&[2, 3]);
    let shape = b.shape_of(x);
    b.gather(&shape, &last, 0)
}

/// An image with these edges (a vector of height and width), by bilinear interpolation; with `corners` its corners stay
/// where they are, else its borders do.
pub fn stretched(b: &mut GraphBuilder, x: &Var, edges: &Var, corners: bool) -> Var {
    let coordinates = if corners { "align_corners" } else { "half_pixel" };
    let attributes = [
        ("mode", Attribute::Text("linear".to_owned())),
        ("coordinate_transformation_mode", Attribute::Text(coordinates.to_owned())),
    ];
    resized(b, x, edges, &attributes)
}

/// An image with these edges, filled in as the operator's attributes say.
pub fn resized(b: &mut GraphBuilder, x: &Var, edges: &Var, attributes: &[(&str, Attribute)]) -> Var {
    let kept = b.ints(&[0, 1]);
    let shape = b.shape_of(x);
    let front = b.gather(&shape, &kept, 0);
    let sizes = b.concat(&[&front, edges], 0);
    let none = x.omitted();
    b.without_bf16("Resize", &[x, &none, &none, &sizes], attributes)
}

/// The same twice as high and wide.
pub fn doubled(b: &mut GraphBuilder, x: &Var, corners: bool) -> Var {
    let (edges, two) = (edges_of(b, x), b.ints(&[2]));
    let edges = b.mul(&edges, &two);
    stretched(b, x, &edges, corners)
}

/// An image of so many channels from the vectors of its places, row by row: `[batch, height · width, channels]`. `edges`
/// is a vector of height and width.
pub fn image_of(b: &mut GraphBuilder, x: &Var, channels: usize, edges: &Var) -> Var {
    let turned = b.transpose(x, &[0, 2, 1]);
    let (batch, channels) = (b.size_of(x, 0), b.ints(&[channels as i64]));
    let shape = b.concat(&[&batch, &channels, edges], 0);
    b.reshape_to(&turned, &shape)
}

/// The channels of each place become a square of `factor` by `factor` places with so much fewer channels.
pub fn channels_to_places(b: &mut GraphBuilder, x: &Var, factor: usize) -> Var {
    let attributes = [("blocksize", Attribute::Int(factor as i64)), ("mode", Attribute::Text("CRD".to_owned()))];
    b.node("DepthToSpace", &[x], x.element(), &attributes)
}
