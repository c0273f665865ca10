"""A small app on the vendor's Bolt: does what its people say and prints what it saw, one JSON object a line."""

import json
import os
import sys
import threading

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

client = WebClient(token="xoxb-1", base_url=os.environ["SLACK_API_URL"])
client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=3))
app = App(client=client)
lock = threading.Lock()


def tell(what, **more):
    with lock:
        print(json.dumps({"saw": what, **more}), flush=True)


def cell(text):
    return {"type": "raw_text", "text": text}


BLOCKS = [
    {"type": "table", "block_id": "t", "rows": [[cell("device"), cell("state")], [cell("r1"), cell("up")]]},
    {
        "type": "actions",
        "block_id": "a",
        "elements": [{"type": "button", "action_id": "ask-0", "text": {"type": "plain_text", "text": "again"}, "value": "vrf r1"}],
    },
]


@app.event("app_mention")
def mention(event, client, context):
    tell("mention", text=event["text"], user=event["user"], bot=context.bot_user_id)
    sent = client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text="one", blocks=BLOCKS)
    if "edit" in event["text"]:
        fresh = [dict(block, block_id=block["block_id"] + "2") for block in BLOCKS]
        client.chat_update(channel=event["channel"], ts=sent["ts"], text="two", blocks=fresh)
        client.chat_postEphemeral(channel=event["channel"], user=event["user"], text="psst")
        client.reactions_add(channel=event["channel"], timestamp=event["ts"], name="eyes")
        found = client.conversations_replies(channel=event["channel"], ts=event["ts"])
        tell("thread", texts=[message["text"] for message in found["messages"]])
    if "wrong" in event["text"]:
        try:
            client.chat_postMessage(channel=event["channel"], text="x", thread_ts="1.1")
        except SlackApiError as error:
            tell("refused", error=error.response["error"])


@app.event("message")
def message(event, client):
    tell("message", text=event["text"], channel_type=event["channel_type"])
    done = client.files_upload_v2(channel=event["channel"], thread_ts=event["ts"], content="a,b\n1,2\n", filename="x.csv", title="x")
    tell("file", id=done["files"][0]["id"])


@app.command("/nocbot")
def command(ack, body, respond):
    ack(text="working", response_type="ephemeral")
    tell("command", text=body["text"], user=body["user_id"])
    respond(text="done", response_type="ephemeral")


@app.action("ask-0")
def press(ack, body, action, client):
    ack()
    tell("press", value=action["value"], user=body["user"]["id"])
    client.chat_postMessage(channel=body["channel"]["id"], thread_ts=body["message"]["thread_ts"], text="pressed")


handler = SocketModeHandler(app, "xapp-1", ping_interval=1)
handler.connect()
tell("connected")
sys.stdin.read()
handler.close()
os._exit(0)
