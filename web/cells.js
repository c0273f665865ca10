// How a cell is written, aligned and compared: the one place that knows the types of columns.

/** @import {Cell, Column} from "./types.js" */

const RIGHT = new Set(["int", "number", "asn", "duration"]);

/** @param {Column} column */
export function isRight(column) {
  return RIGHT.has(column.type);
}

/**
 * The cell as people read it; an empty cell is the empty text.
 * @param {Cell | undefined} cell
 * @returns {string}
 */
export function show(cell) {
  const value = cell?.value;
  if (!cell || value === null || value === undefined) return "";
  switch (cell.type) {
    case "number":
      return String(Math.round(Number(value) * 100) / 100);
    case "mac":
      return /** @type {number[]} */ (value).map((byte) => byte.toString(16).padStart(2, "0")).join(":");
    case "duration":
      return duration(seconds(value));
    case "list":
      return /** @type {Cell[]} */ (value).map(show).join(", ");
    default:
      return String(value);
  }
}

/** @param {unknown} value */
function seconds(value) {
  const { secs, nanos } = /** @type {{secs: number, nanos: number}} */ (value);
  return secs + nanos / 1e9;
}

/**
 * `1.234 ms` below a second, `hh:mm:ss` below a day, then `3d04h`, from 100 days on `412d`.
 * @param {number} time in seconds
 */
export function duration(time) {
  if (time > 0 && time < 1) return `${(time * 1000).toFixed(3)} ms`;
  const whole = Math.floor(time);
  const days = Math.floor(whole / 86400);
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const hours = two(Math.floor(whole / 3600) % 24);
  if (days >= 100) return `${days}d`;
  if (days > 0) return `${days}d${hours}h`;
  return `${hours}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/**
 * How a state is to be shown: `good`, `trouble`, or nothing where the column does not say what is good.
 * @param {Column} column
 * @param {string} text
 */
export function mood(column, text) {
  if (column.type !== "state" || !column.good?.length || text === "") return "";
  const lower = text.toLowerCase();
  return column.good.some((good) => good.toLowerCase() === lower) ? "good" : "trouble";
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/**
 * Orders two cells; empty ones come last, whatever the direction.
 * @param {Cell | undefined} a
 * @param {Cell | undefined} b
 * @param {number} direction 1 or -1
 */
export function compare(a, b, direction) {
  const [left, right] = [key(a), key(b)];
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  if (typeof left === "number" && typeof right === "number") return direction * (left - right);
  if (typeof left !== typeof right) return typeof left === "number" ? -direction : direction;
  return direction * collator.compare(String(left), String(right));
}

/**
 * @param {Cell | undefined} cell
 * @returns {number | string | null}
 */
function key(cell) {
  if (!cell || cell.value === null || cell.value === undefined) return null;
  switch (cell.type) {
    case "int":
    case "number":
      return Number(cell.value);
    case "duration":
      return seconds(cell.value);
    case "ip":
    case "prefix":
      return address(String(cell.value));
    default:
      return show(cell);
  }
}

/**
 * An address so that its text sorts as its number does; IPv4 before IPv6.
 * @param {string} text
 */
function address(text) {
  const [host = "", length = ""] = text.split("/");
  if (!host.includes(":")) {
    return "a" + host.split(".").map((byte) => byte.padStart(3, "0")).join("") + length.padStart(3, "0");
  }
  const [head = "", tail = ""] = host.split("::");
  const front = head.split(":").filter(Boolean);
  const back = tail.split(":").filter(Boolean);
  const zeros = host.includes("::") ? Array(Math.max(0, 8 - front.length - back.length)).fill("0") : [];
  // Letters only, so that the collator does not read digits as numbers.
  const letters = (/** @type {string} */ group) =>
    group.padStart(4, "0").replace(/[0-9a-f]/g, (digit) => String.fromCharCode(97 + parseInt(digit, 16)));
  return "b" + [...front, ...zeros, ...back].map(letters).join("") + "/" + length.padStart(3, "0");
}

/**
 * How many cells of a fixed-width font a text takes, about: wide letters count twice.
 * @param {string} text
 */
export function width(text) {
  let cells = 0;
  for (const letter of text) cells += (letter.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1;
  return cells;
}
