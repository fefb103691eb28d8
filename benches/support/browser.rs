//! A Chromium that is told what to do over its DevTools protocol. Only what runs code in pages is switched on: a
//! debugger that watches sockets would copy every frame and be part of what is measured.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use super::Failure;

/// A browser that does not answer within this time fails the bench.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a page is asked whether it is there. Asking is work for the page, so not often.
const PAUSE: Duration = Duration::from_millis(50);

const FLAGS: [&str; 15] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-features=LocalNetworkAccessChecks,Translate,OptimizationHints",
    // Ten pages at once are ten pages that somebody looks at.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--remote-debugging-port=0",
];

/// A running browser; it ends when this is dropped.
pub struct Browser {
    child: Child,
    wire: Wire,
    _profile: TempDir,
}

/// Visitors of their own: no cache, no cookie is shared with another context.
pub struct Context<'a> {
    browser: &'a Browser,
    id: String,
}

/// One page.
pub struct Page {
    wire: Wire,
    target: String,
    session: String,
}

/// Calls to the browser, each with its number.
#[derive(Clone)]
struct Wire {
    calls: mpsc::UnboundedSender<Message>,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    calls: u64,
    answers: HashMap<u64, oneshot::Sender<Value>>,
}

impl Browser {
    /// Starts the Chromium of `$CHROMIUM`, or `/usr/bin/chromium`.
    pub async fn start() -> Result<Browser, Failure> {
        let program = std::env::var("CHROMIUM").unwrap_or("/usr/bin/chromium".to_owned());
        let profile = tempfile::tempdir()?;
        let mut child = Command::new(&program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("this bench needs Chromium: {program} ({error}); $CHROMIUM names another"))?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no stderr")?).lines();
        let address = timeout(PATIENCE, async {
            while let Some(line) = lines.next_line().await? {
                if let Some(address) = line.strip_prefix("DevTools listening on ") {
                    return Ok::<_, Failure>(address.trim().to_owned());
                }
            }
            Err(format!("{program} ended before it listened").into())
        })
        .await??;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let wire = Wire::connect(&address).await?;
        Ok(Browser { child, wire, _profile: profile })
    }

    pub async fn version(&self) -> Result<String, Failure> {
        let version = self.wire.call(None, "Browser.getVersion", json!({})).await?;
        Ok(version["product"].as_str().unwrap_or_default().to_owned())
    }

    pub async fn context(&self) -> Result<Context<'_>, Failure> {
        let created = self.wire.call(None, "Target.createBrowserContext", json!({})).await?;
        Ok(Context { browser: self, id: text(&created["browserContextId"])? })
    }

    /// Asks it to end and waits until it has.
    pub async fn end(mut self) -> Result<(), Failure> {
        let _ = self.wire.call(None, "Browser.close", json!({})).await; // it may be faster than its answer
        timeout(PATIENCE, self.child.wait()).await??;
        Ok(())
    }
}

impl Context<'_> {
    /// Opens a page in which `script` runs before anything of its own.
    pub async fn open(&self, url: &str, script: &str) -> Result<Page, Failure> {
        let wire = self.browser.wire.clone();
        let blank = json!({"url": "about:blank", "browserContextId": self.id});
        let target = text(&wire.call(None, "Target.createTarget", blank).await?["targetId"])?;
        let attach = json!({"targetId": target, "flatten": true});
        let session = text(&wire.call(None, "Target.attachToTarget", attach).await?["sessionId"])?;
        let page = Page { wire, target, session };
        page.call("Page.enable", json!({})).await?;
        page.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await?;
        page.call("Page.navigate", json!({"url": url})).await?;
        let there = format!("location.href === {} && document.readyState === 'complete'", json!(url));
        let loaded = async {
            // Asked in the middle of a navigation, the old document may go before it answers.
            while page.evaluate(&there).await.ok() != Some(Value::Bool(true)) {
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, loaded).await.map_err(|_| format!("{url} did not load"))?;
        Ok(page)
    }

    pub async fn close(self) -> Result<(), Failure> {
        let id = json!({"browserContextId": self.id});
        self.browser.wire.call(None, "Target.disposeBrowserContext", id).await?;
        Ok(())
    }
}

impl Page {
    /// The value of an expression, or of the promise that it is.
    pub async fn evaluate(&self, expression: &str) -> Result<Value, Failure> {
        let call = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", call).await?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            let said = thrown["exception"]["description"].as_str().or(thrown["text"].as_str());
            return Err(format!("{expression}: {}", said.unwrap_or("it threw")).into());
        }
        Ok(answer["result"]["value"].take())
    }

    /// A number that an expression comes to.
    pub async fn number(&self, expression: &str) -> Result<f64, Failure> {
        let value = self.evaluate(expression).await?;
        value.as_f64().ok_or_else(|| format!("{expression}: {value} is not a number").into())
    }

    /// The numbers of a list that an expression comes to.
    pub async fn numbers(&self, expression: &str) -> Result<Vec<f64>, Failure> {
        let value = self.evaluate(expression).await?;
        let numbers = value.as_array().map(|list| list.iter().filter_map(Value::as_f64).collect());
        numbers.ok_or_else(|| format!("{expression}: {value} is not a list").into())
    }

    /// Bytes of the page's JavaScript heap that are in use.
    pub async fn heap(&self) -> Result<f64, Failure> {
        self.call("HeapProfiler.collectGarbage", json!({})).await?;
        let usage = self.call("Runtime.getHeapUsage", json!({})).await?;
        usage["usedSize"].as_f64().ok_or_else(|| "no heap usage".into())
    }

    pub async fn close(self) -> Result<(), Failure> {
        self.wire.call(None, "Target.closeTarget", json!({"targetId": self.target})).await?;
        Ok(())
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, Failure> {
        self.wire.call(Some(&self.session), method, params).await
    }
}

impl Wire {
    async fn connect(address: &str) -> Result<Wire, Failure> {
        let (socket, _) = connect_async(address).await?;
        let (mut sink, mut stream) = socket.split();
        let (calls, mut queue) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let answers = waiting.clone();
        tokio::spawn(async move {
            while let Some(call) = queue.recv().await
                && sink.send(call).await.is_ok()
            {}
        });
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                let Ok(Ok(answer)) = message.to_text().map(serde_json::from_str::<Value>) else { continue };
                let Some(id) = answer["id"].as_u64() else { continue }; // an event
                if let Some(asked) = lock(&answers).answers.remove(&id) {
                    let _ = asked.send(answer); // nobody may wait any more
                }
            }
            lock(&answers).answers.clear(); // whoever waits is told that nothing comes
        });
        Ok(Wire { calls, waiting })
    }

    async fn call(&self, session: Option<&str>, method: &str, params: Value) -> Result<Value, Failure> {
        let (asked, answer) = oneshot::channel();
        let mut call = json!({"method": method, "params": params});
        {
            let mut waiting = lock(&self.waiting);
            waiting.calls += 1;
            call["id"] = waiting.calls.into();
            let id = waiting.calls;
            waiting.answers.insert(id, asked);
        }
        if let Some(session) = session {
            call["sessionId"] = session.into();
        }
        self.calls.send(Message::text(call.to_string()))?;
        let mut answer = timeout(PATIENCE, answer).await.map_err(|_| format!("{method}: no answer"))??;
        match answer.get("error") {
            Some(error) => Err(format!("{method}: {error}").into()),
            None => Ok(answer["result"].take()),
        }
    }
}

fn text(value: &Value) -> Result<String, Failure> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{value} is not a name").into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
