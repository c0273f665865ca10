//! The desk alone, before a platform and a bot of a few lines.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::*;
use crate::answer::Answer;
use crate::answer::pages::{File, Piece, Shape};
use crate::bot::{Incoming, Progress, Who};
use crate::chat::{Capabilities, Finding, How, Message, Place, Trouble};

/// A bot that answers when it is let.
struct Held(Semaphore);

impl Partner for Held {
    fn answer(
        &self,
        incoming: Incoming,
        _: watch::Sender<Progress>,
        _: CancellationToken,
    ) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            self.0.acquire().await.unwrap().forget();
            Answer::of(incoming.text, Vec::new())
        })
    }

    fn understands(&self, _: &str) -> bool {
        true
    }

    fn is_heavy(&self, _: &str) -> bool {
        false
    }

    fn choices(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

/// A platform that keeps what it is sent.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, usize>>);

impl Connector for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            tables: false,
            buttons: false,
            edits: None,
            threads: false,
            ephemeral: false,
            files: false,
        }
    }

    fn shape(&self) -> Shape {
        let measure = |piece: &Piece| format!("{piece:?}").len();
        Shape { budget: 4000, measure, rows: 9, columns: 9, tables: 1, most: 9, width: 40, files: false }
    }

    fn run(self: Arc<Self>, _: Arc<Desk>, _: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn reply<'a>(&'a self, to: &'a Asked, _: &'a Message) -> BoxFuture<'a, Result<String, Trouble>> {
        *self.0.lock().unwrap().entry(to.text.clone()).or_default() += 1;
        Box::pin(async { Ok("1".into()) })
    }

    fn edit<'a>(&'a self, _: &'a Asked, _: &'a str, _: &'a Message) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    fn file<'a>(&'a self, _: &'a Asked, _: &'a File, _: &'a str) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
}

fn asked(number: usize) -> Asked {
    Asked {
        keys: vec![format!("key {number}")],
        who: Who { way: "kept".into(), id: format!("U{}", number % 3), name: "somebody".into() },
        place: Place { channel: "C1".into(), ..Place::default() },
        text: format!("question {number}"),
        how: How::Direct,
        denied: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_the_bound_waits_in_the_store_and_is_answered_once() {
    const ALL: usize = 60;
    let (bot, platform) = (Arc::new(Held(Semaphore::new(0))), Arc::new(Kept::default()));
    let (store, stop) = (Store::in_memory().unwrap(), CancellationToken::new());
    let board = Arc::new(Board::default());
    let mut desk = Desk::new(Arc::clone(&bot) as _, store.clone(), Arc::clone(&board), stop.clone());
    desk.most = 4;
    let desk = Arc::new(desk);
    for number in 0..ALL {
        desk.accept(&platform, asked(number)).await.unwrap();
        // The platform delivers it again.
        desk.accept(&platform, asked(number)).await.unwrap();
        // People talk to each other; that is nobody's business.
        let overheard = Asked { keys: vec![format!("talk {number}")], how: How::Overheard, ..asked(number) };
        desk.accept(&platform, overheard).await.unwrap();
    }
    assert_eq!(desk.work().open.len(), 4);
    assert_eq!(store.open_questions("kept").await.unwrap().len(), ALL);
    bot.0.add_permits(ALL * 2);
    for _ in 0..500 {
        if store.open_questions("kept").await.unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answered = platform.0.lock().unwrap().clone();
    assert_eq!(answered.len(), ALL, "{answered:?}");
    assert!(answered.values().all(|times| *times == 1), "{answered:?}");
    assert_eq!((board.links()["kept"].open, board.links()["kept"].duplicates), (0, ALL as u64));
    stop.cancel();
    desk.stopped().await;
}
