//! The figures as Markdown, on the console and in docs/forecast.md.

use std::{fmt, fmt::Write, fs, path::Path};

use insight::forecast::Baseline;

use super::{
    Scores,
    score::{Choice, Memory, Score},
    split::Kind,
};
use crate::error::{Step, StepError};

pub struct Table {
    pub name: String,
    pub rows: usize,
    pub copies: usize,
    pub figures: Vec<Figures>,
    /// To learn from all rows.
    pub seconds: f64,
}

/// Of one kind of split.
pub struct Figures {
    pub kind: Kind,
    pub scores: Scores,
}

pub const HEADER: &str = "\
| split | asked | abstained | median error | within 15 % | covered | half-width | memory within 15 % | choice within 5 % | regret (usual winner) | family mean | nearest | roofline | boosting |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

/// The document's part up to here is written by hand.
const FIGURES: &str = "## Figures\n";

pub fn title(name: &str, rows: usize, copies: usize) -> String {
    let dropped = if copies > 0 { format!(", {copies} copies dropped") } else { String::new() };
    format!("### {name} ({rows} rows{dropped})\n")
}

pub fn learning(seconds: f64, rows: usize) -> String {
    format!("\nLearning from its {rows} rows took {seconds:.1} s.")
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, own) = &self.scores[0];
        let mean = |of: &dyn Fn(&Score) -> Option<f64>, digits: usize| average(own, of, digits);
        let asked: usize = own.iter().map(|score| score.asked).sum();
        let memory = |of: fn(&Memory) -> f64| move |score: &Score| score.memory.as_ref().map(of);
        let choice = |of: fn(&Choice) -> f64| move |score: &Score| score.choice.as_ref().map(of);
        write!(
            f,
            "| {} | {asked} | {} | {} | {} | {} | {} | {} | {} | {} ({}) |",
            self.kind.name(),
            mean(&|score| Some(score.abstained), 1),
            mean(&|score| Some(score.median_error), 1),
            mean(&|score| Some(score.within_15), 1),
            mean(&|score| Some(score.covered), 1),
            mean(&|score| Some(score.half_width), 1),
            mean(&memory(|memory| memory.within_15), 1),
            mean(&choice(|choice| choice.near), 1),
            mean(&choice(|choice| choice.regret), 2),
            mean(&choice(|choice| choice.usual_regret), 2),
        )?;
        Baseline::ALL.into_iter().try_for_each(|baseline| {
            let of = self.scores.iter().find(|(who, _)| *who == Some(baseline)).map(|(_, scores)| scores);
            write!(f, " {} |", average(of.map_or(&[], Vec::as_slice), &|score| Some(score.within_15), 1))
        })
    }
}

fn average(scores: &[Score], of: &dyn Fn(&Score) -> Option<f64>, digits: usize) -> String {
    let values: Vec<f64> = scores.iter().filter_map(of).collect();
    if values.is_empty() {
        return "–".into();
    }
    format!("{:.digits$}", values.iter().sum::<f64>() / values.len() as f64)
}

/// Writes the figures anew, below what the document says by hand.
pub fn write(path: &Path, seeds: &[u64], tables: &[Table]) -> Step {
    let document = fs::read_to_string(path).map_err(StepError::file("read", path))?;
    let by_hand = document.split(FIGURES).next().unwrap_or_default();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let mut text = format!("{by_hand}{FIGURES}\nMeans over the splits of the seeds {}.\n", seeds.join(", "));
    for Table { name, rows, copies, figures, seconds } in tables {
        let _ = write!(text, "\n{}\n{HEADER}\n", title(name, *rows, *copies));
        for own in figures {
            let _ = writeln!(text, "{own}");
        }
        let _ = writeln!(text, "{}", learning(*seconds, *rows));
    }
    fs::write(path, text).map_err(StepError::file("write", path))
}
