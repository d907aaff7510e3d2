//! The processor: its name, cores, caches and instruction sets, read from the processor itself and the system.

#[cfg(any(test, all(target_os = "linux", not(target_arch = "x86_64"))))]
mod cpuinfo;
#[cfg(any(test, target_os = "macos"))]
mod sysctl;
#[cfg(any(test, target_os = "linux"))]
mod sysfs;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::sizes::binary_size;
use contract::Fact;

/// Everything optional is unknown where it is absent, never zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cpu {
    pub name: String,
    pub physical_cores: Option<u32>,
    pub logical_cores: Option<u32>,
    pub sockets: Option<u32>,
    pub caches: Vec<Cache>,
    pub max_mhz: Option<u32>,
    pub hypervisor: Option<String>,
    /// Instruction sets that the processor has and the system lets programs use, in the vendor's words.
    pub features: Vec<String>,
    /// Cores by kind where they differ: `4 performance, 6 efficiency`.
    pub core_kinds: Option<String>,
}

/// Caches of one level and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    pub level: u8,
    pub kind: CacheKind,
    /// Of one instance.
    pub bytes: u64,
    pub instances: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheKind {
    Data,
    Instruction,
    Unified,
}

impl Cpu {
    /// Bytes of the largest cache level, all instances together.
    pub fn last_level_cache_bytes(&self) -> Option<u64> {
        let data = self.caches.iter().filter(|cache| cache.kind != CacheKind::Instruction);
        data.max_by_key(|cache| cache.level).map(|cache| cache.bytes * u64::from(cache.instances))
    }

    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut add = |label: &str, value: Option<String>| facts.extend(value.map(|value| Fact::new(label, value)));
        add("Physical cores", self.physical_cores.map(|n| n.to_string()));
        add("Logical cores", self.logical_cores.map(|n| n.to_string()));
        add("Kinds of core", self.core_kinds.clone());
        add("Sockets", self.sockets.map(|n| n.to_string()));
        add("Highest frequency", self.max_mhz.map(|mhz| format!("{:.2} GHz", f64::from(mhz) / 1000.0)));
        for cache in &self.caches {
            add(&cache.label(), Some(cache.size()));
        }
        add("Runs inside", self.hypervisor.clone());
        facts
    }
}

impl Cache {
    fn label(&self) -> String {
        match self.kind {
            CacheKind::Data => format!("L{} data cache", self.level),
            CacheKind::Instruction => format!("L{} instruction cache", self.level),
            CacheKind::Unified => format!("L{} cache", self.level),
        }
    }

    fn size(&self) -> String {
        let each = binary_size(self.bytes);
        if self.instances > 1 { format!("{} × {each}", self.instances) } else { each }
    }
}

/// Reads the processor this program runs on.
pub fn read() -> Cpu {
    let mut cpu = system();
    #[cfg(target_arch = "x86_64")]
    x86::complete(&mut cpu);
    #[cfg(all(target_arch = "aarch64", windows))]
    {
        cpu.features = windows_arm_features();
    }
    let known = sysinfo::System::new_with_specifics(
        sysinfo::RefreshKind::nothing().with_cpu(sysinfo::CpuRefreshKind::nothing().with_frequency()),
    );
    if cpu.name.is_empty() {
        cpu.name = known.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default();
    }
    if cpu.name.is_empty() {
        cpu.name = format!("unnamed {} processor", std::env::consts::ARCH);
    }
    cpu.logical_cores = cpu.logical_cores.or_else(|| u32::try_from(known.cpus().len()).ok().filter(|n| *n > 0));
    let physical = || sysinfo::System::physical_core_count().and_then(|n| u32::try_from(n).ok());
    cpu.physical_cores = cpu.physical_cores.or_else(physical);
    cpu
}

#[cfg(target_os = "linux")]
fn system() -> Cpu {
    let cpu = sysfs::read(std::path::Path::new("/sys/devices/system/cpu"));
    #[cfg(not(target_arch = "x86_64"))]
    let cpu = cpuinfo::complete(cpu, &std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default());
    cpu
}

#[cfg(target_os = "macos")]
fn system() -> Cpu {
    let listing = super::command::output("/usr/sbin/sysctl", &["machdep.cpu", "hw"], super::command::QUICK);
    sysctl::read(&listing.unwrap_or_default())
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn system() -> Cpu {
    Cpu::default()
}

#[cfg(all(target_arch = "aarch64", windows))]
fn windows_arm_features() -> Vec<String> {
    use std::arch::is_aarch64_feature_detected as has;
    let sets = [("neon", has!("neon")), ("dotprod", has!("dotprod")), ("fp16", has!("fp16")), ("i8mm", has!("i8mm"))];
    sets.into_iter().filter(|(_, present)| *present).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_processor_with_cores() {
        let cpu = read();
        assert!(!cpu.name.is_empty());
        let (physical, logical) = (cpu.physical_cores.unwrap(), cpu.logical_cores.unwrap());
        assert!(physical >= 1 && physical <= logical, "{physical} physical, {logical} logical");
    }

    #[test]
    fn the_last_level_counts_every_instance_and_no_instruction_cache() {
        let cache = |level, kind, bytes, instances| Cache { level, kind, bytes, instances };
        let caches = vec![
            cache(1, CacheKind::Data, 32 << 10, 8),
            cache(2, CacheKind::Unified, 1 << 20, 8),
            cache(3, CacheKind::Unified, 16 << 20, 2),
            cache(3, CacheKind::Instruction, 1 << 30, 1),
        ];
        assert_eq!(Cpu { caches, ..Cpu::default() }.last_level_cache_bytes(), Some(32 << 20));
    }
}
