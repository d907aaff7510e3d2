//! Linux: programs on the search path and where Snap and Flatpak put theirs; each tells its version itself.

use crate::inventory::command;
use contract::Browser;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    thread,
};

const NAMES: [(&str, &[&str]); 4] = [
    ("Chrome", &["google-chrome", "google-chrome-stable", "com.google.Chrome"]),
    ("Chromium", &["chromium", "chromium-browser", "org.chromium.Chromium"]),
    ("Edge", &["microsoft-edge", "microsoft-edge-stable", "com.microsoft.Edge"]),
    ("Firefox", &["firefox", "firefox-esr", "org.mozilla.firefox"]),
];

pub fn places() -> Vec<PathBuf> {
    let path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let usual = ["/usr/bin", "/usr/local/bin", "/snap/bin", "/var/lib/flatpak/exports/bin"].map(PathBuf::from);
    path.into_iter().chain(usual).collect()
}

pub fn installed(places: &[PathBuf]) -> Vec<Browser> {
    let mut seen = BTreeSet::new();
    let found: Vec<(&str, PathBuf)> = NAMES
        .iter()
        .flat_map(|(name, programs)| programs.iter().map(move |program| (*name, *program)))
        .flat_map(|(name, program)| places.iter().map(move |place| (name, place.join(program))))
        .filter(|(_, path)| path.is_file())
        // `firefox` is often a link to `firefox-esr`, and the search path may name a folder twice.
        .filter(|(_, path)| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())))
        .collect();
    thread::scope(|scope| {
        let asked: Vec<_> = found.into_iter().map(|(name, path)| scope.spawn(move || ask(name, &path))).collect();
        let told = asked.into_iter().filter_map(|thread| thread.join().ok());
        // A wrapper script is another file than the browser it starts: the version gives it away.
        let mut versions = BTreeSet::new();
        told.filter(|browser| {
            browser.version.is_none() || versions.insert((browser.name.clone(), browser.version.clone()))
        })
        .collect()
    })
}

/// One that does not answer in time is listed without its version.
fn ask(name: &str, path: &Path) -> Browser {
    let printed = command::output(path, &["--version"], command::QUICK);
    Browser { name: name.to_owned(), version: printed.as_deref().and_then(version), path: path.display().to_string() }
}

/// `Mozilla Firefox 153.0esr`, `Chromium 156.0.7000.1 built on Debian …`: the first word that begins with a number.
fn version(printed: &str) -> Option<String> {
    let mut words = printed.split_whitespace();
    words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_browsers_print() {
        assert_eq!(version("Chromium 156.0.7000.1 built on Debian 12"), Some("156.0.7000.1".into()));
        assert_eq!(version("Mozilla Firefox 153.0esr\n"), Some("153.0esr".into()));
        assert_eq!(version("no idea"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_browser_behind_two_names_is_listed_once() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("firefox-esr");
        std::fs::write(&real, "#!/bin/sh\necho Mozilla Firefox 153.0esr\n").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&real, folder.path().join("firefox")).unwrap();
        let place = folder.path().to_path_buf();
        let browsers = installed(&[place.clone(), place]);
        assert_eq!(browsers.len(), 1);
        assert_eq!((browsers[0].name.as_str(), browsers[0].version.as_deref()), ("Firefox", Some("153.0esr")));
    }

    #[cfg(unix)]
    #[test]
    fn a_wrapper_script_is_not_a_second_browser() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for name in ["firefox", "firefox-esr"] {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n# {name}\necho Mozilla Firefox 153.0esr\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert_eq!(installed(&[folder.path().to_path_buf()]).len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_browser_that_does_not_tell_its_version_is_still_listed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("chromium"), "not a program").unwrap();
        let browsers = installed(&[folder.path().to_path_buf()]);
        assert_eq!(browsers.iter().map(|b| (b.name.as_str(), &b.version)).collect::<Vec<_>>(), [("Chromium", &None)]);
    }
}
