//! What the devices print, command by command.

use nocbot::sim::Network;

use super::client::{Shell, login};
use super::{prompt, start};

/// What the verbs ask of each platform; every line must be answered with a text of its own.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        "cisco_ios",
        &[
            "show vrf",
            "show interfaces",
            "show interfaces Loopback0",
            "show ip interface",
            "show ipv6 interface",
            "show ip interface brief",
            "show ip route",
            "show ip route vrf BLUE",
            "show ipv6 route",
            "show ip route 10.255.0.0 255.255.255.0",
            "show ipv6 route 2001:db8::3/128",
            "show bgp all summary",
            "show ip ospf neighbor",
            "show ip arp",
            "show ip arp vrf BLUE",
            "show lldp neighbors detail",
            "show mac address-table",
            "show vlan brief",
            "show etherchannel summary",
            "show interfaces transceiver",
            "show env all",
            "show ntp associations",
            "show access-lists",
            "show users",
            "show version",
            "show logging",
            "ping 10.255.0.3 repeat 5",
            "ping vrf BLUE 172.17.6.20 repeat 3 size 200",
            "ping 10.255.0.3 repeat 5 source Loopback0",
            "traceroute 10.255.0.6 numeric timeout 1 probe 3",
        ],
    ),
    (
        "arista_eos",
        &[
            "show vrf",
            "show interfaces",
            "show interfaces Ethernet1",
            "show ip interface",
            "show ip interface vrf all",
            "show ipv6 interface",
            "show ipv6 interface vrf all",
            "show ip route",
            "show ip route vrf MGMT",
            "show ip route 10.255.0.3/32",
            "show ipv6 route",
            "show ip bgp summary vrf all",
            "show ipv6 bgp summary vrf all",
            "show bgp evpn summary",
            "show ip ospf neighbor",
            "show ip arp",
            "show ip arp vrf MGMT",
            "show lldp neighbors detail",
            "show mac address-table",
            "show vlan",
            "show port-channel summary",
            "show isis neighbors vrf all",
            "show interfaces transceiver",
            "show environment temperature",
            "show environment cooling",
            "show environment power",
            "show ntp associations",
            "show ip access-lists",
            "show users",
            "show version",
            "show logging 50",
            "ping 10.255.0.3 repeat 5",
            "ping vrf MGMT 192.168.255.254 repeat 5 size 200",
            "traceroute 10.255.0.3",
        ],
    ),
    (
        "juniper_junos",
        &[
            "show route instance detail",
            "show interfaces statistics",
            "show interfaces ge-0/0/0 statistics",
            "show interfaces terse",
            "show route table inet.0 active-path",
            "show route table inet.0 active-path 10.255.0.1/32",
            "show route table inet6.0 active-path",
            "show route table RED.inet.0 active-path",
            "show bgp summary",
            "show ospf neighbor instance all",
            "show ospf neighbor instance RED",
            "show arp no-resolve expiration-time",
            "show arp no-resolve expiration-time vpn RED",
            "show lldp neighbors",
            "show bridge mac-table",
            "show bridge domain",
            "show isis adjacency",
            "show lacp interfaces",
            "show interfaces diagnostics optics",
            "show chassis environment",
            "show ntp associations no-resolve",
            "show firewall | display xml",
            "show system users",
            "show bgp neighbor",
            "show version",
            "show log messages",
            "ping 10.255.0.1 rapid count 5",
            "ping 172.16.1.10 rapid count 5 size 100 routing-instance RED",
            "traceroute 10.255.0.6 no-resolve wait 2",
        ],
    ),
    (
        "frr",
        &[
            "show vrf",
            "show interface",
            "show interface eth1",
            "show ip route",
            "show ip route vrf RED",
            "show ip route 10.255.0.1/32",
            "show ipv6 route",
            "show ipv6 route 2001:db8::1/128",
            "show bgp vrf all summary",
            "show ip ospf vrf all neighbor",
            "show ip ospf vrf RED neighbor",
            "show ip neighbor",
            "show isis vrf all neighbor",
            "show version",
            "ping 10.255.0.3",
            "traceroute 10.255.0.6",
        ],
    ),
];

fn commands(platform: &str) -> &'static [&'static str] {
    let known = if platform == "cisco_iosxe" { "cisco_ios" } else { platform };
    COMMANDS.iter().find(|(name, _)| *name == known).map_or(&[], |(_, commands)| commands)
}

fn assert_answer(device: &str, command: &str, text: &str) {
    // The devices in an AS of their own have no OSPF neighbors.
    let lonely =
        command.contains("ospf neighbor") && device[1..].parse::<u32>().is_ok_and(|number| number % 6 == 0);
    assert_eq!(text.trim().is_empty(), lonely, "{device}: {command}: {text}");
    for wrong in [
        ".j2",
        ".yaml",
        "% Invalid",
        "% Incomplete",
        "% Ambiguous",
        "% Unknown",
        "syntax error",
        "does not exist",
    ] {
        assert!(!text.contains(wrong), "{device}: {command}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_device_answers_its_commands() {
    let running = start(&[]).await;
    for device in running.inventory().devices() {
        let prompt = prompt(&device.name);
        let mut shell = Shell::open(login(&running, &device.name).await).await;
        shell.until(prompt).await;
        for off in ["terminal length 0", "set cli screen-length 0"] {
            shell.ask(off, prompt).await;
        }
        let commands = commands(&device.platform);
        assert!(!commands.is_empty(), "{}", device.platform);
        for command in commands {
            let text = shell.ask(command, prompt).await;
            assert_answer(&device.name, command, &text);
        }
    }
    running.stop().await;
}

#[test]
fn the_copies_in_a_larger_network_answer_too() {
    let network = Network::builtin(Some(40)).unwrap();
    for (number, device) in network.devices().iter().enumerate() {
        let platform =
            ["cisco_ios", "arista_eos", "juniper_junos", "frr", "cisco_ios", "arista_eos"][number % 6];
        for command in commands(platform) {
            assert_answer(device, command, &network.print(device, command).unwrap());
        }
    }
    let table = network.print("r40", "show ip route").unwrap();
    for number in 1..=40 {
        assert!(table.contains(&format!("10.255.0.{number}/32")), "r40 has no route to r{number}");
    }
}

/// One session as two platforms print it.
#[test]
fn two_ends_print_the_same_session() {
    let network = Network::builtin(None).unwrap();
    let line = |device: &str, command: &str, word: &str| {
        let text = network.print(device, command).unwrap();
        let found = text.lines().find(|line| line.split_whitespace().any(|part| part == word));
        found.unwrap_or_else(|| panic!("{device} {command}: no {word} in {text}")).to_owned()
    };
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // r1 has six prefixes from r2 and r2 six from r1: each reflects what the other has not.
    let from_r1 = words(&line("r1", "show bgp all summary", "10.255.0.2"));
    let from_r2 = words(&line("r2", "show ip bgp summary vrf all", "10.255.0.1"));
    assert_eq!(from_r1.last().unwrap(), "6");
    assert_eq!((from_r2[8].as_str(), from_r2[9].as_str()), ("Estab", "6"));
    // The 4-byte AS on both sides of the border.
    let from_r4 = words(&line("r4", "show bgp vrf all summary", "10.0.46.6"));
    let from_r6 = words(&line("r6", "show ip bgp summary vrf all", "10.0.46.4"));
    assert_eq!((from_r4[2].as_str(), from_r6[2].as_str()), ("4200000001", "65000"));
    assert_eq!(from_r4[9], "2", "r6 announces its loopback and its servers");
    assert_eq!(&from_r4[10], from_r6.last().unwrap(), "sent by r4 is received by r6");
    // One session is down on purpose.
    let down = words(&line("r5", "show bgp all summary", "198.51.100.2"));
    assert_eq!(down.last().unwrap(), "Active");
}

#[test]
fn hardware_addresses_agree_between_devices() {
    let network = Network::builtin(None).unwrap();
    // r3 as r1 has it in its ARP table, in four digits; r3 itself prints pairs.
    let arp = network.print("r1", "show ip arp").unwrap();
    let entry = arp.lines().find(|line| line.contains("10.0.13.3 ")).unwrap();
    let mac: String = entry.split_whitespace().nth(3).unwrap().chars().filter(|c| *c != '.').collect();
    let own = network.print("r3", "show interfaces ge-0/0/0 statistics").unwrap();
    let own: String =
        own.split("Current address: ").nth(1).unwrap().chars().take(17).filter(|c| *c != ':').collect();
    assert_eq!(mac, own);
    let lldp = network.print("r3", "show lldp neighbors").unwrap();
    assert!(lldp.contains("GigabitEthernet0/2 r1"), "{lldp}");
}

#[test]
fn refusals_are_the_vendors_own() {
    let network = Network::builtin(None).unwrap();
    let print = |device: &str, line: &str| network.print(device, line).unwrap();
    assert_eq!(print("r1", "show ip foo"), "           ^\n% Invalid input detected at '^' marker.\n\n");
    assert_eq!(print("r1", "show ip route vrf"), "% Incomplete command.\n\n");
    assert_eq!(print("r1", "show v"), "% Ambiguous command:  \"show v\"\n");
    assert_eq!(print("r1", "reload"), "   ^\n% Invalid input detected at '^' marker.\n\n");
    assert_eq!(print("r2", "show ip foo"), "% Invalid input (at token 2: 'foo')\n");
    assert_eq!(print("r2", "show"), "% Incomplete command\n");
    assert!(print("r3", "show foo").ends_with("syntax error, expecting <command>.\n\n"));
    assert!(print("r3", "foo").ends_with("unknown command.\n\n"));
    assert_eq!(print("r4", "show foo"), "% Unknown command: show foo\n");
    assert_eq!(print("r4", "show ip route vrf NOPE"), "% VRF NOPE not found\n");
    assert_eq!(print("r1", "show ip route vrf NOPE"), "% IP routing table NOPE does not exist\n");
    assert_eq!(print("r1", "show running-config | include ^hostname"), "hostname r1\n");
    assert_eq!(print("r3", "show version | match Hostname | no-more"), "Hostname: r3\n");
    // A pipe that the platform has not, and one that would write a file.
    assert!(print("r1", "show version | redirect flash:x").contains("Invalid input"));
}

#[test]
fn probes_of_nobody_end_in_the_vendors_words() {
    let network = Network::builtin(None).unwrap();
    let print = |device: &str, line: &str| network.print(device, line).unwrap();
    assert!(print("r1", "ping 9.9.9.9 repeat 3").contains("\n...\nSuccess rate is 0 percent (0/3)\n"));
    assert!(print("r1", "ping nosuch").contains("% Unrecognized host or address"));
    assert!(print("r2", "ping 9.9.9.9 repeat 3").contains("Network is unreachable"));
    assert!(
        print("r2", "ping 10.0.12.99 repeat 3")
            .contains("3 packets transmitted, 0 received, 100% packet loss")
    );
    assert!(
        print("r3", "ping 10.0.13.99 rapid count 3")
            .contains("3 packets transmitted, 0 packets received, 100% packet loss")
    );
    assert!(print("r3", "ping nosuch rapid count 3").contains("cannot resolve nosuch"));
    assert!(print("r1", "ping r3 repeat 2").contains("10.255.0.3"));
    // Three hops from r1 to r6, the last one r6 itself.
    let trace = print("r1", "traceroute 10.255.0.6 numeric");
    assert!(trace.lines().last().unwrap().starts_with("  3 10.255.0.6 "), "{trace}");
}

/// Forms for programs: documents where the release has them, refusals where it is old.
#[test]
fn forms_are_documents_or_refusals() {
    let network = Network::builtin(None).unwrap();
    let print = |device: &str, line: &str| network.print(device, line).unwrap();
    for line in [
        "show vlan | json",
        "show mac address-table | json",
        "show ip interface | json",
        "show system environment temperature | json",
        "show system environment cooling | json",
        "show system environment power | json",
    ] {
        let document: Result<serde_json::Value, _> = serde_json::from_str(&print("r2", line));
        assert!(document.is_ok(), "{line}: {document:?}");
        assert!(print("r6", line).starts_with("% Invalid input"), "{line}");
    }
    assert!(print("r2", "show users | json").contains("unconverted command"));
    for line in ["show lldp neighbors", "show firewall", "show chassis environment"] {
        assert!(print("r3", &format!("{line} | display xml")).starts_with("<rpc-reply"), "{line}");
    }
    // A bar in quotes is part of a pattern, and the newest lines are the last ones.
    let groups = print("r3", "show bgp neighbor | match \"^Peer: |^ +Group: \"");
    assert!(groups.lines().count() >= 8 && groups.lines().all(|line| line.contains(": ")), "{groups}");
    assert_eq!(print("r3", "show log messages | last 3").lines().count(), 3);
}
