//! SCRAM (RFC 5802, RFC 7677): a login by which the server learns no password and must prove that it
//! knows ours.

use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// More rounds than this are an attack on our time.
const MOST_ROUNDS: u32 = 500_000;

/// Which hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    /// For servers that keep nothing better.
    Sha1,
}

impl Hash {
    pub(super) fn mechanism(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha1 => "SCRAM-SHA-1",
        }
    }

    fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), data).as_ref().to_vec()
    }

    fn digest(self, data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        };
        digest::digest(algorithm, data).as_ref().to_vec()
    }

    fn salted(self, password: &str, salt: &[u8], rounds: NonZeroU32) -> Vec<u8> {
        let (algorithm, length) = match self {
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
            Self::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        };
        let mut out = vec![0; length];
        pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), &mut out);
        out
    }
}

/// A login under way.
#[derive(Debug)]
pub(super) struct Scram {
    hash: Hash,
    nonce: String,
    first: String,
}

/// The last step: what is sent, and what the server must answer.
#[derive(Debug)]
pub(super) struct Proof {
    pub message: String,
    signature: Vec<u8>,
}

impl Scram {
    /// Begins; the message is for the server.
    pub(super) fn begin(hash: Hash, user: &str) -> Option<(Self, String)> {
        let mut random = [0; 18];
        rand::fill(&mut random).ok()?;
        Some(Self::with_nonce(hash, user, &STANDARD.encode(random)))
    }

    fn with_nonce(hash: Hash, user: &str, nonce: &str) -> (Self, String) {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let first = format!("n={user},r={nonce}");
        let message = format!("n,,{first}");
        (Self { hash, nonce: nonce.to_owned(), first }, message)
    }

    /// Answers the server's challenge; an error says what is wrong with it.
    pub(super) fn answer(&self, challenge: &str, password: &str) -> Result<Proof, &'static str> {
        let field = |key: &str| challenge.split(',').find_map(|part| part.strip_prefix(key));
        let nonce = field("r=").ok_or("the challenge has no nonce")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() <= self.nonce.len() {
            return Err("the challenge is not for this login");
        }
        let salt =
            field("s=").and_then(|salt| STANDARD.decode(salt).ok()).ok_or("the challenge has no salt")?;
        let rounds = field("i=").and_then(|rounds| rounds.parse::<u32>().ok()).unwrap_or(0);
        let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= MOST_ROUNDS);
        let salted = self.hash.salted(password, &salt, rounds.ok_or("the challenge wants too many rounds")?);
        let without_proof = format!("c=biws,r={nonce}");
        let whole = format!("{},{challenge},{without_proof}", self.first);
        let client = self.hash.hmac(&salted, b"Client Key");
        let signed = self.hash.hmac(&self.hash.digest(&client), whole.as_bytes());
        let proof: Vec<u8> = client.iter().zip(&signed).map(|(one, two)| one ^ two).collect();
        let server = self.hash.hmac(&salted, b"Server Key");
        let signature = self.hash.hmac(&server, whole.as_bytes());
        Ok(Proof { message: format!("{without_proof},p={}", STANDARD.encode(proof)), signature })
    }
}

impl Proof {
    /// Whether the server's last message proves that it knows the password.
    pub(super) fn verify(&self, last: &str) -> bool {
        let signature = last.split(',').find_map(|part| part.strip_prefix("v="));
        let signature = signature.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        verify_slices_are_equal(&signature, &self.signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchanges of RFC 7677, 3 and RFC 5802, 5.
    #[test]
    fn the_exchanges_of_the_standards() {
        let (scram, first) = Scram::with_nonce(Hash::Sha256, "user", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(first, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proof = scram.answer(challenge, "pencil").unwrap();
        assert!(
            proof.message.ends_with(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
            "{}",
            proof.message
        );
        assert!(proof.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!proof.verify("v=AAAA") && !proof.verify(""));

        let (scram, _) = Scram::with_nonce(Hash::Sha1, "user", "fyko+d2lbbFgONRv9qkxdawL");
        let challenge = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
        let proof = scram.answer(challenge, "pencil").unwrap();
        assert!(proof.message.ends_with(",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="), "{}", proof.message);
        assert!(proof.verify("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));
        assert!(scram.answer("r=other,s=QSXCR+Q6sek8bf92,i=4096", "pencil").is_err());
        assert!(scram.answer("r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXC,i=99999999", "pencil").is_err());
    }
}
