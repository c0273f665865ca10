//! TextFSM against the reference.
