//! Methods of `ndarray`, by topic.

pub mod convert;
pub mod copy;
pub mod order;
pub mod outs;
pub mod proto;
pub mod reduce;
pub mod select;
pub mod shape;

use pyo3::ffi as pyffi;

use crate::ffi::methods::{END, Methods, documented};
use crate::{fastcall, noargs, onearg};

pub use copy::copy_array;
pub use shape::{reshape_array, transpose_axes};

static METHODS: Methods<72> = Methods::new([
    fastcall!(c"__array__", proto::array),
    onearg!(c"__array_finalize__", proto::array_finalize),
    fastcall!(c"__array_wrap__", proto::array_wrap),
    fastcall!(c"__array_ufunc__", proto::array_ufunc),
    fastcall!(c"__array_function__", proto::array_function),
    noargs!(c"__sizeof__", proto::sizeof),
    fastcall!(c"__copy__", copy::dunder_copy),
    fastcall!(c"__deepcopy__", copy::dunder_deepcopy),
    fastcall!(c"__reduce__", super::pickle::reduce),
    fastcall!(c"__reduce_ex__", super::pickle::reduce_ex),
    fastcall!(c"__setstate__", super::pickle::setstate),
    fastcall!(c"dumps", proto::dumps),
    fastcall!(c"dump", proto::dump),
    documented(
        fastcall!(c"__complex__", proto::complex),
        c"__complex__($self, /)\n--\n\nThe one element as a `complex`.",
    ),
    fastcall!(c"__format__", proto::format),
    onearg!(c"__class_getitem__", proto::class_getitem, pyffi::METH_CLASS),
    fastcall!(c"all", reduce::all),
    fastcall!(c"any", reduce::any),
    fastcall!(c"argmax", reduce::argmax),
    fastcall!(c"argmin", reduce::argmin),
    fastcall!(c"argpartition", order::argpartition),
    fastcall!(c"argsort", order::argsort),
    fastcall!(c"astype", copy::astype),
    fastcall!(c"byteswap", copy::byteswap),
    fastcall!(c"choose", select::choose),
    fastcall!(c"clip", reduce::clip),
    fastcall!(c"compress", select::compress),
    fastcall!(c"conj", reduce::conj),
    fastcall!(c"conjugate", reduce::conj),
    fastcall!(c"copy", copy::copy),
    fastcall!(c"cumprod", reduce::cumprod),
    fastcall!(c"cumsum", reduce::cumsum),
    fastcall!(c"diagonal", select::diagonal),
    fastcall!(c"dot", reduce::dot),
    fastcall!(c"fill", copy::fill),
    fastcall!(c"flatten", shape::flatten),
    fastcall!(c"getfield", copy::getfield),
    fastcall!(c"item", convert::item),
    fastcall!(c"max", reduce::max),
    fastcall!(c"mean", reduce::mean),
    fastcall!(c"min", reduce::min),
    fastcall!(c"nonzero", select::nonzero),
    fastcall!(c"partition", order::partition),
    fastcall!(c"prod", reduce::prod),
    fastcall!(c"put", select::put),
    fastcall!(c"ravel", shape::ravel),
    fastcall!(c"repeat", select::repeat),
    fastcall!(c"reshape", shape::reshape),
    fastcall!(c"resize", shape::resize),
    fastcall!(c"round", reduce::round),
    fastcall!(c"searchsorted", order::searchsorted),
    fastcall!(c"setfield", copy::setfield),
    fastcall!(c"setflags", super::flags::setflags),
    fastcall!(c"sort", order::sort),
    fastcall!(c"squeeze", shape::squeeze),
    fastcall!(c"std", reduce::std),
    fastcall!(c"sum", reduce::sum),
    fastcall!(c"swapaxes", shape::swapaxes),
    fastcall!(c"take", select::take),
    fastcall!(c"tobytes", convert::tobytes),
    fastcall!(c"tofile", convert::tofile),
    fastcall!(c"tolist", convert::tolist),
    fastcall!(c"trace", select::trace),
    fastcall!(c"transpose", shape::transpose),
    fastcall!(c"var", reduce::var),
    fastcall!(c"view", copy::view),
    fastcall!(c"__dlpack__", crate::protocols::dlpack::dlpack),
    noargs!(c"__dlpack_device__", crate::protocols::dlpack::dlpack_device),
    fastcall!(c"__array_namespace__", proto::array_namespace),
    fastcall!(c"to_device", proto::to_device),
    END,
    END,
]);

/// The method table.
pub fn table() -> *mut pyffi::PyMethodDef {
    METHODS.as_ptr()
}
