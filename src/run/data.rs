//! Data of YANG models that were asked for by their path: what `get` shows.

use super::{Gathered, Step};
use crate::catalogue::rows;
use crate::error::{Failure, FailureKind};
use crate::parse::data::{Shown, shown};
use crate::transport::Ask;
use crate::transport::netconf::Operation;
use crate::yang::Depth;

/// Adds what a reply holds to `gathered`.
pub(super) fn read(step: &Step, text: &str, gathered: &mut Gathered) -> Result<(), Failure> {
    let (names, one, depth) = match &step.ask {
        Ask::Restconf(path, query) | Ask::Netconf(Operation::Yang(path, query)) => {
            let names: Vec<String> = path.steps().iter().map(|step| step.name.clone()).collect();
            let depth = match query.depth {
                Some(Depth::Levels(levels)) => Some(usize::from(levels.get())),
                Some(Depth::Unbounded) | None => None,
            };
            (names, path.steps().last().is_some_and(|step| !step.keys.is_empty()), depth)
        }
        _ => (step.below.clone(), false, None),
    };
    let read = shown(text, &step.below, &names, one, depth).map_err(|why| {
        let message = format!("the answer for `{}` is not understood: {why}", step.command);
        Failure::new(FailureKind::Parse, message).partial(text.to_owned())
    })?;
    match read {
        Shown::Table(records, shortened) => {
            (gathered.columns, gathered.rows) = rows::plain(&records);
            gathered.parsed = true;
            if !shortened.is_empty() {
                let list = shortened.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                gathered.notes.push(format!("of {list} only the first value of each entry is shown"));
            }
        }
        Shown::Tree(text) => gathered.texts.push((step.command.clone(), text)),
        Shown::Nothing => gathered.notes.push(format!("nothing at {}", step.command)),
    }
    Ok(())
}
