//! Who calls: today the holder of the administrator's token. What they may do is `events::access`.

use std::fs;
use std::io;
use std::path::Path;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use events::words::Actor;
use rand::RngCore;
use sha2::{Digest, Sha256};

use crate::durable;
use crate::error::{ApiError, Code};

/// Tells who calls from what they carry.
#[derive(Clone)]
pub struct Auth {
    /// Digests are compared, so that the time it takes tells nothing of the token.
    administrator: [u8; 32],
}

impl Auth {
    /// Knows the administrator by this token.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self { administrator: Sha256::digest(token).into() }
    }

    /// Who carries these headers.
    ///
    /// # Errors
    /// If they carry no token, or not a valid one.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Actor, ApiError> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        self.bearer(value)
    }

    /// Who carries this value of `Authorization`.
    ///
    /// # Errors
    /// If there is no token, or not a valid one.
    pub fn bearer(&self, authorization: Option<&str>) -> Result<Actor, ApiError> {
        let refused = |message| Err(ApiError::new(Code::Unauthenticated, message));
        let Some(authorization) = authorization else {
            return refused(
                "no token: send `Authorization: Bearer …`; the administrator's is in the file \
                 `admin-token` of the data directory",
            );
        };
        let token = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        match token {
            Some(token) if Sha256::digest(token)[..] == self.administrator => {
                Ok(Actor::Administrator)
            }
            Some(_) => refused("this token is not valid"),
            None => refused("`Authorization` has to be `Bearer` and a token"),
        }
    }
}

/// The administrator's token of a data directory: made at the first start, readable by its owner
/// alone.
///
/// # Errors
/// If the file cannot be read or written; says which.
pub fn administrator_token(data: &Path) -> io::Result<String> {
    let path = data.join("admin-token");
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    match fs::read_to_string(&path) {
        Ok(token) if !token.trim().is_empty() => return Ok(token.trim().to_owned()),
        Ok(_) => {
            let message = "the file is empty; remove it, and a new token is made";
            return Err(named(io::Error::new(io::ErrorKind::InvalidData, message)));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(named(error)),
        Err(_) => {}
    }
    let token = fresh_secret("mra_");
    // Of two programs that start at once, the first makes the token, and both read it.
    durable::make(&path, format!("{token}\n").as_bytes())
        .map_err(|error| io::Error::new(error.source.kind(), error.to_string()))?;
    Ok(fs::read_to_string(&path).map_err(named)?.trim().to_owned())
}

/// Something that nobody guesses, behind letters that say what it is for.
#[expect(clippy::disallowed_methods, reason = "randomness is made here")]
pub(crate) fn fresh_secret(prefix: &str) -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
