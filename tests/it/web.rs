//! The web console over HTTP and WebSocket.
