//! What a process keeps beyond its life: its journal and its own name, in `DATA_DIR`. What is in them is the systems'.

use std::{fs, io, path::Path, sync::Arc};

use crate::{
    config::Config,
    journal::{EmbeddedJournal, Journal, MemoryJournal},
};

/// The file with the name.
const SERVER_ID: &str = "server_id";

/// The folder of the journal.
const JOURNAL: &str = "journal";

/// What is kept.
pub(crate) struct Storage {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) server_id: Arc<str>,
}

impl Storage {
    /// Opens the folder, or makes it; without one everything is in memory.
    ///
    /// # Errors
    /// When the folder cannot be made or read, or is another process's.
    pub(crate) fn open(config: &Config) -> io::Result<Self> {
        let given = config.server_id.as_deref();
        let Some(dir) = &config.data_dir else {
            let server_id = given.map_or_else(generated, str::to_owned).into();
            return Ok(Self { journal: Arc::new(MemoryJournal::default()), server_id });
        };
        let failed =
            |error: io::Error| io::Error::new(error.kind(), format!("DATA_DIR {}: {error}", dir.display()));
        fs::create_dir_all(dir).map_err(failed)?;
        let server_id = match given {
            Some(given) => given.to_owned(),
            None => server_id(&dir.join(SERVER_ID)).map_err(failed)?,
        };
        let journal =
            EmbeddedJournal::open(dir.join(JOURNAL)).map_err(|error| failed(io::Error::other(error)))?;
        Ok(Self { journal: Arc::new(journal), server_id: server_id.into() })
    }
}

fn generated() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The name in the file; a new one, if there is none yet.
fn server_id(file: &Path) -> io::Result<String> {
    let kept = match fs::read_to_string(file) {
        Ok(kept) => kept.trim().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if !kept.is_empty() {
        return Ok(kept);
    }
    let new = generated();
    fs::write(file, &new)?;
    Ok(new)
}
