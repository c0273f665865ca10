//! Own messages that came back over the link. In a space a bot may list nothing but what mentions it, so
//! after a call that may have been carried out this is how it is known whether it was: also by the next run,
//! for the platform does not tell it again.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::store::Store;

/// Own messages that are kept.
const KEPT: usize = 2000;

/// An own message that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    /// The root of its thread.
    pub parent: String,
    /// Its own activity.
    pub id: String,
    /// Where its public id is told.
    pub address: Option<String>,
}

impl Own {
    fn key(&self) -> String {
        format!("{}{} {}", beginning(&self.parent), self.id, self.address.as_deref().unwrap_or_default())
    }

    fn read(key: &str) -> Option<Self> {
        let mut words = key.splitn(4, ' ').skip(1);
        let (parent, id) = (words.next()?.to_owned(), words.next()?.to_owned());
        let address = words.next().filter(|address| !address.is_empty()).map(str::to_owned);
        Some(Self { parent, id, address })
    }
}

fn beginning(parent: &str) -> String {
    format!("own {parent} ")
}

/// The last own messages.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    kept: Mutex<VecDeque<Own>>,
    store: OnceLock<Store>,
}

impl Echoes {
    /// From now on they are in the store too.
    pub(super) fn keep_in(&self, store: &Store) {
        // A second run of the same connector has the same store.
        let _ = self.store.set(store.clone());
    }

    /// A message of ours came back. When this returns, the next run knows it.
    pub(super) async fn heard(&self, own: Own) {
        let key = own.key();
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= KEPT {
                kept.pop_front();
            }
            kept.push_back(own);
        }
        if let Some(store) = self.store.get()
            && let Err(error) = store.mark("webex", key).await
        {
            tracing::warn!(%error, "a message of ours that came back is not noted");
        }
    }

    /// Those of a thread.
    pub(super) fn of(&self, parent: &str) -> Vec<Own> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|own| own.parent == parent).cloned().collect()
    }

    /// Those of a thread that an earlier run has seen.
    pub(super) async fn earlier(&self, parent: &str) -> Vec<Own> {
        let Some(store) = self.store.get() else { return Vec::new() };
        let keys = store.marked("webex", beginning(parent)).await.unwrap_or_default();
        keys.iter().filter_map(|key| Own::read(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_came_back_is_known_to_the_next_run() {
        let store = Store::in_memory().unwrap();
        let own = |id: &str, address: Option<&str>| Own {
            parent: "p1".into(),
            id: id.into(),
            address: address.map(str::to_owned),
        };
        let echoes = Echoes::default();
        echoes.keep_in(&store);
        echoes.heard(own("a1", Some("https://c.example/messages/a1"))).await;
        echoes.heard(own("a2", None)).await;
        assert_eq!(echoes.of("p1").len(), 2);
        let next = Echoes::default();
        assert!(next.of("p1").is_empty() && next.earlier("p1").await.is_empty());
        next.keep_in(&store);
        assert_eq!(
            next.earlier("p1").await,
            [own("a1", Some("https://c.example/messages/a1")), own("a2", None)]
        );
        assert!(next.earlier("p").await.is_empty());
    }
}
