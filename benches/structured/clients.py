"""The Python clients of `cargo bench --bench structured`, each by the best practice of its library.

    clients.py CLIENT < job.json

Everything that can be switched off and costs time is: host keys and certificates are not checked, keys and agents are
not tried, one client with one pool asks all servers at once. Answers are taken as bytes or text; nothing is made of
them that the library does not make by itself.
"""

import asyncio
import json
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor

logging.disable(logging.CRITICAL)


class Ncclient:
    """ncclient on paramiko, a thread per device. On libssh (ssh-python 1.2.0) it did not end with these devices."""

    def __init__(self, job):
        self.filter = ("subtree", job["filter"])

    def open(self, server):
        from ncclient import manager

        return manager.connect(
            host=server["host"],
            port=server["ssh"],
            username=server["username"],
            password=server["password"],
            timeout=60,
            hostkey_verify=False,
            look_for_keys=False,
            allow_agent=False,
        )

    def ask(self, session):
        return session.get(filter=self.filter).xml

    def close(self, session):
        session.close_session()


def scrapli_options(server, transport):
    return {
        "host": server["host"],
        "port": server["ssh"],
        "auth_username": server["username"],
        "auth_password": server["password"],
        "auth_strict_key": False,
        "transport": transport,
        "timeout_ops": 60,
        "timeout_socket": 60,
        "timeout_transport": 60,
    }


class ScrapliSync:
    """scrapli-netconf, a thread per device."""

    def __init__(self, job):
        self.filter = job["filter"]

    def open(self, server):
        from scrapli_netconf.driver import NetconfDriver

        session = NetconfDriver(**scrapli_options(server, self.transport))
        session.open()
        return session

    def ask(self, session):
        response = session.get(filter_=self.filter)
        response.raise_for_status()
        return response.result

    def close(self, session):
        session.close()


class ScrapliParamiko(ScrapliSync):
    transport = "paramiko"


class ScrapliSsh2(ScrapliSync):
    transport = "ssh2"


class ScrapliAsyncssh:
    """scrapli-netconf, one event loop."""

    def __init__(self, job):
        self.filter = job["filter"]

    async def start(self):
        pass

    async def stop(self):
        pass

    async def open(self, server):
        from scrapli_netconf.driver import AsyncNetconfDriver

        session = AsyncNetconfDriver(**scrapli_options(server, "asyncssh"))
        await session.open()
        return session

    async def ask(self, session):
        response = await session.get(filter_=self.filter)
        response.raise_for_status()
        return response.result

    async def close(self, session):
        await session.close()


def url(job, server):
    return f"https://{server['host']}:{server['https']}/restconf/data/{job['path']}"


ACCEPT = {"Accept": "application/yang-data+json"}


class Aiohttp:
    """aiohttp: HTTP/1.1, one session with one pool for all servers."""

    def __init__(self, job):
        self.job = job

    async def start(self):
        import aiohttp

        server = self.job["servers"][0]
        self.client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=False, limit=0),
            auth=aiohttp.BasicAuth(server["username"], server["password"]),
            headers=ACCEPT,
        )

    async def stop(self):
        await self.client.close()

    async def open(self, server):
        return url(self.job, server)

    async def ask(self, session):
        async with self.client.get(session) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def close(self, session):
        pass


class AiohttpJson(Aiohttp):
    async def ask(self, session):
        answer = await super().ask(session)
        json.loads(answer)
        return answer


class Httpx:
    """httpx: one client with one pool for all servers."""

    two = True

    def __init__(self, job):
        self.job = job

    async def start(self):
        import httpx

        server = self.job["servers"][0]
        self.client = httpx.AsyncClient(
            http2=self.two,
            verify=False,
            auth=(server["username"], server["password"]),
            headers=ACCEPT,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            timeout=60,
        )

    async def stop(self):
        await self.client.aclose()

    async def open(self, server):
        return url(self.job, server)

    async def ask(self, session):
        answer = await self.client.get(session)
        answer.raise_for_status()
        return answer.content

    async def close(self, session):
        pass


class HttpxOne(Httpx):
    two = False


CLIENTS = {
    "ncclient": Ncclient,
    "scrapli-asyncssh": ScrapliAsyncssh,
    "scrapli-paramiko": ScrapliParamiko,
    "scrapli-ssh2": ScrapliSsh2,
    "aiohttp": Aiohttp,
    "aiohttp-uvloop": Aiohttp,
    "aiohttp-json": AiohttpJson,
    "httpx": Httpx,
    "httpx-one": HttpxOne,
}


class Measured:
    """Milliseconds over all devices, one figure per round."""

    def __init__(self):
        self.figures = {
            "cold_cpu": [],
            "cold_wall": [],
            "warm_cpu": [],
            "warm_wall": [],
            "interfaces": [0, 0],
            "bytes": 0,
        }

    def begin(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def end(self, what):
        cpu, wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        self.figures[what + "_cpu"].append(cpu * 1000)
        self.figures[what + "_wall"].append(wall * 1000)

    def answers(self, place, answers):
        texts = [one if isinstance(one, str) else one.decode() for one in answers]
        count = sum(text.count("<type") + text.count('"type"') for text in texts)
        self.figures["interfaces"][place] = count
        if place == 0:
            self.figures["bytes"] = sum(len(text.encode()) for text in texts)


def one_question(client, server):
    session = client.open(server)
    answer = client.ask(session)
    client.close(session)
    return answer


def many_questions(client, session, count):
    for _ in range(count):
        answer = client.ask(session)
    return answer


def threads(client, job):
    measured = Measured()
    servers, count = job["servers"], job["questions"]
    with ThreadPoolExecutor(len(servers)) as pool:
        one_question(client, servers[0])  # Imports happen here.
        for _ in range(job["rounds"]):
            measured.begin()
            answers = list(pool.map(lambda server: one_question(client, server), servers))
            measured.end("cold")
        measured.answers(0, answers)
        sessions = list(pool.map(client.open, servers))
        list(pool.map(client.ask, sessions))
        for _ in range(job["rounds"]):
            measured.begin()
            answers = list(pool.map(lambda session: many_questions(client, session, count), sessions))
            measured.end("warm")
        measured.answers(1, answers)
        list(pool.map(client.close, sessions))
    return measured


async def one_question_async(client, server):
    session = await client.open(server)
    answer = await client.ask(session)
    await client.close(session)
    return answer


async def many_questions_async(client, session, count):
    for _ in range(count):
        answer = await client.ask(session)
    return answer


async def loop(client, job):
    measured = Measured()
    servers, count = job["servers"], job["questions"]
    await client.start()
    await one_question_async(client, servers[0])  # Imports happen here.
    await client.stop()
    for _ in range(job["rounds"]):
        measured.begin()
        await client.start()
        answers = await asyncio.gather(*(one_question_async(client, server) for server in servers))
        await client.stop()
        measured.end("cold")
    measured.answers(0, answers)
    await client.start()
    sessions = await asyncio.gather(*(client.open(server) for server in servers))
    await asyncio.gather(*(client.ask(session) for session in sessions))
    for _ in range(job["rounds"]):
        measured.begin()
        answers = await asyncio.gather(
            *(many_questions_async(client, session, count) for session in sessions)
        )
        measured.end("warm")
    measured.answers(1, answers)
    await asyncio.gather(*(client.close(session) for session in sessions))
    await client.stop()
    return measured


def main():
    name, job = sys.argv[1], json.load(sys.stdin)
    client = CLIENTS[name](job)
    if not hasattr(client, "start"):
        measured = threads(client, job)
    elif name.endswith("-uvloop"):
        import uvloop

        measured = uvloop.run(loop(client, job))
    else:
        measured = asyncio.run(loop(client, job))
    print(json.dumps(measured.figures))


main()
