//! Targets and the devices that they choose.

use std::sync::Arc;

use nocbot::answer::{Answer, text};
use nocbot::command::{help, parse, resolve, understand};
use nocbot::error::{Error, Kind};
use nocbot::inventory::Inventory;
use nocbot::profile::{Level, Platform, Samples, SessionKind, ShowGate};

use super::{catalogue, check_error, device, small, verbs};

fn choose_in(text: &str, catalogue: &nocbot::catalogue::Catalogue) -> Result<Vec<String>, Error> {
    let question =
        parse(&format!("vrf {text}"), &verbs()).unwrap_or_else(|error| panic!("{}", error.report()));
    let devices = resolve(question.targets().unwrap(), catalogue)?;
    Ok(devices.iter().map(|device| device.name.clone()).collect())
}

fn choose(text: &str) -> Result<Vec<String>, Error> {
    choose_in(text, &small())
}

#[test]
fn what_targets_choose() {
    for (text, devices) in [
        ("r1", "r1"),
        ("R1", "r1"),
        ("core-sw-1", "core-sw-1"),
        ("r10,r2,r1,r2", "r1 r2 r10"),
        ("all", "core-sw-1 core-sw-2 r1 r2 r3 r4 r5 r10"),
        ("r*", "r1 r2 r3 r4 r5 r10"),
        ("R?", "r1 r2 r3 r4 r5"),
        ("r[1-3]", "r1 r2 r3"),
        ("r[!1-3]", "r4 r5"),
        ("/^r[12]$/", "r1 r2"),
        ("@core", "r1 r2 r3"),
        ("@CORE", "r1 r2 r3"),
        ("core", "r1 r2 r3"),
        ("switches", "core-sw-1 core-sw-2"),
        ("lab", "r3"),
        ("site:ams", "core-sw-1 r1 r2"),
        ("SITE:AMS", "core-sw-1 r1 r2"),
        ("site:f*", "core-sw-2 r3 r4"),
        ("group:edge", "r4 r5 r10"),
        ("name:r*", "r1 r2 r3 r4 r5 r10"),
        ("host:10.255.0.0/24", "r1 r2 r3 r4"),
        ("host:r5.example.net", "r5"),
        ("tags:bgp", "r5"),
        ("platform:frr & @lab", "r3"),
        ("10.255.0.4", "r4"),
        ("2001:DB8:0::10", "r10"),
        ("r5.example.net", "r5"),
        ("@core & site:ams", "r1 r2"),
        ("@core - r2", "r1 r3"),
        ("@core -r2", "r1 r3"),
        ("@core-r2", "r1 r3"),
        ("@switches-core-sw-1", "core-sw-2"),
        ("all-r1", "core-sw-1 core-sw-2 r2 r3 r4 r5 r10"),
        ("site:ams-r1", "core-sw-1 r2"),
        ("r1,r2 & @core - r2", "r1"),
        ("core-sw-2 , r1", "core-sw-2 r1"),
    ] {
        let found = choose(text).unwrap_or_else(|error| panic!("{}", error.report()));
        assert_eq!(found.join(" "), devices, "{text}");
    }
}

#[test]
fn what_targets_do_not_choose() {
    for (text, column, message, hint) in [
        ("r99", 5, "nothing in the inventory is called `r99`", "`r"),
        ("core-sw-3", 5, "`core-sw-3`", "`core-sw-1` or `core-sw-2`"),
        ("core-", 5, "could be 2 devices: core-sw-1, core-sw-2", "core-*"),
        ("zzz", 5, "`zzz`", "devices here: core-sw-1, core-sw-2, r1, r2"),
        ("@cor", 5, "no group `cor`", "`@core`"),
        ("@zzzzzzz", 5, "no group", "groups here: core, edge, lab, switches"),
        ("r1,r9", 8, "`r9`", "did you mean"),
        ("all - zzz", 11, "`zzz`", "devices here"),
        ("x*", 5, "`x*` matches no device", "devices here"),
        ("/^x/", 5, "matches no device", "devices here"),
        ("sit:ams", 5, "no device has the key `sit`", "`site`"),
        ("site:amx", 5, "no device has site `amx`", "`ams`"),
        ("site:zzzzzz", 5, "site `zzzzzz`", "ams, fra, lon"),
        ("r1 & r2", 5, "no device is left of `r1 & r2`", "`r1` is r1; `r2` is r2"),
        ("r1 - r1", 5, "no device is left", "takes away"),
        ("10.9.9.9", 5, "`10.9.9.9`", "devices here"),
        ("10.255.0.0/24", 5, "10.255.0.0/24", "`host:10.255.0.0/24`"),
        ("r[1", 5, "never closed", "r[1-3]"),
    ] {
        let error = choose(text).unwrap_err();
        assert_eq!(error.kind(), Kind::Question);
        check_error(&error);
        assert_eq!(error.place().unwrap().column, column, "{text}: {}", error.report());
        assert!(error.message().contains(message), "{text}: {}", error.report());
        assert!(error.hints().iter().any(|found| found.contains(hint)), "{text}: {}", error.report());
    }
}

#[test]
fn names_are_never_guessed() {
    let network = catalogue([
        device("edge1.ams.example.net", "10.0.0.1", "", ""),
        device("edge10.ams.example.net", "10.0.0.2", "", ""),
        device("Twin", "10.0.0.3", "", ""),
        device("twin", "10.0.0.3", "", ""),
        device("paris-1", "10.0.0.4", "pe", ""),
        device("lyon-1", "10.0.0.5", "paris,lyon", ""),
    ]);
    // The first label of a full name is the device, although it also begins another one.
    assert_eq!(choose_in("edge1", &network).unwrap(), ["edge1.ams.example.net"]);
    assert_eq!(choose_in("EDGE10", &network).unwrap(), ["edge10.ams.example.net"]);
    assert_eq!(choose_in("Twin", &network).unwrap(), ["Twin"]);
    assert_eq!(choose_in("ly", &network).unwrap(), ["lyon-1"]);
    // A group whose only member is the device that it begins says the same.
    assert_eq!(choose_in("lyon", &network).unwrap(), ["lyon-1"]);
    for (text, message) in [
        ("TWIN", "could be 2 devices: Twin, twin"),
        ("edge", "could be 2 devices"),
        ("10.0.0.3", "could be 2 devices"),
        ("paris", "the device paris-1 or the group paris"),
    ] {
        let error = choose_in(text, &network).unwrap_err();
        assert!(error.message().contains(message), "{}", error.report());
    }
}

#[test]
fn an_empty_inventory_says_so() {
    let error = choose_in("all", &catalogue([])).unwrap_err();
    assert!(error.message().contains("no devices"), "{}", error.report());
    let error = understand("vrf", &catalogue([])).unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.contains("no devices yet")), "{}", error.report());
}

#[test]
fn devices_behind_the_words_are_seen() {
    for (text, meant) in [
        ("show version r1", "`show r1 version`"),
        ("show ip route r3 | count", "`show r3 ip route | count`"),
        ("ping 10.0.0.1 r1", "`ping r1 10.0.0.1`"),
        ("route 10.0.0.0/8 @core", "`route @core 10.0.0.0/8`"),
        ("explain show version r1", "`explain show r1 version`"),
    ] {
        let error = match understand(text, &small()) {
            Ok(question) => resolve(question.targets().unwrap(), &small()).unwrap_err(),
            Err(error) => error,
        };
        check_error(&error);
        assert!(error.hints().iter().any(|hint| hint.contains(meant)), "{text}: {}", error.report());
    }
}

#[test]
fn hints_name_what_is_here() {
    let network = catalogue([
        device("lon-2", "10.0.0.2", "uk", "site=lon"),
        device("lon-10", "10.0.0.10", "uk", "site=lon"),
    ]);
    for (text, hint) in [
        ("vrf", "devices here: lon-2, lon-10; groups: @uk"),
        ("vrf", "for example: `vrf lon-2`"),
        ("vrf lon-2 RED x", "for example: `vrf lon-2`"),
        ("vrf lon-2 lon-10", "for example: `vrf lon-2,lon-10`"),
        ("vrf lon-2 lon-10", "if you mean only this one: `vrf lon-2 vrf=lon-10`"),
        ("bgp all | foo", "for example: `bgp @uk | where state != Established`"),
        ("lon-2", "`lon-2` is a device"),
        ("lon-2", "for example: `vrf lon-2`"),
        ("lon-10 bgp", "`bgp lon-10`"),
    ] {
        let error = understand(text, &network).unwrap_err();
        check_error(&error);
        assert!(error.hints().iter().any(|found| found.contains(hint)), "{text}: {}", error.report());
    }
    let error = choose_in("r1", &network).unwrap_err();
    assert!(error.hints().iter().any(|found| found == "for example: `vrf lon-2`"), "{}", error.report());
}

#[test]
fn a_platform_goes_by_all_its_names() {
    let mut network = small();
    let mut other = device("old-1", "10.0.0.9", "", "");
    other.platform = "acme_ios".into();
    network.inventory = Arc::new(Inventory::new([device("r1", "10.0.0.1", "", ""), other]));
    for (name, title, alias) in [("frr", "FRRouting", "frrouting"), ("acme_os", "Acme OS", "acme_ios")] {
        network.platforms.insert(name.into(), Arc::new(platform(name, title, alias)));
    }
    for (text, devices) in [
        ("platform:acme_os", "old-1"),
        ("platform:ACME_IOS", "old-1"),
        ("platform:acme*", "old-1"),
        ("platform:frrouting", "r1"),
    ] {
        assert_eq!(choose_in(text, &network).unwrap().join(" "), devices, "{text}");
    }
    let page = text::render(&Answer::of("help vrf", help(Some("vrf"), &network)), None);
    assert!(page.contains("Platforms: Acme OS, FRRouting."), "{page}");
    let page = text::render(&Answer::of("help bgp", help(Some("bgp"), &network)), None);
    assert!(page.contains("No platform answers it yet."), "{page}");
}

fn platform(name: &str, title: &str, alias: &str) -> Platform {
    Platform {
        name: name.into(),
        title: title.into(),
        aliases: vec![alias.into()],
        port: 22,
        level: Level::default(),
        session: SessionKind::default(),
        prompts: Vec::new(),
        login: None,
        enable: None,
        open: Vec::new(),
        close: None,
        pagers: Vec::new(),
        rejections: Vec::new(),
        secrets: Vec::new(),
        show: ShowGate::default(),
        jsonrpc: None,
        paths: std::collections::BTreeMap::default(),
        verbs: [("vrf".to_owned(), Vec::new())].into(),
        samples: Samples::default(),
    }
}
