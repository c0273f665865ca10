//! How to log in to a device's HTTPS servers.

use std::fmt;
use std::path::PathBuf;

use crate::secret::SecretRef;

/// The login of the connection `restconf` or `jsonrpc`; HTTPS always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpsLogin {
    /// Whether the inventory names the connection: only then the server is asked without being told to.
    pub offered: bool,
    /// The address or DNS name to dial, when it is not the device's.
    pub hostname: Option<String>,
    /// TCP port; 443 when the inventory has none.
    pub port: Option<u16>,
    /// User name for Basic authentication (RFC 7617).
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretRef>,
    /// A bearer token (RFC 6750); goes before user and password.
    pub token: Option<SecretRef>,
    /// `true`: the server's certificate is not looked at, and every answer says so.
    pub unverified: bool,
    /// The authorities that may sign the server's certificate, PEM; the system's when there is none.
    pub ca_file: Option<PathBuf>,
    /// The server's certificate or key, whatever name, date and authority it has.
    pub fingerprint: Option<Fingerprint>,
    /// The name that the certificate is for, when it is not the one that is dialled.
    pub server_name: Option<String>,
    /// Our own certificate with its chain, PEM.
    pub cert_file: Option<PathBuf>,
    /// Its private key, PEM; in `cert_file` when there is none.
    pub key_file: Option<PathBuf>,
    /// The RESTCONF root; asked for (RFC 8040, 3.1) when there is none.
    pub root: Option<String>,
    /// Seconds for TCP and TLS together.
    pub connect_timeout: Option<u64>,
}

/// The SHA-256 of a certificate or of its public key (SubjectPublicKeyInfo), both in DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Reads 64 hexadecimal digits, with or without colons between the pairs and `sha256:` before.
    pub fn read(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.strip_prefix("sha256").unwrap_or(&lower).trim_start_matches([':', '=', ' ']);
        let digits: Vec<u8> = digits
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16))
            .map(nibble)
            .collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| if let [high, low] = pair { Some(high << 4 | low) } else { None })
            .collect::<Option<_>>()?;
        bytes.try_into().ok().map(Self)
    }
}

fn nibble(digit: Option<u32>) -> Option<u8> {
    digit.and_then(|digit| u8::try_from(digit).ok())
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn fingerprints_in_the_forms_that_tools_print() {
        let hex = "0a".repeat(32);
        let colons = ["0A"; 32].join(":");
        let wanted = Some(Fingerprint([10; 32]));
        for text in [
            hex.clone(),
            colons.clone(),
            format!("sha256:{hex}"),
            format!("SHA256={colons}"),
            format!("SHA256 {colons}"),
        ] {
            assert_eq!(Fingerprint::read(&text), wanted, "{text}");
        }
        for text in [String::new(), "0a".repeat(31), "0a".repeat(33), "0g".repeat(32), format!("{hex}0")] {
            assert_eq!(Fingerprint::read(&text), None, "{text}");
        }
        assert_eq!(format!("{wanted:?}"), format!("Some(sha256:{hex})"));
    }
}
