//! The import library that the Microsoft linker wants for DuckDB: the npm package holds the DLL alone.

use std::path::Path;

use crate::error::Step;

#[cfg(not(windows))]
pub fn write(_duckdb: &Path) -> Step {
    Ok(())
}

/// Writes `duckdb.lib` from the names that `duckdb.dll` exports.
#[cfg(windows)]
pub fn write(duckdb: &Path) -> Step {
    use std::fs;

    use implib::{Flavor, ImportLibrary, MachineType};
    use object::{Object, read::pe::PeFile64};

    use crate::error::StepError;

    let dll = duckdb.join("duckdb.dll");
    let bytes = fs::read(&dll).map_err(StepError::file("read", &dll))?;
    let unreadable = |reason: String| {
        StepError::missing(
            format!("duckdb.dll cannot be read: {reason}"),
            "Remove the cache folder, and run this again.",
        )
    };
    let exports = PeFile64::parse(bytes.as_slice())
        .and_then(|file| file.exports())
        .map_err(|error| unreadable(error.to_string()))?;
    let mut definition = "LIBRARY duckdb.dll\nEXPORTS\n".to_owned();
    for export in exports {
        definition.push_str(&String::from_utf8_lossy(export.name()));
        definition.push('\n');
    }
    let machine = if cfg!(target_arch = "aarch64") { MachineType::ARM64 } else { MachineType::AMD64 };
    let library =
        ImportLibrary::new(&definition, machine, Flavor::Msvc).map_err(|error| unreadable(error.to_string()))?;
    let path = duckdb.join("duckdb.lib");
    let mut file = fs::File::create(&path).map_err(StepError::file("write", &path))?;
    library.write_to(&mut file).map_err(StepError::file("write", &path))
}
