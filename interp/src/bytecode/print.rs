//! Code as text, for the log and for tests of the front end.

use std::fmt;

use pyo3::Python;
use pyo3::types::PyAnyMethods;

use super::{Boundary, Catch, Code, Function, Handler, Object, Op};

impl fmt::Display for Code {
    /// A line per instruction: its place in the code, what it does, its position in the source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} ({:?}, {} locals of {} registers)",
            self.label, self.region, self.locals, self.registers
        )?;
        writeln!(f, "      {}", self.boundary)?;
        for (title, objects) in [("names", &self.names), ("consts", &self.consts)] {
            write!(f, "      {title}:")?;
            Python::attach(|py| objects.iter().try_for_each(|object| write!(f, " {}", shown(object, py))))?;
            writeln!(f)?;
        }
        for (index, Handler { catch, outer }) in self.handlers.iter().enumerate() {
            write!(f, "      handler {index}: {catch}")?;
            writeln!(f, "{}", outer.map_or(String::new(), |outer| format!(", in {outer}")))?;
        }
        for (index, Function { code, closure }) in self.functions.iter().enumerate() {
            let cells: String = closure.iter().map(|cell| format!(" cell{cell}")).collect();
            writeln!(f, "      function {index}: c{code}{cells}")?;
        }
        for (pc, op) in self.ops.iter().enumerate() {
            let mut op = op.to_string();
            if let Some(handler) = self.handler(pc) {
                op.push_str(&format!(" !{handler}"));
            }
            match self.positions.get(self.at[pc] as usize) {
                Some(at) => writeln!(
                    f,
                    "{pc:4}  {op:36}  ; {}:{}-{}:{}",
                    at.line, at.column, at.end_line, at.end_column
                )?,
                None => writeln!(f, "{pc:4}  {op}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Catch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Catch::Handle { to, exc } => write!(f, "to {to} with r{exc}"),
            Catch::Clean { to, exc } => write!(f, "to {to} with r{exc}, unhandled"),
            Catch::Restore { saved } => write!(f, "restores r{saved}"),
        }
    }
}

/// An object of the tables as text. They are strings, numbers and the like, none of which fails to show itself; code has a
/// name.
fn shown(object: &Object, py: Python<'_>) -> String {
    let object = object.bind(py);
    let text = object.getattr("co_name").map_or_else(|_| object.repr(), |name| name.str());
    text.map_or_else(|_| "?".to_owned(), |text| text.to_string().chars().take(80).collect())
}

impl fmt::Display for Boundary {
    /// What travels, as `in r0 r1, rebound r2, out r2 r3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |registers: &mut dyn Iterator<Item = u16>| {
            registers.map(|r| format!(" r{r}")).collect::<String>()
        };
        let inputs = list(&mut self.inputs.iter().copied());
        let rebound = list(&mut self.rebound.iter().copied());
        let outputs = list(&mut self.outputs.iter().map(|(reg, _)| *reg));
        write!(f, "in{inputs}, rebound{rebound}, out{outputs}, {} cells", self.cells.len())?;
        f.write_str(if self.module { ", module" } else { "" })?;
        f.write_str(if self.returns { ", returns" } else { "" })
    }
}

impl fmt::Display for Op {
    /// Lower-case name and operands, as `binary Add r3 = r1, r2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Op::Const { dst, index } => write!(f, "const r{dst} = c{index}"),
            Op::Move { dst, src } => write!(f, "move r{dst} = r{src}"),
            Op::Kill { first, count } => write!(f, "kill r{first}+{count}"),
            Op::CheckBound { reg, name } => write!(f, "check_bound r{reg} n{name}"),
            Op::LoadGlobal { dst, name } => write!(f, "load_global r{dst} = n{name}"),
            Op::StoreGlobal { name, src } => write!(f, "store_global n{name} = r{src}"),
            Op::DeleteGlobal { name } => write!(f, "delete_global n{name}"),
            Op::LoadCell { dst, cell } => write!(f, "load_cell r{dst} = cell{cell}"),
            Op::DeleteCell { cell } => write!(f, "delete_cell cell{cell}"),
            Op::StoreCell { cell, src } => write!(f, "store_cell cell{cell} = r{src}"),
            Op::Unary { op, dst, a } => write!(f, "unary {op:?} r{dst} = r{a}"),
            Op::Binary { op, dst, a, b } => write!(f, "binary {op:?} r{dst} = r{a}, r{b}"),
            Op::InPlace { op, dst, a, b } => write!(f, "in_place {op:?} r{dst} = r{a}, r{b}"),
            Op::Compare { op, dst, a, b } => write!(f, "compare {op:?} r{dst} = r{a}, r{b}"),
            Op::Jump { to } => write!(f, "jump {to}"),
            Op::JumpIf { cond, expected, to } => write!(f, "jump_if r{cond} is {expected} {to}"),
            Op::Loop { index } => write!(f, "loop {index}"),
            Op::Back { index } => write!(f, "back {index}"),
            Op::GetIter { dst, src } => write!(f, "get_iter r{dst} = r{src}"),
            Op::Next { dst, iter, done } => write!(f, "next r{dst} = r{iter}, done {done}"),
            Op::LoadAttr { dst, obj, name } => write!(f, "load_attr r{dst} = r{obj}.n{name}"),
            Op::StoreAttr { obj, name, src } => write!(f, "store_attr r{obj}.n{name} = r{src}"),
            Op::DeleteAttr { obj, name } => write!(f, "delete_attr r{obj}.n{name}"),
            Op::LoadItem { dst, obj, key } => write!(f, "load_item r{dst} = r{obj}[r{key}]"),
            Op::StoreItem { obj, key, src } => write!(f, "store_item r{obj}[r{key}] = r{src}"),
            Op::DeleteItem { obj, key } => write!(f, "delete_item r{obj}[r{key}]"),
            Op::Tuple { dst, first, count } => write!(f, "tuple r{dst} = r{first}+{count}"),
            Op::List { dst, first, count } => write!(f, "list r{dst} = r{first}+{count}"),
            Op::Set { dst, first, count } => write!(f, "set r{dst} = r{first}+{count}"),
            Op::Dict { dst, first, count } => write!(f, "dict r{dst} = r{first}+{count} pairs"),
            Op::Slice { dst, first } => write!(f, "slice r{dst} = r{first}+3"),
            Op::Join { dst, first, count } => write!(f, "join r{dst} = r{first}+{count}"),
            Op::Format { dst, src, spec, conversion } => {
                write!(f, "format r{dst} = r{src}, r{spec}, {}", char::from(conversion.max(b'0')))
            }
            Op::Append { list, src } => write!(f, "append r{list}, r{src}"),
            Op::Extend { to, src } => write!(f, "extend r{to}, r{src}"),
            Op::ToTuple { dst, src } => write!(f, "to_tuple r{dst} = r{src}"),
            Op::Merge { dict, src, func: Op::NONE } => write!(f, "merge r{dict}, r{src}"),
            Op::Merge { dict, src, func } => write!(f, "merge r{dict}, r{src} for r{func}"),
            Op::UnpackRest { src, first, before, after } => {
                write!(f, "unpack_rest r{first}+{before}+1+{after} = r{src}")
            }
            Op::Function { dst, index, defaults, keywords } => {
                write!(f, "function r{dst} = f{index}")?;
                for (what, reg) in [("defaults", defaults), ("keywords", keywords)] {
                    if reg != Op::NONE {
                        write!(f, ", {what} r{reg}")?;
                    }
                }
                Ok(())
            }
            Op::CallUnpacked { dst, first, keywords } => {
                write!(f, "call_unpacked r{dst} = r{first}+1{}", if keywords { "+1" } else { "" })
            }
            Op::Iter { dst, src } => write!(f, "iter r{dst} = r{src}"),
            Op::Settle => f.write_str("settle"),
            Op::Enter { dst, src } => write!(f, "enter r{dst}+2 = r{src}"),
            Op::ExitWith { dst, exit, exc } => write!(f, "exit_with r{dst} = r{exit}, r{exc}"),
            Op::Matches { dst, exc, kind } => write!(f, "matches r{dst} = r{exc}, r{kind}"),
            Op::Handled { saved } => write!(f, "handled r{saved}"),
            Op::Reraise { exc } => write!(f, "reraise r{exc}"),
            Op::Raise { exc: Op::NONE, .. } => f.write_str("raise"),
            Op::Unpack { src, first, count } => write!(f, "unpack r{first}+{count} = r{src}"),
            Op::Call { dst, first, positional, keywords: Op::NO_KEYWORDS } => {
                write!(f, "call r{dst} = r{first}({positional})")
            }
            Op::Call { dst, first, positional, keywords } => {
                write!(f, "call r{dst} = r{first}({positional}, names c{keywords})")
            }
            Op::Raise { exc, cause: Op::NONE } => write!(f, "raise r{exc}"),
            Op::Raise { exc, cause } => write!(f, "raise r{exc} from r{cause}"),
            Op::AssertionFailed { message: Op::NONE } => f.write_str("assertion_failed"),
            Op::AssertionFailed { message } => write!(f, "assertion_failed r{message}"),
            Op::Return { src } => write!(f, "return r{src}"),
            Op::End => f.write_str("end"),
        }
    }
}
