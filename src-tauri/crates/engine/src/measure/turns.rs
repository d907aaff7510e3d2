//! Two measurements in turn: both workers warm at once, asked for short blocks of calls by one hand.

use super::measure_at;
use crate::{
    Control, Job, Program,
    backend::SessionFacts,
    statistics,
    worker::{Event, Heard, Pace, Voice, Wish},
};
use contract::{FailureKind, Live, Outcome, Round, Run, Side};
use std::{
    sync::mpsc::{self, Receiver},
    thread::{self, Scope},
    time::{Duration, Instant},
};

/// A block is at least so long, and holds a few calls. Short blocks lie close together in time and so meet the same
/// machine.
const BLOCK: Duration = Duration::from_millis(8);

/// What the parent of two measurements in turn gets to hear.
pub enum Told<'a> {
    /// One side is being prepared.
    Live(Side, &'a Live),
    /// What a side's engine says of itself, before its first call; some name their precision only after the last.
    Facts(Side, &'a SessionFacts),
    /// The rounds so far, after each of them.
    Rounds(&'a [Round]),
}

/// Both results with all their samples, and the rounds they were taken in.
pub struct Turns {
    pub a: Run,
    pub b: Run,
    pub rounds: Vec<Round>,
}

/// Measures A and B in turn until `budget` is spent or `control` is told to stop. Each is checked and recorded as a
/// measurement alone is; what goes wrong is its result, and where one side cannot go on the other one ends too. No
/// round is kept where a side's model was rewritten meanwhile.
///
/// Sampling stops at once where `on` calls `control.stop()`, as it does when the rounds have told enough.
pub fn measure_in_turn(
    program: &Program,
    [a, b]: [&Job; 2],
    budget: Duration,
    control: &Control,
    on: &mut dyn FnMut(Told),
) -> Turns {
    thread::scope(|scope| {
        // One after the other: what is measured while a side is prepared should not meet the other side at work.
        let mut a = Seat::take(Side::A, scope, program, a, control, on);
        let mut b = Seat::take(Side::B, scope, program, b, control, on);
        let rounds = take_rounds(&mut a, &mut b, budget, control, on);
        control.stop();
        let (a, b) = (a.leave(), b.leave());
        let is_changed = |run: &Run| matches!(run.outcome, Outcome::Failed { kind: FailureKind::ModelChanged, .. });
        // Times of nobody knows what tell nothing of either side.
        let rounds = if is_changed(&a) || is_changed(&b) { Vec::new() } else { rounds };
        Turns { a, b, rounds }
    })
}

/// Ends with the budget, with a side that ended, or when `control` says so.
fn take_rounds(
    a: &mut Seat,
    b: &mut Seat,
    budget: Duration,
    control: &Control,
    on: &mut dyn FnMut(Told),
) -> Vec<Round> {
    let mut rounds = Vec::new();
    let both_held = a.ended.is_none() && b.ended.is_none();
    // The first round finds the side that was prepared first with cold caches and a sleeping device.
    if !both_held || take_round(a, b).is_none() {
        return rounds;
    }
    let began = Instant::now();
    while control.goes_on() && (rounds.is_empty() || began.elapsed() < budget) {
        let Some(round) = take_round(a, b) else { break };
        rounds.push(Round { ended_secs: began.elapsed().as_secs_f64(), ..round });
        on(Told::Rounds(&rounds));
    }
    rounds
}

/// Four blocks, mirrored in time; none where a side ended. A coin decides who begins, so that nothing periodic on the
/// machine can favour one side.
fn take_round(a: &mut Seat, b: &mut Seat) -> Option<Round> {
    let (first, [one, two]) = if rand::random() { (Side::A, [a, b]) } else { (Side::B, [b, a]) };
    let outer = one.block()?;
    let inner = [two.block()?, two.block()?];
    let outer = [outer, one.block()?];
    let (a, b) = if first == Side::A { (outer, inner) } else { (inner, outer) };
    let medians = |blocks: [Block; 2]| blocks.map(|block| block.median_ms);
    let calls_ms = Some([a[0].call_ms, b[0].call_ms]);
    Some(Round { first, a_ms: medians(a), b_ms: medians(b), calls_ms, ended_secs: 0.0 })
}

/// A block of one side's calls.
#[derive(Clone, Copy)]
struct Block {
    median_ms: f64,
    /// Of one call, whose place is chosen before the block begins. The last would be a long one too often: a block ends with
    /// the call that fills its time.
    call_ms: f64,
}

impl Block {
    /// Every block holds so many calls.
    const FEWEST: usize = 3;

    fn of(samples: &[f64]) -> Option<Self> {
        Some(Self { median_ms: statistics::median(samples)?, call_ms: *samples.get(Self::FEWEST - 1)? })
    }
}

/// One side's worker as the hand that asks in turn sees it.
struct Seat {
    said: Receiver<Said>,
    /// How to ask it, once it is held.
    held: Option<Voice>,
    ended: Option<Run>,
}

enum Said {
    Live(Box<Live>),
    Facts(Box<SessionFacts>),
    Held(Voice),
    /// The times of a block's calls, in milliseconds.
    Block(Vec<f64>),
    Ended(Box<Run>),
}

impl Seat {
    /// Starts the side and waits until its worker is held or has ended.
    fn take<'scope>(
        side: Side,
        scope: &'scope Scope<'scope, '_>,
        program: &'scope Program,
        job: &'scope Job,
        control: &'scope Control,
        on: &mut dyn FnMut(Told),
    ) -> Self {
        let (sender, said) = mpsc::channel();
        scope.spawn(move || {
            // The seat is left only after its end was heard, so there is always someone to tell.
            let tell = |said| drop(sender.send(said));
            let mut voice = None;
            let mut hear = |heard: &Heard| match heard {
                Heard::Started(started) => voice = Some(started.clone()),
                Heard::Event(Event::Facts(facts)) => tell(Said::Facts(Box::new(facts.clone()))),
                Heard::Event(Event::Held) => {
                    tell(Said::Held(voice.clone().expect("a worker that speaks was started")));
                }
                Heard::Event(Event::Samples(samples)) => tell(Said::Block(samples.clone())),
                _ => {}
            };
            let run = measure_at(
                Pace::InTurn,
                program,
                job,
                control,
                &mut |live| tell(Said::Live(Box::new(live))),
                &mut hear,
            );
            tell(Said::Ended(Box::new(run)));
        });
        let mut seat = Self { said, held: None, ended: None };
        while seat.held.is_none() && seat.ended.is_none() {
            match seat.hear() {
                Said::Live(live) => on(Told::Live(side, &live)),
                Said::Facts(facts) => on(Told::Facts(side, &facts)),
                Said::Held(voice) => seat.held = Some(voice),
                Said::Block(_) => {}
                Said::Ended(run) => seat.ended = Some(*run),
            }
        }
        seat
    }

    /// One block; none where the side has ended.
    fn block(&mut self) -> Option<Block> {
        let voice = self.held.as_ref().filter(|_| self.ended.is_none())?;
        voice.say(Wish::Block(BLOCK));
        loop {
            match self.hear() {
                Said::Block(samples) => {
                    return Some(Block::of(&samples).expect("a block holds a few calls"));
                }
                Said::Ended(run) => {
                    self.ended = Some(*run);
                    return None;
                }
                Said::Live(_) | Said::Facts(_) | Said::Held(_) => {}
            }
        }
    }

    /// Waits for the side's end, which was asked for.
    fn leave(mut self) -> Run {
        loop {
            if let Some(run) = self.ended.take() {
                return run;
            }
            if let Said::Ended(run) = self.hear() {
                self.ended = Some(*run);
            }
        }
    }

    fn hear(&self) -> Said {
        self.said.recv().expect("a side says that it has ended before it is gone")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_that_fills_a_block_is_not_the_one_that_counts_for_it() {
        let block = Block::of(&[1.0, 1.0, 2.0, 1.0, 50.0]).unwrap();
        assert_eq!((block.median_ms, block.call_ms), (1.0, 2.0));
    }
}
