//! Who may do what, and what may reach a device.
//!
//! Everybody who reaches the bot may read and probe: the ways in guard who that is (loopback or a
//! token for the console, the operating system's user for the terminal). What nobody may do is
//! write: [`gate`] stands before every `show`, and verbs only send lines of the profiles.

mod gate;

pub use gate::gate;
