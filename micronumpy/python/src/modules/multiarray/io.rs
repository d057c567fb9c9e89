//! Arrays from and to files and text: `fromfile`, `tofile`, `fromstring`.

use std::os::fd::RawFd;

use micronumpy::elem_text::parse_prefix;
use micronumpy::{Order, TypeNum};
use pyo3::exceptions::{PyOSError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyModule, PyString, PyTuple};
use pyo3::{ffi as pyffi, intern};

use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::array::alloc::{self, Make};
use crate::objects::array::{args, for_each_item};
use crate::objects::dispatcher::creation_with_like;
use crate::objects::{Array, Descr, dtype};

type Obj<'py> = Bound<'py, PyAny>;

/// A file the caller gave (as an object or by name), used by its descriptor.
///
/// Python's own position in the file is read before and set afterwards, because reading and writing go past its buffers. The
/// descriptor is a duplicate, made by `os.dup`, unless the file is ours.
struct File<'py> {
    object: Obj<'py>,
    fd: RawFd,
    own: bool,
    /// Where Python is in the file, and where its descriptor was: buffers of the file object rely on the latter.
    position: Option<(i64, i64)>,
}

fn os_error(py: Python<'_>) -> PyErr {
    // SAFETY: raises from errno and returns null.
    unsafe {
        pyffi::PyErr_SetFromErrno(pyffi::PyExc_OSError);
    }
    PyErr::fetch(py)
}

impl<'py> File<'py> {
    fn open(file: &Obj<'py>, mode: &str) -> PyResult<File<'py>> {
        let py = file.py();
        let is_path = file.is_instance_of::<PyString>()
            || file.is_instance_of::<PyBytes>()
            || file.hasattr(intern!(py, "__fspath__"))?;
        let (object, own) = if is_path {
            (cached(py, "builtins", "open")?.call1((file, mode))?, true)
        } else {
            (file.clone(), false)
        };
        let descriptor = || -> PyResult<RawFd> {
            object.call_method0(intern!(py, "flush"))?;
            let fd = object.call_method0(intern!(py, "fileno"))?;
            if own {
                return fd.extract();
            }
            let copy = py.import(intern!(py, "os"))?.call_method1(intern!(py, "dup"), (fd,))?;
            let copy = args::index(&copy).map_err(|e| match e.is_instance_of::<PyOverflowError>(py) {
                true => PyOSError::new_err("Getting a FILE* from a Python file object failed via `os.dup`"),
                false => e,
            })?;
            RawFd::try_from(copy).map_err(|_| {
                PyOSError::new_err("Getting a FILE* from a Python file object failed via `os.dup`")
            })
        };
        let position = |fd: RawFd| -> PyResult<Option<(i64, i64)>> {
            // SAFETY: a plain system call on an open descriptor.
            let raw = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) };
            if raw < 0 {
                // Pipes have no position; what is buffered needs one.
                return match object.is_instance(&cached(py, "io", "RawIOBase")?)? {
                    true => Ok(None),
                    false => Err(PyOSError::new_err("obtaining file position failed")),
                };
            }
            let place = object.call_method0(intern!(py, "tell"))?.extract::<i64>()?;
            // SAFETY: as above.
            if unsafe { libc::lseek(fd, place, libc::SEEK_SET) } < 0 {
                return Err(PyOSError::new_err("seeking file failed"));
            }
            Ok(Some((place, raw)))
        };
        let fd = match descriptor() {
            Ok(fd) => fd,
            Err(e) => {
                if own {
                    // The first error is the one to tell.
                    let _ = object.call_method0(intern!(py, "close"));
                }
                return Err(e);
            }
        };
        match position(fd) {
            Ok(position) => Ok(File { object, fd, own, position }),
            Err(e) => {
                File { object, fd, own, position: None }.close()?;
                Err(e)
            }
        }
    }
    /// Close what was opened here.
    fn close(&self) -> PyResult<()> {
        if self.own {
            self.object.call_method0(intern!(self.object.py(), "close"))?;
        } else {
            // SAFETY: a duplicate that nobody else has.
            unsafe { libc::close(self.fd) };
        }
        Ok(())
    }
    /// Let the file object know where its descriptor is now, or close it if it is ours.
    fn finish(self, advanced: i64) -> PyResult<()> {
        if let Some((place, raw)) = self.position.filter(|_| !self.own) {
            // SAFETY: a plain system call on an open descriptor, which shares its position with the file object's.
            unsafe { libc::lseek(self.fd, raw, libc::SEEK_SET) };
            self.close()?;
            self.object.call_method1(intern!(self.object.py(), "seek"), (place + advanced, 0))?;
            return Ok(());
        }
        self.close()
    }
    fn write_all(&self, mut data: &[u8]) -> PyResult<()> {
        let py = self.object.py();
        while !data.is_empty() {
            // SAFETY: the slice is live memory.
            let n = unsafe { libc::write(self.fd, data.as_ptr().cast(), data.len().min(1 << 30)) };
            if n < 0 {
                let e = std::io::Error::last_os_error();
                if e.kind() == std::io::ErrorKind::Interrupted {
                    py.check_signals()?;
                    continue;
                }
                return Err(os_error(py));
            }
            data = &data[n as usize..];
        }
        Ok(())
    }
    /// Fill the buffer as far as the file goes.
    fn read_some(&self, out: &mut [u8]) -> PyResult<usize> {
        let py = self.object.py();
        let mut done = 0;
        while done < out.len() {
            let rest = &mut out[done..];
            // SAFETY: the slice is live memory.
            let n = unsafe { libc::read(self.fd, rest.as_mut_ptr().cast(), rest.len().min(1 << 30)) };
            if n < 0 {
                let e = std::io::Error::last_os_error();
                if e.kind() == std::io::ErrorKind::Interrupted {
                    py.check_signals()?;
                    continue;
                }
                return Err(os_error(py));
            }
            if n == 0 {
                break;
            }
            done += n as usize;
        }
        Ok(done)
    }
    fn read_rest(&self) -> PyResult<Vec<u8>> {
        let mut out = Vec::new();
        let mut chunk = vec![0; 1 << 16];
        loop {
            let n = self.read_some(&mut chunk)?;
            out.extend_from_slice(&chunk[..n]);
            if n < chunk.len() {
                return Ok(out);
            }
        }
    }
    /// Bytes between here and the end.
    fn remaining(&self) -> PyResult<i64> {
        // SAFETY: plain system calls on an open descriptor.
        unsafe {
            let here = libc::lseek(self.fd, 0, libc::SEEK_CUR);
            let end = libc::lseek(self.fd, 0, libc::SEEK_END);
            if here < 0 || end < 0 || libc::lseek(self.fd, here, libc::SEEK_SET) < 0 {
                return Err(PyOSError::new_err("could not seek in file"));
            }
            Ok((end - here).max(0))
        }
    }
}

/// `arr.tofile(file, sep, format)`
pub fn to_file<'py>(arr: &Array<'py>, file: &Obj<'py>, sep: &str, format: &str) -> PyResult<()> {
    let py = arr.py();
    let f = File::open(file, "wb")?;
    let mut written = 0i64;
    let result = (|| -> PyResult<()> {
        if sep.is_empty() {
            if arr.dtype().num.is_object() || arr.dtype().has_object() {
                return Err(PyOSError::new_err("cannot write object arrays to a file in binary mode"));
            }
            let nbytes = arr.size() * arr.itemsize();
            if arr.has_flags(crate::abi::NPY_ARRAY_C_CONTIGUOUS) {
                // SAFETY: a contiguous array of that many bytes.
                f.write_all(unsafe { std::slice::from_raw_parts(arr.data(), nbytes) })?;
            } else {
                let bytes = crate::objects::array::methods::convert::to_bytes(arr, Order::C)?;
                f.write_all(bytes.as_bytes())?;
            }
            written = nbytes as i64;
            return Ok(());
        }
        let mut text = Vec::new();
        let mut first = true;
        for_each_item(arr, |item| {
            if !std::mem::take(&mut first) {
                text.extend_from_slice(sep.as_bytes());
            }
            let s = if format.is_empty() {
                item.str()?
            } else {
                let tuple = PyTuple::new(py, [item])?;
                PyString::new(py, format).as_any().rem(tuple)?.cast_into::<PyString>()?
            };
            text.extend_from_slice(s.encode_utf8()?.as_bytes());
            if text.len() > 1 << 16 {
                f.write_all(&text)?;
                written += text.len() as i64;
                text.clear();
            }
            Ok(())
        })?;
        f.write_all(&text)?;
        written += text.len() as i64;
        Ok(())
    })();
    let closed = f.finish(written);
    result.and(closed)
}

/// How one step of reading text ended.
#[derive(PartialEq)]
enum Step {
    Ok,
    End,
    Unmatched,
}

/// A separator in normal form: runs of whitespace are one blank, which matches any amount; blanks at both ends.
fn normal_separator(sep: &str) -> Vec<u8> {
    let mut out = vec![b' '];
    for c in sep.bytes() {
        if is_space(c) {
            if out.last() != Some(&b' ') {
                out.push(b' ');
            }
        } else {
            out.push(c);
        }
    }
    if out.last() != Some(&b' ') {
        out.push(b' ');
    }
    out
}

/// C's `isspace`.
fn is_space(c: u8) -> bool {
    c.is_ascii_whitespace() || c == 0x0b
}

fn skip_separator(text: &[u8], at: &mut usize, sep: &[u8]) -> Step {
    let start = *at;
    let mut s = 0;
    loop {
        let Some(&c) = text.get(*at) else { return Step::End };
        match sep.get(s) {
            None => return if *at != start { Step::Ok } else { Step::Unmatched },
            Some(b' ') => {
                if !is_space(c) {
                    s += 1;
                    continue;
                }
            }
            Some(&k) if k != c => return Step::Unmatched,
            Some(_) => s += 1,
        }
        *at += 1;
    }
}

/// Numbers in text, up to `count` of them; also how many bytes were used and how many numbers were read.
fn from_text<'py>(
    text: &[u8],
    descr: &Descr<'py>,
    count: isize,
    sep: &str,
) -> PyResult<(Array<'py>, usize, usize)> {
    let sep = normal_separator(sep);
    let itemsize = descr.itemsize();
    let num = descr.dtype().num;
    let mut bytes: Vec<u8> = Vec::new();
    let (mut at, mut n) = (0, 0usize);
    let mut step = Step::Ok;
    while count < 0 || (n as isize) < count {
        match parse_prefix(num, &text[at..], &mut bytes) {
            0 => {
                let rest_is_empty = at >= text.len();
                step = if rest_is_empty { Step::End } else { Step::Unmatched };
                break;
            }
            used => at += used,
        }
        n += 1;
        step = skip_separator(text, &mut at, &sep);
        if step != Step::Ok {
            break;
        }
    }
    if step == Step::Unmatched {
        return Err(PyValueError::new_err(
            "string or file could not be read to its end due to unmatched data",
        ));
    }
    let len = if count >= 0 { count as usize } else { n };
    let out = alloc::new(descr, &[len as isize], Order::C, true)?;
    debug_assert_eq!(bytes.len(), n * itemsize);
    // SAFETY: `n <= len` elements of plain data.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), out.data(), bytes.len().min(len * itemsize)) };
    Ok((out, at, n))
}

/// Whether elements of a type can be read from text.
fn is_readable(num: TypeNum) -> bool {
    num.is_bool() || num.is_number() || num.is_datetime()
}

/// `fromstring(string, dtype=float, count=-1, *, sep, like=None)`
fn fromstring<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("fromstring(string, dtype=None, count=-1, sep='', *, like=None)");
    let py = a.py;
    let [text, descr, count, sep, like] = a.parse_c(&SIG)?;
    if let Some(l) = like.filter(|l| !l.is_none())
        && let Some(r) = creation_with_like("fromstring", &l, a)?
    {
        return Ok(r);
    }
    let Some(text) = text else { return Err(PyTypeError::new_err("missing string")) };
    let descr = match descr.filter(|d| !d.is_none()) {
        Some(d) => dtype::convert(&d)?,
        None => dtype::builtin(py, TypeNum::DOUBLE),
    };
    let count = count.map_or(Ok(-1), |c| args::index(&c))?;
    let sep: String = sep.map_or(Ok(String::new()), |s| s.extract())?;
    let data: Vec<u8> = if let Ok(s) = text.cast::<PyString>() {
        s.encode_utf8()?.as_bytes().to_vec()
    } else {
        let mem = crate::protocols::buffer::Memory::of(&text)?;
        if mem.len == 0 {
            Vec::new()
        } else {
            // SAFETY: the buffer is held while it is copied.
            unsafe { std::slice::from_raw_parts(mem.data, mem.len).to_vec() }
        }
    };
    if sep.is_empty() {
        return Err(PyValueError::new_err(
            "The binary mode of fromstring is removed, use frombuffer instead",
        ));
    }
    if descr.dtype().has_object() {
        return Err(PyValueError::new_err("Cannot create an object array from a string"));
    }
    if descr.dtype().is_unsized() {
        return Err(PyValueError::new_err("zero-valued itemsize"));
    }
    if !is_readable(descr.dtype().num) {
        return Err(PyValueError::new_err("don't know how to read character strings with that array type"));
    }
    Ok(from_text(&data, &descr, count, &sep)?.0.0)
}

/// `fromfile(file, dtype=float, count=-1, sep='', offset=0, *, like=None)`
fn fromfile<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("fromfile(file, dtype=None, count=-1, sep='', offset=0, *, like=None)");
    let py = a.py;
    let [file, descr, count, sep, offset, like] = a.parse_c(&SIG)?;
    if let Some(l) = like.filter(|l| !l.is_none())
        && let Some(r) = creation_with_like("fromfile", &l, a)?
    {
        return Ok(r);
    }
    let Some(file) = file else { return Err(PyTypeError::new_err("missing file")) };
    let descr = match descr.filter(|d| !d.is_none()) {
        Some(d) => dtype::convert(&d)?,
        None => dtype::builtin(py, TypeNum::DOUBLE),
    };
    let count = count.map_or(Ok(-1), |c| args::index(&c))?;
    let sep: String = sep.map_or(Ok(String::new()), |s| s.extract())?;
    let offset = offset.map_or(Ok(0), |c| args::index(&c))?;
    if offset != 0 && !sep.is_empty() {
        return Err(PyTypeError::new_err("'offset' argument only permitted for binary files"));
    }
    let f = File::open(&file, "rb")?;
    let mut advanced = 0;
    let result = read_file(&f, &descr, count, &sep, offset as i64, &mut advanced);
    let closed = f.finish(advanced);
    let out = result?;
    closed?;
    Ok(out.0)
}

fn read_file<'py>(
    f: &File<'py>,
    descr: &Descr<'py>,
    count: isize,
    sep: &str,
    offset: i64,
    advanced: &mut i64,
) -> PyResult<Array<'py>> {
    // SAFETY: a plain system call on an open descriptor.
    if offset != 0 && unsafe { libc::lseek(f.fd, offset, libc::SEEK_CUR) } < 0 {
        return Err(PyOSError::new_err("could not seek in file"));
    }
    if descr.dtype().has_object() {
        return Err(PyValueError::new_err("Cannot read into object array"));
    }
    let itemsize = descr.itemsize();
    if itemsize == 0 {
        return if descr.dtype().num.is_flexible() && count >= 0 && sep.is_empty() {
            // As many as asked for, none of which takes anything from the file.
            let (shape, strides) = ([count], [0]);
            let make = Make { strides: Some(&strides), allow_empty_string: true, ..Make::new(descr, &shape) };
            // SAFETY: fresh memory for elements of no size.
            unsafe { make.build() }
        } else if descr.dtype().num.is_flexible() {
            alloc::new(descr, &[0], Order::C, false)
        } else {
            Err(PyValueError::new_err("The elements are 0-sized."))
        };
    }
    *advanced = offset;
    if sep.is_empty() {
        let n = if count < 0 { f.remaining()? / itemsize as i64 } else { count as i64 };
        let out = alloc::new(descr, &[n as isize], Order::C, false)?;
        let nbytes = out.size() * out.itemsize();
        // SAFETY: the memory of a new contiguous array.
        let got = f.read_some(unsafe { std::slice::from_raw_parts_mut(out.data(), nbytes) })?;
        *advanced += got as i64;
        let items = got / itemsize;
        if items as i64 == n {
            return Ok(out);
        }
        // Fewer than asked for: the result is that much shorter.
        let short = alloc::new(descr, &[items as isize], Order::C, false)?;
        // SAFETY: both hold at least so many bytes.
        unsafe { std::ptr::copy_nonoverlapping(out.data(), short.data(), items * itemsize) };
        return Ok(short);
    }
    if !is_readable(descr.dtype().num) {
        return Err(PyValueError::new_err("Unable to read character files of that array type"));
    }
    let text = f.read_rest()?;
    let (out, used, n) = from_text(&text, descr, count, sep)?;
    *advanced += used as i64;
    if count >= 0 && (n as isize) < count {
        let short = alloc::new(descr, &[n as isize], Order::C, false)?;
        // SAFETY: the first `n` elements.
        unsafe { std::ptr::copy_nonoverlapping(out.data(), short.data(), n * itemsize) };
        return Ok(short);
    }
    Ok(out)
}

/// `_unique_hash(arr, equal_nan=True)`: for strings, missing values among which need not have an order, for complex
/// numbers, of which the first of several equal ones stays, and for integers, to whose order nothing need be asked.
/// Otherwise the layer is told to sort, with the same values as a result.
fn unique_hash<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("_unique_hash(arr, equal_nan=True)");
    let [arr, equal_nan] = a.parse(&SIG)?;
    let equal_nan = equal_nan.map_or(Ok(true), |e| e.is_truthy())?;
    if let Some(arr) = arr.as_ref().and_then(Array::cast)
        && let Some(strings) = arr.dtype().as_strings()
    {
        let found = micronumpy::vstring::unique(&arr.view(), strings, equal_nan);
        return Ok(alloc::take(a.py, found)?.0);
    }
    if let Some(arr) = arr.as_ref().and_then(Array::cast)
        && let Some(found) = micronumpy::ops::sort::unique_integers(&arr.view()).py(a.py)?
    {
        return Ok(alloc::adopt(&arr.descr(), found)?.0);
    }
    if let Some(arr) = arr.as_ref().and_then(Array::cast)
        && let Some(found) = micronumpy::ops::sort::unique_complex(&arr.view(), equal_nan).py(a.py)?
    {
        return Ok(alloc::adopt(&arr.descr(), found)?.0);
    }
    Ok(a.py.NotImplemented().into_bound(a.py))
}

static METHODS: Methods<4> = Methods::new([
    fastcall!(c"fromstring", fromstring),
    fastcall!(c"fromfile", fromfile),
    fastcall!(c"_unique_hash", unique_hash),
    END,
]);

/// Add the functions.
pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &METHODS)
}
