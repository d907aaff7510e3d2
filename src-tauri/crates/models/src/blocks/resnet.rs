//! A residual network of convolutions, as a model of its own and as what other models see with.

use super::{Activation, Convolution, batch_norm, max_pool};
use crate::{
    Dimension, ModelError,
    builder::{GraphBuilder, Var},
    config::Config,
    extent::Extent,
    weights::Fill,
};

/// The epsilon of torch's BatchNorm, which residual networks leave as it is.
const EPSILON: f64 = 1e-5;

/// Sizes of a network; `depths` layers in each stage, whose channels are `widths`.
pub struct ResNet {
    channels: usize,
    stem: usize,
    widths: Vec<usize>,
    depths: Vec<usize>,
    bottleneck: bool,
    activation: Activation,
    /// Whether the first stage halves the image too.
    first_halves: bool,
    /// Whether a bottleneck halves in its first convolution rather than its second.
    early: bool,
    names: Names,
    /// Whether the norms are constants, as where another model sees with the network.
    frozen: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Names {
    Transformers,
    Timm,
}

impl ResNet {
    pub fn read(config: &Config) -> Result<Self, ModelError> {
        let depths = config.sizes("depths", &[3, 4, 6, 3])?;
        config.check_depths("depths", &depths)?;
        let bottleneck = match config.text("layer_type", "bottleneck")? {
            "bottleneck" => true,
            "basic" => false,
            _ => {
                let remedy = "Known are basic and bottleneck";
                return Err(config.refuse("layer_type", "this kind of layer is not known", remedy));
            }
        };
        let widths = config.stages("hidden_sizes", &[256, 512, 1024, 2048], depths.len())?;
        if bottleneck && widths.iter().any(|width| *width < REDUCTION) {
            return Err(config.refuse("hidden_sizes", "a bottleneck needs at least 4 channels", "Use wider stages"));
        }
        Ok(Self {
            channels: config.size("num_channels", 3)?,
            stem: config.size("embedding_size", 64)?,
            widths,
            depths,
            bottleneck,
            activation: Activation::read(config, "hidden_act", "relu")?,
            first_halves: config.flag("downsample_in_first_stage", false)?,
            early: config.flag("downsample_in_bottleneck", false)?,
            names: Names::Transformers,
            frozen: false,
        })
    }

    /// The network that another model's configuration names as its backbone, whose norms do not learn.
    pub fn backbone(config: &Config) -> Result<Self, ModelError> {
        let inner = config.part("backbone_config")?;
        if inner.text("model_type", "timm_backbone")? == "resnet" {
            return Ok(Self { frozen: true, ..Self::read(&inner)? });
        }
        let named = if inner.has("backbone") { &inner } else { config };
        let name = named.text("backbone", "resnet50")?;
        let (bottleneck, depths) = match name {
            "resnet18" => (false, [2, 2, 2, 2]),
            "resnet34" => (false, [3, 4, 6, 3]),
            "resnet50" => (true, [3, 4, 6, 3]),
            "resnet101" => (true, [3, 4, 23, 3]),
            "resnet152" => (true, [3, 8, 36, 3]),
            _ => {
                let remedy = "Known are resnet18, resnet34, resnet50, resnet101 and resnet152 of timm, and resnet of transformers";
                return Err(named.refuse("backbone", "this network is not built", remedy));
            }
        };
        if inner.has("output_stride") {
            return Err(inner.refuse("output_stride", "dilated convolutions are not built", "Remove the key"));
        }
        let widths = [64, 128, 256, 512].map(|width| if bottleneck { width * REDUCTION } else { width });
        Ok(Self {
            channels: inner.size("num_channels", config.size("num_channels", 3)?)?,
            stem: 64,
            widths: widths.to_vec(),
            depths: depths.to_vec(),
            bottleneck,
            activation: Activation::Relu,
            first_halves: false,
            early: false,
            names: Names::Timm,
            frozen: true,
        })
    }

    /// Channels of the last stage.
    pub fn width(&self) -> usize {
        self.widths.last().copied().unwrap_or(self.stem)
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    /// What remains of an edge of the image after the last stage.
    pub fn extent(&self, edge: &Dimension) -> Extent {
        let halvings = self.widths.len() - usize::from(!self.first_halves);
        let seen = Extent::of(edge).after(7, 2, 6).after(3, 2, 2);
        (0..halvings).fold(seen, |extent, _| extent.after(3, 2, 2))
    }

    /// `[batch, channels, height, width]` to the last stage's image.
    pub fn apply(&self, b: &mut GraphBuilder, pixels: &Var) -> Var {
        let pixels = b.cast_float(pixels);
        let first = Convolution::square(self.channels, self.stem, 7).stride(2).pad(3).bias(false);
        let seen = match self.names {
            Names::Transformers => self.convolved(&mut b.at("embedder.embedder"), &first, self.stem, &pixels),
            Names::Timm => self.convolved_flat(b, ["conv1", "bn1"], &first, self.stem, &pixels),
        };
        let seen = self.activation.apply(b, &seen);
        let mut x = max_pool(b, &seen, [3, 2, 1]);
        let mut inputs = self.stem;
        for (stage, (width, depth)) in self.widths.iter().zip(&self.depths).enumerate() {
            let halves = stage > 0 || self.first_halves;
            let mut b = match self.names {
                Names::Transformers => b.at(format_args!("encoder.stages.{stage}.layers")),
                Names::Timm => b.at(format_args!("layer{}", stage + 1)),
            };
            for index in 0..*depth {
                let stride = if index == 0 && halves { 2 } else { 1 };
                x = self.layer(&mut b.at(index), &x, [inputs, *width, stride]);
                inputs = *width;
            }
        }
        x
    }

    /// Convolutions with a short cut around them.
    fn layer(&self, b: &mut GraphBuilder, x: &Var, [inputs, outputs, stride]: [usize; 3]) -> Var {
        let steps: Vec<(usize, Convolution)> = if self.bottleneck {
            let narrow = outputs / REDUCTION;
            let (first, second) = if self.early { (stride, 1) } else { (1, stride) };
            vec![
                (narrow, Convolution::square(inputs, narrow, 1).stride(first)),
                (narrow, Convolution::square(narrow, narrow, 3).stride(second).pad(1)),
                (outputs, Convolution::square(narrow, outputs, 1)),
            ]
        } else {
            vec![
                (outputs, Convolution::square(inputs, outputs, 3).stride(stride).pad(1)),
                (outputs, Convolution::square(outputs, outputs, 3).pad(1)),
            ]
        };
        let mut made = x.clone();
        let last = steps.len() - 1;
        for (index, (channels, convolution)) in steps.into_iter().enumerate() {
            let convolution = convolution.bias(false);
            made = match self.names {
                Names::Transformers => {
                    self.convolved(&mut b.at(format_args!("layer.{index}")), &convolution, channels, &made)
                }
                Names::Timm => {
                    let modules = [format!("conv{}", index + 1), format!("bn{}", index + 1)];
                    self.convolved_flat(b, [&modules[0], &modules[1]], &convolution, channels, &made)
                }
            };
            if index < last {
                made = self.activation.apply(b, &made);
            }
        }
        let around = if inputs == outputs && stride == 1 {
            x.clone()
        } else {
            let convolution = Convolution::square(inputs, outputs, 1).stride(stride).bias(false);
            match self.names {
                Names::Transformers => self.convolved(&mut b.at("shortcut"), &convolution, outputs, x),
                Names::Timm => self.convolved_flat(&mut b.at("downsample"), ["0", "1"], &convolution, outputs, x),
            }
        };
        let sum = b.add(&made, &around);
        self.activation.apply(b, &sum)
    }

    fn convolved(&self, b: &mut GraphBuilder, convolution: &Convolution, channels: usize, x: &Var) -> Var {
        self.convolved_flat(b, ["convolution", "normalization"], convolution, channels, x)
    }

    fn convolved_flat(
        &self,
        b: &mut GraphBuilder,
        modules: [&str; 2],
        convolution: &Convolution,
        channels: usize,
        x: &Var,
    ) -> Var {
        let x = convolution.apply(&mut b.at(modules[0]), x);
        let mut norm = b.at(modules[1]);
        if !self.frozen {
            return batch_norm(&mut norm, &x, channels, EPSILON);
        }
        let weight = norm.buffer("weight", &[channels], Fill::Ones);
        let bias = norm.buffer("bias", &[channels], Fill::Bias);
        super::batch_norm_with(&mut norm, &x, [&weight, &bias], channels, EPSILON)
    }
}

/// A bottleneck's inside is so many times narrower.
const REDUCTION: usize = 4;
