//! Between the reader of a link and the store: a reader never waits for a disk.
//!
//! ```text
//!   reader ─► bounded queue ─► one task: the desk accepts it, again until the store writes ─► confirmed
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::link::Backoff;
use super::{Asked, Connector, Desk};

/// Questions that wait for the store.
const WAITING: usize = 2048;
/// Between two tries while the store does not write.
const MOST: Duration = Duration::from_secs(5);

/// A question, and what is done once it cannot get lost any more: its receipt is confirmed.
type Item = (Asked, BoxFuture<'static, ()>);

/// The queue before the desk.
#[derive(Debug)]
pub struct Intake(mpsc::Sender<Item>);

impl Intake {
    /// Starts the task; it ends with `stop` or with the queue. What is unaccepted then was not confirmed
    /// either, and the platform delivers it again.
    pub fn start<C: Connector>(connector: Arc<C>, desk: Arc<Desk>, stop: CancellationToken) -> Self {
        let (sender, mut queue) = mpsc::channel::<Item>(WAITING);
        tokio::spawn(async move {
            let taking = async {
                while let Some((asked, taken)) = queue.recv().await {
                    let mut backoff = Backoff::new(MOST);
                    while let Err(error) = desk.accept(&connector, asked.clone()).await {
                        tracing::error!(platform = connector.name(), %error, "a question waits for the store");
                        sleep(backoff.wait()).await;
                    }
                    taken.await;
                }
            };
            stop.run_until_cancelled(taking).await;
        });
        Self(sender)
    }

    /// Hands a question over; `taken` runs when it was accepted, or was known already. Gives whether there
    /// was room.
    #[must_use]
    pub fn offer(&self, asked: Asked, taken: BoxFuture<'static, ()>) -> bool {
        self.0.try_send((asked, taken)).is_ok()
    }
}
