//! Who may ask: people of a domain, people by their ids, and the members of spaces by theirs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::{Webex, wire};
use crate::chat::Trouble;
use crate::chat::link::rest::encode;

/// Memberships are asked for again after this time.
const CACHE: Duration = Duration::from_mins(5);
/// People that are kept.
const CACHED: usize = 2000;

/// Who may ask, as far as it was looked up.
#[derive(Debug, Default)]
pub(super) struct People(Mutex<HashMap<String, (Instant, bool)>>);

impl Webex {
    /// Whether a person may ask. `email` is what REST says of them; without it, it is looked up.
    pub(super) async fn may_ask(&self, person: &str, email: Option<String>) -> Result<bool, Trouble> {
        let (domains, allow) = (&self.settings.domains, &self.settings.allow);
        if domains.is_empty() && allow.is_empty() {
            return Ok(true);
        }
        let known = self.people.0.lock().unwrap_or_else(PoisonError::into_inner).get(person).copied();
        if let Some((_, may)) = known.filter(|(since, _)| since.elapsed() < CACHE) {
            return Ok(may);
        }
        let may = self.look_up(person, email).await?;
        let mut people = self.people.0.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= CACHED {
            people.clear();
        }
        people.insert(person.to_owned(), (Instant::now(), may));
        Ok(may)
    }

    async fn look_up(&self, person: &str, email: Option<String>) -> Result<bool, Trouble> {
        let uuid = wire::uuid_of(person);
        if self.settings.allow.iter().any(|allowed| wire::uuid_of(allowed) == uuid) {
            return Ok(true);
        }
        if !self.settings.domains.is_empty() {
            let email = match email {
                Some(email) => email,
                None => match self.get(&format!("/people/{person}")).await {
                    Err(Trouble::Refused(_) | Trouble::Form(_)) => String::new(),
                    found => {
                        let found = found?;
                        found.pointer("/emails/0").and_then(Value::as_str).unwrap_or_default().to_owned()
                    }
                },
            };
            let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
            if self.settings.domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain)) {
                return Ok(true);
            }
        }
        for room in self.settings.allow.iter().filter(|allowed| wire::is_room(allowed)) {
            let query = encode(&[("roomId", room.as_str()), ("personId", person)]);
            match self.get(&format!("/memberships?{query}")).await {
                Ok(found) => {
                    if found.get("items").and_then(Value::as_array).is_some_and(|items| !items.is_empty()) {
                        return Ok(true);
                    }
                }
                // The bot is not in that space: it cannot say who is.
                Err(Trouble::Refused(_) | Trouble::Form(_)) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(false)
    }
}
