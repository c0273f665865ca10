//! `nocbot check`: everything loaded, every sample run.

use std::process::ExitCode;

use super::ConfigArgument;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub(super) fn run(_arguments: Arguments) -> ExitCode {
    ExitCode::SUCCESS
}
