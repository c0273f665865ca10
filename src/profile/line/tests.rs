use proptest::prelude::*;

use super::*;

fn arguments(pairs: &[(&str, ArgumentValue)]) -> Arguments {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn word(text: &str) -> ArgumentValue {
    ArgumentValue::Word(text.to_owned())
}

fn render(line: &str, pairs: &[(&str, ArgumentValue)]) -> Result<String> {
    CommandLine::parse(line).unwrap().render(&arguments(pairs))
}

const ROUTE: &str = "show ip route [vrf {vrf}] [{prefix.ip} {prefix.mask}]";

#[test]
fn optional_parts_are_left_out() {
    assert_eq!(render(ROUTE, &[]).unwrap(), "show ip route");
    assert_eq!(render(ROUTE, &[("vrf", word("RED"))]).unwrap(), "show ip route vrf RED");
    let prefix = ArgumentValue::Prefix("10.1.2.3/20".parse().unwrap());
    assert_eq!(render(ROUTE, &[("prefix", prefix)]).unwrap(), "show ip route 10.1.2.3 255.255.240.0");
}

#[test]
fn an_address_without_a_length_has_no_mask() {
    let ip = ArgumentValue::Ip("10.1.2.3".parse().unwrap());
    assert_eq!(render(ROUTE, &[("prefix", ip)]).unwrap(), "show ip route 10.1.2.3");
}

#[test]
fn parts_nest() {
    let line = "ping {host} [count {count} [size {size}]]";
    let host = ("host", word("r2"));
    let size = ("size", ArgumentValue::Int(100));
    assert_eq!(render(line, &[host.clone(), size.clone()]).unwrap(), "ping r2");
    let count = ("count", ArgumentValue::Int(3));
    assert_eq!(render(line, &[host.clone(), count.clone()]).unwrap(), "ping r2 count 3");
    assert_eq!(render(line, &[host, count, size]).unwrap(), "ping r2 count 3 size 100");
    assert!(render(line, &[]).unwrap_err().message().contains("needs host"));
}

#[test]
fn attributes_of_both_families() {
    let all = "x {p.ip} {p.network} {p.length} {p.family} {p.mask} {p.wildcard} {p}";
    let v4 = ArgumentValue::Prefix("10.1.2.3/20".parse().unwrap());
    assert_eq!(
        render(all, &[("p", v4)]).unwrap(),
        "x 10.1.2.3 10.1.0.0 20 4 255.255.240.0 0.0.15.255 10.1.2.3/20"
    );
    let v6 = ArgumentValue::Prefix("2001:db8::1/64".parse().unwrap());
    assert!(
        render(all, &[("p", v6)])
            .unwrap()
            .starts_with("x 2001:db8::1 2001:db8:: 64 6 ffff:ffff:ffff:ffff:: ")
    );
    assert!(render("x {p.mask}", &[("p", word("r1"))]).is_err());
}

#[test]
fn unsafe_values_are_refused() {
    for value in
        ["a b", "a;b", "a|b", "a\nb", "a`b", "$(x)", "a\"b", "é", "\u{0}", "?", "a>b", "-f", "a\\b", "#", "'"]
    {
        assert!(render("show vrf {vrf}", &[("vrf", word(value))]).is_err(), "{value:?}");
    }
    for value in ["RED", "Gi0/0/1.100", "2001:db8::1", "a_b-c", "ae0+1", "a@b", "1,2"] {
        assert!(render("show vrf {vrf}", &[("vrf", word(value))]).is_ok(), "{value:?}");
    }
    assert_eq!(render("x {n}", &[("n", ArgumentValue::Int(-5))]).unwrap(), "x -5");
}

#[test]
fn wrong_lines_are_named() {
    for (line, part) in [
        ("", "empty"),
        ("  ", "empty"),
        ("show [vrf {vrf}", "`[` is not closed"),
        ("show vrf]", "`]` was not opened"),
        ("show {vrf", "`{` is not closed"),
        ("show vrf}", "`}` was not opened"),
        ("show {VRF}", "no name of an argument"),
        ("show {}", "no name of an argument"),
        ("show {prefix.msk}", "no attribute `msk`"),
        ("show [vrf]", "holds no argument"),
        ("show\nreload", "control character"),
    ] {
        let error = CommandLine::parse(line).unwrap_err();
        assert!(error.message().contains(part), "{line:?}: {error}");
    }
    let error = CommandLine::parse("show {prefix.msk}").unwrap_err();
    assert_eq!(error.hints(), ["did you mean `mask`?"]);
}

#[test]
fn fixed_words_name_the_parser() {
    for (line, name) in [
        (ROUTE, "show_ip_route"),
        ("show bgp [vrf {vrf}] all summary", "show_bgp_all_summary"),
        ("show ip route vrf {vrf}", "show_ip_route_vrf"),
        ("show interfaces {name}", "show_interfaces"),
        ("ip -br addr", "ip_-br_addr"),
        ("show lldp neighbors-info x{a}", "show_lldp_neighbors-info"),
        ("cat /proc/net/arp", "cat_proc_net_arp"),
    ] {
        assert_eq!(CommandLine::parse(line).unwrap().fixed_words(), name, "{line}");
    }
}

#[test]
fn arguments_are_listed_with_whether_they_are_optional() {
    let line = CommandLine::parse("ping {host} [vrf {vrf}]").unwrap();
    let found: Vec<_> =
        line.arguments().iter().map(|(argument, optional)| (argument.name.as_str(), *optional)).collect();
    assert_eq!(found, [("host", false), ("vrf", true)]);
}

proptest! {
    #[test]
    fn no_line_panics(text in "[a-z{}\\[\\]. ]{0,40}|\\PC{0,40}", value in "\\PC{0,10}") {
        if let Ok(line) = CommandLine::parse(&text) {
            let values = line.arguments().iter().map(|(argument, _)| (argument.name.clone(), ArgumentValue::Word(value.clone()))).collect();
            let _ = line.render(&values);
            let _ = line.render(&Arguments::new());
        }
    }

    #[test]
    fn a_rendered_line_holds_only_the_profile_and_safe_characters(value in "\\PC{0,12}|[a-z;|& \n`$]{0,12}") {
        if let Ok(line) = render("ping {host}", &[("host", word(&value))]) {
            let rest = line.strip_prefix("ping").unwrap().trim_start();
            prop_assert!(rest.chars().all(|letter| letter.is_ascii_alphanumeric() || ".:/-_+@,".contains(letter)), "{line}");
        }
    }
}
