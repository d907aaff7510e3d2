//! What makes a test blind: assertions that cannot fail, errors that go by unseen, definitions that hide others.

use super::{Finding, scopes::Scopes};
use ruff_python_ast::{
    BoolOp, Decorator, ExceptHandler, ExceptHandlerExceptHandler, Expr, Stmt, StmtFunctionDef, UnaryOp,
    helpers::{Truthiness, any_over_body},
    statement_visitor::{StatementVisitor, walk_stmt},
};
use ruff_text_size::Ranged;

/// What is wrong with a statement by itself.
pub(super) fn of_statement(stmt: &Stmt, findings: &mut Vec<Finding>) {
    match stmt {
        Stmt::Assert(assertion) if truth(&assertion.test) == Some(true) => findings.push(Finding {
            at: assertion.start().into(),
            reason: "this assertion cannot fail: what it asserts is always true".to_owned(),
            remedy: match *assertion.test {
                Expr::Tuple(_) => "Leave out the brackets: assert CONDITION, MESSAGE",
                _ => "Assert something that the model decides",
            },
        }),
        Stmt::Try(attempt) => {
            for ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                findings.extend(swallowed(handler));
            }
        }
        Stmt::FunctionDef(function) => findings.extend(empty_test(function)),
        _ => {}
    }
}

/// Whether an expression is true or false whatever the names in it hold.
fn truth(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::BoolOp(parts) => {
            let decides = parts.op == BoolOp::Or;
            let truths: Vec<Option<bool>> = parts.values.iter().map(truth).collect();
            match truths.contains(&Some(decides)) {
                true => Some(decides),
                false => truths.iter().all(Option::is_some).then_some(!decides),
            }
        }
        Expr::UnaryOp(not) if not.op == UnaryOp::Not => truth(&not.operand).map(|truth| !truth),
        Expr::Named(named) => truth(&named.value),
        other => Truthiness::from_expr(other, |_| false).into_bool(),
    }
}

fn swallowed(handler: &ExceptHandlerExceptHandler) -> Option<Finding> {
    let found = |reason: &str, remedy| Some(Finding { at: handler.start().into(), reason: reason.to_owned(), remedy });
    if !handler.type_.as_deref().is_none_or(is_broad) {
        return None;
    }
    if any_over_body(&handler.body, is_skip) {
        return found("this turns every error into a skip", "Skip where the hardware or a library is missing, alone");
    }
    if handler.body.iter().all(is_idle) {
        return found("an error goes by unseen here", "Catch what is expected to happen, or let it fail");
    }
    if handler.type_.is_none() && !raises(&handler.body) {
        return found("this catches everything, the end of the program too", "Name the errors that are expected");
    }
    None
}

/// `Exception`, or several errors with it among them.
fn is_broad(errors: &Expr) -> bool {
    match errors {
        Expr::Name(name) => matches!(name.id.as_str(), "Exception" | "BaseException"),
        Expr::Tuple(errors) => errors.elts.iter().any(is_broad),
        _ => false,
    }
}

/// `pytest.skip(…)`.
fn is_skip(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    let Expr::Attribute(called) = &*call.func else { return false };
    called.attr.as_str() == "skip" && matches!(&*called.value, Expr::Name(name) if name.id.as_str() == "pytest")
}

/// `pass`, `…` or a text: nothing happens.
fn is_idle(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Pass(_) | Stmt::Continue(_) => true,
        Stmt::Expr(expr) => matches!(*expr.value, Expr::EllipsisLiteral(_) | Expr::StringLiteral(_)),
        _ => false,
    }
}

fn raises(body: &[Stmt]) -> bool {
    struct Raises(bool);
    impl<'a> StatementVisitor<'a> for Raises {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            self.0 |= stmt.is_raise_stmt();
            walk_stmt(self, stmt);
        }
    }
    let mut raises = Raises(false);
    raises.visit_body(body);
    raises.0
}

fn empty_test(function: &StmtFunctionDef) -> Option<Finding> {
    let is_empty = function.name.starts_with("test") && function.body.iter().all(is_idle);
    is_empty.then(|| Finding {
        at: function.name.start().into(),
        reason: format!("{} does nothing, so it cannot fail", function.name),
        remedy: "Assert something, or leave the test out",
    })
}

/// A definition whose name was given to another just before, in the same block.
pub(super) struct Second<'a> {
    name: &'a str,
    /// Where the first ends and the second begins.
    between: (usize, usize),
    at: usize,
}

impl Second<'_> {
    /// Nothing reads the name between the two, so that the first is lost.
    pub fn finding(&self, scopes: &Scopes) -> Option<Finding> {
        let is_lost = !scopes.is_read_between(self.name, self.between.0, self.between.1);
        is_lost.then(|| Finding {
            at: self.at,
            reason: format!("{} is defined a second time, which hides the first", self.name),
            remedy: "Give each a name of its own",
        })
    }
}

/// Functions and classes of a block that are defined twice.
pub(super) fn seconds(body: &[Stmt]) -> Vec<Second<'_>> {
    let definitions: Vec<(&str, &Stmt, usize)> = body.iter().filter_map(definition).collect();
    let mut seconds = Vec::new();
    for (number, &(name, second, at)) in definitions.iter().enumerate() {
        if let Some((_, first, _)) = definitions[..number].iter().rfind(|(earlier, ..)| *earlier == name) {
            let between = (first.end().into(), second.start().into());
            seconds.push(Second { name, between, at });
        }
    }
    seconds
}

/// Name and place of one that nothing but pytest takes in hand: `@overload` and `@name.setter` need a second one.
fn definition(stmt: &Stmt) -> Option<(&str, &Stmt, usize)> {
    let (name, decorators) = match stmt {
        Stmt::FunctionDef(function) => (&function.name, &function.decorator_list),
        Stmt::ClassDef(class) => (&class.name, &class.decorator_list),
        _ => return None,
    };
    let is_plain = name.as_str() != "_" && decorators.iter().all(is_of_pytest);
    is_plain.then(|| (name.as_str(), stmt, name.start().into()))
}

/// `@pytest.fixture`, `@pytest.mark.parametrize(…)`.
fn is_of_pytest(decorator: &Decorator) -> bool {
    let mut expr = &decorator.expression;
    loop {
        expr = match expr {
            Expr::Call(call) => &call.func,
            Expr::Attribute(attribute) => &attribute.value,
            Expr::Name(name) => return name.id.as_str() == "pytest",
            _ => return false,
        };
    }
}
