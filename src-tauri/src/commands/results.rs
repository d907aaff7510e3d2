//! Results: the matrix, the history, notes, deletion with undo, tables and files.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    front::FileQuestion,
    import, matrix,
    quiet::Work,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use contract::*;
use std::{fs, path::PathBuf};

impl Answer<GetMatrix> for Desk {
    async fn answer(&self, GetMatrix { metric, filter }: GetMatrix) -> Result<Matrix, Failure> {
        let machine = self.inventory.machine().await;
        self.with_store(move |store| Ok(matrix::of(&machine, store.matrix(metric, &filter)?, &filter))).await
    }
}

impl Answer<PredictMatrix> for Desk {
    async fn answer(&self, PredictMatrix { metric, filter }: PredictMatrix) -> Result<Matrix, Failure> {
        let (desk, store, machine) = (self.clone(), self.store().await?, self.inventory.machine().await);
        blocking(move || {
            let mut matrix = matrix::of(&machine, store.matrix(metric, &filter)?, &filter);
            desk.insight.predict(&store, &machine, &mut matrix)?;
            Ok(matrix)
        })
        .await
    }
}

impl Answer<GetFilterChoices> for Desk {
    async fn answer(&self, _: GetFilterChoices) -> Result<FilterChoices, Failure> {
        self.with_store(|store| store.filter_choices()).await
    }
}

impl Answer<GetCellRuns> for Desk {
    async fn answer(&self, request: GetCellRuns) -> Result<Vec<RunRow>, Failure> {
        let GetCellRuns { model, device, platform, filter } = request;
        self.with_store(move |store| store.cell_runs(&model, device.as_ref(), platform, &filter)).await
    }
}

impl Answer<ListRuns> for Desk {
    async fn answer(&self, request: ListRuns) -> Result<RunPage, Failure> {
        let ListRuns { filter, order, offset, limit } = request;
        self.with_store(move |store| store.list_runs(&filter, order, offset, limit)).await
    }
}

impl Answer<GetRun> for Desk {
    async fn answer(&self, GetRun { id }: GetRun) -> Result<Run, Failure> {
        let wanted = id.clone();
        self.with_store(move |store| store.run(&wanted)).await?.ok_or_else(|| Failure::not_found("result", id))
    }
}

impl Answer<SetNote> for Desk {
    async fn answer(&self, SetNote { id, note }: SetNote) -> Result<(), Failure> {
        self.with_store(move |store| store.set_note(&id, &note)).await
    }
}

impl Answer<AddForecasts> for Desk {
    async fn answer(&self, AddForecasts { forecasts }: AddForecasts) -> Result<(), Failure> {
        self.with_store(move |store| store.add_forecasts(&forecasts)).await
    }
}

impl Answer<GetForecastRecord> for Desk {
    async fn answer(&self, _: GetForecastRecord) -> Result<ForecastRecord, Failure> {
        self.with_store(|store| store.forecast_record()).await
    }
}

impl Answer<DeleteRuns> for Desk {
    async fn answer(&self, DeleteRuns { ids }: DeleteRuns) -> Result<u32, Failure> {
        let deleted = self.with_store(move |store| store.delete_runs(&ids)).await?;
        self.tell(Event::ResultsChanged);
        Ok(deleted)
    }
}

impl Answer<RestoreRuns> for Desk {
    async fn answer(&self, RestoreRuns { ids }: RestoreRuns) -> Result<u32, Failure> {
        let restored = self.with_store(move |store| store.restore_runs(&ids)).await?;
        self.tell(Event::ResultsChanged);
        Ok(restored)
    }
}

impl Answer<ListDeletedRuns> for Desk {
    async fn answer(&self, request: ListDeletedRuns) -> Result<DeletedPage, Failure> {
        let ListDeletedRuns { filter, offset, limit } = request;
        self.with_store(move |store| store.list_deleted_runs(&filter, offset, limit)).await
    }
}

impl Answer<ImportTable> for Desk {
    async fn answer(&self, ImportTable { path }: ImportTable) -> Result<Option<ImportReport>, Failure> {
        if path.is_none() {
            // What is in the way is told before a file is asked for.
            drop(self.begin(Work::Import)?);
        }
        let Some(path) = self.path_or_pick(path, FileQuestion::Table).await? else { return Ok(None) };
        let place = self.begin(Work::Import)?;
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || import::run(&desk, &store, &path, place)).await.map(Some)
    }
}

impl Answer<SaveImportReport> for Desk {
    async fn answer(&self, SaveImportReport { number, path }: SaveImportReport) -> Result<Option<String>, Failure> {
        let suggested = FileQuestion::Save { suggested: "import-report.csv".into() };
        let Some(path) = self.path_or_pick(path, suggested).await? else { return Ok(None) };
        let desk = self.clone();
        blocking(move || import::save_list(&desk.place, number, &path)).await.map(Some)
    }
}

impl Answer<GetImport> for Desk {
    async fn answer(&self, _: GetImport) -> Result<Option<ImportProgress>, Failure> {
        Ok(self.importing.progress())
    }
}

impl Answer<CancelImport> for Desk {
    async fn answer(&self, _: CancelImport) -> Result<(), Failure> {
        self.importing.cancel();
        Ok(())
    }
}

impl Answer<ExportTable> for Desk {
    async fn answer(&self, request: ExportTable) -> Result<Option<ExportReport>, Failure> {
        let ExportTable { path, filter, with_names } = request;
        let suggested = FileQuestion::SaveTable { suggested: "measurements.csv".into() };
        let Some(path) = self.path_or_pick(path, suggested).await? else { return Ok(None) };
        self.with_store(move |store| store.export(&path, &filter, with_names)).await.map(Some)
    }
}

impl Answer<SaveFile> for Desk {
    async fn answer(&self, request: SaveFile) -> Result<Option<String>, Failure> {
        let SaveFile { suggested_name, base64, path } = request;
        let bytes = STANDARD.decode(base64).map_err(|e| Failure::bad_input("file contents", e.to_string()))?;
        let suggested = FileQuestion::Save { suggested: suggested_name };
        let Some(path) = self.path_or_pick(path, suggested).await? else { return Ok(None) };
        blocking(move || {
            let shown = path.display().to_string();
            fs::write(&path, bytes).map_err(|e| {
                Failure::bad_input(shown.clone(), format!("it could not be written: {e}"))
                    .remedy("Choose a folder you may write to, with enough space")
            })?;
            Ok(Some(shown))
        })
        .await
    }
}

impl Desk {
    pub(super) async fn path_or_pick(
        &self,
        path: Option<String>,
        question: FileQuestion,
    ) -> Result<Option<PathBuf>, Failure> {
        let desk = self.clone();
        match path {
            Some(path) => Ok(Some(PathBuf::from(path))),
            None => blocking(move || desk.front.pick(question)).await,
        }
    }
}
