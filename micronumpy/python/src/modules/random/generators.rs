//! `MT19937`, `PCG64`, `PCG64DXSM`, `Philox` and `SFC64`.

use std::ffi::c_void;
use std::mem::size_of;

use micronumpy::{Order, TypeNum};
use pyo3::exceptions::{PyKeyError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyModule, PyTuple};
use pyo3::{ffi, intern};
use ufuncs::random::mt19937::{self, Mt19937};
use ufuncs::random::pcg64::{self, Pcg};
use ufuncs::random::philox::{BUFFER_SIZE, Philox};
use ufuncs::random::sfc64::Sfc64;
use ufuncs::random::{BitGen, Half, Source};

use super::bit_generator::{self, BIT_GENERATOR, BitGeneratorObject, FLAGS};
use super::call::{Signature, def};
use super::draw::as_array;
use super::object;
use super::{Arg, Obj, np, seed_sequence, set_all};
use crate::abi::{NPY_ARRAY_CARRAY_RO, NPY_ARRAY_FORCECAST, StaticType};
use crate::ffi::args::with_args;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::objects::{array, dtype};
use crate::{callfunc, getset, initproc};

pub static MT19937: StaticType = StaticType::zeroed();
pub static PCG64: StaticType = StaticType::zeroed();
static PCG64DXSM: StaticType = StaticType::zeroed();
static PHILOX: StaticType = StaticType::zeroed();
static SFC64: StaticType = StaticType::zeroed();

/// A generator: the base, a word upstream has for its table of C methods, the state.
#[repr(C)]
struct WithState<S> {
    base: BitGeneratorObject,
    vtab: *mut c_void,
    state: S,
}

/// Work on the state of a generator, which methods of its type have as `slf`. Draws change it under the generator's lock,
/// everything else with the GIL held.
fn with_state<S, R>(slf: &Obj<'_>, work: impl FnOnce(&mut S) -> R) -> R {
    // SAFETY: an instance of a type with this state, and `work` does not get at it in another way.
    work(unsafe { &mut (*slf.as_ptr().cast::<WithState<S>>()).state })
}

fn create<'py, S: Source>(ty: &Obj<'py>, _: &Obj<'py>, _: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    // SAFETY: the slot of a type with this state, whose address is fixed; all zeros is a valid state of each.
    unsafe {
        let obj = object::alloc::<BitGeneratorObject>(ty)?;
        let this = obj.as_ptr().cast::<WithState<S>>();
        (*this).base.bitgen = BitGen::new(&raw mut (*this).state);
        Ok(obj)
    }
}

macro_rules! ready_type {
    ($py:ident, $ty:ident, $name:literal, $doc:literal, $size:literal, $state:ty, $init:path, $methods:ident, $getsets:ident) => {
        // SAFETY: a static type not in use yet; slots fit the layout, which fits upstream's size.
        unsafe {
            const _: () = assert!(size_of::<WithState<$state>>() <= $size);
            let ty = $ty.as_type();
            // The collector's slots come from the base, with their flag.
            types::prepare(ty, $name, $size, FLAGS & !ffi::Py_TPFLAGS_HAVE_GC);
            (*ty).tp_doc = $doc.as_ptr();
            (*ty).tp_base = BIT_GENERATOR.as_type();
            (*ty).tp_new = Some(callfunc!(new create::<$state>));
            (*ty).tp_init = Some(initproc!($init));
            (*ty).tp_methods = $methods.as_ptr();
            (*ty).tp_getset = $getsets.as_ptr();
            types::ready($py, ty)?;
        }
    };
}

static MT19937_METHODS: Methods<3> = Methods::new([
    def!("_legacy_seeding", "seed", legacy_seeding),
    def!("jumped", "jumps=1", jumped_mt19937),
    END,
]);
static PCG64_METHODS: Methods<3> = Methods::new([
    def!("jumped", "jumps=1", jumped_pcg::<false>),
    def!("advance", "delta", advance_pcg::<false>),
    END,
]);
static PCG64DXSM_METHODS: Methods<3> = Methods::new([
    def!("jumped", "jumps=1", jumped_pcg::<true>),
    def!("advance", "delta", advance_pcg::<true>),
    END,
]);
static PHILOX_METHODS: Methods<3> =
    Methods::new([def!("jumped", "jumps=1", jumped_philox), def!("advance", "delta", advance_philox), END]);
static SFC64_METHODS: Methods<1> = Methods::new([END]);
static MT19937_GETSETS: GetSets<2> =
    GetSets::new([getset!(c"state", state_mt19937, set_state_mt19937), GETSET_END]);
static PCG64_GETSETS: GetSets<2> =
    GetSets::new([getset!(c"state", state_pcg::<false>, set_state_pcg::<false>), GETSET_END]);
static PCG64DXSM_GETSETS: GetSets<2> =
    GetSets::new([getset!(c"state", state_pcg::<true>, set_state_pcg::<true>), GETSET_END]);
static PHILOX_GETSETS: GetSets<2> =
    GetSets::new([getset!(c"state", state_philox, set_state_philox), GETSET_END]);
static SFC64_GETSETS: GetSets<2> =
    GetSets::new([getset!(c"state", state_sfc64, set_state_sfc64), GETSET_END]);

pub fn ready(py: Python<'_>) -> PyResult<()> {
    ready_type!(
        py,
        MT19937,
        c"numpy.random._mt19937.MT19937",
        c"MT19937(seed=None)\n--\n\nThe Mersenne Twister of Matsumoto and Nishimura.",
        2608,
        Mt19937,
        init_mt19937,
        MT19937_METHODS,
        MT19937_GETSETS
    );
    ready_type!(
        py,
        PCG64,
        c"numpy.random._pcg64.PCG64",
        c"PCG64(seed=None)\n--\n\nA permuted congruential generator of 128 bits of state.",
        160,
        Pcg<false>,
        init_pcg::<false>,
        PCG64_METHODS,
        PCG64_GETSETS
    );
    ready_type!(
        py,
        PCG64DXSM,
        c"numpy.random._pcg64.PCG64DXSM",
        c"PCG64DXSM(seed=None)\n--\n\nPCG64 with a stronger output function and a cheaper multiplier.",
        160,
        Pcg<true>,
        init_pcg::<true>,
        PCG64DXSM_METHODS,
        PCG64DXSM_GETSETS
    );
    ready_type!(
        py,
        PHILOX,
        c"numpy.random._philox.Philox",
        c"Philox(seed=None, counter=None, key=None)\n--\n\nA generator that encrypts a counter: four words of 64 bits, ten rounds.",
        216,
        Philox,
        init_philox,
        PHILOX_METHODS,
        PHILOX_GETSETS
    );
    ready_type!(
        py,
        SFC64,
        c"numpy.random._sfc64.SFC64",
        c"SFC64(seed=None)\n--\n\nA small and fast chaotic generator with a counter.",
        144,
        Sfc64,
        init_sfc64,
        SFC64_METHODS,
        SFC64_GETSETS
    );
    Ok(())
}

fn fill(
    py: Python<'_>,
    module: &Bound<'_, PyModule>,
    classes: &[(&'static str, &'static StaticType)],
) -> PyResult<()> {
    for (name, ty) in classes {
        // SAFETY: ready types.
        module.add(*name, unsafe { types::handle(py, ty.as_type()) })?;
    }
    set_all(py, module, &classes.iter().map(|c| c.0).collect::<Vec<_>>())
}
pub fn fill_mt19937(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    fill(py, module, &[("MT19937", &MT19937)])
}
pub fn fill_pcg64(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    fill(py, module, &[("PCG64", &PCG64), ("PCG64DXSM", &PCG64DXSM)])
}
pub fn fill_philox(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    fill(py, module, &[("Philox", &PHILOX)])
}
pub fn fill_sfc64(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    fill(py, module, &[("SFC64", &SFC64)])
}

/// `seed` of an `__init__` with no other argument.
fn seed_arg<'py>(args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Arg<'py>> {
    static SIG: Signature = Signature::new("__init__", "seed=None");
    let [seed] = with_args(args, kwargs, |a| SIG.parse(a))?;
    Ok(seed)
}

/// Words from the seed sequence, which may be anybody's.
fn words32<'py, const N: usize>(seed_seq: &Obj<'py>) -> PyResult<[u32; N]> {
    let state = seed_seq.call_method1(intern!(seed_seq.py(), "generate_state"), (N,))?;
    read_array(&state, TypeNum::UINT)
}
fn words64<'py, const N: usize>(slf: &Obj<'py>) -> PyResult<[u64; N]> {
    let py = slf.py();
    let seed_seq = slf.getattr(intern!(py, "_seed_seq"))?;
    let state = seed_seq.call_method1(intern!(py, "generate_state"), (N, np(py, "uint64")?))?;
    read_array(&state, TypeNum::ULONG)
}

/// The first `N` elements of an array of this type.
fn read_array<T: Copy + Default, const N: usize>(obj: &Obj<'_>, num: TypeNum) -> PyResult<[T; N]> {
    let arr = as_array(obj, num, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)?;
    if arr.ndim() != 1 || arr.size() < N {
        return Err(PyValueError::new_err(format!("expected an array of {N} words")));
    }
    // SAFETY: contiguous, aligned, of type T, long enough.
    Ok(unsafe { arr.data().cast::<[T; N]>().read() })
}

fn new_array<'py, T: Copy>(py: Python<'py>, values: &[T], num: TypeNum) -> PyResult<Obj<'py>> {
    let arr = array::new(&dtype::builtin(py, num), &[values.len() as isize], Order::C, false)?;
    // SAFETY: fresh, contiguous, of type T, as long as the values.
    unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), arr.data().cast(), values.len()) };
    Ok(arr.0)
}

fn class_name(slf: &Obj<'_>) -> PyResult<String> {
    Ok(slf.get_type().name()?.to_string())
}

/// The dictionary a state is set from, after the checks all generators make.
fn state_dict<'py>(slf: &Obj<'py>, value: Option<&Obj<'py>>, kind: &str) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let Some(dict) = value.and_then(|v| v.cast::<PyDict>().ok()) else {
        return Err(PyTypeError::new_err("state must be a dict"));
    };
    let name = class_name(slf)?;
    let is = dict.get_item(intern!(py, "bit_generator"))?;
    if !is.is_some_and(|is| is.eq(&name).unwrap_or(false)) {
        return Err(PyValueError::new_err(format!("state must be for a {} {kind}", name)));
    }
    Ok(dict.clone().into_any())
}

fn item<'py>(dict: &Obj<'py>, key: &str) -> PyResult<Obj<'py>> {
    dict.get_item(key)
}

/// Words `0..N` of a list or array.
fn items<T: TryFrom<u64> + Copy + Default, const N: usize>(seq: &Obj<'_>) -> PyResult<[T; N]> {
    let mut out = [T::default(); N];
    for (i, slot) in out.iter_mut().enumerate() {
        let word: u64 = seq.get_item(i)?.extract()?;
        *slot = T::try_from(word)
            .map_err(|_| PyOverflowError::new_err("value too large to convert to uint32_t"))?;
    }
    Ok(out)
}

fn half_of(dict: &Obj<'_>) -> PyResult<Half> {
    let has: i32 = item(dict, "has_uint32")?.extract()?;
    let uinteger = item(dict, "uinteger")?.extract().map_err(|e: PyErr| {
        if e.is_instance_of::<PyOverflowError>(dict.py()) {
            PyOverflowError::new_err("value too large to convert to uint32_t")
        } else {
            e
        }
    })?;
    Ok(Half { has_uint32: has, uinteger })
}

fn set_half(dict: &Bound<'_, PyDict>, half: Half) -> PyResult<()> {
    dict.set_item("has_uint32", half.has_uint32)?;
    dict.set_item("uinteger", half.uinteger)
}

/// `int(value)` modulo 2^(64 N), low word first.
fn wrapped<const N: usize>(value: &Obj<'_>) -> PyResult<[u64; N]> {
    let mut words = [0; N];
    let mut rest = value.clone();
    for word in &mut words {
        *word = rest.bitand(u64::MAX)?.extract()?;
        rest = rest.rshift(64)?;
    }
    Ok(words)
}

/// A copy of a generator at the same place in its stream.
fn twin<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let other = slf.get_type().call0()?;
    other.setattr(intern!(py, "state"), slf.getattr(intern!(py, "state"))?)?;
    Ok(other)
}

fn jumps_arg<'py>(slf: &Obj<'py>, jumps: Arg<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    match jumps {
        None => Ok(PyInt::new(py, 1).into_any()),
        Some(jumps) => py.get_type::<PyInt>().call1((jumps,)),
    }
}

// MT19937

fn init_mt19937<'py>(slf: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<()> {
    bit_generator::init(slf, seed_arg(args, kwargs)?)?;
    let seed_seq = slf.getattr(intern!(slf.py(), "_seed_seq"))?;
    let words = words32(&seed_seq)?;
    with_state(slf, |rng: &mut Mt19937| rng.seed_by_state(&words));
    Ok(())
}

/// Seed as `RandomState` always did: by an integer, or by an array of them.
fn legacy_seeding<'py>(slf: &Obj<'py>, [seed]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let seed = seed.unwrap_or_else(|| py.None().into_bound(py));
    seed_legacy(slf, &seed)?;
    // SAFETY: the object's own slot.
    object::set(unsafe { &mut (*bit_generator::raw(slf)).seed_seq }, Some(py.None().into_bound(py)));
    Ok(py.None().into_bound(py))
}

fn seed_legacy<'py>(slf: &Obj<'py>, seed: &Obj<'py>) -> PyResult<()> {
    const RANGE: &str = "Seed must be between 0 and 2**32 - 1";
    let py = slf.py();
    if seed.is_none() {
        // SAFETY: a ready type.
        let fresh = unsafe { types::handle(py, seed_sequence::SEED_SEQUENCE.as_type()) }.call0()?;
        let words = words32(&fresh)?;
        with_state(slf, |rng: &mut Mt19937| rng.seed_by_state(&words));
        return Ok(());
    }
    let squeezed =
        if seed.hasattr(intern!(py, "squeeze"))? { np(py, "squeeze")?.call1((seed,))? } else { seed.clone() };
    // SAFETY: live object.
    let index = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Index(squeezed.as_ptr())) };
    match index {
        Ok(n) => {
            let n: u32 = n.extract().map_err(|_| PyValueError::new_err(RANGE))?;
            with_state(slf, |rng: &mut Mt19937| rng.seed(n));
            return Ok(());
        }
        Err(e) if e.is_instance_of::<PyTypeError>(py) => {}
        Err(e) => return Err(e),
    }
    let obj = np(py, "asarray")?.call1((&squeezed,))?;
    if obj.getattr("size")?.extract::<usize>()? == 0 {
        return Err(PyValueError::new_err("Seed must be non-empty"));
    }
    let kwargs = PyDict::new(py);
    kwargs.set_item("casting", "safe")?;
    let obj = obj.call_method("astype", (np(py, "int64")?,), Some(&kwargs))?;
    let arr = as_array(&obj, TypeNum::LONG, NPY_ARRAY_CARRAY_RO)?;
    if arr.ndim() != 1 {
        return Err(PyValueError::new_err("Seed array must be 1-d"));
    }
    // SAFETY: contiguous, aligned int64.
    let values = unsafe { std::slice::from_raw_parts(arr.data().cast::<i64>(), arr.size()) };
    let words: Result<Vec<u32>, _> = values.iter().map(|&v| u32::try_from(v)).collect();
    let words = words.map_err(|_| PyValueError::new_err(RANGE))?;
    with_state(slf, |rng: &mut Mt19937| rng.seed_by_array(&words));
    Ok(())
}

fn jumped_mt19937<'py>(slf: &Obj<'py>, [jumps]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let jumps: i64 = jumps_arg(slf, jumps)?.extract()?;
    let other = twin(slf)?;
    for _ in 0..jumps {
        with_state(&other, Mt19937::jump);
    }
    Ok(other)
}

fn state_mt19937<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let rng: Mt19937 = with_state(slf, |rng: &mut Mt19937| rng.clone());
    let (dict, inner) = (PyDict::new(py), PyDict::new(py));
    inner.set_item("key", new_array(py, &rng.key, TypeNum::UINT)?)?;
    inner.set_item("pos", rng.pos)?;
    dict.set_item("bit_generator", class_name(slf)?)?;
    dict.set_item("state", inner)?;
    Ok(dict.into_any())
}

fn set_state_mt19937(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let (key, pos) = match value.and_then(|v| v.cast::<PyTuple>().ok()) {
        Some(tuple) => {
            let known = !tuple.is_empty() && tuple.get_item(0)?.eq("MT19937")?;
            if !known || !matches!(tuple.len(), 3 | 5) {
                return Err(PyValueError::new_err("state is not a legacy MT19937 state"));
            }
            (tuple.get_item(1)?, tuple.get_item(2)?)
        }
        None => {
            let inner = item(&state_dict(slf, value, "PRNG")?, "state")?;
            (item(&inner, "key")?, item(&inner, "pos")?)
        }
    };
    let key = match crate::objects::Array::cast(&key).filter(|k| k.dtype().num == TypeNum::UINT) {
        Some(arr) if arr.ndim() == 1 && arr.size() >= mt19937::N => read_array(&arr.0, TypeNum::UINT)?,
        _ => items(&key)?,
    };
    let new = Mt19937 { key, pos: pos.extract()? };
    with_state(slf, |rng| *rng = new);
    Ok(())
}

// PCG64 and PCG64DXSM

fn init_pcg<'py, const DXSM: bool>(
    slf: &Obj<'py>,
    args: &Obj<'py>,
    kwargs: Option<&Obj<'py>>,
) -> PyResult<()> {
    bit_generator::init(slf, seed_arg(args, kwargs)?)?;
    let words = words64(slf)?;
    with_state(slf, |rng| *rng = Pcg::<DXSM>::from_words(words));
    Ok(())
}

fn advance_pcg<'py, const DXSM: bool>(slf: &Obj<'py>, [delta]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let [low, high] = wrapped(&delta.ok_or_else(|| PyKeyError::new_err("delta"))?)?;
    with_state(slf, |rng: &mut Pcg<DXSM>| rng.advance(u128::from(high) << 64 | u128::from(low)));
    Ok(slf.clone())
}

fn jumped_pcg<'py, const DXSM: bool>(slf: &Obj<'py>, [jumps]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let [low, high] = wrapped(&jumps_arg(slf, jumps)?)?;
    let jumps = u128::from(high) << 64 | u128::from(low);
    let other = twin(slf)?;
    with_state(&other, |rng: &mut Pcg<DXSM>| rng.advance(pcg64::JUMP.wrapping_mul(jumps)));
    Ok(other)
}

fn state_pcg<'py, const DXSM: bool>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let rng = with_state(slf, |rng: &mut Pcg<DXSM>| *rng);
    let (dict, inner) = (PyDict::new(py), PyDict::new(py));
    inner.set_item("state", rng.state)?;
    inner.set_item("inc", rng.inc)?;
    dict.set_item("bit_generator", class_name(slf)?)?;
    dict.set_item("state", inner)?;
    set_half(&dict, rng.half)?;
    Ok(dict.into_any())
}

/// An integer below 2^128.
fn wide(value: &Obj<'_>) -> PyResult<u128> {
    let value = value.py().get_type::<PyInt>().call1((value,))?;
    value.extract().map_err(|_| {
        let text = match value.lt(0) {
            Ok(true) => {
                let high = value.rshift(64).map(|h| h.to_string()).unwrap_or_default();
                format!("Python integer {high} out of bounds for uint64")
            }
            _ => "Python int too large to convert to C long".to_string(),
        };
        PyOverflowError::new_err(text)
    })
}

fn set_state_pcg<const DXSM: bool>(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let dict = state_dict(slf, value, "RNG")?;
    let inner = item(&dict, "state")?;
    let state = wide(&item(&inner, "state")?)?;
    let inc = wide(&item(&inner, "inc")?)?;
    let half = half_of(&dict)?;
    with_state(slf, |rng| *rng = Pcg::<DXSM> { state, inc, half });
    Ok(())
}

// Philox

/// `N` words from an integer below 2^(64 N) or from an array.
fn words_arg<const N: usize>(value: &Obj<'_>, name: &str) -> PyResult<[u64; N]> {
    let py = value.py();
    let arr = np(py, "asarray")?.call1((value,))?;
    if arr.getattr("ndim")?.extract::<usize>()? == 0 {
        let bits = 64 * N;
        let value = py.get_type::<PyInt>().call1((arr,))?;
        if value.lt(0)? || value.rshift(bits)?.is_truthy()? {
            return Err(PyValueError::new_err(format!("{name} must be positive and less than 2**{bits}.")));
        }
        return wrapped(&value);
    }
    let arr = as_array(&arr, TypeNum::ULONG, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)?;
    if arr.shape() != [N as isize] {
        return Err(PyValueError::new_err(format!("{name} must have {N} elements when using array form")));
    }
    read_array(&arr.0, TypeNum::ULONG)
}

fn init_philox<'py>(slf: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<()> {
    static SIG: Signature = Signature::new("__init__", "seed=None, counter=None, key=None");
    let py = slf.py();
    let [seed, counter, key] = with_args(args, kwargs, |a| SIG.parse(a))?;
    let key = key.filter(|k| !k.is_none());
    if key.is_some() && seed.as_ref().is_some_and(|s| !s.is_none()) {
        return Err(PyValueError::new_err("seed and key cannot be both used"));
    }
    bit_generator::init(slf, seed)?;
    let key = match key {
        Some(key) => {
            let key = words_arg(&key, "key")?;
            // A key of one's own has no seed sequence behind it.
            // SAFETY: the object's own slot.
            object::set(unsafe { &mut (*bit_generator::raw(slf)).seed_seq }, Some(py.None().into_bound(py)));
            key
        }
        None => words64(slf)?,
    };
    let counter = match counter.filter(|c| !c.is_none()) {
        Some(counter) => words_arg(&counter, "counter")?,
        None => [0; 4],
    };
    with_state(slf, |rng| *rng = Philox::new(counter, key));
    Ok(())
}

fn advance_philox<'py>(slf: &Obj<'py>, [delta]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let delta = wrapped(&delta.ok_or_else(|| PyKeyError::new_err("delta"))?)?;
    with_state(slf, |rng: &mut Philox| {
        rng.add(delta);
        rng.clear_buffer();
    });
    Ok(slf.clone())
}

fn jumped_philox<'py>(slf: &Obj<'py>, [jumps]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let [low, high] = wrapped(&jumps_arg(slf, jumps)?)?;
    let other = twin(slf)?;
    // A jump is 2^128 blocks.
    with_state(&other, |rng: &mut Philox| {
        rng.add([0, 0, low, high]);
        rng.clear_buffer();
    });
    Ok(other)
}

fn state_philox<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let rng = with_state(slf, |rng: &mut Philox| *rng);
    let (dict, inner) = (PyDict::new(py), PyDict::new(py));
    inner.set_item("counter", new_array(py, &rng.counter, TypeNum::ULONG)?)?;
    inner.set_item("key", new_array(py, &rng.key, TypeNum::ULONG)?)?;
    dict.set_item("bit_generator", class_name(slf)?)?;
    dict.set_item("state", inner)?;
    dict.set_item("buffer", new_array(py, &rng.buffer, TypeNum::ULONG)?)?;
    dict.set_item("buffer_pos", rng.buffer_pos)?;
    set_half(&dict, rng.half)?;
    Ok(dict.into_any())
}

fn set_state_philox(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let dict = state_dict(slf, value, "PRNG")?;
    let inner = item(&dict, "state")?;
    let (counter, key) = (item(&inner, "counter")?, item(&inner, "key")?);
    let new = Philox {
        counter: items(&counter)?,
        key: items(&key)?,
        buffer: items::<u64, BUFFER_SIZE>(&item(&dict, "buffer")?)?,
        half: half_of(&dict)?,
        buffer_pos: item(&dict, "buffer_pos")?.extract()?,
    };
    with_state(slf, |rng| *rng = new);
    Ok(())
}

// SFC64

fn init_sfc64<'py>(slf: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<()> {
    bit_generator::init(slf, seed_arg(args, kwargs)?)?;
    let words = words64(slf)?;
    with_state(slf, |rng| *rng = Sfc64::new(words));
    Ok(())
}

fn state_sfc64<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let rng = with_state(slf, |rng: &mut Sfc64| *rng);
    let (dict, inner) = (PyDict::new(py), PyDict::new(py));
    inner.set_item("state", new_array(py, &rng.s, TypeNum::ULONG)?)?;
    dict.set_item("bit_generator", class_name(slf)?)?;
    dict.set_item("state", inner)?;
    set_half(&dict, rng.half)?;
    Ok(dict.into_any())
}

fn set_state_sfc64(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let dict = state_dict(slf, value, "RNG").map_err(|e| {
        // Upstream forgot to format this text.
        if e.is_instance_of::<PyValueError>(slf.py()) {
            PyValueError::new_err("state must be for a {self.__class__.__name__} RNG")
        } else {
            e
        }
    })?;
    let inner = item(&dict, "state")?;
    let s = items(&item(&inner, "state")?)?;
    let half = half_of(&dict)?;
    with_state(slf, |rng| *rng = Sfc64 { s, half });
    Ok(())
}
