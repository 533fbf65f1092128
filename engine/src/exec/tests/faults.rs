//! Whole plans with a fault on the way: every party ends with a typed error, and nobody has a result.

use protocols::{
    net::{
        AbortCode, ChannelError,
        faulty::{Fault, Faulty, Planned},
        record::{Direction, Recorder},
    },
    party::PartyId,
};

use super::*;

/// Each says that it came to the end of the plan, and hears it of both others.
fn confirm(s: &mut Session) -> Result<(), SessionError> {
    s.enter(s.step() + 1);
    let peers = [s.role().next().id(), s.role().prev().id()];
    for peer in peers {
        s.send(peer, &[1_u64])?;
    }
    peers.into_iter().try_for_each(|peer| s.recv(peer, &mut [0_u64]))
}

struct Job {
    plan: Plan,
    price: Quote,
    inputs: Vec<EncodedInput>,
}

fn job() -> Job {
    let (mut people, mut jobs) = (people(), jobs());
    (people.rows_max, jobs.rows_max) = (40, 70);
    let policies = [terms("census.people", 3), terms("employers.jobs", 2)];
    let plan = compile(&spec(DEMO), &[people, jobs], &policies).unwrap().plan;
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let inputs = (100..)
        .zip(&plan.inputs)
        .map(|(label, input)| random_input(World::new(8), label, input))
        .collect();
    Job { plan, price, inputs }
}

impl Job {
    fn run(&self, from: Role, planned: Planned) -> [Result<Ended, ExecError>; 3] {
        // What silence tells is told soon; nothing else may depend on how busy this machine is.
        let stall = if planned.fault == Fault::Drop { 300 } else { 20_000 };
        let ends = mesh(&self.plan, &self.inputs, Duration::from_millis(stall)).into_iter();
        let channels = ends.map(|end| -> Arc<dyn Channel> {
            if end.me() == from.id() {
                Arc::new(Faulty::new(end, vec![planned]))
            } else {
                Arc::new(end)
            }
        });
        run_over(4, &self.plan, (&self.inputs, &self.price), channels.collect(), confirm)
    }

    /// First, middle and last frame of the plan in every link direction.
    fn places(&self) -> Vec<(Role, PartyId, usize)> {
        let ends = mesh(&self.plan, &self.inputs, Duration::from_secs(20)).into_iter();
        let recorders: Vec<_> = ends.map(|end| Arc::new(Recorder::new(end))).collect();
        let channels = recorders.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect();
        let ended = run_over(4, &self.plan, (&self.inputs, &self.price), channels, |_| Ok(()));
        assert!(ended.iter().all(Result::is_ok));
        let mut places = Vec::new();
        for role in Role::ALL {
            for to in [role.next().id(), role.prev().id()] {
                let last = recorders[role.index()].shape()[&Direction::To(to)].len() - 1;
                places.extend([0, last / 2, last].map(|nth| (role, to, nth)));
            }
        }
        places
    }

    /// Every party ends with one of these codes, its own or adopted; `names` if it must be laid at the sender's door.
    fn ends(&self, fault: Fault, allowed: &[AbortCode], names: bool) {
        for (from, to, nth) in self.places() {
            let at = format!("{fault:?}, frame {nth} from {from} to {to}");
            let ended = self.run(from, Planned { to, nth, fault });
            for (role, result) in Role::ALL.into_iter().zip(ended) {
                let Err(ExecError::Session(error)) = result else {
                    panic!("{at}: {role} has a result or another error")
                };
                let (party, code) = match &error {
                    SessionError::Channel { source: ChannelError::Aborted(abort), .. } => {
                        (abort.party, abort.code)
                    }
                    own => own.blame(role.id()).unwrap(),
                };
                assert!(allowed.contains(&code), "{at}: {role} says {error}");
                assert!(!names || party == from.id(), "{at}: {role} says {error}");
            }
        }
    }
}

#[test]
fn every_party_ends_without_a_result() {
    let job = job();
    job.ends(Fault::Close, &[AbortCode::PeerLost], false);
    job.ends(Fault::Truncate(3), &[AbortCode::Protocol], true);
    job.ends(Fault::WrongTag, &[AbortCode::Protocol], true);
    job.ends(Fault::Drop, &[AbortCode::Stalled, AbortCode::Protocol], false);
}

#[test]
fn late_frames_change_nothing() {
    let job = job();
    let columns = |ended: [Result<Ended, ExecError>; 3]| -> Vec<Vec<i128>> {
        let ended = ended.map(Result::unwrap);
        (0..ended[0].result.columns.len())
            .map(|i| open(&ended.each_ref().map(|party| party.result.columns[i].clone())))
            .collect()
    };
    let never = Planned { to: PartyId(0), nth: usize::MAX, fault: Fault::Drop };
    let want = columns(job.run(Role::P1, never));
    for (from, to, nth) in job.places() {
        let fault = Fault::Delay(Duration::from_millis(15));
        assert_eq!(columns(job.run(from, Planned { to, nth, fault })), want);
    }
}

#[test]
fn an_opening_that_is_not_listed_ends_the_run_before_it_is_sent() {
    // P1 was told of one opening fewer: its gate refuses, and both others adopt that.
    let job = job();
    let ends = mesh(&job.plan, &job.inputs, Duration::from_secs(20)).into_iter();
    let channels: Vec<_> = ends.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let mut price = job.price.clone();
    price.openings.pop();
    let ended = run_over(4, &job.plan, (&job.inputs, &price), channels, confirm);
    for result in ended {
        let Err(ExecError::Session(error)) = result else { panic!("a result went out") };
        let gate = matches!(error, SessionError::Gate(_));
        let told = matches!(
            &error,
            SessionError::Channel { source: ChannelError::Aborted(abort), .. }
                if abort.code == AbortCode::Gate
        );
        assert!(gate || told, "{error}");
    }
}
