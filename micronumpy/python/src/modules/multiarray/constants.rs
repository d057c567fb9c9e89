//! Constants of `_multiarray_umath`, as contract section 3.4 lists them.

use std::ptr::null_mut;

use pyo3::exceptions::{PyImportError, PyImportWarning, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyModule};
use pyo3::{PyErr, ffi as pyffi};

use crate::abi::*;

pub fn add(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    for (name, value) in [
        ("ALLOW_THREADS", 1),
        ("BUFSIZE", 8192),
        ("CLIP", 0),
        ("WRAP", 1),
        ("RAISE", 2),
        ("ITEM_HASOBJECT", 1),
        ("LIST_PICKLE", 2),
        ("ITEM_IS_POINTER", 4),
        ("NEEDS_INIT", 8),
        ("NEEDS_PYAPI", 16),
        ("USE_GETITEM", 32),
        ("USE_SETITEM", 64),
        ("MAXDIMS", 64),
        ("MAY_SHARE_BOUNDS", 0),
        ("MAY_SHARE_EXACT", -1),
        ("FPE_DIVIDEBYZERO", 1),
        ("FPE_OVERFLOW", 2),
        ("FPE_UNDERFLOW", 4),
        ("FPE_INVALID", 8),
        ("FLOATING_POINT_SUPPORT", 1),
        ("UFUNC_BUFSIZE_DEFAULT", 8192),
        ("tracemalloc_domain", 389_047),
    ] {
        module.add(name, value)?;
    }
    for (name, value) in [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("euler_gamma", std::f64::consts::EULER_GAMMA),
        ("PINF", f64::INFINITY),
        ("NINF", f64::NEG_INFINITY),
        ("PZERO", 0.0),
        ("NZERO", -0.0),
        ("NAN", f64::NAN),
    ] {
        module.add(name, value)?;
    }
    module.add("UFUNC_PYVALS_NAME", "UFUNC_PYVALS")?;
    module.add("__version__", "3.1")?;
    module.add("error", py.get_type::<pyo3::exceptions::PyException>())?;

    let flags = PyDict::new(py);
    for (names, value) in [
        (&["C", "CONTIGUOUS", "C_CONTIGUOUS"][..], NPY_ARRAY_C_CONTIGUOUS),
        (&["F", "FORTRAN", "F_CONTIGUOUS"], NPY_ARRAY_F_CONTIGUOUS),
        (&["O", "OWNDATA"], NPY_ARRAY_OWNDATA),
        (&["A", "ALIGNED"], NPY_ARRAY_ALIGNED),
        (&["W", "WRITEABLE"], NPY_ARRAY_WRITEABLE),
        (&["X", "WRITEBACKIFCOPY"], NPY_ARRAY_WRITEBACKIFCOPY),
    ] {
        for name in names {
            flags.set_item(name, value)?;
        }
    }
    module.add("_flagdict", flags)?;

    cpu_features(py, module)?;
    // A capsule nobody reads; upstream exports it all the same.
    // SAFETY: a capsule needs a non-null pointer that stays valid; a static is.
    let units = unsafe {
        static UNITS: u8 = 0;
        Bound::from_owned_ptr_or_err(
            py,
            pyffi::PyCapsule_New((&raw const UNITS).cast_mut().cast(), null_mut(), None),
        )
        .map_err(|_| PyErr::fetch(py))?
    };
    module.add("DATETIMEUNITS", units)
}

/// The tables `numpy.show_config` and `lib.introspect` read: names as upstream has them, values of this machine.
fn cpu_features(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    let features = PyDict::new(py);
    let mut dispatch: Vec<&str> = Vec::new();
    let mut baseline: Vec<&str> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! detect {
            ($($name:literal = $feature:tt),* $(,)?) => {
                $(features.set_item($name, std::arch::is_x86_feature_detected!($feature))?;)*
            };
        }
        detect!(
            "MMX" = "mmx",
            "SSE" = "sse",
            "SSE2" = "sse2",
            "SSE3" = "sse3",
            "SSSE3" = "ssse3",
            "SSE41" = "sse4.1",
            "SSE42" = "sse4.2",
            "POPCNT" = "popcnt",
            "AVX" = "avx",
            "AVX2" = "avx2",
            "FMA3" = "fma",
            "F16C" = "f16c",
            "BMI" = "bmi1",
            "BMI2" = "bmi2",
            "LZCNT" = "lzcnt",
            "MOVBE" = "movbe",
            "AVX512F" = "avx512f",
            "AVX512CD" = "avx512cd",
            "AVX512VL" = "avx512vl",
            "AVX512BW" = "avx512bw",
            "AVX512DQ" = "avx512dq",
            "AVX512IFMA" = "avx512ifma",
            "AVX512VBMI" = "avx512vbmi",
            "AVX512VBMI2" = "avx512vbmi2",
            "AVX512VNNI" = "avx512vnni",
            "AVX512BITALG" = "avx512bitalg",
            "AVX512VPOPCNTDQ" = "avx512vpopcntdq",
            "AVX512BF16" = "avx512bf16",
            "AVX512FP16" = "avx512fp16",
            "GFNI" = "gfni",
            "VAES" = "vaes",
            "VPCLMULQDQ" = "vpclmulqdq",
        );
        let has = |names: &[&str]| -> PyResult<bool> {
            for n in names {
                if !features.get_item(n)?.is_some_and(|v| v.is_truthy().unwrap_or(false)) {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let v2 = has(&["SSE3", "SSSE3", "SSE41", "SSE42", "POPCNT"])?;
        let v3 = v2 && has(&["AVX", "AVX2", "FMA3", "F16C", "BMI", "BMI2", "LZCNT", "MOVBE"])?;
        let v4 = v3 && has(&["AVX512F", "AVX512CD", "AVX512VL", "AVX512BW", "AVX512DQ"])?;
        let icl = v4
            && has(&[
                "AVX512VBMI",
                "AVX512VBMI2",
                "AVX512BITALG",
                "AVX512VPOPCNTDQ",
                "AVX512IFMA",
                "AVX512VNNI",
            ])?;
        let spr = icl && has(&["AVX512BF16", "AVX512FP16"])?;
        for (name, value) in [
            ("X86_V2", v2),
            ("X86_V3", v3),
            ("X86_V4", v4),
            ("AVX512_ICL", icl),
            ("AVX512_SPR", spr),
            ("AVX512_SKX", v4),
        ] {
            features.set_item(name, value)?;
        }
        dispatch.extend(["X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR"]);
        baseline.push("X86_V2");
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        features.set_item("NEON", cfg!(target_arch = "aarch64"))?;
        features.set_item("ASIMD", cfg!(target_arch = "aarch64"))?;
        baseline.extend(["NEON", "ASIMD"]);
    }
    choose_features(&features, &baseline, &dispatch)?;
    module.add("__cpu_features__", features)?;
    module.add("__cpu_baseline__", PyList::new(py, baseline)?)?;
    module.add("__cpu_dispatch__", PyList::new(py, dispatch)?)?;
    module.add("__cpu_targets_info__", PyDict::new(py))
}

/// What the environment says about CPU features, by numpy's rules: some are turned off, or those it names are the only ones
/// besides the baseline.
///
/// # Errors
/// Both variables at once, a variable that is too long, a feature that cannot be turned off or on.
fn choose_features(features: &Bound<'_, PyDict>, baseline: &[&str], dispatch: &[&str]) -> PyResult<()> {
    const LONGEST: usize = 1024;
    let py = features.py();
    let read = |name: &str| {
        let value = std::env::var_os(name)?.to_string_lossy().into_owned();
        (!value.is_empty()).then_some(value)
    };
    let (name, verb, value) = match (read("NPY_ENABLE_CPU_FEATURES"), read("NPY_DISABLE_CPU_FEATURES")) {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => {
            return Err(PyImportError::new_err(
                "Both NPY_DISABLE_CPU_FEATURES and NPY_ENABLE_CPU_FEATURES environment variables cannot be set simultaneously.",
            ));
        }
        (Some(value), None) => ("NPY_ENABLE_CPU_FEATURES", "enable", value),
        (None, Some(value)) => ("NPY_DISABLE_CPU_FEATURES", "disable", value),
    };
    let head = format!("During parsing environment variable: '{name}':\n");
    let warn = |text: String| {
        let text = std::ffi::CString::new(text).unwrap_or_default();
        PyErr::warn(py, &py.get_type::<PyImportWarning>(), &text, 1)
    };
    if dispatch.is_empty() {
        return warn(format!(
            "{head}You cannot use environment variable '{name}', since the NumPy library was compiled without any dispatched \
             optimizations."
        ));
    }
    // With the NUL that ends it.
    let length = value.len() + 1;
    if length > LONGEST {
        return Err(PyRuntimeError::new_err(format!(
            "Length of environment variable '{name}' is {length}, only {LONGEST} accepted"
        )));
    }
    let (mut chosen, mut unknown, mut unsupported) = (vec![], vec![], vec![]);
    let separators = [',', ' ', '\t', '\u{b}', '\r', '\n', '\u{c}'];
    for feature in value.split(separators).filter(|f| !f.is_empty()) {
        if baseline.contains(&feature) {
            if verb == "disable" {
                return Err(PyRuntimeError::new_err(format!(
                    "{head}You cannot disable CPU feature '{feature}', since it is part of the baseline optimizations:\n({}).",
                    baseline.join(" ")
                )));
            }
        } else if !dispatch.contains(&feature) {
            unknown.push(feature);
        } else if !features.get_item(feature)?.is_some_and(|v| v.is_truthy().unwrap_or(false)) {
            unsupported.push(feature);
        } else {
            chosen.push(feature);
        }
    }
    for feature in dispatch.iter().filter(|f| chosen.contains(f) == (verb == "disable")) {
        features.set_item(feature, false)?;
    }
    if !unknown.is_empty() {
        warn(format!(
            "{head}You cannot {verb} CPU features ({}), since they are not part of the dispatched optimizations\n({}).",
            unknown.join(" "),
            dispatch.join(" ")
        ))?;
    }
    if verb == "enable" && !unsupported.is_empty() {
        return Err(PyRuntimeError::new_err(format!(
            "{head}You cannot enable CPU features ({}), since they are not supported by your machine.",
            unsupported.join(" ")
        )));
    }
    Ok(())
}
