//! Keyboard-interactive (RFC 4256), as TACACS and RADIUS servers use it.

use russh::client::KeyboardInteractiveAuthResponse;

use super::{Course, Step, Stop};
use crate::secret::Secret;
use crate::transport::ssh::session::plain;

/// Rounds of questions; a server that asks for more is not going to let anybody in.
const MAX_ROUNDS: usize = 10;

/// Answers questions (RFC 4256): the password where the answer is not shown, the user name where
/// it is asked for. The same question twice means that the answer was wrong.
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

/// A question's letters: `Password: ` and `PASSWORD [2]:` are the same.
fn kernel(question: &str) -> String {
    question.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase()
}
