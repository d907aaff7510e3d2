//! Writing a described model to disk: the graph in one file, its weights beside it, never the weights in memory.

use super::{
    Part,
    maker::{Maker, band},
    pool::Pool,
};
use crate::{
    Content, Element, Graph, Initializer, ModelError,
    builder::Description,
    files::{Stretch, unwritable},
    hash::hex,
    onnx::{self, Place},
    stamp::{Stamped, check_current},
};
use contract::Precision;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fs::{self, File},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

const GRAPH_FILE: &str = "model.onnx";
const WEIGHTS_FILE: &str = "weights.bin";
/// Pages of memory begin here on every system, so that engines can map a large tensor as it lies.
const PAGE: u64 = 4096;
/// Enough for any vector instruction; small tensors are not worth a page.
const SMALL_ALIGNMENT: u64 = 64;
const SMALL_TENSOR: u64 = 64 << 10;
/// A folder that nobody has written to for so long was left behind by a crash.
const ABANDONED: Duration = Duration::from_secs(120);

/// A model on disk, ready for an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub onnx: PathBuf,
    pub folder: PathBuf,
    /// Bytes that were generated for it; 0 where the person's own file is used as it is.
    pub bytes: u64,
}

impl Files {
    /// A person's own file, used as it is.
    pub fn of_person(onnx: &Path) -> Self {
        Self { onnx: onnx.to_owned(), folder: onnx.parent().map(Path::to_owned).unwrap_or_default(), bytes: 0 }
    }
}

/// Where the numbers come from.
pub enum Source<'a> {
    Seed(u64),
    /// Tensors of a checkpoint in the order of the weights, none for an unread one that it lacks, with the checkpoint's
    /// fingerprint and files.
    Checkpoint {
        tensors: &'a [Option<(Element, Stretch)>],
        fingerprint: &'a str,
        files: &'a [Stamped],
    },
}

/// Where each described initializer's bytes lie in the weights file.
pub struct Layout {
    pub offsets: HashMap<String, u64>,
    pub total: u64,
}

impl Layout {
    fn of(graph: &Graph) -> Self {
        let offsets = placed(graph).map(|(initializer, offset)| (initializer.name.clone(), offset)).collect();
        Self { offsets, total: disk_bytes(graph) }
    }

    /// The graph's file, which says where in which other file the weights are.
    fn encode(&self, graph: &Graph, graph_file: &str, weights_file: &str) -> Result<Vec<u8>, ModelError> {
        onnx::encode(graph, graph_file, &|initializer| match self.offsets.get(&initializer.name) {
            Some(offset) => Place::External { location: weights_file.to_owned(), offset: *offset },
            None => Place::Inside,
        })
    }
}

/// Each described initializer with where its bytes begin in the weights file.
fn placed(graph: &Graph) -> impl Iterator<Item = (&Initializer, u64)> {
    let described = graph.initializers.iter().filter(|one| matches!(one.content, Content::Described));
    described.scan(0u64, |end, initializer| {
        let length = initializer.byte_len();
        let offset = end.next_multiple_of(if length < SMALL_TENSOR { SMALL_ALIGNMENT } else { PAGE });
        *end = offset + length;
        Some((initializer, offset))
    })
}

/// Bytes that [`materialize`] writes for the weights.
pub fn disk_bytes(graph: &Graph) -> u64 {
    placed(graph).last().map_or(0, |(initializer, offset)| offset + initializer.byte_len())
}

/// Hears bytes done and bytes in all, and ends the work by breaking.
pub type Progress<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

/// Bytes that [`export_shared`] writes for the weights.
pub fn pool_bytes(description: &Description) -> u64 {
    disk_bytes(&Pool::of(description).description.graph)
}

/// Writes the model into a folder of its own under `dir`, or finds it there from an earlier time.
///
/// The folder appears whole or not at all: it is written under another name and renamed when it is finished.
pub fn materialize(
    description: &Description,
    dir: &Path,
    precision: Precision,
    source: &Source,
    progress: &mut Progress,
) -> Result<Files, ModelError> {
    let home = Home::of(description, dir, precision, source)?;
    if home.is_whole() {
        return Ok(home.files);
    }
    let Home { name, files, layout, encoded } = &home;

    fs::create_dir_all(dir).map_err(unwritable(dir))?;
    remove_abandoned(dir);
    let partial = Partial(dir.join(format!(".{name}.partial-{}", process::id())));
    // Left over from an earlier attempt of this very process.
    let _ = fs::remove_dir_all(&partial.0);
    fs::create_dir(&partial.0).map_err(unwritable(&partial.0))?;
    write_weights(description, layout, &partial.0.join(WEIGHTS_FILE), source, progress)?;
    let graph_path = partial.0.join(GRAPH_FILE);
    fs::write(&graph_path, encoded).map_err(unwritable(&graph_path))?;

    if files.folder.exists() {
        if home.is_whole() {
            return Ok(home.files);
        }
        fs::remove_dir_all(&files.folder).map_err(unwritable(&files.folder))?;
    }
    match fs::rename(&partial.0, &files.folder) {
        Ok(()) => Ok(home.files),
        // Another process was faster; its folder is as good.
        Err(_) if home.is_whole() => Ok(home.files),
        Err(source) => Err(unwritable(&files.folder)(source)),
    }
}

/// What [`materialize`] would find in `dir`; the numbers are not looked at.
pub fn found(
    description: &Description,
    dir: &Path,
    precision: Precision,
    source: &Source,
) -> Result<Option<Files>, ModelError> {
    let home = Home::of(description, dir, precision, source)?;
    Ok(home.is_whole().then_some(home.files))
}

/// Whether something in `dir` bears the name of a graph, as every folder does that [`materialize`] makes of it.
pub fn is_named_in(dir: &Path, graph: &str) -> bool {
    let start = format!("{}-", graph.to_lowercase());
    let mut entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().starts_with(&start))
}

/// Where a model lies once it is written, and what its graph's file then holds.
struct Home {
    name: String,
    files: Files,
    layout: Layout,
    encoded: Vec<u8>,
}

impl Home {
    fn of(description: &Description, dir: &Path, precision: Precision, source: &Source) -> Result<Self, ModelError> {
        let graph = &description.graph;
        let layout = Layout::of(graph);
        let encoded = layout.encode(graph, GRAPH_FILE, WEIGHTS_FILE)?;
        let hash = hex(&Sha256::digest(&encoded));
        let origin = match source {
            Source::Seed(seed) => format!("seed{seed}"),
            Source::Checkpoint { fingerprint, .. } => fingerprint[..12].to_owned(),
        };
        let name = format!("{}-{}-{}-{origin}", graph.name.to_lowercase(), precision.key(), &hash[..12]);
        let folder = dir.join(&name);
        let bytes = layout.total + encoded.len() as u64;
        Ok(Self { name, files: Files { onnx: folder.join(GRAPH_FILE), folder, bytes }, layout, encoded })
    }

    fn is_whole(&self) -> bool {
        let Files { onnx, folder, .. } = &self.files;
        fs::read(onnx).is_ok_and(|graph| graph == self.encoded)
            && fs::metadata(folder.join(WEIGHTS_FILE)).is_ok_and(|weights| weights.len() == self.layout.total)
    }
}

/// Writes another graph over the weights of a model that was materialized in this folder, as a file beside them.
pub fn graph_beside(of: &Graph, graph: &Graph, folder: &Path, file: &str) -> Result<PathBuf, ModelError> {
    let encoded = Layout::of(of).encode(graph, file, WEIGHTS_FILE)?;
    let path = folder.join(file);
    if !fs::read(&path).is_ok_and(|known| known == encoded) {
        fs::write(&path, encoded).map_err(unwritable(&path))?;
    }
    Ok(path)
}

/// Writes the model as the file `onnx`, which must not exist yet, and its weights beside it as `….weights.bin`.
pub fn export(
    description: &Description,
    onnx: &Path,
    source: &Source,
    progress: &mut Progress,
) -> Result<Files, ModelError> {
    let layout = Layout::of(&description.graph);
    export_as(&description.graph, &layout, onnx, |weights| {
        write_weights(description, &layout, weights, source, progress)
    })
}

/// The same with random weights that share a [`Pool`], which the file says of itself.
pub fn export_shared(
    description: &Description,
    onnx: &Path,
    seed: u64,
    progress: &mut Progress,
) -> Result<Files, ModelError> {
    let Pool { description: pool, begins } = Pool::of(description);
    let own = Layout::of(&pool.graph);
    let offsets = begins.into_iter().map(|(initializer, tensor)| (initializer, own.offsets[&tensor])).collect();
    let layout = Layout { offsets, total: own.total };
    let graph = Graph { shared_weights: true, ..description.graph.clone() };
    export_as(&graph, &layout, onnx, |weights| write_weights(&pool, &own, weights, &Source::Seed(seed), progress))
}

/// The graph's file is written after the weights: where it is, the model is whole.
fn export_as(
    graph: &Graph,
    layout: &Layout,
    onnx: &Path,
    write: impl FnOnce(&Path) -> Result<(), ModelError>,
) -> Result<Files, ModelError> {
    let weights = onnx.with_extension("weights.bin");
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let encoded = layout.encode(graph, &name(onnx), &name(&weights))?;
    let written = write(&weights).and_then(|()| fs::write(onnx, &encoded).map_err(unwritable(onnx)));
    if let Err(error) = written {
        // Half a model is of no use to anybody.
        let _ = fs::remove_file(&weights);
        let _ = fs::remove_file(onnx);
        return Err(error);
    }
    let folder = onnx.parent().map(Path::to_owned).unwrap_or_default();
    Ok(Files { onnx: onnx.to_owned(), folder, bytes: layout.total + encoded.len() as u64 })
}

fn write_weights(
    description: &Description,
    layout: &Layout,
    path: &Path,
    source: &Source,
    progress: &mut Progress,
) -> Result<(), ModelError> {
    let file = File::create(path).map_err(unwritable(path))?;
    file.set_len(layout.total).map_err(unwritable(path))?;
    let Description { weights, packed, .. } = description;
    let element = element(description);
    Maker { weights, packed, layout, element, source, file: &file, path, band: band() }.write_all(progress)?;
    match source {
        Source::Seed(_) => Ok(()),
        Source::Checkpoint { files, .. } => check_current(files),
    }
}

/// Of the weights that are written whole; f32 where all are packed.
pub fn element(Description { graph, weights, packed, .. }: &Description) -> Element {
    let whole = weights.iter().find(|weight| weight.part != Part::Unread && !packed.contains_key(&weight.initializer));
    let initializer = whole.and_then(|weight| graph.initializer(&weight.initializer));
    initializer.map_or(Element::F32, |initializer| initializer.element)
}

/// A folder that is removed unless it was renamed.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Frees what a killed process left half-written.
fn remove_abandoned(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_partial = entry.file_name().to_string_lossy().contains(".partial-");
        let weights = entry.path().join(WEIGHTS_FILE);
        let idle = fs::metadata(weights).and_then(|file| file.modified()).ok().and_then(|at| at.elapsed().ok());
        if is_partial && idle.is_none_or(|idle| idle > ABANDONED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
