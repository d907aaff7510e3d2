//! Launch: what a plan would take, starting it, and the queue.

use crate::{
    answer::Answer,
    desk::{Desk, blocking},
    estimate::{Estimator, settings_of},
    queue,
};
use contract::*;
use store::Store;

impl Answer<EstimatePlan> for Desk {
    async fn answer(&self, EstimatePlan { plan }: EstimatePlan) -> Result<PlanEstimate, Failure> {
        let (desk, store, machine) = (self.clone(), self.store().await?, self.inventory.machine().await);
        blocking(move || {
            let (settings, queue) = (store.settings()?, desk.queue.view().jobs);
            estimator(&desk, &store, &machine, &settings, &queue).plan(&plan)
        })
        .await
    }
}

impl Answer<StartPlan> for Desk {
    async fn answer(&self, StartPlan { plan }: StartPlan) -> Result<Vec<JobId>, Failure> {
        let (desk, store, machine) = (self.clone(), self.store().await?, self.inventory.machine().await);
        blocking(move || {
            let (settings, queue) = (store.settings()?, desk.queue.view().jobs);
            let estimator = estimator(&desk, &store, &machine, &settings, &queue);
            let jobs = jobs(&estimator, &plan)?;
            let ids = jobs.iter().map(|job| job.id.clone()).collect();
            desk.queue.add(jobs);
            queue::changed(&desk, &store);
            if let Some(text) = desk.quiet.keeps_queue_waiting() {
                desk.tell(Event::Notice(Notice { kind: NoticeKind::Info, text }));
            }
            Ok(ids)
        })
        .await
    }
}

fn estimator<'a>(
    desk: &'a Desk,
    store: &'a Store,
    machine: &'a Machine,
    settings: &'a Settings,
    queue: &'a [Job],
) -> Estimator<'a> {
    Estimator { store, catalogue: &desk.catalogue, machine, settings, weights: &desk.bench.weights, queue }
}

/// A job for each setting. One that will not fit is queued as well: its refusal is a result that the matrix can show.
fn jobs(estimator: &Estimator, plan: &Plan) -> Result<Vec<Job>, Failure> {
    for target in &plan.targets {
        if estimator.machine.target(&target.engine, &target.device).is_none() {
            return Err(Failure::not_found(
                "engine on a device called",
                format!("{} on {}", target.engine, target.device),
            ));
        }
    }
    settings_of(plan)?;
    let lines = estimator.plan(plan)?.lines;
    lines
        .into_iter()
        .map(|line| {
            let model = estimator.catalogue.model(estimator.store, &line.setting.model)?;
            let device = estimator.machine.target(&line.setting.engine, &line.setting.device);
            let device_name = device.map_or_else(|| line.setting.device.0.clone(), |target| target.device_name.clone());
            let named = (model.info.name.clone(), model.size_unit(line.setting.mode));
            Ok(queue::new_job(line.setting, named, device_name, line.secs.unwrap_or(0.0)))
        })
        .collect()
}

impl Answer<GetQueue> for Desk {
    async fn answer(&self, _: GetQueue) -> Result<Queue, Failure> {
        Ok(self.queue.view())
    }
}

impl Answer<GetLive> for Desk {
    async fn answer(&self, _: GetLive) -> Result<Option<Live>, Failure> {
        Ok(self.queue.live())
    }
}

impl Answer<PauseQueue> for Desk {
    async fn answer(&self, PauseQueue { paused }: PauseQueue) -> Result<(), Failure> {
        self.change_queue(move |queue| {
            queue.pause(paused);
            Ok(())
        })
        .await
    }
}

impl Answer<MoveJob> for Desk {
    async fn answer(&self, MoveJob { id, to }: MoveJob) -> Result<(), Failure> {
        self.change_queue(move |queue| match queue.move_to(&id, to as usize) {
            true => Ok(()),
            false => Err(Failure::not_found("waiting job", id)),
        })
        .await
    }
}

impl Answer<CancelJob> for Desk {
    async fn answer(&self, CancelJob { id }: CancelJob) -> Result<(), Failure> {
        self.change_queue(move |queue| match queue.cancel(&id) {
            true => Ok(()),
            false => Err(Failure::not_found("job", id)),
        })
        .await
    }
}

impl Answer<CancelAll> for Desk {
    async fn answer(&self, _: CancelAll) -> Result<u32, Failure> {
        self.change_queue(|queue| Ok(queue.cancel_all())).await
    }
}

impl Desk {
    /// Changes the queue, keeps it and shows it.
    async fn change_queue<T: Send + 'static>(
        &self,
        change: impl FnOnce(&queue::Queue) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (desk, store) = (self.clone(), self.store().await?);
        blocking(move || {
            let changed = change(&desk.queue)?;
            queue::changed(&desk, &store);
            Ok(changed)
        })
        .await
    }
}
