//! Safetensors files: maps of named tensors, read with distrust, and their numbers only when they are needed.

use crate::{
    Element, ModelError, Tensor,
    files::{self, Stretch},
};
use ::safetensors::tensor::{Metadata, TensorView};
use std::{io, path::Path};

/// As the format bounds it; a real one has some hundred bytes for each tensor.
const LONGEST_HEADER: u64 = 100_000_000;

/// One tensor of a file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub name: String,
    pub element: Element,
    pub shape: Vec<usize>,
    /// Still in the file.
    pub numbers: Stretch,
}

/// The tensors of a file, whose header was checked.
pub(crate) fn entries(path: &Path) -> Result<Vec<Entry>, ModelError> {
    let file = Stretch::of(path)?;
    let (metadata, start) = header(&file)?;
    metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| {
            let element = Element::from_dtype(info.dtype).ok_or_else(|| {
                ModelError::unsupported(
                    &files::name(path),
                    format!("tensor {name:?}"),
                    format!("its number format {:?} is not read", info.dtype),
                    "Save the weights as float32, float16 or bfloat16",
                )
            })?;
            let (from, to) = info.data_offsets;
            let numbers = file.part(start + from..start + to);
            Ok(Entry { name, element, shape: info.shape.clone(), numbers })
        })
        .collect()
}

/// What the header says, and the byte that the numbers begin at. They fill the rest of the file without gaps.
fn header(file: &Stretch) -> Result<(Metadata, usize), ModelError> {
    const LFS_POINTER: &[u8] = b"version https://git-lfs";
    let damaged = |reason: String| ModelError::damaged(&files::name(&file.path), "its header", reason);
    let opened = file.open()?;
    let first = opened.bytes(0..file.length.min(LFS_POINTER.len()))?;
    if first == LFS_POINTER {
        return Err(damaged("this is a Git LFS pointer instead of the weights".to_owned()));
    }
    let Some(length) = first.first_chunk::<8>().map(|length| u64::from_le_bytes(*length)) else {
        return Err(damaged(format!("it is only {} bytes long", file.length)));
    };
    if length > file.length as u64 - 8 {
        let reason = format!("its header says it is {length} bytes long, the file has {}", file.length);
        return Err(damaged(reason));
    }
    if length > LONGEST_HEADER {
        return Err(damaged(format!("it is {length} bytes long, no real one is above {LONGEST_HEADER}")));
    }
    let start = 8 + length as usize;
    let text = opened.bytes(8..start)?;
    let metadata: Metadata = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    let (said, left) = (metadata.data_len(), file.length - start);
    if said != left {
        return Err(damaged(format!("its tensors are {said} bytes long, the file has {left} for them")));
    }
    Ok((metadata, start))
}

/// Every tensor of a file, in the order of their names.
pub fn read(path: &Path) -> Result<Vec<Tensor>, ModelError> {
    let mut entries = entries(path)?;
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
        .into_iter()
        .map(|Entry { name, element, shape, numbers }| Ok(Tensor { name, element, shape, bytes: numbers.bytes()? }))
        .collect()
}

pub fn write(path: &Path, tensors: &[Tensor]) -> Result<(), ModelError> {
    let views = tensors
        .iter()
        .map(|tensor| {
            let view = TensorView::new(tensor.element.dtype(), tensor.shape.clone(), &tensor.bytes);
            view.map(|view| (tensor.name.as_str(), view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| files::unwritable(path)(io::Error::other(error)))?;
    ::safetensors::serialize_to_file(views, None, path)
        .map_err(|error| files::unwritable(path)(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_come_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        let tensors = [
            Tensor::from_f32s("a", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            Tensor::from_i64s("b", &[2], &[-1, 9]),
            Tensor { name: "c".into(), element: Element::Bool, shape: vec![1], bytes: vec![1] },
        ];
        write(&path, &tensors).unwrap();
        assert_eq!(read(&path).unwrap(), tensors);
    }

    #[test]
    fn a_file_that_is_shorter_or_longer_than_its_header_says_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        std::fs::write(&path, [0xff; 16]).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("the file has 16"), "{error}");

        write(&path, &[Tensor::from_f32s("a", &[2], &[1.0, 2.0])]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let longer = [whole.as_slice(), &[0]].concat();
        for (bytes, left) in [(&whole[..whole.len() - 1], 7), (longer.as_slice(), 9)] {
            std::fs::write(&path, bytes).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("are 8 bytes long, the file has {left} for them")), "{error}");
        }
    }
}
