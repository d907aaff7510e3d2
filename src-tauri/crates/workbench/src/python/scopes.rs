//! Which names a Python text binds and uses, and where.

use super::{Finding, builtins::is_built_in};
use std::collections::{BTreeMap, BTreeSet};

/// What a scope is, as it decides which names are seen from within and what may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Module,
    Class,
    Function { is_async: bool },
    Lambda,
    Comprehension { is_async: bool, is_generator: bool },
}

/// What gives a name its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Value,
    Parameter,
    /// A function or a class.
    Definition,
    Import {
        at: usize,
        /// Its absence is provided for, or its use is elsewhere.
        is_kept: bool,
    },
}

struct Scope<'a> {
    kind: Kind,
    parent: Option<usize>,
    bound: BTreeMap<&'a str, Vec<How>>,
    /// Declared global or nonlocal here.
    elsewhere: BTreeMap<&'a str, Elsewhere>,
}

#[derive(Clone, Copy)]
pub(super) enum Elsewhere {
    Global,
    Nonlocal,
}

struct Use<'a> {
    name: &'a str,
    at: usize,
    scope: usize,
}

/// All scopes of a text; the first is the module's.
pub(super) struct Scopes<'a> {
    all: Vec<Scope<'a>>,
    current: usize,
    uses: Vec<Use<'a>>,
    /// Names that are asserted as they are.
    asserted: Vec<Use<'a>>,
    /// Words of texts and names of parameters, by which what is imported may be meant.
    mentioned: BTreeSet<&'a str>,
    /// Names come from elsewhere or go there, and nothing can be said of them.
    pub is_open: bool,
}

impl<'a> Scopes<'a> {
    pub fn new() -> Self {
        let mut scopes = Self {
            all: Vec::new(),
            current: 0,
            uses: Vec::new(),
            asserted: Vec::new(),
            mentioned: BTreeSet::new(),
            is_open: false,
        };
        scopes.enter(Kind::Module);
        scopes
    }

    pub fn enter(&mut self, kind: Kind) {
        let parent = (!self.all.is_empty()).then_some(self.current);
        self.current = self.all.len();
        self.all.push(Scope { kind, parent, bound: BTreeMap::new(), elsewhere: BTreeMap::new() });
    }

    pub fn leave(&mut self) {
        self.current = self.all[self.current].parent.expect("the module is never left");
    }

    pub fn kind(&self) -> Kind {
        self.all[self.current].kind
    }

    /// Kinds of the scopes around, innermost first.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        let parent = move |at: &usize| self.all[*at].parent;
        std::iter::successors(Some(self.current), parent).map(move |at| self.all[at].kind)
    }

    pub fn bind(&mut self, name: &'a str, how: How) {
        let scope = match self.all[self.current].elsewhere.get(name) {
            None => self.current,
            Some(Elsewhere::Global) => 0,
            // A scope around binds it too.
            Some(Elsewhere::Nonlocal) => return,
        };
        self.all[scope].bound.entry(name).or_default().push(how);
    }

    /// Binds a name as `:=` does: outside of the comprehensions around.
    pub fn bind_outside(&mut self, name: &'a str) {
        let inner = self.current;
        while let (Kind::Comprehension { .. }, Some(parent)) = (self.kind(), self.all[self.current].parent) {
            self.current = parent;
        }
        self.bind(name, How::Value);
        self.current = inner;
    }

    pub fn declare(&mut self, name: &'a str, elsewhere: Elsewhere) {
        self.all[self.current].elsewhere.insert(name, elsewhere);
    }

    pub fn is_parameter(&self, name: &str) -> bool {
        self.all[self.current].bound.get(name).is_some_and(|bound| bound.contains(&How::Parameter))
    }

    pub fn mention(&mut self, name: &'a str) {
        self.mentioned.insert(name);
    }

    pub fn read(&mut self, name: &'a str, at: usize) {
        self.is_open |= matches!(name, "exec" | "eval" | "globals" | "locals" | "vars" | "__builtins__");
        self.uses.push(Use { name, at, scope: self.current });
    }

    pub fn assert(&mut self, name: &'a str, at: usize) {
        self.asserted.push(Use { name, at, scope: self.current });
    }

    /// Whether a name is read within these bytes.
    pub fn is_read_between(&self, name: &str, from: usize, to: usize) -> bool {
        self.uses.iter().any(|used| used.name == name && (from..to).contains(&used.at))
    }

    /// The scope that a name is found in: the nearest around that binds it. Those of classes are seen from themselves
    /// alone.
    fn found(&self, name: &str, from: usize) -> Option<usize> {
        let parent = |at: &usize| self.all[*at].parent;
        std::iter::successors(Some(from), parent).find(|at| {
            let scope = &self.all[*at];
            (*at == from || scope.kind != Kind::Class) && scope.bound.contains_key(name)
        })
    }

    /// Names that nothing binds, imports that nothing uses, and functions that are asserted rather than called.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = self.uncalled();
        if self.is_open {
            return findings;
        }
        let (mut used, mut told) = (BTreeSet::new(), BTreeSet::new());
        for Use { name, at, scope } in &self.uses {
            match self.found(name, *scope) {
                Some(scope) => drop(used.insert((scope, *name))),
                None if is_built_in(name) || !told.insert(*name) => {}
                None => findings.push(Finding {
                    at: *at,
                    reason: format!("{name} is used, and nothing gives it a value"),
                    remedy: "Define or import it, or correct the name",
                }),
            }
        }
        for (number, scope) in self.all.iter().enumerate() {
            let idle = scope
                .bound
                .iter()
                .filter(|(name, _)| !used.contains(&(number, **name)) && !self.mentioned.contains(*name));
            for (name, how) in idle.flat_map(|(name, all)| all.iter().map(move |how| (name, how))) {
                if let How::Import { at, is_kept: false } = how {
                    let reason = format!("{name} is imported and never used");
                    findings.push(Finding { at: *at, reason, remedy: "Use it, or take the import out" });
                }
            }
        }
        findings
    }

    fn uncalled(&self) -> Vec<Finding> {
        let is_definition = |used: &&Use| {
            let scope = self.found(used.name, used.scope);
            scope.is_some_and(|scope| self.all[scope].bound[used.name].iter().all(|how| *how == How::Definition))
        };
        let finding = |used: &Use| Finding {
            at: used.at,
            reason: format!("this cannot fail: {} is a function, and not called", used.name),
            remedy: "Call it",
        };
        self.asserted.iter().filter(is_definition).map(finding).collect()
    }
}
