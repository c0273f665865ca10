// The conversation: what is typed goes out, what comes back finds its place.

/** @import {Hello, Reply} from "./types.js" */

import { summarise } from "./answer.js";
import { button, count, find, h } from "./dom.js";
import { Link } from "./link.js";
import { login } from "./login.js";
import { recall, remember } from "./memory.js";
import { NocPalette, openPalette } from "./palette.js";
import { NocPrompt } from "./prompt.js";
import { Suggestion } from "./prose.js";
import { NocTurn } from "./turn.js";

const conversation = find("#conversation", HTMLElement);
const list = find("#turns", HTMLOListElement);
const welcome = find("#welcome", NocPalette);
const prompt = find("noc-prompt", NocPrompt);
const banner = find("#banner", HTMLElement);
const newest = find("#newest", HTMLButtonElement);
const said = find("#said", HTMLElement);

/** Turns in the page; older ones give way. */
const TURNS = 100;
/** @type {Map<string, NocTurn>} questions in flight, by id */
const flying = new Map();
/** @type {Hello | null} */
let hello = null;
/** Whether the end of the conversation is to stay in view. */
let pinned = true;
let questions = 0;

const link = new Link(hear, stateChanged);

// ---- out

/**
 * False when it cannot be asked now; the banner says why.
 * @param {string} text
 */
function ask(text) {
  const most = hello?.message ?? 16384;
  const id = `q${++questions}`;
  const request = { ask: { id, text } };
  const size = new TextEncoder().encode(JSON.stringify(request)).length;
  if (size <= most && !link.send(request)) {
    link.retry();
    tell("No connection. The question stays in the line until there is one.");
    return false;
  }
  const turn = add(text, Date.now());
  prompt.remember(text);
  if (size > most) {
    turn.lost(`the question has ${count(size, "byte")}, and ${count(most, "byte")} are the most`);
  } else {
    flying.set(id, turn);
    turn.wait(() => link.send({ cancel: { id } }));
  }
  toEnd();
  return true;
}

prompt.onAsk = ask;
prompt.onComplete = (/** @type {string} */ id, /** @type {string} */ text) => void link.send({ complete: { id, text } });
document.addEventListener("noc-suggest", (event) => {
  if (!(event instanceof Suggestion)) return;
  if (!event.ask || !ask(event.text)) prompt.write(event.text);
});
find("#verbs", HTMLButtonElement).addEventListener("click", () => {
  if (hello) openPalette(hello);
});

// ---- in

/** @param {Reply} reply */
function hear(reply) {
  if (reply.hello) greet(reply.hello);
  if (reply.progress) flying.get(reply.progress.id)?.progress(reply.progress);
  if (reply.completions) prompt.complete(reply.completions.id, reply.completions.items);
  if (reply.answer) {
    const { id, answer } = reply.answer;
    end(id, (turn) => turn.done(answer, isVerb), () => `${answer.question}: ${summarise(answer)}`);
  }
  if (reply.error) {
    const { id, message, hints } = reply.error;
    if (id === null) tell([message, ...hints].join(". "));
    else end(id, (turn) => turn.lost(message, hints), (turn) => `${turn.text}: ${message}`);
  }
}

/** @param {Hello} found */
function greet(found) {
  hello = found;
  find("#devices", HTMLElement).textContent = count(found.devices, "device");
  welcome.show(found);
}

/** @param {string} word */
function isVerb(word) {
  return hello?.verbs.some((verb) => verb.name === word || verb.aliases.includes(word)) ?? false;
}

/**
 * @param {string} id
 * @param {(turn: NocTurn) => void} finish
 * @param {(turn: NocTurn) => string} announce
 */
function end(id, finish, announce) {
  const turn = flying.get(id);
  if (!turn) return;
  flying.delete(id);
  const follow = pinned;
  finish(turn);
  said.textContent = announce(turn);
  keep();
  if (follow) reveal(turn);
  else newest.hidden = false;
}

// ---- the list

/**
 * @param {string} text
 * @param {number} at
 */
function add(text, at) {
  welcome.hidden = true;
  const turn = new NocTurn();
  turn.ask(text, at);
  list.append(h("li", {}, turn));
  while (list.children.length > TURNS) list.firstElementChild?.remove();
  return turn;
}

function keep() {
  remember([...list.querySelectorAll("noc-turn")].flatMap((turn) => (turn instanceof NocTurn ? [turn.remembered()] : [])));
}

function nearEnd() {
  return conversation.scrollHeight - conversation.clientHeight - conversation.scrollTop < 8;
}

function toEnd() {
  pinned = true;
  newest.hidden = true;
  conversation.scrollTop = conversation.scrollHeight;
}

/**
 * The end of the answer, or its beginning when it is taller than the view.
 * @param {NocTurn} turn
 */
function reveal(turn) {
  toEnd();
  const over = conversation.getBoundingClientRect().top - turn.getBoundingClientRect().top;
  if (over <= 0 || turn !== list.lastElementChild?.firstElementChild) return;
  pinned = false;
  conversation.scrollTop -= over + 12;
}

newest.addEventListener("click", toEnd);
conversation.addEventListener("scroll", () => {
  pinned = nearEnd();
  if (pinned) newest.hidden = true;
}, { passive: true });
// Whatever grows, or leaves less room, does not push the end out of sight.
const growth = new ResizeObserver(() => {
  if (pinned && !list.matches(":empty")) conversation.scrollTop = conversation.scrollHeight;
});
growth.observe(list);
growth.observe(conversation);

// ---- the connection

/** @param {string} text */
function tell(text) {
  banner.hidden = false;
  banner.replaceChildren(h("span", {}, text), button("Dismiss", () => (banner.hidden = true), { class: "quiet" }));
}

/** @param {import("./link.js").State} state */
function stateChanged(state) {
  const sign = find("#state", HTMLElement);
  sign.dataset.state = state;
  find("#state .word", HTMLElement).textContent = state;
  prompt.online = state === "online";
  if (state === "online") {
    banner.hidden = true;
    banner.replaceChildren();
  } else if (state === "locked") {
    banner.hidden = true;
    login(() => link.connect());
  } else if (state === "offline") {
    countdown();
  }
  if (state !== "online") {
    for (const turn of flying.values()) {
      turn.lost("the connection was lost before the answer came");
    }
    if (flying.size > 0) keep();
    flying.clear();
  }
}

/** Says when the next try is due, for as long as there is no connection. */
function countdown() {
  // Said once, not at every try.
  if (banner.querySelector("#countdown") && !banner.hidden) return;
  const words = h("span", { id: "countdown", "aria-hidden": "true" });
  const tick = () => {
    if (link.state === "online" || !words.isConnected) return;
    const seconds = Math.max(0, Math.ceil((link.due - Date.now()) / 1000));
    words.textContent = seconds > 0 ? `: next try in ${seconds} s` : ": trying";
    setTimeout(tick, 500);
  };
  banner.hidden = false;
  banner.replaceChildren(
    h("span", {}, h("strong", {}, "No connection"), words),
    button("Try now", () => link.retry(), { class: "quiet" }),
  );
  tick();
}

// ---- the beginning

for (const { text, at, answer } of recall()) {
  const turn = add(text, at);
  if (answer) turn.done(answer, () => false);
  else turn.lost("the page was closed before the answer came");
}
toEnd();
link.connect();
prompt.focus();

// Typing anywhere goes to the line.
document.addEventListener("keydown", (event) => {
  const plain = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (plain && document.activeElement === document.body) prompt.focus();
});

// iOS lays its keyboard over the page; only this tells how much is left.
const viewport = window.visualViewport;
viewport?.addEventListener("resize", () => {
  document.documentElement.style.setProperty("--view", `${viewport.height}px`);
});
