//! CPython's syntax tree as a Rust tree.
//!
//! The tree comes from CPython's own parser: it is always exactly the syntax of the running version, and CPython's compiler
//! gets the same nodes back with our entries spliced in. One walk takes it over, so that flow analysis and lowering, which
//! visit nodes again and again, don't ask Python for attributes. Statements keep a handle on their node, for the splicing.
//!
//! What lowering doesn't support is still here, as [`ExprKind::Opaque`] and [`StmtKind::Opaque`]: with the reason, with the
//! names it may bind and with the blocks inside, whose loops are regions of their own.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyString, PyTuple, PyType};

use super::decline::Decline;
use crate::bytecode::{BinaryOp, CompareOp, Position, UnaryOp};

/// A name as it is written (private names unmangled), by its index in [`Names`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Name(u32);

/// The names of a tree.
#[derive(Default)]
pub struct Names {
    texts: Vec<String>,
    indices: HashMap<String, Name>,
}

impl Names {
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some(&name) = self.indices.get(text) {
            return name;
        }
        let name = Name(self.texts.len() as u32);
        self.texts.push(text.to_owned());
        self.indices.insert(text.to_owned(), name);
        name
    }

    pub fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }
}

/// A suite of statements, and the list of nodes it is in.
pub struct Block<'py> {
    pub list: Bound<'py, PyList>,
    pub body: Vec<Stmt<'py>>,
}

pub struct Stmt<'py> {
    pub node: Bound<'py, PyAny>,
    pub at: Position,
    pub kind: StmtKind<'py>,
}

pub enum StmtKind<'py> {
    Expr(Expr<'py>),
    Assign {
        targets: Vec<Expr<'py>>,
        value: Expr<'py>,
    },
    AugAssign {
        target: Expr<'py>,
        op: BinaryOp,
        value: Expr<'py>,
    },
    AnnAssign {
        target: Expr<'py>,
        value: Option<Expr<'py>>,
    },
    If {
        test: Expr<'py>,
        body: Block<'py>,
        orelse: Block<'py>,
    },
    For {
        target: Expr<'py>,
        iter: Expr<'py>,
        body: Block<'py>,
        orelse: Block<'py>,
    },
    While {
        test: Expr<'py>,
        body: Block<'py>,
        orelse: Block<'py>,
    },
    Return(Option<Expr<'py>>),
    Break,
    Continue,
    /// `pass`, and the declarations `global` and `nonlocal`.
    Pass,
    Assert {
        test: Expr<'py>,
        message: Option<Expr<'py>>,
    },
    Raise {
        exc: Option<Expr<'py>>,
        cause: Option<Expr<'py>>,
    },
    Delete(Vec<Expr<'py>>),
    Try {
        body: Block<'py>,
        handlers: Vec<Except<'py>>,
        orelse: Block<'py>,
        finally: Block<'py>,
    },
    With {
        /// Managers, and the targets of what they are entered as.
        items: Vec<(Expr<'py>, Option<Expr<'py>>)>,
        body: Block<'py>,
    },
    Function(Definition<'py>),
    Class(Definition<'py>),
    Opaque {
        why: Decline,
        parts: Vec<Part<'py>>,
    },
}

/// `except kind as name: body`
pub struct Except<'py> {
    pub at: Position,
    pub kind: Option<Expr<'py>>,
    pub name: Option<Name>,
    pub body: Block<'py>,
}

/// A function or class.
pub struct Definition<'py> {
    pub name: Name,
    /// Of its code object: the first decorator's line, if there is one.
    pub first_line: u32,
    /// Of a function, in the order of its code object's variables.
    pub parameters: Vec<Name>,
    /// Names that decorators, defaults, bases and the like bind around it.
    pub binds: Vec<Name>,
    pub body: Block<'py>,
}

/// A clause of a statement that is not supported: what it binds, then its block.
pub struct Part<'py> {
    pub binds: Vec<Name>,
    pub block: Option<Block<'py>>,
}

pub struct Expr<'py> {
    pub at: Position,
    pub kind: ExprKind<'py>,
}

/// Targets are expressions, too: where one stands tells what is done with it.
pub enum ExprKind<'py> {
    Constant(Bound<'py, PyAny>),
    Name(Name),
    BoolOp {
        and: bool,
        values: Vec<Expr<'py>>,
    },
    NamedExpr {
        target: Name,
        target_at: Position,
        value: Box<Expr<'py>>,
    },
    Binary {
        op: BinaryOp,
        left: Box<Expr<'py>>,
        right: Box<Expr<'py>>,
    },
    Unary {
        op: UnaryOp,
        operand: Box<Expr<'py>>,
    },
    IfExp {
        test: Box<Expr<'py>>,
        body: Box<Expr<'py>>,
        orelse: Box<Expr<'py>>,
    },
    Compare {
        left: Box<Expr<'py>>,
        rest: Vec<(CompareOp, Expr<'py>)>,
    },
    /// Arguments may be starred; a keyword without a name is `**`.
    Call {
        func: Box<Expr<'py>>,
        args: Vec<Expr<'py>>,
        keywords: Vec<(Option<Name>, Expr<'py>)>,
    },
    /// Only in calls, displays and targets.
    Starred(Box<Expr<'py>>),
    Lambda(Box<Lambda<'py>>),
    /// A comprehension or generator expression: a call of a function of this name, with an iterator.
    Comprehension {
        name: &'static str,
        iter: Box<Expr<'py>>,
        mentions: Vec<Name>,
        /// What walruses in it bind.
        binds: Vec<Name>,
    },
    /// A `FormattedValue`; only in `JoinedStr`.
    Formatted {
        value: Box<Expr<'py>>,
        conversion: u8,
        spec: Option<Box<Expr<'py>>>,
    },
    JoinedStr(Vec<Expr<'py>>),
    Attribute {
        value: Box<Expr<'py>>,
        attr: Name,
    },
    Subscript {
        value: Box<Expr<'py>>,
        slice: Box<Expr<'py>>,
    },
    Slice([Option<Box<Expr<'py>>>; 3]),
    Tuple(Vec<Expr<'py>>),
    List(Vec<Expr<'py>>),
    Set(Vec<Expr<'py>>),
    /// Items without a key are `**`.
    Dict(Vec<(Option<Expr<'py>>, Expr<'py>)>),
    Opaque {
        why: Decline,
        binds: Vec<Name>,
    },
}

pub struct Lambda<'py> {
    pub defaults: Vec<Expr<'py>>,
    /// Of parameters that are given by keyword only.
    pub keyword_defaults: Vec<(Name, Expr<'py>)>,
    /// Names in the body, those of parameters among them.
    pub mentions: Vec<Name>,
}

macro_rules! kinds {
    ($($name:ident)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        enum Kind { $($name),* }
        const KINDS: &[(&str, Kind)] = &[$((stringify!($name), Kind::$name)),*];
    };
}
kinds! {
    Expr Assign AugAssign AnnAssign If For While Return Break Continue Pass Global Nonlocal Assert Raise Delete
    FunctionDef AsyncFunctionDef ClassDef Try TryStar With AsyncWith AsyncFor Match Import ImportFrom TypeAlias
    Constant Name BoolOp NamedExpr BinOp UnaryOp IfExp Compare Call JoinedStr FormattedValue Attribute Subscript Slice
    Tuple List Set Dict Starred Lambda ListComp SetComp DictComp GeneratorExp Yield YieldFrom Await TemplateStr Interpolation
    MatchAs MatchStar MatchMapping Store
    And Or Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv Invert Not UAdd USub
    Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn
}

/// Classes of nodes by the address of their type, which lives as long as the cache does.
struct Kinds {
    by_type: HashMap<usize, Kind>,
    _keep: Vec<Py<PyType>>,
}

static CLASSES: PyOnceLock<Kinds> = PyOnceLock::new();

impl Kinds {
    fn get(py: Python<'_>) -> PyResult<&Kinds> {
        CLASSES.get_or_try_init(py, || {
            let ast = py.import("_ast")?;
            let mut kinds = Kinds { by_type: HashMap::new(), _keep: Vec::new() };
            for &(name, kind) in KINDS {
                // Not every version has them all.
                if let Ok(class) = ast.getattr(name) {
                    let class = class.cast_into::<PyType>()?;
                    kinds.by_type.insert(class.as_ptr() as usize, kind);
                    kinds._keep.push(class.unbind());
                }
            }
            Ok(kinds)
        })
    }
}

/// Takes the body of an `ast.Module` or `ast.Interactive` over.
///
/// # Errors
/// An attribute that is not there or of a wrong type: the tree was not made by the parser.
pub fn walk<'py>(tree: &Bound<'py, PyAny>, names: &mut Names) -> PyResult<Block<'py>> {
    let py = tree.py();
    let mut walker = Walker { py, kinds: Kinds::get(py)?, names, texts: HashMap::new() };
    walker.block(tree, pyo3::intern!(py, "body"))
}

struct Walker<'a, 'py> {
    py: Python<'py>,
    kinds: &'a Kinds,
    names: &'a mut Names,
    /// Names by the address of their interned `str`, which the tree keeps alive.
    texts: HashMap<usize, Name>,
}

type Node<'py> = Bound<'py, PyAny>;

macro_rules! field {
    ($self:ident, $node:expr, $name:literal) => {
        $node.getattr(pyo3::intern!($self.py, $name))?
    };
}

impl<'py> Walker<'_, 'py> {
    fn kind(&self, node: &Node<'py>) -> Option<Kind> {
        self.kinds.by_type.get(&(node.get_type().as_ptr() as usize)).copied()
    }

    fn position(&self, node: &Node<'py>) -> PyResult<Position> {
        let line: u32 = field!(self, node, "lineno").extract()?;
        let column: u32 = field!(self, node, "col_offset").extract()?;
        // Trees that programs make may lack the ends.
        let end = |name: &Bound<'py, PyString>, otherwise: u32| -> u32 {
            node.getattr(name).and_then(|v| v.extract()).unwrap_or(otherwise)
        };
        let end_line = end(pyo3::intern!(self.py, "end_lineno"), line);
        let end_column = end(pyo3::intern!(self.py, "end_col_offset"), column);
        Ok(Position { line, end_line, column, end_column })
    }

    fn text(&mut self, text: &Node<'py>) -> PyResult<Name> {
        let key = text.as_ptr() as usize;
        if let Some(&name) = self.texts.get(&key) {
            return Ok(name);
        }
        let name = self.names.intern(text.cast::<PyString>()?.to_str()?);
        self.texts.insert(key, name);
        Ok(name)
    }

    fn list(&self, node: &Node<'py>, field: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyList>> {
        Ok(node.getattr(field)?.cast_into::<PyList>()?)
    }

    fn block(&mut self, node: &Node<'py>, field: &Bound<'py, PyString>) -> PyResult<Block<'py>> {
        let list = self.list(node, field)?;
        let body = list.iter().map(|n| self.stmt(n)).collect::<PyResult<_>>()?;
        Ok(Block { list, body })
    }

    fn exprs(&mut self, node: &Node<'py>, field: &Bound<'py, PyString>) -> PyResult<Vec<Expr<'py>>> {
        self.list(node, field)?.iter().map(|n| self.expr(&n)).collect()
    }

    fn optional(&mut self, node: &Node<'py>) -> PyResult<Option<Expr<'py>>> {
        if node.is_none() { Ok(None) } else { self.expr(node).map(Some) }
    }

    fn boxed(&mut self, node: &Node<'py>) -> PyResult<Box<Expr<'py>>> {
        self.expr(node).map(Box::new)
    }

    fn stmt(&mut self, node: Node<'py>) -> PyResult<Stmt<'py>> {
        let at = self.position(&node)?;
        let kind = self.stmt_kind(&node, at)?;
        Ok(Stmt { node, at, kind })
    }

    fn stmt_kind(&mut self, node: &Node<'py>, at: Position) -> PyResult<StmtKind<'py>> {
        let py = self.py;
        let body = pyo3::intern!(py, "body");
        let orelse = pyo3::intern!(py, "orelse");
        let Some(kind) = self.kind(node) else {
            return Ok(StmtKind::Opaque { why: Decline::Unknown, parts: vec![self.anything(node)?] });
        };
        Ok(match kind {
            Kind::Expr => StmtKind::Expr(self.expr(&field!(self, node, "value"))?),
            Kind::Assign => {
                let value = self.expr(&field!(self, node, "value"))?;
                StmtKind::Assign { targets: self.exprs(node, pyo3::intern!(py, "targets"))?, value }
            }
            Kind::AugAssign => StmtKind::AugAssign {
                target: self.expr(&field!(self, node, "target"))?,
                op: self.binary_op(&field!(self, node, "op"))?,
                value: self.expr(&field!(self, node, "value"))?,
            },
            Kind::AnnAssign => StmtKind::AnnAssign {
                target: self.expr(&field!(self, node, "target"))?,
                value: self.optional(&field!(self, node, "value"))?,
            },
            Kind::If => StmtKind::If {
                test: self.expr(&field!(self, node, "test"))?,
                body: self.block(node, body)?,
                orelse: self.block(node, orelse)?,
            },
            Kind::For => StmtKind::For {
                target: self.expr(&field!(self, node, "target"))?,
                iter: self.expr(&field!(self, node, "iter"))?,
                body: self.block(node, body)?,
                orelse: self.block(node, orelse)?,
            },
            Kind::While => StmtKind::While {
                test: self.expr(&field!(self, node, "test"))?,
                body: self.block(node, body)?,
                orelse: self.block(node, orelse)?,
            },
            Kind::Return => StmtKind::Return(self.optional(&field!(self, node, "value"))?),
            Kind::Break => StmtKind::Break,
            Kind::Continue => StmtKind::Continue,
            Kind::Pass | Kind::Global | Kind::Nonlocal => StmtKind::Pass,
            Kind::Assert => StmtKind::Assert {
                test: self.expr(&field!(self, node, "test"))?,
                message: self.optional(&field!(self, node, "msg"))?,
            },
            Kind::Raise => StmtKind::Raise {
                exc: self.optional(&field!(self, node, "exc"))?,
                cause: self.optional(&field!(self, node, "cause"))?,
            },
            Kind::Delete => StmtKind::Delete(self.exprs(node, pyo3::intern!(py, "targets"))?),
            Kind::FunctionDef | Kind::AsyncFunctionDef => StmtKind::Function(self.definition(node, at)?),
            Kind::ClassDef => StmtKind::Class(self.definition(node, at)?),
            Kind::Try => {
                let mut handlers = Vec::new();
                for handler in field!(self, node, "handlers").try_iter()? {
                    let handler = handler?;
                    let name = field!(self, handler, "name");
                    handlers.push(Except {
                        at: self.position(&handler)?,
                        kind: self.optional(&field!(self, handler, "type"))?,
                        name: if name.is_none() { None } else { Some(self.text(&name)?) },
                        body: self.block(&handler, body)?,
                    });
                }
                StmtKind::Try {
                    body: self.block(node, body)?,
                    handlers,
                    orelse: self.block(node, orelse)?,
                    finally: self.block(node, pyo3::intern!(py, "finalbody"))?,
                }
            }
            Kind::TryStar => {
                let mut parts = vec![Part::of(self.block(node, body)?)];
                for handler in field!(self, node, "handlers").try_iter()? {
                    let handler = handler?;
                    let name = field!(self, handler, "name");
                    let mut binds = if name.is_none() { vec![] } else { vec![self.text(&name)?] };
                    self.bound(&field!(self, handler, "type"), &mut binds)?;
                    let block = Some(self.block(&handler, body)?);
                    parts.push(Part { binds, block });
                }
                parts.push(Part::of(self.block(node, orelse)?));
                parts.push(Part::of(self.block(node, pyo3::intern!(py, "finalbody"))?));
                StmtKind::Opaque { why: Decline::TryStar, parts }
            }
            Kind::With => {
                let mut items = Vec::new();
                for item in field!(self, node, "items").try_iter()? {
                    let item = item?;
                    let manager = self.expr(&field!(self, item, "context_expr"))?;
                    items.push((manager, self.optional(&field!(self, item, "optional_vars"))?));
                }
                StmtKind::With { items, body: self.block(node, body)? }
            }
            Kind::AsyncWith | Kind::AsyncFor => {
                let mut part = self.anything(node)?;
                part.block = Some(self.block(node, body)?);
                let mut parts = vec![part];
                if kind == Kind::AsyncFor {
                    parts.push(Part::of(self.block(node, orelse)?));
                }
                StmtKind::Opaque { why: Decline::Await, parts }
            }
            Kind::Match => {
                let mut parts = Vec::new();
                for case in field!(self, node, "cases").try_iter()? {
                    let case = case?;
                    let mut part = self.anything(&case)?;
                    self.bound(&field!(self, node, "subject"), &mut part.binds)?;
                    part.block = Some(self.block(&case, body)?);
                    parts.push(part);
                }
                StmtKind::Opaque { why: Decline::Match, parts }
            }
            Kind::Import | Kind::ImportFrom => {
                let mut binds = vec![];
                for alias in field!(self, node, "names").try_iter()? {
                    let alias = alias?;
                    let alias_name = field!(self, alias, "asname");
                    let text = if alias_name.is_none() { field!(self, alias, "name") } else { alias_name };
                    let text = text.cast_into::<PyString>()?;
                    let first = text.to_str()?.split('.').next().unwrap_or_default();
                    binds.push(self.names.intern(first));
                }
                let part = Part { binds, block: None };
                StmtKind::Opaque { why: Decline::Import, parts: vec![part] }
            }
            Kind::TypeAlias => {
                StmtKind::Opaque { why: Decline::TypeAlias, parts: vec![self.anything(node)?] }
            }
            _ => StmtKind::Opaque { why: Decline::Unknown, parts: vec![self.anything(node)?] },
        })
    }

    fn definition(&mut self, node: &Node<'py>, at: Position) -> PyResult<Definition<'py>> {
        let decorators = self.list(node, pyo3::intern!(self.py, "decorator_list"))?;
        let first_line = match decorators.get_item(0) {
            Ok(decorator) => field!(self, decorator, "lineno").extract()?,
            Err(_) => at.line,
        };
        let name = self.text(&field!(self, node, "name"))?;
        let binds = self.anything(node)?.binds;
        let parameters = match node.getattr(pyo3::intern!(self.py, "args")) {
            Ok(arguments) => self.parameters(&arguments)?,
            Err(_) => vec![],
        };
        let body = self.block(node, pyo3::intern!(self.py, "body"))?;
        Ok(Definition { name, first_line, parameters, binds, body })
    }

    fn parameters(&mut self, arguments: &Node<'py>) -> PyResult<Vec<Name>> {
        let py = self.py;
        let mut nodes = Vec::new();
        for field in
            [pyo3::intern!(py, "posonlyargs"), pyo3::intern!(py, "args"), pyo3::intern!(py, "kwonlyargs")]
        {
            nodes.extend(self.list(arguments, field)?.iter());
        }
        nodes.extend(
            [field!(self, arguments, "vararg"), field!(self, arguments, "kwarg")]
                .into_iter()
                .filter(|n| !n.is_none()),
        );
        nodes.iter().map(|argument| self.text(&field!(self, argument, "arg"))).collect()
    }

    /// What a node of any kind binds, statements inside apart.
    fn anything(&mut self, node: &Node<'py>) -> PyResult<Part<'py>> {
        let mut part = Part { binds: vec![], block: None };
        self.bound(node, &mut part.binds)?;
        Ok(part)
    }

    /// The names that targets, walruses and patterns in a node bind, at any depth. Those of comprehensions are among them:
    /// one name too many does no harm.
    fn bound(&mut self, node: &Node<'py>, binds: &mut Vec<Name>) -> PyResult<()> {
        let py = self.py;
        let field = match self.kind(node) {
            Some(Kind::Name) if self.kind(&field!(self, node, "ctx")) == Some(Kind::Store) => {
                pyo3::intern!(py, "id")
            }
            Some(Kind::Name | Kind::Constant | Kind::Lambda) => return Ok(()),
            Some(Kind::MatchAs | Kind::MatchStar) => pyo3::intern!(py, "name"),
            Some(Kind::MatchMapping) => pyo3::intern!(py, "rest"),
            _ => return self.each_child(node, &mut |walker, child| walker.bound(&child, binds)),
        };
        let name = node.getattr(field)?;
        if !name.is_none() {
            binds.push(self.text(&name)?);
        }
        self.each_child(node, &mut |walker, child| walker.bound(&child, binds))
    }

    /// Calls `f` for the nodes in a node's fields, statements apart.
    fn each_child(
        &mut self,
        node: &Node<'py>,
        f: &mut dyn FnMut(&mut Self, Node<'py>) -> PyResult<()>,
    ) -> PyResult<()> {
        let Ok(fields) = node.getattr(pyo3::intern!(self.py, "_fields")) else { return Ok(()) };
        for field in fields.cast_into::<PyTuple>()?.iter() {
            let field = field.cast_into::<PyString>()?;
            if matches!(field.to_str()?, "body" | "orelse") && self.list(node, &field).is_ok() {
                continue;
            }
            let Ok(value) = node.getattr(&field) else { continue };
            if let Ok(list) = value.cast::<PyList>() {
                for item in list.iter() {
                    f(self, item)?;
                }
            } else {
                f(self, value)?;
            }
        }
        Ok(())
    }

    fn opaque(&mut self, why: Decline, node: &Node<'py>) -> PyResult<ExprKind<'py>> {
        Ok(ExprKind::Opaque { why, binds: self.anything(node)?.binds })
    }

    fn expr(&mut self, node: &Node<'py>) -> PyResult<Expr<'py>> {
        let at = self.position(node)?;
        Ok(Expr { at, kind: self.expr_kind(node)? })
    }

    fn expr_kind(&mut self, node: &Node<'py>) -> PyResult<ExprKind<'py>> {
        let py = self.py;
        let elts = pyo3::intern!(py, "elts");
        let Some(kind) = self.kind(node) else { return self.opaque(Decline::Unknown, node) };
        Ok(match kind {
            Kind::Constant => ExprKind::Constant(field!(self, node, "value")),
            Kind::Name => ExprKind::Name(self.text(&field!(self, node, "id"))?),
            Kind::BoolOp => ExprKind::BoolOp {
                and: self.kind(&field!(self, node, "op")) == Some(Kind::And),
                values: self.exprs(node, pyo3::intern!(py, "values"))?,
            },
            Kind::NamedExpr => {
                let target = field!(self, node, "target");
                ExprKind::NamedExpr {
                    target: self.text(&field!(self, target, "id"))?,
                    target_at: self.position(&target)?,
                    value: self.boxed(&field!(self, node, "value"))?,
                }
            }
            Kind::BinOp => ExprKind::Binary {
                op: self.binary_op(&field!(self, node, "op"))?,
                left: self.boxed(&field!(self, node, "left"))?,
                right: self.boxed(&field!(self, node, "right"))?,
            },
            Kind::UnaryOp => {
                let op = match self.kind(&field!(self, node, "op")) {
                    Some(Kind::Invert) => UnaryOp::Invert,
                    Some(Kind::Not) => UnaryOp::Not,
                    Some(Kind::UAdd) => UnaryOp::Positive,
                    Some(Kind::USub) => UnaryOp::Negative,
                    _ => return self.opaque(Decline::Unknown, node),
                };
                ExprKind::Unary { op, operand: self.boxed(&field!(self, node, "operand"))? }
            }
            Kind::IfExp => ExprKind::IfExp {
                test: self.boxed(&field!(self, node, "test"))?,
                body: self.boxed(&field!(self, node, "body"))?,
                orelse: self.boxed(&field!(self, node, "orelse"))?,
            },
            Kind::Compare => {
                let operands = self.exprs(node, pyo3::intern!(py, "comparators"))?;
                let mut rest = Vec::with_capacity(operands.len());
                for (op, operand) in self.list(node, pyo3::intern!(py, "ops"))?.iter().zip(operands) {
                    rest.push((self.compare_op(&op)?, operand));
                }
                ExprKind::Compare { left: self.boxed(&field!(self, node, "left"))?, rest }
            }
            Kind::Call => return self.call(node),
            Kind::FormattedValue => {
                let conversion: i32 = field!(self, node, "conversion").extract()?;
                let spec = field!(self, node, "format_spec");
                ExprKind::Formatted {
                    value: self.boxed(&field!(self, node, "value"))?,
                    conversion: u8::try_from(conversion).unwrap_or(0),
                    spec: self.optional(&spec)?.map(Box::new),
                }
            }
            Kind::JoinedStr => ExprKind::JoinedStr(self.exprs(node, pyo3::intern!(py, "values"))?),
            Kind::Attribute => ExprKind::Attribute {
                value: self.boxed(&field!(self, node, "value"))?,
                attr: self.text(&field!(self, node, "attr"))?,
            },
            Kind::Subscript => ExprKind::Subscript {
                value: self.boxed(&field!(self, node, "value"))?,
                slice: self.boxed(&field!(self, node, "slice"))?,
            },
            Kind::Slice => {
                let [lower, upper, step] =
                    [field!(self, node, "lower"), field!(self, node, "upper"), field!(self, node, "step")];
                let mut bound = |node| self.optional(node).map(|e| e.map(Box::new));
                ExprKind::Slice([bound(&lower)?, bound(&upper)?, bound(&step)?])
            }
            Kind::Tuple => ExprKind::Tuple(self.exprs(node, elts)?),
            Kind::List => ExprKind::List(self.exprs(node, elts)?),
            Kind::Set => ExprKind::Set(self.exprs(node, elts)?),
            Kind::Dict => {
                let keys = self.list(node, pyo3::intern!(py, "keys"))?;
                let values = self.exprs(node, pyo3::intern!(py, "values"))?;
                let keys: Vec<_> = keys.iter().map(|key| self.optional(&key)).collect::<PyResult<_>>()?;
                ExprKind::Dict(keys.into_iter().zip(values).collect())
            }
            Kind::Lambda => ExprKind::Lambda(Box::new(self.lambda(node)?)),
            Kind::Starred => ExprKind::Starred(self.boxed(&field!(self, node, "value"))?),
            Kind::ListComp => self.comprehension(node, "<listcomp>")?,
            Kind::SetComp => self.comprehension(node, "<setcomp>")?,
            Kind::DictComp => self.comprehension(node, "<dictcomp>")?,
            Kind::GeneratorExp => self.comprehension(node, "<genexpr>")?,
            Kind::Yield | Kind::YieldFrom => return self.opaque(Decline::Yield, node),
            Kind::Await => return self.opaque(Decline::Await, node),
            Kind::TemplateStr | Kind::Interpolation => return self.opaque(Decline::TemplateString, node),
            _ => return self.opaque(Decline::Unknown, node),
        })
    }

    fn call(&mut self, node: &Node<'py>) -> PyResult<ExprKind<'py>> {
        let mut keywords = Vec::new();
        for keyword in self.list(node, pyo3::intern!(self.py, "keywords"))?.iter() {
            let name = field!(self, keyword, "arg");
            let name = if name.is_none() { None } else { Some(self.text(&name)?) };
            keywords.push((name, self.expr(&field!(self, keyword, "value"))?));
        }
        let func = self.boxed(&field!(self, node, "func"))?;
        Ok(ExprKind::Call { func, args: self.exprs(node, pyo3::intern!(self.py, "args"))?, keywords })
    }

    fn lambda(&mut self, node: &Node<'py>) -> PyResult<Lambda<'py>> {
        let py = self.py;
        let arguments = field!(self, node, "args");
        let defaults = self.exprs(&arguments, pyo3::intern!(py, "defaults"))?;
        let mut keyword_defaults = Vec::new();
        let parameters = self.list(&arguments, pyo3::intern!(py, "kwonlyargs"))?;
        let values = self.list(&arguments, pyo3::intern!(py, "kw_defaults"))?;
        for (parameter, value) in parameters.iter().zip(values.iter()) {
            if let Some(value) = self.optional(&value)? {
                keyword_defaults.push((self.text(&field!(self, parameter, "arg"))?, value));
            }
        }
        let mut mentions = Vec::new();
        self.mentioned(&field!(self, node, "body"), &mut mentions)?;
        Ok(Lambda { defaults, keyword_defaults, mentions })
    }

    fn comprehension(&mut self, node: &Node<'py>, name: &'static str) -> PyResult<ExprKind<'py>> {
        let generators = self.list(node, pyo3::intern!(self.py, "generators"))?;
        let mut mentions = Vec::new();
        self.mentioned(node, &mut mentions)?;
        for generator in generators.iter() {
            if field!(self, generator, "is_async").is_truthy()? {
                return self.opaque(Decline::Await, node);
            }
        }
        // The first iterable is evaluated outside.
        let iter = self.boxed(&field!(self, generators.get_item(0)?, "iter"))?;
        let mut binds = Vec::new();
        self.walruses(node, &mut binds)?;
        Ok(ExprKind::Comprehension { name, iter, mentions, binds })
    }

    /// What walruses in a comprehension bind, in the function it stands in.
    fn walruses(&mut self, node: &Node<'py>, binds: &mut Vec<Name>) -> PyResult<()> {
        match self.kind(node) {
            Some(Kind::Lambda | Kind::Name | Kind::Constant) => return Ok(()),
            Some(Kind::NamedExpr) => {
                binds.push(self.text(&field!(self, field!(self, node, "target"), "id"))?)
            }
            _ => {}
        }
        self.each_child(node, &mut |walker, child| walker.walruses(&child, binds))
    }

    /// All names in a node.
    fn mentioned(&mut self, node: &Node<'py>, names: &mut Vec<Name>) -> PyResult<()> {
        match self.kind(node) {
            Some(Kind::Name) => names.push(self.text(&field!(self, node, "id"))?),
            Some(Kind::Constant) => {}
            _ => self.each_child(node, &mut |walker, child| walker.mentioned(&child, names))?,
        }
        Ok(())
    }

    fn binary_op(&self, node: &Node<'py>) -> PyResult<BinaryOp> {
        Ok(match self.kind(node) {
            Some(Kind::Add) => BinaryOp::Add,
            Some(Kind::Sub) => BinaryOp::Subtract,
            Some(Kind::Mult) => BinaryOp::Multiply,
            Some(Kind::MatMult) => BinaryOp::MatrixMultiply,
            Some(Kind::Div) => BinaryOp::TrueDivide,
            Some(Kind::Mod) => BinaryOp::Remainder,
            Some(Kind::Pow) => BinaryOp::Power,
            Some(Kind::LShift) => BinaryOp::LeftShift,
            Some(Kind::RShift) => BinaryOp::RightShift,
            Some(Kind::BitOr) => BinaryOp::Or,
            Some(Kind::BitXor) => BinaryOp::Xor,
            Some(Kind::BitAnd) => BinaryOp::And,
            Some(Kind::FloorDiv) => BinaryOp::FloorDivide,
            _ => return Err(unknown(node)),
        })
    }

    fn compare_op(&self, node: &Node<'py>) -> PyResult<CompareOp> {
        Ok(match self.kind(node) {
            Some(Kind::Eq) => CompareOp::Eq,
            Some(Kind::NotEq) => CompareOp::NotEq,
            Some(Kind::Lt) => CompareOp::Lt,
            Some(Kind::LtE) => CompareOp::LtE,
            Some(Kind::Gt) => CompareOp::Gt,
            Some(Kind::GtE) => CompareOp::GtE,
            Some(Kind::Is) => CompareOp::Is,
            Some(Kind::IsNot) => CompareOp::IsNot,
            Some(Kind::In) => CompareOp::In,
            Some(Kind::NotIn) => CompareOp::NotIn,
            _ => return Err(unknown(node)),
        })
    }
}

fn unknown(node: &Node<'_>) -> PyErr {
    pyo3::exceptions::PyTypeError::new_err(format!("not an operator: {node}"))
}

impl<'py> Part<'py> {
    fn of(block: Block<'py>) -> Part<'py> {
        Part { binds: vec![], block: Some(block) }
    }
}
