//! A screen without a monitor, whose pixels can be read: Xvfb.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::error::StepError;

const WIDTH: usize = 1400;
const HEIGHT: usize = 900;

pub struct Display {
    server: Child,
    folder: PathBuf,
    pub name: String,
}

impl Display {
    /// Starts Xvfb on a free display, with its picture in a file below `folder`.
    pub fn start(folder: PathBuf) -> Result<Self, StepError> {
        fs::create_dir_all(&folder).map_err(StepError::file("create the folder", &folder))?;
        let not_started = |source| StepError::NotInstalled {
            program: "Xvfb".to_owned(),
            remedy: "It comes with the system packages of `cargo xtask setup`, on Linux only.".to_owned(),
            source,
        };
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &format!("{WIDTH}x{HEIGHT}x24"), "-nolisten", "tcp", "-fbdir"])
            .arg(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(not_started)?;
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("stdout is piped")).read_line(&mut number).map_err(not_started)?;
        Ok(Self { server, folder, name: format!(":{}", number.trim()) })
    }

    /// The pixels as they are now, four bytes each, row by row.
    pub fn pixels(&self) -> Result<Vec<u8>, StepError> {
        let file = self.folder.join("Xvfb_screen0");
        let bytes = fs::read(&file).map_err(StepError::file("read the screen", file))?;
        // Header and colour map of the dump come first, the pixels last.
        let start = bytes.len().saturating_sub(WIDTH * HEIGHT * 4);
        Ok(bytes[start..].to_vec())
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The share of pixels that two pictures have in common, 0 to 1.
pub fn likeness(a: &[u8], b: &[u8]) -> f64 {
    let pairs = a.chunks_exact(4).zip(b.chunks_exact(4));
    let same = pairs.filter(|(a, b)| a == b).count();
    same as f64 / (a.len() / 4).max(1) as f64
}
