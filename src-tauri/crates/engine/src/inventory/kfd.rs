//! AMD's compute driver for Linux: its list of GPUs in `/sys/class/kfd/kfd/topology`.

use std::{collections::HashMap, fs, path::Path};

pub const TOPOLOGY: &str = "/sys/class/kfd/kfd/topology";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KfdGpu {
    /// The marketing name, or the target where the driver gives none.
    pub name: String,
    /// LLVM's name of the instruction set: `gfx1100`.
    pub target: String,
    pub compute_units: Option<u32>,
    pub memory_bytes: Option<u64>,
    pub max_mhz: Option<u32>,
    pub pci_device: Option<u32>,
}

/// None where the driver is not loaded; an empty list where it is and drives no GPU.
pub fn read(topology: &Path) -> Option<Vec<KfdGpu>> {
    let entries = fs::read_dir(topology.join("nodes")).ok()?;
    let mut nodes: Vec<(u32, std::path::PathBuf)> =
        entries.flatten().filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path()))).collect();
    nodes.sort();
    Some(nodes.into_iter().filter_map(|(_, node)| gpu(&node)).collect())
}

/// Nodes without SIMDs are the CPUs.
fn gpu(node: &Path) -> Option<KfdGpu> {
    let properties = properties(&node.join("properties"));
    let number = |key: &str| properties.get(key).copied().filter(|n| *n > 0);
    let small = |key: &str| number(key).and_then(|n| u32::try_from(n).ok());
    let simds = small("simd_count")?;
    let target = target_name(number("gfx_target_version")?);
    let name = fs::read_to_string(node.join("name")).unwrap_or_default().trim().to_owned();
    let compute_units = small("simd_per_cu").map(|per_unit| simds / per_unit);
    Some(KfdGpu {
        name: if name.is_empty() { format!("AMD GPU ({target})") } else { format!("AMD {name}") },
        target,
        compute_units,
        memory_bytes: memory(node),
        max_mhz: small("max_engine_clk_fcompute"),
        pci_device: small("device_id"),
    })
}

/// `gfx_target_version` holds major × 10000 + minor × 100 + stepping; the name writes minor and stepping in hexadecimal.
fn target_name(version: u64) -> String {
    format!("gfx{}{:x}{:x}", version / 10_000, version / 100 % 100, version % 100)
}

/// The banks of the GPU itself: heap types 1 and 2 are the frame buffer, visible to the CPU or not.
fn memory(node: &Path) -> Option<u64> {
    let banks = fs::read_dir(node.join("mem_banks")).ok()?;
    let bytes: u64 = banks
        .flatten()
        .map(|bank| properties(&bank.path().join("properties")))
        .filter(|bank| matches!(bank.get("heap_type"), Some(1 | 2)))
        .filter_map(|bank| bank.get("size_in_bytes").copied())
        .sum();
    (bytes > 0).then_some(bytes)
}

fn properties(file: &Path) -> HashMap<String, u64> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.filter_map(|(key, value)| Some((key.to_owned(), value.trim().parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_gpu_is_read_and_the_cpu_left_out() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "nodes/0/properties", "cpu_cores_count 16\nsimd_count 0\ngfx_target_version 0\n");
        put(root.path(), "nodes/1/name", "navi31\n");
        put(
            root.path(),
            "nodes/1/properties",
            "simd_count 192\nsimd_per_cu 2\ngfx_target_version 110000\nvendor_id 4098\ndevice_id 29772\nmax_engine_clk_fcompute 2526\n",
        );
        put(root.path(), "nodes/1/mem_banks/0/properties", "heap_type 1\nsize_in_bytes 25753026560\n");
        put(root.path(), "nodes/1/mem_banks/1/properties", "heap_type 4\nsize_in_bytes 65536\n");
        assert_eq!(
            read(root.path()).unwrap(),
            [KfdGpu {
                name: "AMD navi31".to_owned(),
                target: "gfx1100".to_owned(),
                compute_units: Some(96),
                memory_bytes: Some(25_753_026_560),
                max_mhz: Some(2526),
                pci_device: Some(29772),
            }]
        );
    }

    #[test]
    fn targets_are_written_as_the_compiler_writes_them() {
        assert_eq!(target_name(90_010), "gfx90a");
        assert_eq!(target_name(90_402), "gfx942");
        assert_eq!(target_name(100_301), "gfx1031");
    }

    #[test]
    fn no_driver_differs_from_no_gpu() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path()), None);
        fs::create_dir(root.path().join("nodes")).unwrap();
        assert_eq!(read(root.path()), Some(Vec::new()));
    }
}
