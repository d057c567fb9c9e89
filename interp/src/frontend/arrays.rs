//! Which statements outside of loops look like work on arrays.
//!
//! An entry costs its call even where the VM has nothing to gain, and what a name holds is not known before the code runs.
//! So statements get an entry only where the source says arrays: two operations that could be one loop, in a statement
//! with a slice or a function of numpy. Loops need no such signs: they are worth a try anyway.

use super::flow::each_operand;
use super::tree::{Block, Expr, ExprKind, Names, Stmt, StmtKind};
use crate::bytecode::UnaryOp;

/// What is in a statement.
#[derive(Default)]
struct Signs {
    operations: usize,
    arrays: bool,
}

impl Signs {
    fn look(&mut self, expr: &Expr<'_>, names: &Names) {
        match &expr.kind {
            ExprKind::Binary { .. } | ExprKind::Compare { .. } => self.operations += 1,
            ExprKind::Unary { op: UnaryOp::Negative | UnaryOp::Invert, operand } => {
                self.operations += usize::from(!matches!(operand.kind, ExprKind::Constant(_)));
            }
            ExprKind::Slice(_) => self.arrays = true,
            ExprKind::Call { func, .. } if is_of_numpy(func, names) => {
                self.operations += 1;
                self.arrays = true;
            }
            ExprKind::Call { func, .. } if is_of_result(func, names) => {
                self.operations += 1;
                self.arrays = true;
            }
            _ => {}
        }
        each_operand(expr, &mut |operand| self.look(operand, names));
    }
}

/// `np.something`, by the names that everybody gives numpy.
fn is_of_numpy(func: &Expr<'_>, names: &Names) -> bool {
    let ExprKind::Attribute { value, .. } = &func.kind else { return false };
    matches!(value.kind, ExprKind::Name(name) if matches!(names.text(name), "np" | "numpy"))
}

/// `(a - b).max` and the like: of what an operation gives, such methods are those of arrays.
fn is_of_result(func: &Expr<'_>, names: &Names) -> bool {
    let ExprKind::Attribute { value, attr } = &func.kind else { return false };
    matches!(
        value.kind,
        ExprKind::Binary { .. } | ExprKind::Compare { .. } | ExprKind::Unary { .. } | ExprKind::Call { .. }
    ) && matches!(
        names.text(*attr),
        "sum" | "prod" | "max" | "min" | "any" | "all" | "mean" | "astype" | "clip"
    )
}

/// Statements that a region of statements may have.
fn is_simple(stmt: &Stmt<'_>) -> bool {
    match &stmt.kind {
        StmtKind::Expr(value) => !matches!(value.kind, ExprKind::Constant(_)),
        StmtKind::Assign { .. } | StmtKind::AugAssign { .. } | StmtKind::Return(Some(_)) => true,
        _ => false,
    }
}

fn is_worth_it(stmt: &Stmt<'_>, names: &Names, all: bool) -> bool {
    let mut signs = Signs::default();
    match &stmt.kind {
        StmtKind::Expr(value) | StmtKind::Return(Some(value)) => signs.look(value, names),
        StmtKind::Assign { targets, value } => {
            targets.iter().for_each(|target| signs.look(target, names));
            signs.look(value, names);
        }
        StmtKind::AugAssign { target, value, .. } => {
            signs.operations += 1;
            signs.look(target, names);
            signs.look(value, names);
        }
        _ => {}
    }
    // The assignment to a slice is an operation, too.
    let stores = match &stmt.kind {
        StmtKind::Assign { targets, .. } => {
            targets.iter().any(|t| matches!(t.kind, ExprKind::Subscript { .. }))
        }
        _ => false,
    };
    let operations = signs.operations + usize::from(stores && signs.arrays);
    if all { operations > 0 } else { operations > 1 && signs.arrays }
}

/// The statements from here on that are a region, if one begins here: from the first that is worth it to the last one before
/// something that is not a plain statement. `all` takes every operation for one on arrays.
pub fn run<'b, 'py>(
    block: &'b Block<'py>,
    index: usize,
    names: &Names,
    all: bool,
) -> Option<&'b [Stmt<'py>]> {
    let worth_it = |stmt: &Stmt<'py>| is_simple(stmt) && is_worth_it(stmt, names, all);
    if !worth_it(&block.body[index]) {
        return None;
    }
    let earlier = block.body[..index].iter().rev().take_while(|stmt| is_simple(stmt));
    if earlier.into_iter().any(worth_it) {
        return None;
    }
    let rest = &block.body[index..];
    let simple = rest.iter().take_while(|stmt| is_simple(stmt)).count();
    let length = rest[..simple].iter().rposition(worth_it)? + 1;
    Some(&rest[..length])
}
