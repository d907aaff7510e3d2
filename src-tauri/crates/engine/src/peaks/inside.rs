//! What is measured inside a worker, and what it tells while it does.

use super::{adapter, cuda, processor, through_engine};
use contract::Peak;
use serde::{Deserialize, Serialize};

/// One device, or one engine on a device. A worker does one of these and ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeakOrder {
    Processor(processor::ProcessorOrder),
    ThroughEngine(through_engine::EngineOrder),
    Adapter(adapter::AdapterOrder),
    Cuda(cuda::CudaOrder),
}

/// Told as it happens, so that a crash later loses nothing that was measured before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// A step begins: "f32 matrix rate, all threads".
    Doing(String),
    Peak(Peak),
    /// A step that could not be measured.
    LeftOut {
        what: String,
        why: String,
    },
}

/// The worker's mouth.
pub struct Teller<'a>(pub &'a mut dyn FnMut(serde_json::Value));

impl Teller<'_> {
    pub fn doing(&mut self, what: impl Into<String>) {
        self.tell(&Told::Doing(what.into()));
    }

    /// What came of a step: its peak, or why there is none.
    pub fn outcome<E: std::fmt::Display>(&mut self, what: &str, outcome: Result<Peak, E>) {
        match outcome {
            Ok(peak) => self.tell(&Told::Peak(peak)),
            Err(error) => self.tell(&Told::LeftOut { what: what.to_owned(), why: error.to_string() }),
        }
    }

    fn tell(&mut self, told: &Told) {
        (self.0)(serde_json::to_value(told).expect("plain records of text and numbers become JSON"));
    }
}

/// The worker's side. What was measured is told as it comes; the end only says whether anything stood in the way.
pub fn answer(order: &PeakOrder, progress: &mut dyn FnMut(serde_json::Value)) -> Result<(), String> {
    let mut teller = Teller(progress);
    match order {
        PeakOrder::Processor(order) => processor::measure(order, &mut teller).map_err(|error| error.to_string())?,
        PeakOrder::ThroughEngine(order) => {
            through_engine::measure(order, &mut teller).map_err(|error| error.to_string())?
        }
        PeakOrder::Adapter(order) => adapter::measure(order, &mut teller).map_err(|error| error.to_string())?,
        PeakOrder::Cuda(order) => cuda::measure(order, &mut teller).map_err(|error| error.to_string())?,
    }
    Ok(())
}
