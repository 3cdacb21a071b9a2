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
import decimal
import fractions
import hashlib
import http.client
import ipaddress
import json
import math
import os
import random
import ssl
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings

__all__ = ["Client", "NotUnderstood", "Refused", "Unreachable", "Untrusted"]


_AGAIN = (308, 408, 425, 429, 500, 502, 503, 504, 507)  # answers that another try may change


class Refused(Exception):
    """The daemon understood the request and said no: a problem document (RFC 9457)."""

    def __init__(self, status, problem):
        self.status = status
        self.problem = problem if isinstance(problem, dict) else {"detail": str(problem)}
        super().__init__(f"{status} {self.problem.get('title', '')}: {self.problem.get('detail', '')}".strip(": "))


class Unreachable(Exception):
    """No answer from the daemon within the client's patience. What was spooled goes on waiting."""


class NotUnderstood(Unreachable):
    """Somebody answered, but not as the daemon does: a redirect, a proxy's page, a receipt without the ingest or with
    another number of rows. What was spooled goes on waiting: nobody knows whether it was stored, and posting it again is
    harmless."""


class Untrusted(Unreachable):
    """The daemon's certificate cannot be trusted; see ca_file."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would turn a POST into a GET and carry the token to another host. Where it leads is not even read."""

    def http_error_302(self, req, fp, code, msg, headers):
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class Client:
    """url: of the daemon. client: the name that leases are given to; the same name after a restart gets its own
    leases back. token: bearer token, or None on a daemon without tokens. spool: folder for deliveries that wait.
    patience_s: how long a request is retried while the daemon does not answer, or answers that it is busy.
    ca_file: PEM file of who signed the daemon's certificate (default: KASETSU_CA_FILE, else the system's)."""

    def __init__(self, url="http://127.0.0.1:8765", client="python", token=None, spool=None, patience_s=120.0,
                 timeout_s=60.0, sleep=time.sleep, clock=time.monotonic, ca_file=None):
        self.url = url.strip().rstrip("/")
        self.client = client
        self._token = _clean_token(token)
        self.spool = spool
        self.patience_s = patience_s
        self.timeout_s = timeout_s
        self._sleep = sleep
        self._clock = clock
        handlers = [_NoRedirects()]
        ca_file = ca_file or os.environ.get("KASETSU_CA_FILE") or None
        if self.url.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))
        if _is_loopback(self.url):  # cron inherits http_proxy, which knows nothing of this machine's daemon
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)
        if spool:
            os.makedirs(spool, mode=0o700, exist_ok=True)

    def __repr__(self):
        return f"Client({self.url!r}, client={self.client!r})"

    # -- campaigns ---------------------------------------------------------------------------------------------

    def apply_campaign(self, toml_text):
        """The text holds from now on, also one that held once before. The text that holds already changes nothing."""
        return self.request("POST", "/v1/campaigns", toml_text.encode("utf-8"), "application/toml",
                            key=_digest(os.urandom(16).hex()))

    def campaign(self, name):
        return self.request("GET", f"/v1/campaigns/{_quote(name)}")

    # -- measurements ------------------------------------------------------------------------------------------

    def post_measurements(self, campaign, source, run, rows, key=None, revise=False):
        """Posts one delivery and returns the daemon's verdict on each row. The idempotency key is made from the
        content unless one is given. revise: rows that are known with other content are corrections.

        Numbers may be of any kind (Decimal, numpy). A value that is None or NaN was not measured: it is left out, and a
        row without any other value gets the verdict "not measured" here, while the other rows are delivered."""
        sendable, places, unmeasured = [], [], []
        for place, row in enumerate(rows):
            plain, missing = _plain_row(row)
            if missing and not plain["values"]:
                unmeasured.append({"row": place, "verdict": "not measured",
                                   "reason": ", ".join(missing) + ": no number was measured"})
            else:
                sendable.append(plain)
                places.append(place)
        if unmeasured and not sendable:
            return {"ingest": None, "accepted": 0, "rows": unmeasured}
        delivery = {"source": _plain(source), "run": _plain(run), "rows": sendable}
        if revise:
            delivery["revise"] = True
        body = json.dumps(delivery, sort_keys=True, allow_nan=False)
        key = key or _digest("measurements", campaign, body)
        path = f"/v1/campaigns/{_quote(campaign)}/measurements"
        waiting = self._spool_write(path, key, body)
        answer = self._deliver(path, key, body, waiting)
        if unmeasured:
            for row, place in zip(answer["rows"], places):
                row["row"] = place
            answer["rows"] = sorted(answer["rows"] + unmeasured, key=lambda row: row["row"])
        return answer

    def flush(self):
        """Sends what waits in the spool, oldest first; returns how many deliveries were settled. A delivery that
        the daemon refuses for good is kept beside the spool as `.refused` with the reason; one whose answer is not
        understood stays, with a warning, and the next ones are sent all the same."""
        settled = 0
        for name in sorted(os.listdir(self.spool)) if self.spool else []:
            if not name.endswith(".json"):
                continue
            path = os.path.join(self.spool, name)
            try:
                where, key, body = _read_spooled(path)
            except FileNotFoundError:
                continue  # another process of this robot was quicker
            except OSError as error:
                warnings.warn(f"{path} cannot be read: {error}")
                continue
            except (ValueError, RecursionError):
                _set_aside(path)  # no file of this client: for a person to look at
                continue
            try:
                self._deliver(where, key, body, path)
            except Refused:
                if os.path.exists(path):
                    continue
            except NotUnderstood as error:
                warnings.warn(f"{path} goes on waiting: {error}")
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
            found += self._list(page, "proposals")
            asked, token = token, page.get("next_page_token") or ""
            if not token:
                return found
            if token == asked:
                raise NotUnderstood(f"{self.url} names the page that it sent as the next one")

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
        return self._list(self.request("GET", f"/v1/campaigns/{_quote(campaign)}/models"), "models")

    def model(self, campaign, model):
        return self.request("GET", f"/v1/campaigns/{_quote(campaign)}/models/{_quote(model)}")

    def retrain(self, campaign):
        return self.request("POST", f"/v1/campaigns/{_quote(campaign)}:retrain", {},
                            key=_digest(os.urandom(16).hex()))

    def job(self, job):
        return self.request("GET", f"/v1/jobs/{_quote(job)}")

    def jobs(self):
        return self._list(self.request("GET", "/v1/jobs"), "jobs")

    # -- plumbing ----------------------------------------------------------------------------------------------

    def request(self, method, path, body=None, content_type="application/json", key=None):
        """One request, retried with growing pauses while the daemon is unreachable or busy. Requests are safe to
        repeat: reads are, and every POST carries an idempotency key or a verb that does nothing the second time."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(_plain(body), allow_nan=False).encode("utf-8")
        deadline = self._clock() + self.patience_s
        pause = 0.1
        while True:
            try:
                return self._once(method, path, body, content_type, key)
            except (OSError, http.client.HTTPException) as error:  # URLError and TimeoutError among them
                reason = getattr(error, "reason", error)
                if isinstance(reason, ssl.SSLCertVerificationError):
                    raise Untrusted(f"the certificate of {self.url} is not trusted: {reason.verify_message}; give the "
                                    "file of who signed it as ca_file or in KASETSU_CA_FILE") from None
                problem = Unreachable(f"no answer from {self.url}: {error}")
            except Refused as error:
                if error.status not in _AGAIN:
                    raise
                problem = (NotUnderstood if error.status in (308, 408, 425) else Unreachable)(str(error))
            pause_now = pause * (0.5 + random.random())
            if self._clock() + pause_now > deadline:
                raise problem from None
            self._sleep(pause_now)
            pause = min(pause * 2.0, 10.0)

    def _once(self, method, path, body, content_type, key):
        request = urllib.request.Request(self.url + path, data=body, method=method)
        request.add_header("Accept", "application/json")
        if body is not None:
            request.add_header("Content-Type", content_type)
        if key:
            request.add_header("Idempotency-Key", key)
        if self._token:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=self.timeout_s) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, text, target = error.code, error.read(), error.headers.get("Location", "")
            problem = _json(text)
            is_problem = isinstance(problem, dict) and any(name in problem for name in ("title", "detail", "code"))
            if is_problem or status in _AGAIN:
                raise Refused(status, problem if is_problem else {"detail": _shown(text)}) from None
            if 300 <= status < 400:
                raise NotUnderstood(f"{self.url} answers {status}: the daemon is elsewhere ({_shown(target)}); redirects are "
                                    "not followed, give its own address as url") from None
            raise NotUnderstood(f"{self.url} answers {status}, and not as a daemon does: {_shown(text)}") from None
        if not text:
            return {}
        answer = _json(text)
        if answer is None:
            raise NotUnderstood(f"{self.url} answers {status} without JSON: {_shown(text)}")
        return answer

    def _list(self, answer, name):
        if isinstance(answer, dict) and isinstance(answer.get(name), list):
            return answer[name]
        raise NotUnderstood(f"the answer of {self.url} has no list of {name}: {_shown(json.dumps(answer))}")

    def _verb(self, proposal, verb, body):
        return self.request("POST", f"/v1/proposals/{_quote(proposal)}:{verb}", {"client": self.client, **body})

    def _deliver(self, path, key, body, waiting):
        try:
            answer = self.request("POST", path, body.encode("utf-8"), key=key)
        except Refused as error:
            # A wrong token or a campaign that is not there yet is no fault of the data: it goes on waiting.
            if waiting and error.status not in (401, 403, 404):
                with open(waiting[:-5] + ".refused", "w", encoding="utf-8") as file:
                    json.dump({"path": path, "key": key, "body": body, "problem": error.problem}, file)
                _remove(waiting)
            raise
        rows = answer.get("rows") if isinstance(answer, dict) else None
        sent = _rows_of(body)
        if not (isinstance(rows, list) and answer.get("ingest") and isinstance(answer["ingest"], str)
                and (sent is None or len(rows) == sent) and all(isinstance(row, dict) for row in rows)):
            raise NotUnderstood(f"the answer of {self.url} is no receipt of {sent} rows: {_shown(json.dumps(answer))}")
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


def _clean_token(token):
    if not token:
        return None
    token = (token.decode("ascii", "replace") if isinstance(token, bytes) else str(token)).strip()
    if not all("!" <= character <= "~" for character in token):
        # Without its text: an exception may end in a log.
        raise ValueError("the token holds a space, a line end or another character that no token has")
    return token or None


def _is_loopback(url):
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _plain_row(row):
    """A row as JSON can hold it, and the names of values that are no measured numbers, which it lacks."""
    plain = _plain(row)
    if not isinstance(plain, dict) or not isinstance(row.get("values"), dict):
        return plain, []
    missing = [str(name) for name, value in row["values"].items() if _is_missing(value)]
    plain["values"] = {name: value for name, value in plain["values"].items() if name not in missing}
    return plain, missing


def _is_missing(value):
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return bool(value != value)  # NaN of every kind of number
    except (TypeError, ValueError, ArithmeticError):
        return isinstance(value, decimal.Decimal) and value.is_nan()  # also a signalling one


def _plain(value):
    """As JSON can hold it. Numbers of other kinds become numbers; what is no number and no text becomes its text, which
    the daemon puts in quarantine with its reason, so that the other rows go on."""
    if value is None or isinstance(value, (bool, int)) and type(value) in (bool, int):
        return value
    if isinstance(value, str):
        return str(value).encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, (float, decimal.Decimal, fractions.Fraction)):
        try:
            number = float(value)
        except (OverflowError, ValueError):
            return str(value)
        return number if math.isfinite(number) else str(value)
    if isinstance(value, dict):
        return {str(_plain(name)): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    for method in ("isoformat", "tolist", "item"):  # dates; arrays and numbers of numpy
        if callable(getattr(value, method, None)):
            try:
                converted = getattr(value, method)()
            except (TypeError, ValueError):
                continue
            return str(value) if isinstance(converted, type(value)) else _plain(converted)
    if isinstance(value, int):
        return int(value)
    return str(value)


def _read_spooled(path):
    with open(path, "rb") as file:
        waiting = json.loads(file.read())
    if not isinstance(waiting, dict):
        raise ValueError("no delivery")
    parts = [waiting.get(name) for name in ("path", "key", "body")]
    # A path that does not begin so would lead the token to another host.
    if not all(isinstance(part, str) for part in parts) or not parts[0].startswith("/v1/") or not parts[0].isprintable():
        raise ValueError("no delivery")
    return parts


def _set_aside(path):
    try:
        os.rename(path, path[:-5] + ".unreadable")
    except OSError as error:
        warnings.warn(f"{path} is no delivery, and cannot be put aside: {error}")


def _rows_of(body):
    delivery = _json(body)
    rows = delivery.get("rows") if isinstance(delivery, dict) else None
    return len(rows) if isinstance(rows, list) else None


def _json(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _shown(text):
    """The beginning of a stranger's text, without characters that steer a terminal."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text[:200])


def _remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _quote(text):
    return urllib.parse.quote(str(text), safe="")


def _digest(*parts):
    return hashlib.sha256("\x1f".join(parts).encode("utf-8")).hexdigest()
