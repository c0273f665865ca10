//! Paths to data (RFC 8040, 3.5.3).

use std::fmt::{self, Write as _};

use crate::error::{Error, Result};

/// A path to a data resource; what is sent is encoded by us, whatever was typed.
///
/// It is written as `module:container/list=key,key2/leaf`. Keys may stand between quotes, or be written
/// as predicates, `list[name='eth1'][unit='0']`; these are taken in their order, which must be that of the
/// model: a URL has no names of keys, a filter needs them. As no YANG name begins with a digit (RFC 7950, 6.2),
/// `interface=Ethernet0/1` and `prefix=10.0.0.0/8` are understood without quotes, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

/// One node of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The module, where it is written: the nodes below are of the same one.
    pub module: Option<String>,
    /// The node's name.
    pub name: String,
    /// The keys' values, with their names where they were written as predicates.
    pub keys: Vec<(Option<String>, String)>,
}

const EXAMPLE: &str = "for example `ietf-interfaces:interfaces/interface[name='eth1']`";

impl Path {
    /// Reads a path. The empty one is the whole datastore.
    pub fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader { rest: text.trim().trim_start_matches('/'), text };
        let mut steps: Vec<Step> = Vec::new();
        while !reader.rest.is_empty() {
            // `interface=Ethernet0/1/2`: what cannot be a name belongs to the key before it.
            if !reader.rest.starts_with(is_first)
                && let Some((_, key)) = steps.last_mut().and_then(|step| step.keys.last_mut())
            {
                let _ = write!(key, "/{}", decoded(reader.until(&[',', '/'])));
                reader.more_keys(&mut steps)?;
            } else {
                let step = reader.step()?;
                steps.push(step);
            }
            match reader.rest.strip_prefix('/') {
                Some(rest) if !rest.is_empty() => reader.rest = rest,
                Some(_) => break,
                None if reader.rest.is_empty() => break,
                None => return Err(reader.wrong("a `/` is missing")),
            }
        }
        if let Some(first) = steps.first()
            && first.module.is_none()
        {
            let message = format!("`{text}`: the first name of a path needs its module");
            return Err(Error::question(message).hint(EXAMPLE));
        }
        Ok(Self { steps })
    }

    /// The nodes on the way, the one that is meant last.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The same with the value of every key changed by `fill`: puts arguments into a profile's path. What it
    /// gives stays one value.
    ///
    /// # Errors
    /// The first that `fill` has.
    pub fn map_keys(&self, mut fill: impl FnMut(&str) -> Result<String>) -> Result<Self> {
        let mut filled = self.clone();
        for (_, key) in filled.steps.iter_mut().flat_map(|step| &mut step.keys) {
            *key = fill(key)?;
        }
        Ok(filled)
    }

    /// As a person would write it: keys as predicates where their names are known.
    pub fn readable(&self) -> String {
        let mut out = String::new();
        for (at, step) in self.steps.iter().enumerate() {
            let slash = if at > 0 { "/" } else { "" };
            let module = step.module.as_ref().map(|module| format!("{module}:")).unwrap_or_default();
            let _ = write!(out, "{slash}{module}{}", step.name);
            for (at, (name, key)) in step.keys.iter().enumerate() {
                let quote = if key.contains('\'') { '"' } else { '\'' };
                let _ = match name {
                    Some(name) => write!(out, "[{name}={quote}{key}{quote}]"),
                    None => write!(out, "{}{quote}{key}{quote}", if at == 0 { '=' } else { ',' }),
                };
            }
        }
        out
    }
}

/// As it stands in a URL.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            if at > 0 {
                f.write_char('/')?;
            }
            if let Some(module) = &step.module {
                write!(f, "{module}:")?;
            }
            f.write_str(&step.name)?;
            for (at, (_, key)) in step.keys.iter().enumerate() {
                f.write_char(if at == 0 { '=' } else { ',' })?;
                encode(key, f)?;
            }
        }
        Ok(())
    }
}

/// Only unreserved characters stand for themselves (RFC 3986, 2.3): also `,` `/` `:` are encoded in keys.
fn encode(key: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    key.bytes().try_for_each(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => f.write_char(byte.into()),
        other => write!(f, "%{other:02X}"),
    })
}

/// A key without quotes may come encoded already, by who knows RESTCONF.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let code = pair.filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| *first == b'%');
        if let Some(byte) = code {
            bytes.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn is_first(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.starts_with(is_first) && name.chars().all(good)
}

struct Reader<'t> {
    rest: &'t str,
    text: &'t str,
}

impl<'t> Reader<'t> {
    fn wrong(&self, why: &str) -> Error {
        let place =
            if self.rest.is_empty() { "at its end".to_owned() } else { format!("at `{}`", self.rest) };
        Error::question(format!("`{}` is no path: {why} {place}", self.text)).hint(EXAMPLE)
    }

    fn until(&mut self, ends: &[char]) -> &'t str {
        let (found, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        found
    }

    fn step(&mut self) -> Result<Step> {
        let before = self.rest;
        let name = self.until(&['/', '=', '[', ',']);
        let (module, local) =
            name.split_once(':').map_or((None, name), |(module, name)| (Some(module), name));
        if !is_name(local) || module.is_some_and(|module| !is_name(module)) {
            self.rest = before;
            return Err(self.wrong("there is no name of a node"));
        }
        let mut step = Step { module: module.map(str::to_owned), name: local.to_owned(), keys: Vec::new() };
        if let Some(rest) = self.rest.strip_prefix('=') {
            self.rest = rest;
            step.keys.push((None, self.key()?));
            let mut steps = vec![step];
            self.more_keys(&mut steps)?;
            return steps.pop().ok_or_else(|| self.wrong("there is no name of a node"));
        }
        while let Some(rest) = self.rest.strip_prefix('[') {
            self.rest = rest;
            let name = self.until(&['=', ']', '/']).trim();
            let local = name.split_once(':').map_or(name, |(_, name)| name);
            if name != "." && !is_name(local) {
                return Err(self.wrong("a predicate is `[key='value']`,"));
            }
            self.rest = self.rest.strip_prefix('=').unwrap_or(self.rest).trim_start();
            let Some(key) = self.quoted()? else {
                return Err(self.wrong("the value of a predicate stands between quotes,"));
            };
            step.keys.push((Some(name.to_owned()), key));
            let Some(rest) = self.rest.trim_start().strip_prefix(']') else {
                return Err(self.wrong("a `]` is missing"));
            };
            self.rest = rest;
        }
        Ok(step)
    }

    fn more_keys(&mut self, steps: &mut [Step]) -> Result<()> {
        while let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            let key = self.key()?;
            if let Some(step) = steps.last_mut() {
                step.keys.push((None, key));
            }
        }
        Ok(())
    }

    fn key(&mut self) -> Result<String> {
        match self.quoted()? {
            Some(key) => Ok(key),
            None => Ok(decoded(self.until(&[',', '/']))),
        }
    }

    /// A text between quotes of either kind, as it stands there.
    fn quoted(&mut self) -> Result<Option<String>> {
        let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
            return Ok(None);
        };
        let inner = self.rest.get(1..).unwrap_or_default();
        let Some((key, rest)) = inner.split_once(quote) else {
            return Err(self.wrong("the quote is not closed"));
        };
        self.rest = rest;
        Ok(Some(key.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::Path;

    #[test]
    fn what_is_typed_is_sent_encoded() {
        for (typed, sent) in [
            ("", ""),
            ("/", ""),
            ("/m:a/b/", "m:a/b"),
            ("m:a/l=k1,k2/x", "m:a/l=k1,k2/x"),
            (
                "ietf-interfaces:interfaces/interface[name='eth1']",
                "ietf-interfaces:interfaces/interface=eth1",
            ),
            ("m:a/l[k = 'a'][p:k2=\"b/c\"]/n:x", "m:a/l=a,b%2Fc/n:x"),
            ("m:a/l=GigabitEthernet0/0/1", "m:a/l=GigabitEthernet0%2F0%2F1"),
            ("m:a/l=GigabitEthernet0/0/1/statistics", "m:a/l=GigabitEthernet0%2F0%2F1/statistics"),
            ("m:a/l=10.0.0.0/8,x/y", "m:a/l=10.0.0.0%2F8,x/y"),
            ("m:a/l=GigabitEthernet0%2F0%2f1", "m:a/l=GigabitEthernet0%2F0%2F1"),
            ("m:a/l='50%25, \"x\"'", "m:a/l=50%2525%2C%20%22x%22"),
            ("m:a/l=München:<&>?#", "m:a/l=M%C3%BCnchen%3A%3C%26%3E%3F%23"),
            ("m:a/l=,b", "m:a/l=,b"),
            ("m:a/ll[.='x']", "m:a/ll=x"),
        ] {
            assert_eq!(Path::parse(typed).unwrap().to_string(), sent, "{typed}");
        }
    }

    #[test]
    fn paths_are_shown_as_they_are_written() {
        for (typed, shown) in [
            ("m:a/l[k='a'][p:k2=\"b/c\"]/n:x", "m:a/l[k='a'][p:k2='b/c']/n:x"),
            ("m:a/l=eth0/1,x", "m:a/l='eth0/1','x'"),
        ] {
            let path = Path::parse(typed).unwrap();
            assert_eq!(path.readable(), shown);
            assert_eq!(Path::parse(shown).unwrap(), path);
        }
    }

    #[test]
    fn what_is_no_path_is_told() {
        for (typed, why) in [
            ("interfaces", "needs its module"),
            ("m:a//b", "no name of a node at `/b`"),
            ("m:a/b[name=eth1]", "between quotes"),
            ("m:a/b[name='eth1'", "`]` is missing"),
            ("m:a/b='x", "the quote is not closed"),
            ("m:a/../b", "no name of a node at `../b`"),
            ("m:a?depth=1", "no name of a node"),
            ("m:a/b='x'y", "a `/` is missing"),
            ("1:a", "no name of a node"),
        ] {
            let error = Path::parse(typed).unwrap_err();
            assert!(error.message().contains(why), "{typed}: {error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_typed_leaves_the_path(typed in "(m:a)?[/a-z0-9=\\[\\]'\",:%?#&. ü\\\\]{0,30}") {
            if let Ok(path) = Path::parse(&typed) {
                let sent = path.to_string();
                prop_assert!(sent.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/=,:".contains(&b)), "{sent}");
                prop_assert!(!sent.split('/').any(|step| step == ".." || step == "."), "{sent}");
                prop_assert_eq!(Path::parse(&sent).unwrap().to_string(), sent);
            }
        }
    }
}
