//! Loops of operations that `ufuncs::strings` has for every storage of strings.
//!
//! An operation sees characters. Where all inputs of an element are ASCII those are the bytes as they are stored; otherwise
//! code points are written out first.

use ufuncs::strings::compare::{Ascii, Char, Point};
use ufuncs::strings::row::{MAX_OUTPUTS, Operands, Sink, TextOp, ValueOp};

use super::missing::{Case, Fate};
use super::{Call, T};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::ufunc::loop_status;
use crate::vstring::{Locked, Text, utf8};

/// Inputs of the widest operation.
const MAX_INPUTS: usize = 4;

/// The inputs of one element.
struct Inputs<'a> {
    texts: [Text<'a>; MAX_INPUTS],
    ints: [i64; MAX_INPUTS],
    fate: Fate,
}

/// As an operation sees them.
struct Row<'a, C> {
    texts: [&'a [C]; MAX_INPUTS],
    ints: [i64; MAX_INPUTS],
}

impl<C: Char> Operands<C> for Row<'_, C> {
    fn text(&self, i: usize) -> &[C] {
        self.texts[i]
    }
    fn int(&self, i: usize) -> i64 {
        self.ints[i]
    }
}

impl<'a> Inputs<'a> {
    /// Read an element.
    ///
    /// # Safety
    /// `at` points to an element of each input of the call.
    unsafe fn read(call: &'a Call, held: &'a Locked<'_>, at: &[*mut u8]) -> Result<Inputs<'a>> {
        let mut inputs = Inputs { texts: [Text::EMPTY; MAX_INPUTS], ints: [0; MAX_INPUTS], fate: Fate::Text };
        let mut missing = 0;
        for i in 0..call.nin() {
            // SAFETY: the caller's promise.
            unsafe {
                if call.def.types[i] != T {
                    inputs.ints[i] = at[i].cast::<i64>().read_unaligned();
                } else if let Some(text) = held.load(i, at[i]) {
                    inputs.texts[i] = text;
                } else {
                    missing |= 1 << i;
                    inputs.texts[i] = Text::Long(call.effective().map_or(&[], |s| s.default_text()));
                }
            }
        }
        if missing != 0 {
            inputs.fate = (call.def.missing)(&Case::new(call, missing))?;
        }
        Ok(inputs)
    }
    /// There was no room for a result.
    fn too_long(&self, call: &Call) -> Error {
        let (name, pads) = (call.def.ufunc, self.texts[2].len().max(1) as i128 * i128::from(self.ints[1]));
        if name == "_expandtabs" {
            return Error::Overflow("new string is too long".into());
        }
        if matches!(name, "_center" | "_ljust" | "_rjust") && pads > isize::MAX as i128 {
            return Error::Overflow(format!("Overflow encountered in {name}"));
        }
        Error::Memory { shape: vec![], dtype: Dtype::builtin(T) }
    }
    fn is_ascii(&self) -> bool {
        self.texts.iter().all(|t| t.is_ascii())
    }
    fn ascii(&self) -> Row<'_, Ascii> {
        Row { texts: std::array::from_fn(|i| Ascii::from_slice(&self.texts[i])), ints: self.ints }
    }
    fn points<'b>(&self, buffers: &'b mut [Vec<u32>; MAX_INPUTS]) -> Row<'b, Point> {
        for (buffer, text) in buffers.iter_mut().zip(&self.texts) {
            buffer.clear();
            utf8::decode(text, buffer);
        }
        Row { texts: std::array::from_fn(|i| Point::from_slice(&buffers[i])), ints: self.ints }
    }
}

/// Move on to the next element.
pub(super) fn step(at: &mut [*mut u8], strides: &[isize]) {
    for (p, &s) in at.iter_mut().zip(strides) {
        *p = p.wrapping_offset(s);
    }
}

/// The loop of an operation with a value per element.
///
/// # Safety
/// As for [`Call::run`].
pub unsafe fn value<Op: ValueOp>(call: &Call, data: &[*mut u8], n: usize, strides: &[isize]) -> Result<()> {
    let held = call.lock();
    let mut at: smallvec::SmallVec<[*mut u8; 6]> = data.into();
    let mut buffers = Default::default();
    for _ in 0..n {
        // SAFETY: the caller's promise.
        unsafe {
            let inputs = Inputs::read(call, &held, &at)?;
            let answer = match inputs.fate {
                Fate::Text if inputs.is_ascii() => Op::apply(&inputs.ascii()),
                Fate::Text => Op::apply(&inputs.points(&mut buffers)),
                Fate::Missing | Fate::False => Ok(Op::Out::default()),
            };
            match answer {
                Ok(v) => at[call.nin()].cast::<Op::Out>().write_unaligned(v),
                Err(code) => return loop_status(code),
            }
        }
        step(&mut at, strides);
    }
    Ok(())
}

/// The loop of an operation with strings as results.
///
/// # Safety
/// As for [`Call::run`].
pub unsafe fn text<Op: TextOp>(call: &Call, data: &[*mut u8], n: usize, strides: &[isize]) -> Result<()> {
    let mut held = call.lock();
    let mut at: smallvec::SmallVec<[*mut u8; 6]> = data.into();
    let mut buffers = Default::default();
    let mut ascii: [Sink<Ascii>; MAX_OUTPUTS] = std::array::from_fn(|_| Sink::unbounded());
    let mut points: [Sink<Point>; MAX_OUTPUTS] = std::array::from_fn(|_| Sink::unbounded());
    let mut encoded = Vec::new();
    for _ in 0..n {
        ascii.iter_mut().for_each(Sink::clear);
        points.iter_mut().for_each(Sink::clear);
        // SAFETY: the caller's promise. Inputs are no longer looked at when outputs are written.
        unsafe {
            let inputs = Inputs::read(call, &held, &at)?;
            let is_ascii = inputs.is_ascii();
            let missing = matches!(inputs.fate, Fate::Missing | Fate::False);
            let status = match (missing, is_ascii) {
                (true, _) => Ok(()),
                (false, true) => Op::apply(&inputs.ascii(), &mut ascii),
                (false, false) => Op::apply(&inputs.points(&mut buffers), &mut points),
            };
            if let Err(code) = status {
                return loop_status(code);
            }
            if ascii.iter().any(Sink::failed) || points.iter().any(Sink::failed) {
                return Err(inputs.too_long(call));
            }
            for k in 0..Op::OUTPUTS {
                let i = call.nin() + k;
                if missing {
                    held.store_missing(i, at[i]);
                    continue;
                }
                if is_ascii {
                    held.store(i, at[i], Ascii::to_slice(ascii[k].chars()))?;
                } else {
                    encoded.clear();
                    if !utf8::encode(Point::to_slice(points[k].chars()), &mut encoded) {
                        return Err(Error::type_("Invalid unicode code point found"));
                    }
                    held.store(i, at[i], &encoded)?;
                }
            }
        }
        step(&mut at, strides);
    }
    Ok(())
}
