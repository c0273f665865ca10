//! RESTCONF of the simulated devices.

use nocbot::error::FailureKind;
use nocbot::transport::restconf::{Content, Depth, Fields, Query};

use super::super::start;
use super::Asker;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documents_say_what_the_command_line_says() {
    let asker = Asker::new(start(&[]).await);
    let all = asker.json("r5", "Cisco-IOS-XE-native:native").await;
    let native = &all["Cisco-IOS-XE-native:native"];
    assert_eq!(native["hostname"], "r5");
    assert_eq!(native["version"], "17.9");
    let port = &native["interface"]["GigabitEthernet"][0];
    assert_eq!(native["vrf"]["definition"][0]["name"], "BLUE");
    assert_eq!(native["vrf"]["definition"][0]["rd"], "65000:20");
    assert!(port["name"].is_string(), "{port}");
    assert_eq!(native["interface"]["Loopback"][0]["ip"]["address"]["primary"]["address"], "10.255.0.5");

    let all = asker.json("r5", "Cisco-IOS-XE-interfaces-oper:interfaces").await;
    let interfaces = all["Cisco-IOS-XE-interfaces-oper:interfaces"]["interface"].as_array().unwrap();
    let state = asker.json("r5", "ietf-interfaces:interfaces-state").await;
    assert_eq!(
        state["ietf-interfaces:interfaces-state"]["interface"].as_array().unwrap().len(),
        interfaces.len()
    );

    for (path, list) in [
        ("Cisco-IOS-XE-vrf-oper:vrf-oper-data", "vrf-entry"),
        ("Cisco-IOS-XE-arp-oper:arp-data", "arp-vrf"),
        ("Cisco-IOS-XE-lldp-oper:lldp-entries", "lldp-entry"),
        ("ietf-interfaces:interfaces", "interface"),
        ("ietf-routing:routing-state", "routing-instance"),
        ("Cisco-IOS-XE-bgp-oper:bgp-state-data/neighbors", "neighbor"),
        ("Cisco-IOS-XE-device-hardware-oper:device-hardware-data/device-hardware", "device-inventory"),
    ] {
        let document = asker.json("r5", path).await;
        let (_, inside) = document.as_object().unwrap().iter().next().unwrap();
        assert!(!inside[list].as_array().unwrap().is_empty(), "{path}: {document}");
    }
    // The whole datastore: every document is printed.
    let whole = asker.get("r5", "", Query::default()).await.unwrap();
    assert!(whole.text.contains("ietf-yang-library:modules-state"));
    asker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_depth_fields_and_what_is_not_there() {
    let asker = Asker::new(start(&[]).await);
    let interfaces = "ietf-interfaces:interfaces";
    let one = asker.json("r5", &format!("{interfaces}/interface[name='GigabitEthernet0/0/3']")).await;
    let entries = one["ietf-interfaces:interface"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["description"], "transit, not delivered yet");

    let query = Query { depth: Some(Depth::parse("2").unwrap()), ..Query::default() };
    let shallow = asker.get("r5", interfaces, query).await.unwrap();
    let shallow: serde_json::Value = serde_json::from_str(&shallow.text).unwrap();
    assert_eq!(shallow["ietf-interfaces:interfaces"]["interface"][0], serde_json::json!({}));

    let query = Query {
        fields: Some(Fields::parse("interface(name;ietf-ip:ipv4/address/ip)").unwrap()),
        ..Query::default()
    };
    let some = asker.get("r5", interfaces, query).await.unwrap();
    assert!(some.text.contains("10.255.0.5") && !some.text.contains("netmask"), "{}", some.text);

    let none = asker.get("r5", &format!("{interfaces}/interface=eth9"), Query::default()).await.unwrap();
    assert!(none.nothing, "{}", none.text);
    let wrong = asker.get("r5", "no-such-module:x", Query::default()).await;
    assert!(wrong.is_err() || wrong.unwrap().nothing);
    let query = Query { content: Some(Content::Nonconfig), ..Query::default() };
    let none = asker.get("r5", interfaces, query).await.unwrap();
    assert!(none.nothing, "{}", none.text);
    let unknown = asker.get("r1", interfaces, Query::default()).await.unwrap_err();
    assert!(matches!(unknown.kind, FailureKind::Connect | FailureKind::Auth), "{unknown:?}");
    asker.stop().await;
}
