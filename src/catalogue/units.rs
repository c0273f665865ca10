//! The `unit` and the `since` of a mapping: what a device's bare number counts, and the time since a moment.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::table::Type;

/// A bare number as the text that a column of this type reads; every other text stays as it is.
///
/// In a column of whole numbers `bit/s` and `kbit/s` become Mbit/s: what is less than 10 Mbit/s only where it comes out
/// even, and 0 is no rate. `epoch s`, `epoch ms`, `epoch us` and `epoch ns` are moments since 1970 (UTC), which become
/// the time since then, by our clock; 0 is no moment. Any other unit is put behind the number.
pub(super) fn with_unit(text: &str, unit: &str, kind: Type, now: SystemTime) -> String {
    let Ok(number) = text.parse::<f64>() else { return text.to_owned() };
    if let Some(part) = unit.strip_prefix("epoch ") {
        let second = match part {
            "ms" => 1e3,
            "us" => 1e6,
            "ns" => 1e9,
            _ => 1.0,
        };
        return since_epoch(number / second, now);
    }
    match (kind, unit) {
        (Type::Int, "bit/s") => megabits(text, 1_000_000),
        (Type::Int, "kbit/s") => megabits(text, 1000),
        _ => format!("{text} {unit}"),
    }
}

/// Seconds between a point in time (RFC 3339) and the device's time, or ours; empty where that lies ahead of it. `None` for
/// a text that is none: some devices write the length of time itself.
pub(super) fn since(text: &str, clock: Option<&str>) -> Option<String> {
    let then: Timestamp = text.trim().parse().ok()?;
    let now = match clock {
        Some(clock) => clock.trim().parse().ok(),
        None => Some(Timestamp::now()),
    };
    let seconds = now.map(|now: Timestamp| now.as_second() - then.as_second());
    Some(seconds.filter(|seconds| *seconds >= 0).map_or_else(String::new, |seconds| format!("{seconds} s")))
}

fn since_epoch(moment: f64, now: SystemTime) -> String {
    let then = Duration::try_from_secs_f64(moment).ok().filter(|then| !then.is_zero());
    let Some((then, now)) = then.zip(now.duration_since(UNIX_EPOCH).ok()) else { return String::new() };
    // A device whose clock is ahead of ours.
    format!("{:.3} s", now.saturating_sub(then).as_secs_f64())
}

fn megabits(text: &str, one: u64) -> String {
    let Ok(number) = text.parse::<u64>() else { return String::new() };
    let whole = number / one;
    if whole >= 10 || whole > 0 && number.is_multiple_of(one) { whole.to_string() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_become_megabits() {
        for (text, unit, wanted) in [
            ("10000000000", "bit/s", "10000"),
            ("1000000", "kbit/s", "1000"),
            ("1544", "kbit/s", ""),
            ("2000", "kbit/s", "2"),
            ("12345678", "bit/s", "12"),
            ("0", "kbit/s", ""),
            ("1.5", "bit/s", ""),
            ("auto", "bit/s", "auto"),
            ("", "bit/s", ""),
        ] {
            assert_eq!(with_unit(text, unit, Type::Int, UNIX_EPOCH), wanted, "{text} {unit}");
        }
    }

    #[test]
    fn moments_become_the_time_since() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_100);
        for (text, unit, wanted) in [
            ("1800000000", "epoch s", "100.000 s"),
            ("1799999999.5", "epoch s", "100.500 s"),
            ("1800000000000000000", "epoch ns", "100.000 s"),
            ("1800000000000", "epoch ms", "100.000 s"),
            ("1800000200", "epoch s", "0.000 s"),
            ("0", "epoch ns", ""),
            ("-1", "epoch s", ""),
            ("never", "epoch s", "never"),
            ("15", "s", "15 s"),
        ] {
            assert_eq!(with_unit(text, unit, Type::Duration, now), wanted, "{text} {unit}");
        }
    }
}
