//! Regular expressions with the semantics of Python's `re` (CPython 3.11).
