//! Structured dtypes and subarrays: transfers made of transfers.
//!
//! Structs are assigned field by field, by position; a value without fields goes into every field. Subarrays of
//! different shapes are matched from the right: missing outer dimensions repeat, a dimension of one repeats, too long
//! ones are cut and too short ones are filled with zeros.

use super::transfer::{Step, host, plan as plan_any};
use crate::dtype::{Body, Dtype, Field};
use crate::error::{Error, Result};

pub(super) enum NestedStep {
    /// Parts of an element: source offset, destination offset, step.
    Fields(Vec<(usize, usize, Step)>),
    /// Elements of a subarray: per destination item, the source item (`None`: zeros).
    Items { step: Box<Step>, map: Vec<Option<usize>>, src_size: usize, dst: Dtype },
    /// As many items on both sides, packed.
    Packed { step: Box<Step>, count: usize, src_size: usize, dst_size: usize },
}

impl NestedStep {
    pub(super) unsafe fn run(
        &self,
        src: *const u8,
        sst: isize,
        dst: *mut u8,
        dst_st: isize,
        n: usize,
    ) -> Result<()> {
        // SAFETY: the contract of `transfer`; fields and items lie inside their element.
        unsafe {
            match self {
                NestedStep::Fields(parts) => {
                    for (so, d_o, step) in parts {
                        step.run(src.add(*so), sst, dst.add(*d_o), dst_st, n)?;
                    }
                }
                NestedStep::Items { step, map, src_size, dst: item } => {
                    for (k, from) in map.iter().enumerate() {
                        let d = dst.add(k * item.itemsize);
                        match from {
                            Some(i) => step.run(src.add(i * src_size), sst, d, dst_st, n)?,
                            None => {
                                for i in 0..n as isize {
                                    zero_item(item, d.offset(i * dst_st))?;
                                }
                            }
                        }
                    }
                }
                NestedStep::Packed { step, count, src_size, dst_size } => {
                    for i in 0..n as isize {
                        let (s, d) = (src.offset(i * sst), dst.offset(i * dst_st));
                        step.run(s, *src_size as isize, d, *dst_size as isize, *count)?;
                    }
                }
            }
        }
        Ok(())
    }
    pub(super) fn steps(&self) -> Box<dyn Iterator<Item = &Step> + '_> {
        match self {
            NestedStep::Fields(parts) => Box::new(parts.iter().map(|p| &p.2)),
            NestedStep::Items { step, .. } | NestedStep::Packed { step, .. } => {
                Box::new(std::iter::once(&**step))
            }
        }
    }
}

/// Set one element to zero bytes, giving references back first.
unsafe fn zero_item(dt: &Dtype, p: *mut u8) -> Result<()> {
    // SAFETY: `p` is one valid element.
    unsafe {
        if dt.has_object() {
            super::assign::release_item(host()?, dt, p);
        }
        std::ptr::write_bytes(p, 0, dt.itemsize);
    }
    Ok(())
}

pub(super) fn plan(src: &Dtype, dst: &Dtype, aligned: bool) -> Result<Step> {
    // Fields may sit anywhere inside an element: only what the struct says about alignment counts.
    let part = |a: &Dtype, b: &Dtype, so: usize, d_o: usize| {
        let ok = aligned
            && src.align >= a.align
            && dst.align >= b.align
            && so.is_multiple_of(a.align)
            && d_o.is_multiple_of(b.align);
        plan_any(a, b, ok)
    };
    let step = match (&src.body, &dst.body) {
        (Body::Struct(a), Body::Struct(b)) => {
            if a.len() != b.len() {
                return Err(Error::no_cast(src, dst));
            }
            if same_bytes(src, dst) {
                return Ok(Step::Copy { itemsize: src.itemsize });
            }
            let parts = a
                .iter()
                .zip(b.iter())
                .map(|(f, g)| Ok((f.offset, g.offset, part(&f.dtype, &g.dtype, f.offset, g.offset)?)))
                .collect::<Result<_>>()?;
            NestedStep::Fields(parts)
        }
        (Body::Subarray(a, s), Body::Subarray(b, t)) => items(src, dst, (a, s), (b, t), aligned)?,
        (Body::Subarray(a, s), Body::Plain | Body::Datetime(_) | Body::Host(_)) => {
            items(src, dst, (a, s), (dst, &[]), aligned)?
        }
        (Body::Struct(a), _) => {
            let [only] = &a[..] else { return Err(Error::no_cast(src, dst)) };
            NestedStep::Fields(vec![(only.offset, 0, part(&only.dtype, dst, only.offset, 0)?)])
        }
        (_, Body::Struct(b)) => {
            let parts = b
                .iter()
                .map(|g| Ok((0, g.offset, part(src, &g.dtype, 0, g.offset)?)))
                .collect::<Result<_>>()?;
            NestedStep::Fields(parts)
        }
        (_, Body::Subarray(b, t)) => items(src, dst, (src, &[]), (b, t), aligned)?,
        _ => return plan_any(src, dst, aligned),
    };
    Ok(Step::Nested(step))
}

/// Whether elements are the same bytes, with nothing to convert or count. Padding is copied along then.
fn same_bytes(src: &Dtype, dst: &Dtype) -> bool {
    let (Some(a), Some(b)) = (src.fields(), dst.fields()) else { return false };
    !src.has_object()
        && !dst.has_object()
        && src.itemsize == dst.itemsize
        && a.iter().zip(b).all(|(f, g)| f.offset == g.offset && f.dtype == g.dtype)
        && fills(a, src.itemsize)
}

/// Whether fields cover their element without gaps: copying padding could overwrite what a struct does not name.
fn fills(fields: &[Field], itemsize: usize) -> bool {
    let mut spans: Vec<(usize, usize)> = fields.iter().map(|f| (f.offset, f.dtype.itemsize)).collect();
    spans.sort_unstable();
    let mut end = 0;
    for (offset, size) in spans {
        if offset > end {
            return false;
        }
        end = end.max(offset + size);
    }
    end == itemsize && fields.iter().all(|f| is_full(&f.dtype))
}

/// The same for structures that are parts of others.
fn is_full(dt: &Dtype) -> bool {
    match &dt.body {
        Body::Struct(fields) => fills(fields, dt.itemsize),
        Body::Subarray(base, _) => is_full(base),
        _ => true,
    }
}

fn items(
    src: &Dtype,
    dst: &Dtype,
    (a, s): (&Dtype, &[isize]),
    (b, t): (&Dtype, &[isize]),
    aligned: bool,
) -> Result<NestedStep> {
    let ok = aligned && src.align >= a.align && dst.align >= b.align;
    let step = Box::new(plan_any(a, b, ok)?);
    let total = |d: &[isize]| d.iter().map(|&n| n as usize).product::<usize>();
    if s == t {
        return Ok(NestedStep::Packed { step, count: total(t), src_size: a.itemsize, dst_size: b.itemsize });
    }
    let mut map = Vec::with_capacity(total(t));
    // Row-major strides of the source, in items.
    let mut strides = vec![1usize; s.len()];
    for i in (0..s.len().saturating_sub(1)).rev() {
        strides[i] = strides[i + 1] * s[i + 1].max(0) as usize;
    }
    let mut index = vec![0isize; t.len()];
    for _ in 0..total(t) {
        let mut at = if total(s) == 0 { None } else { Some(0) };
        // Aligned from the right; source dimensions further left than any of the destination's stay at 0.
        for k in 0..s.len().min(t.len()) {
            let (n, i) = (s[s.len() - 1 - k], index[t.len() - 1 - k]);
            let i = if n == 1 { 0 } else { i };
            at = if i < n { at.map(|x| x + i as usize * strides[s.len() - 1 - k]) } else { None };
        }
        map.push(at);
        for axis in (0..t.len()).rev() {
            index[axis] += 1;
            if index[axis] < t[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Ok(NestedStep::Items { step, map, src_size: a.itemsize, dst: b.clone() })
}
