//! Links that were made anew: both ends and both directions say the same, and the figures fit.

use super::*;

/// Parts of a run in which the link between census and employers was made anew so often, and what each had sent before.
fn parts_after(times: [u32; 2], lost: u64) -> Vec<Signed<ReceiptPart>> {
    let [census, employers] = times;
    let again = |party: &str, peer: &str, times: u32| {
        let mut part = part(party);
        let link = part.links.iter_mut().find(|link| link.peer == name(peer)).unwrap();
        (link.sent.renewed, link.received.renewed) = (times, times);
        part.meter.as_mut().unwrap().bytes_sent += lost;
        signed(part)
    };
    let parts = [again("census", "employers", census), again("employers", "census", employers)];
    parts.into_iter().chain([signed(part("neutral"))]).collect()
}

#[test]
fn a_receipt_says_how_often_a_link_was_made_anew() {
    for times in [1, 2] {
        let body = assemble(facts(), &parts_after([times; 2], 777), &pins()).unwrap();
        let receipt = sign_all(body);
        let read_back = read(&serde_json::to_string(&receipt).unwrap()).unwrap();
        assert_eq!(read_back, receipt);
        verify(&read_back, Some(&pins())).unwrap();
        let renewed = |one, other| receipt.body.renewed(&name(one), &name(other));
        assert_eq!([renewed("census", "employers"), renewed("employers", "census")], [times; 2]);
        assert_eq!(renewed("census", "neutral"), 0);
    }
    let json = serde_json::to_string(&sign_all(body())).unwrap();
    assert!(!json.contains("renewed"), "of links that were not it says nothing");
}

#[test]
fn ends_that_count_differently_make_no_receipt() {
    let error = assemble(facts(), &parts_after([1, 0], 0), &pins()).unwrap_err();
    assert_eq!(of(&error), at("links.census->employers", Some("employers")));
    let error = assemble(facts(), &parts_after([1, 2], 5), &pins()).unwrap_err();
    assert_eq!(of(&error), at("links.census->employers", Some("employers")));
}

#[test]
fn figures_that_do_not_fit_are_named_even_if_all_signed() {
    let links = |b: &mut ReceiptBody, range: std::ops::Range<usize>, times: u32| {
        for link in &mut b.links[range] {
            link.sent.as_mut().unwrap().renewed = times;
            link.received = link.sent;
        }
    };
    assert_eq!(agreed(|b| links(b, 0..1, 1)), at("links.employers->census", Some("employers")));
    assert_eq!(agreed(|b| links(b, 0..6, 3)), at("links.census->employers", Some("census")));
    let spent = |b: &mut ReceiptBody, bytes| {
        b.meter.get_mut(&name("neutral")).unwrap().bytes_sent = bytes;
    };
    assert_eq!(agreed(|b| spent(b, 1_999)), at("meter", Some("neutral")));
    assert_eq!(agreed(|b| spent(b, 2_001)), at("meter", Some("neutral")), "no link was made anew");
    let less = agreed(|b| {
        links(b, 0..6, 1);
        spent(b, 1_999);
    });
    assert_eq!(less, at("meter", Some("neutral")));
}
