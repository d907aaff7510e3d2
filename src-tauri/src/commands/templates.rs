//! Templates: those in use, their versions, and what an update offers.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    front::FileQuestion,
    making,
    templates::merged,
};
use contract::*;
use std::{
    fs,
    path::{Path, PathBuf},
};
use workbench::{Kind, Library};

impl Answer<ListTemplates> for Desk {
    async fn answer(&self, _: ListTemplates) -> Result<Vec<TemplateRow>, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || Ok(desk.templates.list(&store, &desk.trusted())?)).await
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

impl Answer<GetUnsaved> for Desk {
    async fn answer(&self, GetUnsaved { name }: GetUnsaved) -> Result<Option<String>, Failure> {
        self.with_store(move |store| store.unsaved_template(&name)).await
    }
}

impl Answer<KeepUnsaved> for Desk {
    async fn answer(&self, KeepUnsaved { name, text }: KeepUnsaved) -> Result<(), Failure> {
        self.with_store(move |store| store.keep_unsaved_template(&name, text.as_deref())).await
    }
}

impl Answer<ReadTemplate> for Desk {
    async fn answer(&self, ReadTemplate { name, text }: ReadTemplate) -> Result<TemplateReading, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || Ok(desk.templates.with_text(&store, &name, &text)?.reading(&name))).await
    }
}

impl Answer<ListTemplateWords> for Desk {
    async fn answer(&self, _: ListTemplateWords) -> Result<Vec<TemplateWord>, Failure> {
        blocking(|| Ok(workbench::usual_words())).await
    }
}

impl Answer<PreviewTemplate> for Desk {
    async fn answer(&self, request: PreviewTemplate) -> Result<TemplatePreview, Failure> {
        let PreviewTemplate { name, text, choice } = request;
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || {
            let library = desk.templates.with_text(&store, &name, &text)?;
            library.preview(&name, choice, &mut desk.renderers.take())
        })
        .await
    }
}

impl Answer<FindInTemplates> for Desk {
    async fn answer(&self, FindInTemplates { text }: FindInTemplates) -> Result<Vec<TemplateHit>, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || Ok(desk.templates.find(&store, &text)?)).await
    }
}

impl Answer<ListModelTypes> for Desk {
    async fn answer(&self, _: ListModelTypes) -> Result<Vec<ModelTypeRow>, Failure> {
        // The first call unpacks the list.
        blocking(|| Ok(workbench::model_types().map(model_type_row).collect())).await
    }
}

impl Answer<GetImpact> for Desk {
    async fn answer(&self, GetImpact { name, text }: GetImpact) -> Result<TemplateImpact, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || {
            let (before, after) = (desk.templates.library(&store)?, desk.templates.with_text(&store, &name, &text)?);
            making::impact(&desk, &before, &after)
        })
        .await
    }
}

impl Answer<GenerateFiles> for Desk {
    async fn answer(&self, request: GenerateFiles) -> Result<Option<GeneratedFiles>, Failure> {
        let GenerateFiles { wanted, as_zip, path } = request;
        let question = match as_zip {
            true => FileQuestion::Save { suggested: "generated.zip".into() },
            false => FileQuestion::Folder { title: "Choose an empty folder" },
        };
        let Some(path) = self.path_or_pick(path, question).await? else { return Ok(None) };
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || {
            let library = desk.templates.library(&store)?;
            making::generate(&desk, &library, wanted, &path).map(Some)
        })
        .await
    }
}

impl Answer<StopMaking> for Desk {
    async fn answer(&self, _: StopMaking) -> Result<(), Failure> {
        self.making.stop();
        Ok(())
    }
}

impl Answer<ProposeTemplate> for Desk {
    async fn answer(&self, ProposeTemplate { start }: ProposeTemplate) -> Result<Option<ProposedTemplate>, Failure> {
        let store = self.store().await?;
        let file = match &start {
            TemplateStart::File { path, .. } => match self.path_or_pick(path.clone(), FileQuestion::Template).await? {
                Some(path) => path,
                None => return Ok(None),
            },
            TemplateStart::Family { .. } | TemplateStart::Model { .. } => PathBuf::new(),
        };
        let desk = self.clone();
        blocking(move || {
            let library = desk.templates.library(&store)?;
            propose(&library, &start, &file).map(Some)
        })
        .await
    }
}

impl Answer<RemoveTemplate> for Desk {
    async fn answer(&self, RemoveTemplate { name }: RemoveTemplate) -> Result<(), Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || desk.templates.remove(&store, &name)).await
    }
}

fn propose(library: &Library, start: &TemplateStart, file: &Path) -> Result<ProposedTemplate, Failure> {
    let kind = |key: &str| Kind::from_key(key).ok_or_else(|| Failure::not_found("kind of template", key));
    match start {
        TemplateStart::Family { kind: key, family } => library.begin_for_family(kind(key)?, family),
        TemplateStart::Model { kind: key, model_type } => library.begin_for_model(kind(key)?, model_type),
        TemplateStart::File { kind: key, .. } => {
            let text = fs::read_to_string(file)
                .map_err(|e| Failure::bad_input(file.display().to_string(), format!("it cannot be read: {e}")))?;
            library.begin_from_file(kind(key)?, file, &text)
        }
    }
}

fn model_type_row((model_type, family): (&str, Family)) -> ModelTypeRow {
    ModelTypeRow { model_type: model_type.to_owned(), family: family.key().to_owned() }
}
