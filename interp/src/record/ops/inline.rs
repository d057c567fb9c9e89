//! Calls of Python functions: the walk goes on in the function's code.
//!
//! A call is one instruction of the caller, and compiled code has no frame to be in the middle of it. So whatever leaves the
//! trace inside of a function goes back to the call, which the VM then does for real, from its start. That is right as
//! long as the function has done nothing by then that could be seen: functions that assign to elements, globals or
//! attributes are not walked into.
//!
//! What a function reads from its globals is taken for granted like the attribute of a module.

use pyo3::ffi;
use pyo3::prelude::*;

use super::Result;
use super::method::Keywords;
use crate::record::abort::Abort;
use crate::record::body;
use crate::record::flow::{END, Place, Turn};
use crate::record::kind::{Abs, Val};
use crate::record::walk::{Around, Callee, Path, Walker};

/// Functions inside of functions.
const MAX_DEPTH: usize = 6;

impl Walker<'_, '_> {
    /// A call of a function with these arguments.
    pub fn inline(&mut self, function: &Bound<'_, PyAny>, args: &[Abs], keywords: &Keywords) -> Result<Abs> {
        let py = self.py;
        let refuse = |why: &str| Abort::Callee(format!("a function of Python {why}"));
        // SAFETY: attached; a function, as the caller has checked, has code and globals, which it holds.
        let (code, globals) = unsafe {
            (ffi::PyFunction_GetCode(function.as_ptr()), ffi::PyFunction_GetGlobals(function.as_ptr()))
        };
        if self.calls.len() >= MAX_DEPTH || self.calls.iter().any(|c| c.code_object == code) {
            return Err(refuse("that is deep inside of others"));
        }
        // SAFETY: alive, held by the function.
        let code_object = unsafe { Bound::from_borrowed_ptr(py, code) };
        let body = body::of(&code_object).ok_or_else(|| refuse("without code of ours"))?;
        let args = &self.arguments(function, &code_object, args, keywords)?[..];
        if body.code.boundary.inputs.len() != args.len() {
            return Err(refuse("with such parameters"));
        }
        if self.anything_waits() {
            return Err(refuse("while an array of many elements waits"));
        }
        self.entry.assume_code(function, &code_object);

        // Everything that leaves in here leaves to the call.
        let outermost = self.calls.is_empty();
        if outermost {
            self.at_call = Some(self.before());
        }
        let mut vars: Vec<Abs> = vec![Val::Unbound.into(); body.flow.vars.count() + 1];
        for (&reg, arg) in body.code.boundary.inputs.iter().zip(args) {
            vars[usize::from(reg)] = arg.clone();
        }
        let turn = Turn::new(&body.code, 0, body.code.ops.len() as u32, |_, _| true);
        let caller = Callee {
            code: std::mem::replace(&mut self.code, &body.code),
            flow: std::mem::replace(&mut self.flow, &body.flow),
            vars: std::mem::replace(&mut self.vars, vars),
            pc: self.pc,
            depth: std::mem::replace(&mut self.depth, 1),
            context: self.context,
            code_object: code,
            globals,
        };
        self.context = self.context.wrapping_mul(31).wrapping_add(u64::from(self.pc) + 1);
        self.calls.push(caller);
        self.around.push(Around::of_body(body.code.ops.len() as u32, turn));
        let path = self.run(0, END);
        self.around.pop();
        let result = self.vars.pop();
        if let Some(caller) = self.calls.pop() {
            self.code = caller.code;
            self.flow = caller.flow;
            self.vars = caller.vars;
            self.pc = caller.pc;
            self.depth = caller.depth;
            self.context = caller.context;
        }
        if outermost {
            self.check();
            self.at_call = None;
        }
        match (path?, result) {
            (Path::Turn(_), Some(result)) => Ok(self.returned(&result)),
            _ => Err(refuse("that the VM has to run")),
        }
    }

    /// What each parameter gets: by position, by name, or its default.
    fn arguments(
        &mut self,
        function: &Bound<'_, PyAny>,
        code: &Bound<'_, PyAny>,
        args: &[Abs],
        keywords: &Keywords,
    ) -> Result<Vec<Abs>> {
        let refuse = || Abort::Callee("a function of Python with arguments that do not fit".into());
        let count: usize =
            code.getattr("co_argcount").ok().and_then(|n| n.extract().ok()).ok_or_else(refuse)?;
        if args.len() == count && keywords.is_empty() {
            return Ok(args.to_vec());
        }
        let only: usize =
            code.getattr("co_posonlyargcount").ok().and_then(|n| n.extract().ok()).ok_or_else(refuse)?;
        let names: Vec<String> =
            code.getattr("co_varnames").ok().and_then(|n| n.extract().ok()).ok_or_else(refuse)?;
        let mut given: Vec<Option<Abs>> = args.iter().cloned().map(Some).collect();
        if given.len() > count {
            return Err(refuse());
        }
        given.resize(count, None);
        for (name, value) in keywords {
            let at = names[..count].iter().position(|n| n == name).ok_or_else(refuse)?;
            if at < only || given[at].is_some() {
                return Err(refuse());
            }
            given[at] = Some(value.clone());
        }
        // SAFETY: attached; a function, whose defaults are a tuple it holds, or null.
        let defaults = unsafe {
            Bound::from_borrowed_ptr_or_opt(self.py, ffi::PyFunction_GetDefaults(function.as_ptr()))
        };
        let defaults: Vec<Bound<'_, PyAny>> = match defaults {
            Some(tuple) => tuple.cast::<pyo3::types::PyTuple>().map_err(|_| refuse())?.iter().collect(),
            None => vec![],
        };
        let first = count.checked_sub(defaults.len()).ok_or_else(refuse)?;
        given
            .into_iter()
            .enumerate()
            .map(|(k, value)| match value {
                Some(value) => Ok(value),
                None => {
                    let default = k.checked_sub(first).and_then(|k| defaults.get(k)).ok_or_else(refuse)?;
                    Ok(self.constant(default))
                }
            })
            .collect()
    }

    /// A global of the function that is being walked.
    pub fn global_of_callee(&mut self, name: u16) -> Result<Abs> {
        let Some(call) = self.calls.last() else { return Err(Abort::Unbound) };
        let (globals, root) = (call.globals, &self.calls[0]);
        let key = self.code.name(name).bind(self.py).clone();
        // Of the same module, it may be a variable of the caller.
        if globals == self.entry.globals() {
            let named = |n: &crate::bytecode::Object| n.as_ptr() == key.as_ptr();
            if let Some(index) = root.code.names.iter().position(named) {
                let var = root.flow.vars.global(index as u16);
                debug_assert!(matches!(root.flow.vars.place(var), Place::Global(_)));
                if root.vars[var] != Val::Entry.into() {
                    return Err(Abort::Operation("a global that the loop assigns".into()));
                }
                return self.entry.load(&mut self.b, var);
            }
        }
        let value = self.entry.global(globals, &key).ok_or(Abort::Unbound)?;
        Ok(self.constant(&value))
    }
}
