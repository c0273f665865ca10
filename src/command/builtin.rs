//! The commands that need no device, and the words for them.

/// Which built-in command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Help,
    Examples,
    Explain,
    Devices,
    Cancel,
    Again,
    More,
    History,
    Whoami,
    Status,
}

/// What people need to know about a built-in command; parser, help, completion and docs read this.
#[derive(Debug, Clone, Copy)]
pub struct BuiltinInfo {
    pub(super) kind: Kind,
    /// The word.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// How it is written.
    pub usage: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// All built-in commands, in the order of `help`.
pub const BUILTINS: [BuiltinInfo; 10] = [
    BuiltinInfo {
        kind: Kind::Help,
        name: "help",
        aliases: &["?"],
        usage: "help [VERB]",
        help: "what can be asked, or all about one verb",
    },
    BuiltinInfo {
        kind: Kind::Examples,
        name: "examples",
        aliases: &["example"],
        usage: "examples",
        help: "questions that work here",
    },
    BuiltinInfo {
        kind: Kind::Explain,
        name: "explain",
        aliases: &[],
        usage: "explain MESSAGE",
        help: "which devices would be asked and how; nothing is sent",
    },
    BuiltinInfo {
        kind: Kind::Devices,
        name: "devices",
        aliases: &["dev", "device", "inventory"],
        usage: "devices [TARGETS]",
        help: "the inventory",
    },
    BuiltinInfo {
        kind: Kind::Cancel,
        name: "cancel",
        aliases: &["stop"],
        usage: "cancel [ID]",
        help: "ends a running question; what it has is kept",
    },
    BuiltinInfo {
        kind: Kind::Again,
        name: "again",
        aliases: &["!!"],
        usage: "again",
        help: "asks the last question once more",
    },
    BuiltinInfo {
        kind: Kind::More,
        name: "more",
        aliases: &[],
        usage: "more ANSWER [ROW]",
        help: "an earlier answer by its number, from a row on",
    },
    BuiltinInfo {
        kind: Kind::History,
        name: "history",
        aliases: &[],
        usage: "history",
        help: "what was asked",
    },
    BuiltinInfo {
        kind: Kind::Whoami,
        name: "whoami",
        aliases: &[],
        usage: "whoami",
        help: "who nocbot takes you for",
    },
    BuiltinInfo {
        kind: Kind::Status,
        name: "status",
        aliases: &[],
        usage: "status",
        help: "how nocbot itself is doing",
    },
];

/// Every word for a built-in command.
pub(super) fn names() -> impl Iterator<Item = (&'static str, Kind)> {
    BUILTINS.iter().flat_map(|builtin| {
        std::iter::once(builtin.name)
            .chain(builtin.aliases.iter().copied())
            .map(move |name| (name, builtin.kind))
    })
}

/// The built-in command's main word.
pub(super) fn name(kind: Kind) -> &'static str {
    BUILTINS.iter().find(|builtin| builtin.kind == kind).map_or("help", |builtin| builtin.name)
}
