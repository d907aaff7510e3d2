//! Settings, where things are kept, and the token.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    disk::free_bytes,
    front::FileQuestion,
    hub::Endpoint,
    place::is_one_file,
    quiet::Work,
    secret,
};
use contract::*;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

impl Answer<GetSettings> for Desk {
    async fn answer(&self, _: GetSettings) -> Result<Settings, Failure> {
        self.settings().await
    }
}

impl Answer<SaveSettings> for Desk {
    async fn answer(&self, SaveSettings { settings }: SaveSettings) -> Result<(), Failure> {
        check(&settings)?;
        self.with_store(move |store| store.save_settings(&settings)).await
    }
}

fn check(settings: &Settings) -> Result<(), Failure> {
    let range = |name: &str, value: f64, low: f64, high: f64, unit: &str| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Failure::bad_input(name, format!("{value}{unit} is not between {low} and {high}{unit}")))
    };
    range("time budget", settings.budget_secs, 0.1, 3600.0, " s")?;
    range("time-out", settings.timeout_secs, 1.0, 86_400.0, " s")?;
    range("share of memory", settings.memory_share, 0.01, 1.0, "")?;
    for (hardware, price) in &settings.prices {
        range(&format!("price of {hardware}"), *price, 0.0, 1e6, " an hour")?;
    }
    if let Some(threads) = settings.threads {
        range("threads", f64::from(threads), 1.0, 1024.0, "")?;
    }
    if let Some(mirror) = &settings.hub_mirror {
        Endpoint::parse("Hugging Face mirror", mirror)?;
    }
    Ok(())
}

impl Answer<GetStorage> for Desk {
    async fn answer(&self, _: GetStorage) -> Result<StorageInfo, Failure> {
        let desk = self.clone();
        self.with_store(move |store| {
            let weights = &desk.bench.weights;
            let mirror = store.settings()?.hub_mirror;
            let usual = desk.place.usual_store();
            Ok(StorageInfo {
                store_path: store.path().display().to_string(),
                usual_store: (!is_one_file(store.path(), &usual)).then(|| usual.display().to_string()),
                store_bytes: store.size_bytes(),
                results: store.count()?,
                weights_path: weights.root().display().to_string(),
                weights_bytes: weights.bytes(),
                libraries_path: desk.bench.own_libraries.display().to_string(),
                available_disk_bytes: free_bytes(weights.root()),
                // One of the environment that makes no sense is shown as it is; fetching says what is wrong with it.
                hub_endpoint: Endpoint::chosen(mirror.as_deref())
                    .map_or_else(|failure| failure.to_string(), |endpoint| endpoint.url().to_owned()),
                token_endpoint: secret::token_endpoint(&desk.place).map(|endpoint| endpoint.url().to_owned()),
            })
        })
        .await
    }
}

impl Answer<OpenLibraries> for Desk {
    async fn answer(&self, _: OpenLibraries) -> Result<(), Failure> {
        let desk = self.clone();
        blocking(move || {
            let folder = desk.place.make_libraries().map_err(|e| {
                let path = desk.place.libraries().display().to_string();
                Failure::bad_input(path, format!("the folder cannot be made: {e}"))
            })?;
            desk.front.show_folder(&folder)
        })
        .await
    }
}

impl Answer<OpenStore> for Desk {
    async fn answer(&self, OpenStore { path }: OpenStore) -> Result<Option<String>, Failure> {
        let desk = self.clone();
        blocking(move || {
            let path = match path {
                Some(path) => Some(PathBuf::from(path)),
                None => desk.front.pick(FileQuestion::Store)?,
            };
            let Some(path) = path else { return Ok(None) };
            desk.change_store(&path)?;
            Ok(Some(path.display().to_string()))
        })
        .await
    }
}

impl Answer<NewStore> for Desk {
    async fn answer(&self, NewStore { path }: NewStore) -> Result<Option<String>, Failure> {
        let Some(path) = self.path_or_pick(path, FileQuestion::NewStore).await? else { return Ok(None) };
        let desk = self.clone();
        blocking(move || {
            let path = with_ending(path);
            refuse_existing(&path)?;
            desk.change_store(&path)?;
            Ok(Some(path.display().to_string()))
        })
        .await
    }
}

/// A store is found by its ending when it is opened again.
fn with_ending(path: PathBuf) -> PathBuf {
    if path.extension().is_some_and(|own| own.eq_ignore_ascii_case("duckdb")) {
        return path;
    }
    // The end of `results 1.2` is no ending to be replaced.
    path.with_added_extension("duckdb")
}

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    // A link that leads nowhere is something too.
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Failure::Store {
        path: path.display().to_string(),
        reason: "there is something of this name already, and it was left as it is".into(),
        remedy: "Choose another name, or open it instead".into(),
    })
}

impl Answer<ClearWeights> for Desk {
    async fn answer(&self, _: ClearWeights) -> Result<u64, Failure> {
        let desk = self.clone();
        blocking(move || {
            let _held = desk.begin(Work::Clearing)?;
            let removed = desk.bench.weights.shrink_to(0, HashSet::new);
            removed.map_err(|e| Failure::broken("removing the generated weights", e))
        })
        .await
    }
}

impl Answer<SetToken> for Desk {
    async fn answer(&self, SetToken { token }: SetToken) -> Result<(), Failure> {
        let (desk, settings) = (self.clone(), self.settings().await?);
        blocking(move || {
            let endpoint = Endpoint::chosen(settings.hub_mirror.as_deref())?;
            secret::set_token(&desk.place, &token, &endpoint)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_store_has_the_ending_that_stores_are_found_by() {
        let named = |name: &str| with_ending(name.into()).display().to_string();
        assert_eq!([named("trip"), named("trip 1.2")], ["trip.duckdb", "trip 1.2.duckdb"]);
        assert_eq!([named("trip.duckdb"), named("TRIP.DUCKDB")], ["trip.duckdb", "TRIP.DUCKDB"]);
    }
}
