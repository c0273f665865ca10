// A small app on the vendor's Bolt: does what its people say and prints what it saw, one JSON object a line.
import { createRequire } from "node:module";

const require = createRequire(process.env.NOCBOT_SLACK_NODE + "/package.json");
const { App, SocketModeReceiver, LogLevel } = require("@slack/bolt");

const clientOptions = { slackApiUrl: process.env.SLACK_API_URL };
const receiver = new SocketModeReceiver({
  appToken: "xapp-1",
  clientPingTimeout: 1000,
  installerOptions: { clientOptions },
  logLevel: LogLevel.ERROR,
});
const app = new App({ token: "xoxb-1", receiver, clientOptions, logLevel: LogLevel.ERROR });
const tell = (saw, more = {}) => process.stdout.write(JSON.stringify({ saw, ...more }) + "\n");

const cell = (text) => ({ type: "raw_text", text });
const blocks = (mark) => [
  { type: "table", block_id: "t" + mark, rows: [[cell("device"), cell("state")], [cell("r1"), cell("up")]] },
  {
    type: "actions",
    block_id: "a" + mark,
    elements: [{ type: "button", action_id: "ask-0", text: { type: "plain_text", text: "again" }, value: "vrf r1" }],
  },
];

app.event("app_mention", async ({ event, client, context }) => {
  const { channel, user, ts, text } = event;
  tell("mention", { text, user, bot: context.botUserId });
  const sent = await client.chat.postMessage({ channel, thread_ts: ts, text: "one", blocks: blocks("") });
  if (text.includes("edit")) {
    await client.chat.update({ channel, ts: sent.ts, text: "two", blocks: blocks("2") });
    await client.chat.postEphemeral({ channel, user, text: "psst" });
    await client.reactions.add({ channel, timestamp: ts, name: "eyes" });
    const found = await client.conversations.replies({ channel, ts });
    tell("thread", { texts: found.messages.map((message) => message.text) });
  }
  if (text.includes("wrong")) {
    const refused = await client.chat.postMessage({ channel, text: "x", thread_ts: "1.1" }).catch((error) => error);
    tell("refused", { error: refused.data.error });
  }
});

app.message(async ({ message, client }) => {
  tell("message", { text: message.text, channel_type: message.channel_type });
  const done = await client.files.uploadV2({
    channel_id: message.channel,
    thread_ts: message.ts,
    content: "a,b\n1,2\n",
    filename: "x.csv",
    title: "x",
  });
  tell("file", { id: done.files[0].files[0].id });
});

app.command("/nocbot", async ({ ack, body, respond }) => {
  await ack({ text: "working", response_type: "ephemeral" });
  tell("command", { text: body.text, user: body.user_id });
  await respond({ text: "done", response_type: "ephemeral" });
});

app.action("ask-0", async ({ ack, body, action, client }) => {
  await ack();
  tell("press", { value: action.value, user: body.user.id });
  await client.chat.postMessage({ channel: body.channel.id, thread_ts: body.message.thread_ts, text: "pressed" });
});

app.error(async (error) => tell("error", { error: String(error) }));
await app.start();
tell("connected");
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
