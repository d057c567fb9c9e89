//! Folds whose operands are not what the loop wants, by way of the iterator.
//!
//! An output of another dtype is cast in and out with every buffer, an operand that overlaps it is copied, every cast warns when it
//! is planned and when it is run, and shapes that do not fit are told as the iterator tells them. All of that follows from the
//! iterator numpy folds with, so these folds use ours, built with the same flags.

use micronumpy::iter::broadcast_strides;
use micronumpy::iter::nditer::{REDUCTION_AXIS, global, per_op};
use micronumpy::ufunc::exec::for_runs;
use micronumpy::ufunc::{BoundLoop, reduce as fold};
use micronumpy::{ArrayRef, Casting, Dims, Order};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::bind::Binding;
use crate::error::IntoPyResult;
use crate::objects::nditer::{self, Options, State};
use crate::objects::{Array, Descr, array};

/// An iterator over an output, if there is one, and an operand, in the dtypes of a fold.
fn build<'py>(
    binding: &Binding<'py>,
    arrays: Vec<Option<Array<'py>>>,
    flags: u32,
    op_flags: &[u32],
    axes: &[Option<Vec<i32>>],
    ndim: usize,
    buffersize: usize,
) -> PyResult<State> {
    let py = binding.descrs[0].py();
    let mut requested: Vec<Option<Descr<'py>>> =
        vec![Some(binding.descrs[0].clone()), Some(binding.descrs[1].clone())];
    // Masks and lists of positions are what they are.
    requested.extend(arrays[2..].iter().map(|a| a.as_ref().map(Array::descr)));
    let options = Options {
        flags: flags | global::ZEROSIZE_OK | global::REFS_OK | global::COPY_IF_OVERLAP,
        order: Order::Keep,
        casting: Casting::Unsafe,
        requested: &requested,
        op_axes: Some(axes),
        ndim: Some(ndim),
        itershape: None,
        buffersize: buffersize as isize,
    };
    nditer::build(py, arrays, op_flags, &options)
}

/// What is iterated over as an operand: the array that was given, or what stands in for it.
fn operand<'py>(state: &State, py: Python<'py>, i: usize) -> PyResult<Array<'py>> {
    state.array(py, i).ok_or_else(|| PyValueError::new_err(format!("a fold without operand {i}")))
}

/// A reduction that is under way.
pub struct Reduction {
    state: State,
    masked: bool,
}

impl Reduction {
    /// Build the iterator, and with it the output if there is none.
    pub fn new<'py>(
        binding: &Binding<'py>,
        out: Option<&Array<'py>>,
        arr: &Array<'py>,
        mask: Option<&Array<'py>>,
        folded: &[bool],
        keepdims: bool,
        bufsize: usize,
    ) -> PyResult<Reduction> {
        let mut kept = 0;
        let mut next = || {
            kept += 1;
            kept - 1
        };
        let axes = folded
            .iter()
            .map(|&f| match (f, keepdims) {
                (true, true) => REDUCTION_AXIS + next(),
                (true, false) => REDUCTION_AXIS - 1,
                (false, _) => next(),
            })
            .collect();
        let mut arrays = vec![out.cloned(), Some(arr.clone())];
        let mut flags = vec![
            per_op::READWRITE | per_op::ALIGNED | per_op::ALLOCATE | per_op::NO_SUBTYPE,
            per_op::READONLY | per_op::ALIGNED | per_op::NO_BROADCAST,
        ];
        let mut op_axes = vec![Some(axes), None];
        if let Some(mask) = mask {
            arrays.push(Some(mask.clone()));
            flags.push(per_op::READONLY);
            op_axes.push(None);
        }
        let how = global::BUFFERED
            | global::EXTERNAL_LOOP
            | global::GROWINNER
            | global::DELAY_BUFALLOC
            | global::DONT_NEGATE_STRIDES;
        let state = build(binding, arrays, how, &flags, &op_axes, folded.len(), bufsize)?;
        Ok(Reduction { state, masked: mask.is_some() })
    }

    /// Where the result is collected: the output, or what stands in for it.
    pub fn target<'py>(&self, py: Python<'py>) -> PyResult<Array<'py>> {
        operand(&self.state, py, 0)
    }

    /// Fold. With `first_copied` the target holds the elements at index 0 of the folded axes already.
    pub fn run(&mut self, py: Python<'_>, l: &BoundLoop<'_>, first_copied: bool) -> PyResult<()> {
        if self.state.iter.itersize() == Some(0) {
            return Ok(());
        }
        self.state.iter.reset_checked().py(py)?;
        loop {
            self.strip(l, first_copied).py(py)?;
            if !self.state.iter.advance().py(py)? {
                return Ok(());
            }
        }
    }

    fn strip(&mut self, l: &BoundLoop<'_>, first_copied: bool) -> micronumpy::Result<()> {
        let it = &self.state.iter;
        let (n, strides, data) = (it.inner_size() as usize, it.inner_strides(), it.pointers());
        let (so, si) = (strides[0], strides[1]);
        let skip = match first_copied && it.is_first_visit(0) {
            true if so == 0 => 1,
            true => n,
            false => 0,
        };
        let before = ufuncs::fpstatus::get();
        let part = |from: usize, count: usize| {
            let at = |k: usize, s: isize| data[k].wrapping_offset(from as isize * s);
            let (o, i) = (at(0, so), at(1, si));
            // SAFETY: a strip of the iteration, in the dtypes of the loop.
            unsafe { l.call(&[o, i, o], &[count as isize], &[so, si, so]) }
        };
        if !self.masked {
            part(skip, n - skip)?;
        } else {
            let start = data[2].wrapping_offset(skip as isize * strides[2]);
            // SAFETY: the mask's part of the strip.
            unsafe { for_runs(start, strides[2], n - skip, |from, count| part(skip + from, count))? };
        }
        l.settle_status(before);
        Ok(())
    }

    /// Write back what is in buffers and copies.
    pub fn finish(mut self, py: Python<'_>) -> PyResult<()> {
        self.state.finish(py)
    }
}

/// Operands of `accumulate` and `reduceat` that are not buffered but copied as a whole.
pub struct Copies {
    state: State,
}

impl Copies {
    /// For an operand, and with `indices` a list of positions on its axis.
    pub fn new<'py>(
        binding: &Binding<'py>,
        out: Option<&Array<'py>>,
        arr: &Array<'py>,
        axis: usize,
        indices: Option<&Array<'py>>,
    ) -> PyResult<Copies> {
        let ndim = arr.ndim();
        let all: Vec<i32> = (0..ndim as i32).collect();
        let along = |this: i32, others: bool| -> Vec<i32> {
            all.iter()
                .map(|&a| {
                    if a as usize == axis {
                        this
                    } else if others {
                        a
                    } else {
                        -1
                    }
                })
                .collect()
        };
        let mut arrays = vec![out.cloned(), Some(arr.clone())];
        let elementwise = if indices.is_none() { per_op::OVERLAP_ASSUME_ELEMENTWISE } else { 0 };
        let mut flags = vec![
            per_op::READWRITE
                | per_op::NO_BROADCAST
                | per_op::ALLOCATE
                | per_op::NO_SUBTYPE
                | per_op::UPDATEIFCOPY
                | per_op::ALIGNED
                | elementwise,
            per_op::READONLY | per_op::COPY | per_op::ALIGNED | elementwise,
        ];
        let mut op_axes = vec![Some(all.clone()), Some(all.clone())];
        if let Some(indices) = indices {
            arrays.push(Some(indices.clone()));
            flags.push(per_op::READONLY);
            op_axes[1] = Some(along(-1, true));
            op_axes.push(Some(along(0, false)));
        }
        let state = build(binding, arrays, global::MULTI_INDEX, &flags, &op_axes, ndim, 0)?;
        Ok(Copies { state })
    }

    /// Where the result is collected: the output, or what stands in for it.
    pub fn target<'py>(&self, py: Python<'py>) -> PyResult<Array<'py>> {
        operand(&self.state, py, 0)
    }

    /// Fold along the axis.
    pub fn run(
        &self,
        py: Python<'_>,
        l: &BoundLoop<'_>,
        axis: usize,
        indices: Option<&[isize]>,
    ) -> PyResult<()> {
        let out = self.target(py)?;
        let arr = operand(&self.state, py, 1)?;
        let input = arr.view();
        // Of further axes of the output only the first elements are written.
        let (shape, more) = out.shape().split_at(input.ndim());
        if more.contains(&0) {
            return Ok(());
        }
        // SAFETY: these elements.
        let view = unsafe { ArrayRef::new(out.data(), shape, &out.strides()[..shape.len()], out.dtype()) };
        // An operand of length one is repeated, but not along the axis, where only so much is read and written.
        let mut whole = Dims::from_slice(shape);
        whole[axis] = input.shape[axis];
        let strides = broadcast_strides(input.shape, input.strides, &whole).py(py)?;
        // SAFETY: the operand, repeated.
        let input = unsafe { ArrayRef::new(input.data, &whole, &strides, input.dtype) };
        match indices {
            None => {
                // SAFETY: not more than the output along the axis, the same elsewhere.
                let view = unsafe { ArrayRef::new(view.data, &whole, view.strides, view.dtype) };
                fold::accumulate(l, &view, &input, axis).py(py)?;
            }
            Some(indices) => fold::reduceat(l, &view, &input, axis, indices).py(py)?,
        }
        Ok(())
    }

    /// Write back what was copied.
    pub fn finish(mut self, py: Python<'_>) -> PyResult<()> {
        self.state.finish(py)
    }
}

/// A list of positions as an array.
pub fn positions<'py>(py: Python<'py>, list: &[isize]) -> PyResult<Array<'py>> {
    let descr = crate::objects::dtype::builtin(py, micronumpy::TypeNum::LONG);
    let arr = array::new(&descr, &[list.len() as isize], Order::C, false)?;
    // SAFETY: room for as many.
    unsafe { arr.data().cast::<isize>().copy_from_nonoverlapping(list.as_ptr(), list.len()) };
    Ok(arr)
}
