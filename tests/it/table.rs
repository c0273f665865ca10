//! Tables and their stages, and how answers are written down.

use nocbot::answer::{Answer, Block, DeviceFailure, csv, json, markdown, text};
use nocbot::error::{Failure, FailureKind};
use nocbot::table::{Column, Filter, Operator, Table, Type, Value};
use proptest::prelude::*;

fn bgp() -> Table {
    let mut state = Column::new("state", Type::State);
    state.good = vec!["Established".to_owned()];
    let mut table = Table::new(vec![
        Column::new("device", Type::Text),
        Column::new("neighbor", Type::Host),
        Column::new("as", Type::Asn),
        state,
        Column::new("uptime", Type::Duration),
        Column::new("interfaces", Type::List),
    ]);
    for (device, neighbor, asn, state, uptime, list) in [
        ("r1", "10.0.0.2", "65000", "Established", "1d02h", "eth1 eth2"),
        ("r1", "10.0.0.10", "64086.59905", "Idle", "never", ""),
        ("r2", "2001:db8::1", "65000", "Established", "00:10:00", "eth3"),
        ("r2", "swp1", "65010", "Active", "2w3d", ""),
    ] {
        let cells = [device, neighbor, asn, state, uptime, list];
        let kinds: Vec<Type> = table.columns.iter().map(|column| column.kind).collect();
        table.push(kinds.iter().zip(cells).map(|(kind, cell)| Value::read(*kind, cell).unwrap()).collect());
    }
    table
}

fn compare(column: &str, operator: Operator, values: &[&str]) -> Filter {
    let pattern = match operator {
        Operator::Matches | Operator::NotMatches => Some(regex::Regex::new(values[0]).unwrap()),
        _ => None,
    };
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Filter::Compare { column: column.to_owned(), operator, values, pattern }
}

fn neighbors(filter: &Filter) -> Vec<String> {
    let mut table = bgp();
    table.retain(filter).unwrap();
    table.rows.iter().map(|row| row[1].to_string()).collect()
}

#[test]
fn where_compares_values_not_spellings() {
    use Operator::{Equal, Greater, In, Less, Matches, NotEqual, NotMatches};
    assert_eq!(neighbors(&compare("STATE", NotEqual, &["established"])), ["10.0.0.10", "swp1"]);
    assert_eq!(neighbors(&compare("as", Equal, &["4200000001"])), ["10.0.0.10"]);
    assert_eq!(neighbors(&compare("as", Equal, &["64086.59905"])), ["10.0.0.10"]);
    assert_eq!(neighbors(&compare("as", Greater, &["65000"])), ["10.0.0.10", "swp1"]);
    assert_eq!(neighbors(&compare("neighbor", In, &["10.0.0.0/8"])), ["10.0.0.2", "10.0.0.10"]);
    assert_eq!(neighbors(&compare("neighbor", Equal, &["2001:DB8:0::1"])), ["2001:db8::1"]);
    // An empty cell is neither less nor greater than anything.
    assert_eq!(neighbors(&compare("uptime", Less, &["1h"])), ["2001:db8::1"]);
    assert_eq!(neighbors(&compare("uptime", Greater, &["1d"])), ["10.0.0.2", "swp1"]);
    assert_eq!(neighbors(&compare("uptime", Equal, &[""])), ["10.0.0.10"]);
    assert_eq!(neighbors(&compare("interfaces", Equal, &["eth2"])), ["10.0.0.2"]);
    assert_eq!(neighbors(&compare("state", Matches, &["^(Idle|Active)$"])), ["10.0.0.10", "swp1"]);
    assert_eq!(neighbors(&compare("state", NotMatches, &["^Est"])), ["10.0.0.10", "swp1"]);
    let both = Filter::And(
        Box::new(compare("device", Equal, &["r2"])),
        Box::new(Filter::Not(Box::new(compare("state", Equal, &["Active"])))),
    );
    assert_eq!(neighbors(&both), ["2001:db8::1"]);
}

#[test]
fn a_wrong_column_or_value_is_an_error_never_an_empty_table() {
    let error = bgp().retain(&compare("stat", Operator::Equal, &["x"])).unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.contains("`state`")), "{:?}", error.hints());
    let error = bgp().retain(&compare("as", Operator::Less, &["many"])).unwrap_err();
    assert!(error.message().contains("`many` is not asn"), "{error}");
    assert!(bgp().sort(&[("nope".to_owned(), false)]).is_err());
    assert!(bgp().select(&["device".to_owned(), "nope".to_owned()]).is_err());
}

#[test]
fn sort_puts_nulls_last_both_ways_and_top_takes_the_greatest() {
    let column =
        |table: &Table, index: usize| table.rows.iter().map(|row| row[index].to_string()).collect::<Vec<_>>();
    let mut table = bgp();
    table.sort(&[("uptime".to_owned(), false)]).unwrap();
    assert_eq!(column(&table, 4), ["00:10:00", "1d02h", "17d00h", ""]);
    table.sort(&[("uptime".to_owned(), true)]).unwrap();
    assert_eq!(column(&table, 4), ["17d00h", "1d02h", "00:10:00", ""]);
    table.top(2, "as").unwrap();
    assert_eq!(column(&table, 1), ["10.0.0.10", "swp1"]);
}

#[test]
fn group_uniq_count_and_select() {
    let mut table = bgp();
    table.group("state").unwrap();
    let rows: Vec<String> = table.rows.iter().map(|row| format!("{} {}", row[0], row[1])).collect();
    assert_eq!(rows, ["Established 2", "Active 1", "Idle 1"]);
    let mut table = bgp();
    table.uniq("device").unwrap();
    assert_eq!(table.rows.len(), 2);
    table.select(&["state".to_owned()]).unwrap();
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["device", "state"]);
    table.count();
    assert_eq!(table.rows, [[Value::Int(2)]]);
}

fn answer() -> Answer {
    let failure = Failure::new(FailureKind::Timeout, "gave no answer in 30 s").hint("is it up?");
    Answer {
        id: "7".to_owned(),
        devices: 3,
        took_ms: 42,
        failures: vec![DeviceFailure { device: "r3".to_owned(), failure }],
        notes: vec!["r1: something".to_owned()],
        ..Answer::of("bgp all", vec![Block::Table { title: None, table: bgp() }])
    }
}

#[test]
fn text_shows_rows_and_failures() {
    insta::assert_snapshot!(text::render(&answer(), None), @r"
    device  neighbor             as  state          uptime  interfaces
    ------  -----------  ----------  -----------  --------  ----------
    r1      10.0.0.2          65000  Established     1d02h  eth1, eth2
    r1      10.0.0.10    4200000001  Idle
    r2      2001:db8::1       65000  Established  00:10:00  eth3
    r2      swp1              65010  Active         17d00h

    device  failed   why                     hint
    ------  -------  ----------------------  ---------
    r3      timeout  gave no answer in 30 s  is it up?

    4 rows · 3 devices · 1 failed · 42 ms
    r1: something
    ");
    let narrow = text::render(&answer(), Some(36));
    assert!(narrow.contains("\nr1      10.0.0.2          65000\n    state Established"), "{narrow}");
    assert!(narrow.lines().all(|line| line.chars().count() <= 36), "{narrow}");
}

#[test]
fn long_texts_wrap_where_the_terminal_is_narrow() {
    let mut table = Table::new(vec![Column::new("device", Type::Text), Column::new("why", Type::Text)]);
    table
        .push(vec![Value::text("r1"), Value::text("gave no answer in thirty seconds, and nobody knows why")]);
    insta::assert_snapshot!(text::table(&table, Some(40)), @r"
    device  why
    ------  --------------------------------
    r1      gave no answer in thirty
            seconds, and nobody knows why
    ");
}

#[test]
fn json_and_csv_are_for_programs() {
    let value = json::value(&answer());
    assert_eq!(value["columns"][2], serde_json::json!({"name": "as", "type": "asn"}));
    assert_eq!(value["rows"][1]["as"], 4_200_000_001_i64);
    assert_eq!(value["rows"][0]["uptime"], 93_600.0);
    assert_eq!(value["rows"][1]["uptime"], serde_json::Value::Null);
    assert_eq!(value["rows"][0]["interfaces"], serde_json::json!(["eth1", "eth2"]));
    assert_eq!(value["errors"][0]["kind"], "timeout");
    let csv = csv::render(&answer());
    assert!(csv.starts_with("device,neighbor,as,state,uptime,interfaces\r\n"), "{csv}");
    assert!(csv.contains("r1,10.0.0.2,65000,Established,1d02h,\"eth1, eth2\"\r\n"), "{csv}");
}

#[test]
fn a_formula_from_a_device_stays_text_in_a_spreadsheet() {
    let mut table = Table::new(vec![Column::new("description", Type::Text)]);
    table.push(vec![Value::text("=HYPERLINK(\"http://x\")")]);
    table.push(vec![Value::text("-1.5")]);
    assert_eq!(csv::table(&table), "description\r\n\"'=HYPERLINK(\"\"http://x\"\")\"\r\n-1.5\r\n");
}

fn one_cell(text: &str) -> Answer {
    let mut table = Table::new(vec![Column::new("description", Type::Text)]);
    table.push(vec![Value::text(nocbot::text::clean_line(text))]);
    Answer::of("x", vec![Block::Table { title: None, table }])
}

proptest! {
    #[test]
    fn no_width_loses_a_word_or_exceeds_itself(words in proptest::collection::vec("[a-zé漢]{1,9}", 1..30), width in 34_usize..90) {
        let mut table = Table::new(vec![Column::new("device", Type::Text), Column::new("why", Type::Text)]);
        table.push(vec![Value::text("r1"), Value::text(words.join(" "))]);
        let written = text::table(&table, Some(width));
        let found: Vec<&str> = written.split_whitespace().filter(|word| words.iter().any(|known| known == word)).collect();
        prop_assert_eq!(found, words.iter().map(String::as_str).collect::<Vec<_>>(), "{}", written);
        prop_assert!(written.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= width), "{}", written);
    }

    #[test]
    fn device_text_cannot_break_a_markdown_table_or_mention_anybody(text in "[\\PC\n\r`|@<>*]{1,40}") {
        let written = markdown::render(&one_cell(&text));
        let rows: Vec<&str> = written.trim_end().lines().collect();
        if !text.trim().is_empty() && rows[0] != "no rows" {
            prop_assert_eq!(rows.len(), 3, "{}", written);
            let bare = rows[2].replace("\\\\", "").replace("\\|", "");
            prop_assert_eq!(bare.matches('|').count(), 2, "{}", written);
            prop_assert!(!rows[2].contains("@h") && !rows[2].contains("@c"));
        }
    }

    #[test]
    fn device_text_cannot_break_a_fence(text in "[a-z`\n]{0,60}") {
        let fenced = markdown::fence(&text);
        let fence: String = fenced.chars().take_while(|c| *c == '`').collect();
        prop_assert_eq!(fenced.matches(fence.as_str()).count(), 2);
    }

    #[test]
    fn cleaned_text_holds_nothing_that_acts(text in any::<String>()) {
        let cleaned = nocbot::text::clean(&text);
        prop_assert!(cleaned.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        let hidden = cleaned.contains(['\u{202e}', '\u{200b}', '\u{2066}']);
        prop_assert!(!hidden);
    }
}
