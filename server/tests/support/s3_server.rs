//! A real server that speaks S3's API over HTTP, on a free port, for one test. Its objects are files, so that it knows
//! them again after it was killed. One bucket is there.

use std::{
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use s3s_fs::FileSystem;
use tokio::{
    net::TcpListener,
    sync::{Mutex, oneshot},
};

use crate::folder::Folder;

/// The bucket that is there.
pub(crate) const BUCKET: &str = "documents";
/// Whom it lets in.
pub(crate) const KEY_ID: &str = "test-key-id";
/// With what.
pub(crate) const KEY: &str = "test-key";

/// A running server, or one that was killed.
pub(crate) struct S3Server {
    folder: Folder,
    port: u16,
    runs: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl S3Server {
    /// Starts one and waits until it answers.
    pub(crate) fn start() -> Self {
        let folder = Folder::new();
        std::fs::create_dir(PathBuf::from(folder.path()).join(BUCKET)).expect("the bucket");
        let (runs, port) = spawn(folder.path(), 0);
        Self { folder, port, runs: Some(runs) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The settings that lead to it.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("S3_BUCKET", BUCKET.to_owned()),
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", KEY.to_owned()),
        ]
    }

    /// The names of its objects, in order.
    pub(crate) fn objects(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![PathBuf::from(self.folder.path()).join(BUCKET)];
        let bucket = folders[0].clone();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&bucket).expect("below the bucket");
                    names.push(name.to_str().expect("a name in UTF-8").to_owned());
                }
            }
        }
        names.sort();
        names
    }

    /// Ends it at once, connections and all. Nobody answers when this returns.
    pub(crate) fn kill(&mut self) {
        let Running { stop, thread } = self.runs.take().expect("it runs");
        stop.send(()).expect("it still runs");
        thread.join().expect("it ends");
    }

    /// Starts it again where it was, with what it had.
    pub(crate) fn restart(&mut self) {
        let (runs, _) = spawn(self.folder.path(), self.port);
        self.runs = Some(runs);
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if self.runs.is_some() {
            self.kill();
        }
    }
}

/// It has a thread and a runtime of its own: with them, all of it ends.
fn spawn(folder: &str, port: u16) -> (Running, u16) {
    let files = FileSystem::new(folder).expect("the folder");
    let service = {
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY_ID, KEY));
        builder.build()
    };
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port");
    listener.set_nonblocking(true).expect("a listener for tokio");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            tokio::select! {
                () = serve(listener, service) => {}
                _ = stopped => {}
            }
        });
    });
    wait(address);
    (Running { stop, thread }, address.port())
}

async fn serve(listener: std::net::TcpListener, service: S3Service) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    // The server looks at a condition and writes then; S3 does both at once. So writes come one after the other here.
    let turn = Arc::new(Mutex::new(()));
    loop {
        let (socket, _) = listener.accept().await.expect("a connection");
        let (service, turn) = (service.clone(), Arc::clone(&turn));
        tokio::spawn(async move {
            let answer = hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| {
                let (service, turn) = (service.clone(), Arc::clone(&turn));
                async move {
                    let _turn = match *request.method() {
                        http::Method::GET | http::Method::HEAD => None,
                        _ => Some(turn.lock().await),
                    };
                    hyper::service::Service::call(&service, request).await
                }
            });
            // Whoever hangs up is none of a test's concern.
            let _ended =
                Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), answer).await;
        });
    }
}

fn wait(address: SocketAddr) {
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "the S3 server does not answer");
        std::thread::sleep(Duration::from_millis(10));
    }
}
