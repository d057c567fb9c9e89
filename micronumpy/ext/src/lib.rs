//! The extension library of the Python package: entry points, nothing else.
