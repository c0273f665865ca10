//! The built-in parsers against outputs that their author did not write: the samples of the public template
//! collection, named by `NOCBOT_NTC_TESTS`. Nothing of the collection is part of the repository.
//!
//! Its expectations come from other templates, so only what both must agree on is compared: that the output is
//! read at all, the number of rows, the values that mean the same, and that every cell fits its column.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nocbot::catalogue::{Catalogue, rows};
use nocbot::config::Config;
use nocbot::parse::{Cell, Records};
use nocbot::profile::Source;
use nocbot::secret::Environment;
use nocbot::yaml::{Node, Value};

/// Parsers whose folder is not named as the collection's.
const OTHER_NAMES: [(&str, &str); 8] = [
    ("arista_eos/show_vrf_without_default", "arista_eos/show_vrf"),
    ("cisco_ios/show_bgp_all_summary", "cisco_ios/show_ip_bgp_summary"),
    ("cisco_ios/show_ip_arp", "cisco_ios/show_arp"),
    ("juniper_junos/show_interfaces_statistics", "juniper_junos/show_interfaces"),
    ("linux/ip_address", "linux/ip_address_show"),
    ("linux/ip_address", "linux/ip_link_show"),
    ("linux/ip_route", "linux/ip_route_show"),
    ("linux/ip_vrf", "linux/ip_vrf_show"),
];

/// Outputs that are refused, and must be.
const REFUSED: [(&str, &str); 3] = [
    (
        "cisco_ios_show_cdp_neighbors_3",
        "its columns were squeezed to single blanks; devices do not print that",
    ),
    ("cisco_ios_show_interfaces_status2", "another operating system's"),
    ("cisco_ios_show_ip_bgp_summary_with_dot_peer_as", "ends in a prompt"),
];

/// Outputs that make another number of records than in the collection.
const OTHER_COUNTS: [(&str, &str, usize, &str); 11] = [
    ("arista_eos/show_ip_route", "arista_eos_show_ip_route2", 2, "a record for each next hop"),
    ("arista_eos/show_ip_route", "arista_eos_show_ip_route3", 3, "a record for each next hop"),
    (
        "arista_eos/show_lldp_neighbors_detail",
        "arista_eos_show_lldp_neighbors_detail",
        7,
        "none for an interface without a neighbor",
    ),
    ("arista_eos/show_vrf", "arista_eos_show_vrf-no-rd", 7, "one for both families of a VRF"),
    ("arista_eos/show_vrf_without_default", "arista_eos_show_vrf-no-rd", 6, "and none for the global table"),
    ("cisco_ios/show_logging", "cisco_ios_show_logging_2", 4, "the cut first line is kept"),
    ("cisco_ios/show_logging", "cisco_ios_show_logging_3", 9, "the further lines of a message are kept"),
    ("cisco_ios/show_logging", "cisco_ios_show_logging_5", 5, "the further lines of a message are kept"),
    ("juniper_junos/show_version", "juniper_junos_show_version_ex", 2, "one for each member"),
    ("juniper_junos/show_version", "juniper_junos_show_version_srx_cluster", 2, "one for each member"),
    ("linux/ip_route", "linux_ip_route_show", 12, "broadcast, local and unreachable routes too"),
];

/// Values of ours and of the collection that mean the same and are compared as texts, without their blanks
/// and quotes.
const SAME: &[(&str, &str)] = &[
    (
        "arista_eos/show_bgp_evpn_summary",
        "VRF=vrf NEIGHBOR=bgp_neigh AS=neigh_as UPTIME=up_down STATE=state PREFIXES=state_pfxrcd LOCAL_AS=local_as",
    ),
    (
        "arista_eos/show_interfaces",
        "INTERFACE=interface ADMIN=link_status MAC=mac_address MTU=mtu ADDRESS=ip_address DESCRIPTION=description",
    ),
    (
        "arista_eos/show_interfaces_description",
        "INTERFACE=port STATUS=status PROTOCOL=protocol DESCRIPTION=description",
    ),
    (
        "arista_eos/show_interfaces_status",
        "INTERFACE=port NAME=name STATUS=status DUPLEX=duplex SPEED=speed TYPE=type",
    ),
    ("arista_eos/show_ip_arp", "IP=ip_address MAC=mac_address VRF=vrf"),
    (
        "arista_eos/show_ip_bgp_summary",
        "VRF=vrf NEIGHBOR=bgp_neigh AS=neigh_as UPTIME=up_down STATE=state PREFIXES=state_pfxrcd \
         DESCRIPTION=description",
    ),
    (
        "arista_eos/show_ipv6_bgp_summary",
        "VRF=vrf NEIGHBOR=bgp_neigh AS=neigh_as UPTIME=up_down STATE=state PREFIXES=state_pfxrcd",
    ),
    (
        "arista_eos/show_ip_interface_brief",
        "INTERFACE=interface ADDRESS=ip_address STATUS=status PROTOCOL=protocol MTU=mtu",
    ),
    (
        "arista_eos/show_ip_ospf_neighbor",
        "NEIGHBOR=neighbor_id VRF=vrf PRIORITY=priority DEAD=dead_time ADDRESS=ip_address INTERFACE=interface",
    ),
    ("arista_eos/show_ip_route", "VRF=vrf DISTANCE=distance METRIC=metric"),
    (
        "arista_eos/show_lldp_neighbors",
        "INTERFACE=local_interface NEIGHBOR=neighbor_name NEIGHBOR_INTERFACE=neighbor_interface",
    ),
    ("arista_eos/show_version", "MODEL=model VERSION=image SERIAL=serial_number UPTIME=uptime MAC=sys_mac"),
    ("arista_eos/show_vrf", "VRF=vrf RD=rd"),
    ("arista_eos/show_vrf_without_default", "VRF=vrf RD=rd"),
    (
        "cisco_ios/ping",
        "HOST=destination RATE=success_pct RECEIVED=success_qty MIN=rtt_min AVG=rtt_avg MAX=rtt_max",
    ),
    (
        "cisco_ios/show_bgp_all_summary",
        "FAMILY=address_family NEIGHBOR=bgp_neighbor AS=neighbor_as UPTIME=up_down LOCAL_AS=local_as \
         ROUTER_ID=router_id",
    ),
    (
        "cisco_ios/show_ip_bgp_summary",
        "FAMILY=address_family NEIGHBOR=bgp_neighbor AS=neighbor_as UPTIME=up_down LOCAL_AS=local_as",
    ),
    (
        "cisco_ios/show_cdp_neighbors",
        "NEIGHBOR=neighbor_name INTERFACE=local_interface CAPABILITIES=capabilities PLATFORM=platform \
         NEIGHBOR_INTERFACE=neighbor_interface",
    ),
    (
        "cisco_ios/show_interfaces",
        "INTERFACE=interface ADMIN=link_status DESCRIPTION=description MAC=mac_address MTU=mtu IN_ERRORS=input_errors",
    ),
    (
        "cisco_ios/show_interfaces_description",
        "INTERFACE=port STATUS=status PROTOCOL=protocol DESCRIPTION=description",
    ),
    (
        "cisco_ios/show_interfaces_status",
        "INTERFACE=port NAME=name STATUS=status VLAN=vlan_id DUPLEX=duplex SPEED=speed TYPE=type",
    ),
    ("cisco_ios/show_ip_arp", "TYPE=type INTERFACE=interface"),
    ("cisco_ios/show_ip_interface", "INTERFACE=interface ADMIN=link_status STATE=protocol_status MTU=mtu"),
    (
        "cisco_ios/show_ip_interface_brief",
        "INTERFACE=interface ADDRESS=ip_address STATUS=status PROTOCOL=proto",
    ),
    (
        "cisco_ios/show_ip_ospf_neighbor",
        "NEIGHBOR=neighbor_id PRIORITY=priority DEAD=dead_time ADDRESS=ip_address INTERFACE=interface",
    ),
    (
        "cisco_ios/show_ip_route",
        "VRF=vrf CODE=protocol TYPE=type NETWORK=network LENGTH=prefix_length DISTANCE=distance METRIC=metric \
         NEXT_HOP=nexthop_ip INTERFACE=nexthop_if AGE=uptime",
    ),
    ("cisco_ios/show_ip_route_summary", "NETWORKS=networks SUBNETS=subnets OVERHEAD=overhead MEMORY=memory"),
    (
        "cisco_ios/show_ipv6_route",
        "CODE=protocol PREFIX=network DISTANCE=distance METRIC=metric NEXT_HOP=nexthop_ip INTERFACE=nexthop_if",
    ),
    (
        "cisco_ios/show_lldp_neighbors",
        "NEIGHBOR=neighbor_name INTERFACE=local_interface CAPABILITIES=capabilities \
         NEIGHBOR_INTERFACE=neighbor_interface",
    ),
    (
        "cisco_ios/show_lldp_neighbors_detail",
        "INTERFACE=local_interface CHASSIS_ID=chassis_id NEIGHBOR_INTERFACE=neighbor_port_id \
         PORT_DESCRIPTION=neighbor_interface CAPABILITIES=capabilities MANAGEMENT_ADDRESS=mgmt_address",
    ),
    ("cisco_ios/show_logging", "FACILITY=facility SEVERITY=severity MNEMONIC=mnemonic MESSAGE=message"),
    ("cisco_ios/show_version", "HOSTNAME=hostname VERSION=version UPTIME=uptime"),
    ("cisco_ios/show_vrf", "VRF=name RD=default_rd PROTOCOLS=protocols INTERFACES=interfaces"),
    ("cisco_ios/traceroute", "HOP=hop_num ADDRESS=ip_address NAME=fqdn"),
    ("juniper_junos/show_arp_no-resolve", "MAC=mac_address IP=ip_address INTERFACE=interface FLAGS=flags"),
    (
        "juniper_junos/show_bgp_summary",
        "NEIGHBOR=peer_ip AS=peer_as STATE=state PREFIXES=received FLAPS=flaps",
    ),
    (
        "juniper_junos/show_interfaces",
        "INTERFACE=interface ADMIN=admin_state STATE=link_status DESCRIPTION=description",
    ),
    (
        "juniper_junos/show_interfaces_statistics",
        "INTERFACE=interface ADMIN=admin_state STATE=link_status DESCRIPTION=description",
    ),
    (
        "juniper_junos/show_lldp_neighbors",
        "INTERFACE=local_interface PARENT=parent_interface CHASSIS_ID=chassis_id NEIGHBOR=neighbor_name \
         NEIGHBOR_INTERFACE=neighbor_interface",
    ),
    (
        "juniper_junos/show_ospf_neighbor",
        "ADDRESS=ip_address INTERFACE=interface STATE=state NEIGHBOR=neighbor_id PRIORITY=priority DEAD=dead_time",
    ),
    ("juniper_junos/show_version", "HOSTNAME=hostname MODEL=model"),
    ("linux/ip_address", "INTERFACE=interface MTU=mtu MASTER=master"),
    ("linux/ip_route", "PREFIX=network NEXT_HOP=nexthop_ip INTERFACE=nexthop_if METRIC=metric"),
    ("linux/ip_vrf", "VRF=name TABLE=table"),
];

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<String>().replace('"', "")
}

fn ours(records: &Records, row: &[Cell], name: &str) -> String {
    let index = records.header.iter().position(|header| header == name);
    match &row[index.unwrap_or_else(|| panic!("no value {name}"))] {
        Cell::Text(text) => squeeze(text),
        Cell::List(items) => squeeze(&items.iter().flatten().cloned().collect::<String>()),
        Cell::Maps(_) => panic!("{name} is a list of maps"),
    }
}

fn theirs(row: &Node, name: &str) -> String {
    match row.get(name).map(Node::value) {
        None | Some(Value::Null) => String::new(),
        Some(Value::List(items)) => squeeze(&items.iter().filter_map(Node::text).collect::<String>()),
        Some(_) => squeeze(row.get(name).unwrap().text().unwrap()),
    }
}

/// Every source of every verb of a platform that uses this parser.
fn sources<'a>(all: impl IntoIterator<Item = &'a Source>, parser: &str) -> Vec<&'a Source> {
    let mut found = Vec::new();
    for source in all {
        found.extend((source.parser == parser).then_some(source));
        found.extend(sources(source.also.iter().chain(&source.join), parser));
    }
    found
}

struct Collection {
    catalogue: Catalogue,
    directory: PathBuf,
    wrong: Vec<String>,
    used: BTreeSet<&'static str>,
}

impl Collection {
    /// None, with a word about it, where it is not there.
    fn find() -> Option<Self> {
        let directory = std::env::var_os("NOCBOT_NTC_TESTS").map(PathBuf::from).filter(|path| path.is_dir());
        if directory.is_none() {
            crate::support::left_out("the public collection: eval \"$(tests/reference/prepare)\"");
        }
        let config = Config::without_file(Path::new("/nonexistent"));
        let loaded = Catalogue::load(&config, &Environment::empty());
        let catalogue = loaded.unwrap_or_else(|errors| panic!("{}", super::reports(&errors))).catalogue;
        Some(Self { catalogue, directory: directory?, wrong: Vec::new(), used: BTreeSet::new() })
    }

    /// The outputs of one of the collection's commands.
    fn outputs(&self, command: &str) -> Vec<PathBuf> {
        let Ok(files) = std::fs::read_dir(self.directory.join(command)) else { return Vec::new() };
        let files = files.map(|file| file.unwrap().path());
        let mut files: Vec<PathBuf> =
            files.filter(|path| path.extension().is_some_and(|e| e == "raw")).collect();
        files.sort();
        files
    }

    fn compare(&mut self, parser: &str, path: &Path) {
        let case = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let expected = std::fs::read_to_string(path.with_extension("yml")).unwrap();
        let expected = Node::read("yml", &expected).unwrap_or_else(|_| panic!("{case}.yml"));
        let expected = expected.get("parsed_sample").unwrap().items("the sample").unwrap().to_vec();
        let template = self.catalogue.parser(parser).unwrap().template().unwrap();

        let refused = REFUSED.iter().find(|(name, _)| *name == case);
        self.used.extend(refused.map(|(name, _)| name));
        let records = match (template.parse(&text), refused) {
            (Err(_), Some(_)) => return,
            (Err(error), None) => return self.wrong.push(format!("{parser} refuses {case}: {error}")),
            (Ok(_), Some((_, why))) => {
                return self.wrong.push(format!("{parser} reads {case}, which it should not: {why}"));
            }
            (Ok(records), None) => records,
        };

        let other = OTHER_COUNTS.iter().find(|(name, file, ..)| *name == parser && *file == case);
        self.used.extend(other.map(|(_, file, ..)| file));
        let count = other.map_or(expected.len(), |(_, _, count, _)| *count);
        if records.rows.len() != count {
            self.wrong.push(format!("{parser} makes {} records of {case}, not {count}", records.rows.len()));
        } else if other.is_none() {
            self.same_values(parser, &case, &records, &expected);
        }
        self.fits(parser, &case, &records);
    }

    fn same_values(&mut self, parser: &str, case: &str, records: &Records, expected: &[Node]) {
        let pairs =
            SAME.iter().filter(|(name, _)| *name == parser).flat_map(|(_, pairs)| pairs.split_whitespace());
        for (our, their) in pairs.map(|pair| pair.split_once('=').unwrap()) {
            for (index, (row, expected)) in records.rows.iter().zip(expected).enumerate() {
                // What a template of another folder does not know at all cannot be compared.
                if expected.get(their).is_none() {
                    continue;
                }
                let (our_text, their_text) = (ours(records, row, our), theirs(expected, their));
                if our_text != their_text {
                    self.wrong.push(format!(
                        "{parser}, record {index} of {case}: {our} is `{our_text}`, {their} is `{their_text}`"
                    ));
                }
            }
        }
    }

    /// Every cell of every verb's table is of its column's type.
    fn fits(&mut self, parser: &str, case: &str, records: &Records) {
        let platform = self.catalogue.platform(parser.split('/').next().unwrap()).unwrap();
        for (verb, all) in &platform.verbs {
            for source in sources(all, parser) {
                let mapped = rows::rows(&self.catalogue.verbs[verb], source, records);
                let notes = mapped.notes.iter().map(|note| format!("{verb} by {parser} of {case}: {note}"));
                self.wrong.extend(notes);
            }
        }
    }
}

#[test]
fn outputs_of_others_make_their_rows() {
    let Some(mut collection) = Collection::find() else { return };
    let own = collection.catalogue.parsers.keys().map(|name| (name.clone(), name.clone()));
    let other = OTHER_NAMES.iter().map(|(name, command)| ((*name).to_owned(), (*command).to_owned()));
    let commands: Vec<(String, String)> = own.chain(other).collect();
    let mut read: BTreeMap<String, usize> = BTreeMap::new();
    for (parser, command) in commands {
        for path in collection.outputs(&command) {
            collection.compare(&parser, &path);
            *read.entry(parser.clone()).or_default() += 1;
        }
    }
    assert!(read.values().sum::<usize>() >= 173, "few outputs: {read:?}");
    assert!(collection.wrong.is_empty(), "{}", collection.wrong.join("\n"));
    let known = REFUSED.iter().map(|(file, _)| *file).chain(OTHER_COUNTS.iter().map(|(_, file, ..)| *file));
    let stale: Vec<&str> = known.filter(|file| !collection.used.contains(file)).collect();
    assert!(stale.is_empty(), "not in the collection any more: {stale:?}");
    let untested: Vec<&str> =
        SAME.iter().map(|(name, _)| *name).filter(|name| !read.contains_key(*name)).collect();
    assert!(untested.is_empty(), "no output for {untested:?}");
}
