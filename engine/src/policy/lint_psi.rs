//! What a policy's author should know of what it says of intersections.

use super::{
    document::{JobKindName, PolicyDocument},
    finding::Notes,
    psi::{PsiRecipient, PsiRule},
};
use crate::plan::{LEAST_CHANGE, is_change};

pub(super) fn lint_psi(policy: &PolicyDocument, notes: &mut Notes) {
    let allowed = policy.operators.kinds.contains(&JobKindName::Psi);
    let Some(rule) = &policy.psi else {
        if allowed {
            notes.error(
                "psi",
                "`psi` is among `operators.kinds`, but nothing says what of it is allowed",
            );
        }
        return;
    };
    if !allowed {
        notes.error("psi", "has no effect: add `psi` to `operators.kinds`");
    }
    for (field, empty) in
        [("psi.forms", rule.forms.is_empty()), ("psi.recipients", rule.recipients.is_empty())]
    {
        if empty {
            notes.warn(field, "is empty, so every intersection is refused");
        }
    }
    if let Some(most) = rule.max_lookups {
        notes.warn(
            "psi.max_lookups",
            format!(
                "lets each recipient learn what the table says of {most} keys of its choice; keys that can be guessed \
                 (telephone and identity numbers) can be tried one by one"
            ),
        );
    }
    lint_changes(rule, notes);
    let rows = rule.forms.iter().any(|form| !form.aggregates());
    let owners = rule.recipients.contains(&PsiRecipient::Owners);
    if rule.min_intersection > 0 && rows && owners && rule.max_queries.is_none() {
        notes.warn(
            "psi.max_queries",
            "an owner who asks for rows learns whether so many keys are common, each time: bound how often",
        );
    }
    lint_noise(rule, rows, notes);
}

fn lint_changes(rule: &PsiRule, notes: &mut Notes) {
    let Some(rows) = rule.lookup_changes else { return };
    let field = "psi.lookup_changes";
    if !is_change(u64::from(rows)) {
        notes.error(field, format!("is to be a power of two of at least {LEAST_CHANGE} rows"));
    }
    if rule.max_lookups.is_none() {
        notes.error(field, "has no effect without `psi.max_lookups`: nothing is published");
    }
    notes.warn(
        field,
        "lets whoever looks a key up learn whether its row was changed since the table was published whole, and that some rows were",
    );
}

fn lint_noise(rule: &PsiRule, rows: bool, notes: &mut Notes) {
    let Some(noise) = rule.noise else { return };
    if let Err(why) = noise.check() {
        notes.error("psi.noise", why);
    }
    if !rule.forms.iter().any(|form| form.aggregates()) {
        notes.error(
            "psi.noise",
            "has no effect: neither `cardinality` nor `sum` is among `psi.forms`",
        );
    }
    if rows {
        notes.warn(
            "psi.noise",
            "is for counts and sums; the other `psi.forms` show rows as they are",
        );
    }
    if rule.max_queries.is_none() {
        notes.warn(
            "psi.max_queries",
            "without it noise can be averaged out: all that one recipient learns has ε times the number of queries",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        job::{PsiFormName, PsiNoise},
        policy::fixtures::policy,
    };

    fn found(change: impl Fn(&mut PsiRule)) -> Vec<(String, String)> {
        let mut rule = PsiRule {
            forms: vec![PsiFormName::Cardinality],
            recipients: vec![PsiRecipient::Owners],
            min_intersection: 0,
            noise: None,
            max_queries: Some(3),
            max_lookups: None,
            lookup_changes: None,
        };
        change(&mut rule);
        let mut policy = policy();
        policy.operators.kinds.push(JobKindName::Psi);
        policy.psi = Some(rule);
        let mut notes = Notes(Vec::new());
        lint_psi(&policy, &mut notes);
        notes.0.into_iter().map(|finding| (finding.field, finding.message)).collect()
    }

    #[test]
    fn a_policy_hears_what_its_minimum_and_its_noise_do_not_do() {
        assert_eq!(found(|_| ()), []);
        let noise = |epsilon_milli| Some(PsiNoise { epsilon_milli });
        assert_eq!(found(|rule| rule.noise = noise(500)), []);
        let words = |change: &dyn Fn(&mut PsiRule)| {
            let mut found = found(change);
            assert_eq!(found.len(), 1, "{found:?}");
            found.remove(0).1
        };
        let unbounded = words(&|rule| (rule.noise, rule.max_queries) = (noise(500), None));
        assert!(unbounded.contains("averaged out"), "{unbounded}");
        let none = words(&|rule| rule.noise = noise(0));
        assert!(none.contains("1 to 1000000"), "{none}");
        let rows = words(&|rule| {
            rule.noise = noise(500);
            rule.forms.push(PsiFormName::Inner);
        });
        assert!(rows.contains("rows as they are"), "{rows}");
        let changes =
            |rows| found(move |rule| (rule.lookup_changes, rule.max_lookups) = (rows, Some(9)));
        assert_eq!(changes(Some(2048)).len(), changes(None).len() + 1);
        for rows in [0, 512, 3000] {
            let found = changes(Some(rows));
            assert!(found.iter().any(|(_, words)| words.contains("power of two")), "{found:?}");
        }
        let unpublished = found(|rule| rule.lookup_changes = Some(1024));
        assert!(unpublished[0].1.contains("without `psi.max_lookups`"), "{unpublished:?}");
        let told = words(&|rule| {
            (rule.min_intersection, rule.max_queries) = (9, None);
            rule.forms = vec![PsiFormName::Inner];
        });
        assert!(told.contains("each time"), "{told}");
    }
}
