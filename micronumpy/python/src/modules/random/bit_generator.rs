//! `BitGenerator`, the base of all generators, and what is around it: the interfaces for `ctypes` and `cffi`, the abstract
//! classes of seed sequences.

use std::ffi::CStr;
use std::mem::size_of;

use pyo3::exceptions::{PyImportError, PyNotImplementedError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyModule, PyTuple};
use pyo3::{ffi, intern};
use ufuncs::random::{BitGen, Functions, Source};

use super::call::{Signature, def};
use super::draw::{Stream, locked};
use super::object::{self, Owner};
use super::{Arg, Obj, np, seed_sequence, set_all};
use crate::abi::StaticType;
use crate::ffi::args::with_args;
use crate::ffi::guard::owned;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::{callfunc, getset, initproc, noargs, onearg};

pub static BIT_GENERATOR: StaticType = StaticType::zeroed();

pub const CAPSULE_NAME: &CStr = c"BitGenerator";

/// The layout compiled extensions know; subclasses put their state behind it.
#[repr(C)]
pub struct BitGeneratorObject {
    ob_base: ffi::PyObject,
    pub seed_seq: *mut ffi::PyObject,
    lock: *mut ffi::PyObject,
    pub bitgen: BitGen,
    ctypes: *mut ffi::PyObject,
    cffi: *mut ffi::PyObject,
    capsule: *mut ffi::PyObject,
}
const _: () = assert!(size_of::<BitGeneratorObject>() == 96);

// SAFETY: the five objects.
unsafe impl Owner for BitGeneratorObject {
    fn for_each_ref(&mut self, mut f: impl FnMut(&mut *mut ffi::PyObject)) {
        f(&mut self.seed_seq);
        f(&mut self.lock);
        f(&mut self.ctypes);
        f(&mut self.cffi);
        f(&mut self.capsule);
    }
}

/// The stream of a subclass written in Python, which has none of ours.
struct Silent;
impl Source for Silent {
    fn functions() -> &'static Functions {
        static FUNCTIONS: Functions = Functions::of::<Silent>();
        &FUNCTIONS
    }
    fn u64(&mut self) -> u64 {
        0
    }
    fn u32(&mut self) -> u32 {
        0
    }
}

/// A source that has not been given one yet.
pub fn silent() -> BitGen {
    // SAFETY: a source without state may be anywhere.
    unsafe { BitGen::new(std::ptr::NonNull::<Silent>::dangling().as_ptr()) }
}

static METHODS: Methods<7> = Methods::new([
    noargs!(c"__getstate__", getstate),
    onearg!(c"__setstate__", setstate),
    noargs!(c"__reduce__", reduce),
    def!("spawn", "n_children", spawn),
    def!("random_raw", "size=None, output=True", random_raw),
    def!("_benchmark", "cnt, method='uint64'", benchmark),
    END,
]);
static GETSETS: GetSets<10> = GetSets::new([
    getset!(c"state", state, set_state),
    getset!(c"seed_seq", seed_seq),
    getset!(c"ctypes", ctypes),
    getset!(c"cffi", cffi),
    getset!(c"_seed_seq", seed_seq),
    getset!(c"lock", lock),
    getset!(c"_ctypes", raw_ctypes),
    getset!(c"_cffi", raw_cffi),
    getset!(c"capsule", capsule),
    GETSET_END,
]);

pub fn ready(py: Python<'_>) -> PyResult<()> {
    // SAFETY: a static type not in use yet; slots fit the layout.
    unsafe {
        let ty = BIT_GENERATOR.as_type();
        types::prepare(
            ty,
            c"numpy.random.bit_generator.BitGenerator",
            size_of::<BitGeneratorObject>(),
            FLAGS,
        );
        (*ty).tp_doc =
            c"BitGenerator(seed=None)\n--\n\nThe base of sources of random bits, which `Generator` draws from.".as_ptr();
        (*ty).tp_new = Some(callfunc!(new create));
        (*ty).tp_init = Some(initproc!(init_slot));
        (*ty).tp_traverse = Some(object::traverse::<BitGeneratorObject>);
        (*ty).tp_clear = Some(object::clear::<BitGeneratorObject>);
        (*ty).tp_dealloc = Some(object::dealloc::<BitGeneratorObject>);
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

/// Flags of a bit generator type.
pub const FLAGS: u64 = ffi::Py_TPFLAGS_BASETYPE | ffi::Py_TPFLAGS_HAVE_GC | ffi::Py_TPFLAGS_IMMUTABLETYPE;

/// The abstract classes are Python classes upstream, too.
const INTERFACES: &CStr = c"
class ISeedSequence(abc.ABC):
    'Abstract base class for seed sequences.'

    @abc.abstractmethod
    def generate_state(self, n_words, dtype=np.uint32):
        'Return the requested number of words for PRNG seeding.'


class ISpawnableSeedSequence(ISeedSequence):
    'Abstract base class for seed sequences that can spawn.'

    @abc.abstractmethod
    def spawn(self, n_children):
        'Spawn a number of child seed sequences by extending the spawn_key.'


ISpawnableSeedSequence.register(SeedSequence)
ISpawnableSeedSequence.register(SeedlessSeedSequence)
";

/// `numpy.random.bit_generator`
pub fn fill(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    seed_sequence::fill(py, module)?;
    // SAFETY: a ready type.
    module.add("BitGenerator", unsafe { types::handle(py, BIT_GENERATOR.as_type()) })?;
    module.add("cycle", py.import("itertools")?.getattr("cycle")?)?;
    module.add("randbits", py.import("secrets")?.getattr("randbits")?)?;
    module.add("RLock", py.import("threading")?.getattr("RLock")?)?;
    module.add("DECIMAL_RE", py.import("re")?.call_method1("compile", ("[0-9]+",))?)?;
    let scope = module.dict();
    scope.set_item("abc", py.import("abc")?)?;
    scope.set_item("np", py.import("numpy")?)?;
    py.run(INTERFACES, Some(&scope), Some(&scope))?;
    set_all(py, module, &["SeedSequence", "BitGenerator"])
}

/// `numpy.random._common`
pub fn fill_common(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    let namedtuple = py.import("collections")?.getattr("namedtuple")?;
    let fields = ["state_address", "state", "next_uint64", "next_uint32", "next_double", "bit_generator"];
    let kwargs = PyDict::new(py);
    kwargs.set_item("module", "numpy.random._common")?;
    module.add("interface", namedtuple.call(("interface", fields), Some(&kwargs))?)?;
    module.add("namedtuple", namedtuple)?;
    set_all(py, module, &["interface"])
}

/// A bit generator as its layout.
pub fn raw(slf: &Obj<'_>) -> *mut BitGeneratorObject {
    slf.as_ptr().cast()
}

fn create<'py>(ty: &Obj<'py>, _: &Obj<'py>, _: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    // SAFETY: the slot of this type.
    unsafe {
        let obj = object::alloc::<BitGeneratorObject>(ty)?;
        (*raw(&obj)).bitgen = silent();
        Ok(obj)
    }
}

fn init_slot<'py>(slf: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<()> {
    static SIG: Signature = Signature::new("__init__", "seed=None");
    let [seed] = with_args(args, kwargs, |a| SIG.parse(a))?;
    // SAFETY: live object.
    if unsafe { ffi::Py_TYPE(slf.as_ptr()) } == BIT_GENERATOR.as_type() {
        return Err(PyNotImplementedError::new_err("BitGenerator is a base class and cannot be instantized"));
    }
    init(slf, seed)
}

/// What every generator starts with: a lock, a capsule and a seed sequence.
pub fn init<'py>(slf: &Obj<'py>, seed: Arg<'py>) -> PyResult<()> {
    let py = slf.py();
    let seed = seed.unwrap_or_else(|| py.None().into_bound(py));
    let seed_seq = if seed.is_instance(&cached(py, "numpy.random.bit_generator", "ISeedSequence")?)? {
        seed
    } else {
        // SAFETY: a ready type.
        unsafe { types::handle(py, seed_sequence::SEED_SEQUENCE.as_type()) }.call1((seed,))?
    };
    let lock = cached(py, "threading", "RLock")?.call0()?;
    // SAFETY: the capsule points into the object that owns it; users of one keep the object, as upstream.
    unsafe {
        let this = &mut *raw(slf);
        let pointer = (&raw mut this.bitgen).cast();
        let capsule = owned(py, ffi::PyCapsule_New(pointer, CAPSULE_NAME.as_ptr(), None))?;
        object::set(&mut this.lock, Some(lock));
        object::set(&mut this.capsule, Some(capsule));
        object::set(&mut this.seed_seq, Some(seed_seq));
        object::set(&mut this.ctypes, Some(py.None().into_bound(py)));
        object::set(&mut this.cffi, Some(py.None().into_bound(py)));
    }
    Ok(())
}

/// The bits behind anything with a capsule and a lock; `None` when the capsule is not one of a bit generator.
pub fn stream_of<'py>(bit_generator: &Obj<'py>) -> PyResult<Option<Stream<'py>>> {
    let py = bit_generator.py();
    let capsule = bit_generator.getattr(intern!(py, "capsule"))?;
    // SAFETY: a capsule of that name holds a `bitgen_t`.
    let rng = unsafe {
        if ffi::PyCapsule_IsValid(capsule.as_ptr(), CAPSULE_NAME.as_ptr()) == 0 {
            return Ok(None);
        }
        *ffi::PyCapsule_GetPointer(capsule.as_ptr(), CAPSULE_NAME.as_ptr()).cast::<BitGen>()
    };
    let lock = bit_generator.getattr(intern!(py, "lock"))?;
    Ok(Some(Stream { rng, lock, _owner: bit_generator.clone() }))
}

/// Whether an object is a bit generator as far as front ends care.
pub fn is_bit_generator(obj: &Obj<'_>) -> bool {
    // SAFETY: any object may be asked.
    obj.getattr(intern!(obj.py(), "capsule"))
        .is_ok_and(|capsule| unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), CAPSULE_NAME.as_ptr()) != 0 })
}

fn own_stream<'py>(slf: &Obj<'py>) -> PyResult<Stream<'py>> {
    // SAFETY: `create` has set it.
    let rng = unsafe { (*raw(slf)).bitgen };
    Ok(Stream { rng, lock: lock(slf)?, _owner: slf.clone() })
}

fn getstate<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    Ok((slf.getattr(intern!(py, "state"))?, seed_seq(slf)?).into_pyobject(py)?.into_any())
}

fn setstate<'py>(slf: &Obj<'py>, value: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    if value.is_instance_of::<PyDict>() {
        // Pickles from before there was a seed sequence in them.
        slf.setattr(intern!(py, "state"), value)?;
    } else {
        // SAFETY: the object's own slot.
        object::set(unsafe { &mut (*raw(slf)).seed_seq }, Some(value.get_item(1)?));
        slf.setattr(intern!(py, "state"), value.get_item(0)?)?;
    }
    Ok(py.None().into_bound(py))
}

fn reduce<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let ctor = cached(py, "numpy.random._pickle", "__bit_generator_ctor")?;
    let state = (slf.getattr(intern!(py, "state"))?, seed_seq(slf)?);
    Ok((ctor, (slf.get_type(),), state).into_pyobject(py)?.into_any())
}

fn spawn<'py>(slf: &Obj<'py>, [n_children]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let seq = seed_seq(slf)?;
    if !seq.is_instance(&cached(py, "numpy.random.bit_generator", "ISpawnableSeedSequence")?)? {
        return Err(PyTypeError::new_err("The underlying SeedSequence does not implement spawning."));
    }
    let list = PyList::empty(py);
    for child in seq.call_method1(intern!(py, "spawn"), (n_children,))?.try_iter()? {
        let kwargs = PyDict::new(py);
        kwargs.set_item(intern!(py, "seed"), child?)?;
        list.append(slf.get_type().call((), Some(&kwargs))?)?;
    }
    Ok(list.into_any())
}

fn random_raw<'py>(slf: &Obj<'py>, [size, output]: [Arg<'py>; 2]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let stream = own_stream(slf)?;
    if output.map_or(Ok(true), |o| o.is_truthy())? {
        return super::draw::plain::<u64>(&stream, &size, &None, || stream.rng.raw());
    }
    let n: isize = match size {
        Some(size) if !size.is_none() => np(py, "asarray")?.call1((size,))?.call_method0("sum")?.extract()?,
        _ => 1,
    };
    locked(&stream.lock, n.max(0) as usize, || {
        for _ in 0..n {
            stream.rng.raw();
        }
    })?;
    Ok(py.None().into_bound(py))
}

fn benchmark<'py>(slf: &Obj<'py>, [cnt, method]: [Arg<'py>; 2]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let n: isize = cnt.map_or(Ok(0), |c| c.extract())?;
    let method: String = method.map_or(Ok("uint64".into()), |m| m.extract())?;
    let stream = own_stream(slf)?;
    let double = match method.as_str() {
        "uint64" => false,
        "double" => true,
        _ => return Err(PyValueError::new_err("Unknown method")),
    };
    locked(&stream.lock, n.max(0) as usize, || {
        for _ in 0..n {
            if double {
                stream.rng.f64();
            } else {
                stream.rng.u64();
            }
        }
    })?;
    Ok(py.None().into_bound(py))
}

fn state<'py>(_: &Obj<'py>) -> PyResult<Obj<'py>> {
    Err(PyNotImplementedError::new_err("Not implemented in base BitGenerator"))
}
fn set_state(_: &Obj<'_>, _: Option<&Obj<'_>>) -> PyResult<()> {
    Err(PyNotImplementedError::new_err("Not implemented in base BitGenerator"))
}

// SAFETY (the getters): slots hold live objects or null.
fn seed_seq<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(object::get(slf.py(), unsafe { (*raw(slf)).seed_seq }))
}
fn lock<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(object::get(slf.py(), unsafe { (*raw(slf)).lock }))
}
fn raw_ctypes<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(object::get(slf.py(), unsafe { (*raw(slf)).ctypes }))
}
fn raw_cffi<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(object::get(slf.py(), unsafe { (*raw(slf)).cffi }))
}
fn capsule<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: as above.
    Ok(object::get(slf.py(), unsafe { (*raw(slf)).capsule }))
}

/// The interface tuple: addresses made into pointers by `pointer` and into functions by `function(result type)`.
fn interface<'py>(
    slf: &Obj<'py>,
    pointer: impl Fn(usize) -> PyResult<Obj<'py>>,
    function: impl Fn(usize, &str) -> PyResult<Obj<'py>>,
) -> PyResult<Obj<'py>> {
    let py = slf.py();
    // SAFETY: `create` has set it.
    let (rng, address) = unsafe { ((*raw(slf)).bitgen, (&raw const (*raw(slf)).bitgen) as usize) };
    let [u64, u32, f64, _] = rng.function_addresses();
    let state = rng.state_address();
    let parts = [
        state.into_pyobject(py)?.into_any(),
        pointer(state)?,
        function(u64, "uint64")?,
        function(u32, "uint32")?,
        function(f64, "double")?,
        pointer(address)?,
    ];
    cached(py, "numpy.random._common", "interface")?.call1(PyTuple::new(py, parts)?)
}

fn ctypes<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let known = raw_ctypes(slf)?;
    if !known.is_none() {
        return Ok(known);
    }
    let ctypes = py.import("ctypes")?;
    let void = ctypes.getattr("c_void_p")?;
    let made = interface(
        slf,
        |p| void.call1((p,)),
        |p, result| {
            let proto = ctypes.call_method1("CFUNCTYPE", (ctypes.getattr(format!("c_{result}"))?, &void))?;
            ctypes.call_method1("cast", (p, proto))
        },
    )?;
    // SAFETY: the object's own slot.
    object::set(unsafe { &mut (*raw(slf)).ctypes }, Some(made.clone()));
    Ok(made)
}

fn cffi<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let known = raw_cffi(slf)?;
    if !known.is_none() {
        return Ok(known);
    }
    let cffi = py.import("cffi").map_err(|e| {
        let err = PyImportError::new_err("cffi cannot be imported.");
        err.set_cause(py, Some(e));
        err
    })?;
    let ffi = cffi.call_method0("FFI")?;
    let cast = |kind: String, p: usize| ffi.call_method1("cast", (kind, p));
    let made = interface(
        slf,
        |p| cast("void *".into(), p),
        |p, result| {
            let c_type = if result == "double" { result.into() } else { format!("{result}_t") };
            cast(format!("{c_type} (*)(void *)"), p)
        },
    )?;
    // SAFETY: the object's own slot.
    object::set(unsafe { &mut (*raw(slf)).cffi }, Some(made.clone()));
    Ok(made)
}
