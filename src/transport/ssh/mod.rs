//! SSH sessions (RFC 4251 to 4254) on russh.
