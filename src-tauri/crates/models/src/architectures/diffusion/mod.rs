//! The parts of latent-diffusion models, as diffusers has them: their configurations name a class in place of a type.

mod autoencoder;
mod parts;
mod unet;

pub use autoencoder::AutoencoderKl;
pub use unet::Unet;

use crate::{ModelError, config::Config};

/// A number for each of so many stages: one for all, or a list.
fn each_stage(config: &Config, key: &str, default: usize, count: usize) -> Result<Vec<usize>, ModelError> {
    let numbers = config.integers(key, &[default as i64])?;
    let numbers = if numbers.len() == 1 { vec![numbers[0]; count] } else { numbers };
    if numbers.len() != count {
        let reason = format!("there are {} entries for {count} stages", numbers.len());
        return Err(config.refuse(key, reason, format!("Make {key} one number, or a list of {count}")));
    }
    let sizes = numbers.iter().map(|number| usize::try_from(*number).ok().filter(|size| *size > 0));
    sizes.collect::<Option<_>>().ok_or_else(|| config.refuse(key, "each number should be at least 1", "Correct it"))
}

/// Kinds of stages, `count` of them, each one of these names: its place among them.
fn kinds(
    config: &Config,
    key: &str,
    names: &[&str],
    default: &[usize],
    count: usize,
) -> Result<Vec<usize>, ModelError> {
    let written = config.names(key)?;
    let found = if written.is_empty() {
        default.to_vec()
    } else {
        let place = |kind: &String| {
            names.iter().position(|name| name == kind).ok_or_else(|| {
                config.refuse(key, format!("the stage {kind} is not built"), format!("Known are {}", names.join(", ")))
            })
        };
        written.iter().map(place).collect::<Result<_, _>>()?
    };
    if found.len() != count {
        let reason = format!("there are {} entries for {count} stages (block_out_channels)", found.len());
        return Err(config.refuse(key, reason, format!("Make {key} a list of {count} names")));
    }
    Ok(found)
}

/// How many groups the norms have, which divide the channels of every stage.
fn groups(config: &Config, channels: &[usize]) -> Result<usize, ModelError> {
    const KEY: &str = "norm_num_groups";
    let groups = config.size(KEY, 32)?;
    match channels.iter().find(|channels| !channels.is_multiple_of(groups)) {
        None => Ok(groups),
        Some(channels) => {
            let reason = format!("{channels} channels (block_out_channels) do not split evenly into {groups}");
            Err(config.refuse(KEY, reason, "Choose a number of groups that divides them all"))
        }
    }
}
