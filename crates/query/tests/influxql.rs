//! What InfluxDB 1.8 answers to `SELECT`: each answer here was given by InfluxDB itself to the same lines.

mod support;

use futures::TryStreamExt;
use sensorium_model::{DatabaseName, DatabaseScope, Point, Value};
use sensorium_protocols::influxql::parse;
use sensorium_query::influxql::{Cell, InfluxqlRequest, Series};
use sensorium_query::{Asker, QueryError};
use support::{Bench, key, run};

/// 2023-11-14T22:13:20Z; times below are seconds after it.
const T0: i64 = 1_700_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn h2o(loc: &'static str, st: Option<&'static str>, second: i64, lvl: f64) -> Point<'static> {
    let point = Point::new("h2o", T0 + second * SECOND).tag("loc", loc);
    let point = if let Some(st) = st { point.tag("st", st) } else { point };
    point.field("lvl", Value::F64(lvl))
}

fn air(loc: &'static str, second: i64, t: f64, n: i64) -> Point<'static> {
    let point = Point::new("air", T0 + second * SECOND).tag("loc", loc);
    point.field("t", Value::F64(t)).field("n", Value::I64(n))
}

fn points() -> Vec<Point<'static>> {
    let d = |point: Point<'static>, d: &'static str| point.field("d", Value::Text(d.into()));
    let n = |point: Point<'static>, n: i64| point.field("n", Value::I64(n));
    let ok = |point: Point<'static>, ok: bool| point.field("ok", Value::Bool(ok));
    vec![
        d(n(h2o("cm", Some("a"), 0, 1.5), 3), "x"),
        d(n(h2o("cm", Some("a"), 60, 2.5), 5), "y"),
        n(h2o("cm", Some("b"), 60, 4.0), 1),
        ok(d(n(h2o("sm", None, 30, 8.25), 7), "x"), true),
        ok(n(h2o("sm", None, 180, 0.5), 9), false),
        h2o("cm", Some("a"), 240, 3.5),
        air("cm", 0, 20.0, 2),
        air("sm", 60, 21.0, 4),
    ]
}

/// The same rows in memory, in a file, and in a file with newer values beside it.
async fn benches() -> Vec<Bench> {
    let (in_memory, in_file, in_both) = (filled(&points()).await, filled(&points()).await, Bench::new());
    in_file.flush().await;
    in_both.store.create_database(&key(in_both.org, "t")).unwrap();
    let mut older = points();
    older.truncate(3);
    in_both.write_to(key(in_both.org, "t"), &older).await;
    in_both.flush().await;
    in_both.write_to(key(in_both.org, "t"), &points()).await;
    vec![in_memory, in_file, in_both]
}

async fn filled(points: &[Point<'_>]) -> Bench {
    let bench = Bench::new();
    bench.store.create_database(&key(bench.org, "t")).unwrap();
    bench.write_to(key(bench.org, "t"), points).await;
    bench
}

fn request(bench: &Bench) -> InfluxqlRequest {
    InfluxqlRequest {
        org: bench.org,
        database: Some(DatabaseName::new("t").unwrap()),
        scope: DatabaseScope::All,
        asker: Asker::system(),
        now_ns: T0 + 400 * SECOND,
        chunk: None,
    }
}

async fn series(bench: &Bench, request: InfluxqlRequest, text: &str) -> Result<Vec<Series>, QueryError> {
    let statements = parse(text).unwrap();
    bench.engine.influxql(request, &statements[0]).await?.try_collect().await
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Time(0) => "epoch".to_owned(),
        Cell::Time(time) if (time - T0) % SECOND == 0 => ((time - T0) / SECOND).to_string(),
        Cell::Time(time) => format!("{}ns", time - T0),
        Cell::Float(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Cell::Float(value) => value.to_string(),
        Cell::Integer(value) => value.to_string(),
        Cell::Unsigned(value) => value.to_string(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Text(value) => value.to_string(),
    }
}

/// An answer as text: of each series its name, tags and columns, and a line for each row.
fn told(answer: &[Series]) -> Vec<String> {
    let mut lines = Vec::new();
    for series in answer {
        let tags: Vec<String> = series.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let tags = if tags.is_empty() { String::new() } else { format!("{{{}}}", tags.join(",")) };
        lines.push(format!("{}{tags}: {}", series.name, series.columns.join(",")));
        lines.extend(series.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")));
    }
    lines
}

/// Asks statements and compares the answers.
fn asked(expected: &[(&str, &[&str])]) {
    run(async {
        for bench in benches().await {
            for (text, lines) in expected {
                match series(&bench, request(&bench), text).await {
                    Ok(answer) => assert_eq!(told(&answer), *lines, "{text}"),
                    Err(error) => panic!("{text}: {error} ({error:?})"),
                }
            }
        }
    });
}

/// Asks statements that have no meaning and compares the errors.
fn refused(expected: &[(&str, &str)]) {
    run(async {
        let bench = filled(&points()).await;
        for (text, message) in expected {
            match series(&bench, request(&bench), text).await {
                Ok(answer) => panic!("{text} was answered: {answer:?}"),
                Err(error) => assert_eq!(error.to_string(), *message, "{text}"),
            }
        }
    });
}

#[test]
fn rows_come_by_time_and_lack_what_they_lack() {
    asked(&[
        (
            "SELECT * FROM h2o",
            &[
                "h2o: time,d,loc,lvl,n,ok,st",
                "0|x|cm|1.5|3|-|a",
                "30|x|sm|8.25|7|true|-",
                "60|y|cm|2.5|5|-|a",
                "60|-|cm|4|1|-|b",
                "180|-|sm|0.5|9|false|-",
                "240|-|cm|3.5|-|-|a",
            ],
        ),
        (
            "SELECT lvl, loc FROM h2o",
            &["h2o: time,lvl,loc", "0|1.5|cm", "30|8.25|sm", "60|2.5|cm", "60|4|cm", "180|0.5|sm", "240|3.5|cm"],
        ),
        ("SELECT *::field FROM h2o LIMIT 1", &["h2o: time,d,lvl,n,ok", "0|x|1.5|3|-"]),
        ("SELECT *::tag FROM h2o", &[]),
        ("SELECT /l|n/ FROM h2o LIMIT 2", &["h2o: time,loc,lvl,n", "0|cm|1.5|3", "30|sm|8.25|7"]),
        ("SELECT lvl FROM h2o LIMIT 2 OFFSET 1", &["h2o: time,lvl", "30|8.25", "60|2.5"]),
        ("SELECT time AS t, lvl AS n, n FROM h2o LIMIT 1", &["h2o: t,n,n_1", "0|1.5|3"]),
        ("SELECT nope FROM h2o", &[]),
        ("SELECT loc FROM h2o", &[]),
        ("SELECT lvl FROM nothing", &[]),
        ("SELECT lvl FROM h2o WHERE time > 1800000000s", &[]),
        ("SELECT n FROM /./", &["air: time,n", "0|2", "60|4", "h2o: time,n", "0|3", "30|7", "60|5", "60|1", "180|9"]),
        ("SELECT d, ok FROM h2o fill(0)", &["h2o: time,d,ok", "0|x|0", "30|x|true", "60|y|0", "180|0|false"]),
        ("SELECT d, ok FROM h2o fill(previous)", &["h2o: time,d,ok", "0|x|-", "30|x|true", "60|y|true", "180|y|false"]),
        (
            "SELECT lvl::integer, n::float, n::string, loc::tag, loc::field FROM h2o LIMIT 2",
            &["h2o: time,lvl,n,n_1,loc,loc_1", "0|1|3|-|cm|-", "30|8|7|-|sm|-"],
        ),
    ]);
}

#[test]
fn series_have_the_tags_that_are_grouped_by() {
    asked(&[
        (
            "SELECT lvl FROM h2o GROUP BY loc",
            &[
                "h2o{loc=cm}: time,lvl",
                "0|1.5",
                "60|4",
                "60|2.5",
                "240|3.5",
                "h2o{loc=sm}: time,lvl",
                "30|8.25",
                "180|0.5",
            ],
        ),
        (
            "SELECT lvl FROM h2o GROUP BY st, loc",
            &[
                "h2o{loc=cm,st=a}: time,lvl",
                "0|1.5",
                "60|2.5",
                "240|3.5",
                "h2o{loc=cm,st=b}: time,lvl",
                "60|4",
                "h2o{loc=sm,st=}: time,lvl",
                "30|8.25",
                "180|0.5",
            ],
        ),
        (
            "SELECT lvl FROM h2o GROUP BY *",
            &[
                "h2o{loc=cm,st=a}: time,lvl",
                "0|1.5",
                "60|2.5",
                "240|3.5",
                "h2o{loc=cm,st=b}: time,lvl",
                "60|4",
                "h2o{loc=sm,st=}: time,lvl",
                "30|8.25",
                "180|0.5",
            ],
        ),
        (
            "SELECT n FROM /./ GROUP BY loc",
            &[
                "air{loc=cm}: time,n",
                "0|2",
                "air{loc=sm}: time,n",
                "60|4",
                "h2o{loc=cm}: time,n",
                "0|3",
                "60|1",
                "60|5",
                "h2o{loc=sm}: time,n",
                "30|7",
                "180|9",
            ],
        ),
        (
            "SELECT n FROM /./ GROUP BY /lo/ ORDER BY time DESC",
            &[
                "h2o{loc=sm}: time,n",
                "180|9",
                "30|7",
                "h2o{loc=cm}: time,n",
                "60|1",
                "60|5",
                "0|3",
                "air{loc=sm}: time,n",
                "60|4",
                "air{loc=cm}: time,n",
                "0|2",
            ],
        ),
        (
            "SELECT mean(lvl) FROM h2o GROUP BY nope, loc",
            &["h2o{loc=cm,nope=}: time,mean", "epoch|2.875", "h2o{loc=sm,nope=}: time,mean", "epoch|4.375"],
        ),
        (
            "SELECT lvl FROM h2o GROUP BY loc LIMIT 1",
            &["h2o{loc=cm}: time,lvl", "0|1.5", "h2o{loc=sm}: time,lvl", "30|8.25"],
        ),
        ("SELECT lvl FROM h2o GROUP BY loc SLIMIT 1 SOFFSET 1", &["h2o{loc=sm}: time,lvl", "30|8.25", "180|0.5"]),
        (
            "SELECT * FROM h2o GROUP BY loc LIMIT 1",
            &[
                "h2o{loc=cm}: time,d,lvl,n,ok,st",
                "0|x|1.5|3|-|a",
                "h2o{loc=sm}: time,d,lvl,n,ok,st",
                "30|x|8.25|7|true|-",
            ],
        ),
    ]);
}

#[test]
fn conditions_mean_what_they_mean_to_influxdb() {
    asked(&[
        ("SELECT lvl FROM h2o WHERE st = ''", &["h2o: time,lvl", "30|8.25", "180|0.5"]),
        ("SELECT lvl FROM h2o WHERE st != 'a'", &["h2o: time,lvl", "30|8.25", "60|4", "180|0.5"]),
        ("SELECT lvl FROM h2o WHERE st !~ /a/", &["h2o: time,lvl", "30|8.25", "60|4", "180|0.5"]),
        ("SELECT lvl FROM h2o WHERE loc =~ /^s/", &["h2o: time,lvl", "30|8.25", "180|0.5"]),
        ("SELECT lvl FROM h2o WHERE d != 'x'", &["h2o: time,lvl", "60|2.5"]),
        ("SELECT lvl FROM h2o WHERE d !~ /x/", &["h2o: time,lvl", "60|2.5"]),
        ("SELECT lvl FROM h2o WHERE ok != true", &["h2o: time,lvl", "180|0.5"]),
        ("SELECT lvl FROM h2o WHERE lvl = 'x'", &[]),
        ("SELECT lvl FROM h2o WHERE nope = '' LIMIT 1", &["h2o: time,lvl", "0|1.5"]),
        ("SELECT lvl FROM h2o WHERE nope != 5", &[]),
        ("SELECT lvl FROM h2o WHERE n > 2.5 AND lvl * 2 > n", &["h2o: time,lvl", "30|8.25"]),
        ("SELECT n FROM h2o WHERE loc = 'cm' AND n > 2", &["h2o: time,n", "0|3", "60|5"]),
        (
            "SELECT n FROM h2o WHERE (loc = 'cm' AND n > 2) OR (loc = 'sm' AND lvl < 1)",
            &["h2o: time,n", "0|3", "60|5", "180|9"],
        ),
        ("SELECT lvl FROM h2o WHERE loc::field = 'cm'", &[]),
    ]);
}

#[test]
fn functions_of_all_rows() {
    asked(&[
        ("SELECT count(*) FROM h2o", &["h2o: time,count_d,count_lvl,count_n,count_ok", "epoch|3|6|5|2"]),
        ("SELECT mean(/l|n/) FROM h2o", &["h2o: time,mean_lvl,mean_n", "epoch|3.375|5"]),
        ("SELECT max(lvl), loc FROM h2o", &["h2o: time,max,loc", "30|8.25|sm"]),
        (
            "SELECT max(lvl), min(lvl) FROM h2o WHERE time > 1600000000s",
            &["h2o: time,max,min", "-99999999999999999ns|8.25|0.5"],
        ),
        (
            "SELECT first(lvl), last(n) FROM h2o GROUP BY *",
            &[
                "h2o{loc=cm,st=a}: time,first,last",
                "epoch|1.5|5",
                "h2o{loc=cm,st=b}: time,first,last",
                "epoch|4|1",
                "h2o{loc=sm,st=}: time,first,last",
                "epoch|8.25|9",
            ],
        ),
        ("SELECT distinct(d) FROM h2o", &["h2o: time,distinct", "epoch|x", "epoch|y"]),
        ("SELECT count(distinct(d)) FROM h2o", &["h2o: time,count", "epoch|2"]),
        (
            "SELECT mode(n), median(lvl), spread(n), sum(n) FROM h2o",
            &["h2o: time,mode,median,spread,sum", "epoch|1|3|8|25"],
        ),
        (
            "SELECT stddev(lvl) FROM h2o GROUP BY *",
            &[
                "h2o{loc=cm,st=a}: time,stddev",
                "epoch|1",
                "h2o{loc=cm,st=b}: time,stddev",
                "epoch|-",
                "h2o{loc=sm,st=}: time,stddev",
                "epoch|5.480077554195743",
            ],
        ),
        ("SELECT percentile(lvl, 50), n FROM h2o", &["h2o: time,percentile,n", "60|2.5|5"]),
        ("SELECT percentile(lvl, 0), percentile(n, 100) FROM h2o", &["h2o: time,percentile,percentile_1", "epoch|-|9"]),
        ("SELECT top(lvl, 2) FROM h2o", &["h2o: time,top", "30|8.25", "60|4"]),
        ("SELECT top(lvl, loc, 2) FROM h2o", &["h2o: time,top,loc", "30|8.25|sm", "60|4|cm"]),
        ("SELECT bottom(lvl, loc, 1) FROM h2o", &["h2o: time,bottom,loc", "180|0.5|sm"]),
        (
            "SELECT top(lvl, 1), d FROM h2o GROUP BY loc",
            &["h2o{loc=cm}: time,top,d", "60|4|-", "h2o{loc=sm}: time,top,d", "30|8.25|x"],
        ),
        ("SELECT integral(lvl) FROM h2o", &["h2o: time,integral", "epoch|697.5"]),
        ("SELECT mode(d), mode(ok) FROM h2o", &["h2o: time,mode,mode_1", "epoch|x|true"]),
        ("SELECT min(ok) FROM h2o", &["h2o: time,min", "180|false"]),
        ("SELECT mean(*) AS x FROM air", &["air: time,x_n,x_t", "epoch|3|20.5"]),
        (
            "SELECT mean(lvl), mean(n) FROM h2o GROUP BY * fill(7)",
            &[
                "h2o{loc=cm,st=a}: time,mean,mean_1",
                "epoch|2.5|4",
                "h2o{loc=cm,st=b}: time,mean,mean_1",
                "epoch|4|1",
                "h2o{loc=sm,st=}: time,mean,mean_1",
                "epoch|4.375|8",
            ],
        ),
        ("SELECT mean(nope) FROM h2o", &[]),
        ("SELECT count(loc) FROM h2o", &[]),
        (
            "SELECT sample(lvl, 100) FROM h2o GROUP BY *",
            &[
                "h2o{loc=cm,st=a}: time,sample",
                "0|1.5",
                "60|2.5",
                "240|3.5",
                "h2o{loc=cm,st=b}: time,sample",
                "60|4",
                "h2o{loc=sm,st=}: time,sample",
                "30|8.25",
                "180|0.5",
            ],
        ),
    ]);
}

#[test]
fn bins_are_filled() {
    asked(&[
        (
            "SELECT mean(lvl) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m), loc",
            &[
                "h2o{loc=cm}: time,mean",
                "-20|1.5",
                "40|3.25",
                "100|-",
                "160|-",
                "220|3.5",
                "280|-",
                "h2o{loc=sm}: time,mean",
                "-20|8.25",
                "40|-",
                "100|-",
                "160|0.5",
                "220|-",
                "280|-",
            ],
        ),
        (
            "SELECT mean(lvl) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m) fill(linear)",
            &["h2o: time,mean", "-20|4.875", "40|3.25", "100|1.875", "160|0.5", "220|3.5", "280|-"],
        ),
        (
            "SELECT mean(lvl), count(n) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m) fill(previous)",
            &["h2o: time,mean,count", "-20|4.875|2", "40|3.25|2", "100|3.25|2", "160|0.5|1", "220|3.5|1", "280|3.5|1"],
        ),
        (
            "SELECT mean(lvl) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m) fill(none)",
            &["h2o: time,mean", "-20|4.875", "40|3.25", "160|0.5", "220|3.5"],
        ),
        (
            "SELECT max(n), count(d) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m) fill(5.5)",
            &["h2o: time,max,count", "-20|7|2", "40|5|1", "100|5|5", "160|9|5", "220|5|5", "280|5|5"],
        ),
        (
            "SELECT count(n), sum(lvl) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,count,sum", "-20|2|9.75", "40|2|6.5", "100|0|-", "160|1|0.5", "220|0|3.5", "280|0|-"],
        ),
        (
            "SELECT mean(lvl) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m) ORDER BY time DESC LIMIT 2",
            &["h2o: time,mean", "280|-", "220|3.5"],
        ),
        (
            "SELECT mean(lvl) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s AND loc = 'sm' GROUP BY time(1m)",
            &["h2o: time,mean", "-20|8.25", "40|-", "100|-", "160|0.5", "220|-", "280|-"],
        ),
        (
            "SELECT max(lvl), loc FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,max,loc", "-20|8.25|sm", "40|4|cm", "100|-|-", "160|0.5|sm", "220|3.5|cm", "280|-|-"],
        ),
        (
            "SELECT first(lvl) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(2m, 30s)",
            &["h2o: time,first", "-50|1.5", "70|0.5", "190|3.5"],
        ),
        (
            "SELECT distinct(n) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(2m)",
            &["h2o: time,distinct", "-80|3", "-80|7", "40|1", "40|5", "160|9"],
        ),
        (
            "SELECT bottom(lvl, 2) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(2m)",
            &["h2o: time,bottom", "0|1.5", "30|8.25", "60|2.5", "60|4", "180|0.5", "240|3.5"],
        ),
        (
            "SELECT integral(lvl) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
            &[
                "h2o: time,integral",
                "-20|219.16666666666666",
                "40|224.99999999999997",
                "160|193.33333333333331",
                "220|60",
            ],
        ),
        (
            "SELECT mean(lvl) + count(n) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,mean_count", "-20|6.875", "40|5.25", "100|-", "160|1.5", "220|3.5", "280|-"],
        ),
        ("SELECT mean(lvl) FROM h2o GROUP BY time(1m) LIMIT 3", &["h2o: time,mean", "-20|4.875", "40|3.25", "100|-"]),
    ]);
}

#[test]
fn transforms() {
    asked(&[
        (
            "SELECT derivative(mean(lvl), 1m) FROM h2o WHERE time >= 1700000060s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,derivative", "40|-1.625", "160|-1.375", "220|3"],
        ),
        (
            "SELECT derivative(mean(lvl)), mean(lvl) FROM h2o WHERE time >= 1700000060s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,derivative,mean", "40|-1.625|3.25", "100|-|-", "160|-1.375|0.5", "220|3|3.5", "280|-|-"],
        ),
        (
            "SELECT moving_average(mean(lvl), 3) FROM h2o WHERE time >= 1700000060s AND time < 1700000300s GROUP BY time(1m) fill(0)",
            &[
                "h2o: time,moving_average",
                "100|2.7083333333333335",
                "160|1.25",
                "220|1.3333333333333333",
                "280|1.3333333333333333",
            ],
        ),
        (
            "SELECT cumulative_sum(mean(lvl)) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,cumulative_sum", "-20|4.875", "40|8.125", "160|8.625", "220|12.125"],
        ),
        (
            "SELECT elapsed(max(lvl), 1s) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,elapsed", "40|60", "160|120", "220|60"],
        ),
        (
            "SELECT derivative(lvl, 1m) FROM h2o GROUP BY *",
            &[
                "h2o{loc=cm,st=a}: time,derivative",
                "60|1",
                "240|0.3333333333333333",
                "h2o{loc=sm,st=}: time,derivative",
                "180|-3.1",
            ],
        ),
        (
            "SELECT difference(n) FROM h2o GROUP BY *",
            &["h2o{loc=cm,st=a}: time,difference", "60|2", "h2o{loc=sm,st=}: time,difference", "180|2"],
        ),
        (
            "SELECT non_negative_difference(lvl) FROM h2o WHERE loc = 'sm' OR st = 'a'",
            &["h2o: time,non_negative_difference", "30|6.75", "240|3"],
        ),
        (
            "SELECT cumulative_sum(lvl) FROM h2o GROUP BY *",
            &[
                "h2o{loc=cm,st=a}: time,cumulative_sum",
                "0|1.5",
                "60|4",
                "240|7.5",
                "h2o{loc=cm,st=b}: time,cumulative_sum",
                "60|4",
                "h2o{loc=sm,st=}: time,cumulative_sum",
                "30|8.25",
                "180|8.75",
            ],
        ),
        (
            "SELECT derivative(mean(*), 1m) FROM h2o WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,derivative_lvl,derivative_n", "40|-1.625|-2", "160|-1.375|3", "220|3|-"],
        ),
    ]);
}

#[test]
fn arithmetic() {
    asked(&[
        (
            "SELECT n / 2, n / 0, n * 1.5, lvl + n, n % 2 FROM h2o LIMIT 2",
            &["h2o: time,n,n_1,n_2,lvl_n,n_3", "0|1.5|0|4.5|4.5|1", "30|3.5|0|10.5|15.25|1"],
        ),
        ("SELECT -lvl FROM h2o LIMIT 1", &["h2o: time,lvl", "0|-1.5"]),
        (
            "SELECT round(lvl), pow(n, 2), sqrt(n), abs(n), floor(lvl) FROM h2o LIMIT 2",
            &["h2o: time,round,pow,sqrt,abs,floor", "0|2|9|1.7320508075688772|3|1", "30|8|49|2.6457513110645907|7|8"],
        ),
        (
            "SELECT sum(lvl) + sum(n) FROM h2o GROUP BY loc",
            &["h2o{loc=cm}: time,sum_sum", "epoch|20.5", "h2o{loc=sm}: time,sum_sum", "epoch|24.75"],
        ),
        ("SELECT mean(lvl) * 2 + 1 FROM h2o", &["h2o: time,mean", "epoch|7.75"]),
        ("SELECT abs(mean(lvl)), round(mean(lvl)) FROM h2o", &["h2o: time,abs,round", "epoch|3.375|3"]),
        ("SELECT abs(d) FROM h2o", &["h2o: time,abs", "0|-", "30|-", "60|-"]),
        ("SELECT n & 3, n | 8, n ^ 1 FROM h2o LIMIT 2", &["h2o: time,n,n_1,n_2", "0|3|11|2", "30|3|15|6"]),
    ]);
}

#[test]
fn sub_queries() {
    asked(&[
        ("SELECT mean(m) FROM (SELECT max(lvl) AS m FROM h2o GROUP BY loc)", &["h2o: time,mean", "epoch|6.125"]),
        (
            "SELECT m, loc FROM (SELECT max(lvl) AS m FROM h2o GROUP BY loc)",
            &["h2o: time,m,loc", "60|4|cm", "30|8.25|sm"],
        ),
        (
            "SELECT mean(m) FROM (SELECT max(lvl) AS m FROM h2o GROUP BY loc, time(1m)) WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,mean", "-20|4.875", "40|4", "100|-", "160|0.5", "220|3.5", "280|-"],
        ),
        (
            "SELECT m, loc FROM (SELECT max(lvl) AS m FROM h2o GROUP BY loc, time(1m)) WHERE time >= 1700000000s AND time < 1700000300s",
            &["h2o: time,m,loc", "-20|1.5|cm", "-20|8.25|sm", "40|4|cm", "160|0.5|sm", "220|3.5|cm"],
        ),
        (
            "SELECT sum(lvl) FROM (SELECT * FROM h2o) GROUP BY loc",
            &["h2o{loc=cm}: time,sum", "epoch|11.5", "h2o{loc=sm}: time,sum", "epoch|8.75"],
        ),
        ("SELECT count(loc) FROM (SELECT loc, lvl FROM h2o)", &["h2o: time,count", "epoch|6"]),
        ("SELECT lvl FROM (SELECT lvl FROM h2o WHERE n > 3) WHERE lvl > 1", &["h2o: time,lvl", "30|8.25", "60|2.5"]),
        (
            "SELECT sum(c) FROM (SELECT count(lvl) AS c FROM h2o GROUP BY time(1m) fill(3)) WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(2m)",
            &["h2o: time,sum", "-80|2", "40|5", "160|2", "280|3"],
        ),
        (
            "SELECT max(m) FROM (SELECT mean(lvl) AS m FROM h2o) WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
            &["h2o: time,max", "-20|4.875", "40|3.25", "100|-", "160|0.5", "220|3.5", "280|-"],
        ),
        (
            "SELECT lvl FROM (SELECT lvl FROM h2o GROUP BY loc) WHERE loc = 'sm'",
            &["h2o: time,lvl", "30|8.25", "180|0.5"],
        ),
        (
            "SELECT mean(lvl), count(lvl) FROM (SELECT lvl FROM h2o), (SELECT t AS lvl FROM air)",
            &["air: time,mean,count", "epoch|20.5|2", "h2o: time,mean,count", "epoch|3.375|6"],
        ),
        (
            "SELECT m, loc FROM (SELECT max(lvl) AS m FROM h2o GROUP BY loc) GROUP BY st",
            &[
                "h2o{st=}: time,m,loc",
                "30|8.25|sm",
                "h2o{st=a}: time,m,loc",
                "240|3.5|cm",
                "h2o{st=b}: time,m,loc",
                "60|4|cm",
            ],
        ),
    ]);
}

#[test]
fn what_has_no_meaning_is_refused_in_influxdbs_words() {
    refused(&[
        ("SELECT lvl + d FROM h2o", "type error: lvl::float + d::string: incompatible types: float and string"),
        ("SELECT mean(d) FROM h2o", "unsupported mean iterator type: *query.stringInterruptIterator"),
        ("SELECT lvl & n FROM h2o", "type error: lvl::float & n::integer: incompatible types: float and integer"),
        ("SELECT mean(lvl), n FROM h2o", "mixing aggregate and non-aggregate queries is not supported"),
        ("SELECT 1 + 1 FROM h2o", "field must contain at least one variable"),
        ("SELECT mean(lvl, 2) FROM h2o", "invalid number of arguments for mean, expected 1, got 2"),
        ("SELECT bar(lvl) FROM h2o", "undefined function bar()"),
        ("SELECT time FROM h2o", "at least 1 non-time field must be queried"),
        ("SELECT lvl FROM h2o GROUP BY time(1m)", "GROUP BY requires at least one aggregate function"),
        ("SELECT derivative(mean(lvl)) FROM h2o", "derivative aggregate requires a GROUP BY interval"),
        (
            "SELECT derivative(lvl) FROM h2o GROUP BY time(1m)",
            "aggregate function required inside the call to derivative",
        ),
        ("SELECT top(lvl, 2), count(n) FROM h2o", "selector function top() cannot be combined with other functions"),
        (
            "SELECT distinct(d), count(n) FROM h2o",
            "aggregate function distinct() cannot be combined with other functions or fields",
        ),
        (
            "SELECT max(lvl), min(lvl), n FROM h2o",
            "mixing multiple selector functions with tags or fields is not supported",
        ),
        ("SELECT mean(lvl) FROM h2o GROUP BY time(1m), time(2m)", "multiple time dimensions not allowed"),
        ("SELECT mean(lvl) FROM nope..h2o", "database not found: nope"),
        ("SELECT mean(lvl) FROM t.nope.h2o", "retention policy not found: nope"),
        ("SELECT lvl FROM h2o fill(none)", "fill(none) must be used with a function"),
        ("SELECT lvl FROM h2o WHERE mean(lvl) > 1", "invalid function call in condition: mean(lvl)"),
        (
            "SELECT lvl FROM h2o WHERE time > 'x'",
            "invalid operation: time and *influxql.StringLiteral are not compatible",
        ),
        ("SELECT percentile(lvl) FROM h2o", "invalid number of arguments for percentile, expected 2, got 1"),
        ("SELECT moving_average(lvl, 1) FROM h2o", "moving_average window must be greater than 1, got 1"),
        ("SELECT lvl + mean(n) FROM h2o", "mixing aggregate and non-aggregate queries is not supported"),
        (
            "SELECT mean(lvl) FROM (SELECT lvl FROM h2o ORDER BY time DESC)",
            "subqueries must be ordered in the same direction as the query itself",
        ),
        ("SELECT lvl FROM h2o GROUP BY time", "time() is a function and expects at least one argument"),
    ]);
}
