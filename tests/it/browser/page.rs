//! The page against a desk that answers from its pocket.

use std::sync::atomic::Ordering;
use std::time::Duration;

use nocbot::web::Limits;
use serde_json::json;

use super::browser;
use super::chromium::Browser;
use crate::web::{Console, console};

/// The last turn, and something in it.
const LAST: &str = "document.querySelector('#turns > li:last-child')";

async fn ready(browser: &Browser, console: &Console) {
    browser.open(&format!("http://{}/", console.address)).await;
    browser.until("document.querySelector('#state').dataset.state === 'online'").await;
}

async fn ask(browser: &Browser, text: &str) {
    let before = browser.eval("document.querySelectorAll('noc-turn').length").await.as_u64().unwrap();
    browser.eval("document.querySelector('#ask').focus()").await;
    browser.type_text(text).await;
    browser.press("Escape").await;
    browser.press("Enter").await;
    browser.until(&format!("document.querySelectorAll('noc-turn').length > {before}")).await;
}

async fn answered(browser: &Browser, text: &str) {
    ask(browser, text).await;
    browser.until(&format!("{LAST}.querySelector('noc-turn').dataset.state === 'answered'")).await;
}

/// No page is wider than its screen, whatever stands in it.
async fn assert_no_sideways_scroll(browser: &Browser) {
    let wide = "[document.documentElement, document.body, ...document.querySelectorAll('main, .dock, .body > *, .foot, .bar')]\
        .filter(element => element.scrollWidth > element.clientWidth + 1).map(element => element.tagName + '.' + element.className)";
    assert_eq!(browser.eval(wide).await, json!([]), "wider than the screen");
    let outside = "[...document.querySelectorAll('.foot *, .bar *, .dock *, .lost *')].filter(element => \
        element.getClientRects().length && !element.closest('.hidden') && element.getBoundingClientRect().right > innerWidth + 1)\
        .map(element => element.outerHTML.slice(0, 80))";
    assert_eq!(browser.eval(outside).await, json!([]), "beyond the right edge");
}

#[tokio::test]
async fn answers_of_every_sort() {
    let Some(browser) = browser().await else { return };
    let console = console(None, Limits::default()).await;
    browser.screen(360, 740).await;
    ready(&browser, &console).await;
    assert_no_sideways_scroll(&browser).await;
    assert!(
        browser.eval("document.querySelectorAll('#welcome .suggestion').length").await.as_u64().unwrap() >= 5
    );

    answered(&browser, "bgp all").await;
    let cells = browser.eval(&format!("[...{LAST}.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))")).await;
    assert_eq!(
        cells[2],
        json!(["r2", "default", "10.0.0.6", "4200000006", "Idle (Admin)", "–", "–", "to r6, maintenance"])
    );
    assert_eq!(cells[4][5], "914212");
    assert_eq!(cells[4][6], "12d02h");
    let failure = cells[0].as_array().unwrap();
    assert_eq!(failure[0], "r4");
    assert!(
        failure[1].as_str().unwrap().contains("timeout")
            && failure[1].as_str().unwrap().contains("raise timeout"),
        "{failure:?}"
    );
    let scopes = format!(
        "{LAST}.querySelectorAll('th[scope=col]').length + ' ' + {LAST}.querySelectorAll('th[scope=row]').length"
    );
    assert_eq!(browser.eval(&scopes).await, "8 8");
    let states = format!("[...{LAST}.querySelectorAll('.state')].map(state => state.className)");
    assert_eq!(
        browser
            .eval(&states)
            .await
            .as_array()
            .unwrap()
            .iter()
            .filter(|state| **state == "state trouble")
            .count(),
        2
    );
    assert_no_sideways_scroll(&browser).await;
    // The table scrolls inside itself; heading and first column stay.
    let stays = format!(
        "(() => {{ const scroller = {LAST}.querySelector('.scroller'); const first = scroller.querySelector('tbody:last-of-type th'); \
         const before = first.getBoundingClientRect().x; scroller.scrollLeft = 150; \
         return [scroller.scrollLeft, before === first.getBoundingClientRect().x]; }})()"
    );
    assert_eq!(browser.eval(&stays).await, json!([150, true]));
    let said = browser.eval("document.querySelector('#said').textContent").await;
    assert_eq!(said, "bgp all: 6 rows · 2 of 6 devices failed · 5.0 s");

    for question in ["dead all", "version r1", "help", "nonsense r1", "vrf r1"] {
        answered(&browser, question).await;
        assert_no_sideways_scroll(&browser).await;
    }
    let link = "document.querySelector('#turns > li:last-child a[href$=\".csv\"]').href";
    let file = browser.eval(&format!("fetch({link}).then(response => response.text())")).await;
    assert!(file.as_str().unwrap().contains("BLUE"), "{file}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn device_text_never_becomes_html() {
    let Some(browser) = browser().await else { return };
    let console = console(None, Limits::default()).await;
    ready(&browser, &console).await;
    answered(&browser, "html <img src=x onerror=alert(3)>").await;
    assert_eq!(browser.eval("document.querySelectorAll('#turns img, #turns script').length").await, 0);
    let text = browser.eval(&format!("{LAST}.innerText")).await;
    assert!(text.as_str().unwrap().matches("<script>").count() >= 7, "{text}");
    // The policy stands: no script of a string, whatever the page were to do.
    let inline = "new Promise(done => { document.addEventListener('securitypolicyviolation', event => done(event.violatedDirective)); \
        const script = document.createElement('script'); try { script.text = 'window.bad = 1'; document.body.append(script) } catch { done('refused') } \
        setTimeout(() => done('ran'), 1000) })";
    assert_ne!(browser.eval(inline).await, "ran");
    assert_eq!(browser.eval("window.bad === undefined").await, true);
}

#[tokio::test]
async fn completion_by_keys_and_by_touch() {
    let Some(browser) = browser().await else { return };
    let console = console(None, Limits::default()).await;
    browser.screen(360, 740).await;
    ready(&browser, &console).await;
    browser.type_text("v").await;
    browser.until("document.querySelector('#ask').getAttribute('aria-expanded') === 'true'").await;
    browser.press("Tab").await;
    assert_eq!(browser.eval("document.querySelector('#ask').value").await, "vrf ");
    // The devices follow at once; the second by arrow, which a screen reader hears of.
    browser.until("document.querySelectorAll('#completions li').length === 6").await;
    browser.press("ArrowDown").await;
    browser.press("ArrowDown").await;
    assert_eq!(
        browser.eval("document.querySelector('#ask').getAttribute('aria-activedescendant')").await,
        "completion-1"
    );
    assert_eq!(
        browser.eval("document.querySelector('#completion-1').getAttribute('aria-selected')").await,
        "true"
    );
    browser.press("Enter").await;
    assert_eq!(browser.eval("document.querySelector('#ask').value").await, "vrf r2 ");
    browser.press("Escape").await;
    browser.press("Enter").await;
    browser.until(&format!("{LAST} && {LAST}.querySelector('table')")).await;
    assert_eq!(browser.eval("document.querySelector('#ask').value").await, "");

    browser.type_text("bg").await;
    browser.until("document.querySelectorAll('#completions li').length === 1").await;
    browser.click("#completions li").await;
    assert_eq!(browser.eval("document.querySelector('#ask').value").await, "bgp ");
    assert_eq!(browser.eval("document.activeElement.id").await, "ask");
}

#[tokio::test]
async fn history_by_arrow_keys_outlives_the_page() {
    let Some(browser) = browser().await else { return };
    let console = console(None, Limits::default()).await;
    ready(&browser, &console).await;
    for question in ["vrf r1", "bgp all"] {
        answered(&browser, question).await;
    }
    let value = "document.querySelector('#ask').value";
    for (key, line) in [
        ("ArrowUp", "bgp all"),
        ("ArrowUp", "vrf r1"),
        ("ArrowUp", "vrf r1"),
        ("ArrowDown", "bgp all"),
        ("ArrowDown", ""),
    ] {
        browser.press(key).await;
        assert_eq!(browser.eval(value).await, line, "after {key}");
    }
    // The conversation is still there after a reload, and so is the history.
    ready(&browser, &console).await;
    assert_eq!(browser.eval("document.querySelectorAll('noc-turn table').length").await, 2);
    browser.press("ArrowUp").await;
    assert_eq!(browser.eval(value).await, "bgp all");
    browser.click("#turns > li:first-child .again").await;
    browser.until("document.querySelectorAll('noc-turn').length === 3").await;
    assert_eq!(browser.eval(&format!("{LAST}.querySelector('h2').textContent")).await, "vrf r1");
}

#[tokio::test]
async fn progress_and_cancel() {
    let Some(browser) = browser().await else { return };
    let console = console(None, Limits::default()).await;
    browser.screen(360, 740).await;
    ready(&browser, &console).await;
    ask(&browser, "slow all").await;
    browser
        .until(&format!(
            "{LAST}.querySelector('.waiting').textContent === '2 of 6 devices · waiting for r3, r4, r5, r6'"
        ))
        .await;
    assert_eq!(browser.eval(&format!("{LAST}.querySelector('progress').value")).await, 2);
    assert_eq!(browser.eval(&format!("{LAST}.querySelectorAll('.stream').length")).await, 1);
    assert_no_sideways_scroll(&browser).await;
    // Others are answered meanwhile.
    answered(&browser, "vrf r1").await;
    browser.click(".cancel").await;
    browser.until("document.querySelector('noc-turn').dataset.state === 'answered'").await;
    let text = browser.eval("document.querySelector('noc-turn .failures').textContent").await;
    assert!(text.as_str().unwrap().contains("cancelled"), "{text}");
    assert_eq!(console.desk.cancelled.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_lost_connection_is_shown_and_mended() {
    let Some(browser) = browser().await else { return };
    let limits = Limits { heartbeat: Duration::from_millis(200), ..Limits::default() };
    let console = console(None, limits).await;
    ready(&browser, &console).await;
    ask(&browser, "slow all").await;
    browser.offline(true).await;
    browser.until("document.querySelector('#state').dataset.state === 'offline'").await;
    browser.until("!document.querySelector('#banner').hidden").await;
    assert_eq!(browser.eval("document.querySelector('noc-turn').dataset.state").await, "unanswered");
    // What is typed now stays where it is.
    browser.type_text("vrf r1").await;
    browser.press("Enter").await;
    assert_eq!(browser.eval("document.querySelector('#ask').value").await, "vrf r1");
    browser.offline(false).await;
    browser.until("document.querySelector('#state').dataset.state === 'online'").await;
    browser.until("document.querySelector('#banner').hidden").await;
    browser.press("Enter").await;
    browser.until(&format!("{LAST}.querySelector('table')")).await;
    browser.click("noc-turn .again").await;
    browser.until("document.querySelectorAll('noc-turn').length === 3").await;
}

#[tokio::test]
async fn the_token_is_asked_for() {
    let Some(browser) = browser().await else { return };
    let console = console(Some("correct horse"), Limits::default()).await;
    browser.screen(360, 740).await;
    browser.open(&format!("http://{}/", console.address)).await;
    browser.until("document.activeElement.id === 'token'").await;
    browser.type_text("wrong").await;
    browser.press("Enter").await;
    browser.until("document.querySelector('.wrong').textContent === 'That is not the token.'").await;
    browser.eval("document.querySelector('#token').select()").await;
    browser.type_text("correct horse").await;
    browser.press("Enter").await;
    browser.until("document.querySelector('#state').dataset.state === 'online'").await;
    assert_eq!(browser.eval("document.cookie").await, "");
    ready(&browser, &console).await;
}

#[tokio::test]
async fn a_large_table_stays_smooth() {
    let Some(browser) = browser().await else { return };
    let console = console(None, Limits::default()).await;
    ready(&browser, &console).await;
    answered(&browser, "big 5000").await;
    assert_eq!(browser.eval(&format!("{LAST}.querySelectorAll('tbody tr').length")).await, 200);
    // While all rows are drawn the columns stay where they are.
    let measure = format!(
        "new Promise(done => {{ const left = () => Math.round({LAST}.querySelector('thead th:last-child').getBoundingClientRect().left); const before = left(); \
         {LAST}.querySelector('.more').click(); \
         const tick = now => {{  if ({LAST}.querySelectorAll('tbody tr').length < 5000) requestAnimationFrame(tick); \
           else requestAnimationFrame(() => done({{moved: left() - before}})); }}; requestAnimationFrame(tick); }})"
    );
    let found = browser.eval(&measure).await;
    assert_eq!(found["moved"], 0);
    browser.eval(&format!("{LAST}.querySelectorAll('.sort')[5].click()")).await;
    browser.until(&format!("{LAST}.querySelector('[aria-sort=ascending]') && {LAST}.querySelectorAll('tbody tr').length === 5000")).await;
    let first = browser.eval(&format!("{LAST}.querySelector('tbody tr').cells[5].textContent")).await;
    assert_eq!(first, "0");
}

#[tokio::test]
async fn cells_are_written_and_ordered_by_their_types() {
    let Some(browser) = browser().await else { return };
    let console = console(None, Limits::default()).await;
    ready(&browser, &console).await;
    let show = |cell: serde_json::Value| {
        let expression = format!("import('/cells.js').then(({{show}}) => show({cell}))");
        let browser = &browser;
        async move { browser.eval(&expression).await }
    };
    for (cell, text) in [
        (json!(null), ""),
        (json!({"type": "null"}), ""),
        (json!({"type": "text", "value": "Gi0/1"}), "Gi0/1"),
        (json!({"type": "int", "value": 4_294_967_295_u64}), "4294967295"),
        (json!({"type": "number", "value": 33.333_333}), "33.33"),
        (json!({"type": "prefix", "value": "10.0.0.1/24"}), "10.0.0.1/24"),
        (json!({"type": "mac", "value": [0, 17, 34, 170, 187, 255]}), "00:11:22:aa:bb:ff"),
        (json!({"type": "duration", "value": {"secs": 0, "nanos": 1_250_000}}), "1.250 ms"),
        (json!({"type": "duration", "value": {"secs": 0, "nanos": 0}}), "00:00:00"),
        (json!({"type": "duration", "value": {"secs": 754, "nanos": 5}}), "00:12:34"),
        (json!({"type": "duration", "value": {"secs": 273_600, "nanos": 0}}), "3d04h"),
        (json!({"type": "duration", "value": {"secs": 35_596_800, "nanos": 0}}), "412d"),
        (
            json!({"type": "list", "value": [{"type": "text", "value": "a"}, {"type": "int", "value": 2}]}),
            "a, 2",
        ),
    ] {
        assert_eq!(show(cell.clone()).await, text, "{cell}");
    }
    let order = "import('/cells.js').then(({compare}) => [\
        ['text', ['Gi1/0/10', 'Gi1/0/9', '', 'eth0']], ['ip', ['10.0.0.10', '10.0.0.9', '2001:db8::10', '2001:db8::9', '9.255.0.0', '::1']],\
        ['prefix', ['10.0.0.0/16', '10.0.0.0/8', '9.0.0.0/24']]]\
        .map(([type, values]) => values.map(value => value ? {type, value} : null).toSorted((a, b) => compare(a, b, 1)).map(cell => cell?.value ?? '')))";
    let expected = json!([
        ["eth0", "Gi1/0/9", "Gi1/0/10", ""],
        ["9.255.0.0", "10.0.0.9", "10.0.0.10", "::1", "2001:db8::9", "2001:db8::10"],
        ["9.0.0.0/24", "10.0.0.0/8", "10.0.0.0/16"]
    ]);
    assert_eq!(browser.eval(order).await, expected);
    // Tries to come back begin soon, do not come in step, and never wait for more than half a minute.
    let waits = "import('/link.js').then(({backoff}) => [backoff(0, 0), backoff(0, 1), backoff(3, 1), backoff(99, 1)])";
    assert_eq!(browser.eval(waits).await, json!([250, 500, 4000, 30000]));
}

#[tokio::test]
async fn examples_can_be_tapped() {
    let Some(browser) = browser().await else { return };
    let console = console(None, Limits::default()).await;
    browser.screen(360, 740).await;
    ready(&browser, &console).await;
    browser.click("#welcome .card:last-child .suggestion").await;
    browser.until(&format!("{LAST}?.querySelector('table')")).await;
    assert_eq!(browser.eval("document.querySelector('#welcome').hidden").await, true);
    browser.click("#verbs").await;
    browser.until("document.querySelector('dialog[open]')").await;
    assert_no_sideways_scroll(&browser).await;
    browser.click("dialog .card:first-child .suggestion").await;
    browser
        .until(&format!(
            "!document.querySelector('dialog') && {LAST}.querySelector('h2').textContent === 'bgp all'"
        ))
        .await;
    answered(&browser, "nonsense r1").await;
    browser.click("#turns > li:last-child .again").await;
    assert_eq!(browser.eval("document.querySelector('#ask').value").await, "nonsense r1");
    browser.eval("document.querySelector('#ask').value = ''").await;
    // A line of help, or a hint, is written into the prompt to be changed first.
    answered(&browser, "help").await;
    browser.click("#turns > li:last-child .suggestion").await;
    assert_eq!(browser.eval("document.querySelector('#ask').value").await, "vrf r1");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn a_question_over_the_limit_is_not_sent() {
    let Some(browser) = browser().await else { return };
    let console = console(None, Limits::default()).await;
    ready(&browser, &console).await;
    browser.eval("document.querySelector('#ask').value = '🦀'.repeat(10000)").await;
    browser.press("Enter").await;
    let lost = browser.until(&format!("{LAST}?.querySelector('.lost')?.textContent")).await;
    assert!(lost.as_str().unwrap().contains("16,384 bytes are the most"), "{lost}");
    assert_eq!(browser.eval("document.querySelector('#state').dataset.state").await, "online");
}

/// Screens for the eyes of whoever works on the page: `NOCBOT_SCREENS=<folder>`.
#[tokio::test]
async fn screens() {
    let Some(folder) = std::env::var_os("NOCBOT_SCREENS").map(std::path::PathBuf::from) else { return };
    let Some(browser) = browser().await else { return };
    for (name, width, height) in [("phone", 360, 740), ("desk", 1280, 800)] {
        for scheme in ["dark", "light"] {
            let console = console(None, Limits::default()).await;
            browser.screen(width, height).await;
            browser.scheme(scheme).await;
            ready(&browser, &console).await;
            let shot = |what: &str| folder.join(format!("{name}-{scheme}-{what}.png"));
            browser.screenshot(&shot("0-empty")).await;
            answered(&browser, "vrf r1").await;
            answered(&browser, "bgp all").await;
            browser.screenshot(&shot("1-table")).await;
            answered(&browser, "dead all").await;
            answered(&browser, "version r1").await;
            browser.screenshot(&shot("2-code")).await;
            answered(&browser, "help").await;
            answered(&browser, "vfr r1; reload").await;
            browser.screenshot(&shot("3-help")).await;
            ask(&browser, "slow all").await;
            browser.until(&format!("{LAST}.querySelector('progress').value === 2")).await;
            browser.screenshot(&shot("4-progress")).await;
            browser.type_text("vrf r").await;
            browser.until("!document.querySelector('#completions').hidden").await;
            browser.press("ArrowDown").await;
            browser.screenshot(&shot("5-completion")).await;
            browser.press("Escape").await;
            browser.offline(true).await;
            browser.eval("dispatchEvent(new Event('offline'))").await;
            browser.until("document.querySelector('#state').dataset.state === 'offline'").await;
            browser.screenshot(&shot("6-offline")).await;
            browser.offline(false).await;
            browser.until("document.querySelector('#state').dataset.state === 'online'").await;
            browser.click("#verbs").await;
            browser.screenshot(&shot("7-examples")).await;
            let locked = crate::web::console(Some("correct horse"), Limits::default()).await;
            browser.open(&format!("http://{}/", locked.address)).await;
            browser.until("document.activeElement.id === 'token'").await;
            browser.screenshot(&shot("8-token")).await;
        }
    }
}
