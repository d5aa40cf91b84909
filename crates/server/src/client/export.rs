//! `sensorium export`: the answer to a statement as a file.
//!
//! The rows are written as they arrive, under another name; the file has its own name only when it is whole and on disk.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use indicatif::{ProgressBar, ProgressStyle};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Reach;
use super::query::{Sink, answer, statement};
use crate::cli::{ExportArgs, ExportFormat};

/// Runs the command.
#[expect(clippy::print_stdout, reason = "the answer to a person or a script")]
pub(crate) async fn export(args: ExportArgs) -> Result<()> {
    let format = match args.format {
        Some(format) => format,
        None => format_of(&args.output)?,
    };
    let sql = statement(&args.sql)?;
    let reach = Reach::open(&args.reach, false).await?;
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {human_pos} rows, {per_sec}")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut file = ExportFile { path: args.output, format, writer: None, rows: 0, bytes: 0, bar };
    let outcome = answer(&reach, &args.database, &sql, &mut file).await;
    reach.close().await?;
    file.bar.finish_and_clear();
    outcome?;
    println!("Wrote {} rows, {} bytes, to {}", file.rows, file.bytes, file.path.display());
    Ok(())
}

fn format_of(output: &Path) -> Result<ExportFormat> {
    match output.extension().and_then(|extension| extension.to_str()) {
        Some("parquet") => Ok(ExportFormat::Parquet),
        Some("csv") => Ok(ExportFormat::Csv),
        _ => bail!("{} ends neither in .parquet nor in .csv; say with --format which it is", output.display()),
    }
}

/// A file that is being written.
struct ExportFile {
    path: PathBuf,
    format: ExportFormat,
    writer: Option<Writer>,
    rows: u64,
    bytes: u64,
    bar: ProgressBar,
}

enum Writer {
    Parquet(Box<ArrowWriter<File>>),
    Csv(Box<arrow::csv::Writer<BufWriter<File>>>),
}

impl ExportFile {
    /// The name of the file until it is whole.
    fn draft(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        self.path.with_file_name(name)
    }

    fn open(&self, schema: &SchemaRef) -> Result<Writer> {
        let file = File::create(self.draft())?;
        Ok(match self.format {
            ExportFormat::Parquet => {
                let compression = Compression::ZSTD(ZstdLevel::try_new(3)?);
                let properties = WriterProperties::builder().set_compression(compression).build();
                Writer::Parquet(Box::new(ArrowWriter::try_new(file, schema.clone(), Some(properties))?))
            }
            ExportFormat::Csv => {
                let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(BufWriter::new(file));
                // An answer without rows still has its header.
                writer.write(&RecordBatch::new_empty(schema.clone()))?;
                Writer::Csv(Box::new(writer))
            }
        })
    }

    fn end(&mut self) -> Result<()> {
        let file = match self.writer.take() {
            Some(Writer::Parquet(writer)) => writer.into_inner()?,
            Some(Writer::Csv(writer)) => {
                writer.into_inner().into_inner().map_err(std::io::IntoInnerError::into_error)?
            }
            None => bail!("the answer has no columns"),
        };
        file.sync_all()?;
        self.bytes = file.metadata()?.len();
        Ok(std::fs::rename(self.draft(), &self.path)?)
    }

    fn failed(&self) -> String {
        format!("cannot write {}", self.path.display())
    }
}

impl Sink for ExportFile {
    fn schema(&mut self, schema: &SchemaRef) -> Result<()> {
        if self.writer.is_none() {
            self.writer = Some(self.open(schema).with_context(|| self.failed())?);
        }
        Ok(())
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<bool> {
        let written = match &mut self.writer {
            Some(Writer::Parquet(writer)) => writer.write(&batch).map_err(anyhow::Error::from),
            Some(Writer::Csv(writer)) => writer.write(&batch).map_err(anyhow::Error::from),
            None => Ok(()),
        };
        written.with_context(|| self.failed())?;
        self.rows += batch.num_rows() as u64;
        self.bar.set_position(self.rows);
        Ok(true)
    }

    fn finish(&mut self) -> Result<()> {
        self.end().with_context(|| self.failed())
    }
}

impl Drop for ExportFile {
    /// What is not whole is not left behind.
    fn drop(&mut self) {
        if self.bytes == 0 {
            let _removed = std::fs::remove_file(self.draft());
        }
    }
}
