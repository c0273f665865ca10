use super::super::Cell;
use super::*;

fn template(text: &str) -> Template {
    Template::compile(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn a_small_table() {
    let template = template(
        "Value Required NAME (\\S+)\nValue STATE (up|down)\n\nStart\n  ^${NAME}\\s+${STATE}\\s*$$ -> Record\n",
    );
    let records = template.parse("eth0  up\neth1  down\n").unwrap();
    assert_eq!(records.header, ["NAME", "STATE"]);
    assert_eq!(records.rows.len(), 2);
    assert_eq!(records.rows[1][1], Cell::Text("down".into()));
}
