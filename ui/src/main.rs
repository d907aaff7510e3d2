//! The window: asks the shell, shows the answers, and holds no truth of its own.

mod actions;
mod app;
mod bridge;
mod editor;
mod js;
mod load;
mod pages;
mod parts;
mod plot;
mod script;
mod state;
mod time;
mod webview;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::Window);
}
