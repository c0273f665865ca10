//! The faults that lie in what is said, not in how it is sent.

use super::tree::{Content, Node};

/// Repeats the entries of the first list until about so many bytes more would be written; `written` is
/// what one copy of the node takes.
pub fn enlarge(node: &mut Node, written: usize, bytes: usize) {
    if written == 0 || bytes <= written {
        return;
    }
    // What stands around the list is not repeated: a few copies more make up for it.
    let times = bytes / written;
    repeat(node, times + times / 32 + 2);
}

fn repeat(node: &mut Node, times: usize) -> bool {
    let Content::Inner(children) = &mut node.content else { return false };
    if children.iter().any(|child| child.many && !child.children().is_empty()) {
        let once = std::mem::take(children);
        for child in once {
            let copies = if child.many { times } else { 1 };
            children.extend(std::iter::repeat_n(child, copies));
        }
        return true;
    }
    children.iter_mut().any(|child| repeat(child, times))
}

/// Makes the first number of a text that is no number; `before` and `after` are what stands around
/// numbers there.
pub fn wrong_number(text: &str, before: char, after: &[char]) -> String {
    let mut rest = text;
    let mut done = String::with_capacity(text.len() + 2);
    while let Some(at) = rest.find(before) {
        let (head, tail) = rest.split_at(at + before.len_utf8());
        done.push_str(head);
        let end = tail.find(after).unwrap_or(tail.len());
        let (number, more) = tail.split_at(end);
        if !number.is_empty() && number.trim().bytes().all(|byte| byte.is_ascii_digit()) {
            return format!("{done}{number}.e+{more}");
        }
        rest = tail;
    }
    done.push_str(rest);
    done
}
