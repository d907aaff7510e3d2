//! `assay fetch`: a model of Hugging Face, its licence and size shown first.

use super::{
    interrupt::interruption,
    output::{Output, Stop, progress},
    reach::{Access, Reach, reach},
};
use crate::{catalogue::Catalogue, hub::Hub, instance::Doorbell, place::Place};
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
        let weights = self.chosen(&found)?;
        if let Some(weights) = weights {
            self.consent(weights, found.licence.as_ref())?;
        }
        let name = weights.map(|weights| weights.name.as_str());
        let fetched = by.fetch(&found, name, &stop);
        progress("");
        let (model, path) = fetched?;
        if self.json {
            return output.json(&Document { found: &found, weights: name, model: &model, path: &path });
        }
        output.line(format!("{model}: {path}"))
    }

    fn chosen<'a>(&self, found: &'a HubModel) -> Result<Option<&'a HubWeights>, Failure> {
        let Some(wanted) = &self.weights else { return Ok(None) };
        let all = &found.weights;
        let chosen = if wanted.is_empty() { all.first() } else { all.iter().find(|weights| weights.name == *wanted) };
        match (chosen, &found.no_weights) {
            (Some(chosen), _) => Ok(Some(chosen)),
            (None, Some(HubRefusal { reason, remedy, .. })) => {
                Err(Failure::bad_input(found.repository.clone(), reason.clone()).remedy(remedy.clone()))
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
    fn fetch(&self, found: &HubModel, weights: Option<&str>, stop: &AtomicBool) -> Result<(String, String), Failure> {
        match self {
            Self::Us { hub, store } => {
                let fetched =
                    hub.fetch(&found.repository, &found.revision, weights, stop, &mut |fetch| show(&fetch))?;
                let named = (fetched.name.clone(), fetched.path.display().to_string());
                if let Some(store) = store {
                    Catalogue::default().add_fetched(store, fetched)?;
                }
                Ok(named)
            }
            Self::Running(running) => through(running, found, weights, stop),
        }
    }
}

fn through(
    running: &Doorbell,
    found: &HubModel,
    weights: Option<&str>,
    stop: &AtomicBool,
) -> Result<(String, String), Failure> {
    let (repository, revision) = (found.repository.clone(), found.revision.clone());
    running.ask(StartFetch { repository, revision, weights: weights.map(str::to_owned) })?;
    loop {
        if stop.load(Ordering::Relaxed) {
            running.ask(CancelFetch {})?;
        }
        let fetch = running.ask(GetFetch {})?.ok_or_else(|| Failure::not_found("fetch of", &found.repository))?;
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
    lines.push(row(
        "assay",
        match &found.config {
            HubConfig::Builds { model_type, parameters } => {
                format!("builds it as {model_type}, {} parameters", parameters.unwrap_or_default())
            }
            HubConfig::Refused { reason } => format!("cannot build it: {reason}"),
            HubConfig::Absent => "no config.json was read".to_owned(),
        },
    ));
    for HubWeights { name, files, bytes, here_bytes, .. } in &found.weights {
        let here =
            if *here_bytes > 0 { format!(", of which {} are here", megabytes(*here_bytes)) } else { String::new() };
        let count = if files.len() == 1 { String::new() } else { format!(" in {} files", files.len()) };
        lines.push(row("weights", format!("{name}: {}{count}{here}", megabytes(*bytes))));
    }
    lines.extend(
        found.no_weights.as_ref().map(|none| row("weights", format!("none: {}. {}", none.reason, none.remedy))),
    );
    lines.push(row("disk", format!("{} free", megabytes(found.free_bytes))));
    lines
}
