//! Texts that mean the same key, brought to the same characters.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick, is_nfkc_quick};

/// How the texts of a key column are brought to one form. Both sides of an intersection must declare the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Normal {
    /// Blanks at both ends do not count.
    pub trim: bool,
    /// Upper and lower case are one, by Unicode's lower-case mapping, whatever the locale.
    pub fold_case: bool,
    /// Compatibility forms are one (NFKC): full-width digits and letters, ligatures, circled numbers. Otherwise only what
    /// is the same character written in two ways (NFC).
    pub fold_width: bool,
}

impl Normal {
    /// Every text as it stands, but for its Unicode composition.
    pub const EXACT: Self = Self { trim: false, fold_case: false, fold_width: false };
    /// Blanks at the ends, case and compatibility forms do not count.
    pub const LOOSE: Self = Self { trim: true, fold_case: true, fold_width: true };

    /// The one form of a text. Applying it again changes nothing.
    #[must_use]
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.is_ascii() {
            return self.apply_ascii(text);
        }
        // Lower case may leave a text decomposed, and a composed one may have another lower case: to a fixed point, which
        // no known text needs more than three turns for.
        let mut now = self.turn(text);
        for _ in 0..8 {
            let next = self.turn(&now).into_owned();
            if *now == *next {
                break;
            }
            now = Cow::Owned(next);
        }
        now
    }

    fn apply_ascii<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = if self.trim { text.trim() } else { text };
        if self.fold_case && text.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    }

    fn turn<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let composed =
            match (self.fold_width, is_nfc_quick(text.chars()), is_nfkc_quick(text.chars())) {
                (true, _, IsNormalized::Yes) | (false, IsNormalized::Yes, _) => Cow::Borrowed(text),
                (true, ..) => Cow::Owned(text.nfkc().collect::<String>()),
                (false, ..) => Cow::Owned(text.nfc().collect::<String>()),
            };
        let folded = if self.fold_case { Cow::Owned(composed.to_lowercase()) } else { composed };
        match folded {
            Cow::Borrowed(text) if self.trim => Cow::Borrowed(text.trim()),
            Cow::Owned(text) if self.trim => Cow::Owned(text.trim().to_owned()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_write_for_one_key_is_one_key() {
        for text in
            ["ab-12", " AB-12 ", "\u{ff21}\u{ff22}-\u{ff11}\u{ff12}", "\tAb-\u{ff11}2\u{3000}"]
        {
            assert_eq!(Normal::LOOSE.apply(text), "ab-12");
        }
        // Composed and decomposed are the same character under every rule.
        assert_eq!(Normal::EXACT.apply("e\u{301}"), Normal::EXACT.apply("\u{e9}"));
        assert_ne!(Normal::EXACT.apply("AB"), Normal::EXACT.apply("ab"));
        assert_ne!(Normal::EXACT.apply(" ab"), Normal::EXACT.apply("ab"));
        assert_ne!(Normal::EXACT.apply("\u{ff11}"), Normal::EXACT.apply("1"));
    }

    proptest! {
        #[test]
        fn a_second_time_changes_nothing(text in "\\PC{0,12}", trim: bool, fold_case: bool, fold_width: bool) {
            let normal = Normal { trim, fold_case, fold_width };
            let once = normal.apply(&text).into_owned();
            let twice = normal.apply(&once).into_owned();
            prop_assert_eq!(twice, once);
        }

        #[test]
        fn ascii_goes_the_short_way_to_the_same_place(text in "[ -~\t]{0,20}", trim: bool, fold_case: bool) {
            let normal = Normal { trim, fold_case, fold_width: true };
            prop_assert_eq!(normal.apply_ascii(&text), normal.turn(&text));
        }
    }
}
