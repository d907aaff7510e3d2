//! `assay fetch`: a model of Hugging Face, its licence and size shown first.

use super::{
    interrupt::interruption,
    output::{Output, Stop, progress},
    reach::{Access, Reach, reach},
};
use crate::{
    catalogue::Catalogue,
    hub::{Hub, whose},
    instance::Doorbell,
    place::Place,
};
use clap::Args;
use contract::*;
use serde::Serialize;
use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::Duration,
};
use store::Store;

/// Fetch a model of Hugging Face: its configuration, and on request its weights.
///
/// The licence and the size are shown first, and weights are fetched on consent only. HF_ENDPOINT names a mirror,
/// HF_TOKEN a token for it where none is kept in Settings.
#[derive(Args)]
pub struct FetchModel {
    /// Such as google-bert/bert-base-uncased.
    #[arg(value_name = "ID")]
    repository: String,
    /// A branch, a tag or a commit.
    #[arg(long, default_value = "main")]
    revision: String,
    /// The folder of the model, such as unet, where the repository holds several.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<String>,
    /// The weights as well; a file such as onnx/model.onnx where there are several to choose from.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    weights: Option<String>,
    /// Fetch the weights without asking.
    #[arg(long)]
    yes: bool,
    /// List the model in this store; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Print what was found and fetched as one JSON document.
    #[arg(long)]
    json: bool,
}

/// Who asks and fetches.
enum By {
    Us {
        hub: Hub,
        store: Option<Store>,
    },
    /// The Assay that has the store open.
    Running(Doorbell),
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    found: &'a HubModel,
    folder: &'a str,
    weights: Option<&'a str>,
    model: &'a str,
    path: &'a str,
}

impl FetchModel {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let stop = interruption()?;
        let reached = self.store.as_deref().map(|path| reach(path, Access::Write)).transpose()?;
        let (by, _claim) = match reached {
            Some(Reach::Running(running)) => (By::Running(running), None),
            Some(Reach::Here(store, claim)) => {
                let mirror = store.settings()?.hub_mirror;
                (By::Us { hub: Hub::open(&Place::find()?, mirror.as_deref())?, store: Some(store) }, Some(claim))
            }
            None => (By::Us { hub: Hub::open(&Place::find()?, None)?, store: None }, None),
        };
        let found = by.look_up(&self.repository, &self.revision, &stop)?;
        if !self.json {
            output.lines(lines(&found))?;
        }
        if let Some(HubRefusal { reason, remedy, .. }) = &found.closed {
            return Err(Failure::bad_input(found.repository.clone(), reason.clone()).remedy(remedy.clone()).into());
        }
        let part = self.part(&found)?;
        let weights = self.chosen(&found, part)?;
        if let Some(weights) = weights {
            self.consent(weights, found.licence.as_ref())?;
        }
        let (folder, name) = (part.folder.as_str(), weights.map(|weights| weights.name.as_str()));
        let wanted = StartFetch {
            repository: found.repository.clone(),
            revision: found.revision.clone(),
            folder: folder.to_owned(),
            weights: name.map(str::to_owned),
        };
        let fetched = by.fetch(wanted, &stop);
        progress("");
        let (model, path) = fetched?;
        if self.json {
            return output.json(&Document { found: &found, folder, weights: name, model: &model, path: &path });
        }
        output.line(format!("{model}: {path}"))
    }

    /// The model of the folder that was named, else the one that the weights belong to, else the usual one.
    fn part<'a>(&self, found: &'a HubModel) -> Result<&'a HubPart, Failure> {
        let parts = &found.parts;
        let usual = || parts.first().ok_or_else(|| Failure::not_found("model in", &found.repository));
        match (&self.folder, &self.weights) {
            (Some(folder), _) => {
                let wanted = folder.trim_matches('/');
                parts.iter().find(|part| part.folder == wanted).ok_or_else(|| {
                    let names: Vec<&str> = parts.iter().map(folder_name).collect();
                    let (reason, more) = match found.folders_left_out {
                        0 => ("has no model in such a folder", String::new()),
                        more => (
                            "has too many folders to look at them all, and this is none of those looked at",
                            format!(", and {more} more"),
                        ),
                    };
                    Failure::bad_input(folder.clone(), format!("{} {reason}", found.repository))
                        .remedy(format!("It has {}{more}", names.join(", ")))
                })
            }
            (None, Some(name)) => {
                let holds = |part: &&HubPart| part.weights.iter().any(|weights| weights.name == *name);
                parts.iter().find(holds).map_or_else(usual, Ok)
            }
            (None, None) => usual(),
        }
    }

    fn chosen<'a>(&self, found: &HubModel, part: &'a HubPart) -> Result<Option<&'a HubWeights>, Failure> {
        let Some(wanted) = &self.weights else { return Ok(None) };
        let all = &part.weights;
        let chosen = if wanted.is_empty() { all.first() } else { all.iter().find(|weights| weights.name == *wanted) };
        match (chosen, &part.no_weights) {
            (Some(chosen), _) => Ok(Some(chosen)),
            (None, Some(HubRefusal { reason, remedy, .. })) => {
                let has_weights = |part: &&HubPart| !part.weights.is_empty();
                let others: Vec<&str> = found.parts.iter().filter(has_weights).map(folder_name).collect();
                let remedy = match others.is_empty() {
                    true => remedy.clone(),
                    false => format!("Weights are in {}; name one by --folder", others.join(", ")),
                };
                Err(Failure::bad_input(whose(&found.repository, &part.folder), reason.clone()).remedy(remedy))
            }
            (None, None) => {
                let names: Vec<&str> = all.iter().map(|weights| weights.name.as_str()).collect();
                Err(Failure::bad_input(wanted.clone(), format!("{} has no such weights", found.repository))
                    .remedy(format!("It has {}", names.join(", "))))
            }
        }
    }

    /// Asks on a terminal; anywhere else consent is given with `--yes`.
    fn consent(&self, weights: &HubWeights, licence: Option<&HubLicence>) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        let licence = licence.map_or("no licence".to_owned(), |licence| format!("the licence {}", licence.name));
        let what = format!("{} in {} under {licence}", megabytes(weights.bytes), weights.name);
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(Failure::bad_input("--weights", format!("{what} are fetched on consent only"))
                .remedy("Add --yes to consent"));
        }
        eprint!("Fetch {what}? [y/N] ");
        let mut answer = String::new();
        let read = io::stderr().flush().and_then(|()| io::stdin().lock().read_line(&mut answer));
        read.map_err(|e| Failure::broken("asking", e))?;
        if answer.trim().eq_ignore_ascii_case("y") { Ok(()) } else { Err(Failure::Cancelled) }
    }
}

impl By {
    fn look_up(&self, repository: &str, revision: &str, stop: &AtomicBool) -> Result<HubModel, Failure> {
        match self {
            Self::Us { hub, .. } => hub.look_up(repository, Some(revision), stop),
            Self::Running(running) => {
                let (repository, revision) = (repository.to_owned(), Some(revision.to_owned()));
                running.ask(LookUpHub { repository, revision })
            }
        }
    }

    /// The model's name and where it lies.
    fn fetch(&self, wanted: StartFetch, stop: &AtomicBool) -> Result<(String, String), Failure> {
        match self {
            Self::Us { hub, store } => {
                let fetched = hub.fetch(&wanted, stop, &mut |fetch| show(&fetch))?;
                let named = (fetched.name.clone(), fetched.path.display().to_string());
                if let Some(store) = store {
                    Catalogue::default().add_fetched(store, fetched)?;
                }
                Ok(named)
            }
            Self::Running(running) => through(running, wanted, stop),
        }
    }
}

fn through(running: &Doorbell, wanted: StartFetch, stop: &AtomicBool) -> Result<(String, String), Failure> {
    let repository = wanted.repository.clone();
    running.ask(wanted)?;
    loop {
        if stop.load(Ordering::Relaxed) {
            running.ask(CancelFetch {})?;
        }
        let fetch = running.ask(GetFetch {})?.ok_or_else(|| Failure::not_found("fetch of", &repository))?;
        show(&fetch);
        match fetch.stage {
            FetchStage::Done(id) => {
                let info = running.ask(ListModels {})?.into_iter().find(|info| info.id == id);
                let info = info.ok_or_else(|| Failure::not_found("model", id))?;
                let path = match info.origin {
                    ModelOrigin::Hub { path, .. } => path,
                    _ => String::new(),
                };
                return Ok((info.name, path));
            }
            FetchStage::Failed(failure) => return Err(failure),
            FetchStage::Cancelled => return Err(Failure::Cancelled),
            FetchStage::Asking | FetchStage::Fetching(_) | FetchStage::Checking(_) => {
                sleep(Duration::from_millis(100));
            }
        }
    }
}

fn show(fetch: &Fetch) {
    let (doing, file) = match &fetch.stage {
        FetchStage::Fetching(file) => ("fetching", file.as_str()),
        FetchStage::Checking(file) => ("checking", file.as_str()),
        _ => ("asking for", fetch.repository.as_str()),
    };
    let left = fetch.secs_left.map_or(String::new(), |secs| format!(", {secs:.0} s left"));
    let far = format!("{} of {} MB", fetch.done_bytes / 1_000_000, fetch.total_bytes / 1_000_000);
    progress(&format!("{doing} {file}: {far}{left}"));
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn lines(found: &HubModel) -> Vec<String> {
    let row = |name: &str, text: String| format!("  {name:<10}{text}");
    let licence = found.licence.as_ref().map_or("none is named".to_owned(), |licence| match &licence.link {
        Some(link) => format!("{} ({link})", licence.name),
        None => licence.name.clone(),
    });
    let mut lines = vec![
        format!("{} at {}", found.repository, found.revision),
        row("page", found.page.clone()),
        row("licence", licence),
    ];
    lines.extend(found.closed.as_ref().map(|closed| row("closed", format!("{}. {}", closed.reason, closed.remedy))));
    for part in &found.parts {
        if found.parts.len() > 1 {
            lines.push(row("folder", folder_name(part).to_owned()));
        }
        lines.extend(part_rows(part, found.closed.is_none()).map(|(name, text)| row(name, text)));
    }
    if found.folders_left_out > 0 {
        lines.push(row("folders", format!("{} more hold a config.json", found.folders_left_out)));
    }
    lines.push(row("disk", format!("{} free", megabytes(found.free_bytes))));
    lines
}

fn folder_name(part: &HubPart) -> &str {
    if part.folder.is_empty() { "the repository itself" } else { &part.folder }
}

/// What a folder holds, each with its name. Where its files cannot be had, it is not known which weights there are.
fn part_rows(part: &HubPart, open: bool) -> impl Iterator<Item = (&'static str, String)> {
    let built = match &part.config {
        HubConfig::Builds { model_type, parameters } => {
            format!("builds it as {model_type}, {} parameters", parameters.unwrap_or_default())
        }
        HubConfig::Refused { reason } => format!("cannot build it: {reason}"),
        HubConfig::Absent => "no config.json was read".to_owned(),
    };
    let weights = part.weights.iter().map(|HubWeights { name, files, bytes, here_bytes, .. }| {
        let here =
            if *here_bytes > 0 { format!(", of which {} are here", megabytes(*here_bytes)) } else { String::new() };
        let count = if files.len() == 1 { String::new() } else { format!(" in {} files", files.len()) };
        ("weights", format!("{name}: {}{count}{here}", megabytes(*bytes)))
    });
    let none = part.no_weights.as_ref().filter(|_| open);
    let none = none.map(|none| ("weights", format!("none: {}. {}", none.reason, none.remedy)));
    std::iter::once(("assay", built)).chain(weights).chain(none)
}
