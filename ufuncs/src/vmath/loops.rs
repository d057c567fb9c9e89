//! Loops around lane code: blocks of elements through the lanes, then the few that need care.
//!
//! A block is read where it lies if it is contiguous and not about to be overwritten, and gathered into a buffer if
//! not; results likewise. An input that overlaps the output without coinciding (`accumulate` hands in such operands)
//! is read one element at a time.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use super::{Binary, Lane, Settled, Stored, Unary, edges};
use crate::abi::LoopContext;
#[cfg(target_arch = "x86_64")]
use crate::cpu::Kind;
use crate::cpu::{Level, multiversion};
use crate::elem::{f16, float16};
use crate::fpstatus;
use crate::loops::{load, store};

/// Elements computed at a time.
const BLOCK: usize = 256;

macro_rules! stored {
    ($($t:ty),*) => {$(
        impl Stored for $t {
            type Lane = $t;
            #[inline(always)]
            fn widen(self) -> $t {
                self
            }
            #[inline(always)]
            fn narrow(x: $t) -> $t {
                x
            }
            #[inline(always)]
            fn widen_all(_level: Level, x: &[$t], y: &mut [MaybeUninit<$t>]) {
                y.write_copy_of_slice(x);
            }
            #[inline(always)]
            fn narrow_all(_level: Level, x: &[$t], y: &mut [MaybeUninit<$t>]) {
                y.write_copy_of_slice(x);
            }
        }
    )*};
}
stored!(f32, f64);

impl Stored for f16 {
    type Lane = f32;
    #[inline(always)]
    fn widen(self) -> f32 {
        float16::to_f32(self)
    }
    #[inline(always)]
    fn narrow(x: f32) -> f16 {
        float16::from_f32(x)
    }
    #[inline(always)]
    fn widen_all(level: Level, x: &[f16], y: &mut [MaybeUninit<f32>]) {
        float16::widen(level, x, y);
    }
    #[inline(always)]
    fn narrow_all(level: Level, x: &[f32], y: &mut [MaybeUninit<f16>]) {
        float16::narrow(level, x, y);
    }
}

#[inline(always)]
fn unary_body<Op: Unary, T: Lane>(x: &[T], y: &mut [MaybeUninit<T>]) {
    for (y, &x) in y.iter_mut().zip(x) {
        y.write(x.unary::<Op>());
    }
}

#[inline(always)]
fn binary_body<Op: Binary, T: Lane>(a: &[T], b: &[T], y: &mut [MaybeUninit<T>]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        y.write(a.binary::<Op>(b));
    }
}

multiversion! { fused fn unary_lanes[Op: Unary, T: Lane](x: &[T], y: &mut [MaybeUninit<T>]) -> ()
= unary_body::<Op, T>; }
multiversion! { fused fn binary_lanes[Op: Binary, T: Lane](a: &[T], b: &[T], y: &mut [MaybeUninit<T>]) -> ()
= binary_body::<Op, T>; }

#[inline(always)]
fn settled_body<T: Lane>(y: &[T], settled: Settled) -> bool {
    let all = |settled| y.iter().fold(true, |all, y| all & y.is_settled(settled));
    // Each its own loop, with the constant in it.
    match settled {
        Settled::Normal => all(Settled::Normal),
        Settled::OrZero => all(Settled::OrZero),
        Settled::Finite => all(Settled::Finite),
    }
}

multiversion! { fn settled_lanes[T: Lane](y: &[T], settled: Settled) -> bool = settled_body::<T>; }

/// Whether all answers of a block stand. A pass of its own, because one instruction of AVX-512 says it.
#[inline(always)]
fn are_settled<T: Lane>(level: Level, y: &[T], settled: Settled) -> bool {
    #[cfg(target_arch = "x86_64")]
    if level.kind() == Kind::Avx512 {
        // SAFETY: the level says that the processor has the instructions.
        return unsafe { T::are_settled_avx512(y, settled) };
    }
    settled_lanes::<T>(level, y, settled)
}

/// The answers of the quickest way there is, and whether all are settled.
#[inline(always)]
fn unary_results<Op: Unary, T: Lane>(level: Level, x: &[T], y: &mut [MaybeUninit<T>]) -> Option<bool> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the level says that the processor has the instructions.
    let done = level.kind() == Kind::Avx512 && unsafe { T::eights::<Op>(x, y) };
    #[cfg(not(target_arch = "x86_64"))]
    let done = false;
    if !done {
        unary_lanes::<Op, T>(level, x, y)?;
    }
    // SAFETY: every result is written.
    Some(are_settled(level, unsafe { y.assume_init_ref() }, Op::SETTLED))
}

#[inline(always)]
fn binary_results<Op: Binary, T: Lane>(
    level: Level,
    a: &[T],
    b: &[T],
    y: &mut [MaybeUninit<T>],
) -> Option<bool> {
    binary_lanes::<Op, T>(level, a, b, y)?;
    // SAFETY: every result is written.
    Some(are_settled(level, unsafe { y.assume_init_ref() }, Op::SETTLED))
}

/// A block of results.
#[inline(always)]
pub(super) fn unary_block<Op: Unary, T: Lane>(level: Level, x: &[T], y: &mut [MaybeUninit<T>]) {
    let status = fpstatus::Saved::now();
    match unary_results::<Op, T>(level, x, y) {
        None => {
            for (y, &x) in y.iter_mut().zip(x) {
                y.write(Op::careful(x));
            }
        }
        Some(settled) => {
            status.restore();
            if !settled {
                // SAFETY: the lanes wrote every result.
                unsettled_unary::<Op, T>(level, x, unsafe { y.assume_init_mut() });
            }
        }
    }
}

/// Answers that the lanes did not settle.
#[cold]
#[inline(never)]
fn unsettled_unary<Op: Unary, T: Lane>(level: Level, x: &[T], y: &mut [T]) {
    let before = fpstatus::Saved::now();
    let (status, others) = edges::settle(level, &Op::EDGES, Op::SETTLED, x, y);
    // Comparisons have a status of their own.
    before.restore();
    if others {
        for (y, &x) in y.iter_mut().zip(x) {
            if !y.is_settled(Op::SETTLED) && !Op::EDGES.knows(x) {
                *y = Op::careful(x);
            }
        }
    }
    if status != 0 {
        fpstatus::raise(status);
    }
}

#[inline(always)]
pub(super) fn binary_block<Op: Binary, T: Lane>(level: Level, a: &[T], b: &[T], y: &mut [MaybeUninit<T>]) {
    let status = fpstatus::Saved::now();
    match binary_results::<Op, T>(level, a, b, y) {
        None => {
            for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                y.write(Op::careful(a, b));
            }
        }
        Some(settled) => {
            status.restore();
            if !settled {
                careful_binary::<Op, T>(a, b, y);
            }
        }
    }
}

#[cold]
#[inline(never)]
fn careful_binary<Op: Binary, T: Lane>(a: &[T], b: &[T], y: &mut [MaybeUninit<T>]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        // SAFETY: the lanes wrote every result.
        if !unsafe { y.assume_init_read() }.is_settled(Op::SETTLED) {
            y.write(Op::careful(a, b));
        }
    }
}

/// Room for one block.
struct Buffer<T>([MaybeUninit<T>; BLOCK]);

impl<T: Lane> Buffer<T> {
    #[inline(always)]
    fn new() -> Buffer<T> {
        Buffer([const { MaybeUninit::uninit() }; BLOCK])
    }

    /// Up to [`BLOCK`] elements, where they lie if possible.
    ///
    /// # Safety
    /// `n` elements `S` are readable at `p`, `stride` bytes apart; if `stay`, nothing is written to them while the result
    /// lives.
    #[inline(always)]
    unsafe fn read<S: Stored<Lane = T>>(
        &mut self,
        level: Level,
        p: *const u8,
        n: usize,
        stride: isize,
        stay: bool,
    ) -> &[T] {
        // SAFETY: the elements the caller promises; a lane type that differs from the stored one has another size.
        unsafe {
            if stay && is_direct::<S>(stride) {
                return core::slice::from_raw_parts(p.cast(), n);
            }
            if stride == size_of::<S>() as isize {
                S::widen_all(level, core::slice::from_raw_parts(p.cast(), n), &mut self.0[..n]);
            } else {
                let mut p = p;
                for slot in &mut self.0[..n] {
                    slot.write(load::<S>(p).widen());
                    p = p.wrapping_offset(stride);
                }
            }
            self.0[..n].assume_init_ref()
        }
    }

    #[inline(always)]
    fn results(&mut self, n: usize) -> &mut [MaybeUninit<T>] {
        &mut self.0[..n]
    }
}

/// Where results go: in place if they are contiguous lanes.
#[inline(always)]
fn is_direct<S: Stored>(stride: isize) -> bool {
    size_of::<S>() == size_of::<S::Lane>() && stride == size_of::<S>() as isize
}

/// Writes a block of results.
///
/// # Safety
/// `y.len()` elements `S` are writable at `p`, `stride` bytes apart, and `y` is initialised.
#[inline(always)]
unsafe fn scatter<S: Stored>(level: Level, p: *mut u8, stride: isize, y: &[MaybeUninit<S::Lane>]) {
    // SAFETY: the caller's promise.
    unsafe {
        let y = y.assume_init_ref();
        if stride == size_of::<S>() as isize {
            S::narrow_all(level, y, core::slice::from_raw_parts_mut(p.cast(), y.len()));
            return;
        }
        let mut p = p;
        for &value in y {
            store(p, S::narrow(value));
            p = p.wrapping_offset(stride);
        }
    }
}

/// How an input lies to the output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Disjoint,
    /// Element `i` of one is element `i` of the other.
    Same,
    /// An input may have been an output.
    Chained,
}

/// Addresses from the first byte to the last.
#[inline(always)]
fn extent(p: *const u8, n: usize, stride: isize, size: usize) -> (usize, usize) {
    let (first, last) = (p as usize, p.wrapping_offset(stride * (n as isize - 1)) as usize);
    (first.min(last), first.max(last) + size)
}

#[inline(always)]
fn relation(a: *const u8, sa: isize, o: *const u8, so: isize, n: usize, size: usize) -> Relation {
    if a == o && sa == so {
        return Relation::Same;
    }
    let (a, o) = (extent(a, n, sa, size), extent(o, n, so, size));
    if a.1 <= o.0 || o.1 <= a.0 { Relation::Disjoint } else { Relation::Chained }
}

/// The loop of a function of one number.
pub unsafe extern "C" fn map<Op: Unary, S: Stored>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: two operands of the loop contract.
    let (n, mut a, mut o, sa, so) =
        unsafe { (*dims as usize, *data, *data.add(1), *strides, *strides.add(1)) };
    let level = Level::current();
    let relation = if n > 1 { relation(a, sa, o, so, n, size_of::<S>()) } else { Relation::Same };
    let block = if relation == Relation::Chained { 1 } else { BLOCK };
    let (mut inputs, mut outputs) = (Buffer::<S::Lane>::new(), Buffer::<S::Lane>::new());
    let mut left = n;
    while left > 0 {
        let count = left.min(block);
        // SAFETY: `count` of the elements left, of each operand. An input that stays where it is does not overlap the
        // output.
        unsafe {
            let x = inputs.read::<S>(level, a, count, sa, relation == Relation::Disjoint);
            if is_direct::<S>(so) {
                let y = core::slice::from_raw_parts_mut(o.cast(), count);
                unary_block::<Op, S::Lane>(level, x, y);
            } else {
                let y = outputs.results(count);
                unary_block::<Op, S::Lane>(level, x, y);
                scatter::<S>(level, o, so, y);
            }
        }
        a = a.wrapping_offset(count as isize * sa);
        o = o.wrapping_offset(count as isize * so);
        left -= count;
    }
    0
}

/// The loop of a function of two numbers.
pub unsafe extern "C" fn zip<Op: Binary, S: Stored>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: three operands of the loop contract.
    let (n, mut a, mut b, mut o, sa, sb, so) = unsafe {
        (*dims as usize, *data, *data.add(1), *data.add(2), *strides, *strides.add(1), *strides.add(2))
    };
    let level = Level::current();
    let size = size_of::<S>();
    let (of_a, of_b) = if n > 1 {
        (relation(a, sa, o, so, n, size), relation(b, sb, o, so, n, size))
    } else {
        (Relation::Same, Relation::Same)
    };
    // A reduction is the extreme case: its first input is its output, and all elements of both are one. (`Same`.)
    let chained = of_a == Relation::Chained || of_b == Relation::Chained || so == 0;
    let block = if chained { 1 } else { BLOCK };
    let mut buffers = (Buffer::<S::Lane>::new(), Buffer::<S::Lane>::new(), Buffer::<S::Lane>::new());
    let mut left = n;
    while left > 0 {
        let count = left.min(block);
        // SAFETY: `count` of the elements left, of each operand. An input that stays where it is does not overlap the
        // output.
        unsafe {
            let x = buffers.0.read::<S>(level, a, count, sa, of_a == Relation::Disjoint);
            let y = buffers.1.read::<S>(level, b, count, sb, of_b == Relation::Disjoint);
            if is_direct::<S>(so) {
                let z = core::slice::from_raw_parts_mut(o.cast(), count);
                binary_block::<Op, S::Lane>(level, x, y, z);
            } else {
                let z = buffers.2.results(count);
                binary_block::<Op, S::Lane>(level, x, y, z);
                scatter::<S>(level, o, so, z);
            }
        }
        a = a.wrapping_offset(count as isize * sa);
        b = b.wrapping_offset(count as isize * sb);
        o = o.wrapping_offset(count as isize * so);
        left -= count;
    }
    0
}
