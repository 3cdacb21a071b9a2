// What happens in the daemon, told to the pages by server-sent events.
const listeners = new Set();
const states = new Set();
const returns = new Set();
const AGAIN = 3000;  // ms between attempts, where the browser itself has given up
let source = null;
let timer = 0;
let seen = 0;
let cursor = "";  // of the newest event: the timeline of the database, and its number
let state = "waiting";
let known = false;
let following = false;  // somebody is signed in

function tell(next) {
  if (state === next) return;
  state = next;
  for (const listener of states) listener(next);
}

// listener(event) for every event; returns what ends it.
export function onEvent(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// listener("live" | "waiting") now and whenever it changes; returns what ends it.
export function onState(listener) {
  states.add(listener);
  listener(state);
  return () => states.delete(listener);
}

// listener() when the daemon is there again after a silence; returns what ends it.
export function onReturn(listener) {
  returns.add(listener);
  return () => returns.delete(listener);
}

// Follows the events after number `after`.
export function follow(after) {
  if (after > seen) cursor = "";
  seen = Math.max(seen, after);
  following = true;
  open();
}

function open() {
  close();
  source = new EventSource(`/v1/events?after=${cursor || seen}`);
  source.onopen = () => {
    tell("live");
    if (known) for (const listener of returns) listener();
    known = true;
  };
  // A backup took the database's place: nothing that the page shows may be so any more.
  source.addEventListener("reset", () => location.reload());
  source.onerror = () => {
    tell("waiting");
    // An answer other than a stream ends the browser's own attempts.
    if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN);
  };
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    seen = Math.max(seen, event.seq);
    cursor = message.lastEventId;
    for (const listener of listeners) listener(event);
  };
}

function close() {
  clearTimeout(timer);
  if (source) source.close();
  source = null;
  tell("waiting");
}

export function stop() {
  following = false;
  close();
}

// A browser has six connections to a daemon: a page that nobody looks at gives its own back.
document.addEventListener("visibilitychange", () => {
  if (document.hidden && source) {
    close();
  } else if (!document.hidden && !source && following) {
    open();
  }
});
