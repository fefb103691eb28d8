//! The server behind the command: listens, serves the gallery and the host, ends cleanly.

use std::path::Path;

use anywidget_host::{Embedded, Host, Source, Widget, embed};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::args::{self, Serve, Store};
use super::gallery::Entry;
use super::{discover, gallery};

/// The widgets inside the binary.
const SHIPPED: [(&str, Embedded); 10] = [
    ("counter", embed!("widgets/counter")),
    ("slider", embed!("widgets/slider")),
    ("sketch", embed!("widgets/sketch")),
    ("plot", embed!("widgets/plot")),
    ("table", embed!("widgets/table")),
    ("progress", embed!("widgets/progress")),
    ("log", embed!("widgets/log")),
    ("fields", embed!("widgets/fields")),
    ("sortable", embed!("widgets/sortable")),
    ("tabs", embed!("widgets/tabs")),
];

pub(crate) async fn run(options: Serve) -> Result<(), String> {
    let host = build(&options).await?;
    let entries = open(&host, &options)?;
    let from = match options.path.as_slice() {
        [] => "the binary".to_owned(),
        paths => paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
    };
    let app = gallery::router(&host, entries, from, options.csp).merge(host.router());

    let (address, port) = (options.host.as_str(), options.port);
    let listener = TcpListener::bind((address, port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {port} on {address} is in use: stop what uses it, or name another with --port (0 takes a free one)")
        }
        std::io::ErrorKind::PermissionDenied => format!("port {port} on {address} is not for this user: take one above 1023 with --port"),
        _ => format!("cannot listen on {address}, port {port}: {error}"),
    })?;
    let bound = listener.local_addr().map_err(|error| format!("the socket has no address: {error}"))?;
    println!("listening on http://{bound}");

    // Without this a small answer may wait 40 ms for an acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let (end, ended) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop_signal().await;
        tracing::info!("ending");
        let _ = end.send(()); // the server may have failed meanwhile
    });
    let patience = options.shutdown_timeout;
    let drained = async {
        let _ = ended.await;
        sleep(patience / 2).await; // a request that does not end leaves time for the others and the store
    };
    tokio::select! {
        ended = server => ended.map_err(|error| format!("the server failed: {error}"))?,
        () = drained => tracing::warn!("requests that are still open are dropped"),
    }
    tokio::select! {
        () = host.shutdown() => Ok(()),
        () = sleep(patience) => Err(format!("not everything ended within {patience:?}: see --shutdown-timeout")),
        () = stop_signal() => Err("ended at once, by a second signal".into()),
    }
}

/// A host with the store that was asked for.
async fn build(options: &Serve) -> Result<Host, String> {
    let host = Host::builder().watch(true);
    let host = match &options.store {
        Store::Memory if options.durability == args::Durability::Stored => {
            return Err("--durability stored needs a store on disk: add --store sqlite:FILE".into());
        }
        Store::Memory => host,
        Store::Sqlite(file) => host.sqlite(file).durability(options.durability.into()),
    };
    host.build().await.map_err(|error| error.to_string())
}

/// Ctrl-C, or the signal that service managers send.
async fn stop_signal() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await; // no signals on this system: end by other means
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

/// Opens a model for every widget that was asked for. All problems are told at once.
fn open(host: &Host, options: &Serve) -> Result<Vec<Entry>, String> {
    if options.path.is_empty() {
        let shipped = SHIPPED.into_iter().map(|(name, folder)| {
            let model = host.add(Widget::new(name, Source::embedded(folder)))?;
            Ok(Entry::new(model, &Path::new("widgets").join(name)))
        });
        return shipped.collect::<anywidget_host::Result<_>>().map_err(|error| error.to_string());
    }
    let mut entries = Vec::new();
    let mut problems = Vec::new();
    for path in &options.path {
        match discover::widgets(path) {
            Ok(found) => {
                for widget in found {
                    match host.folder(&widget) {
                        Ok(model) => entries.push(Entry::new(model, &widget)),
                        Err(error) => problems.push(error.to_string()),
                    }
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(entries) } else { Err(problems.join("\nerror: ")) }
}
