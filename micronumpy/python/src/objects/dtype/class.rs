//! DType classes as everything else holds them, and the classes compiled code defines (`PyArrayInitDTypeMeta_FromSpec`).
//!
//! A class made from a specification is a table of functions behind `dt_slots` and a number of its own, by which the
//! object space knows it. Builtin and old-style user classes have no table: what they do is the object space's business.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use micronumpy::TypeNum;
use micronumpy::dtype::flags;
use micronumpy::dtype::host::{FIRST_CLASS, is_host_class};
use micronumpy::dtype::promote::Class;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::{CLASSES, DESCR_TYPE, DTYPEMETA_TYPE, builtin, classes, fields, string, user};
use crate::abi::*;
use crate::error::{IntoPyResult, missing};
use crate::ffi::guard::owned;
use crate::objects::{Array, Descr, array, method};

/// A DType class: an instance of `numpy._DTypeMeta`.
#[derive(Clone)]
pub struct DtypeClass<'py>(pub Bound<'py, PyAny>);

/// What `dt_slots` points to.
pub enum Table {
    New(Box<Slots>),
    /// The functions of a type registered in the old way.
    Old(*mut PyArray_ArrFuncs),
}

/// The functions of a class made from a specification.
pub struct Slots {
    num: TypeNum,
    discover: Option<DiscoverDescr>,
    known_scalar: Option<IsKnownScalarType>,
    default: Option<DefaultDescr>,
    common_dtype: Option<CommonDType>,
    common_instance: Option<CommonInstance>,
    canonical: Option<EnsureCanonical>,
    finalize: Option<EnsureCanonical>,
    setitem: Option<SetItem>,
    getitem: Option<GetItem>,
    compare: Option<PyArray_CompareFunc>,
    /// The instance that stands for the class where its parameters come from the data.
    prototype: OnceLock<usize>,
}

static ANY: AtomicBool = AtomicBool::new(false);

/// Classes made from specifications, by number from [`FIRST_CLASS`] on. They are never freed.
static NEW: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Whether any class has been made from a specification.
pub fn any_class() -> bool {
    ANY.load(Ordering::Relaxed)
}

impl<'py> DtypeClass<'py> {
    pub fn cast(obj: &Bound<'py, PyAny>) -> Option<DtypeClass<'py>> {
        // SAFETY: live object, ready type.
        let is = unsafe { ffi::PyObject_TypeCheck(obj.as_ptr(), DTYPEMETA_TYPE.as_type()) != 0 };
        is.then(|| DtypeClass(obj.clone()))
    }
    /// # Safety
    /// Null or a live object.
    pub unsafe fn from_ptr(py: Python<'py>, class: *mut PyArray_DTypeMeta) -> Option<DtypeClass<'py>> {
        // SAFETY: the caller's promise.
        unsafe { Bound::from_borrowed_ptr_or_opt(py, class.cast()) }.as_ref().and_then(DtypeClass::cast)
    }
    /// The class of a descriptor.
    pub fn of(descr: &Descr<'py>) -> DtypeClass<'py> {
        DtypeClass(descr.0.get_type().into_any())
    }
    /// The class with a number of the object space.
    pub fn of_num(py: Python<'py>, num: TypeNum) -> PyResult<DtypeClass<'py>> {
        let fixed = if num == TypeNum::VSTRING {
            classes::STRING_DTYPE.as_object()
        } else if let Some(class) = usize::try_from(num.0).ok().and_then(|i| CLASSES.get(i)) {
            class.as_object()
        } else if is_host_class(num) {
            let all = NEW.lock().map_err(|_| PyRuntimeError::new_err("the list of DTypes is unusable"))?;
            match all.get((num.0 - FIRST_CLASS) as usize) {
                Some(&class) => class as *mut ffi::PyObject,
                None => return Err(missing(&format!("DType number {}", num.0))),
            }
        } else {
            let descr =
                user::descr_of_num(py, num).ok_or_else(|| missing(&format!("type number {}", num.0)))?;
            return Ok(DtypeClass::of(&descr));
        };
        // SAFETY: classes of these kinds live as long as the process.
        Ok(DtypeClass(unsafe { Bound::from_borrowed_ptr(py, fixed) }))
    }
    pub fn py(&self) -> Python<'py> {
        self.0.py()
    }
    pub fn raw(&self) -> *mut PyArray_DTypeMeta {
        self.0.as_ptr().cast()
    }
    fn head(&self) -> &PyArray_DTypeMeta {
        // SAFETY: a live DType class.
        unsafe { &*self.raw() }
    }
    /// The number the object space knows the class by; negative for abstract classes and those of Python's numbers.
    pub fn num(&self) -> TypeNum {
        self.slots().map_or(TypeNum(self.head().type_num), |s| s.num)
    }
    pub fn is_parametric(&self) -> bool {
        self.head().flags & NPY_DT_PARAMETRIC != 0
    }
    pub fn is_abstract(&self) -> bool {
        self.head().flags & NPY_DT_ABSTRACT != 0
    }
    pub fn is_legacy(&self) -> bool {
        self.head().flags & NPY_DT_LEGACY != 0
    }
    fn table(&self) -> Option<&Table> {
        // SAFETY: null or our table, which lives as long as the class.
        unsafe { self.head().dt_slots.cast::<Table>().as_ref() }
    }
    /// The table of a class made from a specification.
    pub fn slots(&self) -> Option<&Slots> {
        match self.table() {
            Some(Table::New(slots)) => Some(slots),
            _ => None,
        }
    }
    /// The functions of a type registered in the old way.
    pub fn functions(&self) -> Option<&PyArray_ArrFuncs> {
        match self.table() {
            // SAFETY: tables of functions live as long as the process.
            Some(Table::Old(f)) => unsafe { f.as_ref() },
            _ => None,
        }
    }
    /// How elements compare, if compiled code says so.
    pub fn compare(&self) -> Option<PyArray_CompareFunc> {
        match self.slots() {
            Some(slots) => slots.compare,
            None => self.functions().and_then(|f| f.compare),
        }
    }
    /// Whether this is the very class of a descriptor.
    pub fn is_class_of(&self, descr: &Descr<'_>) -> bool {
        descr.0.get_type_ptr() == self.raw().cast()
    }
    /// `issubclass(self, other)`
    pub fn is_subclass_of(&self, other: &DtypeClass<'_>) -> bool {
        // SAFETY: live types.
        unsafe { ffi::PyType_IsSubtype(self.raw().cast(), other.raw().cast()) != 0 }
    }

    /// The instance that stands for the class where nothing else is known.
    pub fn default_descr(&self) -> PyResult<Descr<'py>> {
        let py = self.py();
        if let Some(slots) = self.slots() {
            let Some(default) = slots.default else {
                return Err(missing(&format!("default_descr of {}", self.0.str()?)));
            };
            // SAFETY: the slot's contract.
            return unsafe { owned(py, default(self.raw()).cast()) }.map(Descr);
        }
        let num = self.num();
        match num {
            TypeNum::VSTRING => string::default_instance(py),
            TypeNum::STRING => super::descr_of(py, &micronumpy::Dtype::string(1)),
            TypeNum::UNICODE => super::descr_of(py, &micronumpy::Dtype::unicode(1)),
            _ if (0..TypeNum::NTYPES as i32).contains(&num.0) => Ok(builtin(py, num)),
            _ if num.is_user() => {
                user::descr_of_num(py, num).ok_or_else(|| missing(&format!("type number {}", num.0)))
            }
            _ => Err(PyTypeError::new_err(format!("{} has no default instance", self.0.repr()?))),
        }
    }
    /// A descriptor that stands for the class itself, for where its parameters are to come from the data.
    pub fn prototype(&self) -> PyResult<Descr<'py>> {
        let py = self.py();
        let Some(slots) = self.slots() else {
            let singleton = self.head().singleton;
            // SAFETY: null or alive as long as the class.
            return match unsafe { Bound::from_borrowed_ptr_or_opt(py, singleton.cast()) } {
                Some(d) => Ok(Descr(d)),
                None => self.default_descr(),
            };
        };
        let kept = match slots.prototype.get() {
            Some(&p) => p,
            None => {
                let fresh = self.default_descr()?.0.into_ptr() as usize;
                *slots.prototype.get_or_init(|| fresh)
            }
        };
        // SAFETY: kept for as long as the class.
        Ok(Descr(unsafe { Bound::from_borrowed_ptr(py, kept as *mut ffi::PyObject) }))
    }
    /// Whether a descriptor is the one that stands for its class.
    pub fn is_prototype(descr: &Descr<'py>) -> bool {
        let class = DtypeClass::of(descr);
        class.slots().is_some_and(|s| s.prototype.get() == Some(&(descr.raw() as usize)))
    }
    /// The form of a descriptor that loops are made for.
    pub fn canonical(&self, descr: &Descr<'py>) -> PyResult<Descr<'py>> {
        match self.slots() {
            Some(Slots { canonical: Some(canonical), .. }) => {
                // SAFETY: the slot's contract.
                unsafe { owned(self.py(), canonical(descr.raw()).cast()) }.map(Descr)
            }
            Some(_) => Ok(descr.clone()),
            None if descr.dtype().is_native() => Ok(descr.clone()),
            None => fields::with_byteorder(descr, b'='),
        }
    }
    /// The instance for an array that is being made.
    pub fn finalize(&self, descr: &Descr<'py>) -> PyResult<Descr<'py>> {
        match self.slots() {
            Some(Slots { finalize: Some(finalize), .. }) => {
                // SAFETY: the slot's contract.
                unsafe { owned(self.py(), finalize(descr.raw()).cast()) }.map(Descr)
            }
            None if self.num() == TypeNum::VSTRING => string::for_new_array(descr),
            _ => Ok(descr.clone()),
        }
    }
    /// The instance that holds a Python object.
    pub fn discover(&self, obj: &Bound<'py, PyAny>) -> PyResult<Descr<'py>> {
        match self.slots() {
            Some(Slots { discover: Some(discover), .. }) => {
                // SAFETY: the slot's contract.
                unsafe { owned(self.py(), discover(self.raw(), obj.as_ptr()).cast()) }.map(Descr)
            }
            _ => self.default_descr(),
        }
    }
    /// Whether the class takes objects of this Python type without a cast.
    pub fn knows_scalar(&self, ty: &Bound<'py, PyType>) -> PyResult<bool> {
        let Some(slots) = self.slots() else { return Ok(false) };
        let ty = ty.as_type_ptr();
        if ty == self.head().scalar_type {
            return Ok(true);
        }
        let Some(known) = slots.known_scalar else {
            let builtins = [
                &raw mut ffi::PyFloat_Type,
                &raw mut ffi::PyLong_Type,
                &raw mut ffi::PyBool_Type,
                &raw mut ffi::PyComplex_Type,
                &raw mut ffi::PyUnicode_Type,
                &raw mut ffi::PyBytes_Type,
            ];
            return Ok(builtins.contains(&ty));
        };
        // SAFETY: the slot's contract.
        match unsafe { known(self.raw(), ty) } {
            0 => Ok(false),
            code if code > 0 => Ok(true),
            _ => Err(PyErr::fetch(self.py())),
        }
    }
    /// What the class answers about another one; `None`: ask that.
    pub fn common_dtype(&self, other: &DtypeClass<'py>) -> PyResult<Option<DtypeClass<'py>>> {
        let Some(Slots { common_dtype: Some(common), .. }) = self.slots() else { return Ok(None) };
        // SAFETY: the slot's contract.
        let answer = unsafe { owned(self.py(), common(self.raw(), other.raw()).cast())? };
        Ok(DtypeClass::cast(&answer))
    }
    /// The dtype two instances share.
    pub fn common_instance(&self, a: &Descr<'py>, b: &Descr<'py>) -> PyResult<Descr<'py>> {
        match self.slots() {
            Some(Slots { common_instance: Some(common), .. }) => {
                // SAFETY: the slot's contract.
                unsafe { owned(self.py(), common(a.raw(), b.raw()).cast()) }.map(Descr)
            }
            _ => Ok(a.clone()),
        }
    }
    /// Read an element.
    ///
    /// # Safety
    /// `data` is an element of `descr`, at any address.
    pub unsafe fn getitem(&self, descr: &Descr<'py>, data: *const u8) -> PyResult<Bound<'py, PyAny>> {
        if let Some(getitem) = self.functions().and_then(|f| f.getitem) {
            let arr = array_of(descr)?;
            // SAFETY: the function's contract: an element, and an array that knows its dtype.
            return unsafe { owned(self.py(), getitem(data.cast_mut().cast(), arr.0.as_ptr().cast())) };
        }
        let Some(Slots { getitem: Some(getitem), .. }) = self.slots() else {
            return Err(missing(&format!("reading elements of {}", self.0.str()?)));
        };
        // SAFETY: the slot's contract.
        unsafe { owned(self.py(), getitem(descr.raw(), data.cast_mut().cast())) }
    }
    /// Store an object of a type the class knows.
    ///
    /// # Safety
    /// As for [`DtypeClass::getitem`], writable.
    pub unsafe fn setitem(&self, descr: &Descr<'py>, data: *mut u8, obj: &Bound<'py, PyAny>) -> PyResult<()> {
        if let Some(setitem) = self.functions().and_then(|f| f.setitem) {
            let arr = array_of(descr)?;
            // SAFETY: the function's contract: an element, and an array that knows its dtype.
            return match unsafe { setitem(obj.as_ptr(), data.cast(), arr.0.as_ptr().cast()) } {
                code if code < 0 => Err(PyErr::fetch(self.py())),
                _ => Ok(()),
            };
        }
        let Some(Slots { setitem: Some(setitem), .. }) = self.slots() else {
            return Err(missing(&format!("storing elements of {}", self.0.str()?)));
        };
        // SAFETY: the slot's contract.
        if unsafe { setitem(descr.raw(), obj.as_ptr(), data.cast()) } < 0 {
            return Err(PyErr::fetch(self.py()));
        }
        Ok(())
    }
}

/// An array for functions that find the dtype of an element through one.
fn array_of<'py>(descr: &Descr<'py>) -> PyResult<Array<'py>> {
    array::new(descr, &[], micronumpy::Order::C, true)
}

/// What class `num` says about another class of a promotion.
pub fn common_class(py: Python<'_>, num: TypeNum, other: Class) -> PyResult<Option<TypeNum>> {
    let other = match other {
        Class::Num(n) => DtypeClass::of_num(py, n)?,
        // SAFETY: ready since module initialisation.
        weak => DtypeClass(unsafe {
            let class = match weak {
                Class::Int => &classes::PY_LONG,
                Class::Float => &classes::PY_FLOAT,
                _ => &classes::PY_COMPLEX,
            };
            crate::ffi::types::handle(py, class.as_type())
        }),
    };
    Ok(DtypeClass::of_num(py, num)?.common_dtype(&other)?.map(|c| c.num()))
}

/// The common class of two, whoever of them knows it.
pub fn common<'py>(a: &DtypeClass<'py>, b: &DtypeClass<'py>) -> PyResult<DtypeClass<'py>> {
    if a.0.is(&b.0) {
        return Ok(a.clone());
    }
    for (a, b) in [(a, b), (b, a)] {
        if let Some(common) = a.common_dtype(b)? {
            return Ok(common);
        }
    }
    // Classes without a table are the object space's business.
    let py = a.py();
    let (x, y) = (a.default_descr()?, b.default_descr()?);
    let dt = micronumpy::dtype::promote(x.dtype(), y.dtype()).py(py)?;
    DtypeClass::of_num(py, dt.num)
}

/// The class object is a static or heap type of the right size whose author has set name, constructor and the like:
/// complete it, and register its casts (`PyArrayInitDTypeMeta_FromSpec`).
///
/// # Safety
/// A class and a specification as `dtype_api.h` defines them.
pub unsafe fn init_from_spec(
    py: Python<'_>,
    class: *mut PyArray_DTypeMeta,
    spec: *const PyArrayDTypeMeta_Spec,
) -> PyResult<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let spec = &*spec;
        let ty: *mut ffi::PyTypeObject = class.cast();
        if (*ty.cast::<ffi::PyObject>()).ob_type != DTYPEMETA_TYPE.as_type() {
            return Err(PyRuntimeError::new_err(
                "Passed in DType must be a valid (initialized) DTypeMeta instance!",
            ));
        }
        let known = (NPY_DT_ABSTRACT | NPY_DT_PARAMETRIC | NPY_DT_NUMERIC) as c_int;
        if spec.flags & !known != 0 {
            return Err(PyRuntimeError::new_err("invalid DType flags specified"));
        }
        let mut slots = Slots {
            num: TypeNum(0),
            discover: None,
            known_scalar: None,
            default: None,
            common_dtype: None,
            common_instance: None,
            canonical: None,
            finalize: None,
            setitem: None,
            getitem: None,
            compare: None,
            prototype: OnceLock::new(),
        };
        let mut slot = spec.slots;
        while !slot.is_null() && (*slot).slot != 0 {
            fill_slot(&mut slots, (*slot).slot, (*slot).pfunc)?;
            slot = slot.add(1);
        }
        if (*ty).tp_base.is_null() {
            (*ty).tp_base = if spec.baseclass.is_null() { DESCR_TYPE.as_type() } else { spec.baseclass };
        }
        if (*ty).tp_dealloc.is_none() {
            (*ty).tp_dealloc = (*(*ty).tp_base).tp_dealloc;
        }
        if (*ty).tp_flags & ffi::Py_TPFLAGS_READY == 0 && ffi::PyType_Ready(ty) < 0 {
            return Err(PyErr::fetch(py));
        }
        (*class).flags = spec.flags as u64;
        (*class).type_num = -1;
        (*class).scalar_type = spec.typeobj;
        ffi::Py_XINCREF(spec.typeobj.cast());
        {
            let mut all =
                NEW.lock().map_err(|_| PyRuntimeError::new_err("the list of DTypes is unusable"))?;
            slots.num = TypeNum(FIRST_CLASS + all.len() as i32);
            ffi::Py_INCREF(ty.cast());
            all.push(class as usize);
            ANY.store(true, Ordering::Relaxed);
        }
        (*class).dt_slots = Box::into_raw(Box::new(Table::New(Box::new(slots)))).cast();
        let new = DtypeClass(Bound::from_borrowed_ptr(py, class.cast()));
        let mut within = false;
        let mut cast = spec.casts;
        while !cast.is_null() && !(*cast).is_null() {
            let (method, classes) = method::from_spec(py, *cast, Some(&new))?;
            if classes.len() != 2 {
                return Err(PyRuntimeError::new_err("All casts have to be from one DType to one other"));
            }
            within |= classes.iter().all(|c| c.0.is(&new.0));
            method::casts::register(method, &classes[0], &classes[1])?;
            cast = cast.add(1);
        }
        if !within {
            return Err(PyRuntimeError::new_err(
                "DType must provide a function to cast (or just copy) between its own instances!",
            ));
        }
        Ok(())
    }
}

/// # Safety
/// `func` is a function of the type the slot's number says.
unsafe fn fill_slot(slots: &mut Slots, number: c_int, func: *mut c_void) -> PyResult<()> {
    // SAFETY: the caller's promise; a null pointer is `None`.
    unsafe {
        match number {
            NPY_DT_DISCOVER_DESCR_FROM_PYOBJECT => slots.discover = slot_function(func),
            NPY_DT_IS_KNOWN_SCALAR_TYPE => slots.known_scalar = slot_function(func),
            NPY_DT_DEFAULT_DESCR => slots.default = slot_function(func),
            NPY_DT_COMMON_DTYPE => slots.common_dtype = slot_function(func),
            NPY_DT_COMMON_INSTANCE => slots.common_instance = slot_function(func),
            NPY_DT_ENSURE_CANONICAL => slots.canonical = slot_function(func),
            NPY_DT_FINALIZE_DESCR => slots.finalize = slot_function(func),
            NPY_DT_SETITEM => slots.setitem = slot_function(func),
            NPY_DT_GETITEM => slots.getitem = slot_function(func),
            // `PyArray_ArrFuncs` has its comparison at place 5.
            n if n == NPY_DT_ARRFUNCS_OFFSET + 5 => slots.compare = slot_function(func),
            NPY_DT_GET_CLEAR_LOOP => return Err(missing("the DType slot NPY_DT_get_clear_loop")),
            NPY_DT_GET_FILL_ZERO_LOOP => return Err(missing("the DType slot NPY_DT_get_fill_zero_loop")),
            NPY_DT_GET_CONSTANT => return Err(missing("the DType slot NPY_DT_get_constant")),
            n if n > NPY_DT_ARRFUNCS_OFFSET && n <= NPY_DT_ARRFUNCS_OFFSET + 22 => {
                return Err(missing(&format!("the ArrFuncs slot {}", n - NPY_DT_ARRFUNCS_OFFSET)));
            }
            n => return Err(PyRuntimeError::new_err(format!("Invalid slot with value {n} passed in."))),
        }
    }
    Ok(())
}

/// A descriptor of a class made from a specification, its head filled; the rest is zero.
///
/// # Safety
/// The class has been completed by [`init_from_spec`].
pub unsafe fn alloc(class: &DtypeClass<'_>, elsize: isize, alignment: isize) -> PyResult<*mut PyArray_Descr> {
    // SAFETY: a fresh zeroed object of a ready class.
    unsafe {
        let descr: *mut PyArray_Descr = ffi::PyType_GenericAlloc(class.raw().cast(), 0).cast();
        if descr.is_null() {
            return Err(PyErr::fetch(class.py()));
        }
        let d = &mut *descr;
        d.typeobj = class.head().scalar_type;
        ffi::Py_XINCREF(d.typeobj.cast());
        d.byteorder = b'|';
        d.type_num = -1;
        d.flags = flags::USE_GETITEM | flags::USE_SETITEM;
        (d.elsize, d.alignment) = (elsize, alignment);
        d.core = null_mut();
        Ok(descr)
    }
}

/// A class as errors name it.
pub fn name_of(py: Python<'_>, num: TypeNum) -> String {
    let class = DtypeClass::of_num(py, num).and_then(|c| Ok(c.0.repr()?.to_string_lossy().into_owned()));
    class.unwrap_or_else(|_| format!("DType number {}", num.0))
}

/// Whether two descriptors of one class say the same, as their cast tells.
///
/// # Safety
/// Two live descriptors.
pub unsafe fn same(py: Python<'_>, a: *mut ffi::PyObject, b: *mut ffi::PyObject) -> PyResult<bool> {
    // SAFETY: the caller's promise.
    let (a, b) = unsafe { (Descr(Bound::from_borrowed_ptr(py, a)), Descr(Bound::from_borrowed_ptr(py, b))) };
    let class = DtypeClass::of(&a);
    if !class.is_class_of(&b) {
        return Ok(false);
    }
    let Some(method) = method::casts::method_for(&class, &class)? else { return Ok(false) };
    let found = method.resolve(&[class.clone(), class], &[Some(a), Some(b)])?;
    Ok(found.is_some_and(|r| r.level() == micronumpy::Casting::No && r.view_offset == Some(0)))
}
