//! Private key files: OpenSSH, PKCS#8 (RFC 5958), and the older PEM forms of PKCS#1 and SEC 1,
//! each also encrypted.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::cipher::{AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use russh::keys::{PrivateKey, decode_secret_key};
use zeroize::Zeroizing;

use crate::secret::{Secret, SecretRef};

/// The longest key file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// Reads a private key, asking for its passphrase only when it is encrypted.
///
/// The error is one sentence without the key's contents.
pub(super) async fn load(path: &Path, passphrase: Option<&SecretRef>) -> Result<Arc<PrivateKey>, String> {
    let shown = path.display();
    let size = tokio::fs::metadata(path)
        .await
        .map_err(|error| format!("cannot read the key file {shown}: {error}"))?;
    if !size.is_file() || size.len() > MAX_FILE {
        return Err(format!("{shown} is no key file"));
    }
    let bytes =
        tokio::fs::read(path).await.map_err(|error| format!("cannot read the key file {shown}: {error}"))?;
    let text = Zeroizing::new(String::from_utf8_lossy(&Zeroizing::new(bytes)).into_owned());
    let secret = match (is_encrypted(&text), passphrase) {
        (false, _) => None,
        (true, None) => {
            return Err(format!("the key file {shown} is encrypted and there is no `passphrase` for it"));
        }
        (true, Some(passphrase)) => {
            Some(passphrase.resolve().await.map_err(|error| error.message().to_owned())?)
        }
    };
    // The key derivation of an encrypted file takes long on purpose.
    let decoded = tokio::task::spawn_blocking(move || decode(&text, secret.as_ref().map(Secret::expose)))
        .await
        .unwrap_or_else(|_| Err("reading it was interrupted".to_owned()));
    decoded.map(Arc::new).map_err(|error| format!("the key file {shown} cannot be used: {error}"))
}

/// Whether a key file needs a passphrase.
fn is_encrypted(text: &str) -> bool {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return true;
    }
    // An OpenSSH file says so inside: the cipher's name follows the magic.
    openssh_body(text).is_some_and(|body| !body.starts_with(b"openssh-key-v1\0\0\0\0\x04none"))
}

fn openssh_body(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once("-----BEGIN OPENSSH PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END")?;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}

fn decode(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, String> {
    // Files come with indented lines and carriage returns; the decoder wants neither.
    let mut tidy = Zeroizing::new(text.lines().map(str::trim).collect::<Vec<_>>().join("\n"));
    let mut passphrase = passphrase;
    if let Some(secret) = passphrase
        && tidy.contains("Proc-Type: 4,ENCRYPTED")
    {
        tidy = decrypt_pem(&tidy, secret)?;
        passphrase = None;
    }
    if tidy.contains("BEGIN DSA PRIVATE KEY") {
        return Err(
            "DSA keys are read in the OpenSSH form only; convert it: ssh-keygen -p -f FILE".to_owned()
        );
    }
    decode_secret_key(&tidy, passphrase).map_err(|error| {
        if passphrase.is_some() {
            format!("wrong passphrase, or {}", lower_first(&error.to_string()))
        } else {
            lower_first(&error.to_string())
        }
    })
}

/// Undoes the encryption of an older PEM file (RFC 1421 headers, OpenSSL's key derivation).
fn decrypt_pem(text: &str, passphrase: &str) -> Result<Zeroizing<String>, String> {
    let broken = || "it is no well-formed PEM file".to_owned();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("-----BEGIN "));
    let first = lines.next().ok_or_else(broken)?;
    let label = first.trim_start_matches("-----BEGIN ").trim_end_matches('-').trim();
    let mut info = None;
    let mut body = Zeroizing::new(String::new());
    for line in lines.take_while(|line| !line.starts_with("-----END")) {
        if let Some(value) = line.strip_prefix("DEK-Info:") {
            info = value.trim().split_once(',');
        } else if !line.contains(':') {
            body.push_str(line);
        }
    }
    let (cipher, iv) = info.ok_or_else(broken)?;
    let (algorithm, length) = match cipher {
        "AES-128-CBC" => (&AES_128, 16),
        "AES-256-CBC" => (&AES_256, 32),
        other => return Err(format!("it is encrypted with {other}; convert it: ssh-keygen -p -f FILE")),
    };
    let iv: [u8; 16] = unhex(iv.trim()).and_then(|bytes| bytes.try_into().ok()).ok_or_else(broken)?;
    let key = derive(passphrase.as_bytes(), iv.first_chunk::<8>().copied().ok_or_else(broken)?, length);
    let wrong = |_| "wrong passphrase".to_owned();
    let key = UnboundCipherKey::new(algorithm, &key).map_err(wrong)?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(wrong)?;
    let mut data = Zeroizing::new(STANDARD.decode(body.as_bytes()).map_err(|_| broken())?);
    let plain = key.decrypt(&mut data, DecryptionContext::Iv128((&iv).into())).map_err(wrong)?;
    // A wrong passphrase passes the padding check once in 256; the outer SEQUENCE must be there.
    if plain.first() != Some(&0x30) {
        return Err("wrong passphrase".to_owned());
    }
    let encoded = Zeroizing::new(STANDARD.encode(plain));
    Ok(Zeroizing::new(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", encoded.as_str())))
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one round, as these files have it.
fn derive(passphrase: &[u8], salt: [u8; 8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length + 16));
    let mut last: Zeroizing<Vec<u8>> = Zeroizing::default();
    while key.len() < length {
        let mut context = md5::Context::new();
        context.consume(last.as_slice());
        context.consume(passphrase);
        context.consume(salt);
        last = Zeroizing::new(context.finalize().0.to_vec());
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hexadecimal() {
        assert_eq!(unhex("00fFa1"), Some(vec![0, 0xff, 0xa1]));
        assert_eq!(unhex("xx"), None);
    }

    #[test]
    fn what_is_encrypted() {
        assert!(is_encrypted("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        assert!(is_encrypted("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"));
        assert!(!is_encrypted("-----BEGIN PRIVATE KEY-----"));
        let body = |cipher: &[u8]| STANDARD.encode([b"openssh-key-v1\0\0\0\0", cipher].concat());
        let file = |cipher| {
            format!(
                "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----",
                body(cipher)
            )
        };
        assert!(!is_encrypted(&file(b"\x04none")));
        assert!(is_encrypted(&file(b"\x0aaes256-ctr")));
    }

    #[test]
    fn other_ciphers_are_named() {
        let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----";
        assert!(decode(text, Some("x")).unwrap_err().contains("DES-EDE3-CBC"));
    }

    proptest! {
        #[test]
        fn any_file_is_survived(
            label in "(RSA |EC |ENCRYPTED |OPENSSH |DSA |)PRIVATE KEY",
            headers in "(Proc-Type: 4,ENCRYPTED\n)?(DEK-Info: AES-(128|256)-CBC,[0-9A-F]{0,34}\n)?",
            body in "[A-Za-z0-9+/=\n ]{0,200}",
            passphrase in proptest::option::of("[a-z]{0,8}"),
        ) {
            let text = format!("-----BEGIN {label}-----\n{headers}\n{body}\n-----END {label}-----\n");
            let _ = is_encrypted(&text);
            prop_assert!(decode(&text, passphrase.as_deref()).is_err());
        }
    }
}
