#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

fn paths(text: &str) -> Paths {
    Paths::compile("template.yaml", text).unwrap_or_else(|error| panic!("{}", error.report()))
}

fn read(paths: &Paths, text: &str) -> Vec<String> {
    let records = paths.parse(text).unwrap_or_else(|error| panic!("{}", error.message));
    records.rows.iter().map(|row| format!("{:?}", row.iter().map(shown).collect::<Vec<_>>())).collect()
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::List(items) => items.iter().flatten().cloned().collect::<Vec<_>>().join("+"),
        Cell::Maps(_) => String::new(),
    }
}

const ROUTES: &str = "format: json
rows: /vrfs/{VRF}/routes/{PREFIX}/vias?
values:
  PROTOCOL: ../routeType
  NEXT_HOP: [nexthopAddr, '=none']
  INTERFACE: interface
empty: [/warning, '^% BGP instance not found']
";

#[test]
fn maps_by_key_and_lists_that_may_be_missing() {
    let text = r#"{"vrfs": {
        "default": {"count": 2, "routes": {
            "10.0.0.0/8": {"routeType": "bgp", "vias": [{"nexthopAddr": "10.1.1.1", "interface": "Et1"}, {"interface": "Et2"}]},
            "0.0.0.0/0": {"routeType": "drop", "vias": []}}},
        "RED": {"routes": {}}}}"#;
    let wanted = [
        r#"["default", "10.0.0.0/8", "bgp", "10.1.1.1", "Et1"]"#,
        r#"["default", "10.0.0.0/8", "bgp", "none", "Et2"]"#,
        r#"["default", "0.0.0.0/0", "drop", "none", ""]"#,
    ];
    assert_eq!(read(&paths(ROUTES), text), wanted);
    assert_eq!(paths(ROUTES).header(), ["VRF", "PREFIX", "PROTOCOL", "NEXT_HOP", "INTERFACE"]);
}

#[test]
fn nothing_to_show_and_nothing_that_is_known_differ() {
    let paths = paths(ROUTES);
    for text in ["", "{}", r#"{"vrfs": {}}"#, r#"{"warning": "no"}"#, "% BGP instance not found\n"] {
        assert!(read(&paths, text).is_empty(), "{text}");
    }
    for (text, message) in [
        (r#"{"errors": ["no"]}"#, "the document has nothing at `/vrfs/{VRF}/routes/{PREFIX}/vias`"),
        ("[1]", "the document has nothing at"),
        ("% Invalid input", "this is no JSON"),
        (r#"{"vrfs": {"#, "ends in the middle"),
    ] {
        let error = paths.parse(text).unwrap_err();
        assert!(error.message.contains(message), "{text}: {}", error.message);
    }
}

#[test]
fn one_thing_and_a_list_of_one_are_the_same() {
    let vrfs = paths(
        "format: json\nrows: /TABLE_vrf/ROW_vrf\nvalues: {VRF: name, INTERFACES: TABLE_if/ROW_if/if, KEYS: 'af/{}'}\n",
    );
    let one = r#"{"TABLE_vrf": {"ROW_vrf": {"name": "RED", "TABLE_if": {"ROW_if": {"if": "Eth1"}}, "af": {"v4": {}, "v6": {}}}}}"#;
    let list = r#"{"TABLE_vrf": [{"ROW_vrf": [{"name": "RED", "TABLE_if": [{"ROW_if": [{"if": "Eth1"}, {"if": "Eth2"}]}]}]}]}"#;
    assert_eq!(read(&vrfs, one), [r#"["RED", "Eth1", "v4+v6"]"#]);
    assert_eq!(read(&vrfs, list), [r#"["RED", "Eth1+Eth2", ""]"#]);
}

#[test]
fn wrapped_leaves_conditions_and_unions() {
    let text = "format: json\nrows: /route-information/route-table[name=inet.0]/rt\nvalues: {PREFIX: rt-destination}\n\
                also:\n- {rows: '/route-information/other?/none', values: {OTHER: '.'}}\n\
                - {rows: /route-information/route-table, values: {OTHER: name, ROOT: /version}}\n";
    let document = r#"{"version": [{"data": "7"}], "route-information": [{"attributes": {"x": "y"}, "route-table": [
        {"name": [{"data": "inet.0"}], "rt": [{"rt-destination": [{"data": "10.0.0.0/8"}]}]},
        {"name": [{"data": "inet6.0"}], "rt": [{"rt-destination": [{"data": "::/0"}]}]}]}]}"#;
    let wanted = [r#"["10.0.0.0/8", "", ""]"#, r#"["", "inet.0", "7"]"#, r#"["", "inet6.0", "7"]"#];
    assert_eq!(read(&paths(text), document), wanted);
}

#[test]
fn xml_with_attributes_and_modules() {
    let vrfs =
        paths("format: xml\nrows: /rpc-reply/data/vrf\nvalues: {NAME: name, RD: rd, UNIT: rd/@unit}\n");
    let text = "<rpc-reply xmlns:v='urn:v'><data><v:vrf><v:name>a&amp;b</v:name><v:rd unit='x'>1:1</v:rd></v:vrf>\
                <v:vrf><v:name>c</v:name></v:vrf></data></rpc-reply>";
    assert_eq!(read(&vrfs, text), [r#"["a&b", "1:1", "x"]"#, r#"["c", "", ""]"#]);
    let modules =
        paths("format: json\nrows: /interfaces/interface\nvalues: {NAME: name, MAC: 'mac:address'}\n");
    let text = r#"{"ietf:interfaces": {"interface": [{"name": "eth0", "mac:address": "x"}]}}"#;
    assert_eq!(read(&modules, text), [r#"["eth0", "x"]"#]);
}

#[test]
fn identities_and_the_first_of_several() {
    let text = "format: yang\nrows: /a/b[t=:vrf]\nkey: N\nvalues: {N: n, FIRST: '/a/b[t!=:vrf][1]/n'}\n";
    let paths = paths(text);
    for document in [
        r#"{"m:a": {"b": [{"n": "1", "t": "m:x"}, {"n": "2", "t": "m:vrf"}, {"n": "3", "t": "y"}]}}"#,
        "<data><a><b><n>1</n><t>x</t></b><b><n>2</n><t xmlns:p='urn:m'>p:vrf</t></b><b><n>3</n></b></a></data>",
    ] {
        assert_eq!(read(&paths, document), [r#"["2", "1"]"#], "{document}");
    }
}

#[test]
fn wrong_files_are_told_with_their_place() {
    for (text, wanted) in [
        ("rows: /a", "the key `format` is missing"),
        ("format: yaml\nrows: /a", "1:9: "),
        ("format: json", "the key `rows` is missing"),
        ("format: json\nrows: /a/../b", "2:7: `rows` goes down only"),
        ("format: json\nrows: /a\nvalues: {name: b}", "`name` is no name of a value"),
        ("format: json\nrows: /a\nvalues: {NAME: '{B}'}", "takes no `{NAME}`"),
        ("format: json\nrows: /a\nvalue: {}", "did you mean `values`?"),
        ("format: json\nrows: /a\nempty: ['(']", "is no regular expression"),
        ("format: json\nrows: /a\nalso: [{rows: /b, empty: []}]", "empty"),
    ] {
        let report = Paths::compile("template.yaml", text).map(|_| ()).unwrap_err().report();
        assert!(report.contains(wanted), "{text}\n{report}");
    }
}

proptest! {
    #[test]
    fn no_text_and_no_path_panics(path in "[/a-c{}A?*.'=!\\[\\]]{0,12}", text in "[\\[\\]{}\",:a-c0-9 \n<>/&;=']{0,60}") {
        for format in ["json", "xml"] {
            let file = format!("format: {format}\nrows: \"{path}\"\nvalues: {{A: \"{path}\"}}\n");
            if let Ok(paths) = Paths::compile("template.yaml", &file) {
                let _ = paths.parse(&text);
                let _ = paths.explain(&text);
            }
        }
    }
}

#[test]
fn values_are_picked_and_joined() {
    let picking = paths(
        "format: xml
rows: /reply/peer[rib/name!~'^bgp[.]']/rib?
values:
  NEIGHBOR: {path: ../address, match: '^([^+]+)'}
  TABLE: {path: name, match: '[a-z0-9]+[.][0-9]+$'}
  FLAGS: {path: '../flags/{}', match: '^[a-z-]+$', join: ' '}
  STATE: [{path: '../flags/{}', match: '^is-(down)$'}, '=up']
also:
  - {rows: \"/reply/peer[rib/name~'^bgp[.]']/rib[name!~'^[A-Z]']\", values: {NEIGHBOR: ../address, TABLE: name}}
",
    );
    let text = "<reply>
      <peer><address>10.0.0.1+179</address><rib><name>RED.inet.0</name></rib><flags z='1'><is-down/><traps/></flags></peer>
      <peer><address>10.0.0.2</address></peer>
      <peer><address>10.0.0.3</address><rib><name>bgp.l3vpn.0</name></rib><rib><name>RED.inet.0</name></rib></peer></reply>";
    let wanted = [
        r#"["10.0.0.1", "inet.0", "is-down traps", "down"]"#,
        r#"["10.0.0.2", "", "", "up"]"#,
        r#"["10.0.0.3", "bgp.l3vpn.0", "", ""]"#,
    ];
    assert_eq!(read(&picking, text), wanted);
    let lines =
        paths("format: json\nrows: /a\nvalues: {HOP: {path: hop, match: '(?m)^(?:([0-9.]+)|None)'}}\n");
    assert_eq!(
        read(&lines, r#"{"a": {"hop": "10.0.0.1 (x)\nNone\n10.0.0.2"}}"#),
        [r#"["10.0.0.1++10.0.0.2"]"#]
    );
    for (values, message) in [
        ("{A: {path: a, match: '('}}", "is no regular expression"),
        ("{A: {path: a, split: b}}", "split"),
        ("{A: {path: a, join: [b]}}", "join"),
        ("{A: {path: '{B}/a', match: x}}", "takes no `{NAME}`"),
    ] {
        let error = Paths::compile("t", &format!("format: xml\nrows: /a\nvalues: {values}\n")).unwrap_err();
        assert!(error.report().contains(message), "{values}: {}", error.report());
    }
}

#[test]
fn an_element_with_attributes_only_is_empty() {
    let paths = paths("format: xml\nrows: /reply/info/peer\nvalues: {A: a}\n");
    for text in ["<reply id='1'/>", "<reply id='1'><info style='x'/></reply>"] {
        assert!(read(&paths, text).is_empty(), "{text}");
    }
    assert!(paths.parse("<reply id='1'><other/></reply>").is_err());
}

#[test]
fn parts_of_texts_and_words_for_what_is_there() {
    let paths = paths(
        "format: json
rows: /vrfs/{VRF!=default}
values:
  STATE: ['.[status=shut]/status', line]
  METRIC: '.[direct!=true]/metric'
  OWN: '.[borrowed=]/ports'
  LENGTH: {path: subnets, match: '/(\\d+)$'}
  FIRST: {path: ports, match: '^[^,]+'}
  NAME: {join: ['=x', line, '=.', metric]}
  ROUTER: {path: 'can[router=true]', text: Router}
  BRIDGE: {path: 'can[bridge=true]', text: Bridge}
",
    );
    let text = r#"{"vrfs": {
        "default": {"line": "up"},
        "a": {"line": "down", "status": "shut", "direct": true, "metric": 0, "subnets": ["2001:db8::/64", "no", "10.0.0.0/8"],
              "ports": "Vlan10, Et1", "can": {"router": true, "bridge": false}},
        "b": {"line": "up", "status": "on", "borrowed": "Lo0", "metric": 5, "ports": "Et2"}}}"#;
    let wanted = [
        r#"["a", "shut", "", "Vlan10, Et1", "64+8", "Vlan10", "xdown.0", "Router", ""]"#,
        r#"["b", "up", "5", "", "", "Et2", "xup.5", "", ""]"#,
    ];
    assert_eq!(read(&paths, text), wanted);
}

#[test]
fn forms_of_values_that_are_none() {
    for value in [
        "{path: a}",
        "{match: b}",
        "{path: a, match: b, text: c}",
        "{identity: a, text: b}",
        "{join: [a], path: b}",
        "{path: a, match: '('}",
        "{}",
    ] {
        let text = format!("format: json\nrows: /a\nvalues: {{A: {value}}}\n");
        assert!(Paths::compile("template.yaml", &text).is_err(), "{value}");
    }
}
