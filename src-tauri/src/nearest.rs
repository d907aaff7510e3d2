//! What would fit where a model does not: fewer layers, a smaller batch, a narrower precision.

use crate::{bench::Sizes, catalogue::Listed};
use contract::{ConfigSize, FittingLayers, Setting, Target, json_text};
use models::{Model, Reading};

/// The most layers whose bytes are available, where those of the whole model are not; none where even one layer is too
/// many, or nothing repeats.
///
/// Each layer mostly needs what the others do, so a line between what fits and what does not points at the answer; where
/// it does not, halving every third step gets there.
pub fn layers(
    text: &str,
    sizes: &[ConfigSize],
    available_bytes: u64,
    whole_bytes: u64,
    needed: impl Fn(&Model) -> Option<u64>,
) -> Option<FittingLayers> {
    let layers = sizes.iter().find(|size| size.layers)?;
    let with = |count: u64| {
        let text = json_text::with_value(text, &layers.key, &count.to_string())?;
        needed(&Reading::of("config.json", &text).model.ok()?)
    };
    let count = most(available_bytes, (1, with(1)?), (layers.value, whole_bytes), with)?;
    Some(FittingLayers { key: layers.key.clone(), layers: count })
}

/// The most that fits, between what may and what is too much; each a count with its bytes.
fn most(
    available_bytes: u64,
    mut fits: (u64, u64),
    mut too_much: (u64, u64),
    needed: impl Fn(u64) -> Option<u64>,
) -> Option<u64> {
    if fits.1 > available_bytes || too_much.1 <= available_bytes {
        return None;
    }
    let mut halves = [false, false, true].into_iter().cycle();
    while too_much.0 - fits.0 > 1 {
        let gap = too_much.0 - fits.0;
        let along = (available_bytes - fits.1) as f64 / (too_much.1 - fits.1) as f64;
        let step = if halves.next()? { gap / 2 } else { (along * gap as f64) as u64 };
        let count = fits.0 + step.clamp(1, gap - 1);
        let bytes = needed(count)?;
        let side = if bytes <= available_bytes { &mut fits } else { &mut too_much };
        *side = (count, bytes);
    }
    Some(fits.0)
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
    let with = |model: &Model| Sizes::of(model, setting).ok().map(|sizes| sizes.memory_bytes);
    let layered = needed(setting).and_then(|whole| layers(text, &sizes, available_bytes, whole, with));
    choices.extend(layered.map(|fit| match fit.layers {
        1 => "one layer".to_owned(),
        several => format!("{several} layers"),
    }));
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn the_most_that_fits_is_found_in_a_few_steps() {
        let even = |count: u64| Some(90 + 200 * count);
        let a_few_dense_ones_first = |count: u64| Some(10 * count.min(3) + 1000 * count.saturating_sub(3));
        // Two layers hold a little more at once than one does.
        let bent = |count: u64| Some(200 * count + if count > 1 { 17 } else { 0 });
        let needs: [&dyn Fn(u64) -> Option<u64>; 3] = [&even, &a_few_dense_ones_first, &bent];
        for needed in needs {
            for available in (0..30_000).step_by(7) {
                let tries = Cell::new(0);
                let counted = |count: u64| {
                    tries.set(tries.get() + 1);
                    needed(count)
                };
                let (one, whole) = (needed(1).unwrap(), needed(100).unwrap());
                let found = most(available, (1, one), (100, whole), counted);
                let fitting = (1..100).rev().find(|count| needed(*count).unwrap() <= available);
                assert_eq!(found, fitting.filter(|_| whole > available), "{available} available");
                assert!(tries.get() <= 15, "{} tries for {available}", tries.get());
            }
        }
        assert_eq!(most(100, (1, 10), (1, 200), |_| unreachable!()), Some(1));
    }
}
