//! Arrays made from nothing but numbers.

mod progression;

pub use progression::fill_progression;
