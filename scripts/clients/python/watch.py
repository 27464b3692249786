"""Follows a video: python3 watch.py http://127.0.0.1:8080/v1/videos/final/events"""
import json
import random
import sys
import time

import httpx
from httpx_sse import SSEError, connect_sse


def watch(url, show):
    """httpx-sse reads one stream; coming back, and where from, is ours."""
    last, wait = "", 2.0
    # httpx gives up after 5 s of silence unless told otherwise; Ovation is silent for --beat at most, 15 s.
    with httpx.Client(timeout=httpx.Timeout(10, read=45)) as http:
        while True:
            try:
                headers = {"Last-Event-ID": last} if last else {}
                with connect_sse(http, "GET", url, headers=headers) as stream:
                    status = stream.response.status_code
                    if 400 <= status < 500 and status != 429:
                        stream.response.raise_for_status()  # not allowed, or no such place: no use in repeating
                    for event in stream.iter_sse():
                        if event.retry is not None:
                            wait = event.retry / 1000
                        if event.data:
                            show(event.event, json.loads(event.data))
                        last = event.id or last
            except (httpx.TransportError, SSEError):
                pass  # cut off, restarted, 503
            time.sleep(wait * random.uniform(1, 1.2))


total, comments = 0, {}


def show(event, said):
    global total
    if event in ("snapshot", "likes"):
        total = said["totals"].get("heart", 0)  # absolute: the newest is the truth
        print("total", total, flush=True)
    new = said["comments"] if event == "snapshot" else [said] if event == "comment" else []
    for comment in new:
        if comment["id"] not in comments:  # each once, also after a resumption
            comments[comment["id"]] = comment["text"]
            print("comment", comment["text"], flush=True)
    if event == "retract":
        comments.pop(said["id"], None)
    if event == "reset":
        print("missed some", flush=True)  # a snapshot follows


watch(sys.argv[1], show)
