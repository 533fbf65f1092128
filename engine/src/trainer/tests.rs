//! Programs that do what they should, and others that do not.

mod slow;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use federated::{
    model::{Rows, Tally},
    round::{TrainError, Trainer, Update},
};
use proto::trainer::{
    self, EvaluateResponse, FitRequest, FitResponse, evaluate_response, fit_request, fit_response,
    trainer_server::TrainerServer,
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};
use zeroize::Zeroizing;

use super::Hired;
use crate::{
    job::{JobKind, ModelSpec, PluginSpec, TensorSpec},
    plan::{Place, Program, Training, TrainingRows},
    sql::{
        compile,
        tests::train::{asked, world},
    },
};

/// More than one piece of a model, and of rows.
const PARAMETERS: usize = 300_000;
const ROWS: usize = 100_001;

/// What a program does in a round.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    /// Adds 1 to every number.
    Trains,
    Declines,
    Ends,
    EndsAtFirst,
    Fails,
    Hangs,
    SendsMore,
    SendsLess,
    SendsNoNumbers,
    SendsNothing,
    Weighs(u64),
    Loses(f64),
    IsRight(u64),
    HasOtherNames,
    HasOtherShapes,
    HasOtherNumbers,
    Steps(u64),
    Scores(Says),
}

/// What a program that trains as it should says of the rows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    /// A probability for every row.
    Probabilities,
    NoNumbers,
    Beyond,
    Less,
    More,
    OfOtherRows,
    Nothing,
    Declines,
    DeclinesLate,
    Ends,
    Fails,
    Hangs,
    /// As a program that does not know the call.
    Unknown,
}

struct Fake(Does, AtomicBool);

#[tonic::async_trait]
impl trainer::trainer_server::Trainer for Fake {
    async fn describe(
        &self,
        request: Request<trainer::Setting>,
    ) -> Result<Response<trainer::Model>, Status> {
        let mut tensors = request.into_inner().tensors;
        match self.0 {
            Does::HasOtherNames => tensors[0].name = "other".into(),
            Does::HasOtherShapes => tensors[0].shape.push(1),
            Does::HasOtherNumbers => tensors[0].set_type(trainer::DataType::Unspecified),
            _ => {}
        }
        Ok(Response::new(trainer::Model { tensors }))
    }

    type FitStream = ReceiverStream<Result<FitResponse, Status>>;

    async fn fit(
        &self,
        request: Request<Streaming<FitRequest>>,
    ) -> Result<Response<Self::FitStream>, Status> {
        let (to, answers) = mpsc::channel(4);
        let (mut does, requests) = (self.0, request.into_inner());
        if does == Does::EndsAtFirst {
            does = if self.1.swap(true, Ordering::SeqCst) { Does::Trains } else { Does::Ends };
        }
        tokio::spawn(async move {
            if let Err(status) = serve(does, requests, &to).await {
                let _ = to.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }

    type EvaluateStream = ReceiverStream<Result<EvaluateResponse, Status>>;

    async fn evaluate(
        &self,
        request: Request<Streaming<FitRequest>>,
    ) -> Result<Response<Self::EvaluateStream>, Status> {
        let Does::Scores(says) = self.0 else { return Err(Status::unimplemented("")) };
        if says == Says::Unknown {
            return Err(Status::unimplemented("no such call"));
        }
        let (to, answers) = mpsc::channel(4);
        let mut requests = request.into_inner();
        tokio::spawn(async move {
            let (mut rows, mut model) = (0, 0);
            while let Ok(Some(FitRequest { what: Some(what) })) = requests.message().await {
                match what {
                    fit_request::What::Rows(piece) => rows += piece.len(),
                    fit_request::What::Model(piece) => model += piece.len(),
                    _ => {}
                }
                if model == 4 * PARAMETERS {
                    assert_eq!(rows, 4 * 2 * ROWS);
                    model = 0;
                    if !say(says, &to).await {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

/// Whether it goes on.
async fn say(says: Says, to: &mpsc::Sender<Result<EvaluateResponse, Status>>) -> bool {
    let mut scores = vec![0.7_f32; ROWS];
    let mut rows = ROWS as u64;
    match says {
        Says::NoNumbers => scores[3] = f32::NAN,
        Says::Beyond => scores[ROWS - 1] = 1.5,
        Says::Less => scores.truncate(ROWS - 1),
        Says::More => scores.push(0.7),
        Says::OfOtherRows => rows -= 1,
        Says::Declines => scores.clear(),
        Says::DeclinesLate => scores.truncate(1),
        Says::Hangs => std::future::pending().await,
        Says::Ends => return false,
        Says::Fails => {
            let _ = to.send(Err(Status::internal("out of memory"))).await;
            return false;
        }
        Says::Nothing => return to.send(Ok(EvaluateResponse { what: None })).await.is_ok(),
        Says::Probabilities | Says::Unknown => {}
    }
    let bytes: Vec<u8> = scores.iter().flat_map(|x| x.to_le_bytes()).collect();
    let pieces = bytes.chunks(1 << 16);
    let mut what: Vec<_> =
        pieces.map(|piece| evaluate_response::What::Probabilities(piece.to_vec())).collect();
    what.push(match says {
        Says::Declines | Says::DeclinesLate => {
            let reason = "not today".to_owned();
            evaluate_response::What::Declined(trainer::Declined { reason })
        }
        _ => evaluate_response::What::Evaluated(trainer::Evaluated { rows }),
    });
    for what in what {
        if to.send(Ok(EvaluateResponse { what: Some(what) })).await.is_err() {
            return false;
        }
    }
    true
}

async fn serve(
    does: Does,
    mut requests: Streaming<FitRequest>,
    to: &mpsc::Sender<Result<FitResponse, Status>>,
) -> Result<(), Status> {
    let (mut rows, mut model, mut number) = (Vec::new(), Vec::new(), 0);
    while let Some(request) = requests.message().await? {
        match request.what {
            Some(fit_request::What::Setting(setting)) => {
                assert_eq!(
                    (setting.rows, &setting.inputs[..]),
                    (ROWS as u64, &["age".to_owned()][..])
                );
            }
            Some(fit_request::What::Rows(piece)) => rows.extend(piece),
            Some(fit_request::What::Round(round)) => number = round.number,
            Some(fit_request::What::Model(piece)) => model.extend(piece),
            None => return Err(Status::internal("nothing")),
        }
        if model.len() == 4 * PARAMETERS {
            assert_eq!(rows.len(), 4 * 2 * ROWS);
            if !answer(does, number, std::mem::take(&mut model), to).await? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Whether it goes on.
async fn answer(
    does: Does,
    number: u32,
    mut model: Vec<u8>,
    to: &mpsc::Sender<Result<FitResponse, Status>>,
) -> Result<bool, Status> {
    let mut report =
        trainer::Report { rows: ROWS as u64, loss: f64::from(number), correct: 5, steps: 1 };
    for bytes in model.as_chunks_mut().0 {
        *bytes = (f32::from_le_bytes(*bytes) + 1.0).to_le_bytes();
    }
    let mut what = Vec::new();
    match does {
        Does::Ends => return Ok(false),
        Does::Fails => return Err(Status::internal("out of\nmemory")),
        Does::Hangs => std::future::pending().await,
        Does::Declines => {
            let reason = "too few rows".to_owned();
            what.push(fit_response::What::Declined(trainer::Declined { reason }));
        }
        Does::SendsNothing => return Ok(to.send(Ok(FitResponse { what: None })).await.is_ok()),
        Does::SendsMore => model.extend([0; 4]),
        Does::SendsLess => model.truncate(model.len() - 4),
        Does::SendsNoNumbers => model[8..12].copy_from_slice(&f32::NAN.to_le_bytes()),
        Does::Weighs(rows) => report.rows = rows,
        Does::Loses(loss) => report.loss = loss,
        Does::IsRight(correct) => report.correct = correct,
        Does::Steps(steps) => report.steps = steps,
        _ => {}
    }
    if what.is_empty() {
        what.extend(model.chunks(1 << 20).map(|piece| fit_response::What::Model(piece.to_vec())));
        what.push(fit_response::What::Report(report));
    }
    for what in what {
        if to.send(Ok(FitResponse { what: Some(what) })).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A program that listens as long as this lives.
struct Listening {
    address: String,
    _runtime: tokio::runtime::Runtime,
}

fn listening(does: Does) -> Listening {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder()
        .add_service(TrainerServer::new(Fake(does, AtomicBool::new(false))));
    runtime.spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Listening { address, _runtime: runtime }
}

fn training(seconds: u32) -> Training {
    let owners = ["census", "employers"];
    let (descriptors, terms) = world(&owners);
    let mut job = asked(&owners, &["age"], "income = 'high'");
    let JobKind::Train(train) = &mut job.kind else { unreachable!() };
    let shape = vec![3000, 100];
    let start = serde_json::from_str("0.25").unwrap();
    let tensors = vec![TensorSpec { name: "weight".into(), shape, start }];
    train.model = ModelSpec::Plugin(PluginSpec { name: "fake".into(), parameters: None, tensors });
    train.round_seconds = seconds;
    let plan = compile(&job, &descriptors, &terms).unwrap().plan;
    plan.training().unwrap().1.clone()
}

/// A provider's trainer, and what ends its run.
fn hired(place: Place, seconds: u32) -> (Hired, watch::Sender<bool>) {
    hired_for(place, seconds, None)
}

fn hired_for(
    place: Place,
    seconds: u32,
    steps: Option<(f32, u64)>,
) -> (Hired, watch::Sender<bool>) {
    let (end, ended) = watch::channel(false);
    let rows = Rows::new(1, vec![0.5; ROWS], vec![1.0; ROWS]).unwrap();
    let program = Program { place, job: "j".into(), ended };
    let order = Zeroizing::new([1; 32]);
    let (spend, keeps, presence, masking) = (None, None, None, None);
    let held = TrainingRows { rows, order, program: None, spend, keeps, presence, masking };
    (Hired::new(program, &training(seconds), &held, steps).unwrap(), end)
}

fn round(does: Does, seconds: u32) -> Result<Update, TrainError> {
    let fake = listening(does);
    let (mut hired, _end) = hired(Place::At(fake.address), seconds);
    hired.train(0, &vec![0.5; PARAMETERS])
}

#[test]
fn a_program_trains_round_after_round() {
    let fake = listening(Does::Trains);
    let (mut hired, _end) = hired(Place::At(fake.address), 60);
    for number in [0, 1, 5] {
        let update = hired.train(number, &vec![0.5; PARAMETERS]).unwrap();
        assert!(update.delta.len() == PARAMETERS && update.delta.iter().all(|d| *d == 1.0));
        assert_eq!((update.weight, update.correct), (ROWS as u64, 5));
        assert_eq!(update.loss, f64::from(number));
    }
}

#[test]
fn what_is_no_update_declines_the_round() {
    for (does, words) in [
        (Does::Declines, "too few rows"),
        (Does::Ends, "ended the stream"),
        (Does::Fails, "Internal: out of memory"),
        (Does::SendsMore, "more than 1200000 bytes"),
        (Does::SendsLess, "1199996 bytes where 1200000 are due"),
        (Does::SendsNoNumbers, "number 2 of its model is none"),
        (Does::SendsNothing, "empty message"),
        (Does::Weighs(0), "0 rows"),
        (Does::Weighs(ROWS as u64 + 1), "100002 rows, of 100001"),
        (Does::Weighs(u64::MAX), "of 100001"),
        (Does::IsRight(ROWS as u64 + 1), "were right"),
        (Does::Loses(f64::NAN), "loss is no number"),
        (Does::Loses(1e12), "too large"),
        (Does::HasOtherNames, "another tensor where the job has `weight`"),
        (
            Does::HasOtherShapes,
            "3 axes, the first of [3000, 100, 1], and the job's are [3000, 100]",
        ),
        (Does::HasOtherNumbers, "not in single precision"),
    ] {
        match round(does, 60) {
            Err(TrainError::Outside(why)) => assert!(why.contains(words), "{does:?}: {why}"),
            other => panic!("{does:?}: {other:?}"),
        }
    }
}

#[test]
fn an_update_is_over_the_steps_that_a_program_says() {
    let (unit, most) = (1.0 / 64.0, 512);
    for (steps, taken) in
        [(1, true), (5, true), (512, true), (0, false), (513, false), (u64::MAX, false)]
    {
        let fake = listening(Does::Steps(steps));
        let (mut hired, _end) = hired_for(Place::At(fake.address), 60, Some((unit, most)));
        match hired.train(0, &vec![0.5; PARAMETERS]) {
            Ok(update) => {
                assert!(taken, "{steps}");
                let (last, delta) = update.delta.split_last().unwrap();
                assert_eq!((delta.len(), *last), (PARAMETERS, steps as f32 / 64.0));
                assert!(delta.iter().all(|d| *d == 1.0 / steps as f32), "{steps}");
            }
            Err(error) => {
                let why = error.to_string();
                assert!(!taken && why.contains("1 to 512 are possible"), "{steps}: {why}");
            }
        }
    }
}

/// A round in which a program trains as it should and says this of its rows; then another.
fn scored(says: Says, seconds: u32) -> [Result<Vec<u64>, String>; 2] {
    let fake = listening(Does::Scores(says));
    let (mut hired, _end) = hired(Place::At(fake.address), seconds);
    let model = vec![0.5; PARAMETERS];
    [0, 1].map(|round| {
        let update = hired.train(round, &model).unwrap();
        assert_eq!(update.weight, ROWS as u64, "{says:?}: its update is as ever");
        let counts = hired.tally(round, &model, &Tally::Bins(4));
        counts.map_err(|error| error.to_string())
    })
}

#[test]
fn rows_are_counted_by_what_a_program_says_of_them() {
    // All are of class 1, and have 0.7.
    let counts = vec![0, 0, 0, 0, 0, 0, ROWS as u64, 0];
    assert_eq!(scored(Says::Probabilities, 60), [Ok(counts.clone()), Ok(counts)]);
}

#[test]
fn rows_of_which_garbage_is_said_are_not_counted() {
    for (says, words) in [
        (Says::NoNumbers, "no probabilities"),
        (Says::Beyond, "no probabilities"),
        (Says::Less, "probabilities of 100000 rows"),
        (Says::More, "more than 100001 rows"),
        (Says::OfOtherRows, "says that these are 100000"),
        (Says::Nothing, "empty message"),
        (Says::Declines, "not today"),
        (Says::DeclinesLate, "in the middle"),
        (Says::Ends, "ended the stream"),
        (Says::Fails, "Internal: out of memory"),
    ] {
        for (round, told) in scored(says, 60).into_iter().enumerate() {
            let why = told.unwrap_err();
            assert!(why.contains(words), "{says:?}, round {round}: {why}");
        }
    }
}

#[test]
fn a_program_that_does_not_evaluate_is_not_asked_again() {
    let [first, second] = scored(Says::Unknown, 60).map(Result::unwrap_err);
    assert!(first.contains("no such call"), "{first}");
    assert!(second.contains("does not evaluate, or took too long"), "{second}");
}

#[test]
fn a_round_that_failed_does_not_spoil_the_next() {
    let fake = listening(Does::EndsAtFirst);
    let (mut hired, _end) = hired(Place::At(fake.address), 60);
    let model = vec![0.5; PARAMETERS];
    assert!(hired.train(0, &model).is_err());
    assert!(hired.train(1, &model).is_ok(), "another session begins, with all rows");
}

#[test]
fn a_program_that_hangs_is_waited_for_until_the_round_is_nearly_over() {
    let why = round(Does::Hangs, 1).unwrap_err().to_string();
    assert!(why.contains("nothing within 0.9 seconds"), "{why}");
}

#[test]
fn a_run_that_ends_waits_for_no_program() {
    let fake = listening(Does::Hangs);
    let (mut hired, end) = hired(Place::At(fake.address), 3600);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let end = Arc::new(end);
        scope.spawn(move || end.send_replace(true));
        let why = hired.train(0, &vec![0.5; PARAMETERS]).unwrap_err().to_string();
        assert!(why.contains("the run has ended"), "{why}");
    });
    assert!(began.elapsed() < Duration::from_secs(600));
}

#[test]
fn a_child_is_ended_with_the_round_it_hangs_in_and_with_the_job() {
    let folder = tempfile::tempdir().unwrap();
    let child = |command: &[&str]| Place::Child {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        folder: folder.path().to_owned(),
    };
    let model = vec![0.5; PARAMETERS];
    let told = |place: Place| hired(place, 1).0.train(0, &model).unwrap_err().to_string();
    assert!(told(child(&["./there-is-none"])).contains("does not start"));
    assert!(told(child(&["sh", "-c", "exit 3"])).contains("exit status: 3) before it listened"));
    let script =
        r#"at=${UNSEEN_TRAINER#unix:}; ls -ld "${at%/*}" > mode; echo $$ > pid; exec sleep 1000"#;
    let why = told(child(&["sh", "-c", script]));
    assert!(why.contains("nothing within"), "{why}");
    let mode = std::fs::read_to_string(folder.path().join("mode")).unwrap();
    assert!(mode.starts_with("drwx------"), "no other user may call it: {mode}");
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists(), "it is gone");
}

#[test]
fn a_model_begins_as_the_job_says() {
    let training = training(60);
    let (first, again) = (training.initial(&[1; 16]).unwrap(), training.initial(&[1; 16]).unwrap());
    assert_eq!(first, again);
    assert_ne!(first, training.initial(&[2; 16]).unwrap());
    assert_eq!(first.len(), PARAMETERS);
    assert!(first.iter().all(|x| x.abs() <= 0.25) && first.iter().any(|x| x.abs() > 0.2));
    assert_eq!(training.tensors().unwrap()[0].shape, [3000, 100]);
}
