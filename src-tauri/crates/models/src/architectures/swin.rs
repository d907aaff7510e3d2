//! Swin: an image read in windows that are shifted between layers and grow from stage to stage.

use super::{Architecture, Class, repaint::Repaint};
use crate::{
    Element, ModelError,
    blocks::{Activation, Convolution, WindowStages, as_sequence, layer_norm, linear},
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
};
use contract::DimRole;

/// One of the model types.
pub struct Swin {
    model_type: &'static str,
    base: &'static str,
    classes: &'static [Class],
    /// Whether a norm follows the last stage.
    final_norm: bool,
}

const PLACES: &str = "Looks at an image and gives a vector for each place and one for the whole";
const SORT: &str = "Looks at an image and sorts it into classes";

pub static SWIN: Swin = Swin {
    model_type: "swin",
    base: "swin",
    classes: &[
        Class { name: "SwinModel", about: PLACES },
        Class { name: "SwinForImageClassification", about: SORT },
        Class {
            name: "SwinForMaskedImageModeling",
            about: "Looks at an image and paints it anew, as it learns to do with images that are hidden in part",
        },
    ],
    final_norm: true,
};
pub static DONUT_SWIN: Swin = Swin {
    model_type: "donut-swin",
    base: "donut",
    classes: &[
        Class { name: "DonutSwinModel", about: PLACES },
        Class { name: "DonutSwinForImageClassification", about: SORT },
    ],
    final_norm: false,
};
pub static MASKFORMER_SWIN: Swin = Swin {
    model_type: "maskformer-swin",
    base: "model",
    classes: &[Class { name: "MaskFormerSwinModel", about: PLACES }],
    final_norm: true,
};

/// The epsilon of torch's LayerNorm, which the norm of the patches leaves as it is.
const PATCH_EPSILON: f64 = 1e-5;

struct Options {
    image: [usize; 2],
    patch: usize,
    channels: usize,
    width: usize,
    depths: Vec<usize>,
    heads: Vec<usize>,
    window: usize,
    ratio: f64,
    bias: bool,
    activation: Activation,
    epsilon: f64,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        config.must_be_off("use_absolute_embeddings", "a table of positions")?;
        let depths = config.sizes("depths", &[2, 2, 6, 2])?;
        config.check_depths("depths", &depths)?;
        let heads = config.stages("num_heads", &[3, 6, 12, 24], depths.len())?;
        let options = Self {
            image: config.pair("image_size", 224)?,
            patch: config.size("patch_size", 4)?,
            channels: config.size("num_channels", 3)?,
            width: config.size("embed_dim", 96)?,
            window: config.size("window_size", 7)?,
            ratio: config.positive("mlp_ratio", 4.0)?,
            bias: config.flag("qkv_bias", true)?,
            activation: Activation::read(config, "hidden_act", "gelu")?,
            epsilon: config.positive("layer_norm_eps", 1e-5)?,
            depths,
            heads,
        };
        pyramid(config, "embed_dim", options.width, "num_heads", &options.heads)?;
        windows_fit(config, options.grid(), options.window, options.depths.len())?;
        Ok(options)
    }

    /// Patches along each edge; what does not fill one is filled up with zeros.
    fn grid(&self) -> [usize; 2] {
        self.image.map(|edge| edge.div_ceil(self.patch))
    }
}

/// Checks that the width of each stage, twice the one before, splits evenly into heads.
pub fn pyramid(config: &Config, width_key: &str, width: usize, key: &str, heads: &[usize]) -> Result<(), ModelError> {
    /// Widths double; beyond this no model fits any machine.
    const MOST_STAGES: usize = 12;
    if heads.len() > MOST_STAGES {
        return Err(config.refuse(key, format!("there are {} stages", heads.len()), "Use at most 12 stages"));
    }
    for (stage, heads) in heads.iter().enumerate() {
        config.divides(width_key, width << stage, key, *heads)?;
    }
    Ok(())
}

/// Checks that no stage is smaller than a window: the table of biases is made for whole ones.
pub fn windows_fit(config: &Config, grid: [usize; 2], window: usize, stages: usize) -> Result<(), ModelError> {
    let last = grid.map(|size| (1..stages).fold(size, |size, _| size.div_ceil(2)));
    /// Tables of pairs grow with the fourth power of the window and the square of the image.
    const LARGEST_WINDOW: usize = 64;
    const MOST_PAIRS: usize = 1 << 25;
    let pairs = grid
        .map(|size| size.next_multiple_of(window))
        .iter()
        .product::<usize>()
        .saturating_mul(window.saturating_mul(window));
    if pairs > MOST_PAIRS {
        let reason = format!("{} × {} places are too many for windows of {window}", grid[0], grid[1]);
        return Err(config.refuse("window_size", reason, "Choose a smaller image"));
    }
    if window > last[0].min(last[1]) || window > LARGEST_WINDOW {
        let reason = format!("the last stage has {} × {} places, which is less than a window", last[0], last[1]);
        return Err(config.refuse("window_size", reason, "Choose a larger image or smaller windows (at most 64)"));
    }
    Ok(())
}

impl Architecture for Swin {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        self.base
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let batch = b.free("batch", DimRole::Batch, "How many images at once?", 1, None);
        let shape = [batch.clone(), fixed(options.channels), fixed(options.image[0]), fixed(options.image[1])];
        let pixels = b.input("pixel_values", Element::F32, &shape);
        if class == self.classes[0].name {
            let (hidden, [height, wide], width) = self.look(&mut b, &options, &pixels);
            let pooled = b.mean(&hidden, &[1], false);
            b.output("last_hidden_state", &hidden, &[batch.clone(), fixed(height * wide), fixed(width)]);
            b.output("pooler_output", &pooled, &[batch, fixed(width)]);
            return Ok(());
        }
        let (hidden, [height, wide], width) = self.look(&mut b.at(self.base), &options, &pixels);
        if class.ends_with("ForMaskedImageModeling") {
            b.at(self.base).at("embeddings").unread("mask_token", &[1, 1, options.width]);
            let repaint = Repaint::read(config, height * wide, 32, options.channels)?;
            repaint.draw(&mut b, batch, &hidden, width);
        } else {
            let pooled = b.mean(&hidden, &[1], false);
            let labels = config.labels()?;
            let scores = linear(&mut b.at("classifier"), &pooled, width, labels, true);
            b.output("logits", &scores, &[batch, fixed(labels)]);
        }
        Ok(())
    }
}

impl Swin {
    /// The vector of each place of the last stage, the places' grid, and the width.
    fn look(&self, b: &mut GraphBuilder, options: &Options, pixels: &Var) -> (Var, [usize; 2], usize) {
        let Options { patch, channels, width, image, epsilon, .. } = *options;
        let mut pixels = b.cast_float(pixels);
        let missing = image.map(|edge| (edge.next_multiple_of(patch) - edge) as i64);
        if missing != [0, 0] {
            pixels = b.pad(&pixels, &[0, 0, 0, 0, 0, 0, missing[0], missing[1]]);
        }
        let mut embeddings = b.at("embeddings");
        let projection = &mut embeddings.at("patch_embeddings.projection");
        let seen = Convolution::patches(channels, width, patch).apply(projection, &pixels);
        let seen = as_sequence(&mut embeddings, &seen, width);
        let seen = layer_norm(&mut embeddings.at("norm"), &seen, width, PATCH_EPSILON);
        let stages = WindowStages {
            width,
            depths: &options.depths,
            heads: &options.heads,
            window: options.window,
            ratio: options.ratio,
            bias: options.bias,
            activation: options.activation,
            epsilon,
        };
        let (hidden, grid, width) = stages.apply(&mut b.at("encoder"), &seen, options.grid());
        if !self.final_norm {
            return (hidden, grid, width);
        }
        (layer_norm(&mut b.at("layernorm"), &hidden, width, epsilon), grid, width)
    }
}
