//! A stream of requests to a trainer, and what comes back on it.

use std::fmt::Debug;

use federated::model::Rows;
use proto::trainer::{self, fit_request};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use super::trainer::TrainerSetting;

/// Longest piece of rows or of a model in one message, in bytes.
const PIECE_BYTES: usize = 1 << 20;
/// Pieces that may be under way before the trainer has taken them.
const AHEAD: usize = 4;
/// Longest words of a trainer that are taken into a log.
const WORDS: usize = 300;

/// One job's requests, and answers of this kind.
#[derive(Debug)]
pub(super) struct Line<A> {
    to: mpsc::Sender<trainer::FitRequest>,
    from: Answers<A>,
    /// The program does not know the call.
    unknown: bool,
}

/// A trainer may say nothing at all before its first answer, so that the call itself is awaited then.
#[derive(Debug)]
enum Answers<A> {
    Due(JoinHandle<Result<Streaming<A>, Status>>),
    Here(Box<Streaming<A>>),
    Over,
}

impl<A: Send + 'static> Line<A> {
    /// Calls with a stream of requests.
    pub(super) fn call<F>(call: impl FnOnce(ReceiverStream<trainer::FitRequest>) -> F) -> Self
    where
        F: Future<Output = Result<Response<Streaming<A>>, Status>> + Send + 'static,
    {
        let (to, requests) = mpsc::channel(AHEAD);
        let call = call(ReceiverStream::new(requests));
        let due = tokio::spawn(async { call.await.map(Response::into_inner) });
        Self { to, from: Answers::Due(due), unknown: false }
    }

    /// Hands over the setting and the rows.
    pub(super) async fn begin(
        &mut self,
        setting: &TrainerSetting,
        rows: &Rows,
    ) -> Result<(), String> {
        self.send(fit_request::What::Setting(setting.0.clone())).await?;
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        for at in 0..rows.len() {
            for x in rows.row(at).iter().chain([&rows.label(at)]) {
                piece.extend(x.to_le_bytes());
                if piece.len() == PIECE_BYTES {
                    let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES));
                    self.send(fit_request::What::Rows(full)).await?;
                }
            }
        }
        if !piece.is_empty() {
            self.send(fit_request::What::Rows(piece)).await?;
        }
        Ok(())
    }

    /// Hands over a round and its model.
    pub(super) async fn ask(&mut self, number: u32, model: &[f32]) -> Result<(), String> {
        self.send(fit_request::What::Round(trainer::Round { number })).await?;
        for piece in model.chunks(PIECE_BYTES / 4) {
            let bytes = piece.iter().flat_map(|x| x.to_le_bytes()).collect();
            self.send(fit_request::What::Model(bytes)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, what: fit_request::What) -> Result<(), String> {
        if self.to.send(trainer::FitRequest { what: Some(what) }).await.is_ok() {
            return Ok(());
        }
        // It listens no longer; why, it may have said.
        match self.next().await {
            Err(why) => Err(why),
            Ok(_) => Err("it answered before its turn and listens no longer".into()),
        }
    }

    /// Its next answer.
    pub(super) async fn next(&mut self) -> Result<A, String> {
        let over = || "it has ended the stream".to_owned();
        if let Answers::Due(due) = &mut self.from {
            let answered = due.await;
            // Awaited once: whatever comes of it.
            self.from = Answers::Over;
            let stream = answered.map_err(|_| over())?.map_err(|status| self.failed(&status))?;
            self.from = Answers::Here(Box::new(stream));
        }
        let Answers::Here(stream) = &mut self.from else { return Err(over()) };
        let message = stream.message().await;
        message.map_err(|status| self.failed(&status))?.ok_or_else(over)
    }

    /// Whether the program has said that it does not know this call.
    pub(super) fn is_unknown(&self) -> bool {
        self.unknown
    }

    fn failed(&mut self, status: &Status) -> String {
        self.unknown |= status.code() == tonic::Code::Unimplemented;
        said(status)
    }
}

impl<A> Drop for Line<A> {
    fn drop(&mut self) {
        if let Answers::Due(due) = &self.from {
            due.abort();
        }
    }
}

/// What an answer without anything in it is.
pub(super) fn empty() -> String {
    "it sent an empty message".into()
}

/// What a trainer says of a call that failed.
pub(super) fn said(status: &Status) -> String {
    format!("{:?}: {}", status.code(), words(status.message()))
}

/// A trainer's words as they may stand in a log.
pub(super) fn words(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().take(WORDS).map(plain).collect()
}
