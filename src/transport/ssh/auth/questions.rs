//! Keyboard-interactive (RFC 4256), as TACACS and RADIUS servers use it.

use russh::client::KeyboardInteractiveAuthResponse;

use super::{Course, Stop};
use crate::secret::Secret;
use crate::transport::ssh::session::plain;

/// Rounds of questions; a server that asks for more is not going to let anybody in.
const MAX_ROUNDS: usize = 10;

/// Answers questions (RFC 4256): the password where the answer is not shown, the user name where
/// it is asked for. The same question twice means that the answer was wrong.
pub(super) async fn answer(course: &mut Course<'_>, password: &Secret) -> Result<bool, Stop> {
    course.tried.push("keyboard-interactive".to_owned());
    let user = course.user.clone();
    let mut reply = course.handle.authenticate_keyboard_interactive_start(user, None).await?;
    let mut answered: Vec<String> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        match reply {
            KeyboardInteractiveAuthResponse::Success => return Ok(true),
            KeyboardInteractiveAuthResponse::Failure { remaining_methods, .. } => {
                if !remaining_methods.is_empty() {
                    course.offered = remaining_methods.to_vec();
                }
                return Ok(false);
            }
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let mut answers = Vec::with_capacity(prompts.len());
                for prompt in &prompts {
                    let question = plain(&prompt.prompt).to_lowercase();
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
                        return Ok(false);
                    } else {
                        answers.push(password.expose().to_owned());
                    }
                }
                answered.extend(
                    prompts
                        .iter()
                        .filter(|prompt| !prompt.echo)
                        .map(|prompt| plain(&prompt.prompt).to_lowercase()),
                );
                reply = course.handle.authenticate_keyboard_interactive_respond(answers).await?;
            }
        }
    }
    course.notes.push(format!("the server asked more than {MAX_ROUNDS} times"));
    Ok(false)
}
