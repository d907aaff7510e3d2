//! Models: the gallery of types, and what a configuration costs while it is being written.

use crate::{
    answer::Answer,
    bench::memory_limit,
    desk::{Desk, blocking},
    few_layers,
    gallery::{self, At},
};
use contract::*;

impl Answer<ListTypes> for Desk {
    async fn answer(&self, _: ListTypes) -> Result<Vec<TypeRow>, Failure> {
        let store = self.store().await?;
        blocking(move || gallery::types(&store)).await
    }
}

impl Answer<GetType> for Desk {
    async fn answer(&self, GetType { model_type }: GetType) -> Result<TypeRow, Failure> {
        let store = self.store().await?;
        blocking(move || gallery::type_row(&store, &model_type)).await
    }
}

impl Answer<GetConfig> for Desk {
    async fn answer(&self, GetConfig { source }: GetConfig) -> Result<ConfigText, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || gallery::config(&desk.catalogue, &store, &source)).await
    }
}

impl Answer<ForecastLayers> for Desk {
    async fn answer(&self, asked: ForecastLayers) -> Result<LayerForecasts, Failure> {
        let store = self.store().await?;
        blocking(move || few_layers::forecasts(&store, &asked)).await
    }
}

impl Answer<DescribeModel> for Desk {
    async fn answer(&self, DescribeModel { of, dims }: DescribeModel) -> Result<ConfigReading, Failure> {
        let (desk, store, machine) = (self.clone(), self.store().await?, self.inventory.machine().await);
        blocking(move || {
            let available = engine::available_memory_bytes().min(memory_limit(&store.settings()?, &machine));
            let at = At(dims);
            match of {
                Described::Listed { id } => {
                    let listed = desk.catalogue.model(&store, &id)?;
                    Ok(gallery::read_listed(&listed.model, &at, available))
                }
                Described::Text { text } => Ok(gallery::read_text(&text, &at, available)),
            }
        })
        .await
    }
}
