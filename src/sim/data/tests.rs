use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::tree::{Module, Modules};
use super::*;

fn modules() -> Modules {
    let module = |prefix: &str| Module {
        namespace: format!("urn:{prefix}"),
        prefix: prefix.to_owned(),
        revision: "2020-01-01".to_owned(),
        features: Vec::new(),
        deviations: Vec::new(),
        library_only: false,
    };
    [(Arc::from("m-a"), module("a")), (Arc::from("m-b"), module("b"))].into()
}

/// Two entries with two keys, an identity, an augmentation, an empty leaf and a leaf-list.
fn tree() -> Node {
    let text = r#"{"list": [
        {"k1": "x/1", "k2": 7, "kind": "m-b:fast", "m-b:more": {"on": [null], "name": "ü <&>"},},
        {"k1": "y", "k2": 8, "tags": ["t1", "t2",]},
    ], "big": "18446744073709551615", "ok": true}"#;
    let keys = BTreeMap::from([("list".to_owned(), vec!["k1".to_owned(), "k2".to_owned()])]);
    let children = json::read(text, &Arc::from("m-a"), &modules(), &keys).unwrap();
    Node::inner(&Arc::from("m-a"), "top", children)
}

fn xml_of(node: &Node) -> String {
    let mut out = String::new();
    to_xml(std::slice::from_ref(node), &modules(), None, &mut out);
    out
}

#[test]
fn one_tree_two_forms() {
    let json = to_json(&[tree()]);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["m-a:top"]["list"][0]["m-b:more"]["on"], serde_json::json!([null]));
    assert_eq!(value["m-a:top"]["list"][1]["tags"], serde_json::json!(["t1", "t2"]));
    assert_eq!(
        xml_of(&tree()),
        "<top xmlns=\"urn:a\"><list><k1>x/1</k1><k2>7</k2><kind xmlns:b=\"urn:b\">b:fast</kind>\
         <more xmlns=\"urn:b\"><on/><name>ü &lt;&amp;&gt;</name></more></list>\
         <list><k1>y</k1><k2>8</k2><tags>t1</tags><tags>t2</tags></list>\
         <big>18446744073709551615</big><ok>true</ok></top>"
    );
}

#[test]
fn what_a_template_prints_wrongly_is_told() {
    let read = |text: &str| {
        let keys = BTreeMap::from([("l".to_owned(), vec!["k".to_owned()])]);
        json::read(text, &Arc::from("m-a"), &modules(), &keys)
    };
    for (text, words) in [
        ("[]", "object"),
        ("{", "no JSON"),
        ("{\"x\": null}", "null"),
        ("{\"no:x\": 1}", "not listed"),
        ("{\"l\": [{\"x\": 1, \"k\": 2}]}", "begin with its keys"),
    ] {
        assert!(read(text).unwrap_err().message().contains(words), "{text}");
    }
    assert!(read("{\"x\": \"a,}\",}").is_ok());
}

#[test]
fn paths_with_keys() {
    let find = |path: &str| Path::parse(path).and_then(|path| path.find(&[tree()]));
    assert_eq!(find("m-a:top/list=x%2F1,7/m-b:more/name").unwrap()[0].value().unwrap(), "ü <&>");
    assert_eq!(find("m-a:top/list").unwrap().len(), 2);
    assert_eq!(find("m-a:top/list=y,8/tags=t2").unwrap().len(), 1);
    for path in ["m-a:top/list=x%2F1,8", "m-a:top/more", "m-b:top", "m-a:top/list=x%2F1,7/more"] {
        assert_eq!(find(path), Err(Wrong::Nothing), "{path}");
    }
    for path in ["top", "m-a:top/list=y", "m-a:top/list/k1", "m-a:top/%zz", "m-a:top//list"] {
        assert!(matches!(find(path), Err(Wrong::Malformed(_))), "{path}");
    }
}

#[test]
fn depth_and_fields() {
    assert_eq!(xml_of(&depth(&tree(), 1)), "<top xmlns=\"urn:a\"/>");
    assert!(xml_of(&depth(&tree(), 2)).contains("<list/><list/><big>"));
    let pick = |text: &str| xml_of(&fields(&tree(), &Fields::parse(text).unwrap()));
    assert_eq!(
        pick("ok;list/k2"),
        "<top xmlns=\"urn:a\"><list><k2>7</k2></list><list><k2>8</k2></list><ok>true</ok></top>"
    );
    assert_eq!(pick("list(m-b:more(on);tags)").matches("<list>").count(), 2);
    for wrong in ["", "a(", "a(b", "a)", "a;;b", "a/"] {
        assert!(Fields::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn subtree_filters() {
    let pick = |filter: &str| {
        let filter = Element::parse(filter).unwrap();
        subtree(&tree(), &[filter], &modules()).map(|node| xml_of(&node))
    };
    assert_eq!(pick("<top xmlns='urn:a'/>").unwrap(), xml_of(&tree()));
    assert_eq!(pick("<top xmlns='urn:b'/>"), None);
    assert_eq!(pick("<top><ok/></top>").unwrap(), "<top xmlns=\"urn:a\"><ok>true</ok></top>");
    let one = pick("<top xmlns='urn:a'><list><k1> y </k1><tags/></list></top>").unwrap();
    assert_eq!(
        one,
        "<top xmlns=\"urn:a\"><list><k1>y</k1><k2>8</k2><tags>t1</tags><tags>t2</tags></list></top>"
    );
    assert_eq!(pick("<top><list><k1>z</k1></list></top>"), None);
    assert!(pick("<top><list><kind>q:fast</kind></list></top>").unwrap().contains("x/1"));
}

#[test]
fn xpath_filters() {
    let prefixes =
        BTreeMap::from([("a".to_owned(), "urn:a".to_owned()), ("b".to_owned(), "urn:b".to_owned())]);
    let pick = |text: &str| {
        let xpath = XPath::parse(text, &prefixes).unwrap();
        xpath.pick(&tree(), &modules()).map(|node| xml_of(&node))
    };
    assert_eq!(
        pick("/a:top/a:list[a:k1='y' and a:k2=\"8\"]/a:tags").unwrap(),
        "<top xmlns=\"urn:a\"><list><k1>y</k1><k2>8</k2><tags>t1</tags><tags>t2</tags></list></top>"
    );
    assert!(pick("//b:name").unwrap().contains("ü"));
    assert_eq!(pick("/a:top/a:ok | /a:top/a:big").unwrap().matches("</").count(), 3);
    assert_eq!(pick("/a:top/b:ok"), None);
    for wrong in ["", "/c:top", "/a:top[1]", "/a:top[a:k='", "/a:top)", "count(/a:top)"] {
        assert!(XPath::parse(wrong, &prefixes).is_err(), "{wrong}");
    }
}

#[test]
fn the_schema_has_what_the_data_have() {
    let modules = modules();
    let text = schema("m-a", &modules["m-a"], &[tree()]);
    for line in ["  container top {", "    list list {", "      key \"k1 k2\";", "      leaf-list tags {"] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert!(!text.contains("more"), "another module's: {text}");
}

#[test]
fn spoiled_numbers_and_repeated_lists() {
    assert_eq!(
        wrong_number("{\"a:1\":\"x:2\",\"b\":30,\"c\":4}", ':', &[',', '}']),
        "{\"a:1\":\"x:2\",\"b\":30.e+,\"c\":4}"
    );
    let mut node = tree();
    let once = to_json(&[node.clone()]).len();
    enlarge(&mut node, once, 10_000);
    // So often that the whole would be so long, were there nothing but the list.
    let entries = node.children().iter().filter(|child| child.name == "list").count();
    assert!(entries >= 2 * (10_000 / once), "{entries} of {once}");
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "[<>/a-c:=\\[\\]'\"();,%&#x{} |-]{0,60}") {
        let _ = Element::parse(&text);
        let _ = Path::parse(&text).and_then(|path| path.find(&[tree()]));
        let _ = Fields::parse(&text).map(|wanted| fields(&tree(), &wanted));
        let _ = XPath::parse(&text, &BTreeMap::new()).map(|xpath| xpath.pick(&tree(), &modules()));
        let _ = json::read(&text, &Arc::from("m-a"), &modules(), &BTreeMap::new());
        let _ = wrong_number(&text, ':', &[',']);
    }

    #[test]
    fn what_is_written_is_read_again(name in "\\PC{0,30}") {
        let leaf = Node::leaf(&Arc::from("m-a"), "name", name.clone());
        let value: serde_json::Value = serde_json::from_str(&to_json(std::slice::from_ref(&leaf))).unwrap();
        prop_assert_eq!(value["m-a:name"].as_str(), Some(name.as_str()));
        if !name.contains(':') && !name.trim().is_empty() {
            let read = Element::parse(&format!("<x>{}</x>", xml_of(&leaf))).unwrap();
            prop_assert_eq!(&read.children[0].text, &name);
        }
    }
}
