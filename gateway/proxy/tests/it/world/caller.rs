//! A caller that writes raw bytes and reads answers apart.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// An answer, read apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a field, matched without regard to case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The refusal code in a problem body.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().expect("a problem has a code").to_owned()
    }
}

/// A caller that writes bytes and reads answers.
pub(crate) struct Caller {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Caller {
    /// Connects.
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = soon(TcpStream::connect(to)).await.expect("the server takes connections");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, read: Vec::new() }
    }

    /// Connects from `from`, another address of this machine: another caller.
    pub(crate) async fn connect_from(from: [u8; 4], to: SocketAddr) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).expect("all of 127.0.0.0/8 is this machine");
        let stream = soon(socket.connect(to)).await.expect("the server takes connections");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, read: Vec::new() }
    }

    /// Writes; a server that has already closed is found out by reading.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let written = soon(self.stream.write_all(bytes.as_ref())).await;
        if let Err(error) = written {
            assert!(matches!(
                error.kind(),
                std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset
            ));
        }
    }

    /// Writes a call with a JSON body.
    pub(crate) async fn call(&mut self, target: &str, body: &str) -> Answer {
        let length = body.len();
        self.write(format!(
            "POST {target} HTTP/1.1\r\nHost: gate.test\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
        self.answer().await
    }

    /// Reads the next answer, whose end must be told by its length or its chunks.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("an answer comes before the connection closes")
    }

    /// Reads the next answer; None when the connection closes instead.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        loop {
            let end = self.read.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8(self.read[..end].to_vec()).expect("heads are ASCII");
                let status = head[9..12].parse().expect("a status");
                let mut answer = Answer { status, head, body: Vec::new() };
                if answer.field("transfer-encoding").is_some() {
                    self.read.drain(..end + 4);
                    answer.body = self.chunks().await?;
                    return Some(answer);
                }
                let length: usize = answer.field("content-length").map_or(0, |n| n.parse().expect("digits"));
                while self.read.len() < end + 4 + length {
                    if !self.more().await {
                        return None;
                    }
                }
                let rest = self.read.split_off(end + 4 + length);
                answer.body = self.read.split_off(end + 4);
                self.read = rest;
                return Some(answer);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Reads a body in chunks; None when the connection closes before the last of them.
    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let Some(line) = self.read.windows(2).position(|window| window == b"\r\n") else {
                self.more().await.then_some(())?;
                continue;
            };
            let size = std::str::from_utf8(&self.read[..line]).expect("a chunk's size is ASCII");
            let size = usize::from_str_radix(size, 16).expect("a chunk's size is hexadecimal");
            let next = line + 2 + size + 2;
            while self.read.len() < next {
                self.more().await.then_some(())?;
            }
            body.extend_from_slice(&self.read[line + 2..line + 2 + size]);
            self.read.drain(..next);
            if size == 0 {
                return Some(body);
            }
        }
    }

    /// Reads until the server closes; what came.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.read)
    }

    /// Whether nothing but the end comes.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.rest().await.is_empty()
    }

    async fn more(&mut self) -> bool {
        matches!(soon(self.stream.read_buf(&mut self.read)).await, Ok(1..))
    }
}
