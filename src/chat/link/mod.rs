//! What every connector's link is made of, once.
//!
//! ```text
//!   net      TCP, HTTP CONNECT, TLS        ─► a byte stream
//!   http     requests over it              ─► rest: 429 obeyed, failures sorted
//!   socket   a WebSocket over it: pings, silence, close with a time limit
//!   backoff  when to try again; reset only by the platform's hello
//! ```

pub mod backoff;
pub mod http;
pub mod net;
pub mod rest;
pub mod socket;
pub mod trouble;

pub use backoff::Backoff;
pub use net::Net;
pub use rest::{Ask, Rest, put};
pub use socket::{Frame, Socket};
pub use trouble::Trouble;
