//! The sampler against a procfs and sysfs made of files, whose every figure is known.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::Path;

use sensorium_agent::{SampleReport, Sampler, SamplerConfig};
use sensorium_model::{
    Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, TableBatch, Value,
};

const NOW_NS: i64 = 1_700_000_000_000_000_000;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn process(root: &Path, pid: u32, name: &str, state: char, ticks: u64, rss: u64) {
    let line = format!("{pid} ({name}) {state} 1 1 1 0 -1 4194304 0 0 0 0 {ticks} 0 0 0 20 0 2 0 {pid} 8192 {rss} 0\n");
    write(root, &format!("proc/{pid}/stat"), &line);
}

fn machine() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        "proc/stat",
        "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 100 0 50 800 50 0 0 0 0 0\nintr 900 1 2\nctxt 5000\nbtime 1600000000\nprocesses 77\n",
    );
    write(
        root,
        "proc/meminfo",
        "MemTotal:  1000 kB\nMemFree:  100 kB\nMemAvailable:  400 kB\nBuffers:  50 kB\nCached:  200 kB\nSReclaimable:  25 kB\nSwapTotal:  500 kB\nSwapFree:  400 kB\nHugePages_Total:  3\n",
    );
    write(root, "proc/vmstat", "pswpin 2\npswpout 3\n");
    write(root, "proc/loadavg", "0.50 0.25 0.10 1/100 4242\n");
    write(root, "proc/uptime", "1000.00 900.00\n");
    write(
        root,
        "proc/diskstats",
        "   8  0 sda 10 1 20 30 40 2 60 70 1 90 100\n   8  1 sda1 9 1 18 30 40 2 60 70 0 90 100\n   7  0 loop0 5 0 5 5 0 0 0 0 0 0 0\n   8 16 sdb 0 0 0 0 0 0 0 0 0 0 0\n",
    );
    write(root, "sys/block/sda/stat", "");
    write(root, "sys/block/sdb/stat", "");
    write(
        root,
        "proc/net/dev",
        "Inter-|   Receive |  Transmit\n face |bytes packets\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0:1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n",
    );
    write(
        root,
        "proc/pressure/cpu",
        "some avg10=1.50 avg60=1.00 avg300=0.50 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    );
    write(root, "sys/class/hwmon/hwmon0/name", "coretemp\n");
    write(root, "sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n");
    write(root, "sys/class/hwmon/hwmon0/temp1_input", "48500\n");
    write(root, "sys/class/hwmon/hwmon0/temp2_input", "-273000\n");
    process(root, 1, "init", 'S', 100, 10);
    process(root, 20, "worker", 'R', 200, 30);
    process(root, 21, "worker", 'S', 300, 30);
    process(root, 30, "gone", 'Z', 0, 0);
    folder
}

fn sampler(root: &Path) -> Sampler {
    let config = SamplerConfig { root: root.join("proc"), sys: root.join("sys"), ..SamplerConfig::new("box") };
    Sampler::new(config).unwrap()
}

fn sample(sampler: &mut Sampler) -> (Batch, SampleReport) {
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW_NS);
    let report = sampler.sample(NOW_NS, &mut builder);
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), DatabaseName::new("main").unwrap());
    (builder.finish(key), report)
}

fn table<'b>(batch: &'b Batch, name: &str) -> &'b TableBatch {
    batch.tables.iter().find(|table| &*table.table == name).unwrap_or_else(|| panic!("no table {name}"))
}

/// A number of the row whose series is `series`.
fn number(batch: &Batch, table_name: &str, series: &str, field: &str) -> f64 {
    let table = table(batch, table_name);
    let row = (0..table.rows()).find(|row| table.series_key(*row).as_str() == series);
    let row = row.unwrap_or_else(|| panic!("no series {series} in {table_name}"));
    let column = table.fields.iter().find(|column| &*column.name == field);
    match column.unwrap_or_else(|| panic!("no field {field} in {table_name}")).get(row) {
        Some(Value::F64(value)) => value,
        Some(Value::I64(value)) => value as f64,
        other => panic!("{table_name}.{field} is {other:?}"),
    }
}

#[test]
fn every_figure_of_a_known_machine() {
    let folder = machine();
    let root = folder.path();
    let mut sampler = sampler(root);
    write(
        root,
        "proc/stat",
        "cpu  160 0 60 820 60 0 0 0 20 0\ncpu0 160 0 60 820 60 0 0 0 20 0\nintr 901 1 2\nctxt 5001\nbtime 1600000000\nprocesses 78\n",
    );
    write(root, "proc/uptime", "1002.00 900.00\n");
    process(root, 20, "worker", 'R', 300, 30);
    process(root, 40, "new", 'D', 20, 5);
    fs::remove_dir_all(root.join("proc/30")).unwrap();
    let (batch, report) = sample(&mut sampler);
    assert!(report.refused.is_empty(), "{:?}", report.refused);
    assert_eq!(batch.rows(), report.rows as usize);

    let expected: &[(&str, &str, &str, f64)] = &[
        ("cpu", "cpu=cpu-total,host=box", "usage_user", 40.0),
        ("cpu", "cpu=cpu-total,host=box", "usage_guest", 20.0),
        ("cpu", "cpu=cpu0,host=box", "usage_system", 10.0),
        ("cpu", "cpu=cpu0,host=box", "usage_idle", 20.0),
        ("cpu", "cpu=cpu0,host=box", "usage_iowait", 10.0),
        ("kernel", "host=box", "context_switches", 5001.0),
        ("kernel", "host=box", "processes_forked", 78.0),
        ("kernel", "host=box", "interrupts", 901.0),
        ("mem", "host=box", "total", 1_024_000.0),
        ("mem", "host=box", "used", 614_400.0),
        ("mem", "host=box", "used_percent", 60.0),
        ("mem", "host=box", "available_percent", 40.0),
        ("mem", "host=box", "cached", 230_400.0),
        ("mem", "host=box", "huge_pages_total", 3.0),
        ("swap", "host=box", "used", 102_400.0),
        ("swap", "host=box", "used_percent", 20.0),
        ("system", "host=box", "load5", 0.25),
        ("system", "host=box", "uptime", 1002.0),
        ("diskio", "host=box,name=sda", "reads", 10.0),
        ("diskio", "host=box,name=sda", "read_bytes", 10_240.0),
        ("diskio", "host=box,name=sda", "write_bytes", 30_720.0),
        ("diskio", "host=box,name=sda", "merged_writes", 2.0),
        ("diskio", "host=box,name=sda", "write_time", 70.0),
        ("diskio", "host=box,name=sda", "iops_in_progress", 1.0),
        ("diskio", "host=box,name=sda", "io_time", 90.0),
        ("diskio", "host=box,name=sda", "weighted_io_time", 100.0),
        ("net", "host=box,interface=eth0", "bytes_recv", 1000.0),
        ("net", "host=box,interface=eth0", "bytes_sent", 2000.0),
        ("net", "host=box,interface=eth0", "drop_in", 2.0),
        ("net", "host=box,interface=eth0", "err_out", 3.0),
        ("net", "host=box,interface=eth0", "drop_out", 4.0),
        ("pressure", "host=box,resource=cpu,type=some", "avg10", 1.5),
        ("pressure", "host=box,resource=cpu,type=some", "total", 123.0),
        ("temp", "host=box,sensor=coretemp_package_id_0", "temp", 48.5),
        ("processes", "host=box", "total", 4.0),
        ("processes", "host=box", "running", 1.0),
        ("processes", "host=box", "sleeping", 2.0),
        ("processes", "host=box", "blocked", 1.0),
        ("processes", "host=box", "zombies", 0.0),
        ("processes", "host=box", "total_threads", 8.0),
        // 100 ticks of 10 ms in two seconds are half a core.
        ("procstat", "host=box,process_name=worker", "cpu_usage", 50.0),
        ("procstat", "host=box,process_name=worker", "processes", 2.0),
        ("procstat", "host=box,process_name=worker", "pid", 20.0),
        ("procstat", "host=box,process_name=new", "cpu_usage", 10.0),
        ("procstat", "host=box,process_name=init", "cpu_usage", 0.0),
    ];
    for (table, series, field, value) in expected {
        let found = number(&batch, table, series, field);
        assert!((found - value).abs() < 1e-9, "{table} {series} {field}: {found}, not {value}");
    }
    let rows = |name| table(&batch, name).rows();
    assert_eq!((rows("diskio"), rows("net"), rows("temp"), rows("pressure"), rows("cpu")), (1, 1, 1, 1, 2));
}

#[test]
fn what_is_missing_is_reported_once_and_costs_only_its_own_rows() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "proc/stat", "cpu  1 0 0 9 0 0 0 0 0 0\n");
    let mut sampler = sampler(folder.path());
    write(folder.path(), "proc/stat", "cpu  2 0 0 18 0 0 0 0 0 0\n");
    let (batch, report) = sample(&mut sampler);
    assert!(number(&batch, "cpu", "cpu=cpu-total,host=box", "usage_idle") == 90.0);
    let mut missing: Vec<String> = report.missing.iter().map(|m| m.path.display().to_string()).collect();
    missing.sort();
    missing.dedup();
    assert_eq!(missing.len(), report.missing.len());
    assert!(missing.iter().any(|path| path.ends_with("proc/pressure/io")), "{missing:?}");
    let (_, again) = sample(&mut sampler);
    assert!(again.missing.is_empty(), "{:?}", again.missing);
}

#[test]
fn damaged_files_do_no_harm() {
    let folder = machine();
    let root = folder.path();
    let mut sampler = sampler(root);
    for path in ["stat", "meminfo", "vmstat", "loadavg", "uptime", "diskstats", "net/dev", "pressure/cpu", "1/stat"] {
        write(root, &format!("proc/{path}"), "cpu\n:\n= some avg10=x\nMemTotal: -1 kB\n\0\u{fffd}(");
    }
    let (batch, report) = sample(&mut sampler);
    assert!(report.refused.is_empty(), "{:?}", report.refused);
    assert_eq!(number(&batch, "processes", "host=box", "total"), 3.0);
}

#[test]
fn a_folder_that_is_no_procfs_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let config = SamplerConfig { root: folder.path().to_owned(), ..SamplerConfig::new("box") };
    let error = Sampler::new(config).unwrap_err().to_string();
    assert!(error.contains("host_metrics.enabled"), "{error}");
}

#[test]
fn this_machine_looks_plausible() {
    let mut sampler = Sampler::new(SamplerConfig::new("here")).unwrap();
    // Work for the counters to count, until at least one clock tick has passed.
    let started = std::time::Instant::now();
    while started.elapsed().as_millis() < 50 {
        std::hint::black_box((0..10_000).sum::<u64>());
    }
    let (batch, report) = sample(&mut sampler);
    assert!(report.refused.is_empty(), "{:?}", report.refused);
    let modes = ["user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"];
    let sum: f64 =
        modes.iter().map(|mode| number(&batch, "cpu", "cpu=cpu-total,host=here", &format!("usage_{mode}"))).sum();
    assert!((sum - 100.0).abs() < 1e-6, "{sum}");
    let memory = |field| number(&batch, "mem", "host=here", field);
    assert!(memory("total") > 64e6 && memory("used") < memory("total") && memory("free") > 0.0);
    assert!(number(&batch, "processes", "host=here", "total") >= 1.0);
    assert!(number(&batch, "system", "host=here", "n_cpus") >= 1.0);
    assert!(table(&batch, "procstat").rows() >= 1);
    let disks = table(&batch, "disk");
    for field in disks.fields.iter().filter(|field| field.name.ends_with("percent")) {
        for row in 0..disks.rows() {
            assert!(matches!(field.get(row), Some(Value::F64(0.0..=100.0))), "{}", field.name);
        }
    }
}
