//! One file per table: its migrations, its rows, its queries.

pub mod added_models;
pub mod comparisons;
pub mod details;
pub mod devices;
pub mod dims;
pub mod engines;
pub mod environments;
pub mod file_checks;
pub mod forecasts;
pub mod generations;
pub mod imports;
pub mod machines;
pub mod models;
pub mod output_errors;
pub mod peaks;
pub mod peaks_left_out;
pub mod phases;
pub mod placements;
pub mod queue;
pub mod runs;
pub mod samples;
pub mod settings;
pub mod sources;
pub mod subjects;
pub mod template_dependencies;
pub mod template_helpers;
pub mod template_validations;
pub mod template_variables;
pub mod template_versions;
pub mod templates;
pub mod trial_steps;
pub mod trials;
pub mod unsaved_templates;
pub mod watch_marks;

/// A step of one table to a version of the schema.
pub struct Migration {
    pub version: u32,
    pub sql: &'static str,
}

/// Every table, those that others refer to first.
pub const ALL: &[&[Migration]] = &[
    settings::MIGRATIONS,
    added_models::MIGRATIONS,
    queue::MIGRATIONS,
    machines::MIGRATIONS,
    peaks::MIGRATIONS,
    peaks_left_out::MIGRATIONS,
    models::MIGRATIONS,
    engines::MIGRATIONS,
    devices::MIGRATIONS,
    subjects::MIGRATIONS,
    imports::MIGRATIONS,
    sources::MIGRATIONS,
    dims::MIGRATIONS,
    runs::MIGRATIONS,
    details::MIGRATIONS,
    samples::MIGRATIONS,
    phases::MIGRATIONS,
    placements::MIGRATIONS,
    output_errors::MIGRATIONS,
    generations::MIGRATIONS,
    environments::MIGRATIONS,
    comparisons::MIGRATIONS,
    templates::MIGRATIONS,
    template_versions::MIGRATIONS,
    template_variables::MIGRATIONS,
    template_helpers::MIGRATIONS,
    template_dependencies::MIGRATIONS,
    template_validations::MIGRATIONS,
    unsaved_templates::MIGRATIONS,
    watch_marks::MIGRATIONS,
    forecasts::MIGRATIONS,
    file_checks::MIGRATIONS,
    trials::MIGRATIONS,
    trial_steps::MIGRATIONS,
];
