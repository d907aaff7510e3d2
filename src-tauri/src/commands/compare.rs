//! Compare: two settings measured in turn, and what earlier comparisons told.

use crate::{
    answer::Answer,
    compare::tails_of,
    comparing,
    desk::{Desk, blocking},
};
use contract::*;
use insight::stored;

impl Answer<StartComparison> for Desk {
    async fn answer(&self, StartComparison { order }: StartComparison) -> Result<(), Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || comparing::start(&desk, store, order)).await
    }
}

impl Answer<EndComparison> for Desk {
    async fn answer(&self, EndComparison { keep }: EndComparison) -> Result<(), Failure> {
        self.comparing.end(keep);
        Ok(())
    }
}

impl Answer<GetLiveComparison> for Desk {
    async fn answer(&self, _: GetLiveComparison) -> Result<Option<LiveComparison>, Failure> {
        Ok(self.comparing.live())
    }
}

impl Answer<ListComparisons> for Desk {
    async fn answer(&self, _: ListComparisons) -> Result<Vec<ComparisonRow>, Failure> {
        self.with_store(|store| store.comparisons()).await
    }
}

impl Answer<GetComparison> for Desk {
    async fn answer(&self, GetComparison { id }: GetComparison) -> Result<ComparisonView, Failure> {
        let wanted = id.clone();
        let comparison = self.with_store(move |store| store.comparison(&wanted)).await?;
        let comparison = comparison.ok_or_else(|| Failure::not_found("comparison", id))?;
        let points = comparing::points(&comparison.rounds, &comparison.rules);
        let tails = tails_of(&comparison);
        Ok(ComparisonView { comparison, points, tails })
    }
}

impl Answer<CompareStored> for Desk {
    async fn answer(&self, CompareStored { runs, rules }: CompareStored) -> Result<ResultsBeside, Failure> {
        let store = self.store().await?;
        blocking(move || {
            let whole = |id: RunId| store.run(&id)?.ok_or_else(|| Failure::not_found("result", id));
            let runs: Vec<Run> = runs.into_iter().map(whole).collect::<Result<_, Failure>>()?;
            Ok(stored::beside(&runs, &rules))
        })
        .await
    }
}
