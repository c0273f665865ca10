"""The reference implementation, asked by the tests. Answers are JSON lines on standard output.

dump.py jobs TEMPLATES TESTS       every sample through each of its templates: the bare machine's rows
dump.py outputs TEMPLATES TESTS    every sample through the index and the table that the collection returns
dump.py lookups TEMPLATES          "platform<TAB>command" lines on standard input: the template of each
dump.py regex                      {"pattern", "text"} lines on standard input: what `re.match` makes of each
dump.py templates                  {"template", "text"} lines on standard input: the rows of each
dump.py batch                      {"template", "raw"} paths on standard input: the records of each
dump.py bench TEMPLATES TESTS [N]  milliseconds: each job's least of N, templates compiled, added up
"""

import gc
import io
import json
import os
import pathlib
import re
import signal
import sys
import time
import warnings

import textfsm
from textfsm import clitable

warnings.simplefilter("ignore")


class TooSlow(Exception):
    """A match took longer than a second."""


def too_slow(*_):
    raise TooSlow


def say(answer):
    print(json.dumps(answer, ensure_ascii=False))


def samples(tests):
    """Every sample with its platform and command."""
    for raw in sorted(pathlib.Path(tests).glob("*/*/*.raw")):
        if raw.with_suffix(".yml").exists():
            yield raw, raw.parent.parent.name, raw.parent.name.replace("_", " ")


def template_of(index, platform, command):
    row = index.GetRowMatch({"Platform": platform, "Command": command})
    return index.index[row]["Template"] if row else None


def jobs(templates, tests):
    """Every (template, sample) pair."""
    index = clitable.CliTable("index", templates).index
    for raw, platform, command in samples(tests):
        text = raw.read_text(encoding="utf-8")
        for name in (template_of(index, platform, command) or "").split(":"):
            if name:
                yield name, raw, text


def compiled(templates, known={}):
    def get(name):
        if name not in known:
            with open(os.path.join(templates, name), encoding="utf-8") as file:
                known[name] = textfsm.TextFSM(file)
        return known[name]

    return get


def parse(machine, text):
    machine.Reset()
    return machine.ParseText(text)


def dump_jobs(templates, tests):
    get = compiled(templates)
    for name, raw, text in jobs(templates, tests):
        answer = {"template": name, "raw": str(raw.relative_to(tests))}
        try:
            answer["rows"] = parse(get(name), text)
        except textfsm.TextFSMError as error:
            answer["error"] = str(error)
        say(answer)


def dump_outputs(templates, tests):
    for raw, platform, command in samples(tests):
        table = clitable.CliTable("index", templates)
        text = raw.read_text(encoding="utf-8")
        answer = {"platform": platform, "command": command, "raw": str(raw.relative_to(tests))}
        try:
            table.ParseCmd(text, {"Platform": platform, "Command": command})
            answer["header"] = [name.lower() for name in table.header]
            answer["rows"] = [list(row) for row in table]
        except (clitable.CliTableError, textfsm.TextFSMError) as error:
            answer["error"] = str(error)
        say(answer)


def dump_lookups(templates):
    index = clitable.CliTable("index", templates).index
    for line in sys.stdin:
        platform, command = line.rstrip("\n").split("\t")
        say(template_of(index, platform, command))


def limited(work):
    """The answer of `work`, or that it is an error or too slow."""
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        return work()
    except TooSlow:
        return {"slow": True}
    except Exception as error:  # whatever the reference raises is a refusal
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def dump_regex():
    signal.signal(signal.SIGALRM, too_slow)
    for line in sys.stdin:
        ask = json.loads(line)

        def work():
            match = re.compile(ask["pattern"]).match(ask["text"])
            return {"groups": match and [match.group(0), *match.groups()]}

        say(limited(work))


def dump_templates():
    signal.signal(signal.SIGALRM, too_slow)
    for line in sys.stdin:
        ask = json.loads(line)

        def work():
            machine = textfsm.TextFSM(io.StringIO(ask["template"], newline=None))
            try:
                return {"rows": parse(machine, io.StringIO(ask["text"], newline=None).read())}
            except (textfsm.TextFSMError, TypeError) as error:
                return {"failure": str(error)}

        say(limited(work))


def bench(templates, tests, rounds="5"):
    get = compiled(templates)
    work = [(get(name), text) for name, _, text in jobs(templates, tests)]
    gc.collect()
    gc.freeze()
    gc.disable()
    total = longest = 0.0
    for machine, text in work:
        least = None
        for _ in range(int(rounds)):
            start = time.perf_counter()
            parse(machine, text)
            took = time.perf_counter() - start
            least = took if least is None else min(least, took)
            if took > 0.5:
                break
        total += least
        if least > 0.5:
            longest += least
    say({"jobs": len(work), "ms": total * 1000, "pathological_ms": longest * 1000})


def batch():
    get = compiled("/")
    for line in sys.stdin:
        job = json.loads(line)
        machine = get(job["template"])
        with open(job["raw"], encoding="utf-8") as file:
            rows = parse(machine, file.read())
        say({"records": [dict(zip(machine.header, row)) for row in rows]})


COMMANDS = {
    "batch": batch,
    "jobs": dump_jobs,
    "outputs": dump_outputs,
    "lookups": dump_lookups,
    "regex": dump_regex,
    "templates": dump_templates,
    "bench": bench,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
