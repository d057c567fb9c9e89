//! Back into the VM: from the numbers a trace left to the objects its variables hold.
//!
//! All objects are made before the first variable changes, and old ones die after the last one did, so that whoever
//! watches (a finaliser, a garbage collection) sees one state or the other.

use std::collections::HashMap;
use std::ptr::NonNull;

use micronumpy::TypeNum;
use micronumpy::array::Order;
use micronumpy_python::objects::{Array, array, dtype, scalar};
use pyo3::ffi;
use pyo3::prelude::*;
use ufuncs::elem::float16;

use super::exit::{ArrayRecipe, Recipe, SmallRecipe, State};
use super::flow::{Place, Vars};
use super::kind::{ComplexType, ENTRY, FLOAT, Flavor, INT, NP, OTHER, UNBOUND, flavor_of};
use super::small::UNKNOWN;
use crate::vm::{Frame, RangeIter, Slot};

/// Objects that several variables of a state hold, by identity.
type Once = HashMap<u32, Py<PyAny>>;

/// What a variable gets.
enum New {
    Unbound,
    Object(Py<PyAny>),
    Range(RangeIter),
}

/// Restores a state.
///
/// # Safety
/// `slots` are those a run of the trace left that has this state; what its addresses refer to is alive.
pub unsafe fn restore(py: Python<'_>, frame: &mut Frame<'_>, vars: Vars, state: &State, slots: &[u64]) {
    let mut made = Vec::with_capacity(state.writes.len());
    let mut once = Once::new();
    for (var, recipe) in &state.writes {
        // SAFETY: by contract.
        match unsafe { make(py, recipe, slots, &mut once) } {
            Ok(Some(new)) => made.push((vars.place(*var), new)),
            Ok(None) => {}
            Err(e) => out_of_memory(py, &e),
        }
    }
    let mut old = Vec::with_capacity(made.len());
    for (place, new) in made {
        match place {
            Place::Register(r) => {
                let slot = match new {
                    New::Unbound => Slot::Unbound,
                    New::Object(o) => match NonNull::new(o.into_ptr()) {
                        Some(p) => Slot::Object(p),
                        None => Slot::Unbound,
                    },
                    New::Range(r) => Slot::Range(r),
                };
                if let Slot::Object(p) = std::mem::replace(&mut frame.regs[r], slot) {
                    // SAFETY: the register owned the reference.
                    old.push(unsafe { Bound::from_owned_ptr(py, p.as_ptr()) });
                }
            }
            Place::Global(name) => {
                let name = frame.code.name(name).as_ptr();
                // SAFETY: attached; a dict and a string of the frame. The old value is kept alive meanwhile.
                unsafe {
                    let before = ffi::PyDict_GetItemWithError(frame.globals, name);
                    if !before.is_null() {
                        old.push(Bound::from_borrowed_ptr(py, before));
                    }
                    let failed = match new {
                        New::Object(o) => ffi::PyDict_SetItem(frame.globals, name, o.as_ptr()) != 0,
                        New::Unbound if !before.is_null() => ffi::PyDict_DelItem(frame.globals, name) != 0,
                        _ => false,
                    };
                    if failed {
                        out_of_memory(py, &PyErr::fetch(py));
                    }
                }
            }
            Place::Cell(cell) => {
                // SAFETY: attached; the closure is a tuple of cells. The cell is given a reference of its own.
                unsafe {
                    let cell = ffi::PyTuple_GET_ITEM(frame.cells, cell as ffi::Py_ssize_t);
                    let before = ffi::PyCell_Get(cell);
                    if !before.is_null() {
                        old.push(Bound::from_owned_ptr(py, before));
                    }
                    let value = if let New::Object(o) = &new { o.as_ptr() } else { std::ptr::null_mut() };
                    ffi::PyCell_Set(cell, value);
                }
            }
        }
    }
    drop(old);
}

/// The state can be neither restored nor given up: the numbers it is made of are in nobody's hands any more.
fn out_of_memory(py: Python<'_>, e: &PyErr) -> ! {
    e.print(py);
    // SAFETY: ends the process.
    unsafe {
        ffi::Py_FatalError(c"micronumpy: no memory for the values that compiled code computed".as_ptr())
    }
}

/// # Safety
/// As for [`restore`].
unsafe fn make(py: Python<'_>, recipe: &Recipe, slots: &[u64], once: &mut Once) -> PyResult<Option<New>> {
    Ok(Some(match recipe {
        Recipe::Unbound => New::Unbound,
        Recipe::RangeIter { next, stop, step } => {
            let step = step.unwrap_or_else(|slot| slots[slot] as i64);
            New::Range(RangeIter { next: slots[*next] as i64, stop: slots[*stop] as i64, step })
        }
        Recipe::Tagged { code, of, other } => {
            let code = slots[*code] as u32;
            match (code, &**of) {
                (ENTRY, _) => return Ok(None),
                (UNBOUND, _) => New::Unbound,
                (INT | FLOAT | NP | super::kind::BOOL, Recipe::Num(payload, scalar, slot)) => {
                    let flavor = flavor_of(code, *payload);
                    let mut word = slots[*slot];
                    if flavor == Flavor::Int && scalar.is_float() {
                        // Exact, by a guard.
                        word = f64::from_bits(word) as i64 as u64;
                    }
                    New::Object(number(py, flavor, word)?)
                }
                (INT | FLOAT, Recipe::Complex(_, re, _)) => {
                    let word = slots[*re];
                    let is_int = code == INT;
                    let word = if is_int { f64::from_bits(word) as i64 as u64 } else { word };
                    New::Object(number(py, if is_int { Flavor::Int } else { Flavor::Float }, word)?)
                }
                (OTHER, of) => {
                    if let Some(p) = other {
                        // SAFETY: kept by the inputs or the code.
                        return Ok(Some(New::Object(unsafe { Bound::from_borrowed_ptr(py, *p) }.unbind())));
                    }
                    // SAFETY: by contract.
                    return unsafe { make(py, of, slots, once) };
                }
                _ => New::Unbound,
            }
        }
        // SAFETY: by contract.
        recipe => New::Object(unsafe { object(py, recipe, slots, once) }?),
    }))
}

/// # Safety
/// As for [`restore`].
unsafe fn object(py: Python<'_>, recipe: &Recipe, slots: &[u64], once: &mut Once) -> PyResult<Py<PyAny>> {
    // SAFETY: constants are kept by the inputs or the code, addresses are alive by contract, and the API is used attached.
    unsafe {
        match recipe {
            Recipe::Const(p) => Ok(Bound::from_borrowed_ptr(py, *p).unbind()),
            Recipe::Num(flavor, _, slot) => number(py, *flavor, slots[*slot]),
            Recipe::Array(a) if a.whole || a.id == UNKNOWN => array(py, a, slots),
            Recipe::Array(a) => {
                if let Some(view) = once.get(&a.id) {
                    return Ok(view.clone_ref(py));
                }
                let view = array(py, a, slots)?;
                once.insert(a.id, view.clone_ref(py));
                Ok(view)
            }
            Recipe::Range { start, stop, step } => {
                let range = builtin(py, "range")?;
                Ok(range
                    .call1((
                        slots[*start] as i64,
                        slots[*stop] as i64,
                        step.unwrap_or_else(|s| slots[s] as i64),
                    ))?
                    .unbind())
            }
            Recipe::Complex(ComplexType::Single, re, im) => {
                let cell = scalar::value::Cell::of([re, im].map(|slot| f32::from_bits(slots[*slot] as u32)));
                scalar::value::make_num(py, TypeNum::CFLOAT, &cell).map(Bound::unbind)
            }
            Recipe::Complex(ty, re, im) => {
                let (re, im) = (f64::from_bits(slots[*re]), f64::from_bits(slots[*im]));
                if ty.is_np() {
                    let cell = scalar::value::Cell::of([re, im]);
                    return scalar::value::make_num(py, TypeNum::CDOUBLE, &cell).map(Bound::unbind);
                }
                Bound::from_owned_ptr_or_err(py, ffi::PyComplex_FromDoubles(re, im)).map(Bound::unbind)
            }
            Recipe::ArrayIter { array: a, next } => {
                let a = array(py, a, slots)?;
                let iterator = Bound::from_owned_ptr_or_err(py, ffi::PySeqIter_New(a.as_ptr()))?;
                iterator.call_method1("__setstate__", (slots[*next] as i64,))?;
                Ok(iterator.unbind())
            }
            Recipe::Items { of, next } => {
                let of = object(py, of, slots, once)?;
                let iterator = of.bind(py).try_iter()?;
                iterator.call_method1("__setstate__", (slots[*next] as i64,))?;
                Ok(iterator.into_any().unbind())
            }
            Recipe::Enumerate { count, inner } => {
                let inner = object(py, inner, slots, once)?;
                let made = builtin(py, "enumerate")?.call1((inner, slots[*count] as i64))?;
                Ok(made.unbind())
            }
            Recipe::Zip(items) => {
                let items = items.iter().map(|i| object(py, i, slots, once)).collect::<PyResult<Vec<_>>>()?;
                Ok(builtin(py, "zip")?.call1(pyo3::types::PyTuple::new(py, items)?)?.unbind())
            }
            Recipe::RangeIter { next, stop, step } => {
                let step = step.unwrap_or_else(|s| slots[s] as i64);
                let range = builtin(py, "range")?.call1((slots[*next] as i64, slots[*stop] as i64, step))?;
                Ok(range.try_iter()?.into_any().unbind())
            }
            Recipe::Small(s) => small(py, s, slots, once),
            Recipe::List(id, items) => {
                if let Some(list) = once.get(id) {
                    return Ok(list.clone_ref(py));
                }
                let items =
                    items.iter().map(|i| object(py, i, slots, once)).collect::<PyResult<Vec<Py<PyAny>>>>()?;
                let list = pyo3::types::PyList::new(py, items)?.into_any().unbind();
                once.insert(*id, list.clone_ref(py));
                Ok(list)
            }
            Recipe::Method(of, name) => {
                let of = object(py, of, slots, once)?;
                of.getattr(py, *name)
            }
            Recipe::Tuple(items) => {
                let items =
                    items.iter().map(|i| object(py, i, slots, once)).collect::<PyResult<Vec<Py<PyAny>>>>()?;
                Ok(pyo3::types::PyTuple::new(py, items)?.into_any().unbind())
            }
            Recipe::Slice(items) => {
                let items =
                    items.iter().map(|i| object(py, i, slots, once)).collect::<PyResult<Vec<Py<PyAny>>>>()?;
                let slice = ffi::PySlice_New(items[0].as_ptr(), items[1].as_ptr(), items[2].as_ptr());
                Bound::from_owned_ptr_or_err(py, slice).map(Bound::unbind)
            }
            Recipe::Tagged { code, other: Some(p), .. } if slots[*code] as u32 == OTHER => {
                Ok(Bound::from_borrowed_ptr(py, *p).unbind())
            }
            Recipe::Tagged { code, of, .. } => match (slots[*code] as u32, &**of) {
                (code, Recipe::Num(payload, scalar, slot)) => {
                    let flavor = flavor_of(code, *payload);
                    let word = slots[*slot];
                    let as_int = flavor == Flavor::Int && scalar.is_float();
                    number(py, flavor, if as_int { f64::from_bits(word) as i64 as u64 } else { word })
                }
                (_, of) => object(py, of, slots, once),
            },
            Recipe::Unbound => Ok(py.None()),
        }
    }
}

/// The type itself, whatever its name stands for by now.
fn builtin<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let ty = match name {
        "range" => &raw mut ffi::PyRange_Type,
        "zip" => &raw mut ffi::PyZip_Type,
        _ => &raw mut ffi::PyEnum_Type,
    };
    // SAFETY: types of CPython, which live as long as it.
    Ok(unsafe { Bound::from_borrowed_ptr(py, ty.cast()) })
}

fn number(py: Python<'_>, flavor: Flavor, word: u64) -> PyResult<Py<PyAny>> {
    // SAFETY: attached; each call gives a reference of its own or null with an exception.
    unsafe {
        match flavor {
            Flavor::Int => {
                Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromLongLong(word as i64)).map(Bound::unbind)
            }
            Flavor::Bool => {
                Bound::from_owned_ptr_or_err(py, ffi::PyBool_FromLong((word != 0).into())).map(Bound::unbind)
            }
            Flavor::Float => Bound::from_owned_ptr_or_err(py, ffi::PyFloat_FromDouble(f64::from_bits(word)))
                .map(Bound::unbind),
            Flavor::Np(TypeNum::HALF) => {
                let half = float16::from_f32(f32::from_bits(word as u32));
                let cell = scalar::value::Cell::of(half.to_bits());
                scalar::value::make_num(py, TypeNum::HALF, &cell).map(Bound::unbind)
            }
            Flavor::Np(num) => {
                let cell = match num.size() {
                    1 => scalar::value::Cell::of(word as u8),
                    2 => scalar::value::Cell::of(word as u16),
                    4 => scalar::value::Cell::of(word as u32),
                    _ => scalar::value::Cell::of(word),
                };
                scalar::value::make_num(py, num, &cell).map(Bound::unbind)
            }
        }
    }
}

/// # Safety
/// As for [`restore`].
unsafe fn array(py: Python<'_>, a: &ArrayRecipe, slots: &[u64]) -> PyResult<Py<PyAny>> {
    // SAFETY: the object is an array that is alive; its view was made by indices that were checked.
    unsafe {
        let obj: Bound<'_, PyAny> = Bound::from_borrowed_ptr(py, slots[a.obj] as *mut ffi::PyObject);
        if a.whole {
            return Ok(obj.unbind());
        }
        let owner = Array(obj);
        let dims: Vec<isize> = a.dims.iter().map(|&s| slots[s] as isize).collect();
        let steps: Vec<isize> =
            a.steps.iter().map(|s| s.map_or_else(|s| slots[s] as isize, |n| n as isize)).collect();
        let data = slots[a.data] as *mut u8;
        let view = array::alloc::derived_view(&owner, &owner.descr(), data, &dims, &steps)?;
        Ok(view.0.unbind())
    }
}

/// An array of these elements, or a view of it.
///
/// # Safety
/// As for [`restore`].
unsafe fn small(py: Python<'_>, s: &SmallRecipe, slots: &[u64], once: &mut Once) -> PyResult<Py<PyAny>> {
    let size = s.num.size();
    let base = match once.get(&s.id) {
        Some(base) => base.clone_ref(py),
        None => {
            let existing = s.object.map_or(0, |slot| slots[slot]);
            let base = if existing != 0 {
                // SAFETY: the address of an object that is alive, by contract.
                unsafe { Bound::from_borrowed_ptr(py, existing as *mut ffi::PyObject) }.unbind()
            } else {
                let descr = dtype::builtin(py, s.num);
                let array = array::alloc::new(&descr, &s.base, Order::C, false)?;
                for (k, &slot) in s.cells.iter().enumerate() {
                    let bytes = slots[slot].to_le_bytes();
                    // SAFETY: the fresh array has as many elements of that size, at most eight bytes.
                    unsafe {
                        let to = array.data().add(k * size);
                        std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, size);
                    }
                }
                array.0.unbind()
            };
            once.insert(s.id, base.clone_ref(py));
            base
        }
    };
    let Some((dims, steps, offset)) = &s.view else { return Ok(base) };
    let owner = Array(base.into_bound(py));
    let steps: Vec<isize> = steps.iter().map(|n| n * size as isize).collect();
    // SAFETY: a part of the array, by indices that were checked.
    unsafe {
        let data = owner.data().offset(offset * size as isize);
        Ok(array::alloc::derived_view(&owner, &owner.descr(), data, dims, &steps)?.0.unbind())
    }
}
