//! `cargo xtask bench`: what Assay costs and how true its times are, measured from outside.

use crate::{
    error::{Step, StepError},
    places::Places,
};

pub fn bench(_places: &Places, arguments: &[String]) -> Step {
    let name = arguments.first().map_or("", String::as_str);
    Err(StepError::missing(format!("there is no benchmark `{name}`"), "Choose one of: overhead, parity, start, kill."))
}
