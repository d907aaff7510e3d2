//! ResNet: an image read by convolutions with short cuts around them.

use super::{Architecture, Class};
use crate::{
    Dimension, Element, ModelError,
    blocks::{self, linear, mean_of_channels},
    builder::GraphBuilder,
    config::Config,
    graph::fixed,
};
use contract::DimRole;

pub struct ResNet;

const CLASSES: [Class; 2] = [
    Class { name: "ResNetModel", about: "Looks at an image and gives a vector for each place and one for the whole" },
    Class { name: "ResNetForImageClassification", about: "Looks at an image and sorts it into classes" },
];

impl Architecture for ResNet {
    fn model_type(&self) -> &'static str {
        "resnet"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "resnet"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let network = blocks::ResNet::read(config)?;
        let width = network.width();
        let image = Image::declare(&mut b, network.channels());
        if class == "ResNetModel" {
            let seen = network.apply(&mut b, &image.pixels);
            let pooled = mean_of_channels(&mut b, &seen);
            let [height, wide] = image.edges.map(|edge| network.extent(&edge).dimension());
            b.output("last_hidden_state", &seen, &[image.batch.clone(), fixed(width), height, wide]);
            b.output("pooler_output", &pooled, &[image.batch, fixed(width), fixed(1), fixed(1)]);
        } else {
            let seen = network.apply(&mut b.at("resnet"), &image.pixels);
            let pooled = mean_of_channels(&mut b, &seen);
            let pooled = b.reshape(&pooled, &[0, width as i64]);
            let labels = config.labels()?;
            let scores = linear(&mut b.at("classifier.1"), &pooled, width, labels, true);
            b.output("logits", &scores, &[image.batch, fixed(labels)]);
        }
        Ok(())
    }
}

/// Pictures, of any size for models that read them by convolutions alone.
pub struct Image {
    pub pixels: crate::builder::Var,
    pub batch: Dimension,
    /// Height and width.
    pub edges: [Dimension; 2],
}

impl Image {
    pub fn declare(b: &mut GraphBuilder, channels: usize) -> Self {
        let batch = images(b);
        let height = b.free("height", DimRole::ImageSize, "How many pixels high is an image?", 224, None);
        let width = b.free("width", DimRole::ImageSize, "How many pixels wide is an image?", 224, None);
        Self::input(b, channels, batch, [height, width])
    }

    /// The sizes that pictures in steps are asked for by: how high and how wide they are.
    pub const STEPS: [&str; 2] = ["height_steps", "width_steps"];

    /// Pictures whose edges are so many steps of `step` pixels.
    pub fn in_steps(b: &mut GraphBuilder, channels: usize, step: usize) -> Self {
        let batch = images(b);
        let mut edge = |name: &str, way: &str, usual: u32| {
            let question = format!("How {way} is an image, in steps of {step} pixels?");
            b.free(name, DimRole::Other, &question, usual, None);
            Dimension::Free(format!("{name} * {step}"))
        };
        let edges = [edge(Self::STEPS[0], "high", 7), edge(Self::STEPS[1], "wide", 7)];
        Self::input(b, channels, batch, edges)
    }

    pub fn of_size(b: &mut GraphBuilder, channels: usize, edges: [Dimension; 2]) -> Self {
        let batch = images(b);
        Self::input(b, channels, batch, edges)
    }

    fn input(b: &mut GraphBuilder, channels: usize, batch: Dimension, edges: [Dimension; 2]) -> Self {
        let [height, width] = edges.clone();
        let shape = [batch.clone(), fixed(channels), height, width];
        let pixels = b.input("pixel_values", Element::F32, &shape);
        Self { pixels, batch, edges }
    }
}

fn images(b: &mut GraphBuilder) -> Dimension {
    b.free("batch", DimRole::Batch, "How many images at once?", 1, None)
}
