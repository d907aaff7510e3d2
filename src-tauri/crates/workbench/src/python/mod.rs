//! Checking rendered Python: that it can be read, and that nothing in it keeps a test from failing or a module from
//! running.

mod builtins;
mod rules;
mod scopes;
mod walk;

use crate::{Library, Problem, Rendered};
use ruff_python_ast::PythonVersion;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;
use walk::Walk;

/// The oldest Python that generated files run on.
const OLDEST: PythonVersion = PythonVersion::PY310;

/// Something wrong in a Python text.
#[derive(Debug)]
struct Finding {
    /// The byte of the text where it stands.
    at: usize,
    reason: String,
    remedy: &'static str,
}

/// What is wrong in rendered Python, at the line of the template that made it; at its column too, where the text was
/// written there. What cannot be read is not looked into further.
pub(crate) fn check_python(rendered: &Rendered, library: &Library) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    findings(&rendered.text)
        .into_iter()
        .map(|finding| rendered.problem(finding.at, finding.reason, finding.remedy, library))
        // A mistake of a template is told once, however often a loop repeats it.
        .filter(|problem| seen.insert((problem.template.clone(), problem.line, problem.reason.clone())))
        .collect()
}

fn findings(text: &str) -> Vec<Finding> {
    let options = ParseOptions::from(Mode::Module).with_target_version(OLDEST);
    let parsed = parse_unchecked(text, options).try_into_module().expect("a module was asked for");
    let mut walk = Walk::new(text);
    walk.module(parsed.syntax());
    let errors = parsed.errors().iter().map(|error| unreadable(error.start().into(), &error.error.to_string()));
    let newer = parsed.unsupported_syntax_errors().iter();
    let newer = newer.map(|error| unreadable(error.start().into(), &error.to_string()));
    let misplaced = walk.misplaced().into_iter().map(|error| unreadable(error.start().into(), &error.to_string()));
    let mut unreadable: Vec<Finding> = errors.chain(newer).chain(misplaced).collect();
    if unreadable.is_empty() {
        return walk.findings();
    }
    unreadable.sort_by_key(|finding| finding.at);
    // What follows from the first mistake of a line says nothing new.
    unreadable.dedup_by_key(|finding| text[..finding.at.min(text.len())].matches('\n').count());
    unreadable
}

fn unreadable(at: usize, reason: &str) -> Finding {
    let mut letters = reason.chars();
    let reason: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
    Finding { at, reason: format!("not Python: {reason}"), remedy: "Correct this line, or the one before it" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line, from 1, and reason of each finding.
    fn said(text: &str) -> Vec<(usize, String)> {
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        findings(text).into_iter().map(|finding| (line(finding.at), finding.reason)).collect()
    }

    fn sound(text: &str) {
        assert_eq!(said(text), [], "{text}");
    }

    /// That the text has one finding, on this line and in these words.
    fn wrong(text: &str, line: usize, words: &str) {
        let said = said(text);
        assert!(said.len() == 1 && said[0].0 == line && said[0].1.contains(words), "{words:?} of {text}: {said:?}");
    }

    /// That the first finding is on this line and in these words; what it leads to further down is not looked at.
    fn first(text: &str, line: usize, words: &str) {
        let said = said(text);
        assert!(
            said.first().is_some_and(|said| said.0 == line && said.1.contains(words)),
            "{words:?} of {text}: {said:?}"
        );
    }

    #[test]
    fn what_python_cannot_read_is_told() {
        first("x = 1,)\n", 1, "not Python: ");
        first("def f():\nreturn 1\n", 2, "not Python: expected an indented block");
        first("if 1:\n    a = 1\n  b = 2\n", 3, "not Python: ");
        first("x = 'a\n", 1, "not Python: ");
        assert!(!findings("x = (1,\n").is_empty());
        wrong("for x in range(2):\n    pass\nbreak\n", 3, "`break` outside loop");
        wrong("return 1\n", 1, "outside of a function");
        wrong("def f(a, a):\n    return a\n", 1, "uplicate parameter");
        wrong("def f():\n    await f()\n", 2, "outside of an asynchronous function");
        wrong("type Name = int\n", 1, "on Python 3.10");
        wrong("x = 1\nfrom __future__ import annotations\n", 2, "top of the file");
    }

    #[test]
    fn what_is_misplaced_elsewhere_may_stand_where_it_belongs() {
        sound("async def f(xs):\n    return [await x for x in xs]\n");
        sound(
            "def f():\n    for x in range(2):\n        while x:\n            break\n        else:\n            continue\n",
        );
        sound("def f():\n    x = yield\n    return lambda: (yield x)\n");
        sound(
            "match [1]:\n    case [first, *rest]:\n        print(first, rest)\n    case {'a': a, **others}:\n        print(a, others)\n",
        );
    }

    #[test]
    fn an_assertion_that_cannot_fail_is_told() {
        for test in [
            "True",
            "1",
            "'text'",
            "(x, 'message')",
            "[x]",
            "not False",
            "x or True",
            "1 and 'a'",
            "(i for i in x)",
            "lambda: x",
            "f'{x} is wrong'",
        ] {
            wrong(&format!("x = 1\nassert {test}\n"), 2, "cannot fail");
        }
        wrong("def check():\n    return False\n\n\nassert check\n", 5, "check is a function, and not called");
        for test in ["x", "x == x", "x, 'message'", "x and True", "f'{x}'", "[*x]", "False", "x()"] {
            sound(&format!("x = 1\nassert {test}\n"));
        }
    }

    #[test]
    fn a_test_without_anything_in_it_is_told() {
        wrong("def test_a():\n    pass\n", 1, "test_a does nothing");
        wrong("def test_a():\n    \"\"\"Says much.\"\"\"\n", 1, "test_a does nothing");
        sound("def helper():\n    pass\n\n\ndef test_a():\n    helper()\n");
    }

    #[test]
    fn an_error_that_goes_by_unseen_is_told() {
        let attempt = |handler: &str| format!("import pytest\ntry:\n    pytest.x()\n{handler}\n");
        wrong(&attempt("except:\n    print()"), 4, "catches everything");
        wrong(&attempt("except Exception:\n    pass"), 4, "goes by unseen");
        wrong(&attempt("except (ValueError, BaseException) as e:\n    ..."), 4, "goes by unseen");
        wrong(&attempt("except Exception as e:\n    pytest.skip(str(e))"), 4, "turns every error into a skip");
        sound(&attempt("except:\n    print()\n    raise"));
        sound(&attempt("except ValueError:\n    pass"));
        sound(&attempt("except ImportError:\n    pytest.skip('torch is missing')"));
        sound(&attempt("except Exception as e:\n    print(e)"));
    }

    #[test]
    fn a_definition_that_hides_another_is_told() {
        wrong("def test_a():\n    print()\n\n\ndef test_a():\n    print()\n", 5, "test_a is defined a second time");
        wrong("class A:\n    def f(self):\n        print()\n\n    def f(self):\n        print()\n", 5, "f is defined");
        sound("def f():\n    print()\n\n\ng = f\n\n\ndef f():\n    g()\n");
        sound(
            "class A:\n    @property\n    def f(self):\n        return 1\n\n    @f.setter\n    def f(self, x):\n        print(x)\n",
        );
        sound("if 1 > 2:\n    def f():\n        print()\nelse:\n    def f():\n        print(2)\n");
    }

    #[test]
    fn a_name_that_nothing_binds_is_told_once() {
        wrong("def f():\n    return nothing\n\n\nprint(nothing)\n", 2, "nothing is used");
        wrong("class A:\n    size = 2\n\n    def f(self):\n        return size\n", 5, "size is used");
        wrong("def f():\n    inner = 1\n    return inner\n\n\nprint(inner)\n", 6, "inner is used");
        wrong("print([x for x in range(2)], x)\n", 1, "x is used");
    }

    #[test]
    fn every_way_to_bind_a_name_counts() {
        sound("from __future__ import annotations\nimport os.path as p, sys\nprint(p, sys, __name__, __file__)\n");
        sound("def f(a, /, b, *c, d=1, **e):\n    return a, b, c, d, e\n");
        sound("def f():\n    return later()\n\n\ndef later():\n    return f\n");
        sound(
            "for a, (b, *c) in []:\n    print(a, b, c)\nwith open('x') as d, open('y') as (e, f):\n    print(d, e, f)\n",
        );
        sound("try:\n    print()\nexcept OSError as error:\n    print(error)\nif (n := 2) > 1:\n    print(n)\n");
        sound("print([y for x in range(2) if (y := x)], y)\nprint({k: v for k, v in {}.items()})\n");
        sound("def f():\n    global g\n    g = 1\n\n\nprint(g)\n");
        sound(
            "def f():\n    x = 1\n\n    def h():\n        nonlocal x\n        x += 1\n        return x\n    return h\n",
        );
        sound("class A:\n    n = 2\n    all = [0 for _ in range(n)]\n");
        sound("class A:\n    def f(self):\n        return __class__, super()\n");
        sound("try:\n    unicode\nexcept NameError:\n    print()\n");
        sound("from os import *\nprint(getcwd())\n");
        sound("f = lambda x, *y: (x, y)\nprint(f)\n");
    }

    #[test]
    fn an_import_that_nothing_uses_is_told() {
        wrong("import os\nimport sys\nprint(sys)\n", 1, "os is imported and never used");
        wrong("from os import path as p, sep\nprint(sep)\n", 1, "p is imported");
        wrong("def f():\n    import os\n    return 1\n", 2, "os is imported");
        wrong("import os\n\n\ndef f():\n    os = 1\n    return os\n", 1, "os is imported");
        sound("import os.path\nprint(os)\n");
        sound("import registered  # noqa: F401\n");
        sound("try:\n    import torch\nexcept ImportError:\n    raise SystemExit('PyTorch is missing') from None\n");
        sound("from given import model\n\n\ndef test_a(model):\n    print(1)\n");
        sound("import numpy as np\n\n\ndef f(x: 'list[np.ndarray]'):\n    return x\n");
        sound("from given import shape as shape\nfrom given import size\n__all__ = ['size']\n");
        sound("import os\nexec('os.getcwd()')\n");
    }
}
