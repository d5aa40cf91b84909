"""The library `influxdb` (5.3, for InfluxDB 1) against a server: `with_version_1.py HOST PORT USER PASSWORD`."""

import sys

from influxdb import InfluxDBClient
from influxdb.exceptions import InfluxDBClientError

host, port, user, password = sys.argv[1:]
client = InfluxDBClient(host, int(port), user, password, "python")
assert client.ping() == "1.8.10"
client.create_database("python")
client.create_database("python")
assert {"name": "python"} in client.get_list_database()
points = [
    {"measurement": "m", "tags": {"place": place}, "time": 1_700_000_000 + at, "fields": {"value": at + 0.5, "n": at, "note": 'a "b"'}}
    for at in range(5)
    for place in ("a", "b")
]
assert client.write_points(points, time_precision="s")
rows = list(client.query("SELECT value, n, note FROM m WHERE place = 'a'", epoch="s").get_points())
assert len(rows) == 5 and rows[4] == {"time": 1_700_000_004, "value": 4.5, "n": 4, "note": 'a "b"'}, rows
means = client.query("SELECT mean(value) FROM m GROUP BY place")
assert [tags for (_, tags), _ in means.items()] == [{"place": "a"}, {"place": "b"}], means
bound = client.query("SELECT n FROM m WHERE place = $place AND n > $n", bind_params={"place": "a", "n": 2})
assert [row["n"] for row in bound.get_points()] == [3, 4], bound
chunked = client.query("SELECT n FROM m", chunked=True, chunk_size=3)
assert sum(len(list(part.get_points())) for part in chunked) == 10
assert client.get_list_measurements() == [{"name": "m"}]
assert client.get_list_retention_policies("python")[0]["name"] == "autogen"
try:
    client.query("SELECT FROM m")
    raise AssertionError("a wrong statement is answered")
except InfluxDBClientError as error:
    assert error.code == 400 and "error parsing query" in str(error), error
try:
    client.write_points(["m value=1 1", "m value="], protocol="line")
    raise AssertionError("a wrong line is stored")
except InfluxDBClientError as error:
    assert error.code == 400 and "partial write" in str(error), error
