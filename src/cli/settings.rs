//! What the library must be told about the machine it runs on: environment, user, agent, terminal.

use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

use super::ConfigArgument;
use crate::app::{App, Machine};
use crate::bot::Who;
use crate::config::Config;
use crate::error::Error;
use crate::secret::Environment;

/// Logs go to stderr; `NOCBOT_LOG` takes tracing's filters.
pub(super) fn log_to_stderr(serving: bool) {
    let filter = std::env::var("NOCBOT_LOG")
        .unwrap_or_else(|_| if serving { "warn,nocbot=info".to_owned() } else { "off".to_owned() });
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        // A journal or a file is no place for colours.
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr);
    // Only a test harness that logs already makes this fail.
    let _ = subscriber.try_init();
}

/// The environment of the process.
pub(super) fn environment() -> Environment {
    Environment::new(|name| std::env::var(name).ok())
}

/// What the app may use of this machine.
pub(super) fn machine() -> Machine {
    Machine { environment: environment(), agent: std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from) }
}

/// The configuration file that was named, or `nocbot.yaml` here.
pub(super) fn config(argument: &ConfigArgument) -> Result<Config, Vec<Error>> {
    let path = match &argument.config {
        Some(path) => path.as_path(),
        None => Path::new("nocbot.yaml"),
    };
    if argument.config.is_none() && !path.exists() {
        return Err(vec![
            Error::config("there is no nocbot.yaml in this directory")
                .hint("name one by `-c FILE`; docs/configuration.md shows a small one")
                .hint("`nocbot demo` needs none, and `nocbot ask --demo 'vrf r1'` asks simulated routers"),
        ]);
    }
    Config::load(path, &environment())
}

/// The app for a question: simulated routers, or those of the configuration.
pub(super) async fn app(argument: &ConfigArgument, demo: bool) -> Result<App, Vec<Error>> {
    if demo {
        let config = argument.config.as_ref().map(|_| config(argument)).transpose()?;
        return App::demo(config, None).await;
    }
    App::from_config(config(argument)?, &machine())
}

/// The user of this terminal.
pub(super) fn user() -> Who {
    let name = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "operator".into());
    Who { way: "terminal".to_owned(), id: name.clone(), name }
}

/// The width of the terminal in columns, if stdout is one.
pub(super) fn width() -> Option<usize> {
    use std::io::IsTerminal as _;
    if !std::io::stdout().is_terminal() {
        return None;
    }
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).or_else(terminal_width)
}

/// Asks the terminal itself.
fn terminal_width() -> Option<usize> {
    let stdout = std::io::stdout();
    rustix::termios::tcgetwinsize(stdout)
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
}

/// Where the terminal's history is kept between conversations.
pub(super) fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".local/state")))?;
    Some(state.join("nocbot").join("history"))
}
