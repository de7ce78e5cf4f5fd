"""What the settings page can ask for: each call is JSON in and JSON out (described in `tray.page.server`)."""

import json
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from federator.archive.check.steps import Step
from federator.archive.secrets import vault
from federator.archive.secrets.vault import SecretError
from federator.config import ConfigError
from tray.archives.entries import Keep, NewSecret
from tray.archives.file import ArchivesFileError, ConflictError
from tray.clients.connect import Plan
from tray.clients.files import ClientError
from tray.page import state as page_state
from tray.page.form import Fields, FormError, archive_values, flag, optional_text, text, texts
from tray.page.session import Session, SessionError
from tray.page.state import PageParts

Call = Callable[[Fields], Mapping[str, object]]


class PageApi:
    """The calls of one page."""

    def __init__(self, parts: PageParts, session: Session) -> None:
        self._parts = parts
        self._session = session

    def routes(self) -> list[Route]:
        """One route for each call."""
        calls: dict[str, Call] = {
            "ping": self._ping,
            "state": lambda _: self._state(),
            "close": self._close,
            "archives/save": self._save,
            "archives/remove": self._remove,
            "archives/order": self._order,
            "archives/enable": self._enable,
            "archives/restore": self._restore,
            "clients/plan": self._plan,
            "clients/apply": self._apply,
            "clients/undo": self._undo,
        }
        routes = [Route(f"/api/{name}", _in_thread(call), methods=["POST"]) for name, call in calls.items()]
        routes.append(Route("/api/session", self._redeem, methods=["POST"]))
        routes.append(Route("/api/archives/test", self._test, methods=["POST"]))
        return routes

    async def _redeem(self, request: Request) -> Response:
        try:
            token = self._session.redeem(text(await _fields(request), "nonce"))
        except SessionError as error:
            return JSONResponse({"error": str(error), "over": error.over is not None}, status_code=401)
        except FormError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"token": token})

    def _ping(self, _fields: Fields) -> Mapping[str, object]:
        return {"etag": self._parts.archives.read().etag, "signature": page_state.signature(self._parts)}

    def _state(self) -> Mapping[str, object]:
        return page_state.state(self._parts)

    def _close(self, _fields: Fields) -> Mapping[str, object]:
        self._session.close()
        return {}

    def _save(self, fields: Fields) -> Mapping[str, object]:
        archives = self._parts.archives
        name, etag = optional_text(fields, "name"), optional_text(fields, "etag")
        new_name = optional_text(fields, "new_name")
        values = archive_values(fields)
        typed = optional_text(fields, "secret", strip=False)
        secret = NewSecret(text=typed, keep=_keep(fields)) if typed else None
        if name:
            archives.edit(name, values, secret=secret, new_name=new_name, etag=etag)
        else:
            new_name = new_name or archives.free_name(str(values.get("title") or ""))
            archives.add(new_name, values, secret=secret, etag=etag)
        return {"name": new_name or name, **self._state()}

    def _remove(self, fields: Fields) -> Mapping[str, object]:
        name, etag = text(fields, "name"), optional_text(fields, "etag")
        self._parts.archives.remove(name, forget_secret=flag(fields, "forget_secret", default=True), etag=etag)
        return self._state()

    def _order(self, fields: Fields) -> Mapping[str, object]:
        self._parts.archives.reorder(texts(fields, "names"), etag=optional_text(fields, "etag"))
        return self._state()

    def _enable(self, fields: Fields) -> Mapping[str, object]:
        name, etag = text(fields, "name"), optional_text(fields, "etag")
        self._parts.archives.enable(name, on=flag(fields, "on", default=True), etag=etag)
        return self._state()

    def _restore(self, _fields: Fields) -> Mapping[str, object]:
        self._parts.archives.restore()
        return self._state()

    def _plan(self, fields: Fields) -> Mapping[str, object]:
        plan = self._planned(fields)
        changes = plan.program is not None or any(edit.changes for edit in plan.edits)
        running = self._parts.clients.is_running(plan.client.identifier)
        return {
            "diff": plan.diff,
            "hints": list(plan.hints),
            "etag": plan.etag,
            "changes": changes,
            "running": running,
        }

    def _apply(self, fields: Fields) -> Mapping[str, object]:
        plan = self._planned(fields)
        if plan.etag != text(fields, "etag"):
            raise ConflictError("The settings changed since the change was shown. Please look at it again.")
        message = self._parts.clients.apply(plan, even_if_running=flag(fields, "even_if_running", default=False))
        return {"message": message, **self._state()}

    def _undo(self, fields: Fields) -> Mapping[str, object]:
        return {"message": self._parts.clients.undo(text(fields, "client")), **self._state()}

    def _planned(self, fields: Fields) -> Plan:
        chosen = optional_text(fields, "file")
        plan = self._parts.clients.plan_removal if flag(fields, "remove", default=False) else self._parts.clients.plan
        return plan(text(fields, "client"), chosen=Path(chosen) if chosen else None)

    async def _test(self, request: Request) -> Response:
        try:
            name = text(await _fields(request), "name")
            known = {archive.name for archive in self._parts.board.config().archives}
        except (FormError, ConfigError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        if name not in known:
            return JSONResponse({"error": f"There is no archive named '{name[:40]}'."}, status_code=404)
        return StreamingResponse(self._steps(name), media_type="application/x-ndjson")

    async def _steps(self, name: str) -> AsyncIterator[str]:
        """The steps of a test as lines of JSON while they are done, then what the archive's card shows."""
        steps: queue.SimpleQueue[Step | None] = queue.SimpleQueue()

        def test() -> None:
            try:
                self._parts.board.test(name, on_step=steps.put)
            finally:
                steps.put(None)

        threading.Thread(target=test, name="page test", daemon=True).start()
        while (step := await anyio.to_thread.run_sync(steps.get, abandon_on_cancel=True)) is not None:
            yield json.dumps({"step": asdict(step)}, ensure_ascii=False) + "\n"
        yield json.dumps({"archive": page_state.card(self._parts, name)}, ensure_ascii=False) + "\n"


def _keep(fields: Fields) -> Keep:
    asked = optional_text(fields, "keep") or Keep.STORE.value
    if asked not in set(Keep):
        raise FormError("This is no place to keep a secret.", field="keep")
    return Keep(asked)


async def _fields(request: Request) -> Fields:
    try:
        content = json.loads(await request.body())
        json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair is no text, and could not be answered
    except (ValueError, RecursionError) as error:
        raise FormError("This is not JSON.") from error
    if not isinstance(content, dict):
        raise FormError("This is not a JSON object.")
    return content


def _in_thread(call: Call) -> Callable[[Request], Awaitable[Response]]:
    """The call in a worker thread, for files and secret stores may be slow; what it refuses becomes a status."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(dict(await anyio.to_thread.run_sync(call, await _fields(request))))
        except FormError as error:
            return JSONResponse({"error": str(error), "field": error.field}, status_code=400)
        except ConflictError as error:
            return JSONResponse({"error": str(error), "conflict": True}, status_code=409)
        except ArchivesFileError as error:
            faults = [{"field": fault.key.rpartition(".")[2], "message": fault.message} for fault in error.faults]
            return JSONResponse({"error": str(error), "faults": faults}, status_code=422)
        except SecretError as error:
            told = str(error)
            store = await anyio.to_thread.run_sync(vault.store_state)
            return JSONResponse(
                {"error": told[:1].upper() + told[1:], "field": "secret", "store": store}, status_code=422
            )
        except (ClientError, ConfigError) as error:
            return JSONResponse({"error": str(error)}, status_code=422)

    return answer
