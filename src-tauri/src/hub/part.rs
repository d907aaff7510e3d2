//! A file that is arriving: kept after a break, gone on with later, and used only when it is what was listed.

use super::wire::{Incoming, Wire, WireError};
use contract::{Failure, HubFile};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::Duration,
};

/// Breaks in a row without a single byte between them.
const MOST_BREAKS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(400);
const BLOCK: usize = 1 << 20;

/// What is being done with a file, and how many of its bytes are here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// What is here already is read.
    Checking,
    Fetching,
}

pub struct Part<'a> {
    listed: &'a HubFile,
    /// Its name until it is whole.
    path: PathBuf,
    to: PathBuf,
    file: File,
    digest: Sha256,
    bytes: u64,
}

/// Fetches a file of a repository into a folder, unless it is there. `on` hears how many of its bytes are here.
///
/// # Errors
/// Where it cannot be had or written, is not what was listed, or was cancelled; what arrived stays unless it is wrong.
pub fn fetch(
    wire: &Wire,
    revision: &str,
    listed: &HubFile,
    folder: &Path,
    cancelled: &AtomicBool,
    on: &mut dyn FnMut(Doing, u64),
) -> Result<(), Failure> {
    if is_whole(folder, listed) {
        on(Doing::Checking, listed.bytes);
        return Ok(());
    }
    let mut part = Part::open(folder, listed, cancelled, on)?;
    let address = wire.file(revision, &listed.path);
    let mut breaks = 0;
    while part.bytes < listed.bytes {
        let before = part.bytes;
        let arrived = wire
            .ask(address.clone(), before, cancelled)
            .map_err(Arrival::Wire)
            .and_then(|incoming| part.take(&incoming, cancelled, on));
        breaks = if part.bytes > before { 0 } else { breaks + 1 };
        match arrived {
            Ok(()) => {}
            // It may have broken for a moment only.
            Err(Arrival::Wire(WireError::Broken { .. })) if breaks < MOST_BREAKS => {
                part.keep()?;
                sleep(PAUSE);
            }
            Err(Arrival::Wire(error)) => return Err(error.into()),
            Err(Arrival::Failed(failure)) => return Err(failure),
        }
    }
    part.finish()
}

/// Keeps a small file of a repository whose content was read, unless it is there.
///
/// # Errors
/// Where it cannot be written or is not what was listed.
pub fn keep(
    content: &[u8],
    listed: &HubFile,
    folder: &Path,
    cancelled: &AtomicBool,
    on: &mut dyn FnMut(Doing, u64),
) -> Result<(), Failure> {
    if !is_whole(folder, listed) {
        let mut part = Part::open(folder, listed, cancelled, on)?;
        part.empty()?;
        part.add(content)?;
        if part.bytes < listed.bytes {
            part.remove();
            return Err(part.is_other(format!("it is shorter than {} bytes", listed.bytes)));
        }
        part.finish()?;
    }
    on(Doing::Checking, listed.bytes);
    Ok(())
}

/// Bytes of a file that are here already, whole or in part.
pub fn bytes_here(folder: &Path, listed: &HubFile) -> u64 {
    if is_whole(folder, listed) {
        return listed.bytes;
    }
    let left = fs::metadata(partial(&folder.join(&listed.path)));
    left.map_or(0, |left| left.len().min(listed.bytes))
}

/// A file bears its name only once it was checked.
fn is_whole(folder: &Path, listed: &HubFile) -> bool {
    fs::metadata(folder.join(&listed.path)).is_ok_and(|there| there.is_file() && there.len() == listed.bytes)
}

fn partial(to: &Path) -> PathBuf {
    to.with_added_extension("part")
}

/// Why bytes stopped arriving.
enum Arrival {
    Wire(WireError),
    Failed(Failure),
}

impl<'a> Part<'a> {
    /// Takes up what an earlier try left.
    fn open(
        folder: &Path,
        listed: &'a HubFile,
        cancelled: &AtomicBool,
        on: &mut dyn FnMut(Doing, u64),
    ) -> Result<Self, Failure> {
        let to = folder.join(&listed.path);
        let path = partial(&to);
        let open = || {
            fs::create_dir_all(to.parent().unwrap_or(folder))?;
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)
        };
        let file = open().map_err(|e| unwritable(&path, &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::bad_input(listed.path.clone(), "another Assay is fetching it")
                    .remedy("Wait until it has ended"));
            }
            Err(TryLockError::Error(e)) => return Err(unwritable(&path, &e)),
        }
        let mut part = Self { listed, path, to, file, digest: Sha256::new(), bytes: 0 };
        part.read_what_is_there(cancelled, on)?;
        Ok(part)
    }

    fn read_what_is_there(&mut self, cancelled: &AtomicBool, on: &mut dyn FnMut(Doing, u64)) -> Result<(), Failure> {
        let mut block = vec![0; BLOCK];
        loop {
            if cancelled.load(Ordering::Relaxed) {
                return Err(Failure::Cancelled);
            }
            match self.file.read(&mut block).map_err(|e| unwritable(&self.path, &e))? {
                0 => break,
                length => {
                    self.digest.update(&block[..length]);
                    self.bytes += length as u64;
                    on(Doing::Checking, self.bytes);
                }
            }
        }
        if self.bytes > self.listed.bytes { self.empty() } else { Ok(()) }
    }

    /// Writes what arrives.
    fn take(
        &mut self,
        incoming: &Incoming,
        cancelled: &AtomicBool,
        on: &mut dyn FnMut(Doing, u64),
    ) -> Result<(), Arrival> {
        match incoming.head.status {
            206 if incoming.head.from == self.bytes => {}
            // A server that knows no ranges sends all of it.
            200 => self.empty().map_err(Arrival::Failed)?,
            status => {
                let refused = Failure::bad_input(self.listed.path.clone(), format!("the server refuses it ({status})"));
                return Err(Arrival::Failed(refused.remedy("Look the repository up again, then fetch it again")));
            }
        }
        while let Some(piece) = incoming.piece(cancelled).map_err(Arrival::Wire)? {
            self.add(&piece).map_err(Arrival::Failed)?;
            on(Doing::Fetching, self.bytes);
        }
        if self.bytes < self.listed.bytes { Err(Arrival::Wire(incoming.ended_early())) } else { Ok(()) }
    }

    fn add(&mut self, piece: &[u8]) -> Result<(), Failure> {
        if self.bytes + piece.len() as u64 > self.listed.bytes {
            self.remove();
            return Err(self.is_other(format!("it is longer than {} bytes", self.listed.bytes)));
        }
        self.file.write_all(piece).map_err(|e| unwritable(&self.path, &e))?;
        self.digest.update(piece);
        self.bytes += piece.len() as u64;
        Ok(())
    }

    /// Gives it its name, if it is what was listed.
    fn finish(mut self) -> Result<(), Failure> {
        self.keep()?;
        let digest = std::mem::take(&mut self.digest).finalize();
        let arrived: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if let Some(listed) = self.listed.sha256.as_ref().filter(|listed| **listed != arrived) {
            self.remove();
            return Err(self.is_other(format!("its SHA-256 is {arrived}, not {listed}")));
        }
        // Some systems do not rename a file that is open.
        let Self { path, to, file, .. } = self;
        drop(file);
        fs::rename(&path, &to).map_err(|e| unwritable(&to, &e))
    }

    fn keep(&self) -> Result<(), Failure> {
        self.file.sync_data().map_err(|e| unwritable(&self.path, &e))
    }

    fn empty(&mut self) -> Result<(), Failure> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|e| unwritable(&self.path, &e))?;
        (self.digest, self.bytes) = (Sha256::new(), 0);
        Ok(())
    }

    fn remove(&self) {
        // What cannot be removed is read and found wrong again.
        let _ = fs::remove_file(&self.path);
    }

    fn is_other(&self, what: String) -> Failure {
        Failure::bad_input(self.listed.path.clone(), format!("what arrived is not what the repository lists: {what}"))
            .remedy("It was removed; fetch it again, and from huggingface.co itself if a mirror sent it")
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::bad_input(path.display().to_string(), format!("it cannot be written: {error}"))
        .remedy("Check the free space and the rights of the folder")
}
