//! A warm session that is held: it takes a block of calls whenever the parent asks for one.

use super::{
    order::Event,
    serve::{Fault, Wishes},
    stdio::Out,
};
use crate::{
    backend::Session,
    noise,
    sampling::{BETWEEN_SENTINELS, Calls},
};
use contract::StopReason;
use std::time::Instant;

/// Takes blocks until the parent asks for the end. The samples of a block are told last, because the other worker's turn
/// begins with them.
pub(super) fn take(
    session: &mut dyn Session,
    variants: usize,
    call_ms: f64,
    wishes: &Wishes,
    out: &mut Out,
) -> Result<(), Fault> {
    let mut calls = Calls::new(variants, call_ms);
    out.send(&Event::Sentinel(noise::sentinel_ms()));
    let mut last_sentinel = Instant::now();
    out.send(&Event::Held);
    while let Some(length) = wishes.next_block() {
        let samples = calls.block(length, &mut |variant| session.call(variant))?;
        if last_sentinel.elapsed() >= BETWEEN_SENTINELS {
            out.send(&Event::Sentinel(noise::sentinel_ms()));
            last_sentinel = Instant::now();
        }
        out.send(&Event::Samples(samples));
    }
    out.send(&Event::Sentinel(noise::sentinel_ms()));
    out.send(&Event::SamplingEnded(StopReason::Compared));
    Ok(())
}
