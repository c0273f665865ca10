//! Any text of a chat platform: no frame of any of them makes a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|frame: &str| nocbot::chat::look_at(frame));
