//! Watch: the series of the store, what changed in them, and what the person said of it.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    insight::Watched,
    queue,
};
use contract::*;
use std::sync::Arc;
use store::Store;

impl Answer<GetWatch> for Desk {
    async fn answer(&self, GetWatch { smallest_change }: GetWatch) -> Result<WatchBoard, Failure> {
        self.with_watched(smallest_change, |watched, store| Ok(watched.board(&store.marks()?))).await
    }
}

impl Answer<GetSeries> for Desk {
    async fn answer(&self, GetSeries { series, smallest_change }: GetSeries) -> Result<SeriesHistory, Failure> {
        let machine = self.inventory.machine().await;
        self.with_watched(smallest_change, move |watched, store| {
            let history = watched.history(&series, &store.marks()?, &machine);
            history.ok_or_else(|| Failure::not_found("series called", series))
        })
        .await
    }
}

impl Answer<GetConcerns> for Desk {
    async fn answer(&self, _: GetConcerns) -> Result<Vec<Concern>, Failure> {
        let smallest_change = WatchRules::default().smallest_change;
        self.with_watched(smallest_change, |watched, store| Ok(watched.concerns(&store.marks()?))).await
    }
}

impl Answer<SetMarks> for Desk {
    async fn answer(&self, SetMarks { marked, mark }: SetMarks) -> Result<(), Failure> {
        self.with_store(move |store| store.set_marks(&marked, mark)).await
    }
}

impl Answer<MeasureAgain> for Desk {
    async fn answer(&self, MeasureAgain { run }: MeasureAgain) -> Result<JobId, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || {
            let again = store.run(&run)?.ok_or_else(|| Failure::not_found("result", &run))?;
            if again.setting.model.is_generated() {
                return Err(Failure::bad_input("Measure again", "a generated benchmark measured it")
                    .remedy("Run that again on the page Templates"));
            }
            let model = desk.catalogue.model(&store, &again.setting.model)?;
            // An older Assay told some sizes otherwise.
            let setting = model.spelt_out(again.setting);
            let secs = store.longest_like(&setting)?.unwrap_or(setting.budget_secs);
            let named = (again.model.name, model.size_unit(setting.mode));
            let job = queue::new_job(setting, named, again.effective.device_name, secs);
            let id = job.id.clone();
            desk.queue.add(vec![job]);
            queue::changed(&desk, &store);
            Ok(id)
        })
        .await
    }
}

impl Desk {
    async fn with_watched<T: Send + 'static>(
        &self,
        smallest_change: f64,
        ask: impl FnOnce(&Arc<Watched>, &Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        if !(0.001..=1.0).contains(&smallest_change) {
            return Err(Failure::bad_input("smallest change", "it must lie between 0.1 % and 100 %"));
        }
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || ask(&desk.insight.watched(&store, smallest_change)?, &store)).await
    }
}
