//! The numbers of the weights: made or read in stretches on several threads, and written where they belong.

use super::{
    Part, Weight,
    packed::note_extremes,
    random::Random,
    store::{Layout, Progress, Source},
};
use crate::{
    Element, ModelError,
    files::unwritable,
    quantize::{self, BLOCK, Packing},
    tensor,
};
use half::{bf16, f16};
use std::{
    collections::HashMap,
    fs::File,
    io,
    path::Path,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// Bytes a thread makes before it writes them.
const CHUNK: usize = 1 << 20;

pub struct Maker<'a> {
    pub weights: &'a [Weight],
    pub packed: &'a HashMap<String, Packing>,
    pub layout: &'a Layout,
    /// Of the weights that are written whole; f32 where others are packed.
    pub element: Element,
    pub source: &'a Source<'a>,
}

/// What one thread does at a time.
enum Task {
    Whole(Piece),
    /// A weight by its place that is written as integers with scales.
    Packed(usize, Packing),
}

/// A stretch of one weight, in numbers of the graph's layout.
struct Piece {
    weight: usize,
    first: usize,
    count: usize,
}

impl Maker<'_> {
    /// Writes every weight at its place. `progress` hears bytes done and bytes in all.
    pub fn write_all(&self, file: &File, path: &Path, progress: &mut Progress) -> Result<(), ModelError> {
        let tasks = self.tasks();
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
                let (sender, random, tasks, next, stop) = (sender.clone(), random.as_ref(), &tasks, &next, &stop);
                scope.spawn(move || {
                    let mut buffer = Vec::new();
                    while !stop.load(Ordering::Relaxed)
                        && let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let written = match task {
                            Task::Whole(piece) => {
                                self.make(piece, random, &mut buffer);
                                write_at(file, &buffer, self.offset(piece)).map(|()| buffer.len() as u64)
                            }
                            Task::Packed(weight, packing) => {
                                let mut numbers = Numbers { random, bytes: Vec::new(), numbers: Vec::new() };
                                self.pack(*weight, *packing, &mut numbers, file)
                            }
                        };
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
                    unwritable(path)(source)
                })?;
                if progress(done, self.layout.total).is_break() {
                    stop.store(true, Ordering::Relaxed);
                    return Err(ModelError::Cancelled);
                }
            }
            Ok(())
        })
    }

    fn tasks(&self) -> Vec<Task> {
        let written = self.weights.iter().enumerate().filter(|(_, weight)| weight.part != Part::Unread);
        written
            .flat_map(|(index, weight)| match self.packed.get(&weight.initializer) {
                Some(packing) => vec![Task::Packed(index, *packing)],
                None => self.pieces(index, self.rows_at_once(weight)).map(Task::Whole).collect(),
            })
            .collect()
    }

    /// A weight in stretches of so many rows.
    fn pieces(&self, index: usize, rows: usize) -> impl Iterator<Item = Piece> + use<> {
        let weight = &self.weights[index];
        let all = weight.parameters() as usize;
        let step = (rows * row(weight)).max(1);
        (0..all).step_by(step).map(move |first| Piece { weight: index, first, count: step.min(all - first) })
    }

    /// Writes a weight's integers and scales; its numbers are made in stretches of rows. Answers the bytes written.
    fn pack(&self, index: usize, packing: Packing, numbers: &mut Numbers, file: &File) -> io::Result<u64> {
        let weight = &self.weights[index];
        let [integers, scales] = quantize::parts(&weight.initializer).map(|part| self.layout.offsets[&part]);
        let columns = row(weight);
        let rows_at_once = self.rows_at_once(weight).next_multiple_of(BLOCK);
        let mut written = 0;
        let mut put = |bytes: &[u8], offset: u64| {
            written += bytes.len() as u64;
            write_at(file, bytes, offset)
        };
        let mut extremes = vec![0.0; columns];
        if packing == Packing::Columns {
            // The last row may decide the scale of the first, so all are made once only to be looked at.
            for piece in self.pieces(index, rows_at_once) {
                note_extremes(numbers.of(self, &piece), &mut extremes);
            }
            put(&bytes_of(&packing.scales_of(&extremes)), scales)?;
        }
        let mut packed = Vec::new();
        for piece in self.pieces(index, rows_at_once) {
            let rows = numbers.of(self, &piece);
            packed.clear();
            match packing {
                Packing::Columns => packing.pack(rows, &packing.scales_of(&extremes), &mut packed),
                Packing::Blocks => {
                    let mut used = Vec::new();
                    for block in rows.chunks(BLOCK * columns) {
                        extremes.fill(0.0);
                        note_extremes(block, &mut extremes);
                        let scales = packing.scales_of(&extremes);
                        packing.pack(block, &scales, &mut packed);
                        used.extend(scales);
                    }
                    put(&bytes_of(&used), scales + (piece.first / BLOCK * size_of::<f32>()) as u64)?;
                }
            }
            let before = packing.element().bytes_of(piece.first as u64).expect("the layout has found place for it");
            put(&packed, integers + before)?;
        }
        Ok(written)
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

/// The stretch of a weight that is being packed.
struct Numbers<'a> {
    random: Option<&'a Random>,
    bytes: Vec<u8>,
    numbers: Vec<f32>,
}

impl Numbers<'_> {
    /// The numbers of a piece in f32, in the graph's layout.
    fn of(&mut self, maker: &Maker, piece: &Piece) -> &[f32] {
        maker.make(piece, self.random, &mut self.bytes);
        self.numbers.clear();
        self.numbers.extend(self.bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)));
        &self.numbers
    }
}

fn bytes_of(scales: &[f32]) -> Vec<u8> {
    scales.iter().flat_map(|scale| scale.to_le_bytes()).collect()
}

/// Numbers in one row of the graph's layout.
pub fn row(weight: &Weight) -> usize {
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
