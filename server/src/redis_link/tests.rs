//! On a real redis-server: channels that come and go, in any number, and a Redis that goes away and comes back.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Held, Pushed, RedisLink, Subscriber};
use crate::redis_server::RedisServer;

/// All that channels brought; a gap is `-`.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn on(&self, link: &Arc<RedisLink>, prefix: &str) -> Subscriber {
        let heard = self.clone();
        let listener = move |pushed: Pushed<'_>| {
            let said = match pushed {
                Pushed::Message { channel, message } => {
                    format!("{channel} {}", String::from_utf8_lossy(message))
                }
                Pushed::Gap => "-".to_owned(),
            };
            heard.0.lock().unwrap_or_else(PoisonError::into_inner).push(said);
        };
        link.subscriber(prefix, Box::new(listener))
    }
}

async fn soon(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let all = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.unwrap_or_else(|_| panic!("{what}"));
}

fn link_to(redis: &RedisServer, connections: usize) -> Arc<RedisLink> {
    let link = stopped(redis, connections);
    run(&link);
    link
}

/// For whoever wants to hear of the first connection too.
fn stopped(redis: &RedisServer, connections: usize) -> Arc<RedisLink> {
    Arc::new(RedisLink::new(&redis.url().into(), connections).unwrap())
}

fn run(link: &Arc<RedisLink>) {
    let link = Arc::clone(link);
    tokio::spawn(async move { link.run().await });
}

async fn up(link: &RedisLink) {
    soon("Redis is reached", async || link.is_up()).await;
}

/// How many channels Redis knows of.
fn channels(redis: &RedisServer) -> usize {
    redis.command(&["PUBSUB", "CHANNELS", "few:*"]).lines().filter(|line| line.starts_with("few:")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_heard_from_its_confirmation_on_for_as_long_as_somebody_holds_it() {
    let redis = RedisServer::start();
    let (one, other) = (stopped(&redis, 1), link_to(&redis, 3));
    let heard = Heard::default();
    let few = heard.on(&one, "few:");
    run(&one);
    up(&one).await;
    assert_eq!(heard.take(), ["-"], "the first connection is a new one too");
    for number in 0..200 {
        let channel = format!("few:ü {number}");
        let (first, second) = (few.hold(&channel), few.hold(&channel));
        first.confirmed().await;
        other.publish(&channel, b"a").await.unwrap();
        drop(first);
        other.publish(&channel, b"b").await.unwrap();
        soon("both arrive", async || heard.all().len() == 2).await;
        assert_eq!(heard.take(), [format!("{channel} a"), format!("{channel} b")]);
        drop(second);
    }
    soon("none is held", async || channels(&redis) == 0).await;
    other.publish("few:ü 1", b"c").await.unwrap();
    let last = few.hold("few:last");
    last.confirmed().await;
    few.publish("few:last", b"d").await.unwrap();
    soon("the last arrives", async || !heard.all().is_empty()).await;
    assert_eq!(heard.take(), ["few:last d"]);
}

/// A leaving that is under way when somebody comes back.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_at_once_is_confirmed_no_sooner_than_the_channel_stands_again() {
    let redis = RedisServer::start();
    let (one, other) = (link_to(&redis, 1), link_to(&redis, 1));
    let heard = Heard::default();
    let few = heard.on(&one, "few:");
    up(&one).await;
    heard.take();
    for number in 0..2000 {
        let first = few.hold("few:a");
        first.confirmed().await;
        drop(first);
        // Sooner or later within the command that it takes to leave.
        for _ in 0..number % 50 {
            tokio::task::yield_now().await;
        }
        let again = few.hold("few:a");
        again.confirmed().await;
        other.publish("few:a", b"x").await.unwrap();
        soon("it arrives", async || !heard.all().is_empty()).await;
        heard.take();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wanted_last_holds_however_often_minds_change() {
    let redis = RedisServer::start();
    let link = link_to(&redis, 1);
    let heard = Heard::default();
    let few = heard.on(&link, "few:");
    // Also before there is a connection.
    let changing = (0..8).map(|task| {
        let few = few.clone();
        tokio::spawn(async move {
            let mut held = Vec::new();
            for round in 0..500 {
                let channel = format!("few:{}", (task + round) % 5);
                let guard = few.hold(&channel);
                match round % 7 {
                    0 => guard.confirmed().await,
                    3 => tokio::task::yield_now().await,
                    _ => {}
                }
                held = vec![(channel, guard)];
            }
            held
        })
    });
    let held: Vec<(String, Held)> =
        futures_util::future::join_all(changing).await.into_iter().flat_map(Result::unwrap).collect();
    for (_, guard) in &held {
        guard.confirmed().await;
    }
    let mut wanted: Vec<String> = held.iter().map(|(channel, _)| channel.clone()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    soon("Redis has what is wanted", async || channels(&redis) == wanted.len()).await;
    heard.take();
    for channel in &wanted {
        few.publish(channel, b"x").await.unwrap();
    }
    soon("all arrive", async || heard.all().len() == wanted.len()).await;
    drop(held);
    soon("none is left", async || channels(&redis) == 0).await;
    soon("nor remembered", async || link.subscriptions.count() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_stand_again_after_redis_was_away_before_the_gap_is_told() {
    let mut redis = RedisServer::start();
    let link = stopped(&redis, 2);
    let (heard, others) = (Heard::default(), Heard::default());
    let (few, _other) = (heard.on(&link, "few:"), others.on(&link, "other:"));
    run(&link);
    up(&link).await;
    let mut held: Vec<Held> = (0..5000).map(|number| few.hold(&format!("few:{number}"))).collect();
    held[4999].confirmed().await;
    for _ in 0..2 {
        heard.take();
        redis.kill();
        soon("it is missed", async || !link.is_up()).await;
        // Nobody waits for a Redis that is away, and what changes meanwhile counts.
        let began = Instant::now();
        let late = few.hold("few:late");
        late.confirmed().await;
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
        assert!(few.publish("few:1", b"x").await.is_err());
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
        let dropped = held.pop();
        drop(dropped);
        redis.restart();
        let began = Instant::now();
        soon("a gap", async || !heard.all().is_empty()).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        up(&link).await;
        for channel in ["few:0", "few:4000", "few:late"] {
            few.publish(channel, b"x").await.unwrap();
        }
        soon("all arrive", async || heard.all().len() == 4).await;
        assert_eq!(heard.take(), ["-", "few:0 x", "few:4000 x", "few:late x"]);
        assert_eq!(
            redis.command(&["PUBSUB", "NUMSUB", &format!("few:{}", held.len())]).lines().last(),
            Some(":0")
        );
    }
    soon("one for each connection", async || others.all() == ["-", "-", "-"]).await;
}

/// A connection that is cut is another one at once, and a command that waits on the old one brings nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_redis_ends_is_made_anew() {
    let redis = RedisServer::start();
    let link = link_to(&redis, 3);
    let heard = Heard::default();
    let few = heard.on(&link, "few:");
    let held = few.hold("few:1");
    held.confirmed().await;
    up(&link).await;
    for _ in 0..5 {
        heard.take();
        redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        soon("a gap", async || !heard.all().is_empty()).await;
        few.publish("few:1", b"x").await.unwrap();
        soon("it arrives", async || heard.all().len() == 2).await;
        assert_eq!(heard.take(), ["-", "few:1 x"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_holds_nobody_for_longer_than_a_command_may_take() {
    let redis = RedisServer::start();
    let link = link_to(&redis, 1);
    let heard = Heard::default();
    let few = heard.on(&link, "few:");
    up(&link).await;
    redis.hang(true);
    let began = Instant::now();
    let held = few.hold("few:1");
    held.confirmed().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    soon("it is missed", async || !link.is_up()).await;
    heard.take();
    redis.hang(false);
    soon("a gap", async || !heard.all().is_empty()).await;
    few.publish("few:1", b"x").await.unwrap();
    soon("it arrives", async || heard.all().len() == 2).await;
    assert_eq!(heard.take(), ["-", "few:1 x"]);
}
