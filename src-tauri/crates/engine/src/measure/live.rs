//! What the window is told while a measurement runs: at once when a phase changes or the first figure is there, else a
//! few times a second.

use super::generated;
use crate::{
    Job, noise, statistics,
    worker::{Event, Heard},
};
use contract::{Generating, JobId, Live, PhaseName};
use std::time::{Duration, Instant};

/// How often the window is told of what is measured: each time it draws itself anew, which takes from the measurement
/// where no GPU draws.
pub const TELL_EVERY: Duration = Duration::from_millis(500);
const RECENT: usize = 400;
const LOG_LINES: usize = 20;

pub(super) struct Feed<'a> {
    live: Live,
    seed: u64,
    samples: Vec<f64>,
    texts_ms: Vec<Vec<f64>>,
    batch: u32,
    sentinel_ms: Vec<f64>,
    notes: Vec<String>,
    started: Instant,
    phase_began: Instant,
    told: Option<Instant>,
    /// Nothing is told while two workers take turns: on a small machine the telling would take part in what they compete for.
    quiet: bool,
    on: &'a mut dyn FnMut(Live),
}

impl<'a> Feed<'a> {
    pub fn new(job: &Job, on: &'a mut dyn FnMut(Live)) -> Self {
        let live = Live {
            job: JobId::default(),
            run: job.run.clone(),
            phase: PhaseName::Start,
            elapsed_secs: 0.0,
            phases: job.acquire_ms.map(|ms| (PhaseName::Acquire, ms)).into_iter().collect(),
            recent_ms: Vec::new(),
            samples: 0,
            median_ms: None,
            low_ms: None,
            high_ms: None,
            generating: job
                .writing
                .as_ref()
                .map(|writing| Generating { output_tokens: writing.texts.output, ..Generating::default() }),
            noise: None,
            cpu_cores: None,
            memory_bytes: None,
            log: Vec::new(),
        };
        Self {
            live,
            seed: job.setting.seed,
            samples: Vec::new(),
            texts_ms: Vec::new(),
            batch: job.setting.batch,
            sentinel_ms: Vec::new(),
            notes: Vec::new(),
            started: Instant::now(),
            phase_began: Instant::now(),
            told: None,
            quiet: false,
            on,
        }
    }

    pub fn phase(&mut self, phase: PhaseName) {
        self.live.phase = phase;
        self.phase_began = Instant::now();
        self.tell();
    }

    /// For the phases whose end no worker tells.
    pub fn phase_ended(&mut self) {
        self.live.phases.push((self.live.phase, self.phase_began.elapsed().as_secs_f64() * 1e3));
    }

    pub fn hear(&mut self, heard: &Heard) {
        match heard {
            Heard::Event(Event::Ready { .. }) => self.phase_ended(),
            Heard::Event(Event::PhaseStarted(phase)) => self.phase(*phase),
            Heard::Event(Event::PhaseEnded(phase)) => self.live.phases.push((phase.name, phase.ms)),
            Heard::Event(Event::Sentinel(ms)) => self.sentinel_ms.push(*ms),
            Heard::Event(Event::Note(sentence)) => self.notes.push(sentence.clone()),
            Heard::Event(Event::Samples(samples)) => self.sampled(samples),
            Heard::Event(Event::Texts(texts)) => {
                self.texts_ms.extend_from_slice(texts);
                self.wrote(0);
                self.sampled(&generated::totals(texts));
            }
            Heard::Event(Event::Token(token)) => self.wrote(*token),
            Heard::Event(Event::Held) => self.quiet = true,
            Heard::Event(_) | Heard::Started(_) => {}
            Heard::Pulse(pulse) => {
                self.live.cpu_cores = pulse.cpu_cores.or(self.live.cpu_cores);
                self.live.memory_bytes = pulse.resident_bytes;
                self.live.log = self.notes.iter().chain(&pulse.log).cloned().collect();
                let surplus = self.live.log.len().saturating_sub(LOG_LINES);
                self.live.log.drain(..surplus);
                if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                    self.tell();
                }
            }
        }
    }

    fn sampled(&mut self, samples: &[f64]) {
        let first = self.samples.is_empty();
        self.samples.extend_from_slice(samples);
        if first {
            self.tell();
        }
    }

    /// So many tokens of a text are there.
    fn wrote(&mut self, token: u32) {
        let Some(generating) = &mut self.live.generating else { return };
        generating.token = token;
        generating.first_token_ms = statistics::median(&generated::first_tokens(&self.texts_ms));
        generating.token_ms = statistics::median(&generated::token_means(&self.texts_ms));
        generating.tokens_per_s = generating.token_ms.map(|ms| generated::tokens_per_s(self.batch, ms));
    }

    fn tell(&mut self) {
        if self.quiet {
            return;
        }
        let sorted = statistics::sorted(&self.samples);
        let interval = statistics::median_interval_of_sorted(&sorted, self.seed);
        let live = &mut self.live;
        live.elapsed_secs = self.started.elapsed().as_secs_f64();
        live.samples = sorted.len() as u32;
        live.recent_ms = self.samples[self.samples.len().saturating_sub(RECENT)..].to_vec();
        live.median_ms = statistics::median_of_sorted(&sorted);
        live.low_ms = interval.map(|interval| interval.low);
        live.high_ms = interval.map(|interval| interval.high);
        live.noise = noise::grade(&self.sentinel_ms).map(|noise| noise.grade);
        self.told = Some(Instant::now());
        (self.on)(live.clone());
    }
}
