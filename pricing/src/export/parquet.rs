//! Apache Parquet: money as exact decimals, instants and days as such, control totals in the file's key-value metadata.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::Sheet;
use super::columns::{Column, Kind, Layout};
use super::error::{CellFault, Fault};
use super::row::Row;
use super::totals::Totals;

/// Rows of a row group, which is held in memory until it is written.
const GROUP_ROWS_MAX: usize = 65_536;

/// Text of a row group; a group that has as much is written before its rows are full.
const GROUP_BYTES_MAX: usize = 32 << 20;

/// Digits of a decimal that is stored in 64 bits.
const DECIMAL_DIGITS: u32 = 18;

/// Writes a Parquet file.
pub(super) struct Parquet<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<(&'static Column, Cells)>,
    rows: usize,
    bytes: usize,
}

/// The cells of one column in the open row group; `present` has a 1 for each that is not empty.
struct Cells {
    present: Vec<i16>,
    values: Values,
}

enum Values {
    Numbers(Vec<i64>),
    Days(Vec<i32>),
    /// The texts one behind the other, and where each ends.
    Texts(Vec<u8>, Vec<usize>),
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(layout: &'static Layout, out: W) -> Result<Self, Fault> {
        let fields =
            layout.columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<_, _>>();
        let schema = Type::group_type_builder(layout.set)
            .with_fields(fields.map_err(fault)?)
            .build()
            .map_err(fault)?;
        let properties = WriterProperties::builder()
            .set_created_by("shuzha".to_owned())
            .set_compression(Compression::SNAPPY)
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(fault)?;
        let columns = layout.columns.iter().map(|column| (column, Cells::new(column.kind))).collect();
        Ok(Self { file, columns, rows: 0, bytes: 0 })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for (_, cells) in &mut self.columns {
            let mut column = group.next_column()?.expect("the schema has every column");
            cells.write(&mut column)?;
            column.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl<W: Write + Send> Sheet for Parquet<W> {
    fn row(&mut self, row: &Row, _check: &str) -> Result<(), Fault> {
        for ((index, column, text), (_, cells)) in row.cells().zip(&mut self.columns) {
            cells.push(column, text, row.value(index))?;
        }
        self.rows += 1;
        self.bytes += row.whole().len();
        if self.rows == GROUP_ROWS_MAX || self.bytes > GROUP_BYTES_MAX {
            self.write_group().map_err(fault)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, totals: &Totals) -> Result<(), Fault> {
        if self.rows > 0 {
            self.write_group().map_err(fault)?;
        }
        for (column, _) in &self.columns {
            let title = KeyValue::new(format!("shuzha.title.{}", column.key), column.zh.to_owned());
            self.file.append_key_value_metadata(title);
        }
        for (name, value) in totals.entries() {
            self.file.append_key_value_metadata(KeyValue::new(format!("shuzha.{name}"), value.clone()));
        }
        self.file.finish().map_err(fault)?;
        self.file.inner_mut().flush()?;
        Ok(())
    }
}

impl Cells {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Text | Kind::Id => Values::Texts(Vec::new(), Vec::new()),
            Kind::Day => Values::Days(Vec::new()),
            Kind::Count | Kind::MicroYuan | Kind::Fen | Kind::Ratio | Kind::Instant => {
                Values::Numbers(Vec::new())
            }
        };
        Self { present: Vec::new(), values }
    }

    fn push(&mut self, column: &'static Column, text: &str, value: Option<i64>) -> Result<(), Fault> {
        self.present.push(i16::from(!text.is_empty()));
        match (&mut self.values, value) {
            (Values::Texts(bytes, ends), _) if !text.is_empty() => {
                bytes.extend_from_slice(text.as_bytes());
                ends.push(bytes.len());
            }
            (Values::Numbers(numbers), Some(value)) => {
                let is_decimal = column.kind.decimals().is_some_and(|decimals| decimals > 0);
                if is_decimal && value.unsigned_abs() >= 10_u64.pow(DECIMAL_DIGITS) {
                    return Err(Fault::Cell(column.key, CellFault::OutOfRange));
                }
                numbers.push(value);
            }
            (Values::Days(days), Some(value)) => {
                days.push(i32::try_from(value).expect("a day with a year of four digits"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes the cells and forgets them.
    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let present = Some(self.present.as_slice());
        match &mut self.values {
            Values::Numbers(numbers) => {
                column.typed::<Int64Type>().write_batch(numbers, present, None)?;
                numbers.clear();
            }
            Values::Days(days) => {
                column.typed::<Int32Type>().write_batch(days, present, None)?;
                days.clear();
            }
            Values::Texts(bytes, ends) => {
                let bytes = Bytes::from(std::mem::take(bytes));
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let texts: Vec<ByteArray> =
                    starts.zip(ends.iter()).map(|(start, &end)| bytes.slice(start..end).into()).collect();
                column.typed::<ByteArrayType>().write_batch(&texts, present, None)?;
                ends.clear();
            }
        }
        self.present.clear();
        Ok(())
    }
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let decimal = |scale| {
        let digits = i32::try_from(DECIMAL_DIGITS).expect("18");
        (Physical::INT64, LogicalType::decimal(scale, digits))
    };
    let (physical, logical) = match column.kind {
        Kind::Text | Kind::Id => (Physical::BYTE_ARRAY, LogicalType::String),
        Kind::Count => (Physical::INT64, LogicalType::integer(64, true)),
        Kind::MicroYuan | Kind::Ratio => decimal(6),
        Kind::Fen => decimal(2),
        Kind::Instant => (Physical::INT64, LogicalType::timestamp(true, TimeUnit::MICROS)),
        Kind::Day => (Physical::INT32, LogicalType::Date),
    };
    let mut builder = Type::primitive_type_builder(column.key, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(Some(logical));
    if let Some(scale) = column.kind.decimals().filter(|&decimals| decimals > 0) {
        let scale = i32::try_from(scale).expect("a few");
        builder = builder.with_scale(scale).with_precision(i32::try_from(DECIMAL_DIGITS).expect("18"));
    }
    builder.build()
}

/// What stopped the file's writer is the sink, as nothing else that it is given can.
fn fault(error: ParquetError) -> Fault {
    Fault::Write(match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => *cause,
            Err(cause) => io::Error::other(cause),
        },
        other => io::Error::other(other),
    })
}
