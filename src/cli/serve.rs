//! `nocbot run` and `nocbot demo`: the web console until Ctrl-C.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::{ConfigArgument, failed, settings};
use crate::app::App;
use crate::config::{Config, Console};
use crate::error::Error;

/// A line for whoever started it. Nobody may listen any more: that ends nothing.
macro_rules! say {
    ($($said:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($said)*);
    }};
}

#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Where the console listens; overrides `console.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

#[derive(Debug, clap::Args)]
pub(super) struct DemoArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// How many routers; more than six repeat the pattern.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    devices: Option<u16>,
    /// Where the console listens.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(arguments: RunArguments) -> ExitCode {
    let config = match settings::config(&arguments.config) {
        Ok(config) => config.with_store_for_chats(),
        Err(errors) => return failed(&errors),
    };
    let console = config.console.clone();
    match App::from_config(config, &settings::machine()) {
        Ok(app) => until_interrupted(app, console, arguments.listen, None).await,
        Err(errors) => failed(&errors),
    }
}

pub(super) async fn demo(arguments: DemoArguments) -> ExitCode {
    let config =
        match arguments.config.config.as_ref().map(|_| settings::config(&arguments.config)).transpose() {
            Ok(config) => config.map(Config::with_store_for_chats),
            Err(errors) => return failed(&errors),
        };
    let console = config.as_ref().map(|config| config.console.clone()).unwrap_or_default();
    let devices = arguments.devices.map(usize::from);
    match App::demo(config, devices).await {
        Ok(app) => {
            let count = app.bot.catalogue().inventory.devices().count();
            let greeting = format!("{count} simulated routers are up. Try `vrf r1`, `bgp all`, `help`.");
            until_interrupted(app, console, arguments.listen, Some(greeting)).await
        }
        Err(errors) => failed(&errors),
    }
}

/// Serves the console, says where, and waits for Ctrl-C or SIGTERM.
async fn until_interrupted(
    app: App,
    console: Console,
    listen: Option<SocketAddr>,
    greeting: Option<String>,
) -> ExitCode {
    let shutdown = CancellationToken::new();
    let console = Console { listen: listen.unwrap_or(console.listen), ..console };
    let serving = match app.serve(&console, shutdown.clone()).await {
        Ok(serving) => serving,
        Err(error) => {
            app.stop().await;
            return failed(&[error]);
        }
    };
    if let Some(greeting) = greeting {
        say!("{greeting}");
    }
    let talking = match app.talk(shutdown.clone()).await {
        Ok(talking) => talking,
        Err(error) => {
            shutdown.cancel();
            app.stop().await;
            return failed(&[error]);
        }
    };
    if !talking.platforms.is_empty() {
        say!("Chat: {}. `status` shows the links.", talking.platforms.join(", "));
    }
    say!("The console is at {}", serving.url());
    if let (Some(token), true) = (&serving.token, serving.generated) {
        // The one secret that is printed: it was made for this run and is shown to whoever started it.
        say!("Its token is {}", token.expose());
    }
    say!("Ctrl-C ends it.");
    let result = interrupted().await;
    shutdown.cancel();
    serving.stopped().await;
    talking.stopped().await;
    app.stop().await;
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&[error]),
    }
}

async fn interrupted() -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| Error::io("cannot listen for SIGTERM", error))?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.map_err(|error| Error::io("cannot listen for Ctrl-C", error)),
        _ = terminate.recv() => Ok(()),
    }
}
