"""A bot on the framework that people use for Webex: does what it is told, and says what came of it."""
import json
import sys
import tempfile
import threading

import websockets
import webex_bot.websockets.webex_websocket_client as link
from webex_bot.models.command import Command
from webex_bot.models.response import Response
from webex_bot.webex_bot import WebexBot
from webexpythonsdk import ApiError, WebexAPI

base, token = sys.argv[1:3]
lock = threading.Lock()


def say(**line):
    with lock:
        print(json.dumps(line), flush=True)


# The framework knows the platform's own addresses only, and TLS.
real = websockets.connect


def connect(url, ssl=None, additional_headers=None, **more):
    say(connecting=url.rsplit("/", 1)[-1])
    return real(url, additional_headers=additional_headers, **more)


link.DEFAULT_U2C_URL = f"http://{base}/u2c/api/v1/catalog"
link.WebexAPI = lambda **more: WebexAPI(base_url=f"http://{base}/v1/", **more)
websockets.connect = connect

CARD = {
    "type": "AdaptiveCard",
    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
    "version": "1.3",
    "body": [{"type": "TextBlock", "text": "which device?"}, {"type": "Input.Text", "id": "text"}],
    "actions": [{"type": "Action.Submit", "title": "ask", "data": {"callback_keyword": "pressed"}}],
}


class Does(Command):
    def __init__(self, word, doing, **more):
        super().__init__(command_keyword=word, help_message=word, **more)
        self.word, self.doing = word, doing

    def execute(self, message, attachment_actions, activity):
        say(heard=activity["id"], word=self.word, direct="ONE_ON_ONE" in activity["target"]["tags"])
        try:
            return self.doing(attachment_actions, activity)
        except Exception as error:
            say(did=self.word, failed=repr(error))
            return None


def card(message, activity):
    answer = Response()
    answer.text = "a card"
    answer.attachments = {"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD}
    return answer


def attach(message, activity):
    with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False) as file:
        file.write("a,b\n1,2\n")
    answer = Response()
    answer.text = "a file"
    answer.files = file.name
    return answer


def rewrite(message, activity):
    sent = bot.teams.messages.create(roomId=message.roomId, markdown="first", parentId=message.id)
    again = bot.teams.messages.update(messageId=sent.id, roomId=message.roomId, markdown="**second**")
    say(did="rewrite", id=again.id)


def refused(word, **more):
    def doing(message, activity):
        try:
            bot.teams.messages.create(roomId=message.roomId, **more)
        except ApiError as error:
            say(did=word, status=error.status_code, tracking=error.response.headers.get("trackingId"))

    return doing


def deep(message, activity):
    sent = bot.teams.messages.create(roomId=message.roomId, markdown="a reply", parentId=message.id)
    try:
        bot.teams.messages.create(roomId=message.roomId, markdown="a reply to it", parentId=sent.id)
    except ApiError as error:
        say(did="deep", status=error.status_code)


def look(message, activity):
    found = list(bot.teams.messages.list(roomId=message.roomId, mentionedPeople="me", max=50))
    try:
        list(bot.teams.messages.list(roomId=message.roomId, max=50))
        status = 200
    except ApiError as error:
        status = error.status_code
    say(did="look", found=[one.id for one in found], status=status)


bot = WebexBot(token, bot_name="nocbot", log_level="ERROR")
for command in [
    Does("answer", lambda message, activity: "```\nan answer\n```"),
    Does("cardplease", card),
    Does("pressing", lambda action, activity: f"pressed with {action.inputs['text']}", card_callback_keyword="pressed"),
    Does("attach", attach),
    Does("rewrite", rewrite),
    Does("toolong", refused("toolong", markdown="\u00e9" * 3720)),
    Does("nothing", refused("nothing", text="")),
    Does("deep", deep),
    Does("look", look),
]:
    bot.add_command(command)
say(ready=True)
bot.run()
