//! What else runs on the machine: a ceiling measured beside other work comes out too low, and must say so.

use sysinfo::{MINIMUM_CPU_UPDATE_INTERVAL, System};

/// Below this, what others take lies within the gates' margin.
const NOTABLE: f32 = 0.1;

/// Share of all cores that other programs keep busy, where it is notable. Looks for a moment before anything is measured.
pub fn busy_share() -> Option<f32> {
    let mut system = System::new();
    system.refresh_cpu_usage();
    std::thread::sleep(MINIMUM_CPU_UPDATE_INTERVAL);
    system.refresh_cpu_usage();
    Some(system.global_cpu_usage() / 100.0).filter(|share| *share >= NOTABLE)
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
        let cores = thread::available_parallelism().unwrap().get();
        let share = thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let share = busy_share();
            stop.store(true, Ordering::Relaxed);
            share
        });
        assert!(share.is_some_and(|share| share > 0.5), "{share:?}");
    }

    #[test]
    fn the_share_is_told_in_percent() {
        assert_eq!(words(0.8), "other programs kept 80 % of the processor busy");
    }
}
