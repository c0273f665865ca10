//! NETCONF of the simulated devices.

use nocbot::error::FailureKind;
use nocbot::transport::netconf::{Element, Filter, GetData, Operation, Settings};
use tokio_util::sync::CancellationToken;

use super::super::client::{exec, login};
use super::super::start;
use super::{Asker, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capabilities_filters_and_schemas() {
    let asker = Asker::new(start(&[]).await);
    let target = asker.target("r5");
    let can = asker.netconf.capabilities(&target, soon(), &CancellationToken::new()).await.unwrap();
    assert!(can.base("1.0") && can.base("1.1") && can.protocol("xpath").is_some());
    assert!(can.modules().any(|module| module.name == "Cisco-IOS-XE-native" && module.revision.is_some()));

    let filter = "<native xmlns='http://cisco.com/ns/yang/Cisco-IOS-XE-native'><hostname/><vrf/></native>";
    let reply = asker.rpc("r5", Operation::get_config(Filter::subtree(filter).unwrap())).await.unwrap();
    assert!(reply.text.contains("<hostname>r5</hostname>"), "{}", reply.text);
    assert!(
        reply.text.contains("<rd>65000:20</rd>") && !reply.text.contains("<interface>"),
        "{}",
        reply.text
    );

    let select = "/if:interfaces/if:interface[if:name='Loopback0']/ip:ipv4".to_owned();
    let namespaces = vec![
        ("if".to_owned(), "urn:ietf:params:xml:ns:yang:ietf-interfaces".to_owned()),
        ("ip".to_owned(), "urn:ietf:params:xml:ns:yang:ietf-ip".to_owned()),
    ];
    let reply = asker.rpc("r5", Operation::get(Filter::XPath { select, namespaces })).await.unwrap();
    assert!(
        reply.text.contains("<name>Loopback0</name>") && reply.text.contains("10.255.0.5"),
        "{}",
        reply.text
    );
    assert!(!reply.text.contains("Gigabit"), "{}", reply.text);

    let schema =
        Operation::GetSchema { identifier: "ietf-interfaces".to_owned(), version: None, format: None };
    let text = asker.rpc("r5", schema).await.unwrap().content().unwrap();
    assert!(text.starts_with("module ietf-interfaces {") && text.contains("list interface {"), "{text}");
    asker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_framing_data_of_datastores_and_errors() {
    let settings = Settings { chunks: false, ..Settings::default() };
    let asker = Asker::with(start(&[]).await, settings);
    let filter = "<native xmlns='http://cisco.com/ns/yang/Cisco-IOS-XE-native'><hostname/></native>";
    let wanted = Filter::subtree(filter).unwrap();
    let reply = asker.rpc("r5", Operation::get(wanted.clone())).await.unwrap();
    assert!(reply.text.contains("<hostname>r5</hostname></native></data>"), "{}", reply.text);
    let data = GetData { filter: Some(wanted), ..GetData::default() };
    let reply = asker.rpc("r5", Operation::GetData(data)).await.unwrap();
    assert!(reply.text.contains("<hostname>r5</hostname>"), "{}", reply.text);

    // A content match selects entries, and a sibling says what of them.
    let filter = "<interfaces xmlns='urn:ietf:params:xml:ns:yang:ietf-interfaces'><interface>\
                  <name>Loopback0</name><enabled/></interface></interfaces>";
    let reply = asker.rpc("r5", Operation::get(Filter::subtree(filter).unwrap())).await.unwrap();
    let entry = "<interface><name>Loopback0</name><enabled>true</enabled></interface>";
    assert!(reply.text.contains(&format!(">{entry}</interfaces></data>")), "{}", reply.text);

    let unknown = Operation::Rpc(Element::new("get-weather").unwrap().namespace("urn:x"));
    let failure = asker.rpc("r5", unknown).await.unwrap_err();
    assert!(
        failure.message.contains("get-weather") && failure.message.contains("unknown-element"),
        "{failure:?}"
    );
    let failure = asker.rpc("r4", Operation::get(None)).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Connect | FailureKind::Unsupported), "{failure:?}");
    asker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operational_rpcs_say_what_the_command_line_prints() {
    let asker = Asker::new(start(&[]).await);
    let shell = login(&asker.running, "r3").await;
    for (rpc, line) in [
        ("<get-interface-information><terse/></get-interface-information>", "show interfaces terse"),
        ("<get-instance-information><detail/></get-instance-information>", "show route instance detail"),
        ("<get-arp-table-information><no-resolve/></get-arp-table-information>", "show arp no-resolve"),
        ("<get-lldp-neighbors-information/>", "show lldp neighbors"),
        ("<get-software-information/>", "show version"),
        ("<get-chassis-inventory/>", "show chassis hardware"),
    ] {
        let element = Element::parse(rpc).unwrap().remove(0);
        let reply = asker.rpc("r3", Operation::Rpc(element)).await.unwrap();
        let (printed, _) = exec(&shell, &format!("{line} | display xml")).await;
        let inside = printed.split("<cli>").next().unwrap().split_once('>').unwrap().1.trim();
        assert!(reply.text.contains(inside), "{line}:\n{}\n{printed}", reply.text);
    }
    for (rpc, words) in [
        ("<get-bgp-summary-information/>", "<peer-state junos:format=\"Establ\">Established</peer-state>"),
        ("<get-bgp-neighbor-information/>", "<peer-cfg-rti>master</peer-cfg-rti>"),
        (
            "<get-route-information><table>RED.inet.0</table></get-route-information>",
            "<rt-destination>172.16.1.0/24<",
        ),
        (
            "<get-interface-information><extensive/><interface-name>ge-0/0/2</interface-name></get-interface-information>",
            "<description>RED data centre</description>",
        ),
    ] {
        let element = Element::parse(rpc).unwrap().remove(0);
        let reply = asker.rpc("r3", Operation::Rpc(element)).await.unwrap();
        assert!(reply.text.contains(words), "{rpc}: {}", reply.text);
    }
    let element = Element::parse(
        "<get-interface-information><interface-name>nope</interface-name></get-interface-information>",
    );
    let failure = asker.rpc("r3", Operation::Rpc(element.unwrap().remove(0))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Rejected, "{failure:?}");
    asker.stop().await;
}
