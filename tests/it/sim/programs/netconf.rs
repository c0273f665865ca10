//! NETCONF of the simulated devices.

use nocbot::transport::netconf::{Filter, Operation};
use tokio_util::sync::CancellationToken;

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
