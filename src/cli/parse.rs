//! `nocbot parse`: outputs that lie in files, to rows. Starts no runtime and, with `--template`, loads no
//! catalogue.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use super::{ConfigArgument, failed, settings};
use crate::catalogue::Catalogue;
use crate::catalogue::parsing::{Chain, VerbReader, batch, format, raw_text};
use crate::config::Config;
use crate::error::Error;
use crate::parse::Records;

/// How much is read from standard input.
const MAX_INPUT: u64 = 16 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The TextFSM template.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["platform", "batch"])]
    template: Option<PathBuf>,
    /// The platform whose parser is wanted, by any of its names.
    #[arg(long, conflicts_with = "batch")]
    platform: Option<String>,
    /// The command that gave the output, abbreviated as you type it.
    #[arg(long, requires = "platform", conflicts_with = "batch")]
    command: Option<String>,
    /// The verb whose rows are wanted instead of the parser's records: `--platform frr --verb route`.
    #[arg(long, requires = "platform", conflicts_with_all = ["batch", "explain"])]
    verb: Option<String>,
    /// The parser by its name, as a failure names it: `<platform>/<command_words>`.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["template", "platform", "batch"])]
    parser: Option<String>,
    /// How the records are written.
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["batch", "explain"])]
    format: Format,
    /// Say line by line which state and rule of the template took it.
    #[arg(long, conflicts_with = "batch")]
    explain: bool,
    /// JSON lines on standard input, an answer on standard output for each; docs/parse.md has the jobs.
    #[arg(long)]
    batch: bool,
    /// The outputs; `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present = "batch", conflicts_with = "batch")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Csv,
    Yaml,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    if arguments.batch {
        let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
        return match batch::run(&mut input, &mut output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&[error]),
        };
    }
    if let (Some(platform), Some(verb)) = (&arguments.platform, &arguments.verb) {
        let reader = config(arguments).and_then(|config| VerbReader::load(&config, platform, verb));
        return match reader {
            Ok(reader) => ExitCode::from(u8::from(!rows(&reader, arguments))),
            Err(errors) => failed(&errors),
        };
    }
    let chain = match chain(arguments) {
        Ok(chain) => chain,
        Err(errors) => return failed(&errors),
    };
    let done = if arguments.explain { explain(&chain, &arguments.files) } else { parse(&chain, arguments) };
    ExitCode::from(u8::from(!done))
}

/// The templates that were asked for.
fn chain(arguments: &Arguments) -> Result<Chain, Vec<Error>> {
    if let Some(template) = &arguments.template {
        return Chain::of_file(template).map_err(|error| vec![error]);
    }
    match (&arguments.platform, &arguments.command, &arguments.parser) {
        (Some(platform), Some(command), _) => Catalogue::chain_for(&config(arguments)?, platform, command),
        (_, _, Some(parser)) => Catalogue::chain_named(&config(arguments)?, parser),
        _ => Err(vec![
            Error::question("which template?")
                .hint("name one by `--template FILE`, or `--platform NAME --command 'show version'`"),
        ]),
    }
}

/// The configuration, if there is one.
fn config(arguments: &Arguments) -> Result<Config, Vec<Error>> {
    if arguments.config.config.is_some() || Path::new("nocbot.yaml").is_file() {
        settings::config(&arguments.config)
    } else {
        Ok(Config::without_file(Path::new("")))
    }
}

fn parse(chain: &Chain, arguments: &Arguments) -> bool {
    let mut parts: Vec<(String, Records)> = Vec::new();
    let mut good = true;
    for file in &arguments.files {
        match input(file).and_then(|text| Ok((chain.parse(&name(file), &text)?, text))) {
            Ok((records, text)) => {
                if records.rows.is_empty() && !text.trim().is_empty() {
                    eprintln!("{}: no records; `--explain` says which rule took which line", name(file));
                }
                parts.push((name(file), records));
            }
            Err(error) => {
                good = false;
                eprintln!("{}", error.report());
            }
        }
    }
    write(parts, arguments);
    good
}

fn write(parts: Vec<(String, Records)>, arguments: &Arguments) {
    if parts.is_empty() {
        return;
    }
    let several = arguments.files.len() > 1;
    let format = match arguments.format {
        Format::Table => format::Format::Table,
        Format::Json => format::Format::Json,
        Format::Csv => format::Format::Csv,
        Format::Yaml => format::Format::Yaml,
    };
    print(&format::write(&format::joined(parts, several), format, settings::width()));
}

/// A verb's rows.
fn rows(reader: &VerbReader, arguments: &Arguments) -> bool {
    let mut parts: Vec<(String, Records)> = Vec::new();
    let mut good = true;
    for file in &arguments.files {
        let read = input(file).map_err(|error| vec![error]);
        match read.and_then(|text| reader.read(&name(file), &text, arguments.command.as_deref())) {
            Ok(rows) => {
                eprintln!("{}: as the answer of `{}`", name(file), rows.command);
                for note in &rows.notes {
                    eprintln!("{}: {note}", name(file));
                }
                parts.push((name(file), rows.records));
            }
            Err(errors) => {
                good = false;
                for error in &errors {
                    eprintln!("{}", error.report());
                }
            }
        }
    }
    write(parts, arguments);
    good
}

fn explain(chain: &Chain, files: &[PathBuf]) -> bool {
    let mut good = true;
    for file in files {
        match input(file) {
            Ok(text) => {
                let (explanation, taken) = chain.explain(&name(file), &text);
                print(&explanation);
                good &= taken;
            }
            Err(error) => {
                good = false;
                eprintln!("{}", error.report());
            }
        }
    }
    good
}

fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

fn input(file: &Path) -> Result<String, Error> {
    if file != Path::new("-") {
        return raw_text(file);
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_INPUT + 1).read_to_string(&mut text);
    match read {
        Ok(count) if count as u64 > MAX_INPUT => {
            Err(Error::question(format!("standard input is larger than {} MiB", MAX_INPUT >> 20)))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(Error::io("standard input", error)),
    }
}

/// A closed pipe (`| head`) ends the output, not the program.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
