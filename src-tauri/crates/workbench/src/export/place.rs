//! Where generated files go: an empty or a new folder, or a zip file.

use super::ExportError;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

pub(super) enum Place {
    Folder(PathBuf),
    Zip { path: PathBuf, writer: Box<ZipWriter<File>> },
}

impl Place {
    /// A name that ends in `.zip` means a zip file, which must not be there yet.
    pub fn open(path: &Path) -> Result<Self, ExportError> {
        let path = path.to_owned();
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip")) {
            return match File::create_new(&path) {
                Ok(file) => Ok(Self::Zip { path, writer: Box::new(ZipWriter::new(file)) }),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(ExportError::Exists(path)),
                Err(source) => Err(ExportError::Unwritable { path, source }),
            };
        }
        if fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(ExportError::NotEmpty(path));
        }
        Ok(Self::Folder(path))
    }

    pub fn write(&mut self, name: &str, text: &str) -> Result<(), ExportError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let parent = path.parent().expect("the file lies in the folder");
                fs::create_dir_all(parent)
                    .and_then(|()| fs::write(&path, text))
                    .map_err(|source| ExportError::Unwritable { path: path.clone(), source })
            }
            Self::Zip { path, writer } => {
                let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
                writer
                    .start_file(name, options)
                    .map_err(io::Error::from)
                    .and_then(|()| writer.write_all(text.as_bytes()))
                    .map_err(|source| ExportError::Unwritable { path: path.clone(), source })
            }
        }
    }

    /// Without it a zip file lacks its list of contents.
    pub fn finish(self) -> Result<(), ExportError> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Zip { path, writer } => {
                writer.finish().map(drop).map_err(|e| ExportError::Unwritable { path, source: e.into() })
            }
        }
    }

    /// Takes a zip file away that would be incomplete.
    pub fn give_up(self) {
        if let Self::Zip { path, writer } = self {
            drop(writer);
            // What cannot be removed now could not be written either, which is told.
            let _ = fs::remove_file(path);
        }
    }
}
