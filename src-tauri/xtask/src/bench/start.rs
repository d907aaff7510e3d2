//! How long Assay takes to show itself, and what all its processes hold in memory then: an empty store, ten starts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    display::{Display, likeness},
    fresh, judge,
    measure::Assay,
    ratio::median,
};
use crate::{
    error::{Step, StepError},
    places::Places,
};

const STARTS: usize = 10;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Long after the window stands; what is shown then is what the start was for.
const WATCHED: Duration = Duration::from_secs(8);
/// A blinking caret or a clock may differ from the last picture.
const ALIKE: f64 = 0.99;

pub fn run(places: &Places, program: &Path) -> Step {
    let folder = places.cache.join("bench").join("start");
    // The first start warms the file cache and is not counted.
    start_once(places, program, &folder)?;
    let (mut seconds, mut megabytes) = (Vec::new(), Vec::new());
    for number in 1..=STARTS {
        let (complete, memory) = start_once(places, program, &folder)?;
        println!(
            "{number:2}: complete after {:.2} s, {:.0} MB (PSS of all its processes)",
            complete.as_secs_f64(),
            memory
        );
        seconds.push(complete.as_secs_f64());
        megabytes.push(memory);
    }
    let (seconds, megabytes) = (median(seconds), median(megabytes));
    println!("median of {STARTS}: complete after {seconds:.2} s, {megabytes:.0} MB");
    judge(
        "the window stands within 1.5 s and all its processes hold at most 350 MB",
        seconds <= 1.5 && megabytes <= 350.0,
    )
}

/// One start with an empty store: when the screen first looked as it did in the end, and the memory then, in MB.
fn start_once(places: &Places, program: &Path, folder: &Path) -> Result<(Duration, f64), StepError> {
    fresh(folder)?;
    let display = Display::start(folder.join("screen"))?;
    let assay = Assay { places, program, data: folder.join("data"), libraries: None };
    let begun = Instant::now();
    let window = Window::open(&assay, &display)?;
    // Each picture that differs from the one before, with the moment it was seen.
    let mut pictures = vec![(begun.elapsed(), display.pixels()?)];
    while begun.elapsed() < WATCHED {
        let picture = display.pixels()?;
        if pictures.last().is_some_and(|(_, before)| *before != picture) {
            pictures.push((begun.elapsed(), picture));
        }
        sleep(LOOK_EVERY);
    }
    let memory = window.proportional_megabytes()?;
    let (_, last) = pictures.last().expect("the first picture is there");
    if likeness(last, &pictures[0].1) >= ALIKE {
        return Err(StepError::missing("the window never appeared", "Run `cargo xtask run` and see why."));
    }
    // The first moment from which every picture is like the last one; the last one itself is.
    let unlike = pictures.iter().rposition(|(_, picture)| likeness(picture, last) < ALIKE).unwrap_or(0);
    Ok((pictures[unlike + 1].0, memory))
}

/// Assay with its window on a display, ended when dropped.
pub struct Window {
    process: Child,
}

impl Window {
    pub fn open(assay: &Assay, display: &Display) -> Result<Self, StepError> {
        let inner = assay.command();
        // The session bus ends with it; what Assay needs from its environment is handed on.
        let mut command = Command::new("dbus-run-session");
        command.arg("--").arg(inner.get_program());
        for (name, value) in inner.get_envs() {
            command.env(name, value.expect("nothing is removed from the environment"));
        }
        let process = command
            .env("DISPLAY", &display.name)
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| StepError::NotInstalled {
                program: "dbus-run-session".to_owned(),
                remedy: "It comes with the system packages of `cargo xtask setup`, on Linux only.".to_owned(),
                source,
            })?;
        Ok(Self { process })
    }

    /// Assay's own process and all below it, the WebView's included; the bus is not Assay.
    pub fn processes(&self) -> Result<Vec<u32>, StepError> {
        let all = parents()?;
        let below = |of: u32| all.iter().filter(move |(_, parent, _)| *parent == of).map(|(id, _, name)| (*id, name));
        let mut found: Vec<u32> =
            below(self.process.id()).filter(|(_, name)| *name == "assay").map(|(id, _)| id).collect();
        let mut next = 0;
        while let Some(id) = found.get(next).copied() {
            found.extend(below(id).map(|(id, _)| id));
            next += 1;
        }
        Ok(found)
    }

    fn proportional_megabytes(&self) -> Result<f64, StepError> {
        let mut kilobytes = 0.0;
        for id in self.processes()? {
            let file = PathBuf::from(format!("/proc/{id}/smaps_rollup"));
            let text = fs::read_to_string(&file).map_err(StepError::file("read", file))?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
            kilobytes += line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0);
        }
        Ok(kilobytes / 1024.0)
    }

    /// Ends Assay's own process at once, as a crash or a power cut would.
    pub fn kill(self) -> Step {
        if let Some(id) = self.processes()?.first() {
            crate::process::run(Command::new("kill").args(["-KILL", &id.to_string()]))?;
        }
        Ok(())
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if let Ok(processes) = self.processes() {
            let ids: Vec<String> = processes.iter().map(u32::to_string).collect();
            if !ids.is_empty() {
                // Some of them may have ended meanwhile.
                crate::process::succeeds(Command::new("kill").arg("-KILL").args(ids));
            }
        }
        // The bus ends with what it was started for.
        let _ = self.process.wait();
    }
}

/// Every process with its parent and name.
fn parents() -> Result<Vec<(u32, u32, String)>, StepError> {
    let entries = fs::read_dir("/proc").map_err(StepError::file("read the folder", "/proc"))?;
    Ok(entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok())
        // A process may end while it is looked at.
        .filter_map(|id| parent(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?))
        .collect())
}

/// From a line such as `12 (a name) S 7 …`.
fn parent(id: u32, stat: &str) -> Option<(u32, u32, String)> {
    let (head, rest) = stat.rsplit_once(") ")?;
    let (_, name) = head.split_once('(')?;
    Some((id, rest.split(' ').nth(1)?.parse().ok()?, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_bracket_does_not_hide_the_parent() {
        assert_eq!(parent(12, "12 (a) b) S 7 1 1"), Some((12, 7, "a) b".to_owned())));
    }
}
