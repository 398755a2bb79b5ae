//! What two clients tell each other by the server, and what a client is told when it comes.

use syncline_testkit::within;
use yrs::{ReadTxn as _, StateVector, Transact as _, updates::decoder::Decode as _};

use crate::{
    support::{Peer, Said, metric, start, sync, text, token},
    yjs::{marker, sync_message},
};

#[tokio::test]
async fn two_clients_converge() {
    let server = start(&[]);
    let address = server.address();
    let (mut ada, mut bob) = (Peer::join(address, "d").await, Peer::join(address, "d").await);
    ada.write(0, "hello").await;
    bob.until("hello").await;
    // Both at once, at the same place.
    ada.write(5, " ada").await;
    bob.write(5, " bob").await;
    ada.erase(0, 1).await;
    within("the same for both", async {
        while ada.text().len() < 12 || ada.text() != bob.text() {
            for peer in [&mut ada, &mut bob] {
                for said in peer.rest().await {
                    assert!(matches!(said, Said::Update(_)), "{said:?}");
                }
            }
        }
    })
    .await;
    assert_eq!(text(address, "d").await, Some(ada.text()));
    assert_eq!(ada.state_vector(), bob.state_vector());
}

#[tokio::test]
async fn whoever_comes_late_has_all_of_it() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.write(0, "one two three").await;
    ada.erase(3, 4).await;
    ada.kept().await;
    let bob = Peer::join(address, "d").await;
    assert_eq!(bob.text(), "one three");
    let other = Peer::join(address, "e").await;
    assert_eq!(other.text(), "", "another document is another one");
}

#[tokio::test]
async fn a_first_step_is_answered_with_what_is_missing_and_no_more() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.write_kept(0, "before ").await;
    let mut bob = Peer::join(address, "d").await;
    let had = bob.state_vector();
    bob.close().await;
    ada.write_kept(7, "after").await;
    bob = Peer::come(address, "d", "bob", "read write").await;
    bob.send(sync_message(0, &had)).await;
    let Said::Step2(missing) = bob.said().await else { panic!("no step 2") };
    let expected = {
        let had = StateVector::decode_v1(&had).unwrap();
        ada.doc.transact().encode_state_as_update_v1(&had)
    };
    assert_eq!(missing, expected);
    assert!(!missing.windows(6).any(|part| part == b"before"));
    // Who has all of it is told of nothing.
    bob.send(sync_message(0, &ada.state_vector())).await;
    assert_eq!(bob.said().await, Said::Step2(vec![0, 0]));
}

#[tokio::test]
async fn the_first_step_of_the_server_asks_for_what_it_lacks() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.write_kept(0, "known").await;
    let known = ada.state_vector();
    ada.write_unsent(5, ", and written while away");
    let path = format!("{}?token={}", sync("d"), token("ada", "read write"));
    let mut back = Peer::open(address, &path, &[]).await.unwrap();
    assert_eq!(back.said().await, Said::Step1(known.clone()));
    back.doc = ada.doc.clone();
    back.take(&Said::Step1(known)).await;
    back.kept().await;
    assert_eq!(text(address, "d").await.as_deref(), Some("known, and written while away"));
    ada.until("known, and written while away").await;
}

#[tokio::test]
async fn own_updates_come_back_only_to_who_asks_for_it() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    let path = format!("{}?echo=1&token={}", sync("d"), token("eve", "read write"));
    let mut echoed = Peer::open(address, &path, &[]).await.unwrap();
    assert!(matches!(echoed.said().await, Said::Step1(_)));
    let update = echoed.write_unsent(0, "e");
    echoed.send(sync_message(2, &update)).await;
    assert_eq!(echoed.said().await, Said::Update(update.clone()), "its own, once it is journaled");
    assert_eq!(ada.said().await, Said::Update(update));
    ada.write(0, "a").await;
    assert_eq!(ada.rest().await, [], "not its own");
    assert!(matches!(echoed.said().await, Said::Update(_)));
    // Nor awareness, even to who asks for updates.
    echoed.send(crate::yjs::awareness_message(&[(7, 1, "{}")])).await;
    assert_eq!(echoed.rest().await, []);
}

#[tokio::test]
async fn a_marker_is_told_of_the_journal_and_then_of_the_store() {
    let server = start(&[("DOCUMENT_DEBOUNCE_SECONDS", "0.05")]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.send(marker(5)).await;
    assert_eq!(ada.said().await, Said::Journaled(5));
    assert_eq!(ada.said().await, Said::Saved(5), "there is nothing to save");
    ada.write(0, "x").await;
    ada.send(marker(1 << 40)).await;
    assert_eq!(ada.said().await, Said::Journaled(1 << 40));
    assert_eq!(metric(address, "syncline_document_saves_total").await, 0.0);
    assert_eq!(ada.said().await, Said::Saved(1 << 40));
    assert_eq!(metric(address, "syncline_document_saves_total").await, 1.0);
}

/// A part of what a client has written did not arrive, and what follows does.
#[tokio::test]
async fn a_gap_is_healed_and_nobody_sees_it() {
    let server = start(&[]);
    let address = server.address();
    let (mut ada, mut bob) = (Peer::join(address, "d").await, Peer::join(address, "d").await);
    ada.write_kept(0, "a").await;
    bob.until("a").await;
    let _lost = ada.write_unsent(1, "b");
    let after = ada.write_unsent(2, "c");
    ada.send(sync_message(2, &after)).await;
    // In a message of its own: the gap is not forgotten in between.
    let Said::Step1(theirs) = ada.said().await else { panic!("it is not asked") };
    ada.send(marker(77)).await;
    ada.send(sync_message(0, &ada.state_vector())).await;
    let next = ada.said().await;
    assert!(matches!(next, Said::Step2(_)), "no word of the marker: {next:?}");
    assert_eq!(bob.rest().await, [], "and nobody was told");
    assert_eq!(text(address, "d").await.as_deref(), Some("a"));
    ada.take(&Said::Step1(theirs)).await;
    assert_eq!(ada.said().await, Said::Journaled(77), "now it is");
    bob.until("abc").await;
    assert_eq!(text(address, "d").await.as_deref(), Some("abc"));
    ada.write_kept(3, "d").await;
    bob.until("abcd").await;
}

/// Whoever has a gap itself is not asked again and again, but once more when there is something new.
#[tokio::test]
async fn a_client_with_a_gap_of_its_own_is_not_asked_for_ever() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    let writer = yrs::Doc::new();
    let mut updates = Vec::new();
    for at in 0..3 {
        let root = writer.get_or_insert_text("t");
        let mut transaction = writer.transact_mut();
        yrs::Text::insert(&root, &mut transaction, at, "abc".get(at as usize..=at as usize).unwrap());
        updates.push(transaction.encode_update_v1());
    }
    // It has the first and the third, the third without effect.
    let mut bob = Peer::join(address, "d").await;
    bob.apply(&updates[0]);
    bob.apply(&updates[2]);
    bob.send(sync_message(1, &bob.state())).await;
    let first = bob.said().await;
    assert!(matches!(first, Said::Step1(_)), "{first:?}");
    bob.take(&first).await;
    bob.send(sync_message(0, &bob.state_vector())).await;
    let next = bob.said().await;
    assert!(matches!(next, Said::Step2(_)), "it is asked again: {next:?}");
    // What it lacks comes from somebody else, and then it has something to say that nobody else has.
    ada.send(sync_message(2, &updates[0])).await;
    ada.send(sync_message(2, &updates[1])).await;
    updates[..2].iter().for_each(|update| ada.apply(update));
    let again = loop {
        match bob.said().await {
            again @ Said::Step1(_) => break again,
            said => bob.take(&said).await,
        }
    };
    bob.take(&again).await;
    ada.until("abc").await;
}

#[tokio::test]
async fn who_may_only_read_is_told_so_and_changes_nothing() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.write_kept(0, "ada's").await;
    ada.erase(0, 1).await;
    ada.kept().await;
    let mut reader = Peer::come(address, "d", "rita", "read").await;
    reader.ask_for_all().await;
    assert_eq!(reader.text(), "da's");
    // What it says on coming is what it was told: nobody is told off for that.
    reader.send(sync_message(1, &[0, 0])).await;
    let deletions_alone = {
        let all = StateVector::decode_v1(&reader.state_vector()).unwrap();
        reader.doc.transact().encode_state_as_update_v1(&all)
    };
    assert_ne!(deletions_alone, [0, 0]);
    reader.send(sync_message(1, &deletions_alone)).await;
    assert_eq!(reader.rest().await, []);
    reader.write(0, "rita's ").await;
    let told = reader.said().await;
    assert!(matches!(&told, Said::Denied(why) if !why.is_empty()), "{told:?}");
    reader.send(sync_message(1, &reader.state())).await;
    assert!(matches!(reader.said().await, Said::Denied(_)));
    reader.erase(0, 2).await;
    assert!(matches!(reader.said().await, Said::Denied(_)));
    assert_eq!(ada.rest().await, []);
    assert_eq!(text(address, "d").await.as_deref(), Some("da's"));
    // It is still told of what others do.
    ada.write(0, "now ").await;
    assert!(matches!(reader.said().await, Said::Update(_)));
}

#[tokio::test]
async fn many_messages_in_one_frame_are_taken_in_order() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    let mut frame = Vec::new();
    for at in 0..15 {
        frame.extend(sync_message(2, &ada.write_unsent(at, &at.to_string()[..1])));
    }
    frame.extend(marker(3));
    ada.send(frame.clone()).await;
    assert_eq!(ada.said().await, Said::Journaled(3));
    assert_eq!(text(address, "d").await, Some(ada.text()));
    frame.extend(marker(4));
    ada.send(frame).await;
    assert_eq!(ada.closed().await, Some(1003), "seventeen are too many");
}

/// It reads nothing while others write more than is held for it.
#[tokio::test]
async fn a_slow_reader_is_told_what_it_missed_and_not_each_of_it() {
    let server = start(&[]);
    let address = server.address();
    let path = format!("{}?token={}", sync("d"), token("slow", "read"));
    let mut slow = Peer::open_narrow(address, &path).await;
    assert!(matches!(slow.said().await, Said::Step1(_)));
    slow.ask_for_all().await;
    let mut ada = Peer::join(address, "d").await;
    let (filler, count) = ("x".repeat(40_000), 300);
    let (mut updates, mut is_there) = (0, false);
    let mut read = async || {
        let said = slow.said().await;
        slow.take(&said).await;
        updates += usize::from(matches!(said, Said::Update(_)));
        is_there |= matches!(said, Said::Awareness(entries) if entries == [(7, 1, "{}".to_owned())]);
        slow.text().len() == count * filler.len() && is_there
    };
    for number in 0..count {
        ada.write_kept(0, &filler).await;
        // Whoever reads nothing for ten seconds is sent away.
        if number % 3 == 0 {
            read().await;
        }
    }
    ada.send(crate::yjs::awareness_message(&[(7, 1, "{}")])).await;
    while !read().await {}
    assert!(updates < count, "it was told of {updates}");
    assert_eq!(slow.text(), ada.text());
}
