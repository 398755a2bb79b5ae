//! Who a test is: sessions in the making, the same for a stage that is called by itself and for a client of a server.
//!
//! A server makes a real session from a token; the token of one of these is [`Token::of_session`](crate::Token)'s.

use serde_json::Value;
use syncline::Session;

/// Builds sessions: `Session::user("ada").locale("ja").role("admin").at("/examples")`.
pub trait TestSession: Sized {
    /// A user who is logged in.
    #[must_use]
    fn user(id: &str) -> Self;

    /// Nobody who is logged in.
    #[must_use]
    fn anonymous() -> Self;

    /// With a name to show.
    #[must_use]
    fn named(self, name: &str) -> Self;

    /// Who reads this language.
    #[must_use]
    fn locale(self, locale: &str) -> Self;

    /// With one more role.
    #[must_use]
    fn role(self, role: &str) -> Self;

    /// With one more scope.
    #[must_use]
    fn scope(self, scope: &str) -> Self;

    /// Who may join exactly the rooms that fit these globs.
    #[must_use]
    fn rooms(self, globs: &[&str]) -> Self;

    /// With a claim of the app's own.
    #[must_use]
    fn claim(self, name: &str, value: impl Into<Value>) -> Self;

    /// Who has this page open.
    #[must_use]
    fn at(self, path_name: &str) -> Self;

    /// Whose page has this query parameter.
    #[must_use]
    fn search_param(self, name: &str, value: &str) -> Self;
}

impl TestSession for Session {
    fn user(id: &str) -> Self {
        Self { user_id: id.to_owned(), ..Self::default() }
    }

    fn anonymous() -> Self {
        Self::default()
    }

    fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    fn locale(self, locale: &str) -> Self {
        Self { locale: Some(locale.to_owned()), ..self }
    }

    fn role(mut self, role: &str) -> Self {
        self.roles.push(role.to_owned());
        self
    }

    fn scope(mut self, scope: &str) -> Self {
        self.scope.push(scope.to_owned());
        self
    }

    fn rooms(self, globs: &[&str]) -> Self {
        Self { rooms: Some(globs.iter().map(|&glob| glob.to_owned()).collect()), ..self }
    }

    fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    fn at(mut self, path_name: &str) -> Self {
        self.location.path_name = Some(path_name.to_owned());
        self
    }

    fn search_param(mut self, name: &str, value: &str) -> Self {
        self.location.search_params.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// Who somebody is: a [`Session`], or the id of a user of whom nothing else matters.
pub trait IntoSession {
    /// The session.
    fn into_session(self) -> Session;
}

impl IntoSession for Session {
    fn into_session(self) -> Session {
        self
    }
}

impl IntoSession for &Session {
    fn into_session(self) -> Session {
        self.clone()
    }
}

impl IntoSession for &str {
    fn into_session(self) -> Session {
        Session::user(self)
    }
}
