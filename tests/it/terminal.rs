//! The terminal conversation, with a stand-in for the bot that can be slow.

use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nocbot::answer::{Answer, Block, FileFormat, Status};
use nocbot::bot::{Incoming, Progress, Who};
use nocbot::catalogue::Catalogue;
use nocbot::chat::terminal::{Input, Options, Partner, converse};
use nocbot::table::{Column, Table, Type, Value};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Answers `slow` only when it is cancelled, `never` never, `table` with a table, and all else with an echo.
#[derive(Default)]
struct Slow;

impl Partner for Slow {
    async fn answer(
        &self,
        incoming: Incoming,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> Answer {
        let waiting = vec!["r1".to_owned(), "r2\u{1b}[2J".to_owned()];
        progress.send_replace(Progress { done: 1, total: 3, waiting, ..Progress::default() });
        let mut table = Table::new(vec![Column::new("device", Type::Text), Column::new("vrf", Type::Text)]);
        table.push(vec![Value::Text("r1".into()), Value::Text("RED".into())]);
        match incoming.text.as_str() {
            "slow" => {
                cancel.cancelled().await;
                let block = Block::Text { text: "cancelled with what it had".into() };
                Answer { status: Status::Failed, ..Answer::of("slow", vec![block]) }
            }
            "never" => std::future::pending().await,
            "csv" => Answer {
                file: Some(FileFormat::Csv),
                ..Answer::of("csv", vec![Block::Table { title: None, table }])
            },
            "table" => Answer::of("table", vec![Block::Table { title: None, table }]),
            text => {
                Answer::of(text, vec![Block::Text { text: format!("{} said {text:?}", incoming.who.name) }])
            }
        }
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::default()
    }
}

/// A writer whose text can be read meanwhile.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    async fn wait_for(&self, wanted: &str) {
        let waited = timeout(Duration::from_secs(10), async {
            while !self.text().contains(wanted) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("no {wanted:?} in {:?}", self.text()));
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An input that has these lines and then neither more nor an end.
struct Open(Cursor<&'static str>, std::sync::mpsc::Receiver<()>);

impl Read for Open {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.read(buffer)?;
        if length == 0 {
            let _ = self.1.recv();
        }
        Ok(length)
    }
}

fn options(
    input: Box<dyn BufRead + Send>,
    output: &Shared,
    progress: &Shared,
) -> (Options, mpsc::Sender<()>) {
    let (interrupt, interrupts) = mpsc::channel(4);
    let options = Options {
        input: Input::Lines(input),
        output: Box::new(output.clone()),
        progress: Some(Box::new(progress.clone())),
        width: Some(80),
        who: Who { way: "terminal".into(), id: "1000".into(), name: "alice".into() },
        interrupts: Some(interrupts),
    };
    (options, interrupt)
}

async fn talk(input: &'static str) -> String {
    let output = Shared::default();
    let (options, _interrupt) = options(Box::new(input.as_bytes()), &output, &Shared::default());
    let talk = converse(Arc::new(Slow), options);
    timeout(Duration::from_secs(10), talk).await.expect("it ends with its input").unwrap();
    output.text()
}

#[tokio::test]
async fn each_line_is_answered_until_the_input_ends() {
    assert_eq!(talk("vrf r1\n\n  \nbgp r1").await, "alice said \"vrf r1\"\nalice said \"bgp r1\"\n");
    assert_eq!(talk("").await, "");
    assert_eq!(talk("one\nexit\ntwo\n").await, "alice said \"one\"\n");
    assert_eq!(talk("one\r\nquit\r\ntwo\n").await, "alice said \"one\"\n");
}

#[tokio::test]
async fn answers_are_rendered() {
    assert_eq!(talk("table").await, "device  vrf\n------  ---\nr1      RED\n");
    assert_eq!(talk("csv").await, "device,vrf\nr1,RED\n");
}

#[tokio::test]
async fn the_first_interrupt_cancels_the_question() {
    let (output, progress) = (Shared::default(), Shared::default());
    let (options, interrupt) = options(Box::new("slow\nnext\n".as_bytes()), &output, &progress);
    let talk = tokio::spawn(converse(Arc::new(Slow), options));
    progress.wait_for("1 of 3 devices, waiting for r1, r2").await;
    assert!(!progress.text().contains("\u{1b}[2J"), "escapes of devices are taken out");
    assert_eq!(output.text(), "");
    interrupt.send(()).await.unwrap();
    timeout(Duration::from_secs(10), talk).await.unwrap().unwrap().unwrap();
    assert_eq!(output.text(), "cancelled with what it had\nalice said \"next\"\n");
    assert!(progress.text().ends_with("\r\u{1b}[K"), "the line of progress is taken away");
}

#[tokio::test]
async fn the_second_interrupt_ends_the_conversation() {
    let (output, progress) = (Shared::default(), Shared::default());
    let (options, interrupt) = options(Box::new("never\nnext\n".as_bytes()), &output, &progress);
    let talk = tokio::spawn(converse(Arc::new(Slow), options));
    progress.wait_for("1 of 3").await;
    interrupt.send(()).await.unwrap();
    progress.wait_for("cancelling").await;
    assert!(!talk.is_finished());
    interrupt.send(()).await.unwrap();
    timeout(Duration::from_secs(10), talk).await.unwrap().unwrap().unwrap();
    assert_eq!(output.text(), "");
}

#[tokio::test]
async fn an_interrupt_between_questions_ends_the_conversation() {
    let (output, progress) = (Shared::default(), Shared::default());
    let (_end, blocked) = std::sync::mpsc::channel();
    let input = BufReader::new(Open(Cursor::new("one\n"), blocked));
    let (options, interrupt) = options(Box::new(input), &output, &progress);
    let talk = tokio::spawn(converse(Arc::new(Slow), options));
    output.wait_for("said \"one\"").await;
    assert!(!talk.is_finished());
    interrupt.send(()).await.unwrap();
    timeout(Duration::from_secs(10), talk).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_conversation() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (_end, blocked) = std::sync::mpsc::channel();
    let input = BufReader::new(Open(Cursor::new("one\n"), blocked));
    let (options, _interrupt) = options(Box::new(input), &Shared::default(), &Shared::default());
    let options = Options { output: Box::new(Gone), ..options };
    timeout(Duration::from_secs(10), converse(Arc::new(Slow), options)).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_bot_itself_is_a_partner() {
    let output = Shared::default();
    let (options, _interrupt) = options(Box::new("help\nvrf\n".as_bytes()), &output, &Shared::default());
    let bot = Arc::new(crate::support::bot(Arc::default()));
    timeout(Duration::from_secs(10), converse(bot, options)).await.unwrap().unwrap();
    assert!(output.text().contains("evaluated by nocbot"), "{}", output.text());
    // Its catalogue has no verbs, so the second question is refused, with its place.
    assert!(output.text().contains("there is no verb `vrf`\n  vrf\n  ^\n"), "{}", output.text());
}
