//! The templates that ship: sound, and good for every model type.

use contract::Platform;
use std::sync::atomic::AtomicBool;
use workbench::{Here, Kind, Library, Selection, check, generate};

#[test]
fn every_template_that_ships_is_sound() {
    let library = Library::shipped();
    assert_eq!(library.broken(), []);
    let problems: Vec<_> = library.templates().keys().flat_map(|name| check(library, name)).collect();
    assert_eq!(problems, []);
}

/// Of the 804 types all on the CPU, and each twentieth on every platform.
#[test]
fn every_model_type_has_files_that_can_be_read() {
    let all: Vec<String> = models::transformers::all().iter().map(|known| known.model_type.clone()).collect();
    let some = all.iter().step_by(20).cloned().collect();
    let kinds = Kind::GENERATED.to_vec();
    for (model_types, platforms) in [(all, vec![Platform::Cpu]), (some, Platform::LISTED.to_vec())] {
        let selection = Selection { model_types, platforms, kinds: kinds.clone(), ..Selection::default() };
        let (mut made, mut unsound) = (0, Vec::new());
        generate(Here::default, Library::shipped(), &selection, &AtomicBool::new(false), |file| {
            made += 1;
            if !file.is_sound() {
                unsound.push((file.request, file.outcome.err(), file.problems));
            }
        });
        assert_eq!(made, selection.requests().len());
        assert!(unsound.is_empty(), "{} of {made}: {:#?}", unsound.len(), &unsound[..unsound.len().min(3)]);
    }
}
