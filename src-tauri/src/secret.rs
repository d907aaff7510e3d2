//! The Hugging Face token, kept by the system's secret store and nowhere else.

use crate::place::Place;
use contract::Failure;
use keyring::{Entry, Error};
use std::fs;

const SERVICE: &str = "app.assay.desktop";
const NAME: &str = "hugging-face-token";

/// Stores the token; an empty one removes it. May wait for the person to unlock the secret store.
pub fn set_token(place: &Place, token: &str) -> Result<(), Failure> {
    let entry = Entry::new(SERVICE, NAME).map_err(unavailable)?;
    let mark = place.token_mark();
    if token.is_empty() {
        match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => {}
            Err(e) => return Err(unavailable(e)),
        }
        return match fs::remove_file(mark) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Failure::broken("forgetting the token", e)),
            _ => Ok(()),
        };
    }
    if token.trim() != token || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Failure::bad_input("token", "it contains spaces or characters no token has")
            .remedy("Copy it again from your Hugging Face settings"));
    }
    entry.set_password(token).map_err(unavailable)?;
    fs::write(mark, "").map_err(|e| Failure::broken("remembering that a token is set", e))
}

/// Whether Assay has given the secret store a token. Reading the secret itself could make the system ask for a password.
pub fn token_is_set(place: &Place) -> bool {
    place.token_mark().exists()
}

fn unavailable(error: Error) -> Failure {
    let remedy = if cfg!(target_os = "linux") {
        "Install and unlock a keyring that offers the Secret Service, such as GNOME Keyring or KWallet"
    } else {
        "Unlock the system's keychain and try again"
    };
    Failure::Missing { what: "The system's secret store".into(), reason: error.to_string(), remedy: remedy.into() }
}
