//! Who may ask: names, guests, members of user groups; asked for once in five minutes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Slack;
use crate::chat::{Asked, Trouble};

/// Names and groups are asked for again after this time.
const CACHE: Duration = Duration::from_mins(5);
/// Names that are kept.
const CACHED: usize = 2000;

/// What is known of a person.
#[derive(Debug, Clone)]
pub(super) struct Person {
    name: String,
    outside: bool,
    team: String,
}

/// What has been asked for already.
#[derive(Debug, Default)]
pub(super) struct People {
    persons: Mutex<HashMap<String, (Instant, Person)>>,
    members: Mutex<Option<(Instant, Vec<String>)>>,
    /// One asks at a time: a hundred questions of one person at once need one call.
    turn: tokio::sync::Mutex<()>,
}

impl Slack {
    /// The asker's name, and whether they may ask.
    pub(super) async fn known(&self, mut asked: Asked) -> Result<Asked, Trouble> {
        let person = self.person(&asked.who.id).await?;
        asked.who.name = person.name;
        let own = self.identity().team;
        let foreign = !person.team.is_empty() && !own.is_empty() && person.team != own;
        if person.outside || foreign {
            asked.denied = Some("only members of this workspace may ask the network".into());
        } else if !self.settings.allow.is_empty() && !self.settings.allow.contains(&asked.who.id) {
            match self.allowed().await {
                Ok(allowed) if allowed.contains(&asked.who.id) => {}
                Ok(_) => asked.denied = Some("you are not among those who may ask the network".into()),
                Err(Trouble::Refused(why)) => {
                    tracing::error!(%why, "slack tells no members of user groups; nobody of them may ask");
                    asked.denied = Some("it cannot be told whether you may ask the network".into());
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(asked)
    }

    async fn person(&self, id: &str) -> Result<Person, Trouble> {
        let known = || {
            let known = self.people.persons.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
            known.filter(|(since, _)| since.elapsed() < CACHE).map(|(_, person)| person)
        };
        if let Some(person) = known() {
            return Ok(person);
        }
        let _turn = self.people.turn.lock().await;
        if let Some(person) = known() {
            return Ok(person);
        }
        let person = match self.read("users.info", &[("user", id)]).await {
            Ok(info) => {
                let user = info.get("user").cloned().unwrap_or_default();
                let flag = |key: &str| user.get(key).and_then(Value::as_bool).unwrap_or(false);
                let names = ["/profile/display_name", "/real_name", "/name"];
                let mut names = names.iter().filter_map(|at| user.pointer(at).and_then(Value::as_str));
                let name = names.find(|name| !name.trim().is_empty()).unwrap_or(id);
                Person {
                    name: crate::text::clean_line(name),
                    outside: flag("is_stranger") || flag("is_restricted") || flag("is_ultra_restricted"),
                    team: user.get("team_id").and_then(Value::as_str).unwrap_or_default().to_owned(),
                }
            }
            // Without the scope, the id stands for the name.
            Err(Trouble::Refused(why)) => Person {
                name: id.to_owned(),
                outside: why.contains("`user_not_visible`"),
                team: String::new(),
            },
            Err(trouble) => return Err(trouble),
        };
        let mut people = self.people.persons.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= CACHED {
            people.clear();
        }
        people.insert(id.to_owned(), (Instant::now(), person.clone()));
        Ok(person)
    }

    /// The members of the user groups that `allow` names.
    async fn allowed(&self) -> Result<Vec<String>, Trouble> {
        let known = || {
            let known = self.people.members.lock().unwrap_or_else(PoisonError::into_inner).clone();
            known.filter(|(since, _)| since.elapsed() < CACHE).map(|(_, members)| members)
        };
        if let Some(members) = known() {
            return Ok(members);
        }
        let _turn = self.people.turn.lock().await;
        if let Some(members) = known() {
            return Ok(members);
        }
        let mut members = Vec::new();
        for id in self.settings.allow.iter().filter(|id| id.starts_with('S')) {
            let list = self.read("usergroups.users.list", &[("usergroup", id)]).await?;
            let users = list.get("users").and_then(Value::as_array).cloned().unwrap_or_default();
            members.extend(users.iter().filter_map(|user| user.as_str().map(str::to_owned)));
        }
        *self.people.members.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), members.clone()));
        Ok(members)
    }
}
