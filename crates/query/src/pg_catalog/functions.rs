//! Functions of PostgreSQL that clients call about the server, the connection and the catalog.
//!
//! Lists are texts in PostgreSQL's form (`{a,b}`), and what does not exist here (comments, definitions of constraints, sizes) is null
//! or zero.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::oids::{self, NAMESPACES};
use super::rows::Kind;
use super::{DescribedDatabase, POSTGRES_VERSION, PUBLIC, Postgres};

/// Functions whose answer is a text.
const TEXTS: [&str; 44] = [
    "version",
    "current_database",
    "current_catalog",
    "current_schema",
    "current_schemas",
    "current_user",
    "session_user",
    "user",
    "current_role",
    "current_setting",
    "set_config",
    "pg_get_userbyid",
    "format_type",
    "pg_type_name",
    "pg_class_name",
    "pg_namespace_name",
    "pg_encoding_to_char",
    "pg_size_pretty",
    "pg_client_encoding",
    "quote_ident",
    "quote_literal",
    "parse_ident",
    "string_to_array",
    "array_to_string",
    "pg_element",
    "obj_description",
    "col_description",
    "shobj_description",
    "pg_get_expr",
    "pg_get_constraintdef",
    "pg_get_indexdef",
    "pg_get_viewdef",
    "pg_get_ruledef",
    "pg_get_triggerdef",
    "pg_get_functiondef",
    "pg_get_partkeydef",
    "pg_get_serial_sequence",
    "pg_get_function_result",
    "pg_get_function_arguments",
    "pg_get_function_identity_arguments",
    "pg_tablespace_location",
    "inet_server_addr",
    "inet_client_addr",
    "pg_relation_filepath",
];
/// Functions whose answer is a number.
const NUMBERS: [&str; 15] = [
    "to_regclass",
    "to_regtype",
    "to_regnamespace",
    "pg_backend_pid",
    "pg_my_temp_schema",
    "pg_relation_size",
    "pg_table_size",
    "pg_indexes_size",
    "pg_total_relation_size",
    "pg_database_size",
    "txid_current",
    "inet_server_port",
    "array_length",
    "array_upper",
    "array_lower",
];
/// Functions whose answer is a truth value.
const TRUTHS: [&str; 18] = [
    "pg_table_is_visible",
    "pg_type_is_visible",
    "pg_function_is_visible",
    "pg_operator_is_visible",
    "pg_collation_is_visible",
    "has_schema_privilege",
    "has_table_privilege",
    "has_database_privilege",
    "has_column_privilege",
    "has_any_column_privilege",
    "has_function_privilege",
    "has_sequence_privilege",
    "has_tablespace_privilege",
    "pg_has_role",
    "pg_is_in_recovery",
    "pg_is_other_temp_schema",
    "pg_is_element",
    "pg_relation_is_publishable",
];

/// Functions by whose names PostgreSQL calls their columns.
pub(super) const NAMES: [&str; 12] = [
    "version",
    "current_database",
    "current_catalog",
    "current_schema",
    "current_schemas",
    "current_user",
    "session_user",
    "user",
    "current_setting",
    "set_config",
    "pg_backend_pid",
    "pg_is_in_recovery",
];

/// What the functions know.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Facts {
    database: String,
    /// The tables of the database, by their identifiers.
    tables: BTreeMap<i64, String>,
    user: String,
    connection: i32,
    settings: BTreeMap<String, String>,
}

/// Makes the functions known to a session; those that the planner has under the same names give way.
pub(super) fn register(state: &mut SessionState, database: &DescribedDatabase, postgres: &Postgres) -> Result<()> {
    let tables = database.tables.schema().tables.keys();
    let facts = Arc::new(Facts {
        database: database.name.clone(),
        tables: tables.map(|name| (oids::of_table(&database.name, name.as_ref()), name.as_ref().to_owned())).collect(),
        user: postgres.user.clone(),
        connection: postgres.connection,
        settings: postgres.settings.clone(),
    });
    let of = |names: &[&'static str], kind| names.iter().map(move |name| (*name, kind)).collect::<Vec<_>>();
    let all = [of(&TEXTS, Kind::Text), of(&NUMBERS, Kind::Number), of(&TRUTHS, Kind::Truth)].concat();
    for (name, kind) in all {
        let arguments = vec![TypeSignature::Nullary, TypeSignature::VariadicAny];
        let signature = Signature::one_of(arguments, Volatility::Stable);
        let function = AboutServer { name, kind, facts: Arc::clone(&facts), signature };
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(function)))?;
    }
    Ok(())
}

/// One of the functions.
#[derive(PartialEq, Eq, Hash)]
struct AboutServer {
    name: &'static str,
    kind: Kind,
    facts: Arc<Facts>,
    signature: Signature,
}

impl fmt::Debug for AboutServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl ScalarUDFImpl for AboutServer {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::Text => DataType::Utf8,
            Kind::Number => DataType::Int64,
            Kind::Truth => DataType::Boolean,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let values = (0..rows).map(|row| {
            let values = args.args.iter().map(|arg| match arg {
                ColumnarValue::Scalar(value) => Ok(value.clone()),
                ColumnarValue::Array(array) => ScalarValue::try_from_array(array, row),
            });
            self.value(&Arguments(values.collect::<Result<_>>()?))
        });
        let mut values = values.collect::<Result<Vec<_>>>()?;
        if is_constant && let Some(value) = values.pop() {
            return Ok(ColumnarValue::Scalar(value));
        }
        if values.is_empty() {
            let none: ArrayRef = arrow::array::new_empty_array(&self.return_type(&[])?);
            return Ok(ColumnarValue::Array(none));
        }
        Ok(ColumnarValue::Array(ScalarValue::iter_to_array(values)?))
    }
}

impl AboutServer {
    fn value(&self, args: &Arguments) -> Result<ScalarValue> {
        Ok(match self.kind {
            Kind::Text => ScalarValue::Utf8(text(self.name, &self.facts, args)?),
            Kind::Number => ScalarValue::Int64(number(self.name, &self.facts, args)),
            Kind::Truth => ScalarValue::Boolean(truth(self.name, args)),
        })
    }
}

fn text(name: &str, facts: &Facts, args: &Arguments) -> Result<Option<String>> {
    Ok(match name {
        "version" => Some(format!("PostgreSQL {POSTGRES_VERSION} (Sensorium, read-only)")),
        "current_database" | "current_catalog" => Some(facts.database.clone()),
        "current_schema" => Some(PUBLIC.to_owned()),
        "current_schemas" => Some(format!("{{pg_catalog,{PUBLIC}}}")),
        "current_user" | "session_user" | "user" | "current_role" | "pg_get_userbyid" => Some(facts.user.clone()),
        "current_setting" => {
            let Some(setting) = args.text(0) else { return Ok(None) };
            match facts.settings.get(&setting.to_lowercase()) {
                Some(value) => Some(value.clone()),
                None if args.0.len() > 1 => None,
                None => return exec_err!("there is no setting {setting:?}"),
            }
        }
        "set_config" => args.text(1),
        "format_type" | "pg_type_name" => {
            args.number(0).map(|oid| oids::type_of(oid).map_or_else(|| "???".to_owned(), |known| known.sql.to_owned()))
        }
        "pg_class_name" => args.number(0).map(|oid| facts.tables.get(&oid).cloned().unwrap_or_else(|| oid.to_string())),
        "pg_namespace_name" => args
            .number(0)
            .and_then(|oid| NAMESPACES.iter().find(|(known, _)| *known == oid).map(|(_, name)| (*name).to_owned())),
        "pg_encoding_to_char" | "pg_client_encoding" => Some("UTF8".to_owned()),
        "pg_size_pretty" => args.number(0).map(|bytes| format!("{bytes} bytes")),
        "quote_ident" => args.text(0).map(|name| quoted(&name)),
        "quote_literal" => args.text(0).map(|text| format!("'{}'", text.replace('\'', "''"))),
        "parse_ident" => args.text(0).map(|name| format!("{{{}}}", parts(&name).join(","))),
        "string_to_array" => {
            let (Some(text), Some(separator)) = (args.text(0), args.text(1)) else { return Ok(None) };
            let elements: Vec<&str> = text.split(separator.as_str()).map(str::trim).collect();
            Some(format!("{{{}}}", elements.join(",")))
        }
        "array_to_string" => args.text(0).map(|list| elements(&list).join(args.text(1).unwrap_or_default().as_str())),
        "pg_element" => {
            let (Some(list), Some(number)) = (args.text(0), args.number(1)) else { return Ok(None) };
            let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            index.and_then(|index| elements(&list).get(index).cloned())
        }
        _ => None,
    })
}

fn number(name: &str, facts: &Facts, args: &Arguments) -> Option<i64> {
    match name {
        "to_regclass" => {
            let named = args.text(0)?;
            let parts = parts(&named);
            let table = parts.last()?;
            let oid = oids::of_table(&facts.database, table);
            facts.tables.contains_key(&oid).then_some(oid)
        }
        "to_regtype" => oids::type_named(args.text(0)?.trim_start_matches("pg_catalog.")).map(|known| known.oid),
        "to_regnamespace" => {
            let name = args.text(0)?;
            NAMESPACES.iter().find(|(_, known)| *known == name).map(|(oid, _)| *oid)
        }
        "pg_backend_pid" => Some(facts.connection.into()),
        "array_length" | "array_upper" => {
            let length = elements(&args.text(0)?).len();
            i64::try_from(length).ok().filter(|length| *length > 0)
        }
        "array_lower" => (!elements(&args.text(0)?).is_empty()).then_some(1),
        "inet_server_port" => None,
        _ => Some(0),
    }
}

fn truth(name: &str, args: &Arguments) -> Option<bool> {
    match name {
        "pg_is_in_recovery" | "pg_is_other_temp_schema" => Some(false),
        "pg_is_element" => {
            let (list, wanted) = (args.text(0)?, args.text(1)?);
            Some(elements(&list).contains(&wanted))
        }
        // The last argument names the right: everybody may read what they see, and nobody may change it here.
        name if name.starts_with("has_") => {
            let right = args.text(args.0.len().checked_sub(1)?)?.to_lowercase();
            let reads = ["select", "usage", "connect", "execute"].iter().any(|word| right.contains(word));
            Some(reads)
        }
        _ => Some(true),
    }
}

/// The elements of a list in PostgreSQL's form.
pub(super) fn elements(list: &str) -> Vec<String> {
    let inner = list.trim().trim_start_matches('{').trim_end_matches('}');
    if inner.is_empty() {
        return Vec::new();
    }
    inner.split(',').map(|element| element.trim().trim_matches('"').to_owned()).collect()
}

/// The parts of a dotted name, as SQL reads it.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for character in name.chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            other => {
                let Some(part) = parts.last_mut() else { continue };
                if is_quoted { part.push(other) } else { part.extend(other.to_lowercase()) }
            }
        }
    }
    parts
}

/// A name as it is to be written.
fn quoted(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The values that a function is called with.
struct Arguments(Vec<ScalarValue>);

impl Arguments {
    fn text(&self, index: usize) -> Option<String> {
        let value = self.0.get(index).filter(|value| !value.is_null())?;
        match value.cast_to(&DataType::Utf8) {
            Ok(ScalarValue::Utf8(text)) => text,
            _ => None,
        }
    }

    fn number(&self, index: usize) -> Option<i64> {
        let value = self.0.get(index).filter(|value| !value.is_null())?;
        match value.cast_to(&DataType::Int64) {
            Ok(ScalarValue::Int64(number)) => number,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_and_written_as_sql_does() {
        assert_eq!(parts("public.\"Cpu.x\""), ["public", "Cpu.x"]);
        assert_eq!(parts("CPU"), ["cpu"]);
        assert_eq!(
            (quoted("cpu").as_str(), quoted("Cpu").as_str(), quoted("a\"b").as_str()),
            ("cpu", "\"Cpu\"", "\"a\"\"b\"")
        );
        assert_eq!(elements("{a,\"b\"}"), ["a", "b"]);
        assert_eq!(elements("{}"), Vec::<String>::new());
    }
}
