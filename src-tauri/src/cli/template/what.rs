//! Which files are made, as options name them.

use clap::Args;
use contract::{Failure, Platform};
use std::collections::BTreeMap;
use workbench::{Kind, Selection};

/// What is made.
#[derive(Args, Clone)]
pub struct What {
    /// Model types of transformers, separated by commas.
    #[arg(long, value_name = "all or TYPE,…", default_value = "all", value_delimiter = ',')]
    models: Vec<String>,
    #[arg(long, value_name = "all or PLATFORM,…", default_value = "all", value_delimiter = ',')]
    platforms: Vec<String>,
    #[arg(long, value_name = "all or KIND,…", default_value = "all", value_delimiter = ',')]
    kinds: Vec<String>,
}

impl What {
    pub fn selection(&self) -> Result<Selection, Failure> {
        let all = |names: &[String]| names.iter().any(|name| name == "all");
        let known = || models::transformers::all().iter().map(|known| known.model_type.clone());
        let model_types = if all(&self.models) { known().collect() } else { self.models.clone() };
        if let Some(unknown) = model_types.iter().find(|name| models::transformers::find(name).is_none()) {
            return Err(Failure::not_found("model type", unknown));
        }
        let platforms = if all(&self.platforms) {
            Ok(Platform::LISTED.to_vec())
        } else {
            self.platforms.iter().map(|name| platform(name)).collect()
        };
        let kinds = if all(&self.kinds) {
            Ok(Kind::GENERATED.to_vec())
        } else {
            self.kinds.iter().map(|name| kind(name)).collect()
        };
        Ok(Selection {
            model_types,
            platforms: platforms.map_err(|reason| Failure::bad_input("--platforms", reason))?,
            kinds: kinds.map_err(|reason| Failure::bad_input("--kinds", reason))?,
            variables: BTreeMap::new(),
        })
    }
}

pub fn platform(text: &str) -> Result<Platform, String> {
    Platform::LISTED.into_iter().find(|platform| platform.key() == text).ok_or_else(|| {
        let known: Vec<&str> = Platform::LISTED.iter().map(|platform| platform.key()).collect();
        format!("{text} is not one of {}", known.join(", "))
    })
}

pub fn kind(text: &str) -> Result<Kind, String> {
    Kind::GENERATED.into_iter().find(|kind| kind.key() == text).ok_or_else(|| {
        let known: Vec<&str> = Kind::GENERATED.iter().map(|kind| kind.key()).collect();
        format!("{text} is not one of {}", known.join(", "))
    })
}
