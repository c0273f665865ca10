//! The command line. Exit codes: 0 everything answered, 1 some devices failed, 2 the question or the
//! configuration is wrong.
//!
//! This is the only place that reads arguments, the environment and the terminal, and the only one that
//! prints.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this module is the one that talks to a terminal"
)]

mod ask;
mod chat;
pub mod check;
mod doctor;
mod links;
mod parse;
mod parsers;
mod serve;
mod settings;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;

/// Ask your routers from chat, and get a table.
#[derive(Debug, Parser)]
#[command(name = "nocbot", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask one question and print the answer.
    Ask(ask::Arguments),
    /// Talk with the bot in this terminal.
    Chat(chat::Arguments),
    /// Load everything and run every sample of profiles and parsers.
    Check(ConfigArgument),
    /// Tell what this machine lets nocbot send, and how to get what is missing.
    Doctor,
    /// Start simulated routers and the web console; needs no configuration.
    Demo(serve::DemoArguments),
    /// Parse outputs that lie in files by a TextFSM template or a platform's parser.
    Parse(parse::Arguments),
    /// Get collections of templates.
    Parsers(parsers::Arguments),
    /// Serve the web console and the chat platforms for your own network.
    Run(serve::RunArguments),
    /// Look after the link to Slack.
    Slack(links::Arguments),
    /// Look after the link to Mattermost.
    Mattermost(links::Arguments),
    /// Look after the link to Webex.
    Webex(links::Arguments),
    /// Look after the link to an XMPP server.
    Xmpp(links::Arguments),
}

/// Where the configuration is.
#[derive(Debug, Clone, clap::Args)]
struct ConfigArgument {
    /// The configuration; `nocbot.yaml` in this directory when not given.
    #[arg(short = 'c', long = "config", value_name = "FILE", env = "NOCBOT_CONFIG")]
    config: Option<PathBuf>,
}

/// Everything: arguments in, exit code out.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe while help is printed is nobody's fault.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    if let Command::Parse(arguments) = &arguments.command {
        return parse::run(arguments);
    }
    if matches!(arguments.command, Command::Doctor) {
        return doctor::run();
    }
    settings::log_to_stderr(matches!(arguments.command, Command::Run(_)));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&[Error::io("cannot start the runtime", error)]),
    };
    let code = runtime.block_on(async {
        match arguments.command {
            Command::Ask(arguments) => ask::run(arguments).await,
            Command::Chat(arguments) => chat::run(arguments).await,
            Command::Check(ConfigArgument { config }) => {
                match check::run(config.as_deref(), &mut std::io::stdout()) {
                    Ok(true) => ExitCode::SUCCESS,
                    Ok(false) => ExitCode::from(2),
                    Err(error) => failed(&[error]),
                }
            }
            Command::Doctor => doctor::run(),
            Command::Demo(arguments) => serve::demo(arguments).await,
            Command::Parse(arguments) => parse::run(&arguments),
            Command::Parsers(arguments) => parsers::run(arguments).await,
            Command::Run(arguments) => serve::run(arguments).await,
            Command::Mattermost(arguments) => links::run("mattermost", arguments).await,
            Command::Webex(arguments) => links::run("webex", arguments).await,
            Command::Xmpp(arguments) => links::run("xmpp", arguments).await,
            Command::Slack(arguments) => links::run("slack", arguments).await,
        }
    });
    // A terminal that is still being read would hold the process open.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}

/// Prints errors and gives the exit code 2.
fn failed(errors: &[Error]) -> ExitCode {
    for error in errors {
        eprintln!("{}", error.report());
    }
    ExitCode::from(2)
}
