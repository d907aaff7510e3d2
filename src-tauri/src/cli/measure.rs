//! `assay measure`: one measurement, here or by the Assay that has the store open.

use super::{
    interrupt::on_interrupt,
    named::{AtSizes, preset},
    output::{Output, Stop, progress, tell_failure},
    reach::{Access, Reach, absolute, reach},
    wanted::{Texts, Wanted},
};
use crate::{
    bench::{Bench, Order},
    instance::Doorbell,
    place::Place,
    queue::run_of,
};
use clap::Args;
use contract::*;
use engine::Control;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use store::Store;

/// Measure one model on one engine.
#[derive(Args)]
pub struct Measure {
    #[command(flatten)]
    wanted: Wanted,
    /// Longest time for the warm samples.
    #[arg(long, value_name = "SECONDS", default_value_t = Settings::default().budget_secs)]
    budget_secs: f64,
    /// Keep the result in this store; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Print the whole result as one JSON document.
    #[arg(long)]
    pub json: bool,
}

impl Measure {
    /// One measurement of a suite, neither kept nor printed as JSON.
    pub fn of_suite(suite: &Suite, config: &Path, target: &Target, (precision, batch): (Precision, u32)) -> Self {
        Self {
            wanted: Wanted {
                model: config.display().to_string(),
                engine: Some(target.engine.0.clone()),
                device: Some(target.device.0.clone()),
                precision: Some(precision),
                at: AtSizes { batch, length: None, dims: Vec::new() },
                texts: Texts { mode: suite.mode, prompt: None, output: None },
                threads: None,
                seed: suite.seed,
                libraries: None,
            },
            budget_secs: suite.budget_secs,
            store: None,
            json: false,
        }
    }

    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        self.run_on(None, output)
    }

    /// On the machine as it was last seen; looks at it first where it was not.
    pub fn run_on(self, machine: Option<&Machine>, output: &mut Output) -> Result<(), Stop> {
        if !(0.1..=3600.0).contains(&self.budget_secs) {
            return Err(Failure::bad_input("--budget-secs", "it must lie between 0.1 and 3600").into());
        }
        let reached = self.store.as_deref().map(|path| reach(path, Access::Write)).transpose()?;
        let run = match reached {
            Some(Reach::Running(running)) => self.through(&running)?,
            Some(Reach::Here(store, _claim)) => self.here(machine, Some(&store))?,
            None => self.here(machine, None)?,
        };
        progress("");
        if self.json {
            output.json(&Printed::of(&run))?;
        } else {
            output.lines(lines(&run))?;
        }
        match &run.outcome {
            Outcome::Done => Ok(()),
            Outcome::Failed { kind: FailureKind::Cancelled, .. } => Err(Failure::Cancelled.into()),
            Outcome::Failed { phase, message, remedy, .. } => {
                tell_failure(&self.wanted.model, *phase, message, remedy.as_deref());
                Err(Stop::Told)
            }
        }
    }

    /// With a worker of our own.
    fn here(&self, machine: Option<&Machine>, store: Option<&Store>) -> Result<Run, Failure> {
        let control = Control::default();
        let cancel = control.clone();
        on_interrupt(move || cancel.cancel())?;

        let model = self.wanted.open()?;
        let place = Place::find()?;
        let mut machine = match machine {
            Some(seen) => seen.clone(),
            None => self.wanted.scan(&place)?,
        };
        let settings = store.map(Store::settings).transpose()?.unwrap_or_default();
        if let Some(store) = store {
            machine.peaks = store.peaks(&machine.id)?;
            store.save_machine(&machine)?;
        }
        let setting =
            model.spelt_out(self.wanted.setting(&model.info, self.wanted.target(&machine)?, self.budget_secs)?);
        let run = RunId(uuid::Uuid::now_v7().to_string());
        let order = Order { run, setting: &setting, model: &model, machine: &machine, settings: &settings };
        let run = Bench::at(&place)?.measure(&order, &control, &mut |live| show(&live));
        let cancelled = matches!(run.outcome, Outcome::Failed { kind: FailureKind::Cancelled, .. });
        if let Some(store) = store.filter(|_| !cancelled) {
            store.insert_run(&run)?;
        }
        Ok(run)
    }

    /// As a job in the queue of the running Assay.
    fn through(&self, running: &Doorbell) -> Result<Run, Failure> {
        let wanted = &self.wanted;
        if let Some(folder) = &wanted.libraries {
            return Err(Failure::bad_input(folder.display().to_string(), "the running Assay has libraries of its own")
                .remedy("Close Assay, or name another store"));
        }
        if running.ask(GetQueue {})?.paused {
            return Err(paused());
        }
        let model = match preset(&wanted.model) {
            Some(preset) => preset.info().clone(),
            None => running.ask(AddModel { path: absolute(Path::new(&wanted.model))?.display().to_string() })?,
        };
        let setting = wanted.setting(&model, wanted.target(&running.ask(GetMachine {})?)?, self.budget_secs)?;
        let jobs = running.ask(StartPlan { plan: plan_of(&setting) })?;
        let job = Arc::new(jobs.into_iter().next().expect("a plan of one setting makes one job"));
        let before = running.ask(GetQueue {})?.jobs.iter().position(|queued| queued.id == *job).unwrap_or(0);
        eprintln!("assay: Assay has this store open and measures there; {before} measurements come first");

        let (bell, cancelled) = (running.clone(), job.clone());
        // A job that has just ended cannot be cancelled, which is as good.
        on_interrupt(move || drop(bell.ask(CancelJob { id: (*cancelled).clone() })))?;
        loop {
            let queue = running.ask(GetQueue {})?;
            let Some(queued) = queue.jobs.iter().find(|queued| queued.id == *job) else { break };
            if queue.paused && queued.state == JobState::Waiting {
                // Left there, it would be measured some day when nobody waits for it.
                drop(running.ask(CancelJob { id: (*job).clone() }));
                return Err(paused());
            }
            if let Some(live) = running.ask(GetLive {})?.filter(|live| live.job == *job) {
                show(&live);
            }
            thread::sleep(Duration::from_millis(100));
        }
        match running.ask(GetRun { id: run_of(&job) }) {
            Err(Failure::NotFound { .. }) => Err(Failure::Cancelled),
            run => run,
        }
    }
}

/// Why a job of the running Assay would wait for ever.
fn paused() -> Failure {
    Failure::Missing {
        what: "The queue of the Assay that has this store open".into(),
        reason: "it is paused".into(),
        remedy: "Press Resume there, or choose another --store".into(),
    }
}

fn plan_of(setting: &Setting) -> Plan {
    Plan {
        models: vec![setting.model.clone()],
        targets: vec![TargetChoice { engine: setting.engine.clone(), device: setting.device.clone() }],
        precisions: vec![setting.precision],
        mode: setting.mode,
        batches: vec![setting.batch],
        sizes: setting.size.map(|size| (setting.model.clone(), vec![size])).into_iter().collect(),
        dims: setting.dims.clone(),
        padding: Default::default(),
        threads: setting.threads.into_iter().collect(),
        seed: setting.seed,
        budget_secs: setting.budget_secs,
    }
}

fn show(live: &Live) {
    let figure = match live.median_ms {
        Some(median) if live.generating.is_some() => {
            let generating = live.generating.unwrap_or_default();
            let rate = generating.tokens_per_s.unwrap_or_default();
            let token = generating.token_ms.unwrap_or_default();
            format!("{} texts, median {median:.1} ms, {token:.3} ms a token, {rate:.1} tokens/s", live.samples)
        }
        Some(median) => format!("{} samples, median {median:.3} ms", live.samples),
        None => live.log.last().cloned().unwrap_or_default(),
    };
    progress(&format!("{:>6.1} s  {}  {figure}", live.elapsed_secs, live.phase.label()));
}

/// A result with its throughput in the unit of its task, which follows from it.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    run: &'a Run,
    /// None without a time, and where it is not known what a sample is.
    task_rate: Option<Rate>,
}

impl<'a> Printed<'a> {
    fn of(run: &'a Run) -> Self {
        let task_rate = run.timing.as_ref().zip(run.model.per_sample);
        Self { run, task_rate: task_rate.map(|(timing, sample)| Rate::of(timing.throughput_per_s, Some(sample))) }
    }
}

fn lines(run: &Run) -> Vec<String> {
    let mut lines = vec![format!(
        "{} on {} {}, {}, {}, {}",
        run.model.name,
        run.setting.engine,
        run.effective.engine_version,
        run.effective.device_name,
        run.ran(),
        run.fed().words().join(", ")
    )];
    lines.extend(run.source.iter().map(|source| format!("  {:<12}{source}", run.evidence.label().to_lowercase())));
    if let Some(timing) = &run.timing {
        lines.push(format!(
            "  median      {:.3} ms, 95 % interval {:.3} to {:.3} ms, minimum {:.3} ms, {} samples",
            timing.median_ms, timing.low_ms, timing.high_ms, timing.min_ms, timing.samples
        ));
        lines.extend(timing.percentiles.iter().map(|p| format!("  p{:<10} {:.3} ms", p.p * 100.0, p.ms)));
        lines.push(format!("  throughput  {}", throughput(run, timing)));
    }
    if let Some(generated) = &run.generated {
        let median = |time: &MedianTime| {
            format!("{:.3} ms, 95 % interval {:.3} to {:.3} ms", time.ms, time.low_ms, time.high_ms)
        };
        lines.push(format!("  first token {}", median(&generated.first_token)));
        lines.push(format!("  per token   {}", median(&generated.token)));
        lines.push(format!("  rate        {:.2} tokens per second", generated.tokens_per_s));
    }
    if let Some(bytes) = run.memory.peak_bytes {
        lines.push(format!("  memory      {} MB above the worker's baseline", bytes / 1_000_000));
    }
    lines.extend(run.phases.iter().map(|phase| format!("  {:<18} {:>10.1} ms", phase.name.label(), phase.ms)));
    lines.push(format!("  output      {}", check(&run.check)));
    lines.extend(run.error.as_ref().map(|error| format!("  error       {}", from_f32(error))));
    if let Some(noise) = &run.noise {
        lines.push(format!("  noise       {}: {}", noise.grade.letter(), noise.grade.meaning()));
    }
    lines.extend(run.flags.iter().map(|flag| format!("  note        {}", flag.reason())));
    lines
}

/// In the unit of its task, and in samples where those are something else.
fn throughput(run: &Run, timing: &Timing) -> String {
    let samples = timing.throughput_per_s;
    match run.model.per_sample {
        Some(sample) => {
            let Rate { value, unit } = Rate::of(samples, Some(sample));
            let one = if sample.count == 1.0 { String::new() } else { format!(", {samples:.2} samples/s") };
            format!("{value:.2} {unit}{one}")
        }
        None if run.generated.is_some() => format!("{samples:.2} texts/s"),
        None => format!("{samples:.2} samples/s"),
    }
}

/// What the precision costs.
fn from_f32(error: &OutputError) -> String {
    let divergence = error.divergence_nats.map(|nats| format!(", next-token divergence {nats:.1e} nats"));
    format!(
        "against {}'s in f32: cosine {:.6}, largest difference {:.1e} ({:.2} % of the largest value){}",
        error.against,
        error.cosine,
        error.largest_difference,
        error.relative_difference * 100.0,
        divergence.unwrap_or_default()
    )
}

fn check(check: &OutputCheck) -> String {
    match check {
        OutputCheck::Agrees { against, largest_difference, .. } => {
            format!("agrees with {against}'s, largest difference {largest_difference:.1e}")
        }
        OutputCheck::Disagrees { against, largest_difference, tolerance, output } => {
            format!("{output} differs from {against}'s by {largest_difference:.1e}, more than {tolerance:.0e}")
        }
        OutputCheck::Unchecked { reason } => format!("unchecked: {reason}"),
    }
}
