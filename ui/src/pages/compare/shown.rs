//! What the result shows, whether it goes on, has just ended or was stored long ago.

use contract::*;

#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub order: ComparisonOrder,
    pub stage: ComparisonStage,
    pub points: Vec<ComparisonPoint>,
    pub ratio: Option<PairedRatio>,
    pub tails: Option<Tails>,
}

impl From<LiveComparison> for Shown {
    fn from(LiveComparison { order, stage, points, ratio, tails }: LiveComparison) -> Self {
        Self { order, stage, points, ratio, tails }
    }
}

impl From<ComparisonView> for Shown {
    fn from(ComparisonView { comparison, points, tails }: ComparisonView) -> Self {
        let order = ComparisonOrder {
            budget_secs: comparison.a.setting.budget_secs,
            a: comparison.a.setting,
            b: comparison.b.setting,
            rules: comparison.rules,
            after: None,
        };
        Self { order, stage: ComparisonStage::Done(comparison.id), points, ratio: comparison.result, tails }
    }
}

impl Shown {
    pub fn secs(&self) -> f64 {
        self.points.last().map_or(0.0, |point| point.secs)
    }

    /// The same settings again, whose rounds are added to these; none where it is told or could not be.
    pub fn more(&self) -> Option<ComparisonOrder> {
        let ComparisonStage::Done(id) = &self.stage else { return None };
        let ratio = self.ratio.filter(|ratio| ratio.verdict == Verdict::CannotTell);
        let tail = self.tails.and_then(|tails| tails.needed_secs());
        let secs = ratio.and_then(|ratio| ratio.needed_secs).into_iter().chain(tail).reduce(f64::max)?;
        // The calls so far do not count for the limit again.
        let secs = self.tails.map_or(secs, |_| secs.max(self.secs()));
        // A promise is a guess: somewhat more than it says is seldom too little.
        let budget_secs = (secs * 1.25 + 1.0).clamp(5.0, 3600.0);
        Some(ComparisonOrder { after: Some(id.clone()), budget_secs, ..self.order.clone() })
    }
}
