// C = A · B for square matrices of signed bytes whose edge is a multiple of 64; the sums are 32 bits wide.
//
// A lies row by row and B column by column, four bytes packed into each number, so that both are read along the depth. A
// workgroup makes a tile of 64 × 64, each of its 16 × 16 invocations four rows of it and every sixteenth column. The
// factors pass through workgroup memory in slices 64 deep.

struct Edge { n: u32 }

@group(0) @binding(0) var<storage, read_write> product: array<i32>;
@group(0) @binding(1) var<storage, read> left: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> edge: Edge;

// 64 rows × 64 deep, and 64 deep × 64 columns, sixteen bytes each.
var<workgroup> left_slice: array<vec4<u32>, 256>;
var<workgroup> right_slice: array<vec4<u32>, 256>;

fn dot16(a: vec4<u32>, b: vec4<u32>) -> i32 {
    return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_id) own: vec3<u32>) {
    let width = edge.n / 16u;
    let place = own.y * 16u + own.x;
    let row = tile.y * 64u;
    let column = tile.x * 64u;
    var sums: array<vec4<i32>, 4>;
    for (var depth = 0u; depth < width; depth += 4u) {
        let within = depth + place % 4u;
        left_slice[place] = left[(row + place / 4u) * width + within];
        right_slice[(place % 4u) * 64u + place / 4u] = right[(column + place / 4u) * width + within];
        workgroupBarrier();
        for (var k = 0u; k < 4u; k++) {
            let b0 = right_slice[k * 64u + own.x];
            let b1 = right_slice[k * 64u + own.x + 16u];
            let b2 = right_slice[k * 64u + own.x + 32u];
            let b3 = right_slice[k * 64u + own.x + 48u];
            for (var i = 0u; i < 4u; i++) {
                let a = left_slice[(own.y * 4u + i) * 4u + k];
                sums[i] += vec4<i32>(dot16(a, b0), dot16(a, b1), dot16(a, b2), dot16(a, b3));
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        let first = (row + own.y * 4u + i) * edge.n + column + own.x;
        product[first] = sums[i].x;
        product[first + 16u] = sums[i].y;
        product[first + 32u] = sums[i].z;
        product[first + 48u] = sums[i].w;
    }
}
