//! What happens where the process that draws the page has ended, be it for want of memory: the desk has kept everything,
//! so the page is loaded anew. WebView2 offers that itself.

use crate::{desk::Desk, window::WINDOW};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tauri::{AppHandle, Manager};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogKind};

/// Loads the page anew.
#[derive(Default)]
pub struct Revival {
    last: Mutex<Option<Instant>>,
}

impl Revival {
    /// A page that ends again by then may do so for ever, so the person is asked.
    const AT_ONCE: Duration = Duration::from_secs(10);

    pub fn of(&self, app: &AppHandle) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(Instant::now());
        if last.is_none_or(|last| last.elapsed() > Self::AT_ONCE) && reload(app) {
            return;
        }
        let text = "The page of this window has ended twice. Nothing that was measured is lost.";
        let asked = app.clone();
        app.dialog()
            .message(text)
            .title("Assay cannot show its page")
            .kind(MessageDialogKind::Error)
            // To close the question is to press its second button.
            .buttons(MessageDialogButtons::OkCancelCustom("Stop and quit".to_owned(), "Load again".to_owned()))
            // Answered on a thread of its own, which may wait.
            .show(move |quits| {
                if quits {
                    leave(&asked);
                } else {
                    reload(&asked);
                }
            });
    }
}

fn reload(app: &AppHandle) -> bool {
    app.get_webview_window(WINDOW).is_some_and(|window| window.reload().is_ok())
}

fn leave(app: &AppHandle) {
    if let Some(desk) = app.try_state::<Desk>() {
        desk.stop_for_good();
    }
    app.exit(0);
}
