//! A server that answers as Hugging Face does: listings, redirects to another host for large files, ranges, terms to
//! agree to; and that can be made to break, lie, dawdle and fall silent.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    thread::{sleep, spawn},
    time::Duration,
};

pub const COMMIT: &str = "86b5e0934494bd15c9632b12f734a8a67f723594";
/// What a closed repository opens to.
pub const TOKEN: &str = "hf_right";

#[derive(Clone, Default)]
pub struct Repository {
    pub files: Vec<(String, Vec<u8>)>,
    pub licence: Option<&'static str>,
    /// Only those with the token may read its files.
    pub closed: bool,
    /// The size that the listing gives to every file.
    pub said_bytes: Option<u64>,
}

#[derive(Clone, Default)]
pub struct Behaviour {
    /// The next large file breaks after this many bytes.
    pub break_at: Option<usize>,
    /// Large files have other bytes than listed, of the same number.
    pub lies: bool,
    pub knows_no_ranges: bool,
    /// Takes a question and never answers.
    pub is_silent: bool,
    pub bytes_per_s: Option<usize>,
}

/// A question as it arrived.
#[derive(Clone, Debug)]
pub struct Heard {
    /// By the host that large files are on.
    pub elsewhere: bool,
    pub path: String,
    pub authorization: Option<String>,
    /// The byte from which on the file was asked for.
    pub from: Option<usize>,
}

pub struct HubServer {
    pub url: String,
    inside: Arc<Inside>,
}

#[derive(Default)]
struct Inside {
    repositories: Mutex<HashMap<String, Repository>>,
    behaviour: Mutex<Behaviour>,
    heard: Mutex<Vec<Heard>>,
    /// Where large files are.
    elsewhere: Mutex<String>,
}

#[allow(dead_code, reason = "each test program uses its own part of this")]
impl HubServer {
    pub fn start() -> Self {
        let inside = Arc::new(Inside::default());
        let listen = |elsewhere: bool| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let inside = inside.clone();
            spawn(move || {
                for stream in listener.incoming().flatten() {
                    let inside = inside.clone();
                    // Whoever asked may have turned away.
                    spawn(move || drop(inside.answer(stream, elsewhere)));
                }
            });
            port
        };
        let (port, elsewhere) = (listen(false), listen(true));
        // Another name is another host, though it is the same machine.
        *inside.elsewhere.lock().unwrap() = format!("http://localhost:{elsewhere}");
        Self { url: format!("http://127.0.0.1:{port}"), inside }
    }

    pub fn put(&self, id: &str, repository: Repository) {
        self.inside.repositories.lock().unwrap().insert(id.to_owned(), repository);
    }

    pub fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.inside.behaviour.lock().unwrap()
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.inside.heard.lock().unwrap().clone()
    }

    /// The bytes from which on large files were asked for, in turn.
    pub fn large_from(&self) -> Vec<Option<usize>> {
        self.heard().into_iter().filter(|heard| heard.elsewhere).map(|heard| heard.from).collect()
    }
}

#[allow(dead_code, reason = "each test program uses its own part of this")]
impl Repository {
    /// A small BERT with its trained weights.
    pub fn bert() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/bert");
        let file = |name: &str| (name.to_owned(), fs::read(folder.join(name)).unwrap());
        Self {
            files: vec![file("config.json"), file("model.safetensors"), ("README.md".to_owned(), b"# BERT".to_vec())],
            licence: Some("apache-2.0"),
            ..Self::default()
        }
    }

    /// Models that make images together, each in a folder: one whose weights are saved with pickle, and one that is not
    /// built.
    pub fn pipeline() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let file = |from: &str, to: &str| (to.to_owned(), fs::read(folder.join(from)).unwrap());
        let unknown = br#"{"model_type": "clip", "architectures": ["StableDiffusionSafetyChecker"]}"#;
        Self {
            files: vec![
                ("model_index.json".to_owned(), b"{}".to_vec()),
                ("v1-5-pruned.ckpt".to_owned(), b"\x80\x02}q\x00.".to_vec()),
                ("safety_checker/config.json".to_owned(), unknown.to_vec()),
                ("scheduler/scheduler_config.json".to_owned(), b"{}".to_vec()),
                file("bert/config.json", "text_encoder/config.json"),
                file("bert/model.safetensors", "text_encoder/model.safetensors"),
                file("unet/config.json", "unet/config.json"),
                file("unet/model.safetensors", "unet/diffusion_pytorch_model.safetensors"),
                file("vae/config.json", "vae/config.json"),
                ("vae/diffusion_pytorch_model.bin".to_owned(), b"\x80\x02}q\x00.".to_vec()),
            ],
            licence: Some("creativeml-openrail-m"),
            ..Self::default()
        }
    }

    pub fn bytes(&self, name: &str) -> &[u8] {
        &self.files.iter().find(|(path, _)| path == name).unwrap().1
    }

    fn listing(&self, id: &str) -> Value {
        let siblings: Vec<Value> = self
            .files
            .iter()
            .map(|(path, bytes)| {
                let size = self.said_bytes.unwrap_or(bytes.len() as u64);
                let mut file = json!({"rfilename": path, "blobId": "0", "size": size});
                if is_large(path) {
                    file["lfs"] = json!({"sha256": sha256(bytes), "size": size, "pointerSize": 134});
                }
                file
            })
            .collect();
        json!({
            "id": id, "sha": COMMIT, "private": false, "gated": if self.closed { json!("manual") } else { json!(false) },
            "cardData": {"license": self.licence}, "siblings": siblings,
        })
    }
}

fn is_large(path: &str) -> bool {
    [".safetensors", ".onnx", ".bin", ".onnx_data"].iter().any(|ending| path.ends_with(ending))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Inside {
    fn answer(&self, stream: TcpStream, elsewhere: bool) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut heard = Heard { elsewhere, path, authorization: None, from: None };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            match name.to_lowercase().as_str() {
                "authorization" => heard.authorization = Some(value.to_owned()),
                "range" => heard.from = value.strip_prefix("bytes=").and_then(|r| r.trim_end_matches('-').parse().ok()),
                _ => {}
            }
        }
        self.heard.lock().unwrap().push(heard.clone());
        let behaviour = self.behaviour.lock().unwrap().clone();
        if behaviour.is_silent {
            sleep(Duration::from_secs(60));
            return Ok(());
        }
        self.serve(reader.get_mut(), &heard, &behaviour)
    }

    fn serve(&self, stream: &mut TcpStream, heard: &Heard, behaviour: &Behaviour) -> std::io::Result<()> {
        let path = heard.path.split('?').next().unwrap_or_default();
        let repositories = self.repositories.lock().unwrap().clone();
        let known = |start: &str, middle: &str| {
            let (id, rest) = path.strip_prefix(start)?.split_once(middle)?;
            Some((id.to_owned(), repositories.get(id)?, rest.to_owned()))
        };
        if let Some((id, repository, _)) = known("/api/models/", "/revision/") {
            return whole(stream, 200, repository.listing(&id).to_string().as_bytes());
        }
        let may_read = |repository: &Repository| {
            !repository.closed || heard.authorization.as_deref() == Some(&format!("Bearer {TOKEN}"))
        };
        if let Some((id, repository, rest)) = known("/", "/resolve/") {
            let file = rest.strip_prefix(COMMIT).and_then(|rest| rest.strip_prefix('/'));
            let found = file.filter(|file| repository.files.iter().any(|(path, _)| path == file));
            return match found {
                _ if !may_read(repository) => whole(stream, 401, b"Access is restricted"),
                None => whole(stream, 404, b"Entry not found"),
                Some(file) if is_large(file) => {
                    let elsewhere = self.elsewhere.lock().unwrap().clone();
                    redirect(stream, 302, &format!("{elsewhere}/large/{id}/file/{file}"))
                }
                Some(file) => redirect(stream, 307, &format!("/small/{id}/file/{file}")),
            };
        }
        if let Some((_, repository, file)) = known("/small/", "/file/") {
            return match may_read(repository) {
                true => whole(stream, 200, repository.bytes(&file)),
                false => whole(stream, 401, b"Access is restricted"),
            };
        }
        match known("/large/", "/file/") {
            Some((_, repository, file)) => self.send_large(stream, repository.bytes(&file), heard.from, behaviour),
            None => whole(stream, 401, b"Repository not found"),
        }
    }

    fn send_large(
        &self,
        stream: &mut TcpStream,
        bytes: &[u8],
        from: Option<usize>,
        behaviour: &Behaviour,
    ) -> std::io::Result<()> {
        let mut bytes = bytes.to_vec();
        if behaviour.lies {
            *bytes.last_mut().unwrap() ^= 1;
        }
        let from = from.filter(|_| !behaviour.knows_no_ranges);
        let rest = &bytes[from.unwrap_or(0)..];
        let range = from.map_or(String::new(), |from| {
            format!("Content-Range: bytes {from}-{}/{}\r\n", bytes.len() - 1, bytes.len())
        });
        let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
        write!(stream, "HTTP/1.1 {status}\r\n{range}Content-Length: {}\r\nConnection: close\r\n\r\n", rest.len())?;
        let sent = match self.behaviour.lock().unwrap().break_at.take() {
            Some(at) => &rest[..at.min(rest.len())],
            None => rest,
        };
        match behaviour.bytes_per_s {
            None => stream.write_all(sent),
            Some(rate) => sent.chunks((rate / 20).max(1)).try_for_each(|chunk| {
                sleep(Duration::from_millis(50));
                stream.write_all(chunk)
            }),
        }
    }
}

fn whole(stream: &mut TcpStream, status: u16, body: &[u8]) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} Told\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

fn redirect(stream: &mut TcpStream, status: u16, location: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} There\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
