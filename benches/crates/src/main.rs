//! Jobs on standard input (`template<TAB>text`, both paths), a JSON line per crate on standard output.
//!
//! Each job counts with its least time of several rounds, its template compiled once. A job whose template or text
//! a crate refuses does not count for it; their times are those of the jobs that it can do, with a list of these.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::BufRead;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;

/// One crate: how a template is compiled, and how a text is parsed to a number of rows.
struct Crate<T> {
    name: &'static str,
    compile: fn(&str) -> Option<T>,
    parse: fn(&mut T, &str) -> Option<usize>,
}

fn measure<T>(of: &Crate<T>, jobs: &[(usize, String)], templates: &[String]) {
    let start = Instant::now();
    let mut compiled: Vec<Option<T>> =
        templates.iter().map(|text| catch_unwind(|| (of.compile)(text)).ok().flatten()).collect();
    let compiling = start.elapsed();
    let mut total = Duration::ZERO;
    let mut done = Vec::new();
    for (number, (template, text)) in jobs.iter().enumerate() {
        let Some(template) = compiled[*template].as_mut() else { continue };
        let mut least = Duration::MAX;
        let good = (0..ROUNDS).all(|_| {
            let start = Instant::now();
            let parsed = catch_unwind(AssertUnwindSafe(|| black_box((of.parse)(template, black_box(text)))));
            least = least.min(start.elapsed());
            matches!(parsed, Ok(Some(_)))
        });
        if good {
            total += least;
            done.push(number);
        }
    }
    let refused = compiled.iter().filter(|template| template.is_none()).count();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{{\"crate\": \"{}\", \"compile_ms\": {:.3}, \"templates_refused\": {refused}, \"ms\": {:.3}, \"jobs\": {done:?}}}",
        of.name,
        ms(compiling),
        ms(total)
    );
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut known: HashMap<String, usize> = HashMap::new();
    let (mut templates, mut jobs) = (Vec::new(), Vec::new());
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (template, text) = line.split_once('\t').unwrap();
        let number = *known.entry(template.to_owned()).or_insert_with(|| {
            templates.push(std::fs::read_to_string(template).unwrap());
            templates.len() - 1
        });
        jobs.push((number, std::fs::read_to_string(text).unwrap()));
    }
    let core = Crate {
        name: "textfsm-core 0.3.1",
        compile: |text| textfsm_core::Template::parse_str(text).ok(),
        parse: |template, text| template.parser().parse_text(text).ok().map(|rows| rows.len()),
    };
    measure(&core, &jobs, &templates);
    let rs = Crate {
        name: "textfsm-rs 0.3.6",
        compile: |text| textfsm_rs::TextFSM::from_string(text).ok(),
        parse: |machine, text| {
            machine.reset();
            machine.parse_string(text, None).ok().map(|rows| rows.len())
        },
    };
    measure(&rs, &jobs, &templates);
}
