//! Parsing of outputs that lie in files: what `nocbot parse` does. No device, no inventory, no runtime.
//!
//! [`Chain`] is what reads one output; [`batch`] answers JSON lines and keeps what it compiled; [`mod@format`]
//! writes records, `explain` who took which line; `lookup` finds the chain of a platform's command,
//! [`VerbReader`] makes a verb's rows of an output.

pub mod batch;
mod chain;
mod explain;
pub mod format;
mod library;
mod lookup;
mod verb;

use std::path::Path;

pub use chain::Chain;
pub use library::Compiled;
pub(super) use library::{compile, template_error};
pub use verb::{VerbReader, VerbRows};

use crate::error::Result;

/// An output that lies in a file, of a bounded size.
pub fn raw_text(path: &Path) -> Result<String> {
    super::files::read(path)
}
