//! Every platform and parser against its samples.
