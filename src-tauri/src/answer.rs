//! From a request as it travels to the typed answer: one `Answer` for each request of the contract.

use crate::desk::Desk;
use contract::{Ask, Failure, Request};
use serde::Serialize;

/// How the desk answers one kind of request.
pub trait Answer<R: Request> {
    fn answer(&self, request: R) -> impl Future<Output = Result<R::Answer, Failure>> + Send;
}

macro_rules! dispatch {
    ($($name:ident)+) => {
        /// A request in the list without an `Answer` for the desk does not compile here.
        async fn dispatch(desk: &Desk, ask: Ask) -> Result<String, Failure> {
            match ask {
                $(Ask::$name(request) => text(&Box::pin(Answer::<contract::$name>::answer(desk, request)).await?),)+
            }
        }
    };
}
contract::for_each_request!(dispatch);

impl Desk {
    /// The one door: the window, a second start and the commands all come through here, with the same JSON.
    pub async fn ask(&self, ask: &str) -> Result<String, Failure> {
        let ask: Ask = serde_json::from_str(ask)
            .map_err(|e| Failure::bad_input("request", e.to_string()).at(format!("column {}", e.column())))?;
        dispatch(self, ask).await
    }
}

fn text(answer: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(answer).map_err(|e| Failure::broken("writing the answer", e))
}
