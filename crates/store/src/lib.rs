//! The durable store: write-ahead log, memtable, Parquet files, manifest
