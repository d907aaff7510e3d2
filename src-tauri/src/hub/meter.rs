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
    /// What arrived, and the time that it took to: only while bytes arrive one after the other.
    arrived_bytes: u64,
    spent: Duration,
    /// When bytes arrived last; none after what was not an arrival.
    last: Option<Instant>,
    told: Instant,
    on: &'a mut dyn FnMut(Fetch),
}

impl<'a> Meter<'a> {
    pub fn new(fetch: Fetch, on: &'a mut dyn FnMut(Fetch)) -> Self {
        Self {
            fetch,
            done_bytes: 0,
            file_bytes: 0,
            arrived_bytes: 0,
            spent: Duration::ZERO,
            last: None,
            told: Instant::now(),
            on,
        }
    }

    pub fn begin(&mut self, total_bytes: u64) {
        self.fetch.total_bytes = total_bytes;
    }

    /// So many bytes of the file that is under way are here now.
    pub fn file(&mut self, stage: FetchStage, bytes: u64, now: Instant) {
        let arrives = matches!(stage, FetchStage::Fetching(_));
        // What the first piece brought says nothing of the speed, nor does what was here before.
        if let Some(last) = self.last.filter(|_| arrives) {
            self.arrived_bytes += bytes.saturating_sub(self.file_bytes);
            self.spent += now.duration_since(last);
        }
        self.last = arrives.then_some(now);
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
        if self.spent < KNOWN_AFTER || self.arrived_bytes == 0 {
            return None;
        }
        let left = self.fetch.total_bytes.saturating_sub(self.fetch.done_bytes);
        Some(left as f64 / (self.arrived_bytes as f64 / self.spent.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_what_arrived_and_not_from_what_was_here() {
        let began = Instant::now();
        let at = |secs: u64| began + Duration::from_secs(secs);
        let fetching = |file: &str| FetchStage::Fetching(file.into());
        let mut told = Vec::new();
        let mut on = |fetch: Fetch| told.push(fetch.secs_left);
        let mut meter = Meter::new(Fetch::new("a/b", "", None), &mut on);
        meter.begin(10_000);
        meter.file(FetchStage::Checking("whole".into()), 6_000, at(0));
        meter.next();
        meter.file(fetching("first"), 100, at(1));
        meter.file(fetching("first"), 1_100, at(3));
        meter.next();
        meter.file(FetchStage::Checking("second".into()), 900, at(60));
        // 2,000 of 10,000 bytes are missing, at 500 in a second; reading what was here took no time of the network.
        assert_eq!(told, [None, None, Some(4.0)]);
    }
}
