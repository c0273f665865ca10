//! Any text as a configuration, a command line of a profile, a table's cell: no panic, errors with places.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use nocbot::config::Config;
use nocbot::profile::CommandLine;
use nocbot::secret::Environment;
use nocbot::table::{Type, Value};
use nocbot::verb::Arguments;

fuzz_target!(|text: &str| {
    if let Err(errors) = Config::read("nocbot.yaml", text, Path::new("/nowhere"), &Environment::empty()) {
        assert!(!errors.is_empty());
        errors.iter().for_each(|error| drop(error.report()));
    }
    if let Ok(line) = CommandLine::parse(text) {
        let _ = line.render(&Arguments::new());
    }
    for kind in [Type::Int, Type::Number, Type::Ip, Type::Prefix, Type::Mac, Type::Duration, Type::Asn, Type::List] {
        if let Some(value) = Value::read(kind, text) {
            drop(value.to_string());
        }
    }
});
