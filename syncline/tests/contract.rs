//! The registration line from the author's side: what is inferred, paired and refused.

use syncline::{BootError, Problem, Registration, Registry};

/// Handlers as an app would write them, each in a module that stands for its file.
mod pages {
    pub(crate) mod sound {
        pub(crate) mod add_server_v1 {
            use syncline::prelude::*;

            pub(crate) const TOO_LARGE: ErrorCode = ErrorCode::new("test.tooLarge", 422, &["max"]);

            #[derive(Serialize, Deserialize, TS, JsonSchema, garde::Validate)]
            pub(crate) struct AddInput {
                #[garde(range(max = 10))]
                pub(crate) amount: i32,
            }

            #[derive(Serialize, Deserialize, TS, JsonSchema)]
            pub(crate) struct AddOutput {
                pub(crate) total: i32,
            }

            async fn add_server_v1(
                ServerParams { client_input, .. }: ServerParams<AddInput>,
            ) -> SyncResult<AddOutput> {
                if client_input.amount < 0 {
                    return Err(TOO_LARGE.with("max", 0));
                }
                Ok(AddOutput { total: client_input.amount + 1 })
            }
            sync_server!(
                add_server_v1,
                auth: Auth::LOGIN.and(&[Rule::equals("roles", "adder")]),
                errors: [TOO_LARGE],
                rate_limit: RateLimit::per_second(5).burst(10),
                timeout: std::time::Duration::from_secs(1),
                concurrent: true,
            );
        }
        pub(crate) mod add_client_v1 {
            use syncline::prelude::*;

            use super::add_server_v1::{AddInput, AddOutput};

            async fn add_client_v1(
                ClientParams { user, .. }: ClientParams<AddInput, AddOutput>,
            ) -> SyncResult<Deliver<Empty>> {
                Ok(if user.is_anonymous() { Deliver::Skip } else { Deliver::To(Empty {}) })
            }
            sync_client!(add_client_v1);
        }
        pub(crate) mod by_locale_client_v1 {
            use syncline::prelude::*;

            fn locale_of(session: &Session) -> Option<String> {
                session.locale.clone()
            }

            async fn by_locale_client_v1(
                AudienceParams { audience, .. }: AudienceParams<Empty, Empty, Option<String>>,
            ) -> SyncResult<Deliver<Greeting>> {
                Ok(Deliver::To(Greeting { locale: audience.as_ref().clone() }))
            }
            sync_client!(by_locale_client_v1, audience: locale_of, auth: Auth::PUBLIC);

            #[derive(Serialize, Deserialize, TS, JsonSchema)]
            pub(crate) struct Greeting {
                pub(crate) locale: Option<String>,
            }
        }
    }
    pub(crate) mod broken {
        pub(crate) mod types_server_v1 {
            use syncline::prelude::*;

            async fn types_server_v1(_: ServerParams<Empty>) -> SyncResult<Empty> {
                Ok(Empty {})
            }
            sync_server!(types_server_v1, auth: Auth::LOGIN.and(&[Rule::present("rolls")]));
        }
        pub(crate) mod types_client_v1 {
            use syncline::prelude::*;

            use crate::pages::sound::add_server_v1::AddOutput;

            async fn types_client_v1(_: ClientParams<Empty, AddOutput>) -> SyncResult<Deliver<Empty>> {
                Ok(Deliver::Skip)
            }
            sync_client!(types_client_v1, auth: Auth::PUBLIC, rate_limit: RateLimit::per_second(1));
        }
        pub(crate) mod names_server_v1 {
            use syncline::prelude::*;

            pub(crate) mod other {
                use syncline::prelude::*;

                #[derive(Serialize, Deserialize, TS, JsonSchema)]
                pub(crate) struct Point {
                    pub(crate) lat: f64,
                }
            }

            #[derive(Serialize, Deserialize, TS, JsonSchema)]
            pub(crate) struct Point {
                pub(crate) x: f64,
            }

            #[derive(Serialize, Deserialize, TS, JsonSchema)]
            pub(crate) struct Line {
                pub(crate) points: Vec<other::Point>,
            }

            async fn names_server_v1(_: ServerParams<Point>) -> SyncResult<Line> {
                Ok(Line { points: Vec::new() })
            }
            sync_server!(names_server_v1);
        }
        pub(crate) mod null_server_v1 {
            use syncline::prelude::*;

            #[derive(Serialize, Deserialize, TS, JsonSchema)]
            pub(crate) struct Nothing;

            async fn null_server_v1(_: ServerParams<Nothing, String>) -> SyncResult<Empty> {
                Ok(Empty {})
            }
            sync_server!(null_server_v1);
        }
        pub(crate) mod codes_server_v1 {
            use syncline::prelude::*;

            const OTHER_STATUS: ErrorCode = ErrorCode::new("test.tooLarge", 409, &["max"]);
            const FRAMEWORK: ErrorCode = ErrorCode::new("sync.notFound", 404, &["what"]);

            async fn codes_server_v1(_: ServerParams<Empty>) -> SyncResult<Empty> {
                Ok(Empty {})
            }
            sync_server!(codes_server_v1, errors: [OTHER_STATUS, FRAMEWORK]);
        }
        pub(crate) mod app_server_v1 {
            use syncline::prelude::*;

            async fn app_server_v1(_: ServerParams<Empty, String>) -> SyncResult<Empty> {
                Ok(Empty {})
            }
            sync_server!(app_server_v1);
        }
    }
}

/// The registrations below one module of this file.
fn below(module: &str) -> impl Iterator<Item = &'static Registration> {
    let prefix = format!("contract::pages::{module}");
    inventory::iter::<Registration>()
        .filter(move |registration| registration.module_path.starts_with(&prefix))
}

fn refused(registrations: impl Iterator<Item = &'static Registration>) -> BootError {
    Registry::build(registrations).expect_err("the registry is refused")
}

#[test]
fn two_stages_make_one_route() {
    let registry = Registry::build(below("sound")).unwrap();
    let names: Vec<String> = registry.routes().iter().map(|route| route.event().to_string()).collect();
    assert_eq!(names, ["pages/sound/add/v1", "pages/sound/byLocale/v1"]);

    let add = registry.get("pages/sound/add", "v1").unwrap();
    assert!(add.auth().login && add.auth().additional.len() == 1);
    assert!(add.server().unwrap().concurrent);
    assert_eq!(add.server().unwrap().timeout.unwrap().as_secs(), 1);
    assert_eq!((add.rate_limit().unwrap().requests, add.rate_limit().unwrap().burst), (5, 10));
    assert_eq!(add.errors().len(), 1);
    assert!(add.client().unwrap().audience.is_none());

    let by_locale = registry.get("pages/sound/byLocale", "v1").unwrap();
    assert!(by_locale.server().is_none() && !by_locale.auth().login);
    assert!(by_locale.client().unwrap().audience.is_some());
    assert!(registry.get("pages/sound/add", "v2").is_none());
    assert!(registry.get("constructor", "__proto__").is_none());
}

#[test]
fn an_empty_registry_does_not_boot() {
    assert_eq!(refused([].into_iter()).problems(), [Problem::Empty]);
}

#[test]
fn duplicates_say_both_places() {
    let twice = below("sound::add_server_v1").chain(below("sound::add_server_v1"));
    let message = refused(twice).to_string();
    assert_eq!(message.matches("tests/contract.rs:").count(), 2, "{message}");
    assert!(message.contains("pages/sound/add/v1 is registered twice"), "{message}");
}

#[test]
fn stages_of_different_types_do_not_boot() {
    let error = refused(below("broken::types"));
    assert!(
        error
            .problems()
            .iter()
            .any(|problem| matches!(problem, Problem::StageTypes { what: "server_output", .. })),
        "{error}"
    );
}

#[test]
fn options_of_the_server_stage_are_refused_on_the_client_stage() {
    let error = refused(below("broken::types"));
    for misplaced in ["auth", "rate_limit"] {
        assert!(
            error.problems().iter().any(
                |problem| matches!(problem, Problem::BelongsOnServer { option, .. } if *option == misplaced)
            ),
            "{error}"
        );
    }
}

#[test]
fn unknown_auth_keys_do_not_boot() {
    let error = refused(below("broken::types_server"));
    assert!(matches!(error.problems(), [Problem::AuthKey { key: "rolls", .. }]), "{error}");
}

#[test]
fn two_types_of_one_name_do_not_boot() {
    let error = refused(below("broken::names"));
    assert!(matches!(error.problems(), [Problem::TypeName { name, .. }] if name == "Point"), "{error}");
}

#[test]
fn a_code_that_means_two_things_does_not_boot() {
    let error = refused(below("sound").chain(below("broken::codes")));
    let codes: Vec<&str> = error
        .problems()
        .iter()
        .filter_map(|problem| if let Problem::ErrorCode { code, .. } = problem { Some(*code) } else { None })
        .collect();
    assert_eq!(codes, ["sync.notFound", "test.tooLarge"], "{error}");
}

#[test]
fn a_payload_that_is_null_does_not_boot() {
    let error = refused(below("broken::null"));
    assert!(matches!(error.problems(), [Problem::Null { .. }]), "{error}");
}

#[test]
fn everything_wrong_is_said_at_once() {
    assert!(refused(below("broken")).problems().len() >= 5);
}

#[test]
fn a_handler_that_wants_another_app_is_named() {
    let registry = Registry::build(below("broken::app").chain(below("sound"))).unwrap();
    let given = syncline::Functions::new(std::sync::Arc::new(7_u8));
    let error = registry.check_functions(&given).unwrap_err();
    assert_eq!(error.problems().len(), 1, "{error}");
    assert!(error.to_string().contains("String") && error.to_string().contains("u8"), "{error}");
    let right = syncline::Functions::new(std::sync::Arc::new(String::new()));
    registry.check_functions(&right).unwrap();
}
