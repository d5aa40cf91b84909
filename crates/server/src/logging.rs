//! Log lines on standard error: for people on a terminal, one JSON object per line otherwise.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging; called once, by `serve`.
pub(crate) fn start(log: &Log) -> Result<()> {
    // These report each statement, or each file of the web page, at info.
    let quiet = format!("{},sqlx=warn,sea_orm=warn,memory_serve=warn", log.level);
    let filter = EnvFilter::builder().parse(&quiet).with_context(|| {
        format!("log.level {:?} is no level and no filter; use info, or info,sensorium_store=debug", log.level)
    })?;
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal);
    match log.format {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Auto if !terminal => builder.json().flatten_event(true).init(),
        LogFormat::Auto | LogFormat::Text => builder.with_target(false).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "a defect: please report it");
    }));
    Ok(())
}
