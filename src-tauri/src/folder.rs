//! Showing a folder in the system's file manager.

use contract::Failure;
use std::{
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// The program of each system that knows which file manager a person has.
const OPENER: &str = if cfg!(windows) {
    "explorer"
} else if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

/// # Errors
/// Where there is no file manager, or it says at once that it cannot show the folder.
pub fn show(folder: &Path) -> Result<(), Failure> {
    show_with(OPENER, folder)
}

fn show_with(opener: &str, folder: &Path) -> Result<(), Failure> {
    /// Some openers stay as long as the file manager does.
    const PATIENCE: Duration = Duration::from_secs(2);
    let failed = |reason: String| Failure::Missing {
        what: "A file manager".into(),
        reason,
        remedy: format!("Open {} yourself", folder.display()),
    };
    let mut command = Command::new(opener);
    command.arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // An AppImage sets it for Assay's own libraries, which are not the file manager's.
    command.env_remove("LD_LIBRARY_PATH");
    let mut child = command.spawn().map_err(|e| failed(format!("{opener} could not be started: {e}")))?;
    let (sender, ended) = mpsc::channel();
    // Nobody listens any more where the file manager is open.
    thread::spawn(move || drop(sender.send(child.wait())));
    match ended.recv_timeout(PATIENCE) {
        // Windows' Explorer ends with 1 where all went well.
        Ok(Ok(status)) if !status.success() && !cfg!(windows) => Err(failed(format!("{opener} ended with {status}"))),
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn where_no_file_manager_shows_a_folder_its_path_is_told() {
        let folder = Path::new("/data/libraries");
        assert_eq!(show_with("true", folder), Ok(()));
        for opener in ["false", "/nowhere/xdg-open"] {
            let failure = show_with(opener, folder).unwrap_err().to_string();
            assert!(failure.contains(opener) && failure.ends_with("Open /data/libraries yourself"), "{failure}");
        }
    }
}
