//! The `Authorization` header. Secrets are resolved here, when a connection is made, and nowhere else.

use base64::Engine as _;
use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use super::endpoint::{Credentials, Endpoint};
use crate::error::{Failure, FailureKind};
use crate::secret::{Secret, SecretRef};

/// The header's value, marked as sensitive so that it is neither printed nor indexed by HPACK.
pub(super) async fn authorization(endpoint: &Endpoint) -> Result<Option<HeaderValue>, Failure> {
    let text = match &endpoint.credentials {
        Credentials::None => return Ok(None),
        Credentials::Basic { username, password } => {
            // RFC 7617, 2: the first colon ends the name.
            if username.contains(':') {
                return Err(unusable(endpoint, "the user name has a colon in it, which Basic cannot send"));
            }
            let password = resolve(endpoint, password, "password").await?;
            let pair = Zeroizing::new(format!("{username}:{}", password.expose()));
            let coded = base64::engine::general_purpose::STANDARD.encode(pair.as_bytes());
            Zeroizing::new(format!("Basic {coded}"))
        }
        Credentials::Bearer(token) => {
            let token = resolve(endpoint, token, "token").await?;
            Zeroizing::new(format!("Bearer {}", token.expose()))
        }
    };
    // The error is dropped: nothing of the secret may go on.
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| unusable(endpoint, "the token has characters that no header can hold"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn unusable(endpoint: &Endpoint, why: &str) -> Failure {
    Failure::new(FailureKind::Auth, format!("no login for {}: {why}", endpoint.who()))
        .hint("check the login in the inventory")
}

async fn resolve(endpoint: &Endpoint, secret: &SecretRef, what: &str) -> Result<Secret, Failure> {
    secret.resolve().await.map_err(|error| {
        let message = format!("no {what} for {}: {}", endpoint.who(), error.message());
        let failure = Failure::new(FailureKind::Auth, message);
        match error.hints().first() {
            Some(hint) => failure.hint(hint.clone()),
            None => failure,
        }
    })
}
