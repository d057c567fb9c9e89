//! `SeedSequence` and `SeedlessSeedSequence`.

use std::mem::size_of;

use micronumpy::{Order, TypeNum};
use pyo3::exceptions::{PyNotImplementedError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyModule, PyRange, PyString, PyTuple};
use pyo3::{ffi, intern};
use ufuncs::random::seed;

use super::call::{Signature, def};
use super::draw::{as_array, empty};
use super::object::{self, Owner};
use super::{Arg, Obj, np};
use crate::abi::StaticType;
use crate::ffi::args::with_args;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::objects::handles::is_array;
use crate::objects::{Array, array, dtype};
use crate::{callfunc, getset, initproc, noargs, onearg, unaryfunc};

pub static SEED_SEQUENCE: StaticType = StaticType::zeroed();
pub static SEEDLESS_SEED_SEQUENCE: StaticType = StaticType::zeroed();
static SEEDLESS_SEQUENCE: StaticType = StaticType::zeroed();

#[repr(C)]
struct SeedSequence {
    ob_base: ffi::PyObject,
    vtab: *mut std::ffi::c_void,
    entropy: *mut ffi::PyObject,
    spawn_key: *mut ffi::PyObject,
    pool_size: isize,
    pool: *mut ffi::PyObject,
    n_children_spawned: u32,
}
const _: () = assert!(size_of::<SeedSequence>() == 64);

// SAFETY: the three objects.
unsafe impl Owner for SeedSequence {
    fn for_each_ref(&mut self, mut f: impl FnMut(&mut *mut ffi::PyObject)) {
        f(&mut self.entropy);
        f(&mut self.spawn_key);
        f(&mut self.pool);
    }
}

/// Upstream's checksums of its layouts, which its pickles carry.
const CHECKSUM: i64 = 0x3eaa222;
const CHECKSUMS: [i64; 3] = [CHECKSUM, 0xc464c19, 0xf88304a];
const SEEDLESS_CHECKSUM: i64 = 238750788;

static METHODS: Methods<5> = Methods::new([
    def!(hidden "generate_state", "n_words, dtype=None", generate_state),
    def!("spawn", "n_children", spawn),
    noargs!(c"__reduce__", reduce),
    onearg!(c"__setstate__", setstate),
    END,
]);
static GETSETS: GetSets<7> = GetSets::new([
    getset!(c"state", state),
    getset!(c"entropy", entropy),
    getset!(c"spawn_key", spawn_key),
    getset!(c"pool_size", pool_size),
    getset!(c"pool", pool),
    getset!(c"n_children_spawned", n_children_spawned),
    GETSET_END,
]);
static SEEDLESS_METHODS: Methods<5> = Methods::new([
    def!(hidden "generate_state", "n_words, dtype=None", seedless_generate_state),
    def!("spawn", "n_children", seedless_spawn),
    noargs!(c"__reduce__", seedless_reduce),
    onearg!(c"__setstate__", seedless_setstate),
    END,
]);
static FUNCTIONS: Methods<5> = Methods::new([
    onearg!(c"_int_to_uint32_array", int_to_uint32_array),
    onearg!(c"_coerce_to_uint32_array", coerce_to_uint32_array),
    def!("__pyx_unpickle_SeedSequence", "type, checksum, state", unpickle),
    def!("__pyx_unpickle_SeedlessSeedSequence", "type, checksum, state", unpickle),
    END,
]);

pub fn ready(py: Python<'_>) -> PyResult<()> {
    // SAFETY: static types not in use yet; slots fit the layout.
    unsafe {
        let ty = SEED_SEQUENCE.as_type();
        let flags = ffi::Py_TPFLAGS_BASETYPE | ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_IMMUTABLETYPE;
        types::prepare(ty, c"numpy.random.bit_generator.SeedSequence", size_of::<SeedSequence>(), flags);
        (*ty).tp_doc =
            c"SeedSequence(entropy=None, *, spawn_key=(), pool_size=4, n_children_spawned=0)\n--\n\n\
            Spreads entropy over a pool of words that generators are seeded from."
                .as_ptr();
        (*ty).tp_new = Some(callfunc!(new create));
        (*ty).tp_init = Some(initproc!(init));
        (*ty).tp_repr = Some(unaryfunc!(repr));
        (*ty).tp_traverse = Some(object::traverse::<SeedSequence>);
        (*ty).tp_clear = Some(object::clear::<SeedSequence>);
        (*ty).tp_dealloc = Some(object::dealloc::<SeedSequence>);
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)?;
        let flags = ffi::Py_TPFLAGS_BASETYPE | ffi::Py_TPFLAGS_IMMUTABLETYPE;
        let ty = SEEDLESS_SEED_SEQUENCE.as_type();
        types::prepare(
            ty,
            c"numpy.random.bit_generator.SeedlessSeedSequence",
            size_of::<ffi::PyObject>(),
            flags,
        );
        (*ty).tp_doc =
            c"SeedlessSeedSequence()\n--\n\nFor generators whose state is set and never seeded.".as_ptr();
        (*ty).tp_new = Some(ffi::PyType_GenericNew);
        (*ty).tp_methods = SEEDLESS_METHODS.as_ptr();
        types::ready(py, ty)?;
        let ty = SEEDLESS_SEQUENCE.as_type();
        types::prepare(ty, c"numpy.random.bit_generator.SeedlessSequence", size_of::<ffi::PyObject>(), flags);
        (*ty).tp_new = Some(ffi::PyType_GenericNew);
        types::ready(py, ty)
    }
}

/// Types and functions of `numpy.random.bit_generator` that are defined here.
pub fn fill(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::modules::multiarray::add_functions(module, &FUNCTIONS)?;
    // SAFETY: ready types.
    unsafe {
        module.add("SeedSequence", types::handle(py, SEED_SEQUENCE.as_type()))?;
        module.add("SeedlessSeedSequence", types::handle(py, SEEDLESS_SEED_SEQUENCE.as_type()))?;
        module.add("SeedlessSequence", types::handle(py, SEEDLESS_SEQUENCE.as_type()))
    }
}

fn raw(slf: &Obj<'_>) -> *mut SeedSequence {
    slf.as_ptr().cast()
}

fn create<'py>(ty: &Obj<'py>, _: &Obj<'py>, _: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    // SAFETY: the slot of this type.
    unsafe { object::alloc::<SeedSequence>(ty) }
}

fn init<'py>(slf: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<()> {
    static SIG: Signature =
        Signature::new("__init__", "entropy=None, *, spawn_key=(), pool_size=4, n_children_spawned=0");
    let py = slf.py();
    let [entropy, spawn_key, pool_size, n_children] = with_args(args, kwargs, |a| SIG.parse(a))?;
    let pool_size: isize =
        pool_size.map_or(Ok(seed::DEFAULT_POOL_SIZE as isize), |p| array::args::index(&p))?;
    if pool_size < seed::DEFAULT_POOL_SIZE as isize {
        return Err(PyValueError::new_err(format!(
            "The size of the entropy pool should be at least {}",
            seed::DEFAULT_POOL_SIZE
        )));
    }
    let entropy = match entropy.filter(|e| !e.is_none()) {
        None => cached(py, "secrets", "randbits")?.call1((pool_size * 32,))?,
        Some(e) => {
            let fits = e.is_instance_of::<PyInt>()
                || e.is_instance_of::<PyList>()
                || e.is_instance_of::<PyTuple>()
                || e.is_instance_of::<PyRange>()
                || is_array(&e)
                || e.is_instance(&np(py, "integer")?)?;
            if !fits {
                return Err(PyTypeError::new_err(format!(
                    "SeedSequence expects int or sequence of ints for entropy not {}",
                    e.str()?
                )));
            }
            e
        }
    };
    let spawn_key = match spawn_key {
        Some(key) => py.get_type::<PyTuple>().call1((key,))?,
        None => PyTuple::empty(py).into_any(),
    };
    let n_children: u32 = n_children.map_or(Ok(0), |n| n.extract())?;
    let pool = array::new(&dtype::builtin(py, TypeNum::UINT), &[pool_size], Order::C, true)?;
    let words = assembled_entropy(&entropy, &spawn_key, pool_size as usize)?;
    // SAFETY: a fresh contiguous array of pool_size words nobody else sees; then the object's own slots.
    unsafe {
        seed::mix_entropy(std::slice::from_raw_parts_mut(pool.data().cast(), pool_size as usize), &words);
        let this = &mut *raw(slf);
        object::set(&mut this.entropy, Some(entropy));
        object::set(&mut this.spawn_key, Some(spawn_key));
        object::set(&mut this.pool, Some(pool.0));
        this.pool_size = pool_size;
        this.n_children_spawned = n_children;
    }
    Ok(())
}

/// The user's entropy and the spawn key as one run of words. With a key, short entropy is padded to the pool, or an
/// unspawned sequence with the key appended to its entropy would be the same.
fn assembled_entropy(entropy: &Obj<'_>, spawn_key: &Obj<'_>, pool_size: usize) -> PyResult<Vec<u32>> {
    let mut words = words_of(entropy)?;
    let key = words_of(spawn_key)?;
    if !key.is_empty() && words.len() < pool_size {
        words.resize(pool_size, 0);
    }
    words.extend(key);
    Ok(words)
}

/// 32-bit words of an integer, low ones first.
fn words_of_int(n: &Obj<'_>) -> PyResult<Vec<u32>> {
    let py = n.py();
    if n.lt(0)? {
        return Err(PyValueError::new_err("expected non-negative integer"));
    }
    let mut rest = py.get_type::<PyInt>().call1((n,))?;
    let mut words = vec![];
    loop {
        let word: u64 = rest.bitand(u64::from(u32::MAX))?.extract()?;
        words.push(word as u32);
        rest = rest.rshift(32)?;
        if !rest.is_truthy()? {
            return Ok(words);
        }
    }
}

/// Words of anything that can be entropy: integers, strings of digits, nested sequences of these.
fn words_of(x: &Obj<'_>) -> PyResult<Vec<u32>> {
    let py = x.py();
    if let Some(arr) = Array::cast(x).filter(|a| a.dtype().num == TypeNum::UINT) {
        let arr = as_array(&arr.0, TypeNum::UINT, crate::abi::NPY_ARRAY_CARRAY_RO)?;
        // SAFETY: contiguous, aligned, native.
        return Ok(unsafe { std::slice::from_raw_parts(arr.data().cast::<u32>(), arr.size()) }.to_vec());
    }
    if let Ok(text) = x.cast::<PyString>() {
        let text = text.to_str()?;
        let int = py.get_type::<PyInt>();
        let value = if text.starts_with("0x") {
            int.call1((text, 16))?
        } else if text.starts_with(|c: char| c.is_ascii_digit()) {
            int.call1((text,))?
        } else {
            return Err(PyValueError::new_err("unrecognized seed string"));
        };
        return words_of_int(&value);
    }
    if x.is_instance_of::<PyInt>() || x.is_instance(&np(py, "integer")?)? {
        return words_of_int(x);
    }
    if x.is_instance_of::<pyo3::types::PyFloat>() || x.is_instance(&np(py, "inexact")?)? {
        return Err(PyTypeError::new_err("seed must be integer"));
    }
    if x.len()? == 0 {
        return Ok(vec![]);
    }
    let mut words = vec![];
    for item in x.try_iter()? {
        words.extend(words_of(&item?)?);
    }
    Ok(words)
}

fn word_array<'py>(py: Python<'py>, words: &[u32]) -> PyResult<Obj<'py>> {
    let arr = array::new(&dtype::builtin(py, TypeNum::UINT), &[words.len() as isize], Order::C, false)?;
    // SAFETY: fresh, contiguous, as long as the words.
    unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), arr.data().cast(), words.len()) };
    Ok(arr.0)
}

fn int_to_uint32_array<'py>(_: &Obj<'py>, n: &Obj<'py>) -> PyResult<Obj<'py>> {
    word_array(n.py(), &words_of_int(n)?)
}

fn coerce_to_uint32_array<'py>(_: &Obj<'py>, x: &Obj<'py>) -> PyResult<Obj<'py>> {
    word_array(x.py(), &words_of(x)?)
}

fn generate_state<'py>(slf: &Obj<'py>, [n_words, dtype]: [Arg<'py>; 2]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let wide = match dtype {
        None => false,
        Some(dtype) => match dtype::convert(&dtype)?.dtype() {
            dt if dt.num == TypeNum::UINT && dt.is_native() => false,
            dt if (dt.num == TypeNum::ULONG || dt.num == TypeNum::ULONGLONG) && dt.is_native() => true,
            _ => return Err(PyValueError::new_err("only support uint32 or uint64")),
        },
    };
    let out = empty(py, &n_words, if wide { TypeNum::ULONG } else { TypeNum::UINT })?;
    // SAFETY: the slot holds a live object or null.
    let pool = object::get(py, unsafe { (*raw(slf)).pool });
    let pool = words_of(&pool)?;
    // SAFETY: fresh and contiguous.
    unsafe {
        if wide {
            seed::generate_state_u64(&pool, std::slice::from_raw_parts_mut(out.data().cast(), out.size()));
        } else {
            seed::generate_state(&pool, std::slice::from_raw_parts_mut(out.data().cast(), out.size()));
        }
    }
    Ok(out.0)
}

fn spawn<'py>(slf: &Obj<'py>, [n_children]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let n: u32 = n_children.map_or(Ok(0), |n| n.extract())?;
    // SAFETY: plain fields.
    let (first, pool_size) = unsafe { ((*raw(slf)).n_children_spawned, (*raw(slf)).pool_size) };
    let (entropy, key) = (entropy(slf)?, spawn_key(slf)?);
    let list = PyList::empty(py);
    for i in first..first.saturating_add(n) {
        let kwargs = PyDict::new(py);
        kwargs.set_item(intern!(py, "spawn_key"), key.add((i,))?)?;
        kwargs.set_item(intern!(py, "pool_size"), pool_size)?;
        list.append(slf.get_type().call((&entropy,), Some(&kwargs))?)?;
    }
    // SAFETY: as above.
    unsafe { (*raw(slf)).n_children_spawned = first.saturating_add(n) };
    Ok(list.into_any())
}

fn repr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let mut text = format!("{}(\n    entropy={},\n", slf.get_type().name()?, entropy(slf)?.repr()?);
    let key = spawn_key(slf)?;
    if key.is_truthy()? {
        text += &format!("    spawn_key={},\n", key.repr()?);
    }
    // SAFETY: plain fields.
    let (pool_size, n) = unsafe { ((*raw(slf)).pool_size, (*raw(slf)).n_children_spawned) };
    if pool_size != seed::DEFAULT_POOL_SIZE as isize {
        text += &format!("    pool_size={pool_size},\n");
    }
    if n != 0 {
        text += &format!("    n_children_spawned={n},\n");
    }
    text.push(')');
    Ok(PyString::new(slf.py(), &text).into_any())
}

// SAFETY (the getters): slots hold live objects or null.
fn entropy<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(object::get(slf.py(), unsafe { (*raw(slf)).entropy }))
}
fn spawn_key<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(object::get(slf.py(), unsafe { (*raw(slf)).spawn_key }))
}
fn pool<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(object::get(slf.py(), unsafe { (*raw(slf)).pool }))
}
fn pool_size<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(unsafe { (*raw(slf)).pool_size }.into_pyobject(slf.py())?.into_any())
}
fn n_children_spawned<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(unsafe { (*raw(slf)).n_children_spawned }.into_pyobject(slf.py())?.into_any())
}

fn state<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let dict = PyDict::new(slf.py());
    for name in ["entropy", "spawn_key", "pool_size", "n_children_spawned"] {
        let value = slf.getattr(name)?;
        if !value.is_none() {
            dict.set_item(name, value)?;
        }
    }
    Ok(dict.into_any())
}

fn unpickler<'py>(py: Python<'py>, name: &str) -> PyResult<Obj<'py>> {
    cached(py, "numpy.random.bit_generator", name)
}

fn reduce<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let state = (entropy(slf)?, n_children_spawned(slf)?, pool(slf)?, pool_size(slf)?, spawn_key(slf)?);
    let make = (slf.get_type(), CHECKSUM, py.None());
    Ok((unpickler(py, "__pyx_unpickle_SeedSequence")?, make, state).into_pyobject(py)?.into_any())
}

fn setstate<'py>(slf: &Obj<'py>, state: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let (entropy, n, pool, pool_size, key): (Obj<'py>, u32, Obj<'py>, isize, Obj<'py>) = state.extract()?;
    if !key.is_none() && !key.is_instance_of::<PyTuple>() {
        return Err(PyTypeError::new_err(format!("Expected tuple, got {}", key.get_type().name()?)));
    }
    // SAFETY: the object's own slots.
    unsafe {
        let this = &mut *raw(slf);
        object::set(&mut this.entropy, Some(entropy));
        object::set(&mut this.spawn_key, Some(key));
        object::set(&mut this.pool, Some(pool));
        this.pool_size = pool_size;
        this.n_children_spawned = n;
    }
    Ok(py.None().into_bound(py))
}

/// What pickles call: an instance without `__init__`, filled from `state` unless that comes by `__setstate__`.
fn unpickle<'py>(slf: &Obj<'py>, [ty, checksum, state]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let (Some(ty), Some(checksum), Some(state)) = (ty, checksum, state) else {
        return Err(PyTypeError::new_err("missing argument"));
    };
    let py = slf.py();
    let sum: i64 = checksum.extract()?;
    if !CHECKSUMS.contains(&sum) && sum != SEEDLESS_CHECKSUM {
        let text = format!(
            "Incompatible checksums (0x{sum:x} vs (0x3eaa222, 0xc464c19, 0xf88304a) = (entropy, n_children_spawned, pool, pool_size, spawn_key))"
        );
        let class = cached(py, "pickle", "PickleError")?;
        return Err(PyErr::from_value(class.call1((text,))?));
    }
    let obj = ty.call_method1(intern!(py, "__new__"), (&ty,))?;
    if !state.is_none() {
        obj.call_method1(intern!(py, "__setstate__"), (state,))?;
    }
    Ok(obj)
}

fn seedless_generate_state<'py>(_: &Obj<'py>, _: [Arg<'py>; 2]) -> PyResult<Obj<'py>> {
    Err(PyNotImplementedError::new_err("seedless SeedSequences cannot generate state"))
}

fn seedless_spawn<'py>(slf: &Obj<'py>, [n_children]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    PyList::new(slf.py(), [slf])?.into_any().mul(n_children)
}

fn seedless_reduce<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let make = (slf.get_type(), SEEDLESS_CHECKSUM, PyTuple::empty(py));
    Ok((unpickler(py, "__pyx_unpickle_SeedlessSeedSequence")?, make).into_pyobject(py)?.into_any())
}

fn seedless_setstate<'py>(slf: &Obj<'py>, _: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(slf.py().None().into_bound(slf.py()))
}
