//! Writing a described model to disk: the graph in one file, its weights beside it, never the weights in memory.

use super::{Part, Weight, checkpoint::hex, random::Random};
use crate::{
    Content, Element, Graph, ModelError,
    builder::Description,
    onnx::{self, Place},
    tensor,
};
use bytes::Bytes;
use contract::Precision;
use half::{bf16, f16};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

const GRAPH_FILE: &str = "model.onnx";
const WEIGHTS_FILE: &str = "weights.bin";
/// Pages of memory begin here on every system, so that engines can map a large tensor as it lies.
const PAGE: u64 = 4096;
/// Enough for any vector instruction; small tensors are not worth a page.
const SMALL_ALIGNMENT: u64 = 64;
const SMALL_TENSOR: u64 = 64 << 10;
/// Bytes a thread makes before it writes them.
const CHUNK: usize = 1 << 20;
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

/// Where the numbers come from.
pub enum Source<'a> {
    Seed(u64),
    /// Tensors of a checkpoint in the order of the weights, with the checkpoint's fingerprint.
    Checkpoint {
        tensors: &'a [(Element, Bytes)],
        fingerprint: &'a str,
    },
}

/// Where each described initializer's bytes lie in the weights file.
struct Layout {
    offsets: HashMap<String, u64>,
    total: u64,
}

impl Layout {
    fn of(graph: &Graph) -> Self {
        let mut offsets = HashMap::new();
        let mut end = 0u64;
        for initializer in graph.initializers.iter().filter(|one| matches!(one.content, Content::Described)) {
            let length = initializer.byte_len();
            let offset = end.next_multiple_of(if length < SMALL_TENSOR { SMALL_ALIGNMENT } else { PAGE });
            offsets.insert(initializer.name.clone(), offset);
            end = offset + length;
        }
        Self { offsets, total: end }
    }

    /// The graph's file, which says where in which other file the weights are.
    fn encode(&self, graph: &Graph, graph_file: &str, weights_file: &str) -> Result<Vec<u8>, ModelError> {
        onnx::encode(graph, graph_file, &|initializer| match self.offsets.get(&initializer.name) {
            Some(offset) => Place::External { location: weights_file.to_owned(), offset: *offset },
            None => Place::Inside,
        })
    }
}

/// Bytes that [`materialize`] writes for the weights.
pub fn disk_bytes(graph: &Graph) -> u64 {
    Layout::of(graph).total
}

/// Writes the model into a folder of its own under `dir`, or finds it there from an earlier time.
///
/// The folder appears whole or not at all: it is written under another name and renamed when it is finished.
pub fn materialize(
    description: &Description,
    dir: &Path,
    precision: Precision,
    source: &Source,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Files, ModelError> {
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
    let files = Files { onnx: folder.join(GRAPH_FILE), folder, bytes };
    if is_whole(&files.folder, &encoded, layout.total) {
        return Ok(files);
    }

    fs::create_dir_all(dir).map_err(unwritable(dir))?;
    remove_abandoned(dir);
    let partial = Partial(dir.join(format!(".{name}.partial-{}", process::id())));
    // Left over from an earlier attempt of this very process.
    let _ = fs::remove_dir_all(&partial.0);
    fs::create_dir(&partial.0).map_err(unwritable(&partial.0))?;
    write_weights(description, &layout, &partial.0.join(WEIGHTS_FILE), source, progress)?;
    let graph_path = partial.0.join(GRAPH_FILE);
    fs::write(&graph_path, &encoded).map_err(unwritable(&graph_path))?;

    if files.folder.exists() {
        if is_whole(&files.folder, &encoded, layout.total) {
            return Ok(files);
        }
        fs::remove_dir_all(&files.folder).map_err(unwritable(&files.folder))?;
    }
    match fs::rename(&partial.0, &files.folder) {
        Ok(()) => Ok(files),
        // Another process was faster; its folder is as good.
        Err(_) if is_whole(&files.folder, &encoded, layout.total) => Ok(files),
        Err(source) => Err(ModelError::Unwritable { path: files.folder, source }),
    }
}

/// Writes the model as the file `onnx`, which must not exist yet, and its weights beside it as `….weights.bin`.
///
/// The graph's file is written last: where it is, the model is whole.
pub fn export(
    description: &Description,
    onnx: &Path,
    source: &Source,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Files, ModelError> {
    let graph = &description.graph;
    let layout = Layout::of(graph);
    let weights = onnx.with_extension("weights.bin");
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let encoded = layout.encode(graph, &name(onnx), &name(&weights))?;
    let written = write_weights(description, &layout, &weights, source, progress)
        .and_then(|()| fs::write(onnx, &encoded).map_err(unwritable(onnx)));
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
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<(), ModelError> {
    let file = File::create(path).map_err(unwritable(path))?;
    file.set_len(layout.total).map_err(unwritable(path))?;
    let elements: HashMap<&str, Element> =
        description.graph.initializers.iter().map(|one| (one.name.as_str(), one.element)).collect();
    let written = description.weights.iter().find(|weight| weight.part != Part::Unread);
    let element = written.map_or(Element::F32, |weight| elements[weight.initializer.as_str()]);
    Maker { weights: &description.weights, layout, element, source }.write_all(&file, path, progress)
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> ModelError + use<> {
    let path = path.to_owned();
    move |source| ModelError::Unwritable { path, source }
}

fn is_whole(folder: &Path, encoded: &[u8], weight_bytes: u64) -> bool {
    fs::read(folder.join(GRAPH_FILE)).is_ok_and(|graph| graph == encoded)
        && fs::metadata(folder.join(WEIGHTS_FILE)).is_ok_and(|weights| weights.len() == weight_bytes)
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

struct Maker<'a> {
    weights: &'a [Weight],
    layout: &'a Layout,
    element: Element,
    source: &'a Source<'a>,
}

/// A stretch of one weight, in numbers of the graph's layout.
struct Piece {
    weight: usize,
    first: usize,
    count: usize,
}

impl Maker<'_> {
    fn write_all(
        &self,
        file: &File,
        path: &Path,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        let pieces = self.pieces();
        let random = match self.source {
            Source::Seed(seed) => Some(Random::new(self.weights, self.element, *seed)),
            Source::Checkpoint { .. } => None,
        };
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel::<io::Result<u64>>();
        let threads = thread::available_parallelism().map_or(1, |count| count.get().min(8));
        thread::scope(|scope| {
            for _ in 0..threads {
                let (sender, random, pieces, next, stop) = (sender.clone(), random.as_ref(), &pieces, &next, &stop);
                scope.spawn(move || {
                    let mut buffer = Vec::new();
                    while !stop.load(Ordering::Relaxed)
                        && let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        self.make(piece, random, &mut buffer);
                        let written = write_at(file, &buffer, self.offset(piece)).map(|()| buffer.len() as u64);
                        if sender.send(written).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let mut done = 0;
            for written in receiver {
                done += written.map_err(|source| {
                    stop.store(true, Ordering::Relaxed);
                    ModelError::Unwritable { path: path.to_owned(), source }
                })?;
                if progress(done, self.layout.total).is_break() {
                    stop.store(true, Ordering::Relaxed);
                    return Err(ModelError::Cancelled);
                }
            }
            Ok(())
        })
    }

    fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (index, weight) in self.weights.iter().enumerate().filter(|(_, weight)| weight.part != Part::Unread) {
            let all = weight.parameters() as usize;
            let step = self.rows_at_once(weight) * row(weight);
            let starts = (0..all).step_by(step.max(1));
            pieces.extend(starts.map(|first| Piece { weight: index, first, count: step.min(all - first) }));
        }
        pieces
    }

    /// Whole rows of the graph's layout, so that a swapped matrix can be made in pieces.
    fn rows_at_once(&self, weight: &Weight) -> usize {
        let rows = CHUNK / self.element.size() / row(weight).max(1);
        // Random numbers are made in fours.
        rows.max(1).next_multiple_of(4)
    }

    fn offset(&self, piece: &Piece) -> u64 {
        let start = self.layout.offsets[&self.weights[piece.weight].initializer];
        start + (piece.first * self.element.size()) as u64
    }

    fn make(&self, piece: &Piece, random: Option<&Random>, buffer: &mut Vec<u8>) {
        let weight = &self.weights[piece.weight];
        buffer.clear();
        buffer.resize(piece.count * self.element.size(), 0);
        match (self.source, random) {
            (Source::Checkpoint { tensors, .. }, _) => {
                let (element, bytes) = &tensors[piece.weight];
                if weight.transposed {
                    swap(piece, weight, (*element, bytes), self.element, buffer);
                } else {
                    let range = piece.first * element.size()..(piece.first + piece.count) * element.size();
                    convert(*element, &bytes[range], self.element, buffer);
                }
            }
            (Source::Seed(_), Some(random)) => random.fill(weight, piece.first as u64, buffer),
            (Source::Seed(_), None) => unreachable!("a seed comes with its generator"),
        }
    }
}

/// Numbers in one row of the graph's layout.
fn row(weight: &Weight) -> usize {
    match (weight.transposed, weight.shape.as_slice()) {
        (true, [outputs, _]) => *outputs,
        (_, shape) => shape.last().copied().unwrap_or(1),
    }
}

/// Rows of the swapped matrix: number (i, o) of the graph is number (o, i) of the checkpoint.
fn swap(piece: &Piece, weight: &Weight, (from, bytes): (Element, &[u8]), to: Element, buffer: &mut [u8]) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
    let (first, rows) = (piece.first / outputs, piece.count / outputs);
    let size = to.size();
    let mut column = vec![0; rows * size];
    for output in 0..outputs {
        let start = (output * inputs + first) * from.size();
        convert(from, &bytes[start..start + rows * from.size()], to, &mut column);
        for (row, number) in column.chunks_exact(size).enumerate() {
            let place = (row * outputs + output) * size;
            buffer[place..place + size].copy_from_slice(number);
        }
    }
}

fn convert(from: Element, bytes: &[u8], to: Element, into: &mut [u8]) {
    if from == to {
        into.copy_from_slice(bytes);
        return;
    }
    let values = tensor::numbers(from, bytes, |value| value as f32, |value| value as f32);
    match to {
        Element::F16 => put(values.iter().map(|value| f16::from_f32(*value).to_le_bytes()), into),
        Element::Bf16 => put(values.iter().map(|value| bf16::from_f32(*value).to_le_bytes()), into),
        _ => put(values.iter().map(|value| value.to_le_bytes()), into),
    }
}

fn put<const N: usize>(numbers: impl Iterator<Item = [u8; N]>, into: &mut [u8]) {
    into.as_chunks_mut::<N>().0.iter_mut().zip(numbers).for_each(|(place, number)| *place = number);
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}
