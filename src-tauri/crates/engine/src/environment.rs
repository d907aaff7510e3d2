//! The circumstances of a measurement: what could explain that the same setting takes another time tomorrow.

#[cfg(target_os = "macos")]
use crate::inventory::command;
use crate::inventory::{cpu, host};
use contract::Environment;
use std::sync::OnceLock;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// What was found at the moment of the call. The processor and the system itself are read once.
pub fn environment() -> Environment {
    let fixed = fixed();
    Environment {
        available_memory_bytes: available_memory_bytes(),
        governor: governor(),
        frequency_mhz: frequency_mhz(),
        load: load(),
        power: power(),
        ..fixed.clone()
    }
}

fn fixed() -> &'static Environment {
    static FIXED: OnceLock<Environment> = OnceLock::new();
    FIXED.get_or_init(|| {
        let (cpu, host) = (cpu::read(), host::read());
        Environment {
            machine: host.id,
            os: host.os,
            cpu: cpu.name,
            cpu_features: cpu.features,
            logical_cores: cpu.logical_cores.unwrap_or(1),
            memory_bytes: host.memory_bytes.min(host.memory_limit_bytes.unwrap_or(u64::MAX)),
            assay_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Environment::default()
        }
    })
}

/// Memory this program may use at most: what is installed, or a container's limit where that is less.
pub fn installed_memory_bytes() -> u64 {
    fixed().memory_bytes
}

/// Memory that can be had without pushing anything else out, within a container's limit.
pub fn available_memory_bytes() -> u64 {
    let memory = MemoryRefreshKind::nothing().with_ram();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(memory));
    let in_container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(in_container)
}

fn frequency_mhz() -> Option<f64> {
    let cpu = CpuRefreshKind::nothing().with_frequency();
    let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(cpu));
    system.cpus().iter().map(|cpu| cpu.frequency() as f64).reduce(f64::max).filter(|mhz| *mhz > 0.0)
}

/// Windows has no load average; sysinfo would answer zeros.
fn load() -> Option<f64> {
    (!cfg!(windows)).then(|| System::load_average().one)
}

#[cfg(target_os = "linux")]
fn governor() -> Option<String> {
    word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor".as_ref())
}

#[cfg(not(target_os = "linux"))]
fn governor() -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
fn power() -> Option<String> {
    power_of("/sys/class/power_supply".as_ref())
}

/// `battery` while one is discharging, `mains` where a supply is connected, none where the system lists neither.
#[cfg(target_os = "linux")]
fn power_of(supplies: &std::path::Path) -> Option<String> {
    let supplies: Vec<_> = std::fs::read_dir(supplies).ok()?.flatten().map(|entry| entry.path()).collect();
    let any = |file: &str, value: &str| supplies.iter().any(|s| word(&s.join(file)).as_deref() == Some(value));
    match () {
        () if any("status", "Discharging") => Some("battery".to_owned()),
        () if any("online", "1") || any("status", "Charging") || any("status", "Full") => Some("mains".to_owned()),
        () => None,
    }
}

#[cfg(target_os = "linux")]
fn word(file: &std::path::Path) -> Option<String> {
    std::fs::read_to_string(file).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(target_os = "macos")]
fn power() -> Option<String> {
    let told = command::output("/usr/bin/pmset", &["-g", "batt"], command::QUICK)?;
    match () {
        () if told.contains("'AC Power'") => Some("mains".to_owned()),
        () if told.contains("'Battery Power'") => Some("battery".to_owned()),
        () => None,
    }
}

#[cfg(windows)]
fn power() -> Option<String> {
    use windows_sys::Win32::System::Power::{GetSystemPowerStatus, SYSTEM_POWER_STATUS};
    let mut status = SYSTEM_POWER_STATUS::default();
    // SAFETY: the system fills the structure, which is plain numbers.
    let filled = unsafe { GetSystemPowerStatus(&mut status) } != 0;
    match status.ACLineStatus {
        0 if filled => Some("battery".to_owned()),
        1 if filled => Some("mains".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_computer_is_described() {
        let environment = environment();
        assert!(!environment.cpu.is_empty() && !environment.os.is_empty());
        assert!(environment.logical_cores >= 1);
        assert!(environment.available_memory_bytes > 0);
        assert!(environment.available_memory_bytes <= environment.memory_bytes);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_discharging_battery_is_told_before_a_plugged_supply() {
        let folder = tempfile::tempdir().unwrap();
        let supply = |name: &str, file: &str, value: &str| {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join(file), value).unwrap();
        };
        assert_eq!(power_of(folder.path()), None);
        supply("AC", "online", "1\n");
        assert_eq!(power_of(folder.path()).as_deref(), Some("mains"));
        supply("BAT0", "status", "Discharging\n");
        assert_eq!(power_of(folder.path()).as_deref(), Some("battery"));
    }
}
