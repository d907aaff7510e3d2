//! Reading a config.json: transformers' defaults where a key is missing, a sentence that names the key where it cannot be.

use crate::{ModelError, transformers};
use contract::ConfigSize;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex};

/// No real configuration has a number above these; they keep every product of sizes inside 64 bits.
const LARGEST_SIZE: u64 = 1 << 22;
const MOST_LAYERS: u64 = 2048;
/// Of a list of layers, sections or sizes.
const MOST_ENTRIES: usize = 1024;

/// The options of a model, by transformers' names.
#[derive(Clone, Debug)]
pub struct Config {
    file: String,
    text: Arc<str>,
    /// Keys that lead here from the outermost object: `text_config.`.
    prefix: String,
    options: Map<String, Value>,
    /// Taken where the file has no such key.
    defaults: Option<&'static Map<String, Value>>,
    /// Keys whose defaults follow from others, so that those in `defaults` count for nothing.
    derived: &'static [&'static str],
    /// Other names of keys, each with the key.
    aliases: &'static [(&'static str, &'static str)],
    /// Widths and layers asked for so far, shared with the objects inside.
    sizes: Arc<Mutex<Vec<ConfigSize>>>,
}

impl Config {
    pub fn parse(file: &str, text: &str) -> Result<Self, ModelError> {
        let wrong = |line, column, reason: &str| {
            let (file, reason) = (file.to_owned(), reason.to_owned());
            ModelError::NotJson { file, line, column, reason }
        };
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let said = error.to_string();
            wrong(error.line(), error.column(), said.split(" at line ").next().unwrap_or_default())
        })?;
        let Value::Object(options) = value else {
            return Err(wrong(1, 1, "a configuration is a JSON object"));
        };
        Ok(Self {
            file: file.to_owned(),
            text: text.into(),
            prefix: String::new(),
            options,
            defaults: None,
            derived: &[],
            aliases: &[],
            sizes: Arc::default(),
        })
    }

    /// The whole file as it was written.
    pub fn written(&self) -> &str {
        &self.text
    }

    /// The widths and layers that were asked for, in order.
    pub fn sizes_read(&self) -> Vec<ConfigSize> {
        self.sizes.lock().expect("no holder of this lock panics").clone()
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// The same of a model type, whose keys may go by other names.
    pub fn of_type(&self, model_type: &str) -> Self {
        Self { aliases: transformers::aliases(model_type), ..self.clone() }
    }

    /// The same over the default configuration of the type, but for the keys whose defaults follow from others.
    pub fn over_defaults(&self, model_type: &str, derived: &'static [&'static str]) -> Self {
        let defaults = transformers::find(model_type).map(|known| &known.config);
        Self { defaults, derived, ..self.of_type(model_type) }
    }

    /// The same with this flag in place of the file's.
    pub fn with_flag(mut self, key: &str, flag: bool) -> Self {
        self.options.insert(key.to_owned(), Value::Bool(flag));
        self
    }

    /// The name that a key goes by in the file: another one counts before the key itself, as in transformers.
    fn spelled<'a>(&self, key: &'a str) -> &'a str {
        let given = |name: &str| self.options.get(name).is_some_and(|value| !value.is_null());
        let other = self.aliases.iter().find(|(other, of)| *of == key && given(other));
        other.map_or(key, |(other, _)| *other)
    }

    /// A key's value; null is a value too, though it counts as missing, as in transformers.
    fn get(&self, key: &str) -> Option<&Value> {
        let usual = || self.defaults.filter(|_| self.derived.iter().all(|derived| *derived != key))?.get(key);
        self.options.get(self.spelled(key)).or_else(usual).filter(|value| !value.is_null())
    }

    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// An error about one key, with the value it has.
    pub fn refuse(&self, key: &str, reason: impl Into<String>, remedy: impl Into<String>) -> ModelError {
        ModelError::BadKey {
            file: self.file.clone(),
            key: format!("{}{}", self.prefix, self.spelled(key)),
            value: self.get(key).map(|value| shortened(&value.to_string())),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    fn wrong_kind(&self, key: &str, wanted: &str) -> ModelError {
        self.refuse(key, format!("this should be {wanted}"), "Correct the value in config.json")
    }

    /// A whole number of at least 1: a width, a number of heads.
    pub fn size(&self, key: &str, default: usize) -> Result<usize, ModelError> {
        self.counted(key, default, 1, LARGEST_SIZE)
    }

    /// A place in a list, counted from 0: the id of a token.
    pub fn index(&self, key: &str, default: usize) -> Result<usize, ModelError> {
        self.whole(key, default, 0, LARGEST_SIZE)
    }

    pub fn layers(&self, key: &str, default: usize) -> Result<usize, ModelError> {
        self.counted(key, default, 1, MOST_LAYERS)
    }

    /// A size that the default configuration has, so that it is missing only where null was written.
    pub fn needed(&self, key: &str) -> Result<usize, ModelError> {
        if !self.has(key) {
            return Err(self.refuse(key, "this size is missing", format!("Write {key} into config.json")));
        }
        self.size(key, 1)
    }

    /// A size that may be 0, and is where it is absent.
    pub fn size_or_zero(&self, key: &str) -> Result<usize, ModelError> {
        self.counted(key, 0, 0, LARGEST_SIZE)
    }

    /// A size that may be absent: null, or 0 as older files write it.
    pub fn size_or_none(&self, key: &str) -> Result<Option<usize>, ModelError> {
        let size = self.size_or_zero(key)?;
        let full = self.full(key);
        let mut sizes = self.sizes.lock().expect("no holder of this lock panics");
        sizes.iter_mut().filter(|size| size.key == full).for_each(|size| size.optional = true);
        Ok(Some(size).filter(|size| *size > 0))
    }

    /// The same where −1 stands for an absent one as well.
    pub fn size_or_all(&self, key: &str) -> Result<Option<usize>, ModelError> {
        if self.get(key).and_then(Value::as_i64) == Some(-1) { Ok(None) } else { self.size_or_none(key) }
    }

    /// A whole number that the model is made from, which can therefore be edited.
    fn counted(&self, key: &str, default: usize, least: u64, most: u64) -> Result<usize, ModelError> {
        let number = self.whole(key, default, least, most)?;
        let full = self.full(key);
        let mut sizes = self.sizes.lock().expect("no holder of this lock panics");
        let layers = most == MOST_LAYERS;
        match sizes.iter_mut().find(|size| size.key == full) {
            Some(known) => known.layers |= layers,
            None => {
                let (value, own) = (number as u64, self.own(key));
                sizes.push(ConfigSize { key: full, value, own, layers, optional: false, least, most });
            }
        }
        Ok(number)
    }

    /// With the keys that lead to it, as it is spelled here.
    fn full(&self, key: &str) -> String {
        format!("{}{}", self.prefix, self.spelled(key))
    }

    fn whole(&self, key: &str, default: usize, least: u64, most: u64) -> Result<usize, ModelError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        match value.as_u64() {
            Some(number) if (least..=most).contains(&number) => Ok(number as usize),
            _ => Err(self.wrong_kind(key, &format!("a whole number from {least} to {most}"))),
        }
    }

    /// A finite number above 0.
    pub fn positive(&self, key: &str, default: f64) -> Result<f64, ModelError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        match value.as_f64() {
            Some(number) if number.is_finite() && number > 0.0 && number < 1e30 => Ok(number),
            _ => Err(self.wrong_kind(key, "a number above 0")),
        }
    }

    /// A finite number of at least 0: a probability.
    pub fn amount(&self, key: &str, default: f64) -> Result<f64, ModelError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        match value.as_f64() {
            Some(number) if (0.0..1e30).contains(&number) => Ok(number),
            _ => Err(self.wrong_kind(key, "a number of at least 0")),
        }
    }

    pub fn flag(&self, key: &str, default: bool) -> Result<bool, ModelError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.wrong_kind(key, "true or false"))
    }

    pub fn text<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str, ModelError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_str().ok_or_else(|| self.wrong_kind(key, "a text"))
    }

    /// Whether there is a text under a key that may hold something else.
    pub fn is_text(&self, key: &str) -> bool {
        self.get(key).is_some_and(Value::is_string)
    }

    /// The object under a key, or none where it is missing.
    pub fn object(&self, key: &str) -> Result<Option<Self>, ModelError> {
        self.inside(key, self.get(key))
    }

    /// The same of the file alone.
    pub fn own_object(&self, key: &str) -> Result<Option<Self>, ModelError> {
        self.inside(key, self.options.get(key).filter(|value| !value.is_null()))
    }

    /// The same of the default configuration alone.
    pub fn default_object(&self, key: &str) -> Result<Option<Self>, ModelError> {
        self.inside(key, self.defaults.and_then(|defaults| defaults.get(key)))
    }

    fn inside(&self, key: &str, value: Option<&Value>) -> Result<Option<Self>, ModelError> {
        match value {
            None => Ok(None),
            Some(Value::Object(options)) => Ok(Some(self.nested(key, options.clone()))),
            Some(_) => Err(self.wrong_kind(key, "an object")),
        }
    }

    /// The object with these options under a key.
    fn nested(&self, key: &str, options: Map<String, Value>) -> Self {
        Self {
            file: self.file.clone(),
            text: Arc::clone(&self.text),
            prefix: format!("{}{key}.", self.prefix),
            options,
            defaults: None,
            derived: &[],
            aliases: &[],
            sizes: Arc::clone(&self.sizes),
        }
    }

    /// The object under a key; where it is missing, an empty one, so that every default holds in it.
    pub fn part(&self, key: &str) -> Result<Self, ModelError> {
        Ok(self.object(key)?.unwrap_or_else(|| self.nested(key, Map::new())))
    }

    /// A list of whole numbers of at least 1: widths of stages, kernel sizes.
    pub fn sizes(&self, key: &str, default: &[usize]) -> Result<Vec<usize>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(default.to_vec()) };
        let wrong =
            || self.wrong_kind(key, &format!("a list of up to {MOST_LAYERS} whole numbers from 1 to {LARGEST_SIZE}"));
        let listed = value.as_array().filter(|listed| !listed.is_empty() && listed.len() as u64 <= MOST_LAYERS);
        let size = |value: &Value| value.as_u64().filter(|size| (1..=LARGEST_SIZE).contains(size));
        let sizes: Option<Vec<usize>> =
            listed.ok_or_else(wrong)?.iter().map(|value| size(value).map(|size| size as usize)).collect();
        sizes.ok_or_else(wrong)
    }

    /// Refuses more layers in all stages than any model has.
    pub fn check_depths(&self, key: &str, depths: &[usize]) -> Result<(), ModelError> {
        let all: usize = depths.iter().sum();
        if all as u64 > MOST_LAYERS {
            let reason = format!("that makes {all} layers, more than {MOST_LAYERS}");
            return Err(self.refuse(key, reason, "Choose fewer layers"));
        }
        Ok(())
    }

    /// A table that is computed is kept in memory, so that its size is limited.
    pub fn check_table(&self, key: &str, rows: usize, width: usize) -> Result<(), ModelError> {
        const MOST: usize = 1 << 26;
        if rows.saturating_mul(width) > MOST {
            let reason = format!("the table of places would have more than {MOST} numbers");
            return Err(self.refuse(key, reason, "Choose fewer"));
        }
        Ok(())
    }

    /// A list of whole numbers, one for each of `count` stages.
    pub fn stages(&self, key: &str, default: &[usize], count: usize) -> Result<Vec<usize>, ModelError> {
        let sizes = self.sizes(key, default)?;
        if sizes.len() == count {
            return Ok(sizes);
        }
        let reason = format!("there are {} entries for {count} stages", sizes.len());
        Err(self.refuse(key, reason, format!("Make {key} a list of {count} numbers")))
    }

    /// Height and width: one number for both, or a list of two.
    pub fn pair(&self, key: &str, default: usize) -> Result<[usize; 2], ModelError> {
        if self.get(key).is_some_and(Value::is_array) {
            let sizes = self.stages(key, &[], 2)?;
            return Ok([sizes[0], sizes[1]]);
        }
        Ok([self.size(key, default)?; 2])
    }

    /// A list of so many numbers above 0.
    pub fn numbers(&self, key: &str, count: usize) -> Result<Vec<f64>, ModelError> {
        let wrong = || self.wrong_kind(key, &format!("a list of {count} numbers above 0"));
        let list = self.get(key).and_then(Value::as_array).filter(|list| list.len() == count).ok_or_else(wrong)?;
        let numbers = list.iter().map(|value| value.as_f64().filter(|number| *number > 0.0 && *number < 1e30));
        numbers.collect::<Option<_>>().ok_or_else(wrong)
    }

    /// A list of texts or whole numbers, one for each layer, as texts; none where it is missing.
    pub fn each_layer(&self, key: &str, layers: usize) -> Result<Option<Vec<String>>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let wrong = || self.wrong_kind(key, &format!("a list with an entry for each of the {layers} layers"));
        let list = value.as_array().filter(|list| list.len() >= layers).ok_or_else(wrong)?;
        let texts = list.iter().take(layers).map(|entry| match entry {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        texts.collect::<Option<_>>().map(Some).ok_or_else(wrong)
    }

    /// Texts from a list of pairs `[[texts], how often]`, as many as there are layers.
    pub fn repeated(&self, key: &str, layers: usize) -> Result<Vec<String>, ModelError> {
        let wrong = || self.wrong_kind(key, &format!("pairs of kinds and counts, {layers} kinds in all"));
        let mut all = Vec::new();
        for pair in self.get(key).and_then(Value::as_array).ok_or_else(wrong)? {
            let kinds = pair.get(0).and_then(Value::as_array).filter(|kinds| !kinds.is_empty()).ok_or_else(wrong)?;
            let kinds: Vec<&str> = kinds.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(wrong)?;
            let times = pair.get(1).and_then(Value::as_u64).filter(|times| *times <= MOST_LAYERS).ok_or_else(wrong)?;
            for _ in 0..times {
                all.extend(kinds.iter().map(ToString::to_string));
                if all.len() > layers {
                    return Err(wrong());
                }
            }
        }
        if all.len() == layers { Ok(all) } else { Err(wrong()) }
    }

    /// Whether the file itself has the key.
    pub fn own(&self, key: &str) -> bool {
        self.options.get(self.spelled(key)).is_some_and(|value| !value.is_null())
    }

    /// A number above 0 that may be absent.
    pub fn positive_or_none(&self, key: &str) -> Result<Option<f64>, ModelError> {
        if self.has(key) { self.positive(key, 1.0).map(Some) } else { Ok(None) }
    }

    /// Refuses an option that changes the computation in a way Assay does not build, unless it is null.
    pub fn must_be_absent(&self, key: &str, what: &str) -> Result<(), ModelError> {
        if self.has(key) {
            return Err(self.refuse(key, format!("{what} is not built"), format!("Set {key} to null")));
        }
        Ok(())
    }

    /// The object under a key, or a default one.
    pub fn object_or(&self, key: &str, default: impl FnOnce() -> Value) -> Result<Self, ModelError> {
        if let Some(object) = self.object(key)? {
            return Ok(object);
        }
        let options = match default() {
            Value::Object(options) => options,
            _ => Map::new(),
        };
        Ok(self.nested(key, options))
    }

    /// A list of whole numbers, one alone being a list as well.
    pub fn integers(&self, key: &str, default: &[i64]) -> Result<Vec<i64>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(default.to_vec()) };
        let list = match value {
            Value::Array(list) => list.iter().map(Value::as_i64).collect::<Option<Vec<_>>>(),
            one => one.as_i64().map(|one| vec![one]),
        };
        let usual = |list: &Vec<i64>| {
            (1..=MOST_ENTRIES).contains(&list.len()) && list.iter().all(|one| one.unsigned_abs() <= LARGEST_SIZE)
        };
        list.filter(usual).ok_or_else(|| self.wrong_kind(key, "a whole number or a short list of them"))
    }

    /// A list of names, or a text of them with `|` between; none where the key is missing.
    pub fn names(&self, key: &str) -> Result<Vec<String>, ModelError> {
        let list = match self.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) => {
                Some(text.to_lowercase().split('|').map(|name| name.trim().to_owned()).collect())
            }
            Some(Value::Array(list)) if list.len() <= MOST_ENTRIES => {
                list.iter().map(|name| name.as_str().map(str::to_owned)).collect()
            }
            Some(_) => None,
        };
        list.ok_or_else(|| self.wrong_kind(key, "a list of names"))
    }

    /// A list of places counted from 0, which may be empty; so it is where the key is missing.
    pub fn places(&self, key: &str) -> Result<Vec<usize>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let place = |value: &Value| value.as_u64().filter(|place| *place <= LARGEST_SIZE).map(|place| place as usize);
        let list = value.as_array().filter(|list| list.len() <= MOST_ENTRIES);
        let list = list.and_then(|list| list.iter().map(place).collect::<Option<_>>());
        list.ok_or_else(|| self.wrong_kind(key, "a list of whole numbers"))
    }

    /// A list of pairs of sizes, or none where it is missing.
    pub fn pairs(&self, key: &str) -> Result<Option<Vec<[usize; 2]>>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let size = |value: &Value| value.as_u64().filter(|size| (1..=LARGEST_SIZE).contains(size));
        let pair = |value: &Value| match value.as_array()?.as_slice() {
            [first, second] => Some([size(first)? as usize, size(second)? as usize]),
            _ => None,
        };
        let list = value.as_array().filter(|list| list.len() <= MOST_ENTRIES);
        let list = list.and_then(|list| list.iter().map(pair).collect::<Option<Vec<_>>>());
        list.map(Some).ok_or_else(|| self.wrong_kind(key, "a short list of pairs of sizes"))
    }

    /// Refuses an option that changes the computation in a way Assay does not build.
    pub fn must_be_off(&self, key: &str, what: &str) -> Result<(), ModelError> {
        if self.flag(key, false)? {
            return Err(self.refuse(key, format!("{what} is not built"), format!("Set {key} to false")));
        }
        Ok(())
    }

    /// The word in `model_type`, or the class of diffusers in `_class_name`; empty where neither is there.
    pub fn model_type(&self) -> Result<&str, ModelError> {
        if self.has("model_type") { self.text("model_type", "") } else { self.text("_class_name", "") }
    }

    /// The class in `architectures`, where one is named.
    pub fn class(&self) -> Result<Option<&str>, ModelError> {
        match self.get("architectures") {
            None => Ok(None),
            Some(Value::Array(classes)) => match classes.first() {
                None => Ok(None),
                Some(Value::String(class)) => Ok(Some(class)),
                Some(_) => Err(self.wrong_kind("architectures", "a list of class names")),
            },
            Some(_) => Err(self.wrong_kind("architectures", "a list of class names")),
        }
    }

    /// How many classes a classifier tells apart: the entries of `id2label`, else `num_labels`, else 2.
    pub fn labels(&self) -> Result<usize, ModelError> {
        match self.get("id2label") {
            Some(Value::Object(labels)) if !labels.is_empty() => Ok(labels.len()),
            Some(Value::Object(_)) | None => self.size("num_labels", 2),
            Some(_) => Err(self.wrong_kind("id2label", "an object of labels")),
        }
    }

    /// Checks that a width splits evenly into heads.
    pub fn divides(&self, width_key: &str, width: usize, heads_key: &str, heads: usize) -> Result<usize, ModelError> {
        if !width.is_multiple_of(heads) {
            let (width_key, heads_key) = (self.spelled(width_key), self.spelled(heads_key));
            let reason = format!("{width} does not split evenly into {heads} ({heads_key})");
            return Err(self.refuse(width_key, reason, format!("Make {width_key} a multiple of {heads_key}")));
        }
        Ok(width / heads)
    }
}

/// A value for a message; long ones are cut.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse("config.json", text).unwrap()
    }

    #[test]
    fn a_missing_key_or_null_takes_the_default() {
        let config = config(r#"{"pad_token_id": null}"#);
        assert_eq!(config.size("hidden_size", 768).unwrap(), 768);
        assert_eq!(config.size("pad_token_id", 1).unwrap(), 1);
    }

    #[test]
    fn an_absurd_value_is_named_with_its_key() {
        for text in ["0", "-3", "1000000000000", "1.5", "\"many\"", "[1]", "1e400"] {
            let Ok(config) = Config::parse("config.json", &format!(r#"{{"num_hidden_layers": {text}}}"#)) else {
                continue;
            };
            let error = config.layers("num_hidden_layers", 12).unwrap_err().to_string();
            assert!(error.contains("num_hidden_layers"), "{error}");
        }
    }

    #[test]
    fn broken_json_is_named_with_its_line() {
        let error = Config::parse("config.json", "{\n \"a\": ").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
