//! The numbers of the weights: made or read in pieces on several threads, and written where they belong.

use super::{
    Part, Weight,
    packed::note_extremes,
    random::Random,
    store::{Layout, Progress, Source},
};
use crate::{
    Element, ModelError,
    files::{Opened, unwritable},
    quantize::{self, BLOCK, Packing},
    tensor,
};
use half::{bf16, f16};
use std::{
    collections::HashMap,
    fs::File,
    io,
    ops::Range,
    path::Path,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// Bytes a thread reads or makes at a time.
const CHUNK: usize = 1 << 20;
/// Bytes that all threads together gather; see [`Maker::band`].
const GATHERED: usize = 16 << 20;

/// The usual [`Maker::band`]: stretches of about a kilobyte in a matrix of some thousand rows.
pub fn band() -> usize {
    GATHERED / threads()
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, |count| count.get().min(8))
}

pub struct Maker<'a> {
    pub weights: &'a [Weight],
    pub packed: &'a HashMap<String, Packing>,
    pub layout: &'a Layout,
    /// Of the weights that are written whole; f32 where others are packed.
    pub element: Element,
    pub source: &'a Source<'a>,
    /// Where they are written, and what it is called.
    pub file: &'a File,
    pub path: &'a Path,
    /// Bytes that a thread gathers of a matrix which the checkpoint has swapped. What is read of it in one go lies
    /// scattered where it is written: the more is gathered, the longer are the stretches.
    pub band: usize,
}

/// What one thread does at a time.
enum Task {
    Whole(Piece),
    /// A weight by its place that is written as integers with scales.
    Packed(usize, Packing),
}

/// A rectangle of one weight as the graph has it, where the last axis runs along the rows.
struct Piece {
    weight: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Piece {
    /// How many numbers it has.
    fn count(&self) -> usize {
        self.rows.len() * self.columns.len()
    }
}

impl Maker<'_> {
    /// Writes every weight at its place. `progress` hears bytes done and bytes in all.
    pub fn write_all(&self, progress: &mut Progress) -> Result<(), ModelError> {
        let tasks = self.tasks();
        let random = match self.source {
            Source::Seed(seed) => Some(Random::new(self.weights, self.element, *seed)),
            Source::Checkpoint { .. } => None,
        };
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel::<Result<u64, ModelError>>();
        thread::scope(|scope| {
            for _ in 0..threads() {
                let (sender, random, tasks, next, stop) = (sender.clone(), random.as_ref(), &tasks, &next, &stop);
                scope.spawn(move || {
                    let mut buffer = Vec::new();
                    while !stop.load(Ordering::Relaxed)
                        && let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let written = match task {
                            Task::Whole(piece) => self.write(piece, random, &mut buffer),
                            Task::Packed(weight, packing) => self.pack(*weight, *packing, random),
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
                done += written.inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
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
                None => self.pieces(index, None).into_iter().map(Task::Whole).collect(),
            })
            .collect()
    }

    /// A weight in stretches of whole rows; of whole columns where these are rows of the checkpoint, so that it is read
    /// as it lies.
    fn pieces(&self, index: usize, packing: Option<Packing>) -> Vec<Piece> {
        let weight = &self.weights[index];
        let columns = row(weight);
        let rows = (weight.parameters() as usize).checked_div(columns).unwrap_or_default();
        let size = self.element.size();
        let swapped = weight.transposed && matches!(self.source, Source::Checkpoint { .. });
        // Two numbers of 4 bits share a byte, across the end of a row where rows are odd.
        let divisible = packing != Some(Packing::Blocks) || columns.is_multiple_of(2);
        if swapped && divisible {
            let width = (self.band / (rows * size).max(1)).max(1).next_multiple_of(2);
            return parts(0..columns, width).map(|columns| Piece { weight: index, rows: 0..rows, columns }).collect();
        }
        let bytes = if swapped { self.band } else { CHUNK };
        // Random numbers are made in fours.
        let together = if packing.is_some() { BLOCK } else { 4 };
        let height = (bytes / (columns * size).max(1)).max(1).next_multiple_of(together);
        parts(0..rows, height).map(|rows| Piece { weight: index, rows, columns: 0..columns }).collect()
    }

    /// Writes a piece as it is. Answers the bytes written.
    fn write(&self, piece: &Piece, random: Option<&Random>, buffer: &mut Vec<u8>) -> Result<u64, ModelError> {
        let weight = &self.weights[piece.weight];
        buffer.resize(piece.count() * self.element.size(), 0);
        self.make(piece, random, buffer)?;
        self.place(&weight.initializer, self.element, row(weight)).put(
            piece.rows.clone(),
            piece.columns.clone(),
            buffer,
        )
    }

    /// Writes a weight's integers and scales; its numbers are made in pieces. Answers the bytes written.
    fn pack(&self, index: usize, packing: Packing, random: Option<&Random>) -> Result<u64, ModelError> {
        let weight = &self.weights[index];
        let columns = row(weight);
        let [integers, scales] = quantize::parts(&weight.initializer);
        let integers = self.place(&integers, packing.element(), columns);
        let scales = self.place(&scales, Element::F32, columns);
        let pieces = self.pieces(index, Some(packing));
        let (mut numbers, mut packed, mut written) = (Vec::new(), Vec::new(), 0);
        let mut extremes = vec![0.0; columns];
        if packing == Packing::Columns {
            // The last row may decide the scale of the first, so all are made once only to be looked at.
            for piece in &pieces {
                self.make_f32s(piece, random, &mut numbers)?;
                note_extremes(&numbers, &mut extremes[piece.columns.clone()]);
            }
            written += scales.put(0..1, 0..columns, &bytes_of(&packing.scales_of(&extremes)))?;
        }
        for piece in &pieces {
            self.make_f32s(piece, random, &mut numbers)?;
            let extremes = &mut extremes[piece.columns.clone()];
            packed.clear();
            match packing {
                Packing::Columns => packing.pack(&numbers, &packing.scales_of(extremes), &mut packed),
                Packing::Blocks => {
                    let mut used = Vec::new();
                    for block in numbers.chunks(BLOCK * extremes.len()) {
                        extremes.fill(0.0);
                        note_extremes(block, extremes);
                        let of_block = packing.scales_of(extremes);
                        packing.pack(block, &of_block, &mut packed);
                        used.extend(of_block);
                    }
                    let blocks = piece.rows.start / BLOCK..piece.rows.end / BLOCK;
                    written += scales.put(blocks, piece.columns.clone(), &bytes_of(&used))?;
                }
            }
            written += integers.put(piece.rows.clone(), piece.columns.clone(), &packed)?;
        }
        Ok(written)
    }

    /// A piece in f32, which is what weights are packed from.
    fn make_f32s(&self, piece: &Piece, random: Option<&Random>, numbers: &mut Vec<f32>) -> Result<(), ModelError> {
        numbers.resize(piece.count(), 0.0);
        self.make(piece, random, bytemuck::cast_slice_mut(numbers))
    }

    /// Fills `into` with the numbers of a piece, row by row.
    fn make(&self, piece: &Piece, random: Option<&Random>, into: &mut [u8]) -> Result<(), ModelError> {
        let weight = &self.weights[piece.weight];
        match (self.source, random) {
            (Source::Checkpoint { tensors, .. }, _) => {
                let (from, numbers) = tensors[piece.weight].as_ref().expect("what is written has a tensor");
                let numbers = Numbers { file: numbers.open()?, from: *from, to: self.element };
                match weight.shape.as_slice() {
                    [_, inputs] if weight.transposed => numbers.read_swapped(piece, *inputs, into),
                    _ => numbers.read(piece.rows.start * row(weight), into),
                }
            }
            (Source::Seed(_), Some(random)) => {
                random.fill(weight, (piece.rows.start * row(weight)) as u64, into);
                Ok(())
            }
            (Source::Seed(_), None) => unreachable!("a seed comes with its generator"),
        }
    }

    fn place(&self, initializer: &str, element: Element, columns: usize) -> Place<'_> {
        Place { file: self.file, path: self.path, start: self.layout.offsets[initializer], element, columns }
    }
}

/// A matrix in the file that is written.
struct Place<'a> {
    file: &'a File,
    path: &'a Path,
    start: u64,
    element: Element,
    columns: usize,
}

impl Place<'_> {
    /// Writes a rectangle of it, given row by row. Answers the bytes written.
    fn put(&self, rows: Range<usize>, columns: Range<usize>, bytes: &[u8]) -> Result<u64, ModelError> {
        if columns.len() == self.columns {
            self.write(rows.start, 0, bytes)?;
        } else {
            let length = bytes.len() / rows.len();
            rows.zip(bytes.chunks_exact(length)).try_for_each(|(row, bytes)| self.write(row, columns.start, bytes))?;
        }
        Ok(bytes.len() as u64)
    }

    fn write(&self, row: usize, column: usize, bytes: &[u8]) -> Result<(), ModelError> {
        let before = self.element.bytes_of((row * self.columns + column) as u64);
        let offset = self.start + before.expect("the layout has found place for it");
        write_at(self.file, bytes, offset).map_err(unwritable(self.path))
    }
}

/// A tensor of the checkpoint, with the element that its numbers have there and the one that they are wanted in.
struct Numbers {
    file: Opened,
    from: Element,
    to: Element,
}

impl Numbers {
    /// Fills `into` with those from one on.
    fn read(&self, first: usize, into: &mut [u8]) -> Result<(), ModelError> {
        let Self { file, from, to } = self;
        let start = first * from.size();
        if from == to {
            return file.read_at(start, into);
        }
        let mut bytes = vec![0; into.len() / to.size() * from.size()];
        file.read_at(start, &mut bytes)?;
        convert(*from, &bytes, *to, into);
        Ok(())
    }

    /// Fills `into` with a piece of the swapped matrix: number (i, o) of the graph is number (o, i) of the checkpoint.
    fn read_swapped(&self, piece: &Piece, inputs: usize, into: &mut [u8]) -> Result<(), ModelError> {
        let (height, width) = (piece.rows.len(), piece.columns.len());
        // Whole rows of the checkpoint follow each other.
        let at_once = if height == inputs { CHUNK / (inputs * self.from.size()).max(1) } else { 1 };
        let mut read = Vec::new();
        for outputs in parts(piece.columns.clone(), at_once.max(1)) {
            read.resize(outputs.len() * height * self.to.size(), 0);
            self.read(outputs.start * inputs + piece.rows.start, &mut read)?;
            let place = outputs.start - piece.columns.start;
            match self.to.size() {
                2 => swap::<2>(&read, height, into, width, place),
                _ => swap::<4>(&read, height, into, width, place),
            }
        }
        Ok(())
    }
}

/// Puts rows of so many numbers of `N` bytes into rows of `width` numbers, as their columns from `place` on.
fn swap<const N: usize>(rows: &[u8], length: usize, into: &mut [u8], width: usize, place: usize) {
    let (numbers, into) = (rows.as_chunks::<N>().0, into.as_chunks_mut::<N>().0);
    for (index, row) in into.chunks_exact_mut(width).enumerate() {
        let column = numbers[index..].iter().step_by(length);
        row[place..].iter_mut().zip(column).for_each(|(to, from)| *to = *from);
    }
}

/// A range in parts of so many.
fn parts(range: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(step).map(move |start| start..end.min(start + step))
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

fn convert(from: Element, bytes: &[u8], to: Element, into: &mut [u8]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{files::Stretch, weights::Fill};
    use std::{fs, ops::ControlFlow};

    /// Matrices of a checkpoint, `[outputs, inputs]` each.
    const SHAPES: [[usize; 2]; 3] = [[24, 64], [37, 64], [6, 32]];

    fn weights() -> Vec<Weight> {
        let weight = |shape: [usize; 2]| Weight {
            name: format!("{shape:?}"),
            initializer: format!("{shape:?}.T"),
            shape: shape.to_vec(),
            transposed: true,
            fill: Fill::Matrix,
            deviation: 1.0,
            part: Part::Parameter,
            stack: None,
        };
        SHAPES.map(weight).to_vec()
    }

    /// The numbers of a matrix, which tell their place and are exact in every element.
    fn number(output: usize, input: usize) -> f32 {
        (output * 64 + input) as f32 / 4.0 - 100.0
    }

    fn tensors(folder: &Path) -> Vec<Option<(Element, Stretch)>> {
        let tensor = |[outputs, inputs]: [usize; 2]| {
            let path = folder.join(format!("{outputs}x{inputs}"));
            let places = (0..outputs).flat_map(|output| (0..inputs).map(move |input| (output, input)));
            let bytes: Vec<u8> = places.flat_map(|(output, input)| number(output, input).to_le_bytes()).collect();
            fs::write(&path, bytes).unwrap();
            Some((Element::F32, Stretch::of(&path).unwrap()))
        };
        SHAPES.map(tensor).to_vec()
    }

    /// What is written of the matrices, where a thread gathers so many bytes.
    fn written(element: Element, packing: Option<Packing>, band: usize) -> (Layout, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let (weights, tensors) = (weights(), tensors(folder.path()));
        let packed: HashMap<String, Packing> =
            weights.iter().filter_map(|weight| Some((weight.initializer.clone(), packing?))).collect();
        let mut layout = Layout { offsets: HashMap::new(), total: 0 };
        for weight in &weights {
            let [integers, scales] = quantize::parts(&weight.initializer);
            for name in [weight.initializer.clone(), integers, scales] {
                layout.offsets.insert(name, layout.total);
                layout.total += 4 * weight.parameters();
            }
        }
        let path = folder.path().join("weights.bin");
        let file = File::create(&path).unwrap();
        file.set_len(layout.total).unwrap();
        let source = Source::Checkpoint { tensors: &tensors, fingerprint: "", files: &[] };
        let maker = Maker {
            weights: &weights,
            packed: &packed,
            layout: &layout,
            element,
            source: &source,
            file: &file,
            path: &path,
            band,
        };
        maker.write_all(&mut |_, _| ControlFlow::Continue(())).unwrap();
        (layout, fs::read(&path).unwrap())
    }

    #[test]
    fn a_swapped_matrix_is_the_same_however_much_of_it_is_gathered() {
        for (element, packing) in [
            (Element::F32, None),
            (Element::F16, None),
            (Element::F32, Some(Packing::Columns)),
            (Element::F32, Some(Packing::Blocks)),
        ] {
            let (layout, whole) = written(element, packing, band());
            for band in [1, 1000, 5000] {
                assert!(written(element, packing, band).1 == whole, "{element} {packing:?} {band}");
            }
            if packing.is_some() {
                continue;
            }
            for [outputs, inputs] in SHAPES {
                let start = layout.offsets[&format!("{:?}.T", [outputs, inputs])] as usize;
                let numbers = tensor::f64s(element, &whole[start..start + outputs * inputs * element.size()]);
                for (place, found) in numbers.into_iter().enumerate() {
                    assert_eq!(found, f64::from(number(place % outputs, place / outputs)), "{element} {place}");
                }
            }
        }
    }
}
