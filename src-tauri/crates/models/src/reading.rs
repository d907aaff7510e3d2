//! A configuration that is being written: what can be read of it, though it may not make sense yet.

use crate::{
    Model, ModelError,
    architectures::{self, Class},
    config::Config,
};
use contract::{ConfigSize, ModelOrigin};

pub struct Reading {
    /// Widths and layers in the order the architecture reads them, as far as it came.
    pub sizes: Vec<ConfigSize>,
    /// What its model type can be built as, the base model first.
    pub classes: &'static [Class],
    pub model: Result<Model, ModelError>,
}

impl Reading {
    /// Weights are random; `name` is what errors call the text.
    pub fn of(name: &str, text: &str) -> Self {
        match Config::parse(name, text) {
            Err(error) => Self { sizes: Vec::new(), classes: &[], model: Err(error) },
            Ok(config) => {
                let (classes, read) = (architectures::classes_of(&config), config.clone());
                let model = Model::described(name, config, None, ModelOrigin::Config { path: String::new() });
                Self { sizes: read.sizes_read(), classes, model }
            }
        }
    }
}
