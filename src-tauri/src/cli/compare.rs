//! `assay compare`: two settings measured in turn, and which of them is faster.

use super::{
    interrupt::on_interrupt,
    output::{Output, Stop, progress, tell_failure},
    reach::{Access, Reach, reach},
    wanted::Wanted,
};
use crate::{
    bench::{Bench, Order},
    catalogue::Listed,
    compare::{Progress, Terms, tails_of},
    place::Place,
};
use clap::{Args, CommandFactory, Parser};
use contract::*;
use engine::Control;
use serde::Serialize;
use std::path::PathBuf;
use store::Store;

/// Compare two settings by measuring them in turn.
///
/// Both are loaded and warm at once and asked for short blocks of calls, A B B A or B A A B, until it can be told which
/// is faster. What a side leaves out is as in `assay measure`; the model of B is that of A where it names none.
#[derive(Args)]
pub struct Compare {
    /// The first setting, as KEY=VALUE with the options of `assay measure` as keys: model=bert-tiny engine=candle
    /// precision=f16 batch=8 length=128 threads=1 libraries=FOLDER …
    #[arg(long, required = true, num_args = 1.., value_name = "KEY=VALUE")]
    a: Vec<String>,
    /// The second setting.
    #[arg(long, required = true, num_args = 1.., value_name = "KEY=VALUE")]
    b: Vec<String>,
    /// Differences up to this do not matter.
    #[arg(long, value_name = "PERCENT", default_value = "1%", value_parser = percent)]
    threshold: f64,
    /// How sure the interval must be, however often it is looked at.
    #[arg(long, value_name = "PERCENT", default_value = "99.5%", value_parser = percent)]
    confidence: f64,
    /// A percentile of the times that must keep a limit, such as p95 or p99; blocks are taken until it can be told of
    /// each side, too.
    #[arg(long, value_name = "pNN", requires = "limit_ms", value_parser = percentile)]
    percentile: Option<f64>,
    /// What that percentile may be at most.
    #[arg(long, value_name = "MS", requires = "percentile")]
    limit_ms: Option<f64>,
    /// Longest time for the blocks; they end as soon as it can be told.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    budget_secs: f64,
    /// Keep the comparison and both results in this store; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Print the whole comparison as one JSON document.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    sentence: Option<String>,
    advice: Option<String>,
    /// What the calls say of the limit on a percentile, where there is one.
    tails: Option<Tails>,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

impl Compare {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let terms = self.terms()?;
        let a = side("--a", &self.a, None)?;
        let b = side("--b", &self.b, Some(&a.model))?;
        let store = match self.store.as_deref().map(|path| reach(path, Access::Write)).transpose()? {
            Some(Reach::Running(_)) => {
                return Err(Failure::Store {
                    path: self.store.unwrap_or_default().display().to_string(),
                    reason: "Assay has it open, and its queue would disturb the comparison".into(),
                    remedy: "Close Assay, name another store, or compare in its window".into(),
                }
                .into());
            }
            Some(Reach::Here(store, claim)) => Some((store, claim)),
            None => None,
        };
        let comparison = measure(&a, &b, &terms, store.as_ref().map(|(store, _)| store))?;
        progress("");
        if self.json {
            let result = comparison.result.as_ref();
            let sentence = result.map(|result| result.sentence(&terms.rules));
            output.json(&Document {
                sentence,
                advice: result.and_then(PairedRatio::advice),
                tails: tails_of(&comparison),
                comparison: &comparison,
            })?;
        } else {
            output.lines(lines(&comparison))?;
        }
        failed(&comparison).map_or(Ok(()), Err)
    }

    fn terms(&self) -> Result<Terms, Failure> {
        let tail = self.percentile.zip(self.limit_ms).map(|(p, ms)| Percentile { p, ms });
        let rules = CompareRules { threshold: self.threshold, confidence: self.confidence, tail };
        let terms = Terms { rules, budget_secs: self.budget_secs, earlier: None };
        terms.check(["--threshold", "--confidence", "--percentile", "--budget-secs"])?;
        Ok(terms)
    }
}

/// One side's keys and values, read as the options of `assay measure` are.
#[derive(Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct Keys {
    #[command(flatten)]
    wanted: Wanted,
}

fn side(option: &str, words: &[String], model: Option<&str>) -> Result<Wanted, Failure> {
    let mut pairs = pairs(option, &words.join(" "))?;
    if let Some(model) = model.filter(|_| !pairs.iter().any(|(key, _)| key == "model")) {
        pairs.push(("model".to_owned(), model.to_owned()));
    }
    let command = Keys::command();
    let known: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
    let aliases = command.get_arguments().filter_map(clap::Arg::get_all_aliases).flatten();
    let allowed: Vec<&str> = known.iter().copied().chain(aliases).collect();
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !allowed.contains(&key.as_str())) {
        return Err(Failure::bad_input(option, format!("{key} is no part of a setting"))
            .remedy(format!("Choose from {}", known.join(", "))));
    }
    let options = pairs.iter().map(|(key, value)| format!("--{key}={value}"));
    Keys::try_parse_from(options).map(|keys| keys.wanted).map_err(|error| {
        let told = error.to_string();
        let reason = told.lines().next().unwrap_or_default();
        Failure::bad_input(option, reason.strip_prefix("error: ").unwrap_or(reason))
    })
}

/// KEY=VALUE, parted by blanks or commas. A blank or comma that no further KEY= follows belongs to the value, as in the
/// name of a file.
fn pairs(option: &str, text: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for word in text.split_inclusive([' ', ',']) {
        let key = word.split_once('=').filter(|(key, _)| {
            // The value of a dimension is itself NAME=VALUE, and stands right behind its key.
            !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_'))
        });
        match (key, pairs.last_mut()) {
            (Some((key, value)), _) => pairs.push((key.replace('_', "-"), value.to_owned())),
            (None, Some((_, value))) => value.push_str(word),
            (None, None) if word.trim_matches([' ', ',']).is_empty() => {}
            (None, None) => {
                let word = word.trim_end_matches([' ', ',']);
                return Err(Failure::bad_input(option, format!("{word} is not KEY=VALUE"))
                    .remedy("Write it as model=bert-tiny engine=candle"));
            }
        }
    }
    for (_, value) in &mut pairs {
        value.truncate(value.trim_end_matches([' ', ',']).len());
    }
    Ok(pairs)
}

fn measure(a: &Wanted, b: &Wanted, terms: &Terms, store: Option<&Store>) -> Result<Comparison, Failure> {
    let control = Control::default();
    let cancel = control.clone();
    on_interrupt(move || cancel.cancel())?;
    let place = Place::find()?;
    let settings = store.map(Store::settings).transpose()?.unwrap_or_default();
    let machine_a = machine(a, &place, store)?;
    let machine_b = if a.libraries == b.libraries { machine_a.clone() } else { machine(b, &place, store)? };
    let (model_a, model_b) = (a.open()?, b.open()?);
    let setting = |wanted: &Wanted, model: &Listed, machine: &Machine| {
        let target = wanted.target(machine)?;
        Ok::<_, Failure>(model.spelt_out(wanted.setting(&model.info, target, terms.budget_secs)?))
    };
    let setting_a = setting(a, &model_a, &machine_a)?;
    let setting_b = setting(b, &model_b, &machine_b)?;
    let run = || RunId(uuid::Uuid::now_v7().to_string());
    let order_a = Order { run: run(), setting: &setting_a, model: &model_a, machine: &machine_a, settings: &settings };
    let order_b = Order { run: run(), setting: &setting_b, model: &model_b, machine: &machine_b, settings: &settings };
    let comparison = Bench::at(&place)?.compare([&order_a, &order_b], terms, &control, &mut |told| show(&told));
    if control.is_cancelled() {
        return Err(Failure::Cancelled);
    }
    if let Some(store) = store {
        store.insert_comparison(&comparison)?;
    }
    Ok(comparison)
}

/// The machine as one side sees it. One with libraries of its own is not the machine that the window should show.
fn machine(wanted: &Wanted, place: &Place, store: Option<&Store>) -> Result<Machine, Failure> {
    let mut machine = wanted.scan(place)?;
    if let Some(store) = store {
        machine.peaks = store.peaks(&machine.id)?;
        if wanted.libraries.is_none() {
            store.save_machine(&machine)?;
        }
    }
    Ok(machine)
}

fn show(told: &Progress) {
    match told {
        Progress::Live(side, live) => {
            progress(&format!("{}: {:>6.1} s  {}", side.label(), live.elapsed_secs, live.phase.label()));
        }
        Progress::NotCounted(told) => progress(told),
        Progress::Rounds(rounds, PairedRatio { ratio, interval, .. }, _) => {
            let between = match interval {
                Some(RatioInterval { low, high }) => format!(", between {low:.3} and {high:.3}"),
                None => String::new(),
            };
            let secs = rounds.last().map_or(0.0, |round| round.ended_secs);
            progress(&format!("{secs:>6.1} s  {} rounds, B takes {ratio:.3} of A's time{between}", rounds.len()));
        }
    }
}

fn lines(comparison: &Comparison) -> Vec<String> {
    let mut lines: Vec<String> = Side::BOTH.iter().flat_map(|side| of_side(*side, comparison.side(*side))).collect();
    if let Some(result) = &comparison.result {
        lines.push(result.sentence(&comparison.rules));
        lines.extend(result.advice());
        if let (Some(limit), Some(tails)) = (comparison.rules.tail, tails_of(comparison)) {
            lines.extend(Side::BOTH.map(|side| tails.side(side).sentence(side, limit)));
        }
        let secs = comparison.rounds.last().map_or(0.0, |round| round.ended_secs);
        lines.push(format!(
            "  {} rounds of four blocks in {secs:.1} s, interval at {} %",
            result.rounds,
            comparison.rules.confidence * 100.0
        ));
    }
    lines
}

fn of_side(side: Side, run: &Run) -> Vec<String> {
    let threads = run.effective.threads.map_or(String::new(), |threads| format!(", {threads} threads"));
    let mut lines = vec![format!(
        "{}  {} on {} {}, {}, {}, {}{threads}",
        side.label(),
        run.model.name,
        run.setting.engine,
        run.effective.engine_version,
        run.effective.device_name,
        run.ran(),
        run.fed().words().join(", ")
    )];
    if let Some(timing) = &run.timing {
        lines.push(format!("   median {:.3} ms, {} samples", timing.median_ms, timing.samples));
    }
    lines.extend(run.withheld().map(|reason| format!("   not ranked: {reason}")));
    lines.extend(run.flags.iter().filter(|flag| !flag.withholds()).map(|flag| format!("   note: {}", flag.reason())));
    lines
}

/// Says why a side could not go on; the other one then ended with it.
fn failed(comparison: &Comparison) -> Option<Stop> {
    let mut stop = None;
    for side in Side::BOTH {
        if let Outcome::Failed { phase, kind, message, remedy } = &comparison.side(side).outcome
            && *kind != FailureKind::Cancelled
        {
            tell_failure(side.label(), *phase, message, remedy.as_deref());
            stop = Some(Stop::Told);
        }
    }
    stop
}

/// A share from "p95".
fn percentile(text: &str) -> Result<f64, String> {
    let number = text.strip_prefix('p').and_then(|number| number.parse::<f64>().ok());
    number.map(|percent| percent / 100.0).ok_or_else(|| format!("{text} is not a percentile such as p95"))
}

/// A share from "1%" or "1".
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim();
    number.parse::<f64>().map(|percent| percent / 100.0).map_err(|_| format!("{text} is not a percentage"))
}
