//! Safetensors files: maps of named tensors, read with distrust and without copying.

use crate::{Element, ModelError, Tensor, files};
use ::safetensors::{SafeTensors, tensor::TensorView};
use bytes::Bytes;
use std::{io, path::Path};

/// A file whose header was checked; tensors are read from it on demand.
pub struct File {
    name: String,
    bytes: Bytes,
    entries: Vec<Entry>,
}

/// One tensor of a file.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub element: Element,
    pub shape: Vec<usize>,
    start: usize,
    end: usize,
}

impl File {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let name = files::name(path);
        let bytes = files::map(path)?;
        let header = SafeTensors::deserialize(&bytes).map_err(|error| damaged(&name, &bytes, &error.to_string()))?;
        let entries = header
            .iter()
            .map(|(tensor, view)| {
                let element = Element::from_dtype(view.dtype()).ok_or_else(|| {
                    ModelError::unsupported(
                        &name,
                        format!("tensor {tensor:?}"),
                        format!("its number format {:?} is not read", view.dtype()),
                        "Save the weights as float32, float16 or bfloat16",
                    )
                })?;
                let start = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
                let (shape, end) = (view.shape().to_vec(), start + view.data().len());
                Ok(Entry { name: tensor.to_owned(), element, shape, start, end })
            })
            .collect::<Result<Vec<_>, ModelError>>()?;
        Ok(Self { name, bytes, entries })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The numbers of one of this file's entries, still in the file.
    pub fn bytes(&self, entry: &Entry) -> Bytes {
        self.bytes.slice(entry.start..entry.end)
    }

    pub fn tensor(&self, name: &str) -> Option<Tensor> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        let bytes = self.bytes(entry).to_vec();
        Some(Tensor { name: name.to_owned(), element: entry.element, shape: entry.shape.clone(), bytes })
    }
}

/// Names what the bytes really are where they are no safetensors file.
fn damaged(name: &str, bytes: &[u8], error: &str) -> ModelError {
    let length = bytes.first_chunk::<8>().map(|first| u64::from_le_bytes(*first));
    let reason = match length {
        _ if bytes.starts_with(b"version https://git-lfs") => {
            "this is a Git LFS pointer instead of the weights".to_owned()
        }
        None => format!("it is only {} bytes long", bytes.len()),
        Some(header) if header > bytes.len() as u64 - 8 => {
            format!("its header says it is {header} bytes long, the file has {}", bytes.len())
        }
        Some(_) => error.to_owned(),
    };
    ModelError::damaged(name, "its header", reason)
}

/// Every tensor of a file, in the order of their names.
pub fn read(path: &Path) -> Result<Vec<Tensor>, ModelError> {
    let file = File::open(path)?;
    let mut tensors: Vec<Tensor> = file
        .entries
        .iter()
        .map(|entry| Tensor {
            name: entry.name.clone(),
            element: entry.element,
            shape: entry.shape.clone(),
            bytes: file.bytes(entry).to_vec(),
        })
        .collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors)
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
        assert_eq!(File::open(&path).unwrap().tensor("b").unwrap().i64s(), [-1, 9]);
    }

    #[test]
    fn a_header_longer_than_the_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        std::fs::write(&path, [0xff; 16]).unwrap();
        let error = File::open(&path).err().unwrap().to_string();
        assert!(error.contains("the file has 16"), "{error}");
    }
}
