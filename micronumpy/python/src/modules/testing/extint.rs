//! `extint_*`: checked 64-bit arithmetic, and integers of 128 bits with a sign of their own.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::fastcall;
use crate::ffi::Args;
use crate::ffi::methods::{END, Methods};

type Obj<'py> = Bound<'py, PyAny>;

pub static FUNCTIONS: Methods<14> = Methods::new([
    fastcall!(c"extint_safe_binop", safe_binop),
    fastcall!(c"extint_to_128", to_128),
    fastcall!(c"extint_to_64", to_64),
    fastcall!(c"extint_mul_64_64", mul_64_64),
    fastcall!(c"extint_add_128", add_128),
    fastcall!(c"extint_sub_128", sub_128),
    fastcall!(c"extint_neg_128", neg_128),
    fastcall!(c"extint_shl_128", shl_128),
    fastcall!(c"extint_shr_128", shr_128),
    fastcall!(c"extint_gt_128", gt_128),
    fastcall!(c"extint_divmod_128_64", divmod_128_64),
    fastcall!(c"extint_floordiv_128_64", floordiv_128_64),
    fastcall!(c"extint_ceildiv_128_64", ceildiv_128_64),
    END,
]);

/// Sign and magnitude.
#[derive(Clone, Copy)]
struct Wide {
    negative: bool,
    size: u128,
}

fn overflow() -> PyErr {
    PyOverflowError::new_err("")
}

impl Wide {
    fn from_i64(v: i64) -> Wide {
        Wide { negative: v < 0, size: v.unsigned_abs().into() }
    }
    fn to_i64(self) -> Option<i64> {
        let v = i128::try_from(self.size).ok()?;
        i64::try_from(if self.negative { -v } else { v }).ok()
    }
    fn negated(self) -> Wide {
        Wide { negative: !self.negative, ..self }
    }
    fn add(self, other: Wide) -> Option<Wide> {
        if self.negative == other.negative {
            return Some(Wide { size: self.size.checked_add(other.size)?, ..self });
        }
        Some(if self.size >= other.size {
            Wide { size: self.size - other.size, ..self }
        } else {
            Wide { size: other.size - self.size, ..other }
        })
    }
    fn mul(a: i64, b: i64) -> Wide {
        let size = u128::from(a.unsigned_abs()) * u128::from(b.unsigned_abs());
        Wide { negative: (a < 0) != (b < 0), size }
    }
    fn greater(self, other: Wide) -> bool {
        match (self.negative, other.negative) {
            (false, false) => self.size > other.size,
            (true, true) => self.size < other.size,
            // Zero has two signs.
            (false, true) => self.size != 0 || other.size != 0,
            (true, false) => false,
        }
    }
    /// Truncating division.
    fn divmod(self, by: u64) -> (Wide, Wide) {
        let by = u128::from(by);
        (Wide { size: self.size / by, ..self }, Wide { size: self.size % by, ..self })
    }
    fn step(self, down: bool) -> Option<Wide> {
        self.add(Wide { negative: down, size: 1 })
    }
    fn to_py<'py>(self, py: Python<'py>) -> PyResult<Obj<'py>> {
        let size = self.size.into_pyobject(py)?.into_any();
        if self.negative { size.neg() } else { Ok(size) }
    }
}

fn arg<'py>(args: &Args<'_, 'py>, i: usize) -> PyResult<Obj<'py>> {
    args.get(i).ok_or_else(|| {
        PyTypeError::new_err(format!("function takes at least {} arguments ({} given)", i + 1, args.len()))
    })
}

fn narrow(args: &Args<'_, '_>, i: usize) -> PyResult<i64> {
    arg(args, i)?.extract()
}

fn wide(args: &Args<'_, '_>, i: usize) -> PyResult<Wide> {
    let obj = arg(args, i)?;
    let int = args.py.get_type::<pyo3::types::PyInt>().call1((obj,))?;
    let size: u128 = int.abs()?.extract().map_err(|_| overflow())?;
    Ok(Wide { negative: int.lt(0)?, size })
}

fn positive(args: &Args<'_, '_>, i: usize) -> PyResult<u64> {
    match narrow(args, i)? {
        n if n > 0 => Ok(n as u64),
        _ => Err(PyValueError::new_err("")),
    }
}

fn int<'py>(py: Python<'py>, v: i64) -> PyResult<Obj<'py>> {
    Ok(v.into_pyobject(py)?.into_any())
}

fn wide_or_overflow<'py>(py: Python<'py>, v: Option<Wide>) -> PyResult<Obj<'py>> {
    v.ok_or_else(overflow)?.to_py(py)
}

fn safe_binop<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (a, b) = (narrow(&args, 0)?, narrow(&args, 1)?);
    let result = match narrow(&args, 2)? {
        1 => a.checked_add(b),
        2 => a.checked_sub(b),
        3 => a.checked_mul(b),
        _ => return Err(PyValueError::new_err("invalid op")),
    };
    int(args.py, result.ok_or_else(overflow)?)
}

fn to_128<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    Wide::from_i64(narrow(&args, 0)?).to_py(args.py)
}

fn to_64<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    int(args.py, wide(&args, 0)?.to_i64().ok_or_else(overflow)?)
}

fn mul_64_64<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    Wide::mul(narrow(&args, 0)?, narrow(&args, 1)?).to_py(args.py)
}

fn add_128<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    wide_or_overflow(args.py, wide(&args, 0)?.add(wide(&args, 1)?))
}

fn sub_128<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    wide_or_overflow(args.py, wide(&args, 0)?.add(wide(&args, 1)?.negated()))
}

fn neg_128<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    wide(&args, 0)?.negated().to_py(args.py)
}

fn shl_128<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let v = wide(&args, 0)?;
    Wide { size: v.size << 1, ..v }.to_py(args.py)
}

fn shr_128<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let v = wide(&args, 0)?;
    Wide { size: v.size >> 1, ..v }.to_py(args.py)
}

fn gt_128<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let yes = wide(&args, 0)?.greater(wide(&args, 1)?);
    Ok(yes.into_pyobject(args.py)?.to_owned().into_any())
}

fn divmod_128_64<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (q, r) = wide(&args, 0)?.divmod(positive(&args, 1)?);
    let r = int(args.py, r.to_i64().ok_or_else(overflow)?)?;
    Ok((q.to_py(args.py)?, r).into_pyobject(args.py)?.into_any())
}

fn floordiv_128_64<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (q, r) = wide(&args, 0)?.divmod(positive(&args, 1)?);
    let rounds = r.negative && r.size != 0;
    wide_or_overflow(args.py, if rounds { q.step(true) } else { Some(q) })
}

fn ceildiv_128_64<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (q, r) = wide(&args, 0)?.divmod(positive(&args, 1)?);
    let rounds = !r.negative && r.size != 0;
    wide_or_overflow(args.py, if rounds { q.step(false) } else { Some(q) })
}
