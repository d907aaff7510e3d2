//! A compiler for the window: rustup's wasm32 target, or Debian's packaged toolchain where rustup cannot get it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    doing, done,
    system_packages::{absent, apt_install},
};
use crate::{
    cargo::{cargo, set_environment},
    error::{Step, StepError},
    places::Places,
    process::{output, run},
};

pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's rustc with the standard library's source, to build that for wasm along with the window.
const PACKAGED: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];
const PACKAGED_RUSTC: &str = "/usr/bin/rustc";
const PACKAGED_CARGO: &str = "/usr/bin/cargo";

/// What compiles the window on this machine.
#[derive(Debug, PartialEq, Eq)]
pub enum Compiler {
    /// The compiler of everything else, with its wasm32 target.
    Usual,
    /// Debian's compiler, which builds the standard library itself.
    Packaged,
}

pub fn install(_places: &Places) -> Step {
    if compiler()?.is_some() {
        done("the wasm32 target");
        return Ok(());
    }
    doing("add the wasm32 target", "the window is Rust in a WebView");
    let by_rustup = run(Command::new("rustup").args(["target", "add", TARGET]));
    if by_rustup.is_err() {
        if !Path::new("/usr/bin/apt-get").exists() {
            return Err(StepError::missing(
                "rustup could not add the wasm32 target",
                format!("Run `rustup target add {TARGET}` with a network connection, and run this again."),
            ));
        }
        doing("install Debian's Rust for the web", "rustup could not add the target");
        apt_install(&absent(PACKAGED)?)?;
    }
    match compiler()? {
        Some(_) => Ok(()),
        None => Err(StepError::missing(
            "there is no compiler for wasm32 yet",
            format!("Run `rustup target add {TARGET}`, and run this again."),
        )),
    }
}

/// The compiler that is there, rustup's first.
pub fn compiler() -> Result<Option<Compiler>, StepError> {
    let library = sysroot("rustc")?.join("lib/rustlib").join(TARGET).join("lib");
    if holds_core(&library) {
        return Ok(Some(Compiler::Usual));
    }
    if Path::new(PACKAGED_CARGO).exists()
        && Path::new(PACKAGED_RUSTC).exists()
        && sysroot(PACKAGED_RUSTC)?.join("lib/rustlib/src/rust/library/std").exists()
    {
        return Ok(Some(Compiler::Packaged));
    }
    Ok(None)
}

/// `cargo <subcommand> --target wasm32…`, with the compiler that is there.
pub fn cargo_for_wasm(places: &Places, subcommand: &str) -> Result<Command, StepError> {
    let mut command = match compiler()? {
        Some(Compiler::Usual) => {
            let mut command = cargo(places);
            command.arg(subcommand);
            command
        }
        Some(Compiler::Packaged) => {
            let mut command = Command::new(PACKAGED_CARGO);
            command.current_dir(&places.root).arg(subcommand).arg("-Zbuild-std=std,panic_abort");
            set_environment(&mut command, places);
            // Another compiler's artefacts do not mix with the usual ones.
            command
                .env("CARGO_TARGET_DIR", places.target.join("packaged"))
                .env("RUSTC", PACKAGED_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", rust_lld()?);
            command
        }
        None => return Err(StepError::missing("there is no compiler for wasm32", "Run `cargo xtask setup`.")),
    };
    command.args(["--target", TARGET]);
    Ok(command)
}

/// Where `cargo_for_wasm` puts what it built with one profile.
pub fn built_folder(places: &Places, profile: &str) -> Result<PathBuf, StepError> {
    let target = match compiler()? {
        Some(Compiler::Packaged) => places.target.join("packaged"),
        _ => places.target.clone(),
    };
    Ok(target.join(TARGET).join(profile))
}

/// Where a compiler keeps its own libraries and programs.
pub fn sysroot(rustc: &str) -> Result<PathBuf, StepError> {
    Ok(PathBuf::from(output(Command::new(rustc).args(["--print", "sysroot"]))?.trim()))
}

fn holds_core(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.filter_map(Result::ok).any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    })
}

/// rustup's linker: Debian's own wasm-ld is too old for this compiler.
fn rust_lld() -> Result<PathBuf, StepError> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    Ok(sysroot("rustc")?.join("lib/rustlib").join(host).join("bin/rust-lld"))
}
