//! Operations that make strings.

use core::ffi::c_int;

use super::compare::Char;
use super::row::{Operands, Sink, TextOp};
use super::search;
use crate::abi::{EMPTY_SEPARATOR, REPEAT_OVERFLOW, ZERO_STEP};

type Sinks<C> = [Sink<C>; 3];

/// `add`
pub struct Concat;

impl TextOp for Concat {
    const INPUTS: usize = 2;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        out[0].push(row.text(0));
        out[0].push(row.text(1));
        Ok(())
    }
}

fn repeat<C: Char>(s: &[C], times: i64, out: &mut Sink<C>) -> Result<(), c_int> {
    if s.is_empty() || times <= 0 {
        return Ok(());
    }
    if (s.len() as i64).checked_mul(times).is_none() {
        return Err(REPEAT_OVERFLOW);
    }
    let mut left = times;
    while left > 0 && !out.is_full() {
        out.push(s);
        left -= 1;
    }
    Ok(())
}

/// `multiply`, the string first.
pub struct RepeatLeft;

impl TextOp for RepeatLeft {
    const INPUTS: usize = 2;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        repeat(row.text(0), row.int(1), &mut out[0])
    }
}

/// `multiply`, the string last.
pub struct RepeatRight;

impl TextOp for RepeatRight {
    const INPUTS: usize = 2;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        repeat(row.text(1), row.int(0), &mut out[0])
    }
}

/// Which ends `strip` works on.
pub trait Ends {
    const LEFT: bool;
    const RIGHT: bool;
}
pub struct Left;
pub struct Right;
pub struct Both;
impl Ends for Left {
    const LEFT: bool = true;
    const RIGHT: bool = false;
}
impl Ends for Right {
    const LEFT: bool = false;
    const RIGHT: bool = true;
}
impl Ends for Both {
    const LEFT: bool = true;
    const RIGHT: bool = true;
}

fn strip<C: Char, E: Ends>(s: &[C], unwanted: impl Fn(C) -> bool) -> &[C] {
    let start = if E::LEFT { s.iter().position(|&c| !unwanted(c)).unwrap_or(s.len()) } else { 0 };
    let s = &s[start..];
    if !E::RIGHT {
        return s;
    }
    // NULs that come to stand at the end belong to the padding.
    let end = s.iter().rposition(|&c| !(C::PADDED && c == C::default() || unwanted(c)));
    let end = end.map_or(0, |i| i + 1);
    &s[..end]
}

/// `_strip_whitespace` and its one-sided forms.
pub struct StripSpace<E>(core::marker::PhantomData<E>);

impl<E: Ends> TextOp for StripSpace<E> {
    const INPUTS: usize = 1;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let is_space = C::database().is_space;
        out[0].push(strip::<C, E>(row.text(0), |c| is_space(c.code())));
        Ok(())
    }
}

/// `_strip_chars` and its one-sided forms.
pub struct StripChars<E>(core::marker::PhantomData<E>);

impl<E: Ends> TextOp for StripChars<E> {
    const INPUTS: usize = 2;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let unwanted = row.text(1);
        out[0].push(if unwanted.is_empty() {
            row.text(0)
        } else {
            strip::<C, E>(row.text(0), |c| unwanted.contains(&c))
        });
        Ok(())
    }
}

/// `_replace`: the text, what to replace, by what, how often.
pub struct Replace;

impl TextOp for Replace {
    const INPUTS: usize = 4;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let (old, new) = (row.text(1), row.text(2));
        let (mut rest, mut left) = (row.text(0), row.int(3));
        if !C::PADDED && left < 0 {
            left = i64::MAX;
        }
        let out = &mut out[0];
        if old.is_empty() {
            // Between all characters, and at both ends.
            while left > 0 && !out.is_full() {
                out.push(new);
                left -= 1;
                let Some((c, tail)) = rest.split_first() else { break };
                out.push(&[*c]);
                rest = tail;
            }
        } else {
            while left > 0 && !out.is_full() {
                let Some(i) = search::find(rest, old) else { break };
                out.push(&rest[..i]);
                out.push(new);
                rest = &rest[i + old.len()..];
                left -= 1;
            }
        }
        out.push(rest);
        Ok(())
    }
}

/// `_expandtabs`
pub struct ExpandTabs;

impl TextOp for ExpandTabs {
    const INPUTS: usize = 2;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let tab = row.int(1);
        let out = &mut out[0];
        let mut column = 0i64;
        for &c in row.text(0) {
            if out.is_full() {
                break;
            }
            if c == C::ascii(b'\t') {
                if tab > 0 {
                    let step = tab - column % tab;
                    column = column.saturating_add(step);
                    out.fill(C::ascii(b' '), usize::try_from(step).unwrap_or(usize::MAX));
                }
                continue;
            }
            column = column.saturating_add(1);
            if c == C::ascii(b'\n') || c == C::ascii(b'\r') {
                column = 0;
            }
            out.push(&[c]);
        }
        Ok(())
    }
}

/// How many characters padding to `width` adds.
fn missing(width: i64, len: usize) -> usize {
    usize::try_from(width).unwrap_or(0).saturating_sub(len)
}

/// The operands of `_center`, `_ljust` and `_rjust`: text, padding and the character for it.
fn padding<C: Char>(row: &impl Operands<C>) -> (&[C], usize, C) {
    let s = row.text(0);
    (s, missing(row.int(1), s.len()), row.text(2).first().copied().unwrap_or_default())
}

/// `_center`
pub struct Center;

impl TextOp for Center {
    const INPUTS: usize = 3;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let (s, pad, c) = padding(row);
        // An odd padding goes left when the width is odd, too.
        let left = pad / 2 + (pad & row.int(1) as usize & 1);
        out[0].fill(c, left);
        out[0].push(s);
        out[0].fill(c, pad - left);
        Ok(())
    }
}

/// `_ljust`
pub struct LJust;

impl TextOp for LJust {
    const INPUTS: usize = 3;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let (s, pad, c) = padding(row);
        out[0].push(s);
        out[0].fill(c, pad);
        Ok(())
    }
}

/// `_rjust`
pub struct RJust;

impl TextOp for RJust {
    const INPUTS: usize = 3;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let (s, pad, c) = padding(row);
        out[0].fill(c, pad);
        out[0].push(s);
        Ok(())
    }
}

/// `_zfill`: zeros between sign and digits.
pub struct ZFill;

impl TextOp for ZFill {
    const INPUTS: usize = 2;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let s = row.text(0);
        let signed = s.first().is_some_and(|&c| c == C::ascii(b'+') || c == C::ascii(b'-'));
        let (sign, digits) = s.split_at(usize::from(signed));
        out[0].push(sign);
        out[0].fill(C::ascii(b'0'), missing(row.int(1), s.len()));
        out[0].push(digits);
        Ok(())
    }
}

/// `_partition_index`: operand 2 says where the separator is, or is negative. Where it is not found, the text goes to
/// output `WHOLE`.
pub struct Partition<const WHOLE: usize>;

impl<const WHOLE: usize> TextOp for Partition<WHOLE> {
    const INPUTS: usize = 3;
    const OUTPUTS: usize = 3;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let (s, sep) = (row.text(0), row.text(1));
        if sep.is_empty() {
            return Err(EMPTY_SEPARATOR);
        }
        match usize::try_from(row.int(2)) {
            Err(_) => out[WHOLE].push(s),
            Ok(at) => {
                let (head, tail) = s.split_at(at.min(s.len()));
                out[0].push(head);
                out[1].push(sep);
                out[2].push(tail.get(sep.len()..).unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// `_partition` (`_rpartition` from the end): the text before the separator, the separator, and what follows. Where it is
/// not found, the text goes to the first output, or to the last.
pub struct PartitionAt<const REVERSED: bool>;

impl<const REVERSED: bool> TextOp for PartitionAt<REVERSED> {
    const INPUTS: usize = 2;
    const OUTPUTS: usize = 3;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let (s, sep) = (row.text(0), row.text(1));
        if sep.is_empty() {
            return Err(EMPTY_SEPARATOR);
        }
        match if REVERSED { search::rfind(s, sep) } else { search::find(s, sep) } {
            None => out[if REVERSED { 2 } else { 0 }].push(s),
            Some(at) => {
                out[0].push(&s[..at]);
                out[1].push(sep);
                out[2].push(&s[at + sep.len()..]);
            }
        }
        Ok(())
    }
}

/// `_slice`: start, stop and step are operands 1 to 3.
pub struct Slice;

impl TextOp for Slice {
    const INPUTS: usize = 4;
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut Sinks<C>) -> Result<(), c_int> {
        let s = row.text(0);
        let n = s.len() as i64;
        let step = row.int(3);
        if step == 0 {
            return Err(ZERO_STEP);
        }
        let back = i64::from(step < 0);
        let clip = |i: i64| {
            let i = if i < 0 { i.saturating_add(n) } else { i };
            i.clamp(-back, n - back)
        };
        let (mut i, stop) = (clip(row.int(1)), clip(row.int(2)));
        if step == 1 {
            if i < stop {
                out[0].push(&s[i as usize..stop as usize]);
            }
            return Ok(());
        }
        while if step > 0 { i < stop } else { i > stop } {
            out[0].push(&[s[i as usize]]);
            i = i.saturating_add(step);
        }
        Ok(())
    }
}
