//! From CPython's syntax tree to register code.
//!
//! [`tree`] takes the tree over, [`flow`] knows which names are bound where, [`scope`] what a name means, [`lower`] turns a
//! loop, or statements that [`arrays`] takes for work on arrays, into the code of a region or says why it stays with CPython ([`decline`]). What Python code does is what CPython's
//! compiler makes of it: the order of evaluation, of assignments and of the deaths of temporaries, the number of times a
//! truth is asked for and the position of every instruction are taken from there.
#![forbid(unsafe_code)]

pub mod arrays;
pub mod decline;
pub mod flow;
pub mod lower;
pub mod scope;
pub mod tree;

pub use decline::Decline;
pub use lower::{Draft, Options, lower, lower_body, lower_statements};
