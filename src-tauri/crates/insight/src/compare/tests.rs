//! Verdicts on rounds whose truth is known: heavy-tailed, drifting, autocorrelated noise, looked at after every round.

use super::*;
use contract::Side;
use proptest::prelude::*;

/// Far finer than any difference that matters, so that every interval without 1 is a verdict.
const NO_THRESHOLD: f64 = 1e-9;

/// A machine whose speed wanders, jumps and is disturbed. The seed fixes all of it.
struct Machine {
    state: u64,
    wander: f64,
    /// Rounds left of a time in which everything is slower.
    busy: u32,
}

impl Machine {
    fn new(seed: u64) -> Self {
        let mut machine = Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, wander: 0.0, busy: 0 };
        for _ in 0..10 {
            machine.uniform();
        }
        machine
    }

    fn uniform(&mut self) -> f64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Student's t with two degrees of freedom: its variance is endless (Bailey 1994).
    fn heavy(&mut self) -> f64 {
        let (u, v) = (self.uniform().max(1e-12), self.uniform());
        (2.0 * (u.powf(-1.0) - 1.0)).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// The median time of a block of calls that take `ms` on an idle machine.
    fn block(&mut self, ms: f64, noise: f64) -> f64 {
        self.wander = 0.95 * self.wander + noise * (self.uniform() - 0.5);
        if self.busy == 0 && self.uniform() < 0.005 {
            self.busy = 40;
        }
        let slower = if self.busy > 0 { 0.3 } else { 0.0 };
        self.busy = self.busy.saturating_sub(1);
        ms * (self.wander + slower + noise * self.heavy() / 2.0).exp()
    }

    fn round(&mut self, a_ms: f64, b_ms: f64, noise: f64) -> Round {
        let first = if self.uniform() < 0.5 { Side::A } else { Side::B };
        let mut taken = ([0.0; 2], [0.0; 2]);
        let second = if first == Side::A { Side::B } else { Side::A };
        for (side, at) in [(first, 0), (second, 0), (second, 1), (first, 1)] {
            match side {
                Side::A => taken.0[at] = self.block(a_ms, noise),
                Side::B => taken.1[at] = self.block(b_ms, noise),
            }
        }
        Round { first, a_ms: taken.0, b_ms: taken.1, calls_ms: None, ended_secs: 0.0 }
    }

    /// The verdict of a comparison that looks after each round, stops when it is told, and gives up after `most`.
    fn compare(&mut self, b_ms: f64, noise: f64, rules: &CompareRules, most: usize) -> Verdict {
        let mut rounds = Vec::new();
        while rounds.len() < most {
            rounds.push(self.round(1.0, b_ms, noise));
            let told = judge(&rounds, rules).unwrap().verdict;
            if told != Verdict::CannotTell {
                return told;
            }
        }
        Verdict::CannotTell
    }
}

#[test]
fn a_against_itself_is_seldom_called_different_however_often_one_looks() {
    let rules = CompareRules { threshold: NO_THRESHOLD, ..CompareRules::default() };
    let different = (0..400)
        .filter(|seed| {
            let verdict = Machine::new(*seed).compare(1.0, 0.05, &rules, 150);
            matches!(verdict, Verdict::Faster | Verdict::Slower)
        })
        .count();
    // Half a percent is two of 400; five or more of them have a chance below 6 %, and the bound is not sharp.
    assert!(different <= 4, "{different} of 400");
}

#[test]
fn the_confidence_asked_for_is_kept_where_it_is_low_enough_to_be_seen() {
    let rules = CompareRules { threshold: NO_THRESHOLD, confidence: 0.8, ..CompareRules::default() };
    let different = (0..400)
        .filter(|seed| Machine::new(1000 + seed).compare(1.0, 0.05, &rules, 100) != Verdict::CannotTell)
        .count();
    assert!((4..=80).contains(&different), "{different} of 400 at 80 %");
}

#[test]
fn five_percent_more_work_is_found() {
    let rules = CompareRules::default();
    let found = (0..200).filter(|seed| Machine::new(*seed).compare(1.05, 0.03, &rules, 100) == Verdict::Slower).count();
    assert!(found >= 190, "{found} of 200");
}

#[test]
fn equal_settings_are_told_to_be_the_same() {
    let rules = CompareRules::default();
    let same = (0..100).filter(|seed| Machine::new(*seed).compare(1.0, 0.01, &rules, 200) == Verdict::Same).count();
    assert!(same >= 90, "{same} of 100");
}

/// The median over many machines of what was promised after 30 rounds tells within twice the time.
#[test]
fn the_time_that_is_promised_tells() {
    let rules = CompareRules::default();
    let (mut told, mut asked) = (0, 0);
    for seed in 0..100 {
        let mut machine = Machine::new(seed);
        let mut rounds: Vec<Round> = Vec::new();
        let mut go_on = |rounds: &mut Vec<Round>, count: usize| {
            for _ in 0..count {
                let ended_secs = (rounds.len() + 1) as f64;
                rounds.push(Round { ended_secs, ..machine.round(1.0, 1.03, 0.04) });
            }
            judge(rounds, &rules).unwrap()
        };
        let open = go_on(&mut rounds, 30);
        if let Some(secs) = open.needed_secs {
            asked += 1;
            told += usize::from(go_on(&mut rounds, 2 * secs as usize).verdict == Verdict::Slower);
        }
    }
    assert!(asked >= 50 && told * 10 >= asked * 7, "{told} of {asked}");
}

#[test]
fn too_few_rounds_bound_nothing_and_none_says_nothing() {
    let rules = CompareRules::default();
    assert_eq!(judge(&[], &rules), None);
    let round = Round { first: Side::A, a_ms: [1.0, 1.0], b_ms: [2.0, 2.0], calls_ms: None, ended_secs: 1.0 };
    let told = judge(&[round], &rules).unwrap();
    assert_eq!((told.verdict, told.interval), (Verdict::CannotTell, None));
    assert!((told.ratio - 2.0).abs() < 1e-6 && told.needed_secs.unwrap() > 5.0, "{told:?}");
}

#[test]
fn twice_the_time_is_told_as_soon_as_it_can_be_bounded() {
    let rules = CompareRules::default();
    let rounds = [Round { first: Side::A, a_ms: [1.0, 1.0], b_ms: [2.0, 2.0], calls_ms: None, ended_secs: 1.0 }; 20];
    let told = judge(&rounds, &rules).unwrap();
    assert_eq!(told.verdict, Verdict::Slower);
    assert!(told.interval.unwrap().low > 1.99);
}

#[test]
fn a_drift_within_the_rounds_cancels() {
    let rules = CompareRules::default();
    let drift = |i: i32| f64::exp(f64::from(i) * 0.01);
    let rounds: Vec<Round> = (0..40)
        .map(|i| {
            let at = |j| drift(4 * i + j);
            Round { first: Side::A, a_ms: [at(0), at(3)], b_ms: [at(1), at(2)], calls_ms: None, ended_secs: 1.0 }
        })
        .collect();
    let told = judge(&rounds, &rules).unwrap();
    assert_eq!(told.verdict, Verdict::Same, "{told:?}");
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let ms = || prop::array::uniform2(0.1..10.0_f64);
    let round = (any::<bool>(), ms(), ms()).prop_map(|(coin, a_ms, b_ms)| {
        let first = if coin { Side::A } else { Side::B };
        Round { first, a_ms, b_ms, calls_ms: None, ended_secs: 1.0 }
    });
    prop::collection::vec(round, 1..60)
}

proptest! {
    #[test]
    fn the_sides_may_be_exchanged(rounds in rounds()) {
        let rules = CompareRules::default();
        let exchange = |round: &Round| Round { a_ms: round.b_ms, b_ms: round.a_ms, ..*round };
        let exchanged: Vec<Round> = rounds.iter().map(exchange).collect();
        let (told, other) = (judge(&rounds, &rules).unwrap(), judge(&exchanged, &rules).unwrap());
        prop_assert!((told.ratio * other.ratio - 1.0).abs() < 1e-6);
        prop_assert_eq!(told.interval.is_some(), other.interval.is_some());
        if let (Some(one), Some(two)) = (told.interval, other.interval) {
            prop_assert!((one.low * two.high - 1.0).abs() < 1e-6 && (one.high * two.low - 1.0).abs() < 1e-6);
        }
        let mirrored = match told.verdict {
            Verdict::Faster => Verdict::Slower,
            Verdict::Slower => Verdict::Faster,
            verdict => verdict,
        };
        prop_assert_eq!(other.verdict, mirrored);
    }

    #[test]
    fn the_unit_of_time_does_not_matter(rounds in rounds(), unit in 1e-3..1e3_f64) {
        let rules = CompareRules::default();
        let in_unit = |ms: [f64; 2]| ms.map(|ms| ms * unit);
        let scaled: Vec<Round> =
            rounds.iter().map(|round| Round { a_ms: in_unit(round.a_ms), b_ms: in_unit(round.b_ms), ..*round }).collect();
        let (told, other) = (judge(&rounds, &rules).unwrap(), judge(&scaled, &rules).unwrap());
        prop_assert!((told.ratio / other.ratio - 1.0).abs() < 1e-6);
        prop_assert_eq!(told.verdict, other.verdict);
    }

    #[test]
    fn the_interval_holds_the_ratio_and_one_wild_round_does_not_move_it_far(rounds in rounds()) {
        let rules = CompareRules::default();
        let told = judge(&rounds, &rules).unwrap();
        if let Some(interval) = told.interval {
            prop_assert!(interval.low <= told.ratio && told.ratio <= interval.high);
            let wild = Round { first: Side::A, a_ms: [1e-6; 2], b_ms: [1e6; 2], calls_ms: None, ended_secs: 1.0 };
            let after = judge(&[&rounds[..], &[wild]].concat(), &rules).unwrap();
            prop_assert!(after.ratio < interval.high * 1.2, "{:?} became {:?}", told, after);
        }
    }
}
