//! How a process ended, in words.

use std::process::ExitStatus;

/// The exit code of a Rust program that panicked.
const PANIC: i32 = 101;

/// Completes "the worker …".
pub(super) fn in_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return format!("died of {}", signal_name(signal));
        }
    }
    match status.code() {
        Some(PANIC) => "gave up after an internal error (a panic)".to_owned(),
        Some(code) => windows_fault(code).map_or_else(
            || format!("ended by itself with code {code} before it had answered"),
            |fault| format!("died of {fault} (code {:#010X})", code as u32),
        ),
        None => "ended in a way the system does not tell".to_owned(),
    }
}

/// The same of a process that closed its pipe; none where it has not ended since.
pub(super) fn of_closed(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "closed its pipe and hung".to_owned(), in_words)
}

/// Whether the process was killed from outside, as the system does when memory runs out.
pub(super) fn was_killed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        status.signal() == Some(libc::SIGKILL)
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        false
    }
}

/// Whether a library's words say that memory ran out: those of Rust, C++, ONNX Runtime, the system and GPU drivers.
pub(super) fn tells_of_memory(words: &str) -> bool {
    const SIGNS: [&str; 6] = [
        "memory allocation of",
        "bad_alloc",
        "bad allocation",
        "failed to allocate memory",
        "cannot allocate memory",
        "out of memory",
    ];
    let words = words.to_lowercase();
    SIGNS.iter().any(|sign| words.contains(sign))
}

#[cfg(unix)]
fn signal_name(signal: i32) -> String {
    let (name, meaning) = match signal {
        libc::SIGSEGV => ("SIGSEGV", "it used memory that is not its own"),
        libc::SIGABRT => ("SIGABRT", "it gave up after an internal error"),
        libc::SIGBUS => ("SIGBUS", "it used memory that could not be read, as of a file that was cut short"),
        libc::SIGILL => ("SIGILL", "it used an instruction this processor does not have"),
        libc::SIGFPE => ("SIGFPE", "it divided by zero"),
        libc::SIGTRAP => ("SIGTRAP", "it stopped itself"),
        libc::SIGSYS => ("SIGSYS", "it asked the system for something it may not have"),
        libc::SIGKILL => ("SIGKILL", "it was killed from outside"),
        libc::SIGTERM => ("SIGTERM", "it was asked to end from outside"),
        libc::SIGINT => ("SIGINT", "it was interrupted from outside"),
        libc::SIGXCPU => ("SIGXCPU", "it used up its processor time"),
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal} ({name}: {meaning})")
}

/// The exception behind a Windows exit code.
fn windows_fault(code: i32) -> Option<&'static str> {
    Some(match code as u32 {
        0xC000_0005 => "an access violation: it used memory that is not its own",
        0xC000_001D => "an illegal instruction: this processor does not have it",
        0xC000_0017 => "a lack of memory",
        0xC000_0094 => "a division by zero",
        0xC000_00FD => "a stack overflow",
        0xC000_0135 => "a missing library",
        0xC000_0139 => "a library of another version than it needs",
        0xC000_0374 => "a damaged heap",
        0xC000_0409 => "an internal error that made it give up",
        0x8000_0003 => "a breakpoint: it stopped itself",
        _ => return None,
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_signal_is_named_and_explained() {
        let words = in_words(ExitStatus::from_raw(libc::SIGSEGV));
        assert_eq!(words, "died of signal 11 (SIGSEGV: it used memory that is not its own)");
        assert!(was_killed(ExitStatus::from_raw(libc::SIGKILL)));
    }

    #[test]
    fn an_exit_code_is_told() {
        assert_eq!(in_words(ExitStatus::from_raw(3 << 8)), "ended by itself with code 3 before it had answered");
    }

    #[test]
    fn a_windows_exception_is_put_into_words() {
        assert_eq!(windows_fault(0xC000_00FDu32 as i32), Some("a stack overflow"));
    }
}
