//! What a repository lists, and which of its files make up configurations and weights.

use contract::{HubFile, HubFormat, HubLicence, HubRefusal, HubWeights};
use models::{CONFIG_FILE, WEIGHT_FILES, is_pickle, is_weight_index};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path},
};

/// What lies beside a configuration and says more of the model.
const BESIDE_CONFIG: [&str; 2] = ["generation_config.json", "preprocessor_config.json"];
/// Files that an error names.
const NAMES_SHOWN: usize = 3;

/// A repository at one commit.
#[derive(Debug)]
pub struct Listing {
    /// The commit.
    pub revision: String,
    pub licence: Option<HubLicence>,
    files: Vec<HubFile>,
    /// Folders that hold a config.json; empty for the repository itself.
    configured: BTreeSet<String>,
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
        let files: Vec<HubFile> = files.collect();
        let configs = files.iter().map(|file| split(&file.path)).filter(|(_, name)| *name == CONFIG_FILE);
        Ok(Self {
            revision: answer.sha,
            licence: licence(&answer.card.unwrap_or_default(), &answer.tags),
            configured: configs.map(|(folder, _)| folder.to_owned()).collect(),
            files,
        })
    }

    pub fn file(&self, path: &str) -> Option<&HubFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Folders that hold a model: the repository itself first, `""`, then those with a config.json, the nearest first.
    pub fn folders(&self) -> Vec<String> {
        let mut folders: Vec<String> = self.configured.iter().cloned().collect();
        folders.sort_by_key(|folder| (!folder.is_empty(), folder.matches('/').count()));
        let graphs = || self.graphs("").next().is_some();
        if !self.configured.contains("") && (folders.is_empty() || graphs()) {
            folders.insert(0, String::new());
        }
        folders
    }

    /// Whether a folder may hold a model.
    pub fn has_folder(&self, folder: &str) -> bool {
        folder.is_empty() || self.configured.contains(folder)
    }

    /// The configuration of a folder and what lies beside it.
    pub fn config_files(&self, folder: &str) -> Vec<HubFile> {
        let names = [CONFIG_FILE].into_iter().chain(BESIDE_CONFIG);
        names.filter_map(|name| self.file(&within(folder, name))).cloned().collect()
    }

    /// The index of a folder's weights, where they are cut into files that it names.
    pub fn index(&self, folder: &str) -> Option<&HubFile> {
        self.safetensors(folder).filter(|file| is_weight_index(&file.path))
    }

    /// The weights that are opened with a folder's configuration: whole, or their index.
    fn safetensors(&self, folder: &str) -> Option<&HubFile> {
        WEIGHT_FILES.iter().find_map(|name| self.file(&within(folder, name)))
    }

    /// ONNX files that belong to a folder.
    fn graphs(&self, folder: &str) -> impl Iterator<Item = &HubFile> {
        self.files.iter().filter(move |file| file.path.ends_with(".onnx") && self.holder(&file.path) == folder)
    }

    /// The folder that a file belongs to: the nearest above it with a config.json, else the repository itself.
    fn holder<'a>(&self, path: &'a str) -> &'a str {
        let mut folder = split(path).0;
        while !folder.is_empty() && !self.configured.contains(folder) {
            folder = split(folder).0;
        }
        folder
    }

    /// A folder's weights to choose from. `index` is the content of the index, where they are cut.
    ///
    /// # Errors
    /// Where the index is none, or names a file that is not there.
    pub fn weights(&self, folder: &str, index: Option<&[u8]>) -> Result<Vec<HubWeights>, String> {
        let mut all = Vec::new();
        match (self.safetensors(folder), index) {
            (Some(file), Some(index)) if is_weight_index(&file.path) => {
                let shard = |name: &String| {
                    let file = self.file(&within(folder, name)).cloned();
                    file.ok_or_else(|| format!("its index names {name}, which it lacks"))
                };
                let shards = names_in(index)?.iter().map(shard).collect::<Result<Vec<_>, String>>()?;
                all.push(weights(HubFormat::Safetensors, [vec![file.clone()], shards].concat()));
            }
            (Some(file), _) if !is_weight_index(&file.path) => {
                all.push(weights(HubFormat::Safetensors, vec![file.clone()]));
            }
            _ => {}
        }
        let mut graphs: Vec<&HubFile> = self.graphs(folder).collect();
        // The plain one comes first; others are in other precisions or for one task.
        graphs.sort_by_key(|file| (!file.path.ends_with("model.onnx"), file.path.len(), &file.path));
        all.extend(graphs.into_iter().map(|graph| {
            let beside = self.files.iter().filter(|file| is_data_of(graph, file)).cloned();
            weights(HubFormat::Onnx, std::iter::once(graph.clone()).chain(beside).collect())
        }));
        Ok(all)
    }

    /// Why a folder has no weights to choose from.
    pub fn no_weights(&self, folder: &str) -> HubRefusal {
        let pickled = |path: &&str| is_pickle(Path::new(path)) && self.holder(path) == folder;
        let pickles: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).filter(pickled).collect();
        let reason = match pickles.as_slice() {
            [] => {
                let whole: Vec<&str> = WEIGHT_FILES.into_iter().filter(|name| !is_weight_index(name)).collect();
                format!("it has neither {} nor an ONNX file", whole.join(" nor "))
            }
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

/// A file of a folder, as the repository calls it.
pub fn within(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The folder of a file, and its name in it.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
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
        let weights = found.weights("", None).unwrap();
        assert_eq!(names(&weights), ["model.safetensors", "onnx/model.onnx", "onnx/model_quantized.onnx"]);
        assert_eq!((weights[1].files.len(), weights[1].bytes), (2, 20), "the numbers beside it belong to it");
        assert_eq!(weights[2].files.len(), 1);
    }

    #[test]
    fn weights_in_several_files_are_those_that_the_index_names() {
        for (folder, name) in [("", "model"), ("unet", "diffusion_pytorch_model")] {
            let whole = within(folder, &format!("{name}.safetensors.index.json"));
            let part = |part: &str| format!("{name}-{part}.safetensors");
            let [first, second] = ["1", "2"].map(|number| within(folder, &part(number)));
            let config = within(folder, CONFIG_FILE);
            let found = listing(&[config.as_str(), &whole, &first, &second, "extra.safetensors"], json!({}));
            assert_eq!(found.index(folder).map(|file| &file.path), Some(&whole));
            let index = |second: &str| json!({"weight_map": {"a": part("1"), "b": part(second)}}).to_string();
            let weights = found.weights(folder, Some(index("2").as_bytes())).unwrap();
            assert_eq!((names(&weights), weights[0].bytes), (vec![whole.as_str()], 30));
            let lacking = found.weights(folder, Some(index("3").as_bytes())).unwrap_err();
            assert!(lacking.contains(&part("3")), "{lacking}");
        }
    }

    #[test]
    fn each_folder_with_a_configuration_is_a_model_with_files_of_its_own() {
        let pipeline = [
            "model_index.json",
            "v1-5-pruned.ckpt",
            "scheduler/scheduler_config.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "unet/onnx/model.onnx",
            "text_encoder/config.json",
            "text_encoder/pytorch_model.bin",
            "deep/er/config.json",
        ];
        let found = listing(&pipeline, json!({}));
        assert_eq!(found.folders(), ["text_encoder", "unet", "deep/er"]);
        let files: Vec<String> = found.config_files("unet").into_iter().map(|file| file.path).collect();
        assert_eq!(files, ["unet/config.json"]);
        let weights = found.weights("unet", None).unwrap();
        assert_eq!(names(&weights), ["unet/diffusion_pytorch_model.safetensors", "unet/onnx/model.onnx"]);
        assert_eq!(found.weights("text_encoder", None).unwrap(), []);
        let reason = found.no_weights("text_encoder").reason;
        assert!(reason.contains("text_encoder/pytorch_model.bin") && !reason.contains("ckpt"), "{reason}");
        let reason = found.no_weights("deep/er").reason;
        assert!(reason.contains("diffusion_pytorch_model.safetensors"), "{reason}");
    }

    #[test]
    fn the_repository_itself_is_a_model_where_it_has_a_configuration_or_graphs_or_nothing_else() {
        let folders = |files: &[&str]| listing(files, json!({})).folders();
        assert_eq!(folders(&["README.md"]), [""]);
        assert_eq!(folders(&["vae/config.json", "config.json"]), ["", "vae"]);
        assert_eq!(folders(&["vae/config.json", "onnx/model.onnx"]), ["", "vae"]);
        assert_eq!(folders(&["vae/config.json", "vae/model.onnx", "model.safetensors"]), ["vae"]);
    }

    #[test]
    fn pickles_are_refused_and_the_way_is_named() {
        let found = listing(&["config.json", "pytorch_model.bin"], json!({}));
        assert_eq!(found.weights("", None).unwrap(), []);
        let HubRefusal { reason, remedy, .. } = found.no_weights("");
        assert!(reason.contains("pytorch_model.bin") && reason.contains("run any code"), "{reason}");
        assert!(remedy.contains("safetensors") && remedy.contains("ONNX"), "{remedy}");
    }

    #[test]
    fn a_path_that_leads_out_of_the_folder_is_not_listed() {
        let paths = ["../model.safetensors", "/etc/model.onnx", "C:\\model.onnx", "a/../../model.onnx", "model.onnx"];
        assert_eq!(names(&listing(&paths, json!({})).weights("", None).unwrap()), ["model.onnx"]);
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
