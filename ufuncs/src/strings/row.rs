//! The one loop all string operations share, and how an operation sees its operands.
//!
//! An operation is a type that reads strings and integers of one element and either gives a value or writes strings. What
//! it writes goes to scratch memory first: an output may be the same memory as an input. An operation does not know how
//! its strings are stored ([`Operands`]); the loops here are those for fixed-width strings.

use core::ffi::{c_int, c_void};
use core::marker::PhantomData;

use super::compare::Char;
use crate::abi::{LoopContext, NO_MEMORY};

/// Inputs and outputs of the widest operation.
const MAX_OPERANDS: usize = 6;
/// Outputs of the widest operation.
pub const MAX_OUTPUTS: usize = 3;

/// The inputs of an operation, for one element.
pub trait Operands<C: Char> {
    /// The string in operand `i`.
    fn text(&self, i: usize) -> &[C];
    /// The integer in operand `i`.
    fn int(&self, i: usize) -> i64;
}

/// The operands of one element in memory.
pub struct Row<C> {
    data: [*mut u8; MAX_OPERANDS],
    /// In characters where the operand is a string.
    lengths: [usize; MAX_OPERANDS],
    chars: PhantomData<C>,
}

impl<C: Char> Operands<C> for Row<C> {
    /// Without the NULs that fill it up.
    #[inline]
    fn text(&self, i: usize) -> &[C] {
        let n = self.lengths[i];
        if n == 0 {
            return &[];
        }
        // SAFETY: operations ask for the operands their row in the table lists, and the loop contract holds for those:
        // aligned, of the item size told. Nothing is written while the row is borrowed.
        let all = unsafe { core::slice::from_raw_parts(self.data[i].cast::<C>(), n) };
        trimmed(all)
    }
    #[inline]
    fn int(&self, i: usize) -> i64 {
        // SAFETY: as above, for an operand the table lists as LONG.
        unsafe { self.data[i].cast::<i64>().read_unaligned() }
    }
}

/// Without trailing NULs.
#[inline]
pub fn trimmed<C: Char>(s: &[C]) -> &[C] {
    let n = s.iter().rposition(|&c| c != C::default()).map_or(0, |i| i + 1);
    &s[..n]
}

/// Takes the characters of a result, as many as the output has room for.
#[derive(Default)]
pub struct Sink<C> {
    chars: Vec<C>,
    room: usize,
    failed: bool,
}

impl<C: Char> Sink<C> {
    /// For results of any length.
    pub fn unbounded() -> Sink<C> {
        Sink { chars: Vec::new(), room: usize::MAX, failed: false }
    }
    /// What it has taken.
    pub fn chars(&self) -> &[C] {
        &self.chars
    }
    /// Whether there was no memory for what it was given.
    pub fn failed(&self) -> bool {
        self.failed
    }
    /// Empty again.
    pub fn clear(&mut self) {
        self.chars.clear();
        self.failed = false;
    }
    /// Make place for `n` characters more. Sinks of fixed-width strings have it from the start.
    #[inline]
    fn reserve(&mut self, n: usize) -> bool {
        self.failed |= self.chars.try_reserve(n).is_err();
        !self.failed
    }
    pub fn is_full(&self) -> bool {
        self.failed || self.chars.len() == self.room
    }
    #[inline]
    pub fn push(&mut self, s: &[C]) {
        let n = s.len().min(self.room - self.chars.len());
        if self.reserve(n) {
            self.chars.extend_from_slice(&s[..n]);
        }
    }
    #[inline]
    pub fn fill(&mut self, c: C, n: usize) {
        let n = n.min(self.room - self.chars.len());
        if self.reserve(n) {
            self.chars.resize(self.chars.len() + n, c);
        }
    }
}

/// An operation with a value per element.
pub trait ValueOp {
    const INPUTS: usize;
    type Out: Copy + Default;
    /// # Errors
    /// A code of [`crate::abi`] a loop may return.
    fn apply<C: Char>(row: &impl Operands<C>) -> Result<Self::Out, c_int>;
}

/// An operation with strings as results.
pub trait TextOp {
    const INPUTS: usize;
    const OUTPUTS: usize = 1;
    /// # Errors
    /// A code of [`crate::abi`] a loop may return.
    fn apply<C: Char>(row: &impl Operands<C>, out: &mut [Sink<C>; MAX_OUTPUTS]) -> Result<(), c_int>;
}

/// # Safety
/// The loop contract for `nargs` operands.
unsafe fn row_of<C: Char>(ctx: *const LoopContext, data: *const *mut u8, nargs: usize) -> Row<C> {
    let mut row =
        Row { data: [core::ptr::null_mut(); MAX_OPERANDS], lengths: [0; MAX_OPERANDS], chars: PhantomData };
    for i in 0..nargs {
        // SAFETY: the caller's promise.
        unsafe {
            row.data[i] = *data.add(i);
            row.lengths[i] = *(*(*ctx).info).itemsizes.add(i) / C::SIZE;
        }
    }
    row
}

/// # Safety
/// The loop contract, for the operands of `Op`'s row in the table.
pub unsafe extern "C" fn value_loop<C: Char, Op: ValueOp>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    let nin = Op::INPUTS;
    // SAFETY: the loop contract. Only addresses of elements are read and written; the step after the last is not used.
    unsafe {
        let mut row = row_of::<C>(ctx, data, nin);
        let mut out = *data.add(nin);
        for _ in 0..*dims {
            match Op::apply(&row) {
                Ok(value) => out.cast::<Op::Out>().write_unaligned(value),
                Err(code) => return code,
            }
            for i in 0..nin {
                row.data[i] = row.data[i].wrapping_offset(*strides.add(i));
            }
            out = out.wrapping_offset(*strides.add(nin));
        }
    }
    0
}

/// # Safety
/// The loop contract, for the operands of `Op`'s row in the table.
pub unsafe extern "C" fn text_loop<C: Char, Op: TextOp>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    let (nin, nargs) = (Op::INPUTS, Op::INPUTS + Op::OUTPUTS);
    let mut sinks: [Sink<C>; MAX_OUTPUTS] = Default::default();
    // SAFETY: the loop contract. A sink never holds more than its output has room for; inputs are no longer borrowed
    // when outputs are written.
    unsafe {
        let mut row = row_of::<C>(ctx, data, nargs);
        for (sink, &room) in sinks.iter_mut().zip(&row.lengths[nin..nargs]) {
            if sink.chars.try_reserve_exact(room).is_err() {
                return NO_MEMORY;
            }
            sink.room = room;
        }
        for _ in 0..*dims {
            if let Err(code) = Op::apply(&row, &mut sinks) {
                return code;
            }
            for (k, sink) in sinks.iter_mut().take(Op::OUTPUTS).enumerate() {
                let (out, n) = (row.data[nin + k], sink.chars.len());
                sink.chars.as_ptr().cast::<u8>().copy_to_nonoverlapping(out, n * C::SIZE);
                out.add(n * C::SIZE).write_bytes(0, (sink.room - n) * C::SIZE);
                sink.chars.clear();
            }
            for i in 0..nargs {
                row.data[i] = row.data[i].wrapping_offset(*strides.add(i));
            }
        }
    }
    0
}
