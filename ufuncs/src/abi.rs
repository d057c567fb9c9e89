//! The one contract between a kernel and whoever runs it.
//!
//! A kernel is a [`LoopFn`]: numpy's strided-loop signature (NEP 43), so that a registered kernel, a loop registered
//! through the C API and a compiled loop are interchangeable. Kernels never allocate for the caller, never panic and
//! never learn about arrays; they get pointers, byte strides and a count.
//!
//! Registration is plain `static` data: a [`UfuncDef`] lists its [`LoopDef`]s in numpy's order. Row order is
//! semantics: resolution takes the first row the operands can be safely cast to.

use core::ffi::{c_int, c_void};
use std::borrow::Cow;

use crate::typenum::TypeNum;

/// What a loop may look at besides its data. Layout of numpy's `PyArrayMethod_Context`; `info` is the slot upstream
/// keeps reserved.
#[repr(C)]
pub struct LoopContext {
    /// The ufunc object (borrowed), or null. Only loops that call back into the host look at it.
    pub caller: *mut c_void,
    pub method: *mut c_void,
    /// The host's descriptor objects (borrowed), or null when the caller is not the host.
    pub descriptors: *const *const c_void,
    /// What kernels of this crate need to know about their operands. May be null for loops of fixed-size types.
    pub info: *const LoopInfo,
    pub flags: u64,
    pub parameters: *mut c_void,
}

/// Facts about the operands of one call, for loops over types whose size is not fixed.
#[repr(C)]
pub struct LoopInfo {
    /// Item size in bytes of each operand, inputs then outputs (`nargs` entries).
    pub itemsizes: *const usize,
}

/// One strided loop.
///
/// * `data`: one pointer per operand, inputs then outputs.
/// * `dims`: `dims[0]` is the number of elements (outer loop of a gufunc), core dimensions follow.
/// * `strides`: byte strides, one per operand for the outer loop; for gufuncs the core strides follow.
/// * returns 0, or -1 when an exception is set in the host (only loops flagged [`LoopFlags::NEEDS_API`]), or
///   one of the codes below.
///
/// A reduction calls a binary loop with `data[0] == data[2]` and `strides[0] == strides[2] == 0`; loops of
/// reorderable operations recognise this form and accumulate in a register (float sums: pairwise).
/// Operands are aligned and native unless the loop says [`LoopFlags::UNALIGNED`]. Inputs and outputs either coincide
/// exactly or do not overlap, which the caller has made sure of.
pub type LoopFn = unsafe extern "C" fn(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int;

/// Folds rows of elements with one call: what the loop does when it is called as a reduction once for each
/// `i < shape[0]`, on `acc + i * acc_strides[0]` and the `shape[1]` elements at `data + i * strides[0]`, `strides[1]`
/// bytes apart. `acc_strides[1]` is 0, or the row of elements meets a row of results. Elements and results are of one type,
/// aligned and native.
///
/// # Safety
/// All of them are readable, the results writable, and no element overlaps a result.
pub type FoldFn =
    unsafe fn(acc: *mut u8, acc_strides: [isize; 2], data: *const u8, strides: [isize; 2], shape: [usize; 2]);

/// Returned by the integer loops of `power` when an exponent is negative. The caller turns it into numpy's ValueError
/// ("Integers to negative integer powers are not allowed.").
pub const NEGATIVE_POWER: c_int = -2;
/// Returned by the string loops: `index` did not find anything.
pub const SUBSTRING_NOT_FOUND: c_int = -3;
/// A separator has to have characters.
pub const EMPTY_SEPARATOR: c_int = -4;
/// A repeated string would be longer than memory.
pub const REPEAT_OVERFLOW: c_int = -5;
/// Expanded tabs make a string longer than a dtype can say.
pub const STRING_TOO_LONG: c_int = -6;
/// A slice's step is zero.
pub const ZERO_STEP: c_int = -7;
/// No memory for the loop's own needs.
pub const NO_MEMORY: c_int = -8;

/// Static properties of a loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LoopFlags(pub u32);

impl LoopFlags {
    pub const NONE: LoopFlags = LoopFlags(0);
    /// Touches host objects: needs the host's lock and can fail.
    pub const NEEDS_API: LoopFlags = LoopFlags(1);
    /// Floating-point status after this loop means nothing and is not looked at.
    pub const NO_FP_ERRORS: LoopFlags = LoopFlags(2);
    /// Works on unaligned operands.
    pub const UNALIGNED: LoopFlags = LoopFlags(4);
    /// Parts of a row may be computed at once by several threads, and give what the whole gives. Somebody else's loop does
    /// not say so.
    pub const IN_PARTS: LoopFlags = LoopFlags(8);
    /// Rounds in another way where outputs lie over inputs: lanes of a running fold are done one by one.
    pub const BY_LANE: LoopFlags = LoopFlags(16);
    /// Ends with the floating-point status cleared, as numpy's loop does: what casts of its operands have raised before is
    /// forgotten.
    pub const CLEARS_FP: LoopFlags = LoopFlags(32);

    pub const fn contains(self, other: LoopFlags) -> bool {
        self.0 & other.0 == other.0
    }
    pub const fn with(self, other: LoopFlags) -> LoopFlags {
        LoopFlags(self.0 | other.0)
    }
}

/// A loop together with the types it works on.
#[derive(Clone)]
pub struct LoopDef {
    /// `nin + nout` types.
    pub types: Cow<'static, [TypeNum]>,
    pub func: LoopFn,
    /// Passed as `aux`.
    pub aux: *mut c_void,
    pub flags: LoopFlags,
    /// Many reductions at once, for loops that have a faster way than one after the other.
    pub fold: Option<FoldFn>,
}

// SAFETY: `aux` is either null or points to data that lives as long as the process and is only read.
unsafe impl Sync for LoopDef {}
// SAFETY: as above.
unsafe impl Send for LoopDef {}

impl LoopDef {
    pub const fn new(types: &'static [TypeNum], func: LoopFn, flags: LoopFlags) -> LoopDef {
        LoopDef { types: Cow::Borrowed(types), func, aux: core::ptr::null_mut(), flags, fold: None }
    }
}

/// The value a reduction starts from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Identity {
    /// No identity and reordering over several axes is not allowed.
    None,
    /// No identity, but the operation may be reordered (`maximum`).
    ReorderableNone,
    Zero,
    One,
    MinusOne,
    /// `-inf` (logaddexp).
    NegInf,
    True,
    False,
}

/// How the types of a call are found when plain search through the rows is not numpy's rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resolver {
    /// First row all inputs can be cast to.
    Default,
    /// All inputs are promoted to their common dtype first (arithmetic, bitwise, `maximum`...).
    Common,
    /// Comparison: common dtype in, bool out; mixed signed/unsigned 64-bit has its own rows.
    Comparison,
    /// `logical_and` and friends: any input, bool out, no promotion between inputs.
    Logical,
    /// `divide`: integers and booleans go to float64.
    TrueDivide,
    /// `add`, `subtract`, `multiply`, `floor_divide`, ... : common dtype plus datetime rules.
    Arithmetic,
}

/// Gets the sizes of a signature's core dimensions in order of appearance, -1 for those no operand has; may set the
/// latter. An error is the text of a ValueError.
pub type CoreDimsFn = fn(&mut [isize]) -> Result<(), String>;

/// A universal function as data.
pub struct UfuncDef {
    pub name: &'static str,
    pub nin: usize,
    pub nout: usize,
    pub identity: Identity,
    /// Core signature of a generalized ufunc.
    pub signature: Option<&'static str>,
    /// Fills in and checks core dimensions of a generalized ufunc that follow from others.
    pub core_dims: Option<CoreDimsFn>,
    pub resolver: Resolver,
    pub loops: &'static [LoopDef],
}
