//! This machine as last seen: the stored scan at once, a fresh one soon after, peaks on request.

use crate::{
    desk::{Desk, on_thread},
    quiet::{Held, Work},
};
use contract::*;
use engine::{Ceilings, Control, PeaksError};
use std::{
    sync::{Mutex, MutexGuard},
    thread,
};
use store::{Store, StoreError};
use tokio::sync::watch;

pub struct Inventory {
    machine: watch::Sender<Option<Machine>>,
    /// As the last start left it, to tell what has changed since.
    before: Mutex<Option<Machine>>,
    webview: Mutex<Option<WebViewFacts>>,
    /// What ends the measuring of the peaks, with its place.
    peaks: Mutex<Option<(Control, Held)>>,
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            machine: watch::Sender::new(None),
            before: Mutex::default(),
            webview: Mutex::default(),
            peaks: Mutex::default(),
        }
    }
}

impl Inventory {
    /// The machine as known now; waits for the first scan where no earlier one is stored.
    pub async fn machine(&self) -> Machine {
        let mut seen = self.machine.subscribe();
        let machine = seen.wait_for(Option::is_some).await.expect("the sender lives as long as the inventory");
        machine.clone().expect("waited for")
    }

    /// The same for a thread that may block.
    pub fn machine_blocking(&self) -> Machine {
        loop {
            if let Some(machine) = self.machine.borrow().clone() {
                return machine;
            }
            thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Shows what the last start stored, until a scan of this one ends. A machine that was seen by then stays, with the
    /// peaks that this store has of it, and is stored.
    pub fn recall(&self, store: &Store) -> Result<(), StoreError> {
        let seen = self.machine.borrow().clone();
        if let Some(mut machine) = seen {
            add_peaks(&mut machine, store);
            self.machine.send_replace(Some(machine.clone()));
            return store.save_machine(&machine);
        }
        let Ok(Some(mut machine)) = store.last_machine() else { return Ok(()) };
        // A store that was carried here knows another computer.
        if machine.id == engine::environment().machine {
            machine.changes.clear();
            machine.webview = None;
            *lock(&self.before) = Some(machine.clone());
            self.machine.send_replace(Some(machine));
        }
        Ok(())
    }

    fn show(&self, desk: &Desk, mut machine: Machine) -> Machine {
        if let Some(facts) = lock(&self.webview).clone() {
            engine::inventory::merge_webview(&mut machine, &facts);
        }
        self.machine.send_replace(Some(machine.clone()));
        desk.tell(Event::MachineChanged);
        machine
    }

    /// What the WebView says of itself; it asks once a start.
    pub fn add_webview(&self, desk: &Desk, facts: WebViewFacts) {
        *lock(&self.webview) = Some(facts);
        let known = self.machine.borrow().clone();
        if let Some(machine) = known {
            self.show(desk, machine);
        }
    }
}

/// Looks at the machine and stores what it found. Blocks for some seconds, in which it has this place.
pub fn scan(desk: &Desk, store: Option<&Store>, _place: Held) -> Machine {
    let inventory = &desk.inventory;
    let mut machine = engine::scan(&desk.bench.libraries(), &desk.bench.program);
    if let Some(store) = store {
        add_peaks(&mut machine, store);
    }
    if let Some(before) = &*lock(&inventory.before) {
        machine.changes = engine::inventory::changes(before, &machine);
    }
    if let Some(Err(e)) = store.map(|store| store.save_machine(&machine)) {
        desk.warn(format!("The inventory could not be stored: {e}."));
    }
    inventory.show(desk, machine)
}

/// What a store has of this machine's peaks.
fn add_peaks(machine: &mut Machine, store: &Store) {
    machine.peaks = store.peaks(&machine.id).unwrap_or_default();
    machine.peaks_left_out = store.peaks_left_out(&machine.id).unwrap_or_default();
}

/// Measures the peaks on a thread of its own; progress and the end come as events.
pub fn measure_peaks(desk: &Desk, store: Store) -> Result<(), Failure> {
    let control = Control::default();
    let held = desk.begin(Work::Peaks)?;
    *lock(&desk.inventory.peaks) = Some((control.clone(), held));
    let working = desk.clone();
    let work = move || {
        let failure = run_peaks(&working, &store, &control).err();
        working.inventory.end_peaks();
        working.tell(Event::PeaksEnded { failure });
    };
    on_thread("peaks", work).inspect_err(|_| desk.inventory.end_peaks())
}

fn run_peaks(desk: &Desk, store: &Store, control: &Control) -> Result<(), Failure> {
    let mut machine = desk.inventory.machine_blocking();
    let Ceilings { peaks, left_out } = engine::measure_peaks(&desk.bench.program, &machine, control, &mut |progress| {
        desk.tell(Event::Peaks(progress))
    })
    .map_err(|error| match error {
        PeaksError::Cancelled => Failure::Cancelled,
        error => Failure::broken("measuring this machine", error),
    })?;
    store.save_peaks(&machine.id, &peaks, &left_out)?;
    machine = desk.inventory.machine_blocking();
    (machine.peaks, machine.peaks_left_out) = (peaks, left_out);
    desk.inventory.show(desk, machine);
    Ok(())
}

impl Inventory {
    pub fn cancel_peaks(&self) {
        if let Some((control, _)) = &*lock(&self.peaks) {
            control.cancel();
        }
    }

    fn end_peaks(&self) {
        *lock(&self.peaks) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}
