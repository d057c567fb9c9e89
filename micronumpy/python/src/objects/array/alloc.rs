//! Making and destroying array objects.
//!
//! Everything that makes an array goes through [`Make`]: dims and strides in one block, data from the memory handler or
//! given, flags from what the strides say, and `__array_finalize__` for subclasses. Once an object exists its dealloc can
//! run, so fields are filled before anything that may fail in Python.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::ptr::null_mut;

use micronumpy::array::{MAXDIMS, contiguous_strides};
use micronumpy::{Dims, Dtype, Error, NdArray, Order, TypeNum};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::{ffi, intern};

use super::{ARRAY_TYPE, flags, geometry, kept, memory};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::objects::{Array, Descr};

/// What a new array object is told; see [`Make::new`] for the defaults.
pub struct Make<'a, 'py> {
    /// `None` is `numpy.ndarray` itself.
    pub subtype: Option<&'a Bound<'py, PyAny>>,
    pub descr: Descr<'py>,
    pub shape: &'a [isize],
    /// `None`: contiguous, C order or, with `fortran`, Fortran order.
    pub strides: Option<&'a [isize]>,
    pub fortran: bool,
    /// Null: allocate.
    pub data: *mut u8,
    /// For given data.
    pub writeable: bool,
    pub base: Option<Bound<'py, PyAny>>,
    pub zeroed: bool,
    /// What `__array_finalize__` is called with; `None` inside means Python's `None`.
    pub parent: Option<&'a Bound<'py, PyAny>>,
    /// Leave strings of unknown length at length zero instead of one.
    pub allow_empty_string: bool,
}

impl<'a, 'py> Make<'a, 'py> {
    /// A C-contiguous `numpy.ndarray` with fresh uninitialised memory (null objects).
    #[inline]
    pub fn new(descr: &Descr<'py>, shape: &'a [isize]) -> Make<'a, 'py> {
        Make {
            subtype: None,
            descr: descr.clone(),
            shape,
            strides: None,
            fortran: false,
            data: null_mut(),
            writeable: true,
            base: None,
            zeroed: false,
            parent: None,
            allow_empty_string: false,
        }
    }

    /// Make the object.
    ///
    /// # Safety
    /// Given data and strides describe memory that `base` (or the caller) keeps alive, objects in it included.
    #[inline]
    pub unsafe fn build(self) -> PyResult<Array<'py>> {
        // SAFETY: the caller's promise; a live descriptor.
        unsafe {
            if self.subtype.is_none() && is_number((*self.descr.raw()).type_num) {
                let Make { descr, shape, strides, fortran, data, writeable, base, zeroed, .. } = self;
                let memory = Memory { data, writeable, base, zeroed };
                return build_plain(descr, shape, strides, fortran, memory);
            }
            self.build_with(|_| ())
        }
    }

    /// [`Make::build`] with a last touch before `__array_finalize__` sees the object.
    ///
    /// # Safety
    /// As there.
    unsafe fn build_with(self, touch: impl FnOnce(*mut PyArrayObject)) -> PyResult<Array<'py>> {
        let py = self.descr.py();
        let raw_descr = self.descr.raw();
        // SAFETY: a live descriptor; legacy ones (all but new-style user types) have the subarray member.
        let subarray = unsafe {
            if (*raw_descr).type_num == TypeNum::VOID.0 {
                (*raw_descr.cast::<PyArray_LegacyDescr>()).subarray
            } else {
                null_mut()
            }
        };
        if !subarray.is_null() {
            return self.build_subarray(touch);
        }
        let nd = self.shape.len();
        if nd > MAXDIMS {
            return Err(too_many_dims(nd));
        }
        let mut descr = self.descr;
        // SAFETY: live descriptor.
        let mut itemsize = unsafe { (*raw_descr).elsize } as usize;
        if itemsize == 0 && self.data.is_null() && !self.allow_empty_string {
            // SAFETY: live descriptor.
            let num = TypeNum(unsafe { (*raw_descr).type_num });
            if num == TypeNum::STRING || num == TypeNum::UNICODE {
                let mut dt = descr.dtype().clone();
                dt.itemsize = if num == TypeNum::STRING { 1 } else { 4 };
                itemsize = dt.itemsize;
                descr = crate::objects::dtype::descr_of(py, &dt)?;
            }
        }
        // SAFETY: live descriptor.
        if self.data.is_null() && unsafe { (*raw_descr).type_num } == TypeNum::VSTRING.0 {
            descr = crate::objects::dtype::string::for_new_array(&descr)?;
        }
        let nbytes = checked_nbytes(self.shape, itemsize)?;

        let ty = self.subtype.map_or(ARRAY_TYPE.as_type(), |t| t.as_ptr().cast());
        // SAFETY: `ty` is ndarray or a subclass: its instances start with the fields of `PyArrayObject`. All fields are set
        // before anything else can run.
        let arr = unsafe {
            let alloc = (*ty).tp_alloc.unwrap_or(ffi::PyType_GenericAlloc);
            let obj = alloc(ty, 0);
            if obj.is_null() {
                return Err(PyErr::fetch(py));
            }
            let a = obj.cast::<PyArrayObject>();
            (*a).data = null_mut();
            (*a).nd = nd as i32;
            (*a).dimensions = null_mut();
            (*a).strides = null_mut();
            (*a).base = null_mut();
            (*a).descr = descr.0.into_ptr().cast();
            (*a).flags = 0;
            (*a).weakreflist = null_mut();
            (*a).buffer_info = null_mut();
            (*a).mem_handler = null_mut();
            Array(Bound::from_owned_ptr(py, obj))
        };
        let a = arr.raw();
        // SAFETY: `a` is the new object, nobody else has seen it.
        unsafe {
            if nd > 0 {
                let dims = geometry::take(nd);
                if dims.is_null() {
                    (*a).nd = 0;
                    return Err(pyo3::exceptions::PyMemoryError::new_err(()));
                }
                (*a).dimensions = dims;
                (*a).strides = dims.add(nd);
                std::ptr::copy_nonoverlapping(self.shape.as_ptr(), dims, nd);
                match self.strides {
                    Some(st) => std::ptr::copy_nonoverlapping(st.as_ptr(), dims.add(nd), nd),
                    None => fill_strides(
                        std::slice::from_raw_parts_mut(dims.add(nd), nd),
                        self.shape,
                        itemsize,
                        self.fortran,
                    ),
                }
            }
            let zeroed = self.zeroed || (*(*a).descr).flags & NPY_NEEDS_INIT != 0;
            let Make { data, writeable, base, .. } = self;
            put_elements(&arr, nbytes, Memory { data, writeable, base, zeroed })?;
        }
        touch(a);
        if self.subtype.is_some_and(|t| t.as_ptr() != ARRAY_TYPE.as_object()) {
            finalize(&arr, self.parent)?;
        }
        Ok(arr)
    }

    fn build_subarray(self, touch: impl FnOnce(*mut PyArrayObject)) -> PyResult<Array<'py>> {
        let (base, inner) = subarray_parts(&self.descr)?;
        let mut shape = Dims::from_slice(self.shape);
        shape.extend_from_slice(&inner);
        if shape.len() > MAXDIMS {
            return Err(too_many_dims(shape.len()));
        }
        let strides = self.strides.map(|outer| {
            let mut st = Dims::from_slice(outer);
            st.extend(contiguous_strides(&inner, base.itemsize(), false));
            st
        });
        // SAFETY: the same memory, described element by element.
        unsafe { Make { descr: base, shape: &shape, strides: strides.as_deref(), ..self }.build_with(touch) }
    }
}

/// Builtin types whose elements are their bytes and of one size: what has nothing to be asked about.
#[inline]
fn is_number(num: i32) -> bool {
    let num = TypeNum(num);
    num.is_number() || num.is_bool() || num.is_datetime()
}

/// What an array's elements lie in; null data: to be allocated.
struct Memory<'py> {
    data: *mut u8,
    writeable: bool,
    base: Option<Bound<'py, PyAny>>,
    zeroed: bool,
}

/// Gives an array its elements, flags and base.
///
/// # Safety
/// The array has its dtype, shape and strides, and no elements yet; given memory holds those that shape and strides reach.
#[inline(always)]
unsafe fn put_elements(arr: &Array<'_>, nbytes: usize, memory: Memory<'_>) -> PyResult<()> {
    let (py, a) = (arr.py(), arr.raw());
    // SAFETY: the caller's promise; strides are as many as dimensions.
    unsafe {
        if memory.data.is_null() {
            let handler = memory::current(py)?;
            let data = memory::alloc(handler.as_ptr(), nbytes, memory.zeroed);
            if data.is_null() {
                return Err(memory_error(py, arr.shape(), &arr.descr()));
            }
            if nbytes == 0 && (*a).nd > 0 {
                // Strides of an array without elements are all 0.
                std::ptr::write_bytes((*a).strides, 0, (*a).nd as usize);
            }
            (*a).data = data;
            (*a).mem_handler = handler.into_ptr();
            (*a).flags = NPY_ARRAY_OWNDATA | NPY_ARRAY_WRITEABLE;
        } else {
            (*a).data = memory.data;
            (*a).flags = if memory.writeable { NPY_ARRAY_WRITEABLE } else { 0 };
        }
        flags::update(a);
        if let Some(base) = memory.base {
            (*a).base = base.into_ptr();
        }
    }
    Ok(())
}

/// [`Make::build`] for `numpy.ndarray` itself and elements of [`is_number`]: what nearly all arrays are, without a question
/// about the others.
///
/// # Safety
/// As there.
unsafe fn build_plain<'py>(
    descr: Descr<'py>,
    shape: &[isize],
    strides: Option<&[isize]>,
    fortran: bool,
    memory: Memory<'py>,
) -> PyResult<Array<'py>> {
    let (py, nd) = (descr.py(), shape.len());
    if nd > MAXDIMS {
        return Err(too_many_dims(nd));
    }
    let itemsize = descr.itemsize();
    let nbytes = checked_nbytes(shape, itemsize)?;
    // SAFETY: an object of the size of the type, all of whose fields are set before anybody else sees it; its dims have
    // room for both rows.
    unsafe {
        let obj = ffi::PyObject_Malloc(size_of::<PyArrayObject>()).cast::<ffi::PyObject>();
        if obj.is_null() {
            return Err(pyo3::exceptions::PyMemoryError::new_err(()));
        }
        ffi::PyObject_Init(obj, ARRAY_TYPE.as_type());
        let a = obj.cast::<PyArrayObject>();
        (*a).data = null_mut();
        (*a).nd = 0;
        (*a).dimensions = null_mut();
        (*a).strides = null_mut();
        (*a).base = null_mut();
        (*a).descr = descr.0.into_ptr().cast();
        (*a).flags = 0;
        (*a).weakreflist = null_mut();
        (*a).buffer_info = null_mut();
        (*a).mem_handler = null_mut();
        let arr = Array(Bound::from_owned_ptr(py, obj));
        if nd > 0 {
            let dims = geometry::take(nd);
            if dims.is_null() {
                return Err(pyo3::exceptions::PyMemoryError::new_err(()));
            }
            (*a).nd = nd as i32;
            (*a).dimensions = dims;
            (*a).strides = dims.add(nd);
            for (i, &n) in shape.iter().enumerate() {
                *dims.add(i) = n;
            }
            match strides {
                Some(strides) => strides.iter().zip(nd..).for_each(|(&st, i)| *dims.add(i) = st),
                None => {
                    let strides = std::slice::from_raw_parts_mut(dims.add(nd), nd);
                    fill_strides(strides, shape, itemsize, fortran);
                }
            }
        }
        put_elements(&arr, nbytes, memory)?;
        Ok(arr)
    }
}

const NPY_NEEDS_INIT: u64 = micronumpy::dtype::flags::NEEDS_INIT;

fn fill_strides(out: &mut [isize], shape: &[isize], itemsize: usize, fortran: bool) {
    let mut acc = itemsize as isize;
    let n = shape.len();
    for k in 0..n {
        let i = if fortran { k } else { n - 1 - k };
        out[i] = acc;
        // The caller has checked the product; empty dimensions count as one.
        if shape[i] != 0 {
            acc = acc.wrapping_mul(shape[i]);
        }
    }
}

/// Base descriptor and shape of a subarray descriptor (nested ones are flattened by the recursion of [`Make::build`]).
pub fn subarray_parts<'py>(descr: &Descr<'py>) -> PyResult<(Descr<'py>, Dims)> {
    let py = descr.py();
    // SAFETY: the caller has seen a VOID descriptor with a subarray.
    unsafe {
        let sub = (*descr.raw().cast::<PyArray_LegacyDescr>()).subarray;
        let base = Descr(Bound::from_borrowed_ptr(py, (*sub).base.cast()));
        let shape = Bound::from_borrowed_ptr(py, (*sub).shape);
        let dims: Dims = match shape.cast::<pyo3::types::PyTuple>() {
            Ok(t) => t.iter().map(|x| x.extract::<isize>()).collect::<PyResult<_>>()?,
            Err(_) => Dims::from_slice(&[shape.extract::<isize>()?]),
        };
        Ok((base, dims))
    }
}

/// `maximum supported dimension ...`
#[cold]
pub fn too_many_dims(nd: usize) -> PyErr {
    PyValueError::new_err(format!(
        "maximum supported dimension for an ndarray is currently {MAXDIMS}, found {nd}"
    ))
}

/// Size in bytes, with numpy's errors.
#[inline]
pub fn checked_nbytes(shape: &[isize], itemsize: usize) -> PyResult<usize> {
    let mut n = itemsize as isize;
    let mut empty = false;
    for &d in shape {
        if d <= 0 {
            if d < 0 {
                return Err(negative_dimension());
            }
            empty = true;
            continue;
        }
        let Some(more) = n.checked_mul(d) else { return Err(too_big()) };
        n = more;
    }
    Ok(if empty { 0 } else { n as usize })
}

#[cold]
fn negative_dimension() -> PyErr {
    PyValueError::new_err("negative dimensions are not allowed")
}
#[cold]
fn too_big() -> PyErr {
    PyValueError::new_err(
        "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.",
    )
}

/// `numpy._core._exceptions._ArrayMemoryError`
#[cold]
pub fn memory_error(py: Python<'_>, shape: &[isize], descr: &Descr<'_>) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let cls = crate::ffi::import::cached(py, "numpy._core._exceptions", "_ArrayMemoryError")?;
        let shape = pyo3::types::PyTuple::new(py, shape)?;
        Ok(PyErr::from_value(cls.call1((shape, descr.0.clone()))?))
    };
    make().unwrap_or_else(|e| e)
}

/// Call `__array_finalize__` of a new instance of a subclass, unless it is ndarray's own or `None`.
pub fn finalize<'py>(arr: &Array<'py>, parent: Option<&Bound<'py, PyAny>>) -> PyResult<()> {
    let py = arr.py();
    let ty = arr.0.get_type();
    let name = intern!(py, "__array_finalize__");
    let func = ty.getattr(name)?;
    if func.is_none() {
        return Ok(());
    }
    // SAFETY: ready type.
    let own = unsafe { crate::ffi::types::handle(py, ARRAY_TYPE.as_type()) }.getattr(name)?;
    if func.is(&own) {
        return Ok(());
    }
    let none = py.None().into_bound(py);
    func.call1((&arr.0, parent.unwrap_or(&none)))?;
    Ok(())
}

/// How many arrays end inside the end of another before the rest waits.
const MAX_NESTING: usize = 50;

thread_local! {
    static NESTING: Cell<usize> = const { Cell::new(0) };
    // Arrays without references whose end has been put off. Raw pointers: nothing is left to count.
    // Never torn down, as arrays may end after everything else of a thread.
    static WAITING: ManuallyDrop<RefCell<Vec<*mut ffi::PyObject>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// `tp_dealloc`. An object array may hold the last reference to another, that to a third, and so on for longer than a
/// stack is deep; from some depth on they wait for the first to end. (Subclasses come here through CPython's own
/// destructor, which does the same.)
pub unsafe extern "C" fn dealloc(obj: *mut ffi::PyObject) {
    let depth = NESTING.get();
    // SAFETY: a live type. Only a static one is sure to outlive the wait.
    let may_wait = unsafe { ffi::Py_TYPE(obj) } == ARRAY_TYPE.as_type();
    if depth >= MAX_NESTING && may_wait {
        WAITING.with(|w| w.borrow_mut().push(obj));
        return;
    }
    NESTING.set(depth + 1);
    // SAFETY: CPython calls this once for an object without references.
    unsafe { end(obj) };
    if depth == 0 {
        while let Some(next) = WAITING.with(|w| w.borrow_mut().pop()) {
            // SAFETY: it was put off, so it has not ended yet.
            unsafe { end(next) };
        }
    }
    NESTING.set(depth);
}

/// Takes a reference away again that an object without any was given.
///
/// # Safety
/// An object with references.
unsafe fn uncount(obj: *mut ffi::PyObject) {
    // SAFETY: by contract. From 3.12 on the field is a union, of which this is a part.
    unsafe { *(&raw mut (*obj).ob_refcnt).cast::<ffi::Py_ssize_t>() -= 1 }
}

/// The end of an array object: write-back, weak references, base, data, descriptor, dims.
///
/// # Safety
/// An array without references; it is gone afterwards.
unsafe fn end(obj: *mut ffi::PyObject) {
    // SAFETY: by contract; all fields are valid or null.
    unsafe {
        let a = obj.cast::<PyArrayObject>();
        if !(*a).weakreflist.is_null() {
            ffi::PyObject_ClearWeakRefs(obj);
        }
        if !(*a).buffer_info.is_null() {
            crate::protocols::buffer::release_info(a);
            (*a).buffer_info = null_mut();
        }
        if !(*a).base.is_null() {
            if (*a).flags & NPY_ARRAY_WRITEBACKIFCOPY != 0 {
                crate::ffi::guard::cleanup(|py| {
                    // The object is resurrected for the time of the copy.
                    ffi::Py_INCREF(obj);
                    let saved = PyErr::take(py);
                    let arr = Array(Bound::from_borrowed_ptr(py, obj));
                    let text = c"WRITEBACKIFCOPY detected in array_dealloc.  Required call to \
                        PyArray_ResolveWritebackIfCopy or PyArray_DiscardWritebackIfCopy is missing.";
                    let warned =
                        PyErr::warn(py, &py.get_type::<pyo3::exceptions::PyRuntimeWarning>(), text, 1);
                    if let Err(e) = warned.and_then(|()| super::writeback::resolve(&arr).map(drop)) {
                        e.write_unraisable(py, Some(&arr.0));
                    }
                    if let Some(e) = saved {
                        e.restore(py);
                    }
                    drop(arr);
                    uncount(obj);
                    Ok(())
                });
            }
            ffi::Py_XDECREF((*a).base);
            (*a).base = null_mut();
        }
        let capacity = kept::end(a);
        if (*a).flags & NPY_ARRAY_OWNDATA != 0 && !(*a).data.is_null() {
            let itemsize = (*(*a).descr).elsize as usize;
            if (*(*a).descr).flags & micronumpy::dtype::flags::ITEM_REFCOUNT != 0 {
                crate::ffi::guard::cleanup(|py| {
                    let saved = PyErr::take(py);
                    ffi::Py_INCREF(obj);
                    let arr = Array(Bound::from_borrowed_ptr(py, obj));
                    // Objects die while the array still looks whole.
                    micronumpy::cast::release_objects(&arr.view());
                    drop(arr);
                    uncount(obj);
                    if let Some(e) = saved {
                        e.restore(py);
                    }
                    Ok(())
                });
            }
            let n: usize = (0..(*a).nd as usize).map(|i| *(*a).dimensions.add(i) as usize).product();
            if (*a).mem_handler.is_null() {
                // Memory of unknown origin that somebody marked as owned: `malloc` is what upstream assumes too.
                if memory::warns_of_no_policy() {
                    crate::ffi::guard::cleanup(|py| {
                        let saved = PyErr::take(py);
                        let text = c"Trying to dealloc data, but a memory policy is not set. If you take ownership of the data, \
                            you must set a base owning the data (e.g. a PyCapsule).";
                        let category = py.get_type::<pyo3::exceptions::PyRuntimeWarning>();
                        if let Err(e) = PyErr::warn(py, &category, text, 1) {
                            e.write_unraisable(py, Some(pyo3::intern!(py, "array_dealloc")));
                        }
                        if let Some(e) = saved {
                            e.restore(py);
                        }
                        Ok(())
                    });
                }
                libc::free((*a).data.cast());
            } else {
                memory::free((*a).mem_handler, (*a).data, capacity.unwrap_or(n * itemsize));
            }
            (*a).data = null_mut();
        }
        ffi::Py_XDECREF((*a).mem_handler);
        if !(*a).dimensions.is_null() {
            geometry::put((*a).dimensions, (*a).nd as usize);
        }
        ffi::Py_XDECREF((*a).descr.cast());
        let ty = ffi::Py_TYPE(obj);
        match (*ty).tp_free {
            Some(free) => free(obj.cast()),
            None => ffi::PyObject_Free(obj.cast()),
        }
    }
}

/// Replace shape and strides of an object by ones of another rank.
///
/// # Safety
/// The new shape and strides describe memory the array keeps alive.
pub unsafe fn set_geometry(arr: &Array<'_>, shape: &[isize], strides: &[isize]) -> PyResult<()> {
    let a = arr.raw();
    let nd = shape.len();
    // SAFETY: the block belongs to the array; the new one is filled before it is put in place.
    unsafe {
        let mut dims = null_mut::<isize>();
        if nd > 0 {
            dims = geometry::take(nd);
            if dims.is_null() {
                return Err(pyo3::exceptions::PyMemoryError::new_err(()));
            }
            std::ptr::copy_nonoverlapping(shape.as_ptr(), dims, nd);
            std::ptr::copy_nonoverlapping(strides.as_ptr(), dims.add(nd), nd);
        }
        if !(*a).dimensions.is_null() {
            libc::free((*a).dimensions.cast());
        }
        (*a).nd = nd as i32;
        (*a).dimensions = dims;
        (*a).strides = if dims.is_null() { null_mut() } else { dims.add(nd) };
        flags::update(a);
    }
    Ok(())
}

/// A fresh array around a buffer of the object space, with the descriptor object to use.
pub fn adopt<'py>(descr: &Descr<'py>, arr: NdArray) -> PyResult<Array<'py>> {
    let (data, shape, strides, dtype) = arr.into_raw();
    // Strings go with the instance they were stored in.
    let own = match dtype.as_strings() {
        Some(_) if dtype != *descr.dtype() => Some(crate::objects::dtype::descr_of(descr.py(), &dtype)?),
        _ => None,
    };
    let descr = own.as_ref().unwrap_or(descr);
    let nbytes = shape.iter().product::<isize>() as usize * dtype.itemsize;
    memory::note_alloc(data, nbytes);
    // SAFETY: the buffer holds all elements; ownership is taken over below, right after the object exists.
    unsafe {
        let made = Make { data, strides: Some(&strides), ..Make::new(descr, &shape) }.build();
        match made {
            Ok(out) => {
                let a = out.raw();
                (*a).flags |= NPY_ARRAY_OWNDATA;
                let capsule = memory::default_capsule();
                ffi::Py_INCREF(capsule);
                (*a).mem_handler = capsule;
                Ok(out)
            }
            Err(e) => {
                memory::free(memory::default_capsule(), data, nbytes);
                Err(e)
            }
        }
    }
}

/// The memory of a plain array that nobody else has seen, as an instance of a subclass. Results are made so and not as
/// instances from the start, because a subclass may give itself another shape in `__array_finalize__`.
pub fn instance_of<'py>(
    plain: Array<'py>,
    subtype: &Bound<'py, PyAny>,
    parent: Option<&Bound<'py, PyAny>>,
) -> PyResult<Array<'py>> {
    let (from, descr) = (plain.raw(), plain.descr());
    // SAFETY: ownership of the memory moves before `__array_finalize__` can run, so it has one owner at all times.
    unsafe {
        Make {
            subtype: Some(subtype),
            data: plain.data(),
            strides: Some(plain.strides()),
            parent,
            allow_empty_string: true,
            ..Make::new(&descr, plain.shape())
        }
        .build_with(|to| {
            (*to).flags |= (*from).flags & NPY_ARRAY_OWNDATA;
            (*from).flags &= !NPY_ARRAY_OWNDATA;
            (*to).mem_handler = std::mem::replace(&mut (*from).mem_handler, null_mut());
        })
    }
}

/// A new array of another dtype or shape laid out like `prototype` (`np.empty_like`).
pub fn new_like<'py>(
    prototype: &Array<'py>,
    order: Order,
    descr: &Descr<'py>,
    shape: Option<&[isize]>,
    subok: bool,
    zeroed: bool,
) -> PyResult<Array<'py>> {
    let proto_shape = prototype.shape();
    let dims = shape.unwrap_or(proto_shape);
    let same_rank = dims.len() == proto_shape.len();
    let fortran = match order {
        Order::C => false,
        Order::F => true,
        Order::Any => is_fortran_only(prototype),
        Order::Keep => {
            if !same_rank || prototype.has_flags(NPY_ARRAY_C_CONTIGUOUS) || dims.len() <= 1 {
                false
            } else {
                prototype.has_flags(NPY_ARRAY_F_CONTIGUOUS)
            }
        }
    };
    let keep = order == Order::Keep
        && same_rank
        && dims.len() > 1
        && !prototype.has_flags(NPY_ARRAY_C_CONTIGUOUS)
        && !fortran;
    let ty = (subok && !prototype.is_exact()).then(|| prototype.0.get_type().into_any());
    let subtype = ty.as_ref();
    let strides = if keep {
        let itemsize = match descr.dtype().num {
            // Fresh strings hold a character at least.
            TypeNum::STRING => descr.itemsize().max(1),
            TypeNum::UNICODE => descr.itemsize().max(4),
            _ => descr.itemsize(),
        };
        checked_nbytes(dims, itemsize)?;
        Some(micronumpy::array::sorted_like_strides(dims, prototype.strides(), itemsize))
    } else {
        None
    };
    // SAFETY: fresh memory; the strides are a permutation of the contiguous ones.
    unsafe {
        Make {
            subtype,
            strides: strides.as_deref(),
            fortran,
            zeroed,
            parent: subtype.map(|_| &prototype.0),
            ..Make::new(descr, dims)
        }
        .build()
    }
}

/// Fortran order and not C order at the same time.
pub fn is_fortran_only(arr: &Array<'_>) -> bool {
    arr.flags() & (NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_C_CONTIGUOUS) == NPY_ARRAY_F_CONTIGUOUS
}

/// Make `arr` keep `base` alive, following chains of plain views to the array that owns the memory.
pub fn set_base<'py>(arr: &Array<'py>, base: &Bound<'py, PyAny>) -> PyResult<()> {
    if base.is(&arr.0) {
        return Err(PyValueError::new_err("Cannot create a circular NumPy array 'base' dependency"));
    }
    let mut base = base.clone();
    // SAFETY: live objects; the old base is released after the new one is in place.
    unsafe {
        base = collapse_base(arr, base);
        let old = (*arr.raw()).base;
        (*arr.raw()).base = base.into_ptr();
        ffi::Py_XDECREF(old);
    }
    Ok(())
}

/// The object a view of `base` should keep alive: views of views of the same type point at the first array.
///
/// # Safety
/// `arr` is a live array.
pub unsafe fn collapse_base<'py>(arr: &Array<'py>, mut base: Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    // SAFETY: live objects; bases of arrays are objects or null.
    unsafe {
        let ty = ffi::Py_TYPE(arr.0.as_ptr());
        while let Some(b) = Array::cast(&base) {
            if b.has_flags(NPY_ARRAY_OWNDATA) {
                break;
            }
            let next = (*b.raw()).base;
            if next.is_null() {
                break;
            }
            let next = Bound::from_borrowed_ptr(arr.py(), next);
            // Stop where the chain leaves the type of this array, so that e.g. a memmap stays reachable.
            if ffi::Py_TYPE(next.as_ptr()) != ty {
                break;
            }
            base = next;
        }
        base
    }
}

/// `ndarray.__new__(shape, dtype=float, buffer=None, offset=0, strides=None, order=None)`
pub fn tp_new<'py>(
    cls: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    static SIG: crate::ffi::Sig =
        crate::ffi::Sig::new("ndarray(shape, dtype=None, buffer=None, offset=0, strides=None, order=None)");
    let py = cls.py();
    let [shape, dtype, buffer, offset, strides, order] =
        crate::ffi::args::with_args(args, kwargs, |a| a.parse_c(&SIG))?;
    let Some(shape) = shape else { return Err(PyTypeError::new_err("missing shape")) };
    let shape = super::args::shape(&shape)?;
    let descr = match dtype {
        Some(d) if !d.is_none() => crate::objects::dtype::convert_or_default(&d)?,
        _ => crate::objects::dtype::builtin(py, TypeNum::DOUBLE),
    };
    let buffer = buffer.filter(|b| !b.is_none());
    let offset = match offset {
        Some(o) => super::args::index(&o)?,
        None => 0,
    };
    let strides = match strides {
        Some(s) if !s.is_none() => Some(super::args::shape(&s)?),
        _ => None,
    };
    let order = super::args::order(order.as_ref(), Order::C)?;
    let itemsize = descr.itemsize();
    if let Some(st) = &strides {
        if st.len() != shape.len() {
            return Err(PyValueError::new_err("strides, if given, must be the same length as shape"));
        }
    }
    let fortran = order == Order::F;
    let nbytes = checked_nbytes(&shape, itemsize)?;
    let Some(buffer) = buffer else {
        if let Some(st) = &strides {
            if !strides_fit(&shape, st, itemsize, nbytes, 0) {
                return Err(bad_strides());
            }
        }
        // SAFETY: fresh memory; given strides stay inside it.
        let out = unsafe {
            Make {
                // Strides may leave out parts that nobody writes later.
                zeroed: strides.is_some(),
                subtype: Some(cls),
                strides: strides.as_deref(),
                fortran,
                allow_empty_string: true,
                ..Make::new(&descr, &shape)
            }
            .build()?
        };
        if out.dtype().has_object() {
            super::assign::fill_none(&out);
        }
        return Ok(out.0);
    };
    let mem = crate::protocols::buffer::Memory::of(&buffer)?;
    // Upstream reads any bytes as object pointers. Here they must be known to be some: those of another array of objects.
    let word = size_of::<*mut ffi::PyObject>() as isize;
    let whole = offset % word == 0 && strides.as_ref().is_none_or(|st| st.iter().all(|s| s % word == 0));
    let holds_objects = descr.dtype().num.is_object()
        && whole
        && Array::cast(&buffer).is_some_and(|a| a.dtype().num.is_object());
    // Or nothing at all, where nobody can change that.
    let nothing = || {
        // SAFETY: the memory of a buffer that is held.
        let empty = || unsafe { std::slice::from_raw_parts(mem.data, mem.len) }.iter().all(|&b| b == 0);
        descr.dtype().num.is_object() && !mem.writeable && (mem.len == 0 || empty())
    };
    if descr.dtype().has_object() && !holds_objects && !nothing() {
        return Err(PyValueError::new_err("cannot construct array of objects from a buffer"));
    }
    let fits = usize::try_from(offset).is_ok_and(|off| match &strides {
        None => off.checked_add(nbytes).is_some_and(|end| end <= mem.len),
        Some(_) => off <= mem.len,
    });
    if !fits {
        return Err(PyTypeError::new_err("buffer is too small for requested array"));
    }
    if let Some(st) = &strides {
        if !strides_fit(&shape, st, itemsize, mem.len, offset) {
            return Err(bad_strides());
        }
    }
    // SAFETY: all elements were checked to lie inside the buffer, which its owner keeps alive.
    unsafe {
        let out = Make {
            subtype: Some(cls),
            strides: strides.as_deref(),
            fortran,
            data: mem.data.wrapping_offset(offset),
            writeable: mem.writeable,
            base: Some(mem.owner.clone()),
            allow_empty_string: true,
            ..Make::new(&descr, &shape)
        }
        .build()?;
        if Array::cast(&mem.owner).is_none() {
            // Locked, so that e.g. a bytearray is not resized under the array.
            mem.hold_for(&out)?;
        }
        Ok(out.0)
    }
}

fn bad_strides() -> PyErr {
    PyValueError::new_err("strides is incompatible with shape of requested array and size of buffer")
}

/// Lowest and one past the highest byte of the elements, relative to the first element; `None` on overflow.
pub fn extent(shape: &[isize], strides: &[isize], itemsize: usize) -> Option<(isize, isize)> {
    let (mut lo, mut hi) = (0isize, 0isize);
    for (&n, &s) in shape.iter().zip(strides) {
        if n == 0 {
            return Some((0, 0));
        }
        let reach = s.checked_mul(n - 1)?;
        if reach < 0 {
            lo = lo.checked_add(reach)?;
        } else {
            hi = hi.checked_add(reach)?;
        }
    }
    Some((lo, hi.checked_add(itemsize as isize)?))
}

/// Whether strided elements stay inside `nbytes` bytes when the first one is at `offset`.
pub fn strides_fit(
    shape: &[isize],
    strides: &[isize],
    itemsize: usize,
    nbytes: usize,
    offset: isize,
) -> bool {
    let Some((lo, hi)) = extent(shape, strides, itemsize) else { return false };
    offset.checked_add(lo).is_some_and(|l| l >= 0)
        && offset.checked_add(hi).is_some_and(|h| h <= nbytes as isize)
}

/// A new array with its own memory (objects: null slots).
pub fn new<'py>(descr: &Descr<'py>, shape: &[isize], order: Order, zeroed: bool) -> PyResult<Array<'py>> {
    // SAFETY: fresh memory.
    unsafe { Make { fortran: order == Order::F, zeroed, ..Make::new(descr, shape) }.build() }
}

/// See [`super::new_view`].
///
/// # Safety
/// As there.
#[inline]
pub unsafe fn new_view<'py>(
    descr: &Descr<'py>,
    data: *mut u8,
    shape: &[isize],
    strides: &[isize],
    base: &Bound<'py, PyAny>,
    writeable: bool,
    like: Option<&Array<'py>>,
) -> PyResult<Array<'py>> {
    let ty;
    let subtype = match like {
        Some(l) if !l.is_exact() => {
            ty = l.0.get_type().into_any();
            Some(&ty)
        }
        _ => None,
    };
    // SAFETY: the caller's promise.
    unsafe {
        // The base is settled before `__array_finalize__` runs, so that it sees the final object.
        let target = match subtype {
            None => collapse_plain(descr.py(), base.clone()),
            Some(t) => collapse_for(descr.py(), t.as_ptr().cast(), base.clone()),
        };
        Make {
            subtype,
            data,
            strides: Some(strides),
            writeable,
            base: Some(target),
            parent: like.map(|l| &l.0),
            allow_empty_string: true,
            ..Make::new(descr, shape)
        }
        .build()
    }
}

#[inline]
unsafe fn collapse_plain<'py>(py: Python<'py>, base: Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    // SAFETY: as `collapse_for`.
    unsafe { collapse_for(py, ARRAY_TYPE.as_type(), base) }
}

/// [`collapse_base`] for an array of this type that does not exist yet.
#[inline]
unsafe fn collapse_for<'py>(
    py: Python<'py>,
    ty: *mut ffi::PyTypeObject,
    mut base: Bound<'py, PyAny>,
) -> Bound<'py, PyAny> {
    // SAFETY: live objects; bases of arrays are objects or null.
    unsafe {
        while crate::objects::handles::is_array(&base) {
            let b = base.as_ptr().cast::<PyArrayObject>();
            let next = (*b).base;
            if (*b).flags & NPY_ARRAY_OWNDATA != 0 || next.is_null() || ffi::Py_TYPE(next) != ty {
                break;
            }
            base = Bound::from_borrowed_ptr(py, next);
        }
        base
    }
}

/// A view of the same elements with the same geometry, of this type (`None`: the array's own type).
pub fn plain_view<'py>(arr: &Array<'py>, subtype: Option<&Bound<'py, PyAny>>) -> PyResult<Array<'py>> {
    if subtype.is_none() && arr.is_exact() {
        // SAFETY: as below.
        return unsafe { derived_view(arr, &arr.descr(), arr.data(), arr.shape(), arr.strides()) };
    }
    let ty = arr.0.get_type().into_any();
    let subtype = subtype.unwrap_or(&ty);
    // SAFETY: the same memory with the same geometry, kept alive by `arr`.
    unsafe {
        Make {
            subtype: Some(subtype),
            data: arr.data(),
            strides: Some(arr.strides()),
            writeable: arr.is_writeable(),
            base: Some(collapse_for(arr.py(), subtype.as_ptr().cast(), arr.0.clone())),
            parent: Some(&arr.0),
            allow_empty_string: true,
            ..Make::new(&arr.descr(), arr.shape())
        }
        .build()
    }
}

/// A view of elements of `arr` with another geometry and possibly another dtype, of the array's own type.
///
/// # Safety
/// The geometry describes elements inside the memory `arr` keeps alive.
#[inline]
pub unsafe fn derived_view<'py>(
    arr: &Array<'py>,
    descr: &Descr<'py>,
    data: *mut u8,
    shape: &[isize],
    strides: &[isize],
) -> PyResult<Array<'py>> {
    // SAFETY: the caller's promise.
    unsafe { new_view(descr, data, shape, strides, &arr.0, arr.is_writeable(), Some(arr)) }
}

/// What an internal consistency check says.
pub fn internal(msg: &'static str) -> PyErr {
    PyRuntimeError::new_err(msg)
}

/// Memory error of the object space with this shape.
pub fn core_memory_error(shape: &[isize], dtype: &Dtype) -> Error {
    Error::Memory { shape: shape.to_vec(), dtype: dtype.clone() }
}

/// `from_owned` with the descriptor made from the dtype.
pub fn from_owned<'py>(py: Python<'py>, arr: NdArray) -> PyResult<Array<'py>> {
    let descr = crate::objects::dtype::descr_of(py, &arr.dtype)?;
    adopt(&descr, arr)
}

/// Convert a core result that is an array.
pub fn take<'py>(py: Python<'py>, r: micronumpy::Result<NdArray>) -> PyResult<Array<'py>> {
    from_owned(py, r.py(py)?)
}
