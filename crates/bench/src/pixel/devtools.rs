//! A headless Chromium driven over the Chrome DevTools Protocol, with only the few calls that a measurement needs.

#![expect(clippy::indexing_slicing, reason = "indexing a JSON value yields null where there is nothing, never a panic")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long one call may take before the browser counts as stuck.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A browser with one page; it is killed when dropped.
pub(crate) struct Browser {
    child: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    next_id: u64,
    _profile: TempDir,
}

impl Browser {
    /// Starts the browser with an empty profile and an empty page.
    pub(crate) async fn start(chromium: &Path) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut child = Command::new(chromium)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--remote-debugging-port=0", "--window-size=1440,2400"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}; install the package chromium", chromium.display()))?;
        let mut errors = BufReader::new(child.stderr.take().context("no standard error")?).lines();
        let address = errors
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned))
            .context("Chromium ended without opening its debugging port")?;
        std::thread::spawn(move || errors.for_each(drop));
        let (socket, _) = tokio_tungstenite::connect_async(address.trim()).await?;
        let mut browser = Self { child, socket, session: None, next_id: 0, _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach).await?;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        Ok(browser)
    }

    /// Gives the page a cookie for an address.
    pub(crate) async fn set_cookie(&mut self, url: &str, name: &str, value: &str) -> Result<()> {
        let cookie = json!({"url": url, "name": name, "value": value, "httpOnly": true, "sameSite": "Strict"});
        self.call("Network.setCookie", cookie).await.map(drop)
    }

    /// Runs a script in every page before the page's own code.
    pub(crate) async fn run_before_each_page(&mut self, script: &str) -> Result<()> {
        self.call("Page.enable", json!({})).await?;
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await.map(drop)
    }

    /// Leads the page to an address.
    pub(crate) async fn open(&mut self, url: &str) -> Result<()> {
        self.call("Page.navigate", json!({"url": url})).await.map(drop)
    }

    /// Waits until the page shows a text.
    pub(crate) async fn wait_for_text(&mut self, text: &str, limit: Duration) -> Result<()> {
        tokio::time::timeout(limit, async {
            while self.evaluate(&format!("document.body?.textContent.includes({})", json!(text))).await? != json!(true)
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(())
        })
        .await
        .map_err(|_| anyhow!("{text:?} was not on the page within {limit:?}"))?
    }

    /// The value of an expression in the page, awaited if it is a promise.
    pub(crate) async fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", parameters).await?;
        if !answer["exceptionDetails"].is_null() {
            bail!("the page threw {}", answer["exceptionDetails"]);
        }
        Ok(answer["result"]["value"].clone())
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.next_id += 1;
        let id = self.next_id;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string())).await?;
        let answer = tokio::time::timeout(CALL_TIMEOUT, async {
            while let Some(message) = self.socket.next().await {
                if let Message::Text(text) = message? {
                    let value: Value = serde_json::from_str(&text)?;
                    if value["id"] == json!(id) {
                        return Ok(value);
                    }
                }
            }
            Err(anyhow!("the browser closed the connection"))
        })
        .await
        .with_context(|| format!("{method} took longer than {CALL_TIMEOUT:?}"))??;
        match answer.get("error") {
            Some(error) => bail!("{method} failed: {error}"),
            None => Ok(answer["result"].clone()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
