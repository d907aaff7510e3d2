//! What would fit where a model does not: fewer layers, a smaller batch, a narrower precision.

use crate::{
    bench::{Kept, Room},
    catalogue::Listed,
    depth::Depth,
};
use contract::{ConfigSize, FittingLayers, Precision, Setting, Target};
use models::Model;

/// The most layers whose bytes are available, where those of the whole model are not; none where even one layer is too
/// many, or nothing repeats.
pub fn layers(
    text: &str,
    sizes: &[ConfigSize],
    available_bytes: u64,
    whole_bytes: u64,
    needed: impl Fn(&Model) -> Option<u64>,
) -> Option<FittingLayers> {
    let depth = Depth::of(text, sizes)?;
    let layers = most_layers(&depth, available_bytes, whole_bytes, needed)?;
    Some(FittingLayers { keys: depth.keys(layers), named: depth.named(layers) })
}

/// Each layer mostly needs what the others do, so a line between what fits and what does not points at the answer; where
/// it does not, halving every third step gets there.
fn most_layers(
    depth: &Depth,
    available_bytes: u64,
    whole_bytes: u64,
    needed: impl Fn(&Model) -> Option<u64>,
) -> Option<u64> {
    let with = |layers: u64| needed(&depth.model(layers)?);
    most(available_bytes, (1, with(1)?), (depth.layers(), whole_bytes), with)
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

/// The nearest choices that fit into the room there is, in a sentence.
pub fn choices(model: &Listed, target: &Target, setting: &Setting, there: Room, kept: &Kept) -> String {
    let fits = |setting: &Setting| Room::of(&model.model, setting, kept).is_ok_and(|needed| needed.fits(there));
    let whole = Room::of(&model.model, setting, kept).ok();
    let offered = [&target.precisions, &model.info.precisions];
    let fitting = |precision: &Precision| {
        let is_offered = offered.iter().all(|offered| offered.contains(precision));
        is_offered && fits(&Setting { precision: *precision, ..setting.clone() })
    };
    let mut choices = Vec::new();
    choices.extend(narrower(setting.precision).find(fitting).map(|precision| precision.label().to_owned()));
    // A smaller batch takes no less of the disk.
    let on_disk = whole.is_none_or(|whole| whole.disk_bytes <= there.disk_bytes);
    if on_disk {
        choices.extend(largest_batch(setting.batch, |batch| fits(&Setting { batch, ..setting.clone() })));
    }
    choices.extend(whole.and_then(|whole| fewer_layers(model, setting, whole, there, kept)));
    match choices.as_slice() {
        [] if on_disk => "Choose a shorter input or a narrower model".to_owned(),
        [] => "Free some disk space (Settings clears generated weights), or choose a narrower model".to_owned(),
        [most @ .., last] if !most.is_empty() => format!("What would fit: {}, or {last}", most.join(", ")),
        [one, ..] => format!("What would fit: {one}"),
    }
}

/// Precisions that take less than this one, the nearest first. Of two that are as wide as each other, what is calibrated
/// in f32 comes last.
fn narrower(asked: Precision) -> impl Iterator<Item = Precision> {
    let mut narrower: Vec<Precision> = Precision::ALL.to_vec();
    narrower.retain(|precision| {
        precision.bits() < asked.bits() || (asked, *precision) == (Precision::Int8Static, Precision::Int8)
    });
    narrower.sort_by_key(|precision| std::cmp::Reverse(precision.bits()));
    narrower.into_iter()
}

/// The most layers that fit into what there is of both memory and disk, in words.
fn fewer_layers(model: &Listed, setting: &Setting, whole: Room, there: Room, kept: &Kept) -> Option<String> {
    let (text, sizes) = (model.model.config_text()?, model.model.config_sizes().0);
    let depth = Depth::of(text, &sizes)?;
    let most = |of: fn(Room) -> u64| match of(whole) <= of(there) {
        true => Some(depth.layers()),
        false => most_layers(&depth, of(there), of(whole), |model| Room::of(model, setting, kept).ok().map(of)),
    };
    let layers = most(|room| room.memory_bytes)?.min(most(|room| room.disk_bytes)?);
    Some(depth.named(layers))
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
    use crate::{bench::plain_setting, weights::Weights};
    use contract::{Availability, Mode, OUTPUT, Platform};
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

    #[test]
    fn what_needs_no_calibration_comes_before_what_does() {
        use Precision::{Bf16, F16, F32, Int4, Int8, Int8Static};
        let after = |asked| narrower(asked).collect::<Vec<_>>();
        assert_eq!(after(F32), [F16, Bf16, Int8, Int8Static, Int4]);
        assert_eq!([after(Int8Static), after(Int8)], [vec![Int8, Int4], vec![Int4]]);
    }

    /// Most of it are matrices, so that each precision takes less than the one before.
    fn wide() -> Listed {
        let text = r#"{"model_type": "bert", "vocab_size": 50, "hidden_size": 256, "num_attention_heads": 4,
            "num_hidden_layers": 6, "intermediate_size": 1024, "max_position_embeddings": 16}"#;
        Model::from_config_text("wide", text).unwrap().into()
    }

    fn setting(precision: Precision, batch: u32) -> Setting {
        Setting { precision, batch, ..plain_setting() }
    }

    fn nothing_kept() -> Kept {
        Kept::of(&Weights::at("none".into()))
    }

    fn target(precisions: &[Precision]) -> Target {
        Target {
            engine: "candle".into(),
            device: "cpu".into(),
            platform: Platform::Cpu,
            device_name: "a processor".to_owned(),
            availability: Availability::Ready,
            precisions: precisions.to_vec(),
            not_ranked: None,
        }
    }

    #[test]
    fn int8_static_is_offered_only_where_it_can_be_calibrated() {
        use Precision::{F32, Int8, Int8Static};
        let model = wide();
        let kept = nothing_kept();
        let taken = |precision, batch| Room::of(&model.model, &setting(precision, batch), &kept).unwrap().memory_bytes;
        let offered = |precisions: &[Precision], batch, memory_bytes| {
            let there = Room { memory_bytes, disk_bytes: u64::MAX };
            choices(&model, &target(precisions), &setting(F32, batch), there, &kept)
        };
        let both = offered(&[F32, Int8Static, Int8], 1, taken(Int8, 1));
        assert!(both.contains("int8") && !both.contains("static"), "{both}");
        let neither = offered(&[F32, Int8Static], 1, taken(F32, 1) - 1);
        assert!(!neither.contains("int8"), "{neither}");
        // One sample in f32 fits, and so does the whole batch in int8.
        let calibrated = offered(&[F32, Int8Static], 512, taken(Int8Static, 512));
        assert!(calibrated.contains("int8 static"), "{calibrated}");
    }

    #[test]
    fn what_fits_the_disk_and_how_many_layers_do_is_told() {
        let model = wide();
        let kept = nothing_kept();
        let taken = |precision| Room::of(&model.model, &setting(precision, 8), &kept).unwrap();
        let offered = |precisions: &[Precision], there| {
            choices(&model, &target(precisions), &setting(Precision::F32, 8), there, &kept)
        };
        let whole = taken(Precision::F32);
        let short_of_disk = Room { disk_bytes: taken(Precision::F16).disk_bytes, ..whole };
        assert_eq!(offered(&[Precision::F32, Precision::F16], short_of_disk), "What would fit: f16, or 2 layers");
        let short_of_memory = Room { memory_bytes: whole.memory_bytes - 1, ..whole };
        assert_eq!(offered(&[Precision::F32], short_of_memory), "What would fit: a batch of 7, or 5 layers");
        let nothing = Room { memory_bytes: u64::MAX, disk_bytes: 0 };
        assert!(offered(&[Precision::F32], nothing).starts_with("Free some disk space"));
    }

    #[test]
    fn layers_that_fit_leave_room_for_writing_text() {
        let text = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 96,
            "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 6, "intermediate_size": 128,
            "max_position_embeddings": 512}"#;
        let model = Listed::from(Model::from_config_text("writes", text).unwrap());
        let one_pass = Setting { size: Some(8), ..setting(Precision::F32, 1) };
        let texts = |output: u32| Setting {
            mode: Mode::Generation,
            dims: [(OUTPUT.to_owned(), output)].into(),
            ..one_pass.clone()
        };
        let kept = nothing_kept();
        let taken = |setting: &Setting| Room::of(&model.model, setting, &kept).unwrap().memory_bytes;
        let offered = |setting: &Setting, memory_bytes| {
            let there = Room { memory_bytes, disk_bytes: u64::MAX };
            choices(&model, &target(&[Precision::F32]), setting, there, &kept)
        };
        // Two graphs with their weights take more than one, and a longer text keeps more of itself.
        assert!(taken(&one_pass) < taken(&texts(2)));
        let cache = taken(&texts(500)) - taken(&texts(2));
        assert!(cache >= 6 * 2 * 64 * 4 * 498, "{cache} bytes for the keys and values of all layers");
        assert_eq!(offered(&texts(2), taken(&texts(2)) - 1), "What would fit: 5 layers");
        assert_ne!(offered(&texts(500), taken(&texts(2)) - 1), "What would fit: 5 layers");
    }
}
