//! Which store the settings ask for, and what makes it one that can be relied on: conditions, deadlines, syncing.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, Error, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut},
    local::LocalFileSystem,
    memory::InMemory,
};
use secrecy::ExposeSecret as _;

use super::{Folder, PATIENCE, Place, Store, error::said};
use crate::config::{self, Config};

/// The folder in `DATA_DIR`.
const DOCUMENTS: &str = "documents";

/// How long it may take to reach the bucket.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How often and for how long a request that failed is tried again at once. Whoever asked tries again later.
const RETRIES: usize = 2;
const RETRY_WITHIN: Duration = Duration::from_secs(5);

impl Store {
    /// A bucket if there is one in the settings, else a folder in `DATA_DIR`, else memory. Nothing is asked of the
    /// bucket yet. The folder has to be this process's alone, as the journal's lock in `DATA_DIR` makes sure.
    ///
    /// # Errors
    /// What is wrong with the settings or the folder.
    pub(crate) fn from_config(config: &Config) -> Result<Self, String> {
        if let Some(bucket) = &config.s3_bucket {
            let objects =
                s3(config, bucket).map_err(|error| format!("S3_BUCKET {bucket}: {}", said(&error)))?;
            let prefix = config.s3_prefix.as_deref().map(Into::into);
            let place = Place::Bucket { prefix, patience: PATIENCE };
            return Ok(Self { objects: Arc::new(objects), place });
        }
        let Some(data) = &config.data_dir else {
            return Ok(Self { objects: Arc::new(InMemory::new()), place: Place::Memory });
        };
        let path = data.join(DOCUMENTS);
        let failed = |error: io::Error| format!("DATA_DIR {}: {error}", path.display());
        make(&path).map_err(failed)?;
        let objects = LocalFileSystem::new_with_prefix(&path)
            .map_err(|error| format!("DATA_DIR {}: {}", path.display(), said(&error)))?
            .with_fsync(true);
        let place = Place::Folder(Arc::new(Folder::new(path)));
        Ok(Self { objects: Arc::new(objects), place })
    }

    /// The same with less patience.
    #[cfg(test)]
    pub(super) fn within_at_most(mut self, at_most: Duration) -> Self {
        if let Place::Bucket { patience, .. } = &mut self.place {
            *patience = at_most;
        }
        self
    }
}

fn s3(config: &Config, bucket: &str) -> object_store::Result<AmazonS3> {
    let is_plain = config.aws_endpoint_url.as_ref().is_some_and(|url| url.starts_with("http://"));
    // The store's own deadlines are over all attempts at a request and grow with what travels; these would not.
    let client = ClientOptions::new()
        .with_connect_timeout(CONNECT_WITHIN)
        .with_timeout_disabled()
        .with_allow_http(is_plain);
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(1),
        base: 2.0,
    };
    let mut builder = AmazonS3Builder::new()
        .with_client_options(client)
        .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_WITHIN })
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        // What speaks S3's API may not know how to delete several at a time, and it is one.
        .with_disable_bulk_delete(true)
        .with_bucket_name(bucket);
    for (name, value) in &config.aws_variables {
        if let Some(key) = config::s3_option(name) {
            builder = builder.with_config(key, value.expose_secret());
        }
    }
    if let Some(region) = &config.aws_region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &config.aws_endpoint_url {
        builder = builder.with_endpoint(endpoint);
    }
    builder.build()
}

/// Makes the folder, and removes what was being written when the process before this one was killed.
fn make(path: &PathBuf) -> io::Result<()> {
    fs::create_dir_all(path)?;
    for file in fs::read_dir(path)? {
        let file = file?;
        // Finished ones have no `#` in their names.
        if file.file_name().to_string_lossy().contains(".bin#") {
            fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

/// Makes sure that what was removed from a folder stays so. `object_store` does it for what is written alone.
pub(super) async fn sync_folder(folder: PathBuf) -> object_store::Result<()> {
    // Elsewhere a folder cannot be opened.
    if !cfg!(unix) {
        return Ok(());
    }
    let synced = tokio::task::spawn_blocking(move || fs::File::open(folder)?.sync_all()).await;
    synced
        .map_err(io::Error::other)
        .flatten()
        .map_err(|error| Error::Generic { store: "folder", source: error.into() })
}
