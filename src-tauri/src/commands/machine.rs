//! This machine: what it has, and how fast it is.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    inventory,
};
use contract::*;

impl Answer<GetMachine> for Desk {
    async fn answer(&self, _: GetMachine) -> Result<Machine, Failure> {
        Ok(self.inventory.machine().await)
    }
}

impl Answer<Rescan> for Desk {
    async fn answer(&self, _: Rescan) -> Result<Machine, Failure> {
        if self.is_measuring() {
            return Err(Failure::bad_input("Scan again", "a model is being measured, and a scan would disturb it")
                .remedy("Wait until the queue is empty, or pause it"));
        }
        let (desk, store) = (self.clone(), self.store().await.ok());
        blocking(move || Ok(inventory::scan(&desk, store.as_ref()))).await
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
        inventory::measure_peaks(self, self.store().await?)
    }
}

impl Answer<CancelPeaks> for Desk {
    async fn answer(&self, _: CancelPeaks) -> Result<(), Failure> {
        self.inventory.cancel_peaks();
        Ok(())
    }
}
