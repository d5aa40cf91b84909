//! Statements of clients of PostgreSQL, as they send them, over the catalog that describes a database.

mod support;

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use sensorium_model::{DatabaseName, OrgId, Point, Value};
use sensorium_query::{Parameter, Postgres, QueryError, QueryRequest};
use support::{Bench, START, key, run};
use uuid::Uuid;

fn asked(bench: &Bench, sql: &str, parameters: Option<Vec<Parameter>>) -> QueryRequest {
    let settings = BTreeMap::from([("timezone".to_owned(), "UTC".to_owned())]);
    let postgres = Postgres { user: "ada".to_owned(), connection: 7, settings, parameters };
    QueryRequest { postgres: Some(postgres), ..bench.request(sql) }
}

async fn ask_with(bench: &Bench, sql: &str, parameters: Vec<Parameter>) -> Vec<String> {
    match bench.batches(asked(bench, sql, Some(parameters))).await {
        Ok(batches) => batches.iter().flat_map(support::rows).collect(),
        Err(error) => panic!("{sql}: {error} ({error:?})"),
    }
}

async fn ask(bench: &Bench, sql: &str) -> Vec<String> {
    ask_with(bench, sql, Vec::new()).await
}

/// A database with the table `room`: a tag and two fields.
async fn bench() -> Bench {
    let bench = Bench::new();
    bench.write(&[Point::new("room", START).tag("name", "attic").field("celsius", Value::F64(21.5))]).await;
    bench
}

#[test]
fn psql_describes_a_table() {
    run(async {
        let bench = bench().await;
        let found = ask(
            &bench,
            "SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c \
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relname OPERATOR(pg_catalog.~) '^(room)$' COLLATE pg_catalog.default \
             AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 2, 3",
        )
        .await;
        let [line] = found.as_slice() else { panic!("{found:?}") };
        let (oid, rest) = line.split_once('|').unwrap();
        assert_eq!(rest, "public|room");
        let facts = format!(
            "SELECT c.relchecks, c.relkind, c.relhasindex, c.relhasrules, c.relhastriggers, c.relrowsecurity, \
             c.relforcerowsecurity, false AS relhasoids, c.relispartition, '', c.reltablespace, \
             CASE WHEN c.reloftype = 0 THEN '' ELSE c.reloftype::pg_catalog.regtype::pg_catalog.text END, \
             c.relpersistence, c.relreplident, am.amname FROM pg_catalog.pg_class c \
             LEFT JOIN pg_catalog.pg_class tc ON (c.reltoastrelid = tc.oid) \
             LEFT JOIN pg_catalog.pg_am am ON (c.relam = am.oid) WHERE c.oid = '{oid}'"
        );
        let [facts] = ask(&bench, &facts).await.try_into().unwrap();
        assert_eq!(facts, "0|r|false|false|false|false|false|false|false||0||p|n|heap");
        let columns = format!(
            "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), \
             (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d \
             WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull, \
             (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t WHERE c.oid = a.attcollation \
             AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS attcollation, a.attidentity, a.attgenerated \
             FROM pg_catalog.pg_attribute a WHERE a.attrelid = '{oid}' AND a.attnum > 0 AND NOT a.attisdropped \
             ORDER BY a.attnum"
        );
        assert_eq!(
            ask(&bench, &columns).await,
            ["time|timestamp with time zone||true|||", "name|text||false|||", "celsius|double precision||false|||"]
        );
        for nothing in [
            "SELECT pol.polname, pol.polpermissive, CASE WHEN pol.polroles = '{0}' THEN NULL ELSE pg_catalog.array_to_string(\
             array(select rolname from pg_catalog.pg_roles where oid = any (pol.polroles) order by 1),',') END, \
             pg_catalog.pg_get_expr(pol.polqual, pol.polrelid) FROM pg_catalog.pg_policy pol \
             WHERE pol.polrelid = '16384' ORDER BY 1",
            "SELECT oid, stxrelid::pg_catalog.regclass, stxnamespace::pg_catalog.regnamespace::pg_catalog.text AS nsp, \
             'd' = any(stxkind) AS ndist_enabled FROM pg_catalog.pg_statistic_ext WHERE stxrelid = '16384' ORDER BY nsp",
            "SELECT pubname, NULL, NULL FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_namespace pn \
             ON p.oid = pn.pnpubid UNION SELECT pubname, pg_get_expr(pr.prqual, c.oid), NULL \
             FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel pr ON p.oid = pr.prpubid \
             JOIN pg_catalog.pg_class c ON c.oid = pr.prrelid ORDER BY 1",
            "SELECT c.oid::pg_catalog.regclass, c.relkind, inhdetachpending, pg_catalog.pg_get_expr(c.relpartbound, c.oid) \
             FROM pg_catalog.pg_class c, pg_catalog.pg_inherits i WHERE c.oid = i.inhrelid AND i.inhparent = '16384' \
             ORDER BY pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'",
        ] {
            assert_eq!(ask(&bench, nothing).await, Vec::<String>::new(), "{nothing}");
        }
    });
}

#[test]
fn sqlalchemy_inspects_a_database() {
    run(async {
        let bench = bench().await;
        let text = |value: &str| Parameter::Text(value.to_owned());
        let schemas = "SELECT pg_catalog.pg_namespace.nspname FROM pg_catalog.pg_namespace \
                       WHERE (pg_catalog.pg_namespace.nspname NOT LIKE $1::VARCHAR || '%' ESCAPE '/') \
                       ORDER BY pg_catalog.pg_namespace.nspname";
        assert_eq!(ask_with(&bench, schemas, vec![text("pg/_")]).await, ["information_schema", "public"]);
        let tables = "SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace \
                      ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace \
                      WHERE pg_catalog.pg_class.relkind = ANY (ARRAY[$1::VARCHAR, $2::VARCHAR]) \
                      AND pg_catalog.pg_class.relpersistence != $3::VARCHAR \
                      AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid)";
        assert_eq!(ask_with(&bench, tables, vec![text("r"), text("p"), text("t")]).await, ["room"]);
        let keys = "SELECT attr.conrelid, array_agg(CAST(attr.attname AS TEXT) ORDER BY attr.ord) AS cols, attr.conname \
                    FROM (SELECT con.conrelid AS conrelid, con.conname AS conname, con.ord AS ord, \
                    pg_catalog.pg_attribute.attname AS attname FROM pg_catalog.pg_attribute JOIN (SELECT \
                    pg_catalog.pg_constraint.conrelid AS conrelid, pg_catalog.pg_constraint.conname AS conname, \
                    unnest(pg_catalog.pg_constraint.conkey) AS attnum, \
                    generate_subscripts(pg_catalog.pg_constraint.conkey, 1) AS ord FROM pg_catalog.pg_constraint \
                    WHERE pg_catalog.pg_constraint.contype = 'p') AS con ON pg_catalog.pg_attribute.attnum = con.attnum) \
                    AS attr GROUP BY attr.conrelid, attr.conname ORDER BY attr.conrelid, attr.conname";
        assert_eq!(ask(&bench, keys).await, Vec::<String>::new());
        let described = "SELECT t.typname, (SELECT n.nspname FROM pg_namespace n WHERE n.oid = t.typnamespace) AS schema \
                         FROM pg_type t WHERE t.oid = to_regtype('float8')";
        assert_eq!(ask(&bench, described).await, ["float8|pg_catalog"]);
    });
}

#[test]
fn only_the_caller_s_organisation_is_described() {
    run(async {
        let bench = bench().await;
        let other = OrgId::from_uuid(Uuid::from_u128(9));
        bench.store.create_database(&key(other, "main")).unwrap();
        bench.store.create_database(&key(other, "secret")).unwrap();
        bench.store.create_database(&key(bench.org, "other")).unwrap();
        assert_eq!(ask(&bench, "SELECT datname FROM pg_database ORDER BY 1").await, ["main", "other"]);
        let request = QueryRequest { org: other, ..asked(&bench, "SELECT relname FROM pg_class", Some(Vec::new())) };
        assert!(bench.batches(request).await.unwrap().iter().all(|batch| batch.num_rows() == 0));
        let reading = QueryRequest { org: other, ..asked(&bench, "SELECT * FROM room", Some(Vec::new())) };
        assert!(matches!(bench.batches(reading).await, Err(QueryError::UnknownTable { .. })));
        assert!(bench.engine.has_database(other, &DatabaseName::new("secret").unwrap()));
        assert!(!bench.engine.has_database(bench.org, &DatabaseName::new("secret").unwrap()));
        // Without PostgreSQL's protocol there is no such catalog.
        assert!(matches!(bench.refused("SELECT relname FROM pg_class").await, QueryError::UnknownTable { .. }));
    });
}

#[test]
fn parameters_are_values_and_are_described_without_them() {
    run(async {
        let bench = bench().await;
        let sql = "SELECT celsius FROM room WHERE name = $1 AND celsius > $2 AND time >= $3";
        let values = vec![
            Parameter::Text("attic".to_owned()),
            Parameter::Float(20.0),
            Parameter::Time("2023-11-14T22:00:00Z".to_owned()),
        ];
        assert_eq!(ask_with(&bench, sql, values).await, ["21.5"]);
        let described = bench.engine.describe(asked(&bench, sql, None)).await.unwrap();
        assert_eq!(described.parameters.len(), 3);
        assert_eq!(described.parameters.get(1), Some(&Some(DataType::Float64)));
        assert_eq!(described.columns.field(0).name(), "celsius");
        let refused = bench.batches(asked(&bench, sql, Some(Vec::new()))).await.unwrap_err();
        assert!(refused.to_string().contains("$1"), "{refused}");
        let wrong = bench.engine.describe(asked(&bench, "SELECT nothing FROM room", None)).await.unwrap_err();
        assert!(wrong.position().is_some(), "{wrong:?}");
    });
}
