//! The main job, as the README promises it: `nocbot demo`, a browser, `vrf r1`, a table.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::browser;

/// Starts the demonstration and reads its address from what it prints.
pub(super) async fn demo() -> (Child, SocketAddr) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_nocbot"))
        .args(["demo", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let find = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let address =
                line.split_once("http://").and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
            if let Some(address) = address {
                return Some(address);
            }
        }
        None
    };
    let address = timeout(Duration::from_secs(30), find)
        .await
        .expect("no address in time")
        .expect("it printed no address");
    // Whatever it prints later must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (process, address)
}

#[tokio::test]
async fn vrf_r1_in_a_browser() {
    let Some(browser) = browser().await else { return };
    let (mut process, address) = demo().await;
    browser.screen(1280, 800).await;
    browser.scheme("dark").await;
    browser.open(&format!("http://{address}/")).await;
    browser.until("document.querySelector('#state').dataset.state === 'online'").await;

    // Completion knows the verbs and the devices of the demonstration.
    browser.type_text("vr").await;
    browser.until("document.querySelector('#completions .word')?.textContent === 'vrf'").await;
    browser.press("Tab").await;
    browser.type_text("r1").await;
    browser.press("Escape").await;
    browser.press("Enter").await;
    browser.until("document.querySelector('noc-turn')?.dataset.state === 'answered'").await;

    let table = "document.querySelector('noc-turn table')";
    let headings =
        browser.eval(&format!("[...{table}.tHead.rows[0].cells].map(cell => cell.textContent)")).await;
    let headings: Vec<&str> =
        headings.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let column = |name: &str| {
        headings
            .iter()
            .position(|heading| *heading == name)
            .unwrap_or_else(|| panic!("no column {name} in {headings:?}"))
    };
    let rows = browser.eval(&format!("[...{table}.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))")).await;
    let rows = rows.as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(row.as_array().unwrap().len(), headings.len(), "{row}");
        assert_ne!(row[column("vrf")], "–", "{row}");
    }
    assert!(
        rows.iter().any(|row| row[column("rd")].as_str().unwrap().contains(':')),
        "no route distinguisher: {rows:?}"
    );

    // The files of the answer.
    let csv = browser
        .eval("fetch(document.querySelector('a[href$=\".csv\"]').href).then(response => response.text())")
        .await;
    let first = rows[0][column("vrf")].as_str().unwrap();
    assert!(
        csv.as_str().unwrap().lines().next().unwrap().contains("vrf")
            && csv.as_str().unwrap().contains(first),
        "{csv}"
    );
    let json = browser
        .eval("fetch(document.querySelector('a[href$=\".json\"]').href).then(response => response.json())")
        .await;
    assert_eq!(json["rows"].as_array().unwrap().len(), rows.len());

    // History, and several devices at once.
    browser.press("ArrowUp").await;
    assert_eq!(browser.eval("document.querySelector('#ask').value.trim()").await, "vrf r1");
    browser.eval("document.querySelector('#ask').value = ''").await;
    browser.type_text("bgp all").await;
    browser.press("Escape").await;
    browser.press("Enter").await;
    browser.until("document.querySelectorAll('noc-turn')[1]?.dataset.state === 'answered'").await;
    assert!(
        browser
            .eval("document.querySelectorAll('noc-turn')[1].querySelectorAll('tbody tr').length")
            .await
            .as_u64()
            .unwrap()
            > 1
    );
    if let Some(file) = std::env::var_os("NOCBOT_SCREENSHOT") {
        browser.eval("document.querySelector('main').scrollTop = 0").await;
        browser.screenshot(file.as_ref()).await;
    }

    // On a phone nothing is wider than the screen but the tables inside themselves.
    browser.screen(360, 740).await;
    let sizes = browser
        .eval(
            "[document.documentElement.scrollWidth, document.querySelector('main').scrollWidth, innerWidth]",
        )
        .await;
    assert_eq!(sizes, json!([360, 360, 360]));

    if let Some(file) = std::env::var_os("NOCBOT_SCREENSHOT_PHONE") {
        browser.eval("document.querySelector('main').scrollTop = 0").await;
        browser.screenshot(file.as_ref()).await;
    }

    // A foreign page is refused, and ours has broken no rule.
    assert_eq!(crate::web::socket::refusal(address, &[("origin", "http://evil.example")]).await, 403);
    assert_eq!(browser.complaints(), Vec::<String>::new());

    process.kill().await.unwrap();
}
