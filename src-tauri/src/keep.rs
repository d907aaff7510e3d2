//! What took its time to measure is stored, however long the disk is full.

use crate::desk::Desk;
use engine::Control;
use std::{thread, time::Duration};
use store::StoreError;

/// Stores `what` by `save`, again and again until that works; false where it is given up, because the person cancels or
/// the store takes no such thing.
pub fn surely(
    desk: &Desk,
    what: &str,
    control: &Control,
    save: impl Fn() -> Result<(), StoreError>,
    is_there: impl Fn() -> Result<bool, StoreError>,
) -> bool {
    const PAUSE: Duration = Duration::from_secs(1);
    let mut told = false;
    while let Err(e) = save() {
        // A disk that fills up just after the change was committed fails the call all the same.
        if is_there().unwrap_or(false) {
            break;
        }
        if control.is_cancelled() {
            return false;
        }
        if let StoreError::Refused { .. } = e {
            desk.warn(format!("{what} could not be stored: {e}."));
            return false;
        }
        if !told {
            desk.warn(format!("{what} could not be stored: {e}. It is kept and tried again; cancel to give it up."));
            told = true;
        }
        thread::sleep(PAUSE);
    }
    true
}
