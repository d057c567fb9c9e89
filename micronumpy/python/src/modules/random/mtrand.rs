//! `RandomState`, the functions of `numpy.random` bound to the hidden instance, and the four that are not.

use std::mem::size_of;

use micronumpy::TypeNum;
use pyo3::exceptions::{PyDeprecationWarning, PyIndexError, PyRuntimeWarning, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyModule, PyString, PyTuple};
use pyo3::{ffi, intern};
use ufuncs::random::discrete::{self, Binomial};
use ufuncs::random::legacy::{self, Legacy};
use ufuncs::random::{BitGen, continuous, fill, multivariate};

use super::call::{Signature, def};
use super::constraint::{Constraint, POISSON_LAM_MAX};
use super::draw::{Param, Stream, draw, filled, given, locked, plain, zeros_with_last};
use super::generator::{
    alphas, as_python_type, check_pvals_sum, draw_binomial, hypergeometric_params, normalize, random_bytes,
    range_bounds, svd_is_valid, triangular_params, uniform_params,
};
use super::object::{self, Owner};
use super::sampling::{self, ChoiceTexts, reals, warn};
use super::{Arg, Obj, bit_generator, generators, integers, np, set_all};
use crate::abi::{NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_ENSUREARRAY, StaticType};
use crate::ffi::Args;
use crate::ffi::args::with_args;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::objects::{array, dtype};
use crate::{callfunc, fastcall, getset, initproc, noargs, onearg, unaryfunc};

pub static RANDOM_STATE: StaticType = StaticType::zeroed();

#[repr(C)]
struct RandomStateObject {
    ob_base: ffi::PyObject,
    vtab: *mut std::ffi::c_void,
    bit_generator: *mut ffi::PyObject,
    bitgen: BitGen,
    /// Points to `bitgen`.
    legacy: Legacy,
    binomial: Binomial,
    lock: *mut ffi::PyObject,
}
const _: () = assert!(size_of::<RandomStateObject>() == 240);

// SAFETY: the two objects.
unsafe impl Owner for RandomStateObject {
    fn for_each_ref(&mut self, mut f: impl FnMut(&mut *mut ffi::PyObject)) {
        f(&mut self.bit_generator);
        f(&mut self.lock);
    }
}

static METHODS: Methods<53> = Methods::new([
    noargs!(c"__getstate__", getstate),
    onearg!(c"__setstate__", setstate),
    noargs!(c"__reduce__", reduce),
    def!("seed", "seed=None", seed),
    def!("get_state", "legacy=True", get_state),
    def!("set_state", "state", set_state),
    def!("random_sample", "size=None", random_sample),
    def!("random", "size=None", random_sample),
    def!("beta", "a, b, size=None", beta),
    def!("exponential", "scale=1.0, size=None", exponential),
    def!("standard_exponential", "size=None", standard_exponential),
    def!("tomaxint", "size=None", tomaxint),
    def!(hidden "randint", "low, high=None, size=None, dtype=int", randint),
    def!("bytes", "length", bytes),
    def!("choice", "a, size=None, replace=True, p=None", choice),
    def!("uniform", "low=0.0, high=1.0, size=None", uniform),
    fastcall!(c"rand", rand),
    fastcall!(c"randn", randn),
    def!("random_integers", "low, high=None, size=None", random_integers),
    def!("standard_normal", "size=None", standard_normal),
    def!("normal", "loc=0.0, scale=1.0, size=None", normal),
    def!("standard_gamma", "shape, size=None", standard_gamma),
    def!("gamma", "shape, scale=1.0, size=None", gamma),
    def!("f", "dfnum, dfden, size=None", f),
    def!("noncentral_f", "dfnum, dfden, nonc, size=None", noncentral_f),
    def!("chisquare", "df, size=None", chisquare),
    def!("noncentral_chisquare", "df, nonc, size=None", noncentral_chisquare),
    def!("standard_cauchy", "size=None", standard_cauchy),
    def!("standard_t", "df, size=None", standard_t),
    def!("vonmises", "mu, kappa, size=None", vonmises),
    def!("pareto", "a, size=None", pareto),
    def!("weibull", "a, size=None", weibull),
    def!("power", "a, size=None", power),
    def!("laplace", "loc=0.0, scale=1.0, size=None", laplace),
    def!("gumbel", "loc=0.0, scale=1.0, size=None", gumbel),
    def!("logistic", "loc=0.0, scale=1.0, size=None", logistic),
    def!("lognormal", "mean=0.0, sigma=1.0, size=None", lognormal),
    def!("rayleigh", "scale=1.0, size=None", rayleigh),
    def!("wald", "mean, scale, size=None", wald),
    def!("triangular", "left, mode, right, size=None", triangular),
    def!("binomial", "n, p, size=None", binomial),
    def!("negative_binomial", "n, p, size=None", negative_binomial),
    def!("poisson", "lam=1.0, size=None", poisson),
    def!("zipf", "a, size=None", zipf),
    def!("geometric", "p, size=None", geometric),
    def!("hypergeometric", "ngood, nbad, nsample, size=None", hypergeometric),
    def!("logseries", "p, size=None", logseries),
    def!("multivariate_normal", "mean, cov, size=None, check_valid='warn', tol=1e-08", multivariate_normal),
    def!("multinomial", "n, pvals, size=None", multinomial),
    def!("dirichlet", "alpha, size=None", dirichlet),
    def!("shuffle", "x", shuffle),
    def!("permutation", "x", permutation),
    END,
]);
static GETSETS: GetSets<2> =
    GetSets::new([getset!(c"_bit_generator", get_bit_generator, set_bit_generator), GETSET_END]);
static FUNCTIONS: Methods<6> = Methods::new([
    def!("seed", "seed=None", module_seed),
    noargs!(c"get_bit_generator", module_get_bit_generator),
    def!("set_bit_generator", "bitgen", module_set_bit_generator),
    fastcall!(c"sample", sample),
    fastcall!(c"ranf", sample),
    END,
]);

/// Methods of the hidden instance that are functions of the module.
const BOUND: [&str; 47] = [
    "beta",
    "binomial",
    "bytes",
    "chisquare",
    "choice",
    "dirichlet",
    "exponential",
    "f",
    "gamma",
    "get_state",
    "geometric",
    "gumbel",
    "hypergeometric",
    "laplace",
    "logistic",
    "lognormal",
    "logseries",
    "multinomial",
    "multivariate_normal",
    "negative_binomial",
    "noncentral_chisquare",
    "noncentral_f",
    "normal",
    "pareto",
    "permutation",
    "poisson",
    "power",
    "rand",
    "randint",
    "randn",
    "random",
    "random_integers",
    "random_sample",
    "rayleigh",
    "set_state",
    "shuffle",
    "standard_cauchy",
    "standard_exponential",
    "standard_gamma",
    "standard_normal",
    "standard_t",
    "triangular",
    "uniform",
    "vonmises",
    "wald",
    "weibull",
    "zipf",
];

pub fn ready(py: Python<'_>) -> PyResult<()> {
    // SAFETY: a static type not in use yet; slots fit the layout.
    unsafe {
        let ty = RANDOM_STATE.as_type();
        types::prepare(
            ty,
            c"numpy.random.mtrand.RandomState",
            size_of::<RandomStateObject>(),
            bit_generator::FLAGS,
        );
        (*ty).tp_doc =
            c"RandomState(seed=None)\n--\n\nDraws by the methods of old, whose streams never change."
                .as_ptr();
        (*ty).tp_new = Some(callfunc!(new create));
        (*ty).tp_init = Some(initproc!(init));
        (*ty).tp_repr = Some(unaryfunc!(repr));
        (*ty).tp_str = Some(unaryfunc!(str_of));
        (*ty).tp_traverse = Some(object::traverse::<RandomStateObject>);
        (*ty).tp_clear = Some(object::clear::<RandomStateObject>);
        (*ty).tp_dealloc = Some(object::dealloc::<RandomStateObject>);
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)?;
        object::set_class_value(py, ty, "_poisson_lam_max", POISSON_LAM_MAX)
    }
}

/// Functions of the module that are no methods of the hidden instance.
const OWN: [&str; 5] = ["seed", "get_bit_generator", "set_bit_generator", "sample", "ranf"];

/// `numpy.random.mtrand`
pub fn fill_module(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Its own modules have to be there: the seed sequence of the hidden instance asks for them.
    py.import("numpy.random.bit_generator")?;
    crate::modules::multiarray::add_functions(module, &FUNCTIONS)?;
    // SAFETY: ready types.
    let (class, mt19937) = unsafe {
        (types::handle(py, RANDOM_STATE.as_type()), types::handle(py, generators::MT19937.as_type()))
    };
    let hidden = class.call0()?;
    for name in BOUND {
        module.add(name, hidden.getattr(name)?)?;
    }
    // Functions say that they are of the package they are used from.
    for name in BOUND.iter().chain(&OWN) {
        module.getattr(*name)?.setattr("__module__", "numpy.random")?;
    }
    module.add("RandomState", class)?;
    module.add("_MT19937", mt19937)?;
    module.add("_rand", hidden)?;
    module.add("Sequence", py.import("collections.abc")?.getattr("Sequence")?)?;
    let mut all: Vec<&str> = BOUND.to_vec();
    all.push("RandomState");
    all.extend(OWN);
    all.sort_unstable();
    set_all(py, module, &all)
}

fn raw(slf: &Obj<'_>) -> *mut RandomStateObject {
    slf.as_ptr().cast()
}

fn create<'py>(ty: &Obj<'py>, _: &Obj<'py>, _: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    // SAFETY: the slot of this type; the object does not move.
    unsafe {
        let obj = object::alloc::<RandomStateObject>(ty)?;
        let this = &mut *raw(&obj);
        this.bitgen = bit_generator::silent();
        this.legacy.bitgen = &raw const this.bitgen;
        Ok(obj)
    }
}

fn init<'py>(slf: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<()> {
    static SIG: Signature = Signature::new("__init__", "seed=None");
    let py = slf.py();
    let [seed] = with_args(args, kwargs, |a| SIG.parse(a))?;
    let fresh = || {
        // SAFETY: a ready type.
        unsafe { types::handle(py, generators::MT19937.as_type()) }.call0()
    };
    let source = match seed.filter(|s| !s.is_none()) {
        None => fresh()?,
        Some(seed) if seed.hasattr(intern!(py, "capsule"))? => seed,
        Some(seed) => {
            let source = fresh()?;
            source.call_method1(intern!(py, "_legacy_seeding"), (seed,))?;
            source
        }
    };
    attach(slf, &source)
}

/// Draw from this bit generator from now on.
fn attach<'py>(slf: &Obj<'py>, source: &Obj<'py>) -> PyResult<()> {
    let Some(stream) = bit_generator::stream_of(source)? else {
        return Err(PyValueError::new_err("Invalid bit generator. The bit generator must be instantized."));
    };
    // SAFETY: the object's own slots.
    unsafe {
        let this = &mut *raw(slf);
        this.bitgen = stream.rng;
        object::set(&mut this.lock, Some(stream.lock));
        object::set(&mut this.bit_generator, Some(source.clone()));
    }
    reset_gauss(slf);
    Ok(())
}

fn reset_gauss(slf: &Obj<'_>) {
    // SAFETY: plain fields of the object.
    unsafe {
        (*raw(slf)).legacy.has_gauss = 0;
        (*raw(slf)).legacy.gauss = 0.0;
    }
}

fn get_bit_generator<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: the slot holds a live object or null.
    Ok(object::get(slf.py(), unsafe { (*raw(slf)).bit_generator }))
}

fn set_bit_generator<'py>(slf: &Obj<'py>, value: Option<&Obj<'py>>) -> PyResult<()> {
    // The functions go on drawing from the old one, so it has to live on.
    std::mem::forget(get_bit_generator(slf)?);
    let value = value.cloned().unwrap_or_else(|| slf.py().None().into_bound(slf.py()));
    // SAFETY: the object's own slot.
    object::set(unsafe { &mut (*raw(slf)).bit_generator }, Some(value));
    Ok(())
}

fn stream<'py>(slf: &Obj<'py>) -> PyResult<Stream<'py>> {
    let py = slf.py();
    // SAFETY: slots hold live objects or null.
    let (rng, lock) = unsafe { ((*raw(slf)).bitgen, object::get(py, (*raw(slf)).lock)) };
    Ok(Stream { rng, lock, _owner: get_bit_generator(slf)? })
}

/// The generator with its cached normal variate, to be used under the lock.
fn legacy_of(slf: &Obj<'_>) -> *mut Legacy {
    // SAFETY: a field of a live object.
    unsafe { &raw mut (*raw(slf)).legacy }
}

fn str_of<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let source = get_bit_generator(slf)?;
    let text = format!("{}({})", slf.get_type().name()?, source.get_type().name()?);
    Ok(PyString::new(slf.py(), &text).into_any())
}

fn repr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let text = format!("{} at 0x{:X}", slf.str()?, slf.as_ptr() as usize);
    Ok(PyString::new(slf.py(), &text).into_any())
}

fn none<'py>(py: Python<'py>) -> PyResult<Obj<'py>> {
    Ok(py.None().into_bound(py))
}

fn getstate<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let kwargs = PyDict::new(slf.py());
    kwargs.set_item("legacy", false)?;
    slf.call_method("get_state", (), Some(&kwargs))
}

fn setstate<'py>(slf: &Obj<'py>, state: &Obj<'py>) -> PyResult<Obj<'py>> {
    slf.call_method1("set_state", (state,))
}

fn reduce<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let ctor = cached(py, "numpy.random._pickle", "__randomstate_ctor")?;
    Ok((ctor, (get_bit_generator(slf)?,), getstate(slf)?).into_pyobject(py)?.into_any())
}

fn is_mt19937(obj: &Obj<'_>) -> bool {
    // SAFETY: live object, ready type.
    unsafe { ffi::PyObject_TypeCheck(obj.as_ptr(), generators::MT19937.as_type()) != 0 }
}

fn seed<'py>(slf: &Obj<'py>, [seed]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let source = get_bit_generator(slf)?;
    if !is_mt19937(&source) {
        return Err(PyTypeError::new_err("can only re-seed a MT19937 BitGenerator"));
    }
    source.call_method1(intern!(py, "_legacy_seeding"), (seed,))?;
    reset_gauss(slf);
    none(py)
}

fn get_state<'py>(slf: &Obj<'py>, [legacy]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let mut legacy = legacy.map_or(Ok(true), |l| l.is_truthy())?;
    let source = get_bit_generator(slf)?;
    let st = source.getattr(intern!(py, "state"))?;
    if legacy && st.get_item("bit_generator")?.ne("MT19937")? {
        warn(
            py,
            &py.get_type::<PyRuntimeWarning>(),
            "get_state and legacy can only be used with the MT19937 BitGenerator. To silence this warning, set `legacy` to False.",
        )?;
        legacy = false;
    }
    // SAFETY: plain fields of the object.
    let (has_gauss, gauss) = unsafe { ((*raw(slf)).legacy.has_gauss, (*raw(slf)).legacy.gauss) };
    st.set_item("has_gauss", has_gauss)?;
    st.set_item("gauss", gauss)?;
    if legacy && !is_mt19937(&source) {
        return Err(PyValueError::new_err(
            "legacy can only be True when the underlyign bitgenerator is an instance of MT19937.",
        ));
    }
    if !legacy {
        return Ok(st);
    }
    let inner = st.get_item("state")?;
    let parts = (
        st.get_item("bit_generator")?,
        inner.get_item("key")?,
        inner.get_item("pos")?,
        st.get_item("has_gauss")?,
        st.get_item("gauss")?,
    );
    Ok(parts.into_pyobject(py)?.into_any())
}

fn set_state<'py>(slf: &Obj<'py>, [state]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let state = state.unwrap_or_else(|| py.None().into_bound(py));
    let st = if let Ok(dict) = state.cast::<PyDict>() {
        if !dict.contains("bit_generator")? || !dict.contains("state")? {
            return Err(PyValueError::new_err("state dictionary is not valid."));
        }
        dict.clone()
    } else {
        if !state.is_instance_of::<PyTuple>() && !state.is_instance_of::<PyList>() {
            return Err(PyTypeError::new_err("state must be a dict or a tuple."));
        }
        if state.get_item(0)?.ne("MT19937")? {
            return Err(PyValueError::new_err(
                "set_state can only be used with legacy MT19937 state instances.",
            ));
        }
        let (st, inner) = (PyDict::new(py), PyDict::new(py));
        inner.set_item("key", state.get_item(1)?)?;
        inner.set_item("pos", state.get_item(2)?)?;
        st.set_item("bit_generator", state.get_item(0)?)?;
        st.set_item("state", inner)?;
        if state.len()? > 3 {
            st.set_item("has_gauss", state.get_item(3)?)?;
            st.set_item("gauss", state.get_item(4)?)?;
        }
        st
    };
    let gauss: f64 = st.get_item("gauss")?.map_or(Ok(0.0), |g| g.extract())?;
    let has_gauss: i32 = st.get_item("has_gauss")?.map_or(Ok(0), |g| g.extract())?;
    // SAFETY: plain fields of the object.
    unsafe {
        (*raw(slf)).legacy.gauss = gauss;
        (*raw(slf)).legacy.has_gauss = has_gauss;
    }
    get_bit_generator(slf)?.setattr(intern!(py, "state"), st)?;
    none(py)
}

fn hidden<'py>(py: Python<'py>) -> PyResult<Obj<'py>> {
    cached(py, "numpy.random.mtrand", "_rand")
}

fn module_seed<'py>(slf: &Obj<'py>, [seed]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let rand = hidden(py)?;
    let source = get_bit_generator(&rand)?;
    if is_mt19937(&source) {
        return rand.call_method1(intern!(py, "seed"), (seed,));
    }
    let fresh = source.get_type().call1((seed,))?;
    source.setattr(intern!(py, "state"), fresh.getattr(intern!(py, "state"))?)?;
    none(py)
}

fn module_get_bit_generator<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    get_bit_generator(&hidden(slf.py())?)
}

fn module_set_bit_generator<'py>(slf: &Obj<'py>, [source]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    attach(&hidden(py)?, &source.unwrap_or_else(|| py.None().into_bound(py)))?;
    none(py)
}

/// `sample` and `ranf`: old names of `random_sample`.
fn sample<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (args, kwargs) = args.to_tuple_dict()?;
    hidden(slf.py())?.getattr(intern!(slf.py(), "random_sample"))?.call(args, Some(&kwargs))
}

// Distributions

fn random_sample<'py>(slf: &Obj<'py>, [size]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    filled(&s, &size, &None, |p, n| {
        // SAFETY: `filled` says where there is room for how many.
        unsafe { fill::unit_f64(&s.rng, p, n) }
    })
}

fn tomaxint<'py>(slf: &Obj<'py>, [size]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    plain(&s, &size, &None, || s.rng.positive_i64())
}

/// Distributions without parameters, of the frozen algorithms.
macro_rules! plain_legacy {
    ($($name:ident $method:ident;)*) => {$(
        fn $name<'py>(slf: &Obj<'py>, [size]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
            let (s, l) = (stream(slf)?, legacy_of(slf));
            // SAFETY: the object lives, the lock is held.
            plain(&s, &size, &None, || unsafe { (*l).$method() })
        }
    )*};
}
plain_legacy! {
    standard_exponential standard_exponential;
    standard_normal gauss;
    standard_cauchy standard_cauchy;
}

/// Distributions of real parameters: `Legacy` methods after `self`, functions of the bits after `bits`.
macro_rules! distributions {
    (@one self $method:ident, $s:ident, $l:ident, $($p:ident),+) => {
        // SAFETY: the object lives, the lock is held.
        unsafe { (*$l).$method($($p),+) }
    };
    (@one bits $f:path, $s:ident, $l:ident, $($p:ident),+) => {
        $f(&$s.rng, $($p),+)
    };
    ($($name:ident($($p:ident $(= $d:literal)?: $c:ident),+) $kind:tt $f:tt $(:: $g:tt)?;)*) => {$(
        fn $name<'py>(
            slf: &Obj<'py>,
            [$($p,)+ size]: [Arg<'py>; [$(stringify!($p)),+].len() + 1],
        ) -> PyResult<Obj<'py>> {
            let s = stream(slf)?;
            #[allow(unused_variables)]
            let l = legacy_of(slf);
            let params = [$(Param::real(&$p, [$($d,)? 0.0][0], stringify!($p), Constraint::$c)?),+];
            draw(&s, &size, &params, &None, |[$($p),+]: [f64; _]| {
                distributions!(@one $kind $f $(:: $g)?, s, l, $($p),+)
            })
        }
    )*};
}
distributions! {
    beta(a: Positive, b: Positive) self beta;
    exponential(scale = 1.0: NonNegative) self exponential;
    normal(loc = 0.0: Any, scale = 1.0: NonNegative) self normal;
    standard_gamma(shape: NonNegative) self standard_gamma;
    gamma(shape: NonNegative, scale = 1.0: NonNegative) self gamma;
    f(dfnum: Positive, dfden: Positive) self f;
    noncentral_f(dfnum: Positive, dfden: Positive, nonc: NonNegative) self noncentral_f;
    chisquare(df: Positive) self chisquare;
    noncentral_chisquare(df: Positive, nonc: NonNegative) self noncentral_chisquare;
    standard_t(df: Positive) self standard_t;
    vonmises(mu: Any, kappa: NonNegative) self vonmises;
    pareto(a: Positive) self pareto;
    weibull(a: NonNegative) self weibull;
    power(a: Positive) self power;
    laplace(loc = 0.0: Any, scale = 1.0: NonNegative) bits continuous::laplace;
    gumbel(loc = 0.0: Any, scale = 1.0: NonNegative) bits continuous::gumbel;
    logistic(loc = 0.0: Any, scale = 1.0: NonNegative) bits continuous::logistic;
    lognormal(mean = 0.0: Any, sigma = 1.0: NonNegative) self lognormal;
    rayleigh(scale = 1.0: NonNegative) self rayleigh;
    wald(mean: Positive, scale: Positive) self wald;
    negative_binomial(n: Positive, p: Bounded01) self negative_binomial;
    poisson(lam = 1.0: Poisson) bits discrete::poisson;
    zipf(a: Gt1) bits legacy::zipf;
    geometric(p: BoundedGt0) bits legacy::geometric;
    logseries(p: BoundedLt1) bits legacy::logseries;
}

fn uniform<'py>(slf: &Obj<'py>, [low, high, size]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    let params = uniform_params(low, high, slf.py(), "Range exceeds valid bounds", Constraint::Any)?;
    if let [None, None] = params.each_ref().map(Param::array) {
        params.iter().try_for_each(|p| p.check(true))?;
        let [low, range] = params.map(|p| p.real_value());
        return filled(&s, &size, &None, |p, n| {
            // SAFETY: `filled` says where there is room for how many.
            unsafe { fill::uniform(&s.rng, low, range, p, n) }
        });
    }
    draw(&s, &size, &params, &None, |[low, range]: [f64; 2]| continuous::uniform(&s.rng, low, range))
}

fn triangular<'py>(slf: &Obj<'py>, [left, mode, right, size]: [Arg<'py>; 4]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    let params = triangular_params(left, mode, right, slf.py())?;
    draw(&s, &size, &params, &None, |[l, m, r]: [f64; 3]| continuous::triangular(&s.rng, l, m, r))
}

fn binomial<'py>(slf: &Obj<'py>, [n, p, size]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    // SAFETY: used under the lock only.
    let setup = unsafe { &raw mut (*raw(slf)).binomial };
    draw_binomial(&s, &n, &p, &size, Constraint::LegacyNonNegative, |rng, p, n| {
        // SAFETY: the object lives, the lock is held.
        unsafe { (*setup).draw_always(rng, p, n) }
    })
}

fn hypergeometric<'py>(slf: &Obj<'py>, [ngood, nbad, nsample, size]: [Arg<'py>; 4]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    let params = hypergeometric_params(ngood, nbad, nsample, slf.py(), None, Constraint::AtLeast1)?;
    draw(&s, &size, &params, &None, |[good, bad, sample]: [i64; 3]| {
        legacy::hypergeometric(&s.rng, good, bad, sample)
    })
}

fn randint<'py>(slf: &Obj<'py>, [low, high, size, ty]: [Arg<'py>; 4]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let (low, high) = range_bounds(low, high, py)?;
    let ty = ty.unwrap_or_else(|| py.get_type::<PyInt>().into_any());
    let mut descr = dtype::convert(&ty)?;
    if !descr.dtype().is_native() {
        warn(
            py,
            &py.get_type::<PyDeprecationWarning>(),
            "Providing a dtype with a non-native byteorder is not supported. If you require platform-independent byteorder, call byteswap when required.\nIn future version, providing byteorder will raise a ValueError",
        )?;
        descr = dtype::convert(&descr.0.call_method0("newbyteorder")?)?;
    }
    let mode = integers::Mode { masked: true, closed: false };
    match integers::integers(&stream(slf)?, &descr, &low, &high, &size, mode)? {
        Some(made) => as_python_type(made, &Some(ty), &size),
        None => Err(PyTypeError::new_err(format!("Unsupported dtype {} for randint", descr.0.repr()?))),
    }
}

fn random_integers<'py>(slf: &Obj<'py>, [low, high, size]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let low = low.unwrap_or_else(|| py.None().into_bound(py));
    let (low, high) = match high.filter(|h| !h.is_none()) {
        Some(high) => (low, high),
        None => (PyInt::new(py, 1).into_any(), low),
    };
    let text = format!(
        "This function is deprecated. Please call randint({}, {} + 1) instead",
        low.str()?,
        high.str()?
    );
    warn(py, &py.get_type::<PyDeprecationWarning>(), &text)?;
    let high = py.get_type::<PyInt>().call1((high,))?.add(1)?;
    let kwargs = PyDict::new(py);
    kwargs.set_item("size", size)?;
    kwargs.set_item("dtype", "l")?;
    slf.call_method("randint", (low, high), Some(&kwargs))
}

fn bytes<'py>(slf: &Obj<'py>, [length]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    random_bytes(&stream(slf)?, &length)
}

/// The dimensions passed as arguments; none means a single number.
fn varargs<'py>(args: Args<'_, 'py>, name: &str) -> PyResult<Arg<'py>> {
    if args.has_keywords() {
        return Err(PyTypeError::new_err(format!("{name}() takes no keyword arguments")));
    }
    if args.is_empty() {
        return Ok(None);
    }
    Ok(Some(args.to_tuple_dict()?.0.into_any()))
}

fn rand<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    random_sample(slf, [varargs(args, "rand")?])
}

fn randn<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    standard_normal(slf, [varargs(args, "randn")?])
}

const CHOICE: ChoiceTexts = ChoiceTexts {
    p_ndim: "'p' must be 1-dimensional",
    p_size: "'a' and 'p' must have same size",
    p_nan: "probabilities contain NaN",
    p_negative: "probabilities are not non-negative",
    p_sum: "probabilities do not sum to 1",
};

fn choice<'py>(slf: &Obj<'py>, [a, size, replace, p]: [Arg<'py>; 4]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let replace = replace.map_or(Ok(true), |r| r.is_truthy())?;
    let a = a.unwrap_or_else(|| py.None().into_bound(py));
    let a = array::from_any(&a, None, 0, 0, NPY_ARRAY_ENSUREARRAY)?;
    let takes_none = || -> PyResult<bool> {
        match &size {
            Some(size) if !size.is_none() => np(py, "prod")?.call1((size,))?.eq(0),
            _ => Ok(false),
        }
    };
    let value = |text: &'static str| Err(PyValueError::new_err(text));
    let pop_size: isize = match a.ndim() {
        0 => {
            let item = a.0.call_method0(intern!(py, "item"))?;
            let n = array::args::index(&item).map_err(|e| {
                if e.is_instance_of::<PyTypeError>(py) {
                    PyValueError::new_err("a must be 1-dimensional or an integer")
                } else {
                    e
                }
            })?;
            if n <= 0 && !takes_none()? {
                return value("a must be greater than 0 unless no samples are taken");
            }
            n
        }
        1 => {
            let n = a.shape()[0];
            if n == 0 && !takes_none()? {
                return value("'a' cannot be empty unless no samples are taken");
            }
            n
        }
        _ => return value("a must be 1-dimensional"),
    };
    let p = match p.filter(|p| !p.is_none()) {
        Some(p) => Some(sampling::probabilities(&p, pop_size, &CHOICE)?),
        None => None,
    };
    let is_scalar = !given(&size);
    let shape = match &size {
        Some(size) if !is_scalar => size.clone(),
        _ => py.None().into_bound(py),
    };
    let idx = if replace {
        match &p {
            Some(p) => {
                let draws = slf.call_method1(intern!(py, "random_sample"), (&shape,))?;
                sampling::choose_with_replacement(p, &draws)?
            }
            None => slf.call_method1(intern!(py, "randint"), (0, pop_size, &shape))?,
        }
    } else {
        let n = if is_scalar { 1 } else { sampling::count(&shape)? };
        if n > pop_size {
            return value("Cannot take a larger sample than population when 'replace=False'");
        }
        if n < 0 {
            return value("Negative dimensions are not allowed");
        }
        let shape = if is_scalar { PyTuple::empty(py).into_any() } else { shape };
        match &p {
            Some(p) => sampling::choose_distinct(p, n, &shape, |missing| {
                slf.call_method1(intern!(py, "rand"), (missing,))
            })?,
            None => {
                let all = slf.call_method1(intern!(py, "permutation"), (pop_size,))?;
                let some = all.get_item(pyo3::types::PySlice::new(py, 0, n, 1))?;
                some.call_method1(intern!(py, "reshape"), (shape,))?
            }
        }
    };
    sampling::pick(&a, idx, is_scalar, |idx| a.0.get_item(idx))
}

fn multivariate_normal<'py>(
    slf: &Obj<'py>,
    [mean, cov, size, check_valid, tol]: [Arg<'py>; 5],
) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let (Some(mean), Some(cov)) = (mean, cov) else {
        return Err(PyTypeError::new_err("missing argument"));
    };
    let (mean, cov, shape) = sampling::normal_arguments(&mean, &cov, size.as_ref())?;
    let k = mean.len()?;
    let x = slf.call_method1(intern!(py, "standard_normal"), (&shape,))?;
    let x = x.call_method1("reshape", (-1, k))?;
    // In double precision, so that the tolerance means something.
    let cov = cov.call_method1("astype", (np(py, "float64")?,))?;
    let parts = cached(py, "numpy.linalg", "svd")?.call1((&cov,))?;
    let (s, vh) = (parts.get_item(1)?, parts.get_item(2)?);
    let check_valid: String = check_valid.map_or(Ok("warn".into()), |c| c.extract())?;
    if let Some(raise) = sampling::check_valid_mode(&check_valid)? {
        let tol = tol.unwrap_or_else(|| pyo3::types::PyFloat::new(py, 1e-8).into_any());
        if !svd_is_valid(&s, &vh, &cov, &tol)? {
            sampling::not_semidefinite(py, raise)?;
        }
    }
    let root = np(py, "sqrt")?.call1((s,))?.call_method1("reshape", (-1, 1))?;
    let x = np(py, "dot")?.call1((x, root.mul(vh)?))?;
    let x = sampling::in_place(&x, "__iadd__", &mean)?;
    x.call_method1("reshape", (py.get_type::<PyTuple>().call1((shape,))?,))
}

fn multinomial<'py>(slf: &Obj<'py>, [n, pvals, size]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let (Some(n), Some(pvals)) = (n, pvals) else { return Err(PyTypeError::new_err("missing argument")) };
    let n = py.get_type::<PyInt>().call1((n,))?;
    let n = super::draw::integer(&n)?;
    if pvals.len().is_err() {
        return Err(PyTypeError::new_err("pvals must be a 1-d sequence"));
    }
    let descr = dtype::builtin(py, TypeNum::DOUBLE);
    let parr =
        array::from_any(&pvals, Some(&descr), 0, 1, crate::abi::NPY_ARRAY_ALIGNED | NPY_ARRAY_C_CONTIGUOUS)?;
    Constraint::Bounded01.check_array(&parr, "pvals")?;
    // SAFETY: contiguous float64.
    let pix = unsafe { reals(&parr) };
    check_pvals_sum(&pvals, pix)?;
    Constraint::NonNegative.check(n as f64, "n", false)?;
    let out = zeros_with_last(py, &size, pix.len() as isize, TypeNum::LONG)?;
    if out.size() == 0 {
        return Ok(out.0);
    }
    let s = stream(slf)?;
    // SAFETY: used under the lock only; a fresh contiguous array nobody else sees.
    let (setup, values) = unsafe {
        (&raw mut (*raw(slf)).binomial, std::slice::from_raw_parts_mut(out.data().cast::<i64>(), out.size()))
    };
    locked(&s.lock, values.len(), || {
        for row in values.chunks_exact_mut(pix.len()) {
            multivariate::multinomial(&s.rng, n, row, pix, |rng, p, n| {
                // SAFETY: the object lives, the lock is held.
                unsafe { (*setup).draw_always(rng, p, n) }
            });
        }
    })?;
    Ok(out.0)
}

fn dirichlet<'py>(slf: &Obj<'py>, [alpha, size]: [Arg<'py>; 2]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let s = stream(slf)?;
    let alpha = alpha.unwrap_or_else(|| py.None().into_bound(py));
    let arr = alphas(&alpha, |a| a <= 0.0, "alpha <= 0")?;
    // SAFETY: contiguous float64.
    let alpha = unsafe { reals(&arr) };
    let out = zeros_with_last(py, &size, alpha.len() as isize, TypeNum::DOUBLE)?;
    if out.size() == 0 {
        return Ok(out.0);
    }
    let l = legacy_of(slf);
    // SAFETY: fresh, contiguous, nobody else sees it.
    let values = unsafe { std::slice::from_raw_parts_mut(out.data().cast::<f64>(), out.size()) };
    locked(&s.lock, values.len(), || {
        for row in values.chunks_exact_mut(alpha.len()) {
            // SAFETY: the object lives, the lock is held.
            normalize(row, alpha, |a| unsafe { (*l).standard_gamma(a) });
        }
    })?;
    Ok(out.0)
}

fn shuffle<'py>(slf: &Obj<'py>, [x]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let x = x.unwrap_or_else(|| py.None().into_bound(py));
    sampling::shuffle_in_place(&stream(slf)?, &x, None)?;
    none(py)
}

fn permutation<'py>(slf: &Obj<'py>, [x]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let x = x.unwrap_or_else(|| py.None().into_bound(py));
    let shuffled = |arr: Obj<'py>| -> PyResult<Obj<'py>> {
        slf.call_method1(intern!(py, "shuffle"), (&arr,))?;
        Ok(arr)
    };
    if x.is_instance_of::<PyInt>() || x.is_instance(&np(py, "integer")?)? {
        let kwargs = PyDict::new(py);
        kwargs.set_item("dtype", np(py, "result_type")?.call1((&x, np(py, "long")?))?)?;
        return shuffled(np(py, "arange")?.call((x,), Some(&kwargs))?);
    }
    let arr = array::from_any(&x, None, 0, 0, NPY_ARRAY_ENSUREARRAY)?;
    match arr.ndim() {
        0 => Err(PyIndexError::new_err("x must be an integer or at least 1-dimensional")),
        1 => {
            let shared = np(py, "may_share_memory")?.call1((&arr.0, &x))?.is_truthy()?;
            shuffled(if shared { np(py, "array")?.call1((&arr.0,))? } else { arr.0 })
        }
        _ => {
            let kwargs = PyDict::new(py);
            kwargs.set_item("dtype", np(py, "intp")?)?;
            let idx = shuffled(np(py, "arange")?.call((arr.shape()[0],), Some(&kwargs))?)?;
            arr.0.get_item(idx)
        }
    }
}
