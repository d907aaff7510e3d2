//! What U-Nets and autoencoders share: convolutions with short cuts, and ways to a smaller and a larger image.

use crate::{
    Attribute,
    blocks::{Activation, Convolution, group_norm, linear, resized},
    builder::{GraphBuilder, Var},
};

/// Two convolutions with a short cut around them.
#[derive(Clone, Copy)]
pub struct Residual {
    pub groups: usize,
    pub epsilon: f64,
    pub activation: Activation,
}

impl Residual {
    /// Adds what the time's vector makes of each channel between both: `time` is `[batch, width]`, activated already.
    pub fn apply(
        &self,
        b: &mut GraphBuilder,
        x: &Var,
        [inputs, outputs]: [usize; 2],
        time: Option<(&Var, usize)>,
    ) -> Var {
        let mut hidden = self.normal(&mut b.at("norm1"), x, inputs);
        hidden = Convolution::square(inputs, outputs, 3).pad(1).apply(&mut b.at("conv1"), &hidden);
        if let Some((time, width)) = time {
            let shift = linear(&mut b.at("time_emb_proj"), time, width, outputs, true);
            let shift = b.reshape(&shift, &[0, outputs as i64, 1, 1]);
            hidden = b.add(&hidden, &shift);
        }
        hidden = self.normal(&mut b.at("norm2"), &hidden, outputs);
        hidden = Convolution::square(outputs, outputs, 3).pad(1).apply(&mut b.at("conv2"), &hidden);
        if inputs == outputs {
            return b.add(x, &hidden);
        }
        let short = Convolution::square(inputs, outputs, 1).apply(&mut b.at("conv_shortcut"), x);
        b.add(&short, &hidden)
    }

    /// Normalised by groups of channels, then through the activation.
    pub fn normal(&self, b: &mut GraphBuilder, x: &Var, channels: usize) -> Var {
        let normal = group_norm(b, x, [channels, self.groups, 2], self.epsilon);
        self.activation.apply(b, &normal)
    }
}

/// Half as high and wide. Without zeros on all sides there is one row and column of them behind the last.
pub fn halve(b: &mut GraphBuilder, x: &Var, channels: usize, pad: usize) -> Var {
    let pads = if pad == 0 { [0, 0, 1, 1] } else { [pad; 4] };
    Convolution::square(channels, channels, 3).stride(2).pads(&pads).apply(&mut b.at("downsamplers.0.conv"), x)
}

/// Each place repeated until the image is as high and wide as asked (a vector of both), then a convolution.
pub fn enlarge(b: &mut GraphBuilder, x: &Var, channels: usize, edges: &Var) -> Var {
    let attributes = [
        ("mode", Attribute::Text("nearest".to_owned())),
        ("coordinate_transformation_mode", Attribute::Text("asymmetric".to_owned())),
        ("nearest_mode", Attribute::Text("floor".to_owned())),
    ];
    let large = resized(b, x, edges, &attributes);
    Convolution::square(channels, channels, 3).pad(1).apply(&mut b.at("upsamplers.0.conv"), &large)
}

/// `[batch, places, channels]` as an image of the shape of another.
pub fn as_image(b: &mut GraphBuilder, x: &Var, like: &Var) -> Var {
    let turned = b.transpose(x, &[0, 2, 1]);
    let shape = b.shape_of(like);
    b.reshape_to(&turned, &shape)
}
