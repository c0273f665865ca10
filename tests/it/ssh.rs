//! SSH against real OpenSSH servers and faulty ones.
