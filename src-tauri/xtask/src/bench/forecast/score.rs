//! The scores of `score_forecast.py`, in its words and digits.

use std::{collections::HashMap, fmt};

use insight::{forecast::Interval, table::Measurement};

use super::split::Split;
use crate::bench::ratio::median;

/// What was answered to a row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer {
    pub latency_ms: Option<Interval>,
    pub peak_memory_mb: Option<f64>,
}

/// Shares are of those answered, in percent.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    pub asked: usize,
    pub abstained: f64,
    pub median_error: f64,
    pub within_15: f64,
    pub covered: f64,
    pub half_width: f64,
    pub memory: Option<Memory>,
    pub choice: Option<Choice>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    pub within_15: f64,
    pub count: usize,
}

/// Hardware chosen for each piece of work that was measured on several, against the best of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub exact: f64,
    /// Within 5 % of the best.
    pub near: f64,
    pub regret: f64,
    /// Of always taking the hardware that is usually the best.
    pub usual_regret: f64,
    pub count: usize,
}

const NEAR: f64 = 0.15;
const NEAR_THE_BEST: f64 = 0.05;

/// `None` where nothing was answered.
pub fn score(rows: &[&Measurement], split: &Split, answers: &[Answer]) -> Option<Score> {
    let asked = || split.asked.iter().map(|at| rows[*at]).zip(answers);
    let answered: Vec<(f64, Interval)> =
        asked().filter_map(|(row, answer)| Some((time(row), answer.latency_ms?))).collect();
    if answered.is_empty() {
        return None;
    }
    let errors: Vec<f64> = answered.iter().map(|(truth, time)| (time.value / truth - 1.0).abs()).collect();
    let widths = answered.iter().map(|(_, time)| (time.high / time.low).sqrt() - 1.0);
    let memories: Vec<bool> = asked()
        .filter_map(|(row, answer)| Some((row.peak_memory_mb?, answer.peak_memory_mb?)))
        .map(|(truth, answer)| (answer / truth - 1.0).abs() <= NEAR)
        .collect();
    Some(Score {
        asked: answers.len(),
        abstained: percent(asked().map(|(_, answer)| answer.latency_ms.is_none())),
        median_error: 100.0 * median(errors.clone()),
        within_15: percent(errors.iter().map(|error| *error <= NEAR)),
        covered: percent(answered.iter().map(|(truth, time)| time.low <= *truth && *truth <= time.high)),
        half_width: 100.0 * median(widths.collect()),
        memory: (!memories.is_empty())
            .then(|| Memory { within_15: percent(memories.iter().copied()), count: memories.len() }),
        choice: choice(rows, split, answers),
    })
}

fn percent(hits: impl Iterator<Item = bool>) -> f64 {
    let (count, hit) = hits.fold((0_usize, 0_usize), |(count, hit), own| (count + 1, hit + usize::from(own)));
    100.0 * hit as f64 / count as f64
}

fn time(row: &Measurement) -> f64 {
    row.latency_ms.expect("a table of known times has one in each row")
}

/// Times by hardware and runtime, in the order met: of equals the first is chosen.
type Times<'a> = Vec<((&'a str, &'a str), f64)>;

fn keep_least<'a>(times: &mut Times<'a>, row: &'a Measurement, time: f64) {
    let own = (row.hardware.as_str(), row.runtime.as_str());
    match times.iter_mut().find(|(place, _)| *place == own) {
        Some((_, least)) => *least = least.min(time),
        None => times.push((own, time)),
    }
}

fn least<'a>(times: &Times<'a>, of: impl Fn((&'a str, &'a str), f64) -> f64) -> Option<(&'a str, &'a str)> {
    times
        .iter()
        .map(|(place, time)| (*place, of(*place, *time)))
        .reduce(|a, b| if b.1 < a.1 { b } else { a })
        .map(|(place, _)| place)
}

fn choice(rows: &[&Measurement], split: &Split, answers: &[Answer]) -> Option<Choice> {
    let bits = |value: Option<f64>| value.map(f64::to_bits);
    let mut works: HashMap<_, usize> = HashMap::new();
    let (mut truth, mut seen): (Vec<Times>, Vec<Times>) = (Vec::new(), Vec::new());
    let mut touched = Vec::new();
    let asked = split.asked.iter().zip(answers).map(|(at, answer)| (at, Some(answer)));
    for (at, answer) in split.known.iter().map(|at| (at, None)).chain(asked) {
        let row = rows[*at];
        let names = (&row.model, &row.mode, &row.precision);
        let work =
            *works.entry((names, [row.batch, row.size, row.devices, row.threads].map(bits))).or_insert_with(|| {
                truth.push(Vec::new());
                seen.push(Vec::new());
                truth.len() - 1
            });
        keep_least(&mut truth[work], row, time(row));
        match answer {
            None => keep_least(&mut seen[work], row, time(row)),
            Some(answer) => {
                touched.push(work);
                if let Some(time) = answer.latency_ms {
                    keep_least(&mut seen[work], row, time.value);
                }
            }
        }
    }
    touched.sort_unstable();
    touched.dedup();
    let of = |times: &Times, place: (&str, &str)| times.iter().find(|(own, _)| *own == place).map(|(_, time)| *time);
    let mut ranks: HashMap<(&str, &str), Vec<f64>> = HashMap::new();
    for (truth, seen) in truth.iter().zip(&seen) {
        let measured: Times = seen.iter().filter(|(place, time)| of(truth, *place) == Some(*time)).copied().collect();
        let best = measured.iter().map(|(_, time)| *time).fold(f64::INFINITY, f64::min);
        for (place, time) in measured {
            ranks.entry(place).or_default().push(time / best);
        }
    }
    let usual: HashMap<(&str, &str), f64> = ranks.into_iter().map(|(place, ranks)| (place, median(ranks))).collect();
    let (mut regrets, mut usual_regrets) = (Vec::new(), Vec::new());
    for work in touched {
        let (truth, seen) = (&truth[work], &seen[work]);
        let Some(chosen) = least(seen, |_, time| time).filter(|_| truth.len() > 1) else { continue };
        let best = truth.iter().map(|(_, time)| *time).fold(f64::INFINITY, f64::min);
        let regret = |place| of(truth, place).expect("what is seen was measured") / best - 1.0;
        regrets.push(regret(chosen));
        let usual = least(truth, |place, _| usual.get(&place).copied().unwrap_or(f64::INFINITY));
        usual_regrets.push(regret(usual.expect("more than one was measured")));
    }
    let mean = |values: &[f64]| 100.0 * values.iter().sum::<f64>() / values.len() as f64;
    (!regrets.is_empty()).then(|| Choice {
        exact: percent(regrets.iter().map(|regret| *regret == 0.0)),
        near: percent(regrets.iter().map(|regret| *regret <= NEAR_THE_BEST)),
        regret: mean(&regrets),
        usual_regret: mean(&usual_regrets),
        count: regrets.len(),
    })
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "asked {}  abstained {:.1} %", self.asked, self.abstained)?;
        writeln!(f, "median error {:.1} %", self.median_error)?;
        writeln!(f, "within 15 % {:.1} %", self.within_15)?;
        writeln!(f, "90 % interval covers {:.1} %", self.covered)?;
        writeln!(f, "median half-width {:.1} %", self.half_width)?;
        if let Some(Memory { within_15, count }) = &self.memory {
            writeln!(f, "memory within 15 % {within_15:.1} %  of {count}")?;
        }
        if let Some(Choice { exact, near, regret, usual_regret, count }) = &self.choice {
            writeln!(
                f,
                "hardware choice: exact {exact:.1} %  within 5 % of the best {near:.1} %  mean regret {regret:.2} %  \
                 (always the usual winner: {usual_regret:.2} %)  over {count} choices"
            )?;
        }
        Ok(())
    }
}
