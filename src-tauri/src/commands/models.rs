//! Models: what is listed, what the person adds and removes.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    front::FileQuestion,
};
use contract::*;
use std::path::Path;

impl Answer<ListModels> for Desk {
    async fn answer(&self, _: ListModels) -> Result<Vec<ModelInfo>, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || desk.catalogue.list(&store)).await
    }
}

impl Answer<AddModel> for Desk {
    async fn answer(&self, AddModel { path }: AddModel) -> Result<ModelInfo, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        let info = blocking(move || desk.catalogue.add(&store, Path::new(&path))).await?;
        self.tell(Event::ModelsChanged);
        Ok(info)
    }
}

impl Answer<AddConfigText> for Desk {
    async fn answer(&self, AddConfigText { name, text }: AddConfigText) -> Result<ModelInfo, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        let info = blocking(move || desk.catalogue.add_text(&store, &desk.place, &name, &text)).await?;
        self.tell(Event::ModelsChanged);
        Ok(info)
    }
}

impl Answer<RemoveModel> for Desk {
    async fn answer(&self, RemoveModel { id }: RemoveModel) -> Result<(), Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || desk.catalogue.remove(&store, &id)).await?;
        self.tell(Event::ModelsChanged);
        Ok(())
    }
}

impl Answer<PickModelFile> for Desk {
    async fn answer(&self, _: PickModelFile) -> Result<Option<String>, Failure> {
        let desk = self.clone();
        let picked = blocking(move || desk.front.pick(FileQuestion::Model)).await?;
        Ok(picked.map(|path| path.display().to_string()))
    }
}
