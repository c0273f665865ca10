//! Keyboard-interactive (RFC 4256), as TACACS and RADIUS servers use it.

use russh::client::KeyboardInteractiveAuthResponse;

use super::{Course, Step, Stop};
use crate::secret::Secret;
use crate::transport::ssh::session::plain;

/// Rounds of questions; a server that asks for more is not going to let anybody in.
const MAX_ROUNDS: usize = 10;

/// Answers questions (RFC 4256): the password where the answer is not shown, the user name where
/// it is asked for. The same question twice means that the answer was wrong. A question for a new
/// password is never answered: that would change something on the device.
pub(super) async fn answer(course: &mut Course<'_>, password: &Secret) -> Result<Step, Stop> {
    course.tried.push("keyboard-interactive".to_owned());
    let user = course.user.clone();
    let mut reply = course.handle.authenticate_keyboard_interactive_start(user, None).await?;
    let mut answered: Vec<String> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        match reply {
            KeyboardInteractiveAuthResponse::Success => return Ok(Step::Done),
            KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                if !remaining_methods.is_empty() {
                    course.offered = remaining_methods.to_vec();
                }
                return Ok(Step::More { partial: partial_success });
            }
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                if let Some(prompt) = prompts.iter().find(|prompt| wants_new_password(&prompt.prompt)) {
                    course.notes.push(format!(
                        "the password has expired: the server asks `{}`, which nocbot never answers",
                        plain(&prompt.prompt)
                    ));
                    course.expired = true;
                    return Ok(Step::More { partial: false });
                }
                let mut answers = Vec::with_capacity(prompts.len());
                for prompt in &prompts {
                    let question = kernel(&prompt.prompt);
                    if prompt.echo {
                        let name = ["user", "login", "name"].iter().any(|word| question.contains(word));
                        if !name {
                            course.notes.push(format!(
                                "the server asks `{}`, for which there is no answer",
                                plain(&prompt.prompt)
                            ));
                        }
                        answers.push(if name { course.user.clone() } else { String::new() });
                    } else if answered.contains(&question) {
                        course.notes.push(format!("the server asked `{}` again", plain(&prompt.prompt)));
                        return Ok(Step::More { partial: false });
                    } else {
                        answers.push(password.expose().to_owned());
                    }
                }
                answered.extend(
                    prompts.iter().filter(|prompt| !prompt.echo).map(|prompt| kernel(&prompt.prompt)),
                );
                reply = course.handle.authenticate_keyboard_interactive_respond(answers).await?;
            }
        }
    }
    course.notes.push(format!("the server asked more than {MAX_ROUNDS} times"));
    Ok(Step::More { partial: false })
}

/// Whether a question asks for another password than the one that let us in.
fn wants_new_password(question: &str) -> bool {
    let question = question.to_lowercase();
    let mut words = question.split(|c: char| !c.is_alphanumeric());
    let new = words.any(|word| matches!(word, "new" | "retype" | "reenter"));
    new && ["passw", "passcode", "pin"].iter().any(|what| question.contains(what))
}

/// A question's letters: `Password: ` and `PASSWORD [2]:` are the same.
fn kernel(question: &str) -> String {
    question.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_is_told_from_the_password() {
        for question in [
            "New password: ",
            "Retype new password:",
            "Enter new UNIX password: ",
            "Enter a NEW PIN (4 digits):",
        ] {
            assert!(wants_new_password(question), "{question}");
        }
        for question in ["Password: ", "(current) UNIX password: ", "Current password:", "renewed password"] {
            assert!(!wants_new_password(question), "{question}");
        }
    }
}
