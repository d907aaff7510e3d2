//! Every model that can be measured: the presets, and what the person added.

use crate::{hub::Fetched, place::Place};
use contract::{
    DEFAULT_OUTPUT, Failure, Mode, ModelId, ModelInfo, ModelOrigin, OUTPUT, PADDING, Setting, SizeUnit, size_dim,
    spelt_sizes,
};
use models::{Model, Stamped};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
};
use store::Store;

/// A model under the name it is listed by.
pub struct Listed {
    pub model: Model,
    pub info: ModelInfo,
}

impl From<Model> for Listed {
    fn from(model: Model) -> Self {
        Self { info: model.info().clone(), model }
    }
}

impl Listed {
    /// The setting with every size spelt out, so that a result says what ran even where the default was meant.
    /// Padding is kept wherever some is asked for: what takes none is refused rather than measured without it.
    pub fn spelt_out(&self, setting: Setting) -> Setting {
        let padding = setting.dims.get(PADDING).copied().filter(|percent| *percent > 0);
        let (size, mut dims) = self.spelt_sizes(setting.mode, setting.size, &setting.dims);
        dims.extend(padding.map(|percent| (PADDING.to_owned(), percent)));
        Setting { size, dims, ..setting }
    }

    /// Size and dimensions beyond batch and size, but for padding. What the model does not have belongs to another one of
    /// the sweep, and is left out.
    pub fn spelt_sizes(
        &self,
        mode: Mode,
        size: Option<u32>,
        asked: &BTreeMap<String, u32>,
    ) -> (Option<u32>, BTreeMap<String, u32>) {
        if mode != Mode::Generation {
            return spelt_sizes(&self.info.dims, size, asked);
        }
        let value = |name: &str, default: u32| (name.to_owned(), asked.get(name).copied().unwrap_or(default));
        let image = self.model.image_dims().map(|dim| value(&dim.name, dim.default));
        (size.or_else(|| self.model.usual_prompt()), image.chain([value(OUTPUT, DEFAULT_OUTPUT)]).collect())
    }

    /// What the size of a setting counts; a prompt is told as what it is.
    pub fn size_unit(&self, mode: Mode) -> Option<SizeUnit> {
        size_dim(&self.info.dims).filter(|_| mode != Mode::Generation)?.unit()
    }
}

/// Models by id; an opened one is kept, for it holds a description and not its weights.
#[derive(Default)]
pub struct Catalogue {
    /// Drawn once: the largest take a while.
    presets: OnceLock<Vec<ModelInfo>>,
    opened: Mutex<HashMap<ModelId, Arc<Listed>>>,
}

impl Catalogue {
    /// The person's own first, then the presets.
    pub fn list(&self, store: &Store) -> Result<Vec<ModelInfo>, Failure> {
        let draw = || Model::presets().iter().filter_map(|preset| Some(Model::preset(&preset.id())?.info().clone()));
        let mut infos = store.models()?;
        infos.extend(self.presets.get_or_init(|| draw().collect()).iter().cloned());
        Ok(infos)
    }

    /// The model of this id, opened.
    ///
    /// # Errors
    /// Where there is none, its file is gone or unreadable, or another model lies there now.
    pub fn model(&self, store: &Store, id: &ModelId) -> Result<Arc<Listed>, Failure> {
        let known = self.opened().get(id).cloned();
        if let Some(known) = known.filter(|known| is_current(known)) {
            return Ok(known);
        }
        let listed = match Model::preset(id) {
            Some(preset) => preset.into(),
            None => {
                let infos = store.models()?;
                let info = infos.iter().find(|info| &info.id == id).ok_or_else(|| Failure::not_found("model", id))?;
                Listed { model: reopen(info)?, info: info.clone() }
            }
        };
        let listed = Arc::new(listed);
        self.opened().insert(id.clone(), listed.clone());
        Ok(listed)
    }

    /// Opens a file and lists its model from now on.
    pub fn add(&self, store: &Store, path: &Path) -> Result<ModelInfo, Failure> {
        self.keep(store, Model::open(path)?, None)
    }

    /// Keeps a pasted configuration as a file of ours, so that it can be opened again.
    pub fn add_text(&self, store: &Store, place: &Place, name: &str, text: &str) -> Result<ModelInfo, Failure> {
        let name = match name.trim() {
            "" => "Pasted configuration",
            name => name,
        };
        let checked = Model::from_config_text(name, text)?;
        let folder = place.models().join(file_name(&checked.info().graph_hash));
        let write = || {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("config.json"), text)
        };
        write().map_err(|e| Failure::broken("keeping the configuration", e))?;
        self.keep(store, Model::open(&folder.join("config.json"))?, Some(name))
    }

    /// Lists what was fetched from Hugging Face, with where it comes from.
    pub fn add_fetched(&self, store: &Store, fetched: Fetched) -> Result<ModelInfo, Failure> {
        let Fetched { name, path, origin } = fetched;
        let mut listed = Listed::from(Model::open(&path)?);
        (listed.info.name, listed.info.origin) = (name, origin);
        self.list_from_now_on(store, listed)
    }

    pub fn remove(&self, store: &Store, id: &ModelId) -> Result<(), Failure> {
        if Model::preset(id).is_some() {
            return Err(Failure::bad_input(id.0.clone(), "it ships with Assay and stays"));
        }
        store.remove_model(id)?;
        self.opened().remove(id);
        Ok(())
    }

    fn keep(&self, store: &Store, model: Model, name: Option<&str>) -> Result<ModelInfo, Failure> {
        let mut listed = Listed::from(model);
        if let Some(name) = name {
            name.clone_into(&mut listed.info.name);
        }
        self.list_from_now_on(store, listed)
    }

    fn list_from_now_on(&self, store: &Store, listed: Listed) -> Result<ModelInfo, Failure> {
        let info = listed.info.clone();
        store.save_model(&info)?;
        self.opened().insert(info.id.clone(), Arc::new(listed));
        Ok(info)
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, HashMap<ModelId, Arc<Listed>>> {
        self.opened.lock().expect("no holder of this lock panics")
    }
}

/// Whether its files still are those that the model was read from: one that is written anew may hold another.
fn is_current(listed: &Listed) -> bool {
    listed.model.files().iter().all(Stamped::is_current)
}

fn reopen(info: &ModelInfo) -> Result<Model, Failure> {
    let path = match &info.origin {
        ModelOrigin::Preset => return Err(Failure::not_found("preset", &info.id)),
        ModelOrigin::Config { path }
        | ModelOrigin::Checkpoint { path }
        | ModelOrigin::Onnx { path }
        | ModelOrigin::Hub { path, .. } => path,
    };
    let model = Model::open(Path::new(path))?;
    if model.info().id != info.id {
        return Err(Failure::bad_input(path.clone(), "the file has changed since it was added")
            .remedy("Add it again; the results of the old one stay"));
    }
    Ok(model)
}

/// A hash as a folder's name, whatever characters it may hold.
fn file_name(hash: &str) -> String {
    hash.chars().filter(char::is_ascii_alphanumeric).collect()
}
