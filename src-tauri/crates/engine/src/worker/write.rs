//! Generating text inside the worker: load, compile, first token, check, warm up, texts.
//!
//! A text begins with the prefill graph on its prompt, which an encoder reads where there is one; each further token is
//! one call of the decode graph on the token with the highest score and on the cache. The time to the first token is from
//! the prompt to the choice of that token, the time of each further one from one choice to the next. Nothing else happens
//! in between.

use super::{
    order::{Checked, Event, WriteOrder, scores_of},
    run::{judge, phase, tell_memory, tell_placement, tolerance},
    serve::{Fault, Wishes, find, read},
    stdio::Out,
};
use crate::{
    backend::{SessionFacts, Writer, WriterRequest},
    limits,
    measure::{compare, deviation},
    noise,
    sampling::{self, Sampling, Told},
};
use contract::{FailureKind, PhaseName, Precision};
use half::{bf16, f16};
use models::{Element, Manner, Tensor, Texts};
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often the window hears how far a text is: between two tokens, and outside their times.
const BETWEEN_TOKENS_TOLD: Duration = Duration::from_millis(500);

/// Whole texts of one variant.
struct Script {
    /// The inputs of the prefill graph that reads all of them at once.
    whole: Vec<Tensor>,
    /// The same for what is there before the first token is chosen.
    prompt: Vec<Tensor>,
    /// The tokens after that, as they are read one after another.
    steps: Vec<Vec<i64>>,
}

impl Script {
    fn of(file: &Path, manner: Manner, texts: Texts) -> Result<Self, Fault> {
        let whole = read(file)?;
        let [batch, given, all] = [texts.batch, manner.given(texts), manner.read(texts)].map(|size| size as usize);
        let ids = whole.iter().find(|tensor| tensor.name == manner.tokens());
        let ids = ids.ok_or_else(|| Fault::from(format!("{} holds no tokens", file.display())))?;
        if ids.shape != [batch, all] {
            return Err(format!("{} holds texts of another size", file.display()).into());
        }
        let columns = |numbers: &[i64], from: usize, to: usize| -> Vec<i64> {
            numbers.chunks_exact(all).flat_map(|row| row[from..to].iter().copied()).collect()
        };
        let tokens = ids.i64s();
        let steps = (given..all).map(|at| columns(&tokens, at, at + 1)).collect();
        let cut = |tensor: &Tensor| {
            let of_tokens = tensor.name == manner.tokens() || manner.mask() == Some(tensor.name.as_str());
            if !of_tokens {
                return tensor.clone();
            }
            Tensor::from_i64s(tensor.name.as_str(), &[batch, given], &columns(&tensor.i64s(), 0, given))
        };
        Ok(Self { prompt: whole.iter().map(cut).collect(), steps, whole })
    }

    /// The scores after the prompt and after each token that follows it in the script, in order.
    fn scores(&self, writer: &mut dyn Writer, hear: &mut dyn FnMut(Tensor) -> Result<(), Fault>) -> Result<(), Fault> {
        writer.prefill(&self.prompt)?;
        hear(named(writer.scores()?, 1))?;
        for (read, tokens) in self.steps.iter().enumerate() {
            writer.decode(tokens)?;
            hear(named(writer.scores()?, read + 2))?;
        }
        Ok(())
    }

    /// The last of them from one pass over the whole text, which needs no cache.
    fn scores_at_once(&self, writer: &mut dyn Writer) -> Result<Tensor, Fault> {
        writer.prefill(&self.whole)?;
        Ok(named(writer.scores()?, self.steps.len() + 1))
    }
}

/// Named for the token that they choose, so that a difference says where it is.
fn named(scores: Tensor, token: usize) -> Tensor {
    Tensor { name: format!("scores of token {token}"), ..scores }
}

/// Hands over the scores of all texts, as many of each as [`scores_of`] says, in this order.
pub(super) fn scores(
    request: &WriterRequest,
    texts: Texts,
    inputs: &[PathBuf],
    save: &mut dyn FnMut(Tensor) -> Result<(), Fault>,
) -> Result<SessionFacts, Fault> {
    let backend = find(&request.prefill.engine)?;
    backend.prepare(request.prefill.library.as_deref())?;
    let mut writer = backend.load_writer(request)?.compile()?;
    for file in inputs {
        let script = Script::of(file, request.manner, texts)?;
        script.scores(writer.as_mut(), save)?;
        save(script.scores_at_once(writer.as_mut())?)?;
    }
    Ok(writer.facts())
}

pub(super) fn run(order: &WriteOrder, out: &mut Out, wishes: &Wishes) -> Result<(), Fault> {
    let request = &order.writer;
    let backend = find(&request.prefill.engine)?;
    backend.prepare(request.prefill.library.as_deref())?;
    let scripts = order.inputs.iter().map(|file| Script::of(file, request.manner, order.texts));
    let scripts = scripts.collect::<Result<Vec<_>, _>>()?;
    limits::reset_peak();
    out.send(&Event::Ready { resident_bytes: limits::resident_bytes() });

    let loaded = phase(PhaseName::Load, out, |_| Ok(backend.load_writer(request)?))?;
    let mut writer = phase(PhaseName::Compile, out, |_| Ok(loaded.compile()?))?;
    out.send(&Event::Facts(writer.facts()));
    phase(PhaseName::First, out, |_| {
        writer.prefill(&scripts[0].prompt)?;
        choose(&writer.scores()?).map(drop)
    })?;
    phase(PhaseName::Check, out, |out| check(order, &scripts, writer.as_mut(), out))?;

    let stop = || wishes.stop();
    let output = order.texts.output as usize;
    let warm = phase(PhaseName::WarmUp, out, |_| {
        let mut text = |variant: usize| write(writer.as_mut(), &scripts[variant], output, &mut |_| {}).map(drop);
        sampling::warm_up(scripts.len(), &mut text, &stop)
    })?;
    if !warm.steady {
        let note = format!("the times had not settled when the warm-up ended after {} texts", warm.calls);
        out.send(&Event::Note(note));
    }
    out.send(&Event::Harness(sampling::harness_ms()));
    phase(PhaseName::Warm, out, |out| {
        let (out, texts, mut told) = (RefCell::new(out), RefCell::new(Vec::new()), Instant::now());
        let mut on_token = |token: usize| {
            if told.elapsed() >= BETWEEN_TOKENS_TOLD {
                out.borrow_mut().send(&Event::Token(token as u32));
                told = Instant::now();
            }
        };
        let mut text = |variant: usize| {
            let times = write(writer.as_mut(), &scripts[variant], output, &mut on_token)?;
            texts.borrow_mut().push(times);
            Ok::<_, Fault>(())
        };
        let budget = Duration::from_secs_f64(order.budget_secs);
        let settings = Sampling { variants: scripts.len(), budget, seed: order.seed };
        // Every text is a sample, however short it is.
        let call_ms = f64::INFINITY;
        let reason = sampling::sample(&settings, call_ms, &mut text, &stop, &mut noise::sentinel_ms, &mut |told| {
            out.borrow_mut().send(&match told {
                Told::Samples(_) => Event::Texts(texts.take()),
                Told::Sentinel(ms) => Event::Sentinel(ms),
            });
        })?;
        out.borrow_mut().send(&Event::SamplingEnded(reason));
        Ok(())
    })?;
    tell_memory(|| writer.facts(), &request.prefill.device, out);
    tell_placement(writer.placement(&scripts[0].prompt), out);
    out.send(&Event::Facts(writer.facts()));
    Ok(())
}

/// Writes one text of so many tokens, in milliseconds: the time to the first token and then of every further one.
///
/// `on_token` hears between the tokens how many there are.
fn write(
    writer: &mut dyn Writer,
    script: &Script,
    output: usize,
    on_token: &mut dyn FnMut(usize),
) -> Result<Vec<f64>, Fault> {
    let mut times = Vec::with_capacity(output);
    let began = Instant::now();
    writer.prefill(&script.prompt)?;
    let mut tokens = choose(&writer.scores()?)?;
    times.push(ms(began.elapsed()));
    while times.len() < output {
        on_token(times.len());
        let began = Instant::now();
        writer.decode(&tokens)?;
        tokens = choose(&writer.scores()?)?;
        times.push(ms(began.elapsed()));
    }
    Ok(times)
}

/// The token with the highest score of each text.
fn choose(scores: &Tensor) -> Result<Vec<i64>, Fault> {
    let width = scores.shape.last().copied().unwrap_or_default();
    let rows = scores.bytes.chunks_exact((width * scores.element.size()).max(1));
    Ok(match scores.element {
        Element::F32 => rows.map(|row| highest(row, f32::from_le_bytes)).collect(),
        Element::F16 => rows.map(|row| highest(row, |half| f16::from_le_bytes(half).to_f32())).collect(),
        Element::Bf16 => rows.map(|row| highest(row, |half| bf16::from_le_bytes(half).to_f32())).collect(),
        other => return Err(format!("its scores have the number format {other}, from which no token is chosen").into()),
    })
}

/// The first place of the highest number; 0 where there is none.
fn highest<const N: usize>(row: &[u8], number: impl Fn([u8; N]) -> f32) -> i64 {
    let mut best = (0, f32::NEG_INFINITY);
    for (place, bytes) in row.as_chunks::<N>().0.iter().enumerate() {
        let score = number(*bytes);
        if score > best.1 {
            best = (place as i64, score);
        }
    }
    best.0
}

/// First that the cache is one: after the last token the scores must be those of one pass over the whole text, of the
/// graphs in f32 as well where those ran. Then that the scores after every token are another engine's, both reading the
/// same tokens.
fn check(order: &WriteOrder, scripts: &[Script], writer: &mut dyn Writer, out: &mut Out) -> Result<(), Fault> {
    let tolerance = tolerance(order.writer.prefill.precision, &writer.facts());
    let each = scores_of(order.texts);
    let variants = (order.references.len().max(order.exact.len()) / each).clamp(1, scripts.len());
    let mut checked = Checked { tolerance, ..Checked::default() };
    let mut full_pass = 0.0f64;
    for (variant, script) in scripts.iter().take(variants).enumerate() {
        let (mut step, mut last) = (variant * each, None);
        script.scores(writer, &mut |scores| {
            let outputs = [scores];
            match order.references.get(step) {
                Some(file) => {
                    let (comparison, fault) = compare::compare(&read(file)?, &outputs);
                    checked.fault = checked.fault.take().or(fault);
                    checked.comparison = compare::worse(checked.comparison.take(), comparison);
                }
                None => checked.fault = checked.fault.take().or_else(|| compare::not_finite(&outputs)),
            }
            if let Some(file) = order.exact.get(step) {
                let found = deviation::of(&read(file)?, &outputs, Some(&outputs[0].name));
                checked.deviation = deviation::worse(checked.deviation.take(), found);
            }
            step += 1;
            let [scores] = outputs;
            last = Some(scores);
            Ok(())
        })?;
        let last = last.expect("a script has a prompt and scores after it");
        let whole = [script.scores_at_once(writer)?];
        let mut apart = tolerance;
        if let Some([exact_last, exact]) = order.exact.get(step - 1..=step) {
            let (exact_last, exact) = (read(exact_last)?, read(exact)?);
            as_one_pass("even in f32 on another engine, ", &exact, &exact_last, Precision::F32.tolerance())?;
            let found = deviation::of(&exact, &whole, Some(&whole[0].name));
            checked.deviation = deviation::worse(checked.deviation.take(), found);
            if matches!(order.writer.prefill.precision, Precision::Int8 | Precision::Int8Static) {
                apart = rounded_apart(&whole, &exact).unwrap_or(tolerance);
            }
        }
        full_pass = full_pass.max(as_one_pass("", &whole, &[last], apart)?);
    }
    out.send(&Event::FullPass(full_pass));
    judge(checked, out)
}

/// How far the last scores with a cache lie from those of one pass over the whole text, relative to the largest of these.
///
/// # Errors
/// Where that is more than is tolerated. The sentence begins with what is given for it.
fn as_one_pass(began: &str, whole: &[Tensor], last: &[Tensor], tolerance: f64) -> Result<f64, Fault> {
    let (comparison, fault) = compare::compare(whole, last);
    let fault = fault.or_else(|| compare::not_finite(whole));
    let found = Checked { comparison, tolerance, fault, deviation: None };
    match found.wrong() {
        None => Ok(found.comparison.map_or(0.0, |found| found.largest_difference)),
        Some(wrong) => Err(Fault {
            kind: FailureKind::WrongOutput,
            message: format!(
                "{began}with its cache it does not write what one pass over the whole text gives: {wrong}"
            ),
            remedy: None,
        }),
    }
}

/// What is tolerated of that where activations are rounded to 8 bits; `exact` are the scores of the pass in f32.
///
/// A call rounds by other steps where it reads other tokens, so the two differ. But a call that reads a part of a text has
/// no wider ranges than one that reads all of it, and so no coarser steps: with its cache an engine should lie no further
/// from f32 than without, and the two no further from each other than twice that.
fn rounded_apart(whole: &[Tensor], exact: &[Tensor]) -> Option<f64> {
    let (from_f32, _) = compare::compare(whole, exact);
    from_f32.map(|found| 2.0 * found.largest_difference)
}

fn ms(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_with_the_highest_score_of_each_text_is_chosen() {
        let scores = Tensor::from_f32s("logits", &[2, 1, 3], &[0.5, -1.0, 2.0, 7.0, 7.0, f32::NAN]);
        assert_eq!(choose(&scores).unwrap(), [2, 0]);
        let halves = [1.0f32, 3.0].into_iter().flat_map(|score| f16::from_f32(score).to_le_bytes()).collect();
        let halves = Tensor { name: "logits".into(), element: Element::F16, shape: vec![1, 1, 2], bytes: halves };
        assert_eq!(choose(&halves).unwrap(), [1]);
    }
}
