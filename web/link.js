// The connection: opens it, watches it, opens it again, and never says that it is there when it is not.

/** @import {Reply, Request} from "./types.js" */

/** @typedef {"connecting" | "online" | "offline" | "locked"} State */

/**
 * How long to wait before the next try, in milliseconds: doubling to half a minute, with a random
 * part so that a hundred consoles do not come back in the same instant.
 * @param {number} attempt from 0
 * @param {number} random from 0 to 1
 */
export function backoff(attempt, random) {
  return Math.min(30_000, 500 * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2);
}

const HANDSHAKE = 8000;

export class Link {
  /** @type {State} */
  state = "connecting";
  /** When the next try is due, as `Date.now()`. */
  due = 0;
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  #heartbeat = 20_000;
  #heard = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {(reply: Reply) => void} onReply
   * @param {(state: State) => void} onState
   */
  constructor(onReply, onState) {
    this.onReply = onReply;
    this.onState = onState;
    addEventListener("online", () => this.retry());
    addEventListener("offline", () => this.#drop());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      this.#watch();
      this.retry();
    });
    setInterval(() => this.#watch(), 1000);
  }

  /** Tries at once, unless it is connected or already trying. */
  retry() {
    if (this.state === "offline") this.connect();
  }

  /** Asks whether a token is needed, then opens the WebSocket. */
  async connect() {
    clearTimeout(this.#timer);
    this.#set("connecting");
    try {
      const session = await fetch("/session", { signal: AbortSignal.timeout(HANDSHAKE), cache: "no-store" });
      if (session.status === 401) return this.#set("locked");
      if (!session.ok) throw new Error(String(session.status));
    } catch {
      return this.#later();
    }
    this.#open();
  }

  /**
   * False when it could not be sent.
   * @param {Request} request
   */
  send(request) {
    if (this.state !== "online" || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(request));
    return true;
  }

  #open() {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket`);
    this.#socket = socket;
    this.#heard = Date.now();
    socket.addEventListener("message", (event) => {
      if (socket !== this.#socket) return;
      this.#heard = Date.now();
      /** @type {Reply} */
      const reply = JSON.parse(event.data);
      if (reply.hello) {
        this.#heartbeat = reply.hello.heartbeat;
        this.#attempt = 0;
        this.#set("online");
      }
      this.onReply(reply);
    });
    socket.addEventListener("close", () => {
      if (socket === this.#socket) this.#drop();
    });
  }

  /** A phone that changes networks is told nothing; silence is the only sign. */
  #watch() {
    if (!this.#socket) return;
    const patience = this.state === "online" ? this.#heartbeat * 2.5 : HANDSHAKE;
    if (Date.now() - this.#heard > patience) this.#drop();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    if (this.state !== "locked" && (socket || this.state === "online")) this.#later();
  }

  #later() {
    const wait = backoff(this.#attempt++, Math.random());
    this.due = Date.now() + wait;
    this.#timer = setTimeout(() => this.connect(), wait);
    this.#set("offline");
  }

  /** @param {State} state */
  #set(state) {
    this.state = state;
    this.onState(state);
  }
}
