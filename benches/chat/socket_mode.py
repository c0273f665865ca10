"""The vendor's Socket Mode client for Python, as it comes."""

import os
import sys

from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient

client = SocketModeClient(app_token="xapp-1", web_client=WebClient(base_url=os.environ["SLACK_API_URL"]))
client.connect()
sys.stdin.read()
os._exit(0)
