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
        let pids: Vec<Pid> = members(pid).into_iter().map(Pid::from_u32).collect();
        let wanted = ProcessRefreshKind::nothing().with_memory().with_cpu();
        self.0.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, wanted);
        self.0.process(Pid::from_u32(pid))?;
        let each = pids.iter().filter_map(|pid| self.0.process(*pid));
        Some(each.fold((0.0, 0), |(secs, bytes), one| {
            (secs + one.accumulated_cpu_time() as f64 / 1000.0, bytes + one.memory())
        }))
    }
}

#[cfg(windows)]
fn members(worker: u32) -> Vec<u32> {
    vec![worker]
}

/// The worker and what it started, which nothing else bounds there: it leads a group of its own.
#[cfg(target_os = "macos")]
fn members(worker: u32) -> Vec<u32> {
    let mut group = [0 as libc::pid_t; 256];
    // SAFETY: the system fills no more bytes than it is told of, and answers with the count of ids.
    let count = unsafe {
        libc::proc_listpgrppids(worker as libc::pid_t, group.as_mut_ptr().cast(), size_of_val(&group) as libc::c_int)
    };
    let others = group.iter().take(usize::try_from(count).unwrap_or(0)).map(|id| *id as u32);
    [worker].into_iter().chain(others.filter(|id| *id != worker && *id != 0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Held against the system's finer count of processor time, whatever share of a core the machine grants.
    #[cfg(unix)]
    #[test]
    fn the_share_of_a_core_is_what_the_process_got() {
        let cpu_secs = || {
            let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: the system fills the structure, which is plain numbers.
            assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) }, 0);
            time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
        };
        let mut usage = Usage::of(std::process::id());
        let (start, before) = (Instant::now(), cpu_secs());
        usage.look();
        let mut x = 1u64;
        while cpu_secs() - before < 0.5 {
            x = std::hint::black_box(x.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1));
        }
        let (cores, resident) = usage.look();
        let got = (cpu_secs() - before) / start.elapsed().as_secs_f64();
        let cores = cores.unwrap();
        // The kernel's ticks of 10 ms round user and system time, at both looks.
        assert!((cores / got - 1.0).abs() < 0.12, "{cores} cores, the process got {got}");
        assert!(resident.unwrap() > 100_000);
    }

    #[test]
    fn a_process_that_is_gone_has_no_usage() {
        assert_eq!(Usage::of(u32::MAX - 1).look(), (None, None));
    }
}
