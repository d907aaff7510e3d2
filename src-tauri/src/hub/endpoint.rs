//! Where models are asked for: Hugging Face itself, or a mirror of it.

use contract::Failure;
use std::{env, net::IpAddr};
use ureq::http::Uri;

const HUGGING_FACE: &str = "https://huggingface.co";
/// Names another endpoint, to all programs that use Hugging Face.
const VARIABLE: &str = "HF_ENDPOINT";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Without a slash at its end.
    url: String,
    origin: Origin,
}

/// Scheme, host and port: what a secret is for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    is_https: bool,
    host: String,
    port: u16,
}

impl Endpoint {
    /// The mirror that the settings name, else what the environment names, else Hugging Face.
    pub fn chosen(mirror: Option<&str>) -> Result<Self, Failure> {
        match mirror {
            Some(mirror) => Self::parse("Hugging Face mirror", mirror),
            None => Self::of_environment(),
        }
    }

    pub fn of_environment() -> Result<Self, Failure> {
        match env::var(VARIABLE) {
            Ok(url) if !url.trim().is_empty() => Self::parse(VARIABLE, &url),
            _ => Ok(Self::hugging_face()),
        }
    }

    pub fn hugging_face() -> Self {
        Self::parse("Hugging Face", HUGGING_FACE).expect("its address is one of a server")
    }

    /// `subject` is where a person wrote it.
    pub fn parse(subject: &str, url: &str) -> Result<Self, Failure> {
        let url = url.trim().trim_end_matches('/');
        let wrong = || {
            Failure::bad_input(subject, format!("{url:?} is no address of a server"))
                .remedy(format!("Write it in full, such as {HUGGING_FACE}"))
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let plain = uri.query().is_none() && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        let origin = Origin::of(&uri).filter(|_| plain).ok_or_else(wrong)?;
        Ok(Self { url: url.to_owned(), origin })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn host(&self) -> &str {
        &self.origin.host
    }

    /// Whether this address is on the same server, reached in the same way.
    pub fn owns(&self, address: &Uri) -> bool {
        Origin::of(address).as_ref() == Some(&self.origin)
    }

    /// Whether nobody on the way can read what is sent there.
    pub fn is_private(&self) -> bool {
        let host = self.origin.host.trim_matches(['[', ']']);
        self.origin.is_https || host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl Origin {
    fn of(address: &Uri) -> Option<Self> {
        let is_https = match address.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let port = address.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Some(Self { is_https, host: address.host()?.to_lowercase(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint::parse("mirror", url).unwrap()
    }

    #[test]
    fn only_the_same_server_reached_in_the_same_way_is_the_endpoint() {
        let hub = endpoint("https://Hub.example/hf/");
        assert_eq!((hub.url(), hub.host()), ("https://Hub.example/hf", "hub.example"));
        let owns = |address: &str| hub.owns(&address.parse().unwrap());
        assert!(owns("https://hub.example/anything") && owns("https://hub.example:443/"));
        for other in [
            "http://hub.example/",
            "https://hub.example:8443/",
            "https://cdn.hub.example/",
            "https://hub.example.evil/",
        ] {
            assert!(!owns(other), "{other}");
        }
    }

    #[test]
    fn what_could_be_read_on_the_way_is_not_private() {
        for (url, private) in [
            ("https://hub.example", true),
            ("http://hub.example", false),
            ("http://127.0.0.1:80", true),
            ("http://[::1]:80", true),
            ("http://127.0.0.1.evil", false),
        ] {
            assert_eq!(endpoint(url).is_private(), private, "{url}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for wrong in ["", "hub.example", "ftp://hub.example", "https://me:secret@hub.example", "https://h.example?a=b"]
        {
            assert!(Endpoint::parse("mirror", wrong).is_err(), "{wrong}");
        }
    }
}
