//! The comparison that the window asked for: one at a time, alone on the machine, on a thread of its own.

use crate::{
    bench::Order,
    compare::{Progress, Terms, tails_of},
    desk::{Desk, on_thread},
    keep,
    quiet::{Held, Work},
};
use contract::*;
use engine::{Control, TELL_EVERY};
use insight::compare::judge;
use std::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};
use store::Store;

/// Points of the picture beyond this are thinned out: a window is no wider.
const MOST_POINTS: usize = 400;

#[derive(Default)]
pub struct Comparing {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What ends the one going on, with its place.
    going: Option<(Control, Held)>,
    live: Option<LiveComparison>,
}

impl Comparing {
    /// The one going on, or the last one since the start.
    pub fn live(&self) -> Option<LiveComparison> {
        self.state().live.clone()
    }

    /// Ends the rounds. What they told is kept, or all of it is given up.
    pub fn end(&self, keep: bool) {
        if let Some((control, _)) = &self.state().going {
            if keep { control.stop() } else { control.cancel() }
        }
    }

    /// Says how it goes, and answers what is to be told the window.
    fn show(&self, change: impl FnOnce(&mut LiveComparison)) -> Option<LiveComparison> {
        let mut state = self.state();
        let live = state.live.as_mut()?;
        change(live);
        Some(live.clone())
    }

    /// Says how it ended; whoever sees that may begin another.
    fn finish(&self, stage: ComparisonStage) -> Option<LiveComparison> {
        let mut state = self.state();
        state.going = None;
        let live = state.live.as_mut()?;
        live.stage = stage;
        Some(live.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

/// Starts a comparison on a thread of its own.
pub fn start(desk: &Desk, store: Store, order: ComparisonOrder) -> Result<(), Failure> {
    let earlier = earlier(desk, &store, &order)?;
    let terms = Terms { rules: order.rules, budget_secs: order.budget_secs, earlier };
    terms.check(["The difference that matters", "How sure", "The limit on slow calls", "Longest time"])?;
    let (control, held) = (Control::default(), desk.begin(Work::Comparison)?);
    *desk.comparing.state() = State {
        going: Some((control.clone(), held)),
        live: Some(LiveComparison {
            order: order.clone(),
            stage: ComparisonStage::Preparing { side: Side::A, phase: PhaseName::Acquire },
            points: terms.earlier.as_ref().map_or(Vec::new(), |before| points(&before.rounds, &terms.rules)),
            ratio: None,
            tails: None,
        }),
    };
    let working = desk.clone();
    let work = move || {
        let stage = compare(&working, &store, &order, &terms, &control);
        finish(&working, stage);
    };
    on_thread("compare", work)
        .inspect_err(|failure| finish(desk, ComparisonStage::Failed { side: None, failure: failure.clone() }))
}

fn finish(desk: &Desk, stage: ComparisonStage) {
    tell(desk, desk.comparing.finish(stage));
}

/// The comparison that this one goes on with.
fn earlier(desk: &Desk, store: &Store, order: &ComparisonOrder) -> Result<Option<Comparison>, Failure> {
    let Some(id) = &order.after else { return Ok(None) };
    let before = store.comparison(id)?.ok_or_else(|| Failure::not_found("comparison", id))?;
    let whole =
        |setting: &Setting| Ok::<_, Failure>(desk.catalogue.model(store, &setting.model)?.spelt_out(setting.clone()));
    go_together(&before, [&whole(&order.a)?, &whole(&order.b)?], &engine::environment().machine)?;
    Ok(Some(before))
}

/// Refuses rounds of other settings or of another machine. The settings have every size spelt out, as those of results.
fn go_together(before: &Comparison, [a, b]: [&Setting; 2], machine: &MachineId) -> Result<(), Failure> {
    let refused = |reason: &str| Err(Failure::bad_input("Compare", reason).remedy("Start a new comparison"));
    let same = |run: &Run, setting: &Setting| {
        let ran = &run.setting;
        (&ran.model, &ran.engine, &ran.device, ran.precision, ran.mode)
            == (&setting.model, &setting.engine, &setting.device, setting.precision, setting.mode)
            && (ran.batch, ran.size, &ran.dims) == (setting.batch, setting.size, &setting.dims)
            && setting.threads.is_none_or(|threads| ran.threads == Some(threads))
    };
    if !same(&before.a, a) || !same(&before.b, b) {
        return refused("the earlier rounds were of other settings");
    }
    if before.a.environment.machine != *machine {
        return refused("the earlier rounds were taken on another machine");
    }
    Ok(())
}

fn compare(desk: &Desk, store: &Store, order: &ComparisonOrder, terms: &Terms, control: &Control) -> ComparisonStage {
    let failed = |failure| ComparisonStage::Failed { side: None, failure };
    match measure(desk, store, order, terms, control) {
        Err(failure) => failed(failure),
        Ok(_) if control.is_cancelled() => ComparisonStage::Cancelled,
        Ok(comparison) => {
            let save = || store.insert_comparison(&comparison);
            let is_there = || Ok(store.comparison(&comparison.id)?.is_some());
            if !keep::surely(desk, "A comparison", control, save, is_there) {
                return ComparisonStage::Cancelled;
            }
            for side in Side::BOTH {
                desk.tell(Event::Stored(comparison.side(side).id.clone()));
            }
            failure_of(&comparison).unwrap_or(ComparisonStage::Done(comparison.id))
        }
    }
}

fn measure(
    desk: &Desk,
    store: &Store,
    order: &ComparisonOrder,
    terms: &Terms,
    control: &Control,
) -> Result<Comparison, Failure> {
    let settings = store.settings()?;
    let machine = desk.inventory.machine_blocking();
    let (model_a, model_b) =
        (desk.catalogue.model(store, &order.a.model)?, desk.catalogue.model(store, &order.b.model)?);
    let (setting_a, setting_b) = (model_a.spelt_out(order.a.clone()), model_b.spelt_out(order.b.clone()));
    let run = || RunId(uuid::Uuid::now_v7().to_string());
    let a = Order { run: run(), setting: &setting_a, model: &model_a, machine: &machine, settings: &settings };
    let b = Order { run: run(), setting: &setting_b, model: &model_b, machine: &machine, settings: &settings };
    let mut told: Option<Instant> = None;
    let comparison = desk.bench.compare([&a, &b], terms, control, &mut |progress| match progress {
        Progress::Live(side, Live { phase, .. }) => {
            let live = desk.comparing.show(|live| live.stage = ComparisonStage::Preparing { side, phase: *phase });
            tell(desk, live);
        }
        Progress::NotCounted(told) => {
            tell(desk, desk.comparing.show(|live| live.points.clear()));
            desk.tell(Event::Notice(Notice { kind: NoticeKind::Warning, text: format!("{told}.") }));
        }
        Progress::Rounds(rounds, ratio, tails) => {
            let secs = rounds.last().map_or(0.0, |round| round.ended_secs);
            let point = ComparisonPoint { secs, ratio: ratio.ratio, interval: ratio.interval };
            let live = desk.comparing.show(|live| {
                live.stage = ComparisonStage::Measuring;
                live.ratio = Some(ratio);
                live.tails = tails;
                live.points.push(point);
                thin_out(&mut live.points);
            });
            if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                told = Some(Instant::now());
                tell(desk, live);
            }
        }
    });
    // Rounds that were told may not count in the end: those of a model that was rewritten meanwhile.
    desk.comparing.show(|live| {
        live.points = points(&comparison.rounds, &comparison.rules);
        live.ratio = comparison.result;
        live.tails = tails_of(&comparison);
    });
    Ok(comparison)
}

fn tell(desk: &Desk, live: Option<LiveComparison>) {
    if let Some(live) = live {
        desk.tell(Event::Comparison(Box::new(live)));
    }
}

/// The side that could not go on; the other one ended with it.
fn failure_of(comparison: &Comparison) -> Option<ComparisonStage> {
    Side::BOTH.into_iter().find_map(|side| match &comparison.side(side).outcome {
        Outcome::Failed { kind, phase, message, remedy } if *kind != FailureKind::Cancelled => {
            let failure = Failure::BadInput {
                subject: phase.label().to_owned(),
                place: None,
                reason: message.clone(),
                remedy: remedy.clone(),
            };
            Some(ComparisonStage::Failed { side: Some(side), failure })
        }
        _ => None,
    })
}

/// What the rounds said after each of them.
pub fn points(rounds: &[Round], rules: &CompareRules) -> Vec<ComparisonPoint> {
    let step = rounds.len().div_ceil(MOST_POINTS).max(1);
    let ends = (1..=rounds.len()).filter(|end| end % step == 0 || *end == rounds.len());
    ends.filter_map(|end| {
        let told = judge(&rounds[..end], rules)?;
        Some(ComparisonPoint { secs: rounds[end - 1].ended_secs, ratio: told.ratio, interval: told.interval })
    })
    .collect()
}

/// Every second one of the older points goes.
fn thin_out(points: &mut Vec<ComparisonPoint>) {
    if points.len() > MOST_POINTS {
        let mut index = 0;
        points.retain(|_| {
            index += 1;
            index % 2 == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::failed_run;

    #[test]
    fn only_rounds_of_the_same_work_on_the_same_machine_are_gone_on_with() {
        let setting = Setting {
            model: "preset:net".into(),
            engine: "candle".into(),
            device: "cpu".into(),
            precision: Precision::F32,
            mode: Mode::Inference,
            batch: 1,
            size: Some(16),
            dims: [("frames".to_owned(), 8)].into(),
            threads: None,
            seed: 0,
            budget_secs: 1.0,
        };
        let (at, phase, kind) = (jiff::Timestamp::UNIX_EPOCH, PhaseName::Warm, FailureKind::Cancelled);
        let run = failed_run("r".into(), &setting, RunModel::default(), None, at, phase, kind, String::new());
        let before = Comparison {
            id: "c".into(),
            rules: CompareRules::default(),
            result: None,
            rounds: Vec::new(),
            started_at: at,
            finished_at: at,
            a: run.clone(),
            b: run.clone(),
        };
        let here = &run.environment.machine;
        let refused = |other: &Setting, machine: &MachineId| {
            go_together(&before, [&setting, other], machine).err().map(|failure| failure.to_string())
        };
        assert_eq!(refused(&setting, here), None);
        let wider = Setting { dims: [("frames".to_owned(), 16)].into(), ..setting.clone() };
        let written = Setting { mode: Mode::Generation, ..setting.clone() };
        for other in [wider, written, Setting { size: None, ..setting.clone() }] {
            assert!(refused(&other, here).unwrap().contains("other settings"), "{other:?}");
        }
        assert!(refused(&setting, &"elsewhere".into()).unwrap().contains("another machine"));
    }
}
