//! Space on disks: what is free, and what a folder takes.

use std::{fs, path::Path};

/// Free space of the disk that holds this path, in bytes.
pub fn free_bytes(path: &Path) -> u64 {
    let path = path.ancestors().find_map(|folder| folder.canonicalize().ok()).unwrap_or_default();
    let disks = sysinfo::Disks::new_with_refreshed_list();
    let holding = disks.iter().filter(|disk| path.starts_with(disk.mount_point()));
    holding.max_by_key(|disk| disk.mount_point().as_os_str().len()).map_or(0, sysinfo::Disk::available_space)
}

/// Of all files in a folder and the folders in it.
pub fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let facts = entry.metadata().ok()?;
            Some(if facts.is_dir() { bytes_below(&entry.path()) } else { facts.len() })
        })
        .sum()
}
