//! A confidence sequence for the centre of symmetric figures: an interval that holds at every moment at once.
//!
//! For a figure that is symmetric about the centre given those before it, exp(λx − λ²x²/2) with x its distance from the
//! centre is on average at most 1 (de la Peña 1999, "A general class of exponential inequalities for martingales and
//! ratios"). So is the product over all figures, and its average over λ ~ N(0, 1/ρ), which is
//! √(ρ / (V + ρ)) · exp(S² / 2(V + ρ)) with S = Σx and V = Σx² (Robbins 1970, "Statistical methods related to the law of
//! the iterated logarithm"). The chance that it ever reaches 1/α is at most α (Ville's inequality), so the centres for
//! which it has not are an interval at confidence 1 − α, however often one looks and whenever one stops.
//!
//! x may be any odd function of the distance that earlier figures fix. Here it is the distance in robust standard
//! deviations of those before, clipped as Huber does, so that a disturbed figure counts no more than another far one.

use crate::watch::noise;

/// Standard deviations at which a figure's weight stops growing.
const CLIP: f64 = 1.5;
/// The mean of x² for clipped standard normal figures: P(|z| < 1.5) − 2 · 1.5 · φ(1.5) + 1.5² · P(|z| > 1.5).
const NORMAL_SQUARE: f64 = 0.778;
/// The share of standard normal figures that are not clipped.
const NORMAL_SLOPE: f64 = 0.866;
/// The interval is narrowest, against that of a single look, after about this many figures.
const PLANNED: f64 = 64.0;
/// The spread of the first figures is theirs together; it is taken anew whenever there are twice as many.
const FIRST: usize = 8;
/// No clock tells times apart that differ by less than this, as a share.
const FINEST: f64 = 1e-6;
/// Logarithms of ratios beyond this are not looked for: e^10 is 22,000.
const FURTHEST: f64 = 10.0;
const MOST_FIGURES: usize = 100_000_000;

pub struct Sequence {
    /// Each with the spread it is measured by.
    figures: Vec<(f64, f64)>,
    /// ln(1/α).
    log_odds: f64,
    rho: f64,
}

impl Sequence {
    pub fn of(figures: &[f64], confidence: f64) -> Self {
        let log_odds = -(1.0 - confidence).ln();
        // Howard et al. 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", 3.5.
        let rho = PLANNED * NORMAL_SQUARE / (2.0 * log_odds + (1.0 + 2.0 * log_odds).ln());
        let spread = |before: usize| noise::of_differences(&figures[..before.min(figures.len())]).max(FINEST);
        let mut current = spread(FIRST);
        let mut measured = |(i, figure): (usize, &f64)| {
            if i > FIRST && i.is_power_of_two() {
                current = spread(i);
            }
            (*figure, current)
        };
        Self { figures: figures.iter().enumerate().map(&mut measured).collect(), log_odds, rho }
    }

    /// Huber's estimate of the centre: where the clipped distances add up to nothing.
    pub fn centre(&self) -> f64 {
        let (from, to) = (bisect(|centre| self.sums(centre).0 > 0.0), bisect(|centre| self.sums(centre).0 >= 0.0));
        f64::midpoint(from, to)
    }

    /// None while the figures are too few to bound the centre on both sides.
    pub fn interval(&self) -> Option<(f64, f64)> {
        if self.is_excluded(-FURTHEST).is_none() || self.is_excluded(FURTHEST).is_none() {
            return None;
        }
        let low = bisect(|centre| self.is_excluded(centre) == Some(Beyond::Below));
        let high = bisect(|centre| self.is_excluded(centre) != Some(Beyond::Above));
        Some((low, high))
    }

    /// How many figures, all told, would likely make half of the `interval`, as it is now, narrower than `margin`, if
    /// they spread as those so far. None where no number that could be waited for would.
    pub fn figures_until(&self, margin: f64, interval: Option<(f64, f64)>) -> Option<usize> {
        let now = self.figures.len();
        let unit = match interval {
            Some((low, high)) => (high - low) / 2.0 / self.relative_width(now),
            None => self.figures.last()?.1,
        };
        let tells = |figures: usize| unit * self.relative_width(figures) < margin && self.could_bound(figures);
        let mut enough = now + 1;
        while !tells(enough) {
            enough = enough.checked_mul(2).filter(|enough| *enough < MOST_FIGURES)?;
        }
        let mut short = (enough / 2).max(now);
        while enough - short > 1 {
            let middle = usize::midpoint(short, enough);
            *if tells(middle) { &mut enough } else { &mut short } = middle;
        }
        Some(enough)
    }

    /// Half the interval after so many normal figures, in their standard deviations.
    fn relative_width(&self, figures: usize) -> f64 {
        let square = figures as f64 * NORMAL_SQUARE;
        self.boundary(square) / (figures as f64 * NORMAL_SLOPE)
    }

    /// Whether so many figures, all clipped to one side, would exclude a centre at all.
    fn could_bound(&self, figures: usize) -> bool {
        let most = figures as f64 * CLIP;
        most > self.boundary(most * CLIP)
    }

    /// The |S| that is too large for a V.
    fn boundary(&self, square: f64) -> f64 {
        let total = square + self.rho;
        (total * (2.0 * self.log_odds + (total / self.rho).ln())).sqrt()
    }

    fn is_excluded(&self, centre: f64) -> Option<Beyond> {
        let (sum, square) = self.sums(centre);
        let excluded = sum.abs() > self.boundary(square);
        excluded.then_some(if sum > 0.0 { Beyond::Below } else { Beyond::Above })
    }

    /// S and V.
    fn sums(&self, centre: f64) -> (f64, f64) {
        self.figures.iter().fold((0.0, 0.0), |(sum, square), (figure, spread)| {
            let x = ((figure - centre) / spread).clamp(-CLIP, CLIP);
            (sum + x, square + x * x)
        })
    }
}

/// Which side of the interval an excluded centre lies on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beyond {
    Below,
    Above,
}

/// The point up to which a condition holds, for one that holds below it and not above.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (-FURTHEST, FURTHEST);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        *if holds(middle) { &mut low } else { &mut high } = middle;
    }
    f64::midpoint(low, high)
}
