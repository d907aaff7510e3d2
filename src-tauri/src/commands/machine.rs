//! This machine: what it has, and how fast it is.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    inventory,
    quiet::Work,
};
use contract::*;

impl Answer<GetMachine> for Desk {
    async fn answer(&self, _: GetMachine) -> Result<Machine, Failure> {
        Ok(self.inventory.machine().await)
    }
}

impl Answer<Rescan> for Desk {
    async fn answer(&self, _: Rescan) -> Result<Machine, Failure> {
        let desk = self.clone();
        let place = blocking(move || desk.begin(Work::Scan)).await?;
        // The store that is open then: another one may have been opened while this waited.
        let (desk, store) = (self.clone(), self.store().await.ok());
        blocking(move || Ok(inventory::scan(&desk, store.as_ref(), place))).await
    }
}

impl Answer<ReportWebView> for Desk {
    async fn answer(&self, ReportWebView { facts }: ReportWebView) -> Result<(), Failure> {
        self.inventory.add_webview(self, facts);
        Ok(())
    }
}

impl Answer<MeasurePeaks> for Desk {
    async fn answer(&self, _: MeasurePeaks) -> Result<(), Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || inventory::measure_peaks(&desk, store)).await
    }
}

impl Answer<CancelPeaks> for Desk {
    async fn answer(&self, _: CancelPeaks) -> Result<(), Failure> {
        self.inventory.cancel_peaks();
        Ok(())
    }
}
