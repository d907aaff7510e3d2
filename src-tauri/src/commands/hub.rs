//! Models: those of Hugging Face, looked up and fetched.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    hub,
};
use contract::*;

impl Answer<LookUpHub> for Desk {
    async fn answer(&self, LookUpHub { repository, revision }: LookUpHub) -> Result<HubModel, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || hub::look_up(&desk, &store, &repository, revision.as_deref())).await
    }
}

impl Answer<StartFetch> for Desk {
    async fn answer(&self, wanted: StartFetch) -> Result<(), Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || hub::start(&desk, store, wanted)).await
    }
}

impl Answer<GetFetch> for Desk {
    async fn answer(&self, _: GetFetch) -> Result<Option<Fetch>, Failure> {
        Ok(self.fetching.fetch())
    }
}

impl Answer<CancelFetch> for Desk {
    async fn answer(&self, _: CancelFetch) -> Result<(), Failure> {
        self.fetching.cancel();
        Ok(())
    }
}
