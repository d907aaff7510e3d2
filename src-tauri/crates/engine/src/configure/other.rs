//! Any other engine: the setting as results tell it, for the program that calls the engine.

use super::input;
use contract::{AdvisedSetting, Work};
use serde_json::{Map, Value, json};

pub fn file(work: &Work, setting: &AdvisedSetting) -> (Value, &'static str) {
    let mut settings = Map::new();
    settings.insert("engine".into(), json!(setting.engine));
    if !setting.software.is_empty() {
        settings.insert("version".into(), json!(setting.software));
    }
    settings.insert("hardware".into(), json!(setting.hardware));
    settings.extend(setting.devices.map(|devices| ("devices".to_owned(), json!(devices))));
    settings.extend(setting.threads.map(|threads| ("threads".to_owned(), json!(threads))));
    settings.insert("input".into(), input(work, setting));
    (Value::Object(settings), "Assay knows no settings file of this engine: give your program these values.")
}
