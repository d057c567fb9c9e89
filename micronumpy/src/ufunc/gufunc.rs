//! Generalized ufuncs: matching core dimensions, and running a loop over what is left.

use super::BoundLoop;
use super::core_dims::CoreSignature;
use crate::array::{ArrayRef, Dims};
use crate::error::{Error, Result};
use crate::iter::{AxisPlan, MultiIter, PerOp};

/// Sizes of the core dimensions of one call, and which optional ones are missing.
#[derive(Clone, Debug)]
pub struct CoreSizes {
    pub sizes: Vec<isize>,
    pub missing: Vec<bool>,
}

impl CoreSizes {
    /// How many core dimensions an operand has in this call.
    pub fn core_ndim(&self, sig: &CoreSignature, operand: usize) -> usize {
        sig.operands[operand].iter().filter(|&&d| !self.missing[d]).count()
    }
    /// The core shape of an operand in this call.
    pub fn core_shape(&self, sig: &CoreSignature, operand: usize) -> Dims {
        sig.operands[operand].iter().filter(|&&d| !self.missing[d]).map(|&d| self.sizes[d]).collect()
    }
}

/// Decide which optional dimensions are missing, given the number of dimensions of every operand that is there.
///
/// # Errors
/// `matmul: Input operand 0 does not have enough dimensions (has 0, gufunc core with signature ... requires 1)`.
pub fn match_dims(name: &str, sig: &CoreSignature, nin: usize, ndims: &[Option<usize>]) -> Result<CoreSizes> {
    let mut core = CoreSizes {
        sizes: sig.dims.iter().map(|d| d.size.unwrap_or(-1)).collect(),
        missing: vec![false; sig.dims.len()],
    };
    for (i, ndim) in ndims.iter().enumerate() {
        let Some(ndim) = *ndim else { continue };
        let mut need = core.core_ndim(sig, i);
        if ndim < need {
            // The first optional dimensions of an operand that is too small are missing, everywhere.
            for &d in &sig.operands[i] {
                if ndim >= need {
                    break;
                }
                if sig.dims[d].optional && !core.missing[d] {
                    core.missing[d] = true;
                    need -= 1;
                }
            }
        }
        if ndim < need {
            let (kind, k) = if i < nin { ("Input", i) } else { ("Output", i - nin) };
            return Err(Error::value(format!(
                "{name}: {kind} operand {k} does not have enough dimensions (has {ndim}, gufunc core with signature \
                 {} requires {need})",
                sig.text
            )));
        }
    }
    Ok(core)
}

/// Enter the core sizes of one operand; `sizes` are its lengths along its core dimensions.
///
/// # Errors
/// `matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature ... (size 3 is different from 2)`.
pub fn match_sizes(
    name: &str,
    sig: &CoreSignature,
    core: &mut CoreSizes,
    nin: usize,
    operand: usize,
    sizes: &[isize],
) -> Result<()> {
    let dims = sig.operands[operand].iter().filter(|&&d| !core.missing[d]).copied().collect::<Vec<_>>();
    for (k, (&d, &size)) in dims.iter().zip(sizes).enumerate() {
        if core.sizes[d] < 0 {
            core.sizes[d] = size;
        } else if core.sizes[d] != size {
            let (kind, i) = if operand < nin { ("Input", operand) } else { ("Output", operand - nin) };
            return Err(Error::value(format!(
                "{name}: {kind} operand {i} has a mismatch in its core dimension {k}, with gufunc signature {} (size \
                 {size} is different from {})",
                sig.text, core.sizes[d]
            )));
        }
    }
    Ok(())
}

/// An operand of a generalized call: strides along the loop's own axes (0 where it is repeated) and along its core
/// dimensions in the order of the signature.
pub struct Operand {
    pub data: *mut u8,
    pub loop_strides: Dims,
    pub core_strides: Dims,
}

/// Run a generalized loop. Operands are what the loop works on.
///
/// # Errors
/// What the loop reports.
///
/// # Safety
/// Operands are valid along all axes for the given sizes.
pub unsafe fn execute(
    l: &BoundLoop<'_>,
    sig: &CoreSignature,
    core: &CoreSizes,
    shape: &[isize],
    ops: &[Operand],
) -> Result<()> {
    if shape.contains(&0) {
        return Ok(());
    }
    let rows: PerOp<&[isize]> = ops.iter().map(|op| op.loop_strides.as_slice()).collect();
    let data: PerOp<*mut u8> = ops.iter().map(|op| op.data).collect();
    let mut iter = MultiIter::from_plan(&AxisPlan::new(shape, &rows), &data);
    let mut dims: Vec<isize> = vec![0];
    // A missing dimension is one element long, and nobody has a stride for it.
    dims.extend(core.sizes.iter().zip(&core.missing).map(|(&n, &m)| if m { 1 } else { n }));
    let mut core_strides: Vec<isize> = vec![];
    for (i, op) in ops.iter().enumerate() {
        let mut own = op.core_strides.iter();
        for &d in &sig.operands[i] {
            core_strides.push(if core.missing[d] { 0 } else { own.next().copied().unwrap_or(0) });
        }
    }
    iter.for_each(|ptrs, n, st| {
        dims[0] = n as isize;
        let mut strides = PerOp::from_slice(st);
        strides.extend(core_strides.iter().copied());
        // SAFETY: the caller's promise.
        unsafe { l.call(ptrs, &dims, &strides) }
    })
}

/// A view of an array as the elementwise part of a call sees it: the axes before the core dimensions.
pub fn loop_part<'a>(arr: &ArrayRef<'a>, core_ndim: usize) -> (&'a [isize], &'a [isize]) {
    let n = arr.ndim() - core_ndim;
    (&arr.shape[..n], &arr.strides[..n])
}
