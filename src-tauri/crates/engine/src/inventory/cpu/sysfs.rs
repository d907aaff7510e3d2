//! Linux: cores, sockets, caches and frequency from `/sys/devices/system/cpu`.

use super::{Cache, CacheKind, Cpu};
use std::{collections::BTreeSet, fs, path::Path};

/// Reads the folder given, so that a copy of another machine's can be read too. What cannot be read stays unknown.
pub fn read(root: &Path) -> Cpu {
    let mut logical = 0;
    let (mut cores, mut sockets) = (BTreeSet::new(), BTreeSet::new());
    let mut caches: Vec<(Cache, BTreeSet<String>)> = Vec::new();
    let mut max_mhz = None;
    for cpu in numbered(root, "cpu") {
        let Some(siblings) =
            word(&cpu.join("topology/core_cpus_list")).or_else(|| word(&cpu.join("topology/thread_siblings_list")))
        else {
            // Switched off: it has no topology.
            continue;
        };
        logical += 1;
        cores.insert(siblings);
        sockets.extend(word(&cpu.join("topology/physical_package_id")));
        let khz = word(&cpu.join("cpufreq/cpuinfo_max_freq")).and_then(|text| text.parse::<u32>().ok());
        max_mhz = max_mhz.max(khz.map(|khz| khz / 1000));
        for folder in numbered(&cpu.join("cache"), "index") {
            add_cache(&mut caches, &folder);
        }
    }
    let known = |n: usize| u32::try_from(n).ok().filter(|n| *n > 0);
    let mut caches: Vec<Cache> = caches.into_iter().map(|(cache, _)| cache).collect();
    caches.sort_by_key(|cache| (cache.level, cache.kind));
    Cpu {
        physical_cores: known(cores.len()),
        logical_cores: known(logical),
        sockets: known(sockets.len()),
        caches,
        max_mhz,
        ..Cpu::default()
    }
}

/// Each cache is listed under every core that shares it; `shared_cpu_list` tells the instances apart.
fn add_cache(caches: &mut Vec<(Cache, BTreeSet<String>)>, folder: &Path) {
    let Some((level, kind, bytes)) = (|| {
        let kind = match word(&folder.join("type"))?.as_str() {
            "Data" => CacheKind::Data,
            "Instruction" => CacheKind::Instruction,
            "Unified" => CacheKind::Unified,
            _ => return None,
        };
        Some((word(&folder.join("level"))?.parse().ok()?, kind, size(&word(&folder.join("size"))?)?))
    })() else {
        return;
    };
    let shared_by = word(&folder.join("shared_cpu_list")).unwrap_or_default();
    match caches.iter_mut().find(|(c, _)| (c.level, c.kind, c.bytes) == (level, kind, bytes)) {
        Some((cache, seen)) => {
            if seen.insert(shared_by) {
                cache.instances += 1;
            }
        }
        None => caches.push((Cache { level, kind, bytes, instances: 1 }, BTreeSet::from([shared_by]))),
    }
}

/// Folders `prefix0`, `prefix1` … in numeric order.
fn numbered(folder: &Path, prefix: &str) -> Vec<std::path::PathBuf> {
    let mut found: Vec<(u32, std::path::PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

fn word(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `48K`, `32768K`, `1M`.
fn size(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let scale = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sockets of two cores with two threads each; one thread switched off.
    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let put = |path: String, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{text}\n")).unwrap();
        };
        for cpu in 0..8 {
            if cpu == 7 {
                fs::create_dir_all(root.path().join("cpu7")).unwrap();
                continue;
            }
            let (core, socket) = (cpu / 2, cpu / 4);
            put(format!("cpu{cpu}/topology/core_cpus_list"), &format!("{}-{}", core * 2, core * 2 + 1));
            put(format!("cpu{cpu}/topology/physical_package_id"), &socket.to_string());
            put(format!("cpu{cpu}/cpufreq/cpuinfo_max_freq"), "3700000");
            let shared = [format!("{}-{}", core * 2, core * 2 + 1), format!("{}-{}", socket * 4, socket * 4 + 3)];
            for (index, (level, kind, size, shared)) in [
                ("1", "Data", "48K", &shared[0]),
                ("1", "Instruction", "32K", &shared[0]),
                ("3", "Unified", "36M", &shared[1]),
            ]
            .into_iter()
            .enumerate()
            {
                let folder = format!("cpu{cpu}/cache/index{index}");
                put(format!("{folder}/level"), level);
                put(format!("{folder}/type"), kind);
                put(format!("{folder}/size"), size);
                put(format!("{folder}/shared_cpu_list"), shared);
            }
        }
        fs::create_dir_all(root.path().join("cpufreq")).unwrap();
        root
    }

    #[test]
    fn cores_and_sockets_are_counted_once() {
        let cpu = read(machine().path());
        assert_eq!((cpu.physical_cores, cpu.logical_cores, cpu.sockets), (Some(4), Some(7), Some(2)));
        assert_eq!(cpu.max_mhz, Some(3700));
    }

    #[test]
    fn a_shared_cache_is_one_instance() {
        let cpu = read(machine().path());
        let cache = |level, kind, bytes, instances| Cache { level, kind, bytes, instances };
        assert_eq!(
            cpu.caches,
            [
                cache(1, CacheKind::Data, 48 << 10, 4),
                cache(1, CacheKind::Instruction, 32 << 10, 4),
                cache(3, CacheKind::Unified, 36 << 20, 2)
            ]
        );
        assert_eq!(cpu.facts().iter().find(|fact| fact.label == "L1 data cache").unwrap().value, "4 × 48 KiB");
    }

    #[test]
    fn what_is_not_there_stays_unknown() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(read(empty.path()), Cpu::default());
    }

    #[test]
    fn a_size_in_an_unknown_unit_is_not_guessed() {
        assert_eq!(size("512K"), Some(512 << 10));
        assert_eq!(size("3X"), None);
        assert_eq!(size("99999999999999999999K"), None);
    }
}
