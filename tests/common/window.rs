//! The real window on a display of its own, driven as a person would: by WebKitWebDriver and the keyboard.

#[path = "display.rs"]
mod display;
#[path = "keyboard.rs"]
mod keyboard;

use display::Display;
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// What is not there by then will not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers once the page has been drawn and nothing on it has changed or moved for a moment, after a second at the
/// latest: while something is measured there is always news.
const STANDS_STILL: &str = "
    const [answer] = arguments, began = performance.now();
    let changed = began;
    const observer = new MutationObserver(() => { changed = performance.now(); });
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    (function look() {
        const now = performance.now();
        const moves = document.getAnimations().some((animation) => animation.playState === 'running');
        // By a clock: asking at each frame would draw one after another for it.
        if (now - began < 1000 && (moves || now - changed < 100)) return setTimeout(look, 20);
        observer.disconnect();
        requestAnimationFrame(() => answer());
    })();";

/// Keys without a sign of their own, as WebDriver names them.
pub mod keys {
    pub const BACKSPACE: &str = "\u{e003}";
    pub const ENTER: &str = "\u{e007}";
    pub const ESCAPE: &str = "\u{e00c}";
    pub const END: &str = "\u{e010}";
    /// Held for the rest of what is typed with it.
    pub const CONTROL: &str = "\u{e009}";
}

pub struct Window {
    display: Display,
    driver: Child,
    agent: ureq::Agent,
    session: String,
}

#[allow(dead_code, reason = "each test program uses its own part of this")]
impl Window {
    /// Starts the program with its data in this folder, for a person who wants nothing to move: without a graphics
    /// processor each frame of a motion takes longer than what it leads to. Another build than this one's where
    /// `ASSAY_TEST_PROGRAM` names it.
    pub fn open(data: &Path) -> Self {
        Self::start(data, false)
    }

    /// The same for a person who has not asked for less motion.
    pub fn open_moving(data: &Path) -> Self {
        Self::start(data, true)
    }

    fn start(data: &Path, moving: bool) -> Self {
        let program = std::env::var("ASSAY_TEST_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_assay").to_owned());
        let (display, desktop) = (Display::start(), data.join("desktop"));
        fs::create_dir_all(desktop.join("gtk-3.0")).unwrap();
        let settings = format!("[Settings]\ngtk-enable-animations={}\n", u8::from(moving));
        fs::write(desktop.join("gtk-3.0/settings.ini"), settings).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("dbus-run-session")
            .args(["--", "WebKitWebDriver", &format!("--port={port}")])
            .env("DISPLAY", &display.name)
            .env_remove("WAYLAND_DISPLAY")
            .env("ASSAY_DATA", data)
            .env("XDG_CONFIG_HOME", desktop)
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("NO_AT_BRIDGE", "1")
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("dbus-run-session and WebKitWebDriver are installed: `cargo xtask setup` does it");
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // The driver of a page whose process has crashed never answers.
            .timeout_global(Some(2 * PATIENCE))
            .build()
            .new_agent();
        let mut window = Self { display, driver, agent, session: format!("http://127.0.0.1:{port}") };
        window.until("the driver", |window| window.agent.get(format!("{}/status", window.session)).call().ok());
        let options = json!({"binary": program, "args": []});
        let wanted = json!({"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}});
        let made = window.post("/session", &wanted).expect("a session with the program");
        window.session += &format!("/session/{}", made["sessionId"].as_str().unwrap());
        window.resize(1280, 800);
        window
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.post("/window/rect", &json!({"x": 0, "y": 0, "width": width, "height": height})).unwrap();
    }

    /// Clicks what bears this `data-testid`, once it is there and can be used: a click on a disabled button is lost.
    pub fn click(&self, testid: &str) {
        self.until(testid, |window| {
            let element = window.find_by(&format!("[data-testid=\"{testid}\"]:not(:disabled)"))?;
            window.post(&format!("/element/{element}/click"), &json!({})).ok()
        });
    }

    pub fn wait(&self, testid: &str) {
        self.wait_long(testid, PATIENCE);
    }

    pub fn wait_long(&self, testid: &str, patience: Duration) {
        self.until_within(patience, testid, |window| window.find(testid));
    }

    pub fn type_into(&self, testid: &str, text: &str) {
        self.until(testid, |window| {
            let element = window.find(testid)?;
            window.post(&format!("/element/{element}/clear"), &json!({})).ok()?;
            window.post(&format!("/element/{element}/value"), &json!({"text": text})).ok()
        });
    }

    /// Types into what has the focus.
    pub fn press(&self, text: &str) {
        self.until("an element with the focus", |window| {
            let active = window.get("/element/active").ok()?;
            let element = active.as_object()?.values().next()?.as_str()?.to_owned();
            window.post(&format!("/element/{element}/value"), &json!({"text": text})).ok()
        });
    }

    /// Chooses an option of a select by its value.
    pub fn choose(&self, testid: &str, value: &str) {
        let selector = format!("[data-testid=\"{testid}\"] option[value=\"{value}\"]");
        self.until(value, |window| {
            let element = window.find_by(&selector)?;
            window.post(&format!("/element/{element}/click"), &json!({})).ok()
        });
    }

    /// Scrolls to what bears this `data-testid`.
    pub fn show(&self, testid: &str) {
        let script = "document.querySelector(`[data-testid=\"${arguments[0]}\"]`).scrollIntoView()";
        self.post("/execute/sync", &json!({"script": script, "args": [testid]})).unwrap();
    }

    /// Draws in `light` or `dark` from now on, by the command palette.
    pub fn theme(&self, theme: &str) {
        self.click("open-palette");
        self.click(&format!("action-theme-{theme}"));
    }

    pub fn text(&self, testid: &str) -> String {
        self.until(testid, |window| {
            let element = window.find(testid)?;
            window.get(&format!("/element/{element}/text")).ok()?.as_str().map(str::to_owned)
        })
    }

    /// Waits until what bears this `data-testid` holds this text; the driver finds none in what is cut off at its end.
    pub fn says(&self, testid: &str, part: &str) {
        let script = "return document.querySelector(`[data-testid=\"${arguments[0]}\"]`)?.innerText ?? ''";
        self.until(&format!("{part} in {testid}"), |window| {
            let said = window.post("/execute/sync", &json!({"script": script, "args": [testid]})).ok()?;
            said.as_str()?.contains(part).then_some(())
        });
    }

    /// What a script in the page returns.
    pub fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []})).unwrap()
    }

    pub fn count(&self, css: &str) -> usize {
        // Counted in the page at one moment: handles of elements go stale while the page is drawn anew.
        let script = json!({"script": "return document.querySelectorAll(arguments[0]).length", "args": [css]});
        self.post("/execute/sync", &script).unwrap().as_u64().unwrap() as usize
    }

    /// Answers the system's open file dialog with a path.
    pub fn answer_dialog(&self, title: &str, path: &Path) {
        keyboard::type_into_dialog(&self.display.name, title, &path.display().to_string());
    }

    /// Keeps a picture of the window among the build's artefacts.
    pub fn picture(&self, name: &str) {
        self.post("/execute/async", &json!({"script": STANDS_STILL, "args": []})).unwrap();
        let picture = self.get("/screenshot").unwrap();
        let bytes =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, picture.as_str().unwrap()).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("journeys");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    pub fn until<T>(&self, what: &str, found: impl FnMut(&Self) -> Option<T>) -> T {
        self.until_within(PATIENCE, what, found)
    }

    pub fn until_within<T>(&self, patience: Duration, what: &str, mut found: impl FnMut(&Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            if began.elapsed() > patience {
                self.picture("waited-in-vain");
                panic!("waited in vain for {what}");
            }
            sleep(Duration::from_millis(50));
        }
    }

    fn find(&self, testid: &str) -> Option<String> {
        self.find_by(&format!("[data-testid=\"{testid}\"]"))
    }

    fn find_by(&self, selector: &str) -> Option<String> {
        let element = self.post("/element", &json!({"using": "css selector", "value": selector})).ok()?;
        Some(element.as_object()?.values().next()?.as_str()?.to_owned())
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        value(self.agent.get(format!("{}{path}", self.session)).call())
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        value(self.agent.post(format!("{}{path}", self.session)).send_json(body))
    }
}

fn value(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, String> {
    let mut answer = answer.map_err(|e| e.to_string())?;
    let done = answer.status().is_success();
    let mut body: Value = answer.body_mut().read_json().map_err(|e| e.to_string())?;
    if done { Ok(body["value"].take()) } else { Err(body.to_string()) }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.agent.delete(&self.session).call().ok();
        // The driver, its bus and the program are one group.
        Command::new("kill").args(["-KILL", "--", &format!("-{}", self.driver.id())]).status().ok();
        self.driver.wait().ok();
    }
}
