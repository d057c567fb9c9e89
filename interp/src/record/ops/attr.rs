//! Attributes: of modules, which are taken for granted, and the geometry of arrays.

use std::rc::Rc;

use jit::ir::{Binary, MemClass};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyModule;

use super::Result;
use super::method::method_name;
use crate::record::abort::Abort;
use crate::record::kind::{Abs, ArrayVal, Flavor, Val};
use crate::record::small::UNKNOWN;
use crate::record::walk::Walker;

impl Walker<'_, '_> {
    /// `obj.name`.
    pub fn attribute(&mut self, abs: &Abs, name: u16) -> Result<Abs> {
        let py = self.py;
        let key = self.code.name(name).bind(py).clone();
        let text = key.to_string();
        let missing = || Abort::Attribute(text.clone());
        if abs.tag.is_some() {
            return Err(missing());
        }
        match &abs.val {
            Val::Const(p) => {
                // SAFETY: a live object, kept by the inputs or the code.
                let object = unsafe { Bound::from_borrowed_ptr(py, *p) };
                let dict = match object.cast_exact::<PyModule>() {
                    Ok(module) => module.dict().into_any(),
                    Err(_) if object.get_type().hasattr(text.as_str()).unwrap_or(true) => {
                        return Err(missing());
                    }
                    Err(_) => super::foreign::library(&object).ok_or_else(missing)?,
                };
                // SAFETY: attached; a look-up of a string in a module's dict.
                let found = unsafe { ffi::PyDict_GetItemWithError(dict.as_ptr(), key.as_ptr()) };
                if found.is_null() {
                    return Err(missing());
                }
                // SAFETY: borrowed from the dict, which holds it; the reference is ours.
                let value = unsafe { Bound::from_borrowed_ptr(py, found) };
                self.entry.assume(&dict, &key, Some(&value));
                Ok(self.constant(&value))
            }
            Val::Array(_) | Val::Small(_) if method_name(&text).is_some() => {
                let name = method_name(&text).ok_or_else(missing)?;
                Ok(Val::Method(Rc::new(abs.clone()), name).into())
            }
            Val::Small(s) => {
                let s = Rc::clone(s);
                if text == "T" {
                    return self.transposed(abs);
                }
                // The rest is that of an array with these extents.
                let nothing = self.b.i64(0);
                let dims = s.dims.iter().map(|&n| self.b.i64(n as i64)).collect();
                let like = ArrayVal {
                    num: s.num,
                    obj: nothing,
                    whole: false,
                    id: UNKNOWN,
                    data: nothing,
                    dims,
                    steps: vec![],
                    writeable: true,
                    class: MemClass::ANY,
                };
                self.geometry(&like, &text).ok_or_else(missing)
            }
            Val::Array(a) => self.geometry(&Rc::clone(a), &text).ok_or_else(missing),
            Val::Complex(..) => self.complex_part(abs, &text).ok_or_else(missing),
            Val::Num(flavor, v) => match text.as_str() {
                "real" => Ok(Abs::num(*flavor, *v)),
                _ => Err(missing()),
            },
            _ => Err(missing()),
        }
    }

    fn geometry(&mut self, a: &ArrayVal, name: &str) -> Option<Abs> {
        Some(match name {
            "shape" => {
                let dims: Vec<Abs> = a.dims.iter().map(|&n| Abs::num(Flavor::Int, n)).collect();
                Val::Tuple(dims.into()).into()
            }
            "ndim" => Abs::num(Flavor::Int, self.b.i64(a.dims.len() as i64)),
            "itemsize" => Abs::num(Flavor::Int, self.b.i64(a.num.size() as i64)),
            "size" | "nbytes" => {
                let mut size = self.b.i64(if name == "size" { 1 } else { a.num.size() as i64 });
                for &n in &a.dims {
                    size = self.b.binary(Binary::Mul, size, n);
                }
                Abs::num(Flavor::Int, size)
            }
            "T" => {
                let mut t = ArrayVal { whole: false, id: self.fresh_id(), ..a.clone() };
                t.dims.reverse();
                t.steps.reverse();
                Val::Array(t.into()).into()
            }
            _ => return None,
        })
    }
}
