//! Tests of the grammar: what is read, and what InfluxDB says of what is not.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::influxql::ast::{Binary, BinaryOperator, Call, DataType, Expr, VarRef, Wildcard};

fn shown(text: &str) -> String {
    match parse(text) {
        Ok(statements) => statements.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Err(error) => format!("error: {error}"),
    }
}

/// A line of InfluxQL and, behind a tab, what influxd 1.6.7 (its parser is that of 1.8) says is wrong with it.
const ERRORS: &str = include_str!("errors.txt");

#[test]
fn errors_are_those_of_influxdb() {
    let mut lines = ERRORS.lines();
    let mut count = 0;
    while let (Some(statement), Some(message)) = (lines.next(), lines.next()) {
        assert_eq!(shown(statement), format!("error: {}", message.trim_start_matches('\t')), "{statement}");
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[test]
fn statements_are_written_as_influxdb_writes_them() {
    let same = [
        "SELECT value FROM cpu",
        "SELECT mean(value) AS m, max(\"the value\") INTO db.rp.:MEASUREMENT FROM db..cpu, /c.*/, rp./x\\/y/ \
         WHERE host = 'a' AND time > now() - 1h GROUP BY time(10m, -5m), host, /r/, * fill(previous) \
         ORDER BY time DESC LIMIT 1 OFFSET 2 SLIMIT 3 SOFFSET 4 TZ('Europe/Helsinki')",
        "SELECT max(m) FROM (SELECT mean(value) AS m FROM cpu GROUP BY time(1m)) GROUP BY time(1h) fill(none)",
        "SELECT a + b * (c - 1) / 2.500 % 3 & 4 | 5 ^ 6 FROM m fill(1.500)",
        "SELECT value::float, *::field, *::tag, host::tag, /re/, top(value, host, 3), DISTINCT value FROM m",
        "SELECT count(distinct(value)) FROM m WHERE a =~ /x/ OR b !~ /y/ AND c != 'it\\'s' AND d = true",
        "SELECT \"select\" FROM \"from\" WHERE \"a.b\" = -5 AND c < -1.500 AND d >= 3d",
        "EXPLAIN ANALYZE SELECT a FROM m",
        "SHOW DATABASES; SHOW QUERIES; SHOW SHARDS; SHOW SHARD GROUPS; SHOW USERS; SHOW SUBSCRIPTIONS",
        "SHOW MEASUREMENTS ON db WITH MEASUREMENT =~ /c/ WHERE host = 'a' LIMIT 1 OFFSET 2",
        "SHOW MEASUREMENTS WITH MEASUREMENT = cpu",
        "SHOW SERIES ON db FROM cpu, /m/ WHERE host = 'a' ORDER BY time ASC LIMIT 1",
        "SHOW TAG KEYS FROM cpu SLIMIT 1 SOFFSET 2",
        "SHOW TAG VALUES FROM cpu WITH KEY IN (host, \"the region\") WHERE a = 'b'",
        "SHOW TAG VALUES WITH KEY !~ /h.*/; SHOW TAG VALUES WITH KEY != host; SHOW TAG VALUES WITH KEY = host",
        "SHOW FIELD KEYS ON db FROM cpu LIMIT 1",
        "SHOW SERIES EXACT CARDINALITY ON db FROM cpu WHERE a = 'b' GROUP BY host LIMIT 1 OFFSET 2",
        "SHOW MEASUREMENT CARDINALITY; SHOW TAG KEY EXACT CARDINALITY; SHOW FIELD KEY CARDINALITY",
        "SHOW TAG VALUES EXACT CARDINALITY WITH KEY =~ /h/",
        "SHOW RETENTION POLICIES ON db; SHOW CONTINUOUS QUERIES; SHOW GRANTS FOR me",
        "SHOW STATS FOR 'indexes'; SHOW DIAGNOSTICS FOR 'build'",
        "CREATE DATABASE db WITH DURATION 3d REPLICATION 1 SHARD DURATION 1h NAME rp; CREATE DATABASE db",
        "CREATE RETENTION POLICY rp ON db DURATION INF REPLICATION 1 SHARD DURATION 1w DEFAULT",
        "ALTER RETENTION POLICY rp ON db DURATION 4w REPLICATION 2 SHARD DURATION 1d DEFAULT",
        "CREATE CONTINUOUS QUERY q ON db RESAMPLE EVERY 1h FOR 2h BEGIN SELECT mean(a) INTO b FROM m GROUP BY time(30m) END",
        "GRANT READ ON db TO me; GRANT ALL PRIVILEGES TO me; REVOKE WRITE ON db FROM me; REVOKE ALL PRIVILEGES FROM me",
        "CREATE SUBSCRIPTION s ON db.rp DESTINATIONS ANY 'udp://h:1', 'udp://h:2'; DROP SUBSCRIPTION s ON db.rp",
        "DROP DATABASE db; DROP MEASUREMENT m; DROP USER u; DROP SHARD 3; DROP RETENTION POLICY rp ON db",
        "DROP CONTINUOUS QUERY q ON db; DROP SERIES FROM m WHERE host = 'a'; DELETE FROM /m/; DELETE WHERE time < 5",
        "KILL QUERY 5 ON \"host:8088\"; KILL QUERY 5",
    ];
    for text in same {
        assert_eq!(shown(text), text);
        assert_eq!(parse(text), parse(&text.to_lowercase().replace("tz('europe/helsinki')", "tz('Europe/Helsinki')")));
    }
}

#[test]
fn spelling_does_not_matter() {
    let written = "select  /* what */ MEAN( value ),b from\r\n\"cpu\" -- all\nwhere(a<>1.5e)";
    assert!(shown(written).starts_with("error: found e, expected )"), "{}", shown(written));
    let pairs = [
        (
            "select MEAN( a ),b from\r\n\"cpu\" -- all of it\n where (a<>.5)",
            "SELECT mean(a), b FROM cpu WHERE (a != 0.500)",
        ),
        ("select -a, +3, - 5m from m", "SELECT -1 * a, 3, -5m FROM m"),
        ("select a from m where time > 1h30m and b = 1500ms", "SELECT a FROM m WHERE time > 90m AND b = 1500ms"),
        ("select a from m where time > 5u and time < 6µs", "error: invalid duration"),
        ("select a from m where time > 5u and time < 6µ", "SELECT a FROM m WHERE time > 5u AND time < 6u"),
        ("select a from m fill( NULL )", "error: expected number argument in fill()"),
        ("select a from m fill( null )", "SELECT a FROM m"),
        (
            "select 18446744073709551615, -9223372036854775808 from m",
            "SELECT 18446744073709551615, -9223372036854775808 FROM m",
        ),
        (";; show databases ;;", "SHOW DATABASES"),
        ("", ""),
        ("select a.b.c from m", "SELECT \"a.b.c\" FROM m"),
        (
            "create user me with password 'secret' with all privileges",
            "CREATE USER me WITH PASSWORD [REDACTED] WITH ALL PRIVILEGES",
        ),
        ("set password for me = 'secret'", "SET PASSWORD FOR me = [REDACTED]"),
    ];
    for (written, wanted) in pairs {
        assert_eq!(shown(written), wanted, "{written}");
    }
}

#[test]
fn operators_hold_as_tight_as_in_influxdb() {
    let grouped = |text: &str| {
        fn group(expr: &Expr) -> String {
            match expr {
                Expr::Binary(binary) => {
                    format!("({} {} {})", group(&binary.left), binary.op.as_str(), group(&binary.right))
                }
                other => other.to_string(),
            }
        }
        let statements = parse(&format!("SELECT a FROM m WHERE {text}")).unwrap();
        let [Statement::Select(select)] = &statements[..] else { panic!("{text}") };
        group(select.condition.as_ref().unwrap())
    };
    assert_eq!(grouped("a OR b AND c = d + e * f"), "(a OR (b AND (c = (d + (e * f)))))");
    assert_eq!(grouped("a * b + c = d AND e OR f"), "(((((a * b) + c) = d) AND e) OR f)");
    assert_eq!(grouped("a - b - c"), "((a - b) - c)");
    assert_eq!(grouped("a | b & c ^ d"), "((a | (b & c)) ^ d)");
    assert_eq!(grouped("a % b / c"), "((a % b) / c)");
}

#[test]
fn what_is_too_much_is_refused() {
    let deep =
        |open: &str, close: &str| format!("SELECT a FROM m WHERE {}a{} = 1", open.repeat(10_000), close.repeat(10_000));
    let nested = "the statement is nested more than 100 levels deep";
    for text in [deep("(", ")"), deep("f(", ")"), deep("(-", ")")] {
        assert_eq!(parse(&text).unwrap_err().message, nested);
    }
    let queries = format!("SELECT a FROM {}m{}", "(SELECT a FROM ".repeat(10_000), ")".repeat(10_000));
    assert_eq!(parse(&queries).unwrap_err().message, nested);
    let chain = |count: usize| format!("SELECT a{} FROM m", " + a".repeat(count));
    assert!(parse(&chain(MAX_OPERATORS)).is_ok());
    let error = parse(&chain(MAX_OPERATORS + 1)).unwrap_err();
    assert_eq!(error.message, "the expression has more than 1000 operators");
    assert!(parse(&format!("SELECT {} FROM m", vec!["a + b"; 5_000].join(", "))).is_ok(), "each for itself");
    assert!(parse(&"SHOW DATABASES;".repeat(MAX_STATEMENTS)).is_ok());
    let error = parse(&"SHOW DATABASES;".repeat(MAX_STATEMENTS + 1)).unwrap_err();
    assert!(error.message.starts_with("there are more than 1000 statements"), "{error}");
    let error = parse(&" ".repeat(MAX_TEXT_BYTES + 1)).unwrap_err();
    assert_eq!(error.message, "the statements are longer than 1048576 bytes");
}

#[test]
fn names_stand_for_values() {
    let json = serde_json::json!({
        "text": "it's", "number": 1.5, "whole": 7, "truth": true, "m": {"identifier": "the m"}, "re": {"regex": "x.*"},
        "length": {"duration": "5m"}, "nanoseconds": {"duration": 1000}, "float": {"float": 2}, "none": null,
        "odd": {"foo": 1}
    });
    let parameters: Parameters =
        json.as_object().unwrap().iter().map(|(name, value)| (name.clone(), Parameter::from_json(value))).collect();
    let shown = |text: &str| match parse_with(text, &parameters) {
        Ok(statements) => statements[0].to_string(),
        Err(error) => error.to_string(),
    };
    let wanted = "SELECT a FROM \"the m\" WHERE b = 'it\\'s' AND c = 1.500 AND d = 7 AND e = true AND f =~ /x.*/ \
                  AND time > now() - 5m AND g = 1u AND h = 2.000 LIMIT 7";
    let written = "SELECT a FROM $m WHERE b = $text AND c = $number AND d = $whole AND e = $truth AND f =~ $re \
                   AND time > now() - $length AND g = $nanoseconds AND h = $float LIMIT $whole";
    assert_eq!(shown(written), wanted);
    assert_eq!(shown("SELECT $none FROM m"), "unable to bind parameter with type <nil>");
    assert_eq!(shown("SELECT $odd FROM m"), "unknown bind object type: foo");
    assert_eq!(shown("SELECT $other FROM m"), "missing parameter: other");
    assert_eq!(shown("SELECT a FROM $text"), "found it's, expected identifier at line 1, char 15");
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_][a-z0-9_]{0,6}", "[ -~\n]{1,8}", Just("select".to_owned()), Just("ä µ".to_owned())]
}

fn operand() -> impl Strategy<Value = Expr> {
    let types =
        prop_oneof![Just(None), Just(Some(DataType::Float)), Just(Some(DataType::Tag)), Just(Some(DataType::AnyField))];
    prop_oneof![
        (name(), types).prop_map(|(name, data_type)| Expr::VarRef(VarRef { name, data_type })),
        name().prop_map(Expr::Distinct),
        any::<i64>().prop_map(Expr::Integer),
        (1u64 << 63..).prop_map(Expr::Unsigned),
        (-1e15..1e15).prop_map(Expr::Number),
        any::<bool>().prop_map(Expr::Boolean),
        (-1_000_000_000_000_000_i64..1_000_000_000_000_000).prop_map(Expr::Duration),
        "[ -~\n]{0,8}".prop_map(Expr::String),
        prop_oneof![Just(Wildcard::All), Just(Wildcard::Fields), Just(Wildcard::Tags)].prop_map(Expr::Wildcard),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    use BinaryOperator as Op;
    let operators = [Op::Add, Op::Subtract, Op::Multiply, Op::Divide, Op::Modulo, Op::BitAnd, Op::BitOr, Op::BitXor];
    let more = [Op::And, Op::Or, Op::Equal, Op::NotEqual, Op::Less, Op::LessOrEqual, Op::Greater, Op::GreaterOrEqual];
    let operators: Vec<Op> = operators.into_iter().chain(more).collect();
    let guarded = |expr: Expr| match expr {
        Expr::Binary(_) => Expr::Paren(Box::new(expr)),
        other => other,
    };
    operand().prop_recursive(4, 32, 3, move |inner| {
        let binary = (prop::sample::select(operators.clone()), inner.clone(), inner.clone());
        prop_oneof![
            binary.prop_map(move |(op, left, right)| {
                Expr::Binary(Box::new(Binary { op, left: guarded(left), right: guarded(right) }))
            }),
            (inner.clone(), "[a-z]{1,5}[/.]?").prop_map(move |(left, pattern)| {
                let (op, right) = (BinaryOperator::Matches, Expr::Regex(pattern));
                Expr::Binary(Box::new(Binary { op, left: guarded(left), right }))
            }),
            inner.clone().prop_map(|inner| Expr::Paren(Box::new(inner))),
            (name(), vec(inner, 0..3)).prop_map(|(name, args)| Expr::Call(Call { name: name.to_lowercase(), args })),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_shown_is_read_again(expr in expr()) {
        let text = format!("SELECT a FROM m WHERE {expr}");
        let statements = parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let [Statement::Select(select)] = &statements[..] else { panic!("{statements:?}") };
        prop_assert_eq!(select.condition.as_ref(), Some(&expr));
    }

    #[test]
    fn no_text_panics(text in "[ -~\n\u{b5}]{0,60}") {
        let _ = parse(&text);
        let _ = parse(&format!("SELECT {text}"));
        let _ = parse(&format!("SHOW {text}"));
    }
}
