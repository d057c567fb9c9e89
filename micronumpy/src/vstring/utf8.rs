//! UTF-8 to code points and back. Text comes from the host and is valid; what is not (compiled code can store anything) is
//! read byte by byte, so that nothing reads past an end.

/// Append the code points of a text.
pub fn decode(text: &[u8], out: &mut Vec<u32>) {
    for chunk in text.utf8_chunks() {
        out.extend(chunk.valid().chars().map(u32::from));
        out.extend(chunk.invalid().iter().map(|&b| u32::from(b)));
    }
}

/// Number of code points.
pub fn count(text: &[u8]) -> usize {
    text.utf8_chunks().map(|c| c.valid().chars().count() + c.invalid().len()).sum()
}

/// Append code points as UTF-8; false for values that are none.
pub fn encode(points: &[u32], out: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4];
    for &p in points {
        let Some(c) = char::from_u32(p) else { return false };
        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    }
    true
}
