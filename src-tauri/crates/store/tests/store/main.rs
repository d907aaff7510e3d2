//! The store seen from outside, through the same calls the shell makes.

mod comparisons;
mod forecasts;
mod killing;
mod knowing;
mod making;
mod matrix;
mod opening;
mod queries;
mod results;
mod sheets;
mod small_things;
mod templates;
