//! Changes of what is published: what they say together is what the rows say, and there is a whole table again where they do not.

use std::collections::BTreeMap;

use protocols::{
    psi::lookup::{Answer, Asking, Ledger, Questions, Serving, look_up_from, serve_from},
    ring::Z128,
    testkit::Duo,
};

use super::*;
use crate::executor::Scratch;

const CHANGE: u64 = 1024;
const BOUND: u64 = 4 * CHANGE;

/// What a key says.
type Rows = BTreeMap<u32, u32>;

fn lines(rows: &Rows) -> String {
    rows.iter().map(|(code, pay)| format!("{code},{pay}\n")).collect()
}

/// A provider's folders.
struct Place {
    publications: Publications,
    folder: PathBuf,
    scratch: Scratch,
    name: PartyName,
}

impl Place {
    fn new(dir: &Path) -> Self {
        let folder = dir.join("published");
        let publications = Publications::new(folder.clone());
        let scratch = Scratch::open(dir.join("scratch")).unwrap().with_memory(0);
        Self { publications, folder, scratch, name: party("employers") }
    }

    /// What is published of these lines.
    async fn publish(&self, lines: &str) -> (Setting, Arc<Answers>, Published) {
        let setting = setting_of(lines, (BOUND, Some(CHANGE)), &self.scratch).await;
        let made = self.publications.of(setting.publisher(&self.name), setting.subject());
        let (answers, about) = made.unwrap();
        (setting, answers, about)
    }

    /// How many changes stand behind the table, once these lines are published; the epoch of the last publication.
    async fn changes(&self, lines: &str) -> (usize, u64) {
        let (_, answers, about) = self.publish(lines).await;
        assert_eq!(about.changes.len() + 1, answers.layers.len());
        assert_eq!(self.publications.list(), [about]);
        let last = answers.layers.last().unwrap();
        (answers.layers.len() - 1, last.statement.header.epoch.number)
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap());
        let ending = |path: PathBuf| path.extension().unwrap().to_string_lossy().into_owned();
        let mut all: Vec<_> = entries
            .map(|entry| {
                let mode = entry.metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "for its owner's eyes");
                ending(entry.path())
            })
            .collect();
        all.sort();
        all
    }

    fn path(&self, ending: &str) -> PathBuf {
        let mut entries = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        entries.find(|path| path.extension().is_some_and(|end| end == ending)).unwrap()
    }
}

/// Keys that are all in memory.
struct Listed(Vec<u128>, Vec<Answer>);

impl Questions for Listed {
    fn next(&mut self, count: usize, out: &mut Vec<u128>) -> Result<(), String> {
        out.extend(self.0.drain(..count));
        Ok(())
    }

    fn answered(&mut self, answers: Vec<Answer>) -> Result<(), String> {
        self.1.extend(answers);
        Ok(())
    }
}

/// What the publications say of these ids.
fn says(answers: &Answers, ids: &[u128]) -> Vec<Option<Vec<u8>>> {
    let body = |layer: &Layer| {
        let mut body = vec![0; usize::try_from(layer.body.bytes()).unwrap()];
        layer.body.read_at(0, &mut body).unwrap();
        layer.statement.header.open(&body).unwrap()
    };
    let opened: Vec<_> = answers.layers.iter().map(body).collect();
    let run = Duo::new(1).run(
        |pair, rng| {
            let keys: Vec<_> = answers.layers.iter().map(|layer| &layer.key).collect();
            let (mut serving, mut budget) = (Serving::new(ids.len()), Ledger::new(1 << 20));
            Ok(serve_from(pair, &keys, &mut serving, ("", &mut budget), rng))
        },
        |pair, rng| {
            let (mut asking, tables) = (Asking::new(ids.len()), opened.iter().collect::<Vec<_>>());
            let mut listed = Listed(ids.to_vec(), Vec::new());
            let done = look_up_from(pair, &tables, &mut asking, &mut listed, rng);
            Ok(done.map(|()| listed.1))
        },
    );
    assert_eq!(run.sender, Ok(()));
    let label = |answer| if let Answer::Present(label) = answer { Some(label) } else { None };
    run.receiver.unwrap().into_iter().map(label).collect()
}

/// The ids and labels of a table, under the salt of what is published.
fn plain(setting: &Setting, name: &PartyName, salt: &[u8; 32]) -> BTreeMap<u128, Vec<u8>> {
    let entries = Entries::of(setting.publisher(name), setting.subject()).unwrap();
    let (mut all, width) = (BTreeMap::new(), entries.label_bytes());
    let taken = entries.each(salt, &mut |items, labels| {
        all.extend(items.iter().copied().zip(labels.chunks(width).map(<[u8]>::to_vec)));
        Ok(())
    });
    taken.unwrap();
    all
}

#[tokio::test]
async fn changes_say_together_what_the_rows_say_until_the_table_is_whole_again() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(dir.path());
    let mut random = Prg::new(&[9; 16]);
    let mut rows: Rows = (0..300).map(|code| (code, code)).collect();
    let mut seen: BTreeMap<u128, ()> = BTreeMap::new();
    let mut before: Option<(Arc<Answers>, Published)> = None;
    for version in 0..7_u32 {
        let (setting, answers, about) = place.publish(&lines(&rows)).await;
        let behind = usize::try_from(version % 5).unwrap();
        assert_eq!(answers.layers.len(), 1 + behind, "version {version}");
        if let Some((before, _)) = before.as_ref().filter(|_| behind > 0) {
            let whole = &answers.layers[0].statement;
            for (old, new) in before.layers.iter().zip(&answers.layers) {
                assert!(old.statement == new.statement, "what was fetched stays");
                assert_eq!(new.statement.salt, whole.salt);
            }
            let [.., old, new] = &answers.layers[..] else { unreachable!() };
            assert!(new.statement.changes(&old.statement));
            assert_eq!(new.statement.header.rows, CHANGE, "padded");
            assert!(about.changes[behind - 1].bytes * 3 < about.bytes, "it is much less");
        }
        let want = plain(&setting, &place.name, &answers.layers[0].statement.salt.0);
        if behind == 0 {
            seen.clear();
        }
        seen.extend(want.keys().map(|id| (*id, ())));
        let ids: Vec<u128> = seen.keys().copied().collect();
        for (id, label) in ids.iter().zip(says(&answers, &ids)) {
            assert_eq!(label.as_ref(), want.get(id), "version {version}");
        }
        let again = place.publish(&lines(&rows)).await;
        assert_eq!((again.1.layers.len(), again.2), (answers.layers.len(), about.clone()));
        let mut files = vec!["publication".to_owned(), "standing".to_owned()];
        files.extend((1..=behind).map(|at| format!("change-{at}")));
        files.sort();
        assert_eq!(place.files(), files);
        before = Some((answers, about));
        // Some leave, some come back or are new, some say something else.
        for word in random.elements::<Z128>(60).iter() {
            let [code, pay] =
                [word % 330, (word >> 64) % 1000].map(|of| u32::try_from(of).unwrap());
            if word % 3 == 0 {
                rows.remove(&code)
            } else {
                rows.insert(code, pay)
            };
        }
    }
}

#[tokio::test]
async fn so_many_rows_are_a_change_and_one_more_a_whole_table() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(dir.path());
    let all: Rows = (0..2000).map(|code| (code, 1)).collect();
    assert_eq!(place.changes(&lines(&all)).await.0, 0);
    // 500 leave, 500 come and 24 say something else.
    let mut rows: Rows = (500..2500).map(|code| (code, 1)).collect();
    rows.extend((600..624).map(|code| (code, 2)));
    let (changes, epoch) = place.changes(&lines(&rows)).await;
    assert_eq!(changes, 1);
    // In another order they say the same.
    let turned: String = rows.iter().rev().map(|(code, pay)| format!("{code},{pay}\n")).collect();
    assert_eq!(place.changes(&turned).await, (1, epoch));
    rows.extend((700..1725).map(|code| (code, 3)));
    assert_eq!(place.changes(&lines(&rows)).await.0, 0, "1,025 rows");
    assert_eq!(place.files(), ["publication", "standing"]);
    assert_eq!(place.changes("").await.0, 0, "all leave");
    assert_eq!(place.changes(&lines(&(0..1000).map(|code| (code, 1)).collect())).await.0, 1);
}

#[tokio::test]
async fn what_is_damaged_or_not_known_to_be_the_last_is_published_whole_under_a_newer_number() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(dir.path());
    let rows = |n: u32| lines(&(0..n).map(|code| (code, code)).collect());
    assert_eq!(place.changes(&rows(100)).await.0, 0);
    let mut size = 100;
    for (ending, at) in [
        ("change-2", 200),
        ("change-1", 500),
        ("standing", 9),
        ("standing", 100),
        ("publication", 99),
    ] {
        let mut last = 0;
        for _ in 0..2 {
            size += 1;
            let (_, epoch) = place.changes(&rows(size)).await;
            assert!(epoch > last);
            last = epoch;
        }
        let path = place.path(ending);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        // What stands is read to its end only where something has changed.
        let (changes, epoch) = place.changes(&rows(size + 1)).await;
        assert_eq!(changes, 0, "{ending}, byte {at}");
        assert!(epoch > last, "{ending}");
        size += 1;
    }
    // A crash between a change and what stands since: the change is not the last that is known.
    place.changes(&rows(size + 1)).await;
    let (standing, before) = (place.path("standing"), fs::read(place.path("standing")).unwrap());
    let (changes, last) = place.changes(&rows(size + 2)).await;
    assert_eq!(changes, 2);
    fs::write(standing, before).unwrap();
    let (changes, epoch) = place.changes(&rows(size + 2)).await;
    assert!(changes == 0 && epoch > last);
}
