//! A shell in a folder of its own.

use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Command, Output},
};
use tempfile::TempDir;

pub struct Shell {
    pub folder: TempDir,
}

impl Shell {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(arguments).current_dir(self.folder.path()).env("ASSAY_DATA", self.path("data"));
        // No display is needed.
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Exit code and what was said on stderr.
    pub fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} should fail");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }
}

/// The measuring worker, once it has been at work for a moment; probes of the inventory come and go before it.
#[cfg(unix)]
pub fn wait_for_worker(parent: u32) -> u32 {
    use std::{
        thread::sleep,
        time::{Duration, Instant},
    };
    let began = Instant::now();
    let mut seen: Option<(u32, Instant)> = None;
    loop {
        assert!(began.elapsed() < Duration::from_secs(60), "no worker appeared");
        let listed = Command::new("ps").args(["-o", "pid=,ppid=,args=", "-A"]).output().unwrap();
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let worker = text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let (pid, ppid) = (words.next()?.parse::<u32>().ok()?, words.next()?.parse::<u32>().ok()?);
            (ppid == parent && words.last().is_some_and(|program| program.ends_with("/assay-worker"))).then_some(pid)
        });
        seen = match (worker, seen) {
            (Some(pid), Some((before, since))) if pid == before => Some((before, since)),
            (Some(pid), _) => Some((pid, Instant::now())),
            (None, _) => None,
        };
        if let Some((pid, since)) = seen
            && since.elapsed() > Duration::from_secs(4)
        {
            return pid;
        }
        sleep(Duration::from_millis(50));
    }
}
