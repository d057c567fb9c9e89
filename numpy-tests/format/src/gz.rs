//! Compressed files.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

use crate::replace_file;

/// Writes gzip without a time stamp, so equal contents give equal files.
///
/// # Errors
/// When the file cannot be written.
pub fn write_gz(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut out = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    out.write_all(bytes)?;
    replace_file(path, &out.finish()?)
}

/// The contents of a gzip file.
///
/// # Errors
/// When the file cannot be read, ends early, or fails its checksum.
pub fn read_gz(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut bytes = Vec::new();
    GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{} is damaged or ends early", path.display()))?;
    Ok(bytes)
}
