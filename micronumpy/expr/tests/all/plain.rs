//! Unfused evaluation, one call after the other over whole arrays, as the Python layer does it: what fused evaluation is
//! compared with.

use micronumpy::array::broadcast_shapes;
use micronumpy::cast::{copy_into, copy_into_status};
use micronumpy::dtype::{TypeOrWeak, result_type};
use micronumpy::iter::{axis_order, broadcast_strides, strides_by_order};
use micronumpy::ufunc::exec::execute;
use micronumpy::ufunc::resolve::{check_casts, native};
use micronumpy::ufunc::{BoundLoop, HostContext, OpType, Ufunc, Weak, reduce, resolve};
use micronumpy::{ArrayRef, Casting, Dims, Dtype, Error, NdArray, Order, Result, TypeNum};
use micronumpy_expr::Number;
use ufuncs::{Identity, LoopFlags, fpstatus};

#[derive(Clone, Copy)]
pub enum Operand<'a> {
    Array(ArrayRef<'a>),
    Number(Number),
}

fn wrong(what: &str) -> Error {
    Error::value(what.to_string())
}

fn laid_out(shape: &[isize], rows: &[ArrayRef<'_>], dtype: &Dtype) -> Result<NdArray> {
    let strides: Vec<Dims> =
        rows.iter().map(|r| broadcast_strides(r.shape, r.strides, shape)).collect::<Result<_>>()?;
    let views: Vec<&[isize]> = strides.iter().map(|s| &s[..]).collect();
    let order = axis_order(shape.len(), &views);
    let mut out = NdArray::empty(shape, dtype, Order::C)?;
    out.strides = strides_by_order(shape, &order, dtype.itemsize).to_vec();
    Ok(out)
}

fn element(n: Number, dtype: &Dtype) -> Result<NdArray> {
    let out = NdArray::empty(&[], dtype, Order::C)?;
    let e = n.to_element(dtype)?;
    // SAFETY: one element each.
    unsafe { std::ptr::copy_nonoverlapping(e.as_ptr(), out.data(), dtype.itemsize) };
    Ok(out)
}

pub fn weak(n: Number) -> Weak {
    n.kind()
}

/// An elementwise call, and the status it raised.
pub fn call(name: &str, ops: &[Operand<'_>]) -> Result<(NdArray, u32)> {
    let uf = Ufunc::from_def(ufuncs::table::find(name).ok_or_else(|| wrong("no such ufunc"))?)?;
    let mut types: Vec<OpType<'_>> = ops
        .iter()
        .map(|op| match op {
            Operand::Array(a) => OpType::Is(a.dtype),
            Operand::Number(n) => OpType::Weak(weak(*n)),
        })
        .collect();
    types.push(OpType::Absent);
    let res = resolve(&uf, &types, &[]).map_err(|_| wrong("no loop"))?;
    check_casts(&uf, &types, &[], &res, Casting::SameKind).map_err(|_| wrong("no cast"))?;
    let numbers: Vec<Option<NdArray>> = ops
        .iter()
        .zip(&res.dtypes)
        .map(|(op, dt)| match op {
            Operand::Number(n) => element(*n, dt).map(Some),
            Operand::Array(_) => Ok(None),
        })
        .collect::<Result<_>>()?;
    let mut views: Vec<ArrayRef<'_>> = ops
        .iter()
        .zip(&numbers)
        .map(|(op, n)| match (op, n) {
            (_, Some(n)) => n.view(),
            (Operand::Array(a), None) => *a,
            (Operand::Number(_), None) => unreachable!("numbers were made arrays"),
        })
        .collect();
    let shapes: Vec<&[isize]> = views.iter().map(|v| v.shape).collect();
    let shape = broadcast_shapes(&shapes)?;
    let out = laid_out(&shape, &views, &res.dtypes[ops.len()])?;
    views.push(out.view());
    let def = &uf.loops[res.index].def;
    let l = BoundLoop::new(def, uf.nin, &res.dtypes, HostContext::NONE);
    fpstatus::clear();
    execute(&l, &shape, &views, None, 8192)?;
    let casts = views
        .iter()
        .zip(&res.dtypes)
        .any(|(v, d)| !ufuncs::casts::cast_flags(v.dtype.num, d.num).contains(LoopFlags::NO_FP_ERRORS));
    let status = fpstatus::take();
    let counts = casts || !def.flags.contains(LoopFlags::NO_FP_ERRORS);
    drop(views);
    Ok((out, if counts { status } else { 0 }))
}

/// A cast to another dtype.
pub fn cast(arr: &ArrayRef<'_>, dtype: &Dtype) -> Result<(NdArray, u32)> {
    let out = NdArray::empty_like(arr, dtype, Order::Keep)?;
    let status = copy_into_status(&out.view(), arr)?;
    Ok((out, status.into()))
}

/// Three-argument `where`.
pub fn select(condition: &ArrayRef<'_>, x: Operand<'_>, y: Operand<'_>) -> Result<(NdArray, u32)> {
    let of = |op: &Operand<'_>| match op {
        Operand::Number(Number::Int(_)) => None,
        Operand::Number(_) => None,
        Operand::Array(a) => Some((*a.dtype).clone()),
    };
    let dtypes = [of(&x), of(&y)];
    let kind = |op: &Operand<'_>, i: usize| match op {
        Operand::Array(_) => TypeOrWeak::Dtype(dtypes[i].as_ref().unwrap_or(condition.dtype)),
        Operand::Number(Number::Int(_)) => TypeOrWeak::Int,
        Operand::Number(Number::Float(_)) => TypeOrWeak::Float,
        Operand::Number(Number::Complex(..)) => TypeOrWeak::Complex,
    };
    let dtype = result_type(&[kind(&x, 0), kind(&y, 1)])?;
    let number = |op: &Operand<'_>| match op {
        Operand::Array(_) => Ok(None),
        Operand::Number(n) => element(*n, &dtype).map(Some),
    };
    let (xn, yn) = (number(&x)?, number(&y)?);
    fn view<'v>(op: Operand<'v>, n: &'v Option<NdArray>) -> ArrayRef<'v> {
        match (op, n) {
            (_, Some(n)) => n.view(),
            (Operand::Array(a), None) => a,
            (Operand::Number(_), None) => unreachable!("numbers were made arrays"),
        }
    }
    let views = [*condition, view(x, &xn), view(y, &yn)];
    let shape = broadcast_shapes(&[views[0].shape, views[1].shape, views[2].shape])?;
    let out = laid_out(&shape, &views, &dtype)?;
    let status = micronumpy::ops::select::where_(&views[0], &views[1], &views[2], &out.view())?;
    Ok((out, status.into()))
}

/// `ufunc.reduce`.
pub fn fold(
    name: &str,
    arr: &ArrayRef<'_>,
    axes: &[bool],
    keepdims: bool,
    wanted: Option<TypeNum>,
) -> Result<(NdArray, u32)> {
    let uf = Ufunc::from_def(ufuncs::table::find(name).ok_or_else(|| wrong("no such ufunc"))?)?;
    let num = arr.dtype.num;
    let small = num.is_bool() || num.is_integer() && num.size() < 8;
    let wide = match name {
        "add" | "multiply" if small => Some(if num.is_unsigned() { TypeNum::ULONG } else { TypeNum::LONG }),
        _ => None,
    };
    let sig = wanted.or(wide);
    let find = |sig: [Option<TypeNum>; 3]| {
        resolve(&uf, &[OpType::Absent, OpType::Is(arr.dtype), OpType::Absent], &sig)
            .map_err(|_| wrong("no loop"))
    };
    let mut res = find([sig, None, sig])?;
    if sig.is_none() && res.dtypes[0] != res.dtypes[2] {
        res = find([Some(res.dtypes[2].num), None, None])?;
    }
    let work = native(&res.dtypes[0]);
    let kept: Dims = arr.shape.iter().zip(axes).map(|(&n, &f)| if f { 1 } else { n }).collect();
    let shape: Dims = kept.iter().zip(axes).filter(|(_, f)| keepdims || !**f).map(|(&n, _)| n).collect();
    let mut order: Vec<usize> = axis_order(arr.shape.len(), &[arr.strides]).to_vec();
    if !keepdims {
        order.retain(|&a| !axes[a]);
        for a in &mut order {
            *a -= axes[..*a].iter().filter(|&&f| f).count();
        }
    }
    let mut out = NdArray::empty(&shape, &work, Order::C)?;
    out.strides = strides_by_order(&shape, &order, work.itemsize).to_vec();
    let strides: Dims = if keepdims {
        Dims::from_slice(&out.strides)
    } else {
        let mut own = out.strides.iter();
        axes.iter().map(|&f| if f { 0 } else { *own.next().unwrap_or(&0) }).collect()
    };
    // SAFETY: the result with axes of length one put in.
    let view = unsafe { ArrayRef::new(out.data(), &kept, &strides, &work) };
    let start = match uf.identity {
        Identity::Zero | Identity::False => Some(Number::Int(0)),
        Identity::One | Identity::True => Some(Number::Int(1)),
        Identity::MinusOne if work.num.is_unsigned() => Some(Number::Int((1 << (8 * work.itemsize)) - 1)),
        Identity::MinusOne => Some(Number::Int(-1)),
        Identity::NegInf => Some(Number::Float(f64::NEG_INFINITY)),
        _ => None,
    };
    let empty = arr.shape.contains(&0);
    let mut first = false;
    match start {
        Some(n) => copy_into(&view, &element(n, &work)?.view())?,
        None if empty && !kept.contains(&0) => return Err(wrong("no identity")),
        None if empty => {}
        None => {
            let (shape, st) = reduce::first_elements(arr, axes);
            // SAFETY: a part of the operand.
            let part = unsafe { ArrayRef::new(arr.data, &shape, &st, arr.dtype) };
            copy_into(&view, &part)?;
            first = true;
        }
    }
    let def = &uf.loops[res.index].def;
    let l = BoundLoop::new(def, 2, &res.dtypes, HostContext::NONE);
    fpstatus::clear();
    reduce::reduce(&l, &view, arr, None, first, 8192)?;
    let status = fpstatus::take();
    Ok((out, if def.flags.contains(LoopFlags::NO_FP_ERRORS) { 0 } else { status }))
}

/// `np.mean`: a sum, divided by a count that is an `int64`, written back to the sum's type.
pub fn mean(arr: &ArrayRef<'_>, axes: &[bool]) -> Result<NdArray> {
    let num = arr.dtype.num;
    let (inside, result) = match num {
        n if n.is_integer() || n.is_bool() => (TypeNum::DOUBLE, TypeNum::DOUBLE),
        TypeNum::HALF => (TypeNum::FLOAT, TypeNum::HALF),
        n => (n, n),
    };
    let sum = fold("add", arr, axes, false, Some(inside))?.0;
    let count: isize = arr.shape.iter().zip(axes).filter(|(_, f)| **f).map(|(&n, _)| n).product();
    let count = element(Number::Int(count as i128), &Dtype::intp())?;
    let mean = call("divide", &[Operand::Array(sum.view()), Operand::Array(count.view())])?.0;
    let mean = cast(&mean.view(), &Dtype::builtin(inside))?.0;
    Ok(cast(&mean.view(), &Dtype::builtin(result))?.0)
}
