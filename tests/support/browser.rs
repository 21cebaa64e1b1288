//! Chromium without a window, by the DevTools protocol: opens pages, asks them, and hears what they complain about.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::process::Process;
use super::{PATIENCE, poll};

/// No sandbox: tests may run as root. Videos play by themselves, as they do on a page that a person has clicked to.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
];

/// A browser with one page; it ends when dropped.
pub struct Browser {
    _process: Process,
    _profile: TempDir,
    devtools: RefCell<DevTools>,
}

struct DevTools {
    runtime: Runtime,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    calls: u64,
    complaints: VecDeque<String>,
}

impl Browser {
    /// A browser as a phone in portrait is.
    pub fn phone() -> Browser {
        let browser = Browser::start(&[]);
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true}),
        );
        browser
    }

    /// Starts one, with these flags besides ours.
    pub fn start(flags: &[&str]) -> Browser {
        let profile = tempfile::tempdir().expect("a directory");
        let profile_flag = format!("--user-data-dir={}", profile.path().display());
        let process = Process::start(Command::new("chromium").args(FLAGS).args(flags).args([&profile_flag, "about:blank"]));
        let line = process.wait_for("DevTools listening on ws://");
        let url = line.split_whitespace().find(|word| word.starts_with("ws://")).expect("an address");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (socket, _) = runtime.block_on(connect_async(url)).expect("it listens");
        let devtools = DevTools { runtime, socket, session: None, calls: 0, complaints: VecDeque::new() };
        let browser = Browser { _process: process, _profile: profile, devtools: RefCell::new(devtools) };
        browser.attach();
        browser
    }

    fn attach(&self) {
        let targets = self.call("Target.getTargets", json!({}));
        let targets = targets["targetInfos"].as_array().expect("a list");
        let page = targets.iter().find(|target| target["type"] == "page").expect("a page");
        let session = self.call("Target.attachToTarget", json!({"targetId": page["targetId"], "flatten": true}));
        self.devtools.borrow_mut().session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Lets this script run in every page before any of its own.
    pub fn prepare(&self, script: &str) {
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": script}));
    }

    pub fn open(&self, url: &str) {
        let opened = self.call("Page.navigate", json!({"url": url}));
        assert_eq!(opened.get("errorText"), None, "{url}");
    }

    pub fn prefer_dark(&self) {
        self.call("Emulation.setEmulatedMedia", json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]}));
    }

    /// The value of a JavaScript expression, which may be a promise.
    pub fn ask(&self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let answer = self.call("Runtime.evaluate", params);
        assert_eq!(answer.get("exceptionDetails"), None, "{expression}");
        answer["result"]["value"].clone()
    }

    /// The text of the element with this id.
    pub fn text(&self, id: &str) -> String {
        let text = self.ask(&format!("document.getElementById('{id}')?.textContent ?? ''"));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The number in the element with this id; none while there is none.
    pub fn number(&self, id: &str) -> Option<f64> {
        self.text(id).split_whitespace().next()?.parse().ok()
    }

    /// Waits until the element with this id says this.
    pub fn wait_for_text(&self, id: &str, text: &str) {
        poll(&format!("'{text}' in {id}"), PATIENCE, || self.text(id).contains(text).then_some(()));
    }

    pub fn click(&self, id: &str) {
        self.ask(&format!("document.getElementById('{id}').click()"));
    }

    /// Keeps what it looks like now.
    pub fn screenshot(&self, file: &Path) {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let picture = base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().expect("text"));
        std::fs::write(file, picture.expect("base64")).expect("written");
    }

    /// What stands in its console that is an error or a warning, with all breaches of the Content-Security-Policy.
    pub fn complaints(&self) -> Vec<String> {
        // Whatever was said before the answer has been heard with it.
        self.ask("1");
        self.devtools.borrow_mut().complaints.drain(..).collect()
    }

    fn call(&self, method: &str, params: Value) -> Value {
        self.devtools.borrow_mut().call(method, &params)
    }
}

impl DevTools {
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let DevTools { runtime, socket, complaints, .. } = self;
        let answering = async {
            socket.send(Message::text(message.to_string())).await.expect("it listens");
            loop {
                let heard = socket.next().await.expect("it runs").expect("it speaks");
                let Message::Text(text) = heard else { continue };
                let heard: Value = serde_json::from_str(&text).expect("JSON");
                if heard["id"] == id {
                    return heard;
                }
                complaints.extend(complaint(&heard));
            }
        };
        let within = async { tokio::time::timeout(PATIENCE + Duration::from_secs(5), answering).await };
        let answer = runtime.block_on(within).unwrap_or_else(|_| panic!("no answer to {method}"));
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].clone()
    }
}

/// What an event of the page complains about.
fn complaint(event: &Value) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" if params["type"] == "error" || params["type"] == "warning" => {
            Some(params["args"].to_string())
        }
        "Log.entryAdded" if params["entry"]["level"] != "verbose" && params["entry"]["level"] != "info" => {
            Some(params["entry"].to_string())
        }
        _ => None,
    }
}
