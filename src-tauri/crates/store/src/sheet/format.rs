//! Which format a path asks for.

use crate::{Result, StoreError};
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    Csv,
    CsvGz,
    Parquet,
}

impl Format {
    pub fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        if name.ends_with(".csv") {
            Ok(Self::Csv)
        } else if name.ends_with(".csv.gz") {
            Ok(Self::CsvGz)
        } else if name.ends_with(".parquet") {
            Ok(Self::Parquet)
        } else {
            Err(StoreError::Table {
                path: path.to_owned(),
                place: None,
                reason: "its name tells no format Assay knows".into(),
                remedy: Some("Name it .csv, .csv.gz or .parquet".into()),
            })
        }
    }
}
