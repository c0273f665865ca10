//! Every trap of the reference's machine and template syntax.

use proptest::prelude::*;

use super::super::Cell;
use super::*;

fn template(text: &str) -> Template {
    Template::compile(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refused(text: &str) -> TemplateError {
    Template::compile(text).expect_err(text)
}

fn failed(template_text: &str, text: &str) -> ParseError {
    template(template_text).parse(text).expect_err(template_text)
}

/// The rows as one text: cells by `,`, rows by `/`; lists in brackets, an item of no group as `~`.
fn parse(template_text: &str, text: &str) -> String {
    let records =
        template(template_text).parse(text).unwrap_or_else(|error| panic!("{error}\n{template_text}"));
    let item = |item: &Option<String>| item.clone().unwrap_or_else(|| "~".into());
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) => text.clone(),
        Cell::List(items) => format!("[{}]", items.iter().map(item).collect::<Vec<_>>().join(" ")),
        Cell::Maps(items) => {
            let pair = |(name, text): &(String, Option<String>)| format!("{name}={}", item(text));
            let map = |pairs: &Vec<_>| pairs.iter().map(pair).collect::<Vec<_>>().join("&");
            format!("[{}]", items.iter().map(map).collect::<Vec<_>>().join(" "))
        }
    };
    let row = |row: &Vec<Cell>| row.iter().map(cell).collect::<Vec<_>>().join(",");
    records.rows.iter().map(row).collect::<Vec<_>>().join("/")
}

#[test]
fn header_keys_and_a_table() {
    let text = "Value Required,Key NAME (\\S+)\nValue STATE (up|down)\n\nStart\n  ^${NAME}\\s+${STATE}\\s*$$ -> Record\n";
    assert_eq!(template(text).header(), ["NAME", "STATE"]);
    assert_eq!(template(text).keys(), ["NAME"]);
    assert_eq!(parse(text, "eth0  up\r\neth1  down\rnothing\n"), "eth0,up/eth1,down");
}

#[test]
fn the_implicit_record_at_the_end() {
    let with = |rest: &str| format!("Value A (\\w)\n\nStart\n ^${{A}}{rest}");
    assert_eq!(parse(&with("\n"), "x"), "x");
    assert_eq!(parse(&with("\n\nEOF\n"), "x"), "", "a state EOF takes it away");
    assert_eq!(parse(&with(" -> EOF\n"), "x\ny"), "x", "a jump to EOF alone does not");
    assert_eq!(parse(&with(" -> End\n"), "x\ny"), "", "a jump to End does");
    assert_eq!(parse(&with(" -> End\n\nEnd\n"), "x\ny"), "", "an empty state End changes nothing");
    refused(&with("\n\nEOF\n ^.\n"));
    refused(&with("\n\nEnd\n ^.\n"));
}

#[test]
fn what_is_not_written() {
    let text = "Value Required A (\\w?)\nValue Filldown B (\\d)\n\nStart\n ^b${B}\n ^a${A} -> Record\n";
    assert_eq!(parse(text, "b1\na\nax"), "x,1", "an empty text does not satisfy Required; Filldown is kept");
    let text = "Value A (\\w*)\n\nStart\n ^-${A} -> Record\n ^. -> Record\n\nEOF\n";
    assert_eq!(
        parse(text, "!\n-\n-x"),
        "/x",
        "a record of nothing is not written; an empty text is something"
    );
}

#[test]
fn a_record_not_written_is_not_cleared() {
    // The list is empty when the record is tried, and what `Required` asks for is then that list, no text.
    let text = "Value List A (\\d)\nValue Filldown B (\\w)\n\nStart\n ^b${B} -> Clear\n ^a${A}\n ^r -> Record\n\nEOF\n";
    assert_eq!(parse(text, "r\na1\nr\nbx\nr"), "[1],/[],x");
}

#[test]
fn a_group_that_took_no_part_unsets() {
    let text = "Value A (\\d)\nValue B (\\w)\n\nStart\n ^set ${A}\n ^${B}(?:-${A})? -> Record\n";
    assert_eq!(parse(text, "set 1\nx"), ",x");
    let text = "Value Filldown A (\\d)\nValue B (\\w)\n\nStart\n ^${B}(?:-${A})? -> Record\n\nEOF\n";
    assert_eq!(parse(text, "x-1\ny\nz"), "1,x/,y/,z", "Filldown forgets too");
    let text = "Value List A (\\d)\nValue B (\\w)\n\nStart\n ^${B}(?:-${A})?\n";
    assert_eq!(parse(text, "x-1\ny"), "[1 ~],y");
    let text = "Value List A ((\\d))\n\nStart\n ^x(?:-${A})?\n";
    let error = failed(text, "x-1\nx");
    assert_eq!((error.line, error.text.as_str()), (2, "x"));
}

#[test]
fn fill_down() {
    let text = "Value Filldown A (\\d)\nValue B ([a-z])\n\nStart\n ^${A}\n ^${B} -> Record\n ^- -> Clear\n ^! -> Clearall\n";
    assert_eq!(parse(text, "1\na\nb\n-\nc\n!\nd"), "1,a/1,b/1,c/,d");
    assert_eq!(parse(text, "1\na"), "1,a/1,", "Filldown alone makes a last record");
}

#[test]
fn fill_up() {
    let text = "Value A (\\w)\nValue Fillup B (\\d?)\n\nStart\n ^${A}(?:=${B})? -> Record\n\nEOF\n";
    assert_eq!(parse(text, "a\nb=1\nc\nd\ne="), "a,1/b,1/c,/d,/e,");
    assert_eq!(parse(text, "a=1\nb\nc=2"), "a,1/b,2/c,2", "up to a filled cell");
    let text = "Value A (\\w)\nValue Fillup,List B (\\d)\n\nStart\n ^${A}$$ -> Record\n ^\\w=${B}\n";
    assert_eq!(parse(text, "a\nb=1"), "a,1/,[1]", "the bare text, not a list");
}

#[test]
fn lists() {
    let text = "Value List A (\\d)\n\nStart\n ^${A}\n ^r -> Record\n";
    assert_eq!(parse(text, "1\n2\nr\n3"), "[1 2]/[3]");
    let text = "Value List,Filldown A (\\d)\n\nStart\n ^${A}\n ^r -> Record\n ^! -> Clearall\n\nEOF\n";
    assert_eq!(parse(text, "1\nr\n2\nr\n!\n3\nr"), "[1]/[1 2]/[3]", "with Filldown it keeps growing");
}

#[test]
fn the_order_of_options_matters() {
    let rest = " A (\\d?)\nValue B (\\w)\n\nStart\n ^a${A}\n ^${B} -> Record\n\nEOF\n";
    assert_eq!(parse(&format!("Value Required,List{rest}"), "a1\na\nx"), "", "the last item is empty");
    assert_eq!(parse(&format!("Value List,Required{rest}"), "a1\na\nx"), "[1 ],x", "the list is not");
}

#[test]
fn lists_with_groups_inside() {
    let text = "Value List A ((?P<k>\\w)=(?P<v>\\d)?)\n\nStart\n ^-${A}\n";
    assert_eq!(parse(text, "-a=1\n-b="), "[k=a&v=1 k=b&v=~]");
    let text = "Value List A ((\\w)=(\\d))\n\nStart\n ^-${A}\n";
    assert_eq!(parse(text, "-a=1"), "[a=1]", "unnamed ones make no map");
    let text = "Value List A ((?P<k>\\w)(?:b|(?=!)))\n\nStart\n ^-${A}\n";
    assert_eq!(parse(text, "-ab\n-a!"), "[k=a =a]", "what does not match again alone is kept whole");
    let text = "Value A ((?P<B>\\d)\\w)\nValue B (x)\n\nStart\n ^${A}\n";
    assert_eq!(parse(text, "1a"), "1a,1", "an inner group called like a value sets that value");
}

#[test]
fn continue_goes_on_with_the_next_rule() {
    let text = "Value A (\\w)\nValue B (\\w)\n\nStart\n ^${A} -> Continue\n ^.${B} -> Next.Record Other\n ^.\n\nOther\n ^${B}\n";
    assert_eq!(parse(text, "ab\nc"), "a,b/,c");
    assert!(refused("Value A (a)\n\nStart\n ^a -> Continue Start\n").message.contains("Continue"));
}

#[test]
fn errors_discard_everything() {
    let text = "Value A (\\w)\n\nStart\n ^${A}$$ -> Record\n ^!! -> Error\n ^! -> Error \"no such thing\"\n ^\\? -> Record.Error\n";
    assert!(Template::compile(text).is_err(), "the line's operator stands first");
    let text = text.replace("Record.Error", "Error.Record nowhere");
    let error = failed(&text, "a\n!x");
    assert_eq!((error.line, error.text.as_str()), (2, "!x"));
    assert!(error.message.contains("no such thing") && error.message.contains("line 6"), "{}", error.message);
    assert!(failed(&text, "?").message.contains("nowhere"));
    failed(&text, "!!");
}

#[test]
fn blank_lines_are_lines() {
    let text = "Value A (\\d+)\n\nStart\n ^\\s*$$ -> Record\n ^${A}\n\nEOF\n";
    assert_eq!(parse(text, "1\n\n2\n  \n3"), "1/2");
}

#[test]
fn value_lines() {
    let with = |value: &str| format!("{value}\n\nStart\n ^x\n");
    template(&with("Value A ([^\\s].+?)(?=\\s+(Up|Down))"));
    template(&with("Value A (a)|(b)"));
    template(&with("Value Filldown,Required A ( a  b )"));
    template(&with(&format!("Value {} (a)", "A".repeat(48))));
    for value in [
        "Value A",
        "Value  A (a)",
        "Value A  (a)",
        "Value A a",
        "Value A (a",
        "Value A a)",
        "Value A (a\\)",
        "Value A (a))(",
        "Value A (*)",
        "Value Filldown,Filldown A (a)",
        "Value Filldown, Required A (a)",
        "Value filldown A (a)",
        "value A (a)",
        "Value A (a)\nValue A (b)",
        "Start",
    ] {
        refused(&with(value));
    }
    refused(&with(&format!("Value {} (a)", "A".repeat(49))));
    let error = refused("# comment\nValue A (a)\nValue Filldown B (a[)\n\nStart\n");
    assert_eq!((error.line, error.column), (3, 20));
}

#[test]
fn states() {
    let with = |states: &str| format!("Value A (a)\n\n{states}");
    template(&with("# c\n\nStart\n # comment\n ^a\n  ^a\n\t^a\n#x\n ^b\n\n\n# more\nOther\n"));
    for states in [
        "",
        "Other\n ^a",
        "Start\n ^a\n\n ^b",
        "Start\n   ^a",
        "Start\n a",
        "Start\n\t\t^a",
        "Start x\n",
        "Start\n\nStart\n",
        "Start\n\nNext\n",
        "Start\n ^a -> Nowhere",
        "Start\n ^a -> Next Continue",
    ] {
        refused(&with(states));
    }
    refused("Value A (a)\nStart\n ^a\n");
    template(&with("Start\n ^a -> Error Nowhere\n ^b -> EOF\n ^c -> End\n"));
    assert_eq!(refused(&with("Start\n ^a -> Nowhere")).line, 4);
}

#[test]
fn rule_lines() {
    let with = |rule: &str| format!("Value A (a)\nValue B (b)\n\nStart\n ^{rule}\n");
    for rule in [
        "a ->",
        "a -> Record Start",
        "a -> Start",
        "a->b",
        "a -> b -> Next",
        "$$",
        "${A}$B",
        "a  -> Next",
        "{",
        "\\<a\\>",
    ] {
        template(&with(rule));
    }
    assert_eq!(
        parse("Value A (a )\n\nStart\n ^${A} -> Record\n", "a "),
        "a ",
        "one blank before -> is eaten"
    );
    for rule in
        ["$", "a$ -> Next", "${C}", "${A", "$ {A}", "${A}${A}", "a -> Foo.Bar", "a -> a b", "(", "a**"]
    {
        refused(&with(rule));
    }
    let error = refused(&with("${A} ${B} [b-a] -> Next"));
    assert_eq!((error.line, error.column), (5, 14), "{error}");
    let error = refused(&with("a ${C}"));
    assert_eq!((error.line, error.column), (5, 5), "{error}");
}

#[test]
fn without_values_a_dollar_is_a_dollar() {
    let text = "\nStart\n ^a$ -> Error\n ^b$$ -> Error\n";
    assert!(template(text).parse("a").is_err() && template(text).parse("b").is_err());
    assert_eq!(parse("\nStart\n ^x -> Record\n", "x"), "", "and there is nothing to write");
}

#[test]
fn explain_says_which_rule_took_which_line() {
    let text = "Value A (\\w+)\n\nStart\n ^${A} -> Continue.Record\n ^b -> Next Other\n\nOther\n ^! -> Error \"why\"\n";
    let explanation = template(text).explain("b\nc\n!");
    let steps: Vec<_> = explanation
        .steps
        .iter()
        .map(|step| (step.line, step.text.as_str(), step.state.as_str(), step.rule, step.action.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (1, "b", "Start", Some(4), "Continue.Record"),
            (1, "b", "Start", Some(5), "Next Other"),
            (2, "c", "Other", None, ""),
            (3, "!", "Other", Some(8), "Error \"why\""),
        ]
    );
    assert_eq!(explanation.outcome.unwrap_err().line, 3);
}

#[test]
fn a_hard_regex_ends_in_time() {
    let text = "Value A ((a|a)*b\\d)\n\nStart\n ^${A}\n ^(x+x+)+\\1y -> Record\n";
    assert_eq!(parse(text, &"a".repeat(3_000)), "");
    let error = failed(text, &"x".repeat(3_000));
    assert!(error.message.contains("too many ways") && error.message.contains("line 5"), "{}", error.message);
}

fn anything() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "Value ",
        "Filldown",
        "List",
        ",",
        " A ",
        "B ",
        "(a)",
        "(\\S+)",
        "((?P<x>.)b?)",
        "\n",
        "\n\n",
        "Start\n",
        "Other\n",
        "EOF\n",
        " ^",
        "  ^",
        "${A}",
        "$B",
        "$$",
        "$",
        " -> ",
        "Next",
        ".Record",
        "Continue",
        "Error",
        "\"x\"",
        "#",
        "\t",
        "(",
        "[",
        "\\",
        "*",
        "é",
        "\r",
        "\x0b",
    ]);
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn nothing_panics(template in anything(), text in "[abé \t\n\r\x0b!]{0,30}") {
        match Template::compile(&template) {
            Err(error) => prop_assert!(error.line >= 1 && error.column >= 1),
            Ok(template) => drop(template.explain(&text)),
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let text_fsm = "Value A (\\S*)\nValue List,Filldown B ((?P<x>\\w)?.)\n\nStart\n ^\\s*${A}\\s+${B} -> Record\n ^. -> Clear\n";
        prop_assert!(template(text_fsm).parse(&text).is_ok());
        let _ = Template::compile(&text);
    }
}
