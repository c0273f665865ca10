//! Reading known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). Pure: text in, verdict out.
//!
//! Known here: lists of patterns with `*`, `?` and `!`, hashed names (`|1|salt|hash`),
//! `[host]:port`, `@revoked`. Lines with `@cert-authority` are ignored, since no certificates are
//! asked for, and so are comments and lines that make no sense.

use std::path::{Path, PathBuf};

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// A host's place in the files: its name or address as it is dialled, and the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostName {
    host: String,
    port: u16,
}

impl HostName {
    /// The name under which `host` is kept; names are compared in lower case.
    pub(super) fn new(host: &str, port: u16) -> Self {
        Self { host: host.trim_matches(['[', ']']).to_lowercase(), port }
    }

    /// As written into a file: `host`, or `[host]:port` when the port is not 22.
    pub(super) fn spelled(&self) -> String {
        if self.port == 22 { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) }
    }

    /// The port's own spelling first; a key kept for the bare host serves every port.
    fn spellings(&self) -> Vec<String> {
        let mut spellings = vec![self.spelled()];
        if self.port != 22 {
            spellings.push(self.host.clone());
        }
        spellings
    }
}

/// A key in the form in which it travels, and its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostKey {
    /// `ssh-ed25519`, `ssh-rsa`, ...
    pub(super) kind: String,
    /// The public key blob of RFC 4253, 6.6.
    pub(super) blob: Vec<u8>,
}

impl HostKey {
    /// `SHA256:` and the hash, as OpenSSH shows it.
    pub(super) fn fingerprint(&self) -> String {
        let hash = digest::digest(&digest::SHA256, &self.blob);
        format!("SHA256:{}", STANDARD_NO_PAD.encode(hash))
    }

    /// The line for a known_hosts file.
    pub(super) fn line(&self, name: &HostName) -> String {
        format!("{} {} {}\n", name.spelled(), self.kind, STANDARD.encode(&self.blob))
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// The file.
    pub(super) file: PathBuf,
    /// Its line, from 1.
    pub(super) line: usize,
}

/// What the files say about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A file has exactly this key for the host.
    Known,
    /// A file has revoked it.
    Revoked(Spot),
    /// The files have another key for the host.
    Changed(Spot, HostKey),
    /// No file knows the host.
    Unknown,
}

/// One line of a file that says something.
#[derive(Debug, Clone)]
struct Entry {
    spot: Spot,
    revoked: bool,
    names: String,
    key: HostKey,
}

/// Everything that the files know of one host.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownHosts {
    entries: Vec<Entry>,
}

impl KnownHosts {
    /// Adds what a file's text says of `name`; `file` is only named in verdicts.
    ///
    /// Every connection reads the files, and they may have a line for each of thousands of devices: those of others
    /// are passed over before anything is made of them.
    pub(super) fn add(&mut self, file: &Path, text: &str, name: &HostName) {
        let spellings = name.spellings();
        self.entries.extend(text.lines().enumerate().filter_map(|(index, line)| {
            let spot = || Spot { file: file.to_owned(), line: index + 1 };
            parse_line(line, &spellings, spot)
        }));
    }

    /// The key types known for a host, for the order in which algorithms are offered.
    pub(super) fn kinds(&self, name: &HostName) -> Vec<String> {
        self.of(name).iter().map(|entry| entry.key.kind.clone()).collect()
    }

    /// What is known about `key` for a host.
    pub(super) fn verdict(&self, name: &HostName, key: &HostKey) -> Verdict {
        let spellings = name.spellings();
        let revoked = self.entries.iter().find(|entry| {
            entry.revoked
                && entry.key.blob == key.blob
                && spellings.iter().any(|name| names_match(&entry.names, name))
        });
        if let Some(entry) = revoked {
            return Verdict::Revoked(entry.spot.clone());
        }
        let entries = self.of(name);
        if entries.iter().any(|entry| entry.key.blob == key.blob) {
            return Verdict::Known;
        }
        // A key of the same type is the one that was changed; else any other shows that the host
        // is known, and a stranger must not get in by showing a new type.
        let other = entries.iter().find(|entry| entry.key.kind == key.kind).or(entries.first());
        other.map_or(Verdict::Unknown, |entry| Verdict::Changed(entry.spot.clone(), entry.key.clone()))
    }

    /// The entries for a host: those of its port's own spelling, else those of the bare host.
    fn of(&self, name: &HostName) -> Vec<&Entry> {
        for spelling in name.spellings() {
            let found: Vec<&Entry> = self
                .entries
                .iter()
                .filter(|entry| !entry.revoked && names_match(&entry.names, &spelling))
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

fn parse_line(line: &str, spellings: &[String], spot: impl FnOnce() -> Spot) -> Option<Entry> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut words = line.split_whitespace();
    let mut names = words.next()?;
    let mut revoked = false;
    if let Some(marker) = names.strip_prefix('@') {
        if marker != "revoked" {
            return None;
        }
        revoked = true;
        names = words.next()?;
    }
    spellings.iter().any(|name| names_match(names, name)).then_some(())?;
    let kind = words.next()?.to_owned();
    let blob = STANDARD.decode(words.next()?).ok()?;
    // The blob begins with its own type; a line where the two differ is no key.
    let (length, rest) = blob.split_first_chunk::<4>()?;
    let inner = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    (inner == kind.as_bytes()).then_some(())?;
    Some(Entry { spot: spot(), revoked, names: names.to_owned(), key: HostKey { kind, blob } })
}

/// Whether a line's names cover `name`; a pattern with `!` that matches refuses.
fn names_match(names: &str, name: &str) -> bool {
    if let Some(hashed) = names.strip_prefix("|1|") {
        return hash_matches(hashed, name);
    }
    let mut matched = false;
    for pattern in names.split(',') {
        if let Some(pattern) = pattern.strip_prefix('!') {
            if covers(pattern, name) {
                return false;
            }
        } else if covers(pattern, name) {
            matched = true;
        }
    }
    matched
}

/// Whether a pattern covers a name, which is in lower case; nearly all patterns are plain names.
fn covers(pattern: &str, name: &str) -> bool {
    if pattern.is_ascii() && !pattern.contains(['*', '?']) {
        return pattern.eq_ignore_ascii_case(name);
    }
    glob(&pattern.to_lowercase(), name)
}

fn hash_matches(hashed: &str, name: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else { return false };
    let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else { return false };
    // SHA-1 is what the file format has; it hides names here, it proves nothing.
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    hmac::verify(&key, name.as_bytes(), &hash).is_ok()
}

/// `*` for any characters, `?` for one; no other wildcards.
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(kind: &str, byte: u8) -> HostKey {
        let mut blob = u32::try_from(kind.len()).unwrap().to_be_bytes().to_vec();
        blob.extend(kind.as_bytes());
        blob.extend([byte; 8]);
        HostKey { kind: kind.to_owned(), blob }
    }

    /// A file that is read for each question.
    struct File<'a>(&'a str);

    impl File<'_> {
        fn known(&self, name: &HostName) -> KnownHosts {
            let mut known = KnownHosts::default();
            known.add(Path::new("known_hosts"), self.0, name);
            known
        }

        fn verdict(&self, name: &HostName, key: &HostKey) -> Verdict {
            self.known(name).verdict(name, key)
        }
    }

    fn file(text: &str) -> File<'_> {
        File(text)
    }

    fn b64(key: &HostKey) -> String {
        format!("{} {}", key.kind, STANDARD.encode(&key.blob))
    }

    #[test]
    fn known_changed_unknown_revoked() {
        let (a, b, rsa) = (key("ssh-ed25519", 1), key("ssh-ed25519", 2), key("ssh-rsa", 3));
        let text = format!(
            "# comment\n\nr1,10.0.0.1 {}\n@revoked * {}\n@cert-authority * {}\nbroken line\n",
            b64(&a),
            b64(&b),
            b64(&rsa)
        );
        let known = file(&text);
        let r1 = HostName::new("R1", 22);
        assert_eq!(known.verdict(&r1, &a), Verdict::Known);
        assert_eq!(known.verdict(&HostName::new("r9", 22), &a), Verdict::Unknown);
        let spot = |line| Spot { file: "known_hosts".into(), line };
        assert_eq!(known.verdict(&r1, &b), Verdict::Revoked(spot(4)));
        assert_eq!(known.verdict(&r1, &rsa), Verdict::Changed(spot(3), a), "another type is no way in");
    }

    #[test]
    fn ports_patterns_and_negation() {
        let (a, b) = (key("ssh-rsa", 1), key("ssh-rsa", 2));
        let text = format!("[r1]:2222 {}\nr1 {}\n*.lab,!core?.lab {}\n", b64(&a), b64(&b), b64(&a));
        let known = file(&text);
        assert_eq!(known.verdict(&HostName::new("r1", 2222), &a), Verdict::Known);
        assert!(matches!(known.verdict(&HostName::new("r1", 2222), &b), Verdict::Changed(..)));
        assert_eq!(
            known.verdict(&HostName::new("r1", 830), &b),
            Verdict::Known,
            "the bare host serves any port"
        );
        assert_eq!(known.verdict(&HostName::new("x.lab", 22), &a), Verdict::Known);
        assert_eq!(known.verdict(&HostName::new("core1.lab", 22), &a), Verdict::Unknown);
        assert_eq!(known.verdict(&HostName::new("core12.lab", 22), &a), Verdict::Known);
    }

    #[test]
    fn hashed_names() {
        let a = key("ssh-ed25519", 1);
        let salt = [9_u8; 20];
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt), b"[r1]:2222");
        let text = format!("|1|{}|{} {}\n", STANDARD.encode(salt), STANDARD.encode(mac), b64(&a));
        let known = file(&text);
        assert_eq!(known.verdict(&HostName::new("r1", 2222), &a), Verdict::Known);
        assert_eq!(known.verdict(&HostName::new("r1", 22), &a), Verdict::Unknown);
    }

    #[test]
    fn what_is_written_is_read() {
        let a = key("ssh-ed25519", 1);
        let name = HostName::new("2001:db8::1", 2222);
        assert!(a.line(&name).starts_with("[2001:db8::1]:2222 ssh-ed25519 "));
        assert_eq!(file(&a.line(&name)).verdict(&name, &a), Verdict::Known);
    }

    proptest! {
        #[test]
        fn any_file_is_survived(text in ".{0,200}", name in "[a-z0-9.]{0,12}") {
            let known = file(&text);
            let _ = known.verdict(&HostName::new(&name, 22), &key("ssh-rsa", 1));
            let _ = names_match(&text, &name);
        }

        #[test]
        fn globs_agree_with_regular_expressions(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let regex = format!("^{}$", pattern.replace('*', ".*").replace('?', "."));
            prop_assert_eq!(glob(&pattern, &text), regex::Regex::new(&regex).unwrap().is_match(&text));
        }
    }
}
