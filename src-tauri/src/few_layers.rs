//! A model that is too large or too slow to be measured whole: measured with one to four layers, and extrapolated.

use contract::*;
use insight::layers::extrapolate;
use models::{Model, Reading};
use std::collections::BTreeMap;
use store::Store;

/// Numbers of layers that are measured.
const FEW: [u32; 4] = [1, 2, 3, 4];

/// What the whole would take on each place that measured enough small ones with these sizes.
pub fn forecasts(
    store: &Store,
    name: &str,
    text: &str,
    dims: &BTreeMap<String, u32>,
) -> Result<LayerForecasts, Failure> {
    let Reading { sizes, model, .. } = Reading::of("config.json", text);
    let whole = model?;
    let Some(layers) = sizes.iter().find(|size| size.layers) else { return Ok(LayerForecasts::default()) };
    let few: Vec<(u32, ConfigText, String)> = FEW
        .into_iter()
        .filter(|count| u64::from(*count) < layers.value)
        .filter_map(|count| {
            let text = json_text::with_value(text, &layers.key, &count.to_string())?;
            let hash = Reading::of("config.json", &text).model.ok()?.info().graph_hash.clone();
            let name = format!("{name}, {count} {}", if count == 1 { "layer" } else { "layers" });
            Some((count, ConfigText { name, text: Some(text) }, hash))
        })
        .collect();
    let hashes: Vec<&str> = few.iter().map(|(_, _, hash)| hash.as_str()).collect();
    let (batch, size) = fed(&whole, dims);
    let mut places: BTreeMap<(EngineId, DeviceId, Precision), (String, Vec<LayerRun>)> = BTreeMap::new();
    for run in store.runs_of_graphs(&hashes, batch, size)? {
        let Some((count, ..)) = few.iter().find(|(_, _, hash)| *hash == run.graph_hash) else { continue };
        let place = places.entry((run.engine, run.device, run.precision)).or_default();
        place.0 = run.device_name;
        place.1.push(LayerRun { layers: *count, median_ms: run.median_ms, low_ms: run.low_ms, high_ms: run.high_ms });
    }
    let whole_layers = u32::try_from(layers.value).unwrap_or(u32::MAX);
    let forecasts = places.into_iter().filter_map(|((engine, device, precision), (device_name, mut from))| {
        from.sort_by_key(|run| run.layers);
        let forecast = extrapolate(&from, whole_layers)?;
        let (ms, low_ms, high_ms) = (forecast.ms, forecast.low_ms, forecast.high_ms);
        Some(LayerForecast { engine, device, device_name, precision, ms, low_ms, high_ms, from })
    });
    Ok(LayerForecasts {
        layers: layers.value,
        forecasts: forecasts.collect(),
        few: few.into_iter().map(|(_, config, _)| config).collect(),
    })
}

/// Batch and size as a result records them.
fn fed(model: &Model, dims: &BTreeMap<String, u32>) -> (u32, Option<u32>) {
    let of = |roles: &[DimRole]| {
        let dim = model.info().dims.iter().find(|dim| roles.contains(&dim.role))?;
        Some(dims.get(&dim.name).copied().unwrap_or(dim.default))
    };
    (of(&[DimRole::Batch]).unwrap_or(1), of(&[DimRole::Sequence, DimRole::ImageSize]))
}
