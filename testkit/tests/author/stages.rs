//! What a stage that is called by itself gets to see.

use std::{net::IpAddr, sync::Arc};

use syncline::{RequestInfo, ServerParams, Session, SyncResult, Transport};
use syncline_testkit::{Stage, TestSession as _};

struct App {
    name: &'static str,
}

async fn sees(params: ServerParams<u8, App>) -> SyncResult<ServerParams<u8, App>> {
    Ok(params)
}

async fn sees_no_app(params: ServerParams<u8>) -> SyncResult<Arc<Session>> {
    Ok(params.user)
}

#[tokio::test]
async fn a_stage_gets_the_app_the_session_the_room_and_a_request() -> SyncResult<()> {
    let session = Session::user("bob")
        .named("Bob")
        .locale("ja")
        .role("admin")
        .scope("a")
        .scope("b")
        .rooms(&["game-*"])
        .claim("org", 7)
        .at("/map")
        .search_param("tab", "2");
    let stage = Stage::new(Arc::new(App { name: "the app" })).session(&session).room("game-1");
    let seen = stage.server(sees, 3).await?;
    assert_eq!((seen.client_input, seen.functions.name, &*seen.room_code), (3, "the app", "game-1"));
    assert_eq!((&*seen.request.locale, seen.request.transport), ("ja", Transport::Socket));
    assert_eq!(*seen.user, session);

    let here = IpAddr::from([192, 0, 2, 1]);
    let over_http = RequestInfo::new("id".into(), Transport::Http, "nl".into(), here);
    let seen = stage.request(over_http).server(sees, 3).await?.request;
    assert_eq!((&*seen.id, seen.transport, &*seen.locale), ("id", Transport::Http, "nl"));
    assert_eq!(seen.client_address, here);
    Ok(())
}

#[tokio::test]
async fn a_stage_that_names_no_app_runs_with_any() -> SyncResult<()> {
    let stage = Stage::new(Arc::new(App { name: "" }));
    assert_eq!(stage.server(sees_no_app, 1).await?.user_id, "ada");
    let anonymous = stage.session(Session::anonymous()).server(sees_no_app, 1).await?;
    assert!(anonymous.is_anonymous());
    assert_eq!(stage.server(sees_no_app, 1).await?.user_id, "ada", "the original is as it was");
    assert_eq!(Stage::without_app().session("bob").server(sees_no_app, 1).await?.user_id, "bob");
    Ok(())
}
