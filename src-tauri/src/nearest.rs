//! What would fit where a model does not: fewer layers, a smaller batch, a narrower precision.

use crate::{bench::Sizes, catalogue::Listed};
use contract::{ConfigSize, FittingLayers, Setting, Target, json_text};
use models::{Model, Reading};

/// The most layers whose bytes are available; none where even one layer is too many, or nothing repeats.
///
/// What a model needs grows by the same amount with each layer, so two small ones tell how; the answer is then checked.
pub fn layers(
    text: &str,
    sizes: &[ConfigSize],
    available_bytes: u64,
    needed: impl Fn(&Model) -> Option<u64>,
) -> Option<FittingLayers> {
    let layers = sizes.iter().find(|size| size.layers)?;
    let with = |count: u64| {
        let text = json_text::with_value(text, &layers.key, &count.to_string())?;
        needed(&Reading::of("config.json", &text).model.ok()?)
    };
    let one = with(1)?;
    let each = with(2)?.checked_sub(one).filter(|each| *each > 0)?;
    let count = 1 + available_bytes.checked_sub(one)? / each;
    let fits = count < layers.value && with(count)? <= available_bytes;
    fits.then(|| FittingLayers { key: layers.key.clone(), layers: count })
}

/// The nearest choices that fit, in a sentence.
pub fn choices(model: &Listed, target: &Target, setting: &Setting, available_bytes: u64) -> String {
    let needed = |setting: &Setting| Sizes::of(&model.model, setting).ok().map(|sizes| sizes.memory_bytes);
    let fits = |setting: &Setting| needed(setting).is_some_and(|needed| needed <= available_bytes);
    let mut choices = Vec::new();
    let narrower =
        target.precisions.iter().copied().filter(|precision| {
            precision.bits() < setting.precision.bits() && model.info.precisions.contains(precision)
        });
    let fitting = narrower.filter(|precision| fits(&Setting { precision: *precision, ..setting.clone() }));
    choices.extend(fitting.max_by_key(|precision| precision.bits()).map(|precision| precision.label().to_owned()));
    choices.extend(largest_batch(setting.batch, |batch| fits(&Setting { batch, ..setting.clone() })));
    let (text, sizes) = (model.model.config_text().unwrap_or_default(), model.model.config_sizes().0);
    let layered =
        layers(text, &sizes, available_bytes, |model| Sizes::of(model, setting).ok().map(|sizes| sizes.memory_bytes));
    choices.extend(layered.map(|fit| format!("{} layers", fit.layers)));
    match choices.as_slice() {
        [] => "Choose a shorter input or a narrower model".to_owned(),
        [most @ .., last] if !most.is_empty() => format!("What would fit: {}, or {last}", most.join(", ")),
        [one, ..] => format!("What would fit: {one}"),
    }
}

/// The largest batch below the one asked for that fits.
fn largest_batch(asked: u32, fits: impl Fn(u32) -> bool) -> Option<String> {
    let (mut least, mut most) = (0, asked);
    while most - least > 1 {
        let middle = least + (most - least) / 2;
        if fits(middle) {
            least = middle;
        } else {
            most = middle;
        }
    }
    (least > 0).then(|| format!("a batch of {least}"))
}
