//! Any path file over any document: no panic, no hang; what is read has records as wide as its header.
//!
//! The input is a `template.yaml`, a line `%%`, and a text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nocbot::parse::paths::Paths;

fuzz_target!(|input: &str| {
    let (file, text) = input.split_once("\n%%\n").unwrap_or(("format: xml\nrows: /a/{B}/c?\nvalues: {C: ../d}", input));
    if let Ok(paths) = Paths::compile("template.yaml", file) {
        let _ = paths.explain(text);
        if let Ok(records) = paths.parse(text) {
            assert!(records.rows.iter().all(|row| row.len() == records.header.len()));
        }
    }
});
