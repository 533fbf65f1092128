//! What TLS says of a connection that it refuses, in words that say what to do.

/// The same refusal, with what to do about it; other texts as they are.
#[must_use]
pub fn in_words(text: &str) -> String {
    let has = |names: &[&str]| names.iter().any(|name| text.contains(name));
    if has(&["ApplicationVerificationFailure"]) {
        "its key is not the one that [pins] has of it here; compare the keys over another channel, and pin the right one".into()
    } else if has(&["AccessDenied"]) {
        "it does not admit this party; have this party's key pinned there, as its `pin.toml` has it"
            .into()
    } else if has(&["UnknownIssuer", "BadSignature", "DecryptError", "UnknownCA"]) {
        "the two sides' certificates are of different authorities; both name the `authority` that certified both".into()
    } else if has(&["not valid for name"]) {
        "another party answers there; correct the address".into()
    } else if has(&["certificate expired", "certificate not valid yet", "CertificateExpired"]) {
        "a certificate is too old, or too new; compare the clocks of both machines with its dates"
            .into()
    } else if text == "connection closed" {
        "it closed the connection; it may not have this party's key among its pins".into()
    } else if has(&["close_notify"]) {
        "it closed the connection".into()
    } else if has(&["invalid socket address"]) {
        "an address is host:port".into()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do_and_an_unknown_one_what_it_is() {
        let pinned = in_words("invalid peer certificate: ApplicationVerificationFailure");
        assert!(pinned.contains("[pins]") && !pinned.contains("Application"), "{pinned}");
        assert!(in_words("received fatal alert: AccessDenied").contains("pin.toml"));
        let closed =
            "peer closed connection without sending TLS close_notify: https://docs.rs/rustls";
        assert_eq!(in_words(closed), "it closed the connection");
        assert!(in_words("invalid peer certificate: BadSignature").contains("authority"));
        assert_eq!(
            in_words("Connection refused (os error 111)"),
            "Connection refused (os error 111)"
        );
    }
}
