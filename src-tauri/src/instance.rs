//! One process owns a store. Others find it by the store's path and hand it their requests.

use contract::{Failure, GetImport, Request};
use interprocess::local_socket::{ListenerOptions, Name, Stream, prelude::*};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, TryLockError},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// A longer request is refused: the largest that travels, a picture to be saved, stays below.
const LONGEST_REQUEST: u64 = 64 << 20;
/// A process that has just started holds the lock before it answers, and a command that reads a store holds it for a
/// moment and never answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who owns a store.
pub enum Claim {
    Ours(Instance),
    Held(Doorbell),
}

/// The right to open a store, for as long as this lives. The system gives it back when the process ends, however it ends.
pub struct Instance {
    _lock: File,
    address: Address,
    closing: Arc<AtomicBool>,
}

/// The way to the process that owns a store.
#[derive(Clone)]
pub struct Doorbell {
    address: Address,
    store: PathBuf,
}

/// What comes back over the socket, one line of JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply<A> {
    Answer(A),
    Failure(Failure),
}

/// Claims the store for this process, or finds the one that has it; waits a while for one that does not answer.
pub fn claim(store: &Path) -> Result<Claim, Failure> {
    let address = Address::of(store)?;
    let lock_path = address.folder.join(format!("{}.lock", address.key));
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|e| unreachable(store, &e))?;
    let bell = Doorbell { address, store: store.to_owned() };
    // Takes nothing away, and waits for no store.
    let knock =
        serde_json::to_string(&GetImport {}.into_ask()).map_err(|e| Failure::broken("writing the request", e))?;
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => {
                return Ok(Claim::Ours(Instance { _lock: lock, address: bell.address, closing: Arc::default() }));
            }
            // A process that was killed takes connections until the system has cleared it away, and answers none.
            Err(TryLockError::WouldBlock) => match bell.ask_text(&knock) {
                Ok(_) => return Ok(Claim::Held(bell)),
                Err(_) if began.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(50)),
                Err(failure) => return Err(failure),
            },
            Err(TryLockError::Error(e)) => return Err(unreachable(store, &e)),
        }
    }
}

impl Instance {
    /// Whether it is the right to this store.
    pub fn is_of(&self, store: &Path) -> Result<bool, Failure> {
        Ok(Address::of(store)?.key == self.address.key)
    }

    /// Answers other processes, each connection on its own thread, until this is dropped.
    ///
    /// `answer` is given a request as JSON and returns the answer as JSON.
    pub fn serve(
        &self,
        answer: impl Fn(&str) -> Result<String, Failure> + Send + Sync + 'static,
    ) -> Result<(), Failure> {
        let options = ListenerOptions::new().name(self.address.name()?).try_overwrite(true);
        #[cfg(target_os = "linux")]
        let options = interprocess::os::unix::local_socket::ListenerOptionsExt::mode(options, 0o600);
        let listener = options.create_sync().map_err(|e| Failure::broken("opening the socket for other starts", e))?;
        let (closing, answer) = (self.closing.clone(), Arc::new(answer));
        thread::Builder::new()
            .name("socket".into())
            .spawn(move || {
                for connection in listener.incoming() {
                    if closing.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Ok(connection) = connection {
                        let answer = answer.clone();
                        // A caller that hangs up is no concern of ours.
                        thread::spawn(move || exchange(connection, &*answer).ok());
                    }
                }
            })
            .map_err(|e| Failure::broken("starting the socket's thread", e))?;
        Ok(())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then sees the flag; without a listener there is nothing to wake.
        if let Ok(name) = self.address.name() {
            Stream::connect(name).ok();
        }
    }
}

fn exchange(connection: Stream, answer: &dyn Fn(&str) -> Result<String, Failure>) -> io::Result<()> {
    let mut connection = BufReader::new(connection);
    let mut request = String::new();
    connection.by_ref().take(LONGEST_REQUEST).read_line(&mut request)?;
    if request.is_empty() {
        // Whoever it was wanted to know whether somebody answers.
        return Ok(());
    }
    let reply = match answer(&request) {
        Ok(text) => format!("{{\"answer\":{text}}}\n"),
        Err(failure) => serde_json::to_string(&Reply::<()>::Failure(failure)).map_err(io::Error::other)? + "\n",
    };
    connection.get_mut().write_all(reply.as_bytes())
}

impl Doorbell {
    /// For a store that another process is known to have; whether it answers shows when it is asked.
    pub fn of(store: &Path) -> Result<Self, Failure> {
        Ok(Self { address: Address::of(store)?, store: store.to_owned() })
    }

    /// Asks the process that owns the store.
    pub fn ask<R: Request>(&self, request: R) -> Result<R::Answer, Failure> {
        let line = serde_json::to_string(&request.into_ask()).map_err(|e| Failure::broken("writing the request", e))?;
        let reply: Reply<R::Answer> = serde_json::from_str(&self.ask_text(&line)?)
            .map_err(|e| Failure::broken("reading the answer of the Assay that has this store open", e))?;
        match reply {
            Reply::Answer(answer) => Ok(answer),
            Reply::Failure(failure) => Err(failure),
        }
    }

    /// The same with text both ways: a line with `answer` or `failure` comes back.
    pub fn ask_text(&self, request: &str) -> Result<String, Failure> {
        let connection = self.connect()?;
        let mut connection = BufReader::new(connection);
        let broken = |e: io::Error| Failure::broken("talking to the Assay that has this store open", e);
        connection.get_mut().write_all(format!("{}\n", request.trim_end()).as_bytes()).map_err(broken)?;
        let mut reply = String::new();
        connection.read_line(&mut reply).map_err(broken)?;
        if reply.is_empty() {
            return Err(Failure::broken("asking the Assay that has this store open", "it ended before it answered"));
        }
        Ok(reply)
    }

    fn connect(&self) -> Result<Stream, Failure> {
        Stream::connect(self.address.name()?).map_err(|_| Failure::Store {
            path: self.store.display().to_string(),
            reason: "another Assay process is using this store and does not answer".into(),
            remedy: "Wait until that command has finished, or end it".into(),
        })
    }
}

/// Where the owner of a store is reached: a name made of the store's path, in a folder only this user may enter.
#[derive(Clone)]
struct Address {
    folder: PathBuf,
    key: String,
}

impl Address {
    fn of(store: &Path) -> Result<Self, Failure> {
        let parent = store.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|e| unreachable(store, &e))?;
        let parent = parent.canonicalize().map_err(|e| unreachable(store, &e))?;
        let file = parent.join(store.file_name().unwrap_or_default());
        // A link to a store is the same store.
        let file = file.canonicalize().unwrap_or(file);
        let key: String =
            Sha256::digest(file.as_os_str().as_encoded_bytes())[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = match directories::ProjectDirs::from("app", "assay", "Assay") {
            Some(folders) => {
                let session = folders.runtime_dir().filter(|folder| folder.parent().is_some_and(Path::is_dir));
                session.unwrap_or(folders.cache_dir()).join("run")
            }
            None => parent,
        };
        private_folder(&folder).map_err(|e| unreachable(store, &e))?;
        Ok(Self { folder, key })
    }

    #[cfg(unix)]
    fn name(&self) -> Result<Name<'static>, Failure> {
        use interprocess::local_socket::{GenericFilePath, ToFsName};
        let path = self.folder.join(format!("{}.sock", self.key));
        path.to_fs_name::<GenericFilePath>().map_err(|e| Failure::broken("naming the socket", e))
    }

    /// A pipe may be opened for writing by its creator and administrators alone, which is Windows' default.
    #[cfg(windows)]
    fn name(&self) -> Result<Name<'static>, Failure> {
        use interprocess::local_socket::{GenericNamespaced, ToNsName};
        format!("assay-{}", self.key)
            .to_ns_name::<GenericNamespaced>()
            .map_err(|e| Failure::broken("naming the pipe", e))
    }
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn unreachable(store: &Path, error: &io::Error) -> Failure {
    Failure::Store {
        path: store.display().to_string(),
        reason: error.to_string(),
        remedy: "Choose a file in a folder you may write to".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_claim_reaches_the_first_through_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.duckdb");
        let Claim::Ours(instance) = claim(&store).unwrap() else { panic!("the first claim is ours") };
        instance.serve(|request| Ok(format!("{:?}", request.trim()))).unwrap();
        let Claim::Held(bell) = claim(&store).unwrap() else { panic!("the second claim is held") };
        assert_eq!(bell.ask_text("hello").unwrap().trim(), r#"{"answer":"hello"}"#);
    }

    #[test]
    fn a_command_that_is_about_to_end_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.duckdb");
        let Claim::Ours(command) = claim(&store).unwrap() else { panic!("the first claim is ours") };
        let window = thread::spawn(move || claim(&store));
        // Long enough for the window to find the store taken.
        thread::sleep(Duration::from_millis(300));
        drop(command);
        assert!(matches!(window.join().unwrap(), Ok(Claim::Ours(_))));
    }

    #[test]
    fn an_owner_that_takes_a_connection_while_it_dies_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.duckdb");
        let Claim::Ours(dying) = claim(&store).unwrap() else { panic!("the first claim is ours") };
        let options = ListenerOptions::new().name(dying.address.name().unwrap());
        let listener = options.create_sync().unwrap();
        let window = thread::spawn(move || claim(&store));
        drop(listener.accept().unwrap());
        drop((listener, dying));
        assert!(matches!(window.join().unwrap(), Ok(Claim::Ours(_))));
    }

    #[test]
    fn a_failure_arrives_as_the_same_failure() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.duckdb");
        let Claim::Ours(instance) = claim(&store).unwrap() else { panic!("the first claim is ours") };
        instance.serve(|_| Err(Failure::not_found("result", 7))).unwrap();
        let Claim::Held(bell) = claim(&store).unwrap() else { panic!("the second claim is held") };
        assert_eq!(bell.ask(contract::CancelAll {}).unwrap_err(), Failure::not_found("result", 7));
    }

    #[test]
    fn a_released_store_can_be_claimed_again_over_its_old_socket() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("a.duckdb");
        for _ in 0..3 {
            let Claim::Ours(instance) = claim(&store).unwrap() else { panic!("nobody holds it") };
            instance.serve(|_| Ok("1".into())).unwrap();
        }
    }
}
