//! Asking a system tool with a time limit: what does not answer in time counts as not there.

use crate::without_console;
use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Time for a tool that only prints what it knows.
pub const QUICK: Duration = Duration::from_millis(2000);

/// What the tool printed, if it succeeded in time. No window is opened and nothing is written to the terminal.
pub fn output(tool: impl AsRef<Path>, args: &[&str], limit: Duration) -> Option<String> {
    let mut command = Command::new(tool.as_ref());
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    without_console(&mut command);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // A wrapper script's own children are ended with it.
        command.process_group(0);
    }
    let mut child = command.spawn().ok()?;
    let mut stdout = child.stdout.take()?;
    let (send, text) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        // A tool that prints without end is cut off rather than collected.
        if stdout.by_ref().take(1 << 20).read_to_end(&mut text).is_ok() {
            // Nobody listens any more where the time was up.
            let _ = send.send(String::from_utf8_lossy(&text).into_owned());
        }
    });
    let end = Instant::now() + limit;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => break None,
        }
    };
    let Some(status) = status else {
        stop(&mut child);
        return None;
    };
    // A child of the tool may hold its output open after it ended.
    let text = text.recv_timeout(end.saturating_duration_since(Instant::now()).max(Duration::from_millis(50))).ok()?;
    status.success().then_some(text)
}

fn stop(child: &mut std::process::Child) {
    #[cfg(target_os = "linux")]
    if let Ok(group) = i32::try_from(child.id()) {
        // SAFETY: the group was made for this child; a group that has ended gives an error, which changes nothing.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    // Ending a child that has just ended by itself fails harmlessly; waiting takes it off the process table.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_tool_prints_is_read() {
        assert_eq!(output("/bin/echo", &["132.0.1"], QUICK).as_deref(), Some("132.0.1\n"));
    }

    #[test]
    fn a_tool_that_fails_or_is_absent_says_nothing() {
        assert_eq!(output("/bin/sh", &["-c", "echo 5; exit 3"], QUICK), None);
        assert_eq!(output("/nowhere/tool", &[], QUICK), None);
    }

    #[test]
    fn a_tool_that_hangs_is_ended() {
        let start = Instant::now();
        assert_eq!(output("/bin/sh", &["-c", "sleep 30; echo late"], Duration::from_millis(100)), None);
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
