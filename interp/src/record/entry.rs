//! What a trace takes for granted when it is entered, and what it is given.
//!
//! The walk asks for a variable; what the frame holds there now becomes an *input*: a kind to check at every entry and
//! the numbers that go into slots. What never changes (a module, a function) is checked by identity and costs no slot.
//! Objects behind the inputs are kept alive while the trace runs, so addresses of arrays and their buffers stay good.

use std::collections::HashMap;
use std::rc::Rc;

use jit::ir::{Builder, Const, MemClass, Ty, Value};
use micronumpy::TypeNum;
use micronumpy_python::abi::{
    NPY_ARRAY_ALIGNED, NPY_ARRAY_WARN_ON_WRITE, NPY_ARRAY_WRITEABLE, PyArray_Descr, PyArrayObject,
};
use micronumpy_python::objects::{array, scalar};
use pyo3::ffi;
use pyo3::prelude::*;
use ufuncs::elem::{f16, float16};

use super::abort::Abort;
use super::flow::{Place, Var, Vars};
use super::iterate::Source;
use super::kind::{Abs, ArrayVal, ComplexType, Flavor, Step, Val, is_held, scalar_of};
use super::ops::foreign::{self, Foreign};
use crate::vm::{Frame, RangeIter, Slot};

/// What must hold of a variable.
#[derive(Clone, PartialEq, Debug)]
pub enum Check {
    /// It is this object.
    Is(*mut ffi::PyObject),
    Num(Flavor),
    /// Whether it is numpy's.
    Complex(ComplexType),
    /// An array with these properties; a step that is given is that many bytes.
    Array {
        num: TypeNum,
        dims: Vec<Option<i64>>,
        steps: Vec<Option<i64>>,
        writeable: bool,
        group: u16,
    },
    /// A range with this step, or with a positive one.
    RangeIter(Option<i64>),
    /// An iterator over such an array.
    ArrayIter(Box<Check>),
    Enumerate(Box<Check>),
    Zip(Vec<Check>),
}

#[derive(Debug)]
pub struct Input {
    pub var: Var,
    pub check: Check,
    /// The first of its slots.
    pub slot: usize,
}

/// The end up to which the outermost loop may run this time.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    slot: usize,
    /// Slots of where the iteration stands and of its end, and the step; `None` of a `while` loop, which counts turns.
    range: Option<(usize, usize, i64)>,
}

impl Limit {
    /// Allows this many turns.
    pub fn set(self, slots: &mut [u64], turns: i64) {
        slots[self.slot] = match self.range {
            None => turns,
            Some((next, stop, step)) => {
                let stop = slots[stop] as i64;
                let end = i128::from(slots[next] as i64) + i128::from(turns) * i128::from(step);
                let beyond = if step > 0 { end >= stop.into() } else { end <= stop.into() };
                // Between two `i64`, and so one itself.
                if beyond { stop } else { end as i64 }
            }
        } as u64;
    }
}

/// What a trace is entered with.
#[derive(Default)]
pub struct Inputs {
    pub inputs: Vec<Input>,
    pub limit: Option<Limit>,
    /// Entries of dicts that must be what they were: the dict, the key, the value; no value where there was none.
    pub constants: Vec<(Py<PyAny>, Py<PyAny>, Option<Py<PyAny>>)>,
    /// Functions that must have the code and the defaults they had.
    pub functions: Vec<(Py<PyAny>, Py<PyAny>, Option<Py<PyAny>>)>,
    /// C functions that must be what they were.
    pub foreign: Vec<Foreign>,
    /// Whether functions of `cffi` are called, which keeps an `errno`.
    pub keeps_errno: bool,
    /// Keeps what is compared by identity.
    pub kept: Vec<Py<PyAny>>,
}

/// The frame as the walk sees it.
pub struct Entry<'a, 'py> {
    py: Python<'py>,
    frame: &'a Frame<'a>,
    vars: Vars,
    pub inputs: Inputs,
    known: HashMap<Var, Abs>,
    /// Byte ranges of arrays that were given a class.
    ranges: Vec<(u16, usize, usize)>,
    /// Whether the trace is for the small extents that arrays have now, and for their steps.
    fixed: bool,
}

/// The first class of arrays; 0 means any.
const FIRST_GROUP: u16 = 1;
/// Element types the trace can hold, by their exact class.
const MAX_DIMS: i32 = 8;
/// Extents a trace may be made for.
const MOST_FIXED: i64 = 16;

impl<'a, 'py> Entry<'a, 'py> {
    pub fn new(py: Python<'py>, frame: &'a Frame<'a>, vars: Vars, fixed: bool) -> Entry<'a, 'py> {
        Entry { py, frame, vars, inputs: Inputs::default(), known: HashMap::new(), ranges: vec![], fixed }
    }

    /// The end up to which the outermost loop may run this time: a slot of its own. The range is one of inputs.
    pub fn limit(&mut self, b: &mut Builder, range: Option<(Value, Value, i64)>) -> Value {
        let slot = |v: Value| b.trace().params().iter().position(|&p| p == v);
        let range = range.and_then(|(next, stop, step)| Some((slot(next)?, slot(stop)?, step)));
        self.inputs.limit = Some(Limit { slot: b.trace().params().len(), range });
        b.param(Ty::I64)
    }

    /// What a variable holds at entry.
    ///
    /// # Errors
    /// Why the trace can do nothing with it.
    pub fn load(&mut self, b: &mut Builder, var: Var) -> Result<Abs, Abort> {
        if let Some(abs) = self.known.get(&var) {
            return Ok(Abs { val: with_own_extents(&abs.val, b), tag: abs.tag });
        }
        let slot = b.trace().params().len();
        let (check, abs) = match self.vars.place(var) {
            Place::Register(r) => match &self.frame.regs[r] {
                Slot::Unbound => return Err(Abort::Unbound),
                Slot::Range(r) => {
                    let (next, stop) = (b.param(Ty::I64), b.param(Ty::I64));
                    // Steps that are not the usual ones are rarely the same twice.
                    let known = (r.step.abs() == 1 || r.step < 0).then_some(r.step);
                    let step = known.map_or_else(|| Step::Value(b.param(Ty::I64)), Step::Const);
                    (Check::RangeIter(known), Val::RangeIter { next, stop, step }.into())
                }
                Slot::Object(p) => self.object(b, p.as_ptr())?,
            },
            Place::Global(_) | Place::Cell(_) => {
                let Some(p) = current(self.frame, self.vars, var) else { return Err(Abort::Unbound) };
                self.object(b, p)?
            }
        };
        self.inputs.inputs.push(Input { var, check, slot });
        self.known.insert(var, abs.clone());
        Ok(abs)
    }

    fn object(&mut self, b: &mut Builder, p: *mut ffi::PyObject) -> Result<(Check, Abs), Abort> {
        if let Some(flavor) = flavor_of_object(p) {
            let v = b.param(Ty::scalar(flavor.scalar()));
            return Ok((Check::Num(flavor), Abs::num(flavor, v)));
        }
        if let Some((ty, _)) = parts(p) {
            let [re, im] = [(); 2].map(|()| b.param(Ty::scalar(ty.part())));
            return Ok((Check::Complex(ty), Val::Complex(ty, re, im).into()));
        }
        // SAFETY: a live object the frame holds; its type is compared.
        let is_array = unsafe { ffi::Py_TYPE(p) == array::ARRAY_TYPE.as_type() };
        if is_array {
            return self.array(b, p);
        }
        // SAFETY: alive, held by the frame; the reference is ours.
        let object = unsafe { Bound::from_borrowed_ptr(self.py, p) };
        // Held by the frame and here.
        if let Some(source) = Source::of(&object, 2) {
            let (check, val) = source.input(self, b)?;
            return Ok((check, val.into()));
        }
        if !is_lasting(p) && !foreign::is_function(&object) && foreign::library(&object).is_none() {
            return Err(Abort::Operation("with an object".into()));
        }
        // SAFETY: live; the reference taken here is given back by dropping the list.
        self.inputs.kept.push(unsafe { Bound::from_borrowed_ptr(self.py, p) }.unbind());
        Ok((Check::Is(p), Val::Const(p).into()))
    }

    pub fn array(&mut self, b: &mut Builder, p: *mut ffi::PyObject) -> Result<(Check, Abs), Abort> {
        // SAFETY: exactly an ndarray, held by the frame.
        let view = unsafe { View::new(p) };
        let num = view.num.ok_or(Abort::Array("is not of plain numbers"))?;
        if !is_held(num) {
            return Err(Abort::Array("has elements the compiler has no type for"));
        }
        if !view.aligned {
            return Err(Abort::Array("is not aligned"));
        }
        let size = num.size() as i64;
        let steps: Vec<Option<i64>> =
            view.steps.iter().map(|&s| (s as i64 == size || self.fixed).then_some(s as i64)).collect();
        let fixed: Vec<Option<i64>> =
            view.dims.iter().map(|&n| (self.fixed && n as i64 <= MOST_FIXED).then_some(n as i64)).collect();
        let group = self.group(view.extent());
        let obj = b.param(Ty::PTR);
        let data = b.param(Ty::PTR);
        let params: Vec<Value> = view.dims.iter().map(|_| b.param(Ty::I64)).collect();
        let dims = params.into_iter().zip(&fixed).map(|(v, n)| n.map_or(v, |n| b.i64(n))).collect();
        let kept =
            steps.iter().map(|s| s.map_or_else(|| Step::Value(b.param(Ty::I64)), Step::Const)).collect();
        let class = MemClass(group);
        let value = ArrayVal {
            num,
            obj,
            whole: true,
            id: 0,
            data,
            dims,
            steps: kept,
            writeable: view.writeable,
            class,
        };
        let check = Check::Array { num, dims: fixed, steps, writeable: view.writeable, group };
        Ok((check, Val::Array(value.into()).into()))
    }
    /// Arrays that do not share memory get different classes, which is checked again at every entry.
    fn group(&mut self, (low, high): (usize, usize)) -> u16 {
        let mut found = None;
        for &(group, l, h) in &self.ranges {
            if low < h && l < high {
                match found {
                    None => found = Some(group),
                    Some(other) if other == group => {}
                    // It brings two groups together, too late.
                    Some(_) => found = Some(MemClass::ANY.0),
                }
            }
        }
        let next = self.ranges.iter().map(|r| r.0).max().map_or(FIRST_GROUP, |g| g + 1);
        let group = found.unwrap_or(next);
        self.ranges.push((group, low, high));
        group
    }

    /// Takes for granted that a dict has this value, or none, under this key.
    pub fn assume(
        &mut self,
        dict: &Bound<'_, PyAny>,
        key: &Bound<'_, PyAny>,
        value: Option<&Bound<'_, PyAny>>,
    ) {
        let known = self.inputs.constants.iter().any(|(d, k, _)| d.is(dict) && k.is(key));
        if !known {
            let value = value.map(|v| v.clone().unbind());
            self.inputs.constants.push((dict.clone().unbind(), key.clone().unbind(), value));
        }
    }
    /// Takes for granted that a function has this code, and the defaults it has.
    pub fn assume_code(&mut self, function: &Bound<'_, PyAny>, code: &Bound<'_, PyAny>) {
        if !self.inputs.functions.iter().any(|(f, ..)| f.is(function)) {
            // SAFETY: attached; a function, which holds its defaults.
            let defaults = unsafe {
                Bound::from_borrowed_ptr_or_opt(self.py, ffi::PyFunction_GetDefaults(function.as_ptr()))
            };
            let defaults = defaults.map(Bound::unbind);
            self.inputs.functions.push((function.clone().unbind(), code.clone().unbind(), defaults));
        }
    }
    /// Takes for granted what a C function is.
    pub fn assume_foreign(&mut self, foreign: Foreign) {
        self.inputs.foreign.push(foreign);
    }
    pub fn globals(&self) -> *mut ffi::PyObject {
        self.frame.globals
    }
    /// A name of a module, then of builtins, taken for granted.
    pub fn global(
        &mut self,
        globals: *mut ffi::PyObject,
        key: &Bound<'py, PyAny>,
    ) -> Option<Bound<'py, PyAny>> {
        // SAFETY: dicts that a function and the frame hold.
        let dicts = unsafe { [globals, self.frame.builtins].map(|d| Bound::from_borrowed_ptr(self.py, d)) };
        for dict in dicts {
            // SAFETY: attached; a look-up of a string in a dict of strings. What is found is borrowed from the dict.
            let found = unsafe {
                let found = ffi::PyDict_GetItemWithError(dict.as_ptr(), key.as_ptr());
                Bound::from_borrowed_ptr_or_opt(self.py, found)
            };
            self.assume(&dict, key, found.as_ref());
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The same with constants of its own: those made before may be in a region that has ended.
fn with_own_extents(val: &Val, b: &mut Builder) -> Val {
    let mut renewed = |a: &ArrayVal| {
        let known = |b: &Builder, v: Value| b.trace().as_const(v).map(|c| c.bits as i64);
        let dims = a.dims.iter().map(|&v| known(b, v).map_or(v, |n| b.i64(n))).collect();
        Rc::new(ArrayVal { dims, ..a.clone() })
    };
    match val {
        Val::Array(a) => Val::Array(renewed(a)),
        Val::ArrayIter { array, next } => Val::ArrayIter { array: renewed(array), next: *next },
        Val::Enumerate { count, inner } => {
            Val::Enumerate { count: *count, inner: Rc::new(with_own_extents(inner, b)) }
        }
        Val::Zip(items) => Val::Zip(items.iter().map(|i| with_own_extents(i, b)).collect()),
        other => other.clone(),
    }
}

/// What a variable outside of the registers holds, borrowed.
pub fn current(frame: &Frame<'_>, vars: Vars, var: Var) -> Option<*mut ffi::PyObject> {
    // SAFETY: attached, as the VM runs; dicts, closure and names belong to the frame. Look-ups of interned strings in
    // dicts of strings run no foreign code, and what goes wrong is no answer.
    unsafe {
        let p = match vars.place(var) {
            Place::Register(r) => match &frame.regs[r] {
                Slot::Object(p) => p.as_ptr(),
                _ => return None,
            },
            Place::Global(name) => {
                let name = frame.code.name(name).as_ptr();
                let p = ffi::PyDict_GetItemWithError(frame.globals, name);
                if p.is_null() { ffi::PyDict_GetItemWithError(frame.builtins, name) } else { p }
            }
            Place::Cell(cell) => {
                let cell = ffi::PyTuple_GET_ITEM(frame.cells, cell as ffi::Py_ssize_t);
                let p = ffi::PyCell_Get(cell);
                if !p.is_null() {
                    // The cell holds another reference.
                    ffi::Py_DECREF(p);
                }
                p
            }
        };
        if p.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        Some(p)
    }
}

/// Whether an object is of a kind that lives long, so that nobody notices when compiled code keeps it alive.
fn is_lasting(p: *mut ffi::PyObject) -> bool {
    // SAFETY: a live object, as the frame holds it; types and addresses are compared.
    unsafe {
        p == ffi::Py_None()
            || p == ffi::Py_Ellipsis()
            || ffi::PyModule_CheckExact(p) != 0
            || ffi::PyFunction_Check(p) != 0
            || ffi::PyCFunction_Check(p) != 0
            || ffi::PyType_Check(p) != 0
            || ffi::PyUnicode_CheckExact(p) != 0
            || ffi::Py_TYPE(p) == micronumpy_python::objects::ufunc::UFUNC_TYPE.as_type()
            || is_dispatcher(p)
    }
}

/// Whether it is one of numpy's functions that ask their arguments for overrides.
pub fn is_dispatcher(p: *mut ffi::PyObject) -> bool {
    // SAFETY: a live object; its type's name is read.
    unsafe { std::ffi::CStr::from_ptr((*ffi::Py_TYPE(p)).tp_name) == c"numpy._ArrayFunctionDispatcher" }
}

/// The flavor of a number that fits a register of the machine.
pub fn flavor_of_object(p: *mut ffi::PyObject) -> Option<Flavor> {
    // SAFETY: `p` is a live object, as the frame holds it; types are compared and a small number is read.
    unsafe {
        let ty = ffi::Py_TYPE(p);
        if ty == &raw mut ffi::PyFloat_Type {
            return Some(Flavor::Float);
        }
        if ty == &raw mut ffi::PyLong_Type {
            return integer(p).map(|_| Flavor::Int);
        }
        if ty == &raw mut ffi::PyBool_Type {
            return Some(Flavor::Bool);
        }
        let num = scalar::typenum_of_class(ty)?;
        (scalar_of(num).is_some() || num == TypeNum::HALF).then_some(Flavor::Np(num))
    }
}

/// Of a complex number: its type, and the bits of its parts.
fn parts(p: *mut ffi::PyObject) -> Option<(ComplexType, [u64; 2])> {
    // SAFETY: a live object, as the frame holds it. All three types have the parts right behind the head.
    unsafe {
        let class = ffi::Py_TYPE(p);
        let at = p.cast::<u8>().add(size_of::<ffi::PyObject>());
        if class == scalar::concrete(TypeNum::CFLOAT) {
            let words = at.cast::<[u32; 2]>().read_unaligned().map(u64::from);
            return Some((ComplexType::Single, words));
        }
        let ty = match class == scalar::concrete(TypeNum::CDOUBLE) {
            true => ComplexType::Double,
            false if class == &raw mut ffi::PyComplex_Type => ComplexType::Python,
            false => return None,
        };
        Some((ty, at.cast::<[u64; 2]>().read_unaligned()))
    }
}

/// The value of an `int`, if 64 bits do.
///
/// # Safety
/// A live `int`.
unsafe fn integer(p: *mut ffi::PyObject) -> Option<i64> {
    let mut overflow = 0;
    // SAFETY: by contract; an `int` raises nothing here.
    let n = unsafe { ffi::PyLong_AsLongLongAndOverflow(p, &mut overflow) };
    (overflow == 0).then_some(n)
}

/// The word of a number, as slots hold it.
///
/// # Safety
/// A live object.
unsafe fn word(p: *mut ffi::PyObject, flavor: Flavor) -> Option<u64> {
    // SAFETY: by contract, and the type is checked in front of every look at the value.
    unsafe {
        if flavor_of_object(p) != Some(flavor) {
            return None;
        }
        Some(match flavor {
            Flavor::Int => integer(p)? as u64,
            Flavor::Bool => u64::from(p == ffi::Py_True()),
            Flavor::Float => ffi::PyFloat_AS_DOUBLE(p).to_bits(),
            Flavor::Np(TypeNum::HALF) => {
                let at = p.cast::<u8>().add(size_of::<ffi::PyObject>());
                Const::f32(float16::to_f32(at.cast::<f16>().read_unaligned())).bits
            }
            Flavor::Np(num) => {
                let at = p.cast::<u8>().add(size_of::<ffi::PyObject>());
                let mut bytes = [0u8; 8];
                std::ptr::copy_nonoverlapping(at, bytes.as_mut_ptr(), num.size().min(8));
                Const::canonical(scalar_of(num)?, u64::from_ne_bytes(bytes)).bits
            }
        })
    }
}

/// An array, looked at.
struct View<'a> {
    num: Option<TypeNum>,
    data: usize,
    dims: &'a [isize],
    steps: &'a [isize],
    writeable: bool,
    aligned: bool,
}

impl View<'_> {
    /// # Safety
    /// A live ndarray that outlives the view unchanged.
    unsafe fn new<'a>(p: *mut ffi::PyObject) -> View<'a> {
        // SAFETY: by contract; `nd` dimensions and strides stand behind the pointers.
        unsafe {
            let a = p.cast::<PyArrayObject>();
            let nd = (*a).nd as usize;
            let (dims, steps): (&[isize], &[isize]) = if nd == 0 {
                (&[], &[])
            } else {
                (
                    std::slice::from_raw_parts((*a).dimensions, nd),
                    std::slice::from_raw_parts((*a).strides, nd),
                )
            };
            let descr: *mut PyArray_Descr = (*a).descr;
            let native = (*descr).byteorder != b'>' && (*a).nd <= MAX_DIMS;
            let num = TypeNum((*descr).type_num);
            let plain = native && is_held(num) && (*descr).elsize as usize == num.size();
            let flags = (*a).flags;
            View {
                num: plain.then_some(num),
                data: (*a).data as usize,
                dims,
                steps,
                writeable: flags & NPY_ARRAY_WRITEABLE != 0 && flags & NPY_ARRAY_WARN_ON_WRITE == 0,
                aligned: flags & NPY_ARRAY_ALIGNED != 0,
            }
        }
    }
    /// The bytes between the lowest and the highest element.
    fn extent(&self) -> (usize, usize) {
        let (mut low, mut high) = (self.data, self.data + self.num.map_or(1, TypeNum::size));
        for (&n, &step) in self.dims.iter().zip(self.steps) {
            if n == 0 {
                return (self.data, self.data);
            }
            let reach = (n - 1).wrapping_mul(step);
            if reach >= 0 {
                high = high.wrapping_add(reach as usize);
            } else {
                low = low.wrapping_add(reach as usize);
            }
        }
        (low, high)
    }
}

/// Objects that must live as long as a run.
pub type Held = Vec<Py<PyAny>>;

impl Inputs {
    /// Checks everything and fills the slots. `stores` tells whether the trace writes memory, so that overlap counts.
    pub fn fill(
        &self,
        py: Python<'_>,
        frame: &Frame<'_>,
        vars: Vars,
        stores: bool,
        slots: &mut [u64],
        held: &mut Held,
    ) -> bool {
        let mut ranges: Vec<(u16, usize, usize)> = vec![];
        for input in &self.inputs {
            if let (Place::Register(r), Check::RangeIter(step)) = (vars.place(input.var), &input.check) {
                match &frame.regs[r] {
                    Slot::Range(r) if step.map_or(r.step > 0, |step| r.step == step) => {
                        slots[input.slot] = r.next as u64;
                        slots[input.slot + 1] = r.stop as u64;
                        if step.is_none() {
                            slots[input.slot + 2] = r.step as u64;
                        }
                        continue;
                    }
                    _ => return false,
                }
            }
            let Some(p) = current(frame, vars, input.var) else { return false };
            match &input.check {
                Check::Is(q) => {
                    if p != *q {
                        return false;
                    }
                }
                Check::Num(flavor) => {
                    // SAFETY: a live object the frame holds.
                    let Some(word) = (unsafe { word(p, *flavor) }) else { return false };
                    slots[input.slot] = word;
                }
                Check::Complex(ty) => match parts(p) {
                    Some((own, words)) if own == *ty => {
                        slots[input.slot..input.slot + 2].copy_from_slice(&words);
                    }
                    _ => return false,
                },
                Check::Array { .. } => {
                    // SAFETY: a live object the frame holds.
                    if !unsafe { enter_array(p, &input.check, stores, &mut ranges, &mut slots[input.slot..]) }
                    {
                        return false;
                    }
                    // SAFETY: as above.
                    held.push(unsafe { Bound::from_borrowed_ptr(py, p) }.unbind());
                }
                check @ (Check::ArrayIter(_) | Check::Enumerate(_) | Check::Zip(_)) => {
                    // SAFETY: alive, held by the frame; the reference is ours.
                    let object = unsafe { Bound::from_borrowed_ptr(py, p) };
                    let Some(source) = Source::of(&object, 2) else { return false };
                    let mut at = input.slot;
                    if !enter_iterator(&source, check, stores, &mut ranges, slots, &mut at, held) {
                        return false;
                    }
                }
                Check::RangeIter(_) => return false,
            }
        }
        let same_entries = self.constants.iter().all(|(dict, key, value)| {
            // SAFETY: attached; the dict and the key are ours, and the key is a string.
            let found = unsafe { ffi::PyDict_GetItemWithError(dict.as_ptr(), key.as_ptr()) };
            found == value.as_ref().map_or(std::ptr::null_mut(), |v| v.as_ptr())
        });
        same_entries
            && self.foreign.iter().all(|f| f.holds(py))
            && self.functions.iter().all(|(function, code, defaults)| {
                let defaults = defaults.as_ref().map_or(std::ptr::null_mut(), |d| d.as_ptr());
                // SAFETY: attached; a function, which was one when it was put here.
                unsafe {
                    ffi::PyFunction_GetCode(function.as_ptr()) == code.as_ptr()
                        && ffi::PyFunction_GetDefaults(function.as_ptr()) == defaults
                }
            })
    }
    /// The iterator of a loop, if it is a range: where it stands.
    pub fn range(frame: &Frame<'_>, iter: Option<usize>) -> Option<RangeIter> {
        match iter.map(|r| &frame.regs[r]) {
            Some(Slot::Range(r)) => Some(*r),
            _ => None,
        }
    }
}

/// Checks an iterator and puts its parts into slots.
fn enter_iterator(
    source: &Source<'_>,
    check: &Check,
    stores: bool,
    ranges: &mut Vec<(u16, usize, usize)>,
    slots: &mut [u64],
    at: &mut usize,
    held: &mut Held,
) -> bool {
    let mut put = |slots: &mut [u64], word: i64| {
        slots[*at] = word as u64;
        *at += 1;
    };
    match (source, check) {
        (Source::Array(seq, next), Check::ArrayIter(check)) => {
            put(slots, *next);
            // SAFETY: alive as long as this reference.
            if !unsafe { enter_array(seq.as_ptr(), check, stores, ranges, &mut slots[*at..]) } {
                return false;
            }
            let Check::Array { steps, .. } = &**check else { return false };
            *at += 2 + steps.len() + steps.iter().filter(|s| s.is_none()).count();
            held.push(seq.clone().unbind());
            true
        }
        (Source::Range(r), Check::RangeIter(None)) => {
            [r.next, r.stop, r.step].into_iter().for_each(|word| put(slots, word));
            r.step > 0
        }
        (Source::Enumerate(count, inner), Check::Enumerate(check)) => {
            put(slots, *count);
            enter_iterator(inner, check, stores, ranges, slots, at, held)
        }
        (Source::Zip(items), Check::Zip(checks)) => {
            items.len() == checks.len()
                && items
                    .iter()
                    .zip(checks)
                    .all(|(i, c)| enter_iterator(i, c, stores, ranges, slots, at, held))
        }
        _ => false,
    }
}

/// Checks an array and puts it into slots.
///
/// # Safety
/// A live object.
unsafe fn enter_array(
    p: *mut ffi::PyObject,
    check: &Check,
    stores: bool,
    ranges: &mut Vec<(u16, usize, usize)>,
    slots: &mut [u64],
) -> bool {
    let Check::Array { num, dims, steps, writeable, group } = check else { return false };
    // SAFETY: by contract, and the type is checked first.
    let view = unsafe {
        if ffi::Py_TYPE(p) != array::ARRAY_TYPE.as_type() {
            return false;
        }
        View::new(p)
    };
    let fits = view.num == Some(*num)
        && view.aligned
        && view.writeable == *writeable
        && view.steps.len() == steps.len()
        && dims.iter().zip(view.dims).all(|(w, h)| w.is_none_or(|w| w == *h as i64))
        && steps.iter().zip(view.steps).all(|(w, h)| w.is_none_or(|w| w == *h as i64));
    if !fits {
        return false;
    }
    if stores {
        let (low, high) = view.extent();
        let clash = |&(g, l, h): &(u16, usize, usize)| {
            g != *group && g != MemClass::ANY.0 && *group != MemClass::ANY.0 && low < h && l < high
        };
        if ranges.iter().any(clash) {
            return false;
        }
        ranges.push((*group, low, high));
    }
    let free = steps.iter().zip(view.steps).filter(|(w, _)| w.is_none()).map(|(_, &h)| h as u64);
    let words =
        [p as u64, view.data as u64].into_iter().chain(view.dims.iter().map(|&n| n as u64)).chain(free);
    slots.iter_mut().zip(words).for_each(|(slot, word)| *slot = word);
    true
}
