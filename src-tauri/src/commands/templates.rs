//! Templates: those in use, their versions, and what an update offers.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    templates::merged,
};
use contract::*;

impl Answer<ListTemplates> for Desk {
    async fn answer(&self, _: ListTemplates) -> Result<Vec<TemplateRow>, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || Ok(desk.templates.list(&store)?)).await
    }
}

impl Answer<GetTemplate> for Desk {
    async fn answer(&self, GetTemplate { name }: GetTemplate) -> Result<StoredTemplate, Failure> {
        self.with_store(move |store| store.template(&name)).await
    }
}

impl Answer<SaveTemplate> for Desk {
    async fn answer(&self, request: SaveTemplate) -> Result<StoredTemplate, Failure> {
        let SaveTemplate { name, text, origin, note } = request;
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || desk.templates.keep(&store, &name, &text, origin, &note)).await
    }
}

impl Answer<GetTemplateHistory> for Desk {
    async fn answer(&self, GetTemplateHistory { name }: GetTemplateHistory) -> Result<Vec<TemplateVersion>, Failure> {
        self.with_store(move |store| store.template_history(&name)).await
    }
}

impl Answer<TagTemplate> for Desk {
    async fn answer(&self, TagTemplate { name, number, released }: TagTemplate) -> Result<(), Failure> {
        self.with_store(move |store| store.tag_template(&name, number, released)).await
    }
}

impl Answer<MergeTemplate> for Desk {
    async fn answer(&self, MergeTemplate { name }: MergeTemplate) -> Result<Option<TemplateMerge>, Failure> {
        Ok(self.with_store(move |store| store.template_offer(&name)).await?.as_ref().map(merged))
    }
}
