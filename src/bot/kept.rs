//! The newest answers: for their links, and for their later rows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Bot, Incoming};
use crate::answer::{Answer, Block, pages};
use crate::error::{Error, Result};
use crate::text::count;

/// How many answers are kept, and of what size together (about, in bytes).
const MOST: usize = 200;
const SIZE: usize = 128 * 1024 * 1024;

/// A bounded list of answers.
#[derive(Debug, Default)]
pub(super) struct Kept {
    answers: Mutex<VecDeque<One>>,
}

#[derive(Debug)]
struct One {
    size: usize,
    way: String,
    asker: String,
    place: String,
    answer: Arc<Answer>,
}

impl Kept {
    /// Keeps an answer that has an id, and gives it back.
    pub(super) fn keep(&self, incoming: &Incoming, answer: Answer) -> Answer {
        // The later rows of an answer are in the answer.
        if answer.id.is_empty() || answer.later.is_some() {
            return answer;
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.iter().any(|one| one.answer.id == answer.id) {
            return answer;
        }
        answers.push_back(One {
            size: size(&answer),
            way: incoming.who.way.clone(),
            asker: incoming.who.id.clone(),
            place: incoming.place.clone(),
            answer: Arc::new(answer.clone()),
        });
        while answers.len() > MOST
            || (answers.len() > 1 && answers.iter().map(|one| one.size).sum::<usize>() > SIZE)
        {
            answers.pop_front();
        }
        answer
    }

    /// An answer by its id.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Answer>> {
        self.find(id, |_| true)
    }

    fn find(&self, id: &str, may: impl Fn(&One) -> bool) -> Option<Arc<Answer>> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let found = answers.iter().find(|one| one.answer.id == id && may(one));
        found.map(|one| Arc::clone(&one.answer))
    }
}

impl Bot {
    /// An earlier answer from a row on: of the same asker, or given in the same place.
    ///
    /// # Errors
    /// [`crate::error::Kind::Question`] for an answer that is not kept here, and for a row behind its end.
    pub(super) async fn more(&self, incoming: &Incoming, id: u64, row: usize) -> Result<Answer> {
        let who = &incoming.who;
        let may = |one: &One| one.way == who.way && (one.asker == who.id || one.place == incoming.place);
        let Some(answer) = self.kept.find(&id.to_string(), may) else {
            let error = Error::question(format!("answer {id} is not kept any more, or was not given here"));
            let asked = self.store.question(id, &who.way, &who.id, &incoming.place).await?;
            return Err(match asked {
                Some(question) => error.hint(format!("ask again: `{question}`")),
                None => error.hint(format!("the newest {MOST} answers are kept until a restart")),
            });
        };
        if row <= 1 {
            return Ok(Answer::clone(&answer));
        }
        let later = pages::later(&answer, row);
        if later.blocks.is_empty() {
            let all = count(answer.blocks.iter().map(Block::size).sum(), "row");
            return Err(Error::question(format!("answer {id} has {all}; there is no row {row}")));
        }
        Ok(later)
    }
}

fn size(answer: &Answer) -> usize {
    let blocks = answer.blocks.iter().map(|block| match block {
        Block::Table { table, .. } => table.rows.len() * table.columns.len() * 48,
        Block::Code { text, .. } | Block::Text { text } => text.len(),
        Block::Error { .. } => 256,
    });
    blocks.sum::<usize>() + 1024
}
