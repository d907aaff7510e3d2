//! What else runs on the machine: a ceiling measured beside other work comes out too low, and must say so.

use sysinfo::{Cpu, MINIMUM_CPU_UPDATE_INTERVAL, System};

/// Below this, what others take lies within the gates' margin.
const NOTABLE: f32 = 0.1;

/// Share of the cores this program may run on that other programs keep busy, where it is notable. Looks for a moment
/// before anything is measured.
pub fn busy_share() -> Option<f32> {
    mean_share(&busy_percents())
}

fn mean_share(percents: &[f32]) -> Option<f32> {
    let share = percents.iter().sum::<f32>() / percents.len() as f32 / 100.0;
    Some(share).filter(|share| *share >= NOTABLE)
}

/// Of each core this program may run on.
fn busy_percents() -> Vec<f32> {
    let mut system = System::new();
    system.refresh_cpu_usage();
    std::thread::sleep(MINIMUM_CPU_UPDATE_INTERVAL);
    system.refresh_cpu_usage();
    let is_usable = usable_cores();
    let usable: Vec<f32> = system.cpus().iter().filter(|cpu| is_usable(cpu.name())).map(Cpu::cpu_usage).collect();
    // A container may number its cores otherwise than the system does.
    if usable.is_empty() { system.cpus().iter().map(Cpu::cpu_usage).collect() } else { usable }
}

/// Whether a core of this name, such as `cpu3`, is one of those that the calling thread may run on.
#[cfg(target_os = "linux")]
fn usable_cores() -> impl Fn(&str) -> bool {
    // SAFETY: the set is plain numbers, and the system fills it up to the size it is told.
    let known = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        (libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) == 0).then_some(set)
    };
    move |name| {
        let number = name.strip_prefix("cpu").and_then(|number| number.parse::<usize>().ok());
        match (known, number) {
            // SAFETY: reads one bit, which lies within the set.
            (Some(set), Some(number @ 0..1024)) => unsafe { libc::CPU_ISSET(number, &set) },
            _ => true,
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn usable_cores() -> impl Fn(&str) -> bool {
    |_| true
}

/// `other programs kept 80 % of the processor busy`
pub fn words(share: f32) -> String {
    format!("other programs kept {:.0} % of the processor busy", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    #[test]
    fn a_busy_machine_is_noticed() {
        let stop = AtomicBool::new(false);
        // Under a quota these are fewer than are looked at.
        let cores = thread::available_parallelism().unwrap().get();
        let percents = thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let percents = busy_percents();
            stop.store(true, Ordering::Relaxed);
            percents
        });
        let busy_cores = percents.iter().sum::<f32>() / 100.0;
        assert!(busy_cores > cores as f32 / 4.0, "{percents:?}");
        assert_eq!((mean_share(&[100.0, 40.0, 10.0]), mean_share(&[9.0, 1.0])), (Some(0.5), None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_the_cores_this_program_may_run_on_are_looked_at() {
        let is_usable = usable_cores();
        let core = (0..1024).find(|number| is_usable(&format!("cpu{number}"))).unwrap();
        // Only this thread is bound to the core.
        let percents = thread::spawn(move || {
            // SAFETY: the set is plain numbers, of which one bit within it is set.
            unsafe {
                let mut set: libc::cpu_set_t = std::mem::zeroed();
                libc::CPU_SET(core, &mut set);
                assert_eq!(libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set), 0);
            }
            busy_percents()
        });
        assert_eq!(percents.join().unwrap().len(), 1);
    }

    #[test]
    fn the_share_is_told_in_percent() {
        assert_eq!(words(0.8), "other programs kept 80 % of the processor busy");
    }
}
