//! Three providers with generated tables, and DataFusion over all of them in the clear as the oracle.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use datafusion::{
    arrow::{
        array::RecordBatch,
        compute::cast,
        datatypes::DataType,
        util::display::{ArrayFormatter, FormatOptions},
    },
    catalog::{MemorySchemaProvider, SchemaProvider},
    datasource::MemTable,
    prelude::{SessionConfig, SessionContext},
};

use crate::{
    catalog::{
        Bound, Catalog, ColumnConfig, ColumnType, DatasetConfig, DatasetDescriptor, Limits, Source,
    },
    job::JobSpec,
    plan::{EncodedInput, Op, Output, Plan, PolicyTerms, check, clear, decode},
    sql::{
        Compiled, compile, run_local,
        tests::{party, spec},
    },
};

/// A small generator: its seed is printed by the test that uses it.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    pub(crate) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }

    /// A value, or an empty cell one time in `every`.
    pub(crate) fn or_null(&mut self, every: u64, value: String) -> String {
        if self.roll(every) == 0 { String::new() } else { value }
    }
}

pub(crate) struct World {
    catalogs: BTreeMap<String, Catalog>,
    pub(crate) descriptors: Vec<DatasetDescriptor>,
}

pub(crate) fn declared(name: &str, ty: ColumnType) -> ColumnConfig {
    ColumnConfig {
        name: name.into(),
        ty: Some(ty),
        nullable: false,
        unique: false,
        min: None,
        max: None,
        domain: None,
        max_bytes: None,
    }
}

pub(crate) fn ranged(name: &str, ty: ColumnType, min: i64, max: i64) -> ColumnConfig {
    ColumnConfig {
        min: Some(Bound::Integer(min)),
        max: Some(Bound::Integer(max)),
        ..declared(name, ty)
    }
}

pub(crate) fn listed(name: &str, domain: &[&str]) -> ColumnConfig {
    let domain = domain.iter().map(|s| (*s).to_owned()).collect();
    ColumnConfig { domain: Some(domain), ..declared(name, ColumnType::String) }
}

pub(crate) fn nullable(column: ColumnConfig) -> ColumnConfig {
    ColumnConfig { nullable: true, ..column }
}

pub(crate) fn unique(column: ColumnConfig) -> ColumnConfig {
    ColumnConfig { unique: true, ..column }
}

const EDUCATION: &[&str] = &["Bachelors", "HS-grad", "Masters", "Preschool"];
const OCCUPATION: &[&str] = &["Craft", "Sales", "Tech", "Unseen"];
const SHOPS: &[&str] = &["alpha", "beta", "gamma"];
const CITIES: &[&str] = &["Rome", "Oslo", "Lima", "Bonn", "Pisa"];
const MONEY: ColumnType = ColumnType::Decimal { precision: 9, scale: 2 };

fn people(dice: &mut Dice, rows: u64) -> (String, Vec<ColumnConfig>) {
    let mut csv = String::from("person_id,age,education,income,height,born,vip,city,score\n");
    for id in 0..rows {
        let age = dice.roll(100);
        let age = dice.or_null(9, age.to_string());
        let education = dice.pick(EDUCATION);
        let education = dice.or_null(8, education.into());
        let income = dice.pick(&["<=50K", ">50K"]);
        let height = format!("{}.{:02}", 140 + dice.roll(60), dice.roll(100));
        let height = dice.or_null(6, height);
        let born = format!(
            "19{:02}-{:02}-{:02}",
            40 + dice.roll(50),
            1 + dice.roll(12),
            1 + dice.roll(28)
        );
        let vip = dice.pick(&["true", "false", ""]);
        let city = dice.pick(CITIES);
        let city = dice.or_null(7, city.into());
        let score = dice.pick(&["-9223372036854775808", "9223372036854775807", "0", "-1", "17"]);
        writeln!(csv, "{id},{age},{education},{income},{height},{born},{vip},{city},{score}")
            .unwrap();
    }
    let columns = vec![
        ranged("person_id", ColumnType::Int64, 0, 100_000),
        nullable(ranged("age", ColumnType::Int32, 0, 120)),
        nullable(listed("education", EDUCATION)),
        listed("income", &["<=50K", ">50K"]),
        nullable(ranged("height", ColumnType::Decimal { precision: 5, scale: 2 }, 0, 25_000)),
        declared("born", ColumnType::Date),
        nullable(declared("vip", ColumnType::Bool)),
        nullable(declared("city", ColumnType::String)),
        declared("score", ColumnType::Int64),
    ];
    (csv, columns)
}

fn jobs(dice: &mut Dice, rows: u64) -> (String, Vec<ColumnConfig>) {
    let mut csv = String::from("person_id,occupation,hours,gain,loss,bonus,since,town\n");
    for id in 0..rows {
        // Half of the ids are known to the other side.
        let id = 2 * id + id % 2;
        let occupation = dice.pick(OCCUPATION);
        let occupation = dice.or_null(7, occupation.into());
        let (hours, gain, loss) = (1 + dice.roll(99), dice.roll(1000), dice.roll(1000));
        let gain = dice.or_null(5, gain.to_string());
        let bonus = format!("{}{}.{:02}", dice.pick(&["", "-"]), dice.roll(5000), dice.roll(100));
        let bonus = dice.or_null(5, bonus);
        let since = format!(
            "19{:02}-{:02}-{:02}",
            60 + dice.roll(39),
            1 + dice.roll(12),
            1 + dice.roll(28)
        );
        let since = dice.or_null(6, since);
        let town = dice.pick(CITIES);
        writeln!(csv, "{id},{occupation},{hours},{gain},{loss},{bonus},{since},{town}").unwrap();
    }
    let columns = vec![
        ranged("person_id", ColumnType::Int32, 0, 100_000),
        nullable(listed("occupation", OCCUPATION)),
        ranged("hours", ColumnType::Int32, 1, 99),
        nullable(ranged("gain", ColumnType::Int32, 0, 1000)),
        ranged("loss", ColumnType::Int64, 0, 1000),
        nullable(ranged("bonus", MONEY, -600_000, 600_000)),
        nullable(declared("since", ColumnType::Date)),
        declared("town", ColumnType::String),
    ];
    (csv, columns)
}

fn visits(dice: &mut Dice, rows: u64) -> (String, Vec<ColumnConfig>) {
    let mut csv = String::from("person_id,shop,amount,at\n");
    for _ in 0..2 * rows {
        let id = dice.roll(2 * rows + 1);
        let id = dice.or_null(6, id.to_string());
        let shop = dice.pick(SHOPS);
        let shop = dice.or_null(6, shop.into());
        let amount = format!("{}.{:02}", dice.roll(300), dice.roll(100));
        let at = format!("2024-0{}-1{}T0{}:00:00", 1 + dice.roll(9), dice.roll(9), dice.roll(9));
        let at = dice.or_null(6, at);
        writeln!(csv, "{id},{shop},{amount},{at}").unwrap();
    }
    let columns = vec![
        nullable(ranged("person_id", ColumnType::Int64, 0, 100_000)),
        nullable(listed("shop", SHOPS)),
        ranged("amount", MONEY, 0, 100_000),
        nullable(declared("at", ColumnType::Timestamp)),
    ];
    (csv, columns)
}

fn places() -> (String, Vec<ColumnConfig>) {
    let csv = "shop,region,city\nalpha,north,Rome\nbeta,south,Oslo\ndelta,north,Lima\n".to_owned();
    let columns = vec![
        unique(listed("shop", &["alpha", "beta", "delta"])),
        listed("region", &["north", "south"]),
        unique(declared("city", ColumnType::String)),
    ];
    (csv, columns)
}

impl World {
    pub(crate) fn new(seed: u64, rows: u64) -> Self {
        let mut dice = Dice::new(seed);
        let file = |name: &str, key: Option<&str>, (csv, columns): (String, Vec<ColumnConfig>)| {
            DatasetConfig {
                name: name.into(),
                source: Source::Bytes(format!("{name}.csv"), csv.into_bytes().into()),
                entity_key: key.map(str::to_owned),
                rows_max: None,
                columns,
            }
        };
        Self::of(vec![
            ("census", vec![file("people", Some("person_id"), people(&mut dice, rows))]),
            (
                "employers",
                vec![
                    file("jobs", Some("person_id"), jobs(&mut dice, rows)),
                    file("visits", None, visits(&mut dice, rows)),
                ],
            ),
            ("shops", vec![file("places", None, places())]),
        ])
    }

    /// Providers with their datasets.
    pub(crate) fn of(configs: Vec<(&str, Vec<DatasetConfig>)>) -> Self {
        // Half of them have their tables in memory, the others read them for each sub-plan.
        let streamed = Limits { table_bytes: 0, ..Limits::default() };
        let limits = [Limits::default(), streamed].into_iter().cycle();
        let mut catalogs = BTreeMap::new();
        for ((name, configs), limits) in configs.into_iter().zip(limits) {
            let catalog = Catalog::open_within(&limits, &party(name), configs);
            catalogs.insert(name.to_owned(), catalog.unwrap());
        }
        let descriptors = catalogs.values().flat_map(Catalog::descriptors).cloned().collect();
        Self { catalogs, descriptors }
    }

    /// What runs: local parts in DataFusion, the plan in the clear, the buyer's decoding.
    pub(crate) async fn ours(&self, sql: &str, policies: &[PolicyTerms]) -> RecordBatch {
        self.answer(&spec(sql), policies).await
    }

    /// The same for a job of any kind.
    pub(crate) async fn answer(&self, spec: &JobSpec, policies: &[PolicyTerms]) -> RecordBatch {
        let sql = spec.kind.text();
        let compiled =
            compile(spec, &self.descriptors, policies).unwrap_or_else(|e| panic!("{sql}\n{e}"));
        self.result(&sql, &compiled).await
    }

    /// What a compiled job gives.
    pub(crate) async fn result(&self, sql: &str, compiled: &Compiled) -> RecordBatch {
        check(&compiled.plan).unwrap_or_else(|e| panic!("{sql}\n{e}"));
        let inputs = self.inputs(compiled).await;
        let told = clear::told(&compiled.plan, &inputs).unwrap();
        let (output, opened) = match told {
            Some(told) => (told_output(&compiled.plan), told),
            None => (&compiled.plan.output, clear::open(&compiled.plan, &inputs).unwrap()),
        };
        decode(output, &opened).unwrap_or_else(|e| panic!("{sql}\n{e}"))
    }

    /// A provider's tables.
    pub(crate) fn catalog(&self, party: &str) -> &Catalog {
        &self.catalogs[party]
    }

    /// What the providers' own parts of a job give.
    pub(crate) async fn inputs(&self, compiled: &Compiled) -> Vec<EncodedInput> {
        let mut inputs = Vec::new();
        for (local, input) in compiled.locals.iter().zip(&compiled.plan.inputs) {
            let catalog = &self.catalogs[input.party.as_str()];
            let encoded = run_local(catalog, local, input, &[9; 32]).await;
            inputs.push(encoded.unwrap_or_else(|e| panic!("{e}\n{}", input.text)));
        }
        inputs
    }

    /// What DataFusion says on all tables in the clear.
    pub(crate) async fn oracle(&self, sql: &str) -> RecordBatch {
        let mut config = SessionConfig::new().with_target_partitions(1);
        config.options_mut().sql_parser.parse_float_as_decimal = true;
        let context = SessionContext::new_with_config(config);
        for (name, catalog) in &self.catalogs {
            let schema = MemorySchemaProvider::new();
            for descriptor in catalog.descriptors() {
                let rows = catalog.table(&descriptor.name).unwrap().collect().unwrap();
                let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
                schema.register_table(descriptor.name.clone(), Arc::new(table)).unwrap();
            }
            let root = context.catalog("datafusion").unwrap();
            root.register_schema(name, Arc::new(schema)).unwrap();
        }
        let frame = context.sql(sql).await.unwrap_or_else(|e| panic!("{sql}\n{e}"));
        let schema = Arc::clone(frame.schema().inner());
        let batches = frame.collect().await.unwrap_or_else(|e| panic!("{sql}\n{e}"));
        datafusion::arrow::compute::concat_batches(&schema, &batches).unwrap()
    }
}

/// What owners open.
pub(crate) fn told_output(plan: &Plan) -> &Output {
    let told = plan.nodes.iter().find_map(|op| match op {
        Op::Tell(of) => Some(&of.output),
        _ => None,
    });
    told.unwrap()
}

/// The rows as text, in the types the buyer gets.
pub(crate) fn lines(table: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> = table
        .columns()
        .iter()
        .map(|column| {
            let ty = match column.data_type() {
                t if t.is_integer() => DataType::Int64,
                DataType::Decimal128(_, scale) => DataType::Decimal128(38, *scale),
                DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
                other => other.clone(),
            };
            cast(column, &ty).unwrap()
        })
        .collect();
    let text: Vec<_> =
        columns.iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap()).collect();
    let row = |i| text.iter().map(|c| c.value(i).to_string()).collect::<Vec<_>>().join(" | ");
    (0..table.num_rows()).map(row).collect()
}
