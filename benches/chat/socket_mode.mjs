// The vendor's Socket Mode client for Node, as it comes.
import { createRequire } from "node:module";

const require = createRequire(process.env.NOCBOT_SLACK_NODE + "/package.json");
const { SocketModeClient, LogLevel } = require("@slack/socket-mode");
const clientOptions = { slackApiUrl: process.env.SLACK_API_URL };
await new SocketModeClient({ appToken: "xapp-1", clientOptions, logLevel: LogLevel.ERROR }).start();
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
