//! The terminal conversation.
