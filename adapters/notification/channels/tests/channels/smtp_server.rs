//! A mail server that takes whatever comes and remembers it.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A mail: its envelope and its text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
}

pub(crate) struct SmtpServer {
    pub(crate) url: String,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl SmtpServer {
    /// Answers every recipient with this line.
    pub(crate) async fn answering(recipient: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mails = Arc::new(Mutex::new(Vec::new()));
        let seen = mails.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, recipient, seen.clone()));
            }
        });
        Self { url, mails }
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, recipient: &'static str, seen: Arc<Mutex<Vec<Mail>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut mail = Mail::default();
    say(&mut stream, "220 test ESMTP").await?;
    loop {
        let line = line(&mut stream).await?;
        let command = line.get(..4)?.to_uppercase();
        let answer = match &*command {
            "EHLO" => "250 test",
            "MAIL" => {
                mail.from = address(&line)?;
                "250 ok"
            }
            "RCPT" => {
                mail.to.push(address(&line)?);
                recipient
            }
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                mail.text = text(&mut stream).await?;
                seen.lock().unwrap().push(std::mem::take(&mut mail));
                "250 queued"
            }
            "QUIT" => "221 bye",
            _ => "500 what?",
        };
        say(&mut stream, answer).await?;
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).await.ok()? > 0).then_some(line)
}

async fn text(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    loop {
        match line(stream).await?.as_str() {
            ".\r\n" => return Some(text),
            line => text.push_str(line),
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> Option<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}

fn address(line: &str) -> Option<String> {
    Some(line.split_once('<')?.1.split_once('>')?.0.to_owned())
}
