// The shapes of the messages; src/web/socket.rs has them in words.

/**
 * @typedef {null | {type: string, value?: unknown}} Cell
 * @typedef {{name: string, type: string, good?: string[]}} Column
 * @typedef {{columns: Column[], rows: Cell[][]}} Table
 * @typedef {{device: string, kind: string, message: string, hint?: string | null, partial?: string | null}} Failure
 * @typedef {{source: string, line: number, column: number, excerpt: string}} Place
 *
 * @typedef {{block: "table", title?: string, table: Table}} TableBlock
 * @typedef {{block: "code", title: string, text: string}} CodeBlock
 * @typedef {{block: "text", text: string}} TextBlock
 * @typedef {{block: "error", message: string, place?: Place, hints: string[]}} ErrorBlock
 * @typedef {TableBlock | CodeBlock | TextBlock | ErrorBlock} Block
 *
 * @typedef {object} Answer
 * @property {string} id
 * @property {string} question
 * @property {"ok" | "partial" | "failed" | "refused"} status
 * @property {Block[]} blocks
 * @property {Failure[]} failures
 * @property {string[]} notes
 * @property {number} devices
 * @property {number} took_ms
 * @property {"csv" | "json" | "text"} [file]
 *
 * @typedef {object} Progress
 * @property {string} id
 * @property {string} job
 * @property {string} question
 * @property {number} done
 * @property {number} total
 * @property {string[]} waiting
 * @property {string[]} lines
 *
 * @typedef {{text: string, start: number, help: string}} Completion
 * @typedef {{name: string, aliases: string[], help: string, examples: string[]}} Verb
 * @typedef {{version: string, devices: number, message: number, questions: number, heartbeat: number, verbs: Verb[]}} Hello
 *
 * @typedef {object} Reply
 * @property {Hello} [hello]
 * @property {Progress} [progress]
 * @property {{id: string, answer: Answer}} [answer]
 * @property {{id: string, items: Completion[]}} [completions]
 * @property {{id: string | null, message: string, hints: string[]}} [error]
 * @property {{}} [beat]
 *
 * @typedef {{ask: {id: string, text: string}} | {cancel: {id: string}} | {complete: {id: string, text: string}}} Request
 *
 * What the conversation remembers of a question.
 * @typedef {{text: string, at: number, answer: Answer | null}} Remembered
 */

export {};
