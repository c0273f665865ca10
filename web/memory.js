// The conversation of this tab, so that a phone that put the page to sleep shows it again.

/** @import {Remembered} from "./types.js" */

const KEY = "nocbot.conversation";
const TURNS = 30;
/** Letters of one answer, and of all of them: browsers allow about five million. */
const ONE = 300_000;
const ALL = 2_000_000;

/** @returns {Remembered[]} */
export function recall() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((turn) => typeof turn?.text === "string") : [];
  } catch {
    return [];
  }
}

/** @param {Remembered[]} turns oldest first */
export function remember(turns) {
  let room = ALL;
  const kept = [];
  for (const turn of turns.slice(-TURNS).reverse()) {
    const size = JSON.stringify(turn).length;
    if (size > ONE) continue;
    room -= size;
    if (room < 0) break;
    kept.unshift(turn);
  }
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Full or forbidden: the conversation then ends with the page.
  }
}
