//! What a template's text holds: the names it uses, the blocks it has, the templates it calls.

use crate::language;
use minijinja::machinery::{
    ast::{self, CallArg, Expr, Stmt},
    parse,
};
use std::collections::BTreeSet;

/// A word with the byte of the template's source where it stands.
pub(crate) type At = (String, usize);

#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// Names that the template does not set itself.
    pub used: Vec<At>,
    /// Names that may lack, as the template asks whether they are defined.
    pub guarded: BTreeSet<String>,
    /// `model.family`: the object and what is read from it.
    pub attributes: Vec<(String, String, usize)>,
    pub filters: Vec<At>,
    pub tests: Vec<At>,
    /// Included templates.
    pub includes: Vec<At>,
    /// `extends` and `import` written in the body.
    pub heads: Vec<usize>,
    /// Blocks, each with whether it lies outside all others.
    pub blocks: Vec<(String, usize, bool)>,
    pub macros: Vec<At>,
    /// Where text outside of all blocks begins.
    pub stray: Option<usize>,
}

impl Outline {
    /// Of what the engine reads, whose first `head` bytes stand for the head. None where the engine cannot read it, which
    /// it tells itself.
    pub fn of(name: &str, source: &str, head: usize) -> Option<Self> {
        let tree = parse(source, name, language::syntax()).ok()?;
        let mut walk = Walk { outline: Self::default(), scopes: vec![BTreeSet::new()], depth: 0, head };
        walk.stmt(&tree);
        Some(walk.outline)
    }
}

struct Walk<'a> {
    outline: Outline,
    /// Names set by the template, innermost scope last.
    scopes: Vec<BTreeSet<&'a str>>,
    /// Blocks and macros around.
    depth: usize,
    /// Bytes written for the head.
    head: usize,
}

impl<'a> Walk<'a> {
    fn set(&mut self, target: &Expr<'a>) {
        match target {
            Expr::Var(name) => self.name(name.id),
            Expr::List(list) => list.items.iter().for_each(|item| self.set(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.set(item)),
            _ => {}
        }
    }

    fn name(&mut self, name: &'a str) {
        self.scopes.last_mut().expect("the outermost scope stays").insert(name);
    }

    fn within(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scopes.push(BTreeSet::new());
        visit(self);
        self.scopes.pop();
    }

    fn body(&mut self, body: &[Stmt<'a>]) {
        body.iter().for_each(|stmt| self.stmt(stmt));
    }

    fn stray(&mut self, at: usize) {
        if self.depth == 0 && self.outline.stray.is_none() {
            self.outline.stray = Some(at);
        }
    }

    fn stmt(&mut self, stmt: &Stmt<'a>) {
        match stmt {
            Stmt::Template(template) => self.body(&template.children),
            Stmt::EmitExpr(emit) => {
                self.stray(emit.span().start_offset as usize);
                self.expr(&emit.expr);
            }
            Stmt::EmitRaw(raw) => {
                let blank = raw.raw.len() - raw.raw.trim_start().len();
                if blank < raw.raw.len() {
                    self.stray(raw.span().start_offset as usize + blank);
                }
            }
            Stmt::ForLoop(each) => {
                self.expr(&each.iter);
                self.within(|walk| {
                    walk.name("loop");
                    walk.set(&each.target);
                    each.filter_expr.iter().for_each(|filter| walk.expr(filter));
                    walk.body(&each.body);
                });
                self.within(|walk| walk.body(&each.else_body));
            }
            Stmt::IfCond(condition) => {
                self.expr(&condition.expr);
                self.body(&condition.true_body);
                self.body(&condition.false_body);
            }
            Stmt::WithBlock(with) => self.within(|walk| {
                for (target, value) in &with.assignments {
                    walk.expr(value);
                    walk.set(target);
                }
                walk.body(&with.body);
            }),
            Stmt::Set(set) => {
                self.expr(&set.expr);
                self.set(&set.target);
            }
            Stmt::SetBlock(set) => {
                self.depth += 1;
                set.filter.iter().for_each(|filter| self.expr(filter));
                self.within(|walk| walk.body(&set.body));
                self.depth -= 1;
                self.set(&set.target);
            }
            Stmt::AutoEscape(part) => self.within(|walk| walk.body(&part.body)),
            Stmt::FilterBlock(part) => {
                self.expr(&part.filter);
                self.within(|walk| walk.body(&part.body));
            }
            Stmt::Block(block) => {
                self.outline.blocks.push((block.name.to_owned(), block.span().start_offset as usize, self.depth == 0));
                self.depth += 1;
                self.within(|walk| {
                    walk.name("super");
                    walk.body(&block.body);
                });
                self.depth -= 1;
            }
            Stmt::Extends(extends) => self.heading(extends.span().start_offset as usize),
            Stmt::Import(import) => {
                let at = import.span().start_offset as usize;
                self.heading(at);
                // Names of the head are declared, as variables are.
                if at >= self.head {
                    self.set(&import.name);
                }
            }
            Stmt::FromImport(import) => {
                self.heading(import.span().start_offset as usize);
                import.names.iter().for_each(|(name, alias)| self.set(alias.as_ref().unwrap_or(name)));
            }
            Stmt::Include(include) => {
                self.stray(include.span().start_offset as usize);
                match &include.name {
                    Expr::Const(name) => {
                        let name = name.value.as_str().unwrap_or_default().to_owned();
                        self.outline.includes.push((name, include.span().start_offset as usize));
                    }
                    computed => self.expr(computed),
                }
            }
            Stmt::Macro(declared) => {
                self.outline.macros.push((declared.name.to_owned(), declared.span().start_offset as usize));
                self.name(declared.name);
                self.declared(declared);
            }
            Stmt::CallBlock(block) => {
                self.stray(block.span().start_offset as usize);
                self.call(&block.call);
                self.declared(&block.macro_decl);
            }
            Stmt::Do(action) => self.call(&action.call),
        }
    }

    fn heading(&mut self, at: usize) {
        if at >= self.head {
            self.outline.heads.push(at);
        }
    }

    fn declared(&mut self, declared: &ast::Macro<'a>) {
        declared.defaults.iter().for_each(|default| self.expr(default));
        self.depth += 1;
        self.within(|walk| {
            walk.name("caller");
            declared.args.iter().for_each(|argument| walk.set(argument));
            walk.body(&declared.body);
        });
        self.depth -= 1;
    }

    fn call(&mut self, call: &ast::Call<'a>) {
        self.expr(&call.expr);
        self.arguments(&call.args);
    }

    fn arguments(&mut self, arguments: &[CallArg<'a>]) {
        for argument in arguments {
            let (CallArg::Pos(value)
            | CallArg::Kwarg(_, value)
            | CallArg::PosSplat(value)
            | CallArg::KwargSplat(value)) = argument;
            self.expr(value);
        }
    }

    /// `x is defined` and `x | default(1)` do not need x.
    fn guard(&mut self, expr: &Expr<'a>) {
        match expr {
            Expr::Var(name) => drop(self.outline.guarded.insert(name.id.to_owned())),
            Expr::GetAttr(attribute) if matches!(attribute.expr, Expr::Var(_)) => {}
            other => self.expr(other),
        }
    }

    fn expr(&mut self, expr: &Expr<'a>) {
        match expr {
            Expr::Var(name) => {
                if !self.scopes.iter().any(|scope| scope.contains(name.id)) {
                    self.outline.used.push((name.id.to_owned(), name.span().start_offset as usize));
                }
            }
            Expr::Const(_) => {}
            Expr::Slice(slice) => {
                self.expr(&slice.expr);
                for part in [&slice.start, &slice.stop, &slice.step].into_iter().flatten() {
                    self.expr(part);
                }
            }
            Expr::UnaryOp(op) => self.expr(&op.expr),
            Expr::BinOp(op) => {
                self.expr(&op.left);
                self.expr(&op.right);
            }
            Expr::Compare(compare) => {
                self.expr(&compare.expr);
                compare.ops.iter().for_each(|op| self.expr(&op.expr));
            }
            Expr::IfExpr(choice) => {
                self.expr(&choice.test_expr);
                self.expr(&choice.true_expr);
                choice.false_expr.iter().for_each(|other| self.expr(other));
            }
            Expr::Filter(filter) => {
                self.outline.filters.push((filter.name.to_owned(), filter.span().start_offset as usize));
                match &filter.expr {
                    Some(value) if matches!(filter.name, "default" | "d") => self.guard(value),
                    Some(value) => self.expr(value),
                    None => {}
                }
                self.arguments(&filter.args);
            }
            Expr::Test(test) => {
                self.outline.tests.push((test.name.to_owned(), test.span().start_offset as usize));
                match test.name {
                    "defined" | "undefined" => self.guard(&test.expr),
                    _ => self.expr(&test.expr),
                }
                self.arguments(&test.args);
            }
            Expr::GetAttr(attribute) => {
                if let Expr::Var(object) = &attribute.expr {
                    let at = attribute.span().start_offset as usize;
                    if !self.scopes.iter().any(|scope| scope.contains(object.id)) {
                        self.outline.attributes.push((object.id.to_owned(), attribute.name.to_owned(), at));
                    }
                }
                self.expr(&attribute.expr);
            }
            Expr::GetItem(item) => {
                self.expr(&item.expr);
                self.expr(&item.subscript_expr);
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => list.items.iter().for_each(|item| self.expr(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.expr(item)),
            Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|item| self.expr(item)),
        }
    }
}
