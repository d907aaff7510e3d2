//! One measurement inside the worker: load, compile, first call, check, warm up, sample.

use super::{
    order::{Checked, Event, Pace, RunOrder},
    serve::{Fault, Wishes, find, read},
    stdio::Out,
    turns,
};
use crate::{
    backend::{BackendError, Session, SessionFacts},
    limits,
    measure::{compare, deviation},
    noise,
    sampling::{self, Sampling, Told},
};
use contract::{DeviceId, FailureKind, PADDING, Phase, PhaseName, Placement, Precision};
use models::{Manner, Tensor};
use std::time::{Duration, Instant};

pub(super) fn run(order: &RunOrder, out: &mut Out, wishes: &Wishes) -> Result<(), Fault> {
    let backend = find(&order.load.engine)?;
    backend.prepare(order.load.library.as_deref())?;
    let inputs = order.inputs.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let variants = inputs.len();
    let masks: Vec<Option<Tensor>> = inputs.iter().map(|inputs| padded(order, inputs)).collect();
    limits::reset_peak();
    out.send(&Event::Ready { resident_bytes: limits::resident_bytes() });

    let loaded = phase(PhaseName::Load, out, |_| Ok(backend.load(&order.load)?))?;
    let mut session = phase(PhaseName::Compile, out, |_| Ok(loaded.compile()?))?;
    session.set_inputs(inputs)?;
    out.send(&Event::Facts(session.facts()));
    phase(PhaseName::First, out, |_| Ok(session.call(0)?))?;
    phase(PhaseName::Check, out, |out| check(order, session.as_mut(), &masks, out))?;

    let stop = || wishes.stop();
    let warm = phase(PhaseName::WarmUp, out, |_| {
        Ok(sampling::warm_up(variants, &mut |variant| session.call(variant), &stop)?)
    })?;
    if !warm.steady {
        let note = format!("the times had not settled when the warm-up ended after {} calls", warm.calls);
        out.send(&Event::Note(note));
    }
    out.send(&Event::Harness(sampling::harness_ms()));
    phase(PhaseName::Warm, out, |out| {
        let budget_secs = match order.pace {
            Pace::Alone { budget_secs } => budget_secs,
            Pace::InTurn => return turns::take(session.as_mut(), variants, warm.call_ms, wishes, out),
        };
        let settings = Sampling { variants, budget: Duration::from_secs_f64(budget_secs), seed: order.seed };
        let call = &mut |variant| session.call(variant);
        let reason = sampling::sample(&settings, warm.call_ms, call, &stop, &mut noise::sentinel_ms, &mut |told| {
            out.send(&match told {
                Told::Samples(samples) => Event::Samples(samples.to_vec()),
                Told::Sentinel(ms) => Event::Sentinel(ms),
            });
        })?;
        out.send(&Event::SamplingEnded(reason));
        Ok(())
    })?;
    tell_memory(|| session.facts(), &order.load.device, out);
    // Profiling for the placement may prepare and run the graph anew, so it comes last; some engines tell the precision
    // they chose only then.
    tell_placement(session.placement(), out);
    out.send(&Event::Facts(session.facts()));
    Ok(())
}

/// The most that this worker has held of the computer's memory and of the device's, once nothing more is timed.
pub(super) fn tell_memory(facts: impl FnOnce() -> SessionFacts, device: &DeviceId, out: &mut Out) {
    let peak_bytes = limits::peak_bytes();
    // Asked after the worker's own memory, which the asking adds to.
    let device_peak_bytes = facts().device_memory_bytes.or_else(|| limits::device_peak_bytes(device));
    out.send(&Event::Memory { peak_bytes, device_peak_bytes });
}

pub(super) fn tell_placement(placement: Result<Option<Placement>, BackendError>, out: &mut Out) {
    match placement {
        Ok(Some(placement)) => out.send(&Event::Placement(placement)),
        Ok(None) => {}
        Err(error) => out.send(&Event::Note(format!("where the nodes ran is not known: {error}"))),
    }
}

/// Tells when a phase begins and what it took.
pub(super) fn phase<T>(
    name: PhaseName,
    out: &mut Out,
    act: impl FnOnce(&mut Out) -> Result<T, Fault>,
) -> Result<T, Fault> {
    out.send(&Event::PhaseStarted(name));
    let start = Instant::now();
    let result = act(out)?;
    let ms = start.elapsed().as_secs_f64() * 1e3;
    out.send(&Event::PhaseEnded(Phase { name, ms, peak_bytes: limits::peak_bytes() }));
    Ok(result)
}

/// The mask of texts that have padding; none where they have none, and where the outputs are about another text, whose
/// tokens are all real.
fn padded(order: &RunOrder, inputs: &[Tensor]) -> Option<Tensor> {
    let input = |name: &str| inputs.iter().find(|input| input.name == name);
    let answers = input(Manner::Answers.tokens()).is_some();
    input("attention_mask").filter(|_| order.load.dims.contains_key(PADDING) && !answers).cloned()
}

/// The outputs of the first variants against another engine's, before anything is timed but the first call, which gave
/// the first of them. A second variant shows that the engine reads its inputs anew. What stands at padding is left out;
/// `masks` are those of the variants.
fn check(order: &RunOrder, session: &mut dyn Session, masks: &[Option<Tensor>], out: &mut Out) -> Result<(), Fault> {
    let tolerance = tolerance(order.load.precision, &session.facts());
    let mut checked = Checked { tolerance, ..Checked::default() };
    let real = |variant: usize, outputs| compare::of_real_tokens(outputs, masks.get(variant).and_then(Option::as_ref));
    if order.references.is_empty() {
        checked.fault = compare::not_finite(&real(0, session.outputs()?));
    }
    for variant in 0..order.references.len().max(order.exact.len()) {
        if variant > 0 {
            session.call(variant)?;
        }
        let outputs = real(variant, session.outputs()?);
        if let Some(file) = order.references.get(variant) {
            let (comparison, fault) = compare::compare(&real(variant, read(file)?), &outputs);
            checked.fault = checked.fault.or(fault);
            checked.comparison = compare::worse(checked.comparison, comparison);
        }
        if let Some(file) = order.exact.get(variant) {
            let deviation = deviation::of(&real(variant, read(file)?), &outputs, order.scores.as_deref());
            checked.deviation = deviation::worse(checked.deviation, deviation);
        }
    }
    judge(checked, out)
}

/// What still agrees. An engine that chose a coarser precision is told by a flag; its output is held to what that
/// precision can do.
pub(super) fn tolerance(asked: Precision, facts: &SessionFacts) -> f64 {
    facts.precision.map_or(asked.tolerance(), |used| used.tolerance().max(asked.tolerance()))
}

/// Tells what the check found and ends the measurement where the outputs are wrong.
pub(super) fn judge(checked: Checked, out: &mut Out) -> Result<(), Fault> {
    let wrong = checked.wrong();
    out.send(&Event::Checked(checked));
    match wrong {
        Some(message) => Err(Fault { kind: FailureKind::WrongOutput, message, remedy: None }),
        None => Ok(()),
    }
}
