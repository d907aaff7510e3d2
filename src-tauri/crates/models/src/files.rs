//! Opening files that may be anything, and keeping a model inside its folder.

use crate::ModelError;
use bytes::Bytes;
use memmap2::Mmap;
use std::{
    collections::{HashMap, hash_map::Entry},
    fs::{self, File},
    io,
    ops::Range,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// A stretch of a file, which is opened only while it is read: a model may lie in more files than may be open at once.
///
/// It is not mapped, for a program that cuts a mapped file short ends the process that reads it. A read only fails.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub path: Arc<Path>,
    /// The byte of the file that it begins at.
    start: u64,
    /// Bytes.
    pub length: usize,
}

impl Stretch {
    /// A whole file, as long as it is now.
    pub fn of(path: &Path) -> Result<Self, ModelError> {
        let (_, length) = open(path)?;
        Ok(Self { path: path.into(), start: 0, length: length as usize })
    }

    /// A part of it, in bytes from its own start.
    pub fn part(&self, range: Range<usize>) -> Self {
        Self { path: self.path.clone(), start: self.start + range.start as u64, length: range.len() }
    }

    pub fn open(&self) -> Result<Opened, ModelError> {
        let (file, _) = open(&self.path)?;
        Ok(Opened { file, stretch: self.clone() })
    }

    pub fn bytes(&self) -> Result<Vec<u8>, ModelError> {
        self.open()?.bytes(0..self.length)
    }

    /// Whether other bytes lie in the two, which are never in memory as a whole.
    pub fn differs_from(&self, other: &Self) -> Result<bool, ModelError> {
        const STEP: usize = 1 << 20;
        if self.length != other.length {
            return Ok(true);
        }
        let (one, other) = (self.open()?, other.open()?);
        for start in (0..self.length).step_by(STEP) {
            let range = start..self.length.min(start + STEP);
            if one.bytes(range.clone())? != other.bytes(range)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Its bytes, mapped.
    ///
    /// `maps` keeps the map of each file for its other stretches. Only a worker may do so: see [`map`].
    pub fn mapped(&self, maps: &mut HashMap<Arc<Path>, Bytes>) -> Result<Bytes, ModelError> {
        let map = match maps.entry(self.path.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(map(&self.path)?),
        };
        let start = self.start as usize;
        let end = start + self.length;
        if end > map.len() {
            return Err(ModelError::Rewritten { path: self.path.to_path_buf() });
        }
        Ok(map.slice(start..end))
    }
}

/// A stretch whose file is open.
pub struct Opened {
    file: File,
    pub stretch: Stretch,
}

impl Opened {
    /// Fills `bytes` with what follows byte `start` of the stretch.
    ///
    /// # Errors
    /// Where the file ends before: it was cut short since the stretch was found in it.
    pub fn read_at(&self, start: usize, bytes: &mut [u8]) -> Result<(), ModelError> {
        let path = &self.stretch.path;
        read_exact_at(&self.file, bytes, self.stretch.start + start as u64).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => ModelError::Rewritten { path: path.to_path_buf() },
            _ => unreadable(path)(source),
        })
    }

    pub fn bytes(&self, range: Range<usize>) -> Result<Vec<u8>, ModelError> {
        let mut bytes = vec![0; range.len()];
        self.read_at(range.start, &mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        offset += read as u64;
    }
    Ok(())
}

/// The file's name for messages, or its path where it has none.
pub fn name(path: &Path) -> String {
    match path.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.display().to_string(),
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> ModelError + use<> {
    let path = path.to_owned();
    move |source| ModelError::Unreadable { path, source }
}

/// The error for a file that could not be written.
pub fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> ModelError + use<> {
    let path = path.to_owned();
    move |source| ModelError::Unwritable { path, source }
}

/// A regular file, with its length. Devices and pipes, which may never end, are refused.
fn open(path: &Path) -> Result<(File, u64), ModelError> {
    let kind = fs::metadata(path).map_err(unreadable(path))?;
    if !kind.is_file() {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(unreadable(path)(source));
    }
    let file = File::open(path).map_err(unreadable(path))?;
    Ok((file, kind.len()))
}

/// The file's bytes without reading them: pages come in as they are touched. For a worker, which an engine may end too.
fn map(path: &Path) -> Result<Bytes, ModelError> {
    let (file, length) = open(path)?;
    if length == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the map is only read. A program that cuts the file short meanwhile ends this process with SIGBUS. It is a
    // worker, whose end is a result; the app itself reads a person's files through `Opened`.
    let map = unsafe { Mmap::map(&file) }.map_err(unreadable(path))?;
    Ok(Bytes::from_owner(map))
}

/// The text of a small file; one above `most_bytes` is refused unread.
pub fn text(path: &Path, most_bytes: u64) -> Result<String, ModelError> {
    let (_, length) = open(path)?;
    if length > most_bytes {
        return Err(ModelError::unsupported(
            &name(path),
            "the whole file",
            format!("it is {length} bytes long, no real one is above {most_bytes}"),
            "Choose the model's own file",
        ));
    }
    let bytes = fs::read(path).map_err(unreadable(path))?;
    String::from_utf8(bytes).map_err(|error| {
        let place = format!("byte {}", error.utf8_error().valid_up_to());
        ModelError::damaged(&name(path), place, "it is not text in UTF-8")
    })
}

/// The path of a file that `file` names at `place`, which must lie in `folder` even after following links.
pub fn inside(folder: &Path, location: &str, file: &str, place: &str) -> Result<PathBuf, ModelError> {
    let refused = |reason: String| {
        let remedy = "Put all files of the model into one folder and export it again";
        Err(ModelError::unsafe_(file, place, reason, remedy))
    };
    let relative = Path::new(location);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    // Backslashes and colons would be separators and drives on Windows; they are refused on every system alike.
    if location.is_empty() || !plain || location.contains(['\\', ':', '\0']) {
        return refused(format!("it points to {location:?}, which is not a file name inside the model's folder"));
    }
    let path = folder.join(relative);
    let (real, home) =
        (fs::canonicalize(&path).map_err(unreadable(&path))?, fs::canonicalize(folder).map_err(unreadable(folder))?);
    if !real.starts_with(&home) && !in_hub_cache(&home, &real) {
        return refused(format!("{location:?} is a link that leads out of the model's folder"));
    }
    Ok(real)
}

/// The Hugging Face cache keeps a model's files in `blobs` and shows them as links in `snapshots/<revision>`.
fn in_hub_cache(home: &Path, real: &Path) -> bool {
    home.parent()
        .filter(|snapshots| snapshots.ends_with("snapshots"))
        .and_then(Path::parent)
        .is_some_and(|model| real.starts_with(model.join("blobs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_folder_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        fs::create_dir(&model).unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        fs::write(model.join("weights.bin"), "x").unwrap();
        assert!(inside(&model, "weights.bin", "m.onnx", "w").is_ok());
        for location in ["../secret", "/etc/passwd", "a/../../secret", "C:\\x", "..\\secret", "", "weights.bin\0"] {
            let error = inside(&model, location, "m.onnx", "w").unwrap_err();
            assert!(matches!(error, ModelError::Unsafe { .. }), "{location}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        fs::create_dir(&model).unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), model.join("weights.bin")).unwrap();
        assert!(matches!(inside(&model, "weights.bin", "m", "w"), Err(ModelError::Unsafe { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_of_the_hugging_face_cache_are_followed_to_their_own_model_only() {
        let cache = tempfile::tempdir().unwrap();
        for model in ["models--a", "models--b"] {
            fs::create_dir_all(cache.path().join(model).join("blobs")).unwrap();
            fs::write(cache.path().join(model).join("blobs/hash"), "x").unwrap();
        }
        let snapshot = cache.path().join("models--a/snapshots/1");
        fs::create_dir_all(&snapshot).unwrap();
        std::os::unix::fs::symlink("../../blobs/hash", snapshot.join("own")).unwrap();
        std::os::unix::fs::symlink("../../../models--b/blobs/hash", snapshot.join("other")).unwrap();
        assert!(inside(&snapshot, "own", "m", "w").is_ok());
        assert!(matches!(inside(&snapshot, "other", "m", "w"), Err(ModelError::Unsafe { .. })));
    }

    #[test]
    fn a_folder_is_not_read_as_a_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Stretch::of(folder.path()).unwrap_err().to_string().contains("could not read"));
    }

    #[test]
    fn what_a_file_has_lost_since_it_was_opened_is_an_error_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.bin");
        fs::write(&path, (0..100).collect::<Vec<u8>>()).unwrap();
        let [kept, cut] = [10..40, 50..80].map(|range| Stretch::of(&path).unwrap().part(20..100).part(range));
        let opened = cut.open().unwrap();
        assert_eq!(opened.bytes(5..8).unwrap(), [75, 76, 77]);
        File::options().write(true).open(&path).unwrap().set_len(76).unwrap();
        for error in [opened.bytes(5..8).unwrap_err(), cut.bytes().unwrap_err()] {
            assert!(matches!(&error, ModelError::Rewritten { path: named } if *named == path), "{error}");
        }
        assert_eq!(kept.bytes().unwrap(), (30..60).collect::<Vec<u8>>());
    }
}
