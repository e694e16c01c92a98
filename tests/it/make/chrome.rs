//! A small client of a headless Chromium, over its debugging pipe: messages
//! are JSON, each ended by a zero byte, on file descriptors 3 and 4 of the
//! browser. A shell opens these, since the standard library cannot.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

/// Longest wait for one answer of the browser.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Names under which distributions install it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// A browser with one page.
pub struct Chrome {
    child: Child,
    pipe: File,
    messages: Receiver<Value>,
    session: String,
    next: u64,
    /// Addresses asked for since the last visit began.
    pub requested: Vec<String>,
    /// Violations and errors that the page wrote to the browser's log.
    pub complaints: Vec<String>,
    dir: tempfile::TempDir,
}

/// How a page is looked at.
#[derive(Clone, Copy)]
pub struct Screen {
    pub width: u64,
    pub height: u64,
    pub dark: bool,
}

impl Chrome {
    /// Starts a browser; `None`, said loudly, when there is none.
    pub fn start() -> Option<Self> {
        let Some(name) = NAMES.iter().find(|name| is_there(name)) else {
            crate::make::skipped("no Chromium is installed, so pages were not looked at (apt-get install chromium)");
            return None;
        };
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (to, from) = (dir.path().join("to"), dir.path().join("from"));
        let made = Command::new("mkfifo").args([&to, &from]).status().expect("mkfifo runs");
        assert!(made.success());
        let child = Command::new("sh")
            .arg("-c")
            .arg("exec \"$0\" \"$@\" 3<\"$TO\" 4>\"$FROM\"")
            .arg(name)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
            .arg("about:blank")
            .env("TO", &to)
            .env("FROM", &from)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("the browser starts");
        // Opened for both ways, so that opening never waits for the other side.
        let pipe = open(&to);
        let messages = listen(open(&from));
        let mut chrome = Self {
            child,
            pipe,
            messages,
            session: String::new(),
            next: 0,
            requested: Vec::new(),
            complaints: Vec::new(),
            dir,
        };
        let target = chrome.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        chrome.session =
            chrome.call("Target.attachToTarget", attach)["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Network", "Log", "DOM"] {
            chrome.call(&format!("{domain}.enable"), json!({}));
        }
        chrome.call("Network.setCacheDisabled", json!({"cacheDisabled": true}));
        chrome.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
        Some(chrome)
    }

    /// Shows an address on a screen, scripts switched off.
    pub fn visit(&mut self, address: &str, screen: Screen) {
        let metrics = json!({"width": screen.width, "height": screen.height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let scheme = if screen.dark { "dark" } else { "light" };
        let media = json!({"media": "", "features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", media);
        self.requested.clear();
        self.complaints.clear();
        let answer = self.call("Page.navigate", json!({"url": address}));
        assert!(answer.get("errorText").is_none(), "{address}: {answer}");
        self.wait_for("Page.loadEventFired");
    }

    /// Height of the content, CSS px.
    pub fn height(&mut self) -> u64 {
        let metrics = self.call("Page.getLayoutMetrics", json!({}));
        metrics["cssContentSize"]["height"].as_f64().expect("a number").ceil() as u64
    }

    /// Width that the content needs and width that the screen has, CSS px.
    pub fn widths(&mut self) -> (u64, u64) {
        let metrics = self.call("Page.getLayoutMetrics", json!({}));
        let number = |v: &Value| v.as_f64().expect("a number").ceil() as u64;
        (number(&metrics["cssContentSize"]["width"]), number(&metrics["cssLayoutViewport"]["clientWidth"]))
    }

    /// Left and right edge of the box of every element that has one and is not
    /// inside a region that scrolls, with its name.
    pub fn boxes(&mut self) -> Vec<(String, f64, f64)> {
        let shot = self.call("DOMSnapshot.captureSnapshot", json!({"computedStyles": []}));
        let document = &shot["documents"][0];
        let text = |at: &Value| at.as_u64().and_then(|i| shot["strings"][i as usize].as_str()).unwrap_or("").to_owned();
        let layout = &document["layout"];
        let nodes = layout["nodeIndex"].as_array().expect("nodes");
        let bounds = layout["bounds"].as_array().expect("bounds");
        let names = document["nodes"]["nodeName"].as_array().expect("names");
        let place = |(node, bound): (&Value, &Value)| {
            let name = text(&names[node.as_u64().unwrap_or(0) as usize]);
            let (x, width) = (bound[0].as_f64().unwrap_or(0.0), bound[2].as_f64().unwrap_or(0.0));
            (name, x, x + width)
        };
        nodes.iter().zip(bounds).map(place).collect()
    }

    /// Part of the page as PNG: from `top` on, as much as the screen shows.
    pub fn shoot(&mut self, top: u64, screen: Screen) -> Vec<u8> {
        let clip = json!({"x": 0, "y": top, "width": screen.width, "height": screen.height, "scale": 1});
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let shot = self.call("Page.captureScreenshot", wanted);
        Base64::decode_vec(shot["data"].as_str().expect("data")).expect("base64")
    }

    /// Pages that it takes on paper.
    pub fn sheets(&mut self) -> usize {
        let pdf = self.print();
        let pdf = String::from_utf8_lossy(&pdf);
        pdf.matches("/Type /Page").count() - pdf.matches("/Type /Pages").count()
    }

    /// The page as a PDF, on the paper that its stylesheet names, else Letter.
    fn print(&mut self) -> Vec<u8> {
        let answer = self.call("Page.printToPDF", json!({"preferCSSPageSize": true}));
        Base64::decode_vec(answer["data"].as_str().expect("data")).expect("base64")
    }

    /// The text of each sheet of paper; `None`, said loudly, when nothing reads PDF.
    pub fn paper(&mut self) -> Option<Vec<String>> {
        if !is_there("pdftotext") {
            crate::make::skipped("no pdftotext is installed, so paper was not read (apt-get install poppler-utils)");
            return None;
        }
        let file = self.dir.path().join("page.pdf");
        std::fs::write(&file, self.print()).expect("a file");
        let read = Command::new("pdftotext").args(["-layout".as_ref(), file.as_os_str(), "-".as_ref()]).output();
        let text = String::from_utf8(read.expect("pdftotext runs").stdout).expect("text");
        Some(text.split_terminator('\u{c}').map(str::to_owned).collect())
    }

    /// Text of the page whose lines stand in the first `height` px, in order.
    pub fn first_screen(&mut self, height: u64) -> String {
        let shot = self.call("DOMSnapshot.captureSnapshot", json!({"computedStyles": []}));
        let document = &shot["documents"][0];
        let (layout, boxes) = (&document["layout"], &document["textBoxes"]);
        let list = |of: &Value, name: &str| of[name].as_array().cloned().unwrap_or_default();
        let (texts, lines) = (list(layout, "text"), list(boxes, "layoutIndex"));
        let (bounds, starts, lengths) = (list(boxes, "bounds"), list(boxes, "start"), list(boxes, "length"));
        let number = |of: &Value| of.as_u64().unwrap_or(0) as usize;
        let mut out = String::new();
        for (line, of) in lines.iter().enumerate() {
            let bottom = bounds[line][1].as_f64().unwrap_or(0.0) + bounds[line][3].as_f64().unwrap_or(0.0);
            let text = shot["strings"][number(&texts[number(of)])].as_str().unwrap_or_default();
            if bottom <= height as f64 {
                let units: Vec<u16> = text.encode_utf16().collect();
                let (from, to) = (number(&starts[line]), number(&starts[line]) + number(&lengths[line]));
                out.push_str(&String::from_utf16_lossy(&units[from.min(units.len())..to.min(units.len())]));
                out.push(' ');
            }
        }
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What a script of ours gives, on a page that runs none of its own.
    pub fn ask(&mut self, script: &str) -> Value {
        let asked = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer.get("exceptionDetails").is_none(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// Lets scripts run on the next pages, for checkers that need it.
    pub fn with_scripts(&mut self) {
        self.call("Emulation.setScriptExecutionDisabled", json!({"value": false}));
    }

    /// Presses the tabulator.
    pub fn tab(&mut self) {
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9});
            self.call("Input.dispatchKeyEvent", key);
        }
    }

    /// What copying gives when everything inside the first match is selected.
    pub fn copied(&mut self, selector: &str) -> String {
        let script = format!(
            "getSelection().selectAllChildren(document.querySelector({selector:?})); getSelection().toString()"
        );
        let answer = self.call("Runtime.evaluate", json!({"expression": script}));
        answer["result"]["value"].as_str().unwrap_or_default().to_owned()
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.pipe.write_all(&bytes).expect("the browser listens");
        loop {
            let answer = self.receive(method);
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    fn wait_for(&mut self, event: &str) {
        while self.receive(event)["method"] != event {}
    }

    fn receive(&mut self, waiting_for: &str) -> Value {
        let message = self.messages.recv_timeout(ANSWER_MAX);
        let message = message.unwrap_or_else(|_| panic!("the browser was silent while {waiting_for} was waited for"));
        match message["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                self.requested.push(message["params"]["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            Some("Log.entryAdded") => self.complaints.push(message["params"]["entry"]["text"].to_string()),
            _ => {}
        }
        message
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        // Its own process group: the helpers of the browser end with it.
        let _ = Command::new("kill").args(["-9", "--", &format!("-{}", self.child.id())]).status();
        let _ = self.child.wait();
    }
}

fn is_there(name: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

fn open(path: &Path) -> File {
    File::options().read(true).write(true).open(path).expect("the pipe is there")
}

fn listen(from: File) -> Receiver<Value> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(from).split(0) {
            let Ok(message) = message else { return };
            let Ok(value) = serde_json::from_slice(&message) else { return };
            if send.send(value).is_err() {
                return;
            }
        }
    });
    receive
}
