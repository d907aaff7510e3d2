//! Where the engines' libraries are looked for, and which builds lie there.

pub(crate) mod plugin;

use crate::job::own_file;
use contract::EngineId;
use std::path::{Path, PathBuf};

/// Folders that may hold `onnxruntime/`, `onnxruntime-<build>/`, `openvino/` …, first match first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Libraries {
    pub folders: Vec<PathBuf>,
    /// Where a person puts builds of their own; remedies say its path. It need not be there yet.
    pub own: Option<PathBuf>,
}

/// What remedies call the person's own folder.
const OWN: &str = "the libraries folder";

/// One build of an engine: its id and the file a worker loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    pub engine: EngineId,
    pub library: PathBuf,
}

impl Libraries {
    /// In order: `$ASSAY_LIBRARIES`, those installed with the program, `extra`, the system's library folders. What is not
    /// there now is left out.
    pub fn find(extra: &[PathBuf]) -> Self {
        let named = std::env::var_os("ASSAY_LIBRARIES").map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
        let all = named
            .into_iter()
            .flatten()
            .chain(installed_with_program())
            .chain(extra.iter().cloned())
            .chain(system_folders());
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in all.filter(|folder| folder.is_dir()) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        Self { folders, own: None }
    }

    /// The same with the person's own folder after `extra`.
    pub fn with_own(extra: &[PathBuf], own: &Path) -> Self {
        let extra: Vec<PathBuf> = extra.iter().cloned().chain([own.to_owned()]).collect();
        Self { own: Some(own.to_owned()), ..Self::find(&extra) }
    }

    /// A remedy that sends a person to their own folder, with its path.
    pub(crate) fn located(&self, remedy: &str) -> String {
        match &self.own {
            Some(folder) => remedy.replacen(OWN, &format!("{OWN} ({})", folder.display()), 1),
            None => remedy.to_owned(),
        }
    }

    /// The builds of an engine (`onnxruntime`, `openvino`): each id once, from the first folder that has it.
    ///
    /// `onnxruntime-webgpu/` gives the id `onnxruntime-webgpu`; a library that lies in a folder itself, as in the
    /// system's, gives the plain id. `onnxruntime-qnn/` may hold a plug-in alone, which is then the build's file.
    pub fn builds(&self, key: &str) -> Vec<Build> {
        let mut builds: Vec<Build> = Vec::new();
        for folder in &self.folders {
            for (engine, place) in places(folder, key) {
                let known = builds.iter().any(|build| build.engine == engine);
                let library = || library_in(&place, key).or_else(|| plugin_in(&place, &engine, key));
                if let Some(library) = (!known).then(library).flatten() {
                    builds.push(Build { engine, library });
                }
            }
        }
        builds.sort_by(|a, b| a.engine.cmp(&b.engine));
        builds
    }
}

/// Beside the program, and where the system's packages put a program's resources: a `.deb` and a macOS bundle keep them
/// in a folder next to the program's own.
fn installed_with_program() -> Vec<PathBuf> {
    let program = own_file().ok();
    let Some(folder) = program.as_deref().and_then(Path::parent) else { return Vec::new() };
    ["libraries", "../lib/Assay/libraries", "../Resources/libraries"].iter().map(|place| folder.join(place)).collect()
}

/// Folders inside `folder` that are named for the engine or one of its builds, and `folder` itself.
fn places(folder: &Path, key: &str) -> Vec<(EngineId, PathBuf)> {
    let mut places = vec![(EngineId::from(key), folder.join(key))];
    let prefix = format!("{key}-");
    let mut variants: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(&prefix) && folder.join(name).is_dir())
        .collect();
    variants.sort();
    places.extend(variants.into_iter().map(|name| (EngineId::from(name.as_str()), folder.join(&name))));
    places.push((EngineId::from(key), folder.to_path_buf()));
    places
}

/// The library file of an engine in a folder or in its usual subfolders.
fn library_in(folder: &Path, key: &str) -> Option<PathBuf> {
    const INSIDE: [&str; 5] = ["", "lib", "libs", "bin", "runtime/lib/intel64"];
    let wanted = file_names(key);
    INSIDE.iter().map(|inside| folder.join(inside)).find_map(|place| {
        let mut names: Vec<String> = std::fs::read_dir(&place)
            .ok()?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| wanted.iter().any(|wanted| wanted.matches(name)))
            .collect();
        // The plain name before the versioned ones, and of these the shortest: a link that the vendor keeps.
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.into_iter().next().map(|name| place.join(name))
    })
}

/// The plug-in that makes a build of its own out of the plain one; only ONNX Runtime takes any.
fn plugin_in(folder: &Path, engine: &EngineId, key: &str) -> Option<PathBuf> {
    let may_be = key == plugin::RUNTIME && engine.0 != key;
    may_be.then(|| plugin::plugin_in(folder)).flatten()
}

struct FileName {
    start: String,
    end: &'static str,
    /// Whether a version may stand between or after: `libx.so.1`, `libx.1.dylib`.
    versioned: bool,
}

impl FileName {
    fn matches(&self, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(&self.start) else { return false };
        let version = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
        if rest == self.end {
            return true;
        }
        self.versioned
            && (rest.strip_prefix(self.end).is_some_and(|tail| tail.starts_with('.') && version(tail))
                || rest.strip_suffix(self.end).is_some_and(|middle| middle.starts_with('.') && version(middle)))
    }
}

/// OpenVINO is called through its C interface, which is a library of its own.
fn file_names(key: &str) -> Vec<FileName> {
    let stem = if key == "openvino" { "openvino_c" } else { key };
    if cfg!(windows) {
        vec![FileName { start: stem.to_owned(), end: ".dll", versioned: false }]
    } else if cfg!(target_os = "macos") {
        vec![FileName { start: format!("lib{stem}"), end: ".dylib", versioned: true }]
    } else {
        vec![FileName { start: format!("lib{stem}"), end: ".so", versioned: true }]
    }
}

fn system_folders() -> Vec<PathBuf> {
    let folders: &[&str] = if cfg!(windows) {
        &["C:\\Program Files (x86)\\Intel\\openvino", "C:\\Program Files\\onnxruntime"]
    } else if cfg!(target_os = "macos") {
        &["/opt/homebrew/lib", "/usr/local/lib"]
    } else {
        &[
            "/usr/local/lib",
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib64",
            "/usr/lib",
            "/opt/intel",
        ]
    };
    let openvino = std::env::var_os("OPENVINO_INSTALL_DIR").or_else(|| std::env::var_os("INTEL_OPENVINO_DIR"));
    openvino.map(PathBuf::from).into_iter().chain(folders.iter().map(PathBuf::from)).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn touch(path: PathBuf) -> PathBuf {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"").unwrap();
        path
    }

    #[test]
    fn a_build_is_named_for_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let plain = touch(folder.path().join("onnxruntime/libonnxruntime.so.1"));
        let gpu = touch(folder.path().join("onnxruntime-webgpu/lib/libonnxruntime.so.1.27.0"));
        touch(folder.path().join("onnxruntime-empty/readme.txt"));
        let libraries = Libraries { folders: vec![folder.path().to_path_buf()], own: None };
        let builds = libraries.builds("onnxruntime");
        assert_eq!(
            builds,
            [
                Build { engine: "onnxruntime".into(), library: plain },
                Build { engine: "onnxruntime-webgpu".into(), library: gpu }
            ]
        );
    }

    #[test]
    fn the_first_folder_wins() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let wanted = touch(first.path().join("openvino/libopenvino_c.so"));
        touch(second.path().join("openvino/libopenvino_c.so.2641"));
        let folders = vec![first.path().to_path_buf(), second.path().to_path_buf()];
        let libraries = Libraries { folders, own: None };
        assert_eq!(libraries.builds("openvino"), [Build { engine: "openvino".into(), library: wanted }]);
    }

    #[test]
    fn a_provider_library_is_not_taken_for_the_engine() {
        let folder = tempfile::tempdir().unwrap();
        touch(folder.path().join("onnxruntime/libonnxruntime_providers_shared.so"));
        let libraries = Libraries { folders: vec![folder.path().to_path_buf()], own: None };
        assert!(libraries.builds("onnxruntime").is_empty());
    }

    #[test]
    fn a_plug_in_without_a_runtime_is_a_build_that_runs_on_the_plain_one_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let libraries = Libraries { folders: vec![folder.path().to_path_buf()], own: None };
        let unpacked = touch(path("onnxruntime-qnn/onnxruntime_qnn").join(plugin::FILE));
        let bare = touch(path("onnxruntime-mine").join(plugin::FILE));
        let built = |engine: &str, library: &PathBuf| Build { engine: engine.into(), library: library.clone() };
        assert_eq!(
            libraries.builds("onnxruntime"),
            [built("onnxruntime-mine", &bare), built("onnxruntime-qnn", &unpacked)]
        );

        let plain = touch(path("onnxruntime/libonnxruntime.so.1"));
        for plugin in [&unpacked, &bare] {
            assert!(plugin::is_plugin(plugin));
            assert_eq!(plugin::runtime_for(plugin).as_ref(), Some(&plain), "{}", plugin.display());
        }
        assert!(!plugin::is_plugin(&plain));

        let whole = touch(path("onnxruntime-qnn/libonnxruntime.so"));
        assert!(
            libraries.builds("onnxruntime").contains(&built("onnxruntime-qnn", &whole)),
            "its own runtime goes first"
        );
    }

    #[test]
    fn a_plug_in_beside_the_plain_runtime_is_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let plain = touch(folder.path().join("onnxruntime/libonnxruntime.so"));
        touch(folder.path().join("onnxruntime").join(plugin::FILE));
        touch(folder.path().join(plugin::FILE));
        touch(folder.path().join("openvino-qnn").join(plugin::FILE));
        let libraries = Libraries { folders: vec![folder.path().to_path_buf()], own: None };
        assert_eq!(libraries.builds("onnxruntime"), [Build { engine: "onnxruntime".into(), library: plain }]);
        assert!(libraries.builds("openvino").is_empty());
    }

    #[test]
    fn a_plug_in_is_of_its_packages_version_as_long_as_the_file_is_the_packages() {
        let folder = tempfile::tempdir().unwrap();
        let library = touch(folder.path().join("onnxruntime_qnn").join(plugin::FILE));
        std::fs::write(&library, [0; 42]).unwrap();
        assert_eq!(plugin::package_version(&library), None, "it was unpacked alone");
        let record = touch(folder.path().join("onnxruntime_qnn-2.7.0.dist-info/RECORD"));
        let lines = format!("onnxruntime_qnn/__init__.py,sha256=a,43\nonnxruntime_qnn/{},sha256=b,42\n", plugin::FILE);
        std::fs::write(record, lines).unwrap();
        assert_eq!(plugin::package_version(&library).as_deref(), Some("2.7.0"));
        std::fs::write(&library, [0; 43]).unwrap();
        assert_eq!(plugin::package_version(&library), None, "another build was put in its place");
    }

    #[test]
    fn the_remedy_names_a_place_where_the_plug_in_is_found() {
        let remedy = plugin::remedy();
        let (_, after) = remedy.split_once("so that ").unwrap();
        let (place, _) = after.split_once(" is there").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let library = touch(folder.path().join(place));
        let libraries = Libraries { folders: vec![folder.path().to_path_buf()], own: None };
        assert_eq!(libraries.builds("onnxruntime"), [Build { engine: "onnxruntime-qnn".into(), library }]);
    }

    #[test]
    fn the_persons_own_folder_is_searched_once_it_is_there_and_remedies_say_where_it_is() {
        let data = tempfile::tempdir().unwrap();
        let own = data.path().join("libraries");
        let before = Libraries::with_own(&[], &own);
        assert!(!before.folders.contains(&own));
        let said = before.located("Put it into the libraries folder as onnxruntime-webgpu, then press Rescan");
        let path = own.display();
        assert_eq!(said, format!("Put it into the libraries folder ({path}) as onnxruntime-webgpu, then press Rescan"));
        touch(own.join("onnxruntime-mine/libonnxruntime.so"));
        let after = Libraries::with_own(&[], &own);
        assert!(after.builds("onnxruntime").iter().any(|build| build.engine.0 == "onnxruntime-mine"));
    }
}
