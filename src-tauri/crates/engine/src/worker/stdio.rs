//! The worker's pipes: events go out on a descriptor of their own, because libraries print to standard output.

use super::order::Event;
use std::{
    fs::File,
    io::{self, Write},
};

/// Where a worker's events go.
pub struct Out {
    pipe: File,
}

impl Out {
    /// Takes standard output for the events and points what else is printed there to standard error.
    ///
    /// # Errors
    /// Where the system gives no further descriptor.
    pub fn take() -> io::Result<Self> {
        Ok(Self { pipe: take_stdout()? })
    }

    /// A parent that is gone cannot be told anything: the worker then ends with it, so errors are not passed on.
    pub fn send(&mut self, event: &Event) {
        let mut line = serde_json::to_vec(event).expect("events have string keys only");
        line.push(b'\n');
        if self.pipe.write_all(&line).is_err() {
            end_at_once(1);
        }
    }
}

/// What the parent says.
#[cfg(unix)]
pub fn take_stdin() -> io::Result<io::Stdin> {
    Ok(io::stdin())
}

/// What the parent says, in place of standard input, which is empty from then on.
///
/// A library that brings a C runtime of its own looks at standard input while it is loaded, and would wait there for the
/// read that waits for the parent.
#[cfg(windows)]
pub fn take_stdin() -> io::Result<File> {
    use std::os::windows::io::{AsHandle, IntoRawHandle};
    use windows_sys::Win32::System::Console::{STD_INPUT_HANDLE, SetStdHandle};
    let pipe = File::from(io::stdin().as_handle().try_clone_to_owned()?);
    let empty = File::open("NUL")?.into_raw_handle();
    // SAFETY: the handle is open, and nothing else closes it.
    if unsafe { SetStdHandle(STD_INPUT_HANDLE, empty) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(pipe)
}

/// Ends the process without the libraries' own clean-up, which may hang or crash.
pub fn end_at_once(code: i32) -> ! {
    // SAFETY: `_exit` ends the process and touches none of its memory.
    unsafe { libc::_exit(code) }
}

#[cfg(unix)]
fn take_stdout() -> io::Result<File> {
    use std::os::fd::FromRawFd;
    // SAFETY: the descriptors 1 and 2 are open in a process that was started with pipes; the duplicate is owned by the
    // file alone, and closes when another program is executed.
    unsafe {
        let pipe = libc::fcntl(1, libc::F_DUPFD_CLOEXEC, 3);
        if pipe < 0 || libc::dup2(2, 1) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(pipe))
    }
}

#[cfg(windows)]
fn take_stdout() -> io::Result<File> {
    use std::os::windows::io::{AsHandle, FromRawHandle};
    // SAFETY: the C runtime's descriptors 1 and 2 are open in a process that was started with pipes. The handle behind
    // the duplicate stays the runtime's; what is owned here is a clone of it.
    unsafe {
        let pipe = libc::dup(1);
        if pipe < 0 || libc::dup2(2, 1) < 0 {
            return Err(io::Error::last_os_error());
        }
        let file = std::mem::ManuallyDrop::new(File::from_raw_handle(libc::get_osfhandle(pipe) as _));
        Ok(File::from(file.as_handle().try_clone_to_owned()?))
    }
}
