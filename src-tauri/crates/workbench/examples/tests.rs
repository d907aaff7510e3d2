//! Writes the generated tests that `cargo xtask bench templates` runs: for the processor, of every model type whose
//! parameters are known, and one for CUDA to plant a defect in.

use contract::Platform;
use std::{collections::BTreeMap, fs, path::PathBuf};
use workbench::{Kind, Library, Request, render};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: tests FOLDER")?);
    fs::create_dir_all(&folder)?;
    let known = models::transformers::all().iter().filter(|known| known.parameters.is_some());
    let asked = known.map(|known| (known.model_type.as_str(), Platform::Cpu)).chain([("bert", Platform::Cuda)]);
    for (model_type, platform) in asked {
        let request =
            Request { model_type: model_type.to_owned(), platform, kind: Kind::Test, variables: BTreeMap::new() };
        let rendered = render(Library::shipped(), &request)?;
        let name = rendered.path.rsplit('/').next().unwrap_or(&rendered.path);
        fs::write(folder.join(name), &rendered.text)?;
    }
    Ok(())
}
