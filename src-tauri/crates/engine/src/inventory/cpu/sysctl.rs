//! macOS: the processor from `sysctl machdep.cpu hw`.

use super::{Cache, CacheKind, Cpu};
use std::collections::HashMap;

/// Instruction sets of Apple's cores, by their `hw.optional` names.
const SETS: [(&str, &str); 7] = [
    ("hw.optional.neon", "neon"),
    ("hw.optional.arm.FEAT_FP16", "fp16"),
    ("hw.optional.arm.FEAT_DotProd", "dotprod"),
    ("hw.optional.arm.FEAT_I8MM", "i8mm"),
    ("hw.optional.arm.FEAT_BF16", "bf16"),
    ("hw.optional.arm.FEAT_SME", "sme"),
    ("hw.optional.arm.FEAT_SME2", "sme2"),
];

pub fn read(listing: &str) -> Cpu {
    let values: HashMap<&str, &str> = listing
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let number = |key: &str| values.get(key).and_then(|text| text.parse::<u64>().ok()).filter(|n| *n > 0);
    let count = |key: &str| number(key).and_then(|n| u32::try_from(n).ok());
    let (performance, efficiency) = (count("hw.perflevel0.physicalcpu"), count("hw.perflevel1.physicalcpu"));
    Cpu {
        name: values.get("machdep.cpu.brand_string").map(|name| (*name).to_owned()).unwrap_or_default(),
        physical_cores: count("hw.physicalcpu"),
        logical_cores: count("hw.logicalcpu"),
        sockets: count("hw.packages"),
        caches: caches(&count, &number),
        max_mhz: number("hw.cpufrequency_max").and_then(|hertz| u32::try_from(hertz / 1_000_000).ok()),
        hypervisor: (count("kern.hv_vmm_present") == Some(1)).then(|| "a virtual machine".to_owned()),
        features: SETS.iter().filter(|(key, _)| number(key) == Some(1)).map(|(_, name)| (*name).to_owned()).collect(),
        core_kinds: performance.zip(efficiency).map(|(p, e)| format!("{p} performance, {e} efficiency")),
    }
}

/// Apple's cores share an L2 per cluster; its size stands per performance level.
fn caches(count: &dyn Fn(&str) -> Option<u32>, number: &dyn Fn(&str) -> Option<u64>) -> Vec<Cache> {
    let mut caches = Vec::new();
    let mut add = |level, kind, bytes: Option<u64>, instances: Option<u32>| {
        caches.extend(bytes.map(|bytes| Cache { level, kind, bytes, instances: instances.unwrap_or(1).max(1) }));
    };
    if number("hw.perflevel0.l2cachesize").is_none() {
        add(1, CacheKind::Data, number("hw.l1dcachesize"), count("hw.physicalcpu"));
        add(2, CacheKind::Unified, number("hw.l2cachesize"), None);
        add(3, CacheKind::Unified, number("hw.l3cachesize"), None);
        return caches;
    }
    for kind in ["hw.perflevel0", "hw.perflevel1"] {
        let cores = count(&format!("{kind}.physicalcpu"));
        let sharing = count(&format!("{kind}.cpusperl2")).filter(|n| *n > 0);
        let clusters = cores.zip(sharing).map(|(cores, sharing)| cores.div_ceil(sharing));
        add(1, CacheKind::Data, number(&format!("{kind}.l1dcachesize")), cores);
        add(2, CacheKind::Unified, number(&format!("{kind}.l2cachesize")), clusters);
    }
    caches
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLE: &str = "machdep.cpu.brand_string: Apple M2 Pro\nhw.physicalcpu: 10\nhw.logicalcpu: 10\nhw.packages: 1\n\
        hw.perflevel0.physicalcpu: 6\nhw.perflevel0.cpusperl2: 3\nhw.perflevel0.l2cachesize: 16777216\nhw.perflevel0.l1dcachesize: 131072\n\
        hw.perflevel1.physicalcpu: 4\nhw.perflevel1.cpusperl2: 4\nhw.perflevel1.l2cachesize: 4194304\nhw.perflevel1.l1dcachesize: 65536\n\
        hw.optional.neon: 1\nhw.optional.arm.FEAT_BF16: 1\nhw.optional.arm.FEAT_SME: 0\n";

    #[test]
    fn both_kinds_of_core_are_told() {
        let cpu = read(APPLE);
        assert_eq!(cpu.name, "Apple M2 Pro");
        assert_eq!((cpu.physical_cores, cpu.logical_cores), (Some(10), Some(10)));
        assert_eq!(cpu.core_kinds.as_deref(), Some("6 performance, 4 efficiency"));
        assert_eq!(cpu.features, ["neon", "bf16"]);
    }

    #[test]
    fn clusters_are_counted_for_the_shared_cache() {
        let caches = read(APPLE).caches;
        let shared: Vec<_> = caches.iter().filter(|cache| cache.level == 2).map(|c| (c.bytes, c.instances)).collect();
        assert_eq!(shared, [(16 << 20, 2), (4 << 20, 1)]);
    }
}
