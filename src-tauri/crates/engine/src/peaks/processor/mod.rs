//! The processor: memory bandwidth, matrix rate and the cost of waking its threads, with all physical cores and one.

mod bandwidth;
mod product;

use super::{
    inside::Teller,
    sampler,
    subject::{How, Subject},
};
use crate::{inventory, product::multiplies_f16};
use contract::{Peak, PeakKind, Precision};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProcessorOrder {
    pub subject: Subject,
    /// One for each physical core.
    pub threads: u32,
    /// That may be used.
    pub memory_bytes: u64,
    pub step_secs: f64,
}

impl ProcessorOrder {
    /// With each number of threads; f16 is one more where it has a rate, and else one that is left out.
    pub fn steps(&self) -> u32 {
        let numbers = if self.threads > 1 { 2 } else { 1 };
        if multiplies_f16() { 4 * numbers } else { 3 * numbers + 1 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProcessorError {
    #[error("the threads to measure with could not be started: {0}")]
    NoThreads(#[from] ThreadPoolBuildError),
}

pub fn measure(order: &ProcessorOrder, teller: &mut Teller) -> Result<(), ProcessorError> {
    let pool = |threads: u32| ThreadPoolBuilder::new().num_threads(threads as usize).build();
    let all = Threads { count: order.threads, pool: pool(order.threads)? };
    let one = (order.threads > 1).then(|| pool(1).map(|pool| Threads { count: 1, pool })).transpose()?;
    let cache_bytes = inventory::cpu::read().last_level_cache_bytes();
    let sizes = bandwidth::Sizes::beyond(cache_bytes, order.memory_bytes);
    for threads in std::iter::once(&all).chain(&one) {
        let what = format!("memory bandwidth, {}", threads.words());
        teller.doing(&what);
        teller.outcome(&what, sizes.as_ref().map(|sizes| bandwidth::measure(order, threads, *sizes)));
    }
    for threads in std::iter::once(&all).chain(&one) {
        let what = format!("f32 matrix rate, {}", threads.words());
        teller.doing(&what);
        teller.outcome(&what, product::measure::<f32>(order, threads, Precision::F32));
    }
    if multiplies_f16() {
        for threads in std::iter::once(&all).chain(&one) {
            let what = format!("f16 matrix rate, {}", threads.words());
            teller.doing(&what);
            teller.outcome(&what, product::measure::<half::f16>(order, threads, Precision::F16));
        }
    } else {
        let what = "f16 matrix rate";
        teller.doing(what);
        teller.outcome(what, Err(Widened));
    }
    for threads in std::iter::once(&all).chain(&one) {
        let what = format!("launch overhead, {}", threads.words());
        teller.doing(&what);
        teller.outcome::<std::convert::Infallible>(&what, Ok(launch(order, threads)));
    }
    Ok(())
}

/// Why there is no rate in f16.
#[derive(Debug, thiserror::Error)]
#[error("the gemm crate multiplies f16 in f32 on this processor")]
struct Widened;

pub struct Threads {
    pub count: u32,
    pub pool: ThreadPool,
}

impl Threads {
    pub fn words(&self) -> String {
        if self.count == 1 { "one thread".to_owned() } else { format!("{} threads", self.count) }
    }
}

/// What it costs to hand nothing to every thread and wait for all of them.
fn launch(order: &ProcessorOrder, threads: &Threads) -> Peak {
    let Ok(seconds) = sampler::seconds::<std::convert::Infallible>(order.step_secs, |count| {
        for _ in 0..count {
            threads.pool.broadcast(|context| std::hint::black_box(context.index()));
        }
        Ok(())
    });
    let method = format!("an empty parallel region, {}", threads.words());
    order.subject.overhead(&seconds, How { precision: None, threads: Some(threads.count), method })
}

/// The bandwidth of the subject: bytes that one repetition moves, and the seconds of each.
fn bandwidth_peak(order: &ProcessorOrder, threads: &Threads, bytes: f64, seconds: &[f64], method: String) -> Peak {
    let how = How { precision: None, threads: Some(threads.count), method };
    order.subject.rate(PeakKind::MemoryBandwidth, bytes, seconds, how)
}
