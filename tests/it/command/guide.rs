//! Help and completion.
