//! The Hugging Face token, kept by the system's secret store and nowhere else.

use crate::{hub::Endpoint, place::Place};
use contract::Failure;
use keyring::{Entry, Error};
use std::{env, fs};

const SERVICE: &str = "app.assay.desktop";
const NAME: &str = "hugging-face-token";
/// Names a token to all programs that use Hugging Face.
const VARIABLE: &str = "HF_TOKEN";

/// A secret, and the one server that may see it.
pub struct Token {
    pub secret: String,
    pub endpoint: Endpoint,
}

/// Stores the token for a server; an empty one removes it. May wait for the person to unlock the secret store.
pub fn set_token(place: &Place, token: &str, endpoint: &Endpoint) -> Result<(), Failure> {
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
    fs::write(mark, endpoint.url()).map_err(|e| Failure::broken("remembering that a token is set", e))
}

/// The server that a token was given to the secret store for; none where none was. Reading the secret itself could make
/// the system ask for a password.
pub fn token_endpoint(place: &Place) -> Option<Endpoint> {
    let url = fs::read_to_string(place.token_mark()).ok()?;
    // Before there were mirrors, nothing was written.
    if url.trim().is_empty() { Some(Endpoint::hugging_face()) } else { Endpoint::parse("token", &url).ok() }
}

/// The kept token, else the one of the environment. May wait for the person to unlock the secret store.
pub fn token(place: &Place) -> Result<Option<Token>, Failure> {
    if let Some(endpoint) = token_endpoint(place) {
        let entry = Entry::new(SERVICE, NAME).map_err(unavailable)?;
        return Ok(Some(Token { secret: entry.get_password().map_err(unavailable)?, endpoint }));
    }
    match env::var(VARIABLE) {
        Ok(secret) if !secret.trim().is_empty() => {
            Ok(Some(Token { secret: secret.trim().to_owned(), endpoint: Endpoint::of_environment()? }))
        }
        _ => Ok(None),
    }
}

fn unavailable(error: Error) -> Failure {
    let remedy = if cfg!(target_os = "linux") {
        "Install and unlock a keyring that offers the Secret Service, such as GNOME Keyring or KWallet"
    } else {
        "Unlock the system's keychain and try again"
    };
    Failure::Missing { what: "The system's secret store".into(), reason: error.to_string(), remedy: remedy.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_the_server_that_it_was_kept_for() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::below(folder.path());
        assert_eq!(token_endpoint(&place), None);
        fs::write(place.token_mark(), "").unwrap();
        assert_eq!(token_endpoint(&place), Some(Endpoint::hugging_face()), "kept before there were mirrors");
        fs::write(place.token_mark(), "https://mirror.example").unwrap();
        assert_eq!(token_endpoint(&place), Some(Endpoint::parse("mirror", "https://mirror.example").unwrap()));
    }
}
