//! Products that sum over an axis: dot, inner, vdot, correlate.

use ufuncs::dot::{DotFn, Product, dot_fn, matmul_fn, vdot_fn};

use super::Prepared;
use crate::array::{ArrayRef, Dims, NdArray, Order, overlap, shape_text};
use crate::cast::copy_into;
use crate::dtype::{Dtype, TypeNum};
use crate::error::{Error, Result};
use crate::iter::MultiIter;
use crate::object::{self, HostDot, ObjectOps};

fn not_aligned(a: &[isize], b: &[isize], i: usize, j: usize) -> Error {
    Error::value(format!(
        "shapes {} and {} not aligned: {} (dim {i}) != {} (dim {j})",
        shape_text(a),
        shape_text(b),
        a[i],
        b[j]
    ))
}

/// The axis of `dot`'s second operand that is summed over.
fn dot_axis(b: &[isize]) -> usize {
    b.len().saturating_sub(2)
}

/// Shape of `dot(a, b)`.
///
/// # Errors
/// `shapes (2,3) and (4,) not aligned: 3 (dim 1) != 4 (dim 0)`.
pub fn dot_shape(a: &[isize], b: &[isize]) -> Result<Dims> {
    let (Some(last), false) = (a.len().checked_sub(1), b.is_empty()) else {
        // A scalar scales.
        return Ok(Dims::from_slice(if a.is_empty() { b } else { a }));
    };
    let axis = dot_axis(b);
    if a[last] != b[axis] {
        return Err(not_aligned(a, b, last, axis));
    }
    let mut out = Dims::from_slice(&a[..last]);
    out.extend(b.iter().enumerate().filter(|&(i, _)| i != axis).map(|(_, &n)| n));
    Ok(out)
}

/// Shape of `inner(a, b)`. numpy computes it as `dot(a, b.T)` and words errors so.
///
/// # Errors
/// As [`dot_shape`].
pub fn inner_shape(a: &[isize], b: &[isize]) -> Result<Dims> {
    if a.is_empty() || b.is_empty() {
        return dot_shape(a, b);
    }
    let (i, j) = (a.len() - 1, b.len() - 1);
    if a[i] != b[j] {
        let mut swapped = Dims::from_slice(b);
        let axis = dot_axis(b);
        swapped.swap(axis, j);
        return Err(not_aligned(a, &swapped, i, axis));
    }
    let mut out = Dims::from_slice(&a[..i]);
    out.extend_from_slice(&b[..j]);
    Ok(out)
}

/// `out = dot(a, b)`. All operands of `out`'s dtype after conversion; `out` has the shape of [`dot_shape`] and may
/// overlap the inputs.
///
/// # Errors
/// `dot not available for this type`; errors of objects' own arithmetic.
pub fn dot(a: &ArrayRef<'_>, b: &ArrayRef<'_>, out: &ArrayRef<'_>) -> Result<()> {
    contract(a, b, dot_axis(b.shape), out)
}

/// `out = inner(a, b)`, shape by [`inner_shape`].
///
/// # Errors
/// As [`dot`].
pub fn inner(a: &ArrayRef<'_>, b: &ArrayRef<'_>, out: &ArrayRef<'_>) -> Result<()> {
    contract(a, b, b.ndim().saturating_sub(1), out)
}

/// How two elements are multiplied and the products added.
enum Kernel {
    Fast(DotFn),
    Objects(&'static ObjectOps),
    Host(Box<dyn HostDot>),
}

impl Kernel {
    fn of(dt: &Dtype, conjugate: bool) -> Result<Kernel> {
        let num = dt.num;
        if num.is_user() {
            let ops = object::ops().ok_or_else(|| Error::missing("dot of user types without a host"))?;
            return (ops.dot)(dt).map(Kernel::Host);
        }
        if num.is_object() {
            let ops = object::ops().ok_or_else(|| Error::missing("dot of objects without a host"))?;
            return Ok(Kernel::Objects(ops));
        }
        // Durations multiply with numbers; as counts they are integers.
        let num = if num == TypeNum::TIMEDELTA { TypeNum::LONG } else { num };
        if num == TypeNum::DATETIME {
            return Err(Error::value("dot not available for this type"));
        }
        let f = if conjugate { vdot_fn(num) } else { dot_fn(num) };
        f.map(Kernel::Fast).ok_or_else(|| Error::value("dot not available for this type"))
    }
    unsafe fn run(
        &self,
        a: *const u8,
        sa: isize,
        b: *const u8,
        sb: isize,
        out: *mut u8,
        n: usize,
    ) -> Result<()> {
        // SAFETY: the caller's promise: `n` elements at both, one at `out`.
        unsafe {
            match self {
                Kernel::Fast(f) => f(a, sa, b, sb, out, n),
                Kernel::Host(dot) => return dot.run(a, sa, b, sb, out, n),
                Kernel::Objects(ops) => {
                    let mut sum: *mut u8 = std::ptr::null_mut();
                    for i in 0..n as isize {
                        let x = a.offset(i * sa).cast::<*mut u8>().read_unaligned();
                        let y = b.offset(i * sb).cast::<*mut u8>().read_unaligned();
                        let none = |p: *mut u8| if p.is_null() { (ops.none)() } else { p };
                        match (ops.multiply)(none(x), none(y)) {
                            Ok(product) if sum.is_null() => sum = product,
                            Ok(product) => {
                                let total = (ops.add)(sum, product);
                                (ops.decref)(product);
                                (ops.decref)(sum);
                                sum = total?;
                            }
                            Err(e) => {
                                (ops.decref)(sum);
                                return Err(e);
                            }
                        }
                    }
                    let slot = out.cast::<*mut u8>();
                    let old = slot.read_unaligned();
                    slot.write_unaligned(sum);
                    (ops.decref)(old);
                }
            }
        }
        Ok(())
    }
}

/// Sum of products over `a`'s last axis and one axis of `b`; the other axes of both make the result.
fn contract(a: &ArrayRef<'_>, b: &ArrayRef<'_>, axis: usize, out: &ArrayRef<'_>) -> Result<()> {
    let clean = out.dtype.is_native() && out.is_aligned();
    if !clean || overlap::may_share(out, a) || overlap::may_share(out, b) {
        let temp = NdArray::zeros(out.shape, &out.dtype.with_byteorder(b'='), Order::C)?;
        contract(a, b, axis, &temp.view())?;
        return copy_into(out, &temp.view());
    }
    let dtype = out.dtype;
    let kernel = Kernel::of(dtype, false)?;
    let a = Prepared::new(*a, dtype)?;
    let b = Prepared::new(*b, dtype)?;
    let (a, b) = (a.view(), b.view());
    if out.size() == 0 {
        return Ok(());
    }
    if out.size() > 1 && a.ndim() <= 2 && b.ndim() <= 2 && (is_float_zero(&a) || is_float_zero(&b)) {
        // A BLAS scales by zero without looking at what is scaled, so infinities vanish.
        return copy_into(out, &NdArray::zeros(&[], dtype, Order::C)?.view());
    }
    // A scalar scales: a sum over an axis of one that stands still.
    let scalar = a.ndim() == 0 || b.ndim() == 0;
    let (n, sa, sb) =
        if scalar { (1, 0, 0) } else { (b.shape[axis] as usize, a.strides[a.ndim() - 1], b.strides[axis]) };
    if n == 0 && dtype.num.is_object() {
        return zero_objects(out);
    }
    let a_outer = if scalar { a.ndim() } else { a.ndim() - 1 };
    let b_outer: Vec<usize> = (0..b.ndim()).filter(|&i| scalar || i != axis).collect();
    // The last outer axis of each operand and the summed one make a matrix product; further axes are looped over.
    let row = a_outer.checked_sub(1);
    let col = b_outer.last().copied();
    let matrix = matmul_fn(if dtype.num == TypeNum::TIMEDELTA { TypeNum::LONG } else { dtype.num });
    let (Some(matmul), Kernel::Fast(_), false) = (matrix, &kernel, scalar) else {
        return contract_plain(&kernel, (&a, a_outer, sa), (&b, &b_outer, sb), n, out);
    };
    let col_axis = out.ndim().checked_sub(1).filter(|_| col.is_some());
    let row_axis = row.map(|r| r as isize);
    let mut shape = Dims::new();
    let mut strides = [Dims::new(), Dims::new(), Dims::new()];
    for (i, &len) in out.shape.iter().enumerate() {
        if Some(i) == col_axis || Some(i as isize) == row_axis {
            continue;
        }
        shape.push(len);
        strides[0].push(out.strides[i]);
        strides[1].push(if i < a_outer { a.strides[i] } else { 0 });
        strides[2].push(if i < a_outer { 0 } else { b.strides[b_outer[i - a_outer]] });
    }
    let rows: Vec<&[isize]> = strides.iter().map(|s| s.as_slice()).collect();
    MultiIter::c_order(&shape, &[out.data, a.data, b.data], &rows).for_each(|p, count, st| {
        for i in 0..count as isize {
            let product = Product {
                m: row.map_or(1, |r| a.shape[r] as usize),
                k: n,
                n: col.map_or(1, |c| b.shape[c] as usize),
                a: p[1].wrapping_offset(i * st[1]),
                a_strides: [row.map_or(0, |r| a.strides[r]), sa],
                b: p[2].wrapping_offset(i * st[2]),
                b_strides: [sb, col.map_or(0, |c| b.strides[c])],
                out: p[0].wrapping_offset(i * st[0]),
                out_strides: [row.map_or(0, |r| out.strides[r]), col_axis.map_or(0, |c| out.strides[c])],
            };
            // SAFETY: all three matrices lie in their arrays, aligned and native; `out` overlaps neither.
            unsafe { matmul(&product) };
        }
        Ok(())
    })
}

fn contract_plain(
    kernel: &Kernel,
    (a, a_outer, sa): (&ArrayRef<'_>, usize, isize),
    (b, b_outer, sb): (&ArrayRef<'_>, &[usize], isize),
    n: usize,
    out: &ArrayRef<'_>,
) -> Result<()> {
    let mut a_strides = Dims::from_slice(&a.strides[..a_outer]);
    a_strides.extend(b_outer.iter().map(|_| 0));
    let mut b_strides = Dims::from_elem(0, a_outer);
    b_strides.extend(b_outer.iter().map(|&i| b.strides[i]));
    let rows = [out.strides, &a_strides[..], &b_strides[..]];
    MultiIter::c_order(out.shape, &[out.data, a.data, b.data], &rows).for_each(|p, count, st| {
        for i in 0..count as isize {
            let at = |k: usize| p[k].wrapping_offset(i * st[k]);
            // SAFETY: one lane of each operand and one element of `out`.
            unsafe { kernel.run(at(1), sa, at(2), sb, at(0), n)? };
        }
        Ok(())
    })
}

/// Whether the array is a single zero of a type that a BLAS has.
fn is_float_zero(x: &ArrayRef<'_>) -> bool {
    if x.size() != 1 {
        return false;
    }
    // SAFETY: there is an element, in native byte order and aligned as operands of products are.
    unsafe {
        match x.dtype.num {
            TypeNum::FLOAT => *x.data.cast::<f32>() == 0.0,
            TypeNum::DOUBLE => *x.data.cast::<f64>() == 0.0,
            TypeNum::CFLOAT => *x.data.cast::<[f32; 2]>() == [0.0; 2],
            TypeNum::CDOUBLE => *x.data.cast::<[f64; 2]>() == [0.0; 2],
            _ => false,
        }
    }
}

/// An empty sum of objects is Python's `0`, or rather what casting a false to objects gives.
fn zero_objects(out: &ArrayRef<'_>) -> Result<()> {
    let zero = 0i64;
    let intp = Dtype::intp();
    // SAFETY: one element that is only read.
    let src = unsafe { ArrayRef::new(std::ptr::from_ref(&zero).cast_mut().cast(), &[], &[], &intp) };
    copy_into(out, &src)
}

/// `out[()] = sum(conj(a) * b)` over all elements in C order; both have as many, `out` is 0-d.
///
/// # Errors
/// As [`dot`].
pub fn vdot(a: &ArrayRef<'_>, b: &ArrayRef<'_>, out: &ArrayRef<'_>) -> Result<()> {
    let dtype = out.dtype.with_byteorder(b'=');
    let kernel = Kernel::of(&dtype, true)?;
    let (a, b) = (Prepared::contiguous(*a, &dtype)?, Prepared::contiguous(*b, &dtype)?);
    let (a, b) = (a.view(), b.view());
    if a.size() != b.size() {
        return Err(Error::value(format!(
            "cannot reshape array of size {} into shape ({},)",
            b.size(),
            a.size()
        )));
    }
    let temp = NdArray::zeros(&[], &dtype, Order::C)?;
    let step = dtype.itemsize as isize;
    // SAFETY: contiguous native aligned operands of equal size.
    unsafe { kernel.run(a.data, step, b.data, step, temp.data(), a.size())? };
    copy_into(out, &temp.view())
}

/// Which overlaps of two sequences `correlate` keeps. Values are numpy's modes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overlaps {
    Valid = 0,
    Same = 1,
    Full = 2,
}

/// Sliding inner products of two 1-d arrays, in a common dtype. The second one slides over the first; if it is longer they
/// change places, and with `correct` the result is turned round to make up for it. `conjugate` the second operand first.
///
/// # Errors
/// `first array argument cannot be empty`; as [`dot`].
pub fn correlate(
    a: &ArrayRef<'_>,
    v: &ArrayRef<'_>,
    dtype: &Dtype,
    mode: Overlaps,
    conjugate: bool,
    correct: bool,
) -> Result<NdArray> {
    for (arr, name) in [(a, "first"), (v, "second")] {
        if arr.size() == 0 {
            return Err(Error::value(format!("{name} array argument cannot be empty")));
        }
    }
    let dtype = dtype.with_byteorder(b'=');
    let kernel = Kernel::of(&dtype, false)?;
    let (a, v) = (Prepared::contiguous(*a, &dtype)?, Prepared::contiguous(*v, &dtype)?);
    let conj;
    let (mut x, mut y) = (a.view(), v.view());
    if conjugate && dtype.num.is_complex() {
        conj = conjugated(&y)?;
        y = conj.view();
    }
    let swapped = x.size() < y.size();
    if swapped {
        (x, y) = (y, x);
    }
    let (n1, n2) = (x.size(), y.size());
    // How far the second sequence starts before the first, and where it ends behind.
    let (left, length) = match mode {
        Overlaps::Valid => (0, n1 - n2 + 1),
        Overlaps::Same => (n2 / 2, n1),
        Overlaps::Full => (n2 - 1, n1 + n2 - 1),
    };
    let out = NdArray::empty(&[length as isize], &dtype, Order::C)?;
    let step = dtype.itemsize as isize;
    let at = |i: usize| if swapped && correct { length - 1 - i } else { i };
    // Where the second sequence lies over the first one whole, the windows of the first are rows of a matrix.
    let mut whole = left..left;
    let num = if dtype.num == TypeNum::TIMEDELTA { TypeNum::LONG } else { dtype.num };
    if let (Kernel::Fast(_), Some(matmul)) = (&kernel, matmul_fn(num)) {
        let first = left.min(length);
        whole = first..(n1 - n2 + 1 + left).min(length).max(first);
        if !whole.is_empty() {
            let product = Product {
                m: whole.len(),
                k: n2,
                n: 1,
                a: x.data,
                a_strides: [step, step],
                b: y.data,
                b_strides: [step, step],
                out: out.data().wrapping_offset(at(whole.start) as isize * step),
                out_strides: [if swapped && correct { -step } else { step }, step],
            };
            // SAFETY: window `i` starts at element `i - left`; each has its element of the fresh output.
            unsafe { matmul(&product) };
        }
    }
    for i in (0..length).filter(|i| !whole.contains(i)) {
        // Element `j` of the second lies over element `i + j - left` of the first.
        let start = left.saturating_sub(i);
        let end = n2.min(n1 + left - i);
        // SAFETY: `start..end` keeps both indices inside their arrays.
        unsafe {
            kernel.run(
                x.data.offset((i + start - left) as isize * step),
                step,
                y.data.offset(start as isize * step),
                step,
                out.data().offset(at(i) as isize * step),
                end - start,
            )?;
        }
    }
    Ok(out)
}

/// A copy with imaginary parts negated.
fn conjugated(arr: &ArrayRef<'_>) -> Result<NdArray> {
    let copy = NdArray::copy_of(arr, Order::C)?;
    let size = arr.dtype.itemsize;
    let half = size / 2;
    // The sign is the top bit of a float's last significant byte.
    let significant = if half == 16 { 10 } else { half };
    let top = if cfg!(target_endian = "little") { half + significant - 1 } else { half };
    for i in 0..arr.size() {
        // SAFETY: element `i` of the copy.
        unsafe { *copy.data().add(i * size + top) ^= 0x80 };
    }
    Ok(copy)
}
