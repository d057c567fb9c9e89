//! `numpy.datetime64` and `numpy.timedelta64`.

use micronumpy::TypeNum;
use micronumpy::dtype::DatetimeMeta;
use pyo3::prelude::*;

use crate::error::missing;
use crate::objects::Descr;

type Obj<'py> = Bound<'py, PyAny>;

/// `item()` of a date or a time difference.
pub fn to_python<'py>(
    _py: Python<'py>,
    _num: TypeNum,
    _ticks: i64,
    _meta: DatetimeMeta,
) -> PyResult<Obj<'py>> {
    Err(missing("datetime64.item"))
}

/// A Python object as ticks of a unit.
pub fn from_python(_num: TypeNum, _meta: DatetimeMeta, _value: &Obj<'_>) -> PyResult<i64> {
    Err(missing("conversion to datetime64"))
}

/// The dtype of `datetime` and `timedelta` objects of the standard library.
pub fn descr_of_python<'py>(_obj: &Obj<'py>) -> PyResult<Option<Descr<'py>>> {
    Ok(None)
}

/// `np.datetime64('2000-01-01')`
pub fn repr<'py>(_slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Err(missing("datetime64.__repr__"))
}

/// `2000-01-01`
pub fn str<'py>(_slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Err(missing("datetime64.__str__"))
}

/// `numpy.datetime64(value, unit)`
pub fn new<'py>(_cls: &Obj<'py>, _args: &Obj<'py>, _kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    Err(missing("datetime64.__new__"))
}

/// `hash(datetime64)`
pub fn hash(_slf: &Obj<'_>) -> PyResult<isize> {
    Err(missing("datetime64.__hash__"))
}
