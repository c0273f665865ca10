//! The newest answers, for their links.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::answer::{Answer, Block};

/// How many answers are kept, and of what size together (about, in bytes).
const MOST: usize = 200;
const SIZE: usize = 128 * 1024 * 1024;

/// A bounded list of answers.
#[derive(Debug, Default)]
pub(super) struct Kept {
    answers: Mutex<VecDeque<(usize, Arc<Answer>)>>,
}

impl Kept {
    /// Keeps an answer that has an id, and gives it back.
    pub(super) fn keep(&self, answer: Answer) -> Answer {
        if answer.id.is_empty() {
            return answer;
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push_back((size(&answer), Arc::new(answer.clone())));
        while answers.len() > MOST
            || (answers.len() > 1 && answers.iter().map(|(size, _)| size).sum::<usize>() > SIZE)
        {
            answers.pop_front();
        }
        answer
    }

    /// An answer by its id.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Answer>> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.iter().find(|(_, answer)| answer.id == id).map(|(_, answer)| Arc::clone(answer))
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
