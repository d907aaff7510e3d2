//! Walks over a Python module once: what stands where it must not, which names are bound and used, and what makes its
//! tests blind.

use super::{
    Finding, OLDEST,
    rules::{self, Second},
    scopes::{Elsewhere, How, Kind, Scopes},
};
use ruff_python_ast::{
    Alias, Comprehension, ExceptHandler, Expr, ExprContext, ModModule, Parameters, Pattern, PythonVersion, Stmt,
    StmtClassDef, StmtFunctionDef, StmtTry, StringLiteral, TypeParam,
    visitor::{Visitor, walk_body, walk_expr, walk_pattern, walk_stmt, walk_type_param},
};
use ruff_python_parser::semantic_errors::{
    LazyImportContext, SemanticSyntaxChecker, SemanticSyntaxContext, SemanticSyntaxError,
};
use ruff_text_size::{Ranged, TextRange};
use std::{cell::RefCell, mem};

pub(super) struct Walk<'a> {
    text: &'a str,
    checker: SemanticSyntaxChecker,
    misplaced: RefCell<Vec<SemanticSyntaxError>>,
    annotations_are_text: bool,
    scopes: Scopes<'a>,
    /// Loops around, within the function.
    loops: usize,
    /// `try` around.
    attempts: usize,
    /// `try` around whose handlers wait for a name that is not there.
    guards: usize,
    seconds: Vec<Second<'a>>,
    blind: Vec<Finding>,
}

impl<'a> Walk<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            checker: SemanticSyntaxChecker::new(),
            misplaced: RefCell::default(),
            annotations_are_text: false,
            scopes: Scopes::new(),
            loops: 0,
            attempts: 0,
            guards: 0,
            seconds: Vec::new(),
            blind: Vec::new(),
        }
    }

    pub fn module(&mut self, module: &'a ModModule) {
        self.visit_body(&module.body);
    }

    /// What Python refuses although the grammar allows it: `return` outside of a function.
    pub fn misplaced(&self) -> Vec<SemanticSyntaxError> {
        self.misplaced.borrow().clone()
    }

    /// All that is wrong in a module that can be read, from its first line to its last.
    pub fn findings(self) -> Vec<Finding> {
        let mut findings = self.blind;
        findings.extend(self.seconds.iter().filter_map(|second| second.finding(&self.scopes)));
        findings.extend(self.scopes.findings());
        findings.sort_by_key(|finding| finding.at);
        findings
    }

    fn within(&mut self, kind: Kind, visit: impl FnOnce(&mut Self)) {
        let loops = mem::take(&mut self.loops);
        self.scopes.enter(kind);
        visit(self);
        self.scopes.leave();
        self.loops = loops;
    }

    fn function(&mut self, function: &'a StmtFunctionDef) {
        function.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        function.type_params.iter().for_each(|types| self.visit_type_params(types));
        self.visit_parameters(&function.parameters);
        function.returns.iter().for_each(|returns| self.visit_annotation(returns));
        self.scopes.bind(&function.name, How::Definition);
        self.within(Kind::Function { is_async: function.is_async }, |walk| {
            walk.bind_parameters(&function.parameters);
            walk.visit_body(&function.body);
        });
    }

    fn bind_parameters(&mut self, parameters: &'a Parameters) {
        for parameter in parameters {
            self.scopes.bind(parameter.name(), How::Parameter);
            // pytest takes a fixture by the name of the parameter.
            self.scopes.mention(parameter.name());
        }
    }

    fn class(&mut self, class: &'a StmtClassDef) {
        class.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        class.type_params.iter().for_each(|types| self.visit_type_params(types));
        class.arguments.iter().for_each(|arguments| self.visit_arguments(arguments));
        self.scopes.bind(&class.name, How::Definition);
        self.within(Kind::Class, |walk| walk.visit_body(&class.body));
    }

    fn looped(&mut self, body: &'a [Stmt], otherwise: &'a [Stmt]) {
        self.loops += 1;
        self.visit_body(body);
        self.loops -= 1;
        self.visit_body(otherwise);
    }

    fn attempt(&mut self, attempt: &'a StmtTry) {
        let guards = usize::from(attempt.handlers.iter().any(waits_for_a_name));
        (self.attempts, self.guards) = (self.attempts + 1, self.guards + guards);
        self.visit_body(&attempt.body);
        self.guards -= guards;
        for handler in &attempt.handlers {
            let ExceptHandler::ExceptHandler(caught) = handler;
            caught.name.iter().for_each(|name| self.scopes.bind(name, How::Value));
            self.visit_except_handler(handler);
        }
        self.visit_body(&attempt.orelse);
        self.attempts -= 1;
        self.visit_body(&attempt.finalbody);
    }

    /// `import a.b` binds a; `from a import b` binds b.
    fn import(&mut self, alias: &'a Alias, from: Option<&str>) {
        let first = alias.name.split('.').next().unwrap_or(&alias.name);
        let (at, is_again) = (alias.start().into(), alias.asname.as_ref().is_some_and(|name| **name == *alias.name));
        match (&alias.asname, from) {
            (_, Some("__future__")) => self.annotations_are_text |= &alias.name == "annotations",
            _ if &alias.name == "*" => self.scopes.is_open = true,
            (name, _) => {
                let is_kept = is_again || self.attempts > 0 || self.is_waived(at);
                self.scopes.bind(name.as_deref().unwrap_or(first), How::Import { at, is_kept });
            }
        }
    }

    /// Its line says `# noqa`, as linters know it.
    fn is_waived(&self, at: usize) -> bool {
        self.text[at..].lines().next().is_some_and(|rest| rest.contains("# noqa"))
    }

    fn comprehension(&mut self, generators: &'a [Comprehension], is_generator: bool, visit: impl FnOnce(&mut Self)) {
        let Some((first, others)) = generators.split_first() else { return };
        self.visit_expr(&first.iter);
        let is_async = generators.iter().any(|generator| generator.is_async);
        self.within(Kind::Comprehension { is_async, is_generator }, |walk| {
            walk.visit_expr(&first.target);
            first.ifs.iter().for_each(|condition| walk.visit_expr(condition));
            others.iter().for_each(|generator| walk.visit_comprehension(generator));
            visit(walk);
        });
    }
}

/// `except NameError`.
fn waits_for_a_name(handler: &ExceptHandler) -> bool {
    let ExceptHandler::ExceptHandler(handler) = handler;
    let is_it = |expr: &Expr| matches!(expr, Expr::Name(name) if name.id.as_str() == "NameError");
    match handler.type_.as_deref() {
        Some(Expr::Tuple(errors)) => errors.elts.iter().any(is_it),
        Some(error) => is_it(error),
        None => false,
    }
}

impl<'a> Visitor<'a> for Walk<'a> {
    fn visit_body(&mut self, body: &'a [Stmt]) {
        self.seconds.extend(rules::seconds(body));
        walk_body(self, body);
    }

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let mut checker = mem::take(&mut self.checker);
        checker.visit_stmt(stmt, self);
        self.checker = checker;
        rules::of_statement(stmt, &mut self.blind);
        match stmt {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Try(attempt) => self.attempt(attempt),
            Stmt::Import(import) => import.names.iter().for_each(|alias| self.import(alias, None)),
            Stmt::ImportFrom(import) => {
                let from = import.module.as_deref().unwrap_or_default();
                import.names.iter().for_each(|alias| self.import(alias, Some(from)));
            }
            Stmt::Global(global) => {
                global.names.iter().for_each(|name| self.scopes.declare(name, Elsewhere::Global));
            }
            Stmt::Nonlocal(nonlocal) => {
                nonlocal.names.iter().for_each(|name| self.scopes.declare(name, Elsewhere::Nonlocal));
            }
            Stmt::For(each) => {
                self.visit_expr(&each.iter);
                self.visit_expr(&each.target);
                self.looped(&each.body, &each.orelse);
            }
            Stmt::While(while_) => {
                self.visit_expr(&while_.test);
                self.looped(&while_.body, &while_.orelse);
            }
            Stmt::Assert(assertion) => {
                if let Expr::Name(name) = &*assertion.test {
                    self.scopes.assert(&name.id, assertion.start().into());
                }
                walk_stmt(self, stmt);
            }
            // A text that stands by itself explains, and means no name by its words.
            Stmt::Expr(text) if text.value.is_string_literal_expr() => {}
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let mut checker = mem::take(&mut self.checker);
        checker.visit_expr(expr, self);
        self.checker = checker;
        match expr {
            Expr::Name(name) => match name.ctx {
                ExprContext::Store => self.scopes.bind(&name.id, How::Value),
                ExprContext::Load | ExprContext::Del if self.guards == 0 => {
                    self.scopes.read(&name.id, name.start().into());
                }
                _ => self.scopes.mention(&name.id),
            },
            Expr::Named(named) => {
                self.visit_expr(&named.value);
                if let Expr::Name(name) = &*named.target {
                    self.scopes.bind_outside(&name.id);
                }
            }
            Expr::Lambda(lambda) => {
                lambda.parameters.iter().for_each(|parameters| self.visit_parameters(parameters));
                self.within(Kind::Lambda, |walk| {
                    lambda.parameters.iter().for_each(|parameters| walk.bind_parameters(parameters));
                    walk.visit_expr(&lambda.body);
                });
            }
            Expr::ListComp(list) => self.comprehension(&list.generators, false, |walk| walk.visit_expr(&list.elt)),
            Expr::SetComp(set) => self.comprehension(&set.generators, false, |walk| walk.visit_expr(&set.elt)),
            Expr::Generator(all) => self.comprehension(&all.generators, true, |walk| walk.visit_expr(&all.elt)),
            Expr::DictComp(dict) => self.comprehension(&dict.generators, false, |walk| {
                dict.key.iter().for_each(|key| walk.visit_expr(key));
                walk.visit_expr(&dict.value);
            }),
            _ => walk_expr(self, expr),
        }
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let bound = match pattern {
            Pattern::MatchAs(part) => &part.name,
            Pattern::MatchStar(part) => &part.name,
            Pattern::MatchMapping(part) => &part.rest,
            _ => &None,
        };
        bound.iter().for_each(|name| self.scopes.bind(name, How::Value));
        walk_pattern(self, pattern);
    }

    fn visit_type_param(&mut self, parameter: &'a TypeParam) {
        self.scopes.bind(parameter.name(), How::Value);
        walk_type_param(self, parameter);
    }

    /// An annotation or a list of what a module offers names things in texts.
    fn visit_string_literal(&mut self, text: &'a StringLiteral) {
        let words = text.value.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.for_each(|word| self.scopes.mention(word));
    }
}

impl SemanticSyntaxContext for Walk<'_> {
    fn future_annotations_or_stub(&self) -> bool {
        self.annotations_are_text
    }

    /// Refused with the syntax, which is newer.
    fn lazy_import_context(&self) -> Option<LazyImportContext> {
        None
    }

    fn python_version(&self) -> PythonVersion {
        OLDEST
    }

    fn source(&self) -> &str {
        self.text
    }

    /// Not asked, as declarations are seen when the walk comes by.
    fn global(&self, _: &str) -> Option<TextRange> {
        None
    }

    /// The scope around may bind it further down.
    fn has_nonlocal_binding(&self, _: &str) -> bool {
        true
    }

    fn in_async_context(&self) -> bool {
        let decides = self.scopes.kinds().find(|kind| !matches!(kind, Kind::Comprehension { .. }));
        matches!(decides, Some(Kind::Function { is_async: true }))
    }

    fn in_await_allowed_context(&self) -> bool {
        let decides = self.scopes.kinds().find(|kind| !matches!(kind, Kind::Comprehension { .. }));
        matches!(decides, Some(Kind::Function { .. } | Kind::Lambda))
    }

    fn in_yield_allowed_context(&self) -> bool {
        matches!(self.scopes.kind(), Kind::Function { .. } | Kind::Lambda)
    }

    fn in_sync_comprehension(&self) -> bool {
        self.scopes.kinds().any(|kind| kind == Kind::Comprehension { is_async: false, is_generator: false })
    }

    fn in_class_body_comprehension(&self) -> bool {
        let around = self.scopes.kinds().find(|kind| !matches!(kind, Kind::Comprehension { .. }));
        around == Some(Kind::Class)
    }

    fn in_module_scope(&self) -> bool {
        self.scopes.kind() == Kind::Module
    }

    fn in_function_scope(&self) -> bool {
        matches!(self.scopes.kind(), Kind::Function { .. })
    }

    fn in_generator_context(&self) -> bool {
        matches!(self.scopes.kind(), Kind::Comprehension { is_generator: true, .. })
    }

    fn in_notebook(&self) -> bool {
        false
    }

    fn report_semantic_error(&self, error: SemanticSyntaxError) {
        self.misplaced.borrow_mut().push(error);
    }

    fn in_loop_context(&self) -> bool {
        self.loops > 0
    }

    fn is_bound_parameter(&self, name: &str) -> bool {
        self.scopes.is_parameter(name)
    }
}
