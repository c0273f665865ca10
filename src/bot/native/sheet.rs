//! Rows under a verb's columns, by name; and which device has an address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ipnetwork::IpNetwork;

use crate::catalogue::rows;
use crate::inventory::Inventory;
use crate::table::{Column, Table, Type, Value};
use crate::verb::Verb;

/// A table with the column `device` and those of the verb.
pub(super) fn table(verb: &Verb) -> Table {
    let mut columns = vec![Column::new("device", Type::Text)];
    columns.extend(rows::columns(verb));
    Table::new(columns)
}

/// Adds a row; a column that is not named is null.
pub(super) fn push<const N: usize>(table: &mut Table, cells: [(&str, Value); N]) {
    let mut row = vec![Value::Null; table.columns.len()];
    for (name, value) in cells {
        if let Some(slot) = table.column(name).and_then(|index| row.get_mut(index)) {
            *slot = value;
        }
    }
    table.push(row);
}

/// A duration, or nothing.
pub(super) fn time(time: Option<Duration>) -> Value {
    time.map_or(Value::Null, Value::Duration)
}

/// A number of packets.
pub(super) fn number(number: u32) -> Value {
    Value::Int(i64::from(number))
}

/// A number that is left away where it is 0.
pub(super) fn some(number: u32) -> Value {
    if number == 0 { Value::Null } else { Value::Int(i64::from(number)) }
}

/// An address, or nothing.
pub(super) fn address(address: Option<IpAddr>) -> Value {
    address.map_or(Value::Null, Value::Ip)
}

/// A host as it is named: an address as an address.
pub(super) fn host(name: &str) -> Value {
    Value::read(Type::Host, name).unwrap_or_else(|| Value::text(name))
}

/// The devices by the addresses that the inventory knows: `hostname`, and every address in `data`, whose key
/// then names the interface.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<IpAddr, (String, Option<String>)>);

impl Known {
    /// Reads the inventory.
    pub(super) fn of(inventory: &Inventory) -> Self {
        let mut known = BTreeMap::new();
        for device in inventory.devices() {
            for (key, text) in &device.data {
                for part in text.split(',').map(str::trim) {
                    let address = part.parse::<IpAddr>().ok();
                    let address =
                        address.or_else(|| part.parse::<IpNetwork>().ok().map(|network| network.ip()));
                    let Some(address) = address else { continue };
                    known.entry(address).or_insert_with(|| (device.name.clone(), interface(key)));
                }
            }
        }
        // What is dialled names the device, but no interface, and never another device than its own data does.
        for device in inventory.devices() {
            if let Ok(address) = device.hostname.parse::<IpAddr>() {
                known.entry(address).or_insert_with(|| (device.name.clone(), None));
            }
        }
        Self(known)
    }

    /// The device and the interface with this address.
    pub(super) fn get(&self, address: IpAddr) -> (Value, Value) {
        match self.0.get(&address.to_canonical()) {
            Some((device, interface)) => {
                (Value::text(device.as_str()), interface.as_deref().map_or(Value::Null, Value::text))
            }
            None => (Value::Null, Value::Null),
        }
    }
}

/// `interfaces.Gi0/1.ipv4` is `Gi0/1`: what is left of a key without the words around an interface's name.
fn interface(key: &str) -> Option<String> {
    const AROUND: [&str; 10] = [
        "interfaces",
        "interface",
        "addresses",
        "address",
        "ip",
        "ipv4",
        "ipv6",
        "ips",
        "hostname",
        "primary_ip",
    ];
    let mut name = key;
    for word in AROUND.iter().chain(&AROUND) {
        name = name.strip_prefix(word).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
        name = name.strip_suffix(word).and_then(|rest| rest.strip_suffix('.')).unwrap_or(name);
    }
    (!AROUND.contains(&name)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_interfaces() {
        for (key, expected) in [
            ("interfaces.Gi0/1", Some("Gi0/1")),
            ("interfaces.eth1.ipv4", Some("eth1")),
            ("interfaces.ge-0/0/0.0.address", Some("ge-0/0/0.0")),
            ("loopback0", Some("loopback0")),
            ("address", None),
            ("ip.address", None),
        ] {
            assert_eq!(interface(key).as_deref(), expected, "{key}");
        }
    }
}
