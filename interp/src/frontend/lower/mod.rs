//! A loop statement becomes the code of a region.
//!
//! Registers are a window of locals and, above it, a stack of temporaries: `top` is CPython's stack pointer. An expression
//! leaves its value in the register that was `top` before it, or is a local that stands for itself. A local may do so
//! because nothing can rebind it while an expression is evaluated, but a walrus: regions with one copy.

mod display;
mod expr;
mod fold;
mod function;
mod place;
mod stmt;
mod truth;
mod unwind;

use std::collections::{HashMap, HashSet};

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::decline::Decline;
use super::flow::{Flow, Uses};
use super::scope::{Place, Scope};
use super::tree::{Definition, Name, Names, Stmt, StmtKind};
use crate::bytecode::{
    Boundary, Code, Function, Handler, Loop, Object, Op, Outer, Position, Profile, Reg, Region,
};
use unwind::Around;

type Lowered<T> = Result<T, Decline>;

/// What holds for a whole tree.
#[derive(Clone, Debug)]
pub struct Options {
    pub file: String,
    /// `-O` and more: assertions are left out.
    pub optimised: bool,
    /// Expression statements outside functions show their value.
    pub interactive: bool,
}

/// A region, and the names its entry is spliced in with.
pub struct Draft {
    pub code: Code,
    /// Names of the boundary's registers, unmangled.
    pub inputs: Vec<Name>,
    pub rebound: Vec<Name>,
    pub outputs: Vec<Name>,
    pub cells: Vec<Name>,
    /// Whether a local the region assigns may be unbound at its end.
    pub may_stay_unbound: bool,
}

/// Lowers a `for` or `while` statement.
///
/// # Errors
/// Why it stays with CPython.
pub fn lower<'a, 'py>(
    stmt: &'a Stmt<'py>,
    scope: &'a Scope<'py>,
    before: &'a Flow,
    names: &'a Names,
    options: &'a Options,
) -> Lowered<Draft> {
    let py = stmt.node.py();
    let mut uses = Uses::default();
    uses.stmt(stmt);
    if let Some(why) = uses.unsupported {
        return Err(why);
    }
    let mut lowerer = Lowerer::new(py, scope, before, names, options, &uses);
    let variables = lowerer.place_variables(&uses)?;
    lowerer.stmt(stmt)?;
    lowerer.emit(Op::End, stmt.at);
    let kind = if matches!(stmt.kind, StmtKind::While { .. }) { "while" } else { "for" };
    let label = format!("{}:{} {kind}", options.file, stmt.at.line);
    lowerer.finish(Region::Loop, label, variables)
}

/// Lowers statements that follow each other.
///
/// # Errors
/// Why they stay with CPython.
pub fn lower_statements<'a, 'py>(
    stmts: &'a [Stmt<'py>],
    scope: &'a Scope<'py>,
    before: &'a Flow,
    names: &'a Names,
    options: &'a Options,
) -> Lowered<Draft> {
    let mut uses = Uses::default();
    stmts.iter().for_each(|stmt| uses.stmt(stmt));
    if let Some(why) = uses.unsupported {
        return Err(why);
    }
    let mut lowerer = Lowerer::new(scope.code.py(), scope, before, names, options, &uses);
    let variables = lowerer.place_variables(&uses)?;
    stmts.iter().try_for_each(|stmt| lowerer.stmt(stmt))?;
    let (first, last) = match stmts {
        [first, .., last] => (first.at.line, last.at),
        [only] => (only.at.line, only.at),
        [] => return Err(Decline::Unknown),
    };
    if lowerer.reachable {
        lowerer.emit(Op::End, last);
    }
    lowerer.finish(Region::Statements, format!("{}:{first} statements", options.file), variables)
}

/// Lowers the body of a function: for callers in compiled code. Its inputs are the parameters, and its outputs nobody's.
///
/// # Errors
/// Why its calls stay with CPython.
pub fn lower_body<'py>(
    function: &Definition<'py>,
    scope: &Scope<'py>,
    names: &Names,
    options: &Options,
) -> Lowered<Code> {
    let py = scope.code.py();
    let mut uses = Uses::default();
    uses.block(&function.body);
    if let Some(why) = uses.unsupported {
        return Err(why);
    }
    if !scope.is_plain {
        return Err(Decline::NotPlain);
    }
    uses.named.extend(&function.parameters);
    let mut before = Flow::default();
    function.parameters.iter().for_each(|&name| before.bind(name));
    let mut lowerer = Lowerer::new(py, scope, &before, names, options, &uses);
    let variables = lowerer.place_variables(&uses)?;
    lowerer.block(&function.body)?;
    if lowerer.reachable {
        let at = function.body.body.last().map(|stmt| stmt.at).unwrap_or_default();
        let src = lowerer.none(at);
        lowerer.emit(Op::Return { src }, at);
        lowerer.returns = true;
    }
    let label = format!("{}:{} {}", options.file, function.first_line, names.text(function.name));
    let mut code = lowerer.finish(Region::Body, label, variables)?.code;
    code.boundary.inputs = (0..function.parameters.len() as Reg).collect();
    code.boundary.rebound.clear();
    code.boundary.outputs.clear();
    Ok(code)
}

/// A variable of the region.
#[derive(Clone, Copy, Debug)]
enum Variable {
    Local(Reg),
    /// By its index in the closure.
    Cell(u16),
    /// By its index among the names of the code.
    Global(u16),
}

/// Where jumps go: bound to an instruction after they are emitted, for they go forward.
#[derive(Default)]
struct Label {
    jumps: Vec<usize>,
    /// Locals that are bound whichever jump was taken; `None` before any was.
    sure: Option<Vec<bool>>,
}

struct OpenLoop {
    index: u16,
    iter: Option<Reg>,
    /// Of what is around it.
    handler: Option<u16>,
    breaks: Label,
}

struct Lowerer<'a, 'py> {
    py: Python<'py>,
    scope: &'a Scope<'py>,
    before: &'a Flow,
    texts: &'a Names,
    options: &'a Options,
    ops: Vec<Op>,
    at: Vec<u32>,
    positions: Vec<Position>,
    position_indices: HashMap<Position, u32>,
    consts: Vec<Object>,
    const_indices: HashMap<usize, u16>,
    names: Vec<Object>,
    name_indices: HashMap<String, u16>,
    variables: HashMap<Name, Variable>,
    locals: Vec<Name>,
    /// Of each local, whether it is bound here on every way.
    sure: Vec<bool>,
    /// Whether control gets here.
    reachable: bool,
    /// The last instruction a label was bound to.
    joined: usize,
    top: Reg,
    registers: Reg,
    loops: Vec<Loop>,
    around: Vec<Around<'a, 'py>>,
    handlers: Vec<Handler>,
    handled: Vec<u16>,
    /// Of the instructions that are emitted.
    handler: Option<u16>,
    functions: Vec<Function>,
    /// Names of cells, mangled.
    cells: Vec<String>,
    walruses: bool,
    deleted: HashSet<Name>,
    returns: bool,
    /// More of something than an index can tell.
    overflow: bool,
}

/// What [`Lowerer::place_variables`] found.
struct Variables {
    inputs: Vec<(Name, Reg)>,
    outputs: Vec<(Name, Reg)>,
    cells: Vec<Name>,
}

impl<'a, 'py> Lowerer<'a, 'py> {
    fn new(
        py: Python<'py>,
        scope: &'a Scope<'py>,
        before: &'a Flow,
        texts: &'a Names,
        options: &'a Options,
        uses: &Uses,
    ) -> Self {
        Lowerer {
            py,
            scope,
            before,
            texts,
            options,
            ops: Vec::new(),
            at: Vec::new(),
            positions: Vec::new(),
            position_indices: HashMap::new(),
            consts: Vec::new(),
            const_indices: HashMap::new(),
            names: Vec::new(),
            name_indices: HashMap::new(),
            variables: HashMap::new(),
            locals: Vec::new(),
            sure: Vec::new(),
            reachable: true,
            joined: 0,
            top: 0,
            registers: 0,
            loops: Vec::new(),
            around: Vec::new(),
            handlers: Vec::new(),
            handled: Vec::new(),
            handler: None,
            functions: Vec::new(),
            cells: Vec::new(),
            walruses: uses.walruses,
            deleted: uses.deleted.clone(),
            returns: false,
            overflow: false,
        }
    }

    /// Gives every variable its place; locals in the order of the code object.
    fn place_variables(&mut self, uses: &Uses) -> Lowered<Variables> {
        let mut locals = Vec::new();
        let mut cells = Vec::new();
        let mut named: Vec<Name> = uses.named.union(&uses.deleted).copied().collect();
        let shared = uses.mentioned.difference(&uses.named).filter(|name| {
            let mangled = self.scope.mangle(self.texts.text(**name));
            !uses.deleted.contains(name) && self.scope.place(&mangled) == Place::Cell
        });
        named.extend(shared);
        named.sort_unstable();
        for name in named {
            let mangled = self.scope.mangle(self.texts.text(name));
            match self.scope.place(&mangled) {
                Place::Local(index) => locals.push((index, name)),
                Place::Cell => cells.push((mangled, name)),
                Place::Global => {
                    let index = self.name(&mangled);
                    self.variables.insert(name, Variable::Global(index));
                }
            }
        }
        locals.sort_unstable();
        // `__x` and `_C__x` in class C are one variable.
        if locals.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Decline::Unknown);
        }
        // The compiler sorts the names of a closure.
        cells.sort_unstable();
        for (index, &(_, name)) in cells.iter().enumerate() {
            self.variables.insert(name, Variable::Cell(index as u16));
        }
        self.cells = cells.iter().map(|(mangled, _)| mangled.clone()).collect();
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for (_, name) in locals {
            let reg = self.push();
            self.variables.insert(name, Variable::Local(reg));
            let sure = self.before.sure.contains(&name);
            self.locals.push(name);
            self.sure.push(sure && !uses.deleted.contains(&name));
            if sure {
                inputs.push((name, reg));
            }
            if uses.stored.contains(&name) || uses.deleted.contains(&name) {
                outputs.push((name, reg));
            }
        }
        Ok(Variables { inputs, outputs, cells: cells.into_iter().map(|(_, name)| name).collect() })
    }

    fn finish(mut self, region: Region, label: String, variables: Variables) -> Lowered<Draft> {
        let Variables { inputs, outputs, cells } = variables;
        let is_output = |name: &Name| outputs.iter().any(|(output, _)| output == name);
        let (rebound, inputs): (Vec<_>, Vec<_>) = inputs.into_iter().partition(|(name, _)| is_output(name));
        let name_of = |lowerer: &mut Self, name: &Name| {
            let mangled = lowerer.scope.mangle(lowerer.texts.text(*name));
            lowerer.name(&mangled)
        };
        let output_names = outputs.iter().map(|(name, reg)| (*reg, name_of(&mut self, name))).collect();
        let cell_names = cells.iter().map(|name| name_of(&mut self, name)).collect();
        if self.overflow || self.loops.len() > usize::from(u16::MAX) {
            return Err(Decline::TooLarge);
        }
        let names = |list: &[(Name, Reg)]| list.iter().map(|(name, _)| *name).collect();
        let registers = |list: &[(Name, Reg)]| list.iter().map(|(_, reg)| *reg).collect();
        let draft = Draft {
            inputs: names(&inputs),
            rebound: names(&rebound),
            outputs: names(&outputs),
            cells,
            may_stay_unbound: outputs.iter().any(|(_, reg)| !self.sure[usize::from(*reg)]),
            code: Code {
                label,
                region,
                profile: self.ops.iter().map(|_| Profile::default()).collect(),
                ops: self.ops,
                at: self.at,
                positions: self.positions,
                consts: self.consts,
                names: self.names,
                registers: usize::from(self.registers),
                locals: self.locals.len(),
                boundary: Boundary {
                    module: self.scope.module,
                    inputs: registers(&inputs),
                    rebound: registers(&rebound),
                    outputs: output_names,
                    cells: cell_names,
                    outer: self.loops.first().map(|outer| Outer { index: 0, iter: outer.iter }),
                    returns: self.returns,
                },
                loops: self.loops,
                handled: if self.handlers.is_empty() { vec![] } else { self.handled },
                handlers: self.handlers,
                functions: self.functions,
            },
        };
        Ok(draft)
    }

    // Instructions and their tables.

    fn emit(&mut self, op: Op, at: Position) {
        let next = self.positions.len() as u32;
        let index = *self.position_indices.entry(at).or_insert(next);
        if index == next {
            self.positions.push(at);
        }
        self.ops.push(op);
        self.handled.push(self.handler.unwrap_or(Code::UNHANDLED));
        self.at.push(index);
    }

    /// The next temporary.
    fn push(&mut self) -> Reg {
        let reg = self.top;
        // Well below what an index can tell, so that windows of arguments cannot wrap.
        if reg > 50_000 {
            self.overflow = true;
            return 0;
        }
        self.top += 1;
        self.registers = self.registers.max(self.top);
        reg
    }

    fn is_temporary(&self, reg: Reg) -> bool {
        usize::from(reg) >= self.locals.len()
    }

    fn index(&mut self, length: usize) -> u16 {
        // The maximum has a meaning of its own in some instructions.
        u16::try_from(length).ok().filter(|&n| n < u16::MAX).unwrap_or_else(|| {
            self.overflow = true;
            0
        })
    }

    /// A name as code objects have it.
    fn name(&mut self, mangled: &str) -> u16 {
        if let Some(&index) = self.name_indices.get(mangled) {
            return index;
        }
        let index = self.index(self.names.len());
        self.names.push(Object::new(PyString::intern(self.py, mangled).into_any().unbind()));
        self.name_indices.insert(mangled.to_owned(), index);
        index
    }

    fn attribute(&mut self, name: Name) -> u16 {
        let mangled = self.scope.mangle(self.texts.text(name));
        self.name(&mangled)
    }

    fn constant(&mut self, value: &Bound<'py, PyAny>) -> u16 {
        let key = value.as_ptr() as usize;
        if let Some(&index) = self.const_indices.get(&key) {
            return index;
        }
        let index = self.index(self.consts.len());
        self.consts.push(Object::new(value.clone().unbind()));
        self.const_indices.insert(key, index);
        index
    }

    // Control.

    fn label(&self) -> Label {
        Label::default()
    }

    fn jump(&mut self, op: Op, label: &mut Label, at: Position) {
        match &mut label.sure {
            Some(sure) => sure.iter_mut().zip(&self.sure).for_each(|(known, here)| *known &= here),
            None => label.sure = Some(self.sure.clone()),
        }
        label.jumps.push(self.ops.len());
        self.emit(op, at);
        if matches!(op, Op::Jump { .. }) {
            self.reachable = false;
        }
    }

    fn bind(&mut self, label: Label) {
        let here = self.ops.len() as u32;
        for jump in &label.jumps {
            match &mut self.ops[*jump] {
                Op::Jump { to } | Op::JumpIf { to, .. } | Op::Next { done: to, .. } => *to = here,
                op => unreachable!("{op} doesn't jump"),
            }
        }
        if let Some(sure) = label.sure {
            if self.reachable {
                self.sure.iter_mut().zip(&sure).for_each(|(here, there)| *here &= there);
            } else {
                self.sure = sure;
            }
            self.reachable = true;
            self.joined = self.ops.len();
        }
    }
}
