//! A quote in a line, the same for those who ask and those who consent.

/// Bytes, rounds and time of a quote (JSON); none if it is no quote.
pub(super) fn price(quote: &[u8]) -> Option<String> {
    let quote: serde_json::Value = serde_json::from_slice(quote).ok()?;
    let plain =
        |field: &str| quote[field].as_str().map_or_else(|| quote[field].to_string(), str::to_owned);
    let seconds = match quote["seconds"].as_f64()? {
        short if short < 1.0 => format!("{:.0} ms", short * 1_000.0),
        long => format!("{long:.1} s"),
    };
    let mut text = format!(
        "{} bytes, {} rounds, about {seconds} on the links that the job names in `network`",
        plain("bytes"),
        plain("rounds"),
    );
    if let Some(table) = quote["table_bytes"].as_str() {
        text += &format!(
            "; and {table} bytes once for each publication: the table that keys are looked up in"
        );
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_told_in_bytes_rounds_and_time() {
        let told = |quote: &str| price(quote.as_bytes());
        let short = told(r#"{"bytes":"1200","rounds":"7","seconds":0.0042}"#).unwrap();
        assert!(short.starts_with("1200 bytes, 7 rounds, about 4 ms"), "{short}");
        let long =
            told(r#"{"bytes":"1200","rounds":7,"seconds":3.26,"table_bytes":"99"}"#).unwrap();
        assert!(long.contains("7 rounds, about 3.3 s") && long.contains("99 bytes once"), "{long}");
        assert_eq!(told("nothing"), None);
    }
}
