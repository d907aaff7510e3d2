//! A model that is too large or too slow to be measured whole: measured with a few layers, and extrapolated.

use crate::depth::Depth;
use contract::*;
use insight::layers::extrapolate;
use models::{Model, Reading};
use std::collections::BTreeMap;
use store::Store;

/// So many numbers of layers are measured at most, and so many are enough for a line.
const FEW: usize = 4;
const ENOUGH: usize = 3;

/// What the whole would take on each place that measured enough small ones with these sizes.
pub fn forecasts(
    store: &Store,
    name: &str,
    text: &str,
    dims: &BTreeMap<String, u32>,
) -> Result<LayerForecasts, Failure> {
    let Reading { sizes, model, .. } = Reading::of("config.json", text);
    let whole = model?;
    let Some(depth) = Depth::of(text, &sizes) else { return Ok(LayerForecasts::default()) };
    let (depth, steps) = depth.steps(FEW, ENOUGH);
    let few: Vec<(u32, ConfigText, String)> = steps
        .into_iter()
        .filter_map(|layers| {
            let text = depth.text(layers)?;
            let hash = depth.model(layers)?.info().graph_hash.clone();
            let name = format!("{name}, {}", depth.named(layers));
            Some((u32::try_from(layers).ok()?, ConfigText { name, text: Some(text) }, hash))
        })
        .collect();
    let hashes: Vec<&str> = few.iter().map(|(_, _, hash)| hash.as_str()).collect();
    let (batch, size, further) = fed(&whole, dims);
    let mut places: BTreeMap<(EngineId, DeviceId, Precision), (String, Vec<LayerRun>)> = BTreeMap::new();
    for run in store.runs_of_graphs(&hashes, batch, size, &further)? {
        let Some((count, ..)) = few.iter().find(|(_, _, hash)| *hash == run.graph_hash) else { continue };
        let place = places.entry((run.engine, run.device, run.precision)).or_default();
        place.0 = run.device_name;
        place.1.push(LayerRun { layers: *count, median_ms: run.median_ms, low_ms: run.low_ms, high_ms: run.high_ms });
    }
    let layers = depth.layers();
    let whole_layers = u32::try_from(layers).unwrap_or(u32::MAX);
    let forecasts = places.into_iter().filter_map(|((engine, device, precision), (device_name, mut from))| {
        from.sort_by_key(|run| run.layers);
        let forecast = extrapolate(&from, whole_layers)?;
        let (ms, low_ms, high_ms) = (forecast.ms, forecast.low_ms, forecast.high_ms);
        Some(LayerForecast { engine, device, device_name, precision, ms, low_ms, high_ms, from })
    });
    Ok(LayerForecasts {
        layers,
        named: depth.named(layers),
        forecasts: forecasts.collect(),
        few: few.into_iter().map(|(_, config, _)| config).collect(),
    })
}

/// Batch, size and further dimensions as a result records them.
fn fed(model: &Model, asked: &BTreeMap<String, u32>) -> (u32, Option<u32>, BTreeMap<String, u32>) {
    let dims = &model.info().dims;
    let batch = dims.iter().find(|dim| dim.role == DimRole::Batch);
    let batch = batch.map_or(1, |dim| asked.get(&dim.name).copied().unwrap_or(dim.default));
    let (size, further) = spelt_sizes(dims, None, asked);
    (batch, size, further)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_looked_for_among_results_of_the_same_work() {
        let sizes = |of: &[(&str, u32)]| -> BTreeMap<String, u32> {
            of.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
        };
        let t5 = Model::from_config_text("t5", r#"{"model_type": "t5"}"#).unwrap();
        assert_eq!(
            fed(&t5, &sizes(&[("batch", 2), ("sequence", 32)])),
            (2, Some(32), sizes(&[("decoder_sequence", 16)]))
        );
        let longer = sizes(&[("decoder_sequence", 64)]);
        assert_eq!(fed(&t5, &longer), (1, Some(128), longer.clone()));
        let sound = Model::from_config_text("wav2vec2", r#"{"model_type": "wav2vec2"}"#).unwrap();
        assert_eq!(fed(&sound, &sizes(&[("samples", 16_000)])), (1, Some(16_000), sizes(&[])));
    }
}
