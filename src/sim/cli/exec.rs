//! One command without a shell.

use std::sync::Arc;

use minijinja::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use super::device::Device;
use super::output::{Output, Stop};

/// Runs the command of an exec request; gives the exit status.
pub async fn exec<S: AsyncRead + AsyncWrite + Unpin>(
    device: Arc<Device>,
    stream: S,
    command: &str,
    terminal: bool,
) -> Result<u32, Stop> {
    let rules = &device.dialect().file.exec;
    let mut out = Output::new(stream, Arc::clone(&device), rules.crlf || terminal);
    if device.faults.silent {
        out.drain().await?;
    }
    let Some(mode) = device.dialect().mode(rules.mode.as_deref()).cloned() else { return Ok(1) };
    let mut status = 0;
    for line in lines(command, &rules.wrappers) {
        let mut printed = device.run(&line, &mode);
        if printed.action.endless.as_ref().is_some_and(|mark| printed.text.contains(mark)) {
            let seconds = out.interrupt().await?;
            printed = device.run_with(&line, &mode, &[("count", Value::from(seconds))]);
        }
        tokio::time::sleep(device.pause(&printed.action)).await;
        if printed.refused {
            status = rules.refused;
        }
        if printed.text.is_empty() {
            continue;
        }
        out.begin().await?;
        let mut sent = 0;
        while sent == 0 || sent < device.faults.huge {
            if device.faults.prompt_in_output {
                out.text(&format!("{}\n", device.prompt(&mode))).await?;
            }
            out.text(&printed.text).await?;
            sent += printed.text.len();
        }
        out.end();
    }
    Ok(status)
}

/// The commands in a request: the quoted words behind `-c` of a wrapper, or the request itself.
fn lines(command: &str, wrappers: &[String]) -> Vec<String> {
    let words = words(command);
    let program = words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
    if !wrappers.iter().any(|wrapper| wrapper == program) {
        return vec![command.to_owned()];
    }
    let follows = |pair: &[String]| match pair {
        [flag, line] if flag == "-c" => Some(line.clone()),
        _ => None,
    };
    words.windows(2).filter_map(follows).collect()
}

/// Splits as a shell does, with both kinds of quotes and the backslash.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut escaped = false;
    for c in command.chars() {
        if escaped {
            word.get_or_insert_default().push(c);
            escaped = false;
        } else if c == '\\' && quote != Some('\'') {
            escaped = true;
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && (c == '\'' || c == '"') {
            quote = Some(c);
            word.get_or_insert_default();
        } else if quote.is_none() && c.is_whitespace() {
            words.extend(word.take());
        } else {
            word.get_or_insert_default().push(c);
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn wrappers() {
        let wrappers = ["vsh".to_owned()];
        assert_eq!(lines("show  version", &wrappers), ["show  version"]);
        assert_eq!(
            lines("/usr/bin/vsh -c 'show version' -c \"show vrf\"", &wrappers),
            ["show version", "show vrf"]
        );
        assert_eq!(lines("vsh -c show\\ vrf", &wrappers), ["show vrf"]);
        assert!(lines("vsh -d", &wrappers).is_empty());
    }
}
