//! Work on many generated files: one at a time, told of as it goes, and ended when asked.

use crate::desk::Desk;
use contract::{Event, Failure, FilesDone, FilesWanted, GeneratedFiles, Platform, ReachedFile, TemplateImpact};
use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use workbench::{Kind, Library, Reached, Selection};

/// Often enough to be seen moving.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// What is under way, as the mark that ends it.
#[derive(Default)]
pub struct Making(Mutex<Arc<AtomicBool>>);

impl Making {
    /// Ends what is under way and answers the mark of the next.
    pub fn begin(&self) -> Arc<AtomicBool> {
        let mut current = self.0.lock().expect("no holder of this lock panics");
        current.store(true, Ordering::Relaxed);
        *current = Arc::default();
        current.clone()
    }

    pub fn stop(&self) {
        self.0.lock().expect("no holder of this lock panics").store(true, Ordering::Relaxed);
    }
}

/// What the difference between two libraries does to every model type, platform and kind.
pub fn impact(desk: &Desk, before: &Library, after: &Library) -> Result<TemplateImpact, Failure> {
    let everything = Selection {
        model_types: workbench::model_types().map(|(model_type, _)| model_type.to_owned()).collect(),
        platforms: Platform::LISTED.to_vec(),
        kinds: Kind::GENERATED.to_vec(),
        ..Selection::default()
    };
    let (stop, teller) = (desk.making.begin(), Teller::new(desk));
    let renderer = || desk.renderers.take_of_many();
    let impact = workbench::impact(renderer, before, after, &everything, &stop, |done, total| teller.tell(done, total));
    desk.renderers.rest();
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Cancelled);
    }
    Ok(TemplateImpact {
        reached: impact.reached,
        changed: impact.changed,
        breaks: impact.breaks.into_iter().map(reached).collect(),
        mends: impact.mends.into_iter().map(reached).collect(),
        still_broken: impact.still_broken,
    })
}

/// Writes what is wanted into a folder or a zip file.
pub fn generate(desk: &Desk, library: &Library, wanted: FilesWanted, out: &Path) -> Result<GeneratedFiles, Failure> {
    let FilesWanted { model_types, platforms, kinds } = wanted;
    let kind = |key: &String| Kind::from_key(key).ok_or_else(|| Failure::not_found("kind of template", key));
    let kinds = kinds.iter().map(kind).collect::<Result<Vec<Kind>, Failure>>()?;
    let selection = Selection { model_types, platforms, kinds, ..Selection::default() };
    let total = selection.requests().len();
    let (stop, teller) = (desk.making.begin(), Teller::new(desk));
    let mut done = 0;
    let renderer = || desk.renderers.take_of_many();
    let export = workbench::export(renderer, library, &selection, out, &stop, |_| {
        done += 1;
        teller.tell(done, total);
    });
    desk.renderers.rest();
    let export = export?;
    let refused = export.refused.into_iter().map(|(request, reason)| ReachedFile {
        model_type: request.model_type,
        platform: request.platform,
        kind: request.kind.key().to_owned(),
        reason,
    });
    Ok(GeneratedFiles { path: out.display().to_string(), files: export.files, refused: refused.collect() })
}

fn reached(reached: Reached) -> ReachedFile {
    let Reached { model_type, platform, kind, reason } = reached;
    ReachedFile { model_type, platform, kind: kind.key().to_owned(), reason }
}

/// Tells the window how far it is, now and then.
struct Teller<'a> {
    desk: &'a Desk,
    told: Mutex<Instant>,
}

impl<'a> Teller<'a> {
    fn new(desk: &'a Desk) -> Self {
        Self { desk, told: Mutex::new(Instant::now()) }
    }

    fn tell(&self, done: usize, total: usize) {
        let mut told = self.told.lock().expect("no holder of this lock panics");
        if told.elapsed() >= TOLD_EVERY {
            *told = Instant::now();
            self.desk.tell(Event::Making(FilesDone { done, total }));
        }
    }
}
