//! New code objects: CPython's own, with an entry in front of every loop that the VM can run.
//!
//! The entry is spliced into the syntax tree, as [`super::entry`] shows it, around the statement it belongs to, and CPython's
//! compiler does the rest. The original statement stays, as the branch taken when the VM doesn't run the loop: debuggers,
//! source positions and the way back need nothing else. The builtins of an entry stand in the constants of the code object,
//! so that no name is added anywhere; while compiling, a string stands for each.
//!
//! An entry has the position of the first thing the header of the loop evaluates. A tracer, to which the entry says no,
//! then sees the line events of the plain loop.
//!
//! The tree is put back into the state it came in, for it may belong to the program.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jit::log::{self, Section};
use pyo3::exceptions::PySystemError;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyList, PyString, PyTuple};

use super::entry::{EntryObjects, new_entry};
use super::settings;
use crate::bytecode::{Code, Object, Position};
use crate::frontend::decline::Decline;
use crate::frontend::flow::{Flow, Visitor};
use crate::frontend::scope::{Children, Scope, mangler};
use crate::frontend::tree::{Block, Definition, Expr, ExprKind, Name, Names, Stmt, StmtKind, walk};
use crate::frontend::{Draft, Options, arrays, lower, lower_body, lower_statements};

type Node<'py> = Bound<'py, PyAny>;

/// Finds and lowers the loops of a tree and splices their entries in, and leaves the code of functions' bodies with them; `recompile` makes a code object of the tree.
/// `None` when there is nothing to splice.
///
/// # Errors
/// What the compiler says, or a tree that no parser has made.
pub fn transform<'py>(
    tree: &Node<'py>,
    plain: &Node<'py>,
    options: &Options,
    recompile: impl FnOnce(&Node<'py>) -> PyResult<Node<'py>>,
) -> PyResult<Option<Node<'py>>> {
    let py = tree.py();
    let mut names = Names::default();
    let body = walk(tree, &mut names)?;
    let mut finder = Finder {
        children: Children::of(plain, &mut names)?,
        names,
        scope: Scope::module(plain),
        class_body: false,
        options,
        found: Vec::new(),
        bodies: Bodies::default(),
        error: None,
    };
    Flow::default().block(&body, &mut finder);
    let Finder { found, mut bodies, names, error, .. } = finder;
    if let Some(error) = error {
        return Err(error);
    }
    if found.is_empty() {
        return if bodies.is_empty() { Ok(None) } else { fill(plain, plain, &mut [], &mut bodies).map(Some) };
    }
    let nodes = Nodes::new(py)?;
    // From the last to the first, so that no entry moves a statement that is still to come.
    let mut untouched = found.len();
    let mut new = Ok(());
    while new.is_ok() && untouched > 0 {
        let place = &found[untouched - 1];
        new = Splicer { nodes: &nodes, names: &names, number: untouched - 1, at: place.head }.splice(place);
        untouched -= usize::from(new.is_ok());
    }
    let new = new.and_then(|()| recompile(tree));
    for place in &found[untouched..] {
        place.restore()?;
    }
    let mut drafts: Vec<_> = found.into_iter().map(|place| Some(place.draft.code)).collect();
    fill(&new?, plain, &mut drafts, &mut bodies).map(Some)
}

/// Bodies of functions by qualified name and first line; `None` where there are two.
type Bodies = HashMap<(String, u32), Option<Code>>;

/// What is to be entered.
struct Found<'py> {
    list: Bound<'py, PyList>,
    index: usize,
    /// The statement, or those that follow each other.
    nodes: Vec<Node<'py>>,
    /// The iterable of a `for`.
    iter: Option<Node<'py>>,
    head: Position,
    draft: Draft,
}

impl Found<'_> {
    fn restore(&self) -> PyResult<()> {
        let py = self.list.py();
        self.list.set_slice(self.index, self.index + 1, PyList::new(py, &self.nodes)?.as_any())?;
        match &self.iter {
            Some(iter) => self.nodes[0].setattr(pyo3::intern!(py, "iter"), iter),
            None => Ok(()),
        }
    }
}

/// Goes through a tree and lowers what it can.
struct Finder<'a, 'py> {
    names: Names,
    scope: Scope<'py>,
    children: Children<'py>,
    class_body: bool,
    options: &'a Options,
    found: Vec<Found<'py>>,
    bodies: Bodies,
    error: Option<PyErr>,
}

impl<'py> Finder<'_, 'py> {
    /// Goes through the body of a function or class; `None` without a code object of its own.
    fn inside(&mut self, definition: &Definition<'py>, class: bool) -> PyResult<Option<()>> {
        let Some(code) = self.children.get(definition.name, definition.first_line).cloned() else {
            return Ok(None);
        };
        let mangled =
            if class { mangler(self.names.text(definition.name)) } else { self.scope.class.clone() };
        let scope = Scope::function(&code, mangled)?;
        let children = Children::of(&code, &mut self.names)?;
        let mut flow = Flow::default();
        if !class {
            definition.parameters.iter().for_each(|&name| flow.bind(name));
            match lower_body(definition, &scope, &self.names, self.options) {
                Ok(body) => {
                    log::write(Section::Region, &body.label, &body);
                    match self.bodies.entry(key(&code)?) {
                        Entry::Vacant(place) => _ = place.insert(Some(body)),
                        Entry::Occupied(mut place) => _ = place.insert(None),
                    }
                }
                Err(why) => log::count(&format!("bodies declined: {why}")),
            }
        }
        let outer = (
            std::mem::replace(&mut self.scope, scope),
            std::mem::replace(&mut self.children, children),
            std::mem::replace(&mut self.class_body, class),
        );
        flow.block(&definition.body, self);
        (self.scope, self.children, self.class_body) = outer;
        Ok(Some(()))
    }

    fn definition(&mut self, definition: &Definition<'py>, class: bool) {
        match self.inside(definition, class) {
            Ok(Some(())) => {}
            Ok(None) => self.declined(definition.first_line, Decline::NoCode),
            Err(error) => self.error = Some(error),
        }
    }

    fn take(&mut self, found: Found<'py>) {
        log::count("regions taken");
        log::write(Section::Region, &found.draft.code.label, &found.draft.code);
        self.found.push(found);
    }

    fn declined(&self, line: u32, why: Decline) {
        if log::wants(Section::Region) {
            log::write(Section::Region, &format!("{}:{line} declined", self.options.file), &why);
        }
        log::count(why.text());
    }
}

impl<'py> Visitor<'py> for Finder<'_, 'py> {
    fn on_statement(&mut self, block: &Block<'py>, index: usize, before: &Flow) {
        let Some(stmts) = arrays::run(block, index, &self.names, settings::get().all) else { return };
        if self.class_body {
            return;
        }
        let first = match &stmts[0].kind {
            StmtKind::Assign { value, .. } | StmtKind::Expr(value) | StmtKind::Return(Some(value)) => value,
            StmtKind::AugAssign { target, .. } => target,
            _ => return,
        };
        match lower_statements(stmts, &self.scope, before, &self.names, self.options) {
            Ok(draft) => {
                let nodes = stmts.iter().map(|stmt| stmt.node.clone()).collect();
                self.take(Found {
                    list: block.list.clone(),
                    index,
                    nodes,
                    iter: None,
                    head: head(first),
                    draft,
                });
            }
            Err(why) => self.declined(stmts[0].at.line, why),
        }
    }

    fn on_loop(&mut self, block: &Block<'py>, index: usize, before: &Flow) {
        let stmt = &block.body[index];
        let lowered = if self.class_body {
            Err(Decline::ClassBody)
        } else if is_short(stmt) && !settings::get().all {
            Err(Decline::Short)
        } else {
            lower(stmt, &self.scope, before, &self.names, self.options)
        };
        match lowered {
            Ok(draft) => {
                let (header, iter) = match &stmt.kind {
                    StmtKind::For { iter, .. } => {
                        (iter, stmt.node.getattr(pyo3::intern!(stmt.node.py(), "iter")).ok())
                    }
                    StmtKind::While { test, .. } => (test, None),
                    _ => return,
                };
                let (list, nodes, head) = (block.list.clone(), vec![stmt.node.clone()], head(header));
                self.take(Found { list, index, nodes, iter, head, draft });
            }
            Err(why) => self.declined(stmt.at.line, why),
        }
    }

    fn on_function(&mut self, function: &Definition<'py>) {
        self.definition(function, false);
    }

    fn on_class(&mut self, class: &Definition<'py>) {
        self.definition(class, true);
    }
}

/// Qualified name and first line of a code object.
pub(super) fn key(code: &Node<'_>) -> PyResult<(String, u32)> {
    let py = code.py();
    let name = code.getattr(pyo3::intern!(py, "co_qualname"))?.extract()?;
    Ok((name, code.getattr(pyo3::intern!(py, "co_firstlineno"))?.extract()?))
}

/// A loop over so few items that no number of them is worth an entry of its own.
fn is_short(stmt: &Stmt<'_>) -> bool {
    let StmtKind::For { iter, .. } = &stmt.kind else { return false };
    matches!(&iter.kind, ExprKind::Tuple(items) | ExprKind::List(items) | ExprKind::Set(items) if items.len() < 32 && !items.iter().any(|item| matches!(item.kind, ExprKind::Starred(_))))
}

/// The position of what a header evaluates first, on one line.
fn head(mut expr: &Expr<'_>) -> Position {
    loop {
        expr = match &expr.kind {
            ExprKind::Binary { left: first, .. }
            | ExprKind::Compare { left: first, .. }
            | ExprKind::Call { func: first, .. }
            | ExprKind::Attribute { value: first, .. }
            | ExprKind::Subscript { value: first, .. }
            | ExprKind::Unary { operand: first, .. }
            | ExprKind::NamedExpr { value: first, .. }
            | ExprKind::IfExp { test: first, .. } => first,
            ExprKind::BoolOp { values: items, .. }
            | ExprKind::Tuple(items)
            | ExprKind::List(items)
            | ExprKind::Set(items)
                if !items.is_empty() =>
            {
                &items[0]
            }
            _ => break,
        };
    }
    let Position { line, end_line, column, end_column } = expr.at;
    Position { line, end_line: line, column, end_column: if end_line == line { end_column } else { column } }
}

/// The classes of nodes that an entry is made of.
struct Nodes<'py> {
    py: Python<'py>,
    ast: Bound<'py, PyModule>,
    load: Node<'py>,
    store: Node<'py>,
}

impl<'py> Nodes<'py> {
    fn new(py: Python<'py>) -> PyResult<Nodes<'py>> {
        let ast = py.import("_ast")?;
        let context = |name| ast.getattr(name)?.call0();
        Ok(Nodes { py, load: context("Load")?, store: context("Store")?, ast })
    }
}

/// Makes one entry. All its nodes have the same position.
struct Splicer<'a, 'py> {
    nodes: &'a Nodes<'py>,
    names: &'a Names,
    number: usize,
    at: Position,
}

const MARK: &str = "\u{1}micronumpy region ";

/// Which of an entry's builtins a string stands for.
#[derive(Clone, Copy)]
enum Builtin {
    Enter,
    Take,
    Done,
    Returned,
    Resume,
}

impl<'py> Splicer<'_, 'py> {
    fn node(&self, class: &str, fields: &[(&str, Node<'py>)]) -> PyResult<Node<'py>> {
        let keywords = PyDict::new(self.nodes.py);
        for (name, value) in fields {
            keywords.set_item(name, value)?;
        }
        keywords.set_item("lineno", self.at.line)?;
        keywords.set_item("end_lineno", self.at.end_line)?;
        keywords.set_item("col_offset", self.at.column)?;
        keywords.set_item("end_col_offset", self.at.end_column)?;
        self.nodes.ast.getattr(class)?.call((), Some(&keywords))
    }

    fn list(&self, items: Vec<Node<'py>>) -> PyResult<Node<'py>> {
        Ok(PyList::new(self.nodes.py, items)?.into_any())
    }

    fn name(&self, name: Name, context: &Node<'py>) -> PyResult<Node<'py>> {
        let id = PyString::intern(self.nodes.py, self.names.text(name)).into_any();
        self.node("Name", &[("id", id), ("ctx", context.clone())])
    }

    fn loads(&self, names: &[Name]) -> PyResult<Vec<Node<'py>>> {
        names.iter().map(|&name| self.name(name, &self.nodes.load)).collect()
    }

    fn call(&self, builtin: Builtin, args: Vec<Node<'py>>) -> PyResult<Node<'py>> {
        let mark =
            PyString::new(self.nodes.py, &format!("{MARK}{} {}", self.number, builtin as u8)).into_any();
        let func = self.node("Constant", &[("value", mark)])?;
        self.node("Call", &[("func", func), ("args", self.list(args)?), ("keywords", self.list(vec![])?)])
    }

    fn if_statement(
        &self,
        test: Node<'py>,
        body: Vec<Node<'py>>,
        orelse: Vec<Node<'py>>,
    ) -> PyResult<Node<'py>> {
        self.node("If", &[("test", test), ("body", self.list(body)?), ("orelse", self.list(orelse)?)])
    }

    /// `lambda: (x, y)`, a function whose closure is the cells.
    fn closure(&self, cells: &[Name]) -> PyResult<Node<'py>> {
        let none = self.nodes.py.None().into_bound(self.nodes.py);
        let keywords = PyDict::new(self.nodes.py);
        for field in ["posonlyargs", "args", "kwonlyargs", "kw_defaults", "defaults"] {
            keywords.set_item(field, self.list(vec![])?)?;
        }
        keywords.set_item("vararg", &none)?;
        keywords.set_item("kwarg", &none)?;
        let arguments = self.nodes.ast.getattr("arguments")?.call((), Some(&keywords))?;
        let items = self.list(self.loads(cells)?)?;
        let body = self.node("Tuple", &[("elts", items), ("ctx", self.nodes.load.clone())])?;
        self.node("Lambda", &[("args", arguments), ("body", body)])
    }

    fn splice(&self, place: &Found<'py>) -> PyResult<()> {
        let draft = &place.draft;
        let mut args = self.loads(&draft.inputs)?;
        if !draft.rebound.is_empty() {
            let items = self.list(self.loads(&draft.rebound)?)?;
            args.push(self.node("List", &[("elts", items), ("ctx", self.nodes.load.clone())])?);
        }
        if !draft.cells.is_empty() {
            args.push(self.closure(&draft.cells)?);
        }
        let enter = self.call(Builtin::Enter, args)?;
        let original = place.nodes.clone();
        let entry = if draft.code.boundary.module {
            let not = self.nodes.ast.getattr("Not")?.call0()?;
            let refused = self.node("UnaryOp", &[("op", not), ("operand", enter)])?;
            self.if_statement(refused, original, vec![])?
        } else {
            let mut otherwise = original;
            if draft.code.boundary.returns {
                let value = self.call(Builtin::Take, vec![])?;
                let body = self.node("Return", &[("value", value)])?;
                let returned = self.call(Builtin::Returned, vec![])?;
                otherwise = vec![self.if_statement(returned, vec![body], otherwise)?];
            }
            if draft.may_stay_unbound {
                let pass = self.node("Pass", &[])?;
                let done = self.call(Builtin::Done, vec![])?;
                otherwise = vec![self.if_statement(done, vec![pass], otherwise)?];
            }
            let targets = draft
                .outputs
                .iter()
                .map(|&name| self.name(name, &self.nodes.store))
                .collect::<PyResult<_>>()?;
            let target =
                self.node("Tuple", &[("elts", self.list(targets)?), ("ctx", self.nodes.store.clone())])?;
            let value = self.call(Builtin::Take, vec![])?;
            let assign = self.node("Assign", &[("targets", self.list(vec![target])?), ("value", value)])?;
            self.if_statement(enter, vec![assign], otherwise)?
        };
        if let Some(iter) = &place.iter {
            let rest = self.call(Builtin::Resume, vec![])?;
            let or = self.nodes.ast.getattr("Or")?.call0()?;
            let values = self.list(vec![rest, iter.clone()])?;
            let either = self.node("BoolOp", &[("op", or), ("values", values)])?;
            place.nodes[0].setattr("iter", either)?;
        }
        let entry = PyList::new(self.nodes.py, [entry])?;
        place.list.set_slice(place.index, place.index + place.nodes.len(), entry.as_any())
    }
}

/// Puts builtins where strings stand for them, and origins behind all other constants, in a code object and those in it.
fn fill<'py>(
    code: &Node<'py>,
    plain: &Node<'py>,
    drafts: &mut [Option<Code>],
    bodies: &mut Bodies,
) -> PyResult<Node<'py>> {
    Filler { drafts, bodies, entries: HashMap::new() }.code(code, Some(plain))
}

struct Filler<'a> {
    drafts: &'a mut [Option<Code>],
    bodies: &'a mut Bodies,
    entries: HashMap<usize, EntryObjects>,
}

impl Filler<'_> {
    fn code<'py>(&mut self, code: &Node<'py>, plain: Option<&Node<'py>>) -> PyResult<Node<'py>> {
        let py = code.py();
        let consts = code.getattr(pyo3::intern!(py, "co_consts"))?.cast_into::<PyTuple>()?;
        let mut counterparts = Counterparts::of(&consts, plain)?;
        let mut new = Vec::with_capacity(consts.len() + 1);
        let mut changed = false;
        for constant in consts.iter() {
            let replacement = if is_code(&constant) {
                let plain = counterparts.next(&constant)?;
                self.code(&constant, plain.as_ref())?
            } else if let Some((number, builtin)) = marked(&constant) {
                self.builtin(number, builtin, &consts)?
            } else {
                constant.clone()
            };
            changed |= !replacement.is(&constant);
            new.push(replacement);
        }
        let mut body = if self.bodies.is_empty() {
            None
        } else {
            self.bodies.get_mut(&key(code)?).and_then(Option::take)
        };
        if let Some(body) = &mut body {
            share_constants(body, &consts)?;
        }
        if !changed && body.is_none() {
            return Ok(code.clone());
        }
        let origin = Origin { plain: plain.map(|plain| plain.clone().unbind()), body: body.map(Arc::new) };
        new.push(Bound::new(py, origin)?.into_any());
        let keywords = PyDict::new(py);
        keywords.set_item("co_consts", PyTuple::new(py, new)?)?;
        code.call_method("replace", (), Some(&keywords))
    }

    fn builtin<'py>(
        &mut self,
        number: usize,
        builtin: u8,
        consts: &Bound<'py, PyTuple>,
    ) -> PyResult<Node<'py>> {
        let py = consts.py();
        if let Some(mut draft) = self.drafts.get_mut(number).and_then(Option::take) {
            share_constants(&mut draft, consts)?;
            self.entries.insert(number, new_entry(py, Arc::new(draft))?);
        }
        let missing = || PySystemError::new_err("a loop was spliced in and not compiled");
        let entry = self.entries.get(&number).ok_or_else(missing)?;
        Ok(builtin_of(entry, builtin).bind(py).clone())
    }
}

/// Finds the plain code objects that stand where those of a spliced one do.
struct Counterparts<'py>(HashMap<(String, u32), VecDeque<Node<'py>>>);

impl<'py> Counterparts<'py> {
    fn of(spliced: &Bound<'py, PyTuple>, plain: Option<&Node<'py>>) -> PyResult<Counterparts<'py>> {
        let mut all: HashMap<_, VecDeque<_>> = HashMap::new();
        let Some(plain) = plain else { return Ok(Counterparts(all)) };
        let consts = plain.getattr(pyo3::intern!(plain.py(), "co_consts"))?.cast_into::<PyTuple>()?;
        for code in consts.iter().filter(is_code) {
            all.entry(key(&code)?).or_default().push_back(code);
        }
        let mut counts = HashMap::new();
        for code in spliced.iter().filter(is_code) {
            *counts.entry(key(&code)?).or_insert(0) += 1;
        }
        // Where an entry's own function has the name and the line of one of the program, nobody knows which is which.
        all.retain(|key, codes| counts.get(key) == Some(&codes.len()));
        Ok(Counterparts(all))
    }

    fn next(&mut self, spliced: &Node<'py>) -> PyResult<Option<Node<'py>>> {
        Ok(self.0.get_mut(&key(spliced)?).and_then(VecDeque::pop_front))
    }
}

/// Where a code object comes from: the last of its constants, which no instruction loads. Pickled by value, it is an empty
/// string.
#[pyclass(frozen)]
pub struct Origin {
    /// What CPython compiled, which is what `__code__` shows.
    plain: Option<Py<PyAny>>,
    /// The body of a function as register code, for calls of it in compiled code.
    body: Option<Arc<Code>>,
}

#[pymethods]
impl Origin {
    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, ()) {
        (py.get_type::<PyString>().into_any(), ())
    }
}

fn origin<'py>(code: &Bound<'py, PyAny>) -> Option<Bound<'py, Origin>> {
    let consts = code.getattr(pyo3::intern!(code.py(), "co_consts")).ok()?.cast_into::<PyTuple>().ok()?;
    consts.iter().next_back()?.cast_into_exact::<Origin>().ok()
}

/// The register code of a code object's body: its inputs are the parameters, in the order of `co_varnames`.
pub fn body_of(code: &Bound<'_, PyAny>) -> Option<Arc<Code>> {
    origin(code)?.get().body.clone()
}

/// Whether there is something of ours in a code object.
pub(super) fn is_spliced(code: &Bound<'_, PyAny>) -> bool {
    origin(code).is_some()
}

/// The code object that a spliced one was made of; `None` for any other.
pub(super) fn plain_of<'py>(code: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    Some(origin(code)?.get().plain.as_ref()?.bind(code.py()).clone())
}

fn builtin_of(entry: &EntryObjects, builtin: u8) -> &Py<PyAny> {
    match builtin {
        b if b == Builtin::Enter as u8 => &entry.enter,
        b if b == Builtin::Take as u8 => &entry.take,
        b if b == Builtin::Done as u8 => &entry.done,
        b if b == Builtin::Returned as u8 => &entry.returned,
        _ => &entry.resume,
    }
}

/// What a constant stands for: number of the region, and which builtin.
fn marked(constant: &Node<'_>) -> Option<(usize, u8)> {
    let text = constant.cast_exact::<PyString>().ok()?.to_str().ok()?.strip_prefix(MARK)?;
    let (number, builtin) = text.split_once(' ')?;
    Some((number.parse().ok()?, builtin.parse().ok()?))
}

pub(super) fn is_code(object: &Node<'_>) -> bool {
    object.is_exact_instance_of::<PyCode>()
}

/// A region and the code object around it have one object for a constant of both, as within one code object of CPython.
fn share_constants(draft: &mut Code, consts: &Bound<'_, PyTuple>) -> PyResult<()> {
    let py = consts.py();
    // Equality is not enough: 1 == 1.0 == True.
    let key = |object: &Node<'_>| -> PyResult<(usize, String)> {
        Ok((object.get_type().as_ptr() as usize, object.repr()?.to_str()?.to_owned()))
    };
    if draft.consts.is_empty() {
        return Ok(());
    }
    let mut known = HashMap::new();
    for constant in consts.iter().filter(|c| !is_code(c) && marked(c).is_none()) {
        known.insert(key(&constant)?, constant);
    }
    for object in &mut draft.consts {
        if let Some(shared) = known.get(&key(object.bind(py))?) {
            *object = Object::new(shared.clone().unbind());
        }
    }
    Ok(())
}
