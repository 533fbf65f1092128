//! A plan as text, one operation a line, and what running it shows to whom.

use std::fmt::Write;

use protocols::{psi::Sizes, session::RENEWALS};

use super::{
    between::Between,
    blur::epsilon,
    bucketwise::Bucketwise,
    check::{PlanError, check},
    ir::{Encoding, Kind, LocalInput, Op, Plan, Shape},
    many,
    output::Output,
    psi::{Intersect, Learns, Match},
    refs::Ref,
    released::released,
    stretch::Stretch,
};
use crate::{identity::PartyName, job::PsiProtocol};

/// The plan as text. `cost` gives what to print behind an operation, by its number: bytes and rounds, for instance.
///
/// # Errors
/// If the plan is none.
pub fn explain(plan: &Plan, cost: &dyn Fn(usize) -> Option<String>) -> Result<String, PlanError> {
    let shapes = check(plan)?;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_inputs(&mut text, plan);
    for (i, op) in plan.nodes.iter().enumerate() {
        let shape = shapes[i].first().copied();
        let rows = shape.map_or_else(String::new, |s| format!("{} rows", thousands(s.rows)));
        let cost = cost(i).map_or_else(String::new, |c| format!("   {c}"));
        let line =
            format!("n{i} = {}{}", describe(op, plan, shape), rings(op, &shapes, &shapes[i]));
        let _ = writeln!(text, "{line:<72} {rows:>14}{cost}");
        if let Op::Bucketwise(of) = op {
            let _ = write_bucket(&mut text, of, plan);
        }
    }
    let _ = write_output(&mut text, plan);
    Ok(text)
}

/// What is done in each bucket, and what is kept of it.
fn write_bucket(text: &mut String, of: &Bucketwise, plan: &Plan) -> std::fmt::Result {
    let shapes = of.shapes(plan).unwrap_or_default();
    for (i, op) in (1..).zip(&of.body) {
        let mut op = op.clone();
        op.refs_mut().into_iter().for_each(|r| r.0 = r.0.saturating_add(INNER));
        let shape = shapes.get(i).and_then(|outputs| outputs.first()).copied();
        let rows = shape.map_or_else(String::new, |s| format!("{} rows", thousands(s.rows)));
        let line = format!("    b{i} = {}", describe(&op, plan, shape));
        writeln!(text, "{line:<72} {rows:>14}")?;
    }
    let kept: Vec<Ref> = of.kept.iter().map(|r| Ref(r.0.saturating_add(INNER), r.1)).collect();
    writeln!(text, "    kept of each bucket: {}", names(&kept))
}

fn write_inputs(text: &mut String, plan: &Plan) -> std::fmt::Result {
    for (i, input) in plan.inputs.iter().enumerate() {
        let (party, names) = (&input.party, input.datasets.join(", "));
        writeln!(
            text,
            "input {i}: {party} runs this on {names}, padded to {} rows",
            thousands(input.rows)
        )?;
        for line in input.text.lines() {
            writeln!(text, "    {line}")?;
        }
        if let Some(key) = &input.key {
            let columns: Vec<_> = key.sources.iter().map(|c| format!("c{c}")).collect();
            let written = if key.as_written { ", texts as they are written" } else { "" };
            writeln!(text, "    a set by {}: one row for each key{written}", columns.join(", "))?;
        }
        for (c, column) in input.columns.iter().enumerate() {
            writeln!(
                text,
                "    shares n{i}.{c} = {} as {}",
                column.name,
                encoding(&column.encoding)
            )?;
        }
        writeln!(text, "    shares n{i}.{} = which rows exist", input.columns.len())?;
    }
    Ok(())
}

fn write_output(text: &mut String, plan: &Plan) -> std::fmt::Result {
    for op in &plan.nodes {
        if let Op::Tell(of) = op {
            let to: Vec<_> = of.to.iter().map(ToString::to_string).collect();
            writeln!(text, "opened to {}: rows where {}", to.join(", "), name(of.output.live))?;
            write_columns(text, &of.output)?;
        }
    }
    writeln!(text, "sealed to {}: rows where {}", plan.buyer, name(plan.output.live))?;
    write_columns(text, &plan.output)?;
    if plan.vertical().is_some() {
        writeln!(text, "only if the model rests on {} rows at least", plan.min_group_entities)?;
    } else if plan.min_group_entities > 0 {
        writeln!(
            text,
            "every released row rests on at least {} entities",
            plan.min_group_entities
        )?;
    }
    Ok(())
}

fn write_columns(text: &mut String, output: &Output) -> std::fmt::Result {
    for column in &output.columns {
        write!(text, "    {} = {}", column.name, name(column.value))?;
        if let Some(divisor) = column.divisor {
            write!(text, " / {}", name(divisor))?;
        }
        if let Some(present) = column.present {
            write!(text, " where {}, else NULL", name(present))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn encoding(encoding: &Encoding) -> String {
    match encoding {
        Encoding::Offset { min, max, width } => format!("{width} bits, {min} to {max}"),
        Encoding::Word { min, max } => format!("a 64-bit word, {min} to {max}"),
        Encoding::Unit { min, max, frac } => {
            format!("a 64-bit word, {min} to {max} brought to -1 to 1 with {frac} fraction bits")
        }
        Encoding::Wide { min, max } => format!("a 128-bit word, {min} to {max}"),
        Encoding::Code { domain, width } => {
            format!("{width} bits, a code of {} values", domain.len())
        }
        Encoding::KeyedHash { from, width } => {
            format!("{width} bits of a keyed hash, from bit {from}")
        }
        Encoding::KeyId { from, width } => format!("{width} bits of its id, from bit {from}"),
        Encoding::KeyPresent => "1 bit: whether no part of it is NULL".into(),
        Encoding::Flag => "1 bit".into(),
        Encoding::Present => "1 bit: whether it is there".into(),
    }
}

/// From here on nodes are of one bucket; no plan has so many.
const INNER: u32 = 1 << 20;

fn name(r: Ref) -> String {
    match r.0.checked_sub(INNER) {
        Some(inner) => format!("b{inner}.{}", r.1),
        None => format!("n{}.{}", r.0, r.1),
    }
}

fn names(all: &[Ref]) -> String {
    all.iter().map(|r| name(*r)).collect::<Vec<_>>().join(", ")
}

fn kind(shape: Option<Shape>) -> String {
    match shape.map(|s| s.kind) {
        Some(Kind::Bits(width)) => format!("{width} bits"),
        Some(Kind::Z64) => "64-bit word".into(),
        Some(Kind::Z128) => "128-bit word".into(),
        None => String::new(),
    }
}

fn describe(op: &Op, plan: &Plan, shape: Option<Shape>) -> String {
    let two = |word: &str, a: &Ref, b: &Ref| format!("{word} {}, {}", name(*a), name(*b));
    match op {
        Op::Input { input } => {
            let party = plan.inputs.get(*input as usize).map(|i| i.party.to_string());
            format!("input {input} of {}", party.unwrap_or_default())
        }
        Op::Constant { value, .. } => format!("constant {value} ({})", kind(shape)),
        Op::Xor(a, b) => two("xor", a, b),
        Op::And(a, b) => two("and", a, b),
        Op::Not(a) => format!("not {}", name(*a)),
        Op::Concat(parts) => format!("concat {}", names(parts)),
        Op::Slice { of, from, width } => {
            format!("slice {} from bit {from}, {width} bits", name(*of))
        }
        Op::EqBits(a, b) => two("equal", a, b),
        Op::LtBits(a, b) => two("less", a, b),
        Op::Add(a, b) => two("add", a, b),
        Op::Sub(a, b) => two("subtract", a, b),
        Op::Mul(a, b) => two("multiply", a, b),
        Op::Affine { of, by, plus } => format!("{} · {by} + {plus}", name(*of)),
        Op::Lt { a, b, width } => format!("{} (differences of {width} bits)", two("less", a, b)),
        Op::Eq { a, b, width } => format!("{} (differences of {width} bits)", two("equal", a, b)),
        Op::Inject(of) => format!("bit to word {}", name(*of)),
        Op::ToBits { of, min, width } => format!("word to {width} bits {} from {min}", name(*of)),
        Op::ToWord { of, min } => format!("bits to word {} from {min}", name(*of)),
        Op::ToWide { of, min } => format!("bits to 128-bit word {} from {min}", name(*of)),
        Op::Mask { of, by } => format!("{} where {}, else 0", name(*of), name(*by)),
        Op::Select { by, yes, no } => {
            format!("{} where {}, else {}", name(*yes), name(*by), name(*no))
        }
        Op::Join { left_key, left_sorted, columns, right_key, .. } => format!(
            "join {} to {}{}, bringing {}",
            name(*right_key),
            name(*left_key),
            if *left_sorted { " (sorted by its owner)" } else { "" },
            names(columns)
        ),
        Op::GroupBy { keys, live, sums, extremes, .. } => {
            let extremes: Vec<Ref> = extremes.iter().map(|e| e.of).collect();
            let mut text = format!("group {} by {}", name(*live), names(keys));
            let _ = write!(text, "; sums {}", names(sums));
            if !extremes.is_empty() {
                let _ = write!(text, "; extremes {}", names(&extremes));
            }
            text
        }
        Op::Sort { live, keys, columns } => {
            let key = |k: &super::ir::SortKey| {
                format!("{}{}", name(k.of), if k.descending { " descending" } else { "" })
            };
            let keys: Vec<String> = keys.iter().map(key).collect();
            let by =
                if keys.is_empty() { String::new() } else { format!(" by {}", keys.join(", ")) };
            format!("sort {} first{by}; moves {}", name(*live), names(columns))
        }
        Op::Shuffle { columns } => format!("shuffle {}", names(columns)),
        Op::Head { of, rows } => format!("the first {rows} of {}", name(*of)),
        Op::Match(of) => {
            let owner = |at: u32| plan.inputs.get(at as usize).map(|i| i.party.to_string());
            let (a, b) = (owner(of.receiver), owner(of.sender));
            let whom = if of.learns == Learns::Both { "both learn" } else { "the first learns" };
            let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
            let buckets = Between::of(plan, of).and_then(|between| {
                let Sizes { sender, receiver } = between.sizes;
                let rows = sender.max(receiver) as u64;
                Some(in_buckets(between.agreed([0; 32])?.buckets(), rows))
            });
            let buckets = buckets.unwrap_or_default();
            let again = of.resumes.map_or_else(String::new, |job| format!(", going on with {job}"));
            format!("{a} and {b} intersect by `{}`{buckets}{again}; {whom}", of.protocol)
        }
        Op::Many(of) => many::describe(plan, of),
        Op::Intersect(of) => met(plan, of, ""),
        Op::Bucketwise(of) => {
            let sizes = of.task(plan).map(|task| task.sizes());
            let rows = sizes.map_or(0, |Sizes { sender, receiver }| sender.max(receiver) as u64);
            let buckets = in_buckets(of.buckets as usize, rows);
            format!("{} as b0", met(plan, &of.meet, &buckets))
        }
        Op::Require(of) => match &plan.outside()[..] {
            [] => format!("open {}, and go on where it is 1", name(*of)),
            outside => {
                let outside: Vec<_> = outside.iter().map(ToString::to_string).collect();
                let outside = outside.join(", ");
                format!("open {}, tell {outside}, and go on where it is 1", name(*of))
            }
        },
        Op::Blur(of) => {
            format!("{} with noise of ε = {}", names(&of.columns), epsilon(of.epsilon_milli.into()))
        }
        Op::Tell(of) => format!("open {}", names(&of.output.layout())),
        Op::Lookup(of) => of.told(plan),
        Op::Train(of) => of.told(plan),
        Op::TrainVertical(of) => of.told(),
        Op::Score(of) => of.told(),
        Op::Spread { of, rows } => format!("{} for each of {rows} rows", name(*of)),
    }
}

/// Two sets that meet in a circuit.
fn met(plan: &Plan, of: &Intersect, buckets: &str) -> String {
    let party = |at: u32| plan.inputs.get(at as usize).map(|i| i.party.to_string());
    let (a, b) = (party(of.receiver), party(of.sender));
    let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
    format!("{a} and {b} intersect into shares{buckets}, bringing {}", names(&of.columns))
}

/// In which ring an operation works; nothing for what only moves columns or has bits alone.
fn rings(op: &Op, shapes: &[Vec<Shape>], outputs: &[Shape]) -> &'static str {
    let moves = matches!(op, Op::Join { .. } | Op::Sort { .. } | Op::Shuffle { .. });
    if moves || matches!(op, Op::Input { .. } | Op::Constant { .. }) {
        return "";
    }
    let read = op.refs().into_iter().map(|r| shapes[r.0 as usize][r.1 as usize]);
    let kinds: Vec<Kind> = read.chain(outputs.iter().copied()).map(|s| s.kind).collect();
    match (kinds.contains(&Kind::Z64), kinds.contains(&Kind::Z128)) {
        (false, false) => "",
        (true, false) => ", in Z64",
        (false, true) => ", in Z128",
        (true, true) => ", in Z64 and Z128",
    }
}

/// 100352 as `100,352`.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many buckets there are, and how many of so many rows are in each, where there is more than one.
pub(super) fn in_buckets(buckets: usize, rows: u64) -> String {
    let buckets = buckets as u64;
    if buckets <= 1 {
        return String::new();
    }
    let each = thousands(rows.div_ceil(buckets));
    format!(" in {} buckets of about {each} rows", thousands(buckets))
}

/// A table by its full name.
pub(super) fn table(of: &LocalInput) -> String {
    format!("{}.{}", of.party, of.datasets.join(", "))
}

/// What an intersection between owners shows to each.
fn learned(plan: &Plan, of: &Match) -> Vec<String> {
    let set = |at: u32| plan.inputs.get(at as usize);
    let (Some(receiver), Some(sender)) = (set(of.receiver), set(of.sender)) else {
        return Vec::new();
    };
    let learns = |who: &LocalInput, other: &LocalInput| {
        format!(
            "{}: which of its at most {} keys of {} are in {}; {} cannot know how many that is",
            who.party,
            thousands(who.rows),
            table(who),
            table(other),
            other.party
        )
    };
    let mut sentences = vec![learns(receiver, sender)];
    if of.learns == Learns::Both {
        sentences.push(learns(sender, receiver));
        sentences.push(format!(
            "{} tells {} the outcome; both compare a digest, but a party that deviates could tell less than it learned",
            receiver.party, sender.party
        ));
    }
    let model = match of.protocol {
        PsiProtocol::VoleMalicious => {
            "against a party that deviates: the run aborts, or what is learned is a part of the truth"
        }
        _ => "against parties that follow it and look at all they see",
    };
    sentences.push(format!(
        "protocol `{}` between {} and {}, secure {model}",
        of.protocol, receiver.party, sender.party
    ));
    if Between::of(plan, of).is_some_and(|between| between.goes_on()) {
        sentences.push(format!(
            "if the link between {} and {} is lost they go on over another, {} times at most, and repeat two buckets at most each time: \
             that shows nothing new of parties that follow the protocol; one that deviates could test other keys in these buckets",
            receiver.party, sender.party, Between::renewals(of)
        ));
        sentences.push(interrupted(of, [&receiver.party, &sender.party]));
    }
    sentences
}

/// What two owners keep of an intersection for other jobs to go on with, and what such a job repeats.
fn interrupted(of: &Match, [one, other]: [&PartyName; 2]) -> String {
    match of.resumes {
        None => format!(
            "{one} and {other} keep in their `state` folders, where they have them, how far they are and which of their own rows were \
             found, until the job is done, the same is asked anew, or they start when that is 30 days old: {} jobs at most may go on \
             with this one, each with new consents",
            Between::RESUMPTIONS
        ),
        Some(job) => format!(
            "it goes on with {job}: {one} and {other} begin behind the last bucket that both have on disk, under the ids of that job, and \
             repeat two buckets at most, as where a link is lost"
        ),
    }
}

/// What becomes of a circuit, and of what follows of it, where a link is lost.
fn after_loss(plan: &Plan, of: &Stretch, opens: bool) -> String {
    let first = of.nodes.start;
    let until = match plan.nodes.get(of.nodes.end) {
        Some(_) => format!("before n{}", of.nodes.end),
        None => "before the result leaves them".to_owned(),
    };
    let again = match plan.nodes.get(first) {
        Some(Op::Bucketwise(_)) => {
            "the bucket that was under way, or what was done behind the last one, under keys, masks and functions of its own".to_owned()
        }
        _ => format!("what was done from n{first} on, under other keys, masks and functions"),
    };
    let shows = match opens {
        false => "nothing of it is opened, so it shows nothing",
        true => {
            "what is opened of it is random permutations, drawn anew, so it shows nothing of rows"
        }
    };
    format!(
        "if a link between two compute parties is lost from n{first} on and {until}, they make it anew, {RENEWALS} times at most, \
         and all three repeat {again}: {shows}"
    )
}

/// What running the plan shows, and to whom: one sentence each. `permutations` tells for an operation how many random
/// permutations of how many rows its protocol opens.
///
/// # Errors
/// If the plan is none.
pub fn leakage(
    plan: &Plan,
    permutations: &dyn Fn(usize) -> Vec<(u64, u64)>,
) -> Result<Vec<String>, PlanError> {
    let shapes = check(plan)?;
    let rows_of = |live: Ref| shapes[live.0 as usize][live.1 as usize].rows;
    let mut sentences = Vec::new();
    for input in &plan.inputs {
        sentences.push(format!(
            "all parties: {}.{} has at most {} rows (its published bound); how many pass its owner's \
             conditions stays hidden",
            input.party,
            input.datasets.join(", "),
            thousands(input.rows)
        ));
    }
    for (i, op) in plan.nodes.iter().enumerate() {
        match op {
            Op::Match(of) => sentences.extend(learned(plan, of)),
            Op::Many(of) => sentences.extend(many::learned(plan, of)),
            Op::Tell(of) => sentences.extend(of.shown(&thousands(rows_of(of.output.live)))),
            other => sentences.extend(released(plan, other)),
        }
        match op {
            Op::Lookup(of) => sentences.extend(of.shows(plan)),
            Op::Train(of) => sentences.extend(of.shows(plan)),
            Op::TrainVertical(of) => sentences.extend(of.shows(plan)),
            Op::Score(of) => sentences.extend(of.shows(plan)),
            _ => {}
        }
        let opens = permutations(i);
        if let Some(of) = Stretch::beginning(plan, i) {
            let opens = of.nodes.clone().any(|at| !permutations(at).is_empty());
            sentences.push(after_loss(plan, &of, opens));
        }
        for (rows, times) in opens {
            let word = match op {
                Op::Join { .. } => "join",
                Op::GroupBy { .. } => "grouping",
                Op::Bucketwise(_) => "groupings of the buckets of",
                _ => "sort",
            };
            sentences.push(format!(
                "compute parties: a random permutation of {} rows, {times} times, in the {word} n{i}; \
                 independent of all data",
                thousands(rows)
            ));
        }
    }
    sentences.push(format!(
        "{}: the {} result columns of the released rows, at most {}; what is not released is zero",
        plan.buyer,
        plan.output.columns.len(),
        thousands(rows_of(plan.output.live))
    ));
    sentences.extend(plan.notes.iter().cloned());
    Ok(sentences)
}
