//! Runs a question on its devices, all at once, within its limits.
