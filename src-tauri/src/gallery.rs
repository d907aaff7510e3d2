//! All model types with what can be done with each, and configurations that are being written.

use crate::{catalogue::Catalogue, describe::describe, nearest};
use contract::*;
use models::{Model, ModelError, Reading, transformers, transformers::ModelType};
use std::collections::{BTreeMap, HashMap};
use store::Store;

/// What errors call a configuration that is not a file yet.
const WRITTEN: &str = "config.json";
/// How transformers says that none of its auto classes makes a model of a configuration.
const NO_AUTO_CLASS: &str = "Unrecognized configuration class";

/// Every model type by name, with what the store knows of engines that ran it.
pub fn types(store: &Store) -> Result<Vec<TypeRow>, Failure> {
    let built: HashMap<&str, &[models::Class]> = models::built().collect();
    let mut evidence = store.engine_records()?;
    let rows = transformers::all().iter().map(|known| {
        let evidence = evidence.remove(&known.model_type).unwrap_or_default();
        row(known, built.contains_key(known.model_type.as_str()), evidence)
    });
    Ok(rows.collect())
}

/// One model type by its name, in the same way.
pub fn type_row(store: &Store, model_type: &str) -> Result<TypeRow, Failure> {
    let known = find(model_type)?;
    let evidence = store.engine_records()?.remove(model_type).unwrap_or_default();
    Ok(row(known, models::built().any(|(name, _)| name == model_type), evidence))
}

fn find(model_type: &str) -> Result<&'static ModelType, Failure> {
    transformers::find(model_type).ok_or_else(|| Failure::not_found("model type", model_type))
}

fn row(known: &ModelType, is_built: bool, evidence: Vec<EngineRecord>) -> TypeRow {
    let (family, family_reason) = workbench::family_of(known);
    TypeRow {
        model_type: known.model_type.clone(),
        family,
        family_reason,
        tasks: workbench::tasks_of(known).into_iter().map(str::to_owned).collect(),
        reads: workbench::media_of(known),
        parameters: known.parameters,
        support: support(known, is_built),
        evidence,
    }
}

fn support(known: &ModelType, is_built: bool) -> Support {
    if is_built {
        return Support::Measured;
    }
    match (&known.base_class, &known.error) {
        (Some(class), _) => Support::Templates {
            reason: format!("Assay does not build {class} yet. Templates make tests for it that run transformers."),
        },
        (None, Some(error)) if error.contains(NO_AUTO_CLASS) => Support::NotYet {
            reason: "transformers lists no base model for its configuration, as is usual for a part of a larger model"
                .to_owned(),
        },
        (None, Some(error)) => Support::NotYet {
            reason: format!(
                "transformers cannot build it from its default configuration: {}",
                error.lines().next().unwrap_or_default().trim_end_matches([':', ' '])
            ),
        },
        (None, None) => Support::NotYet { reason: "transformers names no base model for it".to_owned() },
    }
}

/// The configuration that a type or a listed model has.
pub fn config(catalogue: &Catalogue, store: &Store, source: &ConfigSource) -> Result<ConfigText, Failure> {
    match source {
        ConfigSource::Type { model_type } => {
            let known = find(model_type)?;
            let built = models::built().find(|(name, _)| name == model_type);
            let class = built.and_then(|(_, classes)| Some(classes.first()?.name)).or(known.base_class.as_deref());
            let text = known.config_text(class.unwrap_or_default());
            Ok(ConfigText { name: model_type.clone(), text: Some(text) })
        }
        ConfigSource::Listed { id } => {
            let listed = catalogue.model(store, id)?;
            let text = listed.model.config_text().map(str::to_owned);
            Ok(ConfigText { name: listed.info.name.clone(), text })
        }
    }
}

/// The sizes at which a model is looked at; those left out have the model's defaults.
pub struct At(pub BTreeMap<String, u32>);

impl At {
    fn describe(&self, model: &Model) -> Result<ModelDescription, ModelError> {
        describe(model, model.dims_for(1, None, &self.0)?)
    }
}

/// A listed model, with what its configuration holds.
pub fn read_listed(model: &Model, at: &At, available_memory_bytes: u64) -> ConfigReading {
    let (sizes, classes) = model.config_sizes();
    let text = model.config_text().unwrap_or_default();
    reading(text, sizes, classes, at.describe(model), at, available_memory_bytes)
}

/// A configuration as far as it makes sense.
pub fn read_text(text: &str, at: &At, available_memory_bytes: u64) -> ConfigReading {
    let Reading { sizes, classes, model } = Reading::of(WRITTEN, text);
    let described = model.and_then(|model| at.describe(&model));
    reading(text, sizes, classes, described, at, available_memory_bytes)
}

fn reading(
    text: &str,
    sizes: Vec<ConfigSize>,
    classes: &[models::Class],
    described: Result<ModelDescription, ModelError>,
    at: &At,
    available_memory_bytes: u64,
) -> ConfigReading {
    let (description, problem) = match described {
        Ok(description) => (Some(description), None),
        Err(error) => (None, Some(problem(text, error))),
    };
    let class = |class: &models::Class| ModelClass { name: class.name.to_owned(), about: class.about.to_owned() };
    let whole = description.as_ref().and_then(needed).filter(|bytes| *bytes > available_memory_bytes);
    let fitting_layers = whole.and_then(|whole| {
        let needed = |model: &Model| needed(&at.describe(model).ok()?);
        nearest::layers(text, &sizes, available_memory_bytes, whole, needed)
    });
    ConfigReading {
        classes: classes.iter().map(class).collect(),
        description,
        problem,
        available_memory_bytes,
        fitting_layers,
        sizes,
    }
}

/// Bytes in the first precision, at the phase that takes most.
fn needed(described: &ModelDescription) -> Option<u64> {
    described.memory.first().map(PrecisionMemory::most_bytes)
}

fn problem(text: &str, error: ModelError) -> ConfigProblem {
    let said = error.to_string();
    let plain = ConfigProblem { key: None, dim: None, line: None, reason: said, remedy: String::new() };
    match error {
        ModelError::NotJson { line, reason, .. } => ConfigProblem {
            line: u32::try_from(line).ok(),
            reason: format!("This is not valid JSON: {reason}"),
            remedy: "Correct it there".to_owned(),
            ..plain
        },
        ModelError::BadKey { key, reason, remedy, .. } => {
            let place = json_text::value_at(text, &key).map(|place| json_text::line_of(text, place.start));
            ConfigProblem { key: Some(key), line: place, reason, remedy, ..plain }
        }
        ModelError::BadSize { dimension, reason, .. } => ConfigProblem { dim: Some(dimension), reason, ..plain },
        ModelError::Unsupported { reason, remedy, .. } => ConfigProblem { reason, remedy, ..plain },
        _ => plain,
    }
}
