//! Products of matrices by the gemm crate, which is candle's own.

use gemm::Parallelism;

/// Numbers that the gemm crate multiplies.
pub trait Number: Copy + Send + Sync + 'static {
    fn of(value: f32) -> Self;
    fn value(self) -> f64;
}

impl Number for f32 {
    fn of(value: f32) -> Self {
        value
    }

    fn value(self) -> f64 {
        self.into()
    }
}

impl Number for half::f16 {
    fn of(value: f32) -> Self {
        Self::from_f32(value)
    }

    fn value(self) -> f64 {
        self.to_f64()
    }
}

/// A matrix of rows: `count` of `width` numbers, whose first numbers lie `apart` from each other.
#[derive(Clone, Copy)]
pub struct Rows<S> {
    pub numbers: S,
    pub count: usize,
    pub width: usize,
    pub apart: usize,
}

impl<S> Rows<S> {
    /// Rows one after the other.
    pub fn dense(numbers: S, count: usize, width: usize) -> Self {
        Self { numbers, count, width, apart: width }
    }

    /// How many numbers a slice of such rows has at least.
    fn reach(&self) -> usize {
        if self.count == 0 || self.width == 0 { 0 } else { (self.count - 1) * self.apart + self.width }
    }
}

/// `product` = `left` · `right`.
///
/// # Panics
/// Where the sizes do not fit each other or their numbers.
pub fn multiply<T: Number>(left: Rows<&[T]>, right: Rows<&[T]>, product: Rows<&mut [T]>, parallelism: Parallelism) {
    into(left, right, product, false, parallelism);
}

/// `sum` += `left` · `right`.
///
/// # Panics
/// Where the sizes do not fit each other or their numbers.
pub fn add_product<T: Number>(left: Rows<&[T]>, right: Rows<&[T]>, sum: Rows<&mut [T]>, parallelism: Parallelism) {
    into(left, right, sum, true, parallelism);
}

fn into<T: Number>(left: Rows<&[T]>, right: Rows<&[T]>, product: Rows<&mut [T]>, adds: bool, parallelism: Parallelism) {
    assert_eq!((left.count, left.width, right.width), (product.count, right.count, product.width));
    assert!(product.apart >= product.width, "the product's rows do not overlap");
    assert!(left.numbers.len() >= left.reach() && right.numbers.len() >= right.reach());
    assert!(product.numbers.len() >= product.reach());
    // SAFETY: each matrix lies within its slice, as asserted, and the product is borrowed mutably.
    unsafe {
        gemm::gemm(
            product.count,
            product.width,
            left.width,
            product.numbers.as_mut_ptr(),
            1,
            product.apart as isize,
            adds,
            left.numbers.as_ptr(),
            1,
            left.apart as isize,
            right.numbers.as_ptr(),
            1,
            right.apart as isize,
            T::of(if adds { 1.0 } else { 0.0 }),
            T::of(1.0),
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Whether products of f16 are made in f16.
#[cfg(target_arch = "aarch64")]
pub fn multiplies_f16() -> bool {
    std::arch::is_aarch64_feature_detected!("fp16")
}

/// The gemm crate widens both factors to f32.
#[cfg(not(target_arch = "aarch64"))]
pub fn multiplies_f16() -> bool {
    false
}

/// As many threads as the pool of rayon has that this runs in.
pub fn parallelism() -> Parallelism {
    match rayon::current_num_threads() {
        1 => Parallelism::None,
        threads => Parallelism::Rayon(threads),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_may_lie_apart() {
        let left = [1.0, 2.0, 3.0, 4.0];
        let right = [1.0, 10.0, 9.0, 100.0, 1000.0, 9.0];
        let mut product = [7.0; 6];
        let wide = |numbers| Rows { numbers, count: 2, width: 2, apart: 3 };
        let into = Rows { numbers: &mut product[..], count: 2, width: 2, apart: 4 };
        multiply(Rows::dense(&left[..], 2, 2), wide(&right[..]), into, Parallelism::None);
        assert_eq!(product, [201.0, 2010.0, 7.0, 7.0, 403.0, 4030.0]);
        let onto = Rows { numbers: &mut product[..], count: 2, width: 2, apart: 4 };
        add_product(Rows::dense(&left[..], 2, 2), wide(&right[..]), onto, Parallelism::None);
        assert_eq!(product, [402.0, 4020.0, 7.0, 7.0, 806.0, 8060.0]);
    }

    #[test]
    #[should_panic(expected = "product.reach()")]
    fn a_product_larger_than_its_numbers_is_refused() {
        let (left, right, mut product) = ([1.0; 4], [1.0; 4], [0.0; 3]);
        let into = Rows::dense(&mut product[..], 2, 2);
        multiply(Rows::dense(&left[..], 2, 2), Rows::dense(&right[..], 2, 2), into, Parallelism::None);
    }
}
