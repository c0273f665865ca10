//! `nocbot slack check` and its like: what is missing in a platform's set-up.

use std::process::ExitCode;
use std::sync::Arc;

use super::{ConfigArgument, failed, settings};
use crate::app::chats;
use crate::error::Error;
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Tell which token, scope or event is missing.
    Check(ConfigArgument),
}

pub(super) async fn run(platform: &str, arguments: Arguments) -> ExitCode {
    let What::Check(argument) = arguments.what;
    let config = match settings::config(&argument) {
        Ok(config) => config.with_store_for_chats(),
        Err(errors) => return failed(&errors),
    };
    // Only what is there is opened: a check makes no files.
    let notes = config.store.as_deref().filter(|path| path.is_file()).and_then(|path| Store::open(path).ok());
    let built = chats::connectors(&config.chat, &Arc::default(), notes).await;
    let connector = match built.into_iter().find(|(name, _)| *name == platform) {
        Some((_, Ok(connector))) => connector,
        Some((_, Err(error))) => return failed(&[error]),
        None => {
            let error = Error::config(format!("the configuration names no `{platform}` under `chat`"));
            return failed(&[error.hint(format!("docs/chat/{platform}.md shows what to write"))]);
        }
    };
    let findings = connector.check().await;
    for finding in &findings {
        println!("{} {}", if finding.ok { "ok     " } else { "MISSING" }, finding.what);
        if let Some(hint) = &finding.hint {
            println!("        {hint}");
        }
    }
    ExitCode::from(if findings.iter().all(|finding| finding.ok) { 0 } else { 2 })
}
