//! Enlarging and shrinking along any axes: by the nearest place, in a straight line, or along a cubic curve.

use super::{Builder, Inputs, Kernel, bail, float_or, floats, int_or, ints, one};
use candle_core::{Result, Tensor};
use models::Node;

type Built = std::result::Result<Kernel, String>;

pub(super) fn builder(op: &str) -> Option<Builder> {
    match op {
        "Resize" | "Upsample" => Some(resize),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Mode {
    Nearest(Rounding),
    Linear,
    /// With the curve's coefficient.
    Cubic(f64),
}

#[derive(Clone, Copy)]
enum Rounding {
    HalfDown,
    HalfUp,
    Down,
    Up,
}

/// Where a place of the result lies in the input.
#[derive(Clone, Copy)]
enum Coordinates {
    HalfPixel,
    /// The same, and the beginning where there is only one place.
    HalfPixelOrStart,
    AlignCorners,
    Asymmetric,
}

fn resize(node: &Node, opset: i64) -> Built {
    let rounding = match node.text("nearest_mode").unwrap_or("round_prefer_floor") {
        // Upsample, and Resize in its first version, round down.
        _ if opset < 11 || node.op == "Upsample" => Rounding::Down,
        "round_prefer_floor" => Rounding::HalfDown,
        "round_prefer_ceil" => Rounding::HalfUp,
        "floor" => Rounding::Down,
        "ceil" => Rounding::Up,
        other => return Err(format!("the rounding {other}")),
    };
    let mode = match node.text("mode").unwrap_or("nearest") {
        "nearest" => Mode::Nearest(rounding),
        "linear" => Mode::Linear,
        "cubic" => Mode::Cubic(float_or(node, "cubic_coeff_a", -0.75)),
        other => return Err(format!("the mode {other}")),
    };
    let usual = if opset < 11 || node.op == "Upsample" { "asymmetric" } else { "half_pixel" };
    let coordinates = match node.text("coordinate_transformation_mode").unwrap_or(usual) {
        "half_pixel" => Coordinates::HalfPixel,
        "pytorch_half_pixel" => Coordinates::HalfPixelOrStart,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        other => return Err(format!("the coordinates {other}")),
    };
    if int_or(node, "antialias", 0) != 0 || int_or(node, "exclude_outside", 0) != 0 || node.ints("axes").is_some() {
        return Err("smoothing, leaving out what lies outside, or chosen axes".to_owned());
    }
    let scales = node.floats("scales").map(<[f32]>::to_vec);
    one(move |x| {
        let mut value = x.get(0)?.clone();
        for (axis, (to, scale)) in targets(x, scales.as_deref())?.into_iter().enumerate() {
            let from = value.dims()[axis];
            // A size that stays is left alone, which all coordinates agree on.
            if to != from || scale != 1.0 {
                value = along(&value, axis, &taps(mode, coordinates, from, to, scale))?;
            }
        }
        Ok(value)
    })
}

/// Size and scale of each axis of the result. `attribute` are the scales that Upsample has until operator version 9.
fn targets(inputs: &Inputs, attribute: Option<&[f32]>) -> Result<Vec<(usize, f64)>> {
    let value = inputs.get(0)?;
    let given = |index: usize| inputs.optional(index).filter(|tensor| tensor.elem_count() == value.rank());
    // Upsample has its scales second, Resize third, and sizes fourth.
    if let Some(sizes) = given(3) {
        let size = |(to, from): (i64, &usize)| match usize::try_from(to) {
            Ok(to) => Ok((to, to as f64 / *from as f64)),
            Err(_) => bail(format!("a size of {to}")),
        };
        return ints(sizes)?.into_iter().zip(value.dims()).map(size).collect();
    }
    let scales = match (given(2).or(given(1)), attribute) {
        (Some(scales), _) => floats(scales)?,
        (None, Some(scales)) => scales.to_vec(),
        (None, None) => return bail("there are neither scales nor sizes"),
    };
    // In f32, as ONNX Runtime multiplies: 0.7 is a little less, and ten times that is 7.
    let size = |(scale, from): (f32, &usize)| ((*from as f32 * scale) as usize, f64::from(scale));
    Ok(scales.into_iter().zip(value.dims()).map(size).collect())
}

/// For each tap, the place and the weight of each number of the result.
type Taps = Vec<(Vec<i64>, Vec<f32>)>;

fn taps(mode: Mode, coordinates: Coordinates, from: usize, to: usize, scale: f64) -> Taps {
    let origin = |index: usize| {
        let index = index as f64;
        match coordinates {
            Coordinates::HalfPixelOrStart if to <= 1 => 0.0,
            Coordinates::HalfPixel | Coordinates::HalfPixelOrStart => (index + 0.5) / scale - 0.5,
            Coordinates::AlignCorners if to <= 1 => 0.0,
            Coordinates::AlignCorners => index * (from as f64 - 1.0) / (to as f64 - 1.0),
            Coordinates::Asymmetric => index / scale,
        }
    };
    let inside = |place: f64| place.clamp(0.0, from as f64 - 1.0) as i64;
    let made = |offset: f64, weight: &dyn Fn(f64) -> f64| {
        let each = (0..to).map(|index| {
            let place = origin(index);
            (inside(place.floor() + offset), weight(place - place.floor()) as f32)
        });
        each.unzip()
    };
    match mode {
        Mode::Nearest(rounding) => {
            let round = |place: f64| match rounding {
                Rounding::HalfDown => (place - 0.5).ceil(),
                Rounding::HalfUp => (place + 0.5).floor(),
                Rounding::Down => place.floor(),
                Rounding::Up => place.ceil(),
            };
            vec![((0..to).map(|index| inside(round(origin(index)))).collect(), vec![1.0; to])]
        }
        Mode::Linear => vec![made(0.0, &|share| 1.0 - share), made(1.0, &|share| share)],
        Mode::Cubic(a) => {
            // Keys' convolution curve, near and far.
            let near = move |d: f64| ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
            let far = move |d: f64| ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a;
            vec![
                made(-1.0, &|share| far(share + 1.0)),
                made(0.0, &|share| near(share)),
                made(1.0, &|share| near(1.0 - share)),
                made(2.0, &|share| far(2.0 - share)),
            ]
        }
    }
}

fn along(value: &Tensor, axis: usize, taps: &Taps) -> Result<Tensor> {
    let value = value.contiguous()?;
    let mut sum: Option<Tensor> = None;
    for (places, weights) in taps {
        let count = places.len();
        let taken = value.index_select(&Tensor::from_slice(places, count, value.device())?, axis)?;
        let part = if weights.iter().all(|weight| *weight == 1.0) {
            taken
        } else {
            let mut shape = vec![1; value.rank()];
            shape[axis] = count;
            let weights = Tensor::from_slice(weights, shape, value.device())?.to_dtype(value.dtype())?;
            taken.broadcast_mul(&weights)?
        };
        sum = Some(match sum {
            Some(so_far) => so_far.add(&part)?,
            None => part,
        });
    }
    sum.map_or_else(|| bail("there are no taps"), Ok)
}
