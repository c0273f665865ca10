//! Operations that change a configuration (RFC 6241, 7.2 to 7.5, 8.3 to 8.6). They need a session
//! of their own, [`super::Exclusive`]: locks and candidates belong to sessions, and nothing that is
//! shared between askers may hold them. No verb uses them.

use super::capability::Capabilities;
use super::element::Element;
use super::filter::needs;
use super::operation::Datastore;
use crate::error::Failure;

/// What happens to what is there already (RFC 6241, 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultOperation {
    /// Both stay.
    Merge,
    /// The new stays.
    Replace,
    /// Only elements with an operation of their own change anything.
    None,
}

/// What happens at the first error (RFC 6241, 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorOption {
    /// It stops there.
    Stop,
    /// It goes on.
    Continue,
    /// Nothing of it stays; `:rollback-on-error` (8.5).
    Rollback,
}

/// A change of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EditConfig {
    /// Of which datastore; running needs `:writable-running` (8.2).
    pub target: Datastore,
    /// What happens to what is there.
    pub default_operation: Option<DefaultOperation>,
    /// Whether it is only validated; `:validate:1.1` (8.6).
    pub test_only: bool,
    /// What happens at the first error.
    pub error_option: Option<ErrorOption>,
    /// The configuration.
    pub config: Vec<Element>,
}

/// How long a commit holds without a second one (RFC 6241, 8.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// Seconds until it is rolled back; 600 if there are none.
    pub timeout: Option<u32>,
    /// A name under which another session may confirm it.
    pub persist: Option<String>,
}

/// An operation that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Changes a configuration (7.2).
    EditConfig(EditConfig),
    /// Copies a whole datastore (7.3).
    CopyConfig {
        /// From where.
        source: Datastore,
        /// To where.
        target: Datastore,
    },
    /// Deletes a datastore (7.4).
    DeleteConfig(Datastore),
    /// Keeps all others from changing it (7.5).
    Lock(Datastore),
    /// Gives it free (7.6).
    Unlock(Datastore),
    /// Checks it; `:validate` (8.6).
    Validate(Datastore),
    /// Makes the candidate the running configuration; `:candidate` (8.3), `:confirmed-commit` (8.4).
    Commit {
        /// For how long, without a second commit.
        confirmed: Option<Confirmed>,
        /// The name of a commit to confirm that another session began.
        persist_id: Option<String>,
    },
    /// Takes a confirmed commit back (8.4.4.1).
    CancelCommit {
        /// Its name, if it has one.
        persist_id: Option<String>,
    },
    /// Makes the candidate what is running (8.3.4.2).
    DiscardChanges,
}

impl Edit {
    /// Its name, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::EditConfig(_) => "edit-config",
            Self::CopyConfig { .. } => "copy-config",
            Self::DeleteConfig(_) => "delete-config",
            Self::Lock(_) => "lock",
            Self::Unlock(_) => "unlock",
            Self::Validate(_) => "validate",
            Self::Commit { .. } => "commit",
            Self::CancelCommit { .. } => "cancel-commit",
            Self::DiscardChanges => "discard-changes",
        }
    }

    /// Its element.
    ///
    /// # Errors
    /// The server does not offer what it needs.
    pub(super) fn element(&self, capabilities: &Capabilities, who: &str) -> Result<Element, Failure> {
        let need = |name: &str| needs(capabilities, who, name);
        let this = Element::known(self.name());
        let leaf = |name: &str, value: Option<String>| value.map(|value| Element::known(name).text(value));
        Ok(match self {
            Self::EditConfig(edit) => edit.element(this, capabilities, who)?,
            Self::CopyConfig { source, target } => {
                source.check(capabilities, who)?;
                target.check(capabilities, who)?;
                this.child(target.element("target")).child(source.element("source"))
            }
            Self::DeleteConfig(target) | Self::Lock(target) | Self::Unlock(target) => {
                target.check(capabilities, who)?;
                this.child(target.element("target"))
            }
            Self::Validate(source) => {
                need("validate")?;
                source.check(capabilities, who)?;
                this.child(source.element("source"))
            }
            Self::Commit { confirmed, persist_id } => {
                need("candidate")?;
                if confirmed.is_some() || persist_id.is_some() {
                    need("confirmed-commit")?;
                }
                let this = match confirmed {
                    None => this,
                    Some(Confirmed { timeout, persist }) => this
                        .child(Element::known("confirmed"))
                        .children(leaf("confirm-timeout", timeout.map(|seconds| seconds.to_string())))
                        .children(leaf("persist", persist.clone())),
                };
                this.children(leaf("persist-id", persist_id.clone()))
            }
            Self::CancelCommit { persist_id } => {
                need("confirmed-commit")?;
                this.children(leaf("persist-id", persist_id.clone()))
            }
            Self::DiscardChanges => {
                need("candidate")?;
                this
            }
        })
    }
}

impl EditConfig {
    fn element(&self, this: Element, capabilities: &Capabilities, who: &str) -> Result<Element, Failure> {
        let leaf = |name: &str, value: &str| Element::known(name).text(value);
        match self.target {
            Datastore::Running => needs(capabilities, who, "writable-running")?,
            other => other.check(capabilities, who)?,
        }
        if self.test_only {
            needs(capabilities, who, "validate:1.1")?;
        }
        if self.error_option == Some(ErrorOption::Rollback) {
            needs(capabilities, who, "rollback-on-error")?;
        }
        let default_operation = self.default_operation.map(|operation| match operation {
            DefaultOperation::Merge => "merge",
            DefaultOperation::Replace => "replace",
            DefaultOperation::None => "none",
        });
        let error_option = self.error_option.map(|option| match option {
            ErrorOption::Stop => "stop-on-error",
            ErrorOption::Continue => "continue-on-error",
            ErrorOption::Rollback => "rollback-on-error",
        });
        Ok(this
            .child(self.target.element("target"))
            .children(default_operation.map(|value| leaf("default-operation", value)))
            .children(self.test_only.then(|| leaf("test-option", "test-only")))
            .children(error_option.map(|value| leaf("error-option", value)))
            .child(Element::known("config").children(self.config.iter().cloned())))
    }
}
