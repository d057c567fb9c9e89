//! `run_*_converter`: the converters of arguments, whose results are named as in C.

use micronumpy::{Casting, Order};
use pyo3::prelude::*;

use crate::ffi::methods::{END, Methods};
use crate::objects::array::args::{self, ClipMode, SortWord};
use crate::onearg;

type Obj<'py> = Bound<'py, PyAny>;

pub static FUNCTIONS: Methods<11> = Methods::new([
    onearg!(c"run_byteorder_converter", byteorder),
    onearg!(c"run_sortkind_converter", sortkind),
    onearg!(c"run_selectkind_converter", selectkind),
    onearg!(c"run_searchside_converter", searchside),
    onearg!(c"run_order_converter", order),
    onearg!(c"run_clipmode_converter", clipmode),
    onearg!(c"run_casting_converter", casting),
    onearg!(c"run_intp_converter", intp),
    onearg!(c"run_scalar_intp_converter", scalar_intp),
    onearg!(c"run_scalar_intp_from_sequence", scalar_intp),
    END,
]);

fn name<'py>(module: &Obj<'py>, text: &str) -> PyResult<Obj<'py>> {
    Ok(text.into_pyobject(module.py())?.into_any())
}

fn byteorder<'py>(module: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    name(
        module,
        match crate::objects::dtype::byteorder_of(arg)? {
            b'>' => "NPY_BIG",
            b'<' => "NPY_LITTLE",
            b'=' => "NPY_NATIVE",
            b'|' => "NPY_IGNORE",
            _ => "NPY_SWAP",
        },
    )
}

fn sortkind<'py>(module: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    name(
        module,
        match args::sort_kind(arg)? {
            SortWord::Quick => "NPY_QUICKSORT",
            SortWord::Heap => "NPY_HEAPSORT",
            SortWord::Stable => "NPY_STABLESORT",
        },
    )
}

fn selectkind<'py>(module: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    args::select_kind(arg)?;
    name(module, "NPY_INTROSELECT")
}

fn searchside<'py>(module: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    name(module, if args::search_side(arg)? { "NPY_SEARCHRIGHT" } else { "NPY_SEARCHLEFT" })
}

fn order<'py>(module: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    name(
        module,
        match args::order(Some(arg), Order::C)? {
            Order::Any => "NPY_ANYORDER",
            Order::C => "NPY_CORDER",
            Order::F => "NPY_FORTRANORDER",
            Order::Keep => "NPY_KEEPORDER",
        },
    )
}

fn clipmode<'py>(module: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    name(
        module,
        match args::clip_mode(Some(arg))? {
            ClipMode::Clip => "NPY_CLIP",
            ClipMode::Wrap => "NPY_WRAP",
            ClipMode::Raise => "NPY_RAISE",
        },
    )
}

fn casting<'py>(module: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    name(
        module,
        match args::plain_casting(Some(arg), Casting::Safe)? {
            Casting::No => "NPY_NO_CASTING",
            Casting::Equiv => "NPY_EQUIV_CASTING",
            Casting::Safe => "NPY_SAFE_CASTING",
            Casting::SameKind => "NPY_SAME_KIND_CASTING",
            Casting::Unsafe => "NPY_UNSAFE_CASTING",
            Casting::SameValue => "NPY_SAME_VALUE_CASTING",
        },
    )
}

fn intp<'py>(module: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    args::int_tuple(module.py(), &args::shape(arg)?)
}

/// At most one integer is kept.
fn scalar_intp<'py>(module: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    let all = args::shape(arg)?;
    args::int_tuple(module.py(), &all[..all.len().min(1)])
}
