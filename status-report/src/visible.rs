//! Text of tests, made fit to be looked at.
//!
//! Messages and ids come from programs that failed; they may hold anything. The template engine escapes what HTML would
//! take for markup. Left to do here is what survives escaping and still harms: control characters, which HTML forbids;
//! marks that turn the direction of what follows or take no room, which make a text look like another; and length.

use std::borrow::Cow;
use std::fmt::Write;

/// Replaces characters that cannot be seen by ones that can; line ends and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte == b'\n' || byte == b'\t' || (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => out.push(c),
            // U+2400 begins the pictures of control characters.
            '\0'..='\x1f' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            '\x7f' => out.push('\u{2421}'),
            '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => {
                let _ = write!(out, "[U+{:04X}]", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// At most about `limit` bytes: the beginning and the end, with what was left out counted between them.
pub fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit + 40 {
        return Cow::Borrowed(text);
    }
    let head = &text[..text.floor_char_boundary(limit / 4 * 3)];
    let tail = &text[text.ceil_char_boundary(text.len() - limit / 4)..];
    let left_out = text.len() - head.len() - tail.len();
    Cow::Owned(format!("{head} [... {left_out} bytes ...] {tail}"))
}

/// The first line that says something, short enough for a list.
pub fn headline(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("(no message)");
    let mut out: String = line.chars().take(160).collect();
    if out.len() < line.len() {
        out.push('…');
    }
    out
}

/// How many bytes a text takes in HTML.
pub fn escaped_len(text: &str) -> usize {
    text.bytes().map(|byte| if matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'') { 5 } else { 1 }).sum()
}

/// `47,530`: a number, or a reference to one, as templates have it.
pub fn thousands(n: impl std::fmt::Display) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown() {
        let check = |text: &str, shown: &str| assert_eq!(visible(text), shown);
        check("plain <b>\n\ttext", "plain <b>\n\ttext");
        check("a\r\nb\rc", "a\nb\u{240d}c");
        check("\0\x1b[31m\x7f\u{9b}", "\u{2400}\u{241b}[31m\u{2421}\u{fffd}");
        check("user\u{202e}nimda\u{feff}", "user[U+202E]nimda[U+FEFF]");
        check("größe ≠ 🦀", "größe ≠ 🦀");
    }

    #[test]
    fn long_texts_keep_both_ends() {
        let text = format!("{}ü{}", "a".repeat(1000), "z".repeat(1000));
        let short = shorten(&text, 100);
        assert!(short.starts_with("aaa") && short.ends_with("zzz") && short.len() < 140, "{short}");
        assert!(short.contains("[... 1902 bytes ...]"), "{short}");
        assert_eq!(shorten("short", 100), "short");
        for limit in 0..40 {
            shorten(&"ü".repeat(100), limit);
        }
    }

    #[test]
    fn headlines_and_numbers() {
        assert_eq!(headline("\n  \n E: x\nmore"), " E: x");
        assert_eq!(headline(""), "(no message)");
        assert_eq!(headline(&"é".repeat(200)).chars().count(), 161);
        assert_eq!(
            [0, 999, 1000, 47530, 1_234_567].map(thousands),
            ["0", "999", "1,000", "47,530", "1,234,567"]
        );
    }
}
