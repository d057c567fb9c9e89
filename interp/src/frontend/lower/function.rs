//! Lambdas, comprehensions and generator expressions: functions that the region makes.
//!
//! They are CPython's functions of the code objects it has compiled, with the region's cells in their closures, and are called
//! as CPython calls them: what runs inside of a comprehension has its own frame.

use pyo3::prelude::*;
use pyo3::types::{PyCode, PyTuple};

use super::{Lowered, Lowerer};
use crate::bytecode::{Function, Op, Position};
use crate::frontend::decline::Decline;
use crate::frontend::tree::{Expr, ExprKind, Lambda};

/// `CO_COROUTINE`: a comprehension with `await` in it is awaited.
const COROUTINE: u32 = 0x80;

impl<'py> Lowerer<'_, 'py> {
    pub(super) fn lambda(&mut self, lambda: &Lambda<'py>, at: Position) -> Lowered<()> {
        let base = self.top;
        let index = self.function("<lambda>", at)?;
        let mut defaults = Op::NONE;
        if !lambda.defaults.is_empty() {
            defaults = self.top;
            let constants =
                lambda.defaults.iter().map(|value| self.folded(value)).collect::<Option<Vec<_>>>();
            match constants.map(|items| PyTuple::new(self.py, items)) {
                Some(items) => {
                    let index = self.constant(&items.map_err(|_| Decline::TooLarge)?.into_any());
                    let dst = self.push();
                    self.emit(Op::Const { dst, index }, at);
                }
                None => {
                    self.window(&lambda.defaults, |dst, count| Op::Tuple { dst, first: dst, count }, at)?
                }
            }
        }
        let mut keywords = Op::NONE;
        if !lambda.keyword_defaults.is_empty() {
            let first = self.top;
            keywords = first;
            for (name, value) in &lambda.keyword_defaults {
                let name = self.scope.mangle(self.texts.text(*name));
                let name = pyo3::types::PyString::intern(self.py, &name).into_any();
                self.load_constant(&name, at);
                self.temporary(value)?;
            }
            let count = self.index(lambda.keyword_defaults.len());
            self.result(first, |dst| Op::Dict { dst, first, count }, at);
        }
        self.result(base, |dst| Op::Function { dst, index, defaults, keywords }, at);
        Ok(())
    }

    pub(super) fn comprehension(&mut self, name: &str, iter: &Expr<'py>, at: Position) -> Lowered<()> {
        let base = self.top;
        let index = self.function(name, at)?;
        let function = self.push();
        self.emit(Op::Function { dst: function, index, defaults: Op::NONE, keywords: Op::NONE }, at);
        let top = self.top;
        let src = match self.folded_items(iter).filter(|_| !matches!(iter.kind, ExprKind::Set(_))) {
            Some(items) => self.load_constant(&items, iter.at),
            None => self.operand(iter)?,
        };
        self.top = top;
        let dst = self.push();
        self.emit(Op::Iter { dst, src }, at);
        let call = |dst| Op::Call { dst, first: function, positional: 1, keywords: Op::NO_KEYWORDS };
        self.result(base, call, at);
        Ok(())
    }

    /// The function whose code object has this name and begins on this line, if there is just one.
    fn function(&mut self, name: &str, at: Position) -> Lowered<u16> {
        let (code, free) = self.code_object(name, at.line).ok().flatten().ok_or(Decline::Function)?;
        let mut closure = Vec::new();
        for name in &free {
            let known = self.cells.iter().position(|cell| cell == name);
            closure.push(known.ok_or(Decline::Function)? as u16);
        }
        let code = self.constant(&code);
        self.functions.push(Function { code, closure });
        Ok(self.index(self.functions.len() - 1))
    }

    /// The code object, and the names of its free variables.
    fn code_object(&self, name: &str, line: u32) -> PyResult<Option<(Bound<'py, PyAny>, Vec<String>)>> {
        let consts = self.scope.code.getattr(pyo3::intern!(self.py, "co_consts"))?.cast_into::<PyTuple>()?;
        let mut found = None;
        for constant in consts.iter().filter(|constant| constant.is_exact_instance_of::<PyCode>()) {
            if constant.getattr(pyo3::intern!(self.py, "co_firstlineno"))?.extract::<u32>()? == line
                && constant.getattr(pyo3::intern!(self.py, "co_name"))?.eq(name)?
                && found.replace(constant).is_some()
            {
                return Ok(None);
            }
        }
        let Some(code) = found else { return Ok(None) };
        let flags: u32 = code.getattr(pyo3::intern!(self.py, "co_flags"))?.extract()?;
        if flags & COROUTINE != 0 {
            return Ok(None);
        }
        let free = code.getattr(pyo3::intern!(self.py, "co_freevars"))?.extract()?;
        Ok(Some((code, free)))
    }
}
