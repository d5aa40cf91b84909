"""The library `influxdb-client` (1.50, for InfluxDB 2) against a server: `with_version_2.py HOST PORT USER TOKEN`."""

import sys

from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

host, port, _, token = sys.argv[1:]
with InfluxDBClient(f"http://{host}:{port}", token, org="any") as client:
    assert client.ping()
    buckets = client.buckets_api()
    assert buckets.find_bucket_by_name("dht").name == "dht"
    made = buckets.create_bucket(bucket_name="python2", org_id=client.organizations_api().find_organizations()[0].id)
    assert made.name == "python2"
    write = client.write_api(write_options=SYNCHRONOUS)
    write.write("python2", record=[Point("m").tag("place", "a").field("value", at + 0.5).time(at + 1) for at in range(5)])
    try:
        client.query_api().query('from(bucket: "python2")')
        raise AssertionError("Flux is answered")
    except ApiException as error:
        assert error.status == 400 and "Flux is not spoken" in str(error), error
