//! DTypes behind the public interface: a structured type registered in the old way, the list of all casts.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use micronumpy::cast::object_offsets;
use micronumpy::{Dtype, TypeNum};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};

use crate::abi::*;
use crate::ffi::Args;
use crate::ffi::guard;
use crate::ffi::methods::{END, Methods};
use crate::objects::array::args::index;
use crate::objects::dtype::{CLASSES, DtypeClass, classes, legacy, user};
use crate::objects::method::casts;
use crate::objects::{Array, Descr, scalar};
use crate::{fastcall, noargs};

type Obj<'py> = Bound<'py, PyAny>;

pub static FUNCTIONS: Methods<3> = Methods::new([
    fastcall!(c"create_custom_field_dtype", create_custom_field_dtype),
    noargs!(c"get_all_cast_information", get_all_cast_information),
    END,
]);

/// `create_custom_field_dtype(blueprint, scalar_type, error_path)`: register a structured type like `blueprint` with a
/// scalar type of its own; the last argument chooses a mistake to make.
fn create_custom_field_dtype<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = m.py();
    let (Some(blueprint), Some(scalar), Some(mistake), 3) = (a.get(0), a.get(1), a.get(2), a.len()) else {
        return Err(PyTypeError::new_err(format!("function takes exactly 3 arguments ({} given)", a.len())));
    };
    let Some(blueprint) = Descr::cast(&blueprint) else {
        return Err(PyTypeError::new_err("the blueprint must be a dtype"));
    };
    let scalar: Bound<'py, PyType> = scalar.cast_into()?;
    let fields = legacy(&blueprint).filter(|_| blueprint.dtype().fields().is_some());
    let Some(full) = fields else { return Err(PyValueError::new_err("the blueprint must have fields")) };
    // SAFETY: a live descriptor; the prototype borrows what registration copies.
    let num = unsafe {
        let (full, head) = (&*full, &(*full).base);
        let mut proto: PyArray_DescrProto = std::mem::zeroed();
        let own = match index(&mistake)? {
            0 | 1 => ffi::Py_TYPE(blueprint.0.as_ptr()),
            2 => scalar.as_type_ptr(),
            _ => return Err(PyValueError::new_err("invalid error argument")),
        };
        proto.ob_base.ob_type = own;
        proto.typeobj = scalar.as_type_ptr();
        (proto.kind, proto.type_, proto.byteorder) = (head.kind, head.type_, head.byteorder);
        proto.flags = head.flags as u8;
        (proto.elsize, proto.alignment) = (head.elsize as i32, head.alignment as i32);
        if index(&mistake)? != 1 {
            (proto.fields, proto.names) = (full.fields, full.names);
        }
        proto.f = functions();
        user::register(py, &raw mut proto)?
    };
    let descr = user::descr_of_num(py, num);
    Ok(descr.ok_or_else(|| PyRuntimeError::new_err("the new type has no descriptor"))?.0)
}

/// The functions of structured elements.
fn functions() -> *mut PyArray_ArrFuncs {
    static TABLE: OnceLock<usize> = OnceLock::new();
    *TABLE.get_or_init(|| {
        // SAFETY: all fields may be null; the table is never freed.
        let table: &'static mut PyArray_ArrFuncs = Box::leak(Box::new(unsafe { std::mem::zeroed() }));
        table.getitem = Some(getitem);
        table.setitem = Some(setitem);
        table.copyswap = Some(copyswap);
        table as *mut PyArray_ArrFuncs as usize
    }) as *mut PyArray_ArrFuncs
}

/// The elements of an array of such a type, as a plain structure.
unsafe fn as_void(py: Python<'_>, arr: *mut c_void) -> Dtype {
    // SAFETY: functions of this table are called with an array.
    let arr = Array(unsafe { Bound::from_borrowed_ptr(py, arr.cast()) });
    Dtype { num: TypeNum::VOID, ..arr.dtype().clone() }
}

unsafe extern "C" fn getitem(data: *mut c_void, arr: *mut c_void) -> *mut ffi::PyObject {
    guard(|py| {
        // SAFETY: an element, and an array that knows its dtype.
        unsafe { Ok(scalar::value::get_value(py, &as_void(py, arr), data.cast(), None)?.into_ptr()) }
    })
}

unsafe extern "C" fn setitem(obj: *mut ffi::PyObject, data: *mut c_void, arr: *mut c_void) -> c_int {
    guard(|py| {
        // SAFETY: an object, an element, and an array that knows its dtype.
        unsafe {
            let obj = Bound::from_borrowed_ptr(py, obj);
            scalar::set::set_value(&as_void(py, arr), data.cast(), &obj)?;
        }
        Ok(0)
    })
}

unsafe extern "C" fn copyswap(dst: *mut c_void, src: *mut c_void, _: c_int, arr: *mut c_void) {
    guard(|py| {
        // SAFETY: one element each (or no source), and an array that knows their dtype. References move with a count.
        unsafe {
            if !src.is_null() {
                let dt = as_void(py, arr);
                for at in object_offsets(&dt) {
                    let obj = src.cast::<u8>().add(at).cast::<*mut ffi::PyObject>().read_unaligned();
                    ffi::Py_XINCREF(obj);
                    let old = dst.cast::<u8>().add(at).cast::<*mut ffi::PyObject>().read_unaligned();
                    ffi::Py_XDECREF(old);
                }
                std::ptr::copy(src.cast::<u8>(), dst.cast::<u8>(), dt.itemsize);
            }
        }
        Ok(())
    });
}

/// `get_all_cast_information()`: a dictionary for every cast between two builtin DTypes.
fn get_all_cast_information<'py>(m: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = m.py();
    let list = PyList::empty(py);
    let all: Vec<DtypeClass<'py>> = CLASSES
        .iter()
        .map(|class| class.as_object())
        .chain([classes::STRING_DTYPE.as_object()])
        // SAFETY: ready since module initialisation.
        .map(|class| DtypeClass(unsafe { Bound::from_borrowed_ptr(py, class) }))
        .collect();
    for from in &all {
        for to in &all {
            // Casts between instances of one class are kept elsewhere.
            let Some(method) = casts::method_for(from, to)?.filter(|_| !from.0.is(&to.0)) else { continue };
            let m = method.method();
            let name = m.name.to_string_lossy();
            let info = PyDict::new(py);
            info.set_item("from", &from.0)?;
            info.set_item("to", &to.0)?;
            info.set_item("legacy", i32::from(name.starts_with("legacy_cast")))?;
            info.set_item("casting", m.casting)?;
            info.set_item("requires_pyapi", m.flags & NPY_METH_REQUIRES_PYAPI)?;
            info.set_item("supports_unaligned", m.flags & NPY_METH_SUPPORTS_UNALIGNED)?;
            info.set_item("no_floatingpoint_errors", m.flags & NPY_METH_NO_FLOATINGPOINT_ERRORS)?;
            info.set_item("name", &*name)?;
            list.append(info)?;
        }
    }
    Ok(list.into_any())
}
