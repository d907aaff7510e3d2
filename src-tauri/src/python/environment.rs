//! The environment that generated files are run in: made on request with a Python that is there, versions pinned, all of
//! it in one folder that can be removed.

use crate::disk::{bytes_below, free_bytes};
use contract::{Failure, PythonPackage, PythonPlan, PythonState};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};
use uuid::Uuid;

/// What is installed; what these need comes with them. The facts that templates go by are of this transformers.
const PACKAGES: [&str; 10] = [
    "torch==2.15.0",
    "torchvision==0.29.2",
    "transformers==5.23.0",
    "timm==1.0.31",
    "pytest==9.2.0",
    "numpy==2.4.6",
    "pillow==13.0.0",
    "sentencepiece==0.2.3",
    "protobuf==7.36.2",
    "scipy==1.17.1",
];
/// The file that says that everything was installed.
const MADE: &str = "assay-made";
const VERSIONS: &str = "import importlib.metadata as m, json, platform; print(json.dumps([platform.python_version(), \
                        {d.name: d.version for d in m.distributions()}]))";

#[derive(Clone, Debug)]
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The interpreter inside.
    pub fn python(&self) -> PathBuf {
        python_in(&self.folder)
    }

    /// What is there. Asks the Python inside and looks at each of its files, which takes a moment.
    pub fn state(&self) -> PythonState {
        match self.versions() {
            Ok((python, packages)) => PythonState::Ready { python, packages, bytes: bytes_below(&self.folder) },
            Err(state) => state,
        }
    }

    /// The interpreter inside, once it has said its versions.
    ///
    /// # Errors
    /// Where none was made, or it does not work.
    pub fn interpreter(&self) -> Result<PathBuf, Failure> {
        let missing = |reason: String| Failure::Missing {
            what: "The Python environment".to_owned(),
            reason,
            remedy: "Make it with `assay python make` or on the page Templates, or name a Python of your own"
                .to_owned(),
        };
        match self.versions() {
            Ok(_) => Ok(self.python()),
            Err(PythonState::Broken { reason }) => Err(missing(reason)),
            Err(_) => Err(missing("it was not made yet".to_owned())),
        }
    }

    fn versions(&self) -> Result<Versions, PythonState> {
        if !self.folder.exists() {
            return Err(PythonState::Absent);
        }
        if !self.folder.join(MADE).exists() {
            let reason = "it was not made to its end; remove it and make it again".to_owned();
            return Err(PythonState::Broken { reason });
        }
        versions(&self.python()).map_err(|failure| PythonState::Broken { reason: failure.to_string() })
    }

    /// What making it would take, asked of the index by an environment in `scratch` that is gone afterwards.
    ///
    /// # Errors
    /// Where there is no Python, or the index cannot be reached or lacks a package.
    pub fn plan(&self, scratch: &Path, index: &str, cancelled: &AtomicBool) -> Result<PythonPlan, Failure> {
        let base = base_python()?;
        let trial = Self { folder: scratch.join(Uuid::now_v7().to_string()) };
        let planned = trial.plan_in(&base, index, cancelled);
        trial.remove()?;
        let packages = planned?;
        Ok(PythonPlan {
            folder: self.folder.display().to_string(),
            python: base.display().to_string(),
            index: index.to_owned(),
            download_bytes: packages.iter().filter_map(|package| package.bytes).sum(),
            packages,
            free_bytes: free_bytes(&self.folder),
        })
    }

    fn plan_in(&self, base: &Path, index: &str, cancelled: &AtomicBool) -> Result<Vec<PythonPackage>, Failure> {
        self.create(base, cancelled)?;
        let report = self.folder.join("report.json");
        let mut pip = self.pip(index);
        pip.args(["--dry-run", "--ignore-installed", "--report"]).arg(&report);
        run(pip, "asking the package index", cancelled, &mut |_| {}).map_err(|failure| of_index(failure, index))?;
        let script = self.folder.join("plan.py");
        fs::write(&script, include_str!("plan.py")).map_err(|e| Failure::broken("writing a script", e))?;
        let mut sizes = program(self.python());
        sizes.arg(script).arg(report);
        let mut told = String::new();
        run(sizes, "asking for the sizes of packages", cancelled, &mut |line| told.push_str(line))?;
        serde_json::from_str(&told).map_err(|e| Failure::broken("reading the sizes of packages", e))
    }

    /// Makes it anew. `on` hears what is going on, a line at a time.
    ///
    /// # Errors
    /// Where there is no Python, or the index cannot be reached; what was half made is removed, also when cancelled.
    pub fn make(&self, index: &str, cancelled: &AtomicBool, on: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let base = base_python()?;
        self.remove()?;
        let made = self.make_in(&base, index, cancelled, on);
        if made.is_err() {
            self.remove()?;
        }
        made
    }

    fn make_in(
        &self,
        base: &Path,
        index: &str,
        cancelled: &AtomicBool,
        on: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        on(&format!("Making an environment with {}", base.display()));
        self.create(base, cancelled)?;
        run(self.pip(index), "installing packages", cancelled, on).map_err(|failure| of_index(failure, index))?;
        versions(&self.python())?;
        fs::write(self.folder.join(MADE), PACKAGES.join("\n"))
            .map_err(|e| Failure::broken("noting that the environment is made", e))
    }

    fn create(&self, base: &Path, cancelled: &AtomicBool) -> Result<(), Failure> {
        let mut venv = program(base);
        venv.args(["-m", "venv"]).arg(&self.folder);
        run(venv, "making an environment", cancelled, &mut |_| {})
    }

    /// Wheels alone: building one would run code of its own.
    fn pip(&self, index: &str) -> Command {
        let mut pip = program(self.python());
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]);
        pip.arg("--only-binary=:all:");
        if !index.is_empty() {
            // What the index lacks comes from the usual one: that of PyTorch's builds for processors has PyTorch alone.
            pip.args(["--index-url", index, "--extra-index-url", "https://pypi.org/simple"]);
        }
        pip.args(PACKAGES);
        pip
    }

    /// Removes all of it.
    pub fn remove(&self) -> Result<(), Failure> {
        match fs::remove_dir_all(&self.folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::broken(format!("removing {}", self.folder.display()), e))
            }
            _ => Ok(()),
        }
    }
}

/// A program that shows nothing of itself.
fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    engine::without_console(&mut command);
    // Elsewhere than on Windows it is so already.
    command.env("PYTHONUTF8", "1");
    command
}

fn python_in(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") }
}

/// Of a Python, and of what is installed in it by name.
type Versions = (String, BTreeMap<String, String>);

fn versions(python: &Path) -> Result<Versions, Failure> {
    let doing = || format!("asking {} for its versions", python.display());
    let told = program(python).args(["-c", VERSIONS]).output().map_err(|e| Failure::broken(doing(), e.to_string()))?;
    let last = || String::from_utf8_lossy(&told.stderr).trim().lines().last().unwrap_or_default().to_owned();
    serde_json::from_slice(&told.stdout).map_err(|_| Failure::broken(doing(), last()))
}

/// The names of a Python, the newest first.
const NAMES: [&str; 6] = ["python3.13", "python3.12", "python3.11", "python3.10", "python3", "python"];
/// Where installers put one that a program started by a click does not find: its PATH is not that of a terminal.
const FOLDERS: &[&str] = if cfg!(target_os = "macos") {
    &["/opt/homebrew/bin", "/usr/local/bin", "/Library/Frameworks/Python.framework/Versions/Current/bin"]
} else {
    &[]
};
/// What starts the newest one where the installer's usual choice leaves PATH alone.
const LAUNCHER: Option<(&str, &str)> = if cfg!(windows) { Some(("py", "-3")) } else { None };

/// The newest Python that can make an environment.
fn base_python() -> Result<PathBuf, Failure> {
    candidates(FOLDERS, LAUNCHER).into_iter().find_map(usable).ok_or_else(|| Failure::Missing {
        what: "Python".into(),
        reason: "no Python from 3.10 on with its module venv is installed".into(),
        remedy: if cfg!(target_os = "linux") {
            "Install it with your system's packages: python3 and python3-venv".into()
        } else {
            "Install it from python.org".into()
        },
    })
}

/// What may be a Python: each name on PATH and then in these folders, and a launcher with its argument last.
fn candidates(folders: &[&str], launcher: Option<(&str, &str)>) -> Vec<Command> {
    let places = |name: &'static str| {
        let in_folders = folders.iter().map(move |folder| Path::new(folder).join(name));
        std::iter::once(PathBuf::from(name)).chain(in_folders)
    };
    let launched = launcher.map(|(name, argument)| {
        let mut command = program(name);
        command.arg(argument);
        command
    });
    NAMES.into_iter().flat_map(places).map(program).chain(launched).collect()
}

/// Where this Python is, if it can make an environment.
fn usable(mut python: Command) -> Option<PathBuf> {
    const CHECK: &str = "import sys, venv, ensurepip; assert sys.version_info >= (3, 10); print(sys.executable)";
    let told = python.args(["-c", CHECK]).stderr(Stdio::null()).output().ok()?;
    let path = String::from_utf8(told.stdout).ok()?.trim().to_owned();
    (told.status.success() && !path.is_empty()).then(|| PathBuf::from(path))
}

/// What pip says where it reaches no index are many lines on retries.
fn of_index(failure: Failure, index: &str) -> Failure {
    let unreached =
        ["NewConnectionError", "NameResolution", "Name or service not known", "ConnectTimeout", "ProxyError"];
    let Failure::Broken { reason, .. } = &failure else { return failure };
    if !unreached.iter().any(|word| reason.contains(word)) {
        return failure;
    }
    Failure::Missing {
        what: "The package index".into(),
        reason: format!("{} cannot be reached", if index.is_empty() { "it" } else { index }),
        remedy: "Connect to the network, or name an index that can be reached".into(),
    }
}

/// Runs a program to its end and hears each line it prints; ends it when cancelled. Fails with its last words.
fn run(mut command: Command, doing: &str, cancelled: &AtomicBool, on: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    let broken = |reason: String| Failure::broken(doing, reason);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| broken(e.to_string()))?;
    let errors = child.stderr.take().expect("the pipe was asked for");
    let errors = thread::spawn(move || {
        let mut text = String::new();
        // What cannot be read as text is no sentence for a person either.
        let _ = BufReader::new(errors).read_to_string(&mut text);
        text
    });
    let (sender, lines) = mpsc::channel();
    let printed = child.stdout.take().expect("the pipe was asked for");
    thread::spawn(move || {
        for line in BufReader::new(printed).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    loop {
        match lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => on(line.trim()),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if cancelled.load(Ordering::Relaxed) {
            end(&mut child);
            return Err(Failure::Cancelled);
        }
    }
    let status = child.wait().map_err(|e| broken(e.to_string()))?;
    if status.success() {
        return Ok(());
    }
    let said = errors.join().unwrap_or_default();
    let last: Vec<&str> = said.trim().lines().rev().take(12).collect();
    Err(broken(last.into_iter().rev().collect::<Vec<_>>().join("\n")))
}

fn end(child: &mut Child) {
    // One that has ended by itself cannot be killed, which is as well.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_made_to_its_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::at(folder.path().join("python"));
        assert_eq!(environment.state(), PythonState::Absent);
        fs::create_dir(environment.folder()).unwrap();
        assert!(matches!(environment.state(), PythonState::Broken { .. }));
        assert!(environment.interpreter().unwrap_err().to_string().contains("not made to its end"));
        environment.remove().unwrap();
        assert_eq!(environment.state(), PythonState::Absent);
    }

    #[test]
    fn a_python_is_looked_for_beside_path_and_by_its_launcher() {
        let candidates = candidates(&["/a", "/b"], Some(("py", "-3")));
        let programs: Vec<PathBuf> = candidates.iter().map(|command| command.get_program().into()).collect();
        let first = ["python3.13", "/a/python3.13", "/b/python3.13", "python3.12"].map(PathBuf::from);
        assert_eq!((programs.len(), &programs[..4]), (3 * NAMES.len() + 1, &first[..]));
        let launcher = candidates.last().unwrap();
        assert!(launcher.get_program() == "py" && launcher.get_args().eq(["-3"]));
    }

    #[cfg(unix)]
    #[test]
    fn a_python_that_is_started_with_arguments_says_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("python");
        fs::write(&script, r#"[ "$1" = -c ] && echo /where/it/is"#).unwrap();
        let mut python = program("sh");
        python.arg(&script);
        assert_eq!(usable(python), Some("/where/it/is".into()));
        assert_eq!(usable(program("false")), None);
        assert_eq!(usable(program("no-such-program")), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_heard_ended_and_quoted() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let mut lines = Vec::new();
        let cancelled = AtomicBool::new(false);
        run(shell("echo a; echo b"), "trying", &cancelled, &mut |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["a", "b"]);
        let failed = run(shell("echo why >&2; exit 3"), "trying", &cancelled, &mut |_| {}).unwrap_err();
        assert_eq!(failed, Failure::broken("trying", "why"));
        cancelled.store(true, Ordering::Relaxed);
        assert_eq!(run(shell("exec sleep 60"), "trying", &cancelled, &mut |_| {}).unwrap_err(), Failure::Cancelled);
    }
}
