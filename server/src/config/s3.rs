//! What the settings of S3 may be: the bucket, where it is, and the `AWS_*` variables that lead to its credentials.
//!
//! The variables are read here, and not by `object_store`'s builder itself, which would read the environment past
//! syncline.toml, the checks and the tests. Nothing is asked of S3 here.

use object_store::{
    aws::{AmazonS3Builder, AmazonS3ConfigKey as Key},
    path::Path,
};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Config, read::Reader};

/// What a bucket may be called, in words.
pub(super) const BUCKET: &str = "the name of a bucket, 3 to 255 of A-Z a-z 0-9 . _ -";
/// What a prefix may be, in words.
pub(super) const PREFIX: &str = "1 to 252 bytes, with no empty part, `.` or `..` between slashes";
/// What a region may be, in words.
pub(super) const REGION: &str = "a region such as eu-central-1";

/// An object's name has at most 1024 bytes. A document's takes 772 of them: 256 with three for each, and `.bin`.
const LONGEST_PREFIX: usize = 1024 - 772;

/// It goes before `AWS_ENDPOINT_URL`, which is for all of AWS.
const S3_ENDPOINT: &str = "AWS_ENDPOINT_URL_S3";

/// The option of `object_store` that a variable sets, if it is one that may be set from outside.
pub(crate) fn option(variable: &str) -> Option<Key> {
    let key: Key = variable.strip_prefix("AWS_").and(variable.to_ascii_lowercase().parse().ok())?;
    let is_ours = matches!(
        key,
        // Settings of their own say these.
        Key::Bucket | Key::Endpoint | Key::Region
        // Without it two nodes overwrite each other's documents.
        | Key::ConditionalPut
        // Deadlines are the store's, and a certificate that nobody looks at is no better than none.
        | Key::Client(_)
    );
    (!is_ours).then_some(key)
}

/// Whether a variable that is no setting is read nevertheless.
pub(super) fn is_read(variable: &str) -> bool {
    option(variable).is_some()
}

/// A bucket's name. What S3 itself allows is narrower, what others that speak its API allow is not.
pub(super) fn bucket(text: &str) -> Option<String> {
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = (3..=255).contains(&text.len()) && text.bytes().all(is_sound);
    // Else it would be a step in a URL's path.
    (fits && text.starts_with(|first: char| first.is_ascii_alphanumeric())).then(|| text.to_owned())
}

/// A prefix without slashes around it.
pub(super) fn prefix(text: &str) -> Option<String> {
    let text = text.trim_matches('/');
    let fits = (1..=LONGEST_PREFIX).contains(&text.len()) && Path::parse(text).is_ok();
    fits.then(|| text.to_owned())
}

/// A region's name, which becomes part of a host's.
pub(super) fn region(text: &str) -> Option<String> {
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ((1..=64).contains(&text.len()) && text.bytes().all(is_sound)).then(|| text.to_owned())
}

/// Where S3 is, or what is wrong with that. It says nothing of the text itself, which may hold a secret.
fn endpoint(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL such as https://s3.example.com")?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("it has to be an https:// or http:// URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "it may have no user and no password: they are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it may have no query and no fragment");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// An option alone, on its way to the bucket.
fn accepts(bucket: &str, key: Key, value: &SecretString) -> bool {
    AmazonS3Builder::new().with_bucket_name(bucket).with_config(key, value.expose_secret()).build().is_ok()
}

impl Reader {
    /// What `AWS_ENDPOINT_URL_S3` says, else `AWS_ENDPOINT_URL`.
    pub(super) fn s3_endpoint(&mut self) -> Option<String> {
        let special = self.aws.iter().position(|(name, _)| name == S3_ENDPOINT);
        let (name, text) = match special.map(|at| self.aws.remove(at).1) {
            Some(value) if !value.expose_secret().trim().is_empty() => {
                (S3_ENDPOINT, value.expose_secret().trim().to_owned())
            }
            _ => ("AWS_ENDPOINT_URL", self.text("AWS_ENDPOINT_URL")?),
        };
        endpoint(&text).map_err(|why| self.problems.push(format!("{name}: {why}"))).ok()
    }

    /// Looks at the variables only where there is a bucket: else they are other programs'.
    pub(super) fn check_s3(&mut self, config: &Config) {
        let Some(bucket) = &config.s3_bucket else { return };
        let is_set = |wanted: Key| config.aws_variables.iter().any(|(name, _)| option(name) == Some(wanted));
        let (id, secret) = (is_set(Key::AccessKeyId), is_set(Key::SecretAccessKey));
        if id != secret {
            let missing = if id { "AWS_SECRET_ACCESS_KEY" } else { "AWS_ACCESS_KEY_ID" };
            self.problems.push(format!("{missing}: it is missing, the other one is set"));
        }
        for (name, value) in &config.aws_variables {
            // These are taken as they are, but not alone.
            let is_one_of_two = matches!(option(name), Some(Key::AccessKeyId | Key::SecretAccessKey));
            if let Some(key) = option(name).filter(|key| !is_one_of_two && !accepts(bucket, *key, value)) {
                self.problems.push(format!("{name}: the value is none that {} may have", key.as_ref()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Config, bucket, endpoint, is_read, prefix, region};

    #[test]
    fn names() {
        for good in ["abc", "my.bucket-1", "My_Bucket"] {
            assert_eq!(bucket(good).as_deref(), Some(good));
        }
        for bad in ["ab", "a/b", "..", "...", "a?b", "ä-b", "a b", &"x".repeat(256)] {
            assert_eq!(bucket(bad), None, "{bad}");
        }
        for (good, stored) in [("docs", "docs"), ("/a/b/", "a/b"), ("a b", "a b"), ("%2F", "%2F")] {
            assert_eq!(prefix(good).as_deref(), Some(stored));
        }
        for bad in ["/", "a//b", "..", "a/../b", "./a", "a\u{1}", &"x".repeat(253)] {
            assert_eq!(prefix(bad), None, "{bad}");
        }
        assert_eq!(region("eu-central-1").as_deref(), Some("eu-central-1"));
        for bad in ["a.example", "a/b", "a b", &"x".repeat(65)] {
            assert_eq!(region(bad), None, "{bad}");
        }
    }

    #[test]
    fn endpoints() {
        for (good, kept) in [
            ("https://s3.example.com", "https://s3.example.com"),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
            ("https://example.com/s3", "https://example.com/s3"),
        ] {
            assert_eq!(endpoint(good).as_deref(), Ok(kept));
        }
        for bad in
            ["s3.example.com", "ftp://a", "https://key:hidden@a", "https://a?b", "https://a#b", "https://"]
        {
            assert!(endpoint(bad).is_err_and(|why| !why.contains("hidden")), "{bad}");
        }
    }

    #[test]
    fn the_variables_of_the_credential_chain_are_read_and_no_others() {
        for good in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_DEFAULT_REGION",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_ROLE_SESSION_NAME",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "AWS_SERVER_SIDE_ENCRYPTION",
        ] {
            assert!(is_read(good), "{good}");
        }
        for bad in [
            "AWS_PAGER",
            "AWS_BUCKET",
            "AWS_ENDPOINT",
            "AWS_CONDITIONAL_PUT",
            "AWS_ALLOW_HTTP",
            "ACCESS_KEY_ID",
            "aws_access_key_id",
        ] {
            assert!(!is_read(bad), "{bad}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_by_name_and_no_secret() {
        let error = Config::from_pairs(&[
            ("S3_BUCKET", "bucket"),
            ("S3_PREFIX", "a//b"),
            ("AWS_REGION", "a.example"),
            ("AWS_ENDPOINT_URL", "https://user:hidden@s3.example.com"),
            ("AWS_ACCESS_KEY_ID", "hidden"),
            ("AWS_S3_EXPRESS", "perhaps"),
            ("AWS_SERVER_SIDE_ENCRYPTION", "hidden"),
            ("DOCUMENT_BYTES", "0"),
        ])
        .expect_err("all of it is wrong");
        let named: Vec<&str> =
            error.problems().iter().map(|problem| problem.split_once(':').expect("a name").0).collect();
        assert_eq!(
            named,
            [
                "DOCUMENT_BYTES",
                "S3_PREFIX",
                "AWS_REGION",
                "AWS_ENDPOINT_URL",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_S3_EXPRESS",
                "AWS_SERVER_SIDE_ENCRYPTION"
            ]
        );
        assert!(!error.to_string().contains("hidden"), "{error}");
    }

    #[test]
    fn variables_of_other_programs_are_no_concern_of_ours() {
        let config = Config::from_pairs(&[
            ("AWS_PAGER", "less"),
            ("AWS_ACCESS_KEY_ID", "alone"),
            ("AWS_S3_EXPRESS", "perhaps"),
        ])
        .expect("there is no bucket");
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }

    #[test]
    fn no_secret_is_shown() {
        let config = Config::from_pairs(&[
            ("S3_BUCKET", "bucket"),
            ("AWS_ACCESS_KEY_ID", "hidden id"),
            ("AWS_SECRET_ACCESS_KEY", "hidden key"),
            ("AWS_ENDPOINT_URL", "https://everything.example.com"),
            ("AWS_ENDPOINT_URL_S3", "https://s3.example.com"),
        ])
        .expect("all is well");
        assert!(!format!("{config}{config:?}").contains("hidden"));
        assert_eq!(config.aws_endpoint_url.as_deref(), Some("https://s3.example.com"));
    }
}
