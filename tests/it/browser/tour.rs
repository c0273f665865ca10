//! The questions of a first hour on the demonstration, on a phone and on a desk.
//!
//! `NOCBOT_SCREENS=<folder>` keeps a picture of each answer, for the eyes of whoever works on the page.

use super::browser;
use super::demo::demo;

const QUESTIONS: &[(&str, &str)] = &[
    ("vrf", "vrf r1"),
    ("bgp", "bgp all"),
    ("interfaces", "interfaces all"),
    ("route", "route all 10.255.0.4"),
    ("help", "help"),
    ("help-bgp", "help bgp"),
    ("explain", "explain bgp all"),
    ("lldp", "lldp all"),
    ("config", "show r1 running-config"),
    ("section", "show r1 running-config | section interface"),
    ("wrong-verb", "vfr r1"),
    ("wrong-device", "vrf r9"),
    ("none", "bgp all | where state = nothing"),
    ("devices", "devices"),
    ("history", "history"),
    ("status", "status"),
];

/// Whatever is wider than the page.
const WIDE: &str = "[document.documentElement, ...document.querySelectorAll('main, .body > *, .foot, .prose, .refusal')]\
    .filter(element => element.scrollWidth > element.clientWidth + 1).map(element => element.outerHTML.slice(0, 80))";

#[tokio::test]
async fn every_answer_of_the_first_hour_fits_the_screen() {
    let Some(browser) = browser().await else { return };
    let folder = std::env::var_os("NOCBOT_SCREENS").map(std::path::PathBuf::from);
    let (mut process, address) = demo().await;
    let screens: &[(&str, u32, u32, &str)] = &[
        ("phone-dark", 360, 740, "dark"),
        ("desk-light", 1280, 800, "light"),
        ("phone-light", 360, 740, "light"),
        ("desk-dark", 1280, 800, "dark"),
    ];
    for (name, width, height, scheme) in screens.iter().take(if folder.is_some() { 4 } else { 1 }) {
        browser.screen(*width, *height).await;
        browser.scheme(scheme).await;
        browser.open(&format!("http://{address}/")).await;
        browser.eval("localStorage.clear(); sessionStorage.clear()").await;
        browser.open(&format!("http://{address}/")).await;
        browser.until("document.querySelector('#state').dataset.state === 'online'").await;
        for (what, question) in QUESTIONS {
            let before = browser.eval("document.querySelectorAll('noc-turn').length").await;
            browser.type_text(question).await;
            browser.press("Escape").await;
            browser.press("Enter").await;
            browser
                .until(&format!(
                    "document.querySelectorAll('noc-turn')[{before}]?.dataset.state === 'answered'"
                ))
                .await;
            assert_eq!(browser.eval(WIDE).await, serde_json::json!([]), "{question} at {width}");
            if let Some(folder) = &folder {
                browser.screenshot(&folder.join(format!("{name}-{what}.png"))).await;
            }
        }
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
    process.kill().await.unwrap();
}
