//! Calls: HTTP/2 ends here and begins again, so that headers and messages are seen as they are meant.

use std::future::poll_fn;

use h2::{RecvStream, SendStream, client::SendRequest, server::SendResponse};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::codegen::{
    Bytes,
    http::{HeaderMap, Request, Response},
};

use super::Kept;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    /// `/unseen.v1.PartyService/Run`.
    pub(crate) method: String,
    /// All headers and trailers of both sides, a line each.
    pub(crate) heads: Vec<u8>,
    /// What the caller said and what it heard, with the five bytes before each message.
    pub(crate) said: Vec<u8>,
    pub(crate) heard: Vec<u8>,
}

impl Call {
    /// The messages in one side of a call.
    pub(crate) fn messages(mut side: &[u8]) -> Vec<&[u8]> {
        let mut messages = Vec::new();
        while let Some((head, rest)) = side.split_first_chunk::<5>() {
            let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let (message, rest) = rest.split_at(usize::try_from(len).unwrap());
            messages.push(message);
            side = rest;
        }
        messages
    }
}

/// Where a call is written down.
#[derive(Clone, Copy)]
struct Entry<'a> {
    kept: &'a Kept,
    at: usize,
}

#[derive(Clone, Copy)]
enum Side {
    Said,
    Heard,
}

impl Entry<'_> {
    fn head(self, headers: &HeaderMap) {
        let heads = &mut self.kept.calls()[self.at].heads;
        for (name, value) in headers {
            heads.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
        }
    }

    fn data(self, side: Side, data: &[u8]) {
        let call = &mut self.kept.calls()[self.at];
        match side {
            Side::Said => call.said.extend_from_slice(data),
            Side::Heard => call.heard.extend_from_slice(data),
        }
    }
}

/// Relays the calls of one connection until either end closes it.
pub(super) async fn relay(
    kept: &std::sync::Arc<Kept>,
    (from, to): (&'static str, &'static str),
    near: impl AsyncRead + AsyncWrite + Unpin,
    far: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<(), h2::Error> {
    let mut near = h2::server::handshake(near).await?;
    let (client, far) = h2::client::handshake(far).await?;
    let mut far = tokio::spawn(far);
    loop {
        let accepted = tokio::select! {
            accepted = near.accept() => accepted,
            _ = &mut far => return Ok(()),
        };
        let Some(accepted) = accepted else { return Ok(()) };
        let (request, respond) = accepted?;
        let at = {
            let mut calls = kept.calls();
            let (method, heads) = (request.uri().path().to_owned(), Vec::new());
            calls.push(Call { from, to, method, heads, said: Vec::new(), heard: Vec::new() });
            calls.len() - 1
        };
        let (kept, client) = (kept.clone(), client.clone());
        tokio::spawn(
            async move { call(Entry { kept: &kept, at }, client, request, respond).await },
        );
    }
}

async fn call(
    entry: Entry<'_>,
    client: SendRequest<Bytes>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let (head, body) = request.into_parts();
    entry.head(&head.headers);
    let empty = body.is_end_stream();
    let (answer, upload) =
        client.ready().await?.send_request(Request::from_parts(head, ()), empty)?;
    let uploading = async {
        if !empty {
            pump(entry, Side::Said, body, upload).await?;
        }
        Ok::<_, h2::Error>(())
    };
    let downloading = async {
        let (head, body) = answer.await?.into_parts();
        entry.head(&head.headers);
        let empty = body.is_end_stream();
        let download = respond.send_response(Response::from_parts(head, ()), empty)?;
        if !empty {
            pump(entry, Side::Heard, body, download).await?;
        }
        Ok::<_, h2::Error>(())
    };
    let (uploaded, downloaded) = tokio::join!(uploading, downloading);
    if let Err(error) = uploaded.and(downloaded) {
        respond.send_reset(error.reason().unwrap_or(h2::Reason::CANCEL));
    }
    Ok(())
}

/// Carries one side's data and trailers over; ends early when the other end wants no more.
async fn pump(
    entry: Entry<'_>,
    side: Side,
    mut from: RecvStream,
    mut to: SendStream<Bytes>,
) -> Result<(), h2::Error> {
    loop {
        let data = tokio::select! {
            data = from.data() => data,
            reset = poll_fn(|cx| to.poll_reset(cx)) => return Err(reset?.into()),
        };
        let Some(data) = data else { break };
        let data = data?;
        from.flow_control().release_capacity(data.len())?;
        entry.data(side, &data);
        to.send_data(data, false)?;
    }
    match from.trailers().await? {
        Some(trailers) => {
            entry.head(&trailers);
            to.send_trailers(trailers)
        }
        None => to.send_data(Bytes::new(), true),
    }
}
