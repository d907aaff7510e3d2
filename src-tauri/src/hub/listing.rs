//! What a repository lists, and which of its files make up a configuration and weights.

use contract::{HubFile, HubFormat, HubLicence, HubRefusal, HubWeights};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path},
};

pub const CONFIG: &str = "config.json";
/// What lies beside a configuration and says more of the model.
const BESIDE_CONFIG: [&str; 2] = ["generation_config.json", "preprocessor_config.json"];
const SAFETENSORS: &str = "model.safetensors";
pub const INDEX: &str = "model.safetensors.index.json";
const PICKLES: [&str; 6] = ["bin", "pt", "pth", "pkl", "pickle", "ckpt"];
/// Files that an error names.
const NAMES_SHOWN: usize = 3;

/// A repository at one commit.
#[derive(Debug)]
pub struct Listing {
    /// The commit.
    pub revision: String,
    pub licence: Option<HubLicence>,
    files: Vec<HubFile>,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    siblings: Vec<Sibling>,
    #[serde(default, rename = "cardData")]
    card: Option<Card>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Large>,
}

/// A file that git keeps elsewhere, by its checksum.
#[derive(Deserialize)]
struct Large {
    sha256: String,
    size: u64,
}

/// The head of the repository's own text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Card {
    license: Value,
    license_name: Value,
    license_link: Value,
}

impl Listing {
    /// # Errors
    /// With what is wrong, where this is no listing.
    pub fn read(answer: &[u8]) -> Result<Self, String> {
        let answer: Answer = serde_json::from_slice(answer).map_err(|e| e.to_string())?;
        if answer.sha.is_empty() || !answer.sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("{:?} is no commit", answer.sha));
        }
        let files = answer.siblings.into_iter().filter(|file| is_plain(&file.rfilename)).filter_map(|file| {
            let bytes = file.lfs.as_ref().map(|large| large.size).or(file.size)?;
            Some(HubFile { path: file.rfilename, bytes, sha256: file.lfs.map(|large| large.sha256.to_lowercase()) })
        });
        Ok(Self {
            revision: answer.sha,
            licence: licence(&answer.card.unwrap_or_default(), &answer.tags),
            files: files.collect(),
        })
    }

    pub fn file(&self, path: &str) -> Option<&HubFile> {
        self.files.iter().find(|file| file.path == path)
    }

    pub fn config_files(&self) -> Vec<HubFile> {
        [CONFIG].iter().chain(&BESIDE_CONFIG).filter_map(|path| self.file(path)).cloned().collect()
    }

    /// Whether the weights are cut into files that an index names.
    pub fn is_cut(&self) -> bool {
        self.file(SAFETENSORS).is_none() && self.file(INDEX).is_some()
    }

    /// Weights to choose from. `index` is the content of the index, where they are cut.
    ///
    /// # Errors
    /// Where the index is none, or names a file that is not there.
    pub fn weights(&self, index: Option<&[u8]>) -> Result<Vec<HubWeights>, String> {
        let mut all = Vec::new();
        if let Some(whole) = self.file(SAFETENSORS) {
            all.push(weights(HubFormat::Safetensors, vec![whole.clone()]));
        } else if let (Some(file), Some(index)) = (self.file(INDEX), index) {
            let named = names_in(index)?;
            let shard = |name: &String| {
                self.file(name).cloned().ok_or_else(|| format!("its index names {name}, which it lacks"))
            };
            let shards = named.iter().map(shard).collect::<Result<Vec<_>, String>>()?;
            all.push(weights(HubFormat::Safetensors, [vec![file.clone()], shards].concat()));
        }
        let mut graphs: Vec<&HubFile> = self.files.iter().filter(|file| file.path.ends_with(".onnx")).collect();
        // The plain one comes first; others are in other precisions or for one task.
        graphs.sort_by_key(|file| (!file.path.ends_with("model.onnx"), file.path.len(), &file.path));
        all.extend(graphs.into_iter().map(|graph| {
            let beside = self.files.iter().filter(|file| is_data_of(graph, file)).cloned();
            weights(HubFormat::Onnx, std::iter::once(graph.clone()).chain(beside).collect())
        }));
        Ok(all)
    }

    /// Why there are no weights to choose from.
    pub fn no_weights(&self) -> HubRefusal {
        let pickled = |file: &&HubFile| {
            let extension = Path::new(&file.path).extension();
            extension.is_some_and(|own| PICKLES.iter().any(|pickle| own.eq_ignore_ascii_case(pickle)))
        };
        let pickles: Vec<&str> = self.files.iter().filter(pickled).map(|file| file.path.as_str()).collect();
        let reason = match pickles.as_slice() {
            [] => "it has neither model.safetensors nor an ONNX file".to_owned(),
            names => {
                let more = if names.len() > NAMES_SHOWN { " …" } else { "" };
                let shown = names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", ");
                format!("its weights are saved with pickle ({shown}{more}), which can run any code when they are read")
            }
        };
        HubRefusal {
            reason,
            remedy: "Choose a repository with safetensors or ONNX files, or have these converted to safetensors".into(),
            needs_token: false,
        }
    }
}

fn weights(format: HubFormat, files: Vec<HubFile>) -> HubWeights {
    // A server may say anything.
    let bytes = files.iter().map(|file| file.bytes).fold(0, u64::saturating_add);
    HubWeights { name: files[0].path.clone(), format, files, bytes, here_bytes: 0 }
}

/// Numbers of an ONNX graph that lie beside it: `model.onnx_data`, `model.onnx.data`, and `model.weights.bin` as Assay
/// writes it.
fn is_data_of(graph: &HubFile, file: &HubFile) -> bool {
    let stem = graph.path.strip_suffix(".onnx").unwrap_or(&graph.path);
    let rest = file.path.strip_prefix(stem).and_then(|rest| rest.strip_prefix(".onnx").or(Some(rest)));
    rest.is_some_and(|rest| ["_data", ".data", ".weights."].iter().any(|start| rest.starts_with(start)))
}

/// The files that an index names.
fn names_in(index: &[u8]) -> Result<BTreeSet<String>, String> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_slice(index).map_err(|e| format!("its index cannot be read: {e}"))?;
    Ok(index.weight_map.into_values().collect())
}

fn licence(card: &Card, tags: &[String]) -> Option<HubLicence> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(several) => Some(several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
            .filter(|text| !text.is_empty()),
        _ => None,
    };
    let tagged = || tags.iter().find_map(|tag| tag.strip_prefix("license:")).map(str::to_owned);
    let name = text(&card.license).or_else(tagged)?;
    // `other` alone says nothing.
    let name = if name == "other" { text(&card.license_name).unwrap_or(name) } else { name };
    let link = text(&card.license_link).filter(|link| link.starts_with("https://"));
    Some(HubLicence { name, link })
}

/// Whether a path stays inside the folder that it is written to, on every system.
fn is_plain(path: &str) -> bool {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    !path.is_empty() && inside && !path.contains(['\\', ':', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn listing(files: &[&str], card: Value) -> Listing {
        let siblings: Vec<Value> = files.iter().map(|name| json!({"rfilename": name, "size": 10})).collect();
        let answer = json!({"sha": "ab12", "siblings": siblings, "cardData": card, "tags": ["license:mit"]});
        Listing::read(answer.to_string().as_bytes()).unwrap()
    }

    fn names(weights: &[HubWeights]) -> Vec<&str> {
        weights.iter().map(|weights| weights.name.as_str()).collect()
    }

    #[test]
    fn safetensors_come_before_onnx_and_the_plain_graph_before_others() {
        let found = listing(
            &["onnx/model_quantized.onnx", "onnx/model.onnx", "onnx/model.onnx_data", "model.safetensors", "a.bin"],
            json!({}),
        );
        let weights = found.weights(None).unwrap();
        assert_eq!(names(&weights), ["model.safetensors", "onnx/model.onnx", "onnx/model_quantized.onnx"]);
        assert_eq!((weights[1].files.len(), weights[1].bytes), (2, 20), "the numbers beside it belong to it");
        assert_eq!(weights[2].files.len(), 1);
    }

    #[test]
    fn weights_in_several_files_are_those_that_the_index_names() {
        let found = listing(&[INDEX, "model-1.safetensors", "model-2.safetensors", "extra.safetensors"], json!({}));
        assert!(found.is_cut());
        let index = |second: &str| json!({"weight_map": {"a": "model-1.safetensors", "b": second}}).to_string();
        let weights = found.weights(Some(index("model-2.safetensors").as_bytes())).unwrap();
        assert_eq!((names(&weights), weights[0].bytes), (vec![INDEX], 30));
        let lacking = found.weights(Some(index("model-3.safetensors").as_bytes())).unwrap_err();
        assert!(lacking.contains("model-3.safetensors"), "{lacking}");
    }

    #[test]
    fn pickles_are_refused_and_the_way_is_named() {
        let found = listing(&["config.json", "pytorch_model.bin"], json!({}));
        assert_eq!(found.weights(None).unwrap(), []);
        let HubRefusal { reason, remedy, .. } = found.no_weights();
        assert!(reason.contains("pytorch_model.bin") && reason.contains("run any code"), "{reason}");
        assert!(remedy.contains("safetensors") && remedy.contains("ONNX"), "{remedy}");
    }

    #[test]
    fn a_path_that_leads_out_of_the_folder_is_not_listed() {
        let paths = ["../model.safetensors", "/etc/model.onnx", "C:\\model.onnx", "a/../../model.onnx", "model.onnx"];
        assert_eq!(names(&listing(&paths, json!({})).weights(None).unwrap()), ["model.onnx"]);
    }

    #[test]
    fn the_licence_is_the_one_its_owner_names() {
        let licence = |card: Value| listing(&[], card).licence.map(|licence| licence.name);
        assert_eq!(licence(json!({"license": "apache-2.0"})).as_deref(), Some("apache-2.0"));
        assert_eq!(licence(json!({"license": "other", "license_name": "gemma"})).as_deref(), Some("gemma"));
        assert_eq!(licence(json!({"license": ["mit", "gpl-3.0"]})).as_deref(), Some("mit, gpl-3.0"));
        assert_eq!(licence(json!(null)).as_deref(), Some("mit"), "as it is tagged");
    }

    #[test]
    fn what_is_no_listing_is_said() {
        assert!(Listing::read(b"<html>").is_err());
        assert!(Listing::read(json!({"sha": "../..", "siblings": []}).to_string().as_bytes()).is_err());
    }
}
