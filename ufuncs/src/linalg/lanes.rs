//! Small matrices of a stack side by side: one vector lane for each of [`LANES`] matrices.
//!
//! A matrix of three rows is too small to be worth a vector instruction, but sixteen of them are. Elements are gathered so
//! that those of one place lie next to each other, and an algorithm is written for one lane without branches; the loop over
//! the lanes around it is what the compiler vectorises. A lane whose matrix is out of the ordinary (singular, not finite,
//! near the ends of the range) says so, and the loop of [`super::call`] decomposes that matrix alone, with all the care that
//! takes. So nothing here has to be careful.

use super::call::{Block, Call};
use super::scalar::{Real, Scalar};
use crate::cpu::Level;
use crate::fpstatus::Saved;

/// Matrices worked on at a time: some vectors of each type.
pub const LANES: usize = 16;

/// The elements of `ROWS` by `COLS` matrices, one in each lane.
pub type Planes<T, const ROWS: usize, const COLS: usize> = [[[T; LANES]; COLS]; ROWS];

/// Whether each lane's matrix was ordinary.
pub type Ordinary = [bool; LANES];

/// A zeroed set of planes.
pub fn planes<T: Scalar, const ROWS: usize, const COLS: usize>() -> Planes<T, ROWS, COLS> {
    [[[T::ZERO; LANES]; COLS]; ROWS]
}

/// Successive steps of the outer loop, at most [`LANES`] of them.
pub struct Group<'a> {
    pub call: &'a Call<'a>,
    /// What each operand's address grows by from one step to the next.
    pub steps: &'a [isize],
    pub count: usize,
}

impl Group<'_> {
    /// Operand `i` of one lane.
    pub fn block<T: Copy>(&self, i: usize, lane: usize) -> Block<T> {
        self.call.block_after(i, self.steps, lane)
    }
    /// Gather operand `i`, a vector being a matrix of one column.
    pub fn load<T: Scalar, const ROWS: usize, const COLS: usize>(
        &self,
        i: usize,
        to: &mut Planes<T, ROWS, COLS>,
    ) {
        for lane in 0..self.count.min(LANES) {
            let block = self.block::<T>(i, lane);
            for (r, row) in to.iter_mut().enumerate() {
                for (c, place) in row.iter_mut().enumerate() {
                    place[lane] = block.get(r, c);
                }
            }
        }
    }
    /// Scatter to operand `i` what ordinary lanes made.
    pub fn store<T: Scalar, const ROWS: usize, const COLS: usize>(
        &self,
        i: usize,
        from: &Planes<T, ROWS, COLS>,
        ordinary: &Ordinary,
    ) {
        for lane in (0..self.count.min(LANES)).filter(|&lane| ordinary[lane]) {
            let block = self.block::<T>(i, lane);
            for (r, row) in from.iter().enumerate() {
                for (c, place) in row.iter().enumerate() {
                    block.set(r, c, place[lane]);
                }
            }
        }
    }
}

/// An algorithm for all lanes at once.
pub trait Algorithm {
    /// What it works on, in place.
    type Data;
    /// For every lane the same arithmetic, without branches.
    fn run(data: &mut Self::Data);
}

/// Whether this processor is one that [`run`] has code for. Without it every matrix is decomposed alone.
pub fn available() -> bool {
    cfg!(target_arch = "x86_64") && Level::current().has_fused()
}

/// Run an algorithm. What unused and extraordinary lanes do to the floating-point status is forgotten.
///
/// There is one copy and not one for each [`Level`], for there are many algorithms and orders.
pub fn run<A: Algorithm>(data: &mut A::Data) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    #[inline(never)]
    fn wide<A: Algorithm>(data: &mut A::Data) {
        A::run(data);
    }
    let status = Saved::now();
    #[cfg(target_arch = "x86_64")]
    {
        assert!(available());
        // SAFETY: levels with fused multiplication have both.
        unsafe { wide::<A>(data) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    A::run(data);
    status.restore();
}

/// Whether a positive quantity is neither tiny nor infinite nor NaN.
#[inline(always)]
pub fn plain<R: Real>(x: R) -> bool {
    (x >= R::MIN_POSITIVE) & (x <= R::MAX)
}

/// Two values, exchanged on a condition without a branch.
#[inline(always)]
pub fn exchanged_if<T: Copy>(condition: bool, x: T, y: T) -> (T, T) {
    (if condition { y } else { x }, if condition { x } else { y })
}

/// Whether matrices of `n` rows are worked on here.
pub fn suits<T: Scalar>(n: usize) -> bool {
    (2..=largest::<T>()).contains(&n)
}

/// Complex matrices of four rows have more elements than there are registers.
pub const fn largest<T: Scalar>() -> usize {
    if T::REAL { 4 } else { 3 }
}

/// `of_order!(T, n, N => body)` evaluates the body with `N` a constant for orders that [`suits`] knows, and otherwise does
/// no lane.
macro_rules! of_order {
    ($T:ty, $n:expr, $N:ident => $body:expr) => {
        match $n {
            2 => {
                const $N: usize = 2;
                $body
            }
            3 => {
                const $N: usize = 3;
                $body
            }
            4 if $crate::linalg::lanes::largest::<$T>() == 4 => {
                const $N: usize = 4;
                $body
            }
            _ => [false; LANES],
        }
    };
}
pub(super) use of_order;

/// `for_each_below!(j, N => body)`: a loop over `0..N`, at most four turns, that is written out before the compiler decides
/// whether it likes to. Only then all places are constants and every element has a register of its own.
macro_rules! for_each_below {
    ($j:ident, $N:expr => $body:block) => {{
        for_each_below!(@turn 0, $j, $N, $body);
        for_each_below!(@turn 1, $j, $N, $body);
        for_each_below!(@turn 2, $j, $N, $body);
        for_each_below!(@turn 3, $j, $N, $body);
    }};
    (@turn $at:literal, $j:ident, $N:expr, $body:block) => {
        if $at < $N {
            let $j: usize = $at;
            $body
        }
    };
}
pub(super) use for_each_below;
