//! Which template a command means.

use std::hint::black_box;
use std::time::Instant;

use nocbot::parse::index::Index;

use crate::{Collection, millis};

/// Every command of the collection's samples, as its reference looks them up.
pub fn lookups(collection: &Collection) {
    let text = std::fs::read_to_string(collection.templates.join("index")).unwrap();
    let start = Instant::now();
    let index = Index::read(&text).unwrap();
    println!("index: {} rows read in {:.2} ms", index.rows().len(), millis(start.elapsed()));
    let mut asked = Vec::new();
    for platform in std::fs::read_dir(&collection.samples).unwrap().flatten() {
        let name = platform.file_name().into_string().unwrap();
        let commands = std::fs::read_dir(platform.path()).unwrap().flatten();
        asked.extend(commands.map(|command| {
            let command = command.file_name().into_string().unwrap().replace('_', " ");
            (name.clone(), command)
        }));
    }
    let find = |(platform, command): &(String, String)| {
        let row = index.find(black_box(&[("Platform", platform), ("Command", command)]));
        let words: Vec<&str> = command.split(' ').collect();
        (row.is_some(), index.candidates(platform, &words).len())
    };
    for round in ["first", "later"] {
        let start = Instant::now();
        let found = asked.iter().filter(|asked| find(asked).0).count();
        let each = start.elapsed() / u32::try_from(asked.len()).unwrap();
        println!(
            "{round} lookups, prefix rule and expanded words: {found} of {} found, {each:.1?} each",
            asked.len()
        );
    }
    let start = Instant::now();
    for (platform, command) in &asked {
        black_box(index.find(black_box(&[("Platform", platform), ("Command", command)])));
    }
    println!("prefix rule alone: {:.1?} each", start.elapsed() / u32::try_from(asked.len()).unwrap());
}
