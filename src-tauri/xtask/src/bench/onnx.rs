//! Small ONNX files, written as protobuf by hand: xtask builds without the crate that knows the format.

const FLOAT: u64 = 1;

/// y = Relu(x), both f32 of shape [1, 16].
pub fn one_operation() -> Vec<u8> {
    let node = [text(1, "x"), text(2, "y"), text(3, "relu"), text(4, "Relu")].concat();
    model("one operation", &[node], &[], value("x", &[1, 16]), value("y", &[1, 16]))
}

/// A chain of f32 products with one matrix that moves every column on by one: no value is rounded or grows, however many
/// products there are, and no engine can tell that it need not multiply.
pub fn products(count: usize, edge: usize) -> Vec<u8> {
    let moved = (0..edge * edge).map(|at| if (at / edge + 1) % edge == at % edge { 1.0_f32 } else { 0.0 });
    let bytes: Vec<u8> = moved.flat_map(f32::to_le_bytes).collect();
    let size = edge as u64;
    let matrix = [number(1, size), number(1, size), number(2, FLOAT), text(8, "moved"), field(9, &bytes)].concat();
    let node = |i: usize| {
        let (from, to) = (format!("x{i}"), format!("x{}", i + 1));
        [text(1, &from), text(1, "moved"), text(2, &to), text(3, &format!("product{i}")), text(4, "MatMul")].concat()
    };
    let nodes: Vec<Vec<u8>> = (0..count).map(node).collect();
    let shape = [1, size, size];
    model("products", &nodes, &[matrix], value("x0", &shape), value(&format!("x{count}"), &shape))
}

/// A model of IR version 8 and opset 17.
fn model(name: &str, nodes: &[Vec<u8>], initializers: &[Vec<u8>], input: Vec<u8>, output: Vec<u8>) -> Vec<u8> {
    let mut graph: Vec<u8> = nodes.iter().flat_map(|node| field(1, node)).collect();
    graph.extend(text(2, name));
    graph.extend(initializers.iter().flat_map(|tensor| field(5, tensor)));
    graph.extend(field(11, &input));
    graph.extend(field(12, &output));
    [number(1, 8), field(7, &graph), field(8, &number(2, 17))].concat()
}

/// A f32 input or output.
fn value(name: &str, shape: &[u64]) -> Vec<u8> {
    let dimensions: Vec<u8> = shape.iter().flat_map(|size| field(1, &number(1, *size))).collect();
    let tensor = field(1, &[number(1, FLOAT), field(2, &dimensions)].concat());
    [text(1, name), field(2, &tensor)].concat()
}

fn text(tag: u8, text: &str) -> Vec<u8> {
    field(tag, text.as_bytes())
}

/// A field of bytes.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag << 3 | 2], &varint(bytes.len() as u64)[..], bytes].concat()
}

fn number(tag: u8, value: u64) -> Vec<u8> {
    [&[tag << 3], &varint(value)[..]].concat()
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_is_written_as_protobuf() {
        let bytes = one_operation();
        assert_eq!(&bytes[..2], [0x08, 8]);
        assert_eq!(bytes[2], 7 << 3 | 2);
        assert_eq!(&bytes[bytes.len() - 2..], [0x10, 17]);
        assert!(bytes.windows(4).any(|window| window == b"Relu"));
    }

    #[test]
    fn lengths_beyond_a_byte_are_written() {
        assert_eq!(varint(300), [0xAC, 0x02]);
        let count = |bytes: &[u8]| bytes.windows(6).filter(|window| window == b"MatMul").count();
        assert_eq!(count(&products(105, 8)), 105);
    }
}
