//! Where the elements of several operands lie along one flat walk.
//!
//! All operands of a loop nest are walked together: axes are put in one order, neighbouring ones merged where every
//! operand allows it, and the elements numbered along that walk. A range of numbers is what a tile is. In a range an
//! operand is side by side, the same element throughout, or neither; the last kind is gathered into a tile's memory
//! first, in [pieces](Layout::pieces) of constant stride.

use micronumpy::Dims;
use micronumpy::iter::{AxisPlan, PerOp};
use smallvec::SmallVec;

/// Strips shorter than this are worth less than the calls they cost: a tile then takes several of them.
const SHORT: usize = 64;

/// The walk.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Merged axes, outermost first; at least one.
    pub shape: Dims,
    /// A row of byte strides, one per operand, for every axis.
    strides: SmallVec<[isize; 16]>,
    /// Bytes from an operand's first element to where the walk starts.
    starts: PerOp<isize>,
    nop: usize,
    /// Whether a range of elements may go on over the end of a strip.
    pub gathers: bool,
}

/// Elements of an operand in a range: `count` of them, `stride` bytes apart, which are elements `at`, `at + every`, ... of the
/// range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Bytes from the operand's pointer.
    pub offset: isize,
    pub stride: isize,
    pub count: usize,
    pub at: usize,
    pub every: usize,
}

/// How an operand lies in a range.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Class {
    /// Side by side.
    Dense,
    /// One element.
    Single,
    /// Neither.
    Scattered,
}

impl Layout {
    pub fn from_plan(plan: &AxisPlan, nop: usize) -> Layout {
        let mut shape = plan.shape.clone();
        let mut strides = plan.strides.clone();
        if shape.is_empty() {
            shape.push(1);
            strides.resize(nop, 0);
        }
        let inner = shape[shape.len() - 1] as usize;
        let gathers = shape.len() > 1 && inner < SHORT;
        Layout { shape, strides, starts: plan.offsets.clone(), nop, gathers }
    }
    /// One axis of any length, along which every operand is dense or single.
    pub fn flat(strides: &[isize]) -> Layout {
        Layout {
            shape: Dims::from_elem(1, 1),
            strides: SmallVec::from_slice(strides),
            starts: PerOp::from_elem(0, strides.len()),
            nop: strides.len(),
            gathers: false,
        }
    }
    /// Length of a strip.
    pub fn inner(&self) -> usize {
        self.shape[self.shape.len() - 1] as usize
    }
    fn stride(&self, axis: usize, k: usize) -> isize {
        self.strides[axis * self.nop + k]
    }
    pub fn inner_stride(&self, k: usize) -> isize {
        self.stride(self.shape.len() - 1, k)
    }
    /// How operand `k` lies in the ranges this layout is walked in.
    pub fn class(&self, k: usize, itemsize: usize) -> Class {
        let last = self.shape.len() - 1;
        if !self.gathers {
            return match self.stride(last, k) {
                0 => Class::Single,
                s if s == itemsize as isize => Class::Dense,
                _ => Class::Scattered,
            };
        }
        if (0..=last).all(|a| self.stride(a, k) == 0) {
            return Class::Single;
        }
        let mut step = itemsize as isize;
        for axis in (0..=last).rev() {
            if self.stride(axis, k) != step {
                return Class::Scattered;
            }
            step *= self.shape[axis];
        }
        Class::Dense
    }
    /// Bytes from operand `k`'s pointer to its element number `flat`.
    pub fn offset(&self, k: usize, flat: usize) -> isize {
        let mut rest = flat;
        let mut at = self.starts[k];
        for axis in (1..self.shape.len()).rev() {
            let n = self.shape[axis] as usize;
            at += (rest % n) as isize * self.stride(axis, k);
            rest /= n;
        }
        at + rest as isize * self.stride(0, k)
    }
    /// [`Layout::offset`] of the first `count` operands, with one division per axis.
    #[inline]
    pub fn offsets(&self, flat: usize, count: usize) -> SmallVec<[isize; 8]> {
        let mut at: SmallVec<[isize; 8]> = SmallVec::from_slice(&self.starts[..count]);
        let mut rest = flat;
        let mut add = |axis: usize, index: usize| {
            let strides = &self.strides[axis * self.nop..][..count];
            for (at, stride) in at.iter_mut().zip(strides) {
                *at += index as isize * stride;
            }
        };
        for axis in (1..self.shape.len()).rev() {
            let n = self.shape[axis] as usize;
            add(axis, rest % n);
            rest /= n;
        }
        add(0, rest);
        at
    }
    /// Cuts a range into runs of constant stride of operand `k`.
    ///
    /// Whole strips that are short are taken column by column, as such runs are longer.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn pieces<E>(
        &self,
        k: usize,
        flat: usize,
        n: usize,
        mut f: impl FnMut(Piece) -> Result<(), E>,
    ) -> Result<(), E> {
        let (inner, stride) = (self.inner(), self.inner_stride(k));
        let axes = self.shape.len();
        if axes == 1 {
            return f(Piece { offset: self.offset(k, flat), stride, count: n, at: 0, every: 1 });
        }
        let rows = self.shape[axes - 2] as usize;
        let mut done = 0;
        while done < n {
            let (at, column) = (flat + done, (flat + done) % inner);
            let offset = self.offset(k, at);
            // Whole strips until the next axis steps.
            let whole = ((n - done) / inner).min(rows - at / inner % rows);
            if column == 0 && whole > inner {
                let across = self.stride(axes - 2, k);
                for c in 0..inner {
                    let offset = offset + c as isize * stride;
                    f(Piece { offset, stride: across, count: whole, at: done + c, every: inner })?;
                }
                done += whole * inner;
            } else {
                let count = (inner - column).min(n - done);
                f(Piece { offset, stride, count, at: done, every: 1 })?;
                done += count;
            }
        }
        Ok(())
    }
    /// Cuts the walk, or a range of it, into ranges of at most `tile` elements that do not cross the end of a strip, or
    /// that are whole strips: `f(flat, n)`.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn tiles<E>(
        &self,
        from: usize,
        to: usize,
        tile: usize,
        mut f: impl FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let inner = self.inner();
        let mut at = from;
        while at < to {
            let n = if self.shape.len() == 1 {
                tile
            } else if self.gathers {
                (tile / inner).max(1) * inner - at % inner
            } else {
                tile.min(inner - at % inner)
            };
            let n = n.min(to - at);
            f(at, n)?;
            at += n;
        }
        Ok(())
    }
}
