//! Tables and their stages.
