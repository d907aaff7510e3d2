//! Generated files, checked and run: the environment, the runs, and what they proved.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    python::trial_limits,
    trust,
};
use contract::*;
use engine::Limits;
use std::collections::BTreeMap;

impl Answer<GetPython> for Desk {
    async fn answer(&self, _: GetPython) -> Result<PythonEnvironment, Failure> {
        let desk = self.clone();
        blocking(move || Ok(desk.workshop.environment(&desk))).await
    }
}

impl Answer<PlanPython> for Desk {
    async fn answer(&self, PlanPython { index }: PlanPython) -> Result<PythonPlan, Failure> {
        let desk = self.clone();
        blocking(move || desk.workshop.plan(&desk, &index)).await
    }
}

impl Answer<MakePython> for Desk {
    async fn answer(&self, MakePython { index }: MakePython) -> Result<(), Failure> {
        self.workshop.make(self, index)
    }
}

impl Answer<CancelPython> for Desk {
    async fn answer(&self, _: CancelPython) -> Result<(), Failure> {
        self.workshop.cancel_making();
        Ok(())
    }
}

impl Answer<RemovePython> for Desk {
    async fn answer(&self, _: RemovePython) -> Result<(), Failure> {
        let desk = self.clone();
        blocking(move || desk.workshop.remove(&desk)).await
    }
}

impl Answer<TrustTemplates> for Desk {
    async fn answer(&self, TrustTemplates { versions }: TrustTemplates) -> Result<(), Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || {
            let text = |TemplateAt { name, version }: TemplateAt| -> Result<(String, String), Failure> {
                let found = store.template_history(&name)?.into_iter().find(|one| one.number == version);
                let missing = || Failure::not_found("template", format!("{name}, version {version}"));
                let text = found.ok_or_else(missing)?.text;
                Ok((name, text))
            };
            let texts = versions.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
            trust::add(&desk.place, &texts)
        })
        .await
    }
}

impl Answer<StartTrials> for Desk {
    async fn answer(&self, StartTrials { plan }: StartTrials) -> Result<(), Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || {
            let library = match plan.run {
                true => desk.templates.trusted_library(&store, &desk.trusted())?,
                false => desk.templates.library(&store)?,
            };
            desk.workshop.start(&desk, store, library, plan)
        })
        .await
    }
}

impl Answer<GetTrials> for Desk {
    async fn answer(&self, _: GetTrials) -> Result<TrialsProgress, Failure> {
        Ok(self.workshop.progress())
    }
}

impl Answer<CancelTrials> for Desk {
    async fn answer(&self, _: CancelTrials) -> Result<(), Failure> {
        self.workshop.cancel_trials();
        Ok(())
    }
}

impl Answer<GetTrialLimits> for Desk {
    async fn answer(&self, _: GetTrialLimits) -> Result<TrialLimits, Failure> {
        let settings = self.with_store(|store| store.settings()).await?;
        let Limits { memory_bytes, timeout } = trial_limits(&settings);
        Ok(TrialLimits { longest_secs: timeout.as_secs(), memory_bytes, no_network: engine::REFUSES_NETWORK })
    }
}

impl Answer<GetGeneratedFile> for Desk {
    async fn answer(&self, GetGeneratedFile { file }: GetGeneratedFile) -> Result<TemplatePreview, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        let GeneratedFile { model_type, platform, kind } = file;
        let choice = PreviewChoice { model_type, platform, kind, variables: BTreeMap::new() };
        blocking(move || desk.templates.library(&store)?.preview("", choice, &mut desk.renderers.take())).await
    }
}

impl Answer<GetCoverage> for Desk {
    async fn answer(&self, GetCoverage { kind }: GetCoverage) -> Result<Vec<Coverage>, Failure> {
        self.with_store(move |store| store.coverage(&kind)).await
    }
}

impl Answer<GetTrial> for Desk {
    async fn answer(&self, GetTrial { id }: GetTrial) -> Result<Trial, Failure> {
        let found = {
            let id = id.clone();
            self.with_store(move |store| store.trial(&id)).await?
        };
        found.ok_or_else(|| Failure::not_found("run of a generated file", id))
    }
}

impl Answer<KeepTrials> for Desk {
    async fn answer(&self, KeepTrials { checks, trials, results }: KeepTrials) -> Result<(), Failure> {
        let stored: Vec<RunId> = results.iter().map(|run| run.id.clone()).collect();
        self.with_store(move |store| store.keep_trials(&checks, &trials, &results)).await?;
        stored.into_iter().for_each(|id| self.tell(Event::Stored(id)));
        self.tell(Event::Trials(self.workshop.progress()));
        Ok(())
    }
}
