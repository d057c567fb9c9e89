//! `Generator` and `default_rng`.

use std::mem::size_of;

use micronumpy::array::{broadcast_shapes, broadcast_shapes_args};
use micronumpy::{Dims, Order, TypeNum};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyMemoryError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyModule, PySlice, PyString, PyTuple};
use pyo3::{ffi, intern};
use ufuncs::random::bounded::{Buffer, bounded};
use ufuncs::random::discrete::{self, Binomial};
use ufuncs::random::shuffle::{Draw, shuffle as shuffle_raw};
use ufuncs::random::{BitGen, continuous, fill, hypergeometric as hyper, multivariate};

use super::call::{Signature, def};
use super::constraint::{Constraint, POISSON_LAM_MAX};
use super::draw::{
    Output, Param, Stream, as_array, check_shape, draw, empty, filled, for_each, given, locked, plain, walk,
    zeros_with_last,
};
use super::object::{self, Owner};
use super::sampling::{self, ChoiceTexts, kahan_sum, reals};
use super::{Arg, Obj, bit_generator, generators, integers, mtrand, np};
use crate::abi::{NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_CARRAY_RO, NPY_ARRAY_F_CONTIGUOUS, StaticType};
use crate::error::IntoPyResult;
use crate::ffi::args::with_args;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::objects::{Array, Descr, array, dtype};
use crate::{callfunc, getset, initproc, noargs, onearg, unaryfunc};

pub static GENERATOR: StaticType = StaticType::zeroed();

#[repr(C)]
struct GeneratorObject {
    ob_base: ffi::PyObject,
    bit_generator: *mut ffi::PyObject,
    /// Copied from the bit generator.
    bitgen: BitGen,
    binomial: Binomial,
    lock: *mut ffi::PyObject,
}
const _: () = assert!(size_of::<GeneratorObject>() == 208);

// SAFETY: the two objects.
unsafe impl Owner for GeneratorObject {
    fn for_each_ref(&mut self, mut f: impl FnMut(&mut *mut ffi::PyObject)) {
        f(&mut self.bit_generator);
        f(&mut self.lock);
    }
}

static METHODS: Methods<48> = Methods::new([
    noargs!(c"__getstate__", getstate),
    onearg!(c"__setstate__", setstate),
    noargs!(c"__reduce__", reduce),
    def!("spawn", "n_children", spawn),
    def!(hidden "random", "size=None, dtype=None, out=None", random),
    def!("beta", "a, b, size=None", beta),
    def!("exponential", "scale=1.0, size=None", exponential),
    def!(hidden "standard_exponential", "size=None, dtype=None, method='zig', out=None", standard_exponential),
    def!(hidden "integers", "low, high=None, size=None, dtype=None, endpoint=False", draw_integers),
    def!("bytes", "length", bytes),
    def!("choice", "a, size=None, replace=True, p=None, axis=0, shuffle=True", choice),
    def!("uniform", "low=0.0, high=1.0, size=None", uniform),
    def!(hidden "standard_normal", "size=None, dtype=None, out=None", standard_normal),
    def!("normal", "loc=0.0, scale=1.0, size=None", normal),
    def!(hidden "standard_gamma", "shape, size=None, dtype=None, out=None", standard_gamma),
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
    def!(
        "multivariate_normal",
        "mean, cov, size=None, check_valid='warn', tol=1e-08, *, method='svd'",
        multivariate_normal
    ),
    def!("multinomial", "n, pvals, size=None", multinomial),
    def!(
        "multivariate_hypergeometric",
        "colors, nsample, size=None, method='marginals'",
        multivariate_hypergeometric
    ),
    def!("dirichlet", "alpha, size=None", dirichlet),
    def!("permuted", "x, *, axis=None, out=None", permuted),
    def!("shuffle", "x, axis=0", shuffle),
    def!("permutation", "x, axis=0", permutation),
    END,
]);
static GETSETS: GetSets<3> = GetSets::new([
    getset!(c"bit_generator", get_bit_generator),
    getset!(c"_bit_generator", get_bit_generator, set_bit_generator),
    GETSET_END,
]);
static FUNCTIONS: Methods<2> = Methods::new([def!("default_rng", "seed=None", default_rng), END]);

pub fn ready(py: Python<'_>) -> PyResult<()> {
    // SAFETY: a static type not in use yet; slots fit the layout.
    unsafe {
        let ty = GENERATOR.as_type();
        types::prepare(
            ty,
            c"numpy.random._generator.Generator",
            size_of::<GeneratorObject>(),
            bit_generator::FLAGS,
        );
        (*ty).tp_doc =
            c"Generator(bit_generator)\n--\n\nDraws from many distributions by the bits of a generator."
                .as_ptr();
        (*ty).tp_new = Some(callfunc!(new create));
        (*ty).tp_init = Some(initproc!(init));
        (*ty).tp_repr = Some(unaryfunc!(repr));
        (*ty).tp_str = Some(unaryfunc!(str_of));
        (*ty).tp_traverse = Some(object::traverse::<GeneratorObject>);
        (*ty).tp_clear = Some(object::clear::<GeneratorObject>);
        (*ty).tp_dealloc = Some(object::dealloc::<GeneratorObject>);
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)?;
        object::set_class_value(py, ty, "_poisson_lam_max", POISSON_LAM_MAX)
    }
}

/// `numpy.random._generator`
pub fn fill_module(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::modules::multiarray::add_functions(module, &FUNCTIONS)?;
    module.getattr("default_rng")?.setattr("__module__", "numpy.random")?;
    // SAFETY: ready types.
    unsafe {
        module.add("Generator", types::handle(py, GENERATOR.as_type()))?;
        module.add("PCG64", types::handle(py, generators::PCG64.as_type()))?;
    }
    module.add("Sequence", py.import("collections.abc")?.getattr("Sequence")?)?;
    module
        .add("normalize_axis_index", py.import("numpy.lib.array_utils")?.getattr("normalize_axis_index")?)?;
    module.delattr("__all__")
}

fn raw(slf: &Obj<'_>) -> *mut GeneratorObject {
    slf.as_ptr().cast()
}

fn create<'py>(ty: &Obj<'py>, _: &Obj<'py>, _: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    // SAFETY: the slot of this type.
    unsafe {
        let obj = object::alloc::<GeneratorObject>(ty)?;
        (*raw(&obj)).bitgen = bit_generator::silent();
        Ok(obj)
    }
}

fn init<'py>(slf: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<()> {
    static SIG: Signature = Signature::new("__init__", "bit_generator");
    let [source] = with_args(args, kwargs, |a| SIG.parse(a))?;
    let Some(source) = source else { return Err(PyTypeError::new_err("missing bit generator")) };
    let Some(stream) = bit_generator::stream_of(&source)? else {
        return Err(PyValueError::new_err("Invalid bit generator. The bit generator must be instantiated."));
    };
    // SAFETY: the object's own slots.
    unsafe {
        let this = &mut *raw(slf);
        this.bitgen = stream.rng;
        object::set(&mut this.lock, Some(stream.lock));
        object::set(&mut this.bit_generator, Some(source));
    }
    Ok(())
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
    none(slf.py())
}

/// Pickles from before the bit generator was an argument of the constructor bring its state.
fn setstate<'py>(slf: &Obj<'py>, state: &Obj<'py>) -> PyResult<Obj<'py>> {
    if state.is_instance_of::<PyDict>() {
        get_bit_generator(slf)?.setattr(intern!(slf.py(), "state"), state)?;
    }
    none(slf.py())
}

fn reduce<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let ctor = cached(py, "numpy.random._pickle", "__generator_ctor")?;
    Ok((ctor, (get_bit_generator(slf)?,), py.None()).into_pyobject(py)?.into_any())
}

fn spawn<'py>(slf: &Obj<'py>, [n_children]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let list = PyList::empty(py);
    let children = get_bit_generator(slf)?.call_method1(intern!(py, "spawn"), (n_children,))?;
    for child in children.try_iter()? {
        list.append(slf.get_type().call1((child?,))?)?;
    }
    Ok(list.into_any())
}

fn default_rng<'py>(slf: &Obj<'py>, [seed]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let seed = seed.unwrap_or_else(|| py.None().into_bound(py));
    // SAFETY: ready types.
    let (class, pcg64, legacy) = unsafe {
        (
            types::handle(py, GENERATOR.as_type()),
            types::handle(py, generators::PCG64.as_type()),
            types::handle(py, mtrand::RANDOM_STATE.as_type()),
        )
    };
    if bit_generator::is_bit_generator(&seed) {
        return class.call1((seed,));
    }
    if seed.is_instance(&class)? {
        return Ok(seed);
    }
    if seed.is_instance(&legacy)? {
        return class.call1((seed.getattr(intern!(py, "_bit_generator"))?,));
    }
    class.call1((pcg64.call1((seed,))?,))
}

/// The element type a method is asked for: double unless given.
fn real_type<'py>(dtype: Arg<'py>, py: Python<'py>, method: &str) -> PyResult<TypeNum> {
    let Some(dtype) = dtype else { return Ok(TypeNum::DOUBLE) };
    let descr: Descr<'py> = dtype::convert(&dtype)?;
    let dt = descr.dtype();
    match dt.num {
        TypeNum::DOUBLE | TypeNum::FLOAT if dt.is_native() => Ok(dt.num),
        _ => {
            let _ = py;
            Err(PyTypeError::new_err(format!("Unsupported dtype {} for {method}", descr.0.repr()?)))
        }
    }
}

fn random<'py>(slf: &Obj<'py>, [size, dtype, out]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    match real_type(dtype, slf.py(), "random")? {
        TypeNum::FLOAT => filled(&s, &size, &out, |p, n| {
            // SAFETY: `filled` says where there is room for how many.
            unsafe { fill::unit_f32(&s.rng, p, n) }
        }),
        _ => filled(&s, &size, &out, |p, n| {
            // SAFETY: `filled` says where there is room for how many.
            unsafe { fill::unit_f64(&s.rng, p, n) }
        }),
    }
}

fn standard_normal<'py>(slf: &Obj<'py>, [size, dtype, out]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    match real_type(dtype, slf.py(), "standard_normal")? {
        TypeNum::FLOAT => filled(&s, &size, &out, |p, n| {
            // SAFETY: `filled` says where there is room for how many.
            unsafe { fill::standard_normal_f32(&s.rng, p, n) }
        }),
        _ => filled(&s, &size, &out, |p, n| {
            // SAFETY: `filled` says where there is room for how many.
            unsafe { fill::standard_normal(&s.rng, p, n) }
        }),
    }
}

fn standard_exponential<'py>(
    slf: &Obj<'py>,
    [size, dtype, method, out]: [Arg<'py>; 4],
) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    let zig = method.map_or(Ok(true), |m| m.eq("zig"))?;
    match (real_type(dtype, slf.py(), "standard_exponential")?, zig) {
        (TypeNum::FLOAT, true) => filled(&s, &size, &out, |p, n| {
            // SAFETY: `filled` says where there is room for how many.
            unsafe { fill::standard_exponential_f32(&s.rng, p, n) }
        }),
        (TypeNum::FLOAT, false) => {
            plain(&s, &size, &out, || continuous::standard_exponential_inv_f32(&s.rng))
        }
        (_, true) => filled(&s, &size, &out, |p, n| {
            // SAFETY: `filled` says where there is room for how many.
            unsafe { fill::standard_exponential(&s.rng, p, n) }
        }),
        (_, false) => plain(&s, &size, &out, || continuous::standard_exponential_inv(&s.rng)),
    }
}

fn standard_cauchy<'py>(slf: &Obj<'py>, [size]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    plain(&s, &size, &None, || continuous::standard_cauchy(&s.rng))
}

fn standard_gamma<'py>(slf: &Obj<'py>, [shape, size, dtype, out]: [Arg<'py>; 4]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    let num = real_type(dtype, slf.py(), "standard_gamma")?;
    let params = [Param::real(&shape, 0.0, "shape", Constraint::NonNegative)?];
    match num {
        TypeNum::FLOAT => {
            draw(&s, &size, &params, &out, |[k]: [f64; 1]| continuous::standard_gamma_f32(&s.rng, k as f32))
        }
        _ => draw(&s, &size, &params, &out, |[k]: [f64; 1]| continuous::standard_gamma(&s.rng, k)),
    }
}

/// Distributions of real parameters: name, parameters with default and constraint, the function that draws.
macro_rules! distributions {
    ($($name:ident($($p:ident $(= $d:literal)?: $c:ident),+) $f:path;)*) => {$(
        fn $name<'py>(
            slf: &Obj<'py>,
            [$($p,)+ size]: [Arg<'py>; [$(stringify!($p)),+].len() + 1],
        ) -> PyResult<Obj<'py>> {
            let s = stream(slf)?;
            let params = [$(Param::real(&$p, [$($d,)? 0.0][0], stringify!($p), Constraint::$c)?),+];
            draw(&s, &size, &params, &None, |[$($p),+]: [f64; _]| $f(&s.rng, $($p),+))
        }
    )*};
}
/// As [`distributions!`], with a function besides that makes many draws with the same parameters.
macro_rules! filled_distributions {
    ($($name:ident($($p:ident $(= $d:literal)?: $c:ident),+) $f:path, $many:path;)*) => {$(
        fn $name<'py>(
            slf: &Obj<'py>,
            [$($p,)+ size]: [Arg<'py>; [$(stringify!($p)),+].len() + 1],
        ) -> PyResult<Obj<'py>> {
            let s = stream(slf)?;
            let params = [$(Param::real(&$p, [$($d,)? 0.0][0], stringify!($p), Constraint::$c)?),+];
            if params.iter().all(|p| p.array().is_none()) {
                params.iter().try_for_each(|p| p.check(true))?;
                let [$($p),+] = params.each_ref().map(Param::real_value);
                return filled(&s, &size, &None, |out, n| {
                    // SAFETY: `filled` says where there is room for how many.
                    unsafe { $many(&s.rng, $($p,)+ out, n) }
                });
            }
            draw(&s, &size, &params, &None, |[$($p),+]: [f64; _]| $f(&s.rng, $($p),+))
        }
    )*};
}
filled_distributions! {
    exponential(scale = 1.0: NonNegative) continuous::exponential, fill::exponential;
    normal(loc = 0.0: Any, scale = 1.0: NonNegative) continuous::normal, fill::normal;
    poisson(lam = 1.0: Poisson) discrete::poisson, fill::poisson;
    geometric(p: BoundedGt0) discrete::geometric, fill::geometric;
    vonmises(mu: Any, kappa: NonNegative) continuous::vonmises, fill::vonmises;
}
distributions! {
    beta(a: Positive, b: Positive) continuous::beta;
    gamma(shape: NonNegative, scale = 1.0: NonNegative) continuous::gamma;
    f(dfnum: Positive, dfden: Positive) continuous::f;
    noncentral_f(dfnum: Positive, dfden: Positive, nonc: NonNegative) continuous::noncentral_f;
    chisquare(df: Positive) continuous::chisquare;
    noncentral_chisquare(df: Positive, nonc: NonNegative) continuous::noncentral_chisquare;
    standard_t(df: Positive) continuous::standard_t;
    pareto(a: Positive) continuous::pareto;
    weibull(a: NonNegative) continuous::weibull;
    power(a: Positive) continuous::power;
    laplace(loc = 0.0: Any, scale = 1.0: NonNegative) continuous::laplace;
    gumbel(loc = 0.0: Any, scale = 1.0: NonNegative) continuous::gumbel;
    logistic(loc = 0.0: Any, scale = 1.0: NonNegative) continuous::logistic;
    lognormal(mean = 0.0: Any, sigma = 1.0: NonNegative) continuous::lognormal;
    rayleigh(scale = 1.0: NonNegative) continuous::rayleigh;
    wald(mean: Positive, scale: Positive) continuous::wald;
    zipf(a: Gt1) discrete::zipf;
    logseries(p: BoundedLt1) discrete::logseries;
}

/// Bounds of a uniform distribution as lower bound and range.
pub fn uniform_params<'py>(
    low: Arg<'py>,
    high: Arg<'py>,
    py: Python<'py>,
    scalar_text: &'static str,
    constraint: Constraint,
) -> PyResult<[Param<'py>; 2]> {
    let low_param = Param::real(&low, 0.0, "low", Constraint::Any)?;
    let high_param = Param::real(&high, 1.0, "high", Constraint::Any)?;
    if low_param.array().is_none() && high_param.array().is_none() {
        let range = high_param.real_value() - low_param.real_value();
        if !range.is_finite() {
            return Err(PyOverflowError::new_err(scalar_text));
        }
        return Ok([low_param, Param::number(range, "high - low", constraint)]);
    }
    let object = |p: &Param<'py>| match p.array() {
        Some(arr) => Ok(arr.0.clone()),
        None => p.real_value().into_pyobject(py).map(|v| v.into_any()),
    };
    let (low_obj, high_obj) = (object(&low_param)?, object(&high_param)?);
    let range =
        as_array(&np(py, "subtract")?.call1((high_obj, &low_obj))?, TypeNum::DOUBLE, NPY_ARRAY_CARRAY_RO)?;
    // SAFETY: contiguous float64, only looked at here.
    if unsafe { reals(&range) }.iter().any(|r| !r.is_finite()) {
        return Err(PyOverflowError::new_err("Range exceeds valid bounds"));
    }
    let range = Param::converted(&range, "high - low", constraint);
    Ok([low_param, range])
}

fn uniform<'py>(slf: &Obj<'py>, [low, high, size]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let s = stream(slf)?;
    let text = "high - low range exceeds valid bounds";
    let params = uniform_params(low, high, slf.py(), text, Constraint::NonNegative)?;
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

/// Corners of a triangle, checked against each other.
pub fn triangular_params<'py>(
    left: Arg<'py>,
    mode: Arg<'py>,
    right: Arg<'py>,
    py: Python<'py>,
) -> PyResult<[Param<'py>; 3]> {
    let params = [
        Param::real(&left, 0.0, "left", Constraint::Any)?,
        Param::real(&mode, 0.0, "mode", Constraint::Any)?,
        Param::real(&right, 0.0, "right", Constraint::Any)?,
    ];
    let complain = |text: &str| Err(PyValueError::new_err(text.to_string()));
    let pair = |a: usize, b: usize, wrong: fn(f64, f64) -> bool| -> PyResult<bool> {
        let operands = [params[a].walk(), params[b].walk()];
        let shape = broadcast_shapes(&[operands[0].1, operands[1].1]).py(py)?;
        let mut found = false;
        // SAFETY: aligned float64 each.
        for_each(&mut walk(py, &shape, &operands)?, |[x, y]| unsafe {
            found |= wrong(x.cast::<f64>().read(), y.cast::<f64>().read());
        });
        Ok(found)
    };
    if pair(0, 1, |l, m| l > m)? {
        return complain("left > mode");
    }
    if pair(1, 2, |m, r| m > r)? {
        return complain("mode > right");
    }
    if pair(0, 2, |l, r| l == r)? {
        return complain("left == right");
    }
    Ok(params)
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
    draw_binomial(&s, &n, &p, &size, Constraint::NonNegative, |rng, p, n| {
        // SAFETY: the object lives, the lock is held.
        unsafe { (*setup).draw(rng, p, n) }
    })
}

/// Binomial variates, whose parameters are of two types.
pub fn draw_binomial<'py>(
    s: &Stream<'py>,
    n: &Arg<'py>,
    p: &Arg<'py>,
    size: &Arg<'py>,
    n_constraint: Constraint,
    mut one: impl FnMut(&BitGen, f64, i64) -> i64,
) -> PyResult<Obj<'py>> {
    let py = s.lock.py();
    let mut p = Param::real(p, 0.0, "p", Constraint::Bounded01)?;
    let mut n = Param::integer(n, "n", n_constraint)?;
    Param::convert_numbers(&mut [&mut p, &mut n])?;
    let scalar = p.array().is_none() && n.array().is_none();
    p.check(scalar)?;
    n.check(scalar)?;
    // SAFETY: aligned numbers of these types.
    let mut read =
        |p: *mut u8, n: *mut u8| unsafe { one(&s.rng, p.cast::<f64>().read(), n.cast::<i64>().read()) };
    let operands = [p.walk(), n.walk()];
    if scalar && !given(size) {
        return locked(&s.lock, 1, || read(operands[0].0, operands[1].0))?.object(py);
    }
    let shapes = [operands[0].1, operands[1].1];
    let randoms = if given(size) {
        empty(py, size, TypeNum::LONG)?
    } else {
        let shape = broadcast_shapes_args(&shapes).py(py)?;
        array::new(&dtype::builtin(py, TypeNum::LONG), &shape, Order::C, false)?
    };
    let shape = broadcast_shapes_args(&[randoms.shape(), shapes[0], shapes[1]]).py(py)?;
    check_shape(&shape, &randoms)?;
    let mut it = walk(py, &shape, &operands)?;
    let mut at = randoms.data().cast::<i64>();
    locked(&s.lock, randoms.size(), || {
        for_each(&mut it, |[p, n]| {
            // SAFETY: one write for each element of a contiguous array.
            unsafe {
                at.write(read(p, n));
                at = at.add(1);
            }
        });
    })?;
    Ok(randoms.0)
}

fn negative_binomial<'py>(slf: &Obj<'py>, [n, p, size]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let s = stream(slf)?;
    let n = Param::real(&n, 0.0, "n", Constraint::PositiveNotNan)?;
    let p = Param::real(&p, 0.0, "p", Constraint::BoundedGt0)?;
    n.check(false)?;
    p.check(false)?;
    // The mean of the Poisson variate has to be small enough, ten standard deviations up.
    let operands = [n.walk(), p.walk()];
    let shape = broadcast_shapes(&[operands[0].1, operands[1].1]).py(py)?;
    let mut too_large = false;
    for_each(&mut walk(py, &shape, &operands)?, |[n, p]| {
        // SAFETY: aligned float64 each.
        let (n, p) = unsafe { (n.cast::<f64>().read(), p.cast::<f64>().read()) };
        too_large |= (1.0 - p) / p * (n + 10.0 * n.sqrt()) > POISSON_LAM_MAX;
    });
    if too_large {
        return Err(PyValueError::new_err(
            "n too large or p too small, see Generator.negative_binomial Notes",
        ));
    }
    draw(&s, &size, &[n, p], &None, |[n, p]: [f64; 2]| discrete::negative_binomial(&s.rng, n, p))
}

/// Parameters of a hypergeometric distribution, checked against each other and against `max` (if any).
pub fn hypergeometric_params<'py>(
    ngood: Arg<'py>,
    nbad: Arg<'py>,
    nsample: Arg<'py>,
    py: Python<'py>,
    max: Option<i64>,
    sample: Constraint,
) -> PyResult<[Param<'py>; 3]> {
    let mut params = [
        Param::integer(&ngood, "ngood", Constraint::NonNegative)?,
        Param::integer(&nbad, "nbad", Constraint::NonNegative)?,
        Param::integer(&nsample, "nsample", sample)?,
    ];
    Param::convert_numbers(&mut params.each_mut())?;
    let operands = [params[0].walk(), params[1].walk(), params[2].walk()];
    let shape = broadcast_shapes(&operands.map(|o| o.1)).py(py)?;
    let (mut too_large, mut too_few) = (false, false);
    for_each(&mut walk(py, &shape, &operands)?, |ptrs: [*mut u8; 3]| {
        // SAFETY: aligned int64 each.
        let [good, bad, sample] = ptrs.map(|p| unsafe { p.cast::<i64>().read() });
        too_large |= max.is_some_and(|max| good >= max || bad >= max);
        too_few |= good.wrapping_add(bad) < sample;
    });
    if let (true, Some(max)) = (too_large, max) {
        return Err(PyValueError::new_err(format!("both ngood and nbad must be less than {max}")));
    }
    if too_few {
        return Err(PyValueError::new_err("ngood + nbad < nsample"));
    }
    Ok(params)
}

fn hypergeometric<'py>(slf: &Obj<'py>, [ngood, nbad, nsample, size]: [Arg<'py>; 4]) -> PyResult<Obj<'py>> {
    const MAX: i64 = 1_000_000_000;
    let s = stream(slf)?;
    let params = hypergeometric_params(ngood, nbad, nsample, slf.py(), Some(MAX), Constraint::NonNegative)?;
    draw(&s, &size, &params, &None, |[good, bad, sample]: [i64; 3]| {
        hyper::hypergeometric(&s.rng, good, bad, sample)
    })
}

/// What `dtype is bool or dtype is int` makes of a scalar.
pub fn as_python_type<'py>(value: Obj<'py>, ty: &Arg<'py>, size: &Arg<'py>) -> PyResult<Obj<'py>> {
    let py = value.py();
    let python = |t: &Obj<'py>| t.is(py.get_type::<PyInt>()) || t.is(py.get_type::<pyo3::types::PyBool>());
    match ty {
        Some(ty) if !given(size) && python(ty) && Array::cast(&value).is_none_or(|a| a.ndim() == 0) => {
            ty.call1((value,))
        }
        _ => Ok(value),
    }
}

/// `high=None` means that `low` is the upper bound and 0 the lower.
pub fn range_bounds<'py>(low: Arg<'py>, high: Arg<'py>, py: Python<'py>) -> PyResult<(Obj<'py>, Obj<'py>)> {
    let low = low.unwrap_or_else(|| py.None().into_bound(py));
    Ok(match high.filter(|h| !h.is_none()) {
        Some(high) => (low, high),
        None => (PyInt::new(py, 0).into_any(), low),
    })
}

fn draw_integers<'py>(slf: &Obj<'py>, [low, high, size, ty, endpoint]: [Arg<'py>; 5]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let (low, high) = range_bounds(low, high, py)?;
    let descr = match &ty {
        Some(ty) => dtype::convert(ty)?,
        None => dtype::builtin(py, TypeNum::LONG),
    };
    let closed = endpoint.map_or(Ok(false), |e| e.is_truthy())?;
    let mode = integers::Mode { masked: false, closed };
    match integers::integers(&stream(slf)?, &descr, &low, &high, &size, mode)? {
        Some(made) => as_python_type(made, &ty, &size),
        None if !descr.dtype().is_native() => Err(PyValueError::new_err(
            "Providing a dtype with a non-native byteorder is not supported. If you require platform-independent byteorder, call byteswap when required.",
        )),
        None => Err(PyTypeError::new_err(format!("Unsupported dtype {} for integers", descr.0.repr()?))),
    }
}

/// `length` bytes cut from 32-bit draws.
pub fn random_bytes<'py>(s: &Stream<'py>, length: &Arg<'py>) -> PyResult<Obj<'py>> {
    let py = s.lock.py();
    let length = length.as_ref().map_or(Ok(0), array::args::index)?;
    // A division that truncates: no bytes still cost a draw, and -1 leaves all but the last byte of one.
    let words = ((length - 1) / 4 + 1).max(0) as usize;
    let mut out = Vec::new();
    out.try_reserve_exact(words * 4).map_err(|_| PyMemoryError::new_err(()))?;
    locked(&s.lock, words, || {
        for _ in 0..words {
            out.extend_from_slice(&s.rng.u32().to_le_bytes());
        }
    })?;
    let n = out.len() as isize;
    let end = if length < 0 { (n + length).max(0) } else { length.min(n) };
    Ok(PyBytes::new(py, &out[..end as usize]).into_any())
}

fn bytes<'py>(slf: &Obj<'py>, [length]: [Arg<'py>; 1]) -> PyResult<Obj<'py>> {
    random_bytes(&stream(slf)?, &length)
}

const CHOICE: ChoiceTexts = ChoiceTexts {
    p_ndim: "p must be 1-dimensional",
    p_size: "a and p must have same size",
    p_nan: "Probabilities contain NaN",
    p_negative: "Probabilities are not non-negative",
    p_sum: "Probabilities do not sum to 1. See Notes section of docstring for more information.",
};

fn choice<'py>(slf: &Obj<'py>, [a, size, replace, p, axis, shuffle]: [Arg<'py>; 6]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let truth = |flag: Arg<'py>| flag.map_or(Ok(true), |f| f.is_truthy());
    let (replace, shuffle) = (truth(replace)?, truth(shuffle)?);
    let axis = axis.map_or(Ok(0), |a| array::args::index(&a))?;
    let a_obj = a.unwrap_or_else(|| py.None().into_bound(py));
    let a = array::from_any(&a_obj, None, 0, 0, crate::abi::NPY_ARRAY_ENSUREARRAY)?;
    let takes_none = || -> PyResult<bool> {
        match &size {
            Some(size) if !size.is_none() => np(py, "prod")?.call1((size,))?.eq(0),
            _ => Ok(false),
        }
    };
    let pop_size: isize = if a.ndim() == 0 {
        let item = a.0.call_method0(intern!(py, "item"))?;
        let n = array::args::index(&item).map_err(|e| {
            if e.is_instance_of::<PyTypeError>(py) {
                let text = format!("a must be a sequence or an integer, not {}", a_obj.get_type());
                let err = PyValueError::new_err(text);
                err.set_cause(py, Some(e));
                err
            } else {
                e
            }
        })?;
        if n <= 0 && !takes_none()? {
            return Err(PyValueError::new_err("a must be a positive integer unless no samples are taken"));
        }
        n
    } else {
        let n = a.0.getattr(intern!(py, "shape"))?.get_item(axis)?.extract()?;
        if n == 0 && !takes_none()? {
            return Err(PyValueError::new_err("a cannot be empty unless no samples are taken"));
        }
        n
    };
    let p = match p.filter(|p| !p.is_none()) {
        Some(p) => Some(sampling::probabilities(&p, pop_size, &CHOICE)?),
        None => None,
    };
    let is_scalar = !given(&size);
    let shape = match &size {
        Some(size) if !is_scalar => size.clone(),
        _ => PyTuple::empty(py).into_any(),
    };
    let idx = if replace {
        match &p {
            Some(p) => {
                let draws = slf.call_method1(intern!(py, "random"), (&shape,))?;
                sampling::choose_with_replacement(p, &draws)?
            }
            None => slf.call_method1(intern!(py, "integers"), (0, pop_size, &shape))?,
        }
    } else {
        let n = if is_scalar { 1 } else { sampling::count(&shape)? };
        if n > pop_size {
            return Err(PyValueError::new_err(
                "Cannot take a larger sample than population when replace is False",
            ));
        }
        if n < 0 {
            return Err(PyValueError::new_err("negative dimensions are not allowed"));
        }
        match &p {
            Some(p) => sampling::choose_distinct(p, n, &shape, |missing| {
                slf.call_method1(intern!(py, "random"), ((missing,),))
            })?,
            None => {
                let flat = distinct(&stream(slf)?, n as usize, pop_size as usize, shuffle)?;
                flat.0.call_method1(intern!(py, "reshape"), (&shape,))?
            }
        }
    };
    sampling::pick(&a, idx, is_scalar, |idx| {
        let idx = np(py, "asarray")?.call1((idx,))?;
        a.0.call_method1(intern!(py, "take"), (idx, axis))
    })
}

/// `n` distinct integers below `pop`: the tail of a shuffled range when they are many, Floyd's method when they are few.
fn distinct<'py>(s: &Stream<'py>, n: usize, pop: usize, mix: bool) -> PyResult<Array<'py>> {
    let py = s.lock.py();
    let descr = dtype::builtin(py, TypeNum::LONG);
    let out = array::new(&descr, &[n as isize], Order::C, false)?;
    let data = out.data().cast::<i64>();
    let cutoff = if mix { 50 } else { 20 };
    // SAFETY (below): contiguous int64 arrays of n and of pop elements nobody else sees.
    if pop > 10000 && n > pop / cutoff {
        let all = array::new(&descr, &[pop as isize], Order::C, false)?;
        let items = all.data().cast::<i64>();
        locked(&s.lock, pop, || {
            for i in 0..pop {
                // SAFETY: as above.
                unsafe { items.add(i).write(i as i64) };
            }
            // SAFETY: as above.
            unsafe {
                shuffle_raw(&s.rng, pop, (pop - n).max(1), 8, 8, items.cast(), Draw::Lemire);
                std::ptr::copy_nonoverlapping(items.add(pop - n), data, n);
            }
        })?;
        return Ok(out);
    }
    locked(&s.lock, n, || {
        let mut seen = std::collections::HashSet::with_capacity(n);
        for (i, j) in (pop - n..pop).enumerate() {
            let drawn = bounded::<u64>(&s.rng, 0, j as u64, false, &mut Buffer::default());
            let value = if seen.insert(drawn) { drawn } else { j as u64 };
            if value != drawn {
                seen.insert(value);
            }
            // SAFETY: as above.
            unsafe { data.add(i).write(value as i64) };
        }
        if mix {
            // SAFETY: as above.
            unsafe { shuffle_raw(&s.rng, n, 1, 8, 8, data.cast(), Draw::Lemire) };
        }
    })?;
    Ok(out)
}

fn multivariate_normal<'py>(
    slf: &Obj<'py>,
    [mean, cov, size, check_valid, tol, method]: [Arg<'py>; 6],
) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let method = method.map_or(Ok("svd".to_string()), |m| m.extract())?;
    if !matches!(method.as_str(), "eigh" | "svd" | "cholesky") {
        return Err(PyValueError::new_err("method must be one of {'eigh', 'svd', 'cholesky'}"));
    }
    let (Some(mean), Some(cov)) = (mean, cov) else {
        return Err(PyTypeError::new_err("missing argument"));
    };
    for part in [&mean, &cov] {
        let dt = np(py, "array")?.call1((part,))?.getattr("dtype")?;
        if np(py, "issubdtype")?.call1((dt, np(py, "complexfloating")?))?.is_truthy()? {
            return Err(PyTypeError::new_err("mean and cov must not be complex"));
        }
    }
    let (mean, cov, shape) = sampling::normal_arguments(&mean, &cov, size.as_ref())?;
    let k = mean.len()?;
    let x = slf.call_method1(intern!(py, "standard_normal"), (&shape,))?;
    let x = x.call_method1("reshape", (-1, k))?;
    // In double precision, so that the tolerance means something.
    let cov = cov.call_method1("astype", (np(py, "float64")?,))?;
    let linalg = |name: &str| cached(py, "numpy.linalg", name);
    let check_valid: String = check_valid.map_or(Ok("warn".into()), |c| c.extract())?;
    let factor = if method == "cholesky" {
        linalg("cholesky")?.call1((&cov,))?
    } else {
        let (u, s, vh) = if method == "svd" {
            let parts = linalg("svd")?.call1((&cov,))?;
            (parts.get_item(0)?, parts.get_item(1)?, Some(parts.get_item(2)?))
        } else {
            let parts = linalg("eigh")?.call1((&cov,))?;
            (parts.get_item(1)?, parts.get_item(0)?, None)
        };
        if let Some(raise) = sampling::check_valid_mode(&check_valid)? {
            let tol = tol.unwrap_or_else(|| pyo3::types::PyFloat::new(py, 1e-8).into_any());
            let valid = match &vh {
                Some(vh) => svd_is_valid(&s, vh, &cov, &tol)?,
                None => !np(py, "any")?.call1((s.rich_compare(tol.neg()?, CompareOp::Lt)?,))?.is_truthy()?,
            };
            if !valid {
                sampling::not_semidefinite(py, raise)?;
            }
        }
        // An eigenvalue that should be zero may have come out below it.
        let s = if vh.is_none() { np(py, "abs")?.call1((s,))? } else { s };
        u.mul(np(py, "sqrt")?.call1((s,))?)?
    };
    let x = mean.add(x.matmul(factor.getattr("T")?)?)?;
    x.call_method1("reshape", (py.get_type::<PyTuple>().call1((shape,))?,))
}

/// Whether the symmetric product of an SVD's right half gives the covariance back.
pub fn svd_is_valid<'py>(s: &Obj<'py>, vh: &Obj<'py>, cov: &Obj<'py>, tol: &Obj<'py>) -> PyResult<bool> {
    let py = s.py();
    let back = np(py, "dot")?.call1((vh.getattr("T")?.mul(s)?, vh))?;
    let kwargs = PyDict::new(py);
    kwargs.set_item("rtol", tol)?;
    kwargs.set_item("atol", tol)?;
    np(py, "allclose")?.call((back, cov), Some(&kwargs))?.is_truthy()
}

/// The sum of all but the last probability of a category list must not exceed one.
pub fn check_pvals_sum<'py>(pvals: &Obj<'py>, row: &[f64]) -> PyResult<()> {
    let py = pvals.py();
    if kahan_sum(&row[..row.len().saturating_sub(1)]) <= 1.0 + 1e-12 {
        return Ok(());
    }
    // Sums that are right in the user's type may not be in ours.
    if let Some(arr) = Array::cast(pvals) {
        let dt = arr.descr().0;
        let floating = np(py, "issubdtype")?.call1((&dt, np(py, "floating")?))?.is_truthy()?;
        if floating
            && arr.dtype().num != TypeNum::DOUBLE
            && pvals.call_method0("sum")?.extract::<f64>()? < 1.0001
        {
            return Err(PyValueError::new_err(
                "sum(pvals[:-1].astype(np.float64)) > 1.0. The pvals array is cast to 64-bit floating point prior to checking the sum. Precision changes when casting may cause problems even if the sum of the original pvals is valid.",
            ));
        }
    }
    Err(PyValueError::new_err("sum(pvals[:-1]) > 1.0"))
}

fn multinomial<'py>(slf: &Obj<'py>, [n, pvals, size]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let (Some(n), Some(pvals)) = (n, pvals) else { return Err(PyTypeError::new_err("missing argument")) };
    let s = stream(slf)?;
    let mut on = Param::integer(&Some(n), "n", Constraint::NonNegative)?;
    let parr = as_array(&pvals, TypeNum::DOUBLE, NPY_ARRAY_C_CONTIGUOUS)?;
    let d = parr.shape().last().copied().unwrap_or(0);
    if d == 0 {
        return Err(PyValueError::new_err(
            "pvals must have at least 1 dimension and the last dimension of pvals must be greater than 0.",
        ));
    }
    Constraint::Bounded01.check_array(&parr, "pvals")?;
    let du = d as usize;
    // SAFETY: contiguous float64; its own copy would not see changes either.
    let pix = unsafe { reals(&parr) };
    for row in pix.chunks_exact(du) {
        check_pvals_sum(&pvals, row)?;
    }
    // SAFETY: used under the lock only.
    let setup = unsafe { &raw mut (*raw(slf)).binomial };
    let rows = &parr.shape()[..parr.ndim() - 1];
    if rows.is_empty() {
        Param::convert_numbers(&mut [&mut on])?;
    }
    let rows_strides = &parr.strides()[..parr.ndim() - 1];
    on.check(on.array().is_none())?;
    let (n_data, n_shape, n_strides) = on.walk();
    let out = if given(&size) || (n_shape.is_empty() && rows.is_empty()) {
        zeros_with_last(py, &size, d, TypeNum::LONG)?
    } else {
        let mut shape = broadcast_shapes_args(&[n_shape, rows]).py(py)?;
        shape.push(d);
        array::new(&dtype::builtin(py, TypeNum::LONG), &shape, Order::C, true)?
    };
    let lead: Dims = out.shape()[..out.ndim() - 1].iter().copied().collect();
    let shape = broadcast_shapes_args(&[n_shape, rows, &lead]).py(py)?;
    if shape != lead {
        return Err(PyValueError::new_err(format!(
            "Output size {} is not compatible with broadcast dimensions of inputs {}.",
            PyTuple::new(py, lead.iter())?.repr()?,
            PyTuple::new(py, shape.iter())?.repr()?
        )));
    }
    let operands = [(n_data, n_shape, n_strides), (parr.data(), rows, rows_strides)];
    let mut it = walk(py, &shape, &operands)?;
    let mut at = out.data().cast::<i64>();
    locked(&s.lock, out.size(), || {
        for_each(&mut it, |[n, p]| {
            // SAFETY: one row of d counts and one of d probabilities at each step; the object's setup under its lock.
            unsafe {
                let counts = std::slice::from_raw_parts_mut(at, du);
                let pvals = std::slice::from_raw_parts(p.cast::<f64>(), du);
                multivariate::multinomial(&s.rng, n.cast::<i64>().read(), counts, pvals, |rng, p, n| {
                    (*setup).draw(rng, p, n)
                });
                at = at.add(du);
            }
        });
    })?;
    Ok(out.0)
}

fn multivariate_hypergeometric<'py>(
    slf: &Obj<'py>,
    [colors, nsample, size, method]: [Arg<'py>; 4],
) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let value = |text: String| Err(PyValueError::new_err(text));
    let method: String = method.map_or(Ok("marginals".into()), |m| m.extract())?;
    if !matches!(method.as_str(), "count" | "marginals") {
        return value("method must be \"count\" or \"marginals\".".into());
    }
    let (Some(colors), Some(nsample)) = (colors, nsample) else {
        return Err(PyTypeError::new_err("missing argument"));
    };
    // SAFETY: live object.
    let Ok(nsample) = (unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Index(nsample.as_ptr())) })
    else {
        return value("nsample must be an integer".into());
    };
    if nsample.lt(0)? {
        return value("nsample must be nonnegative.".into());
    }
    let Ok(nsample) = nsample.extract::<i64>() else {
        return value(format!("nsample must not exceed {}", i64::MAX));
    };
    let Some(colors) = color_counts(&colors)? else {
        return value(format!(
            "colors must be a one-dimensional sequence of nonnegative integers not exceeding {}.",
            i64::MAX
        ));
    };
    let Some(total) = colors.iter().try_fold(0i64, |sum, &c| sum.checked_add(c)) else {
        return value(format!(
            "sum(colors) must not exceed the maximum value of a 64 bit signed integer ({})",
            i64::MAX
        ));
    };
    let marginals = method == "marginals";
    if marginals && total >= 1_000_000_000 {
        return value("When method is \"marginals\", sum(colors) must be less than 1000000000.".into());
    }
    let max_index = i64::MAX / size_of::<usize>() as i64;
    if !marginals && total > max_index {
        return value(format!("When method is 'count', sum(colors) must not exceed {max_index}"));
    }
    if nsample > total {
        return value("nsample > sum(colors)".into());
    }
    let out = zeros_with_last(py, &size, colors.len() as isize, TypeNum::LONG)?;
    if out.size() == 0 {
        return Ok(out.0);
    }
    let s = stream(slf)?;
    // SAFETY: fresh, contiguous, nobody else sees it.
    let variates = unsafe { std::slice::from_raw_parts_mut(out.data().cast::<i64>(), out.size()) };
    let done = locked(&s.lock, variates.len(), || {
        if marginals {
            multivariate::multivariate_hypergeometric_marginals(&s.rng, total, &colors, nsample, variates);
            return Some(());
        }
        multivariate::multivariate_hypergeometric_count(&s.rng, total, &colors, nsample, variates)
    })?;
    match done {
        Some(()) => Ok(out.0),
        None => Err(PyMemoryError::new_err(format!(
            "Insufficent memory for multivariate_hypergeometric with method='count' and sum(colors)={total}"
        ))),
    }
}

/// A one-dimensional sequence of non-negative integers; `None` for anything else.
fn color_counts(colors: &Obj<'_>) -> PyResult<Option<Vec<i64>>> {
    let py = colors.py();
    let arr = match array::from_any(colors, None, 0, 0, 0) {
        Ok(arr) => arr,
        Err(e) if e.is_instance_of::<PyValueError>(py) => return Ok(None),
        Err(e) => return Err(e),
    };
    if arr.ndim() != 1 {
        return Ok(None);
    }
    let mut counts = vec![];
    if arr.size() > 0 {
        let integers = np(py, "issubdtype")?.call1((arr.descr().0, np(py, "integer")?))?.is_truthy()?;
        if !integers {
            return Ok(None);
        }
        let mut valid = true;
        array::for_each_item(&arr, |item| {
            match item.extract::<i64>() {
                Ok(n) if n >= 0 => counts.push(n),
                _ => valid = false,
            }
            Ok(())
        })?;
        if !valid {
            return Ok(None);
        }
    }
    Ok(Some(counts))
}

/// The concentrations of a Dirichlet distribution.
pub fn alphas<'py>(alpha: &Obj<'py>, wrong: fn(f64) -> bool, text: &'static str) -> PyResult<Array<'py>> {
    alpha.len()?;
    let descr = dtype::builtin(alpha.py(), TypeNum::DOUBLE);
    let arr = array::from_any(alpha, Some(&descr), 1, 1, NPY_ARRAY_CARRAY_RO)?;
    // SAFETY: contiguous float64, only looked at here.
    if unsafe { reals(&arr) }.iter().any(|&a| wrong(a)) {
        return Err(PyValueError::new_err(text));
    }
    Ok(arr)
}

/// Scale a row of gamma variates to a sum of one.
pub fn normalize(row: &mut [f64], alpha: &[f64], mut gamma: impl FnMut(f64) -> f64) {
    let mut sum = 0.0;
    for (x, &a) in row.iter_mut().zip(alpha) {
        *x = gamma(a);
        sum += *x;
    }
    let inverse = 1.0 / sum;
    for x in row {
        *x *= inverse;
    }
}

fn dirichlet<'py>(slf: &Obj<'py>, [alpha, size]: [Arg<'py>; 2]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let s = stream(slf)?;
    let alpha = alpha.unwrap_or_else(|| py.None().into_bound(py));
    let arr = alphas(&alpha, |a| a < 0.0, "alpha < 0")?;
    // SAFETY: contiguous float64.
    let alpha = unsafe { reals(&arr) };
    let k = alpha.len();
    let out = zeros_with_last(py, &size, k as isize, TypeNum::DOUBLE)?;
    if out.size() == 0 {
        return Ok(out.0);
    }
    // SAFETY: fresh, contiguous, nobody else sees it.
    let values = unsafe { std::slice::from_raw_parts_mut(out.data().cast::<f64>(), out.size()) };
    let n = values.len();
    if alpha.iter().copied().fold(f64::NEG_INFINITY, f64::max) >= 0.1 {
        locked(&s.lock, n, || {
            for row in values.chunks_exact_mut(k) {
                normalize(row, alpha, |a| continuous::standard_gamma(&s.rng, a));
            }
        })?;
        return Ok(out.0);
    }
    // All gammas may underflow to zero when concentrations are small: break a stick by beta variates instead.
    let mut tails = alpha.to_vec();
    for j in (0..k - 1).rev() {
        tails[j] += tails[j + 1];
    }
    if tails[0] > 0.0 {
        locked(&s.lock, n, || {
            for row in values.chunks_exact_mut(k) {
                let mut rest = 1.0;
                for j in 0..k - 1 {
                    let v = continuous::beta(&s.rng, alpha[j], tails[j + 1]);
                    row[j] = rest * v;
                    rest *= 1.0 - v;
                    if tails[j + 1] == 0.0 {
                        break;
                    }
                }
                row[k - 1] = rest;
            }
        })?;
    }
    Ok(out.0)
}

fn shuffle<'py>(slf: &Obj<'py>, [x, axis]: [Arg<'py>; 2]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let axis = axis.map_or(Ok(0), |a| array::args::index(&a))?;
    let x = x.unwrap_or_else(|| py.None().into_bound(py));
    sampling::shuffle_in_place(&stream(slf)?, &x, Some(axis))?;
    none(py)
}

fn normalize_axis(axis: isize, arr: &Array<'_>) -> PyResult<usize> {
    cached(arr.py(), "numpy.lib.array_utils", "normalize_axis_index")?.call1((axis, arr.ndim()))?.extract()
}

fn permutation<'py>(slf: &Obj<'py>, [x, axis]: [Arg<'py>; 2]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let axis = axis.map_or(Ok(0), |a| array::args::index(&a))?;
    let x = x.unwrap_or_else(|| py.None().into_bound(py));
    let s = stream(slf)?;
    let shuffled = |arr: Obj<'py>| -> PyResult<Obj<'py>> {
        sampling::shuffle_in_place(&s, &arr, Some(0))?;
        Ok(arr)
    };
    if x.is_instance_of::<PyInt>() || x.is_instance(&np(py, "integer")?)? {
        return shuffled(np(py, "arange")?.call1((x,))?);
    }
    let arr = array::from_any(&x, None, 0, 0, crate::abi::NPY_ARRAY_ENSUREARRAY)?;
    let axis = normalize_axis(axis, &arr)?;
    if arr.ndim() == 1 {
        // What was converted may share its memory with what it came from.
        return shuffled(arr.0.call_method0("copy")?);
    }
    // Other ranks: an index array is shuffled instead.
    let idx = shuffled(np(py, "arange")?.call1((arr.shape()[axis],))?)?;
    let mut index: Vec<Obj<'py>> = (0..arr.ndim()).map(|_| PySlice::full(py).into_any()).collect();
    index[axis] = idx;
    arr.0.get_item(PyTuple::new(py, index)?)
}

fn permuted<'py>(slf: &Obj<'py>, [x, axis, out]: [Arg<'py>; 3]) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let x = x.unwrap_or_else(|| py.None().into_bound(py));
    let x = array::from_any(&x, None, 0, 0, crate::abi::NPY_ARRAY_ENSUREARRAY)?;
    let out = match out.filter(|o| !o.is_none()) {
        None => x.0.call_method1("copy", ("K",))?,
        Some(out) => {
            let Some(arr) = Array::cast(&out).filter(Array::is_exact) else {
                return Err(PyTypeError::new_err("out must be a numpy array"));
            };
            if arr.shape() != x.shape() {
                return Err(PyValueError::new_err("out must have the same shape as x"));
            }
            let kwargs = PyDict::new(py);
            kwargs.set_item("casting", "safe")?;
            np(py, "copyto")?.call((&out, &x.0), Some(&kwargs))?;
            out
        }
    };
    let Some(arr) = Array::cast(&out) else { return Err(PyTypeError::new_err("out must be a numpy array")) };
    let s = stream(slf)?;
    let Some(axis) = axis.filter(|a| !a.is_none()) else {
        if arr.ndim() < 2 {
            sampling::shuffle_in_place(&s, &out, Some(0))?;
        } else if arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) || arr.has_flags(NPY_ARRAY_F_CONTIGUOUS) {
            let flat = out.call_method1("ravel", ("A",))?;
            sampling::shuffle_in_place(&s, &flat, Some(0))?;
        } else {
            // No flat view: shuffle a copy and write it back.
            let copy = out.call_method1("copy", ("C",))?;
            let flat = copy.call_method1("ravel", ("K",))?;
            sampling::shuffle_in_place(&s, &flat, Some(0))?;
            np(py, "copyto")?.call1((&out, copy))?;
        }
        return Ok(out);
    };
    let axis = normalize_axis(array::args::index(&axis)?, &arr)?;
    if !arr.is_writeable() {
        return Err(PyValueError::new_err("output array is read-only"));
    }
    let (n, stride, itemsize) = (arr.shape()[axis] as usize, arr.strides()[axis], arr.itemsize());
    // One line along the axis at each place of the other axes.
    let mut shape: Dims = arr.shape().iter().copied().collect();
    if arr.size() > 0 {
        shape[axis] = 1;
    }
    let mut strides: Dims = arr.strides().iter().copied().collect();
    strides[axis] = 0;
    let mut it = walk(py, &shape, &[(arr.data(), &shape, &strides)])?;
    let work = if arr.dtype().has_object() { 0 } else { arr.size() };
    locked(&s.lock, work, || {
        for_each(&mut it, |[line]| {
            // SAFETY: a line of a writeable array that nobody shares elements with.
            unsafe { shuffle_raw(&s.rng, n, 1, itemsize, stride, line, Draw::Masked) };
        });
    })?;
    Ok(out)
}
