"""Answers statements from the Parquet files of a data folder with DuckDB and with pyarrow, and compares with the server's answers.

Input, as JSON: the data folder, tables with the number of rows that their files have and whether a key may stand in several
of them, and statements with the text that the server answered.
"""

import datetime
import decimal
import json
import math
import pathlib
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

asked = json.load(sys.stdin)
data_dir = pathlib.Path(asked["data_dir"])


def named_files():
    """The files of each table as the manifest names them, oldest first: the newest checkpoint, then the deltas behind it."""
    names = sorted(path.name for path in (data_dir / "manifest").glob("*.json"))
    checkpoint = max(name for name in names if name.endswith(".checkpoint.json"))
    deltas = [name for name in names if name.endswith(".delta.json") and name[:20] > checkpoint[:20]]
    tables = {}
    for name in [checkpoint, *deltas]:
        edit = json.loads((data_dir / "manifest" / name).read_text())["edit"]
        for change in edit["tables"]:
            files = tables.setdefault(change["table"], [])
            replaced = change.get("replaced", [])
            at = max((files.index(path) + 1 for path in replaced), default=len(files))
            files[at:at] = [file["path"] for file in change["files"]]
            tables[change["table"]] = [path for path in files if path not in replaced]
    return {table: [str(data_dir / path) for path in files] for table, files in tables.items()}


def newest_of_each_key(rows, columns, keys):
    """A statement that joins the rows of a key: each field has the value of the newest file that has one."""
    fields = [name for name in columns if name not in keys and name != "position"]
    newest = "".join(f', arg_max("{name}", position) AS "{name}"' for name in fields)
    names = ", ".join(f'"{name}"' for name in keys)
    return f"SELECT {names}{newest} FROM {rows} GROUP BY {names}"


def with_duckdb(table, files, connection):
    """DuckDB reads the files; `union_by_name` gives each column the type that holds the values of all of them."""
    found = connection.read_parquet(files, union_by_name=True, hive_partitioning=False, filename=table["overlapping"])
    scales = [str(kind) for name, kind in zip(found.columns, found.types) if name in table["decimals"]]
    assert scales and all(scale.startswith("DECIMAL") for scale in scales), f"{table['name']}: {scales}"
    if table["overlapping"]:
        found = found.project(f"* EXCLUDE filename, list_position({files!r}, filename) AS position")
    found.create_view("rows_of_" + table["name"])


def with_pyarrow(table, files, connection):
    """pyarrow reads each file with its own types; DuckDB only computes."""
    parts = []
    for position, file in enumerate(files):
        part = pq.read_table(file, partitioning=None)
        for index, field in enumerate(part.schema):
            column = part.column(index)
            if pa.types.is_decimal(field.type):
                # Arrow's own conversion to doubles may be off by the last bit.
                values = [None if value is None else float(value) for value in column.to_pylist()]
                column = pa.chunked_array([pa.array(values, pa.float64())])
            elif pa.types.is_timestamp(field.type):
                column = column.cast(pa.timestamp("ns", "UTC"))
            elif pa.types.is_dictionary(field.type):
                column = column.cast(pa.string())
            part = part.set_column(index, field.name, column)
        if table["overlapping"]:
            part = part.append_column("position", pa.array([position] * len(part), pa.int64()))
        parts.append(part)
    connection.register("rows_of_" + table["name"], pa.concat_tables(parts, promote_options="default"))


def nanoseconds(text):
    """A time of the server, such as 2023-11-14T22:13:20.000000001Z, as nanoseconds since 1970."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = (datetime.datetime.fromisoformat(whole + "+00:00") - EPOCH) // datetime.timedelta(seconds=1)
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)


def rows_of(answer):
    """The rows of an answer; times are nanoseconds since 1970, and decimals what they are as doubles."""
    columns = []
    for column in answer.columns:
        if pa.types.is_timestamp(column.type):
            columns.append(column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_pylist())
        else:
            plain = lambda value: float(value) if isinstance(value, decimal.Decimal) else value
            columns.append([plain(value) for value in column.to_pylist()])
    return [list(row) for row in zip(*columns)]


def same(found, wanted, exact):
    if isinstance(wanted, str) and wanted.endswith("Z") and wanted[4:5] == "-":
        wanted = nanoseconds(wanted)
    if found is None or wanted is None or isinstance(wanted, str) or isinstance(wanted, bool):
        return type(found) is type(wanted) and found == wanted
    return found == wanted if exact else math.isclose(found, wanted, rel_tol=1e-12)


def compare(reader, read):
    connection = duckdb.connect()
    connection.sql("SET TimeZone = 'UTC'")
    named = named_files()
    for table in asked["tables"]:
        name, files = table["name"], named[table["name"]]
        on_disk = {str(path) for path in (data_dir / "data").glob(f"*/main/{name}/day=*/*.parquet")}
        assert set(files) == on_disk, f"{name}: the manifest names {files}, and there are {on_disk}"
        assert len(files) == table["files"], f"{name}: {files}"
        read(table, files, connection)
        rows = "rows_of_" + name
        found = connection.sql(f"SELECT count(*) FROM {rows}").fetchall()[0][0]
        assert found == table["rows"], f"{reader}: {name} has {found} rows in files, not {table['rows']}"
        columns = connection.sql(f"SELECT * FROM {rows}").columns
        unique = newest_of_each_key(rows, columns, ["time", *table["tags"]]) if table["overlapping"] else f"FROM {rows}"
        connection.sql(f"CREATE VIEW {name} AS {unique}")
    for answer in asked["answers"]:
        sql, wanted = answer["sql"], json.loads(answer["answer"])["rows"]
        rows = rows_of(connection.sql(sql).to_arrow_table())
        exact = "avg(" not in sql and "sum(" not in sql
        assert wanted, f"{sql}: an answer without rows compares nothing"
        assert len(rows) == len(wanted), f"{reader}: {sql}: {len(rows)} rows, not {len(wanted)}"
        for row, of_server in zip(rows, wanted):
            equal = len(row) == len(of_server) and all(same(a, b, exact) for a, b in zip(row, of_server))
            assert equal, f"{reader}: {sql}: {row}, not {of_server}"


compare("duckdb", with_duckdb)
compare("pyarrow", with_pyarrow)
print(f"{len(asked['answers'])} answers agree")
