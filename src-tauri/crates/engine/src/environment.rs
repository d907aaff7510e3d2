//! The circumstances of a measurement: what could explain that the same setting takes another time tomorrow.

#[cfg(target_os = "macos")]
use crate::inventory::command;
use crate::inventory::{cpu, host};
use contract::Environment;
use std::sync::OnceLock;
use sysinfo::{CGroupLimits, CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

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
        let memory_bytes = host.usable_memory_bytes();
        Environment {
            machine: host.id,
            os: host.os,
            cpu: cpu.name,
            cpu_features: cpu.features,
            logical_cores: cpu.logical_cores.unwrap_or(1),
            memory_bytes,
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
    let in_container = system.cgroup_limits().map(|limits| free_in_container(&limits, &memory_account()));
    system.available_memory().min(in_container.unwrap_or(u64::MAX))
}

/// What a container's programs do not hold themselves: the files that the system keeps in memory for them make room, but
/// not those of a tmpfs, which lie nowhere else.
fn free_in_container(limits: &CGroupLimits, account: &str) -> u64 {
    let bytes = |name: &str| account.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    // The first version of control groups counts its groups within it in another line.
    let in_tmpfs = bytes("total_shmem ").or_else(|| bytes("shmem ")).unwrap_or(0);
    limits.total_memory.saturating_sub(limits.rss).saturating_sub(in_tmpfs)
}

/// What the memory of a container holds, in either version of control groups; empty outside of one.
fn memory_account() -> String {
    let files = ["/sys/fs/cgroup/memory.stat", "/sys/fs/cgroup/memory/memory.stat"];
    files.iter().find_map(|file| std::fs::read_to_string(file).ok()).unwrap_or_default()
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
    let is = |supply: &std::path::Path, file: &str, value: &str| word(&supply.join(file)).as_deref() == Some(value);
    let supplies = std::fs::read_dir(supplies).ok()?.flatten().map(|entry| entry.path());
    // The battery of a mouse or a headset says nothing of the computer.
    let supplies: Vec<_> = supplies.filter(|supply| !is(supply, "scope", "Device")).collect();
    let any = |file: &str, value: &str| supplies.iter().any(|supply| is(supply, file, value));
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

    #[test]
    fn files_that_were_read_leave_their_memory_to_others_and_those_of_a_tmpfs_do_not() {
        const GIB: u64 = 1 << 30;
        // Programs hold two of the eight GiB that may be used, and five are copies of files.
        let limits = CGroupLimits { total_memory: 8 * GIB, free_memory: GIB, free_swap: 0, rss: 2 * GIB };
        assert_eq!(free_in_container(&limits, ""), 6 * GIB);
        let account = |name: &str| format!("anon {}\nfile {}\n{name} {GIB}\nshmem_thp 0\n", 2 * GIB, 5 * GIB);
        assert_eq!(free_in_container(&limits, &account("shmem")), 5 * GIB);
        assert_eq!(free_in_container(&limits, &account("shmem 0\ntotal_shmem")), 5 * GIB);
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
        supply("mouse", "status", "Discharging\n");
        supply("mouse", "scope", "Device\n");
        assert_eq!(power_of(folder.path()), None);
        supply("AC", "online", "1\n");
        assert_eq!(power_of(folder.path()).as_deref(), Some("mains"));
        supply("BAT0", "status", "Discharging\n");
        assert_eq!(power_of(folder.path()).as_deref(), Some("battery"));
    }
}
