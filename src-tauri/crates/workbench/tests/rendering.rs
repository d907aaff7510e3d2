//! What is rendered: the right template, its origin, and limits that hostile templates meet.

use contract::Platform;
use std::{collections::BTreeMap, time::Instant};
use workbench::{Kind, Library, Request, TemplateError, render};

fn library(texts: &[(&str, &str)]) -> Library {
    Library::new(texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
}

fn request(model_type: &str) -> Request {
    Request { model_type: model_type.into(), platform: Platform::Cpu, kind: Kind::Test, variables: BTreeMap::new() }
}

const BASE: (&str, &str) = (
    "base.py",
    "---\nkind = \"base\"\n---\n# {{ model.model_type }}\n{% block device %}\ndevice = {{ platform.torch_device | py }}\n{% endblock %}\n{% block body %}{% endblock %}\n",
);
const ALL: (&str, &str) = (
    "test/all.py",
    "---\nkind = \"test\"\nextends = \"base.py\"\n[variables.batch]\ntype = \"integer\"\ndefault = 2\nallowed = [2, 4]\nhelp = \"Samples\"\n---\n{% block body %}\nbatch = {{ batch }}\nkind = \"any\"\n{% endblock %}\n",
);
const DECODERS: (&str, &str) = (
    "test/decoder.py",
    "---\nkind = \"test\"\nfamily = \"decoder\"\nextends = \"test/all.py\"\n---\n{% block body %}\n{{ super() }}kind = \"decoder\"\n{% endblock %}\n",
);
const LLAMA: (&str, &str) = (
    "test/llama.py",
    "---\nkind = \"test\"\nmodel_type = \"llama\"\nextends = \"test/decoder.py\"\nplatforms = [\"cpu\"]\n---\n{% block device %}\ndevice = \"own\"\n{% endblock %}\n",
);

#[test]
fn the_most_specific_template_wins_and_blocks_are_overridden_at_each_level() {
    let library = library(&[BASE, ALL, DECODERS, LLAMA]);
    assert_eq!(library.broken(), []);
    let vision = render(&library, &request("vit")).unwrap();
    assert_eq!(vision.text, "# vit\ndevice = \"cpu\"\nbatch = 2\nkind = \"any\"\n");
    let mistral = render(&library, &request("mistral")).unwrap();
    assert_eq!(mistral.text, "# mistral\ndevice = \"cpu\"\nbatch = 2\nkind = \"any\"\nkind = \"decoder\"\n");
    let llama = render(&library, &request("llama")).unwrap();
    assert_eq!(llama.text, "# llama\ndevice = \"own\"\nbatch = 2\nkind = \"any\"\nkind = \"decoder\"\n");
    assert_eq!((llama.path.as_str(), llama.template.as_str()), ("tests/test_llama_cpu.py", "test/llama.py"));
}

#[test]
fn each_line_knows_where_it_came_from() {
    let library = library(&[BASE, ALL, DECODERS, LLAMA]);
    let llama = render(&library, &request("llama")).unwrap();
    let origin: Vec<(&str, u32)> = llama.origin.iter().map(|origin| (&*origin.template, origin.line)).collect();
    let expected =
        [("base.py", 4), ("test/llama.py", 8), ("test/all.py", 11), ("test/all.py", 12), ("test/decoder.py", 7)];
    assert_eq!(origin, expected);
    // A fact was computed there, the rest was written there.
    assert_eq!(llama.origin_of(0, &library).unwrap().column, Some(1));
    assert_eq!(llama.origin_of(2, &library).unwrap().column, None);
}

#[test]
fn values_are_checked_against_what_is_declared() {
    let library = library(&[BASE, ALL]);
    let with = |name: &str, value: serde_json::Value| {
        let variables = BTreeMap::from([(name.to_owned(), value)]);
        render(&library, &Request { variables, ..request("bert") })
    };
    assert!(with("batch", 4.into()).unwrap().text.contains("batch = 4"));
    assert!(with("batch", 3.into()).unwrap_err().to_string().contains("3 is not one of 2, 4"));
    assert!(with("batch", "2".into()).unwrap_err().to_string().contains("\"2\" is not a whole number"));
    assert!(with("bath", 2.into()).unwrap_err().to_string().contains("no such variable"));
}

#[test]
fn what_cannot_be_made_is_refused_with_its_reason() {
    let library = library(&[BASE, ALL, DECODERS, LLAMA]);
    let on = |platform| render(&library, &Request { platform, ..request("llama") }).unwrap_err();
    assert!(on(Platform::WebGpu).to_string().contains("Python must not pretend to be one"));
    assert!(on(Platform::Cuda).to_string().contains("test/llama.py does not list it"));
    let skill = render(&library, &Request { kind: Kind::Skill, ..request("llama") }).unwrap_err();
    assert!(matches!(skill, TemplateError::NoTemplate { .. }));
    assert!(matches!(render(&library, &request("no-such")).unwrap_err(), TemplateError::UnknownModel(_)));
}

/// The reason a template with this body is refused for, which must come quickly.
fn refusal(body: &str) -> String {
    let text = format!("---\nkind = \"test\"\n---\n{body}");
    let library = library(&[("t.py", &text), ("u.py", "---\nkind = \"base\"\n---\n\n{% include \"t.py\" %}\n")]);
    let started = Instant::now();
    let refusal = render(&library, &request("bert")).expect_err(body).to_string();
    assert!(started.elapsed().as_secs() < 5, "{body} took {:?}", started.elapsed());
    refusal
}

#[test]
fn hostile_templates_are_refused_with_their_line() {
    let laughs = "{% set ns = namespace(x=\"lol\") %}\n{% for i in range(60) %}\n{% set ns.x = ns.x ~ ns.x %}\n{% endfor %}\n{{ ns.x }}\n";
    assert!(refusal(laughs).starts_with("t.py, line 6"), "{}", refusal(laughs));
    let macros =
        "{% macro a(n) %}{% if n > 0 %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}lol{% endmacro %}\n{{ a(40) }}\n";
    assert!(refusal(macros).contains("t.py, line 4"), "{}", refusal(macros));
    assert!(refusal("\n{% include \"u.py\" %}\n").contains("without end"), "{}", refusal("\n{% include \"u.py\" %}\n"));
    let endless = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}\n";
    assert!(refusal(endless).starts_with("t.py, line 4"), "{}", refusal(endless));
    let nest = "{% set ns = namespace(x=[1]) %}\n{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}";
    for end in ["", " | py", " | json", " | module", " | string", " | tojson", " | pprint"] {
        let nested = format!("{nest}\n{{{{ ns.x{end} }}}}\n");
        assert!(refusal(&nested).starts_with("t.py, line 6"), "{}", refusal(&nested));
    }
    let wide = "{{ [1] | tojson(indent=999999999) }}";
    assert!(refusal(wide).contains("too large"), "{}", refusal(wide));
    let long = "{% for i in range(9000) %}{{ \"0123456789012345678901234567890123456789012345678901234567890123456789\" }}{% endfor %}";
    assert!(refusal(long).contains("bytes, more than"), "{}", refusal(long));
}

/// Reading them recurses in the engine, where too many would end the program.
#[test]
fn what_nests_without_end_is_refused_before_the_engine_reads_it() {
    let chain = |begin: &str, link: &str, end: &str| format!("\n{{{{ {begin}{}{end} }}}}\n", link.repeat(20_000));
    let rows = [
        chain("1", " + 1", ""),
        chain("model", ".a", ""),
        chain("", "not ", "1"),
        chain("1", "|abs", ""),
        chain("1", " if 1 else 1", ""),
        format!("\n{{% if 1 %}}{}{{% endif %}}\n", "{% elif 1 %}".repeat(20_000)),
    ];
    for row in rows {
        let library = library(&[("t.py", &format!("---\nkind = \"test\"\n---\n{row}"))]);
        let said = library.broken()[0].to_string();
        assert!(said.starts_with("t.py, line 5: ") && said.contains("more than 300"), "{said}");
    }
    let wide = format!("---\nkind = \"test\"\n---\nx = {{{{ [{}1] | sum }}}}\n", "1, ".repeat(1_999));
    assert_eq!(render(&library(&[("t.py", &wide)]), &request("bert")).unwrap().text, "x = 2000\n");
}

#[test]
fn nothing_outside_of_its_context_is_readable() {
    assert!(refusal("{% include \"/etc/hostname\" %}").contains("non-existing template '/etc/hostname'"));
    assert!(refusal("{{ debug() }}").contains("t.py, line 4"));
    assert!(refusal("\n{{ nothing.there }}").starts_with("t.py, line 5, column 4"));
    assert!(refusal("{{ env(\"HOME\") }}").contains("t.py, line 4"));
}
