//! What a handler requires of its caller: a constant beside the handler, checked before anything of it runs.
//!
//! Verifying tokens is the server's; this is only the requirement and its check against a session.

use std::fmt;

use serde_json::Value;

use crate::{Session, SyncResult, codes};

/// A handler's requirement on its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth {
    /// Whether the caller has to be logged in.
    pub login: bool,
    /// Further rules on the session, all of which must hold.
    pub additional: &'static [Rule],
}

impl Auth {
    /// Anyone, logged in or not.
    pub const PUBLIC: Self = Self { login: false, additional: &[] };
    /// Anyone who is logged in.
    pub const LOGIN: Self = Self { login: true, additional: &[] };

    /// The same requirement, and these rules.
    #[must_use]
    pub const fn and(self, rules: &'static [Rule]) -> Self {
        Self { login: self.login, additional: rules }
    }

    /// Whether the session fulfils the requirement.
    ///
    /// # Errors
    /// `auth.required` without a login, `auth.forbidden` with the key of the first rule that does not hold.
    pub fn check(&self, session: &Session) -> SyncResult<()> {
        if self.login && session.is_anonymous() {
            return Err(codes::AUTH_REQUIRED.into());
        }
        match self.additional.iter().find(|rule| !rule.holds(session)) {
            Some(rule) => Err(codes::AUTH_FORBIDDEN.with("key", rule.key)),
            None => Ok(()),
        }
    }
}

/// A rule on one field of the session.
///
/// Keys: `userId`, `name`, `locale`, `roles`, `scope`, `location.pathName`, and `claims.<name>` for a claim of the
/// app's own. On a list (`roles`, `scope`, a claim that is an array) *equals* means *contains*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    key: &'static str,
    check: Check,
}

/// What it asks, as a clause: `` `roles` equals `admin` ``.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.check {
            Check::Equals(value) => write!(f, "`{}` equals `{value}`", self.key),
            Check::Present => write!(f, "`{}` is present", self.key),
            Check::Absent => write!(f, "`{}` is absent", self.key),
        }
    }
}

/// What a rule asks of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It has, or contains, this value.
    Equals(&'static str),
    /// It is there.
    Present,
    /// It is not there.
    Absent,
}

impl Rule {
    /// The field has this value (a number or boolean claim is compared as it is written in JSON).
    #[must_use]
    pub const fn equals(key: &'static str, value: &'static str) -> Self {
        Self { key, check: Check::Equals(value) }
    }

    /// The field is there and not empty, not `null` and not `false`.
    #[must_use]
    pub const fn present(key: &'static str) -> Self {
        Self { key, check: Check::Present }
    }

    /// The field is not there, or empty, `null` or `false`.
    #[must_use]
    pub const fn absent(key: &'static str) -> Self {
        Self { key, check: Check::Absent }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// What it asks.
    #[must_use]
    pub const fn check(&self) -> Check {
        self.check
    }

    /// Whether the key names a field that sessions have. Claims are the app's own, so any name passes there; a
    /// claim that a token lacks counts as absent.
    #[must_use]
    pub fn has_known_key(&self) -> bool {
        matches!(self.key, "userId" | "name" | "locale" | "roles" | "scope" | "location.pathName")
            || self.key.strip_prefix("claims.").is_some_and(|name| !name.is_empty())
    }

    fn holds(&self, session: &Session) -> bool {
        if !self.has_known_key() {
            return false;
        }
        match self.check {
            Check::Present => self.is_present(session),
            Check::Absent => !self.is_present(session),
            Check::Equals(wanted) => self.equals_value(session, wanted),
        }
    }

    fn is_present(&self, session: &Session) -> bool {
        match self.key {
            "roles" => !session.roles.is_empty(),
            "scope" => !session.scope.is_empty(),
            _ => match self.text(session) {
                Some(text) => !text.is_empty(),
                None => self.claim(session).is_some_and(|claim| match claim {
                    Value::Null | Value::Bool(false) => false,
                    Value::String(text) => !text.is_empty(),
                    Value::Array(items) => !items.is_empty(),
                    Value::Bool(true) | Value::Number(_) | Value::Object(_) => true,
                }),
            },
        }
    }

    fn equals_value(&self, session: &Session, wanted: &str) -> bool {
        match self.key {
            "roles" => session.has_role(wanted),
            "scope" => session.has_scope(wanted),
            _ => match self.text(session) {
                Some(text) => text == wanted,
                None => self.claim(session).is_some_and(|claim| match claim {
                    Value::Array(items) => items.iter().any(|item| scalar_equals(item, wanted)),
                    scalar => scalar_equals(scalar, wanted),
                }),
            },
        }
    }

    fn text<'a>(&self, session: &'a Session) -> Option<&'a str> {
        match self.key {
            "userId" => Some(&session.user_id),
            "name" => session.name.as_deref(),
            "locale" => session.locale.as_deref(),
            "location.pathName" => session.location.path_name.as_deref(),
            _ => None,
        }
    }

    fn claim<'a>(&self, session: &'a Session) -> Option<&'a Value> {
        session.claims.get(self.key.strip_prefix("claims.")?)
    }
}

fn scalar_equals(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Number(number) => number.to_string() == wanted,
        Value::Bool(truth) => truth.to_string() == wanted,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Auth, Rule};
    use crate::{Session, codes};

    fn session() -> Session {
        Session {
            user_id: "ada".into(),
            roles: vec!["editor".into()],
            claims: serde_json::from_value(json!({"org": 7, "banned": false, "teams": ["red", "blue"]}))
                .unwrap(),
            ..Session::default()
        }
    }

    #[test]
    fn login_is_told_from_forbidden() {
        assert_eq!(Auth::LOGIN.check(&Session::default()).unwrap_err().code(), codes::AUTH_REQUIRED);
        assert!(Auth::PUBLIC.check(&Session::default()).is_ok());
        assert!(Auth::LOGIN.check(&session()).is_ok());
    }

    #[test]
    fn rules_on_fields_and_claims() {
        for (rule, holds) in [
            (Rule::equals("roles", "editor"), true),
            (Rule::equals("roles", "admin"), false),
            (Rule::equals("userId", "ada"), true),
            (Rule::equals("claims.org", "7"), true),
            (Rule::equals("claims.teams", "blue"), true),
            (Rule::equals("claims.teams", "green"), false),
            (Rule::present("claims.org"), true),
            (Rule::present("claims.banned"), false),
            (Rule::absent("claims.banned"), true),
            (Rule::absent("claims.nothing"), true),
            (Rule::present("name"), false),
            (Rule::present("scope"), false),
            (Rule::absent("rolls"), false),
        ] {
            assert_eq!(rule.holds(&session()), holds, "{rule:?}");
        }
    }

    #[test]
    fn the_failing_key_is_named() {
        const ADMIN: Auth = Auth::LOGIN.and(&[Rule::present("userId"), Rule::equals("roles", "admin")]);
        let error = ADMIN.check(&session()).unwrap_err();
        assert_eq!(error.code(), codes::AUTH_FORBIDDEN);
        assert_eq!(error.params()["key"], "roles");
    }
}
