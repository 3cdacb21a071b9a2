// What pages share: who is signed in, and data that are read again when something happens.
import { useCallback, useEffect, useRef, useState } from "./html.js";
import { get } from "./api.js";
import { onEvent, onReturn } from "./live.js";

export const session = { name: "", scopes: [], tokens: false, signed_in: false, last_event: 0 };

export async function readSession() {
  Object.assign(session, await get("/v1/session"));
  return session;
}

// Whether the one who looks may do it: what they may not is not offered.
export const may = (scope) => session.scopes.includes(scope);

// Reads with `make(signal)`, and again on events for which matters(event) is true (at most once in `pause` ms), and when the
// daemon answers again after a silence.
// Returns {data, error, busy, again}.
export function useData(make, keys, { matters = () => true, pause = 400 } = {}) {
  const [result, setResult] = useState({ data: null, error: null, busy: true });
  const round = useRef(0);
  const read = useCallback(() => {
    const mine = ++round.current;
    const stop = new AbortController();
    make(stop.signal).then(
      (data) => mine === round.current && setResult({ data, error: null, busy: false }),
      (error) => mine === round.current && setResult((before) => ({ ...before, error, busy: false })),
    );
    return stop;
  }, keys);
  useEffect(() => {
    setResult((before) => ({ ...before, busy: true }));
    let stop = read();
    let timer = 0;
    const end = onEvent((event) => {
      if (timer || !matters(event)) return;
      timer = setTimeout(() => {
        timer = 0;
        stop = read();
      }, pause);
    });
    const endReturn = onReturn(() => {
      stop = read();
    });
    return () => {
      end();
      endReturn();
      clearTimeout(timer);
      round.current += 1;
      stop.abort();
    };
  }, [read]);
  return { ...result, again: read };
}

// Reads every `every` ms while `active`: for progress, which has no events.
export function useEvery(every, active, act) {
  useEffect(() => {
    if (!active) return undefined;
    const timer = setInterval(act, every);
    return () => clearInterval(timer);
  }, [active, every, act]);
}

// A setting of this browser; not there where storage is forbidden.
export function kept(name) {
  try {
    return localStorage.getItem(`kasetsu.${name}`);
  } catch {
    return null;
  }
}
export function keep(name, value) {
  try {
    localStorage.setItem(`kasetsu.${name}`, value);
  } catch {
    // Private windows keep nothing; the setting holds until the page is closed.
  }
}
