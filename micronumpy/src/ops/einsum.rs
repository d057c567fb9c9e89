//! Einstein summation.
//!
//! A subscript string names the axes of every operand. Axes of the result come first, then those that are summed over;
//! every operand gets a stride along each of them (zero where it has no such axis, the sum of strides where a name
//! repeats). That makes einsum one iteration: multiply, and add up along the axes the result does not have. A single
//! operand with nothing to sum is a view.

use std::sync::LazyLock;

use smallvec::SmallVec;
use ufuncs::dot::{DotFn, MatmulFn, Product, SumFn, dot_fn, matmul_fn, sum_fn};
use ufuncs::{LoopContext, LoopFn, TypeNum, UfuncDef};

use super::{Prepared, Target};
use crate::array::{ArrayRef, Dims, NdArray, Order, View, shape_text, strides_by_axis_order};
use crate::cast::{convert_item, copy_into};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::iter::{MultiIter, PerOp, axis_order};
use crate::object::{self, ObjectOps};

/// Marks a broadcast dimension among labels.
const BROADCAST: u8 = 0;

/// Labels of some axes.
type Labels = SmallVec<[u8; 8]>;
/// Per iteration axis: an operand's axes that run along it.
type Axes = SmallVec<[SmallVec<[usize; 1]>; 4]>;

/// A parsed summation. A few operands of a few axes need no memory from the heap.
#[derive(Clone, Debug)]
pub struct Einsum {
    /// Labels of the iteration's axes: the result's, then the summed ones.
    labels: Labels,
    out_ndim: usize,
    axes: SmallVec<[Axes; 2]>,
}

/// The labels of one operand, one per axis; broadcast dimensions are [`BROADCAST`].
fn parse_operand(text: &str, index: usize, ndim: usize) -> Result<Labels> {
    let bytes = text.as_bytes();
    let mut labels = Labels::new();
    let mut ellipsis = None;
    let mut i = 0;
    while i < bytes.len() {
        let c = bytes[i];
        match c {
            b' ' => {}
            b'.' => {
                if ellipsis.is_some() || !bytes[i..].starts_with(b"...") {
                    return Err(Error::value(format!(
                        "einstein sum subscripts string contains a '.' that is not part of an ellipsis ('...') in \
                         operand {index}"
                    )));
                }
                ellipsis = Some(labels.len());
                i += 2;
            }
            c if c.is_ascii_alphabetic() => {
                if labels.len() == ndim {
                    return Err(Error::value(format!(
                        "einstein sum subscripts string contains too many subscripts for operand {index}"
                    )));
                }
                labels.push(c);
            }
            _ => return Err(bad_subscript(text, i)),
        }
        i += 1;
    }
    match ellipsis {
        None if labels.len() < ndim => Err(Error::value(
            "operand has more dimensions than subscripts given in einstein sum, but no '...' ellipsis provided \
             to broadcast the extra dimensions.",
        )),
        None => Ok(labels),
        Some(at) => {
            let extra = ndim - labels.len();
            labels.insert_many(at, std::iter::repeat_n(BROADCAST, extra));
            Ok(labels)
        }
    }
}

fn bad_subscript(text: &str, at: usize) -> Error {
    let c = text[at..].chars().next().unwrap_or('?');
    Error::value(format!(
        "invalid subscript '{c}' in einstein sum subscripts string, subscripts must be letters"
    ))
}

/// Labels of the result as written behind `->`.
fn parse_output(text: &str, inputs: &[Labels], broadcast: usize) -> Result<Labels> {
    let bytes = text.as_bytes();
    let mut labels = Labels::new();
    let mut ellipsis = false;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b' ' => {}
            b'.' => {
                if ellipsis || !bytes[i..].starts_with(b"...") {
                    return Err(Error::value(
                        "einstein sum subscripts string contains a '.' that is not part of an ellipsis ('...') in \
                         the output",
                    ));
                }
                ellipsis = true;
                labels.extend(std::iter::repeat_n(BROADCAST, broadcast));
                i += 2;
            }
            c if c.is_ascii_alphabetic() => {
                if labels.contains(&c) {
                    return Err(Error::value(format!(
                        "einstein sum subscripts string includes output subscript '{}' multiple times",
                        c as char
                    )));
                }
                if !inputs.iter().any(|l| l.contains(&c)) {
                    return Err(Error::value(format!(
                        "einstein sum subscripts string included output subscript '{}' which never appeared in an \
                         input",
                        c as char
                    )));
                }
                labels.push(c);
            }
            _ => return Err(bad_subscript(text, i)),
        }
        i += 1;
    }
    // Dimensions covered by `...` may be summed by leaving it out, but only if there are none to broadcast.
    Ok(labels)
}

/// Understand a subscript string for operands of these ranks.
///
/// # Errors
/// `ValueError` with numpy's texts.
pub fn parse(subscripts: &str, ndims: &[usize]) -> Result<Einsum> {
    if ndims.is_empty() {
        return Err(Error::value("must specify the einstein sum subscripts string and at least one operand"));
    }
    let (inputs, output) = match subscripts.find('-') {
        None => (subscripts, None),
        Some(i) => match subscripts[i..].strip_prefix("->") {
            Some(rest) => (&subscripts[..i], Some(rest)),
            None => {
                return Err(Error::value(
                    "einstein sum subscript string does not contain proper '->' output specified",
                ));
            }
        },
    };
    let parts: SmallVec<[&str; 4]> = inputs.split(',').collect();
    // numpy has the two texts the wrong way round, and callers match on them.
    if parts.len() > ndims.len() {
        return Err(Error::value(
            "more operands provided to einstein sum function than specified in the subscripts string",
        ));
    }
    if parts.len() < ndims.len() {
        return Err(Error::value(
            "fewer operands provided to einstein sum function than specified in the subscripts string",
        ));
    }
    let operands: SmallVec<[Labels; 2]> = parts
        .iter()
        .zip(ndims)
        .enumerate()
        .map(|(i, (text, &ndim))| parse_operand(text, i, ndim))
        .collect::<Result<_>>()?;
    let broadcast = operands.iter().map(|l| l.iter().filter(|&&c| c == BROADCAST).count()).max().unwrap_or(0);
    let mut labels = match output {
        Some(text) => parse_output(text, &operands, broadcast)?,
        None => {
            // Broadcast dimensions, then the labels that occur once, in alphabetical order.
            let mut out = Labels::from_elem(BROADCAST, broadcast);
            let mut once: Labels = operands.iter().flatten().copied().filter(|&c| c != BROADCAST).collect();
            once.sort_unstable();
            let single = |c: u8| once.iter().filter(|&&d| d == c).count() == 1;
            out.extend(once.iter().copied().filter(|&c| single(c)));
            out
        }
    };
    let out_ndim = labels.len();
    // The rest is summed, broadcast dimensions among it if the result does not have them.
    if broadcast > 0 && !labels.contains(&BROADCAST) {
        labels.extend(std::iter::repeat_n(BROADCAST, broadcast));
    }
    for &c in operands.iter().flatten() {
        if c != BROADCAST && !labels.contains(&c) {
            labels.push(c);
        }
    }
    if labels.len() > crate::array::MAXDIMS {
        return Err(Error::value("too many subscripts in einsum"));
    }
    let first_broadcast = labels.iter().position(|&c| c == BROADCAST).unwrap_or(0);
    let mut axes = SmallVec::new();
    for op in &operands {
        let mut row = Axes::from_elem(SmallVec::new(), labels.len());
        let mine = op.iter().filter(|&&c| c == BROADCAST).count();
        // Fewer broadcast dimensions than others have: they are the inner ones.
        let mut next = first_broadcast + broadcast - mine;
        for (axis, &c) in op.iter().enumerate() {
            if c == BROADCAST {
                row[next].push(axis);
                next += 1;
            } else if let Some(k) = labels.iter().position(|&d| d == c) {
                row[k].push(axis);
            }
        }
        axes.push(row);
    }
    Ok(Einsum { labels, out_ndim, axes })
}

/// Operands laid along the axes of the iteration.
pub struct Layout {
    /// Shape of the iteration; the result's comes first.
    shape: Dims,
    out_ndim: usize,
    /// Per operand: strides along the iteration's axes.
    strides: SmallVec<[Dims; 2]>,
}

impl Einsum {
    /// Shape and strides of one operand along the iteration's axes: -1 where it has no axis.
    fn operand(&self, k: usize, shape: &[isize], strides: &[isize], single: bool) -> Result<(Dims, Dims)> {
        let (mut dims, mut st) = (Dims::new(), Dims::new());
        for (i, axes) in self.axes[k].iter().enumerate() {
            let Some((&first, rest)) = axes.split_first() else {
                dims.push(-1);
                st.push(0);
                continue;
            };
            let n = shape[first];
            for &other in rest {
                if shape[other] != n {
                    let label = self.labels[i] as char;
                    let which =
                        if single { "in single operand".to_string() } else { format!("in operand {k}") };
                    return Err(Error::value(format!(
                        "dimensions {which} for collapsing index '{label}' don't match ({n} != {})",
                        shape[other]
                    )));
                }
            }
            dims.push(n);
            st.push(axes.iter().map(|&a| strides[a]).sum());
        }
        Ok((dims, st))
    }
    /// The view a single operand with nothing to sum stands for.
    ///
    /// # Errors
    /// Repeated labels on axes of different length.
    pub fn view(&self, shape: &[isize], strides: &[isize]) -> Result<Option<View>> {
        if self.axes.len() != 1 || self.labels.len() != self.out_ndim {
            return Ok(None);
        }
        let (shape, strides) = self.operand(0, shape, strides, true)?;
        Ok(Some(View { offset: 0, shape, strides }))
    }
    /// Lay operands along the iteration. `out` is the shape of a given destination.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn layout(&self, operands: &[ArrayRef<'_>], out: Option<&[isize]>) -> Result<Layout> {
        let mut rows: SmallVec<[Dims; 2]> = SmallVec::new();
        let mut strides: SmallVec<[Dims; 2]> = SmallVec::new();
        for (k, op) in operands.iter().enumerate() {
            let (dims, st) = self.operand(k, op.shape, op.strides, false)?;
            rows.push(dims);
            strides.push(st);
        }
        let mut shape = Dims::from_elem(1, self.labels.len());
        let mut fits = true;
        for dims in &rows {
            for (slot, &n) in shape.iter_mut().zip(dims) {
                if n < 0 || n == 1 || n == *slot {
                    continue;
                }
                if *slot == 1 { *slot = n } else { fits = false }
            }
        }
        if let Some(out) = out {
            if out.len() != self.out_ndim {
                return Err(Error::value(format!(
                    "out parameter does not have the correct number of dimensions, has {} but should have {}",
                    out.len(),
                    self.out_ndim
                )));
            }
            fits &= *out == shape[..self.out_ndim];
        }
        if !fits {
            let mut text: String = operands
                .iter()
                .zip(&rows)
                .map(|(op, dims)| format!("{}->{} ", shape_text(op.shape), shape_text(dims)))
                .collect();
            if let Some(out) = out {
                let mut dims = Dims::from_slice(out);
                dims.extend(std::iter::repeat_n(-1, self.labels.len() - self.out_ndim));
                text += &format!("{}->{} ", shape_text(out), shape_text(&dims));
            }
            return Err(Error::value(format!(
                "operands could not be broadcast together with remapped shapes [original->remapped]: {text}"
            )));
        }
        for (dims, st) in rows.iter().zip(&mut strides) {
            for ((&n, &full), s) in dims.iter().zip(&shape).zip(st.iter_mut()) {
                if n == 1 || full == 1 {
                    *s = 0;
                }
            }
        }
        Ok(Layout { shape, out_ndim: self.out_ndim, strides })
    }
}

impl Layout {
    pub fn out_shape(&self) -> &[isize] {
        &self.shape[..self.out_ndim]
    }
    /// Byte strides numpy gives a new result under `order`.
    pub fn out_strides(&self, itemsize: usize, order: Order) -> Vec<isize> {
        let shape = self.out_shape();
        match order {
            Order::C | Order::Any => crate::array::contiguous_strides(shape, itemsize, false),
            Order::F => crate::array::contiguous_strides(shape, itemsize, true),
            Order::Keep => {
                let rows: Vec<&[isize]> = self.strides.iter().map(|s| s.as_slice()).collect();
                let axes = axis_order(self.shape.len(), &rows);
                strides_by_axis_order(shape, axes.iter().copied().filter(|&a| a < self.out_ndim), itemsize)
            }
        }
    }
}

/// Whether sums of products exist for a dtype.
///
/// # Errors
/// `invalid data type for einsum`.
pub fn check_dtype(dt: &Dtype) -> Result<()> {
    if dt.num.is_bool() || dt.num.is_number() || dt.num.is_object() {
        Ok(())
    } else {
        Err(Error::type_("invalid data type for einsum"))
    }
}

/// Compute into `out`, in its dtype; `out` may overlap the operands.
///
/// # Errors
/// As [`Einsum::layout`] and [`check_dtype`]; errors of objects' own arithmetic.
pub fn einsum(plan: &Einsum, operands: &[ArrayRef<'_>], out: &ArrayRef<'_>) -> Result<()> {
    check_dtype(out.dtype)?;
    if operands.iter().any(|op| crate::array::overlap::may_share(out, op)) {
        let temp = NdArray::zeros(out.shape, &out.dtype.with_byteorder(b'='), Order::C)?;
        compute(plan, operands, &temp.view())?;
        return copy_into(out, &temp.view());
    }
    let target = Target::new(*out)?;
    compute(plan, operands, &target.view())?;
    target.finish()
}

/// `out` is native and aligned and overlaps nothing.
fn compute(plan: &Einsum, operands: &[ArrayRef<'_>], out: &ArrayRef<'_>) -> Result<()> {
    let dtype = out.dtype;
    let prepared: SmallVec<[Prepared<'_>; 2]> =
        operands.iter().map(|op| Prepared::new(*op, dtype)).collect::<Result<_>>()?;
    let views: SmallVec<[ArrayRef<'_>; 2]> = prepared.iter().map(Prepared::view).collect();
    let layout = plan.layout(&views, Some(out.shape))?;
    let mut out_strides = Dims::from_slice(out.strides);
    out_strides.resize(layout.shape.len(), 0);
    // Without sums a product is made in its place.
    let outer = views.len() == 2 && layout.shape.len() == layout.out_ndim && !dtype.num.is_object();
    if !outer {
        set_zero(out)?;
    }
    if layout.shape.contains(&0) {
        return Ok(());
    }
    if let ([a, b], [n], 0, Some(dot)) = (&views[..], &layout.shape[..], layout.out_ndim, dot_fn(dtype.num))
        && !dtype.num.is_object()
    {
        // One sum of products is no iteration.
        let (sa, sb) = (layout.strides[0][0], layout.strides[1][0]);
        // SAFETY: `n` native aligned elements of both operands along their only axes, and one of the result.
        unsafe { dot(a.data, sa, b.data, sb, out.data, *n as usize) };
        return Ok(());
    }
    let mut data: PerOp<*mut u8> = PerOp::from_slice(&[out.data]);
    data.extend(views.iter().map(|v| v.data));
    let mut rows: PerOp<&[isize]> = PerOp::from_slice(&[&out_strides[..]]);
    rows.extend(layout.strides.iter().map(|s| s.as_slice()));
    if dtype.num.is_object() {
        let ops = object::ops().ok_or_else(|| Error::missing("einsum of objects without a host"))?;
        return sum_objects(ops, &layout.shape, &data, &rows);
    }
    let copies = views.len() == 1 && layout.shape.len() == layout.out_ndim;
    let Some(arith) = Arith::of(dtype, copies)? else {
        return Err(Error::type_("invalid data type for einsum"));
    };
    if views.len() == 2 && arith.try_matmul(&layout, &data, &rows) {
        return Ok(());
    }
    arith.run(&layout, &data, &rows)
}

fn set_zero(out: &ArrayRef<'_>) -> Result<()> {
    if out.ndim() == 0 && !out.dtype.num.is_object() {
        // SAFETY: the one element. Zero is zero in every number type.
        unsafe { out.data.write_bytes(0, out.dtype.itemsize) };
        return Ok(());
    }
    let zero = 0i64;
    let intp = Dtype::intp();
    // SAFETY: one element that is only read.
    let src = unsafe { ArrayRef::new(std::ptr::from_ref(&zero).cast_mut().cast(), &[], &[], &intp) };
    copy_into(out, &src)
}

/// Kernels of one number type.
struct Arith {
    multiply: LoopFn,
    add: LoopFn,
    dot: DotFn,
    sum: Option<SumFn>,
    matmul: Option<MatmulFn>,
    size: usize,
    /// Whether zero has a sign.
    signed_zero: bool,
    /// The number one, to make a product of a single operand; else zero.
    one: [u128; 2],
}

/// Elements of an intermediate product.
const CHUNK: usize = 128;

impl Arith {
    /// `copies`: of a single operand nothing is summed.
    fn of(dtype: &Dtype, copies: bool) -> Result<Option<Arith>> {
        let t = dtype.num;
        static DEFS: LazyLock<[Option<&UfuncDef>; 2]> =
            LazyLock::new(|| ["multiply", "add"].map(ufuncs::table::find));
        let row = |i: usize| DEFS[i]?.loops.iter().find(|l| l.types[..] == [t, t, t]).map(|l| l.func);
        let (Some(multiply), Some(add), Some(dot)) = (row(0), row(1), dot_fn(t)) else {
            return Ok(None);
        };
        let mut one = [0u128; 2];
        if copies {
            let (int, intp) = (1i64, Dtype::builtin(TypeNum::LONG));
            // SAFETY: one element each; no number is larger than 32 bytes.
            unsafe { convert_item(&intp, std::ptr::from_ref(&int).cast(), dtype, one.as_mut_ptr().cast())? };
        }
        let signed_zero = t.is_float() || t.is_complex();
        let (sum, matmul) = (sum_fn(t), matmul_fn(t));
        Ok(Some(Arith { multiply, add, dot, sum, matmul, size: dtype.itemsize, signed_zero, one }))
    }

    unsafe fn call(f: LoopFn, data: [*mut u8; 3], strides: [isize; 3], n: usize) {
        let ctx = LoopContext {
            caller: std::ptr::null_mut(),
            method: std::ptr::null_mut(),
            descriptors: std::ptr::null(),
            info: std::ptr::null(),
            flags: 0,
            parameters: std::ptr::null_mut(),
        };
        let dims = [n as isize];
        // SAFETY: the caller's promise. Loops of numbers cannot fail.
        unsafe { f(&ctx, data.as_ptr(), dims.as_ptr(), strides.as_ptr(), std::ptr::null_mut()) };
    }

    /// One axis of the first operand alone, one of the second alone, one summed: a matrix product, repeated along the
    /// other axes of the result.
    fn try_matmul(&self, layout: &Layout, data: &[*mut u8], rows: &[&[isize]]) -> bool {
        let Some(matmul) = self.matmul else { return false };
        let ndim = layout.shape.len();
        if ndim != layout.out_ndim + 1 {
            return false;
        }
        let k = layout.out_ndim;
        let (a, b) = (rows[1], rows[2]);
        let wide = |i: &usize| layout.shape[*i] > 1;
        let Some(m) = (0..k).filter(wide).rfind(|&i| a[i] != 0 && b[i] == 0) else { return false };
        let Some(n) = (0..k).filter(wide).rfind(|&i| b[i] != 0 && a[i] == 0) else { return false };
        let rest: Dims = (0..k).filter(|&i| i != m && i != n).map(|i| layout.shape[i]).collect();
        let strides: Vec<Dims> =
            rows.iter().map(|r| (0..k).filter(|&i| i != m && i != n).map(|i| r[i]).collect()).collect();
        let refs: Vec<&[isize]> = strides.iter().map(|s| s.as_slice()).collect();
        let _ = MultiIter::c_order(&rest, data, &refs).for_each(|p, count, st| {
            for i in 0..count as isize {
                let product = Product {
                    m: layout.shape[m] as usize,
                    k: layout.shape[k] as usize,
                    n: layout.shape[n] as usize,
                    a: p[1].wrapping_offset(i * st[1]),
                    a_strides: [a[m], a[k]],
                    b: p[2].wrapping_offset(i * st[2]),
                    b_strides: [b[k], b[n]],
                    out: p[0].wrapping_offset(i * st[0]),
                    out_strides: [rows[0][m], rows[0][n]],
                };
                // SAFETY: all three matrices lie in their arrays, aligned and native; `out` overlaps neither.
                unsafe { matmul(&product) };
            }
            Ok(())
        });
        true
    }

    fn run(&self, layout: &Layout, data: &[*mut u8], rows: &[&[isize]]) -> Result<()> {
        // With the last axis summed every inner loop makes one number, otherwise as many as it is long.
        let summed = layout.shape.len() > layout.out_ndim;
        let products = if summed { data.len() > 3 } else { data.len() != 3 };
        let mut buffer = vec![0u128; if products { (CHUNK * self.size).div_ceil(16) } else { 0 }];
        let buffer = buffer.as_mut_ptr().cast::<u8>();
        let mut value = [0u128; 2];
        let value = value.as_mut_ptr().cast::<u8>();
        let one = std::ptr::from_ref(&self.one).cast::<u8>().cast_mut();
        let size = self.size as isize;
        // Only axes of the same sort may be merged: the inner one is split off first.
        let Some((&n, outer)) = layout.shape.split_last() else {
            // Scalars: one product.
            return self.one_loop(data, &vec![0; data.len()], 1, false, (buffer, value, one, size));
        };
        let heads: PerOp<&[isize]> = rows.iter().map(|r| &r[..outer.len()]).collect();
        let inner: PerOp<isize> = rows.iter().map(|r| r[outer.len()]).collect();
        let mut at: PerOp<*mut u8> = PerOp::from_slice(data);
        MultiIter::c_order(outer, data, &heads).for_each(|p, count, st| {
            for i in 0..count as isize {
                for ((slot, &p), &s) in at.iter_mut().zip(p).zip(st) {
                    *slot = p.wrapping_offset(i * s);
                }
                self.one_loop(&at, &inner, n as usize, summed, (buffer, value, one, size))?;
            }
            Ok(())
        })
    }

    /// Along one axis: multiply all operands, then add to `out` one by one or all together.
    fn one_loop(
        &self,
        p: &[*mut u8],
        st: &[isize],
        n: usize,
        summed: bool,
        (buffer, value, one, size): (*mut u8, *mut u8, *mut u8, isize),
    ) -> Result<()> {
        let nop = p.len() - 1;
        if summed && nop == 1 {
            // SAFETY: `n` elements of the operand and one of the result, on which addition folds.
            unsafe {
                match self.sum {
                    Some(sum) if st[1] == size => sum(p[1], n, p[0]),
                    _ => Arith::call(self.add, [p[0], p[1], p[0]], [0, st[1], 0], n),
                }
            }
            return Ok(());
        }
        if !summed && nop == 2 {
            // SAFETY: `n` elements of both operands and the result; `one` is zero here.
            unsafe {
                Arith::call(self.multiply, [p[1], p[2], p[0]], [st[1], st[2], st[0]], n);
                if self.signed_zero {
                    // Products are added to zero, which makes it positive.
                    Arith::call(self.add, [p[0], one, p[0]], [st[0], 0, st[0]], n);
                }
            }
            return Ok(());
        }
        let mut done = 0;
        while done < n {
            // A plain dot product needs no buffer and so no limit.
            let m = if summed && nop <= 2 { n } else { (n - done).min(CHUNK) };
            let at = |k: usize| p[k].wrapping_offset(done as isize * st[k]);
            // The product of all operands but the last.
            let (mut left, mut left_st) = (at(1), st[1]);
            // SAFETY: `m` elements from `done` on in every operand, `CHUNK` in the buffer.
            unsafe {
                for (k, &step) in st.iter().enumerate().take(nop).skip(2) {
                    Arith::call(self.multiply, [left, at(k), buffer], [left_st, step, size], m);
                    (left, left_st) = (buffer, size);
                }
                let (right, right_st) = if nop >= 2 { (at(nop), st[nop]) } else { (one, 0) };
                if summed {
                    (self.dot)(left, left_st, right, right_st, value, m);
                    Arith::call(self.add, [p[0], value, p[0]], [0, 0, 0], 1);
                } else {
                    Arith::call(self.multiply, [left, right, buffer], [left_st, right_st, size], m);
                    Arith::call(self.add, [at(0), buffer, at(0)], [st[0], size, st[0]], m);
                }
            }
            done += m;
        }
        Ok(())
    }
}

fn sum_objects(ops: &ObjectOps, shape: &[isize], data: &[*mut u8], rows: &[&[isize]]) -> Result<()> {
    let mut it = MultiIter::c_order(shape, data, rows);
    it.for_each(|p, n, st| {
        for i in 0..n as isize {
            // SAFETY: one object slot per operand; every reference taken is given back or stored.
            unsafe {
                let slot = |k: usize| p[k].wrapping_offset(i * st[k]).cast::<*mut u8>();
                let get = |k: usize| {
                    let obj = slot(k).read_unaligned();
                    if obj.is_null() { (ops.none)() } else { obj }
                };
                let mut value = get(1);
                (ops.incref)(value);
                for k in 2..p.len() {
                    let r = (ops.multiply)(value, get(k));
                    (ops.decref)(value);
                    value = r?;
                }
                let sum = (ops.add)(get(0), value);
                (ops.decref)(value);
                let sum = sum?;
                let old = slot(0).read_unaligned();
                slot(0).write_unaligned(sum);
                (ops.decref)(old);
            }
        }
        Ok(())
    })
}
