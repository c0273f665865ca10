use std::sync::Arc;

use super::*;

async fn told(task: tokio::task::JoinHandle<Result<(), Trouble>>) -> Result<(), Trouble> {
    timeout(Duration::from_secs(5), task).await.unwrap().unwrap()
}

fn say(out: &Arc<Outbox>, text: &str) -> tokio::task::JoinHandle<Result<(), Trouble>> {
    let (out, text) = (Arc::clone(out), text.to_owned());
    tokio::spawn(async move { out.deliver(text).await })
}

#[tokio::test]
async fn what_is_not_confirmed_is_written_again_and_in_order() {
    let out = Arc::new(Outbox::default());
    let link = out.begin(true, "x", vec!["presence".into()]);
    let (one, two) = (say(&out, "1"), say(&out, "2"));
    tokio::task::yield_now().await;
    let all = |link| std::iter::from_fn(|| out.take(link)).collect::<Vec<_>>();
    assert_eq!(all(link), ["presence", "1", "2"]);
    assert!(!out.ack(4) && out.ack(2));
    assert_eq!(told(one).await, Ok(()));
    out.down();
    assert_eq!(all(link), [""; 0]);
    assert_eq!(out.resume(7), None);
    let again = out.resume(2).unwrap();
    assert_eq!((all(link), all(again)), (vec![], vec!["2".to_owned()]));
    assert!(out.ack(3));
    assert_eq!(told(two).await, Ok(()));
}

#[tokio::test]
async fn a_lost_session_tells_what_nobody_knows_and_keeps_the_rest() {
    let out = Arc::new(Outbox::default());
    let link = out.begin(true, "x", Vec::new());
    let written = say(&out, "1");
    tokio::task::yield_now().await;
    assert_eq!(out.take(link).as_deref(), Some("1"));
    let waiting = say(&out, "2");
    tokio::task::yield_now().await;
    out.push("typing".into()).unwrap();
    out.down();
    out.lose(None);
    assert!(told(written).await.unwrap_err().is_ambiguous());
    let link = out.begin(false, "x", vec!["presence".into()]);
    let all = || std::iter::from_fn(|| out.take(link)).collect::<Vec<_>>();
    assert_eq!(all(), ["presence", "2"]);
    let ping = out.request(link).unwrap();
    assert!(ping.contains(&format!("nback-{link}-2")), "{ping}");
    assert!(out.pong(&format!("nback-{link}-2")) && !out.pong("nb1"));
    assert_eq!(told(waiting).await, Ok(()));
    // The server says what it had: the rest is as good as never sent.
    let third = say(&out, "3");
    tokio::task::yield_now().await;
    assert_eq!(all(), ["3"]);
    out.down();
    out.lose(Some(2));
    let link = out.begin(true, "x", Vec::new());
    assert_eq!(out.take(link).as_deref(), Some("3"));
    assert!(out.ack(1));
    assert_eq!(told(third).await, Ok(()));
}
