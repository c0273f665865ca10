//! From a device's words to a typed cell.

use std::net::IpAddr;
use std::time::Duration;

use ipnetwork::IpNetwork;

use super::{Type, Value};

/// Words by which devices say that there is nothing; only for types that are not text.
const NOTHING: [&str; 12] = [
    "-",
    "--",
    "n/a",
    "none",
    "unknown",
    "unassigned",
    "never",
    "not set",
    "<not set>",
    "unset",
    "null",
    "*",
];

impl Value {
    /// Reads `text` as a cell of type `kind`.
    ///
    /// The empty text is null; so are words such as `N/A` in columns that are not text. `None` means
    /// that the text does not fit the type: the caller keeps the text and says so.
    pub fn read(kind: Type, text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Some(Self::Null);
        }
        let texts = matches!(kind, Type::Text | Type::State | Type::List | Type::Host);
        if !texts && NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return Some(Self::Null);
        }
        match kind {
            Type::Text | Type::State => Some(Self::Text(text.to_owned())),
            Type::List => Some(Self::List(
                text.split([',', ' ', '\t']).filter(|item| !item.is_empty()).map(Self::text).collect(),
            )),
            Type::Host => Some(text.parse().map_or_else(|_| Self::Text(text.to_owned()), Self::Ip)),
            Type::Int => text.replace(',', "").parse().ok().map(Self::Int),
            Type::Number => number(text).map(Self::Number),
            Type::Ip => ip(text).map(Self::Ip),
            Type::Prefix => prefix(text).map(Self::Prefix),
            Type::Mac => mac(text).map(Self::Mac),
            Type::Duration => duration(text).map(Self::Duration),
            Type::Asn => asn(text).map(Self::Int),
        }
    }
}

/// A finite number, with or without a percent sign.
fn number(text: &str) -> Option<f64> {
    text.trim_end_matches('%').trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// An address; a zone (`fe80::1%eth0`) is left out.
fn ip(text: &str) -> Option<IpAddr> {
    text.split('%').next()?.parse().ok()
}

/// An address with a length or a mask. A bare address is a host route.
fn prefix(text: &str) -> Option<IpNetwork> {
    if let Some((address, mask)) = text.split_once([' ', '/']) {
        let address: IpAddr = address.trim().parse().ok()?;
        let mask = mask.trim();
        return match mask.parse::<u8>() {
            Ok(length) => IpNetwork::new(address, length).ok(),
            Err(_) => IpNetwork::with_netmask(address, mask.parse().ok()?).ok(),
        };
    }
    Some(IpNetwork::from(text.parse::<IpAddr>().ok()?))
}

/// `aa:bb:cc:dd:ee:ff`, `aabb.ccdd.eeff`, `aa-bb-...`, `aabbccddeeff`, and single digits between colons.
fn mac(text: &str) -> Option<[u8; 6]> {
    let mut out = [0_u8; 6];
    let groups: Vec<&str> = text.split([':', '-', '.']).collect();
    if !matches!(groups.len(), 1..=3 | 6) {
        return None;
    }
    let width = 12 / groups.len();
    let digits: Vec<String> = groups.iter().map(|group| format!("{group:0>width$}")).collect();
    let digits = digits.concat();
    if digits.len() != 12 || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

/// asplain `4200000001` or asdot `64086.59905` (RFC 5396).
fn asn(text: &str) -> Option<i64> {
    let number = match text.split_once('.') {
        Some((high, low)) => {
            let (high, low): (u16, u16) = (high.parse().ok()?, low.parse().ok()?);
            u32::from(high) * 65_536 + u32::from(low)
        }
        None => text.parse().ok()?,
    };
    Some(i64::from(number))
}

/// Every usual way to write a length of time.
///
/// `00:12:34`, `12:34` (minutes and seconds), `1d02h`, `2w3d`, `1y12w`, `3d 04:05:06`, `3 days, 4:05`
/// (hours and minutes, as after a day they are), `1 day, 2 hours, 3 minutes`, `1.25 ms`, `45 sec`, `15`
/// (whole seconds), `P1DT2H` (ISO 8601). A year counts 365 days, a month 30.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if let Some(parts) = text.strip_prefix('P') {
        return iso(parts).and_then(micros);
    }
    let lower = text.to_lowercase().replace(',', " ");
    let lower = lower.replace(" and ", " ");
    let lower = lower.trim().trim_end_matches(" ago").trim();
    let mut seconds = 0.0_f64;
    let mut rest = lower.trim_start();
    let mut parts = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(rest.len());
        let (number, tail) = rest.split_at_checked(end)?;
        if number.is_empty() {
            return None;
        }
        if number.contains(':') {
            seconds += clock(number, parts > 0)?;
            rest = tail.trim_start();
        } else {
            let tail = tail.trim_start();
            let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
            let (unit, after) = tail.split_at_checked(end)?;
            // A bare number is seconds only when it is whole: a fraction is more likely to be milliseconds.
            if unit.is_empty() && (parts > 0 || !after.is_empty() || number.contains('.')) {
                return None;
            }
            seconds += number.parse::<f64>().ok()? * seconds_of(unit)?;
            rest = after.trim_start();
        }
        parts += 1;
    }
    if parts == 0 {
        return None;
    }
    micros(seconds)
}

fn micros(seconds: f64) -> Option<Duration> {
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    Some(Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
}

/// Seconds of an ISO 8601 duration behind its `P`: before the `T` an `M` is a month, behind it a minute.
fn iso(text: &str) -> Option<f64> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let part = |text: &str, units: &[(char, f64)]| -> Option<f64> {
        let mut seconds = 0.0;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
            let (number, tail) = rest.split_at_checked(end)?;
            let unit = tail.chars().next()?;
            let (_, of_unit) = units.iter().find(|(known, _)| *known == unit)?;
            seconds += number.parse::<f64>().ok()? * of_unit;
            rest = tail.get(unit.len_utf8()..)?;
        }
        Some(seconds)
    };
    let days =
        [('Y', 365.0), ('M', 30.0), ('W', 7.0), ('D', 1.0)].map(|(unit, days)| (unit, days * 86_400.0));
    let clock = [('H', 3600.0), ('M', 60.0), ('S', 1.0)];
    if date.is_empty() && time.is_none_or(str::is_empty) {
        return None;
    }
    Some(part(date, &days)? + time.map_or(Some(0.0), |time| part(time, &clock))?)
}

/// Seconds of `h:m:s`, of `m:s`, or of `h:m` when `after_days`.
fn clock(text: &str, after_days: bool) -> Option<f64> {
    let parts: Vec<f64> = text.split(':').map(|part| part.parse::<f64>().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [days, hours, minutes, seconds] => Some(((days * 24.0 + hours) * 60.0 + minutes) * 60.0 + seconds),
        [hours, minutes, seconds] => Some((hours * 60.0 + minutes) * 60.0 + seconds),
        [hours, minutes] if after_days => Some((hours * 60.0 + minutes) * 60.0),
        [minutes, seconds] => Some(minutes * 60.0 + seconds),
        _ => None,
    }
}

/// Seconds of a unit; no unit is seconds.
fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" | "nanoseconds" => 1e-9,
        "us" | "usec" | "µs" | "microseconds" => 1e-6,
        "ms" | "msec" | "msecs" | "milliseconds" => 1e-3,
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "wk" | "week" | "weeks" => 604_800.0,
        "mo" | "month" | "months" => 2_592_000.0,
        "y" | "yr" | "year" | "years" => 31_536_000.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(kind: Type, text: &str) -> String {
        Value::read(kind, text).map_or_else(|| format!("misfit {text}"), |value| value.to_string())
    }

    #[test]
    fn durations_in_every_usual_form() {
        for (text, seconds) in [
            ("00:12:34", 754.0),
            ("12:34", 754.0),
            ("1d02h", 93_600.0),
            ("2w3d", 1_468_800.0),
            ("1y12w", 38_793_600.0),
            ("3d 04:05:06", 273_906.0),
            ("3 days, 4:05", 273_900.0),
            ("1 day, 2 hours, 3 minutes", 93_780.0),
            ("1 week, 2 days and 1 minute", 777_660.0),
            ("1.25 ms", 0.001_25),
            ("45 sec", 45.0),
            ("15", 15.0),
            ("0:00:30", 30.0),
            ("2d3h4m5s", 183_845.0),
            ("P1DT2H", 93_600.0),
            ("PT1M30.5S", 90.5),
            ("P1Y1M1W", 34_732_800.0),
        ] {
            let read = duration(text).unwrap_or_else(|| panic!("{text} is a duration"));
            assert!((read.as_secs_f64() - seconds).abs() < 1e-9, "{text}: {read:?}");
        }
        for text in
            ["", "soon", "1 2", "d", ":", "1:2:3:4:5", "5x", "1e5", "0.062", "P", "PT", "P1H", "PT5", "P1"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn cells_read_and_write() {
        assert_eq!(shown(Type::Mac, "aabb.ccdd.eeff"), "aa:bb:cc:dd:ee:ff");
        assert_eq!(shown(Type::Mac, "0:1c:73:0:0:1"), "00:1c:73:00:00:01");
        assert_eq!(shown(Type::Mac, "AA-BB-CC-DD-EE-FF"), "aa:bb:cc:dd:ee:ff");
        assert_eq!(shown(Type::Mac, "incomplete"), "misfit incomplete");
        assert_eq!(shown(Type::Asn, "64086.59905"), "4200000001");
        assert_eq!(shown(Type::Asn, "4294967296"), "misfit 4294967296");
        assert_eq!(shown(Type::Prefix, "10.0.0.1 255.255.255.0"), "10.0.0.1/24");
        assert_eq!(shown(Type::Prefix, "2001:db8::1/64"), "2001:db8::1/64");
        assert_eq!(shown(Type::Prefix, "10.0.0.1/33"), "misfit 10.0.0.1/33");
        assert_eq!(shown(Type::Ip, "fe80::1%eth0"), "fe80::1");
        assert_eq!(shown(Type::Host, "swp1"), "swp1");
        assert_eq!(shown(Type::Int, "1,000"), "1000");
        assert_eq!(shown(Type::Int, "N/A"), "");
        assert_eq!(shown(Type::Text, "N/A"), "N/A");
        assert_eq!(shown(Type::Number, "33.333333%"), "33.33");
        assert_eq!(shown(Type::List, "Gi0/1, Gi0/2  Lo0"), "Gi0/1, Gi0/2, Lo0");
        assert_eq!(shown(Type::Duration, "0.4 ms"), "0.400 ms");
        assert_eq!(shown(Type::Duration, "5w2d"), "37d00h");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}", kind in 0..11_usize) {
            let kinds = [Type::Text, Type::Int, Type::Number, Type::Ip, Type::Prefix, Type::Host, Type::Mac,
                Type::Duration, Type::Asn, Type::State, Type::List];
            if let Some(value) = Value::read(kinds[kind], &text) {
                let _ = value.to_string();
            }
        }

        #[test]
        fn a_mac_reads_back(bytes: [u8; 6]) {
            let value = Value::Mac(bytes);
            prop_assert_eq!(Value::read(Type::Mac, &value.to_string()), Some(value));
        }

        #[test]
        fn a_clock_reads_back(seconds in 1_u64..86_400) {
            let value = Value::Duration(Duration::from_secs(seconds));
            prop_assert_eq!(Value::read(Type::Duration, &value.to_string()), Some(value));
        }
    }
}
