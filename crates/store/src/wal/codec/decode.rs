//! From bytes to a batch; the layout stands in the parent module.

use sensorium_model::names::TIME_COLUMN;
use sensorium_model::{
    Batch, DatabaseKey, DatabaseName, FieldColumn, FieldValues, MAX_VECTOR_NUMBERS, Name, OrgId, TableBatch, TagColumn,
    TextColumn, Validity, VectorColumn,
};
use uuid::Uuid;

use super::{CodecError, VERSION};

/// Decodes a batch.
pub(crate) fn decode_batch(bytes: &[u8]) -> Result<Batch, CodecError> {
    let mut reader = Reader { bytes, at: 0 };
    let database = reader.database()?;
    let count = reader.count(1)?;
    let tables = (0..count).map(|_| reader.table()).collect::<Result<_, _>>()?;
    reader.end()?;
    Ok(Batch { database, tables })
}

/// Decodes the key of a database.
pub(crate) fn decode_database(bytes: &[u8]) -> Result<DatabaseKey, CodecError> {
    let mut reader = Reader { bytes, at: 0 };
    let database = reader.database()?;
    reader.end()?;
    Ok(database)
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, len: usize) -> Result<&'b [u8], CodecError> {
        let end = self.at.checked_add(len).ok_or(CodecError::Truncated(self.at))?;
        let taken = self.bytes.get(self.at..end).ok_or(CodecError::Truncated(self.at))?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| CodecError::Truncated(at))
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        let byte = *self.bytes.get(self.at).ok_or(CodecError::Truncated(self.at))?;
        self.at += 1;
        Ok(byte)
    }

    fn invalid<T>(&self, what: &'static str) -> Result<T, CodecError> {
        Err(CodecError::Invalid { what, at: self.at })
    }

    fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        self.invalid("a number")
    }

    /// A count of things that take at least `least_bytes` each, so that a wrong count cannot reserve memory.
    fn count(&mut self, least_bytes: usize) -> Result<usize, CodecError> {
        let at = self.at;
        let count = usize::try_from(self.varint()?).map_err(|_| CodecError::Truncated(at))?;
        let left = self.bytes.len() - self.at;
        if count.checked_mul(least_bytes).is_none_or(|bytes| bytes > left) {
            return Err(CodecError::Truncated(at));
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<&'b str, CodecError> {
        let len = self.count(1)?;
        let at = self.at;
        std::str::from_utf8(self.take(len)?).map_err(|_| CodecError::Invalid { what: "text", at })
    }

    fn database(&mut self) -> Result<DatabaseKey, CodecError> {
        let version = self.byte()?;
        if version != VERSION {
            return Err(CodecError::Version(version));
        }
        let org = OrgId::from_uuid(Uuid::from_bytes(self.array()?));
        let at = self.at;
        let name =
            DatabaseName::new(self.text()?).map_err(|_| CodecError::Invalid { what: "a database's name", at })?;
        Ok(DatabaseKey::new(org, name))
    }

    fn table(&mut self) -> Result<TableBatch, CodecError> {
        let table: Name = self.text()?.into();
        let rows = self.count(1)?;
        let time_ns = self.differences(rows)?;
        let tags_count = self.count(1)?;
        let tags = (0..tags_count).map(|_| self.tag(rows)).collect::<Result<_, _>>()?;
        let fields_count = self.count(1)?;
        let fields = (0..fields_count).map(|_| self.field(rows)).collect::<Result<_, _>>()?;
        let source = (1..=u32::try_from(rows).unwrap_or(u32::MAX)).collect();
        let batch = TableBatch { table, time_ns, tags, fields, source };
        if !batch.is_rectangular() {
            return self.invalid("the order of columns");
        }
        if has_own_names(&batch) { Ok(batch) } else { self.invalid("the name of a column") }
    }

    fn tag(&mut self, rows: usize) -> Result<TagColumn, CodecError> {
        let name: Name = self.text()?.into();
        let values = self.count(1)?;
        let dictionary = (0..values).map(|_| self.text().map(Name::from)).collect::<Result<_, _>>()?;
        let mut keys = Vec::with_capacity(rows.min(self.bytes.len() - self.at));
        for _ in 0..rows {
            let key = self.varint()?;
            if key > values as u64 {
                return self.invalid("the key of a tag");
            }
            // At most `values`, of which each took a byte: it fits. 0 wraps to ABSENT.
            keys.push((key as u32).wrapping_sub(1));
        }
        Ok(TagColumn { name, dictionary, keys })
    }

    fn field(&mut self, rows: usize) -> Result<FieldColumn, CodecError> {
        let name: Name = self.text()?.into();
        let kind = self.byte()?;
        let valid = self.presence(rows)?;
        let present = valid.count_valid();
        let values = match kind {
            0 => {
                let at = self.at;
                let bytes = present.checked_mul(8).ok_or(CodecError::Truncated(at))?;
                let (chunks, _) = self.take(bytes)?.as_chunks::<8>();
                FieldValues::F64(spread(chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)), &valid))
            }
            1 => FieldValues::I64(spread(self.differences(present)?.into_iter(), &valid)),
            2 => {
                let values = (0..present).map(|_| self.varint()).collect::<Result<Vec<_>, _>>()?;
                FieldValues::U64(spread(values.into_iter(), &valid))
            }
            3 => {
                let bytes = self.take(present)?;
                if bytes.iter().any(|byte| *byte > 1) {
                    return self.invalid("a truth value");
                }
                FieldValues::Bool(spread(bytes.iter().map(|byte| *byte == 1), &valid))
            }
            4 => FieldValues::Text(self.texts(present, &valid)?),
            5 => FieldValues::Vector(self.vectors(present, &valid)?),
            _ => return self.invalid("the type of a field"),
        };
        Ok(FieldColumn { name, values, valid })
    }

    fn presence(&mut self, rows: usize) -> Result<Validity, CodecError> {
        let tail = rows % 64;
        let words = match self.byte()? {
            0 => {
                let mut words = vec![u64::MAX; rows.div_ceil(64)];
                if let (Some(last), true) = (words.last_mut(), tail > 0) {
                    *last = (1 << tail) - 1;
                }
                words
            }
            1 => {
                let (chunks, _) = self.take(rows.div_ceil(64) * 8)?.as_chunks::<8>();
                chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect()
            }
            _ => return self.invalid("the presence of values"),
        };
        match Validity::from_words(words, rows) {
            Some(valid) => Ok(valid),
            None => self.invalid("the presence of values"),
        }
    }

    fn texts(&mut self, present: usize, valid: &Validity) -> Result<TextColumn, CodecError> {
        let lens = (0..present).map(|_| self.count(1)).collect::<Result<Vec<_>, _>>()?;
        let mut lens = lens.into_iter();
        let mut column = TextColumn::default();
        for row in 0..valid.len() {
            let len = if valid.get(row) { lens.next().unwrap_or_default() } else { 0 };
            let at = self.at;
            let text = std::str::from_utf8(self.take(len)?).map_err(|_| CodecError::Invalid { what: "text", at })?;
            column.push(text);
        }
        Ok(column)
    }

    fn vectors(&mut self, present: usize, valid: &Validity) -> Result<VectorColumn, CodecError> {
        let length = self.varint()?;
        let Some(length) = u16::try_from(length).ok().filter(|n| (1..=MAX_VECTOR_NUMBERS).contains(&usize::from(*n)))
        else {
            return self.invalid("the length of vectors");
        };
        let bytes = present.checked_mul(usize::from(length) * 4).ok_or(CodecError::Truncated(self.at))?;
        let (chunks, _) = self.take(bytes)?.as_chunks::<4>();
        let numbers: Vec<f32> = chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
        let mut vectors = numbers.chunks_exact(usize::from(length));
        let mut column = VectorColumn::new(length);
        for row in 0..valid.len() {
            let vector = if valid.get(row) { vectors.next() } else { None };
            match vector {
                Some(vector) if column.push(vector) => {}
                _ => column.push_absent(),
            }
        }
        Ok(column)
    }

    fn differences(&mut self, count: usize) -> Result<Vec<i64>, CodecError> {
        let mut values = Vec::with_capacity(count.min(self.bytes.len() - self.at));
        let mut before = 0_i64;
        for _ in 0..count {
            let zigzag = self.varint()?;
            before = before.wrapping_add((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()));
            values.push(before);
        }
        Ok(values)
    }

    fn end(&self) -> Result<(), CodecError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            left => Err(CodecError::Trailing(left)),
        }
    }
}

/// Whether no column has the name of another, or that of the time, which every table has.
fn has_own_names(batch: &TableBatch) -> bool {
    let is_field = |name: &Name| batch.fields.binary_search_by(|field| field.name.cmp(name)).is_ok();
    let is_time = |name: &Name| name.as_ref() == TIME_COLUMN;
    batch.tags.iter().all(|tag| !is_time(&tag.name) && !is_field(&tag.name))
        && !batch.fields.iter().any(|field| is_time(&field.name))
}

/// Puts the values of the present rows at their rows, zeros elsewhere.
fn spread<T: Default>(mut present: impl Iterator<Item = T>, valid: &Validity) -> Vec<T> {
    (0..valid.len()).map(|row| if valid.get(row) { present.next().unwrap_or_default() } else { T::default() }).collect()
}
