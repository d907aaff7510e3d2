//! The colours of a chart, for each of the two themes of the window.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

/// Okabe and Ito's palette (Color Universal Design, 2008), which colour-blind readers can tell apart.
/// Black gives way to the theme's ink, and yellow comes last because it is faint on paper.
const OKABE_ITO: [&str; 7] = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442"];

/// Viridis (Smith and van der Walt, 2015), which grows evenly lighter, at nine places.
const VIRIDIS: [&str; 9] =
    ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];

impl Theme {
    /// The surface a chart lies on: `--surface-1` of the window.
    pub fn paper(self) -> &'static str {
        match self {
            Self::Light => "#fdfdfc",
            Self::Dark => "#1a1e1c",
        }
    }

    pub fn ink(self) -> &'static str {
        match self {
            Self::Light => "#191d1b",
            Self::Dark => "#e8ebe9",
        }
    }

    /// Labels of axes.
    pub fn quiet(self) -> &'static str {
        match self {
            Self::Light => "#5b645f",
            Self::Dark => "#98a19c",
        }
    }

    /// Grid lines: there to be followed, not to be seen.
    pub fn grid(self) -> &'static str {
        match self {
            Self::Light => "#dcdfd9",
            Self::Dark => "#2f3532",
        }
    }

    /// The colour of the n-th class, from the start again after seven.
    pub fn class(self, index: usize) -> &'static str {
        match (index % (OKABE_ITO.len() + 1), self) {
            (7, theme) => theme.ink(),
            // The palette's blue is too dark to tell from dark paper; its neighbour in hue at the same saturation is not.
            (0, Self::Dark) => "#3d9bd9",
            (index, _) => OKABE_ITO[index],
        }
    }

    /// Places from 0 to 1 with their colours, for ratios: worse and better lie on either side of what is the same.
    pub fn diverging(self) -> [(f64, &'static str); 3] {
        [(0.0, OKABE_ITO[3]), (0.5, self.paper()), (1.0, OKABE_ITO[0])]
    }
}

/// Places from 0 to 1 with their colours, for figures that are better the higher they are.
pub fn scale() -> Vec<(f64, &'static str)> {
    let last = (VIRIDIS.len() - 1) as f64;
    VIRIDIS.iter().enumerate().map(|(at, colour)| (at as f64 / last, *colour)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const TOKENS: &str = include_str!("../../../../ui/styles/tokens.css");

    /// Contrast ratio of WCAG 2.2 between two colours written `#rrggbb`.
    fn contrast(one: &str, other: &str) -> f64 {
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    /// The custom properties of the n-th block of tokens.css that holds colours: light, dark by system, dark by choice.
    fn tokens(block: usize) -> BTreeMap<String, String> {
        let text = TOKENS.split(" color-scheme:").nth(block + 1).unwrap();
        let end = text.find('}').unwrap();
        text[..end]
            .split(';')
            .filter_map(|line| line.trim().strip_prefix("--")?.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect()
    }

    #[test]
    fn text_is_legible_on_every_surface_of_both_themes() {
        for block in [0, 1, 2] {
            let colours = tokens(block);
            for text in ["ink", "ink-2", "ink-3", "accent", "bad", "warn", "good"] {
                for surface in ["surface-0", "surface-1", "surface-2", "rail", "accent-soft"] {
                    let ratio = contrast(&colours[text], &colours[surface]);
                    assert!(ratio >= 4.5, "--{text} on --{surface} has {ratio:.2} in block {block}");
                }
            }
            for (text, surface) in
                [("on-accent", "accent"), ("on-accent", "accent-strong"), ("bad", "bad-soft"), ("warn", "warn-soft")]
            {
                let ratio = contrast(&colours[text], &colours[surface]);
                assert!(ratio >= 4.5, "--{text} on --{surface} has {ratio:.2} in block {block}");
            }
        }
    }

    #[test]
    fn borders_of_controls_are_visible_on_every_surface() {
        for block in [0, 1, 2] {
            let colours = tokens(block);
            for surface in ["surface-0", "surface-1"] {
                let ratio = contrast(&colours["line-strong"], &colours[surface]);
                assert!(ratio >= 3.0, "--line-strong on --{surface} has {ratio:.2} in block {block}");
            }
        }
    }

    #[test]
    fn both_ways_to_the_dark_theme_lead_to_the_same_colours() {
        assert_eq!(tokens(1), tokens(2));
    }

    #[test]
    fn charts_lie_on_the_windows_own_surface() {
        for (block, theme) in [(0, Theme::Light), (1, Theme::Dark)] {
            let colours = tokens(block);
            assert_eq!(colours["surface-1"], theme.paper());
            assert_eq!(colours["ink"], theme.ink());
            assert_eq!(colours["ink-3"], theme.quiet());
            assert_eq!(colours["line"], theme.grid());
        }
    }
}
