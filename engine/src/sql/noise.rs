//! Noise on the counts and sums of an intersection: after they were compared with every minimum, before they are masked, opened
//! or sealed.

use datafusion::logical_expr::Expr;

use super::{
    bounds::Bounds,
    compiler::{Compiler, Level},
    error::CompileError,
    flatten::Grouping,
    sets::{Sets, refused},
    value::{Data, Number, Place, Value},
};
use crate::{
    job::{PsiForm, PsiNoise, PsiSpec},
    plan::{Blur, Kind, MAX_SENSITIVITY, Op, Ref, Shape},
};

/// What exact sums keep to, so that noise on top of them stays within a word.
const ROOM: Bounds = Bounds { min: -(1 << 62), max: 1 << 62 };

impl Compiler<'_> {
    /// The most noise that the job asks for or a policy demands of counts and sums.
    pub(super) fn noise(&self, psi: &PsiSpec) -> Option<PsiNoise> {
        let demanded = (0..self.tables.len()).filter_map(|t| self.tables.get(t).terms?.noise);
        let most = demanded.chain(psi.noise).min();
        most.filter(|_| psi.form.aggregates())
    }

    /// Puts blurred counts and sums in the place of the exact ones; from here on nothing reads these.
    pub(super) fn blur(
        &mut self,
        grouping: &Grouping,
        sets: &Sets<'_>,
    ) -> Result<(), CompileError> {
        let Some(noise) = self.noise(sets.psi) else { return Ok(()) };
        if let Err(why) = noise.check() {
            return Err(refused(
                "noise",
                &format!("noise of {noise}, which {why}"),
                "correct it in the job or the policy",
            ));
        }
        let mut of = Blur {
            columns: Vec::new(),
            sensitivities: Vec::new(),
            epsilon_milli: noise.epsilon_milli,
        };
        let keys = grouping.keys.len();
        let numbers = (keys..).zip(&grouping.aggregates).map(|(at, expr)| (at.to_string(), expr));
        let numbers: Vec<(String, &Expr)> = numbers.collect();
        for (name, expr) in &numbers {
            let Some(number) = self.aggregated(name) else { continue };
            let column = self.word(&number);
            if self.b.shape(column).kind != Kind::Z64 || !number.bounds.fits(ROOM) {
                let hint = "declare a narrower range for its column or a smaller rows_max";
                return Err(refused("noise", "noise on a sum beyond 62 bits", hint));
            }
            of.columns.push(column);
            of.sensitivities.push(sensitivity(expr, sets)?);
        }
        let shapes: Vec<Shape> = of.columns.iter().map(|column| self.b.shape(*column)).collect();
        let Ref(node, _) = self.b.many(Op::Blur(of), shapes);
        for (at, (name, _)) in (0..).zip(&numbers) {
            self.replace(name, Ref(node, at));
        }
        Ok(())
    }

    /// A count or a sum of the grouping.
    fn aggregated(&self, name: &str) -> Option<Number> {
        let Level::Groups(values) = &self.level else { return None };
        match &values.get(name)?.data {
            Data::Number(number) => Some(number.clone()),
            _ => None,
        }
    }

    fn replace(&mut self, name: &str, blurred: Ref) {
        // Where no policy asks for a least number of entities in a cell, a sum of nothing is 0 with noise: that it is of nothing
        // would be an exact count.
        let exact = self.least_entities() > 1;
        let Level::Groups(values) = &mut self.level else { return };
        if let Some(Value { data: Data::Number(number), present }) = values.get_mut(name) {
            number.at = Place::Word(blurred);
            number.bounds = Bounds::new(i64::MIN.into(), i64::MAX.into());
            *present = present.filter(|_| exact);
        }
    }

    fn least_entities(&self) -> u32 {
        let terms = (0..self.tables.len()).filter_map(|t| self.tables.get(t).terms);
        terms.map(|terms| terms.min_group_entities).max().unwrap_or(0)
    }
}

/// By how much one key more or less, with all its rows, changes a count or a sum: the first row of a key stands for it.
fn sensitivity(aggregate: &Expr, sets: &Sets<'_>) -> Result<u64, CompileError> {
    let Expr::AggregateFunction(function) = aggregate else {
        return Err(refused("noise", "noise on what is neither a count nor a sum", "leave it out"));
    };
    let PsiForm::Sum { column, .. } = &sets.psi.form else { return Ok(1) };
    if function.func.name().eq_ignore_ascii_case("count") {
        return Ok(1);
    }
    let declared = sets.all.iter().find_map(|(_, dataset)| {
        let name = column.strip_prefix(&dataset.table())?.strip_prefix('.')?;
        dataset.column(name)?.range
    });
    let range = declared.ok_or_else(|| {
        let construct = format!("noise on a sum of `{column}`, which has no declared range");
        refused(
            "noise",
            &construct,
            "have its owner declare `min` and `max`: noise hides what is within",
        )
    })?;
    let most = range.min.unsigned_abs().max(range.max.unsigned_abs());
    u64::try_from(most).ok().filter(|most| *most < MAX_SENSITIVITY).ok_or_else(|| {
        let construct = format!("noise on a sum of `{column}`, whose range is beyond 40 bits");
        refused("noise", &construct, "have its owner declare a narrower range")
    })
}
