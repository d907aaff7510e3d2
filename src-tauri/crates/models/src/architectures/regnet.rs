//! RegNet: an image read by residual layers whose channels are convolved in groups and weighed by their means.

use super::{Architecture, Class, resnet::Image};
use crate::{
    ModelError,
    blocks::{Activation, Convolution, batch_norm, linear, mean_of_channels},
    builder::{GraphBuilder, Var},
    config::Config,
    extent::Extent,
    graph::fixed,
};

pub struct RegNet;

const CLASSES: [Class; 2] = [
    Class { name: "RegNetModel", about: "Looks at an image and gives a vector for each place and one for the whole" },
    Class { name: "RegNetForImageClassification", about: "Looks at an image and sorts it into classes" },
];

/// The epsilon of torch's BatchNorm, which RegNet leaves as it is.
const EPSILON: f64 = 1e-5;

struct Options {
    channels: usize,
    stem: usize,
    widths: Vec<usize>,
    depths: Vec<usize>,
    group: usize,
    weighed: bool,
    activation: Activation,
    first_halves: bool,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let depths = config.sizes("depths", &[2, 6, 12, 2])?;
        config.check_depths("depths", &depths)?;
        let weighed = match config.text("layer_type", "y")? {
            "x" => false,
            "y" => true,
            _ => return Err(config.refuse("layer_type", "this kind of layer is not known", "Known are x and y")),
        };
        let options = Self {
            channels: config.size("num_channels", 3)?,
            stem: config.size("embedding_size", 32)?,
            widths: config.stages("hidden_sizes", &[128, 192, 512, 1088], depths.len())?,
            depths,
            group: config.size("groups_width", 64)?,
            weighed,
            activation: Activation::read(config, "hidden_act", "relu")?,
            first_halves: config.flag("downsample_in_first_stage", true)?,
        };
        for width in &options.widths {
            config.divides("hidden_sizes", *width, "groups_width", options.groups(*width))?;
        }
        Ok(options)
    }

    fn groups(&self, width: usize) -> usize {
        (width / self.group).max(1)
    }
}

impl Architecture for RegNet {
    fn model_type(&self) -> &'static str {
        "regnet"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "regnet"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        let width = options.widths.last().copied().unwrap_or(options.stem);
        let image = Image::declare(&mut b, options.channels);
        if class == "RegNetModel" {
            let seen = look(&mut b, &options, &image.pixels);
            let pooled = mean_of_channels(&mut b, &seen);
            let halvings = 1 + options.widths.len() - usize::from(!options.first_halves);
            let [height, wide] = image
                .edges
                .map(|edge| (0..halvings).fold(Extent::of(&edge), |extent, _| extent.after(3, 2, 2)).dimension());
            b.output("last_hidden_state", &seen, &[image.batch.clone(), fixed(width), height, wide]);
            b.output("pooler_output", &pooled, &[image.batch, fixed(width), fixed(1), fixed(1)]);
        } else {
            let seen = look(&mut b.at("regnet"), &options, &image.pixels);
            let pooled = mean_of_channels(&mut b, &seen);
            let pooled = b.reshape(&pooled, &[0, width as i64]);
            let labels = config.labels()?;
            let scores = linear(&mut b.at("classifier.1"), &pooled, width, labels, true);
            b.output("logits", &scores, &[image.batch, fixed(labels)]);
        }
        Ok(())
    }
}

fn look(b: &mut GraphBuilder, options: &Options, pixels: &Var) -> Var {
    let pixels = b.cast_float(pixels);
    let first = Convolution::square(options.channels, options.stem, 3).stride(2).pad(1);
    let seen = convolved(&mut b.at("embedder.embedder"), first, options.stem, &pixels);
    let mut x = options.activation.apply(b, &seen);
    let mut inputs = options.stem;
    for (stage, (width, depth)) in options.widths.iter().zip(&options.depths).enumerate() {
        for index in 0..*depth {
            let halves = index == 0 && (stage > 0 || options.first_halves);
            let mut layer = b.at(format_args!("encoder.stages.{stage}.layers.{index}"));
            x = step(&mut layer, options, &x, [inputs, *width, if halves { 2 } else { 1 }]);
            inputs = *width;
        }
    }
    x
}

/// Three convolutions with a short cut around them.
fn step(b: &mut GraphBuilder, options: &Options, x: &Var, [inputs, outputs, stride]: [usize; 3]) -> Var {
    let activation = options.activation;
    let narrow = Convolution::square(inputs, outputs, 1);
    let made = convolved(&mut b.at("layer.0"), narrow, outputs, x);
    let made = activation.apply(b, &made);
    let grouped = Convolution::square(outputs, outputs, 3).stride(stride).pad(1).groups(options.groups(outputs));
    let made = convolved(&mut b.at("layer.1"), grouped, outputs, &made);
    let mut made = activation.apply(b, &made);
    if options.weighed {
        let reduced = (inputs as f64 / 4.0).round_ties_even() as usize;
        made = weigh(&mut b.at("layer.2.attention"), &made, outputs, reduced.max(1));
    }
    let last = Convolution::square(outputs, outputs, 1);
    let made = convolved(&mut b.at(if options.weighed { "layer.3" } else { "layer.2" }), last, outputs, &made);
    let around = if inputs == outputs && stride == 1 {
        x.clone()
    } else {
        convolved(&mut b.at("shortcut"), Convolution::square(inputs, outputs, 1).stride(stride), outputs, x)
    };
    let sum = b.add(&made, &around);
    activation.apply(b, &sum)
}

/// Each channel weighed by what the means of all say.
fn weigh(b: &mut GraphBuilder, x: &Var, width: usize, reduced: usize) -> Var {
    let mean = mean_of_channels(b, x);
    let small = Convolution::square(width, reduced, 1).apply(&mut b.at(0), &mean);
    let small = b.unary("Relu", &small);
    let weights = Convolution::square(reduced, width, 1).apply(&mut b.at(2), &small);
    let weights = b.unary("Sigmoid", &weights);
    b.mul(x, &weights)
}

fn convolved(b: &mut GraphBuilder, convolution: Convolution, channels: usize, x: &Var) -> Var {
    let x = convolution.bias(false).apply(&mut b.at("convolution"), x);
    batch_norm(&mut b.at("normalization"), &x, channels, EPSILON)
}
