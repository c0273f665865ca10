//! `nocbot parsers get`: a public collection of templates into a directory of the operator's, by the machine's own pip.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::{ConfigArgument, failed, settings};
use crate::error::{Error, Result};
use crate::parse::index::Index;
use crate::text::{clean, count};

/// How long pip may take.
const PATIENCE: Duration = Duration::from_mins(3);
/// How much of what pip says is kept.
const MAX_SAID: u64 = 64 << 10;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: ParsersCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ParsersCommand {
    /// Install a public collection of TextFSM templates, by pip.
    Get(GetArguments),
}

#[derive(Debug, clap::Args)]
struct GetArguments {
    /// The collection.
    #[arg(value_enum)]
    collection: Collection,
    #[command(flatten)]
    config: ConfigArgument,
    /// Where it goes; a folder `ntc-templates` beside nocbot.yaml when not given.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// This version instead of the newest.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// The Python whose pip is asked.
    #[arg(long, value_name = "FILE", default_value = "python3")]
    python: PathBuf,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Collection {
    /// Templates for about a thousand commands, by the network automation community.
    NtcTemplates,
}

impl Collection {
    /// The package, and the folder of templates in it.
    fn package(self) -> (&'static str, &'static str) {
        match self {
            Self::NtcTemplates => ("ntc-templates", "ntc_templates/templates"),
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let ParsersCommand::Get(arguments) = arguments.command;
    match get(&arguments).await {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => failed(&[error]),
    }
}

async fn get(arguments: &GetArguments) -> Result<String> {
    let (package, folder) = arguments.collection.package();
    let config = arguments.config.config.as_deref().unwrap_or(Path::new("nocbot.yaml"));
    let base = config.parent().filter(|base| !base.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = arguments.to.clone().unwrap_or_else(|| base.join(package));
    if place.exists() && !place.join("index").is_file() {
        let error = Error::config(format!("{} is there and has no index of templates", place.display()));
        return Err(error.hint("nothing was changed; name another directory by `--to DIR`"));
    }
    let beside = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let partial = tempfile(beside, package)?;
    let wanted = match &arguments.version {
        Some(version) => format!("{package}=={version}"),
        None => package.to_owned(),
    };
    let done = match pip(&arguments.python, &partial, &wanted).await {
        Ok(()) => install(&partial.join(folder), &place),
        Err(error) => Err(error),
    };
    let _ = std::fs::remove_dir_all(&partial);
    let (rows, templates) = done?;
    let known = settings::config(&arguments.config).is_ok_and(|config| {
        let is = |directory: &PathBuf| directory.canonicalize().ok() == place.canonicalize().ok();
        config.parsers.iter().any(is)
    });
    let next = if known {
        format!("{} names it already; `nocbot check` compiles all of it", config.display())
    } else {
        let name = place.strip_prefix(base).unwrap_or(&place).display();
        format!(
            "now name it in {}, behind your own parsers: `parsers: [./parsers, {name}]`",
            config.display()
        )
    };
    Ok(format!("{}: {templates} templates for {}\n{next}", place.display(), count(rows, "command")))
}

/// A new, empty directory beside the wanted one, so that the last step is a rename.
fn tempfile(beside: &Path, package: &str) -> Result<PathBuf> {
    let partial = beside.join(format!(".{package}.{}", std::process::id()));
    std::fs::create_dir_all(beside)
        .and_then(|()| std::fs::create_dir(&partial))
        .map_err(|error| Error::io(format!("cannot make {}", partial.display()), error))?;
    Ok(partial)
}

async fn pip(python: &Path, to: &Path, wanted: &str) -> Result<()> {
    let by_hand = || {
        format!(
            "without it: on a machine that has pip, `pip download --no-deps {wanted}`, unpack the wheel (a zip file) and \
             put its folder of templates where `parsers:` in nocbot.yaml names it"
        )
    };
    let mut command = Command::new(python);
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
    ]);
    command.args(["--only-binary", ":all:", "--target"]).arg(to).arg(wanted);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        let what = format!("cannot start {} for its pip", python.display());
        Error::io(what, error).hint("name another one by `--python FILE`").hint(by_hand())
    })?;
    let mut said = String::new();
    let work = async {
        if let Some(stderr) = child.stderr.take() {
            let mut bytes = Vec::new();
            // What goes wrong with its words does not matter: its exit status says how it ended.
            let _ = stderr.take(MAX_SAID).read_to_end(&mut bytes).await;
            said = String::from_utf8_lossy(&bytes).into_owned();
        }
        child.wait().await
    };
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(_)) => {
            let said = clean(&said);
            let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
            let last = lines.last().map_or("it did not say why", |line| line.trim());
            Err(Error::config(format!("pip could not install {wanted}: {last}")).hint(by_hand()))
        }
        Ok(Err(error)) => Err(Error::io("pip", error)),
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            Err(Error::config(format!("pip did not end within {seconds} s")).hint(by_hand()))
        }
    }
}

/// Puts the templates where they are wanted; gives the numbers of the index's rows and of templates.
fn install(found: &Path, place: &Path) -> Result<(usize, usize)> {
    let io = |error| Error::io(format!("cannot put the templates into {}", place.display()), error);
    let text = std::fs::read_to_string(found.join("index")).map_err(|error| {
        Error::io("the package has no index of templates", error)
            .hint("its newest version may be made otherwise; name an older one by `--version`")
    })?;
    let index = Index::read(&text).map_err(|error| Error::config(format!("the package's index: {error}")))?;
    let files = std::fs::read_dir(found).map_err(io)?.flatten();
    let templates =
        files.filter(|file| file.path().extension().is_some_and(|ending| ending == "textfsm")).count();
    if place.exists() {
        std::fs::remove_dir_all(place).map_err(io)?;
    }
    std::fs::rename(found, place).map_err(io)?;
    Ok((index.rows().len(), templates))
}
