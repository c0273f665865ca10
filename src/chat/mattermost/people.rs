//! Who may ask: people by their ids, and the members of channels and teams by theirs. Names play no part.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Mattermost, text};
use crate::chat::Trouble;

/// Names and memberships are asked for again after this time.
const CACHE: Duration = Duration::from_mins(5);
/// People that are kept.
const CACHED: usize = 2000;

/// What an id of the configuration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Person,
    Channel,
    Team,
}

/// What is known of a person.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub name: String,
    pub bot: bool,
    pub may: bool,
}

/// What was looked up.
#[derive(Debug, Default)]
pub(super) struct People {
    known: Mutex<HashMap<String, (Instant, Person)>>,
    kinds: Mutex<Option<(Instant, HashMap<String, Kind>)>>,
}

impl Mattermost {
    /// A person, and whether they may ask.
    pub(super) async fn person(&self, id: &str) -> Result<Person, Trouble> {
        let known = self.people.known.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some((_, person)) = known.filter(|(since, _)| since.elapsed() < CACHE) {
            return Ok(person);
        }
        let user = match self.get(&format!("/users/{id}")).await {
            Err(Trouble::Refused(_)) => Value::Null,
            user => user?,
        };
        let person = Person {
            name: crate::text::clean_line(&text(&user, "username")),
            bot: user.get("is_bot").and_then(Value::as_bool).unwrap_or(false),
            may: self.may_ask(id).await?,
        };
        let mut people = self.people.known.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= CACHED {
            people.clear();
        }
        people.insert(id.to_owned(), (Instant::now(), person.clone()));
        Ok(person)
    }

    async fn may_ask(&self, id: &str) -> Result<bool, Trouble> {
        let allow = &self.settings.allow;
        if allow.is_empty() || allow.iter().any(|allowed| allowed == id) {
            return Ok(true);
        }
        for (place, kind) in self.kinds().await? {
            let path = match kind {
                Kind::Person => continue,
                Kind::Channel => format!("/channels/{place}/members/{id}"),
                Kind::Team => format!("/teams/{place}/members/{id}"),
            };
            match self.get(&path).await {
                // Who has left a team stands there with the time of it.
                Ok(member) if member.get("delete_at").and_then(Value::as_i64).unwrap_or(0) == 0 => {
                    return Ok(true);
                }
                Ok(_) | Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(false)
    }

    /// What the ids of the configuration are.
    async fn kinds(&self) -> Result<HashMap<String, Kind>, Trouble> {
        let known = self.people.kinds.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, kinds)) = known.filter(|(since, _)| since.elapsed() < CACHE) {
            return Ok(kinds);
        }
        let allow = &self.settings.allow;
        let people = self.send(hyper::Method::POST, "/users/ids", &json!(allow)).await?;
        let people: Vec<String> =
            people.as_array().into_iter().flatten().map(|person| text(person, "id")).collect();
        let mut kinds = HashMap::new();
        for id in allow {
            let kind = if people.contains(id) {
                Some(Kind::Person)
            } else if self.is(&format!("/channels/{id}")).await? {
                Some(Kind::Channel)
            } else if self.is(&format!("/teams/{id}")).await? {
                Some(Kind::Team)
            } else {
                tracing::warn!(%id, "an id of `allow` is no person, channel or team that the bot can see");
                None
            };
            kinds.extend(kind.map(|kind| (id.clone(), kind)));
        }
        *self.people.kinds.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), kinds.clone()));
        Ok(kinds)
    }

    async fn is(&self, path: &str) -> Result<bool, Trouble> {
        match self.get(path).await {
            Ok(_) => Ok(true),
            Err(Trouble::Refused(_) | Trouble::Form(_)) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// The ids of the configuration that nobody is known by.
    pub(super) async fn unknown(&self) -> Result<Vec<String>, Trouble> {
        if self.settings.allow.is_empty() {
            return Ok(Vec::new());
        }
        let kinds = self.kinds().await?;
        Ok(self.settings.allow.iter().filter(|id| !kinds.contains_key(*id)).cloned().collect())
    }
}
