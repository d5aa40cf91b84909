//! What is asked of nodes and their devices: payloads of `NCMD` and `DCMD`.

use serde_json::{Map, Value};

use super::is_control;
use super::node::Node;
use super::wire::{self, Wire};

/// The metric with which a node is asked for its births.
const REBIRTH: &str = "Node Control/Rebirth";

/// The payload of the `NCMD` that asks a node for its births.
pub fn rebirth(now_ms: u64) -> Vec<u8> {
    let mut out = Vec::new();
    wire::put(&mut out, 1, Wire::Varint(now_ms));
    put_metric(&mut out, REBIRTH, now_ms, 11, (14, Wire::Varint(1)));
    out
}

/// A payload that sets metrics of a node, or of one of its devices, to plain values; none when there are none. Types are those of
/// the births, or else what the values are. What controls nodes is not set so.
pub(in crate::decoders) fn setting(
    state: &Map<String, Value>,
    node: Option<&Node>,
    device: &str,
    now_ms: u64,
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    wire::put(&mut out, 1, Wire::Varint(now_ms));
    let empty = out.len();
    for (name, value) in state.iter().filter(|(name, _)| !is_control(name)) {
        let datatype = node.and_then(|node| node.datatype(device, name));
        if let Some((datatype, field)) = typed(value, datatype) {
            put_metric(&mut out, name, now_ms, datatype, field);
        }
    }
    Some(out).filter(|out| out.len() > empty)
}

fn put_metric(out: &mut Vec<u8>, name: &str, now_ms: u64, datatype: u64, (number, value): (u64, Wire<'_>)) {
    let mut metric = Vec::new();
    wire::put(&mut metric, 1, Wire::Bytes(name.as_bytes()));
    wire::put(&mut metric, 3, Wire::Varint(now_ms));
    wire::put(&mut metric, 4, Wire::Varint(datatype));
    wire::put(&mut metric, number, value);
    wire::put(out, 2, Wire::Bytes(&metric));
}

/// The type of a value and its field; none when the type cannot hold it.
fn typed(value: &Value, datatype: Option<u64>) -> Option<(u64, (u64, Wire<'_>))> {
    let datatype = datatype.or(match value {
        Value::Bool(_) => Some(11),
        Value::Number(number) if number.is_i64() => Some(4),
        Value::Number(number) if number.is_u64() => Some(8),
        Value::Number(_) => Some(10),
        Value::String(_) => Some(12),
        _ => None,
    })?;
    // Integers that are negative are sent as their two's complement, of the width that the field has.
    let narrow = |number: i64, range: std::ops::RangeInclusive<i64>| {
        range.contains(&number).then_some((10, Wire::Varint(u64::from(number as u32))))
    };
    let field = match (datatype, value) {
        (1, value) => narrow(value.as_i64()?, i8::MIN.into()..=i8::MAX.into())?,
        (2, value) => narrow(value.as_i64()?, i16::MIN.into()..=i16::MAX.into())?,
        (3, value) => narrow(value.as_i64()?, i32::MIN.into()..=i32::MAX.into())?,
        (5, value) => narrow(value.as_i64()?, 0..=u8::MAX.into())?,
        (6, value) => narrow(value.as_i64()?, 0..=u16::MAX.into())?,
        (7, value) => narrow(value.as_i64()?, 0..=u32::MAX.into())?,
        (4, value) => (11, Wire::Varint(value.as_i64()? as u64)),
        (8 | 13, value) => (11, Wire::Varint(value.as_u64()?)),
        (9, value) => (12, Wire::Fixed32((value.as_f64()? as f32).to_bits())),
        (10, value) => (13, Wire::Fixed64(value.as_f64()?.to_bits())),
        (11, value) => (14, Wire::Varint(value.as_bool()?.into())),
        (12 | 14 | 15, value) => (15, Wire::Bytes(value.as_str()?.as_bytes())),
        _ => return None,
    };
    Some((datatype, field))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::payload::{Payload, Sent, value};
    use super::*;

    #[test]
    fn a_rebirth_is_a_truth_of_a_known_name() {
        let bytes = rebirth(5);
        let payload = Payload::read(&bytes).unwrap();
        assert_eq!((payload.timestamp_ms, payload.seq, payload.metrics.len()), (Some(5), None, 1));
        let metric = &payload.metrics[0];
        assert_eq!((metric.name, metric.datatype, metric.value), (Some(REBIRTH), Some(11), Some(Sent::Truth(true))));
    }

    #[test]
    fn values_are_sent_as_the_type_reads_them() {
        for (sent, datatype) in [
            (json!(-3), 1),
            (json!(-300), 2),
            (json!(-70_000), 3),
            (json!(-5_000_000_000_i64), 4),
            (json!(7), 7),
            (json!(7), 8),
            (json!(0.5), 9),
            (json!(0.1), 10),
            (json!(true), 11),
            (json!("x"), 12),
        ] {
            let mut out = Vec::new();
            let (datatype, field) = typed(&sent, Some(datatype)).unwrap();
            put_metric(&mut out, "m", 1, datatype, field);
            let payload = Payload::read(&out).unwrap();
            let read = value(payload.metrics[0].value.unwrap(), datatype).unwrap();
            assert_eq!(json!(sent), as_json(&read), "{datatype}");
        }
        for (sent, datatype) in [(json!(300), 1), (json!(-1), 7), (json!("x"), 10), (json!(1), 11), (json!(1), 17)] {
            assert_eq!(typed(&sent, Some(datatype)), None, "{sent} as {datatype}");
        }
    }

    fn as_json(value: &sensorium_model::Value<'_>) -> Value {
        match value {
            sensorium_model::Value::I64(number) => json!(number),
            sensorium_model::Value::U64(number) => json!(number),
            sensorium_model::Value::F64(number) => json!(number),
            sensorium_model::Value::Bool(truth) => json!(truth),
            sensorium_model::Value::Text(text) => json!(text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_birth_the_value_tells_the_type_and_controls_are_left_out() {
        let state = json!({"Setpoint": 21.5, "Node Control/Reboot": true, "Nested": {"a": 1}});
        let bytes = setting(state.as_object().unwrap(), None, "", 9).unwrap();
        let payload = Payload::read(&bytes).unwrap();
        assert_eq!(payload.metrics.len(), 1);
        assert_eq!((payload.metrics[0].name, payload.metrics[0].datatype), (Some("Setpoint"), Some(10)));
        assert_eq!(setting(json!({"bdSeq": 1}).as_object().unwrap(), None, "", 9), None);
    }
}
