//! A desk in a folder of its own, asked the way the window asks.
#![allow(dead_code, reason = "each test program uses its own part of this")]

use assay_app::{
    desk::{Desk, Opening},
    front::{Front, NoWindow},
    instance::{self, Claim},
    place::Place,
};
use contract::*;
use engine::Program;
use std::{
    sync::{Arc, Mutex},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub struct TestDesk {
    pub folder: TempDir,
    desk: Desk,
    runtime: Runtime,
    events: Arc<Mutex<Vec<Event>>>,
}

impl TestDesk {
    pub fn open() -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), NoWindow)
    }

    /// Over what lies in a folder, behind a window of the test's own.
    pub fn open_in(folder: TempDir, front: impl Front + 'static) -> Self {
        let runtime = Runtime::new().unwrap();
        let place = Place::below(folder.path());
        let store = place.store().unwrap();
        let Claim::Ours(instance) = instance::claim(&store).unwrap() else { panic!("the folder is held by nobody") };
        let desk = Desk::open(Opening {
            place,
            program: Program { path: env!("CARGO_BIN_EXE_assay-worker").into(), args: Vec::new() },
            libraries: Vec::new(),
            front: Box::new(front),
            store: Ok(store),
            instance,
            runtime: runtime.handle().clone(),
        })
        .unwrap();
        let opened = Self { folder, desk, runtime, events: Arc::default() };
        opened.at_each_event(|_| {});
        opened
    }

    /// The text that travels, both ways.
    pub fn ask_text(&self, ask: &str) -> Result<String, Failure> {
        self.runtime.block_on(self.desk.ask(ask))
    }

    pub fn ask<R: Request>(&self, request: R) -> Result<R::Answer, Failure> {
        let answer = self.ask_text(&serde_json::to_string(&request.into_ask()).unwrap())?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// Does something at each event, while what tells it waits.
    pub fn at_each_event(&self, act: impl Fn(&Event) + Send + 'static) {
        let heard = self.events.clone();
        self.desk.listen(move |event| {
            act(&event);
            heard.lock().unwrap().push(event);
        });
    }

    /// Waits until `found` gives something, for a minute at most.
    pub fn wait_for<T>(&self, what: &str, mut found: impl FnMut(&Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "waited in vain for {what}; queue {:?}",
                self.ask(GetQueue {})
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// The result of a job, once it is stored.
    pub fn result_of(&self, job: &JobId) -> Run {
        self.wait_for("the result", |desk| desk.ask(GetRun { id: RunId(job.0.clone()) }).ok())
    }

    /// candle on the CPU is on every machine.
    pub fn plan(&self, model: &str) -> Plan {
        Plan {
            models: vec![model.into()],
            targets: vec![TargetChoice { engine: "candle".into(), device: "cpu".into() }],
            precisions: vec![Precision::F32],
            mode: Mode::Inference,
            batches: vec![1],
            sizes: Default::default(),
            dims: Default::default(),
            padding: Default::default(),
            threads: vec![],
            seed: 1,
            budget_secs: 0.3,
        }
    }
}
