//! What ran, and on what: everything needed to tell two results apart.

use super::FactSection;
use crate::time;
use chart::format::{bytes, duration_secs, significant};
use contract::{Fact, Run};
use leptos::prelude::*;

#[component]
pub fn Environment(run: Run) -> impl IntoView {
    view! {
        <FactSection title="What ran" facts=ran_facts(&run) />
        <FactSection title="Environment" facts=environment_facts(&run) />
    }
}

fn ran_facts(run: &Run) -> Vec<Fact> {
    let effective = &run.effective;
    let mut facts = Vec::new();
    let engine = format!("{} {}", run.setting.engine.label(), effective.engine_version);
    facts.push(Fact::new("Engine", engine.trim()));
    push_text(&mut facts, "Device", &effective.device_name);
    push(&mut facts, "Driver", effective.driver.as_ref());
    if let Some(precision) = effective.precision {
        let asked = run.setting.precision;
        let told =
            if precision == asked { precision.key().to_owned() } else { format!("{precision}, asked for {asked}") };
        facts.push(Fact::new("Precision", told));
        push_text(&mut facts, "Known from", &effective.precision_source);
    }
    push(&mut facts, "Threads", effective.threads.as_ref());
    push_text(&mut facts, "Hash of the graph", &run.model.graph_hash.chars().take(16).collect::<String>());
    facts.push(Fact::new("Seed", run.setting.seed));
    push(&mut facts, "Library", effective.library.as_ref());
    push(&mut facts, "Source", run.source.as_ref());
    facts
}

fn environment_facts(run: &Run) -> Vec<Fact> {
    let environment = &run.environment;
    let mut facts = vec![Fact::new("When", time::minute(run.started_at))];
    let took = run.finished_at.as_second() - run.started_at.as_second();
    if took > 0 {
        facts.push(Fact::new("Took", duration_secs(took as f64)));
    }
    push_text(&mut facts, "Processor", &environment.cpu);
    push_text(&mut facts, "System", &environment.os);
    if environment.memory_bytes > 0 {
        let memory = format!("{}, {} free", bytes(environment.memory_bytes), bytes(environment.available_memory_bytes));
        facts.push(Fact::new("Memory", memory));
    }
    push(&mut facts, "CPU governor", environment.governor.as_ref());
    if let Some(mhz) = environment.frequency_mhz {
        facts.push(Fact::new("CPU frequency", format!("{} MHz", significant(mhz))));
    }
    if let Some(load) = environment.load {
        facts.push(Fact::new("System load before", significant(load)));
    }
    push(&mut facts, "Power", environment.power.as_ref());
    if let Some(noise) = &run.noise {
        let told = format!("{}: {}", noise.grade.letter(), noise.grade.meaning());
        facts.push(Fact::new("Noise", told));
    }
    push_text(&mut facts, "Assay", &environment.assay_version);
    facts
}

fn push(facts: &mut Vec<Fact>, label: &str, value: Option<&impl ToString>) {
    facts.extend(value.map(|value| Fact::new(label, value.to_string())));
}

fn push_text(facts: &mut Vec<Fact>, label: &str, value: &str) {
    if !value.is_empty() {
        facts.push(Fact::new(label, value));
    }
}
