//! What a template is for.

use contract::Platform;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Does this model work right on this hardware?
    Test,
    /// A module that others import to run the model.
    Skill,
    /// A measured run whose result comes back into Assay.
    Benchmark,
    /// A plan that Assay's own launcher runs.
    Suite,
    /// Only ever extended by others.
    Base,
    /// Only ever imported by others.
    Macros,
}

impl Kind {
    /// Those that make a file.
    pub const GENERATED: [Self; 4] = [Self::Test, Self::Skill, Self::Benchmark, Self::Suite];

    pub fn key(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Skill => "skill",
            Self::Benchmark => "benchmark",
            Self::Suite => "suite",
            Self::Base => "base",
            Self::Macros => "macros",
        }
    }

    pub fn label(self) -> &'static str {
        self.key()
    }

    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Test, Self::Skill, Self::Benchmark, Self::Suite, Self::Base, Self::Macros]
            .into_iter()
            .find(|kind| kind.key() == key)
    }

    /// Whether it makes Python.
    pub fn is_python(self) -> bool {
        matches!(self, Self::Test | Self::Skill | Self::Benchmark)
    }

    /// Where a generated file lies below the output folder. Names differ between platforms and are importable, so that
    /// pytest takes any selection of them at once.
    pub fn path(self, module: &str, platform: Platform) -> String {
        let platform = platform.key();
        match self {
            Self::Test => format!("tests/test_{module}_{platform}.py"),
            Self::Skill => format!("skills/{module}_{platform}.py"),
            Self::Benchmark => format!("benchmarks/bench_{module}_{platform}.py"),
            Self::Suite => format!("suites/{module}_{platform}.json"),
            Self::Base | Self::Macros => format!("{module}_{platform}"),
        }
    }
}
