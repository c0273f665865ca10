//! What may be wrong with a simulated device.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One thing that a device does wrong. A device may have several.
///
/// In a file: `faults: [hang]`, `faults: [{slow: {ms: 800}}, keyboard-interactive-only]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// Nothing listens on its port.
    Refuse,
    /// It accepts TCP and never says a word.
    Hang,
    /// The login works, then nothing comes: no banner, no prompt, no answer.
    SilentAfterLogin,
    /// No login is right.
    WrongPassword,
    /// It does not offer the `password` method, only questions.
    KeyboardInteractiveOnly,
    /// It closes the TCP connection after so many bytes of an answer.
    Drop {
        /// Bytes of the answer that still arrive.
        after: usize,
    },
    /// It stops for good after so many bytes of an answer, and keeps the connection.
    Stall {
        /// Bytes of the answer that still arrive.
        after: usize,
    },
    /// Every byte comes alone.
    Drip {
        /// Milliseconds before each byte.
        ms: u64,
    },
    /// Bytes that are no text stand in front of each answer.
    Garbage {
        /// How many.
        bytes: usize,
    },
    /// The command that switches the pager off is accepted and changes nothing.
    StuckPager,
    /// This prompt instead of its own.
    OddPrompt {
        /// The prompt, without a trailing newline.
        prompt: String,
    },
    /// A line that looks like the prompt stands in the middle of each answer.
    PromptInOutput,
    /// Each answer repeats itself until it is so large.
    Huge {
        /// Megabytes (10^6 bytes).
        megabytes: usize,
    },
    /// It thinks before it answers.
    Slow {
        /// Milliseconds before each answer.
        ms: u64,
    },
    /// To programs: the length in front of an answer is wrong, of a chunk of NETCONF or of a body of HTTP.
    LyingLength,
    /// To programs: where data should be there is an error, as a success.
    ErrorObject,
    /// To programs: the first number of each answer is none.
    WrongNumber,
}

/// A device's faults in the form in which the server asks for them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// See [`Fault::Refuse`].
    pub refuse: bool,
    /// See [`Fault::Hang`].
    pub hang: bool,
    /// See [`Fault::SilentAfterLogin`].
    pub silent: bool,
    /// See [`Fault::WrongPassword`].
    pub wrong_password: bool,
    /// See [`Fault::KeyboardInteractiveOnly`].
    pub questions_only: bool,
    /// See [`Fault::Drop`].
    pub drop_after: Option<usize>,
    /// See [`Fault::Stall`].
    pub stall_after: Option<usize>,
    /// See [`Fault::Drip`].
    pub drip: Option<Duration>,
    /// See [`Fault::Garbage`].
    pub garbage: usize,
    /// See [`Fault::StuckPager`].
    pub stuck_pager: bool,
    /// See [`Fault::OddPrompt`].
    pub prompt: Option<String>,
    /// See [`Fault::PromptInOutput`].
    pub prompt_in_output: bool,
    /// Bytes; see [`Fault::Huge`].
    pub huge: usize,
    /// See [`Fault::Slow`].
    pub slow: Option<Duration>,
    /// See [`Fault::LyingLength`].
    pub lying_length: bool,
    /// See [`Fault::ErrorObject`].
    pub error_object: bool,
    /// See [`Fault::WrongNumber`].
    pub wrong_number: bool,
}

impl Faults {
    /// Collects them; of two of one kind the last counts.
    pub fn new<'a>(faults: impl IntoIterator<Item = &'a Fault>) -> Self {
        let mut all = Self::default();
        for fault in faults {
            match fault {
                Fault::Refuse => all.refuse = true,
                Fault::Hang => all.hang = true,
                Fault::SilentAfterLogin => all.silent = true,
                Fault::WrongPassword => all.wrong_password = true,
                Fault::KeyboardInteractiveOnly => all.questions_only = true,
                Fault::Drop { after } => all.drop_after = Some(*after),
                Fault::Stall { after } => all.stall_after = Some(*after),
                Fault::Drip { ms } => all.drip = Some(Duration::from_millis(*ms)),
                Fault::Garbage { bytes } => all.garbage = *bytes,
                Fault::StuckPager => all.stuck_pager = true,
                Fault::OddPrompt { prompt } => all.prompt = Some(prompt.clone()),
                Fault::PromptInOutput => all.prompt_in_output = true,
                Fault::Huge { megabytes } => all.huge = megabytes.saturating_mul(1_000_000),
                Fault::Slow { ms } => all.slow = Some(Duration::from_millis(*ms)),
                Fault::LyingLength => all.lying_length = true,
                Fault::ErrorObject => all.error_object = true,
                Fault::WrongNumber => all.wrong_number = true,
            }
        }
        all
    }
}
