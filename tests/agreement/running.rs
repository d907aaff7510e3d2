//! Each engine in one process for all models, which is this program started anew: where it crashes, the test goes on and
//! tells on which model.

use contract::{EngineId, Precision};
use engine::{Libraries, backend::LoadRequest, backends};
use models::{Tensor, safetensors};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env,
    error::Error,
    io::{self, BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

/// Set where this program is to be an engine.
const ROLE: &str = "ASSAY_AGREEMENT_ENGINE";
/// No engine lives longer: the test ends though one may hang.
const LONGEST: Duration = Duration::from_secs(600);

/// An engine's order: one model and its inputs.
#[derive(Serialize, Deserialize)]
struct Call {
    load: LoadRequest,
    inputs: PathBuf,
    outputs: PathBuf,
}

/// What it answers: nothing where the outputs are written, else why not.
type Answer = Result<(), String>;

/// One engine on the processor.
pub struct Engine {
    pub id: EngineId,
    library: Option<PathBuf>,
    process: Mutex<Option<Process>>,
}

struct Process {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Engine {
    /// The plain builds that are here; says which engines are left out.
    pub fn all() -> Vec<Self> {
        let libraries = Libraries::find(&[]);
        let known = backends::ALL.iter().map(|backend| EngineId::from(backend.key()));
        known
            .filter_map(|id| {
                let build = libraries.builds(&id.0).into_iter().find(|build| build.engine == id);
                let library = build.map(|build| build.library);
                if library.is_none() && id.0 != "candle" {
                    eprintln!("{id} is left out: its library is not installed here");
                    return None;
                }
                Some(Self { id, library, process: Mutex::new(None) })
            })
            .collect()
    }

    /// What it gives for a model's inputs, in the order of the outputs' names.
    ///
    /// # Errors
    /// Where it refuses the model or fails, or ends; the next model finds it started again.
    pub fn outputs(
        &self,
        model: &Path,
        sizes: &BTreeMap<String, u64>,
        inputs: &Path,
    ) -> Result<Vec<Tensor>, Box<dyn Error>> {
        let outputs = model.with_file_name(format!("{}.safetensors", self.id));
        let load = LoadRequest {
            engine: self.id.clone(),
            device: "cpu".into(),
            library: self.library.clone(),
            model: model.to_owned(),
            precision: Precision::F32,
            threads: Some(1),
            dims: sizes.clone(),
        };
        let call = Call { load, inputs: inputs.to_owned(), outputs: outputs.clone() };
        let mut kept = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let mut process = kept.take().map_or_else(|| Process::start(&self.id), Ok)?;
        let Some(answer) = process.answer(&call)? else {
            return Err(format!("{} ended with {}", self.id, process.child.wait()?).into());
        };
        *kept = Some(process);
        drop(kept);
        answer.map_err(|reason| format!("{}: {reason}", self.id))?;
        Ok(safetensors::read(&outputs)?)
    }
}

impl Process {
    fn start(engine: &EngineId) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.env(ROLE, &engine.0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let orders = child.stdin.take().expect("it is a pipe");
        let answers = child.stdout.take().expect("it is a pipe");
        Ok(Self { child, orders, answers: BufReader::new(answers).lines() })
    }

    /// None where it ended without an answer.
    fn answer(&mut self, call: &Call) -> serde_json::Result<Option<Answer>> {
        let order = serde_json::to_string(call)?;
        if writeln!(self.orders, "{order}").is_err() {
            return Ok(None);
        }
        // Libraries may print lines of their own.
        let mut lines = self.answers.by_ref().map_while(Result::ok);
        Ok(lines.find_map(|line| serde_json::from_str(&line).ok()))
    }
}

/// Is an engine until there are no more orders, where this program was started as one; false where it is the test.
pub fn as_engine() -> bool {
    if env::var_os(ROLE).is_none() {
        return false;
    }
    thread::spawn(|| {
        thread::sleep(LONGEST);
        std::process::exit(1);
    });
    for order in io::stdin().lines().map_while(Result::ok) {
        let call = serde_json::from_str(&order).expect("the test gives orders only");
        let answer: Answer = carry_out(&call).map_err(|error| error.to_string());
        // A library may have begun a line.
        println!("\n{}", serde_json::to_string(&answer).expect("a text becomes JSON"));
    }
    true
}

fn carry_out(call: &Call) -> Result<(), Box<dyn Error>> {
    let backend = backends::find(&call.load.engine).ok_or("there is no such engine")?;
    backend.prepare(call.load.library.as_deref())?;
    let mut session = backend.load(&call.load)?.compile()?;
    session.set_inputs(vec![safetensors::read(&call.inputs)?])?;
    session.call(0)?;
    Ok(safetensors::write(&call.outputs, &session.outputs()?)?)
}
