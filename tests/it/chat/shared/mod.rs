//! What the tests of all platforms share: a server for stand-ins, a stub of the bot, programs beside ours.

pub mod form;
pub mod kit;
pub mod process;
pub mod server;
pub mod stub;
