//! Where the master keys are, which wrap the keys of persons: in the settings, in a file that they
//! name, or in one of the data directory, made at the first start beside the embedded database.
#![expect(clippy::disallowed_methods, reason = "randomness is made here")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use events::personal::{Fresh, KEY_BYTES, Masters, Source};
use rand::RngCore;

use crate::config::Personal;
use crate::durable::{self, cannot};

/// The file in the data directory.
pub const FILE: &str = "master-keys";

/// Random bytes for a key.
#[must_use]
pub fn fresh() -> [u8; KEY_BYTES] {
    let mut bytes = [0; KEY_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// As [`fresh`], to be passed in.
#[must_use]
pub fn fresh_keys() -> Fresh {
    Arc::new(fresh)
}

/// Where master keys are.
#[derive(Debug, Clone)]
pub enum Place {
    /// In the settings.
    Settings(Masters),
    /// In a file.
    File(PathBuf),
    /// Nowhere: nothing can be said of persons.
    Nowhere,
}

impl Place {
    /// Where the settings, or else the embedded database, have them. Makes the embedded one's file,
    /// if it is not there.
    ///
    /// # Errors
    /// If the settings' keys are none, or the file cannot be made.
    pub fn find(settings: &Personal, data: &Path, embedded: bool) -> Result<Self, String> {
        if !settings.master_keys.is_empty() {
            let masters = Masters::parse(&settings.master_keys)
                .map_err(|error| format!("configuration `personal.master_keys`: {error}"))?;
            return Ok(Self::Settings(masters));
        }
        if !settings.master_keys_file.is_empty() {
            return Ok(Self::File(PathBuf::from(&settings.master_keys_file)));
        }
        if !embedded {
            return Ok(Self::Nowhere);
        }
        let path = data.join(FILE);
        if !path.exists() {
            let first = text(&Masters::default().with_new(fresh()));
            let made = durable::make(&path, first.as_bytes());
            made.map_err(|error| format!("the master keys: {error}"))?;
        }
        Ok(Self::File(path))
    }

    /// Reads them, whenever they are needed.
    #[must_use]
    pub fn source(self) -> Source {
        Arc::new(move || self.read())
    }

    fn read(&self) -> Result<Masters, String> {
        match self {
            Self::Settings(masters) => Ok(masters.clone()),
            Self::Nowhere => Ok(Masters::default()),
            Self::File(path) => {
                let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
                let text = fs::read_to_string(path).map_err(|error| named(&error))?;
                Masters::parse(&text).map_err(|error| named(&error))
            }
        }
    }

    /// Puts a new key in front, if they are in a file; whether they are.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn renew(&self) -> Result<bool, String> {
        let Self::File(path) = self else { return Ok(false) };
        let masters = self.read()?.with_new(fresh());
        let metadata = fs::metadata(path).map_err(cannot("look at", path));
        let mode = metadata.map_err(|error| error.to_string())?.permissions().mode();
        let replaced = durable::replace(path, text(&masters).as_bytes(), mode & 0o777);
        replaced.map_err(|error| error.to_string())?;
        Ok(true)
    }
}

/// What the file says.
fn text(masters: &Masters) -> String {
    let head = "# Wrap the keys of persons; the first wraps, the others unwrap what they wrapped.\n\
        # Whoever loses these loses what belongs to persons. `millrace keys rotate` adds one.\n";
    head.to_owned() + &masters.text()
}
