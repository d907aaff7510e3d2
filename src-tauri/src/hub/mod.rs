//! Models of Hugging Face: what a repository holds, and fetching it to this machine, when a person asks for it.

mod desk;
mod endpoint;
mod listing;
mod meter;
mod part;
mod wire;

pub use desk::{Fetching, look_up, start};
pub use endpoint::Endpoint;

use crate::{disk::free_bytes, place::Place, secret};
use contract::{
    Failure, Fetch, FetchStage, HubConfig, HubFile, HubFormat, HubLicence, HubModel, HubPart, HubRefusal, HubWeights,
    ModelOrigin, StartFetch,
};
use listing::{Listing, within};
use meter::Meter;
use models::{CONFIG_FILE, Model, is_weight_index};
use part::Doing;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Instant,
};
use wire::Wire;

const BRANCH: &str = "main";
const LONGEST_LISTING: usize = 64 << 20;
/// Of a config.json, as when it is opened, or of an index of weights.
const LONGEST_TEXT: usize = 64 << 20;
/// Of all of these that a look at one repository keeps.
const LONGEST_TEXTS: usize = 128 << 20;
/// Folders of a repository that are looked at: each asks the server for a file.
const MOST_FOLDERS: usize = 12;

/// A server of models with what this person may show it.
pub struct Hub {
    endpoint: Endpoint,
    token: Token,
    /// Everything that is fetched lies below.
    folder: PathBuf,
}

enum Token {
    Absent,
    Kept(String),
    /// One is kept for another endpoint.
    Elsewhere(Endpoint),
    /// One is kept, but could not be had.
    Locked(Failure),
}

/// What was asked for, on this machine.
pub struct Fetched {
    /// How the model is called from now on.
    pub name: String,
    /// The file that is opened.
    pub path: PathBuf,
    pub origin: ModelOrigin,
}

/// A repository as it was found.
struct Found {
    wire: Wire,
    repository: String,
    listing: Listing,
    /// By path the config.json and the index of weights of each folder that was looked at, as far as they may be read.
    texts: BTreeMap<String, Vec<u8>>,
    closed: Option<HubRefusal>,
}

impl Found {
    /// A folder's weights to choose from.
    fn weights(&self, folder: &str) -> Result<Vec<HubWeights>, String> {
        let index = self.listing.index(folder).and_then(|index| self.texts.get(&index.path));
        self.listing.weights(folder, index.map(Vec::as_slice))
    }

    fn config(&self, folder: &str) -> HubConfig {
        let path = within(folder, CONFIG_FILE);
        self.texts.get(&path).map_or(HubConfig::Absent, |text| read(&path, &String::from_utf8_lossy(text)))
    }
}

impl Hub {
    /// The server that the settings name, with the token that was kept for it.
    pub fn open(place: &Place, mirror: Option<&str>) -> Result<Self, Failure> {
        let endpoint = Endpoint::chosen(mirror)?;
        let token = match secret::token(place) {
            Ok(None) => Token::Absent,
            Ok(Some(token)) if token.endpoint == endpoint && endpoint.is_private() => Token::Kept(token.secret),
            Ok(Some(token)) => Token::Elsewhere(token.endpoint),
            Err(failure) => Token::Locked(failure),
        };
        Ok(Self { endpoint, token, folder: place.hub() })
    }

    /// What a repository holds at a branch, tag or commit, folder by folder. Keeps nothing of it.
    pub fn look_up(
        &self,
        repository: &str,
        revision: Option<&str>,
        cancelled: &AtomicBool,
    ) -> Result<HubModel, Failure> {
        let found = self.find(repository, revision, None, cancelled)?;
        let folders = found.listing.folders();
        let mut parts: Vec<HubPart> =
            folders.iter().take(MOST_FOLDERS).map(|folder| self.part(&found, folder)).collect();
        usual_first(&mut parts);
        let Found { repository, listing, closed, .. } = found;
        Ok(HubModel {
            page: format!("{}/{repository}", self.endpoint.url()),
            folders_left_out: folders.len().saturating_sub(MOST_FOLDERS) as u32,
            free_bytes: free_bytes(&self.folder),
            revision: listing.revision,
            licence: listing.licence,
            repository,
            closed,
            parts,
        })
    }

    /// What one folder holds.
    fn part(&self, found: &Found, folder: &str) -> HubPart {
        let refused = |reason: String| HubRefusal {
            reason,
            remedy: "Choose another repository, or its configuration alone".into(),
            needs_token: false,
        };
        let (mut weights, no_weights) = match found.weights(folder) {
            Ok(weights) if weights.is_empty() => (weights, Some(found.listing.no_weights(folder))),
            Ok(weights) => (weights, None),
            Err(reason) => (Vec::new(), Some(refused(reason))),
        };
        for choice in &mut weights {
            let kept = self.folder_of(&found.repository, &found.listing.revision, Some(choice));
            choice.here_bytes = choice.files.iter().map(|file| part::bytes_here(&kept, file)).sum();
        }
        HubPart {
            folder: folder.to_owned(),
            config: found.config(folder),
            config_files: found.listing.config_files(folder),
            weights,
            no_weights,
        }
    }

    /// Fetches a folder's configuration, and the weights of this name with it. Goes on with what an earlier try left.
    ///
    /// # Errors
    /// Where it cannot be had, would not fit on the disk, is not what was listed, or was cancelled.
    pub fn fetch(
        &self,
        wanted: &StartFetch,
        cancelled: &AtomicBool,
        on: &mut dyn FnMut(Fetch),
    ) -> Result<Fetched, Failure> {
        let StartFetch { repository, revision, folder, weights } = wanted;
        let mut meter = Meter::new(Fetch::new(repository, folder, weights.as_deref()), on);
        meter.tell(FetchStage::Asking);
        let mut found = self.find(repository, Some(revision), Some(folder), cancelled)?;
        if let Some(HubRefusal { reason, remedy, .. }) = found.closed.take() {
            return Err(Failure::bad_input(found.repository, reason).remedy(remedy));
        }
        let choice = match weights {
            None => None,
            Some(name) => {
                let offered = found.weights(folder);
                let all = offered.map_err(|reason| Failure::bad_input(found.repository.clone(), reason))?;
                let choice = all.into_iter().find(|choice| choice.name == *name);
                Some(choice.ok_or_else(|| no_such(&found, folder, name))?)
            }
        };
        let Found { wire, repository, listing, texts, .. } = found;
        if let Some(unlisted) = choice.as_ref().and_then(unchecked) {
            let reason = "the server lists no checksum for it, so that what arrives could not be checked";
            return Err(Failure::bad_input(unlisted, reason).remedy("Fetch it from huggingface.co itself"));
        }
        let mut files = listing.config_files(folder);
        if choice.is_none() && listing.file(&within(folder, CONFIG_FILE)).is_none() {
            return Err(Failure::bad_input(repository, "it has no config.json").remedy("Choose its weights"));
        }
        files.extend(choice.iter().flat_map(|choice| choice.files.clone()));
        let here = self.folder_of(&repository, &listing.revision, choice.as_ref());
        enough_space(&repository, &here, &files)?;
        meter.begin(files.iter().map(|file| file.bytes).sum());
        for file in &files {
            let mut on = |doing: Doing, bytes: u64| {
                let stage = match doing {
                    Doing::Checking => FetchStage::Checking(file.path.clone()),
                    Doing::Fetching => FetchStage::Fetching(file.path.clone()),
                };
                meter.file(stage, bytes, Instant::now());
            };
            match texts.get(file.path.as_str()) {
                Some(text) => part::keep(text, file, &here, cancelled, &mut on)?,
                None => part::fetch(&wire, &listing.revision, file, &here, cancelled, &mut on)?,
            }
            meter.next();
        }
        Ok(fetched(repository, &listing, folder, choice.as_ref(), &here))
    }

    /// Looks at one folder of a repository, or at all that hold a model.
    fn find(
        &self,
        repository: &str,
        revision: Option<&str>,
        folder: Option<&str>,
        cancelled: &AtomicBool,
    ) -> Result<Found, Failure> {
        let repository = repository_id(repository)?;
        let revision = revision.map(str::trim).filter(|revision| !revision.is_empty()).unwrap_or(BRANCH);
        check_revision(revision)?;
        let wire = Wire::to(&self.endpoint, self.token.shown(), &repository)?;
        let answer = wire.ask(wire.listing(revision), 0, cancelled)?;
        if answer.head.status != 200 {
            return Err(self.no_listing(&repository, revision, answer.head.status));
        }
        let answer = answer.whole(LONGEST_LISTING, cancelled)?;
        let listing = Listing::read(&answer).map_err(|reason| {
            Failure::bad_input(self.endpoint.host(), format!("its answer is not that of Hugging Face: {reason}"))
                .remedy("Check the mirror in Settings")
        })?;

        if let Some(folder) = folder.filter(|folder| !listing.has_folder(folder)) {
            return Err(Failure::not_found(format!("model in {repository} called"), folder));
        }
        let folders = match folder {
            Some(one) => vec![one.to_owned()],
            None => listing.folders().into_iter().take(MOST_FOLDERS).collect(),
        };
        let index = |folder: &String| listing.index(folder).map(|index| index.path.clone());
        let paths = folders.iter().flat_map(|folder| std::iter::once(within(folder, CONFIG_FILE)).chain(index(folder)));

        let (mut texts, mut closed, mut left) = (BTreeMap::new(), None, LONGEST_TEXTS);
        for path in paths {
            match self.text(&wire, &listing, &path, left.min(LONGEST_TEXT), cancelled)? {
                Text::Here(text) => {
                    left -= text.len();
                    texts.insert(path, text);
                }
                Text::Closed(refusal) => {
                    closed = Some(refusal);
                    break;
                }
                Text::Absent => {}
            }
        }
        Ok(Found { wire, repository, listing, texts, closed })
    }

    /// A small file of the repository, of at most so many bytes.
    fn text(
        &self,
        wire: &Wire,
        listing: &Listing,
        path: &str,
        most: usize,
        cancelled: &AtomicBool,
    ) -> Result<Text, Failure> {
        if listing.file(path).is_none() {
            return Ok(Text::Absent);
        }
        let answer = wire.ask(wire.file(&listing.revision, path), 0, cancelled)?;
        match answer.head.status {
            200 => Ok(Text::Here(answer.whole(most, cancelled)?)),
            status @ (401 | 403) => Ok(Text::Closed(self.closed(status))),
            404 => Ok(Text::Absent),
            status => Err(self.out_of_order(status)),
        }
    }

    /// A folder for each thing that can be fetched: a configuration alone is another model than one with its weights.
    fn folder_of(&self, repository: &str, revision: &str, weights: Option<&HubWeights>) -> PathBuf {
        let kind = match weights.map(|weights| weights.format) {
            None => "config",
            Some(HubFormat::Safetensors) => "safetensors",
            Some(HubFormat::Onnx) => "onnx",
        };
        self.folder.join(repository.replace('/', "--")).join(revision).join(kind)
    }

    fn no_listing(&self, repository: &str, revision: &str, status: u16) -> Failure {
        match status {
            401 | 403 | 404 => {
                let branch = if revision == BRANCH { String::new() } else { format!(" at {revision}") };
                let reason = format!("{} has no such model{branch}, or it is private", self.endpoint.host());
                let remedy = match self.token {
                    Token::Kept(_) => "Check how it is written, and that your token may read it",
                    _ => "Check how it is written; a private one needs your token in Settings",
                };
                Failure::bad_input(repository, reason).remedy(remedy)
            }
            status => self.out_of_order(status),
        }
    }

    fn out_of_order(&self, status: u16) -> Failure {
        Failure::Missing {
            what: self.endpoint.host().into(),
            reason: match status {
                429 => "it was asked too often".to_owned(),
                status => format!("it answers with the error {status}"),
            },
            remedy: "Try again in a few minutes".into(),
        }
    }

    fn closed(&self, status: u16) -> HubRefusal {
        let terms = "its owner gives its files only to those who agreed to the terms on its page";
        let here = self.endpoint.url();
        let (reason, remedy) = match &self.token {
            Token::Absent => {
                (terms.to_owned(), "Agree to them there, then keep a token of yours in Settings".to_owned())
            }
            Token::Elsewhere(other) if *other == self.endpoint => (
                format!("{terms}, and your token is not sent to {here}, because others on the way could read it"),
                "Set an address that begins with https in Settings".to_owned(),
            ),
            Token::Elsewhere(other) => (
                format!("{terms}, and your token is for {}, not for {here}", other.url()),
                format!("Keep one for {here} in Settings"),
            ),
            Token::Locked(failure) => {
                (format!("{terms}, and your token could not be read: {failure}"), "Look it up again then".to_owned())
            }
            Token::Kept(_) if status == 401 => {
                ("your token is not accepted".to_owned(), "Keep a new one in Settings".to_owned())
            }
            Token::Kept(_) => {
                (format!("{terms}, which the owner of your token did not"), "Agree to them there".to_owned())
            }
        };
        HubRefusal { reason, remedy, needs_token: !matches!(self.token, Token::Kept(_)) || status == 401 }
    }
}

impl Token {
    fn shown(&self) -> Option<&str> {
        match self {
            Self::Kept(secret) => Some(secret),
            Self::Absent | Self::Elsewhere(_) | Self::Locked(_) => None,
        }
    }
}

enum Text {
    Here(Vec<u8>),
    Closed(HubRefusal),
    Absent,
}

/// The repository's own model is meant where nobody chooses, else the first that is built.
fn usual_first(parts: &mut [HubPart]) {
    let has_own = |part: &HubPart| part.config_files.iter().any(|file| file.path == CONFIG_FILE);
    let is_built = |part: &HubPart| matches!(part.config, HubConfig::Builds { .. });
    if let Some(usual) = parts.iter().position(has_own).or_else(|| parts.iter().position(is_built)) {
        parts[..=usual].rotate_right(1);
    }
}

/// What Assay makes of a configuration.
fn read(path: &str, text: &str) -> HubConfig {
    match Model::from_config_text(path, text) {
        Ok(model) => HubConfig::Builds { model_type: model.info().family.clone(), parameters: model.info().parameters },
        Err(error) => HubConfig::Refused { reason: error.to_string() },
    }
}

/// The first file of these weights that could not be checked; an index is checked when it is read.
fn unchecked(weights: &HubWeights) -> Option<&str> {
    let unlisted = |file: &&HubFile| file.sha256.is_none() && !is_weight_index(&file.path);
    weights.files.iter().find(unlisted).map(|file| file.path.as_str())
}

fn no_such(found: &Found, folder: &str, name: &str) -> Failure {
    let HubRefusal { reason, remedy, .. } = found.listing.no_weights(folder);
    match found.listing.file(name) {
        Some(_) => Failure::bad_input(name, reason).remedy(remedy),
        None => Failure::not_found(format!("file of {} called", found.repository), name),
    }
}

fn enough_space(repository: &str, folder: &Path, files: &[HubFile]) -> Result<(), Failure> {
    let missing = files.iter().map(|file| file.bytes - part::bytes_here(folder, file));
    // A server may say anything.
    let needed_bytes = missing.fold(0, u64::saturating_add);
    let available_bytes = free_bytes(folder);
    if needed_bytes <= available_bytes {
        return Ok(());
    }
    Err(Failure::TooBig { subject: repository.into(), resource: "disk space".into(), needed_bytes, available_bytes })
}

/// A model of a repository in words: its folder is told where it is not the repository itself.
pub fn whose(repository: &str, folder: &str) -> String {
    if folder.is_empty() { repository.to_owned() } else { format!("{repository}, {folder}") }
}

/// `folder` is the repository's, `here` where its files lie on this machine.
fn fetched(repository: String, listing: &Listing, folder: &str, weights: Option<&HubWeights>, here: &Path) -> Fetched {
    let whose = whose(&repository, folder);
    let (name, file) = match weights {
        None => (format!("{whose}, random weights"), within(folder, CONFIG_FILE)),
        Some(HubWeights { format: HubFormat::Safetensors, name, .. }) => (whose, name.clone()),
        Some(HubWeights { name, .. }) => (format!("{repository}, {name}"), name.clone()),
    };
    let path = here.join(file);
    let origin = ModelOrigin::Hub {
        path: path.display().to_string(),
        repository,
        revision: listing.revision.clone(),
        licence: listing.licence.as_ref().map(|HubLicence { name, .. }| name.clone()),
    };
    Fetched { name, path, origin }
}

/// `owner/name`, also out of the address of its page.
fn repository_id(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    let path = text.split_once("://").map_or(text, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let parts: Vec<&str> = match text.contains("://") {
        true => path.split('/').filter(|part| !part.is_empty()).take(2).collect(),
        false => path.split('/').collect(),
    };
    let plain = |part: &&str| {
        let letters = part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        letters && !part.is_empty() && part.len() <= 96 && !part.starts_with('.') && !part.contains("..")
    };
    if (1..=2).contains(&parts.len()) && parts.iter().all(plain) {
        return Ok(parts.join("/"));
    }
    Err(Failure::bad_input("Hugging Face id", format!("{text:?} is no id of a model"))
        .remedy("It is written as owner/name, such as google-bert/bert-base-uncased"))
}

fn check_revision(revision: &str) -> Result<(), Failure> {
    let letters = revision.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    if letters && revision.len() <= 128 && !revision.starts_with(['/', '.']) && !revision.contains("..") {
        return Ok(());
    }
    Err(Failure::bad_input("revision", format!("{revision:?} is no branch, tag or commit")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_out_of_an_address() {
        for (written, id) in [
            (" google-bert/bert-base-uncased ", "google-bert/bert-base-uncased"),
            ("gpt2", "gpt2"),
            ("https://huggingface.co/openai/whisper-tiny/tree/main", "openai/whisper-tiny"),
        ] {
            assert_eq!(repository_id(written).unwrap(), id);
        }
        for wrong in ["", "/", "a/b/c", "../secrets", "a/..", "a b", "a/b?c=d", "https://huggingface.co/", "a/b%2Fc"] {
            assert!(repository_id(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_revision_cannot_lead_elsewhere() {
        assert!(check_revision("refs/pr/4").is_ok() && check_revision("v1.0").is_ok());
        for wrong in ["../../x", "a?b", "a b", "/a", "a#b"] {
            assert!(check_revision(wrong).is_err(), "{wrong}");
        }
    }
}
