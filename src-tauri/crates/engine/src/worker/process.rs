//! A worker process as its parent holds it: started in a group of its own, watched, ended as a whole.

use super::order::LONGEST_MESSAGE;
use crate::{Program, limits, without_console};
use serde::Serialize;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How often time and memory are looked at while a worker is at work, and with them what a person wishes.
pub(super) const PULSE: Duration = Duration::from_millis(50);
/// For the system to tell how a process ended that has closed its pipe.
pub(super) const LONGEST_END: Duration = Duration::from_secs(2);

/// Ends the whole process group when dropped.
pub(super) struct Process {
    child: Child,
    status: Option<ExitStatus>,
    fence: limits::Fence,
}

impl Process {
    pub fn start(program: &Program, memory_bytes: u64) -> io::Result<Self> {
        let mut command = Command::new(&program.path);
        // A backtrace would push the sentence that says what went wrong out of the last lines.
        command.args(&program.args).env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            command.process_group(0);
        }
        without_console(&mut command);
        let child = command.spawn()?;
        let fence = limits::Fence::around(&child, memory_bytes);
        Ok(Self { child, status: None, fence })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn pipes(&mut self) -> (ChildStdin, ChildStdout, ChildStderr) {
        let taken = "each pipe was asked for at the start and is taken once";
        let child = &mut self.child;
        (child.stdin.take().expect(taken), child.stdout.take().expect(taken), child.stderr.take().expect(taken))
    }

    /// How it ended, if it has. What it started ends with it.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() && self.fence.has_ended(&self.child) {
            self.fence.kill(&mut self.child);
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// Waits for it to end by itself.
    pub fn wait(&mut self, longest: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + longest;
        while self.ended().is_none() && Instant::now() < end {
            thread::sleep(Duration::from_millis(2));
        }
        self.status
    }

    /// Kills the worker and whatever it started, and waits for it for up to half a second.
    pub fn end(&mut self) {
        if self.status.is_none() {
            self.fence.kill(&mut self.child);
            self.wait(Duration::from_millis(500));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says one line to a worker. One that is gone does not hear it: how it ended tells more than the broken pipe does.
pub(super) fn write_message(stdin: &mut ChildStdin, message: &impl Serialize) -> serde_json::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let _ = stdin.write_all(&line).and_then(|()| stdin.flush());
    Ok(())
}

/// Gives each line that a worker writes to `take`, until its pipe ends, a line is too long or `take` has had enough.
pub(super) fn read_messages(stdout: ChildStdout, mut take: impl FnMut(&[u8]) -> bool) {
    let mut stdout = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        match stdout.by_ref().take(LONGEST_MESSAGE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line.last() != Some(&b'\n') || !take(&line) => return,
            Ok(_) => {}
        }
    }
}
