//! Memory of the calling process, and the kernel's own cap on it.

#[cfg(target_os = "linux")]
mod here {
    use std::{fs, io};

    /// Caps private writable memory.
    ///
    /// `RLIMIT_AS` would also count address space that GPU drivers only reserve, tens of gigabytes of it. `RLIMIT_DATA`
    /// counts what may be written, touched or not, such as thread stacks; hence the slack. The parent watches what is
    /// really resident; this catches a single allocation that outruns it.
    pub fn cap(memory_bytes: u64) -> io::Result<()> {
        let data = memory_bytes.saturating_add(memory_bytes / 4).saturating_add(1 << 30);
        let limit = libc::rlimit { rlim_cur: data, rlim_max: data };
        // SAFETY: takes plain numbers and only bounds the calling process.
        match unsafe { libc::setrlimit(libc::RLIMIT_DATA, &limit) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// How often the kernel has killed for lack of memory since it started.
    pub fn kernel_kills() -> Option<u64> {
        let counters = fs::read_to_string("/proc/vmstat").ok()?;
        counters.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
    }

    pub fn resident_bytes() -> Option<u64> {
        field("/proc/self/status", "VmRSS:")
    }

    /// The highest resident memory since the start or the last reset.
    pub fn peak_bytes() -> Option<u64> {
        field("/proc/self/status", "VmHWM:")
    }

    pub fn reset_peak() {
        // A kernel that refuses leaves the peak since the start, which is no lower than the true one.
        let _ = fs::write("/proc/self/clear_refs", "5");
    }

    fn field(file: &str, name: &str) -> Option<u64> {
        let status = fs::read_to_string(file).ok()?;
        let kib: u64 =
            status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix("kB")?.trim().parse().ok())?;
        Some(kib * 1024)
    }
}

#[cfg(not(target_os = "linux"))]
mod here {
    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

    /// The parent watches what is resident and ends a worker that uses more; nothing tells it why a process was killed.
    pub fn kernel_kills() -> Option<u64> {
        None
    }

    pub fn resident_bytes() -> Option<u64> {
        let pid = Pid::from_u32(std::process::id());
        let mut system = System::new();
        let memory = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, memory);
        Some(system.process(pid)?.memory())
    }

    /// Bytes on macOS, where the manual of getrusage says so.
    #[cfg(target_os = "macos")]
    pub fn peak_bytes() -> Option<u64> {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the system fills the structure, which is plain numbers.
        let usage =
            unsafe { (libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) == 0).then(|| usage.assume_init()) };
        u64::try_from(usage?.ru_maxrss).ok()
    }

    #[cfg(windows)]
    pub fn peak_bytes() -> Option<u64> {
        use windows_sys::Win32::System::{
            ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS},
            Threading::GetCurrentProcess,
        };
        let mut counters = PROCESS_MEMORY_COUNTERS::default();
        let size = size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
        // SAFETY: the system fills the structure, whose size it is told.
        let filled = unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &mut counters, size) };
        (filled != 0).then_some(counters.PeakWorkingSetSize as u64)
    }

    /// These systems keep the peak since the start only.
    pub fn reset_peak() {}
}

pub(crate) use here::*;

#[cfg(test)]
mod tests {
    #[test]
    fn the_peak_is_never_below_what_is_resident() {
        let resident = super::resident_bytes().unwrap();
        assert!(resident > 100_000);
        assert!(super::peak_bytes().unwrap() >= resident / 2);
    }
}
