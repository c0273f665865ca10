//! What was measured, as one table per protocol.

use crate::clients::Row;
use crate::measure::{Job, Measured};

fn least(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Milliseconds: cold per device, warm per question, and the wall time of a whole round of both.
fn figures(measured: &Measured, job: &Job) -> [f64; 4] {
    let devices = job.servers.len() as f64;
    [
        least(&measured.cold_cpu) / devices,
        least(&measured.warm_cpu) / (devices * job.questions as f64),
        least(&measured.cold_wall),
        least(&measured.warm_wall),
    ]
}

/// Prints the table; ratios are to the first row. Clients that saw other data than the first are named.
pub fn print(protocol: &str, job: &Job, rows: &[Row]) {
    let Some((_, Ok(first))) = rows.first() else {
        println!("{protocol}: {:?}", rows.first().map(|row| &row.1));
        return;
    };
    let [cold, warm, ..] = figures(first, job);
    println!("\n{protocol}: {} interfaces, {} bytes", first.interfaces[0], first.bytes);
    println!(
        "| client | cold CPU, ms per device | times | warm CPU, ms per question | times | wall cold | wall warm |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (name, measured) in rows {
        match measured {
            Ok(measured) => {
                let [c, w, cold_wall, warm_wall] = figures(measured, job);
                println!(
                    "| {name} | {c:.2} | {:.2} | {w:.3} | {:.2} | {cold_wall:.0} ms | {warm_wall:.0} ms |",
                    c / cold,
                    w / warm
                );
                if measured.interfaces != first.interfaces {
                    println!("| {name} saw other data: {:?} | | | | | | |", measured.interfaces);
                }
                for (what, remark) in &measured.remarks {
                    println!("| {name}, {what}: {remark} | | | | | | |");
                }
            }
            Err(why) => println!("| {name}: left out: {why} | | | | | | |"),
        }
    }
}
