//! Who may do what with something that has an id, by the scopes of a token and its claim of that name: `workspaces`,
//! `documents`. Free of IO.

use serde_json::Value;
use syncline::{Session, SyncError, SyncResult, codes as framework};

use super::glob_matches;

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) admin: bool,
}

impl Access {
    /// What the session's scopes give.
    ///
    /// # Errors
    /// `auth.required` without a login; `auth.forbidden` when there is no scope of ours among them.
    pub(crate) fn of(session: &Session) -> SyncResult<Self> {
        if session.is_anonymous() {
            return Err(framework::AUTH_REQUIRED.into());
        }
        let admin = session.has_scope("admin");
        let access = Self {
            read: admin || session.has_scope("read"),
            write: admin || session.has_scope("write"),
            admin,
        };
        match access.read || access.write {
            true => Ok(access),
            false => Err(forbidden("scope")),
        }
    }

    /// What it gives with the thing of that id.
    ///
    /// # Errors
    /// As [`Access::of`], and `auth.forbidden` when the claim does not name it.
    pub(crate) fn to(session: &Session, claim: &'static str, id: &str) -> SyncResult<Self> {
        let access = Self::of(session)?;
        match claim_allows(session, claim, id) {
            true => Ok(access),
            false => Err(forbidden(claim)),
        }
    }
}

/// Without the claim every id is meant; one that is no list of texts names none.
fn claim_allows(session: &Session, claim: &str, id: &str) -> bool {
    let Some(claim) = session.claims.get(claim) else { return true };
    let globs = claim.as_array().into_iter().flatten().filter_map(Value::as_str);
    globs.into_iter().any(|glob| glob_matches(glob, id))
}

pub(crate) fn forbidden(key: &'static str) -> SyncError {
    framework::AUTH_FORBIDDEN.with("key", key)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use syncline::Session;

    use super::Access;

    fn session(scope: &str, workspaces: Option<Value>) -> Session {
        let claims = workspaces.map(|claim| ("workspaces".to_owned(), claim));
        Session {
            user_id: "ada".into(),
            scope: scope.split_whitespace().map(str::to_owned).collect(),
            claims: claims.into_iter().collect(),
            ..Session::default()
        }
    }

    fn access(scope: &str, workspaces: Option<Value>) -> Result<(bool, bool), (&'static str, String)> {
        match Access::to(&session(scope, workspaces), "workspaces", "team-1:board") {
            Ok(access) => Ok((access.read, access.write)),
            Err(error) => Err((
                error.code().code(),
                error.params().get("key").map_or(String::new(), |key| key.to_string()),
            )),
        }
    }

    #[test]
    fn scopes() {
        let nothing = Err(("auth.forbidden", "\"scope\"".to_owned()));
        for (scope, expected) in [
            ("read", Ok((true, false))),
            ("write", Ok((false, true))),
            ("read write", Ok((true, true))),
            ("admin", Ok((true, true))),
            ("", nothing.clone()),
            ("reads writes rooms:write", nothing),
        ] {
            assert_eq!(access(scope, None), expected, "{scope}");
        }
        let nobody = Session { user_id: String::new(), ..session("admin", None) };
        assert_eq!(Access::of(&nobody).unwrap_err().code().code(), "auth.required");
    }

    #[test]
    fn the_claim() {
        for (claim, allowed) in [
            (json!(["*"]), true),
            (json!(["team-1:*"]), true),
            (json!(["x", "team-1:board"]), true),
            (json!(["team-2:*"]), false),
            (json!([]), false),
            (json!("*"), false),
            (json!(null), false),
            (json!([{"*": 1}]), false),
        ] {
            assert_eq!(access("read", Some(claim.clone())).is_ok(), allowed, "{claim}");
        }
    }
}
