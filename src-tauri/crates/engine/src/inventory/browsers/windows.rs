//! Windows: programs at their usual places; versions from the files beside them, without starting anything.

use contract::Browser;
use std::path::{Path, PathBuf};

/// The folder under a program folder, the program in it, and the browser's name.
const USUAL: [(&str, &str, &str); 4] = [
    ("Google\\Chrome\\Application", "chrome.exe", "Chrome"),
    ("Chromium\\Application", "chrome.exe", "Chromium"),
    ("Microsoft\\Edge\\Application", "msedge.exe", "Edge"),
    ("Mozilla Firefox", "firefox.exe", "Firefox"),
];

#[cfg(windows)]
pub fn places() -> Vec<PathBuf> {
    ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"]
        .iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from)
        .collect()
}

pub fn installed(places: &[PathBuf]) -> Vec<Browser> {
    let found = |(folder, program, name): &(&str, &str, &str)| {
        let inside: PathBuf = folder.split('\\').collect();
        let folder = places.iter().map(|place| place.join(&inside)).find(|folder| folder.join(program).is_file())?;
        Some(Browser {
            name: (*name).to_owned(),
            version: version(&folder),
            path: folder.join(program).display().to_string(),
        })
    };
    USUAL.iter().filter_map(found).collect()
}

/// Chrome and its kin keep each version in a folder named for it; Firefox writes `application.ini`.
fn version(folder: &Path) -> Option<String> {
    if let Ok(ini) = std::fs::read_to_string(folder.join("application.ini")) {
        return ini.lines().find_map(|line| line.strip_prefix("Version=")).map(|version| version.trim().to_owned());
    }
    let names = std::fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    // An update leaves the old folder beside the new one.
    names.filter_map(|name| Some((numbers(&name)?, name))).max().map(|(_, name)| name)
}

fn numbers(name: &str) -> Option<Vec<u32>> {
    let parts: Option<Vec<u32>> = name.split('.').map(|part| part.parse().ok()).collect();
    parts.filter(|parts| parts.len() >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_folder_counts() {
        let place = tempfile::tempdir().unwrap();
        let edge = place.path().join("Microsoft/Edge/Application");
        for inside in ["99.0.1150.36", "131.0.2903.9", "SetupMetrics"] {
            std::fs::create_dir_all(edge.join(inside)).unwrap();
        }
        std::fs::write(edge.join("msedge.exe"), "").unwrap();
        let browsers = installed(&[place.path().to_path_buf()]);
        assert_eq!(browsers.len(), 1);
        assert_eq!((browsers[0].name.as_str(), browsers[0].version.as_deref()), ("Edge", Some("131.0.2903.9")));
    }

    #[test]
    fn firefox_tells_its_version_in_its_settings() {
        let place = tempfile::tempdir().unwrap();
        let firefox = place.path().join("Mozilla Firefox");
        std::fs::create_dir_all(&firefox).unwrap();
        std::fs::write(firefox.join("firefox.exe"), "").unwrap();
        std::fs::write(firefox.join("application.ini"), "[App]\r\nVendor=Mozilla\r\nVersion=153.0\r\n").unwrap();
        assert_eq!(installed(&[place.path().to_path_buf()])[0].version.as_deref(), Some("153.0"));
    }
}
