//! Any template over any text: no panic, no hang; what compiles has records as wide as its header.
//!
//! The input is a template, a line `%%`, and a text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nocbot::parse::textfsm::Template;

fuzz_target!(|input: &str| {
    let (template, text) = input.split_once("\n%%\n").unwrap_or((input, ""));
    match Template::compile(template) {
        Err(error) => assert!(error.line <= template.lines().count() + 1, "{error}"),
        Ok(template) => {
            if let Ok(records) = template.parse(text) {
                assert!(records.rows.iter().all(|row| row.len() == records.header.len()));
            }
        }
    }
});
