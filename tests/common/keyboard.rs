//! Typing into the system's own dialogs, which no web driver reaches.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use x11rb::{
    CURRENT_TIME, NONE,
    connection::Connection,
    protocol::{
        xproto::{AtomEnum, ConnectionExt as _, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState, Window},
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
};

const RETURN: u32 = 0xff0d;
const SHIFT: u32 = 0xffe1;

/// Types a text and Return into the dialog of this title, once it is there.
pub fn type_into_dialog(display: &str, title: &str, text: &str) {
    let (connection, screen) = x11rb::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let dialog = wait_for_window(&connection, root, title);
    // There is no window manager to give it the focus, and it takes a moment to be drawn.
    sleep(Duration::from_millis(700));
    connection.set_input_focus(InputFocus::PARENT, dialog, CURRENT_TIME).unwrap().check().unwrap();
    sleep(Duration::from_millis(300));
    let keys = Keys::of(&connection);
    for (at, sign) in text.chars().enumerate() {
        keys.press(&connection, root, sign as u32);
        if at == 0 {
            // The first sign makes the dialog show its field for a path; what follows at once would be lost.
            sleep(Duration::from_millis(500));
        }
    }
    // The dialog looks the path up while it is typed.
    sleep(Duration::from_millis(700));
    // The first Return may only take up what the dialog suggests. The next dialog may carry the same title, so this one
    // has to be gone.
    until("the dialog to close", || {
        keys.press(&connection, root, RETURN);
        sleep(Duration::from_millis(1500));
        (!is_shown(&connection, dialog)).then_some(())
    });
}

fn wait_for_window(connection: &RustConnection, root: Window, title: &str) -> Window {
    until(&format!("a dialog with the title {title}"), || {
        let children = connection.query_tree(root).unwrap().reply().unwrap().children;
        children.into_iter().find(|child| {
            let name = connection.get_property(false, *child, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 100).unwrap();
            name.reply().is_ok_and(|name| name.value == title.as_bytes()) && is_shown(connection, *child)
        })
    })
}

/// A window that is being closed lingers unmapped, and cannot take the focus.
fn is_shown(connection: &RustConnection, window: Window) -> bool {
    let attributes = connection.get_window_attributes(window).unwrap().reply();
    attributes.is_ok_and(|attributes| attributes.map_state == MapState::VIEWABLE)
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        sleep(Duration::from_millis(50));
    }
}

/// Which key gives which sign.
struct Keys {
    first: u8,
    per_key: usize,
    signs: Vec<u32>,
}

impl Keys {
    fn of(connection: &RustConnection) -> Self {
        let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
        let map = connection.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
        Self { first, per_key: map.keysyms_per_keycode.into(), signs: map.keysyms }
    }

    fn press(&self, connection: &RustConnection, root: Window, sign: u32) {
        let (key, shifted) = self.key(sign);
        let shift = self.key(SHIFT).0;
        let event = |kind: u8, key: u8| {
            connection.xtest_fake_input(kind, key, CURRENT_TIME, root, 0, 0, NONE as u8).unwrap().check().unwrap();
        };
        if shifted {
            event(KEY_PRESS_EVENT, shift);
        }
        event(KEY_PRESS_EVENT, key);
        event(KEY_RELEASE_EVENT, key);
        if shifted {
            event(KEY_RELEASE_EVENT, shift);
        }
        sleep(Duration::from_millis(8));
    }

    /// The key, and whether shift is held.
    fn key(&self, sign: u32) -> (u8, bool) {
        let rows = self.signs.chunks(self.per_key).enumerate();
        let found = rows.flat_map(|(at, row)| row.iter().take(2).enumerate().map(move |(level, s)| (at, level, *s)));
        let (at, level, _) = found.into_iter().find(|(.., s)| *s == sign).expect("a key for this sign");
        (self.first + u8::try_from(at).unwrap(), level == 1)
    }
}
