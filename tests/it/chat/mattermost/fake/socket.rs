//! The WebSocket of the stand-in for Mattermost.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::{BOT, Connection, FakeMattermost, Out, is_id, is_login};
use crate::chat::shared::server::Request;

/// Who has not said by then who they are is cut off.
const LOGIN: Duration = Duration::from_secs(5);

impl FakeMattermost {
    pub(super) async fn link(self: Arc<Self>, request: Request, mut socket: WebSocketStream<TcpStream>) {
        let token = self.change(|state| state.token.clone());
        let by_header = is_login(request.header("authorization"), &token);
        let mut last = 0;
        if !by_header {
            let challenge = timeout(LOGIN, socket.next()).await;
            let Ok(Some(Ok(Message::Text(text)))) = challenge else { return };
            let asked: Value = serde_json::from_str(&text).unwrap_or_default();
            if asked["action"] != "authentication_challenge" || asked["data"]["token"] != token.as_str() {
                return;
            }
            last = asked["seq"].as_u64().unwrap_or(0);
            let reply = json!({"status": "OK", "seq_reply": asked["seq"]});
            if socket.send(Message::text(reply.to_string())).await.is_err() {
                return;
            }
        }
        let Some((id, mut queue)) = self.open(&request, by_header) else { return };
        let (mut sink, mut stream) = socket.split();
        let (every, silence) = self.change(|state| state.pings);
        let mut pings = interval(every);
        pings.tick().await;
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                out = queue.recv() => match out {
                    Some(Out::Text(text)) => if sink.send(Message::text(text)).await.is_err() { break },
                    Some(Out::Close(code)) => {
                        let frame = CloseFrame { code: code.into(), reason: "".into() };
                        let _ = sink.send(Message::Close(Some(frame))).await;
                        return;
                    }
                    Some(Out::Mute) => {
                        // TCP stays, and nothing is ever said or heard again.
                        tokio::time::sleep(Duration::from_mins(2)).await;
                        return;
                    }
                    Some(Out::Cut) | None => return,
                },
                _ = pings.tick() => {
                    if heard.elapsed() > silence {
                        self.change(|state| state.fault("a link was silent for too long"));
                        break;
                    }
                    let _ = sink.send(Message::Ping(Bytes::new())).await;
                }
                message = stream.next() => {
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            let Some(reply) = self.serve(&text, &mut last) else { break };
                            let _ = sink.send(Message::text(reply.to_string())).await;
                        }
                        Some(Ok(Message::Pong(_))) => {
                            heard = Instant::now();
                            self.change(|state| state.pongs += 1);
                        }
                        Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                        Some(Ok(_)) => {}
                    }
                }
            }
        }
        self.change(|state| {
            if let Some(connection) = state.connections.get_mut(&id) {
                connection.link = None;
            }
        });
    }

    /// A connection, known or new; none for one that cannot be.
    fn open(&self, request: &Request, by_header: bool) -> Option<(String, mpsc::UnboundedReceiver<Out>)> {
        let (sender, queue) = mpsc::unbounded_channel();
        let id = request.query.get("connection_id").cloned().unwrap_or_default();
        let next = request.query.get("sequence_number").map(|next| next.parse::<u64>());
        self.change(|state| {
            state.opened += 1;
            if !id.is_empty() && by_header && (!is_id(&id) || !matches!(next, Some(Ok(_)))) {
                state.fault(format!("no link can be taken up as {id} from {next:?}"));
                return None;
            }
            let next = next.and_then(Result::ok).unwrap_or(0);
            // Only who is known by the upgrade itself can take up a link.
            let known = state.connections.get_mut(&id).filter(|connection| {
                by_header
                    && next <= connection.next
                    && (next == connection.next || connection.kept.iter().any(|(seq, _)| *seq == next))
            });
            if let Some(connection) = known {
                for (_, event) in connection.kept.iter().filter(|(seq, _)| *seq >= next) {
                    let _ = sender.send(Out::Text(event.to_string()));
                }
                connection.link = Some(sender);
                state.resumed += 1;
                return Some((id, queue));
            }
            state.connections.remove(&id);
            let id = state.id();
            let data = json!({"connection_id": id, "server_version": "11.0.0", "server_hostname": "h1"});
            let hello = json!({"event": "hello", "data": data, "broadcast": {"user_id": BOT}, "seq": 0});
            let _ = sender.send(Out::Text(hello.to_string()));
            let connection = Connection { next: 1, kept: vec![(0, hello)], link: Some(sender) };
            state.connections.insert(id.clone(), connection);
            Some((id, queue))
        })
    }

    /// The answer to a request; none ends the link.
    fn serve(&self, text: &str, last: &mut u64) -> Option<Value> {
        let Ok(asked) = serde_json::from_str::<Value>(text) else {
            self.change(|state| state.fault("a request is no JSON"));
            return None;
        };
        let seq = asked["seq"].as_u64().unwrap_or(0);
        let fail = |id: &str| {
            self.change(|state| state.fault(format!("{id}: {asked}")));
            Some(
                json!({"status": "FAIL", "error": {"id": id, "message": id, "status_code": 400}, "seq_reply": seq}),
            )
        };
        if seq <= *last {
            return fail("api.web_socket_router.bad_seq.app_error");
        }
        *last = seq;
        match asked["action"].as_str().unwrap_or_default() {
            "" => fail("api.web_socket_router.no_action.app_error"),
            "ping" => Some(json!({"status": "OK", "seq_reply": seq,
                "data": {"text": "pong", "version": "11.0.0", "server_time": 1, "node_id": ""}})),
            "user_typing" if is_id(asked["data"]["channel_id"].as_str().unwrap_or_default()) => {
                if !asked["data"]["parent_id"].is_string() {
                    return fail("api.websocket_handler.invalid_param.app_error");
                }
                self.change(|state| state.typing.push(asked["data"].clone()));
                Some(json!({"status": "OK", "seq_reply": seq}))
            }
            _ => fail("api.web_socket_router.bad_action.app_error"),
        }
    }
}
