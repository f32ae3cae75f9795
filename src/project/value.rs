//! Values to be written into a project file, in the types that ilastik writes.

use hdf5_pure::{
    AttrValue, CharacterSet, DatasetBuilder, Datatype, EnumTypeBuilder, StringPadding, make_i8_type,
    make_u8_type,
};

/// The value of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// One string.
    Text(String),
    /// A list of strings.
    Texts(Vec<String>),
    /// One truth value.
    Flag(bool),
    /// Truth values; shape, row-major values.
    Flags(Vec<usize>, Vec<bool>),
    /// Bytes; shape, row-major values.
    Bytes(Vec<usize>, Vec<u8>),
    /// 32-bit integers.
    Int32s(Vec<i32>),
    /// 64-bit integers; shape, row-major values. An empty shape is a single number.
    Int64s(Vec<usize>, Vec<i64>),
    /// Unsigned 32-bit integers.
    UInt32s(Vec<u32>),
    /// One float.
    Float(f64),
    /// Floats.
    Floats(Vec<f64>),
    /// Bytes without meaning, such as a pickle.
    Opaque(Vec<u8>),
}

impl Value {
    /// One string.
    pub fn text(text: &str) -> Self {
        Value::Text(text.to_owned())
    }

    /// A list of 64-bit integers.
    pub fn vector_i64(values: Vec<i64>) -> Self {
        Value::Int64s(vec![values.len()], values)
    }

    /// Describes this value to the writer.
    pub fn describe(&self, dataset: &mut DatasetBuilder) -> Result<(), hdf5_pure::Error> {
        let dims = |shape: &[usize]| shape.iter().map(|&n| n as u64).collect::<Vec<u64>>();
        match self {
            Value::Text(text) => {
                dataset.with_vlen_strings(&[text]).with_dtype(text_type()).with_shape(&[]);
            }
            Value::Texts(texts) => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                dataset.with_vlen_strings(&texts).with_dtype(text_type());
            }
            Value::Flag(on) => {
                dataset.with_enum_u8_data(flag_type()?, &[u8::from(*on)]).with_shape(&[]);
            }
            Value::Flags(shape, values) => {
                let bytes: Vec<u8> = values.iter().map(|&on| u8::from(on)).collect();
                dataset.with_enum_u8_data(flag_type()?, &bytes).with_shape(&dims(shape));
            }
            Value::Bytes(shape, values) => {
                let count = values.len() as u64;
                dataset.with_raw_data(make_u8_type(), values.clone(), count).with_shape(&dims(shape));
            }
            Value::Int32s(values) => {
                dataset.with_i32_data(values);
            }
            Value::Int64s(shape, values) => {
                dataset.with_i64_data(values).with_shape(&dims(shape));
            }
            Value::UInt32s(values) => {
                dataset.with_u32_data(values);
            }
            Value::Float(value) => {
                dataset.with_f64_data(&[*value]).with_shape(&[]);
            }
            Value::Floats(values) => {
                dataset.with_f64_data(values);
            }
            Value::Opaque(bytes) => {
                let datatype = Datatype::Opaque { size: bytes.len() as u32, tag: Vec::new() };
                dataset.with_raw_data(datatype, bytes.clone(), 1).with_shape(&[]);
            }
        }
        Ok(())
    }
}

/// Variable-length strings as ilastik declares them: ASCII, though the bytes are UTF-8.
fn text_type() -> Datatype {
    Datatype::VariableLength {
        is_string: true,
        padding: Some(StringPadding::NullTerminate),
        charset: Some(CharacterSet::Ascii),
        base_type: Box::new(make_u8_type()),
    }
}

/// h5py's truth values: an enumeration of FALSE and TRUE over a signed byte.
fn flag_type() -> Result<Datatype, hdf5_pure::Error> {
    let builder = EnumTypeBuilder::with_base(make_i8_type());
    Ok(builder.raw_value("FALSE", &[0]).raw_value("TRUE", &[1]).build()?)
}

/// An attribute with ilastik's string type.
pub(super) fn text_attribute(text: &str) -> AttrValue {
    AttrValue::VarLenAsciiString(text.to_owned())
}
