use std::collections::BTreeMap;

use super::*;
use crate::profile::{Ask, CommandLine};

fn verb(columns: &[(&str, Type)]) -> Verb {
    let def = |(name, kind): &(&str, Type)| ColumnDef {
        name: (*name).to_owned(),
        kind: *kind,
        ..ColumnDef::default()
    };
    Verb {
        bot: None,
        name: "ip".into(),
        aliases: Vec::new(),
        asks: None,
        timeout: None,
        newest: None,
        help: String::new(),
        examples: Vec::new(),
        class: crate::verb::Class::Read,
        arguments: Vec::new(),
        columns: columns.iter().map(def).collect(),
        key: Vec::new(),
        volatile: Vec::new(),
        sort: Vec::new(),
    }
}

#[allow(clippy::expect_used, reason = "a test's helper")]
fn source(columns: &[(&str, Mapping)]) -> Source {
    Source {
        ask: Ask::Command(CommandLine::parse("show").expect("a command line")),
        parser: "show".into(),
        columns: columns.iter().map(|(name, mapping)| ((*name).to_owned(), mapping.clone())).collect(),
        when: BTreeMap::new(),
        interrupt: None,
        also: Vec::new(),
        join: Vec::new(),
        otherwise: Vec::new(),
    }
}

fn from(text: &str) -> Mapping {
    Mapping { from: Some(text.into()), ..Mapping::default() }
}

fn list(items: &[&str]) -> Cell {
    Cell::List(items.iter().map(|item| Some((*item).to_owned())).collect())
}

fn shown(verb: &Verb, source: &Source, header: &[&str], cells: Vec<Cell>) -> Vec<String> {
    let header = header.iter().map(|name| (*name).to_owned()).collect();
    let mapped = rows(verb, source, &Records { header, rows: vec![cells] });
    assert_eq!(mapped.notes, Vec::<String>::new());
    mapped.rows.iter().map(|row| row.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ")).collect()
}

#[test]
fn a_list_under_a_plain_column_makes_rows() {
    let verb = verb(&[("interface", Type::Text), ("address", Type::Prefix)]);
    let source = source(&[("address", from("{ADDRESS}/{LENGTH}"))]);
    let header = ["INTERFACE", "ADDRESS", "LENGTH"];
    let name = || Cell::Text("Gi0/1".into());
    assert_eq!(
        shown(&verb, &source, &header, vec![name(), list(&["10.0.0.1", "2001:db8::1"]), list(&["30", "64"])]),
        ["Gi0/1 | 10.0.0.1/30", "Gi0/1 | 2001:db8::1/64"]
    );
    assert_eq!(shown(&verb, &source, &header, vec![name(), list(&[]), list(&[])]), ["Gi0/1 | "]);
    assert_eq!(shown(&verb, &source, &header, vec![name(), list(&["10.0.0.1"]), list(&[])]), ["Gi0/1 | "]);
}

#[test]
fn a_list_under_a_list_stays_one() {
    let verb = verb(&[("vrf", Type::Text), ("interfaces", Type::List)]);
    let cells = vec![Cell::Text("RED".into()), list(&["Gi0/1", "", "Gi0/2"])];
    assert_eq!(shown(&verb, &source(&[]), &["VRF", "INTERFACES"], cells), ["RED | Gi0/1, Gi0/2"]);
}

#[test]
fn several_values_under_a_list_are_one_list() {
    let verb = verb(&[("vrf", Type::Text), ("interfaces", Type::List)]);
    let both = source(&[("interfaces", from("{V4}, {V6}"))]);
    let cells = vec![Cell::Text("RED".into()), list(&["Et1, Et2", "Lo0"]), list(&["Et2, Et4"])];
    assert_eq!(shown(&verb, &both, &["VRF", "V4", "V6"], cells), ["RED | Et1, Et2, Lo0, Et4"]);
    let cells = vec![Cell::Text("RED".into()), list(&[]), list(&["Et4"])];
    assert_eq!(shown(&verb, &both, &["VRF", "V4", "V6"], cells), ["RED | Et4"]);
    let cells = vec![Cell::Text("RED".into()), list(&["1 ms", "1 ms"])];
    assert_eq!(shown(&verb, &source(&[]), &["VRF", "INTERFACES"], cells), ["RED | 1 ms, 1 ms"]);
}

fn one(kind: Type, mapping: Mapping, value: &str) -> String {
    let mapping = Mapping { from: Some("A".into()), ..mapping };
    let cells = vec![Cell::Text(value.into()), Cell::Text("2026-11-21T10:00:00+01:00".into())];
    shown(&verb(&[("x", kind)]), &source(&[("x", mapping)]), &["A", "CLOCK"], cells).join(" ")
}

#[test]
fn two_values_of_a_list_column_are_a_list_however_few_they_have() {
    let mapping = Mapping { from: Some("{A}, {B}".into()), ..Mapping::default() };
    for (a, b, wanted) in [("Ma1", "", "Ma1"), ("", "", ""), ("e1", "e2", "e1, e2"), ("e1", "e1", "e1")] {
        let cells = vec![Cell::Text(a.into()), Cell::Text(b.into())];
        let source = source(&[("x", mapping.clone())]);
        assert_eq!(shown(&verb(&[("x", Type::List)]), &source, &["A", "B"], cells), [wanted], "{a} {b}");
    }
}

#[test]
fn beginnings_are_replaced_before_what_is_no_letter() {
    let begins = [("Ethernet", "Et"), ("GigabitEthernet", "Gi"), ("Vlan", "Vl")];
    let begins: BTreeMap<_, _> =
        begins.iter().map(|(long, short)| ((*long).into(), (*short).into())).collect();
    for (long, short) in [
        ("GigabitEthernet0/0/1.20", "Gi0/0/1.20"),
        ("Ethernet1", "Et1"),
        ("Vlanet1", "Vlanet1"),
        ("Gi1", "Gi1"),
    ] {
        let mapping = Mapping { begins: begins.clone(), ..Mapping::default() };
        assert_eq!(one(Type::Text, mapping, long), short);
    }
}

#[test]
fn the_group_of_an_expression_is_taken() {
    let pattern = crate::profile::Pattern::new(r"Version ([^,\s]+)").ok();
    let mapping = Mapping { pattern, ..Mapping::default() };
    assert_eq!(one(Type::Text, mapping.clone(), "Software, Version 17.9.4a, RELEASE\nMore"), "17.9.4a");
    assert_eq!(one(Type::Text, mapping, "none"), "");
}

#[test]
fn a_point_in_time_becomes_the_time_since_then() {
    let mapping = Mapping { since: Some("CLOCK".into()), ..Mapping::default() };
    for (then, since) in [
        ("2026-11-21T08:00:00Z", "01:00:00"),
        ("2026-11-20T08:59:30.5+00:00", "1d00h"),
        ("2026-11-21T09:00:01+00:00", ""),
        ("1d02h", "1d02h"),
        ("", ""),
    ] {
        assert_eq!(one(Type::Duration, mapping.clone(), then), since, "{then}");
    }
    let mapping = Mapping { since: Some(Mapping::NOW.into()), ..Mapping::default() };
    assert!(one(Type::Duration, mapping.clone(), "2020-01-01T00:00:00Z").ends_with('d'));
    assert_eq!(one(Type::Duration, mapping, "9000-01-01T00:00:00Z"), "");
}

#[test]
fn a_word_is_laid_over_a_state_when_a_join_brought_its_reason() {
    let mut verb = verb(&[("admin", Type::State), ("state", Type::State)]);
    let reason = [("admin".to_owned(), "down".to_owned())].into_iter().collect();
    verb.columns[1].instead = [("admin-down".to_owned(), reason)].into_iter().collect();
    let mut rows =
        vec![vec![Value::text("down"), Value::text("down")], vec![Value::Null, Value::text("down")]];
    overlay(&verb, &mut rows);
    let states: Vec<String> = rows.iter().map(|row| row[1].to_string()).collect();
    assert_eq!(states, ["admin-down", "down"]);
}

#[test]
fn a_map_prefers_the_exact_case() {
    let map = [("L", "local"), ("l", "lisp"), ("B", "bgp")];
    let map = map.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    let source = source(&[("protocol", Mapping { map, ..from("CODE") })]);
    for (code, protocol) in [("L", "local"), ("l", "lisp"), ("b", "bgp"), ("X", "X")] {
        let shown =
            shown(&verb(&[("protocol", Type::Text)]), &source, &["CODE"], vec![Cell::Text(code.into())]);
        assert_eq!(shown, [protocol]);
    }
}
