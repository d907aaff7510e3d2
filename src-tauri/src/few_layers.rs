//! A model that is too large or too slow to be measured whole: measured with a few layers, and extrapolated.

use crate::{catalogue::Listed, depth::Depth};
use contract::*;
use insight::layers::{Varied, extrapolate};
use models::Reading;
use std::collections::BTreeMap;
use store::Store;

/// So many numbers of layers are measured at most, and so many are enough for a line.
const FEW: usize = 4;
const ENOUGH: usize = 3;

/// What the whole would take on each place that measured enough small ones at the same work.
pub fn forecasts(store: &Store, asked: &ForecastLayers) -> Result<LayerForecasts, Failure> {
    let ForecastLayers { name, text, mode, dims } = asked;
    let Reading { sizes, model, .. } = Reading::of("config.json", text);
    let whole = Listed::from(model?);
    let Some(depth) = Depth::of(text, &sizes) else { return Ok(LayerForecasts::default()) };
    let (depth, steps) = depth.steps(FEW, ENOUGH);
    let few: Vec<(u32, ConfigText, String)> = steps
        .iter()
        .filter_map(|layers| {
            let text = depth.text(*layers)?;
            let hash = depth.model(*layers)?.info().graph_hash.clone();
            let name = format!("{name}, {}", depth.named(*layers));
            Some((u32::try_from(*layers).ok()?, ConfigText { name, text: Some(text) }, hash))
        })
        .collect();
    let hashes: Vec<&str> = few.iter().map(|(_, _, hash)| hash.as_str()).collect();
    let fed = fed(&whole, *mode, dims);
    let mut places: BTreeMap<(EngineId, DeviceId, String), (String, Vec<LayerRun>)> = BTreeMap::new();
    for run in store.runs_of_graphs(&hashes, &fed)? {
        let Some((layers, ..)) = few.iter().find(|(_, _, hash)| *hash == run.graph_hash) else { continue };
        let precision = ran_text(run.precision.key(), run.effective_precision, None, false);
        let place = places.entry((run.engine, run.device, precision)).or_default();
        place.0 = run.device_name;
        place.1.push(LayerRun { layers: *layers, times: run.times });
    }
    let layers = depth.layers();
    let whole_layers = u32::try_from(layers).unwrap_or(u32::MAX);
    let varied = if *mode == Mode::Generation && !places.is_empty() { varied(&depth, &steps) } else { Varied::All };
    let forecasts = places.into_iter().filter_map(|((engine, device, precision), (device_name, mut from))| {
        from.sort_by_key(|run| run.layers);
        let times = extrapolate(&from, whole_layers, varied)?;
        let tokens_per_s = times.tokens.map(|tokens| f64::from(fed.batch) / (tokens.further.ms / 1e3));
        Some(LayerForecast { engine, device, device_name, precision, times, tokens_per_s, from })
    });
    Ok(LayerForecasts {
        layers,
        named: depth.named(layers),
        forecasts: forecasts.collect(),
        few: few.into_iter().map(|(_, config, _)| config).collect(),
    })
}

/// The work as its results record it.
fn fed(model: &Listed, mode: Mode, asked: &BTreeMap<String, u32>) -> Fed {
    let info = &model.info;
    let batch = info.dims.iter().find(|dim| dim.role == DimRole::Batch);
    let batch = batch.map_or(1, |dim| asked.get(&dim.name).copied().unwrap_or(dim.default));
    let length = info.inputs.first().and_then(|input| asked.get(input.shape.last()?).copied());
    let prompt = length.filter(|_| mode == Mode::Generation);
    let (size, dims) = model.spelt_sizes(mode, prompt, asked);
    Fed { mode, batch, size, unit: model.size_unit(mode), dims: dims_key(&dims) }
}

/// Which layers the models of so many layers have fewer of: they all write further tokens with the same graph where only
/// an encoder is varied.
fn varied(depth: &Depth, steps: &[u64]) -> Varied {
    let writer = |layers: &u64| Some(depth.model(*layers)?.generation().ok()??.decode.info().graph_hash.clone());
    let [fewest, most] = [steps.first(), steps.last()].map(|layers| layers.and_then(writer));
    if fewest.is_some() && fewest == most { Varied::BeforeFurtherTokens } else { Varied::All }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::Model;

    fn sizes(of: &[(&str, u32)]) -> BTreeMap<String, u32> {
        of.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
    }

    #[test]
    fn layers_are_looked_for_among_results_of_the_same_work() {
        let work = |config: &str, mode, asked: &[(&str, u32)]| {
            let model = Model::from_config_text("mine", config).unwrap().into();
            let Fed { batch, size, dims, .. } = fed(&model, mode, &sizes(asked));
            (batch, size, dims.unwrap_or_default())
        };
        let t5 = r#"{"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}"#;
        let one_pass = |asked: &[(&str, u32)]| work(t5, Mode::Inference, asked);
        assert_eq!(one_pass(&[("batch", 2), ("sequence", 32)]), (2, Some(32), "decoder_sequence=16".into()));
        assert_eq!(one_pass(&[("decoder_sequence", 64)]), (1, Some(128), "decoder_sequence=64".into()));
        let sound = r#"{"model_type": "wav2vec2"}"#;
        assert_eq!(work(sound, Mode::Inference, &[("samples", 16_000)]), (1, Some(16_000), String::new()));

        let texts = |asked: &[(&str, u32)]| work(t5, Mode::Generation, asked);
        assert_eq!(texts(&[("batch", 2), ("sequence", 12), (OUTPUT, 5)]), (2, Some(12), "output=5".into()));
        assert_eq!(texts(&[("decoder_sequence", 64)]), (1, Some(128), "output=32".into()), "the usual of both");
        let sees = include_str!("../../tests/golden/qwen2_vl/config.json");
        let asked = [("sequence", 40), ("image_rows", 2), (OUTPUT, 4)];
        let (_, prompt, further) = work(sees, Mode::Generation, &asked);
        assert_eq!(prompt, Some(40));
        assert!(further.contains("image_rows=2") && further.contains("image_columns="), "{further}");
    }

    #[test]
    fn an_encoder_alone_has_no_part_in_further_tokens() {
        let sided = |encoder: u64, decoder: u64| {
            format!(
                r#"{{"model_type": "bart", "architectures": ["BartForConditionalGeneration"], "vocab_size": 96,
                "d_model": 32, "max_position_embeddings": 40,
                "encoder_layers": {encoder}, "encoder_attention_heads": 4, "encoder_ffn_dim": 48,
                "decoder_layers": {decoder}, "decoder_attention_heads": 4, "decoder_ffn_dim": 48}}"#
            )
        };
        let of = |text: &str| {
            let (depth, steps) = Depth::of(text, &Reading::of("config.json", text).sizes).unwrap().steps(FEW, ENOUGH);
            varied(&depth, &steps)
        };
        assert_eq!(of(&sided(12, 2)), Varied::BeforeFurtherTokens);
        assert_eq!([of(&sided(2, 12)), of(&sided(6, 6))], [Varied::All; 2]);
    }
}
