//! Space on disks: what is free, and what a folder takes.

use std::{fs, path::Path};

/// Free space of the disk that holds this path, in bytes. A folder that is not there yet will be on the disk of the
/// nearest one around it.
pub fn free_bytes(path: &Path) -> u64 {
    let path = std::path::absolute(path).unwrap_or_default();
    path.ancestors().find_map(free_in).unwrap_or(0)
}

/// What this user may still write there; none where there is no such folder.
#[cfg(unix)]
fn free_in(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What this user may still write there; none where there is no such folder.
#[cfg(windows)]
fn free_in(folder: &Path) -> Option<u64> {
    use std::{os::windows::ffi::OsStrExt, ptr};
    use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
    // A network share is known only by a name that ends with a separator.
    let name: Vec<u16> = folder.join("").as_os_str().encode_wide().chain([0]).collect();
    let mut bytes = 0;
    // SAFETY: the name ends with a zero, and the system writes one number, or nothing where the pointer is null.
    let told = unsafe { GetDiskFreeSpaceExW(name.as_ptr(), &mut bytes, ptr::null_mut(), ptr::null_mut()) } != 0;
    told.then_some(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_space_of_the_one_around_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(folder.path()) > 0);
        assert!(free_bytes(&folder.path().join("to/be/made")) > 0);
        assert!(free_bytes(Path::new("a relative name")) > 0);
    }

    /// Of a file system in memory, which is no disk of the machine.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_without_a_disk_has_its_own_space() {
        let disk = rustix::fs::statvfs("/dev/shm").unwrap();
        assert!(free_bytes(Path::new("/dev/shm")) <= disk.f_blocks * disk.f_frsize);
    }
}
