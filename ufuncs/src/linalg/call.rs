//! From raw operands to matrices: one outer loop, one failure protocol.
//!
//! A [`Kernel`] decomposes one matrix (or one set of matching operands); [`kernel`] is the loop around it. LAPACK's
//! habit, which numpy's Python layer builds on: a failed decomposition fills its outputs with NaN and the loop goes on
//! with the next matrix; in the end the floating-point status says *invalid* if anything failed and nothing otherwise,
//! whatever the arithmetic on the way raised.
//!
//! Everything is copied into column-major storage first and the results are copied out at the end, so operands may have
//! any strides, and an output may be an input.

use core::ffi::{c_int, c_void};
use core::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use faer::{Mat, MatRef};

use super::lanes::{self, Group, LANES, Ordinary};
use crate::abi::LoopContext;
use crate::fpstatus;

/// The most operands a kernel has.
const MAX_OPERANDS: usize = 7;

/// Stacks of fewer matrices are not worth gathering.
const FEW: isize = 4;

/// A generalized ufunc's inner function.
pub trait Kernel {
    /// For every operand its core dimensions, as indices of the signature's dimensions in order of appearance.
    const CORE: &'static [&'static [usize]];
    /// Whether the floating-point status is replaced by "invalid or nothing".
    const OWNS_STATUS: bool = true;
    /// Work on one set of operands; `false` means failure.
    fn run(call: &Call) -> bool;
    /// Fill the outputs after a failure.
    fn fail(call: &Call);
    /// Whether [`Self::run_group`] takes operands of this shape.
    fn groups(_call: &Call) -> bool {
        false
    }
    /// Work on several sets of operands at once, and say for each whether it is done.
    fn run_group(_group: &Group) -> Ordinary {
        [false; LANES]
    }
}

/// The operands of one step of the outer loop.
pub struct Call<'a> {
    data: [*mut u8; MAX_OPERANDS],
    core: &'static [&'static [usize]],
    dims: &'a [isize],
    core_strides: &'a [isize],
}

/// One operand: a strided matrix in foreign memory. A vector is a matrix of one column, a scalar of one element.
///
/// Invariant, from the loop contract: every element addressed by `rows`, `cols` and the strides is a valid, aligned
/// `T`, writeable if the operand is an output.
#[derive(Clone, Copy)]
pub struct Block<T> {
    ptr: *mut u8,
    pub rows: usize,
    pub cols: usize,
    row_stride: isize,
    col_stride: isize,
    kind: PhantomData<*mut T>,
}

impl Call<'_> {
    /// Operand `i`, whose type in the loop's row of types is `T`'s.
    pub fn block<T: Copy>(&self, i: usize) -> Block<T> {
        self.block_at(i, self.data[i])
    }
    /// Operand `i` of the step that comes `ahead` steps later.
    pub(super) fn block_after<T: Copy>(&self, i: usize, steps: &[isize], ahead: usize) -> Block<T> {
        self.block_at(i, self.data[i].wrapping_offset(ahead as isize * steps[i]))
    }
    #[inline(always)]
    fn block_at<T: Copy>(&self, i: usize, ptr: *mut u8) -> Block<T> {
        let first: usize = self.core[..i].iter().map(|axes| axes.len()).sum();
        let axis = |k: usize| match self.core[i].get(k) {
            Some(&dim) => (self.dims[dim] as usize, self.core_strides[first + k]),
            None => (1, 0),
        };
        let ((rows, row_stride), (cols, col_stride)) = (axis(0), axis(1));
        Block { ptr, rows, cols, row_stride, col_stride, kind: PhantomData }
    }
}

impl<T: Copy> Block<T> {
    fn at(&self, row: usize, col: usize) -> *mut T {
        debug_assert!(row < self.rows && col < self.cols);
        self.ptr.wrapping_offset(row as isize * self.row_stride + col as isize * self.col_stride).cast()
    }
    pub fn get(&self, row: usize, col: usize) -> T {
        assert!(row < self.rows && col < self.cols);
        // SAFETY: inside the block by the assertion; the type's invariant.
        unsafe { self.at(row, col).read() }
    }
    pub fn set(&self, row: usize, col: usize, value: T) {
        assert!(row < self.rows && col < self.cols);
        // SAFETY: inside the block by the assertion; the type's invariant.
        unsafe { self.at(row, col).write(value) }
    }
    /// A column-major copy.
    pub fn load(&self) -> Mat<T> {
        // SAFETY: `from_fn` stays inside the shape; the type's invariant.
        Mat::from_fn(self.rows, self.cols, |i, j| unsafe { self.at(i, j).read() })
    }
    /// Overwrite with the matrix, which has this shape.
    pub fn store(&self, from: MatRef<'_, T>) {
        assert!(from.nrows() == self.rows && from.ncols() == self.cols);
        for j in 0..self.cols {
            for i in 0..self.rows {
                // SAFETY: inside the block; the type's invariant.
                unsafe { self.at(i, j).write(from[(i, j)]) };
            }
        }
    }
    /// Overwrite by a rule.
    pub fn store_with(&self, mut value: impl FnMut(usize, usize) -> T) {
        for j in 0..self.cols {
            for i in 0..self.rows {
                // SAFETY: inside the block; the type's invariant.
                unsafe { self.at(i, j).write(value(i, j)) };
            }
        }
    }
    pub fn fill(&self, value: T) {
        self.store_with(|_, _| value);
    }
}

/// The loop around a kernel.
///
/// # Safety
/// The loop contract of [`crate::abi::LoopFn`], with operands of the types and the signature the kernel was made for.
pub unsafe extern "C" fn kernel<K: Kernel>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    let nargs = K::CORE.len();
    let ndims = K::CORE.iter().flat_map(|axes| axes.iter()).map(|d| d + 1).max().unwrap_or(0);
    let ncore = K::CORE.iter().map(|axes| axes.len()).sum();
    // SAFETY: the contract: so many pointers, dimensions and strides.
    let (data, count, dims, outer, core_strides) = unsafe {
        (
            core::slice::from_raw_parts(data, nargs),
            *dims,
            core::slice::from_raw_parts(dims.add(1), ndims),
            core::slice::from_raw_parts(strides, nargs),
            core::slice::from_raw_parts(strides.add(nargs), ncore),
        )
    };
    let mut call = Call { data: [core::ptr::null_mut(); MAX_OPERANDS], core: K::CORE, dims, core_strides };
    call.data[..nargs].copy_from_slice(data);
    let mut failed = K::OWNS_STATUS && fpstatus::take() & fpstatus::INVALID != 0;
    let mut one = |call: &Call| {
        // A panic in a decomposition would be a bug, but must neither cross into C nor pass for a result.
        if !catch_unwind(AssertUnwindSafe(|| K::run(call))).unwrap_or(false) {
            failed = true;
            K::fail(call);
        }
    };
    let groups = count >= FEW && lanes::available() && K::groups(&call);
    let mut left = count.max(0) as usize;
    while left > 0 {
        let n = if groups { left.min(LANES) } else { 1 };
        let done = if groups {
            let group = Group { call: &call, steps: outer, count: n };
            catch_unwind(AssertUnwindSafe(|| K::run_group(&group))).unwrap_or([false; LANES])
        } else {
            [false; LANES]
        };
        for done in &done[..n] {
            if !done {
                one(&call);
            }
            for (ptr, step) in call.data.iter_mut().zip(outer) {
                *ptr = ptr.wrapping_offset(*step);
            }
        }
        left -= n;
    }
    if K::OWNS_STATUS {
        fpstatus::clear();
        if failed {
            fpstatus::raise(fpstatus::INVALID);
        }
    }
    0
}
