//! `nocbot chat`: a conversation in the terminal.

use std::process::ExitCode;
use std::sync::Arc;

use super::{ConfigArgument, failed, settings};
use crate::chat::terminal;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Talk with the simulated routers of `nocbot demo`.
    #[arg(long)]
    demo: bool,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let app = match settings::app(&arguments.config, arguments.demo).await {
        Ok(app) => app,
        Err(errors) => return failed(&errors),
    };
    let options = terminal::Options {
        who: settings::user(),
        history: settings::history_file(),
        width: settings::width(),
    };
    let result = terminal::converse(Arc::clone(&app.bot), options).await;
    app.stop().await;
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&[error]),
    }
}
