//! Insight: where a model should run, what runs here, and what ran where.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    insight::Advisor,
};
use contract::*;

impl Answer<Advise> for Desk {
    async fn answer(&self, Advise { work, limits }: Advise) -> Result<Advice, Failure> {
        self.with_advisor(move |advisor| advisor.advise(&work, &limits)).await
    }
}

impl Answer<AdviseMachine> for Desk {
    async fn answer(&self, AdviseMachine { limits }: AdviseMachine) -> Result<MachineAdvice, Failure> {
        self.with_advisor(move |advisor| advisor.advise_machine(&limits)).await
    }
}

impl Answer<WriteEngineFile> for Desk {
    async fn answer(&self, WriteEngineFile { work, setting }: WriteEngineFile) -> Result<EngineFile, Failure> {
        Ok(engine::engine_file(&work, &setting))
    }
}

impl Answer<GetCompatibility> for Desk {
    async fn answer(&self, _: GetCompatibility) -> Result<Compatibility, Failure> {
        self.with_store(|store| store.compatibility()).await
    }
}

impl Answer<GetInfluences> for Desk {
    async fn answer(&self, _: GetInfluences) -> Result<Vec<Influence>, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || desk.insight.influences(&store)).await
    }
}

impl Desk {
    /// Learning takes seconds to a minute: it is done on a thread of its own.
    async fn with_advisor<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Advisor) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (desk, store, machine) = (self.clone(), self.store().await?, self.inventory.machine().await);
        blocking(move || {
            let (models, settings) = (desk.catalogue.list(&store)?, store.settings()?);
            ask(&Advisor {
                insight: &desk.insight,
                store: &store,
                machine: &machine,
                models: &models,
                settings: &settings,
            })
        })
        .await
    }
}
