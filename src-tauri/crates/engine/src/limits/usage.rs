//! Memory and processor time of a worker, seen from its parent.

use std::time::Instant;

/// A worker that is looked at again and again.
pub(crate) struct Usage {
    pid: u32,
    system: System,
    /// When it was last looked at, and its processor time then, in seconds.
    last: Option<(Instant, f64)>,
}

impl Usage {
    pub fn of(pid: u32) -> Self {
        Self { pid, system: System::new(), last: None }
    }

    /// Busy cores since the last look, and resident bytes; none once the process is gone.
    pub fn look(&mut self) -> (Option<f64>, Option<u64>) {
        let Some((cpu_secs, resident)) = self.system.look(self.pid) else { return (None, None) };
        let now = Instant::now();
        let cores = self.last.map(|(then, before)| (cpu_secs - before).max(0.0) / (now - then).as_secs_f64());
        // The kernel counts processor time in ticks of 10 ms: a longer stretch tells the share better.
        if self.last.is_none_or(|(then, _)| (now - then).as_millis() >= 200) {
            self.last = Some((now, cpu_secs));
        }
        (cores, Some(resident))
    }
}

#[cfg(target_os = "linux")]
struct System;

#[cfg(target_os = "linux")]
impl System {
    fn new() -> Self {
        Self
    }

    /// Processor seconds and resident bytes.
    fn look(&mut self, pid: u32) -> Option<(f64, u64)> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold spaces; what follows it is numbers. proc(5): utime and stime are the
        // 14th and 15th field, rss the 24th, the state being the 3rd.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |place: usize| fields.get(place - 3)?.parse::<u64>().ok();
        // SAFETY: asks the system for two constants.
        let (ticks, page) = unsafe { (libc::sysconf(libc::_SC_CLK_TCK), libc::sysconf(libc::_SC_PAGESIZE)) };
        Some(((number(14)? + number(15)?) as f64 / ticks as f64, number(24)? * u64::try_from(page).ok()?))
    }
}

#[cfg(not(target_os = "linux"))]
struct System(sysinfo::System);

#[cfg(not(target_os = "linux"))]
impl System {
    fn new() -> Self {
        Self(sysinfo::System::new())
    }

    fn look(&mut self, pid: u32) -> Option<(f64, u64)> {
        use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate};
        let pid = Pid::from_u32(pid);
        let wanted = ProcessRefreshKind::nothing().with_memory().with_cpu();
        self.0.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
        let process = self.0.process(pid)?;
        Some((process.accumulated_cpu_time() as f64 / 1000.0, process.memory()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_process_uses_a_core() {
        let mut usage = Usage::of(std::process::id());
        usage.look();
        let start = Instant::now();
        let mut x = 1u64;
        while start.elapsed().as_millis() < 300 {
            x = std::hint::black_box(x.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1);
        }
        let (cores, resident) = usage.look();
        assert!(cores.unwrap() > 0.3, "{cores:?}");
        assert!(resident.unwrap() > 100_000);
    }

    #[test]
    fn a_process_that_is_gone_has_no_usage() {
        assert_eq!(Usage::of(u32::MAX - 1).look(), (None, None));
    }
}
