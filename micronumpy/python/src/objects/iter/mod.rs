//! The iterators Python sees: `numpy.flatiter` and `numpy.broadcast`.

pub mod broadcast;
pub mod flatiter;
pub mod neighborhood;
