//! The code of functions that compiled code may walk into.
//!
//! It is made the first time a hot loop calls the function and kept for good: functions that are called in loops are few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use super::flow::Flow;
use crate::bytecode::Code;

/// A function's code, and facts about it.
pub struct Body {
    pub code: Arc<Code>,
    pub flow: Flow,
    /// Its code object, kept so that its address stays its own.
    _object: Py<PyAny>,
}

/// By the address of the code object; `None` where there is no code of ours.
static KNOWN: Mutex<Option<HashMap<usize, Option<&'static Body>>>> = Mutex::new(None);

/// The body of a function with this code object.
pub fn of(object: &Bound<'_, PyAny>) -> Option<&'static Body> {
    let key = object.as_ptr() as usize;
    let known = |map: &mut Option<HashMap<usize, Option<&'static Body>>>| {
        map.get_or_insert_default().get(&key).copied()
    };
    if let Some(found) = known(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner)) {
        return found;
    }
    let made = takes_positions_only(object).then(|| crate::embed::body_of(object)).flatten().map(|code| {
        let flow = Flow::new(&code);
        &*Box::leak(Box::new(Body { code, flow, _object: object.clone().unbind() }))
    });
    let mut map = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *map.get_or_insert_default().entry(key).or_insert(made)
}

/// `CO_VARARGS` and `CO_VARKEYWORDS`.
const COLLECTS: u32 = 4 | 8;

/// Whether all parameters are given by position.
fn takes_positions_only(code: &Bound<'_, PyAny>) -> bool {
    let number = |name: &str| code.getattr(name).ok().and_then(|n| n.extract::<u32>().ok());
    number("co_kwonlyargcount") == Some(0) && number("co_flags").is_some_and(|flags| flags & COLLECTS == 0)
}
