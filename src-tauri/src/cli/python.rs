//! `assay python`: the environment that generated files are run in.

use super::{
    interrupt::interruption,
    output::{Output, Stop, progress},
};
use crate::{place::Place, python::Environment};
use clap::{Args, Subcommand};
use contract::{PythonEnvironment, PythonPlan, PythonState};

/// Make, show or remove the Python environment that generated files are run in.
#[derive(Args)]
pub struct Python {
    /// Print the result as one JSON document.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Say where it is, what is in it, and how large it is.
    Show,
    /// Say what making it would download, without making it.
    Plan {
        /// Another package index; https://download.pytorch.org/whl/cpu has PyTorch without CUDA.
        #[arg(long, value_name = "URL", default_value = "")]
        index: String,
    },
    /// Make it anew with a Python that is installed here.
    Make {
        /// Another package index; https://download.pytorch.org/whl/cpu has PyTorch without CUDA.
        #[arg(long, value_name = "URL", default_value = "")]
        index: String,
    },
    /// Remove all of it.
    Remove,
}

impl Python {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let place = Place::find()?;
        let environment = Environment::at(place.python());
        match self.act {
            Act::Show => self.show(&environment, output),
            Act::Plan { ref index } => {
                let plan = environment.plan(&place.trials(), index, &*interruption()?)?;
                if self.json { output.json(&plan) } else { output.lines(planned(&plan)) }
            }
            Act::Make { ref index } => {
                let made = environment.make(index, &*interruption()?, &mut |line| progress(line));
                progress("");
                made?;
                self.show(&environment, output)
            }
            Act::Remove => Ok(environment.remove()?),
        }
    }

    fn show(&self, environment: &Environment, output: &mut Output) -> Result<(), Stop> {
        let folder = environment.folder().display().to_string();
        let state = environment.state();
        if self.json {
            return output.json(&PythonEnvironment { folder, state });
        }
        output.line(match state {
            PythonState::Absent => format!("There is none in {folder} yet; `assay python make` makes it."),
            PythonState::Making => format!("It is being made in {folder}."),
            PythonState::Broken { reason } => format!("{folder} does not work: {reason}."),
            PythonState::Ready { python, packages, bytes } => {
                let version = |name: &str| packages.get(name).map_or("missing", String::as_str);
                format!(
                    "Python {python} with torch {} and transformers {}, {} MB in {folder}",
                    version("torch"),
                    version("transformers"),
                    bytes / 1_000_000,
                )
            }
        })
    }
}

fn planned(plan: &PythonPlan) -> Vec<String> {
    let size = |bytes: Option<u64>| bytes.map_or("size unknown".to_owned(), |bytes| format!("{} kB", bytes / 1000));
    let packages = plan.packages.iter().map(|one| format!("{} {}, {}", one.name, one.version, size(one.bytes)));
    let total = format!(
        "{} MB to download into {}, which has {} MB free; made with {}",
        plan.download_bytes / 1_000_000,
        plan.folder,
        plan.free_bytes / 1_000_000,
        plan.python,
    );
    packages.chain([total]).collect()
}
