//! The buyer's three sealed shares, opened with its key but not put together.

use std::{fs, time::Duration};

use engine::{
    client::{Buyer, Fetched},
    executor::{Compilation, compile_published},
    identity::{IdentityKey, PartyName, Pins, SealingKey, Signed},
    job::{JobId, JobSpec},
    link::{Credentials, Dialler, Timeouts},
    seal::{self, Expected, ResultShare, Sealed},
};
use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use protocols::party::Role;

use crate::world::{BUYER, World};

/// The result share of each compute party, in order.
pub(crate) fn shares(world: &World, job: &str) -> [ResultShare; 3] {
    let (fetched, pins) = fetched(world, job);
    let job: JobId = job.parse().unwrap();
    let compilation = compile(&fetched, &pins);
    let receipt: serde_json::Value = serde_json::from_slice(&fetched.receipt).unwrap();
    let consents_root = serde_json::from_value(receipt["body"]["consents_root"].clone()).unwrap();
    let expected = Expected {
        job: job.hash(),
        plan: compilation.hash,
        attempt: 1,
        compute: &compilation.compiled.plan.compute,
        consents_root,
        shapes: &compilation.sealed_shapes(),
        pins: &pins,
    };
    let key = SealingKey::load(&world.of(BUYER).join("sealing.key")).unwrap();
    Role::ALL.map(|role| {
        let share = &fetched.sealed[&expected.compute[role.index()]];
        let manifest = serde_json::from_slice(&share.manifest).unwrap();
        let sealed = Sealed { manifest, ciphertext: share.ciphertext.clone() };
        seal::open(&sealed, role, &key, &expected).unwrap()
    })
}

/// What the coordinator gives the buyer of a job that is over, and whom the buyer trusts to be who.
pub(crate) fn fetched(world: &World, job: &str) -> (Fetched, Pins) {
    let folder = world.of(BUYER);
    let pins = Figment::from(Toml::file(folder.join("unseen.toml")));
    let pins: Pins = pins.extract_inner("pins").unwrap();
    let fetched = fetch(world, &pins, job.parse().unwrap());
    (fetched, pins)
}

fn fetch(world: &World, pins: &Pins, job: JobId) -> Fetched {
    let folder = world.of(BUYER);
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let name = |party: &str| PartyName::try_from(party).unwrap();
    let key = IdentityKey::load(&folder.join("identity.key")).unwrap();
    let (chain, authority) = (read("certificate.pem"), read("ca.pem"));
    let own =
        Credentials::from_pem(name(BUYER), key.into(), &chain, &authority, pins.clone().into());
    let dialler = Dialler::new(own.unwrap(), Timeouts::default());
    let (coordinator, limit) = (name("exchange"), Duration::from_secs(60));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let buyer = Buyer::new(dialler, &coordinator, &world.reached("exchange"), limit).unwrap();
        buyer.fetch(job).await.unwrap()
    })
}

fn compile(fetched: &Fetched, pins: &Pins) -> Compilation {
    let spec: Signed<JobSpec> = serde_json::from_slice(&fetched.documents.spec).unwrap();
    compile_published(&spec.body, &fetched.documents.published, pins).unwrap().unwrap()
}
