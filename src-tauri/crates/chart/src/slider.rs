//! The slider of a limit: equal ways along it are equal factors, and one end asks for nothing.

/// Which side of a limit is kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    AtMost,
    AtLeast,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slider {
    bound: Bound,
    low: f64,
    high: f64,
}

/// What stands in for a low end of 0, from which no factor leads on, as a share of the high end.
const LEAST: f64 = 1e-3;

impl Slider {
    pub const STEPS: f64 = 100.0;

    /// Over the values there are, from the lowest to the highest; none where there is nothing to choose between.
    pub fn new(bound: Bound, (low, high): (f64, f64)) -> Option<Self> {
        let low = if low > 0.0 { low } else { high * LEAST };
        (low.is_normal() && high.is_finite() && low < high).then_some(Self { bound, low, high })
    }

    /// Where it stands for a limit, in steps.
    pub fn position(self, limit: Option<f64>) -> f64 {
        match (limit, self.bound) {
            (None, Bound::AtMost) => Self::STEPS,
            (None, Bound::AtLeast) => 0.0,
            (Some(limit), _) => {
                let way = (limit.max(self.low) / self.low).ln() / (self.high / self.low).ln();
                (way * Self::STEPS).clamp(0.0, Self::STEPS).round()
            }
        }
    }

    /// The limit for a place of the slider, in three digits.
    pub fn limit(self, at: f64) -> Option<f64> {
        let open = match self.bound {
            Bound::AtMost => at >= Self::STEPS,
            Bound::AtLeast => at <= 0.0,
        };
        if open {
            return None;
        }
        let limit = self.low * (self.high / self.low).powf(at / Self::STEPS);
        let unit = 10f64.powf(limit.log10().floor() - 2.0);
        // Rounded towards the open side, so that the end of the scale keeps what lies on it.
        Some(match self.bound {
            Bound::AtMost => (limit / unit).ceil() * unit,
            Bound::AtLeast => (limit / unit).floor() * unit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_slider_that_begins_at_nothing_is_a_limit() {
        for bound in [Bound::AtMost, Bound::AtLeast] {
            let slider = Slider::new(bound, (0.0, 4.0)).unwrap();
            let limits: Vec<f64> = (0..=100).filter_map(|at| slider.limit(f64::from(at))).collect();
            assert_eq!(limits.len(), 100, "one end is open");
            assert!(limits.iter().all(|limit| limit.is_finite() && *limit > 0.0), "{limits:?}");
            assert!(limits.is_sorted(), "{limits:?}");
            let places = [None, Some(0.0), Some(1.0), Some(4.0), Some(1e9)].map(|limit| slider.position(limit));
            assert!(places.iter().all(|at| (0.0..=Slider::STEPS).contains(at)), "{places:?}");
        }
    }

    #[test]
    fn a_slider_stands_where_its_limit_is() {
        let slider = Slider::new(Bound::AtMost, (1.0, 100.0)).unwrap();
        assert_eq!((slider.limit(50.0), slider.position(Some(10.0))), (Some(10.0), 50.0));
        assert_eq!((slider.limit(100.0), slider.position(None)), (None, 100.0));
        assert_eq!(Slider::new(Bound::AtLeast, (1.0, 100.0)).unwrap().limit(0.0), None);
    }

    #[test]
    fn nothing_to_choose_between_has_no_slider() {
        for range in [(0.0, 0.0), (3.0, 3.0), (0.0, f64::NAN), (1.0, f64::INFINITY)] {
            assert_eq!(Slider::new(Bound::AtMost, range), None, "{range:?}");
        }
    }
}
