//! Three processes of this program, with TLS between them.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use protocols::{net::loopback::Authority, party::Role};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Failure,
    case::{Case, Verdict},
    figure::Rep,
    party::{Order, Told},
};

pub(crate) fn run(case: &Case, n: usize, reps: u32) -> Result<Vec<Rep>, Failure> {
    let authority = Authority::new()?;
    let mut parties = Vec::new();
    for role in Role::ALL {
        let mut party = Party::start("party")?;
        party.tell(&Order {
            role: role.index(),
            case: case.name.into(),
            n,
            reps,
            credentials: authority.issue(role.id())?.to_pem().into(),
        })?;
        parties.push(party);
    }
    let addresses: Vec<SocketAddr> =
        parties.iter_mut().map(Party::hear).collect::<Result<_, _>>()?;
    parties.iter_mut().try_for_each(|party| party.tell(&addresses))?;
    (0..reps).map(|_| one(&mut parties)).collect()
}

/// One repetition: from the common start to the end of the last party, and what each of them says of it.
pub(crate) fn timed<T: DeserializeOwned>(
    parties: &mut [Party],
) -> Result<(Duration, Vec<T>), Failure> {
    parties.iter_mut().try_for_each(|party| party.hear::<String>().map(drop))?;
    let start = Instant::now();
    parties.iter_mut().try_for_each(|party| party.tell(&"go"))?;
    parties.iter_mut().try_for_each(|party| party.hear::<String>().map(drop))?;
    let took = start.elapsed();
    Ok((took, parties.iter_mut().map(Party::hear).collect::<Result<_, _>>()?))
}

fn one(parties: &mut [Party]) -> Result<Rep, Failure> {
    let (took, told) = timed::<Told>(parties)?;
    Ok(Rep {
        took,
        bytes: told.iter().map(|party| party.bytes).sum(),
        rounds: told.iter().map(|party| party.rounds).max().unwrap_or(0),
        peak_rss: told.iter().map(|party| party.peak_rss).max().unwrap_or(0),
        verdict: Verdict::all(told.iter().map(|party| party.verdict)),
    })
}

/// A child process; ended when this is dropped, whatever happened.
pub(crate) struct Party {
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Party {
    /// Starts this program with a subcommand.
    pub(crate) fn start(subcommand: &str) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(subcommand)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let (to, from) = to.zip(from).ok_or("a party has no pipes")?;
        Ok(Self { child, to, from: BufReader::new(from).lines() })
    }

    pub(crate) fn tell<T: Serialize>(&mut self, what: &T) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        Ok(self.to.write_all(&line)?)
    }

    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let line = self.from.next().ok_or("a party ended early; its error stands above")??;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
