"""Asks a server over PostgreSQL's protocol with psycopg 3 and SQLAlchemy: HOST PORT USER PASSWORD FUNCTION."""

import datetime
import decimal
import sys
import threading
import time

import psycopg
import sqlalchemy

host, port, user, password, function = sys.argv[1:]
UTC = datetime.timezone.utc
TIME = datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)
ENDLESS = (
    "SELECT count(*) FROM generate_series(1, 2000) a "
    "CROSS JOIN generate_series(1, 100000000000) b WHERE a.value + b.value = 7"
)


def connect(**more):
    return psycopg.connect(host=host, port=port, user=user, password=password, dbname="main", **more)


def expect(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def ask_values_in_both_formats():
    row = (TIME, "attic", 21.5, 7, decimal.Decimal("18446744073709551615"), True, "it's")
    sql = "SELECT time, name, celsius, count, total, open, note FROM room ORDER BY time"
    with connect() as connection:
        for binary in (False, True):
            rows = connection.cursor(binary=binary).execute(sql).fetchall()
            expect(rows[0], row)
            expect(rows[1][2:], (12.0, None, None, None, None))
        oids = [column.type_code for column in connection.execute(sql).description]
        expect(oids, [1184, 25, 701, 20, 1700, 16, 25])


def ask_with_parameters():
    with connect() as connection:
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)

            def one(sql, *values):
                return cursor.execute(sql, values).fetchall()

            expect(one("SELECT celsius FROM room WHERE name = %s", "attic"), [(21.5,)])
            expect(one("SELECT name FROM room WHERE celsius > %s", 20.0), [("attic",)])
            expect(one("SELECT name FROM room WHERE celsius < %s", 20), [("cellar",)])
            expect(one("SELECT name FROM room WHERE time <= %s", TIME + datetime.timedelta(microseconds=1)), [("attic",)])
            expect(one("SELECT name FROM room WHERE open = %s", True), [("attic",)])
            expect(one("SELECT name FROM room WHERE name = %s", "x' OR 'a' = 'a"), [])
            expect(one("SELECT name FROM room WHERE name = ANY(%s)", ["attic", "loft"]), [("attic",)])
            expect(one("SELECT name FROM room ORDER BY time LIMIT %s", 1), [("attic",)])
            expect(one("SELECT count(*) FROM room WHERE note = %s", None), [(0,)])
            expect(one("SELECT name FROM room WHERE total > %s", decimal.Decimal("12.5")), [("attic",)])


def ask_with_prepared_statements():
    with connect(prepare_threshold=0, autocommit=True) as connection:
        for name, celsius in (("attic", 21.5), ("cellar", 12.0)) * 3:
            rows = connection.execute("SELECT celsius FROM room WHERE name = %s", (name,), prepare=True).fetchall()
            expect(rows, [(celsius,)])
        connection.execute("DEALLOCATE ALL")


def ask_in_blocks():
    with connect() as connection:
        with connection.transaction():
            expect(connection.execute("SELECT count(*) FROM room").fetchone(), (2,))
            with connection.transaction():
                expect(connection.execute("SELECT 1").fetchone(), (1,))
        expect(connection.info.transaction_status, psycopg.pq.TransactionStatus.IDLE)
        connection.execute("SELECT 1")
        expect(connection.info.transaction_status, psycopg.pq.TransactionStatus.INTRANS)
        connection.rollback()


def ask_and_cancel():
    with connect(autocommit=True) as connection:
        timer = threading.Timer(0.5, connection.cancel)
        timer.start()
        try:
            connection.execute(ENDLESS)
            raise AssertionError("an endless query has ended")
        except psycopg.errors.QueryCanceled:
            pass
        timer.join()
        expect(connection.execute("SELECT 1").fetchone(), (1,))
        # Its threads end soon after its client was told.
        deadline = time.monotonic() + 30
        while connection.execute("SHOW QUERIES").fetchall():
            assert time.monotonic() < deadline, "the query goes on"


def ask_what_fails():
    with connect(autocommit=True) as connection:
        for sql, error in (
            ("SELECT celsiu FROM room", psycopg.errors.UndefinedColumn),
            ("SELECT 1 FROM rom", psycopg.errors.UndefinedTable),
            ("SELECT (1", psycopg.errors.SyntaxError),
            ("DROP TABLE room", psycopg.errors.ReadOnlySqlTransaction),
            ("INSERT INTO room VALUES (1)", psycopg.errors.ReadOnlySqlTransaction),
            ("DECLARE c CURSOR FOR SELECT 1", psycopg.errors.FeatureNotSupported),
        ):
            try:
                connection.execute(sql)
                raise AssertionError(f"{sql} was answered")
            except error as found:
                if error is psycopg.errors.UndefinedColumn:
                    expect(found.diag.statement_position, "8")
        try:
            psycopg.connect(host=host, port=port, user=user, password="wrong", dbname="main")
            raise AssertionError("a wrong password is good")
        except psycopg.OperationalError as found:
            assert "wrong" in str(found), found


def ask_by_sqlalchemy():
    url = sqlalchemy.URL.create("postgresql+psycopg", user, password, host, int(port), "main")
    engine = sqlalchemy.create_engine(url)
    inspector = sqlalchemy.inspect(engine)
    expect(inspector.default_schema_name, "public")
    expect(inspector.get_schema_names(), ["information_schema", "public"])
    expect(inspector.get_table_names(), ["room"])
    columns = {column["name"]: str(column["type"]) for column in inspector.get_columns("room")}
    expect(columns["time"], "TIMESTAMP")
    expect(columns["celsius"], "DOUBLE PRECISION")
    expect(columns["total"], "NUMERIC")
    expect(inspector.get_pk_constraint("room")["constrained_columns"], [])
    expect(inspector.get_indexes("room"), [])
    expect(inspector.get_foreign_keys("room"), [])
    room = sqlalchemy.Table("room", sqlalchemy.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.select(room.c.name, room.c.celsius).where(room.c.celsius > 20)).all()
        expect([tuple(row) for row in found], [("attic", 21.5)])


functions = {name: value for name, value in list(globals().items()) if name.startswith("ask_")}
functions[function]()
