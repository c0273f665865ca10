//! The Mercury link of the stand-in for Webex.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{FakeWebex, Out, uuid};
use crate::chat::shared::server::Request;

async fn close(socket: &mut WebSocketStream<TcpStream>, code: u16, reason: &str) {
    let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
    let _ = socket.send(Message::Close(Some(frame))).await;
}

impl FakeWebex {
    pub(super) async fn link(self: Arc<Self>, request: Request, mut socket: WebSocketStream<TcpStream>) {
        let device = request.path.rsplit('/').next().unwrap().to_owned();
        let (token, time) = self.change(|state| (state.token.clone(), state.authorization));
        let Ok(Some(Ok(Message::Text(first)))) = timeout(time, socket.next()).await else {
            return close(&mut socket, 1008, "Authorization timeout").await;
        };
        let first: Value = serde_json::from_str(&first).unwrap_or_default();
        if first["type"] != "authorization" || !first["id"].is_string() {
            self.change(|state| state.fault("the first frame is no authorization"));
            return close(&mut socket, 4400, "bad request").await;
        }
        if first["data"]["token"] != format!("Bearer {token}") {
            return close(&mut socket, 4401, "not authorized").await;
        }
        for (id, kind) in [("ready-1", "mercury.buffer_state"), ("ready-2", "mercury.registration_status")] {
            let ready = json!({"id": id, "data": {"eventType": kind}, "timestamp": 1, "trackingId": "T"});
            let _ = socket.send(Message::text(ready.to_string())).await;
        }
        let (sender, mut queue) = mpsc::unbounded_channel();
        let id = self.change(|state| {
            let events: Vec<Value> = state.pending.values().cloned().collect();
            for event in events {
                state.sent += 1;
                let _ = sender.send(Out::Text(event.to_string()));
            }
            // One link of each device: an older one has to go.
            for (known, link) in state.links.values() {
                if *known == device {
                    let _ = link.send(Out::Close(4000));
                }
            }
            state.links.retain(|_, (known, _)| *known != device);
            state.next += 1;
            let id = state.next;
            state.links.insert(id, (device, sender));
            id
        });
        let (mut sink, mut stream) = socket.split();
        loop {
            tokio::select! {
                out = queue.recv() => match out {
                    Some(Out::Text(text)) => if sink.send(Message::text(text)).await.is_err() { break },
                    Some(Out::Close(code)) => {
                        let frame = CloseFrame { code: code.into(), reason: "".into() };
                        let _ = sink.send(Message::Close(Some(frame))).await;
                        // The close handshake, as far as the other end takes part in it.
                        let _ = timeout(Duration::from_secs(1), async { while let Some(Ok(_)) = stream.next().await {} }).await;
                        break;
                    }
                    Some(Out::Mute) => {
                        tokio::time::sleep(Duration::from_mins(2)).await;
                        return;
                    }
                    Some(Out::Cut) | None => break,
                },
                message = stream.next() => match message {
                    Some(Ok(Message::Text(text))) => match self.heard(&text) {
                        Ok(Some(reply)) => { let _ = sink.send(Message::text(reply.to_string())).await; }
                        Ok(None) => {}
                        Err(why) => {
                            self.change(|state| state.fault(why));
                            let frame = CloseFrame { code: 1003.into(), reason: "bad message".into() };
                            let _ = sink.send(Message::Close(Some(frame))).await;
                            break;
                        }
                    },
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
            }
        }
        self.change(|state| state.links.remove(&id));
    }

    fn heard(&self, text: &str) -> Result<Option<Value>, String> {
        let value: Value = serde_json::from_str(text).map_err(|_| "a frame is no JSON".to_owned())?;
        match value["type"].as_str() {
            Some("ping") if value["id"].is_string() => Ok(Some(json!({"id": value["id"], "type": "pong"}))),
            Some("ack") => {
                let id = value["messageId"].as_str().ok_or("an ack names nothing")?.to_owned();
                self.change(|state| {
                    // The vendor's kit names the event; the bot framework the message of it.
                    let message = uuid(&id);
                    state.pending.retain(|event, value| {
                        *event != id && value["data"]["activity"]["id"] != message.as_str()
                    });
                });
                Ok(None)
            }
            _ => Err(format!("a frame that nobody expects: {value}")),
        }
    }
}
