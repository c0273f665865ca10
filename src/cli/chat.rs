//! `nocbot chat`: a conversation in the terminal.

use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::Arc;

use super::{ConfigArgument, failed, settings};
use crate::chat::terminal::{self, Input, Options};

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
    let result = terminal::converse(Arc::clone(&app.bot), options()).await;
    app.stop().await;
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&[error]),
    }
}

/// Editing and history where a person types; line by line from a pipe.
fn options() -> Options {
    let typed = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let input = if typed {
        Input::Terminal { history: settings::history_file() }
    } else {
        Input::Lines(Box::new(std::io::BufReader::new(std::io::stdin())))
    };
    let progress =
        std::io::stderr().is_terminal().then(|| Box::new(std::io::stderr()) as Box<dyn Write + Send>);
    Options {
        input,
        output: Box::new(std::io::stdout()),
        progress,
        width: settings::width(),
        who: settings::user(),
        interrupts: None,
    }
}
