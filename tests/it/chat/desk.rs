//! What the console shows of links.
