//! Handshakes of Engine.IO over long polling, by the thousand: what a flood sends, and how each is answered.
//!
//! Sixteen requests go in one write and their answers come back in order, on connections that are kept, so that what is
//! paid for is the handshake and not the connection. Nobody finishes one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::AddAssign;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, timeout};

use crate::process::give_way;

/// So many connections that each has to send no more than fifty in a second.
pub(super) const LINES: u32 = 1_024;
const TOGETHER: u32 = 16;
/// A server that says nothing for so long will not any more.
const SILENCE: Duration = Duration::from_secs(30);

/// A flood.
#[derive(Clone, Copy)]
pub(super) struct Storm {
    pub(super) address: SocketAddr,
    pub(super) per_second: u64,
    pub(super) lasting: Duration,
}

/// What became of the handshakes.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answers {
    sent: u64,
    /// How often each status; 0 is a connection that was closed instead.
    by_status: BTreeMap<u16, u64>,
    /// Answers of 503 that do not say when to come again.
    without_retry_after: u64,
    /// From the first to the last answer.
    millis: u64,
}

/// One answer, and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    retry_after: bool,
    used: usize,
}

impl Storm {
    /// Sends as many as it was asked for, or as many as it can, and waits for the last answer.
    pub(super) fn rage(self) -> anyhow::Result<Answers> {
        // It shares a core with the load whose latency is the figure.
        give_way();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let began = Instant::now();
            let mut lines: JoinSet<_> = (0..LINES).map(|line| self.line(line, began)).collect();
            let mut answers = Answers::default();
            while let Some(line) = lines.join_next().await {
                answers += line??;
            }
            answers.millis = began.elapsed().as_millis() as u64;
            Ok(answers)
        })
    }

    /// One connection's part of it; what it could not send in time it sends late, up to the end.
    async fn line(self, line: u32, began: Instant) -> anyhow::Result<Answers> {
        let period = Duration::from_secs_f64(f64::from(LINES * TOGETHER) / self.per_second.max(1) as f64);
        let mut ticks = interval_at(began + period * line / LINES, period);
        let request =
            format!("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        let requests = request.repeat(TOGETHER as usize);
        let mut answers = Answers::default();
        let mut stream: Option<TcpStream> = None;
        let mut buffer = Vec::new();
        while ticks.tick().await < began + self.lasting && began.elapsed() < self.lasting {
            let open = match &mut stream {
                Some(open) => open,
                None => stream.insert(TcpStream::connect(self.address).await.context("cannot connect")?),
            };
            answers.sent += u64::from(TOGETHER);
            let exchange = exchange(open, &requests, &mut buffer, &mut answers);
            let unanswered = timeout(SILENCE, exchange).await.context("a handshake has no answer")??;
            if unanswered > 0 {
                *answers.by_status.entry(0).or_default() += u64::from(unanswered);
                stream = None;
            }
        }
        Ok(answers)
    }
}

/// Sends the requests and reads their answers; how many have none when the connection ends.
async fn exchange(
    stream: &mut TcpStream,
    requests: &str,
    buffer: &mut Vec<u8>,
    answers: &mut Answers,
) -> anyhow::Result<u32> {
    buffer.clear();
    if stream.write_all(requests.as_bytes()).await.is_err() {
        return Ok(TOGETHER);
    }
    let mut left = TOGETHER;
    while left > 0 {
        if !stream.read_buf(buffer).await.is_ok_and(|read| read > 0) {
            return Ok(left);
        }
        let mut used = 0;
        while let Some(answer) = answer_in(&buffer[used..])? {
            answers.count(answer);
            used += answer.used;
            left = left.checked_sub(1).context("more answers than requests")?;
        }
        buffer.drain(..used);
    }
    Ok(0)
}

/// The answer at the beginning, when all of it has come.
fn answer_in(bytes: &[u8]) -> anyhow::Result<Option<Answer>> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).context("a head that is no text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.with_context(|| format!("an answer without a status: {head}"))?;
    let (mut length, mut retry_after) = (None, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<usize>().ok();
        } else if name.eq_ignore_ascii_case("retry-after") {
            retry_after = value.trim().parse::<u32>().is_ok();
        }
    }
    let Some(length) = length else { bail!("an answer without a length: {head}") };
    let used = end + 4 + length;
    Ok((used <= bytes.len()).then_some(Answer { status, retry_after, used }))
}

impl Answers {
    fn count(&mut self, Answer { status, retry_after, .. }: Answer) {
        *self.by_status.entry(status).or_default() += 1;
        if status == 503 && !retry_after {
            self.without_retry_after += 1;
        }
    }

    pub(super) fn show(&self) -> String {
        let of = |status| self.by_status.get(&status).copied().unwrap_or_default();
        let seconds = (self.millis as f64 / 1e3).max(1e-3);
        let others: u64 = self.by_status.values().sum::<u64>() - of(200) - of(503);
        format!(
            "{} sent, {:.0}/s: {} begun (200), {} refused (503, {} without Retry-After), {others} other",
            self.sent,
            self.sent as f64 / seconds,
            of(200),
            of(503),
            self.without_retry_after
        )
    }

    /// Each is either begun or refused, and who is refused is told when to come again.
    pub(super) fn wrong(&self) -> Option<String> {
        let known = self.by_status.keys().all(|status| [200, 503].contains(status));
        let answered = self.by_status.values().sum::<u64>() == self.sent;
        let right = known && answered && self.without_retry_after == 0;
        (!right).then(|| format!("handshakes were not answered as they should be: {self:?}"))
    }
}

impl AddAssign for Answers {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        for (status, count) in more.by_status {
            *self.by_status.entry(status).or_default() += count;
        }
        self.without_retry_after += more.without_retry_after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\ncontent-length: 4\r\n\r\nbusy";

    #[test]
    fn an_answer_is_read_when_all_of_it_has_come() {
        for cut in 0..REFUSED.len() {
            assert_eq!(answer_in(&REFUSED.as_bytes()[..cut]).unwrap(), None, "{cut}");
        }
        let two = REFUSED.repeat(2);
        let answer = Answer { status: 503, retry_after: true, used: REFUSED.len() };
        assert_eq!(answer_in(two.as_bytes()).unwrap(), Some(answer));
        assert_eq!(answer_in(&two.as_bytes()[answer.used..]).unwrap(), Some(answer));
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_none() {
        assert!(answer_in(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(answer_in(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn who_is_refused_is_told_when_to_come_again() {
        let counted = |text: &str| {
            let mut answers = Answers { sent: 1, ..Answers::default() };
            answers.count(answer_in(text.as_bytes()).unwrap().unwrap());
            answers
        };
        assert_eq!(counted(REFUSED).wrong(), None);
        assert!(counted(&REFUSED.replace("Retry-After: 1\r\n", "")).wrong().is_some());
        assert!(counted(&REFUSED.replace("503", "500")).wrong().is_some());
        let mut two = counted(REFUSED);
        two += counted("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_eq!((two.sent, two.by_status.len(), two.wrong()), (2, 2, None));
        assert!(Answers { sent: 3, ..two }.wrong().is_some(), "one without an answer");
    }
}
