//! What a device tells programs: documents in the shape of YANG models, computed from the same state
//! as its command line.
//!
//! ```text
//!   data/<name>.yaml   which modules, documents, RPCs        data/<name>/*.j2   one per document
//!            │                                                     │ rendered for a request
//!            ▼                                                     ▼
//!          Offer ──────────────────────────────────────────► Node: one tree
//!                                                              │ path, select, subtree, xpath
//!                                                              ▼
//!                                                           json (RFC 7951) or xml
//! ```

mod json;
mod library;
mod markup;
mod offer;
mod path;
mod problem;
mod schema;
mod select;
mod spoil;
mod subtree;
mod tree;
mod xml;
mod xpath;

pub use json::write as to_json;
pub use markup::Element;
pub use offer::{JsonRpc, NetconfOffer, Offer, RestconfOffer};
pub use path::{Path, Wrong};
pub use problem::Problem;
pub use schema::schema;
pub use select::{Content as Wanted, Fields, depth, fields};
pub use spoil::{enlarge, wrong_number};
pub use subtree::subtree;
pub use tree::Node;
pub use xml::{escaped, write as to_xml};
pub use xpath::XPath;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
