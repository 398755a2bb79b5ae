//! What is on disk: it is there after a stop, it is one process's, and a node has a name that it keeps.

use serde_json::json;
use syncline_server::{Config, Server};
use syncline_testkit::{Token, call};

use crate::{
    folder::Folder,
    support::{Ws, data, history, start},
};

#[tokio::test]
async fn a_workspace_is_there_after_a_restart() {
    let folder = Folder::new();
    let kept = [("DATA_DIR", folder.path())];
    let server = start(&kept);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    for number in 0..20 {
        ada.set_acked(&number.to_string(), &format!("k{}", number % 7), number).await;
    }
    let before = (data(server.address(), "w").await, history(server.address(), "w").await);
    server.stop().await;
    let server = start(&kept);
    let address = server.address();
    assert_eq!((data(address, "w").await, history(address, "w").await), before);
    let (mut ada, init) = Ws::join(address, "w", "ada").await;
    let again = ada.set_acked("19", "k5", 19).await;
    assert_eq!(again, init["heads"], "what was done before the restart is not done again");
    assert_ne!(ada.set_acked("20", "k5", 20).await, init["heads"]);
}

#[tokio::test]
async fn a_folder_is_one_process_s_own() {
    let folder = Folder::new();
    let _server = start(&[("DATA_DIR", folder.path())]);
    let settings = [("PORT", "0"), ("EVENTS", "off"), ("DATA_DIR", folder.path())];
    let second = Server::builder(Config::from_pairs(&settings).unwrap()).build().unwrap();
    let refused = second.start().unwrap_err().to_string();
    assert!(refused.contains("DATA_DIR") && refused.contains(folder.path()), "{refused}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_named() {
    let folder = Folder::new();
    let file = format!("{}/file", folder.path());
    std::fs::write(&file, "no folder").unwrap();
    let settings = [("PORT", "0"), ("EVENTS", "off"), ("DATA_DIR", file.as_str())];
    let refused =
        Server::builder(Config::from_pairs(&settings).unwrap()).build().unwrap().start().unwrap_err();
    assert!(refused.to_string().contains(&format!("DATA_DIR {file}")), "{refused}");
}

#[tokio::test]
async fn a_name_is_made_once_and_kept() {
    let folder = Folder::new();
    let name = async || {
        let server = start(&[("DATA_DIR", folder.path())]);
        let bearer = format!("Bearer {}", Token::of("u").with("scope", "admin").sign());
        let stats =
            call(server.address(), "GET", "/v1/stats", &[("authorization", &bearer)], "").await.json();
        server.stop().await;
        stats["server_id"].as_str().unwrap().to_owned()
    };
    let first = name().await;
    assert_eq!((first.len(), name().await), (32, first.clone()));
    let elsewhere = start(&[]);
    let bearer = format!("Bearer {}", Token::of("u").with("scope", "admin").sign());
    let stats = call(elsewhere.address(), "GET", "/v1/stats", &[("authorization", &bearer)], "").await.json();
    assert_ne!(stats["server_id"], json!(first));
}

/// As large as a workspace may well be: it is saved anew on the way, and read back.
#[tokio::test]
async fn many_keys_are_read_back() {
    let folder = Folder::new();
    let kept = [("DATA_DIR", folder.path())];
    let server = start(&kept);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    let count = 5_000;
    for first in (0..count).step_by(50) {
        for number in first..first + 50 {
            ada.set(&number.to_string(), &format!("key {number}"), format!("value {number}")).await;
        }
        ada.acked(&(first + 49).to_string()).await;
    }
    drop(ada);
    server.stop().await;
    let server = start(&kept);
    let state = data(server.address(), "w").await;
    assert_eq!(state.as_object().unwrap().len(), count);
    assert_eq!(state["key 4999"], "value 4999");
}
