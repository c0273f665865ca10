//! YAML files, read with line, column and excerpt in every error.
