//! The result as it grows: every event of the worker adds to it, and what is known stays when the worker dies.

use super::{generated, reference::Reference};
use crate::{
    Job, environment, noise, statistics,
    worker::{Checked, Event, Heard, Log},
};
use contract::{
    Effective, EngineId, Evidence, FailureKind, Memory, Outcome, OutputCheck, OutputError, Phase, PhaseName, Run,
    StopReason,
};
use jiff::Timestamp;
use models::Texts;
use std::time::{Duration, Instant};

pub(super) struct Record {
    run: Run,
    phase: PhaseName,
    worker_started: Instant,
    /// The engine the output is checked against, or why there is none.
    against: Result<EngineId, String>,
    /// The engine that ran the model in f32.
    exact_by: Option<EngineId>,
    sentinel_ms: Vec<f64>,
    /// What is written, where text is generated.
    texts: Option<Texts>,
    /// Of each text the time to its first token and then of every further one.
    texts_ms: Vec<Vec<f64>>,
    full_pass_difference: Option<f64>,
    harness_ms: Option<f64>,
    stop: Option<StopReason>,
    peak_bytes: Option<u64>,
    /// The highest resident memory seen from outside, for a worker that could not tell its own.
    seen_bytes: Option<u64>,
}

impl Record {
    pub fn new(job: &Job) -> Self {
        let acquire = job.acquire_ms.map(|ms| Phase { name: PhaseName::Acquire, ms, peak_bytes: None });
        let not_reached = || "the run ended before its output could be checked".to_owned();
        let run = Run {
            id: job.run.clone(),
            evidence: Evidence::Measured,
            source: None,
            setting: job.setting.clone(),
            platform: job.target.platform,
            model: job.model.clone(),
            started_at: Timestamp::now(),
            finished_at: Timestamp::now(),
            outcome: Outcome::Done,
            phases: acquire.into_iter().collect(),
            timing: None,
            samples_ms: Vec::new(),
            generated: None,
            check: OutputCheck::Unchecked { reason: not_reached() },
            error: None,
            placement: None,
            effective: Effective {
                device_name: job.target.device_name.clone(),
                driver: job.driver.clone(),
                library: job.library.as_ref().map(|library| library.display().to_string()),
                ..Effective::default()
            },
            memory: Memory::default(),
            noise: None,
            flags: Vec::new(),
            environment: environment::environment(),
            log: Vec::new(),
        };
        Self {
            run,
            phase: PhaseName::Start,
            worker_started: Instant::now(),
            against: Err(not_reached()),
            exact_by: None,
            sentinel_ms: Vec::new(),
            texts: job.writing.as_ref().map(|writing| writing.texts),
            texts_ms: Vec::new(),
            full_pass_difference: None,
            harness_ms: None,
            stop: None,
            peak_bytes: None,
            seen_bytes: None,
        }
    }

    /// The phase that is under way, or the last one.
    pub fn phase(&self) -> PhaseName {
        self.phase
    }

    pub fn enter(&mut self, phase: PhaseName) {
        self.phase = phase;
    }

    pub fn note(&mut self, sentence: &str) {
        self.run.log.push(sentence.to_owned());
    }

    pub fn reference_took(&mut self, time: Duration, reference: &Reference) {
        self.phase_ended(Phase { name: PhaseName::Reference, ms: ms(time), peak_bytes: None });
        self.against = reference.against.clone();
        self.exact_by = reference.exact_by.clone();
    }

    pub fn worker_starts(&mut self) {
        self.phase = PhaseName::Start;
        self.worker_started = Instant::now();
    }

    pub fn hear(&mut self, heard: &Heard) {
        match heard {
            Heard::Started(_) => {}
            Heard::Event(event) => self.event(event),
            Heard::Pulse(pulse) => self.seen_bytes = self.seen_bytes.max(pulse.resident_bytes),
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Ready { resident_bytes } => {
                self.run.memory.baseline_bytes = *resident_bytes;
                let ms = ms(self.worker_started.elapsed());
                self.phase_ended(Phase { name: PhaseName::Start, ms, peak_bytes: *resident_bytes });
            }
            Event::PhaseStarted(name) => self.phase = *name,
            Event::PhaseEnded(phase) => self.phase_ended(phase.clone()),
            Event::Facts(facts) => {
                let effective = &mut self.run.effective;
                effective.engine_version.clone_from(&facts.engine_version);
                // What the engine does not know stays as the inventory has it.
                if let Some(name) = &facts.device_name {
                    effective.device_name.clone_from(name);
                }
                if let Some(driver) = &facts.driver {
                    effective.driver = Some(driver.clone());
                }
                effective.precision = facts.precision;
                effective.precision_source.clone_from(&facts.precision_source);
                effective.threads = facts.threads;
            }
            Event::Placement(placement) => self.run.placement = Some(placement.clone()),
            Event::Checked(checked) => self.checked(checked),
            Event::Harness(ms) => self.harness_ms = Some(*ms),
            Event::Sentinel(ms) => self.sentinel_ms.push(*ms),
            Event::Samples(samples) => self.run.samples_ms.extend_from_slice(samples),
            Event::Texts(texts) => {
                self.run.samples_ms.extend(generated::totals(texts));
                self.texts_ms.extend_from_slice(texts);
            }
            Event::FullPass(difference) => self.full_pass_difference = Some(*difference),
            Event::SamplingEnded(reason) => self.stop = Some(*reason),
            Event::Memory { peak_bytes, device_peak_bytes } => {
                self.peak_bytes = self.peak_bytes.max(*peak_bytes);
                self.run.memory.device_peak_bytes = *device_peak_bytes;
            }
            Event::Note(sentence) => self.note(sentence),
            // These are for whoever asks for blocks, end a conversation, or belong to orders of another kind.
            Event::Held | Event::Token(_) | Event::Progress(_) | Event::Answer(_) | Event::Failed { .. } => {}
        }
    }

    fn phase_ended(&mut self, phase: Phase) {
        self.peak_bytes = self.peak_bytes.max(phase.peak_bytes);
        self.run.phases.push(phase);
    }

    fn checked(&mut self, checked: &Checked) {
        let Checked { comparison, tolerance, fault, deviation } = checked;
        self.run.error = self.exact_by.clone().zip(deviation.as_ref()).map(|(against, found)| OutputError {
            against,
            cosine: found.cosine,
            largest_difference: found.largest_difference,
            relative_difference: found.relative_difference,
            divergence_nats: found.divergence_nats,
        });
        self.run.check = match (&self.against, comparison) {
            (Err(reason), _) => OutputCheck::Unchecked { reason: reason.clone() },
            (Ok(_), None) => {
                let nothing = "there was no output to compare".to_owned();
                OutputCheck::Unchecked { reason: fault.clone().unwrap_or(nothing) }
            }
            (Ok(against), Some(found)) => {
                let (against, largest_difference) = (against.clone(), found.largest_difference);
                let (tolerance, output) = (*tolerance, found.output.clone());
                if checked.wrong().is_some() {
                    OutputCheck::Disagrees { against, largest_difference, tolerance, output }
                } else {
                    OutputCheck::Agrees { against, largest_difference, tolerance }
                }
            }
        };
    }

    pub fn has_samples(&self) -> bool {
        !self.run.samples_ms.is_empty()
    }

    /// What the worker and its libraries wrote to standard error.
    pub fn log(&mut self, log: &Log) {
        self.run.log.extend(log.lines());
    }

    pub fn finish(mut self, outcome: Outcome) -> Run {
        let run = &mut self.run;
        run.finished_at = Timestamp::now();
        run.noise = noise::grade(&self.sentinel_ms);
        let baseline = run.memory.baseline_bytes;
        if outcome != Outcome::Done {
            self.peak_bytes = self.peak_bytes.max(self.seen_bytes);
        }
        run.memory.peak_bytes = self.peak_bytes.zip(baseline).map(|(peak, baseline)| peak.saturating_sub(baseline));
        if outcome == Outcome::Done {
            run.timing =
                self.stop.and_then(|stop| statistics::timing(&run.samples_ms, &run.setting, stop, self.harness_ms));
            run.generated = self
                .texts
                .and_then(|texts| generated::of(texts, run.setting.seed, self.texts_ms, self.full_pass_difference));
        }
        if let Outcome::Failed { kind: FailureKind::ModelChanged, message, .. } = &outcome {
            // Nobody knows what they are of.
            run.samples_ms.clear();
            run.check = OutputCheck::Unchecked { reason: message.clone() };
            (run.error, run.placement, run.memory) = (None, None, Memory::default());
        }
        run.outcome = outcome;
        self.run
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
