"""A write that a person approves: the check of write.mjs."""

import asyncio
import http.client
import os
import re
import subprocess
from urllib.parse import urlencode, urlsplit

from checks import CONFIG, OVER_STDIO, PROGRAM, check, expect, postgres

SQL = "UPDATE shop.reviews SET title = $1 WHERE id = 90002"
OPENED = []


async def elicited(params):
    """For the client's handler of `elicitation/create`, which accepts."""
    OPENED.append(params.url)
    await asyncio.to_thread(approve, params.url, re.search(r"\b\d{6}\b", params.message).group())


def approve(url, code):
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc)
    connection.request("GET", where.path)
    page = connection.getresponse()
    cookie = page.getheader("set-cookie").split(";")[0]
    form = re.search(r'<form[^>]* action="([^"]*/approve)"[^>]*>(.*?)</form>', page.read().decode(), re.S)
    fields = dict(re.findall(r'name="(token|shown)" value="([^"]*)"', form.group(2)))
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "cookie": cookie,
        "origin": f"http://{where.netloc}",
    }
    connection.request("POST", form.group(1), urlencode({**fields, "code": code}), headers)
    answer = connection.getresponse()
    expect(answer.status == 303, f"the page answers {answer.status}")
    connection.close()


async def check_write(driver):
    await check("write", write(driver))


async def write(driver):
    admin = await asyncio.to_thread(postgres, os.environ["ADMIN_DATABASE_URL"])

    def title():
        return admin.run("SELECT title FROM shop.reviews WHERE id = 90002")[0][0]

    try:
        login = urlsplit(os.environ["DATABASE_URL"]).username
        admin.run(f'GRANT UPDATE (title) ON shop.reviews TO "{login}"')
        before, wanted = title(), f"written {os.urandom(8).hex()}"
        answer = await driver.call("execute", {"sql": SQL, "params": [wanted]})
        asked = len(OPENED) > 0
        if answer.content and answer.content["status"] == "approval_required":
            expect(not asked, "the person was asked, and their word is not known")
            expect(title() == before, "written before anybody approved")
            id = answer.content["approval_id"]
            command = [PROGRAM, "approve", id, "--yes", "--config", CONFIG]
            await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
            answer = await driver.call("execute", {"approval_id": id})
        expect(answer.content and answer.content["status"] == "done", answer)
        expect(title() == wanted, title())
        expect(asked == (driver.elicits and OVER_STDIO), f"the client was asked: {asked}")
        if asked:
            print("ok elicitation by URL", flush=True)
        return "by URL" if asked else "by CLI"
    finally:
        admin.close()
