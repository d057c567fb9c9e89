//! `_load_from_filelike`: the reader behind `numpy.loadtxt`.
//!
//! Text comes in pieces (chunks of a file, or lines of an iterator), is cut into rows of fields by a small state machine,
//! and every field is converted straight into its place in the result. What a field means is settled once per column:
//! a number parser, a string copy, the dtype's own rules for strings, or a Python function.

use micronumpy::{Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyModule, PyString};
use pyo3::{ffi as pyffi, intern};
use ufuncs::float_parse::{f64_prefix, parse_complex, parse_f64, parse_i64, parse_u64};

use crate::fastcall;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::array::{alloc, args};
use crate::objects::{Array, Descr, scalar};

type Obj<'py> = Bound<'py, PyAny>;

/// How text is cut into fields. `None` characters are switched off; no delimiter means runs of whitespace.
struct Dialect {
    delimiter: Option<char>,
    comment: Option<char>,
    quote: Option<char>,
}

/// Where text comes from.
enum Source<'py> {
    /// `read` of a file object.
    File(Obj<'py>),
    /// An iterator of lines.
    Lines(Obj<'py>),
}

/// Characters of the input, a piece at a time.
struct Stream<'py> {
    source: Source<'py>,
    encoding: Option<String>,
    piece: Vec<char>,
    /// The piece ends in a line feed that the line it came as did not have.
    end_added: bool,
    at: usize,
    finished: bool,
}

const CHUNK: usize = 1 << 14;

impl<'py> Stream<'py> {
    /// Get the next piece; false at the end of the input.
    fn refill(&mut self, py: Python<'py>) -> PyResult<bool> {
        if self.finished {
            return Ok(false);
        }
        let text = match &self.source {
            Source::File(read) => read.call1((CHUNK,))?,
            Source::Lines(it) => {
                // SAFETY: an iterator; null without an exception is the end.
                let next = unsafe { pyffi::PyIter_Next(it.as_ptr()) };
                if next.is_null() {
                    self.finished = true;
                    self.piece.clear();
                    self.at = 0;
                    return match PyErr::take(py) {
                        Some(e) => Err(e),
                        None => Ok(false),
                    };
                }
                // SAFETY: a new reference.
                unsafe { Bound::from_owned_ptr(py, next) }
            }
        };
        let text = if text.is_instance_of::<PyBytes>() {
            match &self.encoding {
                Some(e) => text.call_method1(intern!(py, "decode"), (e,))?,
                None => text.call_method0(intern!(py, "decode"))?,
            }
        } else {
            text
        };
        let Ok(text) = text.cast::<PyString>() else {
            return Err(PyTypeError::new_err("non-string returned while reading data"));
        };
        self.piece.clear();
        self.piece.extend(text.to_string_lossy().chars());
        self.at = 0;
        if matches!(self.source, Source::File(_)) {
            self.finished = self.piece.is_empty();
            return Ok(!self.finished);
        }
        // What an iterator gives is a line, an empty one, too.
        self.end_added = !matches!(self.piece.last(), Some('\n' | '\r'));
        if self.end_added {
            self.piece.push('\n');
        }
        Ok(true)
    }
    fn peek(&mut self, py: Python<'py>) -> PyResult<Option<char>> {
        while self.at >= self.piece.len() {
            if !self.refill(py)? {
                return Ok(None);
            }
        }
        Ok(Some(self.piece[self.at]))
    }
    fn next(&mut self, py: Python<'py>) -> PyResult<Option<char>> {
        let c = self.peek(py)?;
        if c.is_some() {
            self.at += 1;
        }
        Ok(c)
    }
    /// After a carriage return: a line feed belongs to it.
    fn eat_line_feed(&mut self, py: Python<'py>) -> PyResult<()> {
        if self.peek(py)? == Some('\n') {
            self.at += 1;
        }
        Ok(())
    }
    fn skip_line(&mut self, py: Python<'py>) -> PyResult<()> {
        while let Some(c) = self.next(py)? {
            match c {
                '\n' => break,
                '\r' => return self.eat_line_feed(py),
                _ => {}
            }
        }
        Ok(())
    }
}

/// One row: its fields, reused from row to row.
#[derive(Default)]
struct Row {
    fields: Vec<String>,
    quoted: Vec<bool>,
    len: usize,
}

impl Row {
    fn start(&mut self) {
        if self.len == self.fields.len() {
            self.fields.push(String::new());
            self.quoted.push(false);
        }
        self.fields[self.len].clear();
        self.quoted[self.len] = false;
        self.len += 1;
    }
    fn push(&mut self, c: char) {
        self.fields[self.len - 1].push(c);
    }
    fn last_is_empty(&self) -> bool {
        self.len > 0 && self.fields[self.len - 1].is_empty() && !self.quoted[self.len - 1]
    }
}

/// Read one row; false at the end of the input.
fn read_row<'py>(py: Python<'py>, s: &mut Stream<'py>, d: &Dialect, row: &mut Row) -> PyResult<bool> {
    row.len = 0;
    if s.peek(py)?.is_none() {
        return Ok(false);
    }
    let whitespace = d.delimiter.is_none();
    row.start();
    let mut at_start = true;
    loop {
        if at_start && whitespace {
            // Blanks before a field do not count.
            while let Some(c) = s.peek(py)? {
                if !c.is_whitespace() || c == '\n' || c == '\r' {
                    break;
                }
                s.at += 1;
            }
        }
        let Some(c) = s.next(py)? else { break };
        if at_start {
            at_start = false;
            if Some(c) == d.quote {
                row.quoted[row.len - 1] = true;
                // Up to the closing quote; two quotes stand for one.
                while let Some(c) = s.next(py)? {
                    if s.end_added && s.at == s.piece.len() {
                        continue;
                    }
                    if Some(c) == d.quote {
                        if s.peek(py)? == d.quote && d.quote.is_some() {
                            s.at += 1;
                            row.push(c);
                            continue;
                        }
                        break;
                    }
                    row.push(c);
                }
                continue;
            }
        }
        if c == '\n' || c == '\r' {
            let inside_line = matches!(s.source, Source::Lines(_));
            if c == '\r' && (!inside_line || s.at < s.piece.len()) {
                s.eat_line_feed(py)?;
            }
            if inside_line && s.at < s.piece.len() {
                return Err(PyValueError::new_err(
                    "Found an unquoted embedded newline within a single line of input.  This is currently not supported.",
                ));
            }
            break;
        }
        if Some(c) == d.comment {
            s.skip_line(py)?;
            break;
        }
        let is_delimiter = match d.delimiter {
            Some(x) => c == x,
            None => c.is_whitespace(),
        };
        if is_delimiter {
            row.start();
            at_start = true;
        } else {
            row.push(c);
        }
    }
    // A line that ends in blanks has no further field; a line of nothing has none at all.
    if row.last_is_empty() && (whitespace || row.len == 1) {
        row.len -= 1;
    }
    Ok(true)
}

/// Where a column goes and how it is converted.
struct Column<'py> {
    descr: Descr<'py>,
    offset: usize,
}

/// The columns a dtype has: its fields and the elements of subarrays, one after the other.
fn flatten<'py>(descr: &Descr<'py>, offset: usize, out: &mut Vec<Column<'py>>) -> PyResult<()> {
    let dt = descr.dtype();
    if let Some((_, shape)) = dt.subarray() {
        let n: isize = shape.iter().product();
        let (base, _) = alloc::subarray_parts(descr)?;
        for i in 0..n.max(0) as usize {
            flatten(&base, offset + i * base.itemsize(), out)?;
        }
        return Ok(());
    }
    if dt.fields().is_some() {
        let names = descr.0.getattr("names")?;
        for name in names.try_iter()? {
            if let Some((d, at)) = crate::objects::array::subscript::fields::lookup(descr, &name?)? {
                flatten(&d, offset + at, out)?;
            }
        }
        return Ok(());
    }
    out.push(Column { descr: descr.clone(), offset });
    Ok(())
}

struct Reader<'py> {
    py: Python<'py>,
    imaginary_unit: char,
    byte_converters: bool,
    c_byte_converters: bool,
}

/// A field that is no value of its column's type; the exception that caused it, if there was one.
struct NotAValue(Option<PyErr>);

impl<'py> Reader<'py> {
    /// Convert one field and store it.
    ///
    /// # Safety
    /// `p` is an element of `descr`.
    unsafe fn store(
        &self,
        descr: &Descr<'py>,
        p: *mut u8,
        text: &str,
        converter: Option<&Obj<'py>>,
    ) -> Result<(), NotAValue> {
        use TypeNum as T;
        let dt = descr.dtype();
        let swapped = dt.is_swapped();
        // Blanks of any alphabet may stand around a number.
        let blanked: String;
        let numeric = if text.is_ascii() {
            text
        } else {
            blanked = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
            &blanked
        };
        let bytes = numeric.as_bytes();
        let none = || NotAValue(None);
        // SAFETY: the caller's promise: `itemsize` writable bytes.
        let put = |value: &[u8], unit: usize| unsafe {
            std::ptr::copy_nonoverlapping(value.as_ptr(), p, value.len());
            if swapped {
                for part in std::slice::from_raw_parts_mut(p, value.len()).chunks_exact_mut(unit) {
                    part.reverse();
                }
            }
        };
        if converter.is_none() {
            match dt.num {
                T::BOOL => {
                    let v = parse_i64(bytes, 64).ok_or_else(none)?;
                    put(&[u8::from(v != 0)], 1);
                    return Ok(());
                }
                n if n.is_signed() => {
                    let v = parse_i64(bytes, 8 * dt.itemsize as u32).ok_or_else(none)?;
                    put(low_bytes(&v.to_ne_bytes(), dt.itemsize), dt.itemsize);
                    return Ok(());
                }
                n if n.is_unsigned() => {
                    let v = parse_u64(bytes, 8 * dt.itemsize as u32).ok_or_else(none)?;
                    put(low_bytes(&v.to_ne_bytes(), dt.itemsize), dt.itemsize);
                    return Ok(());
                }
                T::FLOAT | T::DOUBLE => {
                    let v = parse_f64(bytes).ok_or_else(|| NotAValue(float_cause(self.py, text)))?;
                    match dt.num {
                        T::FLOAT => put(&(v as f32).to_ne_bytes(), 4),
                        _ => put(&v.to_ne_bytes(), 8),
                    }
                    return Ok(());
                }
                T::CFLOAT | T::CDOUBLE => {
                    let unit = self.imaginary_unit;
                    let ascii: String = if unit == 'j' {
                        numeric.to_string()
                    } else {
                        numeric
                            .chars()
                            .map(|c| {
                                if c == unit {
                                    'j'
                                } else if c == 'j' {
                                    '?'
                                } else {
                                    c
                                }
                            })
                            .collect()
                    };
                    let v = parse_complex(ascii.as_bytes()).ok_or_else(none)?;
                    match dt.num {
                        T::CFLOAT => {
                            put(&[(v.re as f32).to_ne_bytes(), (v.im as f32).to_ne_bytes()].concat(), 4);
                        }
                        _ => put(&[v.re.to_ne_bytes(), v.im.to_ne_bytes()].concat(), 8),
                    }
                    return Ok(());
                }
                T::STRING => {
                    let mut out = vec![0u8; dt.itemsize];
                    for (slot, c) in out.iter_mut().zip(text.chars()) {
                        *slot = u8::try_from(u32::from(c)).map_err(|_| none())?;
                    }
                    put(&out, 1);
                    return Ok(());
                }
                T::UNICODE => {
                    let mut out = vec![0u8; dt.itemsize];
                    for (slot, c) in out.chunks_exact_mut(4).zip(text.chars()) {
                        slot.copy_from_slice(&u32::from(c).to_ne_bytes());
                    }
                    put(&out, 4);
                    return Ok(());
                }
                _ => {}
            }
        }
        let fail = |e: PyErr| NotAValue(Some(e));
        let as_bytes = if converter.is_some() { self.byte_converters } else { self.c_byte_converters };
        let text = PyString::new(self.py, text);
        let mut value = text.into_any();
        if as_bytes {
            value = value.call_method1(intern!(self.py, "encode"), ("latin1",)).map_err(fail)?;
        }
        if let Some(f) = converter {
            value = f.call1((value,)).map_err(fail)?;
        }
        // SAFETY: the caller's promise.
        unsafe { scalar::set_item(descr, p, &value) }.map_err(fail)
    }
}

/// The bytes of a native integer that hold its low part.
fn low_bytes(bytes: &[u8; 8], n: usize) -> &[u8] {
    if cfg!(target_endian = "little") { &bytes[..n] } else { &bytes[8 - n..] }
}

/// What Python's own float parser says about a text that does not even begin like a number.
fn float_cause(py: Python<'_>, text: &str) -> Option<PyErr> {
    let text = text.trim_start();
    let ascii: String = text.chars().take_while(char::is_ascii).collect();
    if text.is_empty() || f64_prefix(ascii.as_bytes()).1 > 0 {
        return None;
    }
    let repr = PyString::new(py, ascii.trim_end()).repr().ok()?;
    Some(PyValueError::new_err(format!("could not convert string to float: {repr}")))
}

/// A control character argument: a single character or `None`.
fn control(obj: Option<&Obj<'_>>, default: char) -> PyResult<Option<char>> {
    let Some(obj) = obj else { return Ok(Some(default)) };
    if obj.is_none() {
        return Ok(None);
    }
    if let Ok(s) = obj.cast::<PyString>() {
        let text = s.to_string_lossy();
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return Ok(Some(c));
        }
    }
    Err(PyTypeError::new_err(format!(
        "Text reading control character must be a single unicode character or None; but got: {}",
        obj.repr()?
    )))
}

fn check_controls(d: &Dialect, imaginary_unit: char) -> PyResult<()> {
    let all = [
        ("delimiter", d.delimiter),
        ("comment", d.comment),
        ("quote", d.quote),
        ("imaginary_unit", Some(imaginary_unit)),
    ];
    for (name, c) in &all[..3] {
        if matches!(c, Some('\n' | '\r')) {
            return Err(PyTypeError::new_err(format!(
                "control character '{name}' cannot be a newline (`\\r` or `\\n`)."
            )));
        }
    }
    let clash = |a: &str, b: &str| {
        Err(PyTypeError::new_err(format!(
            "The values for control characters '{a}' and '{b}' are incompatible"
        )))
    };
    let blank = |c: Option<char>| d.delimiter.is_none() && c.is_some_and(char::is_whitespace);
    if d.comment.is_some() && d.comment == d.delimiter || blank(d.comment) {
        return clash("comment", "delimiter");
    }
    if d.quote.is_some() && d.quote == d.delimiter || blank(d.quote) {
        return clash("quote", "delimiter");
    }
    if d.comment.is_some() && d.comment == d.quote {
        return clash("comment", "quote");
    }
    Ok(())
}

/// The Python converters of each column.
fn column_converters<'py>(
    converters: Option<&Obj<'py>>,
    columns: usize,
    usecols: Option<&[isize]>,
) -> PyResult<Vec<Option<Obj<'py>>>> {
    let mut out: Vec<Option<Obj<'py>>> = vec![None; columns];
    let Some(converters) = converters else { return Ok(out) };
    let Ok(dict) = converters.cast::<PyDict>() else {
        out.fill(Some(converters.clone()));
        return Ok(out);
    };
    for (k, v) in dict.iter() {
        let column = args::index(&k)?;
        let at = match usecols {
            Some(cols) => match cols.iter().position(|&c| c == column) {
                Some(i) => i as isize,
                // A converter for a column that is not read.
                None => continue,
            },
            None => {
                let n = columns as isize;
                if column < -n || column >= n {
                    return Err(PyValueError::new_err(format!(
                        "converter specified for column {column}, which is invalid for the number of fields {n}."
                    )));
                }
                if column < 0 { column + n } else { column }
            }
        };
        out[at as usize] = Some(v);
    }
    Ok(out)
}

fn check_converters(converters: &Obj<'_>) -> PyResult<()> {
    let Ok(dict) = converters.cast::<PyDict>() else {
        if converters.is_callable() {
            return Ok(());
        }
        return Err(PyTypeError::new_err(
            "converters must be a dictionary mapping columns to converter functions or a single callable.",
        ));
    };
    for (k, v) in dict.iter() {
        if args::index(&k).is_err() {
            return Err(PyTypeError::new_err(format!(
                "keys of the converters dictionary must be integers; got {}",
                k.repr()?
            )));
        }
        if !v.is_callable() {
            return Err(PyTypeError::new_err(format!(
                "values of the converters dictionary must be callable, but the value associated with key {} is not",
                k.repr()?
            )));
        }
    }
    Ok(())
}

/// `_load_from_filelike(file, delimiter=',', comment='#', quote='"', imaginary_unit='j', usecols=None, skiplines=0,
/// max_rows=-1, converters=None, dtype=None, encoding=None, filelike=True, byte_converters=False,
/// c_byte_converters=False)`
fn load_from_filelike<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new(
        "_load_from_filelike(file, delimiter=None, comment=None, quote=None, imaginary_unit=None, usecols=None, \
         skiplines=0, max_rows=-1, converters=None, dtype=None, encoding=None, filelike=True, byte_converters=False, \
         c_byte_converters=False)",
    );
    let py = a.py;
    let [
        file,
        delimiter,
        comment,
        quote,
        imaginary,
        usecols,
        skiplines,
        max_rows,
        converters,
        descr,
        encoding,
        filelike,
        byte_converters,
        c_byte_converters,
    ] = a.parse(&SIG)?;
    let Some(file) = file else { return Err(PyTypeError::new_err("missing file")) };
    let dialect = Dialect {
        delimiter: control(delimiter.as_ref(), ',')?,
        comment: control(comment.as_ref(), '#')?,
        quote: control(quote.as_ref(), '"')?,
    };
    let imaginary_unit = control(imaginary.as_ref(), 'j')?.unwrap_or('j');
    let skiplines = skiplines.map_or(Ok(0), |v| args::index(&v))?;
    let max_rows = max_rows.map_or(Ok(-1), |v| args::index(&v))?;
    let filelike = args::truth(filelike.as_ref(), true)?;
    let reader = Reader {
        py,
        imaginary_unit,
        byte_converters: args::truth(byte_converters.as_ref(), false)?,
        c_byte_converters: args::truth(c_byte_converters.as_ref(), false)?,
    };
    let Some(descr) = descr.as_ref().and_then(Descr::cast) else {
        return Err(PyTypeError::new_err("internal error: dtype must be provided and be a NumPy dtype"));
    };
    check_controls(&dialect, imaginary_unit)?;
    let usecols = match usecols.filter(|u| !u.is_none()) {
        None => None,
        Some(u) => {
            let mut cols = Vec::new();
            for o in args::items(&u)? {
                cols.push(args::index(&o).map_err(|e| {
                    if e.is_instance_of::<PyTypeError>(py) {
                        let name = o.get_type().name().map(|n| n.to_string()).unwrap_or_default();
                        PyTypeError::new_err(format!(
                            "usecols must be an int or a sequence of ints but it contains at least one element of type \
                             '{name}'"
                        ))
                    } else {
                        e
                    }
                })?);
            }
            Some(cols)
        }
    };
    let encoding = match encoding.filter(|e| !e.is_none()) {
        Some(e) => Some(
            e.extract::<String>().map_err(|_| PyTypeError::new_err("encoding must be a unicode string."))?,
        ),
        None => None,
    };
    let source = if filelike {
        Source::File(file.getattr(intern!(py, "read"))?)
    } else {
        // SAFETY: protocol check of a live object.
        if unsafe { pyffi::PyIter_Check(file.as_ptr()) } == 0 {
            return Err(PyTypeError::new_err("error reading from object, expected an iterable."));
        }
        Source::Lines(file)
    };
    let converters = converters.filter(|c| !c.is_none());
    if let Some(c) = &converters {
        check_converters(c)?;
    }
    let mut stream = Stream { source, encoding, piece: Vec::new(), end_added: false, at: 0, finished: false };
    let mut columns = Vec::new();
    flatten(&descr, 0, &mut columns)?;
    let homogeneous = columns.len() == 1 && columns[0].descr.is(&descr);
    if let Some(cols) = &usecols
        && !homogeneous
        && cols.len() != columns.len()
    {
        return Err(PyTypeError::new_err(format!(
            "If a structured dtype is used, the number of columns in `usecols` must match the effective number of \
             fields. But {} usecols were given and the number of fields is {}.",
            cols.len(),
            columns.len()
        )));
    }
    let out = read_rows(
        &reader,
        &mut stream,
        &dialect,
        &descr,
        &columns,
        homogeneous,
        usecols.as_deref(),
        skiplines,
        max_rows,
        converters.as_ref(),
    )?;
    Ok(out.0)
}

fn read_rows<'py>(
    reader: &Reader<'py>,
    stream: &mut Stream<'py>,
    dialect: &Dialect,
    descr: &Descr<'py>,
    columns: &[Column<'py>],
    homogeneous: bool,
    usecols: Option<&[isize]>,
    skiplines: isize,
    max_rows: isize,
    converters: Option<&Obj<'py>>,
) -> PyResult<Array<'py>> {
    let py = reader.py;
    for _ in 0..skiplines {
        if stream.peek(py)?.is_none() {
            break;
        }
        stream.skip_line(py)?;
    }
    let make = |rows: usize, fields: usize| -> PyResult<Array<'py>> {
        let shape = [rows as isize, fields as isize];
        alloc::new(descr, if homogeneous { &shape } else { &shape[..1] }, Order::C, true)
    };
    let mut row = Row::default();
    let mut count = 0usize;
    let mut fields: Option<usize> = usecols.map(<[isize]>::len);
    let mut functions: Option<Vec<Option<Obj<'py>>>> = None;
    let mut result: Option<Array<'py>> = None;
    let mut capacity = 0usize;
    let mut warned = false;
    let itemsize = descr.itemsize();
    while max_rows < 0 || (count as isize) < max_rows {
        if !read_row(py, stream, dialect, &mut row)? {
            break;
        }
        if row.len == 0 {
            if max_rows > 0 && !std::mem::replace(&mut warned, true) {
                let text = std::ffi::CString::new(format!(
                    "Input line {} contained no data and will not be counted towards `max_rows={max_rows}`.  This \
                     differs from the behaviour in NumPy <=1.22 which counted lines rather than rows.  If desired, the \
                     previous behaviour can be achieved by using `itertools.islice`.\nPlease see the 1.23 release notes \
                     for an example on how to do this.  If you wish to ignore this warning, use \
                     `warnings.filterwarnings`.  This warning is expected to be removed in the future and is given only \
                     once per `loadtxt` call.",
                    skiplines.max(0) as usize + count + 1
                ))?;
                PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 3)?;
            }
            continue;
        }
        let n = match fields {
            Some(n) => {
                if usecols.is_none() && row.len != n {
                    return Err(PyValueError::new_err(format!(
                        "the number of columns changed from {n} to {} at row {}; use `usecols` to select a subset and \
                         avoid this error",
                        row.len,
                        count + 1
                    )));
                }
                n
            }
            None => {
                if !homogeneous && row.len != columns.len() {
                    return Err(PyValueError::new_err(format!(
                        "the dtype passed requires {} columns but {} were found at row {}; use `usecols` to select a \
                         subset and avoid this error",
                        columns.len(),
                        row.len,
                        count + 1
                    )));
                }
                *fields.insert(row.len)
            }
        };
        if functions.is_none() {
            functions = Some(column_converters(converters, n, usecols)?);
        }
        let width = if homogeneous { n * itemsize } else { itemsize };
        if count == capacity {
            capacity = (2 * capacity).max(64).min(if max_rows > 0 { max_rows as usize } else { usize::MAX });
            let bigger = make(capacity, n)?;
            if let Some(old) = &result {
                super::create::move_items(old, &bigger, count * width);
            }
            result = Some(bigger);
        }
        let Some(out) = &result else { continue };
        let base = out.data().wrapping_add(count * width);
        // Of strings, each array has an instance of its own.
        let own = out.descr();
        for i in 0..n {
            let column = match usecols {
                None => i,
                Some(cols) => {
                    let given = cols[i];
                    let c = if given < 0 { given + row.len as isize } else { given };
                    if c < 0 || c >= row.len as isize {
                        return Err(PyValueError::new_err(format!(
                            "invalid column index {given} at row {} with {} columns",
                            count + 1,
                            row.len
                        )));
                    }
                    c as usize
                }
            };
            let (d, offset) = if homogeneous && own.dtype().as_strings().is_some() {
                (&own, i * itemsize)
            } else if homogeneous {
                (descr, i * itemsize)
            } else {
                (&columns[i].descr, columns[i].offset)
            };
            let text = &row.fields[column];
            let function = functions.as_ref().and_then(|f| f[i].as_ref());
            // SAFETY: an element of the result: row `count` of at least `count + 1`, field inside the row.
            let stored = unsafe { reader.store(d, base.wrapping_add(offset), text, function) };
            if let Err(NotAValue(cause)) = stored {
                let shown: String = text.clone();
                let e = PyValueError::new_err(format!(
                    "could not convert string {} to {} at row {count}, column {}.",
                    clipped_repr(py, &shown)?,
                    d.0.str()?,
                    column + 1
                ));
                e.set_cause(py, cause);
                return Err(e);
            }
        }
        count += 1;
    }
    let n = fields.unwrap_or(1);
    let width = if homogeneous { n * itemsize } else { itemsize };
    match result {
        Some(out) if capacity == count => Ok(out),
        Some(out) => {
            let exact = make(count, n)?;
            super::create::move_items(&out, &exact, count * width);
            Ok(exact)
        }
        None => make(0, n),
    }
}

/// The first hundred characters of a repr.
fn clipped_repr(py: Python<'_>, text: &str) -> PyResult<String> {
    Ok(PyString::new(py, text).repr()?.to_string_lossy().chars().take(100).collect())
}

static METHODS: Methods<2> = Methods::new([fastcall!(c"_load_from_filelike", load_from_filelike), END]);

/// Add the function.
pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &METHODS)
}
