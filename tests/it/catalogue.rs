//! Loading, overlaying and checking the data files.
