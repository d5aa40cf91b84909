//! What a template may be, what may be filled in, and that nothing of it makes the crate panic or run on.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::limits::{BODY_BYTES, OUTPUT_BYTES};
use crate::{Choice, File, Given, Kind, Language, RenderError, Template, Variable};

fn variable(name: &str, kind: Kind) -> Variable {
    Variable { name: name.into(), label: "Label".into(), help: String::new(), kind, default: None, required: true }
}

fn text(name: &str) -> Variable {
    variable(name, Kind::Text { max_characters: 40, multiline: false })
}

fn template(body: &str, variables: Vec<Variable>) -> Template {
    Template {
        id: "a-1".into(),
        version: 1,
        title: "Title".into(),
        hardware: "Board".into(),
        language: Language::Text,
        description: "Description".into(),
        variables,
        files: vec![File { name: "a.txt".into(), body: body.into() }],
    }
}

fn given(values: Json) -> Given {
    serde_json::from_value(values).unwrap()
}

fn rendered(template: &Template, values: Json) -> Result<String, RenderError> {
    template.render(&given(values)).map(|files| files[0].text.clone())
}

/// The sentence of a template's only problem.
fn problem(template: &Template) -> String {
    let problems = template.check().unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].to_string()
}

#[test]
fn a_template_is_rendered_with_literals_conditions_loops_and_defaults() {
    let mut place = text("place");
    place.required = false;
    let mut pin = variable("pin", Kind::Integer { min: 0, max: 9 });
    pin.default = Some(json!(4));
    let body = "a={{ name | c_string }};\n{% if place %}\np={{ (\"in \" ~ place) | c_string }}\n{% endif %}\n\
                {% for n in [1, pin] %}{{ n }},{% endfor %}\n";
    let template = template(body, vec![text("name"), place, pin]);
    assert_eq!(template.check(), Ok(()));
    assert_eq!(rendered(&template, json!({"name": "a\"b"})).unwrap(), "a=\"a\\\"b\";\n1,4,");
    let full = json!({"name": "x", "place": "hall", "pin": 7});
    assert_eq!(rendered(&template, full).unwrap(), "a=\"x\";\np=\"in hall\"\n1,7,");
}

#[test]
fn text_that_goes_through_no_filter_is_found_and_refused() {
    for body in ["{{ a }}", "{{ a | url_part }}", "{{ (a | c_string)[1:] }}", "{{ (a | c_string) ~ a }}", "{{ [a] }}"] {
        let template = template(body, vec![text("a")]);
        let sentence = problem(&template);
        assert!(
            sentence.starts_with("file \"a.txt\", line 1: ") && sentence.contains("can be written")
                || sentence.contains("must go through a filter"),
            "{body}: {sentence}"
        );
        assert!(matches!(rendered(&template, json!({"a": "secret"})), Err(RenderError::File(_))), "{body}");
    }
}

#[test]
fn mistakes_of_an_author_are_told_with_their_line() {
    let a = || vec![text("a")];
    for (body, sentence) in [
        ("\n{{ b | c_string }}{{ a | c_string }}", "file \"a.txt\", line 2: there is no variable \"b\"; there are a"),
        ("x", "variable \"a\": no file uses it; use it or remove it"),
        ("\n\n{{ a | shout }}", "file \"a.txt\", line 3: there is no filter \"shout\"; there are c_string, "),
        ("{% if a %}", "file \"a.txt\", line 1: syntax error"),
        ("{{ a | c_string }}\n{% include \"/etc/passwd\" %}", "file \"a.txt\", line 2: the statement \"include\""),
        ("{{ a | c_string }}\n\u{202e}", "file \"a.txt\", line 2: has a control character"),
        ("{{ a | c_string }}{{ a.b.c }}", "file \"a.txt\", line 1: something stands here that does not exist"),
    ] {
        let found = problem(&template(body, a()));
        assert!(found.starts_with(sentence), "{body}: {found}");
    }
    let good = template("{{ a | c_string }}", a());
    let changed = |change: fn(&mut Template)| {
        let mut template = good.clone();
        change(&mut template);
        problem(&template)
    };
    type Case = (fn(&mut Template), &'static str);
    let cases: &[Case] = &[
        (|t| t.id = "../x".into(), "id: "),
        (|t| t.version = 0, "version: "),
        (|t| t.title = " ".into(), "title: is empty"),
        (|t| t.description = "x".repeat(5_000), "description: is longer"),
        (|t| t.files[0].name = "../a.txt".into(), "its name leads to"),
        (
            |t| t.files[0].name = "a.py".into(),
            "c_string writes a string literal of C and C++, with its quotes; use py_string",
        ),
        (|t| t.files[0].body.push_str(&"x".repeat(BODY_BYTES)), "is larger than"),
        (|t| t.files.push(File { name: "A.TXT".into(), body: String::new() }), "another file has the same name"),
        (|t| t.files.clear(), "files: a template has 1 to"),
        (|t| t.variables[0].label = String::new(), "label: is empty"),
        (|t| t.variables[0].default = Some(json!(7)), "its default is a number, not text; it takes text of at most 40"),
        (|t| t.variables[0].kind = Kind::Choice { options: Vec::new() }, "a choice has 1 to"),
        (
            |t| {
                let option = Choice { value: "a\"b".into(), label: String::new() };
                t.variables[0].kind = Kind::Choice { options: vec![option] };
            },
            "the value of an option is",
        ),
        (|t| t.variables.push(t.variables[0].clone()), "another variable has the same name"),
    ];
    for (change, part) in cases {
        let found = changed(*change);
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn what_was_filled_in_wrongly_is_told_by_name_with_what_is_allowed_and_without_the_value() {
    let options =
        vec![Choice { value: "x".into(), label: "X".into() }, Choice { value: "y".into(), label: "Y".into() }];
    let cases: Vec<(Kind, Json, &str)> = vec![
        (
            Kind::Text { max_characters: 3, multiline: false },
            json!("hush"),
            "is longer than 3 characters; it takes text of",
        ),
        (
            Kind::Text { max_characters: 9, multiline: false },
            json!("hu\nsh"),
            "has a line break, a tab or another control",
        ),
        (Kind::Secret { max_characters: 9 }, json!("hush\0"), "character, as character 5; it takes text"),
        (Kind::Secret { max_characters: 9 }, json!(["hush"]), "is a list, not text"),
        (Kind::Integer { min: 1, max: 5 }, json!(6), "is more than 5; it takes a whole number from 1 to 5"),
        (Kind::Integer { min: 1, max: 5 }, json!(0), "is less than 1"),
        (Kind::Integer { min: 1, max: 5 }, json!(1.5), "is not a whole number in range"),
        (Kind::Integer { min: 1, max: 5 }, json!("3"), "is text, not a number"),
        (Kind::Port, json!(65_536), "is more than 65535; it takes a whole number from 1 to 65535"),
        (Kind::Host, json!("hu sh"), "is not a host name; it takes a host name such as"),
        (
            Kind::WifiSsid,
            json!("hushhushhushhushhushhushhushhushh"),
            "is longer than 32 characters; it takes the name of",
        ),
        (Kind::WifiSsid, json!("é".repeat(17)), "is longer than 32 bytes"),
        (Kind::Url, json!("ftp://hush"), "does not begin with http:// or https://; it takes an address such as"),
        (Kind::Choice { options }, json!("hush"), "is none of the options; it takes one of \"x\", \"y\""),
        (Kind::Boolean, json!("hush"), "is text, not true or false; it takes true or false"),
        (
            Kind::Duration { min_seconds: 2, max_seconds: 60 },
            json!(1),
            "it takes a whole number of seconds from 2 to 60",
        ),
        (Kind::Boolean, json!(null), "is not filled in"),
        (Kind::Host, json!(""), "is not filled in"),
    ];
    for (kind, value, part) in cases {
        let body = "{% if a %}x{% endif %}";
        let error = rendered(&template(body, vec![variable("a", kind)]), json!({"a": value})).unwrap_err();
        let sentence = error.to_string();
        assert!(sentence.starts_with("variable \"a\" ") && sentence.contains(part), "{sentence}");
        assert!(!sentence.contains("hush") && !format!("{error:?}").contains("hush"), "{sentence}");
    }
    let unknown =
        rendered(&template("{{ a | c_string }}", vec![text("a")]), json!({"a": "x", "b": "hush"})).unwrap_err();
    assert_eq!(unknown.to_string(), "variable \"b\" is not one of this template's; it has a");
}

#[test]
fn a_template_that_loops_or_grows_stops_with_a_sentence() {
    let endless = "{% for a in x %}".repeat(12) + "{% if x %}y{% endif %}" + &"{% endfor %}".repeat(12);
    let many = vec![variable("x", Kind::Text { max_characters: 4_000, multiline: false })];
    let long = json!({"x": "x".repeat(4_000)});
    let error = rendered(&template(&endless, many.clone()), long.clone()).unwrap_err().to_string();
    assert!(error.contains("steps"), "{error}");
    for body in ["{{ (x * 1000000000) | c_string }}", "{{ (x * 9999) | url_part | c_string }}"] {
        let error = rendered(&template(body, many.clone()), long.clone()).unwrap_err().to_string();
        assert!(error.contains("steps") || error.contains("longer") || error.contains("large"), "{error}");
    }
    let large = format!("{{% for a in [1, 2, 3, 4, 5, 6] %}}{}{{% endfor %}}", "y".repeat(60_000));
    let error = rendered(&template(&large, Vec::new()), json!({})).unwrap_err().to_string();
    assert!(error.contains(&format!("larger than {OUTPUT_BYTES}")), "{error}");
    let files = (0..5).map(|n| File { name: format!("{n}.txt"), body: large.replace(", 5, 6", "") }).collect();
    let error = Template { files, ..template("", Vec::new()) }.render(&Given::new()).unwrap_err().to_string();
    assert!(error.contains("together"), "{error}");
}

#[test]
fn the_name_of_a_file_is_safe_whatever_was_filled_in() {
    let mut named = template("{{ a | c_string }}", vec![text("a")]);
    named.files[0].name = "{{ a | file_name }}/x.txt".into();
    assert_eq!(named.check(), Ok(()));
    assert_eq!(named.render(&given(json!({"a": "../../Etc"}))).unwrap()[0].name, "etc/x.txt");
    for name in ["..", "nul", "/"] {
        assert!(named.render(&given(json!({"a": name}))).is_err(), "{name}");
    }
    named.files[0].name = "{{ a | c_string }}.txt".into();
    assert!(problem(&named).contains("use file_name"), "{:?}", named.check());
}

/// Pieces of templates, so that random ones come far.
fn source() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{ "),
        Just(" }}"),
        Just("{% if "),
        Just("{% for x in "),
        Just(" %}"),
        Just("{% endif %}"),
        Just("{% endfor %}"),
        Just("{% else %}"),
        Just("{# "),
        Just(" #}"),
        Just("a"),
        Just("b"),
        Just(" | c_string"),
        Just(" | file_name"),
        Just("x"),
        Just("\"t\""),
        Just("'"),
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just(" ~ "),
        Just(" * "),
        Just("9"),
        Just("."),
        Just("loop.index"),
        Just("\n"),
        Just("-"),
        Just("fail("),
        Just(" is https"),
        Just("ä"),
        Just("{"),
        Just("%"),
        Just(":"),
        Just(", "),
        Just(" if "),
        Just(" in "),
        Just("not "),
        Just("\\"),
        Just("\u{2028}"),
        Just("{%- set b = "),
    ];
    prop_oneof![prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat()), any::<String>(),]
}

fn value() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<String>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        Just(Json::Null),
        Just(json!([1])),
        Just(json!({"a": 1})),
        Just(json!("http://a")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_text_and_no_value_makes_it_panic(name in source(), body in source(), a in value(), b in value()) {
        let kinds = [Kind::Text { max_characters: 40, multiline: true }, Kind::Url, Kind::Integer { min: i64::MIN, max: i64::MAX }];
        for kind in kinds {
            let mut template = template(&body, vec![text("a"), variable("b", kind)]);
            template.files.push(File { name: name.clone(), body: body.clone() });
            _ = template.check();
            _ = template.render(&Given::from([("a".to_owned(), a.clone()), ("b".to_owned(), b.clone())]));
            _ = crate::diff(&template, &crate::shipped()[0]);
        }
        _ = crate::syntax::scan(&body);
    }
}
