//! What InfluxDB refuses before it looks at any data, in its words.

use sensorium_protocols::influxql::conditions::moment;
use sensorium_protocols::influxql::{BinaryOperator, Call, Expr, Fill, Select, VarRef};

use super::super::meaning;
use super::value::Function;
use crate::error::QueryError;

/// What a statement is made of.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// The length of bins and what they are moved by, in nanoseconds.
    pub(super) interval: Option<(i64, i64)>,
    calls: usize,
    has_fields: bool,
    has_distinct: bool,
    is_aggregate: bool,
    top_bottom: Option<String>,
}

/// Where a check is made.
struct Checker<'a> {
    select: &'a Select,
    checked: Checked,
    /// Whether the bins are those of the query around.
    is_inherited: bool,
    has_interval: bool,
    allows_wildcard: bool,
}

/// Checks a statement; `inherits` tells that the query around it has bins, which it takes when it has none.
pub(super) fn check(select: &Select, now_ns: i64, inherits: bool) -> Result<Checked, QueryError> {
    let interval = interval(select, now_ns)?;
    let is_inherited = interval.is_none() && inherits;
    let checked = Checked { interval, ..Checked::default() };
    let has_interval = interval.is_some() || is_inherited;
    let mut checker = Checker { select, checked, is_inherited, has_interval, allows_wildcard: true };
    let mut count = 0;
    for field in &select.fields {
        if !is_time(&field.expr) {
            count += 1;
            checker.allows_wildcard = true;
            checker.expression(&field.expr)?;
        }
    }
    checker.together(count)?;
    Ok(checker.checked)
}

/// Whether an expression is `time`, which is a column of every answer.
pub(super) fn is_time(expr: &Expr) -> bool {
    matches!(expr, Expr::VarRef(VarRef { name, .. }) if name == "time")
}

fn interval(select: &Select, now_ns: i64) -> Result<Option<(i64, i64)>, QueryError> {
    let mut interval = None;
    for dimension in &select.dimensions {
        match &dimension.expr {
            Expr::VarRef(var) if var.name.eq_ignore_ascii_case("time") => {
                return Err(meaning("time() is a function and expects at least one argument"));
            }
            Expr::VarRef(_) | Expr::Wildcard(_) | Expr::Regex(_) => (),
            Expr::Call(Call { name, .. }) if name != "time" => {
                return Err(meaning("only time() calls allowed in dimensions"));
            }
            Expr::Call(Call { args, .. }) => {
                let (every, offset) = match args.as_slice() {
                    [every] => (every, None),
                    [every, offset] => (every, Some(offset)),
                    _ => return Err(meaning("time dimension expected 1 or 2 arguments")),
                };
                let Expr::Duration(every) = every else {
                    return Err(meaning("time dimension must have duration argument"));
                };
                if interval.is_some() {
                    return Err(meaning("multiple time dimensions not allowed"));
                }
                if *every <= 0 {
                    return Err(meaning("time dimension must have a positive duration"));
                }
                let offset = offset.map_or(Ok(0), |offset| self::offset(offset, *every, select, now_ns))?;
                interval = Some((*every, offset));
            }
            _ => return Err(meaning("only time and tag dimensions allowed")),
        }
    }
    Ok(interval)
}

fn offset(offset: &Expr, every: i64, select: &Select, now_ns: i64) -> Result<i64, QueryError> {
    match offset {
        Expr::Duration(offset) => Ok(offset % every),
        Expr::Call(Call { name, .. }) if name != "now" => Err(meaning("time dimension offset function must be now()")),
        Expr::Call(Call { args, .. }) if !args.is_empty() => {
            Err(meaning("time dimension offset now() function requires no arguments"))
        }
        Expr::Call(_) | Expr::String(_) => match moment(offset, now_ns, select.zone) {
            Ok(moment) => Ok(moment.rem_euclid(every)),
            Err(_) => Err(meaning("time dimension offset must be duration or now()")),
        },
        // A negative duration is read as an operation.
        Expr::Binary(_) | Expr::Paren(_) => match moment(offset, now_ns, select.zone) {
            Ok(moment) => Ok(moment % every),
            Err(_) => Err(meaning("time dimension offset must be duration or now()")),
        },
        _ => Err(meaning("time dimension offset must be duration or now()")),
    }
}

impl Checker<'_> {
    fn expression(&mut self, expr: &Expr) -> Result<(), QueryError> {
        match expr {
            Expr::VarRef(_) => self.checked.has_fields = true,
            Expr::Wildcard(_) if !self.allows_wildcard => {
                return Err(meaning("unable to use wildcard in a binary expression"));
            }
            Expr::Regex(_) if !self.allows_wildcard => {
                return Err(meaning("unable to use regex in a binary expression"));
            }
            Expr::Wildcard(_) | Expr::Regex(_) => self.checked.has_fields = true,
            Expr::Call(call) => return self.call(call),
            Expr::Distinct(_) => {
                self.checked.calls += 1;
                self.checked.has_distinct = true;
                self.checked.is_aggregate = true;
            }
            Expr::Binary(binary) => {
                self.allows_wildcard = false;
                match (binary.left.is_literal(), binary.right.is_literal()) {
                    // InfluxDB makes one number of two.
                    (true, true) if is_number(&binary.left) && is_number(&binary.right) => {
                        return Err(meaning("field must contain at least one variable"));
                    }
                    (true, true) => return Err(meaning("cannot perform a binary expression on two literals")),
                    (true, false) => return self.expression(&binary.right),
                    (false, true) => return self.expression(&binary.left),
                    (false, false) => {
                        self.expression(&binary.left)?;
                        return self.expression(&binary.right);
                    }
                }
            }
            Expr::Paren(inner) => return self.expression(inner),
            _ => return Err(meaning("field must contain at least one variable")),
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<(), QueryError> {
        let Call { name, args } = call;
        if let Some(function) = Function::named(name) {
            arity(name, args.len(), function.arity())?;
            return args.iter().filter(|arg| !arg.is_literal()).try_for_each(|arg| self.expression(arg));
        }
        self.checked.calls += 1;
        let is_selector =
            matches!(name.as_str(), "max" | "min" | "first" | "last" | "percentile" | "sample" | "top" | "bottom");
        self.checked.is_aggregate |= !is_selector;
        match name.as_str() {
            "max" | "min" | "first" | "last" | "sum" | "mean" | "median" | "mode" | "stddev" | "spread" => {
                arity(name, args.len(), 1)?;
                self.symbol(name, args.first())
            }
            "count" => {
                arity(name, args.len(), 1)?;
                match args.first() {
                    Some(Expr::Call(inner)) if inner.name == "distinct" => distinct(&inner.args),
                    Some(Expr::Distinct(_)) => Ok(()),
                    other => self.symbol(name, other),
                }
            }
            "percentile" => {
                arity(name, args.len(), 2)?;
                if !matches!(args.get(1), Some(Expr::Integer(_) | Expr::Number(_))) {
                    return Err(meaning("expected float argument in percentile()"));
                }
                self.symbol(name, args.first())
            }
            "sample" => {
                arity(name, args.len(), 2)?;
                match args.get(1) {
                    Some(Expr::Integer(size)) if *size <= 0 => {
                        Err(meaning(format!("sample window must be greater than 1, got {size}")))
                    }
                    Some(Expr::Integer(_)) => self.symbol(name, args.first()),
                    _ => Err(meaning("expected integer argument in sample()")),
                }
            }
            "distinct" => {
                self.checked.has_distinct = true;
                distinct(args)
            }
            "top" | "bottom" => self.top_bottom(call),
            "derivative" | "non_negative_derivative" | "elapsed" => {
                at_most_two(name, args)?;
                unit(args, &format!("second argument to {name} must be a duration"))?;
                self.inner(name, args.first())
            }
            "difference" | "non_negative_difference" | "cumulative_sum" => {
                if args.len() != 1 {
                    return Err(meaning(format!(
                        "invalid number of arguments for {name}, expected 1, got {}",
                        args.len()
                    )));
                }
                self.inner(name, args.first())
            }
            "moving_average" => {
                arity(name, args.len(), 2)?;
                match args.get(1) {
                    Some(Expr::Integer(size)) if *size <= 1 => {
                        Err(meaning(format!("moving_average window must be greater than 1, got {size}")))
                    }
                    Some(Expr::Integer(_)) => self.inner(name, args.first()),
                    _ => Err(meaning("second argument for moving_average must be an integer")),
                }
            }
            "integral" => {
                at_most_two(name, args)?;
                unit(args, "second argument must be a duration")?;
                self.symbol(name, args.first())
            }
            "holt_winters" | "holt_winters_with_fit" => Err(meaning(format!(
                "{name}() is not there: forecasts are made where the data is analysed; read its argument instead"
            ))),
            _ => Err(meaning(format!("undefined function {name}()"))),
        }
    }

    /// What a function of a column is of.
    fn symbol(&mut self, name: &str, arg: Option<&Expr>) -> Result<(), QueryError> {
        match arg {
            Some(Expr::VarRef(_)) => Ok(()),
            Some(Expr::Wildcard(_)) if !self.allows_wildcard => {
                Err(meaning(format!("unsupported expression with wildcard: {name}()")))
            }
            Some(Expr::Regex(_)) if !self.allows_wildcard => {
                Err(meaning(format!("unsupported expression with regex field: {name}()")))
            }
            Some(Expr::Wildcard(_) | Expr::Regex(_)) => {
                self.checked.is_aggregate = true;
                Ok(())
            }
            _ => Err(meaning(format!("expected field argument in {name}()"))),
        }
    }

    /// What a transform is of: a column, or a function of bins.
    fn inner(&mut self, name: &str, arg: Option<&Expr>) -> Result<(), QueryError> {
        match arg {
            Some(Expr::Call(_) | Expr::Distinct(_)) if !self.has_interval => {
                Err(meaning(format!("{name} aggregate requires a GROUP BY interval")))
            }
            Some(Expr::Call(inner)) if inner.name == "distinct" => distinct(&inner.args),
            Some(Expr::Call(inner)) => {
                // It is counted once, with what is made of it.
                let calls = self.checked.calls;
                self.call(inner)?;
                self.checked.calls = calls;
                Ok(())
            }
            Some(Expr::Distinct(_)) => Ok(()),
            _ if self.has_interval && !self.is_inherited => {
                Err(meaning(format!("aggregate function required inside the call to {name}")))
            }
            other => self.symbol(name, other),
        }
    }

    fn top_bottom(&mut self, call: &Call) -> Result<(), QueryError> {
        let Call { name, args } = call;
        if let Some(other) = &self.checked.top_bottom {
            return Err(meaning(format!("selector function {other}() cannot be combined with other functions")));
        }
        let (Some(first), Some(last), true) = (args.first(), args.last(), args.len() >= 2) else {
            return Err(meaning(format!(
                "invalid number of arguments for {name}, expected at least 2, got {}",
                args.len()
            )));
        };
        let limit = self.select.limit;
        match last {
            Expr::Integer(count) if *count <= 0 => {
                return Err(meaning(format!("limit ({count}) in {name} function must be at least 1")));
            }
            Expr::Integer(count) if limit > 0 && usize::try_from(*count).is_ok_and(|count| count > limit) => {
                return Err(meaning(format!(
                    "limit ({count}) in {name} function can not be larger than the LIMIT ({limit}) in the select statement"
                )));
            }
            Expr::Integer(_) => (),
            other => {
                return Err(meaning(format!("expected integer as last argument in {name}(), found {other}")));
            }
        }
        if !matches!(first, Expr::VarRef(_)) {
            return Err(meaning(format!("expected first argument to be a field in {name}(), found {first}")));
        }
        for arg in args.iter().take(args.len() - 1).skip(1) {
            if !matches!(arg, Expr::VarRef(_)) {
                return Err(meaning(format!("only fields or tags are allowed in {name}(), found {arg}")));
            }
            self.checked.has_fields |= self.select.target.is_none();
        }
        self.checked.top_bottom = Some(name.clone());
        Ok(())
    }

    /// What must not stand beside each other.
    fn together(&self, fields: usize) -> Result<(), QueryError> {
        let Checked { calls, has_fields, has_distinct, is_aggregate, top_bottom, .. } = &self.checked;
        if fields == 0 {
            return Err(meaning("at least 1 non-time field must be queried"));
        }
        if let (Some(name), true) = (top_bottom, *calls > 1) {
            return Err(meaning(format!("selector function {name}() cannot be combined with other functions")));
        }
        if *calls == 0 {
            match self.select.fill {
                Fill::None => return Err(meaning("fill(none) must be used with a function")),
                Fill::Linear => return Err(meaning("fill(linear) must be used with a function")),
                _ => (),
            }
            if self.has_interval && !self.is_inherited {
                return Err(meaning("GROUP BY requires at least one aggregate function"));
            }
        }
        if *has_distinct && (*calls != 1 || *has_fields) {
            return Err(meaning("aggregate function distinct() cannot be combined with other functions or fields"));
        }
        if *has_fields && *is_aggregate {
            return Err(meaning("mixing aggregate and non-aggregate queries is not supported"));
        }
        if *has_fields && *calls > 1 {
            return Err(meaning("mixing multiple selector functions with tags or fields is not supported"));
        }
        Ok(())
    }
}

fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Number(_) | Expr::Integer(_) | Expr::Unsigned(_))
}

fn arity(name: &str, got: usize, expected: usize) -> Result<(), QueryError> {
    if got == expected {
        return Ok(());
    }
    Err(meaning(format!("invalid number of arguments for {name}, expected {expected}, got {got}")))
}

fn at_most_two(name: &str, args: &[Expr]) -> Result<(), QueryError> {
    if (1..=2).contains(&args.len()) {
        return Ok(());
    }
    let got = args.len();
    Err(meaning(format!("invalid number of arguments for {name}, expected at least 1 but no more than 2, got {got}")))
}

fn unit(args: &[Expr], otherwise: &str) -> Result<(), QueryError> {
    match args.get(1) {
        None => Ok(()),
        Some(unit @ Expr::Duration(length)) if *length <= 0 => {
            Err(meaning(format!("duration argument must be positive, got {unit}")))
        }
        Some(Expr::Duration(_)) => Ok(()),
        Some(_) => Err(meaning(otherwise)),
    }
}

fn distinct(args: &[Expr]) -> Result<(), QueryError> {
    match args {
        [Expr::VarRef(_)] => Ok(()),
        [] => Err(meaning("distinct function requires at least one argument")),
        [_] => Err(meaning("expected field argument in distinct()")),
        _ => Err(meaning("distinct function can only have one argument")),
    }
}

/// Refuses functions of many rows in a condition.
pub(super) fn condition(expr: &Expr) -> Result<(), QueryError> {
    match expr {
        Expr::Binary(binary) => {
            if matches!(binary.op, BinaryOperator::Matches | BinaryOperator::MatchesNot)
                && !matches!(binary.right, Expr::Regex(_))
            {
                return Err(meaning(format!("invalid condition expression: {expr}")));
            }
            condition(&binary.left)?;
            condition(&binary.right)
        }
        Expr::Paren(inner) => condition(inner),
        Expr::Call(call) => match Function::named(&call.name) {
            None => Err(meaning(format!("invalid function call in condition: {expr}"))),
            Some(function) => {
                arity(&call.name, call.args.len(), function.arity())?;
                call.args.iter().try_for_each(condition)
            }
        },
        _ => Ok(()),
    }
}
