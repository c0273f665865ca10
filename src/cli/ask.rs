//! `nocbot ask`: one question, one answer.

use std::io::Write as _;
use std::process::ExitCode;

use clap::ValueEnum;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{ConfigArgument, failed, settings};
use crate::answer::{Answer, FileFormat, Status, csv, json, markdown, text};
use crate::bot::{Incoming, Progress};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// How the answer is written; `| json` and `| csv` in the question do the same.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Ask the simulated routers of `nocbot demo`.
    #[arg(long)]
    demo: bool,
    /// The question, such as `vrf r1`; several words need no quotes.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    question: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Markdown,
    Json,
    Csv,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let app = match settings::app(&arguments.config, arguments.demo).await {
        Ok(app) => app,
        Err(errors) if arguments.format == Some(Format::Json) => {
            let out = json::unloaded(&arguments.question.join(" "), &errors);
            let _ = std::io::stdout().write_all(out.as_bytes());
            return ExitCode::from(2);
        }
        Err(errors) => return failed(&errors),
    };
    let incoming =
        Incoming { who: settings::user(), place: "ask".to_owned(), text: arguments.question.join(" ") };
    let cancel = CancellationToken::new();
    let (progress, shown) = watch::channel(Progress::default());
    let watching = tokio::spawn(watch_progress(shown));
    let interrupt = tokio::spawn(cancel_on_interrupt(cancel.clone()));
    let answer = app.bot.answer(incoming, progress, cancel).await;
    interrupt.abort();
    let _ = watching.await;
    app.stop().await;
    let format = arguments.format.unwrap_or(match answer.file {
        Some(FileFormat::Json) => Format::Json,
        Some(FileFormat::Csv) => Format::Csv,
        Some(FileFormat::Text) | None => Format::Text,
    });
    print(&answer, format);
    exit_code(&answer)
}

/// What was refused goes to stderr, except as JSON: programs read one place.
fn print(answer: &Answer, format: Format) {
    let out = match format {
        Format::Text => text::render(answer, settings::width()),
        Format::Markdown => markdown::render(answer),
        Format::Json => json::render(answer),
        Format::Csv => csv::render(answer),
    };
    if answer.status == Status::Refused && format != Format::Json {
        eprint!("{}", text::render(answer, None));
        return;
    }
    // A closed pipe (`| head`) ends the output, not the program.
    let _ = std::io::stdout().write_all(out.as_bytes());
    if format == Format::Csv {
        for row in &answer.failures {
            eprintln!("{}: {}", row.device, row.failure);
        }
    }
}

fn exit_code(answer: &Answer) -> ExitCode {
    ExitCode::from(match answer.status {
        Status::Ok => 0,
        Status::Partial | Status::Failed => 1,
        Status::Refused => 2,
    })
}

/// The first Ctrl-C ends the question with what it has.
async fn cancel_on_interrupt(cancel: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        cancel.cancel();
    }
}

/// One line on a terminal's stderr, edited in place, wiped at the end.
async fn watch_progress(mut shown: watch::Receiver<Progress>) {
    use std::io::IsTerminal as _;
    if !std::io::stderr().is_terminal() {
        return;
    }
    while shown.changed().await.is_ok() {
        let progress = shown.borrow_and_update().clone();
        let waiting = progress.waiting.join(", ");
        eprint!(
            "\r\x1b[K{} of {} devices{}",
            progress.done,
            progress.total,
            if waiting.is_empty() { String::new() } else { format!("; waiting for {waiting}") }
        );
    }
    eprint!("\r\x1b[K");
}
