//! Statements out of the grammar, the same ones each time; without what InfluxDB 1.6.7 is known to get wrong or leaves open, of which
//! one statement each is among the differences.

/// Numbers that look random and are not.
struct Picks(u64);

impl Picks {
    fn below(&mut self, count: usize) -> usize {
        // Knuth's MMIX generator; its upper bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// One of them, in one of so many cases.
    fn maybe<'a>(&mut self, one_in: usize, choices: &[&'a str]) -> &'a str {
        if self.below(one_in) == 0 { self.of(choices) } else { "" }
    }
}

const CONDITIONS: [&str; 16] = [
    "room = 'hall'",
    "room != 'hall'",
    "room =~ /^k|lab/",
    "room !~ /a/",
    "floor = ''",
    "floor != ''",
    "floor = '1' OR floor = '2'",
    "temperature > 25",
    "temperature <= 24.5 AND visitors >= 2",
    "visitors = 3",
    "open = true",
    "note = 'calm'",
    "(room = 'hall' OR room = 'kitchen') AND temperature < 28",
    "\"room\"::tag = 'kitchen' AND \"temperature\"::field > 23",
    "temperature + visitors > 28",
    "missing = 'x'",
];

const TIMES: [&str; 6] = [
    "time >= 1700000000s AND time < 1700001800s",
    "time > 1700000600s AND time <= 1700003000s",
    "time >= '2023-11-14T22:20:00Z' AND time <= '2023-11-14T22:50:00Z'",
    "time >= '2023-11-14 22:15:00' AND time < '2023-11-14 23:00:00'",
    "time >= 1700000000000ms AND time < 1700000000s + 20m",
    "time >= 1690000000s AND time < 1690001800s",
];

/// So many statements, some of them more than once.
pub(super) fn statements(count: usize) -> impl Iterator<Item = String> {
    let mut picks = Picks(1_008);
    (0..count).map(move |index| match index % 5 {
        0 => raw(&mut picks),
        1 | 2 => binned(&mut picks),
        3 => whole(&mut picks),
        _ => transformed(&mut picks),
    })
}

fn condition(picks: &mut Picks) -> String {
    let time = picks.of(&TIMES);
    if picks.below(2) == 0 { time.to_owned() } else { format!("{time} AND ({})", picks.of(&CONDITIONS)) }
}

fn ending(picks: &mut Picks) -> String {
    let order = picks.maybe(3, &[" ORDER BY time DESC", " ORDER BY time ASC"]);
    let limit = picks.maybe(3, &[" LIMIT 3", " LIMIT 5 OFFSET 2", " LIMIT 9 OFFSET 4"]);
    format!("{order}{limit}")
}

fn raw(picks: &mut Picks) -> String {
    let fields = picks.of(&[
        "*",
        "temperature",
        "temperature, room",
        "visitors, open, note",
        "temperature * 2 + visitors",
        "temperature / visitors AS ratio",
        "visitors % 3, visitors & 1",
        "/^t|v/",
        "*::field",
        "temperature::integer, visitors::float",
        "abs(temperature), round(temperature)",
    ]);
    let group = picks.maybe(3, &[" GROUP BY room", " GROUP BY *", " GROUP BY floor, room", " GROUP BY /fl/"]);
    format!("SELECT {fields} FROM climate WHERE {}{group}{}", condition(picks), ending(picks))
}

const AGGREGATES: [&str; 14] = [
    "mean(temperature)",
    "count(temperature)",
    "sum(visitors)",
    "min(temperature)",
    "max(visitors)",
    "first(temperature)",
    "last(visitors)",
    "spread(temperature)",
    "stddev(temperature)",
    "median(temperature)",
    "mode(open)",
    "percentile(temperature, 90)",
    "count(distinct(visitors))",
    "mean(visitors) * 2 + max(temperature)",
];

fn aggregates(picks: &mut Picks) -> String {
    let first = picks.of(&AGGREGATES);
    if picks.below(2) == 0 { first.to_owned() } else { format!("{first}, {}", picks.of(&AGGREGATES)) }
}

fn binned(picks: &mut Picks) -> String {
    let bins = picks.of(&["1m", "5m", "10m", "7m", "10m, 3m", "5m, -1m"]);
    let tags = picks.maybe(2, &[", room", ", *", ", floor, room"]);
    let fill = picks.maybe(2, &[" fill(none)", " fill(previous)", " fill(linear)", " fill(0)", " fill(-1.5)"]);
    let (fields, condition, ending) = (aggregates(picks), condition(picks), ending(picks));
    format!("SELECT {fields} FROM climate WHERE {condition} GROUP BY time({bins}){tags}{fill}{ending}")
}

fn whole(picks: &mut Picks) -> String {
    let source = picks.of(&["climate", "/c.*/", "climate, power", "\"lab\".\"autogen\".\"climate\"", "lab..climate"]);
    let group = picks.maybe(2, &[" GROUP BY room", " GROUP BY *", " GROUP BY floor"]);
    let slimit = picks.maybe(5, &[" SLIMIT 1", " SLIMIT 1 SOFFSET 1"]);
    format!("SELECT {} FROM {source} WHERE {}{group}{slimit}", aggregates(picks), condition(picks))
}

fn transformed(picks: &mut Picks) -> String {
    let condition = condition(picks);
    if picks.below(2) == 0 {
        let field = picks.of(&[
            "derivative(temperature)",
            "derivative(temperature, 1m)",
            "non_negative_derivative(visitors, 10s)",
            "difference(visitors)",
            "non_negative_difference(visitors)",
            "moving_average(temperature, 3)",
            "cumulative_sum(visitors)",
            "elapsed(temperature, 1s)",
            "top(temperature, 3)",
            "bottom(visitors, 2)",
            "top(temperature, room, 2)",
            "distinct(visitors)",
            "integral(temperature)",
            "sqrt(temperature)",
        ]);
        return format!("SELECT {field} FROM climate WHERE room = 'hall' AND {condition}");
    }
    let field = picks.of(&[
        "derivative(mean(temperature), 1m)",
        "difference(max(visitors))",
        "moving_average(mean(temperature), 2)",
        "cumulative_sum(sum(visitors))",
        "non_negative_derivative(last(visitors), 1s)",
    ]);
    let fill = picks.maybe(3, &[" fill(none)", " fill(previous)", " fill(0)"]);
    format!("SELECT {field} FROM climate WHERE {condition} GROUP BY time(5m), room{fill}")
}
