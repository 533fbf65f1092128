//! What somebody else wrote, as it may stand before a person who decides by what stands there.

use serde::Serialize;
use serde_json::Value;

/// Whether a letter moves nothing but itself: none that steers a terminal, or turns the direction of those around it.
fn shows(letter: char) -> bool {
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    matches!(letter, '\n' | '\t') || !(turns || letter.is_control())
}

/// Whether all texts within something do. Lines may end as Windows ends them.
pub(super) fn all_show(what: &impl Serialize) -> bool {
    fn all(value: &Value) -> bool {
        match value {
            Value::String(text) => text.replace("\r\n", "\n").chars().all(shows),
            Value::Array(values) => values.iter().all(all),
            Value::Object(fields) => fields.values().all(all),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    }
    serde_json::to_value(what).is_ok_and(|value| all(&value))
}

/// A text with a mark in the place of each letter that does not.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().map(|letter| if shows(letter) { letter } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_or_turns_a_line_stands_before_a_person() {
        for text in ["", "SELECT\t1\nFROM x", "Gehälter, 給料, רופא", "a\r\nb"] {
            assert!(all_show(&json!({"deep": [1, null, true, text]})), "{text:?}");
        }
        assert_eq!(plain("Gehälter\n\t給料"), "Gehälter\n\t給料");
        for steers in ['\u{1b}', '\r', '\0', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}'] {
            let text = format!("a{steers}b");
            assert!(!all_show(&json!({"deep": [1, text]})), "{text:?}");
            assert_eq!(plain(&text), "a\u{fffd}b");
        }
    }
}
