//! Questions to a server of models and their answers as they arrive, by the client that hf-hub brings.
//!
//! hf-hub's own download neither checks what arrives nor can be cancelled, and shows the token to whatever server an
//! answer points to; so that each step of the way is taken here.

use super::endpoint::Endpoint;
use contract::Failure;
use hf_hub::{
    Cache, Repo, RepoType,
    api::sync::{Api, ApiBuilder, ApiRepo},
};
use std::{
    io::Read,
    path::PathBuf,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};
use ureq::{
    Body,
    http::{Response, Uri, header},
};

const TO_CONNECT: Duration = Duration::from_secs(10);
const TO_ANSWER: Duration = Duration::from_secs(30);
/// Longest silence while something arrives.
const SILENCE: Duration = Duration::from_secs(30);
/// How soon a cancelled wait ends.
const LOOK_EVERY: Duration = Duration::from_millis(40);
const MOST_REDIRECTS: usize = 6;
const PIECE_BYTES: usize = 128 << 10;
/// Pieces that may wait to be written.
const PIECES_AHEAD: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("{host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("the connection to {host} broke: {reason}")]
    Broken { host: String, reason: String },
    #[error("cancelled")]
    Cancelled,
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Unreachable { host, reason } => Self::Missing {
                what: host,
                reason: format!("it cannot be reached: {reason}"),
                remedy: "Connect to the network or set a mirror in Settings; everything but fetching works without"
                    .into(),
            },
            WireError::Broken { host, reason } => Self::Missing {
                what: host,
                reason: format!("the connection broke: {reason}"),
                remedy: "Try again: it goes on where it ended".into(),
            },
            WireError::Cancelled => Self::Cancelled,
        }
    }
}

/// The way to one repository.
#[derive(Clone)]
pub struct Wire {
    api: Api,
    endpoint: Endpoint,
    repository: String,
}

impl Wire {
    /// The token goes to the endpoint and nowhere else.
    pub fn to(endpoint: &Endpoint, token: Option<&str>, repository: &str) -> Result<Self, Failure> {
        // Nothing is kept by hf-hub, so that the folder of its cache is never made.
        let api = ApiBuilder::from_cache(Cache::new(PathBuf::new()))
            .with_endpoint(endpoint.url().to_owned())
            .with_token(token.map(str::to_owned))
            .with_user_agent("assay", env!("CARGO_PKG_VERSION"))
            .build()
            .map_err(|e| Failure::broken("making a client for Hugging Face", e))?;
        Ok(Self { api, endpoint: endpoint.clone(), repository: repository.to_owned() })
    }

    /// Where the repository is described, with the size and checksum of each file.
    pub fn listing(&self, revision: &str) -> String {
        let described = self.at(revision).info_request();
        let address = described.uri_ref().map(Uri::to_string).unwrap_or_default();
        format!("{address}?blobs=true")
    }

    /// Where a file is.
    pub fn file(&self, revision: &str, path: &str) -> String {
        self.at(revision).url(&encoded(path))
    }

    /// Asks for what is at an address from this byte on. Ends at once when cancelled, wherever it is by then.
    pub fn ask(&self, address: String, from: u64, cancelled: &AtomicBool) -> Result<Incoming, WireError> {
        let (sender, messages) = sync_channel(PIECES_AHEAD);
        let (wire, host) = (self.clone(), self.endpoint.host().to_owned());
        let work = move || {
            if let Err(error) = wire.exchange(&address, from, &sender) {
                // Whoever asked may have turned away.
                let _ = sender.send(Message::Failed(error));
            }
        };
        let started = thread::Builder::new().name("hub".into()).spawn(work);
        started.map_err(|e| WireError::Unreachable { host: host.clone(), reason: e.to_string() })?;
        let incoming = Messages { messages, host };
        match incoming.next(cancelled)? {
            Message::Head(head) => Ok(Incoming { head, rest: incoming }),
            Message::Failed(error) => Err(error),
            Message::Piece(_) | Message::End => unreachable!("the head comes first"),
        }
    }

    /// Follows the answer to where it points and passes on what arrives, until nobody listens.
    fn exchange(&self, address: &str, from: u64, tell: &SyncSender<Message>) -> Result<(), WireError> {
        let mut address: Uri = address.parse().map_err(|_| self.unreachable(address, "it is no address"))?;
        for _ in 0..MOST_REDIRECTS {
            let response = self.call(&address, from)?;
            if response.status().is_redirection() {
                address = self.target(&address, &response)?;
                continue;
            }
            return self.pass_on(&address, response, tell);
        }
        Err(self.unreachable(&address.to_string(), "it points from one address to another without end"))
    }

    fn call(&self, address: &Uri, from: u64) -> Result<Response<Body>, WireError> {
        let mut request = self.at("main").info_request().uri(address.clone());
        if !self.endpoint.owns(address)
            && let Some(headers) = request.headers_mut()
        {
            headers.remove(header::AUTHORIZATION);
        }
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        let request = request
            .config()
            .http_status_as_error(false)
            .max_redirects(0)
            .accept_encoding("identity")
            .timeout_resolve(Some(TO_CONNECT))
            .timeout_connect(Some(TO_CONNECT))
            .timeout_recv_response(Some(TO_ANSWER))
            .timeout_per_read(Some(SILENCE))
            .build();
        request.call().map_err(|error| self.unreachable(&address.to_string(), &reason(&error)))
    }

    /// Where an answer points. What came safely does not go on unsafely.
    fn target(&self, address: &Uri, response: &Response<Body>) -> Result<Uri, WireError> {
        let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
        let target = location.and_then(|location| resolved(address, location));
        let safe = |target: &Uri| target.scheme_str() == Some("https") || address.scheme_str() == Some("http");
        target.filter(safe).ok_or_else(|| self.unreachable(&address.to_string(), "it points to nowhere"))
    }

    fn pass_on(&self, address: &Uri, response: Response<Body>, tell: &SyncSender<Message>) -> Result<(), WireError> {
        let host = address.host().unwrap_or_default().to_owned();
        let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let head = Head { status: response.status().as_u16(), from: range.and_then(range_start).unwrap_or(0) };
        let mut heard = tell.send(Message::Head(head)).is_ok();
        let mut body = response.into_body().into_reader();
        while heard {
            let mut piece = vec![0; PIECE_BYTES];
            let length = match body.read(&mut piece) {
                Ok(length) => length,
                Err(e) => return Err(WireError::Broken { host, reason: e.to_string() }),
            };
            if length == 0 {
                // Whoever asked may have turned away, which ends it as well.
                let _ = tell.send(Message::End);
                break;
            }
            piece.truncate(length);
            heard = tell.send(Message::Piece(piece)).is_ok();
        }
        Ok(())
    }

    fn at(&self, revision: &str) -> ApiRepo {
        self.api.repo(Repo::with_revision(self.repository.clone(), RepoType::Model, revision.to_owned()))
    }

    fn unreachable(&self, address: &str, reason: &str) -> WireError {
        let host = address.parse().ok().and_then(|address: Uri| address.host().map(str::to_owned));
        WireError::Unreachable { host: host.unwrap_or_else(|| self.endpoint.host().to_owned()), reason: reason.into() }
    }
}

/// What an answer begins with.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    pub status: u16,
    /// The first byte that follows.
    pub from: u64,
}

enum Message {
    Head(Head),
    Piece(Vec<u8>),
    End,
    Failed(WireError),
}

struct Messages {
    messages: Receiver<Message>,
    host: String,
}

impl Messages {
    fn next(&self, cancelled: &AtomicBool) -> Result<Message, WireError> {
        loop {
            if cancelled.load(Ordering::Relaxed) {
                return Err(WireError::Cancelled);
            }
            match self.messages.recv_timeout(LOOK_EVERY) {
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.ended_early());
                }
            }
        }
    }

    fn ended_early(&self) -> WireError {
        WireError::Broken { host: self.host.clone(), reason: "it ended early".into() }
    }
}

/// An answer whose head is here.
pub struct Incoming {
    pub head: Head,
    rest: Messages,
}

impl Incoming {
    /// The next bytes; none at the end.
    pub fn piece(&self, cancelled: &AtomicBool) -> Result<Option<Vec<u8>>, WireError> {
        match self.rest.next(cancelled)? {
            Message::Piece(piece) => Ok(Some(piece)),
            Message::End => Ok(None),
            Message::Failed(error) => Err(error),
            Message::Head(_) => unreachable!("an answer has one head"),
        }
    }

    pub fn ended_early(&self) -> WireError {
        self.rest.ended_early()
    }

    /// All of it, unless that is more than `most` bytes.
    pub fn whole(self, most: usize, cancelled: &AtomicBool) -> Result<Vec<u8>, WireError> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece(cancelled)? {
            all.extend(piece);
            if all.len() > most {
                let reason = format!("its answer is longer than {} MB", most >> 20);
                return Err(WireError::Broken { host: self.rest.host, reason });
            }
        }
        Ok(all)
    }
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "no server of this name is found".into(),
        ureq::Error::Timeout(_) => "it does not answer in time".into(),
        ureq::Error::Io(e) => e.to_string(),
        other => other.to_string(),
    }
}

/// The first byte in `bytes 100-199/200`.
fn range_start(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

fn resolved(address: &Uri, location: &str) -> Option<Uri> {
    if !location.starts_with('/') {
        return location.parse().ok().filter(|target: &Uri| target.scheme().is_some() && target.host().is_some());
    }
    let mut parts = address.clone().into_parts();
    parts.path_and_query = Some(location.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// A path as part of an address.
fn encoded(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_so_that_a_server_reads_it_whole() {
        assert_eq!(encoded("onnx/model v2#1?.onnx"), "onnx/model%20v2%231%3F.onnx");
    }

    #[test]
    fn an_answer_points_to_another_path_or_another_server() {
        let here: Uri = "https://hub.example/a?b=c".parse().unwrap();
        let target = |location: &str| resolved(&here, location).map(|target| target.to_string());
        assert_eq!(target("/d?e"), Some("https://hub.example/d?e".into()));
        assert_eq!(target("https://cdn.example/d"), Some("https://cdn.example/d".into()));
        assert_eq!(target("d"), None);
    }

    #[test]
    fn an_answer_says_where_it_begins() {
        assert_eq!(range_start("bytes 100-199/200"), Some(100));
        assert_eq!(range_start("bytes */200"), None);
    }
}
