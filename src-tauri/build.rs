//! Tauri's build step, and where the program looks for libduckdb when it starts.

use std::{env, fs, path::Path};
use tauri_build::{AppManifest, Attributes};

fn main() {
    prepare_dist(Path::new("ui/dist"));
    link_search();
    let attributes = Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*.json")
        .app_manifest(AppManifest::new().commands(&["ask", "listen"]));
    tauri_build::try_build(attributes).expect("tauri.conf.json, capabilities and icons are in order");
}

/// A check of the Rust code alone needs no window; a folder without one says so in the build's output.
fn prepare_dist(dist: &Path) {
    if !dist.join("index.html").is_file() {
        fs::create_dir_all(dist).expect("the repository can be written to");
        println!("cargo:warning=the window is not built: run `cargo xtask ui`");
    }
    println!("cargo:rerun-if-changed=ui/dist");
}

/// Beside the program, in an installed package, and (development only) where the build found it.
fn link_search() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    let (own_folder, installed) = match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux") => ("$ORIGIN/libraries/duckdb", "$ORIGIN/../lib/Assay/libraries/duckdb"),
        Ok("macos") => ("@executable_path/libraries/duckdb", "@executable_path/../Resources/libraries/duckdb"),
        _ => return,
    };
    for folder in [own_folder, installed] {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
    if env::var("PROFILE").as_deref() == Ok("debug")
        && let Ok(folder) = env::var("DUCKDB_LIB_DIR")
    {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
