//! How far a fetch is and how long it will take, told now and then.

use contract::{Fetch, FetchStage};
use std::time::{Duration, Instant};

/// Often enough to be seen moving.
const TOLD_EVERY: Duration = Duration::from_millis(120);
/// Before this the speed is a guess.
const KNOWN_AFTER: Duration = Duration::from_secs(1);

pub struct Meter<'a> {
    fetch: Fetch,
    /// Of the files before this one.
    done_bytes: u64,
    /// Of the file that is under way.
    file_bytes: u64,
    arrived_bytes: u64,
    began: Option<Instant>,
    told: Instant,
    on: &'a mut dyn FnMut(Fetch),
}

impl<'a> Meter<'a> {
    pub fn new(fetch: Fetch, on: &'a mut dyn FnMut(Fetch)) -> Self {
        Self { fetch, done_bytes: 0, file_bytes: 0, arrived_bytes: 0, began: None, told: Instant::now(), on }
    }

    pub fn begin(&mut self, total_bytes: u64) {
        self.fetch.total_bytes = total_bytes;
    }

    /// So many bytes of the file that is under way are here.
    pub fn file(&mut self, stage: FetchStage, bytes: u64) {
        if let FetchStage::Fetching(_) = stage {
            // What the first piece brought says nothing of the speed, nor does what was here before.
            match self.began {
                None => self.began = Some(Instant::now()),
                Some(_) => self.arrived_bytes += bytes.saturating_sub(self.file_bytes),
            }
        }
        self.file_bytes = bytes;
        if stage != self.fetch.stage || self.told.elapsed() >= TOLD_EVERY {
            self.tell(stage);
        }
    }

    /// The file is whole.
    pub fn next(&mut self) {
        self.done_bytes += self.file_bytes;
        self.file_bytes = 0;
    }

    pub fn tell(&mut self, stage: FetchStage) {
        self.told = Instant::now();
        self.fetch.stage = stage;
        self.fetch.done_bytes = self.done_bytes + self.file_bytes;
        self.fetch.secs_left = self.secs_left();
        (self.on)(self.fetch.clone());
    }

    fn secs_left(&self) -> Option<f64> {
        let elapsed = self.began.map(|began| began.elapsed()).filter(|elapsed| *elapsed >= KNOWN_AFTER)?;
        if self.arrived_bytes == 0 {
            return None;
        }
        let left = self.fetch.total_bytes.saturating_sub(self.fetch.done_bytes);
        Some(left as f64 / (self.arrived_bytes as f64 / elapsed.as_secs_f64()))
    }
}
