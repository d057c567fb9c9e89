//! Small calls: exact arrays, numpy scalars and Python numbers of builtin numeric types, one shape, no keyword but `dtype`.
//!
//! Most calls repeat the operand types of an earlier one, so the loop found then is remembered by type codes. If it takes
//! the operands as they are (only Python numbers are converted, into a few bytes on the stack) and all arrays are one run
//! of memory, the kernel is called right away. Everything else answers `None` and goes the general way, errors
//! included: this path never has to word one, except for floating-point status.

use std::cell::RefCell;
use std::ffi::{CStr, c_void};
use std::ptr::{null, null_mut};
use std::sync::{Mutex, PoisonError};

use micronumpy::cast::copy_into;
use micronumpy::iter::axis_order;
use micronumpy::threads::{self, Shared};
use micronumpy::ufunc::{BoundLoop, HostContext, OpType, Weak, loop_status, reduce as folds, resolve};
use micronumpy::{ArrayRef, Casting, Dims, Dtype, Order, TypeNum};
use pyo3::ffi;
use pyo3::prelude::*;
use ufuncs::casts::copy;
use ufuncs::casts::{cast_flags, cast_loop};
use ufuncs::{FoldFn, Identity, LoopContext, LoopDef, LoopFlags, LoopFn, fpstatus};

use super::call::new_laid_out;
use super::compiled::is_compiled;
use super::{UfuncRef, errstate};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::others::{LONG, Others};
use crate::objects::array::{self, ARRAY_TYPE};
use crate::objects::dtype::{CLASSES, DTYPEMETA_TYPE};
use crate::objects::scalar::types::typenum_of_class;
use crate::objects::{Array, Descr, dtype, scalar};

/// Inputs and outputs this path looks at.
const MAX_IN: usize = 3;
const MAX_OUT: usize = 2;
const MAX_ARGS: usize = MAX_IN + MAX_OUT;

/// Codes of operand types: numbers of builtin numeric types, and these for Python's numbers.
const WEAK_INT: u8 = 100;
const WEAK_FLOAT: u8 = 101;
const WEAK_COMPLEX: u8 = 102;
const UNUSED: u8 = 255;

/// The codes of the inputs, and that of the type that outputs are asked to have.
type Key = [u8; MAX_IN + 1];

/// A loop over builtin numeric types.
#[derive(Clone, Copy)]
struct Entry {
    key: Key,
    func: LoopFn,
    aux: *mut c_void,
    flags: LoopFlags,
    /// The loop itself leaves no status that means anything.
    quiet: bool,
    types: [TypeNum; MAX_ARGS],
    /// Casts of inputs that are not what the loop wants.
    casts: [Option<LoopFn>; MAX_IN],
    /// Many reductions at once.
    fold: Option<FoldFn>,
}

/// What earlier calls of a ufunc found out: about calls, and about reductions.
#[derive(Default)]
pub struct Cache(RefCell<Vec<Entry>>, RefCell<Vec<Entry>>);

impl Cache {
    /// More combinations than this are rare; the oldest is forgotten.
    const SIZE: usize = 16;

    pub fn clear(&self) {
        self.0.borrow_mut().clear();
        self.1.borrow_mut().clear();
    }
    fn find(&self, key: &Key) -> Option<Entry> {
        self.0.borrow().iter().find(|e| e.key == *key).copied()
    }
    fn insert(&self, entry: Entry) {
        Cache::push(&self.0, entry);
    }
    fn push(list: &RefCell<Vec<Entry>>, entry: Entry) {
        let mut list = list.borrow_mut();
        if list.len() == Cache::SIZE {
            list.remove(0);
        }
        list.push(entry);
    }
}

/// One operand.
#[derive(Clone, Copy)]
pub struct Operand {
    pub code: u8,
    pub data: *mut u8,
    /// Null for anything but an array with dimensions.
    pub array: *mut PyArrayObject,
    pub object: *mut ffi::PyObject,
}

impl Operand {
    /// Whether it is one of Python's numbers.
    pub fn is_weak(&self) -> bool {
        is_weak(self.code)
    }
}

/// Whether a code is that of one of Python's numbers.
pub const fn is_weak(code: u8) -> bool {
    code >= WEAK_INT
}

pub const EMPTY: Operand = Operand { code: UNUSED, data: null_mut(), array: null_mut(), object: null_mut() };

const fn is_fast_num(num: i32) -> bool {
    num >= 0 && num <= 16 || num == 23
}

/// What an argument is to this path, if anything.
///
/// # Safety
/// A live object.
#[inline]
pub unsafe fn operand(obj: *mut ffi::PyObject) -> Option<Operand> {
    // SAFETY: layouts follow from the types that are checked; `obj` is live.
    unsafe {
        let ty = ffi::Py_TYPE(obj);
        let mut op = Operand { object: obj, ..EMPTY };
        if ty == ARRAY_TYPE.as_type() {
            let arr = obj.cast::<PyArrayObject>();
            let num = (*(*arr).descr).type_num;
            if !is_fast_num(num)
                || (*arr).descr != (*CLASSES[num as usize].get()).singleton
                || (*arr).flags & NPY_ARRAY_ALIGNED == 0
            {
                return None;
            }
            op.code = num as u8;
            op.data = (*arr).data;
            if (*arr).nd > 0 {
                op.array = arr;
            }
        } else if ty == &raw mut ffi::PyFloat_Type {
            op.code = WEAK_FLOAT;
        } else if ty == &raw mut ffi::PyLong_Type {
            op.code = WEAK_INT;
        } else if ty == &raw mut ffi::PyComplex_Type {
            op.code = WEAK_COMPLEX;
        } else {
            let num = typenum_of_class(ty)?;
            if !is_fast_num(num.0) {
                return None;
            }
            op.code = num.0 as u8;
            // The value follows the head; every value's alignment divides the head's size.
            op.data = obj.cast::<u8>().add(size_of::<ffi::PyObject>());
        }
        Some(op)
    }
}

/// Whether an object is exactly an array.
///
/// # Safety
/// A live object.
pub unsafe fn is_array(obj: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe { ffi::Py_TYPE(obj) == ARRAY_TYPE.as_type() }
}

/// Convert a Python number to the loop's type, unless that needs a closer look.
///
/// # Safety
/// `obj` is an exact Python number of the kind `code` tells; `out` has room for any numeric type, aligned.
pub unsafe fn convert(code: u8, obj: *mut ffi::PyObject, to: TypeNum, out: *mut u8) -> Option<()> {
    macro_rules! int {
        ($v:expr, $t:ty) => {
            out.cast::<$t>().write(<$t>::try_from($v).ok()?)
        };
    }
    // SAFETY: the caller's promise; errors of the C API are cleared.
    unsafe {
        let (re, im) = match code {
            WEAK_INT => {
                let mut overflow = 0;
                let v = ffi::PyLong_AsLongLongAndOverflow(obj, &mut overflow);
                if overflow != 0 {
                    return None;
                }
                match to {
                    TypeNum::BYTE => int!(v, i8),
                    TypeNum::UBYTE => int!(v, u8),
                    TypeNum::SHORT => int!(v, i16),
                    TypeNum::USHORT => int!(v, u16),
                    TypeNum::INT => int!(v, i32),
                    TypeNum::UINT => int!(v, u32),
                    TypeNum::LONG | TypeNum::LONGLONG => int!(v, i64),
                    TypeNum::ULONG | TypeNum::ULONGLONG => int!(v, u64),
                    _ => {}
                }
                if to.is_integer() {
                    return Some(());
                }
                (v as f64, 0.0)
            }
            WEAK_FLOAT => (ffi::PyFloat_AS_DOUBLE(obj), 0.0),
            _ => (ffi::PyComplex_RealAsDouble(obj), ffi::PyComplex_ImagAsDouble(obj)),
        };
        // A value that overflows on the way is reported by the general path.
        let single = |v: f64| if v.is_finite() && !(v as f32).is_finite() { None } else { Some(v as f32) };
        match to {
            TypeNum::DOUBLE => out.cast::<f64>().write(re),
            TypeNum::CDOUBLE => out.cast::<[f64; 2]>().write([re, im]),
            TypeNum::FLOAT => out.cast::<f32>().write(single(re)?),
            TypeNum::CFLOAT => out.cast::<[f32; 2]>().write([single(re)?, single(im)?]),
            _ => return None,
        }
    }
    Some(())
}

/// The type that a simple `dtype=` names: a numeric dtype, its scalar type or one of Python's.
///
/// # Safety
/// A live object.
pub unsafe fn asked_type(obj: *mut ffi::PyObject) -> Option<TypeNum> {
    // SAFETY: the caller's promise; an object whose type is made by the metaclass of dtypes is a descriptor.
    unsafe {
        let ty = ffi::Py_TYPE(obj);
        let num = if ffi::Py_TYPE(ty.cast()) == DTYPEMETA_TYPE.as_type() {
            let num = TypeNum((*obj.cast::<PyArray_Descr>()).type_num);
            let plain = is_fast_num(num.0) && (*CLASSES[num.0 as usize].get()).singleton.cast() == obj;
            plain.then_some(num)?
        } else if obj == (&raw mut ffi::PyFloat_Type).cast() {
            TypeNum::DOUBLE
        } else if obj == (&raw mut ffi::PyLong_Type).cast() {
            TypeNum::LONG
        } else if ffi::PyType_Check(obj) != 0 {
            typenum_of_class(obj.cast())?
        } else {
            return None;
        };
        is_fast_num(num.0).then_some(num)
    }
}

/// Find the loop for operands with these codes.
fn look_up(uf: &UfuncRef<'_>, key: Key, nin: usize) -> Option<Entry> {
    let data = uf.data();
    let core = data.core.borrow();
    let weak = |code: u8| match code {
        WEAK_INT => Some(Weak::Int),
        WEAK_FLOAT => Some(Weak::Float),
        WEAK_COMPLEX => Some(Weak::Complex),
        _ => None,
    };
    let dtypes: Vec<Dtype> = key[..nin]
        .iter()
        .map(|&c| Dtype::builtin(weak(c).map_or(TypeNum(c.into()), Weak::default_type)))
        .collect();
    let ops: Vec<OpType<'_>> = key[..nin]
        .iter()
        .zip(&dtypes)
        .map(|(&c, dt)| match weak(c) {
            // A lone number has nobody to adapt to.
            Some(w) if nin > 1 => OpType::Weak(w),
            _ => OpType::Is(dt),
        })
        .chain((nin..core.nargs()).map(|_| OpType::Absent))
        .collect();
    let asked = (key[MAX_IN] != UNUSED).then(|| TypeNum(key[MAX_IN].into()));
    let mut signature = [None; MAX_ARGS];
    signature[nin..core.nargs()].fill(asked);
    let signature = if asked.is_some() { &signature[..core.nargs()] } else { &[] };
    let res = resolve(&core, &ops, signature).ok()?;
    if res.force_cast
        || micronumpy::ufunc::resolve::check_casts(&core, &ops, signature, &res, Casting::SameKind).is_err()
    {
        return None;
    }
    let mut types = [TypeNum::BOOL; MAX_ARGS];
    for (slot, dt) in types.iter_mut().zip(&res.dtypes) {
        if !is_fast_num(dt.num.0) {
            return None;
        }
        *slot = dt.num;
    }
    let def = &core.loops[res.index].def;
    if def.flags.contains(LoopFlags::NEEDS_API) {
        return None;
    }
    let mut casts = [None; MAX_IN];
    let mut flags = def.flags;
    for i in 0..nin {
        let from = TypeNum(key[i].into());
        if key[i] < WEAK_INT && from != types[i] {
            casts[i] = Some(cast_loop(from, types[i])?);
            // Status of the casts counts as well.
            if !cast_flags(from, types[i]).contains(LoopFlags::NO_FP_ERRORS) {
                if asked.is_some() {
                    // Which is told apart from that of the loop.
                    return None;
                }
                flags = LoopFlags(flags.0 & !LoopFlags::NO_FP_ERRORS.0);
            }
        }
    }
    let quiet = def.flags.contains(LoopFlags::NO_FP_ERRORS);
    let entry = Entry { key, func: def.func, aux: def.aux, flags, quiet, types, casts, fold: None };
    data.cache.insert(entry);
    Some(entry)
}

/// What the loop for these operand codes wants and gives, without looking at operands: see [`super::bind`].
pub fn binding(
    uf: &UfuncRef<'_>,
    codes: &[u8],
) -> Option<(LoopFn, *mut c_void, LoopFlags, [TypeNum; MAX_ARGS])> {
    if codes.len() > MAX_IN || uf.nout() > MAX_OUT || codes.iter().all(|&c| c >= WEAK_INT) {
        return None;
    }
    let mut key: Key = [UNUSED; MAX_IN + 1];
    key[..codes.len()].copy_from_slice(codes);
    let e = uf.data().cache.find(&key).or_else(|| look_up(uf, key, codes.len()))?;
    // The loop's own flags: whoever casts looks at the casts' status besides.
    let flags = if e.quiet { e.flags.with(LoopFlags::NO_FP_ERRORS) } else { e.flags };
    Some((e.func, e.aux, flags, e.types))
}

/// The code of an operand of this dtype or kind.
pub fn code_of(dt: &Dtype, weak: Option<Weak>) -> Option<u8> {
    match weak {
        Some(Weak::Int) => Some(WEAK_INT),
        Some(Weak::Float) => Some(WEAK_FLOAT),
        Some(Weak::Complex) => Some(WEAK_COMPLEX),
        None if is_fast_num(dt.num.0) => Some(dt.num.0 as u8),
        None => None,
    }
}

/// Bytes of an operand cast at a time; small enough for the stack.
const CHUNK: usize = 8192;

/// Room for a chunk.
#[repr(C, align(64))]
struct Buffer([u8; CHUNK]);

/// Run a loop, casting inputs that need it.
///
/// # Safety
/// As for [`run_casting`].
#[inline]
unsafe fn run(
    entry: &Entry,
    nin: usize,
    nargs: usize,
    ctx: &LoopContext,
    data: &[*mut u8; MAX_ARGS],
    strides: &[isize; MAX_ARGS],
    count: isize,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        if entry.casts[..nin].iter().all(|c| c.is_none()) {
            (entry.func)(ctx, data.as_ptr(), &count, strides.as_ptr(), entry.aux)
        } else {
            run_casting(entry, nin, nargs, ctx, data, strides, count)
        }
    }
}

/// The same for many elements, which several threads may compute. Different results lie in different places.
///
/// # Errors
/// What the loop reports.
///
/// # Safety
/// As for [`run_casting`].
#[cold]
unsafe fn run_long(
    entry: &Entry,
    nin: usize,
    nargs: usize,
    ctx: &LoopContext,
    data: &[*mut u8; MAX_ARGS],
    strides: &[isize; MAX_ARGS],
    count: isize,
) -> micronumpy::Result<()> {
    if !entry.flags.contains(LoopFlags::IN_PARTS) || strides[nin..nargs].contains(&0) {
        // SAFETY: the caller's promise.
        return loop_status(unsafe { run(entry, nin, nargs, ctx, data, strides, count) });
    }
    // SAFETY: the loop allows parts, which write to different places.
    let shared = unsafe { Shared::new((entry, ctx, data)) };
    threads::split(count as usize, 1, |from, to| {
        let (entry, ctx, data) = *shared.get();
        let mut at = *data;
        for (p, stride) in at.iter_mut().zip(strides) {
            *p = p.wrapping_offset(from as isize * stride);
        }
        // SAFETY: the caller's promise, for these elements.
        loop_status(unsafe { run(entry, nin, nargs, ctx, &at, strides, (to - from) as isize) })
    })
}

/// Whether a fold of this type gives the same bits however it is put together from folds of parts.
fn is_associative(identity: Identity, num: TypeNum) -> bool {
    match identity {
        Identity::None => false,
        Identity::ReorderableNone => {
            num.is_integer()
                || num.is_bool()
                || matches!(num, TypeNum::HALF | TypeNum::FLOAT | TypeNum::DOUBLE)
        }
        _ => num.is_integer() || num.is_bool(),
    }
}

/// Whether an element is a floating-point zero.
///
/// # Safety
/// An element of the type.
unsafe fn is_zero(num: TypeNum, p: *const u8) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        match num {
            TypeNum::HALF => *p.cast::<u16>() << 1 == 0,
            TypeNum::FLOAT => *p.cast::<u32>() << 1 == 0,
            TypeNum::DOUBLE => *p.cast::<u64>() << 1 == 0,
            _ => false,
        }
    }
}

/// Fold many elements, parts of which several threads may fold.
///
/// # Errors
/// What the loop reports.
///
/// # Safety
/// `count` elements of the type the entry's key tells at this address and stride, and a result that elements were folded into
/// before; the operation is [associative](is_associative).
#[cold]
unsafe fn fold_long(
    entry: &Entry,
    identity: Identity,
    ctx: &LoopContext,
    acc: *mut u8,
    data: *mut u8,
    stride: isize,
    count: isize,
) -> micronumpy::Result<()> {
    let num = entry.types[0];
    let mut first = [0u128; 2];
    // SAFETY: an element, and room for any.
    unsafe { std::ptr::copy_nonoverlapping(acc, first.as_mut_ptr().cast(), num.size()) };
    let parts: Mutex<Vec<(usize, [u128; 2])>> = Mutex::default();
    // SAFETY: the loop allows parts, which are only read.
    let shared = unsafe { Shared::new((entry, ctx, data)) };
    threads::split(count as usize, 1, |from, to| {
        let (entry, ctx, data) = *shared.get();
        let mut cell = [0u128; 2];
        let acc = cell.as_mut_ptr().cast::<u8>();
        let mut at = data.wrapping_offset(from as isize * stride);
        let mut left = (to - from) as isize;
        // SAFETY: the caller's promise, for these elements; a cell for one of them. Without identity nothing is cast.
        unsafe {
            if !start(identity, num, acc) {
                std::ptr::copy_nonoverlapping(at, acc, num.size());
                (at, left) = (at.wrapping_offset(stride), left - 1);
            }
            let ptrs = [acc, at, acc, null_mut(), null_mut()];
            loop_status(run(entry, 2, 3, ctx, &ptrs, &[0, stride, 0, 0, 0], left))?;
        }
        parts.lock().unwrap_or_else(PoisonError::into_inner).push((from, cell));
        Ok(())
    })?;
    let mut parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
    parts.sort_unstable_by_key(|(from, _)| *from);
    for (_, mut cell) in parts {
        let ptrs = [acc, cell.as_mut_ptr().cast(), acc];
        // SAFETY: two values of the loop's type.
        loop_status(unsafe { (entry.func)(ctx, ptrs.as_ptr(), &1, [0, 0, 0].as_ptr(), entry.aux) })?;
    }
    // SAFETY: the result, then what it was at first; the caller's promise.
    unsafe {
        if is_zero(num, acc) {
            // Which of several zeros is the largest is up to the order of a single thread.
            std::ptr::copy_nonoverlapping(first.as_ptr().cast(), acc, num.size());
            let ptrs = [acc, data, acc, null_mut(), null_mut()];
            return loop_status(run(entry, 2, 3, ctx, &ptrs, &[0, stride, 0, 0, 0], count));
        }
    }
    Ok(())
}

/// Run a loop in chunks, casting inputs that need it.
///
/// # Safety
/// Operands of `count` elements at these addresses and strides, in the types the entry's key tells (inputs) and the
/// loop writes (outputs).
#[inline(never)]
unsafe fn run_casting(
    entry: &Entry,
    nin: usize,
    nargs: usize,
    ctx: &LoopContext,
    data: &[*mut u8; MAX_ARGS],
    strides: &[isize; MAX_ARGS],
    count: isize,
) -> i32 {
    let mut buffers = [const { std::mem::MaybeUninit::<Buffer>::uninit() }; MAX_IN];
    let largest = (0..nin).filter(|&i| entry.casts[i].is_some()).map(|i| entry.types[i].size()).max();
    let chunk = (CHUNK / largest.unwrap_or(1)) as isize;
    let mut done = 0;
    while done < count {
        let n = (count - done).min(chunk);
        let mut at = [null_mut::<u8>(); MAX_ARGS];
        let mut steps = *strides;
        for i in 0..nargs {
            at[i] = data[i].wrapping_offset(done * strides[i]);
        }
        for i in 0..nin {
            let Some(cast) = entry.casts[i] else { continue };
            let buf = buffers[i].as_mut_ptr().cast::<u8>();
            let size = entry.types[i].size() as isize;
            let (len, step) = if strides[i] == 0 { (1, 0) } else { (n, size) };
            // SAFETY: `len` elements of the input, a buffer with room for them.
            let code =
                unsafe { cast(ctx, [at[i], buf].as_ptr(), &len, [strides[i], size].as_ptr(), null_mut()) };
            if code != 0 {
                return code;
            }
            (at[i], steps[i]) = (buf, step);
        }
        let before = fpstatus::get();
        // SAFETY: `n` elements of every operand, in the loop's types.
        let code = unsafe { (entry.func)(ctx, at.as_ptr(), &n, steps.as_ptr(), entry.aux) };
        if entry.quiet {
            // Only the casts' status means something.
            fpstatus::clear();
            fpstatus::raise(before);
        }
        if code != 0 {
            return code;
        }
        done += n;
    }
    0
}

/// Whether two arrays have one shape.
///
/// # Safety
/// Live arrays.
#[inline]
unsafe fn same_shape(a: *mut PyArrayObject, b: *mut PyArrayObject) -> bool {
    // SAFETY: live arrays have `nd` dimensions.
    unsafe {
        let n = (*a).nd;
        n == (*b).nd && (0..n as usize).all(|i| *(*a).dimensions.add(i) == *(*b).dimensions.add(i))
    }
}

/// Whether passing an output by position is deprecated.
unsafe fn warns_of_positional_output(uf: *mut PyUFuncObject) -> bool {
    // SAFETY: a live ufunc, whose name is a C string or null.
    unsafe {
        let name = (*uf).name;
        !name.is_null() && matches!(CStr::from_ptr(name).to_bytes(), b"maximum" | b"minimum")
    }
}

/// Run a call if it is simple enough: a new reference, or `None` when the general path has to do it. `asked` is the type that
/// outputs are to have.
///
/// # Safety
/// A ufunc and `nargs` arguments by the vectorcall protocol.
pub unsafe fn try_call(
    py: Python<'_>,
    callable: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: usize,
    asked: Option<TypeNum>,
) -> PyResult<Option<*mut ffi::PyObject>> {
    // SAFETY: the caller's promise; every pointer below comes from live arguments of checked types.
    unsafe {
        let raw = callable.cast::<PyUFuncObject>();
        let (nin, nout) = ((*raw).nin as usize, (*raw).nout as usize);
        if nin > MAX_IN
            || nout == 0
            || nout > MAX_OUT
            || (*raw).core_enabled != 0
            || nargs < nin
            || nargs > nin + usize::from(nout == 1)
            // A third argument of `maximum` and `minimum` is warned of.
            || nargs > nin && warns_of_positional_output(raw)
        {
            return Ok(None);
        }
        let mut ops = [EMPTY; MAX_IN];
        let mut values = [[0u128; 2]; MAX_IN];
        let mut key: Key = [UNUSED; MAX_IN + 1];
        for i in 0..nin {
            let Some(op) = operand(*args.add(i)) else { return Ok(None) };
            ops[i] = op;
            key[i] = op.code;
        }
        if let Some(num) = asked {
            key[MAX_IN] = num.0 as u8;
            if nin == 1 && ops[0].is_weak() {
                // A lone number has a type of its own before it gets another.
                let own = match ops[0].code {
                    WEAK_INT => TypeNum::LONG,
                    WEAK_FLOAT => TypeNum::DOUBLE,
                    _ => TypeNum::CDOUBLE,
                };
                ops[0].data = values[0].as_mut_ptr().cast();
                if convert(ops[0].code, ops[0].object, own, ops[0].data).is_none() {
                    return Ok(None);
                }
                ops[0].code = own.0 as u8;
                key[0] = ops[0].code;
            }
        }
        if key[..nin].iter().all(|&c| c >= WEAK_INT) && nin > 1 {
            return Ok(None);
        }
        let uf = UfuncRef(Bound::from_borrowed_ptr(py, callable));
        let Some(entry) = uf.data().cache.find(&key).or_else(|| look_up(&uf, key, nin)) else {
            return Ok(None);
        };

        // One shape, one run of memory.
        let mut lead: *mut PyArrayObject = null_mut();
        for i in 0..nin {
            let op = &mut ops[i];
            if op.code >= WEAK_INT {
                op.data = values[i].as_mut_ptr().cast();
                if convert(op.code, op.object, entry.types[i], op.data).is_none() {
                    return Ok(None);
                }
                continue;
            }
            if op.array.is_null() {
                continue;
            }
            if (*op.array).nd > 1 && (*op.array).flags & NPY_ARRAY_C_CONTIGUOUS == 0 {
                return Ok(None);
            }
            if lead.is_null() {
                lead = op.array;
            } else if !same_shape(lead, op.array) {
                return Ok(None);
            }
        }
        let given = if nargs > nin {
            let out = *args.add(nin);
            if out == ffi::Py_None() { null_mut() } else { out }
        } else {
            null_mut()
        };

        let mut data = [null_mut::<u8>(); MAX_ARGS];
        let mut strides = [0isize; MAX_ARGS];
        let mut count = 1isize;
        if !lead.is_null() {
            for i in 0..(*lead).nd as usize {
                count *= *(*lead).dimensions.add(i);
            }
        }
        for i in 0..nin {
            data[i] = ops[i].data;
            if !ops[i].array.is_null() {
                strides[i] = step(ops[i].array);
            }
        }

        let mut results: [Option<Array<'_>>; MAX_OUT] = [const { None }; MAX_OUT];
        let mut cells = [[0u128; 2]; MAX_OUT];
        for k in 0..nout {
            let num = entry.types[nin + k];
            if !given.is_null() {
                let Some(out) = output(given, lead, num) else { return Ok(None) };
                if (0..nin).any(|i| clash(&ops[i], out)) {
                    return Ok(None);
                }
                data[nin + k] = (*out).data;
                strides[nin + k] = if lead.is_null() { num.size() as isize } else { step(out) };
            } else if lead.is_null() {
                data[nin + k] = cells[k].as_mut_ptr().cast();
                // The result of a value is no row, which shows where fused operations are for rows only.
                if nin == 1 && is_array(ops[0].object) {
                    strides[nin + k] = num.size() as isize;
                }
            } else {
                let shape = std::slice::from_raw_parts((*lead).dimensions, (*lead).nd as usize);
                let arr = array::new(&dtype::builtin(py, num), shape, Order::C, false)?;
                data[nin + k] = arr.data();
                strides[nin + k] = num.size() as isize;
                results[k] = Some(arr);
            }
        }

        let check = !entry.flags.contains(LoopFlags::NO_FP_ERRORS);
        if check {
            fpstatus::clear();
        }
        if count > 0 {
            let ctx = LoopContext {
                caller: callable.cast(),
                method: null_mut(),
                descriptors: null(),
                info: null(),
                flags: 0,
                parameters: null_mut(),
            };
            if count < LONG as isize {
                let code = run(&entry, nin, nin + nout, &ctx, &data, &strides, count);
                if code != 0 {
                    loop_status(code).py(py)?;
                }
            } else {
                let others = Others::run_if(!is_compiled(entry.func));
                let done = run_long(&entry, nin, nin + nout, &ctx, &data, &strides, count);
                drop(others);
                done.py(py)?;
            }
        }
        if check {
            let status = fpstatus::take();
            if status != 0 {
                errstate::report(py, &uf.name(), status)?;
            }
        }
        if !given.is_null() {
            ffi::Py_INCREF(given);
            return Ok(Some(given));
        }
        let mut finished = |k: usize| -> PyResult<*mut ffi::PyObject> {
            match results[k].take() {
                Some(arr) => Ok(arr.0.into_ptr()),
                None => {
                    let descr: Descr<'_> = dtype::builtin(py, entry.types[nin + k]);
                    Ok(scalar::to_scalar(&descr, data[nin + k], None)?.into_ptr())
                }
            }
        };
        if nout == 1 {
            return finished(0).map(Some);
        }
        let pair = [finished(0)?, finished(1)?].map(|p| Bound::<PyAny>::from_owned_ptr(py, p));
        Ok(Some(pyo3::types::PyTuple::new(py, pair)?.into_ptr()))
    }
}

/// Fold a whole contiguous array of a builtin numeric type: a new reference, or `None` when the general path has to do
/// it.
///
/// # Safety
/// A live object.
pub unsafe fn try_reduce(
    uf: &UfuncRef<'_>,
    obj: *mut ffi::PyObject,
    any_axis: bool,
) -> PyResult<Option<*mut ffi::PyObject>> {
    let py = uf.py();
    // SAFETY: layouts follow from the types that are checked; the array is alive during the call.
    unsafe {
        if ffi::Py_TYPE(obj) != ARRAY_TYPE.as_type() {
            return Ok(None);
        }
        let Some(op) = operand(obj) else { return Ok(None) };
        let arr = op.array;
        if arr.is_null()
            || (*arr).nd != 1
                && (!any_axis || (*arr).flags & (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS) == 0)
        {
            return Ok(None);
        }
        let Some(entry) = reduction(uf, op.code) else { return Ok(None) };
        let mut count = 1isize;
        for i in 0..(*arr).nd as usize {
            count *= *(*arr).dimensions.add(i);
        }
        let (stride, num) = (step(arr), entry.types[0]);
        let identity = uf.data().core.borrow().identity;
        if identity == Identity::None && (*arr).nd > 1 {
            return Ok(None);
        }
        let mut cell = [0u128; 2];
        let acc = cell.as_mut_ptr().cast::<u8>();
        let mut data = (*arr).data;
        if !start(identity, num, acc) {
            // Without identity the fold starts with the first element.
            if count == 0 || entry.casts[1].is_some() {
                return Ok(None);
            }
            std::ptr::copy_nonoverlapping(data, acc, num.size());
            data = data.wrapping_offset(stride);
            count -= 1;
        }
        let check = !entry.flags.contains(LoopFlags::NO_FP_ERRORS);
        if check {
            fpstatus::clear();
        }
        if count > 0 {
            let ctx = LoopContext {
                caller: uf.0.as_ptr().cast(),
                method: null_mut(),
                descriptors: null(),
                info: null(),
                flags: 0,
                parameters: null_mut(),
            };
            let ptrs = [acc, data, acc, null_mut(), null_mut()];
            let strides = [0, stride, 0, 0, 0];
            if count < LONG as isize {
                loop_status(run(&entry, 2, 3, &ctx, &ptrs, &strides, count)).py(py)?;
            } else {
                let others = Others::run_if(!is_compiled(entry.func));
                let done = if entry.flags.contains(LoopFlags::IN_PARTS) && is_associative(identity, num) {
                    fold_long(&entry, identity, &ctx, acc, data, stride, count)
                } else {
                    loop_status(run(&entry, 2, 3, &ctx, &ptrs, &strides, count))
                };
                drop(others);
                done.py(py)?;
            }
        }
        if check {
            let status = fpstatus::take();
            if status != 0 {
                errstate::report(py, "reduce", status)?;
            }
        }
        Ok(Some(scalar::to_scalar(&dtype::builtin(py, num), acc, None)?.into_ptr()))
    }
}

/// Fold an array of a builtin numeric type along axes, whose bits are set in `folded` of the number of axes: a new reference,
/// or `None` when the general path has to do it.
///
/// # Safety
/// A live object.
pub unsafe fn try_reduce_axes(
    uf: &UfuncRef<'_>,
    obj: *mut ffi::PyObject,
    folded: impl Fn(usize) -> Option<u64>,
) -> PyResult<Option<*mut ffi::PyObject>> {
    let py = uf.py();
    // SAFETY: layouts follow from the types that are checked; the array is alive during the call.
    unsafe {
        if ffi::Py_TYPE(obj) != ARRAY_TYPE.as_type() {
            return Ok(None);
        }
        let nd = (*obj.cast::<PyArrayObject>()).nd as usize;
        if nd == 0 {
            return Ok(None);
        }
        let (Some(op), Some(folded)) = (operand(obj), folded(nd)) else { return Ok(None) };
        let is_folded = |axis: usize| folded >> axis & 1 != 0;
        let shape = std::slice::from_raw_parts((*op.array).dimensions, nd);
        let strides = std::slice::from_raw_parts((*op.array).strides, nd);
        let Some(entry) = reduction(uf, op.code).filter(|_| !shape.contains(&0)) else { return Ok(None) };
        let num = entry.types[0];
        let identity = uf.data().core.borrow().identity;
        let size = num.size();
        let several = folded.count_ones() > 1;
        let mut cell = [0u128; 2];
        let first = cell.as_mut_ptr().cast::<u8>();
        let from_first = !start(identity, num, first);
        if from_first && (entry.casts[1].is_some() || several && identity == Identity::None) {
            return Ok(None);
        }

        let (mut out_shape, mut out_strides) = (Dims::from_elem(1, nd), Dims::from_elem(0, nd));
        let (mut one, mut result) = ([0u128; 2], None);
        let mut data = one.as_mut_ptr().cast::<u8>();
        if (0..nd).any(|axis| !is_folded(axis)) {
            // Axes of length one have no say in the order of axes.
            let row: Dims = shape.iter().zip(strides).map(|(&n, &s)| if n == 1 { 0 } else { s }).collect();
            let mut order = axis_order(nd, &[&row]);
            order.retain(|&mut axis| !is_folded(axis));
            for axis in &mut order {
                *axis -= (folded & ((1 << *axis) - 1)).count_ones() as usize;
            }
            let kept: Dims = (0..nd).filter(|&axis| !is_folded(axis)).map(|axis| shape[axis]).collect();
            let array = new_laid_out(&dtype::builtin(py, num), &kept, &order)?;
            let mut own = array.strides().iter();
            for axis in (0..nd).filter(|&axis| !is_folded(axis)) {
                (out_shape[axis], out_strides[axis]) = (shape[axis], own.next().copied().unwrap_or(0));
            }
            data = array.data();
            result = Some(array);
        }
        let dtypes = [num; 3].map(Dtype::builtin);
        let own = Dtype::builtin(TypeNum(op.code.into()));
        let out = ArrayRef::new(data, &out_shape, &out_strides, &dtypes[0]);
        let input = ArrayRef::new(op.data, shape, strides, &own);
        if from_first {
            copy_into(&out, &ArrayRef::new(op.data, &out_shape, strides, &own)).py(py)?;
        } else {
            // The elements of a new array lie side by side, in whatever order.
            let count: isize = out_shape.iter().product();
            copy::copy_strided(data, size as isize, first, 0, count as usize, size);
        }

        let def = LoopDef {
            types: [].as_slice().into(),
            func: entry.func,
            aux: entry.aux,
            flags: entry.flags,
            fold: entry.fold,
        };
        let host = HostContext { caller: uf.0.as_ptr().cast(), ..HostContext::NONE };
        let l = BoundLoop::new(&def, 2, &dtypes, host);
        let check = !entry.flags.contains(LoopFlags::NO_FP_ERRORS);
        let bufsize = if several || entry.casts[1].is_some() { errstate::bufsize(py)? } else { 1 };
        if check {
            fpstatus::clear();
        }
        let others = Others::run_if(input.size() >= LONG && !is_compiled(entry.func));
        let done = folds::reduce(&l, &out, &input, None, from_first, bufsize);
        drop(others);
        done.py(py)?;
        if check {
            let status = fpstatus::take();
            if status != 0 {
                errstate::report(py, "reduce", status)?;
            }
        }
        Ok(Some(match result {
            Some(array) => array.0.into_ptr(),
            None => scalar::to_scalar(&dtype::builtin(py, num), data, None)?.into_ptr(),
        }))
    }
}

/// The loop of a reduction without further arguments, if it stays within one type.
fn reduction(uf: &UfuncRef<'_>, code: u8) -> Option<Entry> {
    let key: Key = [UNUSED, code, UNUSED, UNUSED];
    let data = uf.data();
    if let Some(e) = data.cache.1.borrow().iter().find(|e| e.key == key) {
        return Some(*e);
    }
    let core = data.core.borrow();
    let own = Dtype::builtin(TypeNum(code.into()));
    let mut signature = [None; 3];
    if let Some(wide) = super::reduce::wide_type(&core.name, own.num) {
        (signature[0], signature[2]) = (Some(wide), Some(wide));
    }
    let ops = [OpType::Absent, OpType::Is(&own), OpType::Absent];
    let mut res = resolve(&core, &ops, &signature).ok()?;
    if res.dtypes[0].num != res.dtypes[2].num && core.name.starts_with("logical_") {
        // Truth values are folded, of whatever they are.
        signature[0] = Some(res.dtypes[2].num);
        res = resolve(&core, &ops, &signature).ok()?;
    }
    let def = &core.loops[res.index].def;
    let num = res.dtypes[0].num;
    if !is_fast_num(num.0)
        || res.dtypes.iter().any(|d| d.num != num)
        || def.flags.contains(LoopFlags::NEEDS_API)
        // Sums of cast floats depend on how many elements are cast at a time.
        || num != own.num && !num.is_integer() && !num.is_bool()
    {
        return None;
    }
    let mut casts = [None; MAX_IN];
    if num != own.num {
        casts[1] = Some(cast_loop(own.num, num)?);
    }
    let mut types = [TypeNum::BOOL; MAX_ARGS];
    types[..3].fill(num);
    let quiet = def.flags.contains(LoopFlags::NO_FP_ERRORS);
    let (func, aux, flags) = (def.func, def.aux, def.flags);
    let entry = Entry { key, func, aux, flags, quiet, types, casts, fold: def.fold };
    Cache::push(&data.cache.1, entry);
    Some(entry)
}

/// Write the identity of an operation as an element; false if there is none.
///
/// # Safety
/// Room for any numeric type, zeroed.
unsafe fn start(identity: Identity, num: TypeNum, out: *mut u8) -> bool {
    let value = match identity {
        Identity::Zero | Identity::False => return true,
        Identity::One | Identity::True => 1.0,
        Identity::MinusOne if num.is_integer() => {
            // SAFETY: all bits of one integer.
            unsafe { out.write_bytes(0xff, num.size()) };
            return true;
        }
        Identity::MinusOne if num.is_bool() => 1.0,
        Identity::NegInf if num.is_float() => f64::NEG_INFINITY,
        _ => return false,
    };
    match cast_loop(TypeNum::DOUBLE, num) {
        Some(cast) => {
            let src = (&raw const value).cast_mut().cast::<u8>();
            // SAFETY: one double in, one element out.
            unsafe { cast(null(), [src, out].as_ptr(), &1, [0, 0].as_ptr(), null_mut()) == 0 }
        }
        None => false,
    }
}

/// Bytes between elements of an array that is one-dimensional or contiguous.
///
/// # Safety
/// A live array with dimensions.
#[inline]
unsafe fn step(arr: *mut PyArrayObject) -> isize {
    // SAFETY: the caller's promise.
    unsafe { if (*arr).nd == 1 { *(*arr).strides } else { (*(*arr).descr).elsize } }
}

/// A given output, if it is one this path can fill.
///
/// # Safety
/// Live objects.
unsafe fn output(
    obj: *mut ffi::PyObject,
    lead: *mut PyArrayObject,
    num: TypeNum,
) -> Option<*mut PyArrayObject> {
    // SAFETY: layouts follow from the types that are checked.
    unsafe {
        if ffi::Py_TYPE(obj) != ARRAY_TYPE.as_type() {
            return None;
        }
        let out = obj.cast::<PyArrayObject>();
        let wanted = NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;
        if (*out).flags & wanted != wanted
            || (*out).flags & NPY_ARRAY_WARN_ON_WRITE != 0
            || (*out).descr != (*CLASSES[num.0 as usize].get()).singleton
        {
            return None;
        }
        let fits = if lead.is_null() {
            (*out).nd == 0
        } else {
            // A row whose elements overlap each other takes the general path.
            same_shape(lead, out)
                && ((*out).flags & NPY_ARRAY_C_CONTIGUOUS != 0
                    || (*out).nd == 1 && step(out).unsigned_abs() >= num.size())
        };
        fits.then_some(out)
    }
}

/// Whether writing `out` could change what is still to be read from an input.
///
/// # Safety
/// A live operand and array, of one shape if the operand has dimensions.
unsafe fn clash(op: &Operand, out: *mut PyArrayObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        if op.code >= WEAK_INT {
            return false;
        }
        let extent = |arr: *mut PyArrayObject| {
            let mut n = 1isize;
            for i in 0..(*arr).nd as usize {
                n *= *(*arr).dimensions.add(i);
            }
            let size = (*(*arr).descr).elsize;
            let span = if n == 0 || (*arr).nd == 0 { 0 } else { step(arr) * (n - 1) };
            let start = (*arr).data as isize;
            (start + span.min(0), start + span.max(0) + size)
        };
        let (out_lo, out_hi) = extent(out);
        let (lo, hi) = if op.array.is_null() {
            let start = op.data as isize;
            (start, start + TypeNum(op.code.into()).size() as isize)
        } else {
            extent(op.array)
        };
        if hi <= out_lo || out_hi <= lo {
            return false;
        }
        let same = !op.array.is_null()
            && (*op.array).data == (*out).data
            && (*(*op.array).descr).elsize == (*(*out).descr).elsize
            && step(op.array) == step(out)
            // Elements of an output with stride 0 are written again and again.
            && step(out) != 0;
        let same_scalar = op.array.is_null() && (*out).nd == 0 && op.data == (*out).data;
        !same && !same_scalar
    }
}
