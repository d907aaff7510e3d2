//! The computer as a whole: its name, system, memory, and an identity that does not tell its name.

#[cfg(windows)]
use super::command;
use contract::MachineId;
use sha2::{Digest, Sha256};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

pub struct Host {
    pub id: MachineId,
    pub name: String,
    pub os: String,
    pub memory_bytes: u64,
    /// What this program may use where that is less: a container's limit.
    pub memory_limit_bytes: Option<u64>,
    /// Cores this program may run on where that is fewer than the machine has.
    pub usable_cores: Option<u32>,
}

impl Host {
    /// Memory this program may use at most.
    pub fn usable_memory_bytes(&self) -> u64 {
        self.memory_limit_bytes.unwrap_or(u64::MAX).min(self.memory_bytes)
    }
}

pub fn read() -> Host {
    let memory = MemoryRefreshKind::nothing().with_ram();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(memory));
    let name = System::host_name().unwrap_or_else(|| "this computer".to_owned());
    let memory_bytes = system.total_memory();
    let limit = system.cgroup_limits().map(|limits| limits.total_memory).filter(|limit| *limit < memory_bytes);
    Host {
        id: machine_id(&system_identity().unwrap_or_else(|| name.clone())),
        os: operating_system(),
        name,
        memory_bytes,
        memory_limit_bytes: limit,
        usable_cores: std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()),
    }
}

fn operating_system() -> String {
    let name = System::long_os_version().or_else(System::name).unwrap_or_else(|| std::env::consts::OS.to_owned());
    match System::kernel_version() {
        Some(kernel) if cfg!(target_os = "linux") => format!("{name}, kernel {kernel}, {}", std::env::consts::ARCH),
        _ => format!("{name}, {}", std::env::consts::ARCH),
    }
}

/// One-way: the identity cannot be read back from what is exported.
fn machine_id(identity: &str) -> MachineId {
    let hash = Sha256::digest(format!("assay machine {}", identity.trim()));
    MachineId(hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// What the system calls itself; it stays the same when the computer is renamed.
#[cfg(target_os = "linux")]
fn system_identity() -> Option<String> {
    let files = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).find(|text| !text.trim().is_empty())
}

#[cfg(target_os = "macos")]
fn system_identity() -> Option<String> {
    let (mut id, longest) = ([0u8; 16], libc::timespec { tv_sec: 1, tv_nsec: 0 });
    // SAFETY: the system fills the 16 bytes, and only reads how long it may wait.
    let known = unsafe { libc::gethostuuid(id.as_mut_ptr(), &raw const longest) } == 0;
    known.then(|| id.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(windows)]
fn system_identity() -> Option<String> {
    let key = "HKLM\\SOFTWARE\\Microsoft\\Cryptography";
    let listing = command::output("reg", &["query", key, "/v", "MachineGuid"], command::QUICK)?;
    listing.split_whitespace().last().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_stable_and_does_not_tell_its_source() {
        let id = machine_id("3d1219c7c4c5404aaa1f6d2a48adfda4\n");
        assert_eq!(id, machine_id("3d1219c7c4c5404aaa1f6d2a48adfda4"));
        assert_ne!(id, machine_id("another"));
        assert_eq!(id.0.len(), 32);
        assert!(!id.0.contains("3d1219"));
    }

    #[test]
    fn this_computer_has_memory_and_a_system() {
        let host = read();
        assert!(host.memory_bytes > 64 << 20);
        assert!(!host.os.is_empty() && !host.name.is_empty());
    }
}
