// C = A · B for square matrices in row-major order whose edge is a multiple of 64.
//
// A workgroup makes a tile of 64 × 64, each of its 16 × 16 invocations a block of 4 × 4 of it. The factors pass through
// workgroup memory in slices 16 deep.

struct Edge { n: u32 }

@group(0) @binding(0) var<storage, read_write> product: array<vec4<NUMBER>>;
@group(0) @binding(1) var<storage, read> left: array<vec4<NUMBER>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<NUMBER>>;
@group(0) @binding(3) var<storage, read> edge: Edge;

// 64 rows × 16 deep, and 16 deep × 64 columns, four numbers each.
var<workgroup> left_slice: array<vec4<NUMBER>, 256>;
var<workgroup> right_slice: array<vec4<NUMBER>, 256>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_id) own: vec3<u32>) {
    let width = edge.n / 4u;
    let place = own.y * 16u + own.x;
    let row = tile.y * 64u;
    let column = tile.x * 16u;
    var sums: array<vec4<NUMBER>, 4>;
    for (var depth = 0u; depth < edge.n; depth += 16u) {
        left_slice[place] = left[(row + place / 4u) * width + depth / 4u + place % 4u];
        right_slice[place] = right[(depth + place / 16u) * width + column + place % 16u];
        workgroupBarrier();
        for (var k = 0u; k < 4u; k++) {
            let b0 = right_slice[(k * 4u) * 16u + own.x];
            let b1 = right_slice[(k * 4u + 1u) * 16u + own.x];
            let b2 = right_slice[(k * 4u + 2u) * 16u + own.x];
            let b3 = right_slice[(k * 4u + 3u) * 16u + own.x];
            for (var i = 0u; i < 4u; i++) {
                let a = left_slice[(own.y * 4u + i) * 4u + k];
                sums[i] = fma(vec4<NUMBER>(a.x), b0, sums[i]);
                sums[i] = fma(vec4<NUMBER>(a.y), b1, sums[i]);
                sums[i] = fma(vec4<NUMBER>(a.z), b2, sums[i]);
                sums[i] = fma(vec4<NUMBER>(a.w), b3, sums[i]);
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        product[(row + own.y * 4u + i) * width + column + own.x] = sums[i];
    }
}
