//! Builds everything from the configuration, starts it and stops it.
