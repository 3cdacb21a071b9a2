"""A client of the Kasetsu daemon for robots and scripts: one file, Python 3.9 or newer, standard library only.

    from kasetsu_client import Client
    lab = Client("http://127.0.0.1:8765", client="robot-1", spool="/var/spool/kasetsu")
    for proposal in lab.proposals("ocm"):
        lab.claim(proposal["id"])
        ...
        lab.post_measurements("ocm", source="rig-1", run="2026-11-22/1", rows=[...])

Nothing that is posted is lost while the daemon is down: a delivery is written to the spool folder first, with its
idempotency key, and removed when the daemon has answered for good. Posting again is harmless: the same delivery
twice has one effect. Without a spool folder, a delivery is retried until `patience_s` has passed.
"""
import hashlib
import http.client
import json
import math
import os
import random
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

__all__ = ["Client", "Refused", "Unreachable"]


_BUSY = (429, 500, 502, 503, 504, 507)  # answers that another try may change


class Refused(Exception):
    """The daemon understood the request and said no: a problem document (RFC 9457)."""

    def __init__(self, status, problem):
        self.status = status
        self.problem = problem if isinstance(problem, dict) else {"detail": str(problem)}
        super().__init__(f"{status} {self.problem.get('title', '')}: {self.problem.get('detail', '')}".strip(": "))


class Unreachable(Exception):
    """No answer from the daemon within the client's patience."""


class Client:
    """url: of the daemon. client: the name that leases are given to; the same name after a restart gets its own
    leases back. token: bearer token, or None on a daemon without tokens. spool: folder for deliveries that wait.
    patience_s: how long a request is retried while the daemon does not answer, or answers that it is busy."""

    def __init__(self, url="http://127.0.0.1:8765", client="python", token=None, spool=None, patience_s=120.0,
                 timeout_s=60.0, sleep=time.sleep, clock=time.monotonic):
        self.url = url.rstrip("/")
        self.client = client
        self.token = token
        self.spool = spool
        self.patience_s = patience_s
        self.timeout_s = timeout_s
        self._sleep = sleep
        self._clock = clock
        if spool:
            os.makedirs(spool, mode=0o700, exist_ok=True)

    # -- campaigns ---------------------------------------------------------------------------------------------

    def apply_campaign(self, toml_text):
        return self.request("POST", "/v1/campaigns", toml_text.encode("utf-8"), "application/toml",
                            key=_digest("campaign", toml_text))

    def campaign(self, name):
        return self.request("GET", f"/v1/campaigns/{_quote(name)}")

    # -- measurements ------------------------------------------------------------------------------------------

    def post_measurements(self, campaign, source, run, rows, key=None, revise=False):
        """Posts one delivery and returns the daemon's verdict on each row. The idempotency key is made from the
        content unless one is given. revise: rows that are known with other content are corrections.

        Numbers may be those of numpy or decimal. A value that is NaN or infinite counts as not measured; a row
        without any other value is not sent, and its verdict is "not_measured" with the reason."""
        sent, places, unmeasured = [], [], []
        for place, row in enumerate(rows):
            row = _plain(row)
            values = row.get("values") if isinstance(row, dict) else None
            empty = isinstance(values, dict) and values and all(_value_of(v) is None for v in values.values())
            if empty:
                unmeasured.append({"row": place, "verdict": "not_measured",
                                   "reason": "no number for " + ", ".join(sorted(values))})
            else:
                sent.append(row)
                places.append(place)
        if not sent:
            return {"ingest": None, "replayed": False, "accepted": 0, "flagged": 0, "duplicate": 0,
                    "quarantined": 0, "rows": unmeasured}
        delivery = {"source": source, "run": run, "rows": sent}
        if revise:
            delivery["revise"] = True
        body = json.dumps(delivery, sort_keys=True, allow_nan=False)
        key = key or _digest("measurements", campaign, body)
        path = f"/v1/campaigns/{_quote(campaign)}/measurements"
        waiting = self._spool_write(path, key, body)
        answer = self._deliver(path, key, body, waiting)
        if unmeasured:
            answer["rows"] = sorted([{**row, "row": places[row["row"]]} for row in answer["rows"]] + unmeasured,
                                    key=lambda row: row["row"])
        return answer

    def flush(self):
        """Sends what waits in the spool, oldest first; returns how many deliveries were settled. A delivery that
        the daemon refuses for good is kept beside the spool as `.refused` with the reason."""
        settled = 0
        for name in sorted(os.listdir(self.spool)) if self.spool else []:
            if not name.endswith(".json"):
                continue
            path = os.path.join(self.spool, name)
            try:
                with open(path, encoding="utf-8") as file:
                    waiting = json.load(file)
                where, key, body = waiting["path"], waiting["key"], waiting["body"]
            except FileNotFoundError:
                continue  # another process of this robot was quicker
            except (ValueError, KeyError):
                os.rename(path, path[:-5] + ".unreadable")  # no file of this client: for a person to look at
                continue
            try:
                self._deliver(where, key, body, path)
            except Refused:
                if os.path.exists(path):
                    continue
            settled += 1
        return settled

    # -- proposals ---------------------------------------------------------------------------------------------

    def proposals(self, campaign, state="REQUESTED"):
        query = urllib.parse.urlencode({"state": state, "limit": 500})
        token, found = "", []
        while True:
            page = self.request("GET", f"/v1/campaigns/{_quote(campaign)}/proposals?{query}"
                                + (f"&page_token={_quote(token)}" if token else ""))
            found += page["proposals"]
            token = page.get("next_page_token") or ""
            if not token:
                return found

    def recommend(self, campaign, batch_size):
        return self.request("POST", f"/v1/campaigns/{_quote(campaign)}:recommend",
                            {"batch_size": batch_size, "client": self.client}, key=_digest(os.urandom(16).hex()))

    def claim(self, proposal, lease_s=3600):
        return self._verb(proposal, "claim", {"lease_s": lease_s})

    def heartbeat(self, proposal, lease_s=3600):
        return self._verb(proposal, "heartbeat", {"lease_s": lease_s})

    def release(self, proposal):
        return self._verb(proposal, "release", {})

    def fail(self, proposal, reason):
        return self._verb(proposal, "fail", {"reason": reason})

    def infeasible(self, proposal, reason):
        return self._verb(proposal, "infeasible", {"reason": reason})

    # -- models and jobs ---------------------------------------------------------------------------------------

    def models(self, campaign):
        return self.request("GET", f"/v1/campaigns/{_quote(campaign)}/models")["models"]

    def model(self, campaign, model):
        return self.request("GET", f"/v1/campaigns/{_quote(campaign)}/models/{_quote(model)}")

    def retrain(self, campaign):
        return self.request("POST", f"/v1/campaigns/{_quote(campaign)}:retrain", {},
                            key=_digest(os.urandom(16).hex()))

    def job(self, job):
        return self.request("GET", f"/v1/jobs/{_quote(job)}")

    def jobs(self):
        return self.request("GET", "/v1/jobs")["jobs"]

    # -- plumbing ----------------------------------------------------------------------------------------------

    def request(self, method, path, body=None, content_type="application/json", key=None):
        """One request, retried with growing pauses while the daemon is unreachable or busy. Requests are safe to
        repeat: reads are, and every POST carries an idempotency key or a verb that does nothing the second time."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, allow_nan=False).encode("utf-8")
        deadline = self._clock() + self.patience_s
        pause = 0.1
        while True:
            try:
                return self._once(method, path, body, content_type, key)
            except (OSError, http.client.HTTPException) as error:  # URLError and TimeoutError among them
                problem = f"no answer from {self.url}: {error}"
            except Refused as error:
                if error.status not in _BUSY:
                    raise
                problem = str(error)
            pause_now = pause * (0.5 + random.random())
            if self._clock() + pause_now > deadline:
                raise Unreachable(problem)
            self._sleep(pause_now)
            pause = min(pause * 2.0, 10.0)

    def _once(self, method, path, body, content_type, key):
        request = urllib.request.Request(self.url + path, data=body, method=method)
        request.add_header("Accept", "application/json")
        if body is not None:
            request.add_header("Content-Type", content_type)
        if key:
            request.add_header("Idempotency-Key", key)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                problem = json.loads(text)
            except ValueError:
                problem = {"detail": text[:200].decode("utf-8", "replace")}
            raise Refused(error.code, problem) from None
        return json.loads(text) if text else {}

    def _verb(self, proposal, verb, body):
        return self.request("POST", f"/v1/proposals/{_quote(proposal)}:{verb}", {"client": self.client, **body})

    def _deliver(self, path, key, body, waiting):
        try:
            answer = self.request("POST", path, body.encode("utf-8"), key=key)
        except Refused as error:
            # A wrong token or a campaign that is not there yet is no fault of the data: it goes on waiting.
            if waiting and error.status not in _BUSY + (401, 403, 404):
                with open(waiting[:-5] + ".refused", "w", encoding="utf-8") as file:
                    json.dump({"path": path, "key": key, "body": body, "problem": error.problem}, file)
                _remove(waiting)
            raise
        if waiting:
            _remove(waiting)
        return answer

    def _spool_write(self, path, key, body):
        if not self.spool:
            return None
        handle, partial = tempfile.mkstemp(dir=self.spool, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"path": path, "key": key, "body": body}, file)
            file.flush()
            os.fsync(file.fileno())
        final = os.path.join(self.spool, f"{time.time_ns():020d}-{key[:12]}.json")
        os.rename(partial, final)
        folder = os.open(self.spool, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return final


def _plain(value):
    """What JSON can hold: numbers of other libraries as numbers, NaN and infinity as null, anything else by its
    text, which the daemon then names."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "item") and callable(value.item):  # numpy's scalars
        try:
            return _plain(value.item())
        except (TypeError, ValueError):
            return str(value)
    try:
        return _plain(int(value) if value == int(value) else float(value))
    except (TypeError, ValueError, OverflowError, ArithmeticError):
        try:
            return _plain(float(value))
        except (TypeError, ValueError, OverflowError, ArithmeticError):
            return str(value)


def _value_of(value):
    return value.get("value") if isinstance(value, dict) else value


def _remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _quote(text):
    return urllib.parse.quote(str(text), safe="")


def _digest(*parts):
    return hashlib.sha256("\x1f".join(parts).encode("utf-8")).hexdigest()
