//! `nocbot ask` as a process: formats and exit codes.
