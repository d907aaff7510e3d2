//! Start, quit, bring forward, and the read-only query.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
};
use contract::*;

impl Answer<Hello> for Desk {
    async fn answer(&self, _: Hello) -> Result<Start, Failure> {
        let known = self.with_store(|store| Ok((store.settings()?, store.count()?))).await;
        let notices = self.take_notices();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(match known {
            Ok((settings, results)) => {
                Start { version, settings, results, notices, store_failure: None, usual_store: None }
            }
            Err(failure) => {
                let usual = self.place.usual_store().display().to_string();
                let usual_store = matches!(&failure, Failure::Store { path, .. } if *path != usual).then_some(usual);
                let (settings, store_failure) = (Settings::default(), Some(failure));
                Start { version, settings, results: 0, notices, store_failure, usual_store }
            }
        })
    }
}

impl Answer<AskToQuit> for Desk {
    async fn answer(&self, _: AskToQuit) -> Result<(), Failure> {
        self.quit()
    }
}

impl Answer<Quit> for Desk {
    async fn answer(&self, Quit { stop_queue }: Quit) -> Result<(), Failure> {
        let desk = self.clone();
        blocking(move || {
            if !stop_queue && desk.window_closed() {
                return desk.front.hide();
            }
            desk.stop_for_good();
            desk.front.leave();
            Ok(())
        })
        .await
    }
}

impl Answer<Show> for Desk {
    async fn answer(&self, _: Show) -> Result<(), Failure> {
        self.show_window()
    }
}

impl Answer<Query> for Desk {
    async fn answer(&self, Query { sql }: Query) -> Result<serde_json::Value, Failure> {
        self.with_store(move |store| store.query(&sql)).await
    }
}
