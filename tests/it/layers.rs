//! The dependency direction of the modules.
