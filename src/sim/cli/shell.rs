//! A session with a prompt: typed characters are echoed, lines are edited, long outputs stop at
//! the pager.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncRead, AsyncWrite};

use super::device::{Device, Printed};
use super::dialect::Mode;
use super::output::{Output, Stop};

/// A typed line is no longer than this.
const LONGEST_LINE: usize = 4_096;
/// Lines that the up arrow remembers.
const HISTORY: usize = 50;
/// Wrong secrets before the command gives up.
const SECRET_TRIES: usize = 3;

/// The client's terminal; the server changes it while the shell runs.
#[derive(Debug, Default)]
pub struct Size {
    rows: AtomicU32,
}

impl Size {
    /// Sets the rows; 0 when the client does not know.
    pub fn set(&self, rows: u32) {
        self.rows.store(rows, Ordering::Relaxed);
    }

    fn rows(&self) -> usize {
        usize::try_from(self.rows.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

/// A shell on one device.
pub struct Shell<S> {
    device: Arc<Device>,
    out: Output<S>,
    size: Arc<Size>,
    echo: bool,
    mode: Mode,
    /// Lines of a screen as a command set them; `Some(0)` is a pager that is off.
    page: Option<usize>,
    history: VecDeque<String>,
}

/// How a typed line ended.
enum Line {
    Done(String),
    Abandoned,
    End,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Shell<S> {
    /// A shell for a client that has a terminal (`echo`) or not. None when the command line has no
    /// mode.
    pub fn new(device: Arc<Device>, stream: S, size: Arc<Size>, echo: bool) -> Option<Self> {
        let mode = device.first_mode()?;
        let out = Output::new(stream, Arc::clone(&device), true);
        Some(Self { device, out, size, echo, mode, page: None, history: VecDeque::new() })
    }

    /// Runs until the user leaves.
    pub async fn run(mut self) -> Result<(), Stop> {
        if self.device.faults.silent {
            return self.out.drain().await;
        }
        let banner = self.device.text(&self.device.dialect().file.banner, &[]);
        self.out.text(&banner).await?;
        loop {
            let prompt = self.device.prompt(&self.mode);
            self.out.text(&prompt).await?;
            let line = match self.line(&prompt, self.echo).await? {
                Line::Done(line) => line,
                Line::Abandoned => continue,
                Line::End => return Ok(()),
            };
            if line.trim().is_empty() {
                continue;
            }
            self.history.push_back(line.clone());
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
            let printed = self.device.run(&line, &self.mode);
            if self.act(printed).await? {
                return Ok(());
            }
        }
    }

    /// Prints and does what a command says; true when the session is over.
    async fn act(&mut self, printed: Printed) -> Result<bool, Stop> {
        tokio::time::sleep(self.device.pause(&printed.action)).await;
        if let Some(question) = &printed.action.ask
            && !self.secret(question).await?
        {
            return Ok(false);
        }
        if !self.device.faults.stuck_pager {
            if let Some(lines) = printed.action.page.as_ref().and_then(|name| printed.arguments.get(name)) {
                self.page = lines.parse().ok();
            }
            match printed.action.pager {
                Some(false) => self.page = Some(0),
                Some(true) => self.page = None,
                None => {}
            }
        }
        if let Some(mode) = &printed.action.enter
            && let Some(mode) = self.device.dialect().mode(Some(mode))
        {
            self.mode = mode.clone();
        }
        if !printed.text.is_empty() {
            let page = if printed.pager { self.page() } else { 0 };
            self.answer(&printed.text, page).await?;
        }
        Ok(printed.action.leave)
    }

    /// Lines of a screen; 0 when the pager is off.
    fn page(&self) -> usize {
        let Some(pager) = &self.device.dialect().file.pager else { return 0 };
        let terminal = self.size.rows();
        self.page.unwrap_or(if terminal > 1 { terminal } else { pager.lines })
    }

    async fn answer(&mut self, text: &str, page: usize) -> Result<(), Stop> {
        self.out.begin().await?;
        let device = Arc::clone(&self.device);
        let prompt = device.faults.prompt_in_output.then(|| format!("{}\n", device.prompt(&self.mode)));
        let middle = text.lines().count() / 2;
        let mut shown = 0;
        let mut sent = 0;
        let mut waiting = String::new();
        'all: loop {
            for (number, line) in text.split_inclusive('\n').enumerate() {
                if number == middle {
                    waiting.push_str(prompt.as_deref().unwrap_or_default());
                }
                waiting.push_str(line);
                shown += 1;
                let screen_full = page > 0 && shown + 1 >= page;
                if screen_full || waiting.len() > 8_192 {
                    self.out.text(&waiting).await?;
                    waiting.clear();
                }
                let more = number + 1 < text.lines().count() || sent + text.len() < device.faults.huge;
                if screen_full && more {
                    match self.more().await? {
                        Some(lines) => shown = (page - 1).saturating_sub(lines),
                        None => break 'all,
                    }
                }
            }
            sent += text.len();
            if sent >= device.faults.huge {
                break;
            }
        }
        self.out.text(&waiting).await?;
        self.out.end();
        Ok(())
    }

    /// Waits at the pager: how many lines may come, or none when the user has seen enough.
    async fn more(&mut self) -> Result<Option<usize>, Stop> {
        let Some(pager) = self.device.dialect().file.pager.clone() else { return Ok(Some(usize::MAX)) };
        self.out.text(&pager.text).await?;
        let key = self.out.byte().await?;
        self.out.text(&pager.erase).await?;
        Ok(match key {
            b' ' => Some(usize::MAX),
            b'\r' | b'\n' => Some(1),
            _ => None,
        })
    }

    async fn secret(&mut self, question: &str) -> Result<bool, Stop> {
        for _ in 0..SECRET_TRIES {
            self.out.text(question).await?;
            let Line::Done(typed) = self.line(question, false).await? else { return Ok(false) };
            if typed == self.device.secret.expose() {
                return Ok(true);
            }
        }
        let refusal = self.device.text(&self.device.dialect().file.refusals.secret, &[]);
        self.out.text(&refusal).await?;
        Ok(false)
    }

    /// Reads one line, with the usual keys.
    async fn line(&mut self, prompt: &str, echo: bool) -> Result<Line, Stop> {
        let mut line: Vec<u8> = Vec::new();
        let mut back = 0;
        loop {
            match self.out.byte().await? {
                b'\r' | b'\n' => break,
                3 => {
                    self.out.text("^C\n").await?;
                    return Ok(Line::Abandoned);
                }
                4 if line.is_empty() => return Ok(Line::End),
                8 | 127 => {
                    if line.pop().is_some() && echo {
                        self.out.text("\u{8} \u{8}").await?;
                    }
                }
                21 => self.replace(&mut line, Vec::new(), echo).await?,
                23 => {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    let kept = text.trim_end().rsplit_once(' ').map_or("", |(kept, _)| kept);
                    let kept = if kept.is_empty() { Vec::new() } else { format!("{kept} ").into_bytes() };
                    self.replace(&mut line, kept, echo).await?;
                }
                b'\t' if echo => self.complete(&mut line).await?,
                b'?' if echo => self.help(&line, prompt).await?,
                27 => back = self.arrow(&mut line, back, echo).await?,
                byte if byte < 32 => {}
                _ if line.len() >= LONGEST_LINE => self.out.text("\u{7}").await?,
                byte => {
                    line.push(byte);
                    if echo {
                        self.echo_typed(&mut line).await?;
                    }
                }
            }
        }
        self.out.text("\n").await?;
        Ok(Line::Done(String::from_utf8_lossy(&line).into_owned()))
    }

    /// Echoes the last byte and everything that was typed behind it already.
    async fn echo_typed(&mut self, line: &mut Vec<u8>) -> Result<(), Stop> {
        let start = line.len().saturating_sub(1);
        while self.out.has_typed() && line.len() < LONGEST_LINE {
            match self.out.byte().await? {
                byte @ (32..=62 | 64..=126) => line.push(byte),
                other => {
                    self.out.untype(other);
                    break;
                }
            }
        }
        self.out.raw(line.get(start..).unwrap_or_default()).await
    }

    async fn replace(&mut self, line: &mut Vec<u8>, new: Vec<u8>, echo: bool) -> Result<(), Stop> {
        if echo {
            let erase = "\u{8} \u{8}".repeat(line.len());
            self.out.text(&erase).await?;
            self.out.text(&String::from_utf8_lossy(&new)).await?;
        }
        *line = new;
        Ok(())
    }

    async fn arrow(&mut self, line: &mut Vec<u8>, back: usize, echo: bool) -> Result<usize, Stop> {
        if self.out.byte().await? != b'[' {
            return Ok(back);
        }
        let back = match self.out.byte().await? {
            b'A' => (back + 1).min(self.history.len()),
            b'B' => back.saturating_sub(1),
            _ => return Ok(back),
        };
        let place = self.history.len().checked_sub(back);
        let old = place.and_then(|place| self.history.get(place)).cloned().unwrap_or_default();
        self.replace(line, old.into_bytes(), echo).await?;
        Ok(back)
    }

    async fn complete(&mut self, line: &mut Vec<u8>) -> Result<(), Stop> {
        let typed = String::from_utf8_lossy(line).into_owned();
        let device = Arc::clone(&self.device);
        let next = device.dialect().words.next(&typed, &|typed| device.interface(typed));
        if let ([only], false) = (next.as_slice(), typed.ends_with(' ') || typed.is_empty()) {
            let head = typed.rsplit_once(' ').map_or(String::new(), |(head, _)| format!("{head} "));
            let rest = format!("{head}{only} ");
            self.replace(line, rest.into_bytes(), true).await?;
        }
        Ok(())
    }

    async fn help(&mut self, line: &[u8], prompt: &str) -> Result<(), Stop> {
        let typed = String::from_utf8_lossy(line).into_owned();
        let device = Arc::clone(&self.device);
        let next = device.dialect().words.next(&typed, &|typed| device.interface(typed));
        let list = next.join("\n  ");
        self.out.text(&format!("?\n  {list}\n\n{prompt}{typed}")).await
    }
}
