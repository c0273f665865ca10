//! Command lines over JSON-RPC, against what the same command lines print over SSH.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use nocbot::transport::http::{Ask, Endpoint, Http, Settings};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::client::{exec, login};
use super::super::start;
use super::soon;

async fn run(endpoint: &Endpoint, cmds: &[&str], format: &str) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": "7", "method": "runCmds",
        "params": {"version": 1, "format": format, "cmds": cmds}});
    let ask = Ask {
        method: Method::POST,
        path: "/command-api".to_owned(),
        accept: "application/json",
        body: Some((Bytes::from(request.to_string()), "application/json".to_owned())),
        deadline: soon(),
        cancel: CancellationToken::new(),
    };
    let answer = Http::new(Settings::default()).send(endpoint, &ask).await.unwrap();
    assert_eq!(answer.status, 200);
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_give_the_documents_of_the_command_line() {
    let running = start(&[]).await;
    let device = Arc::clone(running.inventory().get("r2").unwrap());
    let endpoint = Endpoint::of(&device, &device.login.jsonrpc);
    let commands = [
        "show version",
        "show vrf",
        "show interfaces",
        "show ip interface vrf all",
        "show ip route vrf RED",
        "show ipv6 route",
        "show ip bgp summary vrf all",
        "show ipv6 bgp summary vrf all",
        "show ip arp",
        "show lldp neighbors detail",
        "show hostname",
    ];
    let reply = run(&endpoint, &commands, "json").await;
    assert_eq!(reply["id"], "7");
    let results = reply["result"].as_array().unwrap_or_else(|| panic!("{reply}"));
    assert_eq!(results.len(), commands.len());
    assert_eq!(results[0]["modelName"], "DCS-7280SR-48C6-M-F");
    assert_eq!(results[1]["vrfs"]["RED"]["routeDistinguisher"], "65000:10");
    assert_eq!(results[2]["interfaces"]["Ethernet4"]["interfaceStatus"], "notconnect");
    assert!(results[4]["vrfs"]["RED"]["routes"]["172.16.1.0/24"].is_object(), "{}", results[4]);
    assert_eq!(results[6]["vrfs"]["default"]["peers"]["10.255.0.1"]["peerState"], "Established");
    assert_eq!(results[10]["hostname"], "r2");
    let (printed, _) = exec(&login(&running, "r2").await, "show vrf | json").await;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed, results[1]);

    let text = run(&endpoint, &["enable", "show hostname"], "text").await;
    assert_eq!(text["result"][1]["output"], "Hostname: r2\nFQDN:     r2\n");
    let failed = run(&endpoint, &["show vrf", "show nonsense"], "json").await;
    assert_eq!(failed["error"]["code"], 1002, "{failed}");
    assert_eq!(failed["error"]["message"], "CLI command 2 of 2 'show nonsense' failed: invalid command");
    assert!(
        failed["error"]["data"][0]["vrfs"].is_object() && failed["error"]["data"][1]["errors"].is_array()
    );
    let unconverted = run(&endpoint, &["show users"], "json").await;
    assert_eq!(unconverted["error"]["code"], 1003, "{unconverted}");
    assert!(running.inventory().get("r6").unwrap().login.jsonrpc.port.is_none(), "an old release");
    running.stop().await;
}
