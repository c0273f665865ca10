//! What must survive a restart: the audit log and the history.
