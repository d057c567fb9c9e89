//! Structured and subarray descriptors: from tuples, lists and dictionaries.

use micronumpy::dtype::flags;
use micronumpy::{Dtype, TypeNum};
use pyo3::exceptions::{PyKeyError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};
use pyo3::{ffi, intern};

use super::new::{convert, convert_with};
use super::{alloc, copy, legacy, subarray};
use crate::ffi::import::cached;
use crate::objects::{Descr, scalar};

const MAX_SIZE: isize = i32::MAX as isize;

/// Descriptor flags a structure takes over from its fields.
pub(super) const FROM_FIELDS: u64 =
    flags::NEEDS_INIT | flags::LIST_PICKLE | flags::ITEM_REFCOUNT | flags::NEEDS_PYAPI;

fn elsize(descr: &Descr<'_>) -> isize {
    // SAFETY: live descriptor; the same below.
    unsafe { (*descr.raw()).elsize }
}
fn alignment(descr: &Descr<'_>) -> isize {
    // SAFETY: as above.
    unsafe { (*descr.raw()).alignment.max(1) }
}
fn flags_of(descr: &Descr<'_>) -> u64 {
    // SAFETY: as above.
    unsafe { (*descr.raw()).flags }
}
fn type_num(descr: &Descr<'_>) -> TypeNum {
    // SAFETY: as above.
    unsafe { TypeNum((*descr.raw()).type_num) }
}

/// Names in order, or `None` for a descriptor without fields.
pub(crate) fn names<'py>(descr: &Descr<'py>) -> Option<Bound<'py, PyTuple>> {
    let full = legacy(descr)?;
    // SAFETY: names is null or a tuple (setters see to it).
    let names = unsafe { Bound::from_borrowed_ptr_or_opt(descr.py(), (*full).names)? };
    names.cast_into().ok()
}

/// The dictionary of fields.
pub(crate) fn dict<'py>(descr: &Descr<'py>) -> Option<Bound<'py, PyDict>> {
    let full = legacy(descr)?;
    // SAFETY: fields is null, None or a dictionary.
    let fields = unsafe { Bound::from_borrowed_ptr_or_opt(descr.py(), (*full).fields)? };
    fields.cast_into().ok()
}

/// One entry of the fields: descriptor, offset, title.
pub(crate) fn entry<'py>(
    fields: &Bound<'py, PyDict>,
    name: &Bound<'py, PyAny>,
) -> PyResult<(Descr<'py>, isize, Option<Bound<'py, PyAny>>)> {
    let item = fields.get_item(name)?.ok_or_else(|| PyKeyError::new_err(name.clone().unbind()))?;
    let item = item.cast::<PyTuple>()?;
    let descr = Descr::cast(&item.get_item(0)?).ok_or_else(|| PyTypeError::new_err("field without dtype"))?;
    Ok((descr, item.get_item(1)?.extract()?, item.get_item(2).ok()))
}

/// A structured descriptor in the making: names, fields, and where the next one goes.
struct Builder<'py> {
    names: Vec<Bound<'py, PyString>>,
    fields: Bound<'py, PyDict>,
    align: bool,
    total: isize,
    max_align: isize,
    flags: u64,
}

/// `n` rounded up to a multiple of `align`.
fn align_up(n: isize, align: isize) -> PyResult<isize> {
    n.checked_add(align - 1).map(|m| m / align * align).ok_or_else(too_big)
}

fn too_big() -> PyErr {
    PyValueError::new_err("dtype size in bytes must fit into a C int")
}

impl<'py> Builder<'py> {
    #[inline(never)]
    fn new(py: Python<'py>, align: bool) -> Builder<'py> {
        Builder {
            names: vec![],
            fields: PyDict::new(py),
            align,
            total: 0,
            max_align: 1,
            flags: flags::NEEDS_PYAPI,
        }
    }

    /// What every field passes: its type must be allowed in a structure.
    fn accept(&mut self, descr: &Descr<'py>) -> PyResult<()> {
        if type_num(descr) == TypeNum::VSTRING {
            return Err(PyTypeError::new_err(
                "StringDType is not currently supported for structured dtype fields.",
            ));
        }
        self.flags |= flags_of(descr) & FROM_FIELDS;
        self.max_align = self.max_align.max(alignment(descr));
        Ok(())
    }

    /// Where a field goes that comes after all others.
    fn next_offset(&self, descr: &Descr<'py>) -> PyResult<isize> {
        if self.align { align_up(self.total, alignment(descr)) } else { Ok(self.total) }
    }

    /// Put a field at an offset.
    fn place(
        &mut self,
        name: Bound<'py, PyString>,
        title: Option<&Bound<'py, PyAny>>,
        descr: Descr<'py>,
        offset: isize,
    ) -> PyResult<()> {
        let end = offset.checked_add(elsize(&descr)).filter(|&n| n <= MAX_SIZE).ok_or_else(too_big)?;
        self.total = self.total.max(end);
        let py = name.py();
        let entry = match title {
            Some(title) => (descr.0, offset, title).into_pyobject(py)?,
            None => (descr.0, offset).into_pyobject(py)?.into_any().cast_into()?,
        };
        self.fields.set_item(&name, &entry)?;
        if let Some(title) = title
            && title.is_instance_of::<PyString>()
        {
            if !title.eq(&name)? && self.fields.contains(title)? {
                return Err(PyValueError::new_err("title already used as a name or title."));
            }
            self.fields.set_item(title, &entry)?;
        }
        self.names.push(name);
        Ok(())
    }

    #[inline(never)]
    fn finish(mut self, py: Python<'py>) -> PyResult<Descr<'py>> {
        if self.align {
            self.total = align_up(self.total, self.max_align)?;
            self.flags |= flags::ALIGNED_STRUCT;
        }
        if self.total > MAX_SIZE {
            return Err(too_big());
        }
        let dt = Dtype {
            itemsize: self.total as usize,
            align: if self.align { self.max_align as usize } else { 1 },
            flags: self.flags,
            ..Dtype::void(0)
        };
        let descr = alloc(py, &dt)?;
        let full = legacy(&descr).expect("void is legacy");
        // SAFETY: a fresh descriptor without fields.
        unsafe {
            (*full).names = PyTuple::new(py, self.names)?.into_ptr();
            (*full).fields = self.fields.into_ptr();
            // Inner values exist already, so making this one now keeps deep nesting from recursing later.
            super::dtype_of(descr.raw());
        }
        Ok(descr)
    }
}

/// A list of field tuples: `[("a", "i4"), (("title", "b"), "f8", (2,))]`.
pub(super) fn from_list<'py>(list: &Bound<'py, PyList>, align: bool) -> PyResult<Descr<'py>> {
    let mut all = Box::new(Builder::new(list.py(), align));
    for i in 0..list.len() {
        let spec = FieldSpec::parse(list, i)?;
        let descr = convert_with(&spec.format, align)?;
        spec.add(&mut all, descr)?;
    }
    all.finish(list.py())
}

/// One tuple of the list.
struct FieldSpec<'py> {
    at: usize,
    title: Option<Bound<'py, PyAny>>,
    name: Bound<'py, PyString>,
    format: Bound<'py, PyAny>,
}

impl<'py> FieldSpec<'py> {
    #[inline(never)]
    fn parse(list: &Bound<'py, PyList>, at: usize) -> PyResult<Box<FieldSpec<'py>>> {
        let item = list.get_item(at)?;
        let Some(tuple) = item.cast::<PyTuple>().ok().filter(|t| t.len() >= 2) else {
            return Err(PyTypeError::new_err(format!(
                "Field elements must be 2- or 3-tuples, got '{}'",
                item.repr()?.to_string_lossy()
            )));
        };
        let first = tuple.get_item(0)?;
        let (title, name) = if first.is_instance_of::<PyString>() {
            (None, first.cast_into::<PyString>()?)
        } else if let Some(pair) = first.cast::<PyTuple>().ok().filter(|t| t.len() == 2) {
            let Ok(name) = pair.get_item(1)?.cast_into::<PyString>() else {
                return Err(PyTypeError::new_err("Field name must be a str"));
            };
            (Some(pair.get_item(0)?), name)
        } else {
            return Err(PyTypeError::new_err("First element of field tuple is neither a tuple nor str"));
        };
        let format = match tuple.len() {
            2 => tuple.get_item(1)?,
            3 => tuple.get_slice(1, 3).into_any(),
            _ => {
                return Err(PyTypeError::new_err(format!(
                    "Field elements must be tuples with at most 3 elements, got '{}'",
                    tuple.repr()?.to_string_lossy()
                )));
            }
        };
        Ok(Box::new(FieldSpec { at, title, name, format }))
    }

    // Boxed: nests of dtypes recurse through here, and a big frame would bring the end of the stack near.
    #[allow(clippy::boxed_local)]
    #[inline(never)]
    fn add(self: Box<Self>, all: &mut Builder<'py>, descr: Descr<'py>) -> PyResult<()> {
        let py = self.format.py();
        let (title, name) = (self.title, self.name);
        let name = match (name.is_empty()?, &title) {
            (false, _) => name,
            (true, None) => PyString::new(py, &format!("f{}", self.at)),
            (true, Some(title)) => match title.cast::<PyString>() {
                Ok(title) if !title.is_empty()? => title.clone(),
                _ => return Err(PyTypeError::new_err("Field titles must be non-empty strings")),
            },
        };
        let twice = |name: &Bound<'py, PyString>| -> PyErr {
            match name.repr() {
                Ok(repr) => {
                    PyValueError::new_err(format!("field {} occurs more than once", repr.to_string_lossy()))
                }
                Err(e) => e,
            }
        };
        if all.fields.contains(&name)? {
            return Err(twice(&name));
        }
        if let Some(title) = title.as_ref().filter(|t| t.is_instance_of::<PyString>()) {
            if title.eq(&name)? {
                return Err(PyValueError::new_err("title already used as a name or title."));
            }
            if all.fields.contains(title)? {
                return Err(twice(&name));
            }
        }
        all.accept(&descr)?;
        let offset = all.next_offset(&descr)?;
        all.place(name, title.as_ref(), descr, offset)
    }
}

/// The parts of a comma string: fields named `f0`, `f1`, ...
pub(super) fn from_unnamed<'py>(list: &Bound<'py, PyList>, align: bool) -> PyResult<Descr<'py>> {
    let py = list.py();
    let mut all = Builder::new(py, align);
    for (i, part) in list.iter().enumerate() {
        let descr = convert_with(&part, align)?;
        all.accept(&descr)?;
        let offset = all.next_offset(&descr)?;
        all.place(PyString::new(py, &format!("f{i}")), None, descr, offset)?;
    }
    all.finish(py)
}

/// numpy's conversion of sizes and offsets to a C `int`.
fn c_int(obj: &Bound<'_, PyAny>) -> PyResult<isize> {
    if obj.is_instance_of::<pyo3::types::PyFloat>() {
        // `__index__` gives the error text.
        return obj.extract::<isize>();
    }
    // SAFETY: live object; the result is a new reference or null.
    let n = unsafe { Bound::from_owned_ptr_or_err(obj.py(), ffi::PyNumber_Index(obj.as_ptr()))? };
    let n: isize =
        n.extract().map_err(|_| PyOverflowError::new_err("Python int too large to convert to C long"))?;
    if !(-MAX_SIZE - 1..=MAX_SIZE).contains(&n) {
        return Err(PyValueError::new_err("integer won't fit into a C int"));
    }
    Ok(n)
}

/// `{"names": ..., "formats": ..., "offsets": ..., "titles": ..., "itemsize": ..., "aligned": ...}`, or a dictionary of
/// `name: (format, offset)`.
pub(super) fn from_dict<'py>(obj: &Bound<'py, PyAny>, align: bool) -> PyResult<Descr<'py>> {
    let Some(mut spec) = DictSpec::parse(obj, align)? else { return from_entries(obj, align) };
    for i in 0..spec.names.len() {
        let format = spec.formats.get_item(i)?;
        let descr = convert_with(&format, spec.all.align)?;
        spec.add(i, descr)?;
    }
    spec.finish(obj)
}

/// The form that has one entry for each field is rewritten by the Python layer.
#[inline(never)]
fn from_entries<'py>(obj: &Bound<'py, PyAny>, align: bool) -> PyResult<Descr<'py>> {
    let descr = cached(obj.py(), "numpy._core._internal", "_usefields")?.call1((obj, align))?;
    Descr::cast(&descr).ok_or_else(|| PyTypeError::new_err("_usefields did not return a dtype"))
}

/// `obj[key]`, if there is such a key.
fn get<'py>(obj: &Bound<'py, PyAny>, key: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
    match obj.get_item(key) {
        Ok(v) => Ok(Some(v)),
        Err(e) if e.is_instance_of::<PyKeyError>(obj.py()) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The dictionary form, taken apart.
struct DictSpec<'py> {
    names: Vec<Bound<'py, PyAny>>,
    formats: Bound<'py, PyAny>,
    offsets: Option<Bound<'py, PyAny>>,
    titles: Option<Bound<'py, PyAny>>,
    /// Start, end and whether there are references inside, of each field.
    spans: Vec<(isize, isize, bool)>,
    all: Builder<'py>,
}

impl<'py> DictSpec<'py> {
    #[inline(never)]
    fn parse(obj: &Bound<'py, PyAny>, align: bool) -> PyResult<Option<Box<DictSpec<'py>>>> {
        let py = obj.py();
        let (Some(names), Some(formats)) =
            (get(obj, intern!(py, "names"))?, get(obj, intern!(py, "formats"))?)
        else {
            return Ok(None);
        };
        let offsets = get(obj, intern!(py, "offsets"))?;
        let titles = get(obj, intern!(py, "titles"))?;
        let mut align = align;
        if let Some(aligned) = get(obj, intern!(py, "aligned"))? {
            match aligned.cast::<PyBool>() {
                Ok(flag) => align |= flag.is_true(),
                Err(_) => {
                    return Err(PyValueError::new_err(
                        "NumPy dtype descriptor includes 'aligned' entry, but its value is neither True nor False",
                    ));
                }
            }
        }
        let iter = names.try_iter()?;
        // SAFETY: a live object.
        if unsafe { ffi::PySequence_Check(names.as_ptr()) } == 0 {
            return Err(PyTypeError::new_err(format!(
                "'{}' object is not subscriptable",
                names.get_type().name()?
            )));
        }
        let names: Vec<Bound<'py, PyAny>> = iter.collect::<PyResult<_>>()?;
        let n = names.len();
        // Things without a length count as the wrong length.
        let fits = |seq: Option<&Bound<'py, PyAny>>| seq.is_none_or(|s| s.len().is_ok_and(|m| m == n));
        if !fits(Some(&formats)) || !fits(offsets.as_ref()) || !fits(titles.as_ref()) {
            return Err(PyValueError::new_err(
                "'names', 'formats', 'offsets', and 'titles' dict entries must have the same length",
            ));
        }
        let all = Builder::new(py, align);
        Ok(Some(Box::new(DictSpec { names, formats, offsets, titles, spans: vec![], all })))
    }

    #[inline(never)]
    fn add(&mut self, i: usize, descr: Descr<'py>) -> PyResult<()> {
        let all = &mut self.all;
        all.accept(&descr)?;
        let align = alignment(&descr);
        let offset = match &self.offsets {
            Some(offsets) => {
                let offset = c_int(&offsets.get_item(i)?)?;
                if offset < 0 {
                    return Err(PyValueError::new_err(format!("offset {offset} cannot be negative")));
                }
                if all.align && offset % align != 0 {
                    return Err(PyValueError::new_err(format!(
                        "offset {offset} for NumPy dtype with fields is not divisible by the field alignment {align} \
                         with align=True"
                    )));
                }
                offset
            }
            None => all.next_offset(&descr)?,
        };
        let title = match &self.titles {
            Some(titles) => Some(titles.get_item(i)?).filter(|t| !t.is_none()),
            None => None,
        };
        let Ok(name) = self.names[i].cast::<PyString>() else {
            return Err(PyValueError::new_err("field names must be strings"));
        };
        if all.fields.contains(name)? {
            return Err(PyValueError::new_err("name already used as a name or title"));
        }
        if let Some(title) = &title
            && title.is_instance_of::<PyString>()
            && (title.eq(name)? || all.fields.contains(title)?)
        {
            return Err(PyValueError::new_err("title already used as a name or title."));
        }
        let end = offset.checked_add(elsize(&descr)).ok_or_else(too_big)?;
        self.spans.push((offset, end, flags_of(&descr) & flags::ITEM_REFCOUNT != 0));
        all.place(name.clone(), title.as_ref(), descr, offset)
    }

    #[allow(clippy::boxed_local)]
    #[inline(never)]
    fn finish(mut self: Box<Self>, obj: &Bound<'py, PyAny>) -> PyResult<Descr<'py>> {
        let py = obj.py();
        if self.offsets.is_some() {
            refuse_object_overlap(&mut self.spans)?;
        }
        let mut all = self.all;
        if all.align {
            all.total = align_up(all.total, all.max_align)?;
        }
        if let Some(size) = get(obj, intern!(py, "itemsize"))? {
            let size = c_int(&size)?;
            if size < all.total {
                return Err(PyValueError::new_err(format!(
                    "NumPy dtype descriptor requires {} bytes, cannot override to smaller itemsize of {size}",
                    all.total
                )));
            }
            if all.align && size % all.max_align != 0 {
                return Err(PyValueError::new_err(format!(
                    "NumPy dtype descriptor requires alignment of {} bytes, which is not divisible into the specified \
                     itemsize {size}",
                    all.max_align
                )));
            }
            all.total = size;
        }
        let descr = all.finish(py)?;
        if let Some(metadata) = get(obj, intern!(py, "metadata"))?
            && let Ok(metadata) = metadata.cast::<PyDict>()
        {
            // SAFETY: a fresh descriptor without metadata.
            unsafe { (*descr.raw()).metadata = metadata.copy()?.into_ptr() };
        }
        Ok(descr)
    }
}

/// Fields that own references must not share bytes with any other.
fn refuse_object_overlap(spans: &mut [(isize, isize, bool)]) -> PyResult<()> {
    if !spans.iter().any(|s| s.2) {
        return Ok(());
    }
    spans.sort_by_key(|s| (s.0, s.1));
    let (mut plain_end, mut object_end) = (isize::MIN, isize::MIN);
    for &(start, end, object) in spans.iter() {
        if start == end {
            continue;
        }
        if start < object_end || (object && start < plain_end) {
            return Err(PyTypeError::new_err("Cannot create a NumPy dtype with overlapping object fields"));
        }
        let furthest = if object { &mut object_end } else { &mut plain_end };
        *furthest = (*furthest).max(end);
    }
    Ok(())
}

/// Whether a type's item size is still open.
fn is_unsized(descr: &Descr<'_>) -> bool {
    type_num(descr).is_flexible() && elsize(descr) == 0 && names(descr).is_none()
}

/// `(type, shape)`, `(flexible type, itemsize)`, `(base type, new type)`.
pub(super) fn from_tuple<'py>(tuple: &Bound<'py, PyTuple>, align: bool) -> PyResult<Descr<'py>> {
    let py = tuple.py();
    if tuple.len() != 2 {
        return Err(PyTypeError::new_err(format!("Tuple must have size 2, but has size {}", tuple.len())));
    }
    let base = convert_with(&tuple.get_item(0)?, align)?;
    let second = tuple.get_item(1)?;
    if let Some(descr) = reinterpret(&base, &second)? {
        return Ok(descr);
    }
    if is_unsized(&base) {
        let scale = if type_num(&base) == TypeNum::UNICODE { 4 } else { 1 };
        let size = Some(&second)
            .filter(|s| !s.is_instance_of::<PyBool>())
            .and_then(|s| c_int(s).ok())
            .and_then(|n| n.checked_mul(scale))
            .filter(|n| (0..=MAX_SIZE).contains(n))
            .ok_or_else(|| PyValueError::new_err("invalid itemsize in generic type tuple"))?;
        let new = copy(&base)?;
        // SAFETY: nobody else has seen the copy.
        unsafe {
            (*new.raw()).elsize = size;
            super::invalidate(new.raw());
        }
        return Ok(new);
    }
    // SAFETY: live descriptor.
    if !unsafe { (*base.raw()).metadata }.is_null()
        && let Ok(metadata) = second.cast::<PyDict>()
    {
        let new = copy(&base)?;
        // SAFETY: the copy owns its metadata.
        unsafe {
            let slot = &mut (*new.raw()).metadata;
            let merged = metadata.copy()?;
            if let Some(old) = Bound::from_borrowed_ptr_or_opt(py, *slot) {
                merged.update(old.cast()?)?;
            }
            ffi::Py_XDECREF(std::mem::replace(slot, merged.into_ptr()));
        }
        return Ok(new);
    }
    with_shape(base, &second)
}

/// `base` repeated in a shape.
pub(crate) fn with_shape<'py>(base: Descr<'py>, shape: &Bound<'py, PyAny>) -> PyResult<Descr<'py>> {
    let py = shape.py();
    let invalid = |text: &str| PyValueError::new_err(format!("invalid shape in fixed-type tuple{text}"));
    let dims = dimensions(shape).ok_or_else(|| invalid("."))?;
    if dims.len() > micronumpy::array::MAXDIMS {
        return Err(invalid("."));
    }
    if dims.is_empty() {
        return Ok(base);
    }
    let mut size = elsize(&base);
    for &n in &dims {
        if n < 0 {
            return Err(invalid(": dimension smaller then zero."));
        }
        if n > MAX_SIZE {
            return Err(invalid(": dimension does not fit into a C int."));
        }
    }
    // An empty dimension anywhere makes the size zero before anything can overflow.
    if dims.contains(&0) {
        size = 0;
    }
    for &n in &dims {
        size = size
            .checked_mul(n)
            .filter(|&s| s <= MAX_SIZE)
            .ok_or_else(|| invalid(": dtype size in bytes must fit into a C int."))?;
    }
    let dt = Dtype {
        itemsize: size as usize,
        align: alignment(&base) as usize,
        flags: flags_of(&base),
        ..Dtype::void(0)
    };
    let descr = alloc(py, &dt)?;
    let full = legacy(&descr).expect("void is legacy");
    // SAFETY: a fresh descriptor without subarray.
    unsafe {
        (*full).subarray = subarray(base, PyTuple::new(py, dims)?)?;
        super::dtype_of(descr.raw());
    }
    Ok(descr)
}

/// A shape: an integer or a sequence of integers.
pub(crate) fn dimensions(obj: &Bound<'_, PyAny>) -> Option<Vec<isize>> {
    let index = |o: &Bound<'_, PyAny>| -> Option<isize> {
        if o.is_instance_of::<PyBool>() {
            return None;
        }
        // SAFETY: live object; a new reference or null.
        let n = unsafe { Bound::from_owned_ptr_or_err(o.py(), ffi::PyNumber_Index(o.as_ptr())).ok()? };
        // Too large in either direction is an error of its own further on.
        Some(n.extract().unwrap_or(if n.lt(0).unwrap_or(false) { isize::MIN } else { isize::MAX }))
    };
    if obj.is_none() {
        return None;
    }
    // A sequence first: 1-d arrays of one element can be converted to an index, too.
    if !obj.is_instance_of::<pyo3::types::PyInt>()
        // SAFETY: live object.
        && unsafe { ffi::PySequence_Check(obj.as_ptr()) } != 0
        && let Ok(n) = obj.len()
    {
        return (0..n).map(|i| index(&obj.get_item(i).ok()?)).collect();
    }
    index(obj).map(|n| vec![n])
}

/// `(base, new)`: the bytes of `base` seen with the fields of `new`; `None` when `new` is no type.
fn reinterpret<'py>(base: &Descr<'py>, obj: &Bound<'py, PyAny>) -> PyResult<Option<Descr<'py>>> {
    let py = obj.py();
    let is_int = |o: &Bound<'py, PyAny>| {
        o.is_instance_of::<pyo3::types::PyInt>()
            // SAFETY: live object and type.
            || unsafe { ffi::PyObject_TypeCheck(o.as_ptr(), scalar::types::INTEGER.as_type()) != 0 }
    };
    if is_int(obj) || obj.cast::<PyTuple>().is_ok_and(|t| t.iter().all(|o| is_int(&o))) {
        return Ok(None);
    }
    let Ok(inner) = convert(obj) else { return Ok(None) };
    if legacy(base).is_none() || legacy(&inner).is_none() {
        return Ok(None);
    }
    let new = copy(base)?;
    if is_unsized(base) {
        // SAFETY: nobody else has seen the copy.
        unsafe { (*new.raw()).elsize = elsize(&inner) };
    } else if elsize(base) != elsize(&inner) {
        return Err(PyValueError::new_err("mismatch in size of old and new data-descriptor"));
    } else {
        refuse_object_union(base, &inner)?;
    }
    take_structure(&new, &inner)?;
    // SAFETY: the copy owns its metadata.
    unsafe {
        if let Some(metadata) = Bound::from_borrowed_ptr_or_opt(py, (*inner.raw()).metadata)
            && (*new.raw()).metadata.is_null()
        {
            (*new.raw()).metadata = metadata.cast::<PyDict>()?.copy()?.into_ptr();
        }
        super::invalidate(new.raw());
        super::dtype_of(new.raw());
    }
    Ok(Some(new))
}

/// Objects may be looked at as a structure of one object, nothing else.
fn refuse_object_union(base: &Descr<'_>, inner: &Descr<'_>) -> PyResult<()> {
    if (flags_of(base) | flags_of(inner)) & flags::ITEM_REFCOUNT == 0 {
        return Ok(());
    }
    let ok = names(base).is_none()
        && type_num(base) == TypeNum::OBJECT
        && match (names(inner), dict(inner)) {
            (Some(names), Some(fields)) if names.len() == 1 => {
                let (field, offset, _) = entry(&fields, &names.get_item(0)?)?;
                type_num(&field) == TypeNum::OBJECT && offset == 0
            }
            _ => false,
        };
    if ok {
        return Ok(());
    }
    Err(PyValueError::new_err(
        "dtypes of the form (old_dtype, new_dtype) containing the object dtype are not supported",
    ))
}

/// Give a fresh descriptor the fields (or the size) of another. How it is aligned it does not take over, and how fields are laid out
/// is known of structures only.
pub(super) fn take_structure<'py>(new: &Descr<'py>, inner: &Descr<'py>) -> PyResult<()> {
    let (Some(full), Some(from)) = (legacy(new), legacy(inner)) else { return Ok(()) };
    // SAFETY: both are live; `new` has not been seen by anybody and gives up what it had.
    unsafe {
        if !(*from).names.is_null() {
            ffi::Py_INCREF((*from).names);
            ffi::Py_INCREF((*from).fields);
            ffi::Py_XDECREF(std::mem::replace(&mut (*full).names, (*from).names));
            ffi::Py_XDECREF(std::mem::replace(&mut (*full).fields, (*from).fields));
            (*new.raw()).elsize = elsize(inner);
        }
        if type_num(new) == TypeNum::VOID {
            // Even without fields: bytes that claim to be objects.
            (*new.raw()).flags = flags_of(inner);
        }
        super::invalidate(new.raw());
    }
    Ok(())
}

/// `dtype[["a", "b"]]`: some of the fields, at their old places.
pub(crate) fn subset<'py>(descr: &Descr<'py>, keys: &Bound<'py, PyList>) -> PyResult<Descr<'py>> {
    let py = keys.py();
    let fields = dict(descr).ok_or_else(|| PyKeyError::new_err("no fields"))?;
    let new_fields = PyDict::new(py);
    let mut new_names = vec![];
    for key in keys.iter() {
        let item = fields.get_item(&key)?.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))?;
        let tuple = item.cast::<PyTuple>()?;
        let title = tuple.get_item(2).ok();
        if let Some(title) = &title
            && title.eq(&key)?
        {
            return Err(PyKeyError::new_err("cannot use field titles in multi-field index"));
        }
        if new_fields.contains(&key)? {
            return Err(PyValueError::new_err(format!(
                "duplicate field of name {}",
                key.repr()?.to_string_lossy()
            )));
        }
        new_fields.set_item(&key, &item)?;
        if let Some(title) = title
            && title.is_instance_of::<PyString>()
        {
            new_fields.set_item(&title, &item)?;
        }
        new_names.push(key);
    }
    // Flags are inherited, even those that only fields left out were the reason for.
    let dt = Dtype { itemsize: elsize(descr) as usize, flags: flags_of(descr), ..Dtype::void(0) };
    let new = alloc(py, &dt)?;
    let full = legacy(&new).expect("void is legacy");
    // SAFETY: a fresh descriptor without fields.
    unsafe {
        (*full).names = PyTuple::new(py, new_names)?.into_ptr();
        (*full).fields = new_fields.into_ptr();
        super::dtype_of(new.raw());
    }
    Ok(new)
}

/// The descriptor with another byte order: `>`, `<`, `=`, `|` (leaves it alone) or `s` (swaps).
pub(crate) fn with_byteorder<'py>(descr: &Descr<'py>, order: u8) -> PyResult<Descr<'py>> {
    let py = descr.py();
    if legacy(descr).is_none() {
        return Err(PyTypeError::new_err("Cannot use DescrNewByteOrder for this new style DTypes."));
    }
    let new = copy(descr)?;
    let full = legacy(&new).expect("a copy of a legacy descriptor");
    let swap = |own: u8| match order {
        b's' if own == micronumpy::dtype::SWAPPED => micronumpy::dtype::NATIVE,
        b's' => micronumpy::dtype::SWAPPED,
        b'|' => own,
        o => o,
    };
    // SAFETY: nobody else has seen the copy; it owns what is replaced.
    unsafe {
        let d = &mut (*full).base;
        if d.byteorder != b'|' {
            d.byteorder = swap(d.byteorder);
        }
        if let (Some(names), Some(fields)) = (names(&new), dict(&new)) {
            let swapped = PyDict::new(py);
            for name in names.iter() {
                let (field, offset, title) = entry(&fields, &name)?;
                let field = with_byteorder(&field, order)?;
                let item = match title {
                    Some(title) => (field.0, offset, title).into_pyobject(py)?.into_any(),
                    None => (field.0, offset).into_pyobject(py)?.into_any(),
                };
                swapped.set_item(name, item)?;
            }
            ffi::Py_XDECREF(std::mem::replace(&mut (*full).fields, swapped.into_ptr()));
        }
        if let Some(sub) = (*full).subarray.as_mut() {
            let base = Descr(Bound::from_borrowed_ptr(py, sub.base.cast()));
            let base = with_byteorder(&base, order)?;
            ffi::Py_XDECREF(std::mem::replace(&mut sub.base, base.0.into_ptr().cast()).cast());
        }
        super::invalidate(new.raw());
        super::dtype_of(new.raw());
    }
    Ok(new)
}
