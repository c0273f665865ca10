//! Command lines: what a typed line means, and what the device prints.

mod device;
mod dialect;
mod exec;
mod gear;
mod output;
mod pipe;
mod shell;
mod values;
mod view;
mod words;

pub use device::Device;
pub use dialect::{Dialect, environment};
pub use exec::exec;
pub use output::{Output, Stop};
pub use shell::{Shell, Size};
pub use view::View;
