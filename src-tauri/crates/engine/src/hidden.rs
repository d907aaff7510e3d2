//! Programs that are started behind a window.

use std::process::Command;

/// Keeps Windows from opening a console for it; elsewhere a program has none of its own.
pub fn without_console(command: &mut Command) {
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    #[cfg(not(windows))]
    let _ = command;
}
