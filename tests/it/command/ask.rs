//! Messages and what they are understood as.

use nocbot::command::{Command, parse};
use nocbot::error::Kind;

use super::{ask, check_error, shape, verbs};

#[test]
fn what_people_type() {
    for (text, meant) in [
        // A verb, devices, arguments.
        ("vrf r1", "vrf r1"),
        ("VRF R1", "vrf R1"),
        ("nocbot, vrf r1", "vrf r1"),
        ("vrf: r1", "vrf r1"),
        ("vrfs r1", "vrf r1"),
        ("vr r1", "vrf r1"),
        ("int all", "interfaces all"),
        ("int r1 Loopback0", "interfaces r1 Loopback0"),
        ("int r1 Gi 0/1", "interfaces r1 Gi0/1"),
        ("int r1 name=ge-0/0/0.0", "interfaces r1 ge-0/0/0.0"),
        ("ver r1", "version r1"),
        ("peers @core", "bgp @core"),
        ("route r1", "route r1"),
        ("route r1 10.255.0.3", "route r1 10.255.0.3"),
        ("route r1 10.0.0.0/8 vrf RED", "route r1 10.0.0.0/8 vrf=RED"),
        ("route r1 10.0.0.0 255.0.0.0", "route r1 10.0.0.0/8"),
        ("route r1 vrf RED 10.0.0.1", "route r1 10.0.0.1 vrf=RED"),
        ("route r1 vrf=RED", "route r1 vrf=RED"),
        ("route r1 vrf = RED", "route r1 vrf=RED"),
        ("route r1 --vrf RED --v6", "route r1 vrf=RED v6"),
        ("route r1 —vrf=RED", "route r1 vrf=RED"),
        ("route r1 vr=RED v6=no", "route r1 vrf=RED"),
        ("route r1 v6=yes", "route r1 v6"),
        ("ping r1 10.0.0.1", "ping r1 10.0.0.1"),
        ("ping r1 10.0.0.1 count 3 vrf RED", "ping r1 10.0.0.1 count=3 vrf=RED"),
        ("ping r1 10.0.0.1 count 5", "ping r1 10.0.0.1"),
        ("ping all r2.example.net src lo 0", "ping all r2.example.net src=lo0"),
        ("tr r1 2001:db8::1", "trace r1 2001:db8::1"),
        ("log r1 20 | include BGP", "log r1 20 | include BGP"),
        // Devices.
        ("vrf r1,r2", "vrf r1,r2"),
        ("vrf r1, r2 & @core - r9", "vrf r1,r2 & @core - r9"),
        ("vrf all -r1", "vrf all - r1"),
        ("vrf core-sw-1", "vrf core-sw-1"),
        ("vrf site:ams&role:'top of rack'", "vrf site:ams & role:\"top of rack\""),
        ("vrf /^(r1|r2)$/ | count", "vrf /^(r1|r2)$/ | count"),
        ("vrf r[1-3], edge-?", "vrf r[1-3],edge-?"),
        ("vrf 2001:db8::1", "vrf 2001:db8::1"),
        ("vrf \"my router\"", "vrf \"my router\""),
        // Any command line.
        ("show r1 version", "show r1 version"),
        ("sh r1 ip int br", "show r1 ip int br"),
        ("show ip  route on r3", "show r3 ip route"),
        ("show version @core", "show @core version"),
        (
            "show r1,r2 \"ip interface brief\" | where status != up",
            "show r1,r2 ip interface brief | where status != up",
        ),
        ("display version on r1", "show r1 version"),
        ("show run on r1 | section bgp", "show r1 run | section bgp"),
        ("show r1 'logging on x'", "show r1 \"logging on x\""),
        ("show r1 ip bgp regexp _65000$ | count", "show r1 ip bgp regexp _65000$ | count"),
        // Stages.
        ("bgp all | where state != Established", "bgp all | where state != Established"),
        (
            "bgp all | w neigh = 10.0.0.1 and (as in 65001, 65002 or not up > 1h)",
            "bgp all | where neighbor = 10.0.0.1 and (as in 65001,65002 or not uptime > 1h)",
        ),
        ("bgp all|i up|down|count", "bgp all | include up|down | count"),
        (
            "bgp all | match a | except b | find c | sec d",
            "bgp all | include a | exclude b | begin c | section d",
        ),
        ("bgp all | inc a | exc b | beg c | e d", "bgp all | include a | exclude b | begin c | exclude d"),
        ("bgp all | select neighbor, AS device", "bgp all | select neighbor,as,device"),
        (
            "bgp all | sort -pre,neighbor | top 5 by uptime",
            "bgp all | sort -prefixes,neighbor | top 5 uptime",
        ),
        ("bgp all | group by state | csv", "bgp all | group state | csv"),
        ("bgp all | group state | sort -rows", "bgp all | group state | sort -rows"),
        ("bgp all | select state | where device = r1", "bgp all | select state | where device = r1"),
        ("bgp all | uniq as | json", "bgp all | uniq as | json"),
        ("route all | where next-hop = 10.0.0.1 | file", "route all | where next_hop = 10.0.0.1 | file"),
        ("bgp all | include 'a | b' | count", "bgp all | include \"a | b\" | count"),
        ("show r1 x | where anything = 1", "show r1 x | where anything = 1"),
        ("int all | where mtu &lt; 1500", "interfaces all | where mtu < 1500"),
        ("bgp all | where state ~ “two words”", "bgp all | where state ~ \"two words\""),
        // Without devices.
        ("help", "help"),
        ("?", "help"),
        ("help sh", "help show"),
        ("help int", "help interfaces"),
        ("help where", "help where"),
        ("examples", "examples"),
        ("explain vrf r1 | count", "explain vrf r1 | count"),
        ("exp sh ip route on r1", "explain show r1 ip route"),
        ("devices", "devices"),
        ("dev ls @core | where site = ams", "devices @core | where site = ams"),
        ("dev", "devices"),
        ("show.inventory", "devices"),
        ("inventory all", "devices all"),
        ("cancel", "cancel"),
        ("cancel 17", "cancel 17"),
        ("!!", "again"),
        ("!again", "again"),
        ("history", "history"),
        ("whoami", "whoami"),
        ("status", "status"),
    ] {
        let question = parse(text, &verbs()).unwrap_or_else(|error| panic!("{text}: {}", error.report()));
        let canonical = nocbot::command::canonical(&question);
        assert_eq!(canonical, meant, "{text}");
        let again = parse(&canonical, &verbs()).unwrap();
        assert_eq!(shape(&again), shape(&question), "{text}");
    }
}

#[test]
fn what_is_refused() {
    for (text, column, message, hint) in [
        ("", 1, "no question", "`help`"),
        ("nocbot", 1, "no question", "`help`"),
        ("vrf", 4, "which devices", "vrf r1"),
        ("vrf | count", 5, "which devices", "vrf r1"),
        ("r1 vrf", 1, "there is no verb `r1`", "`vrf r1`"),
        ("r1 route vrf RED | count", 1, "there is no verb", "`route r1 vrf RED | count`"),
        ("vrrf r1", 1, "there is no verb `vrrf`", "`vrf`"),
        ("reload r1", 1, "there is no verb", "help"),
        ("s r1", 1, "`s` could be", "one more letter"),
        ("version r1 r2", 12, "`r2`", "`version r1,r2`"),
        ("version r1 RED", 12, "`RED`", "devices and nothing else"),
        ("route r1 10.0.0.0/8 10.0.0.1", 21, "one value too many", "vrf"),
        ("vrf r1; reload", 7, "only one command", "one question"),
        ("vrf r1\nreload", 7, "only one command", "vrf r1"),
        ("vrf r1 `reload`", 8, "only one command", "vrf r1"),
        ("vrf r1 $(reload)", 8, "only one command", "vrf r1"),
        ("vrf r1 > flash:x", 8, "only one command", "vrf r1"),
        ("vrf r1 && reload", 8, "only one command", "vrf r1"),
        ("show r1 version; reload", 16, "only one command", "show r1 version"),
        ("show r1 version | redirect ftp://x/y", 19, "evaluated by nocbot", "include"),
        ("show r1 version | tee flash:x", 19, "no stage `tee`", "include"),
        ("show r1 run | append flash:x", 15, "no stage `append`", "include"),
        ("show r1 run | includ x y | cout", 28, "no stage `cout`", "`count`"),
        ("show r1 version |", 18, "a stage is missing", "include"),
        ("show r1 version || reload", 18, "a stage is missing", "include"),
        ("show version", 13, "both devices and a command", "`show version on all`"),
        ("show", 5, "which devices", "show r1 version"),
        ("show ip route on", 17, "which devices", "show r1 version"),
        ("tcp r1", 7, "needs port", "tcp r1 22"),
        ("ping r1 vrf RED", 13, "for devices", "ping DEVICE HOST"),
        ("ping r1 10.0.0.1 df", 18, "not for devices", "ping HOST"),
        ("mping src=r1", 13, "needs dst", "mping"),
        ("ping r1 224.0.0.1", 9, "224.0.0.0/4", "ping r1"),
        ("ping r1 127.1", 9, "no address", "ping r1"),
        ("ping r1 10.0.0.1 count 0", 24, "between 1 and 100", "1 to 100"),
        ("ping r1 10.0.0.1 count", 23, "`count` needs a value", "ping r1"),
        ("ping r1 10.0.0.1 cont=3", 18, "no `cont=`", "`count`"),
        ("ping r1 10.0.0.1 count 3 count 4", 32, "given twice", "ping r1"),
        ("ping r1 10.0.0.1 vrf RED;reload", 25, "only one command", "ping r1"),
        ("log r1 x", 8, "no whole number", "1 to 1000"),
        ("bgp all | where sate = up", 17, "no column `sate`", "`state`"),
        ("bgp all | where state", 22, "comparison is missing", "where state != Established"),
        ("bgp all | where state = a b", 27, "`and` or `or`", "quotes"),
        ("bgp all | select neighbor | where state = up", 35, "no column `state`", "neighbor"),
        ("bgp all | count | sort as", 24, "no column `as`", "rows"),
        ("bgp all | sort", 15, "name of a column", "sort [-]COL"),
        ("bgp all | top uptime", 15, "number", "top 5"),
        ("bgp all | count state", 17, "no more than `count`", "bgp"),
        ("bgp all | json | count", 18, "behind a file", "last"),
        ("bgp all | include (", 19, "no regular expression", "backslash"),
        ("bgp all | include", 18, "something to look for", "bgp"),
        ("bgp all | include \"x", 19, "never closed", "quote"),
        ("bgp all | i x | se y", 17, "`se` could be", "one more letter"),
        ("vrf \"r1", 5, "never closed", "vrf r1"),
        ("vrf site=ams", 9, "does not choose", "`site:…`"),
        ("vrf r1,", 8, "missing behind `,`", "vrf r1"),
        ("help me", 6, "no help about `me`", "vrf"),
        ("whoami now", 8, "takes nothing more", "`whoami`"),
        ("help | count", 6, "no rows", "vrf r1"),
        ("explain", 8, "needs a question", "vrf r1"),
        ("explain explain vrf r1", 16, "cannot be explained", "once"),
        ("vrf r1 \u{7}", 8, "U+0007", "plain text"),
        ("😀 r1", 1, "there is no verb", "help"),
        ("vrf r1 😀", 8, "`😀`", "vrf r1"),
        ("vrf 😀", 5, "`😀` cannot stand", "vrf r1"),
    ] {
        let Err(error) = ask(text) else { panic!("{text} is accepted") };
        assert_eq!(error.kind(), Kind::Question, "{text}");
        check_error(&error);
        assert_eq!(error.place().unwrap().column, column, "{text}: {}", error.report());
        assert!(error.message().contains(message), "{text}: {}", error.report());
        assert!(error.hints().iter().any(|found| found.contains(hint)), "{text}: {}", error.report());
    }
}

#[test]
fn bounds() {
    for text in [
        "x".repeat(10_000),
        format!("vrf {}", ["r1"; 100].join(",")),
        format!("vrf r1{}", " | count".repeat(30)),
        format!("bgp r1 | where {}", ["as = 1"; 80].join(" or ")),
        format!("bgp r1 | where {}as = 1", "(".repeat(40)),
        format!("bgp r1 | where as in {}", ["1"; 300].join(",")),
        format!("show r1 x | select {}", ["a"; 80].join(",")),
    ] {
        let error = ask(&text).unwrap_err();
        assert_eq!(error.kind(), Kind::Limit, "{}", error.report());
        check_error(&error);
    }
}

#[test]
fn every_example_of_every_verb_is_a_question() {
    for verb in verbs().values() {
        assert!(!verb.examples.is_empty(), "{}", verb.name);
        for example in &verb.examples {
            let question = parse(example, &verbs()).unwrap_or_else(|error| panic!("{}", error.report()));
            assert_eq!(question.verb().unwrap().name, verb.name, "{example}");
        }
    }
}

#[test]
fn defaults_are_filled_in() {
    let question = parse("log r1", &verbs()).unwrap();
    let Command::Verb { arguments, .. } = question.command else { panic!() };
    assert_eq!(arguments["count"].to_string(), "50");
}
